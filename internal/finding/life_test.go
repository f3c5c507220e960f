package finding_test

import (
	"strings"
	"testing"
	"time"

	"muster/internal/fault"
	"muster/internal/finding"
)

const day = 24 * time.Hour

func TestAFindingLivesAndReadsLikeAStory(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		row := vulnerable(d.pay, "lodash", finding.High, "CVE-2021-23337", "GHSA-35jh-r3h4-6jhm")
		d.counts(d.read(report("trivy", "a", row)), finding.Counts{Created: 1})
		f := d.only()
		if f.State != finding.Open || f.Severity != finding.High || f.Vulnerability != "CVE-2021-23337" || !strings.Contains(f.DueWords, "30 days for severity high in tier 1") {
			d.t.Errorf("%+v", f.Finding)
		}
		d.clock.Move(day)
		p := d.read(report("trivy", "a", row))
		d.counts(p, finding.Counts{Unchanged: 1})
		if !p.Same {
			d.t.Error("the same words were not recognised")
		}
		d.counts(d.read(report("trivy", "b", row)), finding.Counts{Unchanged: 1})
		d.move(yaw, f.ID, finding.Move{To: finding.Confirmed})
		d.move(yaw, f.ID, finding.Move{To: finding.InProgress})
		d.move(yaw, f.ID, finding.Move{To: finding.Fixed, Note: "Upgraded."})
		if _, err := d.Move(d.ctx, yaw, f.ID, finding.Move{To: finding.Closed}); kindOf(err) != fault.Forbidden {
			d.t.Errorf("one person fixes and verifies: %v", err)
		}
		d.clock.Move(day)
		d.counts(d.read(report("trivy", "c", row)), finding.Counts{Reopened: 1})
		back := d.want(f.ID, finding.Open)
		if back.ReopenCount != 1 || back.Events[0].Contradicts == 0 || !strings.Contains(back.DueWords, "It came back on 26 November 2026") {
			d.t.Errorf("%+v", back.Events[0])
		}
		d.clock.Move(day)
		d.counts(d.read(report("trivy", "d")), finding.Counts{Ended: 1})
		d.want(f.ID, finding.Fixed)
		d.clock.Move(day)
		d.counts(d.read(report("trivy", "d")), finding.Counts{})
		d.want(f.ID, finding.Fixed) // the very same file proves nothing more
		d.counts(d.read(report("trivy", "e")), finding.Counts{Updated: 1})
		d.want(f.ID, finding.Closed)
		d.clock.Move(day)
		d.counts(d.read(report("trivy", "f", row)), finding.Counts{Reopened: 1})
		if d.want(f.ID, finding.Open).ReopenCount != 2 {
			d.t.Error("it is not counted how often it came back")
		}
		d.sound()
	})
}

func TestOneWeaknessOfThreeToolsIsOneFinding(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		ghsa := vulnerable(d.pay, "lodash", finding.Medium, "GHSA-35jh-r3h4-6jhm")
		cve := vulnerable(d.pay, "lodash", finding.High, "CVE-2021-23337")
		both := vulnerable(d.pay, "lodash", finding.High, "GHSA-35jh-r3h4-6jhm", "CVE-2021-23337")
		d.read(report("grype", "a", ghsa))
		d.read(report("trivy", "b", cve))
		if len(d.all()) != 2 {
			d.t.Fatal("nobody said yet that they are the same")
		}
		d.read(report("osv-scanner", "c", both))
		d.sound()
		live := 0
		for _, f := range d.all() {
			if f.State == finding.Duplicate {
				if f.DuplicateOf != 1 || f.Live != 0 {
					d.t.Errorf("%+v", f)
				}
				continue
			}
			live++
			full := d.get(f.ID)
			if len(full.Sources) != 3 || full.Live != 3 || full.Severity != finding.High || full.Vulnerability != "CVE-2021-23337" {
				d.t.Errorf("%+v\n%s", full.Finding, story(full.Events))
			}
		}
		if live != 1 {
			d.t.Errorf("%d findings are left", live)
		}
		// one tool that no longer sees it ends its own source only
		d.counts(d.read(report("trivy", "d")), finding.Counts{Ended: 1})
		d.want(1, finding.Open)
		d.read(report("grype", "e"), report("osv-scanner", "f"))
		d.want(1, finding.Fixed)
		d.sound()
	})
}

