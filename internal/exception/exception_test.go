package exception_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/identity"
	"muster/internal/secret"
)

const day = 24 * time.Hour

var (
	ama  = access.Actor{UserID: 1, Name: "Ama", Role: access.Admin}
	kofi = access.Actor{UserID: 2, Name: "Kofi", Role: access.Admin}
	esi  = access.Actor{UserID: 3, Name: "Esi", Role: access.Owner}
)

type desk struct {
	*exception.Service
	t          *testing.T
	clock      *databasetest.Clock
	ctx, other context.Context
}

func each(t *testing.T, f func(d *desk)) {
	t.Helper()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		policy, err := access.New()
		if err != nil {
			t.Fatal(err)
		}
		box, err := secret.NewBox([]byte(strings.Repeat("k", 32)))
		if err != nil {
			t.Fatal(err)
		}
		log := activity.New(db, policy)
		people := identity.New(db, policy, log, box)
		d := &desk{Service: exception.New(db, policy, log), t: t, clock: clock}
		for name, place := range map[string]*context.Context{"Kente": &d.ctx, "Adinkra": &d.other} {
			w, err := people.CreateWorkspace(t.Context(), access.SystemActor("test"), name)
			if err != nil {
				t.Fatal(err)
			}
			*place = database.WithWorkspace(t.Context(), w.ID)
		}
		f(d)
	})
}

func kindOf(err error) fault.Kind {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return ""
}

func (d *desk) ask(days int, change ...func(*exception.Request)) exception.Exception {
	d.t.Helper()
	r := exception.Request{Control: "RUN-1", ServiceID: 5, ServiceName: "pay", Reason: "Later.", Days: days}
	for _, c := range change {
		c(&r)
	}
	e, err := d.Ask(d.ctx, ama, r)
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

func (d *desk) approved(days int) exception.Exception {
	d.t.Helper()
	e, err := d.Decide(d.ctx, kofi, d.ask(days).ID, true, "")
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// counts is how many exceptions are in force at a moment.
func (d *desk) counts(at time.Time) int {
	d.t.Helper()
	list, err := d.At(d.ctx, at)
	if err != nil {
		d.t.Fatal(err)
	}
	return len(list)
}

func TestFourEyes(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		e := d.ask(30)
		if d.counts(d.clock.Now()) != 0 {
			d.t.Error("a request counts already")
		}
		for who, test := range map[string]struct {
			ctx   context.Context
			actor access.Actor
			yes   bool
			note  string
			want  fault.Kind
		}{
			"who asked":         {d.ctx, ama, true, "", fault.Forbidden},
			"who asked, no":     {d.ctx, ama, false, "No.", fault.Forbidden},
			"an engineer":       {d.ctx, access.Actor{UserID: 9, Role: access.Engineer}, true, "", fault.Forbidden},
			"another workspace": {d.other, kofi, true, "", fault.NotFound},
			"no without a word": {d.ctx, kofi, false, " ", fault.Invalid},
		} {
			if _, err := d.Decide(test.ctx, test.actor, e.ID, test.yes, test.note); kindOf(err) != test.want {
				d.t.Errorf("%s: %v", who, err)
			}
		}
		if _, err := d.Ask(d.ctx, kofi, exception.Request{Control: "RUN-1", ServiceID: 5, Reason: "Me too.", Days: 3}); kindOf(err) != fault.Invalid {
			d.t.Errorf("a second request for the same: %v", err)
		}
		if _, err := d.Decide(d.ctx, kofi, e.ID, true, ""); err != nil {
			d.t.Fatal(err)
		}
		if _, err := d.Decide(d.ctx, esi, e.ID, false, "No."); kindOf(err) != fault.Conflict {
			d.t.Errorf("decided twice: %v", err)
		}
		if list, err := d.At(d.other, d.clock.Now()); err != nil || len(list) != 0 {
			d.t.Errorf("another workspace: %v %v", list, err)
		}
	})
}

func TestTwoDecideAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		e := d.ask(30)
		var wait sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wait.Go(func() {
				actor := []access.Actor{kofi, esi}[i%2]
				_, errs[i] = d.Decide(d.ctx, actor, e.ID, i%2 == 0, "Seen.")
			})
		}
		wait.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if kindOf(err) != fault.Conflict {
				d.t.Errorf("a loser is told: %v", err)
			}
		}
		if won != 1 {
			d.t.Errorf("%d decisions went through", won)
		}
	})
}

