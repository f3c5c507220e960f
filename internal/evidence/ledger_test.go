package evidence_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/identity"
	"muster/internal/secret"
)

const (
	pass   = evidence.Pass
	fail   = evidence.Fail
	silent = evidence.Silent
	day    = 24 * time.Hour
)

type desk struct {
	*evidence.Ledger
	t     *testing.T
	db    *database.DB
	clock *databasetest.Clock
	ctx   context.Context // the first workspace
	other context.Context // the second
	find  evidence.Find
	ama   access.Actor
	kofi  access.Actor
}

func open(t *testing.T, db *database.DB, clock *databasetest.Clock) *desk {
	t.Helper()
	control, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.NewBox([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	known, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	log := activity.New(db, control)
	people := identity.New(db, control, log, box)
	d := &desk{Ledger: evidence.New(db, control, log), t: t, db: db, clock: clock, find: known.Get, ama: access.Actor{UserID: 1, Name: "Ama", Role: access.Admin}, kofi: access.Actor{UserID: 2, Name: "Kofi", Role: access.Engineer}}
	for i, place := range []*context.Context{&d.ctx, &d.other} {
		w, err := people.CreateWorkspace(t.Context(), access.SystemActor("test"), []string{"Kente", "Adinkra"}[i])
		if err != nil {
			t.Fatal(err)
		}
		*place = database.WithWorkspace(t.Context(), w.ID)
	}
	return d
}

// says records what the files of an import say about the CPU limit of a workload, an hour after what was said before.
func (d *desk) says(o evidence.Outcome, importID int64) {
	d.t.Helper()
	d.clock.Move(time.Hour)
	if err := d.Record(d.ctx, d.find, []evidence.Evidence{d.row(o, importID)}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) row(o evidence.Outcome, importID int64) evidence.Evidence {
	return evidence.Evidence{ServiceID: 1, EnvironmentID: 1, Control: "RUN-2", Clause: "cpu", Part: "workload:w", Kind: catalogue.File, Source: "file:1", Outcome: o, ImportID: importID, ObservedAt: d.clock.Now()}
}

// counts lists the outcomes that count now, oldest first.
func (d *desk) counts() []evidence.Outcome {
	d.t.Helper()
	rows, err := d.Current(d.ctx, []int64{1})
	if err != nil {
		d.t.Fatal(err)
	}
	slices.SortFunc(rows, func(a, b evidence.Evidence) int { return int(a.ID - b.ID) })
	var list []evidence.Outcome
	for _, e := range rows {
		list = append(list, e.Outcome)
	}
	return list
}

func (d *desk) want(what string, list ...evidence.Outcome) {
	d.t.Helper()
	if have := d.counts(); !slices.Equal(have, list) {
		d.t.Errorf("%s: want %v, have %v", what, list, have)
	}
}

func (d *desk) newest() evidence.Evidence {
	d.t.Helper()
	rows, err := d.Timeline(d.ctx, d.ama, 1, "RUN-2")
	if err != nil || len(rows) == 0 {
		d.t.Fatal(len(rows), err)
	}
	return rows[0]
}

func TestTheNewestOfASourceCounts(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.says(silent, 1)
		d.want("silence about nothing")
		d.says(pass, 2)
		d.says(fail, 3)
		d.want("a fail after a pass", fail)
		d.says(silent, 4)
		d.want("silence after a fail", silent)
		d.says(silent, 5)
		d.want("silence is not said twice", silent)
		d.says(pass, 6)
		d.want("a pass after silence", pass)
		late := d.row(fail, 7)
		late.ObservedAt = clock.Now().Add(-3 * time.Hour)
		if err := d.Record(d.ctx, d.find, []evidence.Evidence{late}); err != nil {
			t.Fatal(err)
		}
		d.want("what arrives late replaces nothing", pass, fail)
		rows, err := d.AsOf(d.ctx, clock.Now().Add(-3*time.Hour))
		if err != nil || len(rows) != 1 || rows[0].Outcome != fail {
			t.Errorf("as of three hours ago: %v %v", rows, err)
		}
	})
}

func TestUndoRestoresWhatCounted(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.says(pass, 1)
		d.says(fail, 2)
		d.says(silent, 3)
		undo := func(id int64) {
			t.Helper()
			clock.Move(time.Hour)
			if err := d.RetractImport(d.ctx, d.ama, id, "mistake"); err != nil {
				t.Fatal(err)
			}
		}
		undo(3)
		d.want("undo of silence", fail)
		undo(2)
		d.want("undo of a fail", pass)
		undo(2)
		d.want("undo again", pass)
		undo(1)
		d.want("undo of all")
		if rows, err := d.AsOf(d.ctx, clock.Now().Add(-90*time.Minute)); err != nil || len(rows) != 1 || rows[0].Outcome != pass {
			t.Errorf("as known before the last undo: %v %v", rows, err)
		}
	})
}

