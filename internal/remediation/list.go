package remediation

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/inventory"
)

// Filter chooses tasks; the zero one chooses what is open.
type Filter struct {
	State   State // "" is what is open
	Mine    bool
	Teams   bool // what the person's teams have
	Overdue bool
	Blocked bool
	After   string // the place of the last row of the page before
	Limit   int

	me    int64
	teams []int64
	now   time.Time
}

// PageSize is how many tasks a page shows.
const PageSize = 50

// Page is one page of tasks: what is due first, or what was done last.
type Page struct {
	Rows []Task
	Next string // the place to go on from; "" at the end
}

// done reports whether the list is of tasks that want nothing more: those stand by when they ended.
func (f *Filter) done() bool { return f.State == Verified || f.State == Ended }

// List gives one page.
func (s *Service) List(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	if err := s.access.Require(actor, access.Read, access.Tasks); err != nil {
		return Page{}, err
	}
	if err := s.whose(ctx, actor, &f); err != nil {
		return Page{}, err
	}
	return s.list(ctx, &f)
}

// whose fills in who asks.
func (s *Service) whose(ctx context.Context, actor access.Actor, f *Filter) error {
	f.me, f.now = actor.UserID, s.db.Now(ctx)
	if !f.Teams {
		return nil
	}
	var err error
	f.teams, err = s.MyTeams(ctx, actor)
	return err
}

// MyTeams are the teams of a person.
func (s *Service) MyTeams(ctx context.Context, actor access.Actor) ([]int64, error) {
	rows, err := s.book.TeamMembers(ctx, muster)
	var ids []int64
	for _, m := range rows {
		if m.MemberID == actor.MemberID && actor.MemberID != 0 {
			ids = append(ids, m.TeamID)
		}
	}
	return ids, err
}

// Counts are how many tasks there are in each state.
func (s *Service) Counts(ctx context.Context, actor access.Actor) (map[State]int64, error) {
	if err := s.access.Require(actor, access.Read, access.Tasks); err != nil {
		return nil, err
	}
	return s.counts(ctx)
}

// Lane is one column of the board.
type Lane struct {
	State State
	Rows  []Task
	More  bool // there are more than are shown
}

// LaneSize is how many cards a column shows.
const LaneSize = 12

// Lanes are the columns of the board.
func Lanes() []State { return []State{Todo, Doing, Fixed, Verified} }

// Board gives the columns, each with what comes first.
func (s *Service) Board(ctx context.Context, actor access.Actor, f Filter) ([]Lane, error) {
	if err := s.access.Require(actor, access.Read, access.Tasks); err != nil {
		return nil, err
	}
	if err := s.whose(ctx, actor, &f); err != nil {
		return nil, err
	}
	rows, err := s.board(ctx, &f)
	if err != nil {
		return nil, err
	}
	var lanes []Lane
	for _, st := range Lanes() {
		l := Lane{State: st}
		for i := range rows {
			if rows[i].State == st {
				l.Rows = append(l.Rows, rows[i])
			}
		}
		slices.SortFunc(l.Rows, func(a, b Task) int { return order(&a, &b) })
		if l.More = len(l.Rows) > LaneSize; l.More {
			l.Rows = l.Rows[:LaneSize]
		}
		lanes = append(lanes, l)
	}
	return lanes, nil
}

// order is how lists and columns stand: what is due first, and what was verified last.
func order(a, b *Task) int {
	if a.State == Verified {
		if c := b.Since.Compare(a.Since); c != 0 {
			return c
		}
		return int(b.ID - a.ID)
	}
	if c := a.SortAt.Compare(b.SortAt); c != 0 {
		return c
	}
	return int(a.ID - b.ID)
}

// Detail is one task with everything that explains it.
type Detail struct {
	Task
	Covers []Item // one page of them
	Next   int64  // the item to go on from; 0 at the end
	Sum    map[Standing]int
	First  *Item // the one that it is due for
	Events []Event
}

// ItemPage is how many items a page shows.
const ItemPage = 50

