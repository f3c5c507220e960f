package posture_test

import (
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/probe"
	"muster/internal/topology"
)

// TestTheMapIsLookedAtWhenItChanges follows one verdict through an import, a test from inside and a quiet day.
func TestTheMapIsLookedAtWhenItChanges(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, many(8))
		clock.Move(time.Minute)
		rows := func() int {
			list, err := d.ledger.AllCurrent(d.ctx)
			d.must(err)
			n := 0
			for _, e := range list {
				if e.Control == "NET-2" || e.Control == "NET-4" || e.Control == "NET-6" {
					n++
				}
			}
			return n
		}
		if n := rows(); n != 0 {
			t.Errorf("%d rows of files that may be a part and prove nothing", n)
		}
		// From one service every other is reached without credentials, so the fall of it reaches seven.
		var arcs []probe.Arc
		for _, to := range []string{"service-1", "service-2", "service-3", "service-4", "service-5", "service-6", "service-7"} {
			arcs = append(arcs, probe.Arc{From: "service-0", To: to, Address: to + ":80", Connected: true, Answer: "anonymous", StartedAt: clock.Now()})
		}
		_, err := d.RecordArcs(d.ctx, d.ama, topology.ArcReport{SeenFrom: "the cluster", Arcs: arcs})
		d.must(err)
		v, err := d.book.Get(d.ctx, d.ama, "service-0")
		d.must(err)
		states, err := d.controls.States(d.ctx, []int64{v.ID})
		d.must(err)
		failing := false
		for _, s := range states {
			failing = failing || s.Control == "NET-2" && s.State == control.Failing
		}
		if !failing {
			t.Error("a fall that reaches seven of seven services is within the limit")
		}
		wrong, err := d.Rebuild(d.ctx)
		d.must(err)
		if len(wrong) > 0 {
			t.Errorf("%q", wrong)
		}
		if _, err := d.RecordArcs(d.ctx, access.Actor{UserID: 9, Role: access.Viewer}, topology.ArcReport{Arcs: arcs}); err == nil {
			t.Error("a viewer recorded what was tried")
		}
	})
}
