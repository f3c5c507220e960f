package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/fault"
)

// desk is a service with two workspaces, and a person in each role.
type desk struct {
	*Service
	db       *database.DB
	clock    *databasetest.Clock
	one, two context.Context
	admin    access.Actor
	engineer access.Actor
	viewer   access.Actor
}

var person = access.Actor{UserID: 7, Name: "Ama Mensah"}

func as(role access.Role) access.Actor {
	a := person
	a.Role = role
	return a
}

func newDesk(t testing.TB, db *database.DB, clock *databasetest.Clock) *desk {
	t.Helper()
	d := &desk{db: db, clock: clock, admin: as(access.Admin), engineer: as(access.Engineer), viewer: as(access.Viewer)}
	d.Service = d.replica(t)
	for i, ctx := range []*context.Context{&d.one, &d.two} {
		err := db.InTx(t.Context(), func(ctx context.Context) error {
			return db.Conn(ctx).Exec("INSERT INTO workspaces (id, slug, name, created_at) VALUES (?, ?, ?, ?)", i+1, fmt.Sprint("w", i+1), "W", db.Now(ctx)).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		*ctx = database.WithWorkspace(t.Context(), int64(i+1))
	}
	return d
}

// replica is another process's service on the same database.
func (d *desk) replica(t testing.TB) *Service {
	t.Helper()
	control, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	s := NewService(d.db, control, activity.New(d.db, control), func(context.Context) ([]int64, error) { return []int64{1, 2}, nil })
	s.Handle("test", Func(func(context.Context, *Job) error { return nil }))
	s.Offer([]Kind{{ID: "test", Title: "Test"}, {ID: Reminder, Title: "Reminder"}}, nil)
	return s
}

func (d *desk) enqueue(t testing.TB, ctx context.Context, n New) Run { //nolint:revive // the workspace comes after whose desk it is
	t.Helper()
	if n.Kind == "" {
		n.Kind = "test"
	}
	if n.Name == "" {
		n.Name = "A test"
	}
	r, err := d.Enqueue(ctx, access.SystemActor("test"), n)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (d *desk) run(t testing.TB, ctx context.Context, id int64) Run { //nolint:revive // as above
	t.Helper()
	r, found, err := d.byID(ctx, id)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	return r
}

// work runs a worker until the test ends or stop is called.
func work(t testing.TB, s *Service, o Options) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { s.Work(ctx, o) })
	stop = func() { cancel(); done.Wait() }
	t.Cleanup(stop)
	return stop
}

// until waits for something that a worker does.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatal("it never happened: " + what)
}

func (d *desk) ends(t testing.TB, ctx context.Context, id int64, want State) Run { //nolint:revive // as above
	t.Helper()
	until(t, fmt.Sprintf("run %d becomes %s", id, want), func() bool { return d.run(t, ctx, id).State == want })
	return d.run(t, ctx, id)
}

func each(t *testing.T, f func(t *testing.T, d *desk)) {
	t.Helper()
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) { f(t, newDesk(t, db, clock)) })
}

func TestARunSaysWhatItDid(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Handle("test", Func(func(ctx context.Context, j *Job) error {
			var p struct{ Services []int }
			if err := j.Payload(&p); err != nil || len(p.Services) != 3 {
				t.Errorf("%v %v", p, err)
			}
			if database.Workspace(ctx) != 2 || j.Actor().Role != access.System {
				t.Error("it does not act in its workspace")
			}
			j.Progress(1, 3, "service 1")
			j.Log("looked at %d\x00", 1)
			j.Result("3 looked at", map[string]any{"looked": 3, "found": map[string]int{"tls_faults": 2}})
			return nil
		}))
		r := d.enqueue(t, d.two, New{Payload: map[string]any{"services": []int{1, 2, 3}}})
		work(t, d.Service, Options{})
		r = d.ends(t, d.two, r.ID, Done)
		if r.ResultWords != "3 looked at" || r.Numbers()["found tls faults"] != 2 || r.Attempt != 1 || r.FinishedAt == nil || r.ProgressDone != 3 || r.LeaseOwner != "" {
			t.Errorf("%+v", r)
		}
		lines, err := d.lines(d.two, r.ID, 1)
		if err != nil || len(lines) != 1 || lines[0].Line != "looked at 1\uFFFD" {
			t.Errorf("%v %v", lines, err)
		}
		if _, err := d.Get(d.one, d.admin, r.ID, 1, 1); !fault.Is(err, fault.NotFound) {
			t.Error("another workspace sees it")
		}
	})
}

