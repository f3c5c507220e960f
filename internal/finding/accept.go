package finding

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/inventory"
)

// weakness is what an exception has to know of a finding.
func (f *Finding) weakness() *exception.Weakness {
	return &exception.Weakness{ID: f.ID, ServiceID: f.ServiceID, Vulnerability: f.Vulnerability, Rule: f.Rule, Package: f.Package, Severity: string(f.Severity)}
}

// Excused reports whether an exception accepts it at a moment. The state alone does not say so: time goes on between sweeps.
func (f *Finding) Excused(at time.Time) bool {
	return f.State == Accepted && f.AcceptedUntil != nil && at.Before(*f.AcceptedUntil)
}

// Excuse gives the exception that accepts a finding, if one does, and the requests about it that wait for a decision.
func (s *Service) Excuse(ctx context.Context, actor access.Actor, f *Finding) (by *exception.Exception, asked []exception.Exception, err error) {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return nil, nil, err
	}
	return s.accept.About(ctx, f.weakness(), f.ExceptionID)
}

// acceptUnder gives a finding the state accepted, or another exception in place of the one that it had.
func acceptUnder(f *Finding, e *exception.Exception, by Layer, actor int64, now time.Time) {
	if f.State != Accepted {
		enter(f, Accepted, by, actor, now)
	}
	until := e.ExpiresAt
	f.ExceptionID, f.AcceptedUntil = e.ID, &until
}

func underWords(e *exception.Exception) string {
	return fmt.Sprintf("exception %d until %s", e.ID, e.ExpiresAt.UTC().Format(dueDay))
}

// acceptByRule accepts what an import or an assignment brought, where a rule speaks of it. What a person left open, and
// what waits for a second look, stays for people.
func (p *planner) acceptByRule(e *entry) {
	if p.cover == nil || !p.cover.Rules() || e.now.State != Open || e.now.DecidedLayer == ByPerson || !e.now.Counted() {
		return
	}
	by := p.cover.Of(e.now.weakness())
	if by == nil {
		return
	}
	acceptUnder(&e.now, by, ByRule, 0, p.now)
	p.refresh(e, true)
	v := Event{Action: Moved, FromState: Open, ToState: Accepted, Layer: ByRule, Words: fmt.Sprintf("Accepted under %s (%s).", underWords(by), by.Title), Note: by.Reason}
	e.events = append(e.events, v)
	p.sample(Moved, e, v.Words)
}

// Accept gives the findings of an exception that was approved their state, in the caller's transaction. It gives the
// services that it touched and how many findings it accepts.
func (s *Service) Accept(ctx context.Context, actor access.Actor, x *exception.Exception) (touched []int64, n int, err error) {
	if err := s.access.Require(actor, access.Decide, access.Exceptions); err != nil {
		return nil, 0, err
	}
	ids := x.Findings
	if x.Subject == exception.OfRule {
		if ids, err = s.idsUnder(ctx, x); err != nil {
			return nil, 0, err
		}
	}
	place, err := s.places(ctx)
	if err != nil {
		return nil, 0, err
	}
	now := s.db.Now(ctx)
	err = database.Chunks(ids, func(some []int64) error {
		all := map[int64]*entry{}
		if err := s.load(ctx, some, all); err != nil {
			return err
		}
		var changed []*entry
		for _, id := range some {
			if e := all[id]; e != nil && x.Takes(e.now.weakness()) && e.under(x, actor, now) {
				settle(&e.now, place(e.now.ServiceID), Shipped(), now, false)
				changed, touched = append(changed, e), append(touched, e.now.ServiceID)
			}
		}
		n += len(changed)
		return s.save(ctx, actor, 0, changed)
	})
	if err != nil {
		return nil, 0, err
	}
	return set(touched), n, s.log.Record(ctx, actor, activity.Change{Action: "exception.accept", Kind: "exception", ID: x.ID, Name: x.Name(), After: map[string]any{"findings": n, "until": x.ExpiresAt}})
}

