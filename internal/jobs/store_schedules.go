package jobs

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"muster/internal/database"
)

// dueSchedules lists those whose next moment has come, of every workspace.
func (s *Service) dueSchedules(ctx context.Context, now time.Time) ([]Schedule, error) {
	return database.List(ctx, "due schedules", database.Of[Schedule](s.db.Conn(ctx)).
		Where("next_slot > 0 AND next_slot <= ? AND NOT paused AND "+alive, now.UnixMilli()).Order("next_slot").Limit(200))
}

func (s *Service) lockSchedule(ctx context.Context, id int64) (Schedule, bool, error) {
	return database.Take(ctx, "schedule", database.Of[Schedule](s.db.Conn(ctx), clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("id = ? AND "+alive, id))
}

func (s *Service) scheduleByID(ctx context.Context, id int64) (Schedule, bool, error) {
	return database.Take(ctx, "schedule", database.Of[Schedule](s.db.Conn(ctx)).Where("id = ? AND "+alive, id))
}

func (s *Service) saveSchedule(ctx context.Context, c *Schedule, columns ...string) error {
	if err := s.db.Conn(ctx).Model(&Schedule{}).Where("id = ?", c.ID).Select(append(columns, "updated_at")).Updates(c).Error; err != nil {
		return fmt.Errorf("save schedule %d: %w", c.ID, err)
	}
	return nil
}

// openOf finds the run of a schedule that has not ended.
func (s *Service) openOf(ctx context.Context, schedule int64) (Run, bool, error) {
	return database.Take(ctx, "open run", database.Of[Run](s.db.Conn(ctx)).Where("schedule_id = ? AND schedule_id > 0 AND "+open, schedule))
}

// seeded lists the seeds that the workspace has or had.
func (s *Service) seeded(ctx context.Context) (map[string]bool, error) {
	var names []string
	if err := s.db.Conn(ctx).Model(&Schedule{}).Where("seed <> ''").Pluck("seed", &names).Error; err != nil {
		return nil, fmt.Errorf("list seeds: %w", err)
	}
	have := map[string]bool{}
	for _, n := range names {
		have[n] = true
	}
	return have, nil
}

// plant adds a seed, unless another replica was faster.
func (s *Service) plant(ctx context.Context, c *Schedule) error {
	if err := s.db.Conn(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(c).Error; err != nil {
		return fmt.Errorf("add schedule: %w", err)
	}
	return nil
}

func (s *Service) countSchedules(ctx context.Context) (int64, error) {
	n, err := database.Of[Schedule](s.db.Conn(ctx)).Where(alive).Count(ctx, "*")
	if err != nil {
		return 0, fmt.Errorf("count schedules: %w", err)
	}
	return n, nil
}

func (s *Service) listSchedules(ctx context.Context, page int) ([]Schedule, error) {
	return database.List(ctx, "schedules", database.Of[Schedule](s.db.Conn(ctx)).Where(alive).Order("paused, CASE WHEN next_slot = 0 THEN 1 ELSE 0 END, next_slot, id").Offset((page-1)*PageSize).Limit(PageSize))
}

// lastRuns finds the newest run of each schedule.
func (s *Service) lastRuns(ctx context.Context, schedules []int64) (map[int64]Run, error) {
	newest := s.db.Conn(ctx).Model(&Run{}).Select("MAX(id)").Where("schedule_id > 0 AND schedule_id IN ?", schedules).Group("schedule_id")
	rows, err := database.List(ctx, "last runs", database.Of[Run](s.db.Conn(ctx)).Where("id IN (?)", newest))
	if err != nil {
		return nil, err
	}
	by := map[int64]Run{}
	for i := range rows {
		by[rows[i].ScheduleID] = rows[i]
	}
	return by, nil
}
