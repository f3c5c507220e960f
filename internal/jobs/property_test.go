package jobs

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/database/databasetest"
	"muster/internal/fault"
)

// grip is a claim in the hands of a made-up process, valid or not.
type grip struct {
	job   *Job
	stale bool // it was taken back
}

// world is a few processes that claim, beat, end, die and are taken for dead, and people who cancel and repeat.
type world struct {
	*desk
	grips    []*grip
	finishes map[int64]int // committed ends of the second phase, by run
	ends     map[int64]int // committed ends, less what was repeated
}

func (w *world) rows(t *rapid.T) []Run {
	var rows []Run
	if err := w.db.Conn(across(w.one)).Order("id").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	return rows
}

func (w *world) pick(t *rapid.T, what string) (Run, bool) {
	rows := w.rows(t)
	if len(rows) == 0 {
		return Run{}, false
	}
	return rows[rapid.IntRange(0, len(rows)-1).Draw(t, what)], true
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// step does one of the things that can happen.
func (w *world) step(t *rapid.T) {
	ctx := context.Background()
	switch rapid.SampledFrom([]string{"enqueue", "fan", "claim", "claim", "claim", "beat", "settle", "settle", "settle", "die", "cancel", "retry", "wait"}).Draw(t, "step") {
	case "enqueue":
		_, err := w.Enqueue(w.one, w.engineer, New{Kind: "test", Name: "one", Key: rapid.SampledFrom([]string{"", "k"}).Draw(t, "key"), MaxAttempts: 2})
		must(t, err)
	case "fan":
		_, err := w.Enqueue(w.two, w.engineer, New{Kind: "fan", Name: "many", MaxAttempts: 2})
		must(t, err)
	case "claim":
		rows, err := w.claim(ctx, fmt.Sprint("p", rapid.IntRange(1, 3).Draw(t, "process")), 0, rapid.IntRange(1, 3).Draw(t, "hands"))
		must(t, err)
		for i := range rows {
			w.grips = append(w.grips, &grip{job: newJob(w.Service, &rows[i], func(error) {})})
		}
	case "beat":
		w.beat(t, ctx)
	case "settle":
		w.settleOne(t, ctx)
	case "die":
		w.die(t, ctx)
	case "cancel":
		if r, any := w.pick(t, "run"); any {
			_, err := w.Cancel(w.of(&r), w.engineer, r.ID)
			if err != nil && !fault.Is(err, fault.Conflict) {
				t.Fatal(err)
			}
		}
	case "retry":
		if r, any := w.pick(t, "run"); any {
			_, err := w.Retry(w.of(&r), w.engineer, r.ID)
			if err != nil && !fault.Is(err, fault.Conflict) {
				t.Fatal(err)
			}
			if err == nil {
				w.ends[r.ID] = 0
			}
		}
	case "wait":
		w.clock.Move(30 * time.Second)
	}
}

func (w *world) of(r *Run) context.Context {
	if r.WorkspaceID == 1 {
		return w.one
	}
	return w.two
}

func (w *world) grip(t *rapid.T) *grip {
	if len(w.grips) == 0 {
		return nil
	}
	return w.grips[rapid.IntRange(0, len(w.grips)-1).Draw(t, "claim")]
}

func (w *world) beat(t *rapid.T, ctx context.Context) { //nolint:revive // the test comes first
	g := w.grip(t)
	if g == nil {
		return
	}
	learned, err := w.Service.beat(ctx, []*Job{g.job})
	must(t, err)
	if !learned[g.job].lost && g.stale {
		t.Fatalf("a claim that was taken back still beats: %+v", g.job.Run)
	}
}

func (w *world) settleOne(t *rapid.T, ctx context.Context) { //nolint:revive // the test comes first
	g := w.grip(t)
	if g == nil {
		return
	}
	o := rapid.SampledFrom([]outcome{{}, {}, {err: errors.New("failed")}, {err: Permanent(errors.New("hopeless"))}, {err: errStopping, released: true}}).Draw(t, "outcome")
	if g.job.Run.Kind == "fan" && g.job.Run.Phase == phaseRun && o.err == nil {
		var list []New
		for i := range rapid.IntRange(0, 3).Draw(t, "children") {
			list = append(list, New{Kind: "test", Name: fmt.Sprint("part ", i), MaxAttempts: 1})
		}
		g.job.Fan(list)
	}
	err := w.settle(ctx, g.job, o)
	if errors.Is(err, ErrLost) {
		g.stale = true
		return
	}
	must(t, err)
	if g.stale {
		t.Fatalf("a claim that was lost ended its run: %+v", g.job.Run)
	}
	g.stale = true
	if o.err == nil && g.job.Run.Phase == phaseFinish {
		w.finishes[g.job.Run.ID]++
	}
	if r, _, err := w.byID(w.of(&g.job.Run), g.job.Run.ID); err == nil && !r.State.Open() {
		w.ends[r.ID]++
	}
}

// die has a process fall silent, and another one notice.
func (w *world) die(t *rapid.T, ctx context.Context) { //nolint:revive // the test comes first
	r, any := w.pick(t, "run")
	if !any || r.State != Running {
		return
	}
	must(t, w.takeBack(ctx, &r))
	for _, g := range w.grips {
		if g.job.Run.ID == r.ID {
			g.stale = true
		}
	}
}

// check holds what must be true whatever happened.
func (w *world) check(t *rapid.T) {
	rows := w.rows(t)
	open, keys, valid := map[int64]int{}, map[string]int{}, map[int64]int{}
	for _, r := range rows {
		if r.State.Open() {
			open[r.ParentID]++
			if r.Key != "" {
				keys[fmt.Sprint(r.WorkspaceID, r.Kind, r.Key)]++
			}
		}
	}
	for _, g := range w.grips {
		if !g.stale {
			valid[g.job.Run.ID]++
		}
	}
	for _, r := range rows {
		switch {
		case !r.State.Valid():
			t.Fatalf("run %d is %q", r.ID, r.State)
		case (r.State == Running) != (r.LeaseOwner != ""):
			t.Fatalf("run %d is %s and has the owner %q", r.ID, r.State, r.LeaseOwner)
		case (r.State == Running) != (valid[r.ID] == 1) || valid[r.ID] > 1:
			t.Fatalf("run %d is %s and %d processes rightly hold it", r.ID, r.State, valid[r.ID])
		case r.State.Open() == (r.FinishedAt != nil):
			t.Fatalf("run %d is %s and ended at %v", r.ID, r.State, r.FinishedAt)
		case r.Attempt > r.MaxAttempts || r.Attempt < 0:
			t.Fatalf("run %d: attempt %d of %d", r.ID, r.Attempt, r.MaxAttempts)
		case r.State == Waiting && (r.OpenChildren != open[r.ID] || r.OpenChildren == 0):
			t.Fatalf("run %d waits for %d children, and %d are open", r.ID, r.OpenChildren, open[r.ID])
		case w.finishes[r.ID] > 1:
			t.Fatalf("run %d finished %d times", r.ID, w.finishes[r.ID])
		case w.ends[r.ID] > 1:
			t.Fatalf("run %d ended %d times", r.ID, w.ends[r.ID])
		case r.ProgressDone > r.ProgressTotal && r.Kind == "fan":
			t.Fatalf("run %d: %d of %d children ended", r.ID, r.ProgressDone, r.ProgressTotal)
		}
	}
	for key, n := range keys {
		if n > 1 {
			t.Fatalf("%d open runs of %s", n, key)
		}
	}
}

// In any order of claims, heartbeats, deaths, ends, cancels and repeats nobody holds a run twice, no end counts twice,
// and every parent knows how many children it waits for.
func TestAnyOrderOfEventsKeepsTheRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		clock := databasetest.NewClock()
		db := databasetest.SQLite(t, clock)
		w := &world{desk: newDesk(t, db, clock), finishes: map[int64]int{}, ends: map[int64]int{}}
		w.Handle("fan", &fan{})
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			w.step(rt)
			w.check(rt)
		}
		_ = db.Close()
	})
}
