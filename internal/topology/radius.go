package topology

import (
	"cmp"
	"math/bits"
	"slices"
)

// Reach is how far the fall of a node spreads.
type Reach struct {
	Count        int
	Classes      []string // of data at risk: its own and what is reached
	Unclassified int      // nodes among them whose data nobody named: unknown, never "none"
}

// Radius is what the fall of one node adds, at least and at most.
type Radius struct {
	Node     int
	Proven   Reach
	Possible Reach
}

// Radii gives the radius of every node that is ours.
func (a *Atlas) Radii() []Radius {
	proven, maybe := a.data(a.proven), a.data(a.maybe)
	list := make([]Radius, 0, len(a.real))
	for _, n := range a.real {
		list = append(list, Radius{Node: n, Proven: a.reach(a.proven, proven, n), Possible: a.reach(a.maybe, maybe, n)})
	}
	return list
}

// Radius gives the radius of one node.
func (a *Atlas) Radius(n int) Radius {
	r := func(c *closure) Reach {
		d := held{}
		for m := range members(c.set(n)) {
			d.add(a, m)
		}
		return Reach{Count: c.reached(n), Classes: classList(d.classes), Unclassified: d.unlabeled}
	}
	return Radius{Node: n, Proven: r(a.proven), Possible: r(a.maybe)}
}

// held is the data of a set of nodes.
type held struct {
	classes   uint16
	unlabeled int
}

func (d *held) add(a *Atlas, n int) {
	d.classes |= a.classes[n] & sensitiveBits
	if a.unlabeled[n] {
		d.unlabeled++
	}
}

func (a *Atlas) reach(c *closure, data []held, n int) Reach {
	d := data[c.comp[n]]
	return Reach{Count: c.reached(n), Classes: classList(d.classes), Unclassified: d.unlabeled}
}

// data gives what each component reaches, by words of the set: one node at a time would be slow on big maps.
func (a *Atlas) data(c *closure) []held {
	masks := make([][]uint64, 4)
	blank := make([]uint64, a.graph.words)
	for i := range masks {
		masks[i] = make([]uint64, a.graph.words)
	}
	for _, n := range a.real {
		for i := range masks {
			if a.classes[n]&(1<<i) != 0 {
				masks[i][n/64] |= 1 << (n % 64)
			}
		}
		if a.unlabeled[n] {
			blank[n/64] |= 1 << (n % 64)
		}
	}
	list := make([]held, len(c.sets))
	done := make([]bool, len(c.sets))
	for _, n := range a.real {
		id := c.comp[n]
		if done[id] {
			continue
		}
		done[id] = true
		set := c.sets[id]
		for i, mask := range masks {
			for w := range set {
				if set[w]&mask[w] != 0 {
					list[id].classes |= 1 << i
					break
				}
			}
		}
		for w := range set {
			list[id].unlabeled += bits.OnesCount64(set[w] & blank[w])
		}
	}
	return list
}

