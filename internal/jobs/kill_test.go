package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/database"
)

// A replica is killed in the middle of a scan: another one, or the restarted one, goes on within ten seconds, and every
// part is done once.
func TestAScanGoesOnAfterKill9(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, engine database.Engine) {
		const parts = 30
		f := newField(t, engine, 300*time.Millisecond)
		victim := f.start(t)
		if engine == database.Postgres {
			f.start(t)
		}
		id := f.scan(t, parts)
		until(t, "the victim is at work", func() bool {
			return f.count(t, "what = 'start' AND pid = ?", victim.Process.Pid) > f.count(t, "what = 'end' AND pid = ?", victim.Process.Pid)+1 && f.count(t, "what = 'end'") >= 4
		})
		kill(t, victim)
		var held []Run
		if err := f.db.Conn(f.ctx).Where("state = 'running' AND lease_owner LIKE ?", fmt.Sprintf("%%:%d:%%", victim.Process.Pid)).Find(&held).Error; err != nil || len(held) == 0 {
			t.Fatalf("the victim held nothing: %v", err)
		}
		start := time.Now()
		if engine == database.SQLite {
			f.start(t)
		}
		until(t, "what the victim held is done by another", func() bool {
			for _, h := range held {
				if f.look(t, h.ID).State != Done {
					return false
				}
			}
			return true
		})
		t.Logf("what the victim held was done after %v", time.Since(start).Round(10*time.Millisecond))
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		until(t, "the scan ends", func() bool { return f.look(t, id).State == Done })
		if r := f.look(t, id); r.ResultWords != "30 of 30" {
			t.Error(r.ResultWords)
		}
		f.once(t, id, parts)
	})
}

// once holds that every part ended once, and the scan finished once.
func (f *field) once(t testing.TB, id int64, parts int) {
	t.Helper()
	for part := range parts {
		if n := f.count(t, "what = 'end' AND part = ?", part); n != 1 {
			t.Errorf("part %d ended %d times", part, n)
		}
	}
	if n := f.count(t, "what = 'finish' AND run = ?", id); n != 1 {
		t.Errorf("the scan finished %d times", n)
	}
}

// A process that is stopped for a while and wakes up again finds its work done by another; nothing of its own counts.
func TestAFrozenReplicaWritesNothing(t *testing.T) {
	t.Parallel()
	f := newField(t, database.Postgres, 500*time.Millisecond)
	frozen := f.start(t)
	id := f.scan(t, 8)
	until(t, "it is at work", func() bool { return f.count(t, "what = 'start'") >= 3 })
	if err := frozen.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	f.start(t)
	until(t, "the scan ends", func() bool { return f.look(t, id).State == Done })
	if err := frozen.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	until(t, "the frozen one notices", func() bool { return strings.Contains(frozen.Stderr.(*tail).String(), "was taken over") })
	f.once(t, id, 8)
}

// The database throws everybody out, again and again: no part is lost, none counts twice.
func TestAScanSurvivesADatabaseThatGoesAway(t *testing.T) {
	t.Parallel()
	f := newField(t, database.Postgres, 100*time.Millisecond)
	f.start(t)
	f.start(t)
	id := f.scan(t, 40)
	for range 4 {
		time.Sleep(400 * time.Millisecond)
		err := f.db.Conn(across(f.ctx)).Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Error
		if err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the scan ends", func() bool {
		r, found, err := f.own.byID(f.ctx, id)
		return err == nil && found && r.State == Done
	})
	f.once(t, id, 40)
}

// plan makes a schedule whose slots the test moves to: its next slot is so many seconds ago.
func (f *field) plan(t testing.TB, name string, ago time.Duration) Schedule {
	t.Helper()
	c, err := f.own.Create(f.ctx, as(access.Admin), Plan{Kind: "slot", Name: name, Spec: "0 0 1 1 *", Zone: "UTC", CatchUp: CatchUpOnce})
	if err != nil {
		t.Fatal(err)
	}
	c.NextSlot = time.Now().Add(-ago).UnixMilli()
	if err := f.db.InTx(f.ctx, func(ctx context.Context) error { return f.own.saveSchedule(ctx, &c, "next_slot") }); err != nil {
		t.Fatal(err)
	}
	return c
}

// Everything is away for twenty seconds while planned times pass: each schedule runs once when it comes back.
func TestTwentySecondsWithoutAnybody(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, engine database.Engine) {
		f := newField(t, engine, time.Second)
		first := f.start(t)
		id := f.scan(t, 4)
		until(t, "a scan is under way", func() bool { return f.count(t, "what = 'start'") > 0 })
		kill(t, first)
		var plans []Schedule
		for i := range 5 {
			plans = append(plans, f.plan(t, fmt.Sprint("plan ", i), 20*time.Second)) // as if its time had passed while nobody was there
		}
		f.start(t)
		if engine == database.Postgres {
			f.start(t)
		}
		until(t, "the scan ends", func() bool { return f.look(t, id).State == Done })
		for _, c := range plans {
			var rows []Run
			until(t, c.Name+" has caught up", func() bool {
				rows = nil
				err := f.db.Conn(f.ctx).Where("schedule_id = ?", c.ID).Find(&rows).Error
				return err == nil && len(rows) > 0 && rows[0].State == Done
			})
			if len(rows) != 1 || !rows[0].Late || f.count(t, "what = 'slot' AND run = ?", rows[0].ID) != 1 {
				t.Errorf("%s: %d runs, late %v, done %d times", c.Name, len(rows), rows[0].Late, f.count(t, "what = 'slot' AND run = ?", rows[0].ID))
			}
		}
		f.once(t, id, 4)
	})
}