func TestOneOpenRunPerKey(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var wait sync.WaitGroup
		var ids sync.Map
		for range 8 {
			wait.Go(func() {
				r, err := d.Enqueue(d.one, d.engineer, New{Kind: "test", Name: "Probe", Key: "service:1"})
				if err != nil {
					t.Error(err)
				}
				ids.Store(r.ID, true)
			})
		}
		wait.Wait()
		n := 0
		ids.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("%d runs of one key", n)
		}
		other := d.enqueue(t, d.two, New{Key: "service:1"})
		if _, same := ids.Load(other.ID); same {
			t.Error("workspaces share a key")
		}
		if _, err := d.Cancel(d.two, d.engineer, other.ID); err != nil {
			t.Fatal(err)
		}
		if again := d.enqueue(t, d.two, New{Key: "service:1"}); again.ID == other.ID {
			t.Error("an ended run still has its key")
		}
	})
}

func TestFailuresAreTriedAgainAndThenGivenUp(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var calls atomic.Int64
		d.Handle("test", Func(func(_ context.Context, j *Job) error {
			calls.Add(1)
			switch j.Run.Name {
			case "panics":
				panic("planted")
			case "is hopeless":
				return Permanent(fault.New(fault.Invalid, "The address is not allowed."))
			}
			return errors.New("connection refused")
		}))
		fails, panics, hopeless := d.enqueue(t, d.one, New{Name: "fails", MaxAttempts: 2}), d.enqueue(t, d.one, New{Name: "panics", MaxAttempts: 1}), d.enqueue(t, d.one, New{Name: "is hopeless"})
		work(t, d.Service, Options{})
		if r := d.ends(t, d.one, panics.ID, Dead); !strings.Contains(r.Failure, "planted") {
			t.Error(r.Failure)
		}
		if r := d.ends(t, d.one, hopeless.ID, Dead); r.Failure != "The address is not allowed." || r.Attempt != 1 {
			t.Error(r.Failure, r.Attempt)
		}
		r := d.ends(t, d.one, fails.ID, Failed)
		wait := r.Again().Sub(d.clock.Now())
		if wait < 8*time.Second || wait > 12*time.Second {
			t.Errorf("the second attempt comes after %v", wait)
		}
		d.clock.Move(20 * time.Second)
		if r := d.ends(t, d.one, fails.ID, Dead); r.Attempt != 2 || r.Failure != "connection refused" {
			t.Errorf("%+v", r)
		}
		before := calls.Load()
		if _, err := d.Retry(d.one, d.engineer, fails.ID); err != nil {
			t.Fatal(err)
		}
		until(t, "a retried run is tried", func() bool { return calls.Load() > before })
	})
}

func TestDelaysDoubleUpToAnHour(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{0: 10 * time.Second, 1: 10 * time.Second, 2: 20 * time.Second, 5: 160 * time.Second, 9: 2560 * time.Second, 10: time.Hour, 1000: time.Hour} {
		if low, high := delay(attempt, 0), delay(attempt, 1); low != want*8/10 || high != want*12/10 {
			t.Errorf("attempt %d: %v to %v", attempt, low, high)
		}
	}
}

// fan is a handler whose run has children, and that adds up what became of them.
type fan struct {
	children int
	finished atomic.Int64
}

func (f *fan) Run(_ context.Context, j *Job) error {
	var list []New
	for i := range f.children {
		list = append(list, New{Kind: "test", Name: fmt.Sprintf("part %d", i), MaxAttempts: 1})
	}
	j.Fan(list)
	return nil
}

func (f *fan) Finish(_ context.Context, j *Job, children []Run) error {
	f.finished.Add(1)
	states := map[State]int{}
	for _, c := range children {
		states[c.State]++
	}
	j.Result(fmt.Sprintf("%d of %d", states[Done], len(children)), map[string]int{"done": states[Done], "dead": states[Dead]})
	return nil
}