// under puts a finding under an exception that was just approved, and reports whether anything changed.
func (e *entry) under(x *exception.Exception, actor access.Actor, now time.Time) bool {
	by := ByPerson
	if x.Subject == exception.OfRule {
		by = ByRule
	}
	from := e.now.State
	said := "accepted it under " + underWords(x)
	switch {
	case !e.now.Counted():
		return false
	case from == Accepted && e.now.ExceptionID != 0 && e.now.AcceptedUntil != nil && !x.ExpiresAt.After(*e.now.AcceptedUntil):
		return false // what accepts it lasts longer
	case from == Accepted:
		said = "goes on accepting it, under " + underWords(x)
	case !MayMove(from, Accepted, by):
		return false
	}
	acceptUnder(&e.now, x, by, actor.UserID, now)
	e.changed = true
	e.events = append(e.events, Event{Action: Moved, FromState: from, ToState: Accepted, Layer: ByPerson, Words: said + ", which " + x.RequesterName + " asked for", Note: x.Reason})
	return true
}

// Release opens again what an exception accepted that was ended before its day, in the caller's transaction.
func (s *Service) Release(ctx context.Context, actor access.Actor, x *exception.Exception) ([]int64, error) {
	if err := s.access.Require(actor, access.Write, access.Exceptions); err != nil {
		return nil, err
	}
	ids, err := s.ids(ctx, "exception_id = ? AND exception_id > 0", x.ID)
	if err != nil {
		return nil, err
	}
	return s.release(ctx, actor, ids, func(*Finding) (string, string) {
		return fmt.Sprintf("%s ended exception %d, which accepted it.", actor.Name, x.ID), x.DecisionNote
	})
}

// Lapse opens again what was accepted by exceptions whose day has come, and gives the services that it touched. Whoever
// reads findings does this first, so that an exception that ran out hides nothing, whether or not a server ran then.
func (s *Service) Lapse(ctx context.Context) ([]int64, error) {
	ctx = inventory.WithoutLimit(ctx)
	over, err := s.overIDs(ctx, 1)
	if err != nil || len(over) == 0 {
		return nil, err
	}
	var touched []int64
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.db.LockChain(ctx, database.Workspace(ctx)); err != nil {
			return err // of two readers at once the second finds nothing left to do
		}
		for {
			ids, err := s.overIDs(ctx, lapseAtOnce)
			if err != nil || len(ids) == 0 {
				return err
			}
			some, err := s.release(ctx, access.SystemActor("Muster"), ids, func(f *Finding) (string, string) {
				return fmt.Sprintf("Exception %d, which accepted it, ran out on %s.", f.ExceptionID, f.AcceptedUntil.UTC().Format(dueDay)), ""
			})
			if err != nil {
				return err
			}
			touched = append(touched, some...)
		}
	})
	return set(touched), err
}

// lapseAtOnce is how many findings are opened again at a time.
const lapseAtOnce = 500

// release takes acceptance from findings: another exception that is in force goes on, else they are open again.
func (s *Service) release(ctx context.Context, actor access.Actor, ids []int64, why func(*Finding) (words, note string)) ([]int64, error) {
	place, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	now := s.db.Now(ctx)
	cover, err := s.accept.Cover(ctx, now, ids)
	if err != nil {
		return nil, err
	}
	all := map[int64]*entry{}
	if err := s.load(ctx, ids, all); err != nil {
		return nil, err
	}
	var touched []int64
	var changed []*entry
	opened := map[int64]int{}
	for _, id := range ids {
		e := all[id]
		words, note := why(&e.now)
		opened[e.now.ExceptionID]++
		words = e.loosen(cover, words, now)
		settle(&e.now, place(e.now.ServiceID), Shipped(), now, false)
		e.changed = true
		e.events = append(e.events, Event{Action: Moved, FromState: Accepted, ToState: e.now.State, Layer: ByRule, Words: words, Note: note})
		changed, touched = append(changed, e), append(touched, e.now.ServiceID)
	}
	if err := s.save(ctx, actor, 0, changed); err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(opened)) {
		if err := s.log.Record(ctx, actor, activity.Change{Action: "exception.release", Kind: "exception", ID: id, Name: fmt.Sprintf("exception %d", id), After: map[string]any{"findings": opened[id]}}); err != nil {
			return nil, err
		}
	}
	return set(touched), nil
}

// loosen takes a finding from under an exception that is over, and says what became of it.
func (e *entry) loosen(cover *exception.Cover, words string, now time.Time) string {
	if next := cover.Of(e.now.weakness()); next != nil {
		acceptUnder(&e.now, next, e.now.DecidedLayer, e.now.DecidedBy, now)
		return words + " It stays accepted under " + underWords(next) + "."
	}
	to := Open
	if changed := changedSince(&e.now); changed != "" {
		to, words = ReReview, words+" Since it was accepted, "+changed+"."
	} else if e.unseen() {
		to, words = Fixed, words+" No report sees it any more."
	}
	if until := e.now.AcceptedUntil; until != nil && until.Before(now) && to != Fixed {
		now = *until // its clock goes on from the end, however late somebody looks
	}
	enter(&e.now, to, ByRule, 0, now)
	return words
}