// SIGTERM in the middle of work: the process is gone soon, and what it did goes back without having lost an attempt.
func TestAProcessStopsGracefully(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, engine database.Engine) {
		f := newField(t, engine, time.Minute)
		p := f.start(t)
		id := f.scan(t, 3)
		until(t, "it is at work", func() bool { return f.count(t, "what = 'start'") == 3 })
		start := time.Now()
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(); err != nil || time.Since(start) > 15*time.Second {
			t.Errorf("it ended with %v after %v", err, time.Since(start))
		}
		children, err := f.own.children(f.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range children {
			if c.State != Queued || c.Attempt != 0 {
				t.Errorf("a part is %s after %d attempts", c.State, c.Attempt)
			}
		}
	})
}

// Only one process works on the embedded database.
func TestASecondProcessOnTheEmbeddedDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	f := newField(t, database.SQLite, time.Second)
	f.start(t)
	text, err := json.Marshal(f.site)
	if err != nil {
		t.Fatal(err)
	}
	second := exec.Command(os.Args[0])
	second.Env = append(os.Environ(), "MUSTER_TEST_REPLICA="+string(text))
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "several processes at once need PostgreSQL") {
		t.Errorf("%v: %s", err, out)
	}
}

// Several processes for minutes, one of which is killed every few seconds: make torture. MUSTER_TORTURE is the time.
func TestTorture(t *testing.T) {
	limit, err := time.ParseDuration(os.Getenv("MUSTER_TORTURE"))
	if err != nil {
		t.Skip("make torture runs this")
	}
	engines(t, func(t *testing.T, engine database.Engine) { torture(t, engine, limit) })
}

func torture(t *testing.T, engine database.Engine, limit time.Duration) {
	f := newField(t, engine, 50*time.Millisecond)
	n := 1
	if engine == database.Postgres {
		n = 4
	}
	replicas := make([]*exec.Cmd, n)
	for i := range replicas {
		replicas[i] = f.start(t)
	}
	c := f.plan(t, "every second", 0)
	var scans []int64
	slots, kills := 0, 0
	for end := time.Now().Add(limit); time.Now().Before(end); {
		for range 5 { // a slot each second, as the five minutes of the form would take too long
			time.Sleep(time.Second)
			slots++
			c.NextSlot = time.Now().UnixMilli()
			if err := f.db.InTx(f.ctx, func(ctx context.Context) error { return f.own.saveSchedule(ctx, &c, "next_slot") }); err != nil {
				t.Fatal(err)
			}
		}
		scans = append(scans, f.scan(t, 20))
		victim := kills % n
		kill(t, replicas[victim])
		replicas[victim] = f.start(t)
		kills++
	}
	for _, id := range scans {
		until(t, "every scan ends", func() bool { return !f.look(t, id).State.Open() })
	}
	f.settled(t, scans, c, slots, kills)
}

// settled holds that nothing was lost and nothing done twice.
func (f *field) settled(t *testing.T, scans []int64, c Schedule, slots, kills int) {
	t.Helper()
	for _, id := range scans {
		if r := f.look(t, id); r.State != Done || r.ResultWords != "20 of 20" {
			t.Errorf("scan %d: %s %s %s", id, r.State, r.ResultWords, r.Failure)
		}
	}
	for _, what := range []string{"end", "finish", "slot"} {
		var twice int
		err := f.db.Conn(across(f.ctx)).Raw("SELECT COUNT(*) FROM (SELECT run FROM effects WHERE what = ? GROUP BY run HAVING COUNT(*) > 1) AS t", what).Scan(&twice).Error
		if err != nil || twice != 0 {
			t.Errorf("%d runs have two effects %q, %v", twice, what, err)
		}
	}
	if got := f.count(t, "what = 'end'"); got != 20*len(scans) {
		t.Errorf("%d parts ended of %d", got, 20*len(scans))
	}
	var rows, double int
	err := errors.Join(f.db.Conn(across(f.ctx)).Raw("SELECT COUNT(*) FROM job_runs WHERE schedule_id = ?", c.ID).Scan(&rows).Error,
		f.db.Conn(across(f.ctx)).Raw("SELECT COUNT(*) FROM (SELECT slot FROM job_runs WHERE schedule_id = ? GROUP BY slot HAVING COUNT(*) > 1) AS t", c.ID).Scan(&double).Error)
	if err != nil || double != 0 || rows == 0 {
		t.Errorf("%d slots, %d of them twice, %v", rows, double, err)
	}
	t.Log(strconv.Itoa(kills) + " kills, " + strconv.Itoa(len(scans)) + " scans, " + strconv.Itoa(rows) + " of " + strconv.Itoa(slots) + " moments as slots")
}