func TestEveryExceptionEnds(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		for _, days := range []int{0, -1, 366} {
			if _, err := d.Ask(d.ctx, ama, exception.Request{Control: "RUN-1", Reason: "Later.", Days: days}); kindOf(err) != fault.Invalid {
				d.t.Errorf("%d days: %v", days, err)
			}
		}
		e := d.approved(30)
		for at, want := range map[time.Time]int{e.ExpiresAt: 0, e.ExpiresAt.Add(-time.Microsecond): 1, e.DecidedAt.Add(-time.Microsecond): 0, *e.DecidedAt: 1} {
			if have := d.counts(at); have != want {
				d.t.Errorf("at %s: %d in force", at, have)
			}
		}
		late := d.ask(1, func(r *exception.Request) { r.ServiceID = 6 })
		d.clock.Move(2 * day)
		if _, err := d.Decide(d.ctx, kofi, late.ID, true, ""); kindOf(err) != fault.Conflict {
			d.t.Errorf("approved after its day: %v", err)
		}
		d.clock.Move(30 * day)
		if _, err := d.End(d.ctx, ama, e.ID, "Over."); kindOf(err) != fault.Conflict {
			d.t.Errorf("ended after its end: %v", err)
		}
	})
}

// A day of a change to or from summer time has 23 or 25 hours in local clocks; an exception's day has 24.
func TestAChangeOfClocksMovesNoEnd(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, midnight := range []time.Time{time.Date(2027, 3, 28, 0, 0, 0, 0, berlin), time.Date(2027, 3, 29, 0, 0, 0, 0, berlin), time.Date(2027, 10, 31, 0, 0, 0, 0, berlin), time.Date(2027, 11, 1, 0, 0, 0, 0, berlin)} {
		each(t, func(d *desk) {
			d.clock.Move(midnight.AddDate(0, 0, -10).Sub(d.clock.Now()))
			e := d.approved(10)
			if want := d.clock.Now().Add(10 * day); !e.ExpiresAt.Equal(want) {
				d.t.Errorf("it ends at %s, not %s", e.ExpiresAt, want)
			}
			for _, zone := range []*time.Location{time.UTC, berlin} {
				if d.counts(e.ExpiresAt.In(zone)) != 0 || d.counts(e.ExpiresAt.Add(-time.Microsecond).In(zone)) != 1 {
					d.t.Errorf("around %s in %s", e.ExpiresAt, zone)
				}
			}
		})
	}
}

func TestEndingAndRenewing(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		e := d.approved(30)
		d.clock.Move(10 * day)
		renewal := d.ask(60, func(r *exception.Request) { r.Renews = e.ID })
		if d.counts(d.clock.Now()) != 1 {
			d.t.Error("asking to renew ends nothing")
		}
		if _, err := d.Decide(d.ctx, kofi, renewal.ID, true, ""); err != nil {
			d.t.Fatal(err)
		}
		if d.counts(e.ExpiresAt.Add(day)) != 1 {
			d.t.Error("the renewal goes on")
		}
		for _, wrong := range []exception.Request{{Control: "RUN-2", ServiceID: 5, Reason: "r", Days: 3, Renews: e.ID}, {Control: "RUN-1", ServiceID: 6, Reason: "r", Days: 3, Renews: e.ID}, {Control: "RUN-1", ServiceID: 7, Reason: "r", Days: 3, Renews: 999}} {
			if _, err := d.Ask(d.ctx, ama, wrong); kindOf(err) != fault.NotFound {
				d.t.Errorf("renews another: %v", err)
			}
		}
		before := d.clock.Now()
		d.clock.Move(time.Hour)
		for _, id := range []int64{e.ID, renewal.ID} {
			if _, err := d.End(d.ctx, kofi, id, "It is fixed."); err != nil {
				d.t.Fatal(err)
			}
		}
		if d.counts(d.clock.Now()) != 0 || d.counts(before) != 2 {
			d.t.Errorf("after the end %d, before it %d", d.counts(d.clock.Now()), d.counts(before))
		}
		if _, err := d.End(d.ctx, kofi, e.ID, "Again."); kindOf(err) != fault.Conflict {
			d.t.Errorf("ended twice: %v", err)
		}
		waiting := d.ask(5)
		if _, err := d.End(d.ctx, ama, waiting.ID, "Not needed."); err != nil {
			d.t.Fatal(err)
		}
		if d.counts(d.clock.Now()) != 0 {
			d.t.Error("a withdrawn request counts")
		}
	})
}
