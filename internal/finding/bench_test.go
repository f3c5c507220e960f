package finding_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/database/databasetest"
	"muster/internal/finding"
)

// many makes a report like those of big scanners: so many packages, each with a flaw and a text about it.
func many(service int64, n, from int) []finding.Row {
	rows := make([]finding.Row, 0, n)
	for i := from; i < from+n; i++ {
		r := vulnerable(service, fmt.Sprintf("package-%d", i), finding.Severities()[i%4], fmt.Sprintf("CVE-2026-%06d", i), fmt.Sprintf("GHSA-%04d-%04d", i/10000, i%10000))
		r.Description = fmt.Sprintf("Flaw %d. %s", i, strings.Repeat("A long text about what may happen. ", 20))
		r.References = []string{fmt.Sprintf("https://example.com/%d", i)}
		rows = append(rows, r)
	}
	return rows
}

// TestImportsKeepUpWithTheEngine measures imports against the bare limit, the same rows written into the same tables by
// prepared, batched statements, in one run. It takes minutes, so it runs where MUSTER_BENCH names how many findings
// stand there before.
func TestImportsKeepUpWithTheEngine(t *testing.T) {
	var before int
	if _, err := fmt.Sscan(os.Getenv("MUSTER_BENCH"), &before); err != nil {
		t.Skip("MUSTER_BENCH is not set")
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			clock := databasetest.NewClock()
			db := databasetest.SQLite
			if engine == "postgres" {
				db = databasetest.Postgres
			}
			d := open(t, db(t, clock), clock)
			for done := 0; done < before; done += 10_000 {
				rep := report("trivy", fmt.Sprint("before", done), many(d.web, 10_000, 1_000_000+done)...)
				rep.SourceID = int64(100 + done)
				d.read(rep)
			}
			const n = 10_000
			rows := many(d.pay, n, 0)
			began := time.Now()
			d.read(report("trivy", "first", rows...))
			first := time.Since(began)
			limit := d.limit(d.imports)
			clock.Move(time.Hour)
			began = time.Now()
			p := d.read(report("trivy", "second", rows...))
			again := time.Since(began)
			if p.Counts.Created+p.Counts.Ended+p.Counts.Updated != 0 || p.Counts.Unchanged != n {
				t.Errorf("%+v", p.Counts)
			}
			t.Logf("%s with %d before: first %v (%.0f/s), the bare limit %v, %.1f times; again %v (%.0f/s)", engine, before, first, n/first.Seconds(), limit, first.Seconds()/limit.Seconds(), again, n/again.Seconds())
			d.pages(t, engine)
			began = time.Now()
			taken, held := d.takeOut()
			t.Logf("%s: an export of %d findings takes %v and holds %d kB", engine, taken, time.Since(began), held>>10)
			if held > 24<<20 {
				t.Error("an export holds too much")
			}
			if n/first.Seconds() < 2000 || first > 4*limit || n/again.Seconds() < 7000 {
				t.Error("imports are too slow")
			}
		})
	}
}

// limit writes the rows of an import once more, as fast as the engine takes them, and rolls back.
func (d *desk) limit(importID int64) time.Duration {
	d.t.Helper()
	var took time.Duration
	undo := fmt.Errorf("roll back")
	err := d.db.InTx(d.ctx, func(ctx context.Context) error {
		copied, err := d.Copy(ctx, importID)
		if err != nil {
			return err
		}
		began := time.Now()
		err = copied(ctx)
		took = time.Since(began)
		if err != nil {
			return err
		}
		return undo
	})
	if err != undo {
		d.t.Fatal(err)
	}
	return took
}

// pages measures the questions behind the list and the page of one finding.
func (d *desk) pages(t *testing.T, engine string) {
	t.Helper()
	for name, f := range map[string]finding.Filter{
		"most urgent": {}, "low ones": {Severities: []finding.Severity{finding.Low}}, "one service": {Service: d.web}, "overdue": {Overdue: true}, "exploited": {Exploited: true},
		"a search": {Text: "package 1000"}, "a rare search": {Text: "CVE-2026-000007"}, "by date": {Sort: finding.ByDue}, "newest": {Sort: finding.ByNewest}, "due this week": {DueWithin: 7 * 24 * time.Hour}, "newest of one service": {Service: d.web, Sort: finding.ByNewest}, "far down": {After: "20.5000"}, "closed": {States: []finding.State{finding.Closed}},
	} {
		took := d.slowest(t, func() error {
			_, err := d.List(d.ctx, ama, f)
			return err
		})
		t.Logf("%s: %s takes %v at most", engine, name, took)
		if took > 100*time.Millisecond {
			t.Errorf("%s: %s takes %v", engine, name, took)
		}
	}
	took := d.slowest(t, func() error {
		f, err := d.Get(d.ctx, ama, 7)
		if err == nil {
			_, err = d.Similar(d.ctx, &f.Finding)
		}
		if err == nil {
			_, err = d.Facets(d.ctx, ama, 0)
		}
		return err
	})
	t.Logf("%s: one finding and the facets take %v at most", engine, took)
}

// slowest is the 19th of 20 times.
func (d *desk) slowest(t *testing.T, f func() error) time.Duration {
	t.Helper()
	var all []time.Duration
	for range 20 {
		began := time.Now()
		if err := f(); err != nil {
			t.Fatal(err)
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[18].Round(time.Microsecond)
}
