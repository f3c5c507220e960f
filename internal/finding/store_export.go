package finding

import (
	"context"

	"muster/internal/database"
)

// exportPage reads the next findings of a list, whole.
func (s *Service) exportPage(ctx context.Context, f *Filter) ([]Finding, error) {
	q := s.chosen(ctx, f)
	if priority, id, ok := after(f.After); ok {
		q = q.Where("(priority, id) < (?, ?)", priority, id)
	}
	return database.List(ctx, "findings", q.Order("priority DESC, id DESC").Limit(exportPage))
}

// decisions gives what people wrote when they last decided on findings.
func (s *Service) decisions(ctx context.Context, ids []int64) (map[int64]string, error) {
	notes := map[int64]string{}
	return notes, database.Chunks(set(ids), func(some []int64) error {
		rows, err := database.List(ctx, "decisions", database.Of[Event](s.db.Conn(ctx)).Select("id", "finding_id", "note").
			Where("finding_id IN ? AND to_state IN ? AND from_state <> to_state", some, []State{FalsePositive, NotAffected, Accepted, Duplicate}).Order("id"))
		for _, v := range rows {
			notes[v.FindingID] = v.Note
		}
		return err
	})
}

// ownersOf tells whose findings are.
func (s *Service) ownersOf(ctx context.Context, ids []int64) (map[int64]Finding, error) {
	out := map[int64]Finding{}
	return out, database.Chunks(set(ids), func(some []int64) error {
		rows, err := database.List(ctx, "findings", database.Of[Finding](s.db.Conn(ctx)).Select("id", "service_id", "label").Where("id IN ? AND retracted_at IS NULL", some))
		for i := range rows {
			out[rows[i].ID] = rows[i]
		}
		return err
	})
}
