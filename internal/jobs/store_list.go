package jobs

import (
	"context"
	"fmt"

	"muster/internal/database"
)

func (s *Service) list(ctx context.Context, f Filter) (Page, error) {
	chosen := func() database.Query[Run] {
		q := database.Of[Run](s.db.Conn(ctx)).Where("id > 0")
		if f.State != Dead {
			q = q.Where("parent_id = 0")
		}
		if f.State != "" {
			q = q.Where("state = ?", f.State)
		}
		if f.Kind != "" {
			q = q.Where("kind = ?", f.Kind)
		}
		return q
	}
	total, err := chosen().Count(ctx, "*")
	if err != nil {
		return Page{}, fmt.Errorf("count runs: %w", err)
	}
	rows, err := database.List(ctx, "runs", chosen().Order("id DESC").Offset((f.Page-1)*PageSize).Limit(PageSize))
	return Page{Rows: rows, Total: total}, err
}

// before finds the last run of the same work that was done before a run.
func (s *Service) before(ctx context.Context, r *Run) (Run, bool, error) {
	q := database.Of[Run](s.db.Conn(ctx)).Where("kind = ? AND name = ? AND id < ? AND state = ?", r.Kind, r.Name, r.ID, Done)
	if r.ScheduleID > 0 {
		q = database.Of[Run](s.db.Conn(ctx)).Where("schedule_id = ? AND schedule_id > 0 AND id < ? AND state = ?", r.ScheduleID, r.ID, Done)
	}
	return database.Take(ctx, "run before", q.Order("id DESC"))
}

func (s *Service) childStates(ctx context.Context, parent int64) (map[State]int64, error) {
	var rows []struct {
		State State
		N     int64
	}
	err := s.db.Conn(ctx).Model(&Run{}).Select("state, COUNT(*) AS n").Where("parent_id = ? AND parent_id > 0", parent).Group("state").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count child runs: %w", err)
	}
	counts := map[State]int64{}
	for _, r := range rows {
		counts[r.State] = r.N
	}
	return counts, nil
}

func (s *Service) childPage(ctx context.Context, parent int64, number int) ([]Run, error) {
	return database.List(ctx, "child runs", database.Of[Run](s.db.Conn(ctx)).Where("parent_id = ? AND parent_id > 0", parent).Order("id").Offset((number-1)*PageSize).Limit(PageSize))
}

func (s *Service) lines(ctx context.Context, run int64, number int) ([]Line, error) {
	return database.List(ctx, "log of a run", database.Of[Line](s.db.Conn(ctx)).Where("run_id = ?", run).Order("id").Offset((number-1)*LinesSize).Limit(LinesSize))
}

// needing are the reminders that are due and the runs that gave up, in one question: the overview asks at each visit.
func (s *Service) needing(ctx context.Context) ([]Run, error) {
	return database.List(ctx, "runs that need somebody", database.Of[Run](s.db.Conn(ctx)).Where("due OR state = ?", Dead).Order("id").Limit(mostNeeding))
}

// mostNeeding is how many runs that need somebody are looked at.
const mostNeeding = 200

// settleReminder marks a reminder, and those of its schedule before it, as done.
func (s *Service) settleReminder(ctx context.Context, r *Run) error {
	q := s.db.Conn(ctx).Model(&Run{}).Where("id = ? AND due", r.ID)
	if r.ScheduleID > 0 {
		q = s.db.Conn(ctx).Model(&Run{}).Where("schedule_id = ? AND due AND id <= ?", r.ScheduleID, r.ID)
	}
	if err := q.Select("due", "settled_by", "settler_name", "settled_at", "settled_note").Updates(r).Error; err != nil {
		return fmt.Errorf("mark reminder done: %w", err)
	}
	return nil
}
