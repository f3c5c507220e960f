package posture

import (
	"context"
	"slices"
	"time"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/inventory"
)

// Line is one control of a service with everything that its state rests on.
type Line struct {
	*control.Effective
	Verdict  control.Verdict
	Said     []evidence.Evidence // what counts of what was said
	Term     Term
	Excepted time.Time // zero when it is not
}

// Explanation is a service's score, open to its last term.
type Explanation struct {
	Service inventory.Service
	Facts   *control.Facts
	Lines   []Line
	Result  Result
	Shipped *Result
	In30    float64
	In90    float64
	At      time.Time

	Environment  int64   // production, unless another was asked for
	Environments []int64 // where the service is known to run, production first
}

// Explain opens the score of a service. It judges again from the evidence, so it can never tell another story than the
// stored state.
func (s *Service) Explain(ctx context.Context, actor access.Actor, slug string) (*Explanation, error) {
	return s.ExplainIn(ctx, actor, slug, 0)
}

// ExplainIn opens the states of a service in one environment. Only production's count in the score of the whole.
func (s *Service) ExplainIn(ctx context.Context, actor access.Actor, slug string, environment int64) (*Explanation, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, err
	}
	v, err := s.book.Get(ctx, actor, slug)
	if err != nil {
		return nil, err
	}
	w, j, err := s.one(ctx, v.ID, environment)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Service: v, Facts: j.facts, At: w.now, Environment: j.environment, Environments: w.environments()}
	cells := j.cells()
	for _, e := range w.rules.For(catalogue.Service) {
		l := Line{Effective: e, Verdict: j.verdicts[e.ID], Said: w.evidence[j.place][e.ID], Excepted: j.excepted[e.ID]}
		l.Term = Term{Control: e.ID, Weight: e.Points, State: l.Verdict.State, Value: l.Verdict.Value, Known: cells[e.ID].known(), Scored: e.Scored}
		x.Lines = append(x.Lines, l)
	}
	var shipped *control.Ruleset
	if w.rules.Custom() {
		shipped = w.rules.Shipped()
	}
	d := detailOf(j, w.rules, shipped, w.now)
	x.Result, x.Shipped, x.In30, x.In90 = d.Result, d.Shipped, d.In30, d.In90
	return x, nil
}

// environments lists where the loaded services are known to run, production first.
func (w *world) environments() []int64 {
	list := []int64{w.production}
	for _, s := range w.subjects {
		if s.EnvironmentID != 0 && !slices.Contains(list, s.EnvironmentID) {
			list = append(list, s.EnvironmentID)
		}
	}
	slices.Sort(list[1:])
	return list
}

// one judges a single service, or the workspace (0), in an environment; 0 is production.
func (s *Service) one(ctx context.Context, service, environment int64) (*world, *judged, error) {
	w, err := s.loadOne(ctx, service)
	if err != nil {
		return nil, nil, err
	}
	all, err := w.judge()
	if err != nil {
		return nil, nil, err
	}
	if environment == 0 {
		environment = w.production
	}
	for i := range all {
		if all[i].service == service && (service == 0 || all[i].environment == environment) {
			return w, &all[i], nil
		}
	}
	// Nothing was judged yet: nothing is known, and everything may apply.
	j := &judged{place: place{service, environment}, facts: &control.Facts{Live: true, Is: map[string]bool{}}, verdicts: map[string]control.Verdict{}, excepted: map[string]time.Time{}}
	known, err := j.facts.Known()
	if err != nil {
		return nil, nil, err
	}
	for _, e := range w.rules.All {
		j.verdicts[e.ID] = w.verdict(e, j, known)
	}
	if service != 0 {
		w.look(j, known)
	}
	return w, j, nil
}

// CellView is one control on one subject: its state, why, and everything ever said about it.
type CellView struct {
	Line
	Service     inventory.Service // the zero Service is the workspace
	Facts       *control.Facts
	Environment int64
	Spots       []control.Spot
	Timeline    []evidence.Evidence // newest first
	Files       map[int64][]evidence.Attachment
	Exceptions  []exception.Exception
	Decision    *control.Decision // a person's word on whether it applies
	ByRule      control.Truth     // what the rule says
	Now         time.Time
}

// Cell opens one control on one service in one environment (0 is production); slug "" is the workspace itself.
func (s *Service) Cell(ctx context.Context, actor access.Actor, slug, id string, environment int64) (*CellView, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, err
	}
	var v inventory.Service
	var err error
	if slug != "" {
		if v, err = s.book.Get(ctx, actor, slug); err != nil {
			return nil, err
		}
	} else if _, limited := inventory.VisibleIDs(ctx); limited {
		return nil, fault.Missing("control")
	}
	w, j, err := s.one(ctx, v.ID, environment)
	if err != nil {
		return nil, err
	}
	e, known := w.rules.Get(id)
	if !known || (e.Subject == catalogue.Workspace) != (v.ID == 0) {
		return nil, fault.Missing("control")
	}
	c := &CellView{Line: Line{Effective: e, Verdict: j.verdicts[id], Said: w.evidence[j.place][id], Excepted: j.excepted[id]}, Service: v, Facts: j.facts, Environment: j.environment, Now: w.now}
	facts, err := j.facts.Known()
	if err != nil {
		return nil, err
	}
	var out func(string) bool
	c.ByRule, out = e.Applies(facts)
	if d, decided := w.decisions[v.ID][id]; decided {
		c.Decision = &d
	}
	if c.Verdict.State != control.NotApplicable {
		c.Spots = control.Spots(control.Case{Control: e.Control, Age: time.Duration(e.Days) * 24 * time.Hour, Facts: j.facts, Applies: control.Yes, ClauseIsOut: out, Evidence: w.evidence[j.place][id], Now: w.now})
	}
	if c.Timeline, err = s.ledger.Timeline(ctx, actor, v.ID, id); err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(c.Timeline))
	for _, row := range c.Timeline {
		ids = append(ids, row.ID)
	}
	if c.Files, err = s.ledger.Attachments(ctx, ids); err != nil {
		return nil, err
	}
	c.Exceptions, err = s.exceptions.Of(ctx, v.ID, id)
	return c, err
}