func TestUndoRestoresEveryPassThatCounted(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		long, short := clock.Now().Add(30*day), clock.Now().Add(2*day)
		for i, until := range []*time.Time{&long, &short} {
			e := d.row(pass, int64(i+1))
			e.GoodUntil = until
			if err := d.Record(d.ctx, d.find, []evidence.Evidence{e}); err != nil {
				t.Fatal(err)
			}
			clock.Move(time.Hour)
		}
		d.want("a shorter pass leaves the longer one", pass, pass)
		d.says(fail, 3)
		d.want("a fail ends both", fail)
		if err := d.RetractImport(d.ctx, d.ama, 3, "mistake"); err != nil {
			t.Fatal(err)
		}
		d.want("undo brings both back", pass, pass)
	})
}

func TestWhatMayNotBeSaidIsRefused(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		for what, change := range map[string]func(*evidence.Evidence){
			"the future":           func(e *evidence.Evidence) { e.ObservedAt = clock.Now().Add(2 * time.Minute) },
			"no outcome":           func(e *evidence.Evidence) { e.Outcome = "error" },
			"an empty outcome":     func(e *evidence.Evidence) { e.Outcome = "" },
			"an unknown control":   func(e *evidence.Evidence) { e.Control = "RUN-99" },
			"an unknown clause":    func(e *evidence.Evidence) { e.Clause = "gpu" },
			"a machine's all":      func(e *evidence.Evidence) { e.Clause = "" },
			"who may not speak":    func(e *evidence.Evidence) { e.Kind = catalogue.Log },
			"who may only refute":  func(e *evidence.Evidence) { e.Control, e.Clause = "DAT-3", "no_literal_secrets" },
			"who may speak of one": func(e *evidence.Evidence) { e.Control, e.Clause, e.Kind = "IAM-8", "certificates", catalogue.Register },
		} {
			e := d.row(pass, 1)
			change(&e)
			if err := d.Record(d.ctx, d.find, []evidence.Evidence{d.row(pass, 1), e}); kindOf(err) != fault.Invalid {
				t.Errorf("%s: %v", what, err)
			}
		}
		d.want("one bad row refuses all")
		e := d.row(pass, 1)
		e.ObservedAt = clock.Now().Add(30 * time.Second)
		if err := d.Record(d.ctx, d.find, []evidence.Evidence{e}); err != nil {
			t.Errorf("half a minute of skew: %v", err)
		}
	})
}

func TestEvidenceIsNeverChanged(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.says(fail, 1)
		for _, change := range []string{"UPDATE evidence SET outcome = 'pass'", "UPDATE evidence SET observed_at = received_at, note = 'x'", "UPDATE evidence SET retest_of = 9", "UPDATE evidence SET good_until = received_at", "DELETE FROM evidence"} {
			err := db.InTx(d.ctx, func(ctx context.Context) error { return db.Conn(ctx).Exec(change).Error })
			if err == nil || !strings.Contains(err.Error(), "evidence is never") {
				t.Errorf("%s: %v", change, err)
			}
		}
		d.want("it stands", fail)
	})
}

func TestWorkspacesHearNothingOfEachOther(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.says(pass, 1)
		failed := d.row(fail, 1)
		if err := d.Record(d.other, d.find, []evidence.Evidence{failed}); err != nil {
			t.Fatal(err)
		}
		d.want("what another workspace hears", pass)
		mine := d.newest()
		if _, err := d.TakeBack(d.other, d.ama, mine.ID, "not mine"); kindOf(err) != fault.NotFound {
			t.Errorf("take back: %v", err)
		}
		if err := d.RetractImport(d.other, d.ama, 1, "not mine"); err != nil {
			t.Fatal(err)
		}
		d.want("undo in another workspace", pass)
		_, err := d.Attest(d.other, d.ama, d.find, evidence.Attestation{ServiceID: 1, EnvironmentID: 1, Control: "RUN-2", Outcome: fail, Note: "n", RetestOf: mine.ID})
		if err == nil {
			t.Error("retest of another workspace's evidence")
		}
	})
}

// kindOf is the sort of a refusal.
func kindOf(err error) fault.Kind {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return ""
}

func TestPartsKeepTheirName(t *testing.T) {
	t.Parallel()
	if kind, name := evidence.SplitPart(evidence.PartOf(catalogue.Endpoint, "https://pay:8443")); kind != catalogue.Endpoint || name != "https://pay:8443" {
		t.Errorf("a part with colons: %s %s", kind, name)
	}
	if evidence.PartOf(catalogue.Whole, "x") != "" || evidence.PartOf(catalogue.Endpoint, "") != "" {
		t.Error("the whole has no name")
	}
}