// members goes through the nodes of a set.
func members(set []uint64) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i, w := range set {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// Hop is a node that is reached, and by how many steps.
type Hop struct {
	Node, Hop int
	Via       int // the node before it on a shortest way
	Sure      bool
}

// Reached lists what the fall of a node reaches, nearest first: by hop and then by name.
func (a *Atlas) Reached(n int, possible bool) []Hop {
	const far = 1 << 30
	g := a.graph
	distance, via := make([]int32, g.vertices), make([]int32, g.vertices)
	for v := range distance {
		distance[v] = far
	}
	distance[n], via[n] = 0, int32(n)
	now, next := []int32{int32(n)}, []int32{}
	for step := int32(0); len(now) > 0; step++ {
		for i := 0; i < len(now); i++ { // hubs cost nothing, so they join the same round
			v := now[i]
			if distance[v] != step {
				continue
			}
			for e := g.first[v]; e < g.first[v+1]; e++ {
				w := g.edges[e].to
				if !possible && g.edges[e].mark&unproven != 0 {
					continue
				}
				from := via[v]
				if int(v) < g.nodes {
					from = v
				}
				switch cost := step + 1; {
				case int(w) >= g.nodes && distance[w] > step:
					distance[w], via[w] = step, from
					now = append(now, w)
				case int(w) < g.nodes && distance[w] > cost:
					distance[w], via[w] = cost, from
					next = append(next, w)
				}
			}
		}
		now, next = next, now[:0]
	}
	var list []Hop
	for _, m := range a.real {
		if m != n && distance[m] < far {
			list = append(list, Hop{Node: m, Hop: int(distance[m]), Via: int(via[m]), Sure: a.proven.has(n, m)})
		}
	}
	slices.SortFunc(list, func(x, y Hop) int {
		return cmp.Or(x.Hop-y.Hop, cmp.Compare(a.Nodes[x.Node].Name, a.Nodes[y.Node].Name), x.Node-y.Node)
	})
	return list
}

// WorstPath is the shortest way to the worst that a fall reaches: the most sensitive data, then the most critical service.
// What is proven comes before what is only possible. It begins with the node itself and is empty when nothing is reached.
func (a *Atlas) WorstPath(n int) (path []int, proven bool) {
	hops := a.Reached(n, false)
	if proven = len(hops) > 0; !proven {
		hops = a.Reached(n, true)
	}
	if len(hops) == 0 {
		return nil, false
	}
	worst, via := hops[0], map[int]int{}
	for _, h := range hops {
		via[h.Node] = h.Via
		if cmp.Or(a.badness(h.Node)-a.badness(worst.Node), a.Nodes[h.Node].Tier-a.Nodes[worst.Node].Tier) < 0 {
			worst = h
		}
	}
	for m := worst.Node; m != n; m = via[m] {
		path = append(path, m)
	}
	path = append(path, n)
	slices.Reverse(path)
	return path, proven
}

// badness orders nodes by their data, worst first.
func (a *Atlas) badness(n int) int {
	if b := bits.TrailingZeros16(a.classes[n] & sensitiveBits); b < len(sensitive) {
		return b
	}
	return len(sensitive)
}

// Between is what stands between "at least" and "at most".
type Between struct {
	Unknown int // arcs whose state is not known and that lead to what may be reached
	First   int // the node to test first; -1 when no test would help
	Gain    int // what may be reached no longer if its test finds the way closed
}

// tried is how many nodes Between looks at on big maps.
const tried = 256

// Between counts the unknown arcs into everything that the fall of a node may reach. One test of a callee settles all
// arcs into it, so they count whoever they come from.
func (a *Atlas) Between(n int) Between { return a.betweens([]int{n})[0] }

// Betweens is Between for every node that is ours, in their order.
func (a *Atlas) Betweens() []Between { return a.betweens(a.real) }

func (a *Atlas) betweens(nodes []int) []Between {
	list := make([]Between, len(nodes))
	callers, goals := a.unknownCallers(), []int{}
	for _, m := range a.real {
		into := callers(m)
		if into == 0 {
			continue
		}
		wanted := false
		for i, n := range nodes {
			if a.maybe.has(n, m) {
				list[i].Unknown += into
				wanted = true
			}
		}
		if wanted {
			goals = append(goals, m)
		}
	}
	for i := range list {
		list[i].First = -1
	}
	slices.SortStableFunc(goals, func(x, y int) int { return callers(y) - callers(x) })
	t := newTrial(a)
	for _, m := range goals[:min(len(goals), tried)] {
		into := a.unknownInto(m)
		if len(into) == 0 {
			continue // a call that is declared against a closed way: the two have to be looked at, not tested
		}
		c := t.cut(into, true)
		for i, n := range nodes {
			if t.marks[n] != t.round || n == m {
				continue
			}
			if lost := a.maybe.reached(n) - (int(c.size[c.comp[n]]) - 1); lost > list[i].Gain {
				list[i].First, list[i].Gain = m, lost
			}
		}
	}
	return list
}

// unknownInto lists the edges that a test of a node would settle.
func (a *Atlas) unknownInto(n int) []int32 {
	var list []int32
	for _, e := range a.graph.back[a.graph.firstBack[n]:a.graph.firstBack[n+1]] {
		if m := a.graph.edges[e].mark; m&unproven != 0 && m&(byPower|fromCall) == 0 {
			list = append(list, e)
		}
	}
	return list
}

// unknownCallers counts the nodes whose arc into a node is unknown.
func (a *Atlas) unknownCallers() func(n int) int {
	all, sure := a.callers(true), a.callers(false)
	return func(n int) int {
		count := 0
		may, does := all(int32(n)), sure(int32(n))
		for i := range may {
			w := may[i] &^ does[i]
			if i == n/64 {
				w &^= 1 << (n % 64)
			}
			count += bits.OnesCount64(w)
		}
		return count
	}
}

// callers gives the nodes with an arc into a vertex, through hubs and not past the gates. Hubs are looked at once.
func (a *Atlas) callers(possible bool) func(v int32) []uint64 {
	g := a.graph
	known := map[int32][]uint64{}
	var find func(v int32) []uint64
	find = func(v int32) []uint64 {
		if set := known[v]; set != nil {
			return set
		}
		set := make([]uint64, g.words)
		for _, e := range g.back[g.firstBack[v]:g.firstBack[v+1]] {
			x := &g.edges[e]
			switch {
			case x.mark&byPower != 0, !possible && x.mark&unproven != 0:
			case int(x.from) < g.nodes:
				set[x.from/64] |= 1 << (x.from % 64)
			default:
				join(set, find(x.from))
			}
		}
		if int(v) >= g.nodes {
			known[v] = set
		}
		return set
	}
	return find
}
