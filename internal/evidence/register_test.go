package evidence_test

import (
	"testing"
	"time"

	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/evidence"
	"muster/internal/fault"
)

func (d *desk) enter(service int64, name, expires string, replaces int64) (evidence.Entry, error) {
	return d.Enter(d.ctx, d.ama, evidence.Line{Register: "credentials", ServiceID: service, Name: name, Replaces: replaces, Values: map[string]string{"kind": "API key", "rotated": "2026-11-01", "expires": expires}})
}

// heard is what the registers say about the credentials of a service now.
func (d *desk) heard(service int64) evidence.Evidence {
	d.t.Helper()
	rows, err := d.Registered(d.ctx, 1, []int64{service})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range rows {
		if e.Control == "IAM-8" {
			return e
		}
	}
	return evidence.Evidence{}
}

func TestCredentialsPastTheirDate(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		if e := d.heard(1); e.Outcome != silent {
			t.Errorf("an empty register says %s", e.Outcome)
		}
		good, err := d.enter(1, "key", "2026-11-30", 0)
		if err != nil {
			t.Fatal(err)
		}
		if e := d.heard(1); e.Outcome != pass || e.GoodUntil == nil || !e.GoodUntil.Equal(time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("in date: %+v", e)
		}
		if _, err := d.enter(1, "old key", "2026-11-20", 0); err != nil {
			t.Fatal(err)
		}
		if e := d.heard(1); e.Outcome != fail {
			t.Errorf("one is past its date: %+v", e)
		}
		if e := d.heard(2); e.Outcome != silent {
			t.Errorf("of another service: %+v", e)
		}
		entries, err := d.Entries(d.ctx, d.ama, "credentials", []int64{1})
		if err != nil || len(entries) != 2 {
			t.Fatal(entries, err)
		}
		for _, e := range entries {
			if _, err := d.Strike(d.other, d.ama, "credentials", e.ID); kindOf(err) != fault.NotFound {
				t.Errorf("struck from another workspace: %v", err)
			}
			if _, err := d.Strike(d.ctx, d.ama, "api-keys", e.ID); kindOf(err) != fault.NotFound {
				t.Errorf("struck from another register: %v", err)
			}
			if _, err := d.Strike(d.ctx, d.ama, "credentials", e.ID); err != nil {
				t.Fatal(err)
			}
		}
		if e := d.heard(1); e.Outcome != silent {
			t.Errorf("the last entry is struck: %+v", e)
		}
		if _, err := d.Strike(d.ctx, d.ama, "credentials", good.ID); kindOf(err) != fault.NotFound {
			t.Errorf("struck twice: %v", err)
		}
	})
}

func TestACorrectionReplacesAnEntryOfTheSameService(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		old, err := d.enter(1, "key", "2026-11-20", 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.enter(2, "key", "2027-11-20", old.ID); kindOf(err) != fault.NotFound {
			t.Errorf("an entry of another service is replaced: %v", err)
		}
		if _, err := d.enter(1, "key", "2027-11-20", old.ID); err != nil {
			t.Fatal(err)
		}
		if e := d.heard(1); e.Outcome != pass {
			t.Errorf("after the correction: %+v", e)
		}
		if _, err := d.enter(1, "key", "2027-11-21", old.ID); err == nil {
			t.Error("what was replaced is replaced again")
		}
		for _, wrong := range []string{"20.11.2026", "2026-02-30", "soon"} {
			if _, err := d.enter(1, "key", wrong, 0); kindOf(err) != fault.Invalid {
				t.Errorf("%s: %v", wrong, err)
			}
		}
	})
}
