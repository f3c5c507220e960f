package evidence_test

import (
	"context"
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
)

var engineer = access.Actor{UserID: 7, Name: "Kofi", Role: access.Engineer}

type desk struct {
	*evidence.Ledger
	db    *database.DB
	clock *databasetest.Clock
	ctx   context.Context
}

func open(t *testing.T, db *database.DB, clock *databasetest.Clock) *desk {
	t.Helper()
	rights, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	err = db.InTx(t.Context(), func(ctx context.Context) error {
		for _, id := range []int{1, 2} {
			if err := db.Conn(ctx).Exec("INSERT INTO workspaces (id, slug, name, mfa_required, created_at) VALUES (?, ?, ?, ?, ?)", id, string(rune('a'+id)), "W", false, clock.Now()).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return &desk{Ledger: evidence.New(db, rights, activity.New(db, rights)), db: db, clock: clock, ctx: database.WithWorkspace(t.Context(), 1)}
}

func find(id string) (*catalogue.Control, bool) {
	c, err := catalogue.Load()
	if err != nil {
		return nil, false
	}
	return c.Get(id)
}

// row is what the files of source 1 say of a clause of RUN-2.
func (d *desk) row(outcome evidence.Outcome, importID int64) evidence.Evidence {
	return evidence.Evidence{ServiceID: 5, EnvironmentID: 1, Control: "RUN-2", Clause: "cpu", Part: "workload:Deployment shop/web", Kind: catalogue.File, Source: "file:1", Outcome: outcome, ImportID: importID, ObservedAt: d.clock.Now()}
}

func (d *desk) record(t *testing.T, rows ...evidence.Evidence) {
	t.Helper()
	if err := d.Record(d.ctx, find, rows); err != nil {
		t.Fatal(err)
	}
}

// counts is what counts now, in a word per row.
func (d *desk) counts(t *testing.T) string {
	t.Helper()
	rows, err := d.Current(d.ctx, []int64{5})
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, e := range rows {
		words = append(words, string(e.Outcome))
	}
	return strings.Join(words, " ")
}

func TestLedger(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.record(t, d.row(evidence.Silent, 1))
		if got := d.counts(t); got != "" {
			t.Errorf("silence where nothing was said is not kept, but: %s", got)
		}
		d.record(t, d.row(evidence.Pass, 1))
		clock.Move(time.Hour)
		d.record(t, d.row(evidence.Fail, 2))
		if got := d.counts(t); got != "fail" {
			t.Errorf("the newest of a source counts, but: %s", got)
		}
		clock.Move(time.Hour)
		if err := d.RetractImport(d.ctx, engineer, 2, "undone"); err != nil || d.counts(t) != "pass" {
			t.Errorf("after undoing the second import the first counts again, but: %s %v", d.counts(t), err)
		}
		past, err := d.AsOf(d.ctx, clock.Now().Add(-30*time.Minute))
		if err != nil || len(past) != 2 {
			t.Errorf("half an hour ago both rows were known: %d, %v", len(past), err)
		}
		d.record(t, d.row(evidence.Silent, 3))
		if got := d.counts(t); got != "silent" {
			t.Errorf("silence ends what was said: %s", got)
		}
		other, err := d.Current(database.WithWorkspace(t.Context(), 2), []int64{5})
		if err != nil || len(other) != 0 {
			t.Errorf("another workspace sees %d rows, %v", len(other), err)
		}
		for _, statement := range []string{"UPDATE evidence SET outcome = 'pass'", "UPDATE evidence SET observed_at = NULL", "DELETE FROM evidence"} {
			err := db.InTx(t.Context(), func(ctx context.Context) error { return db.Conn(ctx).Exec(statement).Error })
			if err == nil || !strings.Contains(err.Error(), "never") {
				t.Errorf("%s: %v", statement, err)
			}
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		for name, change := range map[string]func(*evidence.Evidence){
			"observed in the future":        func(e *evidence.Evidence) { e.ObservedAt = clock.Now().Add(time.Hour) },
			"could not tell":                func(e *evidence.Evidence) { e.Outcome = "unknown" },
			"a control that is none":        func(e *evidence.Evidence) { e.Control = "RUN-99" },
			"a clause that is none":         func(e *evidence.Evidence) { e.Clause = "gpu" },
			"no clause":                     func(e *evidence.Evidence) { e.Clause = "" },
			"a source that may not speak":   func(e *evidence.Evidence) { e.Kind = catalogue.OpenAPI },
			"a source that can only refute": func(e *evidence.Evidence) { e.Control, e.Clause = "DEV-1", "no_literal_secrets" },
		} {
			e := d.row(evidence.Pass, 1)
			change(&e)
			if err := d.Record(d.ctx, find, []evidence.Evidence{d.row(evidence.Pass, 1), e}); !fault.Is(err, fault.Invalid) || d.counts(t) != "" {
				t.Errorf("%s: %v, stored %q", name, err, d.counts(t))
			}
		}
		later := clock.Now().Add(-time.Hour)
		for name, a := range map[string]evidence.Attestation{
			"no note":                {Outcome: evidence.Pass},
			"no answer":              {Note: "looked"},
			"a note of a book":       {Outcome: evidence.Pass, Note: strings.Repeat("a", 3000)},
			"good until yesterday":   {Outcome: evidence.Pass, Note: "looked", Until: &later},
			"a picture that is text": {Outcome: evidence.Pass, Note: "looked", File: &evidence.Upload{Name: "proof.png", Data: []byte("<script>alert(1)</script>")}},
			"a program":              {Outcome: evidence.Pass, Note: "looked", File: &evidence.Upload{Name: "proof.exe", Data: []byte("MZ")}},
			"an empty file":          {Outcome: evidence.Pass, Note: "looked", File: &evidence.Upload{Name: "proof.txt"}},
			"a file past the limit":  {Outcome: evidence.Pass, Note: "looked", File: &evidence.Upload{Name: "proof.txt", Data: make([]byte, evidence.MaxAttachment+1)}},
			"a clause that is none":  {Outcome: evidence.Pass, Note: "looked", Clause: "gpu"},
			"a retest of nothing":    {Outcome: evidence.Pass, Note: "looked", RetestOf: 999},
		} {
			a.ServiceID, a.EnvironmentID, a.Control = 5, 1, "RUN-2"
			_, err := d.Attest(d.ctx, engineer, find, a)
			if _, expected := fault.As(err); !expected || d.counts(t) != "" {
				t.Errorf("%s: %v, stored %q", name, err, d.counts(t))
			}
		}
		if _, err := d.Attest(d.ctx, access.Actor{Role: access.Viewer}, find, evidence.Attestation{ServiceID: 5, Control: "RUN-2", Outcome: evidence.Pass, Note: "looked"}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a viewer attested: %v", err)
		}
	})
}

func TestPeople(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.record(t, d.row(evidence.Fail, 1))
		failed, err := d.Current(d.ctx, []int64{5})
		if err != nil || len(failed) != 1 {
			t.Fatal(failed, err)
		}
		word := evidence.Attestation{ServiceID: 5, EnvironmentID: 1, Control: "RUN-2", Outcome: evidence.Pass, Note: "tested again", RetestOf: failed[0].ID}
		if _, err := d.Attest(d.ctx, engineer, find, word); !fault.Is(err, fault.Invalid) {
			t.Errorf("a retest without a file: %v", err)
		}
		word.File = &evidence.Upload{Name: "a\"b\n/../result.txt", Data: []byte("cpu limit seen\n")}
		row, err := d.Attest(d.ctx, engineer, find, word)
		if err != nil || row.Part != failed[0].Part || row.Clause != "cpu" {
			t.Fatalf("%+v %v", row, err)
		}
		files, err := d.Attachments(d.ctx, []int64{row.ID})
		if err != nil || len(files[row.ID]) != 1 || files[row.ID][0].Name != "result.txt" || files[row.ID][0].SHA256 != row.ArtefactHash {
			t.Errorf("%+v %v", files, err)
		}
		if _, err := d.TakeBack(d.ctx, access.Actor{UserID: 8, Role: access.Engineer}, row.ID, "mistaken"); !fault.Is(err, fault.Forbidden) {
			t.Errorf("somebody else took it back: %v", err)
		}
		if _, err := d.TakeBack(d.ctx, engineer, row.ID, "mistaken"); err != nil || d.counts(t) != "fail" {
			t.Errorf("%v %s", err, d.counts(t))
		}
		if _, err := d.TakeBack(d.ctx, engineer, row.ID, "again"); !fault.Is(err, fault.Conflict) {
			t.Errorf("taken back twice: %v", err)
		}
		if _, err := d.TakeBack(d.ctx, engineer, failed[0].ID, "I do not like it"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a machine's observation was taken back: %v", err)
		}
	})
}

