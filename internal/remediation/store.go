package remediation

import (
	"context"
	"fmt"

	"gorm.io/gorm/clause"

	"muster/internal/database"
	"muster/internal/fault"
)

// locked reads tasks that a change is about, so that two changes of one come after each other.
func (s *Service) locked(ctx context.Context, ids []int64) ([]Task, error) {
	return database.List(ctx, "tasks", database.Of[Task](s.db.Conn(ctx), clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("id IN ?", ids).Order("id"))
}

func (s *Service) byID(ctx context.Context, id int64) (Task, bool, error) {
	return database.Take(ctx, "task", database.Of[Task](s.db.Conn(ctx)).Where("id = ?", id))
}

func (s *Service) itemsOf(ctx context.Context, tasks []int64) ([]Item, error) {
	return database.List(ctx, "items of tasks", database.Of[Item](s.db.Conn(ctx)).Where("task_id IN ?", tasks).Order("task_id, id"))
}

// maxEvents is how much of a history one page shows.
const maxEvents = 200

func (s *Service) eventsOf(ctx context.Context, id int64) ([]Event, error) {
	return database.List(ctx, "history", database.Of[Event](s.db.Conn(ctx)).Where("task_id = ?", id).Order("id DESC").Limit(maxEvents))
}

// newestMove is the last event that moved a task.
func (s *Service) newestMove(ctx context.Context, id int64) (Event, error) {
	e, _, err := database.Take(ctx, "history", database.Of[Event](s.db.Conn(ctx)).Where("task_id = ? AND action IN ?", id, []Action{Moved, Created, Changed, Blocked, Unblocked, Covered, Uncovered}).Order("id DESC").Limit(1))
	return e, err
}

// save stores a task that nobody changed since it was read.
func (s *Service) save(ctx context.Context, t *Task) error {
	was := t.Version
	t.Version, t.UpdatedAt = was+1, s.db.Now(ctx)
	n, err := database.Of[Task](s.db.Conn(ctx)).Where("id = ? AND version = ?", t.ID, was).Select("title", "note", "fix", "state", "state_layer", "since", "blocked", "blocked_at", "assignee_id", "assignee_name",
		"team_id", "by_owner", "due_at", "planned_at", "sort_at", "severity", "priority", "items", "live", "services", "version", "updated_at").Updates(ctx, *t)
	if err != nil {
		return fmt.Errorf("save task: %w", err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "Somebody changed this task just now. Look at it again.")
	}
	return nil
}

func (s *Service) dropItem(ctx context.Context, id int64) error {
	if _, err := database.Of[Item](s.db.Conn(ctx)).Where("id = ?", id).Delete(ctx); err != nil {
		return fmt.Errorf("take item off a task: %w", err)
	}
	return nil
}

// service is the part of inventory's row that tasks need: its name, and who owns it.
type service struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Name        string
	TeamID      *int64
}

// TableName is inventory's table.
func (service) TableName() string { return "services" }

// servicesOf reads services by their ids, whoever asks.
func (s *Service) servicesOf(ctx context.Context, ids []int64) (map[int64]service, error) {
	out := map[int64]service{}
	return out, database.Chunks(unique(ids), func(some []int64) error {
		rows, err := database.List(ctx, "services of tasks", database.Of[service](s.db.Conn(ctx)).Select("id, workspace_id, name, team_id").Where("id IN ?", some))
		for _, r := range rows {
			out[r.ID] = r
		}
		return err
	})
}
