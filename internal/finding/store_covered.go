package finding

import (
	"context"
	"fmt"
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
		var newest []int64
		if err := s.db.Conn(ctx).Model(&Event{}).Where("finding_id IN ? AND from_state <> to_state", some).Group("finding_id").Pluck("MAX(id)", &newest).Error; err != nil {
			return fmt.Errorf("list last moves: %w", err)
		}
		rows, err := database.List(ctx, "history", database.Of[Event](s.db.Conn(ctx)).Select("id, workspace_id, finding_id, actor_name, import_id, words, layer, to_state").Where("id IN ?", append([]int64{-1}, newest...)))
		all = append(all, rows...)
		return err
	})
}

// sortable is up to how many findings are put in order each time; of more, enough come early in the order of all.
const sortable = 5000

// soon reads only an index until it knows which findings come first: that of the services, or, where they have many, the
// one of every due date. The plus sign keeps a database from taking the other.
func (s *Service) soon(ctx context.Context, services []int64, before time.Time, most int) ([]Finding, error) {
	n := int64(0)
	if err := s.db.Conn(ctx).Model(&Count{}).Select("COALESCE(SUM(n), 0)").Where("service_id IN ? AND state IN ?", services, todo()).Scan(&n).Error; err != nil {
		return nil, fmt.Errorf("count what is due soon: %w", err)
	}
	condition := "service_id IN ?"
	if n > sortable {
		condition = "+service_id IN ?"
	}
	var first []int64 // by themselves: within one question SQLite would go through every finding to ask which of them these are
	q := s.db.Conn(ctx).Model(&Finding{}).Where("due_at < ?", before).Where(condition, services).Where(todoWords).Order("due_at, id").Limit(most)
	if err := q.Pluck("id", &first).Error; err != nil {
		return nil, fmt.Errorf("list what is due soon: %w", err)
	}
	return database.List(ctx, "findings due soon", database.Of[Finding](s.db.Conn(ctx)).Select("id, workspace_id, service_id, title, vulnerability, package, installed, severity, due_at").Where("id IN ? AND retracted_at IS NULL", append([]int64{-1}, first...)).Order("due_at, id"))
}
