package finding_test

import (
	"context"
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/finding"
)

// ask requests an exception as the workflow does.
func (d *desk) ask(r exception.Request) (exception.Exception, error) {
	p, err := d.Prospect(d.ctx, yaw, &r)
	if err != nil {
		return exception.Exception{}, err
	}
	r.Severity, r.Title = string(p.Severity), p.Title
	if r.Reason == "" {
		r.Reason = "The vendor needs until the next release."
	}
	return d.accepts.Ask(d.ctx, yaw, r)
}

// grant approves a request, and gives what it covers its state, in one transaction.
func (d *desk) grant(id int64) (int, error) {
	n := 0
	return n, d.db.InTx(d.ctx, func(ctx context.Context) error {
		e, err := d.accepts.Decide(ctx, ama, id, true, "")
		if err != nil {
			return err
		}
		_, n, err = d.Accept(ctx, ama, &e)
		return err
	})
}

func (d *desk) end(id int64) error {
	return d.db.InTx(d.ctx, func(ctx context.Context) error {
		e, err := d.accepts.End(ctx, yaw, id, "It can be fixed after all.")
		if err != nil {
			return err
		}
		_, err = d.Release(ctx, yaw, &e)
		return err
	})
}

func (d *desk) accepted(r exception.Request, want int) exception.Exception {
	d.t.Helper()
	e, err := d.ask(r)
	if err != nil {
		d.t.Fatal(err)
	}
	if n, err := d.grant(e.ID); err != nil || n != want {
		d.t.Fatalf("%d accepted, want %d: %v", n, want, err)
	}
	return e
}

func chosen(days int, ids ...int64) exception.Request {
	return exception.Request{Subject: exception.OfFindings, Findings: ids, Days: days}
}

func ruled(by exception.Match, value string, days int, services ...int64) exception.Request {
	return exception.Request{Subject: exception.OfRule, MatchBy: by, MatchValue: value, Services: services, Days: days}
}

func TestAnAcceptedFindingComesBackOnItsDay(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		row := vulnerable(d.pay, "lodash", finding.High, "CVE-2026-0001")
		d.read(report("trivy", "a", row))
		f := d.only()
		due := *f.DueAt
		e := d.accepted(chosen(20, f.ID), 1)
		in := d.want(f.ID, finding.Accepted)
		if in.DecidedLayer != finding.ByPerson || in.ExceptionID != e.ID || !in.Excused(d.clock.Now()) || in.Events[0].ActorName != "Ama" || !strings.Contains(in.Events[0].Words, "exception 1 until") || !strings.Contains(in.Events[0].Words, "Yaw asked for") {
			d.t.Errorf("%+v", in.Events[0])
		}
		d.clock.Move(10 * day)
		d.read(report("trivy", "b", row)) // the same report again changes nothing
		d.want(f.ID, finding.Accepted)
		d.sound()
		d.clock.Move(30 * day) // nobody was there on its day
		back := d.want(f.ID, finding.Open)
		if !strings.Contains(back.Events[0].Words, "ran out on 14 December 2026") || back.ExceptionID != 0 || back.AcceptedUntil != nil {
			d.t.Errorf("%+v\n%s", back.Finding, story(back.Events))
		}
		if want := due.Add(20 * day); !back.DueAt.Equal(want) { // the clock stood still until its end, not until somebody looked
			d.t.Errorf("due %s, want %s", back.DueAt, want)
		}
		if !back.HardDueAt.Equal(due) {
			d.t.Errorf("the clock that nothing pauses moved to %s", back.HardDueAt)
		}
		d.sound()
	})
}

func TestEveryReaderSeesWhatRanOut(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		for name, look := range map[string]func() int64{
			"list": func() int64 {
				p, err := d.List(d.ctx, ama, finding.Filter{})
				if err != nil {
					d.t.Error(err)
				}
				return p.Total
			},
			"facets": func() int64 {
				f, err := d.Facets(d.ctx, ama, 0)
				if err != nil {
					d.t.Error(err)
				}
				return f.Todo
			},
			"tallies": func() int64 {
				f, err := d.Tallies(d.ctx, []int64{d.pay})
				if err != nil {
					d.t.Error(err)
				}
				return f[d.pay][finding.High]
			},
		} {
			d.read(report("trivy", name, vulnerable(d.pay, "lodash", finding.High, "CVE-2026-0001")))
			f := d.only()
			d.accepted(chosen(5, f.ID), 1)
			if n := look(); n != 0 {
				d.t.Errorf("%s: %d wait while it is accepted", name, n)
			}
			d.clock.Move(5 * day)
			if n := look(); n != 1 {
				d.t.Errorf("%s: %d wait at the instant of the end", name, n)
			}
			d.sound()
		}
	})
}

