package evidence_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/evidence"
	"muster/internal/fault"
)

func (d *desk) attest(o evidence.Outcome, change func(*evidence.Attestation)) (evidence.Evidence, error) {
	d.t.Helper()
	d.clock.Move(time.Hour)
	a := evidence.Attestation{ServiceID: 1, ServiceName: "pay", EnvironmentID: 1, Control: "RUN-2", Clause: "cpu", Part: "workload:w", Outcome: o, Note: "I looked."}
	if change != nil {
		change(&a)
	}
	return d.Attest(d.ctx, d.ama, d.find, a)
}

func proof() *evidence.Upload { return &evidence.Upload{Name: "test.txt", Data: []byte("it holds")} }

// retested are the failures that somebody's test, which counts, has ended.
func (d *desk) retested() map[int64]bool {
	d.t.Helper()
	rows, err := d.Current(d.ctx, []int64{1})
	if err != nil {
		d.t.Fatal(err)
	}
	ended := map[int64]bool{}
	for _, e := range rows {
		if e.RetestOf != 0 && e.Outcome == pass {
			ended[e.RetestOf] = true
		}
	}
	return ended
}

func TestARetestIsNotUndoneByWhatItsAuthorSaysNext(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.says(fail, 1)
		failed := d.newest()
		if _, err := d.attest(pass, func(a *evidence.Attestation) { a.RetestOf = failed.ID }); err == nil {
			t.Error("a test without a file stands against what was observed")
		}
		test, err := d.attest(pass, func(a *evidence.Attestation) { a.RetestOf, a.File = failed.ID, proof() })
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []evidence.Outcome{pass, fail, pass} {
			if _, err := d.attest(o, nil); err != nil {
				t.Fatal(err)
			}
			if !d.retested()[failed.ID] {
				t.Errorf("after %s the test is forgotten", o)
			}
		}
		if _, err := d.TakeBack(d.ctx, d.ama, test.ID, "I tested another one."); err != nil {
			t.Fatal(err)
		}
		if d.retested()[failed.ID] {
			t.Error("what was taken back still counts")
		}
	})
}

func TestARetestNamesAFailureOfTheSameControl(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.says(fail, 1)
		failed := d.newest()
		for what, change := range map[string]func(*evidence.Attestation){
			"no such row":     func(a *evidence.Attestation) { a.RetestOf = 999 },
			"another control": func(a *evidence.Attestation) { a.Control, a.Clause = "RUN-3", "liveness" },
			"another service": func(a *evidence.Attestation) { a.ServiceID = 2 },
		} {
			if _, err := d.attest(pass, func(a *evidence.Attestation) { a.RetestOf, a.File = failed.ID, proof(); change(a) }); kindOf(err) != fault.NotFound {
				t.Errorf("%s: %v", what, err)
			}
		}
		row, err := d.attest(pass, func(a *evidence.Attestation) { a.RetestOf, a.File, a.Clause, a.Part = failed.ID, proof(), "", "" })
		if err != nil || row.Clause != "cpu" || row.Part != "workload:w" {
			t.Errorf("a test speaks of what failed: %+v %v", row, err)
		}
	})
}

func TestTakingBack(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		first, err := d.attest(pass, nil)
		if err != nil {
			t.Fatal(err)
		}
		second, err := d.attest(fail, nil)
		if err != nil {
			t.Fatal(err)
		}
		d.want("the newer word", fail)
		if _, err := d.TakeBack(d.ctx, d.kofi, second.ID, "not mine"); kindOf(err) != fault.Forbidden {
			t.Errorf("somebody else's word: %v", err)
		}
		if _, err := d.TakeBack(d.ctx, d.ama, second.ID, " "); kindOf(err) != fault.Invalid {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := d.TakeBack(d.ctx, d.ama, second.ID, "I looked at another service."); err != nil {
			t.Fatal(err)
		}
		d.want("the older word counts again", pass)
		if _, err := d.TakeBack(d.ctx, d.ama, second.ID, "again"); kindOf(err) != fault.Conflict {
			t.Errorf("twice: %v", err)
		}
		if _, err := d.TakeBack(d.ctx, d.ama, first.ID, "That too."); err != nil {
			t.Fatal(err)
		}
		d.want("nothing is left")
		d.says(pass, 1)
		if _, err := d.TakeBack(d.ctx, d.ama, d.newest().ID, "a machine's"); kindOf(err) != fault.NotFound {
			t.Errorf("a machine's word: %v", err)
		}
	})
}

