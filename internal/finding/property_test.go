package finding_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/identity"

	"muster/internal/access"
)

var rooms atomic.Int64

// room gives the desk a workspace of its own, with its two services.
func (d *desk) room(people *identity.Service) *desk {
	w, err := people.CreateWorkspace(context.Background(), access.SystemActor("test"), fmt.Sprintf("Room %d", rooms.Add(1)))
	if err != nil {
		d.t.Fatal(err)
	}
	n := *d
	n.ctx = database.WithWorkspace(context.Background(), w.ID)
	n.pay, n.web, n.imports = n.service("pay", 1, "public"), n.service("web", 2, "internal"), 0
	return &n
}

// anyRow draws one of few weaknesses, under some of its names, so that rows meet often.
func anyRow(services ...int64) *rapid.Generator[finding.Row] {
	return rapid.Custom(func(t *rapid.T) finding.Row {
		n := rapid.IntRange(1, 4).Draw(t, "weakness")
		names := [][]string{{fmt.Sprintf("CVE-2026-000%d", n)}, {fmt.Sprintf("GHSA-000%d", n)}, {fmt.Sprintf("GHSA-000%d", n), fmt.Sprintf("CVE-2026-000%d", n)}, {fmt.Sprintf("GO-000%d", n), fmt.Sprintf("GHSA-000%d", n)}}
		r := vulnerable(rapid.SampledFrom(services).Draw(t, "service"), rapid.SampledFrom([]string{"lodash", "react"}).Draw(t, "package"), rapid.SampledFrom(finding.Severities()).Draw(t, "severity"), rapid.SampledFrom(names).Draw(t, "names")...)
		r.Installed = rapid.SampledFrom([]string{"1.0", "1.1"}).Draw(t, "version")
		r.Path = rapid.SampledFrom([]string{"a.lock", "b.lock"}).Draw(t, "path")
		r.Status = rapid.SampledFrom([]finding.Status{finding.Reported, finding.Reported, finding.Reported, finding.ReportedFixed, finding.ReportedFalse, finding.ReportedTaken}).Draw(t, "status")
		return r
	})
}

func rooming(t *testing.T) (*desk, *identity.Service) {
	t.Helper()
	clock := databasetest.NewClock()
	d := open(t, databasetest.SQLite(t, clock), clock)
	return d, d.people
}

