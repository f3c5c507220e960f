package jobs

import (
	"context"

	"muster/internal/access"
	"muster/internal/fault"
)

// The sizes of pages.
const (
	PageSize  = 50
	LinesSize = 200
)

// Filter says which runs are looked for; zero values mean every one. Children are listed with their parent, and among
// those that gave up.
type Filter struct {
	State State
	Kind  string
	Page  int
}

// Page is one page of runs.
type Page struct {
	Rows  []Run
	Total int64
}

// page keeps a page's number within what is worth turning to.
func page(n int) int { return min(max(n, 1), 10_000) }

// List gives runs, the newest first.
func (s *Service) List(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	if err := s.access.Require(actor, access.Read, access.Scans); err != nil {
		return Page{}, err
	}
	f.Page = page(f.Page)
	return s.list(ctx, f)
}

// Detail is everything about one run.
type Detail struct {
	Run
	Schedule *Schedule // nil when nobody planned it, or it is gone
	Parent   *Run
	Before   *Run // the last one of the same work that was done
	Children Page
	States   map[State]int64 // of all children
	Lines    []Line          // one page, oldest first
}

// Get gives one run, with a page of its children and of its log.
func (s *Service) Get(ctx context.Context, actor access.Actor, id int64, childPage, linePage int) (*Detail, error) {
	if err := s.access.Require(actor, access.Read, access.Scans); err != nil {
		return nil, err
	}
	r, found, err := s.byID(ctx, id)
	if err != nil || !found {
		return nil, orElse(err, fault.Missing("scan"))
	}
	d := &Detail{Run: r}
	if r.ScheduleID > 0 {
		if c, found, err := s.scheduleByID(ctx, r.ScheduleID); err != nil {
			return nil, err
		} else if found {
			d.Schedule = &c
		}
	}
	if r.ParentID > 0 {
		if p, found, err := s.byID(ctx, r.ParentID); err != nil {
			return nil, err
		} else if found {
			d.Parent = &p
		}
	}
	if r.State == Done {
		if before, found, err := s.before(ctx, &r); err != nil {
			return nil, err
		} else if found {
			d.Before = &before
		}
	}
	if r.ParentID == 0 {
		if err := s.childrenOf(ctx, d, page(childPage)); err != nil {
			return nil, err
		}
	}
	if r.LogLines > 0 {
		d.Lines, err = s.lines(ctx, id, page(linePage))
	}
	return d, err
}

// Look gives one run alone, for those who watch it.
func (s *Service) Look(ctx context.Context, actor access.Actor, id int64) (Run, error) {
	if err := s.access.Require(actor, access.Read, access.Scans); err != nil {
		return Run{}, err
	}
	r, found, err := s.byID(ctx, id)
	return r, orMissing(err, found)
}

func orMissing(err error, found bool) error {
	if err == nil && !found {
		return fault.Missing("scan")
	}
	return err
}

func (s *Service) childrenOf(ctx context.Context, d *Detail, number int) error {
	var err error
	if d.States, err = s.childStates(ctx, d.ID); err != nil || len(d.States) == 0 {
		return err
	}
	for _, n := range d.States {
		d.Children.Total += n
	}
	d.Children.Rows, err = s.childPage(ctx, d.ID, number)
	return err
}

// Planned is a schedule with its last run.
type Planned struct {
	Schedule
	Last *Run
}

// Schedules lists the schedules, the next to run first.
func (s *Service) Schedules(ctx context.Context, actor access.Actor, number int) ([]Planned, int64, error) {
	if err := s.access.Require(actor, access.Read, access.Scans); err != nil {
		return nil, 0, err
	}
	total, err := s.countSchedules(ctx)
	if err != nil || total == 0 {
		return nil, total, err
	}
	rows, err := s.listSchedules(ctx, page(number))
	if err != nil {
		return nil, 0, err
	}
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	last, err := s.lastRuns(ctx, ids)
	if err != nil {
		return nil, 0, err
	}
	list := make([]Planned, len(rows))
	for i := range rows {
		list[i].Schedule = rows[i]
		if r, ran := last[rows[i].ID]; ran {
			list[i].Last = &r
		}
	}
	return list, total, nil
}

// ScheduleOf gives one schedule.
func (s *Service) ScheduleOf(ctx context.Context, actor access.Actor, id int64) (Schedule, error) {
	if err := s.access.Require(actor, access.Read, access.Scans); err != nil {
		return Schedule{}, err
	}
	c, found, err := s.scheduleByID(ctx, id)
	if err == nil && !found {
		err = fault.Missing("schedule")
	}
	return c, err
}

// Attention is what of the runs needs a person.
type Attention struct {
	Due  []Run // reminders, the oldest first
	Dead int   // runs that gave up, as far as they were counted
}

// maxAttention is how many reminders are named.
const maxAttention = 20

// Attention gives what needs a person. Who may not see runs has none.
func (s *Service) Attention(ctx context.Context, actor access.Actor) (Attention, error) {
	var a Attention
	if !s.access.Can(actor, access.Read, access.Scans) {
		return a, nil
	}
	rows, err := s.needing(ctx)
	for _, r := range rows {
		switch {
		case r.State == Dead:
			a.Dead++
		case len(a.Due) < maxAttention:
			a.Due = append(a.Due, r)
		}
	}
	return a, err
}
