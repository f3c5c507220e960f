package remediation

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"muster/internal/database"
	"muster/internal/inventory"
)

// chosen narrows a query to a filter and to what the person may see.
func (s *Service) chosen(ctx context.Context, q *gorm.DB, f *Filter) *gorm.DB {
	if f.Mine {
		q = q.Where("assignee_id = ?", f.me)
	}
	if f.Teams {
		q = q.Where("team_id IN ?", append([]int64{-1}, f.teams...))
	}
	if f.Overdue {
		q = q.Where("sort_at < ? AND state IN ('todo','doing')", f.now)
	}
	if f.Blocked {
		q = q.Where("blocked_at IS NOT NULL")
	}
	return s.seen(ctx, q, "id")
}

// seen narrows a query to tasks of which everything is visible; column is the task's id in it.
func (s *Service) seen(ctx context.Context, q *gorm.DB, column string) *gorm.DB {
	ids, limited := inventory.VisibleIDs(ctx)
	if !limited {
		return q
	}
	ids = append([]int64{-1}, ids...)
	items := func() *gorm.DB {
		return s.db.Conn(ctx).Model(&Item{}).Select("task_id").Where("workspace_id = ?", database.Workspace(ctx))
	}
	return q.Where(column+" IN (?)", items().Where("service_id IN ?", ids)).Where(column+" NOT IN (?)", items().Where("service_id NOT IN ?", ids))
}

// inOrder is the order of a list, and where it goes on.
func inOrder(q *gorm.DB, f *Filter) *gorm.DB {
	at, id, going := after(f.After)
	if f.done() {
		if going {
			q = q.Where("(since, id) < (?, ?)", at, id)
		}
		return q.Order("since DESC, id DESC")
	}
	if going {
		q = q.Where("(sort_at, id) > (?, ?)", at, id)
	}
	return q.Order("sort_at, id")
}

func (s *Service) list(ctx context.Context, f *Filter) (Page, error) {
	var p Page
	limit := database.Clamp(f.Limit, PageSize, 200)
	q := s.chosen(ctx, s.db.Conn(ctx).Model(&Task{}), f)
	if f.State == "" {
		q = q.Where(openWords)
	} else {
		q = q.Where("state = ?", f.State)
	}
	if err := inOrder(q, f).Limit(limit + 1).Find(&p.Rows).Error; err != nil {
		return p, fmt.Errorf("list tasks: %w", err)
	}
	if len(p.Rows) > limit {
		p.Rows = p.Rows[:limit]
		p.Next = f.place(&p.Rows[limit-1])
	}
	return p, nil
}

// counts counts tasks by state, from the index alone.
func (s *Service) counts(ctx context.Context) (map[State]int64, error) {
	var rows []struct {
		State State
		N     int64
	}
	q := s.seen(ctx, s.db.Conn(ctx).Model(&Task{}), "id")
	if err := q.Select("state, COUNT(*) AS n").Group("state").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("count tasks: %w", err)
	}
	out := map[State]int64{}
	for _, r := range rows {
		out[r.State] = r.N
	}
	return out, nil
}

// board reads the first cards of every column.
func (s *Service) board(ctx context.Context, f *Filter) ([]Task, error) {
	lane := func(st State) *gorm.DB {
		own := *f
		own.State = st
		q := s.chosen(ctx, s.db.Conn(ctx).Model(&Task{}).Select("id"), &own).Where("workspace_id = ? AND state = ?", database.Workspace(ctx), st)
		return inOrder(q, &own).Limit(LaneSize + 1)
	}
	ids, err := s.union(ctx, "SELECT id FROM (?) cards1 UNION ALL SELECT id FROM (?) cards2 UNION ALL SELECT id FROM (?) cards3 UNION ALL SELECT id FROM (?) cards4", lane(Todo), lane(Doing), lane(Fixed), lane(Verified))
	if err != nil {
		return nil, err
	}
	return database.List(ctx, "board", database.Of[Task](s.db.Conn(ctx)).Where("id IN ?", ids))
}

