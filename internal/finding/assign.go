package finding

import (
	"context"
	"strings"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/inventory"
)

// Inbox lists what the reports call the things that are nobody's yet, with how many findings each has.
func (s *Service) Inbox(ctx context.Context, actor access.Actor) ([]Label, error) {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return nil, err
	}
	if _, limited := limitedTo(ctx); limited {
		return nil, nil
	}
	return s.inbox(ctx)
}

// Label is a report's word for a thing that is nobody's yet.
type Label struct {
	Label string
	N     int64
}

// Assign says which service a report's word stands for, from now on, and gives the service what is nobody's yet.
func (s *Service) Assign(ctx context.Context, actor access.Actor, label string, to *inventory.Service) ([]int64, error) {
	if err := s.access.Require(actor, access.Write, access.Findings); err != nil {
		return nil, err
	}
	if strings.TrimSpace(label) == "" {
		return nil, fault.Field("label", "Choose what is to be assigned.")
	}
	return []int64{0, to.ID}, s.Remember(ctx, actor, label, to)
}

// Remember is Assign for the workflow of an import, whose right was asked for already.
func (s *Service) Remember(ctx context.Context, actor access.Actor, label string, to *inventory.Service) error {
	label = strings.ToLower(strings.TrimSpace(label))
	return s.db.InTx(ctx, func(ctx context.Context) error {
		rules, err := s.liveRules(ctx)
		if err != nil {
			return err
		}
		for _, r := range rules {
			if r.MatchBy == ByLabel && r.Label == label && r.ServiceID == to.ID {
				return nil
			}
		}
		if err := s.endRules(ctx, label); err != nil {
			return err
		}
		return s.keepRule(ctx, actor, &Rule{MatchBy: ByLabel, Label: label}, to)
	})
}

// Adopt gives all findings of one service to another that it became part of.
func (s *Service) Adopt(ctx context.Context, actor access.Actor, from, to *inventory.Service) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		ids, err := s.idsOf(ctx, from.ID)
		if err != nil {
			return err
		}
		return s.give(ctx, actor, ids, to.ID, from.Name+" became part of "+to.Name)
	})
}

// give moves findings to a service. What the service has already becomes one with it.
func (s *Service) give(ctx context.Context, actor access.Actor, ids []int64, to int64, why string) error {
	if len(ids) == 0 {
		return nil
	}
	place, err := s.places(ctx)
	if err != nil {
		return err
	}
	p := &planner{past: &past{keys: map[string]int64{}, findings: map[int64]*entry{}}, place: place, policy: Shipped(), now: s.db.Now(ctx), plan: &Plan{}, merged: map[int64]int64{}, samples: map[Action]int{}}
	if p.cover, err = s.accept.Cover(ctx, p.now, nil); err != nil {
		return err
	}
	keys, err := s.keysOfFinding(ctx, ids)
	if err != nil {
		return err
	}
	var drop, wanted []string
	facts := map[int64][]fact{}
	for _, k := range keys {
		f := fact{keyFor(to, "", k.Facts), k.Facts}
		drop, wanted = append(drop, k.Key), append(wanted, f.key)
		facts[k.FindingID] = append(facts[k.FindingID], f)
	}
	if err := s.byKeys(ctx, wanted, p.past.keys); err != nil {
		return err
	}
	all := append([]int64{}, ids...)
	for _, id := range p.past.keys {
		all = append(all, id)
	}
	if err := s.load(ctx, all, p.past.findings); err != nil {
		return err
	}
	for _, id := range set(ids) {
		p.giveOne(id, to, why, facts[id])
	}
	if err := s.dropKeys(ctx, drop); err != nil {
		return err
	}
	return s.save(ctx, actor, 0, p.done())
}

func (p *planner) giveOne(id, to int64, why string, facts []fact) {
	e := p.past.findings[id]
	if e == nil {
		return
	}
	found := []*entry{e}
	for _, f := range facts {
		if other, known := p.past.keys[f.key]; known {
			if o := p.at(other); o != nil && o != e {
				found = append(found, o)
			}
			continue
		}
		p.past.keys[f.key] = e.now.ID
		e.keys = append(e.keys, f)
	}
	e.now.ServiceID, e.now.Label = to, ""
	p.refresh(e, false)
	p.note(e, Event{Action: Assigned, FromState: e.now.State, ToState: e.now.State, Layer: ByPerson, Words: why})
	if len(found) > 1 {
		p.unite(found, &Report{Tool: "The assignment"})
	}
}

// Refresh makes priorities and due dates follow what is known of services now. A date only comes nearer.
func (s *Service) Refresh(ctx context.Context, services []int64) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		place, err := s.places(ctx)
		if err != nil {
			return err
		}
		now := s.db.Now(ctx)
		for _, service := range set(services) {
			ids, err := s.todoIDs(ctx, service)
			if err != nil || len(ids) == 0 {
				if err != nil {
					return err
				}
				continue
			}
			all := map[int64]*entry{}
			if err := s.load(ctx, ids, all); err != nil {
				return err
			}
			var changed []*entry
			for _, e := range all {
				settle(&e.now, place(service), Shipped(), now, true)
				if e.now.Priority == e.before.Priority && e.now.Reasons == e.before.Reasons && sameTime(e.now.DueAt, e.before.DueAt) {
					continue
				}
				if !sameTime(e.now.DueAt, e.before.DueAt) {
					e.events = append(e.events, Event{Action: Clocked, FromState: e.now.State, ToState: e.now.State, Layer: ByRule, Words: "What is known of its service changed, so it is due earlier."})
				}
				changed = append(changed, e)
			}
			if err := s.save(ctx, access.SystemActor("Muster"), 0, changed); err != nil {
				return err
			}
		}
		return nil
	})
}
