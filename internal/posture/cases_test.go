package posture_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/control"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/inventory"
	"muster/internal/posture"
)

// named finds a service in use.
func (d *desk) named(slug string) inventory.Service {
	d.t.Helper()
	s, err := d.book.Get(d.ctx, d.ama, slug)
	d.must(err)
	return s
}

func (d *desk) want(slug, id string, state control.Word) {
	d.t.Helper()
	if s := d.state(d.named(slug).ID, d.production, id); s.State != state {
		d.t.Errorf("%s of %s: want %s, have %s", id, slug, state, s.State)
	}
}

func TestNothingToJudgeIsNoScore(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.must(d.Sweep(d.ctx))
		o, err := d.Overview(d.ctx, d.ama)
		d.must(err)
		if o.Whole.Result.Judged || o.Whole.Result.Score != 0 || o.Whole.Result.Rated() {
			t.Errorf("an empty workspace: %+v", o.Whole.Result)
		}
		d.apply(d.production, deployment("pay", true))
		_, err = d.steward.Retire(d.ctx, d.ama, "pay", "It is gone.")
		d.must(err)
		o, err = d.Overview(d.ctx, d.ama)
		d.must(err)
		if o.Whole.Result.Judged {
			t.Errorf("after the last one went: %+v", o.Whole.Result)
		}
		d.rebuilt("the last one went")
	})
}

func TestWeightsOfZeroForAll(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, deployment("pay", true))
		rules, err := d.Ruleset(d.ctx)
		d.must(err)
		zero := 0
		d.must(db.InTx(d.ctx, func(ctx context.Context) error {
			for _, e := range rules.All {
				if err := d.controls.Choose(ctx, d.ama, control.Choice{Control: e.ID, Weight: &zero, Reason: "Nothing counts."}); err != nil {
					return err
				}
			}
			return d.Recompute(ctx, nil, posture.Cause{Scope: true})
		}))
		if s := d.score(d.named("pay").ID); s.Rated || s.Score != 0 || s.Coverage != 0 {
			t.Errorf("a score of nothing: %+v", s)
		}
		o, err := d.Overview(d.ctx, d.ama)
		d.must(err)
		if o.Whole.Result.Judged {
			t.Errorf("the whole: %+v", o.Whole.Result)
		}
		x, err := d.Explain(d.ctx, d.ama, "pay")
		d.must(err)
		if x.Shipped == nil || x.Shipped.Score == 0 {
			t.Errorf("by shipped weights it has a score: %+v", x.Shipped)
		}
		d.rebuilt("weights of zero")
	})
}

func TestStagingNeverVerifiesProduction(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, deployment("pay", false))
		before := d.score(d.named("pay").ID)
		clock.Move(time.Hour)
		d.apply(d.staging, deployment("pay", true))
		pay := d.named("pay")
		d.want("pay", "RUN-2", control.Failing)
		if s := d.state(pay.ID, d.staging, "RUN-2"); s.State != control.Verified {
			t.Errorf("staging: %s", s.State)
		}
		if after := d.score(pay.ID); after.Score != before.Score || after.Coverage != before.Coverage {
			t.Errorf("staging moved production from %v to %v", before.Score, after.Score)
		}
	})
}

func TestUndoRestoresThePosture(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, deployment("pay", false)+deployment("web", true)+way("web"))
		before := d.stored()
		id := d.apply(d.production, deployment("pay", true)+deployment("web", false)+way("pay"))
		if d.stored() == before {
			t.Fatal("the second import changed nothing")
		}
		d.must(d.intake.Undo(d.ctx, d.ama, id))
		if after := d.stored(); after != before {
			t.Errorf("undo left something:\n%s", difference(after, before))
		}
	})
}

