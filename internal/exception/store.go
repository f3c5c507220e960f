package exception

import (
	"context"
	"fmt"
	"time"

	"muster/internal/database"
	"muster/internal/fault"
)

// PageSize is how many exceptions a page holds.
const PageSize = 50

func (s *Service) byID(ctx context.Context, id int64) (Exception, bool, error) {
	return database.Take(ctx, "exception", database.Of[Exception](s.db.Conn(ctx)).Where("id = ?", id))
}

func (s *Service) waiting(ctx context.Context, control string, service int64) (bool, error) {
	_, found, err := database.Take(ctx, "exception", database.Of[Exception](s.db.Conn(ctx)).Where("control = ? AND service_id = ? AND state = ?", control, service, Requested))
	return found, err
}

// settle stores a decision, unless somebody else decided first.
func (s *Service) settle(ctx context.Context, e *Exception, was State) error {
	r := s.db.Conn(ctx).Model(&Exception{}).Where("id = ? AND state = ?", e.ID, was).
		Select("state", "decided_by", "decider_name", "decided_at", "decision_note", "ended_at").Updates(e)
	if r.Error != nil {
		return fmt.Errorf("save exception: %w", r.Error)
	}
	if r.RowsAffected != 1 {
		return fault.New(fault.Conflict, "Somebody else decided on this exception just now.")
	}
	return nil
}

func (s *Service) decidedBy(ctx context.Context, at time.Time) ([]Exception, error) {
	return database.List(ctx, "exceptions", database.Of[Exception](s.db.Conn(ctx)).Where("decided_at <= ? AND expires_at > ? AND state IN ?", at, at, []State{Approved, Ended}).Order("id"))
}

func (s *Service) list(ctx context.Context, services []int64, page int) (Page, error) {
	chosen := func() database.Query[Exception] {
		q := database.Of[Exception](s.db.Conn(ctx)).Where("id > 0")
		if services != nil {
			q = q.Where("service_id IN ?", append([]int64{0}, services...))
		}
		return q
	}
	total, err := chosen().Count(ctx, "*")
	if err != nil {
		return Page{}, fmt.Errorf("count exceptions: %w", err)
	}
	rows, err := database.List(ctx, "exceptions", chosen().
		Order("CASE state WHEN 'requested' THEN 0 WHEN 'approved' THEN 1 ELSE 2 END, id DESC").Offset((page-1)*PageSize).Limit(PageSize))
	return Page{Rows: rows, Total: total}, err
}

func (s *Service) of(ctx context.Context, service int64, control string) ([]Exception, error) {
	return database.List(ctx, "exceptions", database.Of[Exception](s.db.Conn(ctx)).Where("control = ? AND service_id IN ?", control, []int64{0, service}).Order("id DESC").Limit(50))
}

func (s *Service) requested(ctx context.Context) ([]Exception, error) {
	return database.List(ctx, "requests", database.Of[Exception](s.db.Conn(ctx)).Where("state = ?", Requested).Order("id").Limit(PageSize))
}
