package exception

import (
	"context"
	"slices"
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
		if err := s.mayAsk(ctx, &r); err != nil {
			return err
		}
		e = r.exception(actor, s.db.Now(ctx))
		if err := database.Insert(ctx, s.db, "exception", &e); err != nil {
			return err
		}
		if err := s.keepItems(ctx, &e); err != nil {
			return err
		}
		return s.record(ctx, actor, "exception.request", &e, nil)
	})
	return e, err
}

// mayAsk refuses what waits already, and a renewal of something else.
func (s *Service) mayAsk(ctx context.Context, r *Request) error {
	waiting, err := s.waiting(ctx, r)
	if err != nil {
		return err
	}
	if waiting {
		return fault.Field("reason", waits[r.Subject])
	}
	if r.Renews == 0 {
		return nil
	}
	old, found, err := s.whole(ctx, r.Renews)
	if err != nil {
		return err
	}
	if !found || !r.follows(&old) {
		return fault.Missing("exception")
	}
	return nil
}

var waits = map[Subject]string{
	OfControl:  "A request for this control and service waits already.",
	OfFindings: "A request for one of these findings waits already.",
	OfRule:     "A request for the same rule waits already.",
}

// exception is a request as it is kept.
func (r *Request) exception(actor access.Actor, now time.Time) Exception {
	e := r.AsException()
	e.State, e.RequestedBy, e.RequesterName, e.RequestedAt, e.ExpiresAt = Requested, actor.UserID, actor.Name, now, now.Add(time.Duration(r.Days)*24*time.Hour)
	if e.OwnerID == 0 {
		e.OwnerID, e.OwnerName = actor.UserID, actor.Name
	}
	return e
}

func (s *Service) record(ctx context.Context, actor access.Actor, action string, e *Exception, before any) error {
	after := map[string]any{"control": e.Control, "service": e.ServiceID, "state": e.State, "reason": e.Reason, "expires": e.ExpiresAt, "note": e.DecisionNote}
	if e.Subject != OfControl {
		delete(after, "control")
		after["about"], after["severity"], after["findings"] = e.Title, e.Severity, len(e.Findings)
	}
	return s.log.Record(ctx, actor, activity.Change{Action: action, Kind: "exception", ID: e.ID, Name: e.Name(), Before: before, After: after})
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
		if e, found, err = s.whole(ctx, id); err != nil {
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
		if e, found, err = s.whole(ctx, id); err != nil {
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
	Rows   []Exception
	Total  int64
	Counts Counts // whatever the list is narrowed to
}

// Show narrows a list of exceptions.
type Show string

// What a list may be narrowed to.
const (
	ShowAll     Show = ""
	ShowWaiting Show = "waiting"
	ShowInForce Show = "in_force"
	ShowEnding  Show = "ending" // in force, and over within 30 days
	ShowEnded   Show = "ended"
)

// Counts are how many exceptions there are of each sort.
type Counts struct{ Total, Waiting, InForce, Ending, Ended int64 }

// Filter chooses exceptions. Services nil means all; otherwise it is those of the named services, and those of every
// service, which are theirs as well.
type Filter struct {
	Services []int64
	Show     Show
	Page     int
}

// List gives exceptions, those that wait first, then the newest.
func (s *Service) List(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return Page{}, err
	}
	f.Page = min(max(f.Page, 1), 10_000)
	return s.list(ctx, f)
}

// Get gives one exception.
func (s *Service) Get(ctx context.Context, actor access.Actor, id int64) (Exception, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return Exception{}, err
	}
	e, found, err := s.whole(ctx, id)
	if err == nil && !found {
		err = fault.Missing("exception")
	}
	return e, err
}

// Of gives the exceptions of one control on one service, newest first.
func (s *Service) Of(ctx context.Context, service int64, control string) ([]Exception, error) {
	return s.of(ctx, service, control)
}

// Attention lists the requests that nobody decided on, the oldest first, and what ends within 30 days, the next first.
func (s *Service) Attention(ctx context.Context) (waiting, ending []Exception, err error) {
	now := s.db.Now(ctx)
	rows, err := s.noteworthy(ctx, now)
	for _, e := range rows {
		if e.State == Requested {
			waiting = append(waiting, e)
		} else if e.InForce(now) {
			ending = append(ending, e)
		}
	}
	return waiting, ending, err
}

// Cover is what accepts findings at a moment.
type Cover struct{ list []Exception }

// Cover gives what accepts findings at a moment: every rule, and the exceptions that name one of the findings.
func (s *Service) Cover(ctx context.Context, at time.Time, findings []int64) (*Cover, error) {
	rows, err := s.accepting(ctx, at.UTC())
	if err != nil || len(rows) == 0 {
		return &Cover{}, err
	}
	if err := s.fill(ctx, rows, findings); err != nil {
		return nil, err
	}
	return &Cover{rows}, nil
}

// Of gives the exception that accepts a finding longest, nil where none does.
func (c *Cover) Of(w *Weakness) *Exception {
	var best *Exception
	for i := range c.list {
		if e := &c.list[i]; e.Takes(w) && (best == nil || e.ExpiresAt.After(best.ExpiresAt)) {
			best = e
		}
	}
	return best
}

// Rules reports whether some rule may accept findings that nobody chose.
func (c *Cover) Rules() bool {
	return slices.ContainsFunc(c.list, func(e Exception) bool { return e.Subject == OfRule })
}

// About gives the exception of an id, nil for none, and the requests that name a finding and wait for a decision.
func (s *Service) About(ctx context.Context, w *Weakness, id int64) (by *Exception, asked []Exception, err error) {
	rows, err := s.asking(ctx, id, w.ID)
	if err != nil || len(rows) == 0 {
		return nil, nil, err
	}
	if i := slices.IndexFunc(rows, func(e Exception) bool { return e.ID == id }); i >= 0 {
		e := rows[i]
		by, rows = &e, slices.Delete(rows, i, i+1)
	}
	if len(rows) == 0 {
		return by, nil, nil
	}
	if err := s.fill(ctx, rows, nil); err != nil {
		return nil, nil, err
	}
	for i := range rows {
		if rows[i].Subject == OfFindings {
			rows[i].Findings = []int64{w.ID} // others are of no matter here
		}
	}
	return by, slices.DeleteFunc(rows, func(e Exception) bool { return !e.Takes(w) }), nil
}
