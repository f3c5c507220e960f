package jobs

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/fault"
)

// plans makes a schedule of the first workspace. The clock stands at 2026-11-24 09:00 UTC.
func (d *desk) plans(t testing.TB, spec string, catchUp CatchUp) Schedule {
	t.Helper()
	c, err := d.Create(d.one, d.admin, Plan{Kind: "test", Name: "Nightly " + spec, Spec: spec, Zone: "UTC", CatchUp: catchUp})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// slots lists the runs of a schedule, oldest first.
func (d *desk) slots(t testing.TB, c Schedule) []Run {
	t.Helper()
	var rows []Run
	if err := d.db.Conn(d.one).Where("schedule_id = ?", c.ID).Order("id").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	return rows
}

func (d *desk) tick(t testing.TB) {
	t.Helper()
	if err := d.plan(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// finish ends every open run as done.
func (d *desk) finish(t testing.TB) {
	t.Helper()
	rows, err := d.claim(t.Context(), "test", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if err := d.settle(t.Context(), newJob(d.Service, &rows[i], func(error) {}), outcome{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASlotHappensOnceWhoeverLooks(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.plans(t, "*/30 * * * *", CatchUpOnce)
		replicas := []*Service{d.Service, d.replica(t), d.replica(t)}
		for range 10 {
			d.clock.Move(30 * time.Minute)
			var wait sync.WaitGroup
			for _, s := range replicas {
				for range 3 {
					wait.Go(func() {
						if err := s.plan(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
			}
			wait.Wait()
			d.finish(t)
		}
		rows := d.slots(t, c)
		if len(rows) != 10 {
			t.Fatalf("%d runs in ten slots", len(rows))
		}
		for i, r := range rows {
			want := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC).Add(time.Duration(i+1) * 30 * time.Minute)
			if !r.Planned().Equal(want) || r.Late || r.State != Done {
				t.Errorf("slot %d: %v %v %v", i, r.Planned(), r.Late, r.State)
			}
		}
	})
}

func TestAfterAnOutage(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		once, miss, paused := d.plans(t, "0 * * * *", CatchUpOnce), d.plans(t, "0 * * * *", CatchUpMiss), d.plans(t, "0 * * * *", CatchUpOnce)
		if _, err := d.Pause(d.one, d.admin, paused.ID); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name   string
			away   time.Duration
			late   bool
			missed bool
		}{
			{"on time", time.Hour, false, false}, {"20 seconds", time.Hour + 20*time.Second, true, false}, {"half a day", 12*time.Hour + 10*time.Minute, true, true}, {"three months", 90*24*time.Hour + 5*time.Minute, true, true},
		} {
			start := d.clock.Now()
			d.clock.Move(start.Truncate(time.Hour).Add(c.away).Sub(start))
			d.tick(t)
			d.tick(t)
			d.finish(t)
			rows := d.slots(t, once)
			last := rows[len(rows)-1]
			if last.Late != c.late || last.State != Done || !last.Planned().Equal(d.clock.Now().Truncate(time.Hour)) {
				t.Errorf("%s: %v late %v, %s", c.name, last.Planned(), last.Late, last.State)
			}
			rows = d.slots(t, miss)
			if last := rows[len(rows)-1]; (last.State == Missed) != c.missed {
				t.Errorf("%s: %s %s", c.name, last.State, last.Failure)
			}
		}
		if a, b, c := len(d.slots(t, once)), len(d.slots(t, miss)), len(d.slots(t, paused)); a != 4 || b != 4 || c != 0 {
			t.Errorf("%d, %d and %d runs after four looks", a, b, c)
		}
		if c, err := d.Resume(d.one, d.admin, paused.ID); err != nil || c.NextSlot <= d.clock.Now().UnixMilli() {
			t.Errorf("a resumed schedule catches up with its pause: %v", err)
		}
	})
}

func TestAClockThatGoesBack(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.plans(t, "*/30 * * * *", CatchUpOnce)
		d.clock.Move(31 * time.Minute)
		d.tick(t)
		d.finish(t)
		d.clock.Move(-time.Hour)
		d.tick(t)
		if _, err := d.Edit(d.one, d.admin, c.ID, Plan{Kind: c.Kind, Name: "again", Spec: c.Spec, Zone: c.Zone, CatchUp: c.CatchUp}); err != nil { // counts its next time anew, from the wrong hour
			t.Fatal(err)
		}
		for range 4 {
			d.clock.Move(30 * time.Minute)
			d.tick(t)
			d.finish(t)
		}
		seen := map[int64]bool{}
		for _, r := range d.slots(t, c) {
			if seen[r.Slot] {
				t.Errorf("%v happened twice", r.Planned())
			}
			seen[r.Slot] = true
		}
		if len(seen) != 4 { // 09:30 was there already; 09:00, 10:00 and 10:30 are new
			t.Errorf("%d slots", len(seen))
		}
	})
}

func TestRunsOfOneScheduleNeverOverlap(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.plans(t, "*/30 * * * *", CatchUpOnce)
		d.clock.Move(30 * time.Minute)
		d.tick(t)
		if _, err := d.RunNow(d.one, d.engineer, c.ID); !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
		d.clock.Move(30 * time.Minute)
		d.tick(t)
		rows := d.slots(t, c)
		if len(rows) != 2 || rows[1].State != Missed || rows[1].Failure != "The run before it had not ended." || rows[1].FinishedAt == nil {
			t.Fatalf("%+v", rows)
		}
		d.finish(t)
		if r, err := d.RunNow(d.one, d.engineer, c.ID); err != nil || r.Slot != 0 || r.ActorName != person.Name {
			t.Error(r, err)
		}
		d.finish(t)
		if _, err := d.RunNow(d.one, d.engineer, c.ID); err != nil {
			t.Error("a second run by hand:", err)
		}
	})
}

func TestWrongPlansSayWhere(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		_, err := d.Create(d.one, d.admin, Plan{Kind: "mystery", Name: strings.Repeat("x", 101), Spec: "@every 1ns", Zone: "Mars/Olympus", CatchUp: "sometimes"})
		f, _ := fault.As(err)
		if f == nil || len(f.Fields) != 5 {
			t.Errorf("%v", err)
		}
	})
}

