package remediation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/database"
	"muster/internal/finding"
)

// Follow lets the tasks that cover something on the services follow what became of it, in the caller's transaction; nil
// is every service. Where no task covers anything there, it costs one question.
func (s *Service) Follow(ctx context.Context, services []int64) error {
	covered, err := s.covers(ctx, services)
	if err != nil || !covered {
		return err
	}
	production, err := s.book.Production(ctx)
	if err != nil {
		return err
	}
	ids, err := s.stale(ctx, services, production)
	if err != nil {
		return err
	}
	return s.refresh(ctx, ids)
}

// refresh makes tasks what their items ask for.
func (s *Service) refresh(ctx context.Context, ids []int64) error {
	var moved []string
	first := Task{}
	err := database.Chunks(unique(ids), func(some []int64) error {
		f := &following{service: s}
		if err := f.load(ctx, some); err != nil {
			return err
		}
		f.run()
		if len(f.moved) > 0 && first.ID == 0 {
			first = f.first
		}
		moved = append(moved, f.moved...)
		return f.store(ctx)
	})
	if err != nil || len(moved) == 0 {
		return err
	}
	after := map[string]any{"moved": moved[:min(len(moved), 20)], "tasks": len(moved)}
	return s.log.Record(ctx, muster, activity.Change{Action: "task.follow", Kind: "task", ID: first.ID, Name: first.Title, After: after})
}

// muster is who moves tasks when what they cover moved.
var muster = access.SystemActor("Muster")

// following is one pass over tasks whose items may have changed.
type following struct {
	service *Service
	now     time.Time
	tasks   []Task
	items   map[int64][]Item // by task
	facts   map[int64]finding.Finding
	moves   map[int64]finding.Event
	states  map[Cell]control.State
	owners  map[int64]service

	changedTasks []Task
	changedItems []Item
	newItems     []Item
	events       []Event
	moved        []string
	first        Task
}

func (f *following) load(ctx context.Context, ids []int64) error {
	s := f.service
	var err error
	f.now = s.db.Now(ctx)
	if f.tasks, err = s.locked(ctx, ids); err != nil {
		return err
	}
	all, err := s.itemsOf(ctx, ids)
	if err != nil {
		return err
	}
	f.items = map[int64][]Item{}
	for _, i := range all {
		f.items[i.TaskID] = append(f.items[i.TaskID], i)
	}
	if err := f.learn(ctx, all); err != nil {
		return err
	}
	if f.states, err = s.statesOf(ctx, all); err != nil {
		return err
	}
	var services []int64
	for _, i := range all {
		services = append(services, i.ServiceID)
	}
	for _, fact := range f.facts {
		services = append(services, fact.ServiceID)
	}
	f.owners, err = s.servicesOf(ctx, services)
	return err
}

// learn reads the findings that items name, those that they repeat, and what their histories say last.
func (f *following) learn(ctx context.Context, all []Item) error {
	s := f.service
	var ids, originals, told []int64
	for _, i := range all {
		if i.FindingID != 0 {
			ids = append(ids, i.FindingID)
		}
	}
	var err error
	if f.facts, err = s.findings.Facts(ctx, ids); err != nil {
		return err
	}
	for _, i := range all {
		fact := f.facts[i.FindingID]
		if word, _ := ofFinding(&fact); i.FindingID != 0 && word != i.Word {
			told = append(told, i.FindingID)
		}
		if fact.State == finding.Duplicate && fact.DuplicateOf != 0 {
			originals = append(originals, fact.DuplicateOf)
		}
	}
	more, err := s.findings.Facts(ctx, originals)
	if err != nil {
		return err
	}
	maps.Copy(f.facts, more)
	f.moves, err = s.findings.LastMoves(ctx, told)
	return err
}

// run computes what becomes of each task: a function of what was loaded.
func (f *following) run() {
	for i := range f.tasks {
		f.follow(&f.tasks[i])
	}
}

func (f *following) follow(t *Task) {
	before, items := *t, f.items[t.ID]
	var changes []change
	for i := range items {
		if c, changed := f.look(&items[i]); changed {
			changes = append(changes, c)
		}
	}
	items = f.widen(t, items)
	tally(t, items)
	if len(changes) > 0 {
		words, from := progress(changes)
		f.tell(t, Event{Action: Progress, FromState: t.State, ToState: t.State, ImportID: from, Words: words})
	}
	s := sumOf(items)
	if to := next(t, s, slices.ContainsFunc(changes, func(c change) bool { return c.back() })); to != t.State {
		f.move(t, to, reason(to, s, changes), changes)
	}
	if t.State != before.State {
		t.Version++ // whoever looks at it now has to look again; that a detail moved spoils nobody's click
	}
	if !sameTask(&before, t) {
		f.changedTasks = append(f.changedTasks, *t)
	}
}

