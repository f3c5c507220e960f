package finding

import (
	"context"
	"strings"
	"time"

	"muster/internal/database"
)

func (s *Service) facts(ctx context.Context, ids []int64) ([]Finding, error) {
	var all []Finding
	return all, database.Chunks(set(ids), func(some []int64) error {
		rows, err := database.List(ctx, "findings", database.Of[Finding](s.db.Conn(ctx)).Select(strings.Join(listed, ", ")+", decided_layer, retracted_at").Where("id IN ?", some))
		all = append(all, rows...)
		return err
	})
}

func (s *Service) lastMoves(ctx context.Context, ids []int64) ([]Event, error) {
	var all []Event
	return all, database.Chunks(set(ids), func(some []int64) error {
		newest := s.db.Conn(ctx).Model(&Event{}).Select("MAX(id)").Where("workspace_id = ? AND finding_id IN ? AND from_state <> to_state", database.Workspace(ctx), some).Group("finding_id")
		rows, err := database.List(ctx, "history", database.Of[Event](s.db.Conn(ctx)).Select("id, workspace_id, finding_id, actor_name, import_id, words, layer, to_state").Where("id IN (?)", newest))
		all = append(all, rows...)
		return err
	})
}

// soon reads only the index until it knows which findings come first.
func (s *Service) soon(ctx context.Context, services []int64, before time.Time, most int) ([]Finding, error) {
	first := s.db.Conn(ctx).Model(&Finding{}).Select("id").Where("workspace_id = ? AND service_id IN ? AND due_at < ?", database.Workspace(ctx), services, before).Where(todoWords).Order("due_at, id").Limit(most)
	return database.List(ctx, "findings due soon", database.Of[Finding](s.db.Conn(ctx)).Select(strings.Join(listed, ", ")).Where("id IN (?) AND retracted_at IS NULL", first).Order("due_at, id"))
}