func TestARunWaitsForItsChildren(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		f := &fan{children: 20}
		second := d.replica(t)
		for _, s := range []*Service{d.Service, second} {
			s.Handle("fan", f)
			s.Handle("test", Func(func(_ context.Context, j *Job) error {
				if j.Run.Name == "part 7" {
					return errors.New("no")
				}
				return nil
			}))
		}
		parent := d.enqueue(t, d.one, New{Kind: "fan"})
		none := &fan{}
		d.Handle("none", none)
		empty := d.enqueue(t, d.one, New{Kind: "none"})
		work(t, d.Service, Options{Workers: 3})
		if d.db.Engine == database.Postgres {
			work(t, second, Options{Workers: 3})
		}
		r := d.ends(t, d.one, parent.ID, Done)
		if f.finished.Load() != 1 || r.ResultWords != "19 of 20" || r.ProgressDone != 20 || r.ProgressTotal != 20 || r.OpenChildren != 0 {
			t.Errorf("finished %d times: %+v", f.finished.Load(), r)
		}
		if d.ends(t, d.one, empty.ID, Done); none.finished.Load() != 1 {
			t.Error("a run without children did not finish")
		}
	})
}

func TestCancel(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Handle("fan", &fan{children: 6})
		started := make(chan struct{}, 10)
		d.Handle("test", Func(func(ctx context.Context, _ *Job) error {
			started <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}))
		parent := d.enqueue(t, d.one, New{Kind: "fan"})
		work(t, d.Service, Options{Workers: 2})
		<-started
		<-started
		r, err := d.Cancel(d.one, d.engineer, parent.ID)
		if err != nil || r.State != Canceled {
			t.Fatal(r.State, err)
		}
		until(t, "every child ends", func() bool {
			states, err := d.childStates(d.one, parent.ID)
			return err == nil && states[Canceled] == 6
		})
		if _, err := d.Cancel(d.one, d.engineer, parent.ID); !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
		if _, err := d.Retry(d.one, d.engineer, parent.ID); !fault.Is(err, fault.Conflict) {
			t.Error("a run whose children were canceled is tried again:", err)
		}
	})
}

func TestAStopLosesNoAttempt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		started := make(chan struct{})
		d.Handle("test", Func(func(ctx context.Context, j *Job) error {
			close(started)
			j.Log("half way")
			<-ctx.Done()
			return context.Cause(ctx)
		}))
		r := d.enqueue(t, d.one, New{})
		stop := work(t, d.Service, Options{})
		<-started
		begin := time.Now()
		stop()
		r = d.run(t, d.one, r.ID)
		if r.State != Queued || r.Attempt != 0 || r.Failure != "" || r.LogLines != 1 || time.Since(begin) > 5*time.Second {
			t.Errorf("after %v: %+v", time.Since(begin), r)
		}
	})
}

// A process that was taken for dead wakes up again: nothing that it does counts.
func TestAZombieWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.enqueue(t, d.one, New{})
		claim := func(owner string) *Job {
			rows, err := d.claim(t.Context(), owner, 0, 1)
			if err != nil || len(rows) != 1 {
				t.Fatal(rows, err)
			}
			return newJob(d.Service, &rows[0], func(error) {})
		}
		zombie := claim("first")
		seen := d.run(t, d.one, r.ID)
		if _, err := d.beat(t.Context(), []*Job{zombie}); err != nil {
			t.Fatal(err)
		}
		if err := d.takeBack(t.Context(), &seen); err != nil || d.run(t, d.one, r.ID).State != Running {
			t.Fatal("a claim was taken back that showed a heartbeat:", err)
		}
		seen = d.run(t, d.one, r.ID)
		if err := d.takeBack(t.Context(), &seen); err != nil || d.run(t, d.one, r.ID).State != Failed {
			t.Fatal(err)
		}
		heir := claim("second")
		wrote := false
		err := zombie.InTx(d.one, func(context.Context) error { wrote = true; return nil })
		if !errors.Is(err, ErrLost) || wrote {
			t.Error("it wrote:", err)
		}
		learned, err := d.beat(t.Context(), []*Job{zombie})
		if err != nil || !learned[zombie].lost {
			t.Error(learned, err)
		}
		zombie.Log("from the grave")
		zombie.Progress(9, 9, "x")
		if err := d.settle(t.Context(), zombie, outcome{}); !errors.Is(err, ErrLost) {
			t.Error(err)
		}
		if err := heir.InTx(d.one, func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
		if err := d.settle(t.Context(), heir, outcome{}); err != nil {
			t.Error(err)
		}
		if r := d.run(t, d.one, r.ID); r.State != Done || r.ProgressDone == 9 || r.Attempt != 2 || r.LogLines != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// What a run finds and that it is done are stored together, or not at all.
func TestARunIsCompletedWithWhatItFound(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		tries := 0
		d.Handle("test", Func(func(ctx context.Context, j *Job) error {
			tries++
			j.Result("found", map[string]int{"n": tries})
			return j.Complete(ctx, func(ctx context.Context) error {
				if _, err := d.Enqueue(ctx, j.Actor(), New{Kind: Reminder, Name: "what it found", RunAt: d.clock.Now().Add(time.Hour)}); err != nil {
					return err
				}
				if tries == 1 {
					return errors.New("not yet")
				}
				return nil
			})
		}))
		r := d.enqueue(t, d.one, New{})
		work(t, d.Service, Options{})
		if r := d.ends(t, d.one, r.ID, Failed); r.Failure != "not yet" || r.ResultWords != "" {
			t.Errorf("%+v", r)
		}
		d.clock.Move(time.Minute)
		if r := d.ends(t, d.one, r.ID, Done); r.ResultWords != "found" || r.Numbers()["n"] != 2 {
			t.Errorf("%+v", r)
		}
		if page, err := d.List(d.one, d.admin, Filter{Kind: Reminder}); err != nil || page.Total != 1 {
			t.Errorf("%d stored, %v", page.Total, err)
		}
	})
}

