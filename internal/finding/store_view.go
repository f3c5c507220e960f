package finding

import (
	"context"
	"fmt"

	"muster/internal/database"
)

// viewsOf lists a person's kept lists and the shared ones.
func (s *Service) viewsOf(ctx context.Context, user int64) ([]View, error) {
	return database.List(ctx, "lists", database.Of[View](s.db.Conn(ctx)).Where("user_id IN ?", []int64{0, user}).Order("name, id").Limit(2*maxViews))
}

func (s *Service) renameView(ctx context.Context, v *View) error {
	if _, err := database.Of[View](s.db.Conn(ctx)).Where("id = ?", v.ID).Update(ctx, "name", v.Name); err != nil {
		return fmt.Errorf("rename list: %w", err)
	}
	return nil
}

func (s *Service) dropView(ctx context.Context, id int64) error {
	if _, err := database.Of[View](s.db.Conn(ctx)).Where("id = ?", id).Delete(ctx); err != nil {
		return fmt.Errorf("delete list: %w", err)
	}
	return nil
}
