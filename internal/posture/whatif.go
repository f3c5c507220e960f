package posture

import (
	"context"
	"slices"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/inventory"
	"muster/internal/topology"
)

// WhatIf is what a protection would change. Nothing of it is stored.
type WhatIf struct {
	*topology.Hypothesis
	Control                     string // that the protection would prove
	Whole, WholeAfter           Result // of the workspace
	Own, OwnAfter               Result // of the protected service
	Failing, FailingAfter       int    // controls that the map judges, over all services
	Judged                      bool
	ProvenPairs, ProvenAfter    int
	PossiblePairs, PossibleThen int
}

// provedBy is the control that a protection proves on the service itself.
var provedBy = map[topology.Protection]string{topology.OnlyKnownCallers: "IAM-3", topology.StrictMTLS: "TLS-6", topology.DemandToken: "IAM-1"}

// WhatIf evaluates what a protection on a service would change in production: how far falls spread, and the scores. It is
// pure evaluation of values that were read.
func (s *Service) WhatIf(ctx context.Context, actor access.Actor, on *topology.Picture, slug string, p topology.Protection) (*WhatIf, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, err
	}
	x := &WhatIf{Control: provedBy[p]}
	var err error
	if x.Hypothesis, err = on.Suppose(slug, p); err != nil {
		return nil, err
	}
	service, environment := on.Nodes[x.Node].ID, on.Environment.ID
	for _, r := range x.Before.Radii() {
		x.ProvenPairs, x.PossiblePairs = x.ProvenPairs+r.Proven.Count, x.PossiblePairs+r.Possible.Count
	}
	for _, r := range x.After.Radii() {
		x.ProvenAfter, x.PossibleThen = x.ProvenAfter+r.Proven.Count, x.PossibleThen+r.Possible.Count
	}
	w, err := s.load(ctx, nil)
	if err != nil {
		return nil, err
	}
	w.assume(x.Now, environment) // both sides are judged by the same map, however old what is stored may be
	if x.Whole, x.Own, x.Failing, err = w.scores(service); err != nil {
		return nil, err
	}
	w.assume(x.Then, environment)
	if err := w.prove(service, environment, x.Control); err != nil {
		return nil, err
	}
	x.WholeAfter, x.OwnAfter, x.FailingAfter, err = w.scores(service)
	x.Judged = x.Whole.Judged
	if _, limited := inventory.VisibleIDs(ctx); limited {
		x.Judged = false // the workspace's score is not theirs to see
	}
	return x, err
}

// scores judges the world and gives the score of the whole and of one service, and how often the map's controls fail.
func (w *world) scores(service int64) (whole, own Result, failing int, err error) {
	all, err := w.judge()
	if err != nil {
		return whole, own, 0, err
	}
	details, governance := map[int64]Detail{}, ""
	for i := range all {
		j := &all[i]
		switch {
		case j.service == 0:
			governance = packCells(j.cells())
		case j.environment == w.production && j.facts.Live:
			details[j.service] = detailOf(j, w.rules, nil, w.now)
			for _, id := range byMap {
				if v, judged := j.verdicts[id]; judged && v.State == control.Failing {
					failing++
				}
			}
		}
	}
	return wholeOf(details, w.rules, governance).Result, details[service].Result, failing, nil
}

// assume puts what the map would say in the place of what it says.
func (w *world) assume(verdicts []topology.Verdict, environment int64) {
	for _, cells := range w.evidence {
		for _, id := range byMap {
			cells[id] = slices.DeleteFunc(slices.Clone(cells[id]), func(e evidence.Evidence) bool { return e.Source == mapSource })
		}
	}
	for _, e := range mapRows(verdicts, environment) {
		if e.Outcome != evidence.Silent {
			w.hear(e)
		}
	}
}

func (w *world) hear(e evidence.Evidence) {
	at := place{e.ServiceID, e.EnvironmentID}
	if w.evidence[at] == nil {
		w.evidence[at] = map[string][]evidence.Evidence{}
	}
	e.ObservedAt, e.ReceivedAt = w.now, w.now
	w.evidence[at][e.Control] = append(w.evidence[at][e.Control], e)
}

// prove lets a control hold on every part of a service.
func (w *world) prove(service, environment int64, id string) error {
	e, known := w.rules.Get(id)
	if !known {
		return nil
	}
	parts := map[catalogue.Part][]string{}
	for i := range w.subjects {
		if s := &w.subjects[i]; s.ServiceID == service && s.EnvironmentID == environment {
			facts, err := s.Read()
			if err != nil {
				return err
			}
			parts = facts.Parts
		}
	}
	if at := w.evidence[place{service, environment}]; at != nil {
		delete(at, id)
	}
	for _, c := range e.Clauses {
		i := slices.IndexFunc(e.Sources, func(s catalogue.Source) bool {
			return s.Kind != catalogue.Person && e.Proves(s.Kind, c.ID)
		})
		if i < 0 {
			continue
		}
		names := parts[c.Part]
		if c.Part == catalogue.Whole || len(names) == 0 {
			names = []string{""}
		}
		for _, name := range names {
			w.hear(evidence.Evidence{ServiceID: service, EnvironmentID: environment, Control: id, Clause: c.ID, Part: evidence.PartOf(c.Part, name), Kind: e.Sources[i].Kind, Source: "what if", Outcome: evidence.Pass})
		}
	}
	return nil
}
