package posture

import (
	"cmp"
	"slices"

	"muster/internal/control"
	"muster/internal/control/catalogue"
)

// Action is something worth doing next: one control on one service, or on every service where it is not proven.
type Action struct {
	Control  *control.Effective
	Services []int64 // where it is to be done; empty is the workspace itself
	Gain     float64 // of the workspace's score, computed together
	Own      float64 // of the service's score, for an action on one service
	Failing  int     // of the services, those where it fails
	HeldBy   string  // the cap that keeps the gain small, in words; "" for none
}

// sums are the parts of the workspace's score that an action changes.
type sums struct {
	score, weight float64
	governance    Result
	at39, at69    int // tier 1 services with that cap
}

func (b *Board) sums() sums {
	s := sums{governance: scoreOf(governanceTerms(b.Rules, packValues(b.Governance)), nil)}
	for i := range b.Rows {
		s.add(b.Rows[i].Detail.Tier, b.Rows[i].Detail.Result, 1)
	}
	return s
}

// add counts a service in (1) or out (-1).
func (s *sums) add(tier int, r Result, sign float64) {
	if !r.Judged {
		return
	}
	w := tierWeight(tier)
	s.score += sign * w * r.Score
	s.weight += sign * w
	if tier != 1 {
		return
	}
	for _, c := range r.Caps {
		switch c.Limit {
		case 39:
			s.at39 += int(sign)
		case 69:
			s.at69 += int(sign)
		}
	}
}

func (s *sums) total() float64 {
	if s.weight == 0 {
		return 0
	}
	total := servicesShare*s.score/s.weight + governanceShare*s.governance.Score
	if s.at39 > 0 {
		total = min(total, 69)
	}
	if s.at69 > 0 {
		total = min(total, 79)
	}
	return total
}

// proven gives a service's score if a control were verified on it.
func (r *Row) proven(e *control.Effective) Result {
	out := r.Detail.Result
	c := r.Cell(e.ID)
	out.Points += float64(e.Points) * (1 - c.Value)
	out.Raw = 100 * out.Points / out.Weight
	out.Score, out.Caps = out.Raw, capsWithout(out.Caps, e.ID)
	for _, limit := range out.Caps {
		out.Score = min(out.Score, limit.Limit)
	}
	return out
}

// endsCaps says which caps end when a control is proven.
var endsCaps = map[string][]string{
	"PAT-2": {capExploited.ID, capNotLooked.ID},
	"PAT-3": {capOverdueHigh.ID, capOverdueExtreme.ID, capNotLooked.ID},
	"PAT-6": {capNotLooked.ID},
}

func capsWithout(caps []Cap, id string) []Cap {
	ends := endsCaps[id]
	if ends == nil {
		return caps
	}
	return slices.DeleteFunc(slices.Clone(caps), func(c Cap) bool { return slices.Contains(ends, c.ID) })
}

// open reports whether proving the control would change anything.
func (c Cell) open() bool { return c.State != control.Verified && c.State != control.NotApplicable }

// Bundles ranks controls by what proving each one everywhere would gain; gains are computed together, not added up.
func (b *Board) Bundles(most int) []Action {
	base := b.sums()
	now := base.total()
	var list []Action
	for _, e := range b.Rules.For(catalogue.Service) {
		if !e.Scored || e.Points == 0 {
			continue
		}
		a, s := Action{Control: e}, base
		for i := range b.Rows {
			r := &b.Rows[i]
			c := r.Cell(e.ID)
			if !c.open() || !r.Detail.Result.Judged {
				continue
			}
			a.Services = append(a.Services, r.Service.ID)
			if c.State == control.Failing {
				a.Failing++
			}
			after := r.proven(e)
			s.add(r.Detail.Tier, r.Detail.Result, -1)
			s.add(r.Detail.Tier, after, 1)
			if len(after.Caps) > 0 && after.Raw > after.Score {
				a.HeldBy = after.Caps[0].Words
			}
		}
		if a.Gain = s.total() - now; len(a.Services) > 0 {
			list = append(list, a)
		}
	}
	return rank(append(list, b.governanceActions(base, now)...), most)
}

func (b *Board) governanceActions(base sums, now float64) []Action {
	var list []Action
	if base.weight == 0 || base.governance.Weight == 0 {
		return nil
	}
	for _, e := range b.Rules.For(catalogue.Workspace) {
		c := b.Own(e.ID)
		if !e.Scored || e.Points == 0 || !c.open() {
			continue
		}
		s := base
		s.governance.Score += 100 * float64(e.Points) * (1 - c.Value) / s.governance.Weight
		a := Action{Control: e, Gain: s.total() - now}
		if c.State == control.Failing {
			a.Failing = 1
		}
		list = append(list, a)
	}
	return list
}

// Steps ranks what to do on one service, by what it gains for the whole and then for the service.
func (b *Board) Steps(service int64, most int) []Action {
	base := b.sums()
	now := base.total()
	i := slices.IndexFunc(b.Rows, func(r Row) bool { return r.Service.ID == service })
	if i < 0 {
		return nil
	}
	r := &b.Rows[i]
	var list []Action
	for _, e := range b.Rules.For(catalogue.Service) {
		c := r.Cell(e.ID)
		if !e.Scored || e.Points == 0 || !c.open() || !r.Detail.Result.Judged {
			continue
		}
		after, s := r.proven(e), base
		s.add(r.Detail.Tier, r.Detail.Result, -1)
		s.add(r.Detail.Tier, after, 1)
		a := Action{Control: e, Services: []int64{service}, Gain: s.total() - now, Own: after.Score - r.Detail.Result.Score}
		if c.State == control.Failing {
			a.Failing = 1
		}
		if len(after.Caps) > 0 && after.Raw > after.Score {
			a.HeldBy = after.Caps[0].Words
		}
		list = append(list, a)
	}
	return rank(list, most)
}

var efforts = map[catalogue.Effort]int{catalogue.Small: 0, catalogue.Medium: 1, catalogue.Large: 2}

// rank puts the greatest gain first; of equal ones that which fails, then the least effort.
func rank(list []Action, most int) []Action {
	slices.SortStableFunc(list, func(x, y Action) int {
		if differs(x.Gain, y.Gain) {
			return cmp.Compare(y.Gain, x.Gain)
		}
		if differs(x.Own, y.Own) {
			return cmp.Compare(y.Own, x.Own)
		}
		return cmp.Or(cmp.Compare(y.Failing, x.Failing), cmp.Compare(efforts[x.Control.Effort], efforts[y.Control.Effort]), cmp.Compare(x.Control.ID, y.Control.ID))
	})
	return list[:min(len(list), most)]
}

// Together is the workspace's score if several actions were done: computed as one, since they share limits and weight.
func (b *Board) Together(list []Action) float64 {
	s := b.sums()
	for i := range b.Rows {
		r := b.Rows[i]
		before := r.Detail.Result
		for _, a := range list {
			if slices.Contains(a.Services, r.Service.ID) {
				r.Detail.Result = r.proven(a.Control)
			}
		}
		s.add(r.Detail.Tier, before, -1)
		s.add(r.Detail.Tier, r.Detail.Result, 1)
	}
	for _, a := range list {
		if len(a.Services) == 0 && s.governance.Weight > 0 {
			s.governance.Score += 100 * float64(a.Control.Points) * (1 - b.Own(a.Control.ID).Value) / s.governance.Weight
		}
	}
	return s.total()
}
