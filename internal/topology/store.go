package topology

import (
	"context"
	"time"

	"muster/internal/database"
)

// ArcTest is one try to call from a place inside a network.
type ArcTest struct {
	ID            int64 `gorm:"primaryKey"`
	WorkspaceID   int64
	EnvironmentID int64
	FromID        int64 // services
	ToID          int64
	Address       string
	Connected     bool
	Answer        string // anonymous, refused, none
	Observed      string
	SeenFrom      string // the place, by the name that the prober was given
	Expected      string // what the map said then: closed, unknown
	ActorID       int64
	ActorName     string
	At            time.Time
	CreatedAt     time.Time
}

// maxTests is how many of the newest tests are looked at.
const maxTests = 100_000

func (s *Service) tests(ctx context.Context) ([]ArcTest, error) {
	return database.List(ctx, "arc tests", database.Of[ArcTest](s.db.Conn(ctx)).Order("at DESC, id DESC").Limit(maxTests))
}

func (s *Service) insertTests(ctx context.Context, rows []ArcTest) error {
	return database.InsertAll(ctx, s.db, "arc tests", rows)
}