func TestFilesAreWhatTheySay(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 64)...)
		for _, test := range []struct {
			name string
			data []byte
			ok   bool
		}{
			{"scan.png", png, true}, {"scan.PNG", png, true}, {"scan.pdf", png, false}, {"scan.txt", png, false}, {"page.txt", []byte("<html><script>"), false}, {"page.html", []byte("<html>"), false},
			{"scan.pdf", []byte("%PDF-1.7 x"), true}, {"run.sh", []byte("#!/bin/sh"), false}, {"noending", []byte("x"), false}, {"empty.txt", nil, false},
			{"bad.txt", []byte("caf\xe9"), false}, {"big.txt", bytes.Repeat([]byte("x"), evidence.MaxAttachment+1), false}, {"full.txt", bytes.Repeat([]byte("x"), evidence.MaxAttachment), true},
			{strings.Repeat("x", 300) + ".txt", []byte("x"), false}, {"../../etc/passwd.txt", []byte("x"), true}, {`C:\a\b.txt`, []byte("x"), true}, {"a\r\nSet-Cookie: \"x\".txt", []byte("x"), true}, {"caf\xe9.txt", []byte("x"), true}, {"a\u202etxt.txt", []byte("x"), true},
		} {
			row, err := d.attest(pass, func(a *evidence.Attestation) { a.File = &evidence.Upload{Name: test.name, Data: test.data} })
			if test.ok != (err == nil) {
				t.Errorf("%.30q: %v", test.name, err)
			}
			var f *fault.Error
			if !test.ok && (!errors.As(err, &f) || f.Fields["file"] == "") {
				t.Errorf("%.30q: no words beside the field: %v", test.name, err)
			}
			if err != nil {
				continue
			}
			files, err := d.Attachments(d.ctx, []int64{row.ID})
			if err != nil || len(files[row.ID]) != 1 {
				t.Fatal(files, err)
			}
			kept := files[row.ID][0]
			if strings.ContainsAny(kept.Name, "\r\n\"/\\\x00\u202e") || kept.SHA256 != row.ArtefactHash || kept.Size != int64(len(test.data)) {
				t.Errorf("%.30q: kept as %+v", test.name, kept)
			}
			whole, of, err := d.Attachment(d.ctx, d.ama, kept.ID)
			if err != nil || !bytes.Equal(whole.Data, test.data) || of.ID != row.ID {
				t.Errorf("%.30q: read back %d bytes of %d: %v", test.name, len(whole.Data), of.ID, err)
			}
			if _, _, err := d.Attachment(d.other, d.ama, kept.ID); kindOf(err) != fault.NotFound {
				t.Errorf("another workspace reads it: %v", err)
			}
		}
	})
}

func TestWhatAPersonSaysIsChecked(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		past := clock.Now().Add(-time.Hour)
		for field, change := range map[string]func(*evidence.Attestation){
			"note": func(a *evidence.Attestation) { a.Note = " \n" }, "outcome": func(a *evidence.Attestation) { a.Outcome = silent }, "clause": func(a *evidence.Attestation) { a.Clause = "gpu" }, "until": func(a *evidence.Attestation) { a.Until = &past },
		} {
			var f *fault.Error
			if _, err := d.attest(pass, change); !errors.As(err, &f) || f.Fields[field] == "" {
				t.Errorf("%s: %v", field, err)
			}
		}
		if _, err := d.attest(pass, func(a *evidence.Attestation) { a.Control = "RUN-99" }); kindOf(err) != fault.NotFound {
			t.Errorf("no such control: %v", err)
		}
		viewer := d.ama
		viewer.Role = "viewer"
		if _, err := d.Attest(d.ctx, viewer, d.find, evidence.Attestation{Control: "RUN-2", Outcome: pass, Note: "n"}); kindOf(err) != fault.Forbidden {
			t.Errorf("a viewer attests: %v", err)
		}
	})
}