func TestFactsThatChangeEndAnAcceptance(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		row := vulnerable(d.pay, "lodash", finding.Medium, "CVE-2026-0001")
		d.read(report("trivy", "a", row))
		f := d.only()
		d.accepted(chosen(100, f.ID), 1)
		row.Severity = finding.Critical
		d.read(report("trivy", "b", row))
		d.want(f.ID, finding.ReReview)
		if n, err := d.ask(chosen(31, f.ID)); kindOf(err) != fault.Invalid {
			d.t.Errorf("31 days for a critical one: %v %v", n, err)
		}
		d.accepted(chosen(30, f.ID), 1)
		if _, err := d.Assess(d.ctx, ama, f.ID, finding.Low, "Nobody reaches it."); err != nil {
			d.t.Fatal(err)
		}
		d.want(f.ID, finding.Accepted)
		d.sound()
	})
}

func TestAPersonWhoFindsItWorseEndsAnAcceptance(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(report("trivy", "a", vulnerable(d.pay, "lodash", finding.Medium, "CVE-2026-0001")))
		f := d.only()
		d.accepted(chosen(100, f.ID), 1)
		if _, err := d.Assess(d.ctx, ama, f.ID, finding.Critical, "It holds the keys."); err != nil {
			d.t.Fatal(err)
		}
		d.want(f.ID, finding.ReReview)
		d.sound()
	})
}

func TestAnAcceptedFindingThatIsGoneIsFixed(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		a, b := vulnerable(d.pay, "a", finding.High, "CVE-2026-0001"), vulnerable(d.pay, "b", finding.High, "CVE-2026-0002")
		d.read(report("trivy", "a", a, b))
		var gone int64
		for _, f := range d.all() {
			if f.Package == "a" {
				gone = f.ID
			}
		}
		d.accepted(chosen(5, gone), 1)
		d.read(report("trivy", "b", b))
		d.want(gone, finding.Accepted)
		d.clock.Move(6 * day)
		if f := d.want(gone, finding.Fixed); !strings.Contains(f.Events[0].Words, "No report sees it any more.") {
			d.t.Error(f.Events[0].Words)
		}
		d.read(report("trivy", "c", b))
		d.want(gone, finding.Closed)
		d.sound()
	})
}

func TestARuleTakesWhatComesLater(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		pay, web := vulnerable(d.pay, "lodash", finding.High, "CVE-2026-0001"), vulnerable(d.web, "lodash", finding.High, "CVE-2026-0001")
		d.read(report("trivy", "a", pay))
		first := d.only().ID
		d.move(yaw, first, finding.Move{To: finding.Confirmed})
		e := d.accepted(ruled(exception.ByVulnerability, "CVE-2026-0001", 60), 1)
		if f := d.want(first, finding.Accepted); f.DecidedLayer != finding.ByRule {
			d.t.Error(f.DecidedLayer)
		}
		worse := vulnerable(d.web, "other", finding.Critical, "CVE-2026-0001")
		d.read(report("trivy", "b", pay, web, worse))
		for _, f := range d.all() {
			want := finding.Accepted
			if f.Package == "other" {
				want = finding.Open // worse than what was looked at
			}
			full := d.want(f.ID, want)
			if f.ID != first && want == finding.Accepted && (full.ExceptionID != e.ID || !strings.Contains(full.Events[0].Words, "Accepted under exception 1")) {
				d.t.Errorf("%s", story(full.Events))
			}
		}
		d.sound()
		d.undo()
		d.want(first, finding.Accepted)
		d.sound()
	})
}

func TestARuleKeepsToItsServicesAndItsSort(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		code := finding.Row{ServiceID: d.pay, Kind: finding.Code, Status: finding.Reported, Title: "eval", Rule: "no-eval", Severity: finding.Low, Path: "a.js", Snippet: "eval(x)"}
		d.read(report("semgrep", "a", code))
		d.accepted(ruled(exception.ByRule, "no-eval", 365, d.pay), 1)
		there := code
		there.ServiceID = d.web
		again := code
		again.Path, again.Snippet = "b.js", "eval(y)"
		d.read(report("semgrep", "b", code, there, again))
		for _, f := range d.all() {
			want := finding.Accepted
			if f.ServiceID == d.web {
				want = finding.Open
			}
			d.want(f.ID, want)
		}
		d.read(report("trivy", "c", vulnerable(d.pay, "left-pad", finding.Medium, "CVE-2026-0009"), vulnerable(d.web, "left-pad", finding.Medium, "CVE-2026-0009")))
		d.accepted(ruled(exception.ByPackage, "left-pad", 180, d.pay, d.web), 2)
		d.sound()
	})
}