func TestAPartEndsNothingAndAScopeEndsItsOwn(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		a, b := vulnerable(d.pay, "a", finding.High, "CVE-2026-0001"), vulnerable(d.pay, "b", finding.High, "CVE-2026-0002")
		d.read(report("trivy", "1", a, b))
		part := report("trivy", "2", a)
		part.Complete = false
		d.counts(d.read(part), finding.Counts{Unchanged: 1})
		elsewhere := report("trivy", "3")
		elsewhere.SourceID = 2
		d.counts(d.read(elsewhere), finding.Counts{})
		if p := d.read(report("trivy", "4", a)); p.Held || p.Counts.Ended != 1 {
			d.t.Errorf("one of two: %+v %v", p.Counts, p.Held)
		}
		p, err := d.Plan(d.ctx, []finding.Report{report("trivy", "5")})
		if err != nil || !p.Held || !strings.Contains(p.Why, "Did the scanner fail?") {
			d.t.Errorf("down to zero: %+v %v", p, err)
		}
		d.sound()
	})
}

func TestADecisionHoldsUntilItsFactsChange(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		row := vulnerable(d.pay, "lodash", finding.Medium, "CVE-2021-23337")
		d.read(report("trivy", "a", row))
		f := d.only()
		if _, err := d.Move(d.ctx, yaw, f.ID, finding.Move{To: finding.FalsePositive, Note: "No."}); kindOf(err) != fault.Forbidden {
			d.t.Errorf("an engineer judges alone: %v", err)
		}
		for field, m := range map[string]finding.Move{"note": {To: finding.FalsePositive}, "justification": {To: finding.NotAffected, Note: "x"}, "duplicate_of": {To: finding.Duplicate, Note: "x"}, "to": {To: finding.Accepted, Note: "x"}} {
			if _, err := d.Move(d.ctx, ama, f.ID, m); kindOf(err) != fault.Invalid {
				d.t.Errorf("%s: %v", field, err)
			}
		}
		d.move(ama, f.ID, finding.Move{To: finding.FalsePositive, Note: "The function is never called."})
		row.Installed, row.Description = "1.2.9", "Other words."
		d.counts(d.read(report("trivy", "b", row)), finding.Counts{Updated: 1})
		d.want(f.ID, finding.FalsePositive)
		d.read(report("trivy", "c"))
		d.read(report("trivy", "d", row))
		d.want(f.ID, finding.FalsePositive)
		worse := row
		worse.Severity = finding.Critical
		d.read(report("trivy", "e", worse))
		if got := d.want(f.ID, finding.ReReview); !strings.Contains(got.Events[0].Words, "severity rose from medium to critical") {
			d.t.Error(got.Events[0].Words)
		}
		d.move(ama, f.ID, finding.Move{To: finding.FalsePositive, Note: "Still."})
		worse.Path = "web/package-lock.json"
		d.read(report("trivy", "f", worse))
		d.want(f.ID, finding.ReReview)
		d.sound()
	})
}

func TestWhatAReportCallsClosed(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		row := vulnerable(d.pay, "lodash", finding.High, "CVE-2021-23337")
		closed := func(s finding.Status) finding.Row {
			r := row
			r.Status, r.StatusReason = s, "because"
			return r
		}
		d.counts(d.read(report("trivy", "a", closed(finding.Suppressed))), finding.Counts{})
		d.read(report("trivy", "b", row))
		d.counts(d.read(report("trivy", "c", closed(finding.ReportedNot))), finding.Counts{Ended: 1})
		d.want(1, finding.NotAffected)
		d.counts(d.read(report("trivy", "d", closed(finding.ReportedNot))), finding.Counts{Unchanged: 1})
		d.read(report("trivy", "e", row))
		d.want(1, finding.Open)
		d.read(report("trivy", "f", closed(finding.ReportedTaken)))
		d.want(1, finding.ReReview) // only an exception accepts
		d.move(ama, 1, finding.Move{To: finding.Confirmed})
		d.read(report("trivy", "g", row))
		d.read(report("trivy", "h", closed(finding.ReportedFalse)))
		d.want(1, finding.ReReview) // a person had confirmed it
		d.sound()
	})
}