// look makes an item what its finding or control is now. changed says that it stands otherwise, not only that a detail
// differs.
func (f *following) look(i *Item) (change, bool) {
	was := *i
	c := change{before: i.Standing}
	if i.FindingID != 0 {
		fact, known := f.facts[i.FindingID]
		if !known {
			return c, false
		}
		i.learn(&fact)
		if e, told := f.moves[i.FindingID]; told && i.Word != retracted {
			c.why, c.from, c.person = e.Words, e.ImportID, e.Layer == finding.ByPerson && e.ActorName != ""
			if c.person {
				c.why = e.ActorName + " " + e.Words
			}
		}
	} else {
		i.judge(f.states[Cell{i.ServiceID, i.Control}], f.now)
	}
	i.own(f.owners)
	if sameItem(&was, i) {
		return c, false
	}
	f.changedItems = append(f.changedItems, *i)
	c.item = *i
	return c, was.Standing != i.Standing
}

func sameItem(a, b *Item) bool {
	x, y := *a, *b
	x.DueAt, y.DueAt = nil, nil
	return x == y && sameTime(a.DueAt, b.DueAt)
}

func sameTask(a, b *Task) bool {
	x, y := *a, *b
	x.DueAt, x.SortAt, y.DueAt, y.SortAt = nil, time.Time{}, nil, time.Time{}
	return x == y && sameTime(a.DueAt, b.DueAt) && a.SortAt.Equal(b.SortAt)
}

func sameTime(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

// widen covers the findings, too, that covered ones repeat: the weakness lives on under another number.
func (f *following) widen(t *Task, items []Item) []Item {
	for _, i := range slices.Clone(items) {
		copied := f.facts[i.FindingID]
		original, known := f.facts[copied.DuplicateOf]
		if i.FindingID == 0 || copied.State != finding.Duplicate || !known || !original.Counted() || original.ServiceID == 0 ||
			slices.ContainsFunc(items, func(o Item) bool { return o.FindingID == original.ID }) {
			continue
		}
		more := Item{TaskID: t.ID, FindingID: original.ID, AddedAt: f.now}
		more.learn(&original)
		more.own(f.owners)
		items = append(items, more)
		f.newItems = append(f.newItems, more)
		f.tell(t, Event{Action: Covered, FromState: t.State, ToState: t.State, Words: fmt.Sprintf("Finding %d, “%s”, is covered as well: finding %d repeats it.", original.ID, original.Title, copied.ID)})
	}
	return items
}

// move takes a task where its items ask for.
func (f *following) move(t *Task, to State, words string, changes []change) {
	from := t.State
	t.enter(to, ByProof, f.now)
	_, importID := progress(changes)
	f.tell(t, Event{Action: Moved, FromState: from, ToState: to, ImportID: importID, Words: words})
	f.moved = append(f.moved, fmt.Sprintf("%d: %s → %s", t.ID, from, to))
	if f.first.ID == 0 {
		f.first = *t
	}
}

// enter brings a task to a state, and with it what the state brings: what is done is not blocked.
func (t *Task) enter(to State, by Layer, now time.Time) {
	t.State, t.StateLayer, t.Since = to, by, now
	if !to.ToWork() {
		t.Blocked, t.BlockedAt = "", nil
	}
}

func (f *following) tell(t *Task, e Event) {
	e.TaskID, e.At, e.Layer, e.ActorName = t.ID, f.now, ByProof, muster.Name
	f.events = append(f.events, e)
}

func (f *following) store(ctx context.Context) error {
	s := f.service
	for i := range f.changedTasks {
		t := &f.changedTasks[i]
		t.UpdatedAt = f.now
	}
	if err := database.BulkUpdate(ctx, s.db, f.changedTasks); err != nil { // they are locked
		return err
	}
	if err := database.BulkUpdate(ctx, s.db, f.changedItems); err != nil {
		return err
	}
	if err := database.BulkInsert(ctx, s.db, f.newItems); err != nil {
		return err
	}
	return database.BulkInsert(ctx, s.db, f.events)
}
