package exception_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/exception"
	"muster/internal/fault"
)

var (
	engineer = access.Actor{UserID: 2, Name: "Kofi", Role: access.Engineer}
	owner    = access.Actor{UserID: 1, Name: "Ama", Role: access.Owner}
)

func open(t *testing.T, db *database.DB, clock *databasetest.Clock) (*exception.Service, context.Context) {
	t.Helper()
	rights, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	err = db.InTx(t.Context(), func(ctx context.Context) error {
		return db.Conn(ctx).Exec("INSERT INTO workspaces (id, slug, name, mfa_required, created_at) VALUES (1, 'a', 'A', ?, ?)", false, clock.Now()).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	return exception.New(db, rights, activity.New(db, rights)), database.WithWorkspace(t.Context(), 1)
}

func TestExceptions(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		s, ctx := open(t, db, clock)
		ask := func(actor access.Actor, days int) exception.Exception {
			e, err := s.Ask(ctx, actor, exception.Request{Control: "RUN-1", ServiceID: 5, Reason: "the vendor's image needs it", Days: days})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		for name, r := range map[string]exception.Request{"no reason": {Control: "RUN-1", Days: 5}, "no end": {Control: "RUN-1", Reason: "x"}, "two years": {Control: "RUN-1", Reason: "x", Days: 730}} {
			if _, err := s.Ask(ctx, engineer, r); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		mine := ask(owner, 10)
		if _, err := s.Ask(ctx, engineer, exception.Request{Control: "RUN-1", ServiceID: 5, Reason: "me too", Days: 5}); !fault.Is(err, fault.Invalid) {
			t.Errorf("asked twice at once: %v", err)
		}
		if _, err := s.Decide(ctx, owner, mine.ID, true, ""); !fault.Is(err, fault.Forbidden) {
			t.Errorf("an owner approved their own request: %v", err)
		}
		if _, err := s.Decide(ctx, engineer, mine.ID, true, ""); !fault.Is(err, fault.Forbidden) {
			t.Errorf("an engineer decided: %v", err)
		}
		if _, err := s.End(ctx, owner, mine.ID, "not needed"); err != nil {
			t.Fatal(err)
		}
		e := ask(engineer, 10)
		var won atomic.Int32
		var wait sync.WaitGroup
		for range 6 {
			wait.Go(func() {
				if _, err := s.Decide(ctx, owner, e.ID, true, ""); err == nil {
					won.Add(1)
				}
			})
		}
		wait.Wait()
		in, err := s.At(ctx, clock.Now())
		if won.Load() != 1 || err != nil || len(in) != 1 {
			t.Errorf("%d decisions won, %d in force, %v", won.Load(), len(in), err)
		}
		clock.Move(10*24*time.Hour - time.Second)
		if in, err = s.At(ctx, clock.Now()); err != nil || len(in) != 1 {
			t.Errorf("a second before its end: %d, %v", len(in), err)
		}
		clock.Move(time.Second)
		if in, err = s.At(ctx, clock.Now()); err != nil || len(in) != 0 {
			t.Errorf("at its end: %d, %v", len(in), err)
		}
		past, err := s.At(ctx, clock.Now().AddDate(0, 0, -5))
		if err != nil || len(past) != 1 {
			t.Errorf("five days ago it held: %d, %v", len(past), err)
		}
	})
}

func TestAnEndIsAMomentAndNoLocalMidnight(t *testing.T) {
	t.Parallel()
	for zone, day := range map[string]string{"Europe/Berlin": "2026-10-25", "America/New_York": "2026-11-01"} { // the day with 25 hours
		place, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		end, err := time.ParseInLocation(time.DateOnly, day, place)
		if err != nil {
			t.Fatal(err)
		}
		decided := end.AddDate(0, 0, -30)
		e := exception.Exception{State: exception.Approved, DecidedAt: &decided, ExpiresAt: end.Add(25 * time.Hour)}
		if !e.InForce(end.Add(25*time.Hour-time.Nanosecond)) || e.InForce(end.Add(25*time.Hour)) {
			t.Errorf("%s: it does not end at its moment", zone)
		}
	}
}