func TestUndo(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		a, b, c := vulnerable(d.pay, "a", finding.High, "CVE-2026-0001"), vulnerable(d.pay, "b", finding.High, "CVE-2026-0002"), vulnerable(d.pay, "c", finding.Low, "GHSA-cccc")
		d.read(report("trivy", "1", a, b))
		d.read(report("grype", "2", c))
		before := d.snapshot()
		worse := a
		worse.Severity, worse.Installed = finding.Critical, "1.0.0"
		merging := vulnerable(d.pay, "a", finding.High, "CVE-2026-0001", "GHSA-aaaa")
		_ = merging
		d.read(report("trivy", "3", worse, vulnerable(d.pay, "d", finding.Medium, "CVE-2026-0004")))
		d.want(2, finding.Fixed)
		d.undo()
		if after := d.snapshot(); after != before {
			d.t.Errorf("before\n%s\nafter\n%s", before, after)
		}
		d.sound()
		d.counts(d.read(report("trivy", "3", worse, vulnerable(d.pay, "d", finding.Medium, "CVE-2026-0004"))), finding.Counts{Created: 1, Ended: 1, Updated: 1})
		d.move(ama, 1, finding.Move{To: finding.FalsePositive, Note: "No."})
		d.undo()
		d.want(1, finding.FalsePositive) // what a person decided since stays
		d.want(2, finding.Open)
		d.sound()
	})
}

func TestUndoOfAMerge(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(report("grype", "a", vulnerable(d.pay, "lodash", finding.Medium, "GHSA-35jh-r3h4-6jhm")))
		d.read(report("trivy", "b", vulnerable(d.pay, "lodash", finding.High, "CVE-2021-23337")))
		before := d.snapshot()
		both := report("osv-scanner", "c", vulnerable(d.pay, "lodash", finding.High, "GHSA-35jh-r3h4-6jhm", "CVE-2021-23337"))
		d.read(both)
		d.undo()
		if after := d.snapshot(); after != before {
			d.t.Errorf("before\n%s\nafter\n%s", before, after)
		}
		d.sound()
		d.counts(d.read(report("trivy", "d", vulnerable(d.pay, "lodash", finding.High, "CVE-2021-23337"))), finding.Counts{Unchanged: 1})
		d.read(both)
		if d.get(1).Live != 3 {
			d.t.Errorf("%s", d.snapshot())
		}
		d.sound()
	})
}

func TestNobodySeesAnothersFindings(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(report("trivy", "a", vulnerable(d.pay, "lodash", finding.High, "CVE-2021-23337")))
		if _, err := d.Get(d.other, ama, 1); kindOf(err) != fault.NotFound {
			d.t.Error(err)
		}
		if _, err := d.Move(d.other, ama, 1, finding.Move{To: finding.Confirmed}); kindOf(err) != fault.NotFound {
			d.t.Error(err)
		}
		if page, err := d.List(d.other, ama, finding.Filter{}); err != nil || page.Total != 0 || len(page.Rows) != 0 {
			d.t.Error(page, err)
		}
		p, err := d.Plan(d.other, []finding.Report{report("trivy", "a", vulnerable(d.pay, "lodash", finding.High, "CVE-2021-23337"))})
		if err != nil || p.Counts.Created != 1 {
			d.t.Error(p, err)
		}
	})
}

