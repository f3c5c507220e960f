package remediation_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/finding"
	"muster/internal/remediation"
)

func who(a access.Actor) string { return "user:" + itoa(a.UserID) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestBundlesPromiseOnlyWhatIsTrue(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		old := row(d.web, "lodash", finding.Critical, "1.0.3")
		ahead := row(d.web, "lodash", finding.Low, "0.9.9, 2.1.0")
		ahead.Installed, ahead.IDs = "2.0.0", []string{"CVE-2026-AHEAD"}
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"), row(d.pay, "lodash", finding.Low, "1.0.10"), old, ahead, row(d.pay, "lodash", finding.Low, ""), row(d.pay, "react", finding.Low, "next"))
		list, n, err := d.Bundles(d.ctx, d.kofi)
		if err != nil || n != 2 {
			d.t.Fatal(n, err)
		}
		// 2.1.0 closes all four; 1.0.10 would leave what is at 2.0.0.
		b := list[0]
		if b.Title != "Upgrade lodash to 2.1.0 in 2 services" || b.Findings != 4 || b.Critical != 1 || b.High != 1 || b.Medium+b.Low != 2 || b.Worst() != finding.Critical || b.NoFix != 1 {
			d.t.Errorf("%+v", b)
		}
		if list[1].Version != "next" || list[1].Findings != 1 {
			d.t.Errorf("%+v", list[1])
		}
		task, err := d.Gather(d.ctx, d.kofi, b.Key)
		if err != nil || task.Items != 4 || task.Title != b.Title {
			d.t.Fatalf("%+v %v", task, err)
		}
		if _, err := d.Gather(d.ctx, d.kofi, b.Key); fieldOf(err, "bundle") == "" {
			d.t.Errorf("the same bundle again: %v", err)
		}
		if _, n, err := d.Bundles(d.ctx, d.kofi); err != nil || n != 1 {
			d.t.Errorf("%d bundles are left, %v", n, err)
		}
		for _, key := range []string{"", "upgrade", "rule\x1fx\x1fcode\x1fy", "rule\x1f1\x1fcode\x1fy", strings.Repeat("\x1f", 9)} {
			if _, err := d.Gather(d.ctx, d.kofi, key); fieldOf(err, "bundle") == "" {
				d.t.Errorf("%q: %v", key, err)
			}
		}
	})
}

func TestOneRuleInManyPlaces(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		var rows []finding.Row
		for i := range 4 {
			rows = append(rows, finding.Row{ServiceID: d.pay, Kind: finding.Code, Status: finding.Reported, Title: "SQL from input", Rule: "go.sql", Path: fmt.Sprintf("a%d.go", i), Line: 1, Severity: finding.High, Fingerprint: fmt.Sprint(i)})
		}
		d.read(rows...)
		list, _, err := d.Bundles(d.ctx, d.kofi)
		if err != nil || len(list) != 1 || list[0].Title != "Fix go.sql in 4 places" {
			d.t.Fatalf("%+v %v", list, err)
		}
		if task, err := d.Gather(d.ctx, d.kofi, list[0].Key); err != nil || task.Items != 4 {
			d.t.Errorf("%+v %v", task, err)
		}
	})
}

func TestListsGoOnWhereTheyEnded(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		var rows []finding.Row
		for i := range 7 {
			rows = append(rows, row(d.pay, fmt.Sprintf("p%d", i), finding.Severities()[i%5], "1.0.1"))
		}
		d.read(rows...)
		for i := range 7 {
			d.task(fmt.Sprintf("p%d", i))
		}
		seen, after := map[int64]bool{}, ""
		for range 9 {
			p := must(d.List(d.ctx, d.kofi, remediation.Filter{After: after, Limit: 2}))
			for _, r := range p.Rows {
				seen[r.ID] = true
			}
			if after = p.Next; after == "" {
				break
			}
		}
		if len(seen) != 7 {
			d.t.Errorf("%d of 7", len(seen))
		}
		d.read()
		d.read(row(d.pay, "other", finding.Low, ""))
		seen, after = map[int64]bool{}, ""
		for range 9 {
			p := must(d.List(d.ctx, d.kofi, remediation.Filter{State: remediation.Verified, After: after, Limit: 3}))
			for _, r := range p.Rows {
				seen[r.ID] = true
			}
			if after = p.Next; after == "" {
				break
			}
		}
		if len(seen) != 7 {
			d.t.Errorf("%d of 7 verified", len(seen))
		}
	})
}

func TestMyWork(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.Critical, "1.0.1"), row(d.pay, "react", finding.High, "1.0.1"), row(d.web, "vue", finding.Critical, "1.0.1"), row(d.pay, "later", finding.Low, "1.0.1"))
		team := d.task("lodash") // of the team, since it owns pay
		mine := must(d.Create(d.ctx, d.ama, remediation.Draft{Findings: d.ids("vue"), Who: who(d.kofi)}))
		w, err := d.Mine(d.ctx, d.kofi, must(d.book.Roster(d.ctx, d.kofi)))
		if err != nil || len(w.Tasks) != 2 || w.Services != 1 {
			d.t.Fatalf("%+v %v", w, err)
		}
		if w.Tasks[0].ID != team.ID && w.Tasks[1].ID != team.ID || w.Tasks[0].ID != mine.ID && w.Tasks[1].ID != mine.ID {
			d.t.Errorf("%+v", w.Tasks)
		}
		d.clock.Move(2 * day)
		w = must(d.Mine(d.ctx, d.kofi, must(d.book.Roster(d.ctx, d.kofi))))
		if len(w.Findings) != 1 || w.Findings[0].Package != "react" {
			d.t.Errorf("%+v", w.Findings)
		}
		if w := must(d.Mine(d.ctx, d.ama, nil)); len(w.Tasks)+len(w.Findings) != 0 {
			d.t.Errorf("%+v", w)
		}
	})
}
