package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"muster/internal/database"
)

// The conditions of partial indexes stand in the text of a query, never as parameters: SQLite would not use the index.
const (
	claimable = "state IN ('queued', 'failed')"
	open      = "state IN ('queued', 'failed', 'running', 'waiting')"
	alive     = "deleted_at IS NULL"
)

// add stores a run; when its key or its slot is taken it gives the run that has it.
func (s *Service) add(ctx context.Context, r *Run) (fresh bool, err error) {
	result := s.db.Conn(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(r)
	if result.Error != nil {
		return false, fmt.Errorf("add run: %w", result.Error)
	}
	if result.RowsAffected == 1 {
		return true, nil
	}
	q := database.Of[Run](s.db.Conn(ctx)).Where("schedule_id = ? AND slot = ? AND slot > 0", r.ScheduleID, r.Slot)
	if r.Key != "" {
		q = database.Of[Run](s.db.Conn(ctx)).Where("kind = ? AND key = ? AND key <> '' AND "+open, r.Kind, r.Key)
	}
	was, found, err := database.Take(ctx, "run", q)
	if err == nil && !found {
		err = errors.New("add run: another one was in its way, and is gone")
	}
	*r = was
	return false, err
}

func (s *Service) byID(ctx context.Context, id int64) (Run, bool, error) {
	return database.Take(ctx, "run", database.Of[Run](s.db.Conn(ctx)).Where("id = ?", id))
}

// lock makes others who change the run wait until the transaction ends. A parent is locked before its children.
func (s *Service) lock(ctx context.Context, id int64) (Run, bool, error) {
	return database.Take(ctx, "run", database.Of[Run](s.db.Conn(ctx), clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("id = ?", id))
}

// waits reports, without writing, whether there is a run to claim.
func (s *Service) waits(ctx context.Context, kinds []string, now time.Time) (bool, error) {
	_, found, err := database.Take(ctx, "waiting run", database.Of[Run](s.db.Conn(ctx)).Select("id").Where("run_at <= ? AND kind IN ? AND "+claimable, now.UnixMilli(), kinds))
	return found, err
}

// next locks the oldest run to claim of the first workspace behind another one; runs that another replica looks at are
// passed over.
func (s *Service) next(ctx context.Context, kinds []string, behind int64, now time.Time) (Run, bool, error) {
	locking := clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}
	return database.Take(ctx, "next run", database.Of[Run](s.db.Conn(ctx), locking).
		Where("workspace_id > ? AND run_at <= ? AND kind IN ? AND "+claimable, behind, now.UnixMilli(), kinds).Order("workspace_id, run_at, id"))
}

// change writes columns of a run that is still in the state, and under the claim, in which it was read.
func (s *Service) change(ctx context.Context, was, now *Run, columns ...string) (bool, error) {
	r := s.db.Conn(ctx).Model(&Run{}).Where("id = ? AND state = ? AND fence = ? AND heartbeat = ?", was.ID, was.State, was.Fence, was.Heartbeat).Select(columns).Updates(now)
	if errors.Is(r.Error, gorm.ErrDuplicatedKey) {
		return false, nil // the same work was asked for in this very moment
	}
	if r.Error != nil {
		return false, fmt.Errorf("save run %d: %w", was.ID, r.Error)
	}
	return r.RowsAffected == 1, nil
}

// held is the condition of whoever holds a claim.
const held = "id = ? AND state = 'running' AND fence = ?"

// hold locks the row of a claim until the transaction ends, or says that the claim is lost.
func (s *Service) hold(ctx context.Context, r *Run) error {
	result := s.db.Conn(ctx).Model(&Run{}).Where(held, r.ID, r.Fence).Update("lease_owner", r.LeaseOwner)
	if result.Error != nil {
		return fmt.Errorf("hold run %d: %w", r.ID, result.Error)
	}
	if result.RowsAffected != 1 {
		return ErrLost
	}
	return nil
}

// keep writes a heartbeat, and what is new of the progress. It reports whether the claim still holds.
func (s *Service) keep(ctx context.Context, r *Run, p *progress, heartbeat int64) (bool, error) {
	columns := []string{"heartbeat"}
	values := Run{Heartbeat: heartbeat}
	if p.dirty {
		columns = append(columns, "progress_done", "progress_total", "progress_words", "log_lines")
		values.ProgressDone, values.ProgressTotal, values.ProgressWords, values.LogLines = p.done, p.total, p.words, p.kept
	}
	result := s.db.Conn(ctx).Model(&Run{}).Where(held, r.ID, r.Fence).Select(columns).Updates(&values)
	if result.Error != nil {
		return false, fmt.Errorf("keep run %d: %w", r.ID, result.Error)
	}
	if result.RowsAffected != 1 {
		return false, nil
	}
	return true, database.InsertAll(ctx, s.db, "log of a run", p.lines)
}

// running lists every claim, for those who look whether its process still lives.
func (s *Service) running(ctx context.Context) ([]Run, error) {
	return database.List(ctx, "running runs", database.Of[Run](s.db.Conn(ctx)).Where("state = 'running'").Order("id").Limit(10_000))
}

// childCounts are the columns of a parent that its children change. Only a parent that has not begun to finish counts.
func (s *Service) countChildren(ctx context.Context, parent int64, ended, added int) error {
	changes := map[string]any{"open_children": gorm.Expr("open_children - ? + ?", ended, added), "progress_done": gorm.Expr("progress_done + ?", ended)}
	if added > 0 {
		changes["progress_total"] = gorm.Expr("progress_total + ?", added)
	}
	err := s.db.Conn(ctx).Model(&Run{}).Where("id = ? AND phase = 0 AND "+open, parent).Updates(changes).Error
	if err != nil {
		return fmt.Errorf("count children of run %d: %w", parent, err)
	}
	wake := Run{State: Queued, Phase: phaseFinish, RunAt: s.db.Now(ctx).UnixMilli()}
	err = s.db.Conn(ctx).Model(&Run{}).Where("id = ? AND phase = 0 AND state = 'waiting' AND open_children <= 0", parent).
		Select("state", "phase", "attempt", "run_at").Updates(&wake).Error
	if err != nil {
		return fmt.Errorf("wake run %d: %w", parent, err)
	}
	return nil
}

func (s *Service) hasChildren(ctx context.Context, parent int64) (bool, error) {
	_, found, err := database.Take(ctx, "child run", database.Of[Run](s.db.Conn(ctx)).Select("id").Where("parent_id = ? AND parent_id > 0", parent))
	return found, err
}

func (s *Service) children(ctx context.Context, parent int64) ([]Run, error) {
	return database.List(ctx, "child runs", database.Of[Run](s.db.Conn(ctx)).Where("parent_id = ? AND parent_id > 0", parent).Order("id").Limit(maxFan))
}

// cancelChildren ends the children that nobody works on, and asks those that somebody works on to stop. It gives those
// that wait for children of their own.
func (s *Service) cancelChildren(ctx context.Context, parent int64) (ended int, waiting []Run, err error) {
	now := s.db.Now(ctx)
	r := s.db.Conn(ctx).Model(&Run{}).Where("parent_id = ? AND parent_id > 0 AND "+claimable, parent).
		Select("state", "cancel_requested", "finished_at").Updates(&Run{State: Canceled, CancelRequested: true, FinishedAt: &now})
	if r.Error != nil {
		return 0, nil, fmt.Errorf("cancel child runs: %w", r.Error)
	}
	if err := s.db.Conn(ctx).Model(&Run{}).Where("parent_id = ? AND parent_id > 0 AND state = 'running'", parent).Update("cancel_requested", true).Error; err != nil {
		return 0, nil, fmt.Errorf("cancel running child runs: %w", err)
	}
	waiting, err = database.List(ctx, "waiting child runs", database.Of[Run](s.db.Conn(ctx), clause.Locking{Strength: clause.LockingStrengthUpdate}).
		Where("parent_id = ? AND parent_id > 0 AND state = 'waiting'", parent).Order("id").Limit(maxFan))
	return int(r.RowsAffected), waiting, err
}

// keyTaken reports whether another open run has the key.
func (s *Service) keyTaken(ctx context.Context, r *Run) (bool, error) {
	_, found, err := database.Take(ctx, "run of a key", database.Of[Run](s.db.Conn(ctx)).Select("id").Where("kind = ? AND key = ? AND key <> '' AND "+open, r.Kind, r.Key))
	return found, err
}

// stale lists runs that ended before a moment, of every workspace; what waits for a person stays.
func (s *Service) stale(ctx context.Context, before time.Time, most int) ([]int64, error) {
	var ids []int64
	err := s.db.Conn(ctx).Model(&Run{}).Where("finished_at < ? AND NOT due AND state IN ('done', 'canceled', 'missed')", before).Order("finished_at").Limit(most).Pluck("id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("list old runs: %w", err)
	}
	return ids, nil
}

func (s *Service) drop(ctx context.Context, ids []int64) error {
	return database.Chunks(ids, func(part []int64) error {
		if err := s.db.Conn(ctx).Where("run_id IN ?", part).Delete(&Line{}).Error; err != nil {
			return fmt.Errorf("delete old logs: %w", err)
		}
		if err := s.db.Conn(ctx).Where("id IN ?", part).Delete(&Run{}).Error; err != nil {
			return fmt.Errorf("delete old runs: %w", err)
		}
		return nil
	})
}
