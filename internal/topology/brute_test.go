package topology

import (
	"fmt"
	"slices"
)

// brute is the same map without hubs, components or bounds: every pair is judged, every way walked, every change tried.
type brute struct {
	*Atlas
	arcs map[[2]int]Arc
}

func newBrute(m Map) *brute {
	b := &brute{Atlas: Survey(m), arcs: map[[2]int]Arc{}}
	for i := range b.Nodes {
		for j := range b.Nodes {
			if i != j {
				b.arcs[[2]int{i, j}] = b.Arc(i, j)
			}
		}
	}
	return b
}

func (b *brute) leads(key [2]int, possible bool) bool {
	a := b.arcs[key]
	if b.Nodes[key[0]].Kind == KindOutside || b.Nodes[key[1]].Kind == KindOutside {
		return false
	}
	if possible {
		return a.Possible()
	}
	return a.Proven()
}

// reach walks from every node along what leads on and was not cut.
func (b *brute) reach(possible bool, cut func(key [2]int, a Arc) bool) []map[int]bool {
	all := make([]map[int]bool, len(b.Nodes))
	for s := range b.Nodes {
		found, queue := map[int]bool{s: true}, []int{s}
		for len(queue) > 0 {
			v := queue[0]
			queue = queue[1:]
			for w := range b.Nodes {
				key := [2]int{v, w}
				if v != w && !found[w] && b.leads(key, possible) && !(cut != nil && cut(key, b.arcs[key])) {
					found[w] = true
					queue = append(queue, w)
				}
			}
		}
		delete(found, s)
		all[s] = found
	}
	return all
}

func pairs(reach []map[int]bool) int {
	n := 0
	for _, r := range reach {
		n += len(r)
	}
	return n
}

// gains tries one change of the map or of its arcs.
func (b *brute) gains(c *Choke) (proven, possible int) {
	for _, maybe := range []bool{false, true} {
		before := pairs(b.reach(maybe, nil))
		var after int
		switch c.Change {
		case AdmitKnown:
			after = pairs(b.reach(maybe, func(key [2]int, a Arc) bool {
				return slices.Contains(c.Nodes, key[1]) && !b.exposed(key[1]) && !a.Known() && !(a.Power != "" && (maybe || a.Sure))
			}))
		case FindOut:
			after = pairs(b.reach(maybe, func(key [2]int, a Arc) bool {
				return key[1] == c.Nodes[0] && !a.Proven() && !a.Known() && !(a.Power != "" && maybe)
			}))
		case CutUnused:
			after = pairs(b.reach(maybe, func(key [2]int, a Arc) bool {
				return key == [2]int{c.From, c.Nodes[0]} && !b.byHub(key, maybe) && !(a.Power != "" && (maybe || a.Sure))
			}))
		case RemoveEscape, NarrowRights, SplitIdentity:
			after = pairs(newBrute(b.without(c)).reach(maybe, nil))
		}
		if maybe {
			possible = before - after
		} else {
			proven = before - after
		}
	}
	return proven, possible
}

func (b *brute) exposed(n int) bool {
	return slices.ContainsFunc(b.places[n], func(p int) bool { return b.Workloads[p].Exposed })
}

// byHub reports whether the pair is let through as a part of its class too, so that cutting the one rule changes nothing.
func (b *brute) byHub(key [2]int, possible bool) bool {
	for _, p := range b.places[key[0]] {
		for _, q := range b.places[key[1]] {
			x := b.judge(p, q, false, standing{})
			d := &b.Workloads[q].Mesh
			x.Skipped = b.open[key[1]] && x.Application == Anonymous
			if (x.Proven() || possible && x.Possible()) && b.testOf[key] == nil && !(d.Member == Yes && d.Deny.Any && !d.Deny.Others && contains(d.Deny.Workloads, p)) {
				return true
			}
		}
	}
	return false
}

// without gives the map after a change of what services hold.
func (b *brute) without(c *Choke) Map {
	m := b.Map
	m.Workloads = slices.Clone(m.Workloads)
	for i := range m.Workloads {
		w := &m.Workloads[i]
		switch c.Change {
		case SplitIdentity:
			w.Secrets = slices.DeleteFunc(slices.Clone(w.Secrets), func(s string) bool { return "secret "+s == c.Target })
		case RemoveEscape, NarrowRights:
			if slices.Contains(c.Nodes, w.Node) {
				w.Powers = slices.DeleteFunc(slices.Clone(w.Powers), func(p Power) bool { return p.Escape == (c.Change == RemoveEscape) })
			}
		case AdmitKnown, CutUnused, FindOut:
		}
	}
	return m
}

// differences lists where the hub version says something else than this one.
func (b *brute) differences() []string {
	var wrong []string
	for _, possible := range []bool{false, true} {
		c := b.proven
		if possible {
			c = b.maybe
		}
		for s, r := range b.reach(possible, nil) {
			if b.Nodes[s].Kind == KindOutside {
				continue
			}
			for t := range b.Nodes {
				if s != t && c.has(s, t) != r[t] {
					wrong = append(wrong, fmt.Sprintf("possible %v: %d reaches %d: %v, by brute force %v (%+v)", possible, s, t, c.has(s, t), r[t], b.arcs[[2]int{s, t}]))
				}
			}
			if c.reached(s) != len(r) {
				wrong = append(wrong, fmt.Sprintf("possible %v: %d reaches %d, by brute force %d", possible, s, c.reached(s), len(r)))
			}
			if hops := b.Reached(s, possible); len(hops) != len(r) {
				wrong = append(wrong, fmt.Sprintf("possible %v: %d has %d hops, by brute force %d", possible, s, len(hops), len(r)))
			}
		}
	}
	for _, n := range b.real {
		want := 0
		for key := range b.arcs {
			x := b.arc(key[0], key[1], b.sharesWith(key[0], key[1]))
			if b.maybe.has(n, key[1]) && b.Nodes[key[0]].Kind != KindOutside && x.Possible() && !x.Proven() {
				want++
			}
		}
		if got := b.Between(n).Unknown; got != want {
			wrong = append(wrong, fmt.Sprintf("%d unknown arcs stand before %d, by brute force %d", got, n, want))
		}
	}
	return wrong
}

// best are the gains of the five best changes by brute force.
func (b *brute) best() [][2]int {
	var all [][2]int
	for _, c := range b.candidates() {
		p, q := b.gains(&c.Choke)
		if p+q > 0 {
			all = append(all, [2]int{p, q})
		}
	}
	slices.SortFunc(all, func(x, y [2]int) int {
		if x[0] != y[0] {
			return y[0] - x[0]
		}
		return y[1] - x[1]
	})
	return all[:min(len(all), bestOf)]
}