// mine reads what a person has, and what the teams have that nobody has.
func (s *Service) mine(ctx context.Context, user int64, teams []int64, most int) ([]Task, error) {
	own := func(condition string, args ...any) *gorm.DB {
		q := s.seen(ctx, s.db.Conn(ctx).Model(&Task{}).Select("id").Where("workspace_id = ? AND "+openWords, database.Workspace(ctx)), "id")
		return q.Where(condition, args...).Order("sort_at, id").Limit(most)
	}
	ids, err := s.union(ctx, "SELECT id FROM (?) held1 UNION ALL SELECT id FROM (?) held2", own("assignee_id = ?", user), own("assignee_id = 0 AND team_id IN ?", append([]int64{-1}, teams...)))
	if err != nil {
		return nil, err
	}
	return database.List(ctx, "my tasks", database.Of[Task](s.db.Conn(ctx)).Where("id IN ?", ids).Order("sort_at, id").Limit(most))
}

// coverage is an item with the task that it belongs to.
type coverage struct {
	FindingID int64
	TaskID    int64
}

// covering finds the newest open task of each finding.
func (s *Service) covering(ctx context.Context, findings []int64) (map[int64]Task, error) {
	out := map[int64]Task{}
	if len(findings) == 1 {
		t, found, err := s.coveringOne(ctx, findings[0])
		if found {
			out[findings[0]] = t
		}
		return out, err
	}
	var pairs []coverage
	var ids []int64
	err := database.Chunks(unique(findings), func(some []int64) error {
		var rows []coverage
		err := s.seen(ctx, s.db.Conn(ctx).Model(&Item{}).Select("finding_id, task_id").Where("finding_id IN ? AND finding_id > 0", some), "task_id").Find(&rows).Error
		pairs = append(pairs, rows...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for tasks: %w", err)
	}
	for _, p := range pairs {
		ids = append(ids, p.TaskID)
	}
	tasks, err := s.openByID(ctx, ids)
	for _, p := range pairs {
		if t, open := tasks[p.TaskID]; open && t.ID > out[p.FindingID].ID {
			out[p.FindingID] = t
		}
	}
	return out, err
}

// coveringOne is covering of one finding, in one question.
func (s *Service) coveringOne(ctx context.Context, id int64) (Task, bool, error) {
	q := database.Of[Task](s.seen(ctx, s.db.Conn(ctx), "id")).Where("id IN (SELECT task_id FROM task_items WHERE workspace_id = ? AND finding_id = ? AND finding_id > 0)", database.Workspace(ctx), id)
	return database.Take(ctx, "task", q.Where(openWords).Order("id DESC").Limit(1))
}

// taken tells which findings an open task covers.
func (s *Service) taken(ctx context.Context, findings []int64) (map[int64]bool, error) {
	open := s.db.Conn(ctx).Model(&Task{}).Select("id").Where("workspace_id = ? AND id = task_items.task_id AND "+openWords, database.Workspace(ctx))
	rows, err := database.List(ctx, "covered findings", database.Of[Item](s.db.Conn(ctx)).Select("finding_id").Where("finding_id IN ? AND finding_id > 0 AND EXISTS (?)", findings, open))
	out := map[int64]bool{}
	for i := range rows {
		out[rows[i].FindingID] = true
	}
	return out, err
}

func (s *Service) openByID(ctx context.Context, ids []int64) (map[int64]Task, error) {
	out := map[int64]Task{}
	return out, database.Chunks(unique(ids), func(some []int64) error {
		rows, err := database.List(ctx, "tasks", database.Of[Task](s.db.Conn(ctx)).Where("id IN ?", some).Where(openWords))
		for i := range rows {
			out[rows[i].ID] = rows[i]
		}
		return err
	})
}

// mostCovering is how many tasks of one control a page names.
const mostCovering = 5

func (s *Service) coveringCell(ctx context.Context, c Cell) ([]Task, error) {
	var ids []int64
	items := s.seen(ctx, s.db.Conn(ctx).Model(&Item{}).Where("service_id = ? AND control = ? AND finding_id = 0", c.Service, c.Control), "task_id")
	if err := items.Order("task_id DESC").Pluck("task_id", &ids).Error; err != nil {
		return nil, fmt.Errorf("look for tasks: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return database.List(ctx, "tasks", database.Of[Task](s.db.Conn(ctx)).Where("id IN ?", ids[:min(len(ids), batch)]).Where(openWords).Order("id DESC").Limit(mostCovering))
}

// batch is how many ids one question names at most.
const batch = 500
