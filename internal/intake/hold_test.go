package intake_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/intake"
	"muster/internal/inventory"
)

func (d *desk) offer(t testing.TB, source string, files map[string]string) int64 {
	t.Helper()
	id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, SourceName: source, Inspection: read(t, files)})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestWhatIsHeldWaits(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		full, empty := map[string]string{"trivy.json": trivyReport("web", "a", "b", "c")}, map[string]string{"trivy.json": trivyReport("web")}
		d.bring(t, "shop", intake.Choices{}, full)
		waiting := func() []inventory.Import {
			t.Helper()
			list, err := d.book.HeldImports(d.ctx, d.actor)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		hold := func() int64 {
			t.Helper()
			id := d.offer(t, "shop", empty)
			p, err := d.Preview(d.ctx, d.actor, id, intake.Choices{})
			if err != nil || !p.Plan.Held {
				t.Fatal(p.Plan, err)
			}
			if err := d.Hold(d.ctx, d.actor, id, p.Plan.HeldWhy); err != nil {
				t.Fatal(err)
			}
			return id
		}
		first := hold()
		if list := waiting(); len(list) != 1 || list[0].ID != first || !strings.Contains(list[0].Held, "Did the scanner fail?") {
			t.Errorf("%+v", list)
		}
		if err := d.Hold(d.ctx, access.Actor{UserID: 2, Role: access.Viewer}, first, "x"); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a viewer held an import: %v", err)
		}
		second := hold()
		if list := waiting(); len(list) != 1 || list[0].ID != second {
			t.Errorf("the newest takes the place of the older: %+v", list)
		}
		clock.Move(8 * 24 * time.Hour)
		d.offer(t, "other", full) // which forgets old previews
		if len(waiting()) != 1 {
			t.Error("what waits for a person was forgotten")
		}
		if _, err := d.Confirm(d.ctx, d.actor, second, intake.Choices{AcceptBig: true}); err != nil {
			t.Fatal(err)
		}
		if n := len(d.findings(t, finding.Filter{States: []finding.State{finding.Fixed}})); n != 3 || len(waiting()) != 0 {
			t.Errorf("%d are fixed, %d wait", n, len(waiting()))
		}
		d.bring(t, "shop", intake.Choices{}, full)
		third := hold()
		d.bring(t, "shop", intake.Choices{}, full)
		if len(waiting()) != 0 {
			t.Error("a good report did not take the place of what waits")
		}
		if _, err := d.Confirm(d.ctx, d.actor, third, intake.Choices{AcceptBig: true}); !fault.Is(err, fault.Conflict) {
			t.Errorf("what was replaced was imported: %v", err)
		}
	})
}

func TestAPlanThatIsNoLongerTrue(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		files := map[string]string{"trivy.json": trivyReport("web", "a", "b")}
		id := d.offer(t, "shop", files)
		before, err := d.Preview(d.ctx, d.actor, id, intake.Choices{})
		if err != nil {
			t.Fatal(err)
		}
		d.bring(t, "shop", intake.Choices{}, map[string]string{"trivy.json": trivyReport("web", "a")})
		_, err = d.Confirm(d.ctx, d.actor, id, intake.Choices{Seen: before.Mark})
		if f, ok := fault.As(err); !ok || f.Kind != fault.Conflict || f.Fields["seen"] == "" {
			t.Errorf("%v", err)
		}
		after, err := d.Preview(d.ctx, d.actor, id, intake.Choices{Labels: map[string]int64{"web": 0}})
		if err != nil || after.Mark == before.Mark {
			t.Fatal("the new preview looks like the old one", err)
		}
		if p, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{Seen: after.Mark}); err != nil || p.Findings.Counts.Created != 1 || p.Findings.Counts.Unchanged != 1 {
			t.Errorf("%+v %v", p, err)
		}
	})
}

// Imports of one scope that are confirmed at the same moment follow each other: nothing is there twice.
func TestTwoImportsOfOneScopeAtOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		files := map[string]string{"trivy.json": trivyReport("web", "a", "b", "c"), "web/package-lock.json": npm("a@1", "b@1")}
		var ids []int64
		for range 4 {
			ids = append(ids, d.offer(t, "shop", files))
		}
		var group sync.WaitGroup
		errs := make([]error, len(ids))
		for i, id := range ids {
			group.Go(func() { _, errs[i] = d.Confirm(d.ctx, d.actor, id, intake.Choices{}) })
		}
		group.Wait()
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		sources, err := d.book.Sources(d.ctx, d.actor)
		if err != nil || len(sources) != 1 {
			t.Fatal(sources, err)
		}
		parts, err := d.book.LiveComponents(d.ctx, sources[0].ID)
		if n := len(d.findings(t, finding.Filter{})); err != nil || n != 3 || len(parts) != 2 {
			t.Errorf("%d findings, %d components (%v)", n, len(parts), err)
		}
	})
}