// Get gives one task, with its items after one.
func (s *Service) Get(ctx context.Context, actor access.Actor, id, after int64) (Detail, error) {
	var d Detail
	if err := s.access.Require(actor, access.Read, access.Tasks); err != nil {
		return d, err
	}
	t, found, err := s.byID(ctx, id)
	if err != nil || !found {
		return d, orMissing(err)
	}
	items, err := s.itemsOf(ctx, []int64{id})
	if err != nil {
		return d, err
	}
	if !allSeen(ctx, items) {
		return d, fault.Missing("task")
	}
	d.Task, d.Sum = t, map[Standing]int{}
	for i := range items {
		it := &items[i]
		d.Sum[it.Standing]++
		if t.DueAt != nil && it.DueAt != nil && it.DueAt.Equal(*t.DueAt) && (it.Standing == Live || it.Standing == Said) && d.First == nil {
			d.First = it
		}
		switch {
		case it.ID <= after:
		case len(d.Covers) < ItemPage:
			d.Covers = append(d.Covers, *it)
		case d.Next == 0:
			d.Next = d.Covers[ItemPage-1].ID
		}
	}
	d.Events, err = s.eventsOf(ctx, id)
	return d, err
}

// allSeen reports whether the person may see everything that a task covers. One that covers more would tell of services
// that are none of theirs.
func allSeen(ctx context.Context, items []Item) bool {
	ids, limited := inventory.VisibleIDs(ctx)
	return !limited || !slices.ContainsFunc(items, func(i Item) bool { return !slices.Contains(ids, i.ServiceID) })
}

func (s *Service) visible(ctx context.Context, t *Task) (bool, error) {
	if _, limited := inventory.VisibleIDs(ctx); !limited {
		return true, nil
	}
	items, err := s.itemsOf(ctx, []int64{t.ID})
	return allSeen(ctx, items), err
}

// Covering gives, by finding, the open task that covers it.
func (s *Service) Covering(ctx context.Context, actor access.Actor, findings []int64) (map[int64]Task, error) {
	if err := s.access.Require(actor, access.Read, access.Tasks); err != nil {
		return nil, err
	}
	return s.covering(ctx, findings)
}

// CoveringCell gives the open tasks that cover a control on a service.
func (s *Service) CoveringCell(ctx context.Context, actor access.Actor, c Cell) ([]Task, error) {
	if err := s.access.Require(actor, access.Read, access.Tasks); err != nil {
		return nil, err
	}
	return s.coveringCell(ctx, c)
}

// Work is what waits for a person: tasks, and findings of their teams' services that no task covers.
type Work struct {
	Tasks     []Task
	Findings  []finding.Finding
	Teams     []int64
	MoreTasks bool
	Services  int // that the person's teams own
}

// The bounds of the page of one's own work.
const (
	mostWork     = 60
	mostFindings = 40
	soonDays     = 30
)

// Mine gives what waits for a person. roster are the services that the person may see.
func (s *Service) Mine(ctx context.Context, actor access.Actor, roster []inventory.Service) (Work, error) {
	var w Work
	if err := s.access.Require(actor, access.Read, access.Tasks); err != nil {
		return w, err
	}
	var err error
	if w.Teams, err = s.MyTeams(ctx, actor); err != nil {
		return w, err
	}
	if w.Tasks, err = s.mine(ctx, actor.UserID, w.Teams, mostWork+1); err != nil {
		return w, err
	}
	if w.MoreTasks = len(w.Tasks) > mostWork; w.MoreTasks {
		w.Tasks = w.Tasks[:mostWork]
	}
	var services []int64
	for i := range roster {
		if roster[i].TeamID != nil && slices.Contains(w.Teams, *roster[i].TeamID) {
			services = append(services, roster[i].ID)
		}
	}
	w.Services = len(services)
	found, err := s.findings.Soon(ctx, services, s.db.Now(ctx).AddDate(0, 0, soonDays), 2*mostFindings)
	if err != nil {
		return w, err
	}
	ids := make([]int64, 0, len(found))
	for i := range found {
		ids = append(ids, found[i].ID)
	}
	if len(ids) == 0 {
		return w, nil
	}
	taken, err := s.taken(ctx, ids)
	for i := range found {
		if !taken[found[i].ID] && len(w.Findings) < mostFindings {
			w.Findings = append(w.Findings, found[i])
		}
	}
	return w, err
}

// place names where a page ends.
func (f *Filter) place(t *Task) string {
	at := t.SortAt
	if f.done() {
		at = t.Since
	}
	return strconv.FormatInt(at.UnixMicro(), 10) + "." + strconv.FormatInt(t.ID, 10)
}

// after reads the place of a page's end; ok is false for nonsense, which begins at the top.
func after(text string) (at time.Time, id int64, ok bool) {
	left, right, found := strings.Cut(text, ".")
	micro, err := strconv.ParseInt(left, 10, 64)
	if err != nil || !found || micro < 0 || micro > far.UnixMicro() {
		return at, 0, false
	}
	id, err = strconv.ParseInt(right, 10, 64)
	return time.UnixMicro(micro).UTC(), id, err == nil
}