func TestAListNarrowsAndSearches(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		exploited := vulnerable(d.pay, "log4j-core", finding.Critical, "CVE-2021-44228")
		exploited.Exploited = true
		d.read(report("trivy", "a", exploited, vulnerable(d.web, "lodash", finding.High, "CVE-2021-23337"), vulnerable(d.web, "left-pad", finding.Low, "GHSA-left")))
		for _, c := range []struct {
			f    finding.Filter
			want []string
		}{
			{finding.Filter{}, []string{"log4j-core", "lodash", "left-pad"}},
			{finding.Filter{Text: "44228"}, []string{"log4j-core"}},
			{finding.Filter{Text: "CVE-2021"}, []string{"log4j-core", "lodash"}},
			{finding.Filter{Text: "lod"}, []string{"lodash"}},
			{finding.Filter{Text: `"' OR 1=1 -- *`}, nil},
			{finding.Filter{Service: d.web}, []string{"lodash", "left-pad"}},
			{finding.Filter{Severities: []finding.Severity{finding.Low}}, []string{"left-pad"}},
			{finding.Filter{Exploited: true}, []string{"log4j-core"}},
			{finding.Filter{States: []finding.State{finding.Closed}}, nil},
			{finding.Filter{Unassigned: true}, nil},
		} {
			page, err := d.List(d.ctx, yaw, c.f)
			if err != nil {
				d.t.Fatal(err)
			}
			var got []string
			for _, f := range page.Rows {
				got = append(got, f.Package)
			}
			if strings.Join(got, " ") != strings.Join(c.want, " ") || page.Total != int64(len(c.want)) {
				d.t.Errorf("%+v: %v of %d", c.f, got, page.Total)
			}
		}
		first, err := d.List(d.ctx, yaw, finding.Filter{Limit: 2})
		if err != nil || first.Next == "" {
			d.t.Fatal(first.Next, err)
		}
		rest, err := d.List(d.ctx, yaw, finding.Filter{Limit: 2, After: first.Next})
		if err != nil || len(rest.Rows) != 1 || rest.Next != "" || rest.Rows[0].Package != "left-pad" {
			d.t.Errorf("%+v %v", rest, err)
		}
		d.clock.Move(8 * day)
		late, err := d.List(d.ctx, yaw, finding.Filter{Overdue: true})
		if err != nil || len(late.Rows) != 1 || late.Rows[0].Package != "log4j-core" {
			d.t.Errorf("%+v %v", late, err)
		}
	})
}

func TestAssessing(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(report("trivy", "a", vulnerable(d.pay, "lodash", finding.High, "CVE-2021-23337")))
		was := d.only()
		f, err := d.Assess(d.ctx, ama, 1, finding.Low, "Only reachable by admins.")
		if err != nil || f.Severity != finding.Low || f.ReportedSeverity != finding.High || !f.DueAt.After(*was.DueAt) || f.Priority >= was.Priority {
			d.t.Errorf("%+v %v", f, err)
		}
		d.read(report("grype", "b", vulnerable(d.pay, "lodash", finding.Critical, "CVE-2021-23337")))
		if got := d.get(1); got.Severity != finding.Low || got.ReportedSeverity != finding.Critical {
			d.t.Errorf("a report overruled a person: %s", got.Severity)
		}
		if _, err := d.Assess(d.ctx, yaw, 1, finding.Info, "x"); kindOf(err) != fault.Forbidden {
			d.t.Error(err)
		}
		if _, err := d.Assess(d.ctx, ama, 1, "awful", ""); kindOf(err) != fault.Invalid {
			d.t.Error(err)
		}
		d.sound()
	})
}

func TestTheReportOfOneServiceEndsNothingOfAnother(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(report("trivy", "a", vulnerable(d.pay, "lodash", finding.High, "CVE-2026-0001"), vulnerable(d.pay, "react", finding.High, "CVE-2026-0002")))
		d.counts(d.read(report("trivy", "b", vulnerable(d.web, "lodash", finding.High, "CVE-2026-0001"))), finding.Counts{Created: 1})
		if p, err := d.Plan(d.ctx, []finding.Report{report("trivy", "c")}); err != nil || !p.Held || p.Counts.Ended != 3 {
			d.t.Errorf("one that is empty ends %+v %v", p, err)
		}
		d.counts(d.read(report("trivy", "d", vulnerable(d.pay, "lodash", finding.High, "CVE-2026-0001"))), finding.Counts{Unchanged: 1, Ended: 1})
		d.sound()
	})
}