func TestNoWorkspaceKeepsTheOthersWaiting(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for range 30 {
			d.enqueue(t, d.one, New{})
		}
		mine := d.enqueue(t, d.two, New{})
		rows, err := d.claim(t.Context(), "x", 0, 2)
		if err != nil || len(rows) != 2 || rows[1].ID != mine.ID {
			t.Errorf("%v", err)
		}
		rows, err = d.claim(t.Context(), "x", 2, 40)
		if err != nil || len(rows) != 29 {
			t.Errorf("%d %v", len(rows), err)
		}
	})
}

func TestTheLogAndTheResultAreBounded(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Handle("test", Func(func(_ context.Context, j *Job) error {
			for i := range maxLines + 500 {
				j.Log("%d %s", i, strings.Repeat("é", 2000))
			}
			if j.Run.Name == "too much" {
				j.Result("x", strings.Repeat("x", maxResult))
			}
			return nil
		}))
		r, much := d.enqueue(t, d.one, New{}), d.enqueue(t, d.one, New{Name: "too much"})
		work(t, d.Service, Options{})
		r = d.ends(t, d.one, r.ID, Done)
		var n int64
		if err := d.db.Conn(d.one).Model(&Line{}).Where("run_id = ?", r.ID).Count(&n).Error; err != nil || n != maxLines || r.LogLines != maxLines {
			t.Errorf("%d lines, %d counted, %v", n, r.LogLines, err)
		}
		if r := d.ends(t, d.one, much.ID, Dead); !strings.Contains(r.Failure, "at most") {
			t.Error(r.Failure)
		}
	})
}

func TestWhoMayDoWhat(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.enqueue(t, d.one, New{})
		plan := Plan{Kind: "test", Name: "Nightly", Spec: "0 3 * * *", Zone: "UTC", CatchUp: CatchUpOnce}
		c, err := d.Create(d.one, d.admin, plan)
		if err != nil {
			t.Fatal(err)
		}
		refused := func(what string, err error) {
			t.Helper()
			if !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err = d.Create(d.one, d.engineer, plan)
		refused("an engineer plans", err)
		refused("an engineer deletes", d.Delete(d.one, d.engineer, c.ID))
		_, err = d.RunNow(d.one, d.viewer, c.ID)
		refused("a viewer starts", err)
		_, err = d.Cancel(d.one, d.viewer, r.ID)
		refused("a viewer cancels", err)
		_, err = d.List(d.one, as(access.Consultant), Filter{})
		refused("a consultant reads", err)
		if _, err := d.RunNow(d.one, d.engineer, c.ID); err != nil {
			t.Error(err)
		}
		if _, err := d.RunNow(d.two, d.engineer, c.ID); !fault.Is(err, fault.NotFound) {
			t.Error("another workspace starts it:", err)
		}
		if _, err := d.Cancel(d.two, d.engineer, r.ID); !fault.Is(err, fault.NotFound) {
			t.Error("another workspace cancels it:", err)
		}
	})
}