func TestOnlyWhatDependsOnAChangeIsWritten(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, deployment("pay", false)+deployment("web", true)+deployment("orders", true))
		rows := func() map[int64]control.State {
			list, err := d.controls.States(d.ctx, nil)
			d.must(err)
			all := map[int64]control.State{}
			for _, s := range list {
				all[s.ID] = s
			}
			return all
		}
		scores := map[int64]time.Time{}
		list, err := d.controls.Scores(d.ctx)
		d.must(err)
		for _, s := range list {
			scores[s.ServiceID] = s.ComputedAt
		}
		before, pay := rows(), d.named("pay").ID
		clock.Move(time.Minute)
		_, err = d.Attest(d.ctx, d.ama, "pay", evidence.Attestation{Control: "RUN-6", Outcome: evidence.Pass, Note: "I looked."})
		d.must(err)
		for id, s := range rows() {
			old, was := before[id]
			if changed := !was || old.State != s.State || !old.Since.Equal(s.Since) || old.Later != s.Later; changed && (s.ServiceID != pay || s.Control != "RUN-6") {
				t.Errorf("%s of %d was written", s.Control, s.ServiceID)
			}
		}
		list, err = d.controls.Scores(d.ctx)
		d.must(err)
		for _, s := range list {
			if moved := !s.ComputedAt.Equal(scores[s.ServiceID]); moved != (s.ServiceID == pay || s.ServiceID == 0) {
				t.Errorf("the score of %d was written: %t", s.ServiceID, moved)
			}
		}
	})
}

func TestAMergeTakesEvidenceAlongAndLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, deployment("pay", true)+deployment("web", false)+deployment("orders", false))
		orders := d.named("orders")
		rows, err := d.ledger.Current(d.ctx, []int64{orders.ID})
		d.must(err)
		for _, e := range rows { // every failure of RUN-2 of orders is tested again
			if e.Control == "RUN-2" && e.Outcome == evidence.Fail {
				clock.Move(time.Minute)
				_, err := d.Attest(d.ctx, d.ama, "orders", evidence.Attestation{Control: "RUN-2", Outcome: evidence.Pass, Note: "It has a limit.", RetestOf: e.ID, File: &evidence.Upload{Name: "a.txt", Data: []byte("limit")}})
				d.must(err)
			}
		}
		d.want("orders", "RUN-2", control.Attested)
		d.want("pay", "RUN-2", control.Verified)
		clock.Move(time.Hour)
		_, err = d.steward.Merge(d.ctx, d.ama, "web", d.named("pay").ID)
		d.must(err)
		d.want("pay", "RUN-2", control.Failing)
		d.want("orders", "RUN-2", control.Attested)
		d.rebuilt("a merge")
		clock.Move(time.Hour)
		detail, err := d.book.Detail(d.ctx, d.ama, ptr(d.named("pay")), 1)
		d.must(err)
		var moved []int64
		for _, b := range detail.Bindings {
			if strings.Contains(b.Name, "web") {
				moved = append(moved, b.ID)
			}
		}
		split, err := d.steward.Split(d.ctx, d.ama, "pay", "Shop front", moved)
		d.must(err)
		d.want("pay", "RUN-2", control.Verified)
		d.want(split.Slug, "RUN-2", control.Failing)
		d.want("orders", "RUN-2", control.Attested)
		d.rebuilt("a split")
	})
}

func ptr[T any](v T) *T { return &v }

func TestAPastDayIsAsItWasKnown(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, deployment("pay", false)+deployment("web", true))
		_, err := d.Attest(d.ctx, d.ama, "pay", evidence.Attestation{Control: "DAT-2", Outcome: evidence.Pass, Note: "I looked."})
		d.must(err)
		e, err := d.Ask(d.ctx, d.ama, "pay", exception.Request{Control: "RUN-1", Reason: "Later.", Days: 90})
		d.must(err)
		d.must(d.Decide(d.ctx, d.kofi, e.ID, true, ""))
		clock.Move(12 * time.Hour)
		d.must(d.Sweep(d.ctx))
		day, score := clock.Now(), d.score(0).Score
		clock.Move(20 * 24 * time.Hour)
		weight := 1
		d.must(d.Choose(d.ctx, d.ama, control.Choice{Control: "RUN-2", Weight: &weight, Reason: "Less."}))
		d.apply(d.production, deployment("pay", true))
		d.must(d.Sweep(d.ctx))
		if d.score(0).Score == score {
			t.Fatal("nothing changed since")
		}
		then, err := d.OverviewAt(d.ctx, d.ama, day)
		d.must(err)
		if then.Whole.Result.Score != score {
			t.Errorf("as of %s: %v, and it was %v", day.Format(time.DateOnly), then.Whole.Result.Score, score)
		}
		trend, err := d.Trend(d.ctx, d.ama, "")
		d.must(err)
		found := false
		for _, s := range trend {
			found = found || (s.Day == day.Format(time.DateOnly) && s.Score == score)
		}
		if !found {
			t.Errorf("no snapshot of %s with %v: %+v", day.Format(time.DateOnly), score, trend)
		}
	})
}