func TestRegisters(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		said := func() map[string]evidence.Outcome {
			rows, err := d.Registered(d.ctx, 1, []int64{5})
			if err != nil {
				t.Fatal(err)
			}
			list := map[string]evidence.Outcome{}
			for _, e := range rows {
				list[e.Control+" "+e.Clause] = e.Outcome
			}
			return list
		}
		if got := said()["IAM-8 credentials"]; got != evidence.Silent {
			t.Errorf("an empty register says %s", got)
		}
		rotated := clock.Now().AddDate(0, 0, -10).Format(time.DateOnly)
		entry, err := d.Enter(d.ctx, engineer, evidence.Line{Register: "credentials", ServiceID: 5, Name: "Key of the bank", Values: map[string]string{"kind": "API key", "rotated": rotated, "period": "30"}})
		if err != nil || said()["IAM-8 credentials"] != evidence.Pass {
			t.Fatalf("%v %v", said(), err)
		}
		clock.Move(21 * 24 * time.Hour)
		if got := said()["IAM-8 credentials"]; got != evidence.Fail {
			t.Errorf("past its rotation it says %s", got)
		}
		if _, err := d.Strike(d.ctx, engineer, "credentials", entry.ID); err != nil || said()["IAM-8 credentials"] != evidence.Silent {
			t.Errorf("%v %v", said(), err)
		}
		_, err = d.Enter(d.ctx, engineer, evidence.Line{Register: "credentials", ServiceID: 5, Name: "", Values: map[string]string{"kind": "gold", "rotated": "soon", "period": "-1"}})
		if f, expected := fault.As(err); !expected || len(f.Fields) != 4 {
			t.Errorf("a line that holds nothing right: %v", err)
		}
	})
}
