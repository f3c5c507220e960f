package remediation_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/access"
	"muster/internal/database/databasetest"
	"muster/internal/finding"
	"muster/internal/remediation"
)

var rooms atomic.Int64

// Any sequence of reports, undo, decisions, moves and time keeps what always holds of tasks.
func TestAnyLifeKeepsWhatAlwaysHolds(t *testing.T) {
	t.Parallel()
	clock := databasetest.NewClock()
	base := open(t, databasetest.SQLite(t, clock), clock)
	rapid.Check(t, func(r *rapid.T) {
		d := base.room(fmt.Sprintf("Room %d", rooms.Add(1)))
		packages := []string{"lodash", "react", "vue"}
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"), row(d.pay, "react", finding.Low, "1.0.1"), row(d.web, "vue", finding.Low, ""))
		var tasks []int64
		for range rapid.IntRange(4, 16).Draw(r, "steps") {
			actor := rapid.SampledFrom([]access.Actor{d.ama, d.kofi}).Draw(r, "who")
			switch what := rapid.IntRange(0, 11).Draw(r, "what"); {
			case what < 2 || len(tasks) == 0:
				some := rapid.SliceOfNDistinct(rapid.SampledFrom(packages), 1, 3, func(s string) string { return s }).Draw(r, "covers")
				if !slices.ContainsFunc(some, func(p string) bool { return d.all()[p].ID == 0 }) {
					tasks = append(tasks, d.task(some...).ID)
				}
			case what < 6:
				var rows []finding.Row
				for _, p := range packages {
					if rapid.Bool().Draw(r, p) {
						rows = append(rows, row(map[bool]int64{true: d.web, false: d.pay}[p == "vue"], p, finding.High, map[bool]string{true: "", false: "1.0.1"}[p == "vue"]))
					}
				}
				d.read(rows...)
			case what == 6 && d.imports > 1:
				d.undo()
			case what < 9:
				id := d.all()[rapid.SampledFrom(packages).Draw(r, "finding")].ID
				m := finding.Move{To: rapid.SampledFrom(finding.States()).Draw(r, "state"), Note: "Because.", Justification: finding.NotExecuted, DuplicateOf: d.all()[packages[0]].ID}
				_ = d.decide(actor, id, m) // what the table refuses changes nothing
			case what < 11:
				id, to := rapid.SampledFrom(tasks).Draw(r, "task"), rapid.SampledFrom(remediation.States()).Draw(r, "to")
				before := d.get(id).State
				_, _, err := d.Move(d.ctx, actor, id, remediation.Step{To: to, Note: "Because."})
				if err == nil && !remediation.MayMove(before, to, remediation.ByPerson) {
					r.Fatalf("a person moved %s to %s, which the table does not know", before, to)
				}
			default:
				d.clock.Move(day)
			}
			for _, id := range tasks {
				d.sound(d.get(id))
			}
		}
	})
}

func TestVersionsAreComparedOnlyWhereTheirOrderIsKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ecosystem, to, fix, installed string
		want                          bool
	}{
		{"npm", "1.10.0", "1.9.0", "1.0.0", true},
		{"npm", "1.9.0", "1.10.0", "1.0.0", false},
		{"npm", "2.0.0-rc.1", "2.0.0", "1.0.0", false},
		{"npm", "2.0.0", "2.0.0-rc.1", "1.0.0", true},
		{"npm", "2.0.0-rc.10", "2.0.0-rc.9", "1.0.0", true},
		{"npm", "5.2.10", "5.2.9, 5.3.1", "5.2.0", true},
		{"npm", "5.3.0", "5.2.9, 5.3.1", "5.2.0", false},
		{"npm", "5.4.0", "5.2.9, 5.3.1", "5.2.0", true},
		{"npm", "1.9.9", "1.0.1", "2.0.0", false}, // nobody goes back
		{"golang", "v1.2.3", "1.2.3", "v1.2.0", true},
		{"golang", "v1.2.4", "v1.2.3", "v1.2.0", true},
		{"deb", "1.2.3-4ubuntu5", "1.2.3-4ubuntu4", "1.2.3-1", false}, // its order is not known here
		{"deb", "1.2.3-4ubuntu5", "1.2.3-4ubuntu5", "1.2.3-1", true},
		{"maven", "1.2.3.RELEASE", "1.2.2.RELEASE", "1.0.0", false},
		{"maven", "2.17.1", "2.3.1, 2.12.2, 2.15.0", "2.14.1", true},
		{"pypi", "2.31", "2.30.9", "2.1", true},
		{"npm", "4.17.21", ">=4.17.21", "4.17.0", true},
		{"npm", "1.0.0", "", "0.9.0", false},
		{"npm", "1.0.0", "see advisory text", "0.9.0", false},
	} {
		if got := remediation.Heals(c.ecosystem, c.to, c.fix, c.installed); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