// The limits of a score look at what was found: neither a person's word that a control does not apply nor switching it
// off lifts them.
func TestNothingButTheFindingLiftsACap(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, deployment("pay", true))
		_, err := d.Attest(d.ctx, d.ama, "pay", evidence.Attestation{Control: "PAT-3", Clause: "no_overdue_critical", Outcome: evidence.Fail, Note: "CVE-2026-1"})
		d.must(err)
		capped := func(when string) {
			t.Helper()
			x, err := d.Explain(d.ctx, d.ama, "pay")
			d.must(err)
			if len(x.Result.Caps) == 0 || x.Result.Caps[0].Limit != 39 {
				t.Errorf("%s: %+v", when, x.Result.Caps)
			}
			if x.Shipped != nil && (len(x.Shipped.Caps) == 0 || x.Shipped.Caps[0].Limit != 39) {
				t.Errorf("%s, by shipped weights: %+v", when, x.Shipped.Caps)
			}
		}
		capped("found")
		d.must(d.Applies(d.ctx, d.ama, "pay", "PAT-3", false, "We do not patch."))
		capped("said not to apply")
		d.must(d.Applies(d.ctx, d.ama, "pay", "PAT-3", true, "We do."))
		d.must(d.Choose(d.ctx, d.ama, control.Choice{Control: "PAT-3", Off: true, Reason: "We do not patch."}))
		capped("switched off")
		d.rebuilt("switched off")
	})
}

// A failure stands, but it does not show for ever that somebody looks.
func TestAnOldFailureIsNotALook(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, deployment("pay", true))
		limits := func() []int {
			x, err := d.Explain(d.ctx, d.ama, "pay")
			d.must(err)
			var list []int
			for _, c := range x.Result.Caps {
				list = append(list, int(c.Limit))
			}
			return list
		}
		_, err := d.Attest(d.ctx, d.ama, "pay", evidence.Attestation{Control: "PAT-3", Clause: "no_overdue_high", Outcome: evidence.Fail, Note: "CVE-2026-1"})
		d.must(err)
		if got := limits(); !slices.Equal(got, []int{69}) {
			t.Errorf("just found: %v", got)
		}
		clock.Move(8 * 24 * time.Hour)
		d.must(d.Sweep(d.ctx))
		if got := limits(); !slices.Equal(got, []int{69, 79}) {
			t.Errorf("found eight days ago, and nobody looked since: %v", got)
		}
		d.rebuilt("an old failure")
	})
}

// By shipped weights a control that was switched off counts with the state that it has.
func TestShippedWeightsKnowWhatIsOff(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, deployment("pay", true))
		score := d.score(d.named("pay").ID).Score
		d.must(d.Choose(d.ctx, d.ama, control.Choice{Control: "RUN-2", Off: true, Reason: "We use quotas."}))
		x, err := d.Explain(d.ctx, d.ama, "pay")
		d.must(err)
		if x.Shipped == nil || x.Shipped.Score != score {
			t.Errorf("by shipped weights: %+v, before %v", x.Shipped, score)
		}
		d.rebuilt("switched off")
	})
}

func TestAFirstVisitIsNoReturn(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(d.production, deployment("pay", false))
		visit := func() *posture.Overview {
			o, err := d.Overview(d.ctx, d.ama)
			d.must(err)
			return o
		}
		first := clock.Now().UTC().Truncate(time.Microsecond)
		for range 2 {
			if o := visit(); !o.LastVisit.IsZero() || len(o.Newly) == 0 {
				t.Errorf("never here: %s, %d fail newly", o.LastVisit, len(o.Newly))
			}
			clock.Move(time.Minute)
		}
		clock.Move(time.Hour)
		if o := visit(); o.LastVisit.UTC().Truncate(time.Microsecond) != first || len(o.Newly) != 0 {
			t.Errorf("back after an hour: %s, %d fail newly", o.LastVisit, len(o.Newly))
		}
	})
}
