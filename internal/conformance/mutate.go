package main

import (
	"context"
	"slices"
	"strings"

	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/imports"
	"muster/internal/posture"
)

// mutations is how many documents of a bundle are deleted, one at a time, evenly spread.
const mutations = 6

// mutate deletes documents one at a time: of no service that is left may a control be worth more, or stop applying,
// unless what was deleted was its weakness.
func (r *rater) mutate(ctx context.Context, name string, g *imports.Gathered, base *rated) error {
	all := documentsOf(g.Files)
	step := max(1, len(all)/mutations)
	for i := 0; i < len(all); i += step {
		d := all[i]
		after, err := r.rate(ctx, without(g.Files, d), g.Explicit)
		if err != nil {
			return err
		}
		for slug := range after.services {
			if _, was := base.services[slug]; !was {
				continue // what is left got another name: no service of before
			}
			if err := r.unraised(name, slug, base, after, deleted{g.Files[d.file].Path, d.from, d.to, d.text(g.Files)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleted is where the document stood.
type deleted struct {
	path     string
	from, to int
	text     string
}

// opens says whether it is a network policy that lets everything through: others may be stricter without it.
func (d deleted) opens() bool {
	return strings.Contains(d.text, "kind: NetworkPolicy") && strings.Contains(d.text, "- {}")
}

func (r *rater) unraised(name, slug string, base, after *rated, d deleted) error {
	var before, now *posture.Explanation
	for id, state := range after.states[slug] {
		old, known := base.states[slug][id]
		if !known {
			old.State = control.NotKnown
		}
		excused := state.State == control.NotApplicable && old.State != control.NotApplicable
		if state.Value <= old.Value && !excused {
			r.notes.note("posture: less shown, no more scored", 100, true, "")
			continue
		}
		var err error
		if before == nil {
			if before, err = r.Posture.Explain(base.ctx, r.actor, slug); err != nil {
				return err
			}
			if now, err = r.Posture.Explain(after.ctx, r.actor, slug); err != nil {
				return err
			}
		}
		r.notes.note("posture: less shown, no more scored", 100, d.weakness(id, before, now), "%s %s: %s was %s and is %s (%v) without %s:%d-%d", name, slug, id, old.State, state.State, state.Value, d.path, d.from, d.to)
	}
	return nil
}

// weakness says whether the deleted object was what kept a control from passing. Four ways are allowed:
//   - every failure of before was seen in its lines, such as a policy that lets everybody in;
//   - a workload, endpoint, operation or document went with it, about which something was missing or failing;
//   - a network policy that lets everything through, beside others that do not: policies add up;
//   - what made the control apply was the object itself, such as the claim of a volume.
func (d deleted) weakness(id string, before, now *posture.Explanation) bool {
	if d.opens() && (id == "NET-1" || id == "NET-5") {
		return true
	}
	failed := 0
	for _, l := range before.Lines {
		if l.ID != id {
			continue
		}
		for _, e := range l.Said {
			if e.Outcome != evidence.Fail {
				continue
			}
			failed++
			if e.Path != d.path || e.Line < d.from || e.Line > d.to {
				failed = -1 << 30
			}
		}
	}
	if failed > 0 {
		return true
	}
	for _, kind := range []catalogue.Part{catalogue.Workload, catalogue.Endpoint, catalogue.Operation, catalogue.Document} {
		for _, part := range before.Facts.Parts[kind] {
			if !slices.Contains(now.Facts.Parts[kind], part) {
				return true
			}
		}
	}
	return before.Facts.Is["datastore"] && !now.Facts.Is["datastore"]
}
