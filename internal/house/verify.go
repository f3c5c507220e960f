package house

import (
	"context"
	"fmt"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
)

// Verification is what `muster verify` found.
type Verification struct {
	Version    int64    // of the schema
	Activities int      // entries of the activity log that hold
	Problems   []string // one sentence each; none when all is well
}

// Verify checks the database's own integrity, its schema version and every chain of the activity log.
func Verify(ctx context.Context, db *database.DB) (Verification, error) {
	var v Verification
	steps, err := db.Migrations(ctx)
	if err != nil {
		return v, err
	}
	for _, m := range steps {
		if m.AppliedAt.IsZero() {
			v.Problems = append(v.Problems, fmt.Sprintf("The schema lacks %s; run muster migrate up.", m.Name))
			continue
		}
		v.Version = m.Version
	}
	if err := db.Integrity(ctx); err != nil {
		v.Problems = append(v.Problems, fmt.Sprintf("The database is damaged: %v. Restore the newest backup.", err))
		return v, nil
	}
	if v.Version == 0 {
		return v, nil
	}
	control, err := access.New()
	if err != nil {
		return v, err
	}
	v.Activities, err = activity.New(db, control).Verify(database.Across(ctx, "verify every chain"))
	if err != nil {
		v.Problems = append(v.Problems, fmt.Sprintf("The activity log was changed: %v.", err))
	}
	return v, nil
}
