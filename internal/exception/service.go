package exception

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/fault"
)

// Service is the one door to exceptions.
type Service struct {
	db     *database.DB
	access *access.Control
	log    *activity.Service
}

// New makes the service.
func New(db *database.DB, control *access.Control, log *activity.Service) *Service {
	return &Service{db: db, access: control, log: log}
}

// Ask requests an exception. Nothing is accepted until somebody else approves.
func (s *Service) Ask(ctx context.Context, actor access.Actor, r Request) (Exception, error) {
	var e Exception
	if err := s.access.Require(actor, access.Write, access.Exceptions); err != nil {
		return e, err
	}
	if err := r.Check(); err != nil {
		return e, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		now := s.db.Now(ctx)
		waiting, err := s.waiting(ctx, r.Control, r.ServiceID)
		if err != nil {
			return err
		}
		if waiting {
			return fault.Field("reason", "A request for this control and service waits already.")
		}
		if r.Renews != 0 {
			old, found, err := s.byID(ctx, r.Renews)
			if err != nil {
				return err
			}
			if !found || old.Control != r.Control || old.ServiceID != r.ServiceID {
				return fault.Missing("exception")
			}
		}
		e = Exception{Control: r.Control, ServiceID: r.ServiceID, Reason: r.Reason, Compensating: r.Compensating, State: Requested, RequestedBy: actor.UserID, RequesterName: actor.Name,
			RequestedAt: now, ExpiresAt: now.Add(time.Duration(r.Days) * 24 * time.Hour), Renews: r.Renews}
		if err := database.Insert(ctx, s.db, "exception", &e); err != nil {
			return err
		}
		return s.record(ctx, actor, "exception.request", &e, nil)
	})
	return e, err
}

func (s *Service) record(ctx context.Context, actor access.Actor, action string, e *Exception, before any) error {
	after := map[string]any{"control": e.Control, "service": e.ServiceID, "state": e.State, "reason": e.Reason, "expires": e.ExpiresAt, "note": e.DecisionNote}
	return s.log.Record(ctx, actor, activity.Change{Action: action, Kind: "exception", ID: e.ID, Name: e.Control, Before: before, After: after})
}

// Decide approves or declines what somebody else asked for.
func (s *Service) Decide(ctx context.Context, actor access.Actor, id int64, approve bool, note string) (Exception, error) {
	var e Exception
	if err := s.access.Require(actor, access.Decide, access.Exceptions); err != nil {
		return e, err
	}
	note = strings.TrimSpace(note)
	if !approve && note == "" {
		return e, fault.Field("note", "Say why it is declined.")
	}
	if utf8.RuneCountInString(note) > 2000 {
		return e, fault.Field("note", "Keep it under 2000 characters.")
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var found bool
		var err error
		if e, found, err = s.byID(ctx, id); err != nil {
			return err
		}
		now := s.db.Now(ctx)
		switch {
		case !found:
			return fault.Missing("exception")
		case e.State != Requested:
			return fault.New(fault.Conflict, "This exception was decided already.")
		case e.RequestedBy == actor.UserID:
			return fault.Denied("You asked for this exception, so somebody else has to decide on it.")
		case approve && !now.Before(e.ExpiresAt):
			return fault.New(fault.Conflict, "The day it was asked for has passed; ask again.")
		}
		before := map[string]any{"state": e.State}
		e.State, e.DecidedBy, e.DeciderName, e.DecidedAt, e.DecisionNote = Declined, actor.UserID, actor.Name, &now, note
		if approve {
			e.State = Approved
		}
		if err := s.settle(ctx, &e, Requested); err != nil {
			return err
		}
		return s.record(ctx, actor, "exception."+string(e.State), &e, before)
	})
	return e, err
}

// End withdraws a request, or takes an approved exception back before its time.
func (s *Service) End(ctx context.Context, actor access.Actor, id int64, note string) (Exception, error) {
	var e Exception
	if err := s.access.Require(actor, access.Write, access.Exceptions); err != nil {
		return e, err
	}
	note = strings.TrimSpace(note)
	if note == "" || utf8.RuneCountInString(note) > 2000 {
		return e, fault.Field("note", "Say in a sentence why it ends.")
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var found bool
		var err error
		if e, found, err = s.byID(ctx, id); err != nil {
			return err
		}
		if !found {
			return fault.Missing("exception")
		}
		now := s.db.Now(ctx)
		was := e.State
		if was != Requested && !e.InForce(now) {
			return fault.New(fault.Conflict, "This exception is over already.")
		}
		e.State, e.EndedAt, e.DecisionNote = Ended, &now, note
		if err := s.settle(ctx, &e, was); err != nil {
			return err
		}
		return s.record(ctx, actor, "exception.end", &e, map[string]any{"state": was})
	})
	return e, err
}

// At gives every exception that counts at a moment.
func (s *Service) At(ctx context.Context, at time.Time) ([]Exception, error) {
	at = at.UTC() // SQLite compares times as text
	rows, err := s.decidedBy(ctx, at)
	if err != nil {
		return nil, err
	}
	var in []Exception
	for _, e := range rows {
		if e.InForce(at) {
			in = append(in, e)
		}
	}
	return in, nil
}

// Page is one page of exceptions.
type Page struct {
	Rows  []Exception
	Total int64
}

// List gives exceptions, those that wait first, then the newest. services nil means all; otherwise it is those of the
// named services, and those of every service, which are theirs as well.
func (s *Service) List(ctx context.Context, actor access.Actor, services []int64, page int) (Page, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return Page{}, err
	}
	return s.list(ctx, services, min(max(page, 1), 10_000))
}

// Get gives one exception.
func (s *Service) Get(ctx context.Context, actor access.Actor, id int64) (Exception, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return Exception{}, err
	}
	e, found, err := s.byID(ctx, id)
	if err == nil && !found {
		err = fault.Missing("exception")
	}
	return e, err
}

// Of gives the exceptions of one control on one service, newest first.
func (s *Service) Of(ctx context.Context, service int64, control string) ([]Exception, error) {
	return s.of(ctx, service, control)
}

// Waiting lists the requests that nobody decided on, the oldest first.
func (s *Service) Waiting(ctx context.Context) ([]Exception, error) { return s.requested(ctx) }
