package identity

import (
	"context"

	"muster/internal/database"
)

// activeUsers are the people whose membership in the context's workspace counts now.
func (s *Service) activeUsers(ctx context.Context) ([]User, error) {
	now := s.db.Now(ctx)
	members, err := database.List(ctx, "members", database.Of[Member](s.db.Conn(ctx)).Where("expires_at IS NULL OR expires_at > ?", now))
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(members))
	for _, m := range members {
		ids = append(ids, m.UserID)
	}
	var users []User
	err = database.Chunks(ids, func(some []int64) error {
		rows, err := database.List(ctx, "users", database.Of[User](s.db.Conn(ctx)).Where("id IN ? AND disabled_at IS NULL", some))
		users = append(users, rows...)
		return err
	})
	return users, err
}

func (s *Service) allWorkspaceIDs(ctx context.Context) ([]int64, error) {
	rows, err := database.List(ctx, "workspaces", database.Of[Workspace](s.db.Conn(ctx)).Where("id > 0").Order("id"))
	ids := make([]int64, 0, len(rows))
	for _, w := range rows {
		ids = append(ids, w.ID)
	}
	return ids, err
}