// uphold leaves a finding accepted only where an exception in force accepts it.
func (e *entry) uphold(cover *exception.Cover, words string, now time.Time) string {
	if by := cover.Of(e.now.weakness()); by != nil {
		acceptUnder(&e.now, by, e.now.DecidedLayer, e.now.DecidedBy, now)
		return words
	}
	return e.loosen(cover, words+"; the exception that had accepted it is over.", now)
}

// unseen reports whether reports saw it once, and every one of them stopped or says that it is fixed.
func (e *entry) unseen() bool {
	return len(e.sources) > 0 && !slices.ContainsFunc(e.sources, func(s Source) bool {
		return s.GoneAt == nil || s.Status != Reported && s.Status != ReportedFixed
	})
}

// Prospect is what an exception would cover.
type Prospect struct {
	Covered  []Finding // the most urgent first, at most MaxShown of a rule
	Total    int
	More     bool      // Total is only the least
	Stay     []Finding // chosen, but nothing is to be accepted there
	Severity Severity  // the worst of what it covers; "" covers nothing
	Title    string
}

// MaxShown is how many findings the preview of a rule names.
const MaxShown = 50

// Prospect says what a request would cover if it were approved now.
func (s *Service) Prospect(ctx context.Context, actor access.Actor, r *exception.Request) (Prospect, error) {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return Prospect{}, err
	}
	if r.Subject == exception.OfRule {
		return s.prospectOfRule(ctx, r)
	}
	return s.prospectOfChosen(ctx, r)
}

func (s *Service) prospectOfChosen(ctx context.Context, r *exception.Request) (Prospect, error) {
	var p Prospect
	if len(r.Findings) == 0 || len(r.Findings) > exception.MaxFindings {
		return p, fault.Field("scope", fmt.Sprintf("Choose 1 to %d findings; a rule covers more.", exception.MaxFindings))
	}
	rows, err := s.rowsOf(ctx, r.Findings)
	if err != nil {
		return p, err
	}
	if len(rows) != len(set(r.Findings)) {
		return p, fault.Missing("finding")
	}
	for i := range rows {
		f := &rows[i]
		if unseen(ctx, f) {
			return p, fault.Missing("finding")
		}
		if f.State != Accepted && !MayMove(f.State, Accepted, ByPerson) {
			p.Stay = append(p.Stay, *f)
			continue
		}
		p.Covered = append(p.Covered, *f)
		if p.Severity == "" || f.Severity.Worse(p.Severity) {
			p.Severity = f.Severity
		}
	}
	p.Total = len(p.Covered)
	switch {
	case p.Total == 1:
		p.Title = p.Covered[0].Title
	case p.Total > 1:
		p.Title = fmt.Sprintf("%d findings, such as %s", p.Total, p.Covered[0].Title)
	}
	return p, nil
}

// IDs are the findings that it covers, as far as it names them.
func (p *Prospect) IDs() []int64 { return idsOfRows(p.Covered) }

// Services are those of the findings that it names.
func (p *Prospect) Services() []int64 {
	var ids []int64
	for i := range p.Covered {
		ids = append(ids, p.Covered[i].ServiceID)
	}
	return set(ids)
}

// maxCounted is how far what a rule covers is counted before it is approved.
const maxCounted = 1000

func (s *Service) prospectOfRule(ctx context.Context, r *exception.Request) (Prospect, error) {
	var p Prospect
	if err := r.Scope(); err != nil {
		return p, err
	}
	x := r.AsException()
	rows, err := s.rowsUnder(ctx, &x, maxCounted+1)
	if err != nil {
		return p, err
	}
	p.Total, p.More = min(len(rows), maxCounted), len(rows) > maxCounted
	worst, err := s.worstUnder(ctx, &x)
	if err != nil {
		return p, err
	}
	p.Severity = worst
	p.Covered = rows[:min(len(rows), MaxShown)]
	place, err := s.places(ctx)
	if err != nil {
		return p, err
	}
	where := "every service"
	switch {
	case x.ServiceID > 0:
		where = place(x.ServiceID).Name
	case x.ServiceID == exception.Several:
		where = fmt.Sprintf("%d services", len(x.Services))
	}
	p.Title = r.MatchValue + " on " + where
	return p, nil
}
