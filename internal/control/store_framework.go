package control

import (
	"context"
	"fmt"

	"muster/internal/control/catalogue"
	"muster/internal/database"
)

func (s *Service) texts(ctx context.Context, framework string) ([]FrameworkText, error) {
	return database.List(ctx, "texts of a framework", database.Of[FrameworkText](s.db.Conn(ctx)).Where("framework = ?", framework).Order("id"))
}

// replaceTexts drops what was imported of the framework before.
func (s *Service) replaceTexts(ctx context.Context, framework string, found []catalogue.Requirement) error {
	if err := s.db.Conn(ctx).Where("framework = ?", framework).Delete(&FrameworkText{}).Error; err != nil {
		return fmt.Errorf("drop the texts of a framework: %w", err)
	}
	now := s.db.Now(ctx)
	rows := make([]FrameworkText, 0, len(found))
	for i := range found {
		rows = append(rows, FrameworkText{Framework: framework, Requirement: found[i].ID, Words: wordsOf(&found[i]), CreatedAt: now})
	}
	return database.InsertAll(ctx, s.db, "texts of a framework", rows)
}