func TestWhatAPersonLeftOpenNoRuleTakes(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		row := vulnerable(d.pay, "lodash", finding.High, "CVE-2026-0001")
		d.read(report("trivy", "a", row))
		f := d.only()
		d.accepted(ruled(exception.ByVulnerability, "CVE-2026-0001", 60), 1)
		d.move(ama, f.ID, finding.Move{To: finding.Open, Note: "Not this one."})
		row.Installed = "1.2.9"
		d.read(report("trivy", "b", row))
		d.want(f.ID, finding.Open)
		d.sound()
	})
}

func TestEndingAndGoingOn(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(report("trivy", "a", vulnerable(d.pay, "a", finding.High, "CVE-2026-0001"), vulnerable(d.pay, "b", finding.High, "CVE-2026-0002")))
		list := d.all()
		one, two := list[0].ID, list[1].ID
		first := d.accepted(chosen(20, one, two), 2)
		d.clock.Move(10 * day)
		renewal := chosen(60, one)
		renewal.Renews = first.ID
		d.accepted(renewal, 1)
		d.clock.Move(15 * day) // the first ran out, the renewal goes on
		d.want(one, finding.Accepted)
		d.want(two, finding.Open)
		if err := d.end(2); err != nil {
			d.t.Fatal(err)
		}
		f := d.want(one, finding.Open)
		if v := f.Events[0]; !strings.Contains(v.Words, "Yaw ended exception 2") || v.Note != "It can be fixed after all." {
			d.t.Errorf("%+v", v)
		}
		// what another exception covers goes on under that
		d.accepted(chosen(10, one), 1)
		d.accepted(ruled(exception.ByVulnerability, f.Vulnerability, 50), 1)
		d.clock.Move(20 * day)
		d.want(one, finding.Accepted)
		if err := d.end(4); err != nil {
			d.t.Fatal(err)
		}
		d.want(one, finding.Open)
		d.sound()
	})
}

func TestUndoBringsNoAcceptanceBackThatIsOver(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		row := vulnerable(d.pay, "lodash", finding.Medium, "CVE-2026-0001")
		d.read(report("trivy", "a", row))
		f := d.only()
		e := d.accepted(chosen(20, f.ID), 1)
		row.Severity = finding.High
		d.read(report("trivy", "b", row))
		d.want(f.ID, finding.ReReview)
		if err := d.end(e.ID); err != nil {
			d.t.Fatal(err)
		}
		d.undo()
		d.want(f.ID, finding.Open)
		d.sound()
	})
}

func TestWhoMayAccept(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(report("trivy", "a", vulnerable(d.pay, "lodash", finding.High, "CVE-2026-0001")))
		f := d.only()
		e, err := d.ask(chosen(5, f.ID))
		if err != nil {
			d.t.Fatal(err)
		}
		if _, err := d.ask(chosen(9, f.ID)); kindOf(err) != fault.Invalid {
			d.t.Errorf("asked twice: %v", err)
		}
		for who, actor := range map[string]access.Actor{"who asked": {UserID: yaw.UserID, Name: "Yaw", Role: access.Admin}, "an engineer": {UserID: 9, Role: access.Engineer}} {
			if _, err := d.accepts.Decide(d.ctx, actor, e.ID, true, ""); kindOf(err) != fault.Forbidden {
				d.t.Errorf("%s: %v", who, err)
			}
		}
		if _, _, err := d.Accept(d.ctx, yaw, &e); kindOf(err) != fault.Forbidden {
			d.t.Errorf("an engineer accepts: %v", err)
		}
		d.want(f.ID, finding.Open)
		d.move(ama, f.ID, finding.Move{To: finding.FalsePositive, Note: "It is none."})
		if p, err := d.Prospect(d.ctx, yaw, &exception.Request{Subject: exception.OfFindings, Findings: []int64{f.ID}}); err != nil || p.Total != 0 || len(p.Stay) != 1 {
			d.t.Errorf("%+v %v", p, err)
		}
		if _, err := d.Prospect(d.ctx, yaw, &exception.Request{Subject: exception.OfFindings, Findings: []int64{999}}); kindOf(err) != fault.NotFound {
			d.t.Error(err)
		}
	})
}

func TestARuleOfASeverityHasItsDays(t *testing.T) {
	t.Parallel()
	for severity, most := range map[string]int{"critical": 30, "high": 90, "medium": 180, "low": 365, "info": 365, "": 365} {
		r := exception.Request{Control: "TLS-1", Severity: severity, Reason: "x", Days: most}
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", severity, err)
		}
		r.Days = most + 1
		if err := r.Check(); kindOf(err) != fault.Invalid {
			t.Errorf("%s for %d days: %v", severity, r.Days, err)
		}
	}
}
