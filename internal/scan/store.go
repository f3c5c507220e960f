package scan

import (
	"context"
	"fmt"

	"muster/internal/database"
)

// maxVisits is the most visits that one question is answered with.
const maxVisits = 1000

// living are visits of endpoints that the inventory still has.
const living = "EXISTS (SELECT 1 FROM endpoints e WHERE e.workspace_id = probe_visits.workspace_id AND e.service_id = probe_visits.service_id AND e.environment_id = probe_visits.environment_id AND e.address = probe_visits.address AND e.gone_at IS NULL)"

func (s *Service) visitsOf(ctx context.Context, columns string, services []int64) ([]Visit, error) {
	var all []Visit
	err := database.Chunks(services, func(ids []int64) error {
		rows, err := database.List(ctx, "visits", database.Of[Visit](s.db.Conn(ctx)).Select(columns).Where("service_id IN ? AND "+living, ids).Order("service_id, address, seen_from").Limit(maxVisits))
		all = append(all, rows...)
		return err
	})
	return all, err
}

// keep stores the newest visit of each place.
func (s *Service) keep(ctx context.Context, visits []Visit) error {
	if len(visits) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(visits))
	for i := range visits {
		ids = append(ids, visits[i].ServiceID)
	}
	known, err := s.visitsOf(ctx, light, unique(ids))
	if err != nil {
		return err
	}
	type key struct {
		service, environment int64
		address, from        string
	}
	have := map[key]Visit{}
	for _, v := range known {
		have[key{v.ServiceID, v.EnvironmentID, v.Address, v.SeenFrom}] = v
	}
	for i := range visits {
		v := &visits[i]
		old, found := have[key{v.ServiceID, v.EnvironmentID, v.Address, v.SeenFrom}]
		switch {
		case !found:
			err = database.Insert(ctx, s.db, "visit", v)
		case old.VisitedAt.After(v.VisitedAt):
			// a report that arrives late says nothing new
		default:
			v.ID = old.ID
			if !v.Reached {
				v.ReachedAt = old.ReachedAt
			}
			err = s.replace(ctx, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) replace(ctx context.Context, v *Visit) error {
	err := s.db.Conn(ctx).Model(&Visit{}).Where("id = ?", v.ID).
		Select("target", "run_id", "reached", "expected", "reason", "anonymous", "passed", "failed", "report", "duration_ms", "visited_at", "reached_at").Updates(v).Error
	if err != nil {
		return fmt.Errorf("save visit: %w", err)
	}
	return nil
}

// whole and light are the columns with and without the report.
const whole = "*"

const light = "id, workspace_id, service_id, environment_id, address, target, seen_from, run_id, reached, expected, reason, visited_at, reached_at"

func (s *Service) missed(ctx context.Context, limit int) ([]Visit, error) {
	return database.List(ctx, "missed visits", database.Of[Visit](s.db.Conn(ctx)).Select(light).Where("expected = ? AND reached = ? AND "+living, true, false).Order("reached_at, id").Limit(limit))
}

// prune forgets the visits of addresses that the service no longer has.
func (s *Service) prune(ctx context.Context, service int64) error {
	if err := s.db.Conn(ctx).Where("service_id = ? AND NOT "+living, service).Delete(&Visit{}).Error; err != nil {
		return fmt.Errorf("forget visits: %w", err)
	}
	return nil
}