func TestSeedsComeOnceAndDeletedOnesStayAway(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		seeds := []Seed{{Name: "audit", Kind: Reminder, Title: "Security audit", Spec: "0 8 1 1,4,7,10 *"}, {Name: "probe", Kind: "scan.probe", Title: "Probe scan", Spec: "30 3 * * *"}}
		other := d.replica(t)
		for _, s := range []*Service{d.Service, other} {
			s.Offer([]Kind{{ID: Reminder}, {ID: "scan.probe"}}, seeds)
		}
		var wait sync.WaitGroup
		for _, s := range []*Service{d.Service, other} {
			wait.Go(func() {
				if err := s.seedNew(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		list, n, err := d.Schedules(d.one, d.viewer, 1)
		if err != nil || n != 1 || list[0].Name != "Security audit" { // nothing here can do a probe scan
			t.Fatal(list, n, err)
		}
		if err := d.Delete(d.one, d.admin, list[0].ID); err != nil {
			t.Fatal(err)
		}
		d.Handle("scan.probe", Func(func(context.Context, *Job) error { return nil }))
		d.Offer([]Kind{{ID: "scan.probe"}}, seeds)
		for range 2 {
			if err := d.SeedWorkspace(d.one); err != nil {
				t.Fatal(err)
			}
		}
		list, n, err = d.Schedules(d.one, d.viewer, 1)
		if err != nil || n != 1 || list[0].Name != "Probe scan" {
			t.Error(list, n, err)
		}
	})
}

func TestAReminderIsDueUntilSomebodySaysDone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c, err := d.Create(d.one, d.admin, Plan{Kind: Reminder, Name: "Security audit", Spec: "0 8 1 * *", Zone: "UTC", CatchUp: CatchUpOnce})
		if err != nil {
			t.Fatal(err)
		}
		work(t, d.Service, Options{})
		for i := range 2 {
			d.clock.Move(31 * 24 * time.Hour)
			until(t, "the reminder is due", func() bool {
				a, err := d.Attention(d.one, d.viewer)
				return err == nil && len(a.Due) == i+1
			})
		}
		a, err := d.Attention(d.one, d.viewer)
		if err != nil || a.Due[0].Name != "Security audit" || a.Due[0].ScheduleID != c.ID {
			t.Fatal(a, err)
		}
		if hidden, err := d.Attention(d.one, as(access.Consultant)); err != nil || len(hidden.Due) != 0 {
			t.Error(hidden, err)
		}
		newest := a.Due[1].ID
		if _, err := d.MarkDone(d.one, d.engineer, newest, " "); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		if _, err := d.MarkDone(d.one, d.viewer, newest, "Done."); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
		if _, err := d.MarkDone(d.two, d.engineer, newest, "Done."); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		r, err := d.MarkDone(d.one, d.engineer, newest, "All of it, with the bank.")
		if err != nil || r.SettlerName != person.Name || r.SettledAt == nil {
			t.Error(r, err)
		}
		if _, err := d.MarkDone(d.one, d.engineer, newest, "Again."); !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
		if a, err := d.Attention(d.one, d.viewer); err != nil || len(a.Due) != 0 {
			t.Error("the older one is still due:", a, err)
		}
	})
}

func TestOldRunsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.plans(t, "0 3 * * *", CatchUpOnce)
		for range 5 {
			d.clock.Move(24 * time.Hour)
			d.tick(t)
			d.finish(t)
		}
		d.clock.Move(88 * 24 * time.Hour)
		if err := d.prune(t.Context()); err != nil || len(d.slots(t, c)) != 3 { // the third is just as old as what is kept
			t.Errorf("%d left, %v", len(d.slots(t, c)), err)
		}
	})
}
