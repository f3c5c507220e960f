package jobs

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/internal/database"
	"muster/internal/database/databasetest"
)

// history fills the tables as a year would: many ended runs, few open ones.
func (d *desk) history(t testing.TB, n int) {
	t.Helper()
	now := d.clock.Now()
	var rows []Run
	for i := range n {
		at := now.Add(-time.Duration(i) * time.Minute)
		rows = append(rows, Run{WorkspaceID: int64(1 + i%2), Kind: "test", Name: "old", State: Done, ParentID: int64(i % 7), ScheduleID: int64(i % 5), Slot: int64(i % 5 * (i + 1)), MaxAttempts: 1, RunAt: at.UnixMilli(), FinishedAt: &at, CreatedAt: at})
	}
	err := d.db.InTx(across(t.Context()), func(ctx context.Context) error { return database.InsertAll(ctx, d.db, "history", rows) })
	if err != nil {
		t.Fatal(err)
	}
}

// No statement that the machinery or a page sends reads a whole table of runs.
func TestHotStatementsReadNoWholeTable(t *testing.T) {
	t.Parallel()
	clock := databasetest.NewClock()
	for name, db := range map[string]*database.DB{"sqlite": databasetest.SQLite(t, clock), "postgres": databasetest.Postgres(t, clock)} {
		d := newDesk(t, db, clock)
		d.history(t, 5000)
		var mu sync.Mutex
		seen := map[string]databasetest.Statement{}
		databasetest.Watch(t, db, func(_ context.Context, s databasetest.Statement) {
			mu.Lock()
			defer mu.Unlock()
			seen[s.SQL] = s
		})
		d.everything(t)
		explain, bad := "EXPLAIN QUERY PLAN ", regexp.MustCompile(`SCAN job_`)
		open := regexp.MustCompile(`USING INDEX job_runs_(running|claim)$`) // they hold open runs only
		conn, err := databasetest.Pool(t, db).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if db.Engine == database.Postgres {
			explain, bad = "EXPLAIN ", regexp.MustCompile(`Seq Scan on (job_runs|job_lines|job_schedules)`)
			if _, err := conn.ExecContext(t.Context(), "SET enable_seqscan = off"); err != nil {
				t.Fatal(err)
			}
		}
		explained := 0
		for text, s := range seen {
			if strings.HasPrefix(text, "INSERT") || !strings.Contains(text, "job_") {
				continue
			}
			explained++
			rows, err := conn.QueryContext(t.Context(), explain+text, s.Vars...)
			if err != nil {
				t.Errorf("%s: explain %s: %v", name, text, err)
				continue
			}
			for rows.Next() {
				var id, parent, unused int
				var line string
				into := []any{&id, &parent, &unused, &line}
				if db.Engine == database.Postgres {
					into = into[3:]
				}
				if err := rows.Scan(into...); err != nil {
					t.Fatal(err)
				}
				if bad.MatchString(line) && !open.MatchString(line) {
					t.Errorf("%s: %s: %s", name, line, text)
				}
			}
			if err := rows.Close(); err != nil {
				t.Error(err)
			}
		}
		if explained < 30 {
			t.Errorf("%s: only %d statements were seen", name, explained)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

// everything does each thing once.
func (d *desk) everything(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	d.Handle("fan", &fan{children: 3})
	c := d.plans(t, "0 * * * *", CatchUpOnce)
	check := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	parent := d.enqueue(t, d.one, New{Kind: "fan", Key: "k"})
	for range 3 {
		d.tick(t)
		rows, err := d.claim(ctx, "x", 0, 10)
		check(err)
		for i := range rows {
			j := newJob(d.Service, &rows[i], func(error) {})
			j.Log("a line")
			_, err := d.beat(ctx, []*Job{j})
			check(err)
			if rows[i].Kind == "fan" && rows[i].Phase == phaseRun {
				j.Fan([]New{{Kind: "test", Name: "part"}})
			}
			check(d.settle(ctx, j, outcome{}))
		}
	}
	victim := d.enqueue(t, d.one, New{})
	_, err := d.claim(ctx, "x", 0, 1)
	check(err)
	rows, err := d.running(across(ctx))
	check(err)
	check(d.takeBack(ctx, &rows[0]))
	_, err = d.Cancel(d.one, d.engineer, victim.ID)
	check(err)
	_, err = d.Retry(d.one, d.engineer, victim.ID)
	check(err)
	_, err = d.Get(d.one, d.admin, parent.ID, 1, 1)
	check(err)
	_, err = d.RunNow(d.one, d.engineer, c.ID)
	check(err)
	for _, f := range []Filter{{}, {State: Dead}, {State: Done}, {Kind: "test"}, {State: Missed, Kind: "test"}} {
		_, err = d.List(d.one, d.admin, f)
		check(err)
	}
	_, _, err = d.Schedules(d.one, d.admin, 1)
	check(err)
	_, err = d.Attention(d.one, d.admin)
	check(err, d.prune(ctx), d.SeedWorkspace(d.one))
}

// spent is the processor time of this process.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func onBoth(b *testing.B, f func(b *testing.B, d *desk)) {
	b.Helper()
	clock := databasetest.NewClock()
	b.Run("sqlite", func(b *testing.B) { f(b, newDesk(b, databasetest.SQLite(b, clock), clock)) })
	b.Run("postgres", func(b *testing.B) { f(b, newDesk(b, databasetest.Postgres(b, clock), clock)) })
}

// BenchmarkIdle is what a worker costs that has nothing to do, beside 20,000 past runs: at most a hundredth of a processor.
func BenchmarkIdle(b *testing.B) {
	onBoth(b, func(b *testing.B, d *desk) {
		d.history(b, 20_000)
		work(b, d.Service, Options{})
		time.Sleep(2 * time.Second) // starting is no idling
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for b.Loop() {
			start := spent(b)
			time.Sleep(3 * time.Second)
			share := float64(spent(b)-start) / float64(3*time.Second)
			b.ReportMetric(1000*share, "‰-of-a-core")
			if share > 0.01 {
				b.Errorf("an idle worker takes %.1f %% of a core", 100*share)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapInuse)/1e6, "MB-in-use")
	})
}

// BenchmarkThousandJobs asks for a thousand runs and waits until they are done: at most 30 s.
func BenchmarkThousandJobs(b *testing.B) {
	onBoth(b, func(b *testing.B, d *desk) {
		d.Handle("thousand", &fan{children: 1000})
		work(b, d.Service, Options{})
		for b.Loop() {
			r := d.enqueue(b, d.one, New{Kind: "thousand", Name: fmt.Sprint("thousand ", b.N)})
			for d.run(b, d.one, r.ID).State != Done {
				time.Sleep(20 * time.Millisecond)
				if b.Elapsed() > 5*time.Minute {
					b.Fatal("it does not end")
				}
			}
		}
		each := b.Elapsed() / time.Duration(b.N)
		b.ReportMetric(float64(each)/float64(30*time.Second), "of-limit")
		if each > 30*time.Second {
			b.Errorf("a thousand runs took %v", each)
		}
	})
}
