package finding_test

import (
	"context"
	"fmt"
	"os"
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