// identities is what findings there are, by their names and who reports them.
func (d *desk) identities() string {
	var lines []string
	for _, f := range d.all() {
		if f.State == finding.Duplicate {
			continue
		}
		full := d.get(f.ID)
		var tools []string
		for _, s := range full.Sources {
			tools = append(tools, s.Tool)
		}
		slices.Sort(tools)
		lines = append(lines, fmt.Sprint(full.ServiceID == d.pay, full.Package, full.Aliases, tools))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestTheOrderOfToolsDoesNotMatter(t *testing.T) {
	t.Parallel()
	d, people := rooming(t)
	rapid.Check(t, func(r *rapid.T) {
		one, two := d.room(people), d.room(people)
		a := rapid.SliceOfN(anyRow(1, 2), 0, 6).Draw(r, "a")
		b := rapid.SliceOfN(anyRow(1, 2), 0, 6).Draw(r, "b")
		c := rapid.SliceOfN(anyRow(1, 2), 0, 6).Draw(r, "c")
		at := func(d *desk, rows []finding.Row) []finding.Row {
			rows = slices.Clone(rows)
			for i := range rows {
				rows[i].Status = finding.Reported
				rows[i].ServiceID = map[int64]int64{1: d.pay, 2: d.web}[rows[i].ServiceID]
			}
			return rows
		}
		one.read(report("trivy", "a", at(one, a)...))
		one.read(report("grype", "b", at(one, b)...))
		one.read(report("osv-scanner", "c", at(one, c)...))
		two.read(report("osv-scanner", "c", at(two, c)...), report("grype", "b", at(two, b)...))
		two.read(report("trivy", "a", at(two, a)...))
		if x, y := one.identities(), two.identities(); x != y {
			r.Fatalf("one order\n%s\nanother\n%s", x, y)
		}
		one.sound()
		two.sound()
	})
}

func TestASecondReadingChangesNothing(t *testing.T) {
	t.Parallel()
	d, people := rooming(t)
	rapid.Check(t, func(r *rapid.T) {
		room := d.room(people)
		for n := range rapid.IntRange(1, 3).Draw(r, "reports") {
			rows := rapid.SliceOfN(anyRow(room.pay, room.web), 0, 6).Draw(r, "rows")
			rep := func(digest string) finding.Report {
				return report("trivy", fmt.Sprint(digest, n), slices.Clone(rows)...)
			}
			room.read(rep("a"))
			before := room.snapshot()
			slices.Reverse(rows)
			p := room.read(rep("b")) // another file with the same words
			if c := p.Counts; c.Created+c.Reopened+c.Ended != 0 {
				r.Fatalf("%+v", c)
			}
			closed := func(s string) string { return strings.ReplaceAll(s, string(finding.Fixed), string(finding.Closed)) }
			if after := room.snapshot(); closed(after) != closed(before) {
				r.Fatalf("before\n%s\nafter\n%s", before, after)
			}
		}
	})
}

// A large report is met some rows at a time. However few these are, what comes out is the same.
func TestPartsOfAPlanAreThePlan(t *testing.T) {
	t.Parallel()
	d, people := rooming(t)
	rapid.Check(t, func(r *rapid.T) {
		whole, parts := d.room(people), d.room(people)
		parts.Service = parts.AtOnce(rapid.IntRange(1, 3).Draw(r, "at once"))
		for n := range rapid.IntRange(1, 4).Draw(r, "imports") {
			var tools []string
			var rows [][]finding.Row
			complete := rapid.Bool().Draw(r, "complete")
			for _, tool := range []string{"trivy", "grype"}[:rapid.IntRange(1, 2).Draw(r, "tools")] {
				tools, rows = append(tools, tool), append(rows, rapid.SliceOfN(anyRow(1, 2), 0, 8).Draw(r, tool))
			}
			read := func(d *desk) finding.Counts {
				var reports []finding.Report
				for i, tool := range tools {
					own := slices.Clone(rows[i])
					for k := range own {
						own[k].ServiceID = map[int64]int64{1: d.pay, 2: d.web}[own[k].ServiceID]
					}
					reports = append(reports, report(tool, fmt.Sprint(tool, n), own...))
					reports[i].Complete = complete
				}
				return d.read(reports...).Counts
			}
			if a, b := read(whole), read(parts); a != b {
				r.Fatalf("as a whole %+v, in parts %+v", a, b)
			}
			whole.sound()
			parts.sound()
			if a, b := whole.outcome(), parts.outcome(); a != b {
				r.Fatalf("as a whole\n%s\nin parts\n%s", a, b)
			}
			if rapid.IntRange(0, 3).Draw(r, "undo") == 0 {
				whole.undo()
				parts.undo()
				if a, b := whole.outcome(), parts.outcome(); a != b {
					r.Fatalf("undone as a whole\n%s\nin parts\n%s", a, b)
				}
			}
			d.clock.Move(time.Hour)
		}
	})
}

// outcome is what there is, without the numbers of findings and services.
func (d *desk) outcome() string {
	var lines []string
	for _, f := range d.all() {
		full := d.get(f.ID)
		line := fmt.Sprint(full.ServiceID == d.pay, full.State, full.Severity, full.Package, full.Aliases, full.Installed, full.Places, full.Priority, full.DueAt, full.Live, full.ReopenCount)
		for _, s := range full.Sources {
			line += fmt.Sprint(" ", s.Tool, s.Severity, s.Status, s.Facts == "", s.GoneAt == nil)
		}
		for _, v := range full.Events {
			line += fmt.Sprint(" ", v.Action, v.FromState, v.ToState)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// A random life of a workspace: reports, decisions, exceptions, undo and time.
func TestAnyLifeKeepsWhatAlwaysHolds(t *testing.T) {
	t.Parallel()
	d, people := rooming(t)
	rapid.Check(t, func(r *rapid.T) {
		room := d.room(people)
		undoable := []int64{}
		for step := range rapid.IntRange(3, 14).Draw(r, "steps") {
			before := map[int64]finding.Finding{}
			for _, f := range room.all() {
				before[f.ID] = room.get(f.ID).Finding
			}
			switch what := rapid.IntRange(0, 14).Draw(r, "what"); {
			case what < 4:
				rep := report(rapid.SampledFrom([]string{"trivy", "grype"}).Draw(r, "tool"), fmt.Sprint("d", step), rapid.SliceOfN(anyRow(room.pay, room.web), 0, 5).Draw(r, "rows")...)
				rep.Complete = rapid.Bool().Draw(r, "complete")
				room.read(rep)
				undoable = append(undoable, room.imports)
				room.kept(r, before)
			case what < 8 && len(before) > 0:
				ids := make([]int64, 0, len(before))
				for id := range before {
					ids = append(ids, id)
				}
				slices.Sort(ids)
				id := rapid.SampledFrom(ids).Draw(r, "finding")
				m := finding.Move{To: rapid.SampledFrom(finding.States()).Draw(r, "to"), Note: "Because.", Justification: finding.NotExecuted, DuplicateOf: rapid.SampledFrom(ids).Draw(r, "of")}
				_, err := room.Move(room.ctx, rapid.SampledFrom([]access.Actor{ama, kofi, yaw}).Draw(r, "who"), id, m)
				if err == nil && !finding.MayMove(before[id].State, m.To, finding.ByPerson) {
					r.Fatalf("%s became %s, which the table does not know", before[id].State, m.To)
				}
			case what == 8 && len(undoable) > 0:
				last := undoable[len(undoable)-1]
				undoable = undoable[:len(undoable)-1]
				if _, err := room.Undo(room.ctx, ama, last); err != nil {
					r.Fatal(err)
				}
			case what > 10 && len(before) > 0:
				room.except(r, before)
			default:
				room.clock.Move(time.Duration(rapid.IntRange(1, 40).Draw(r, "days")) * day)
			}
			room.sound()
			room.excused(r)
		}
	})
}

// except asks for an exception and has it approved, or ends one.
func (d *desk) except(r *rapid.T, before map[int64]finding.Finding) {
	page, err := d.accepts.List(d.ctx, ama, exception.Filter{Show: exception.ShowInForce})
	if err != nil {
		r.Fatal(err)
	}
	if len(page.Rows) > 0 && rapid.Bool().Draw(r, "end") {
		if err := d.end(rapid.SampledFrom(page.Rows).Draw(r, "exception").ID); err != nil {
			r.Fatal(err)
		}
		return
	}
	ids := slices.Sorted(maps.Keys(before))
	id := rapid.SampledFrom(ids).Draw(r, "finding")
	days := rapid.IntRange(1, 30).Draw(r, "days")
	q := rapid.SampledFrom([]exception.Request{chosen(days, id), chosen(days, ids[:min(len(ids), 3)]...), ruled(exception.ByVulnerability, before[id].Vulnerability, days), ruled(exception.ByPackage, before[id].Package, days, d.pay)}).Draw(r, "request")
	e, err := d.ask(q)
	if err != nil {
		if kindOf(err) != fault.Invalid {
			r.Fatal(err)
		}
		return
	}
	if _, err := d.grant(e.ID); err != nil {
		r.Fatal(err)
	}
}

// excused checks that what is accepted is so by an exception that is in force now, and that nothing else says so.
func (d *desk) excused(r *rapid.T) {
	for _, row := range d.all() {
		f := d.get(row.ID)
		if (f.State == finding.Accepted) != (f.ExceptionID != 0) || (f.ExceptionID != 0) != (f.AcceptedUntil != nil) {
			r.Fatalf("finding %d is %s under exception %d until %v\n%s", f.ID, f.State, f.ExceptionID, f.AcceptedUntil, story(f.Events))
		}
		if f.State != finding.Accepted {
			continue
		}
		e, err := d.accepts.Get(d.ctx, ama, f.ExceptionID)
		if err != nil || !e.InForce(d.clock.Now()) || !e.ExpiresAt.Equal(*f.AcceptedUntil) {
			r.Fatalf("finding %d is accepted by %+v: %v\n%s", f.ID, e, err, story(f.Events))
		}
	}
}

// kept checks that a report never silently overturned what a person decided.
func (d *desk) kept(r *rapid.T, before map[int64]finding.Finding) {
	for id, old := range before {
		f := d.get(id)
		byPeople := old.DecidedLayer == finding.ByPerson || old.State == finding.Accepted
		if f.State == old.State || !byPeople || !old.State.Decided() {
			continue
		}
		if f.State != finding.ReReview && f.State != finding.Duplicate {
			r.Fatalf("a person had decided %s, a report made it %s:\n%s", old.State, f.State, story(f.Events))
		}
	}
}
