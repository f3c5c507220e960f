package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// builder makes the graph.
type builder struct {
	*Atlas
	edges    []edge
	vertices int32
	groups   map[string]*group  // classes of callers that egress rules treat alike, by class and by what is left without the namespace
	targets  map[string]*target // classes of callees
	except   map[int][]int      // callers that a hub must not carry to a callee, by callee
	powers   map[string]int32
}

// group is a class of callers.
type group struct {
	key     string
	members []int // workloads
	hub     int32 // -1 until it is used
	tree    *branch
	free    bool // no egress rules
	whole   bool // of every namespace
}

// target is a class of callees.
type target struct {
	members []int
	hubs    map[State]int32
	lists   bool // some rule speaks of namespaces, so the caller's matters
	except  []int
}

func (a *Atlas) build() *graph {
	b := &builder{Atlas: a, vertices: int32(len(a.Nodes)), groups: map[string]*group{}, targets: map[string]*target{}, except: map[int][]int{}, powers: map[string]int32{}}
	b.exceptions()
	b.classify()
	b.join()
	b.pairs()
	b.overpower()
	return newGraph(int(b.vertices), len(a.Nodes), a.real, b.edges)
}

func (b *builder) vertex() int32 {
	b.vertices++
	return b.vertices - 1
}

func (b *builder) add(from, to int32, mark uint8, label int32) {
	b.edges = append(b.edges, edge{from, to, mark, label})
}

// exceptions lists what rules and tests say of single pairs that may close what a class has open.
func (b *builder) exceptions() {
	for q := range b.Workloads {
		w := &b.Workloads[q]
		if w.Mesh.Member == Yes && w.Mesh.Deny.Any && !w.Mesh.Deny.Others {
			b.except[q] = append(b.except[q], w.Mesh.Deny.Workloads...)
		}
	}
	for key := range b.testOf {
		for _, q := range b.places[key[1]] {
			b.except[q] = append(b.except[q], b.places[key[0]]...)
		}
	}
	for q := range b.except {
		slices.Sort(b.except[q])
		b.except[q] = slices.Compact(b.except[q])
	}
}

func list(words []string) string {
	words = slices.Clone(words)
	slices.Sort(words)
	return strings.Join(words, ",")
}

// callerKey is what the gates see of a workload as a caller, but its namespace.
func callerKey(w *Workload) string {
	e := &w.Egress
	return fmt.Sprint(w.Segments, w.HostNetwork, w.Mesh.Member, e.Isolated, e.Complete, e.Unread, e.Unclear, e.Everyone, e.Outside, list(e.Namespaces))
}

// calleeKey is what the gates see of a workload as a callee.
func calleeKey(w *Workload, application Answer) string {
	i, m := &w.Ingress, &w.Mesh
	return fmt.Sprint(w.Segments, w.Namespace, w.HostNetwork, w.Exposed, i.Isolated, i.Complete, i.Unread, i.Unclear, i.Everyone, i.Outside, list(i.Namespaces),
		m.Member, m.Mode, m.Complete, m.Token, m.Allow.Any, m.Allow.Everyone, m.Allow.Unclear, list(m.Allow.Namespaces),
		m.Deny.Any, m.Deny.Everyone, m.Deny.Others, list(m.Deny.Namespaces), application)
}

// free reports whether a caller's namespace and peers do not matter to where its own policies let it go.
func (w *Workload) free() bool { return !w.Egress.Isolated || w.Egress.Everyone || w.Egress.Unread }

func (b *builder) classify() {
	for p := range b.Workloads {
		w := &b.Workloads[p]
		key := callerKey(w)
		b.group(key+"|"+w.Namespace, w.free(), false).members = append(b.group(key+"|"+w.Namespace, w.free(), false).members, p)
		if w.free() {
			g := b.group(key, true, true)
			g.members = append(g.members, p)
		}
		if b.open[w.Node] && b.Nodes[w.Node].Application == Anonymous {
			continue // the Internet may call it in the same way: no hub leads there
		}
		key = calleeKey(w, b.Nodes[w.Node].Application)
		if len(b.except[p]) > 0 {
			key += fmt.Sprint("|", p)
		}
		t := b.targets[key]
		if t == nil {
			t = &target{hubs: map[State]int32{}, except: b.except[p]}
			t.lists = len(w.Ingress.Namespaces)+len(w.Mesh.Allow.Namespaces)+len(w.Mesh.Deny.Namespaces) > 0
			b.targets[key] = t
		}
		t.members = append(t.members, p)
	}
}

func (b *builder) group(key string, free, whole bool) *group {
	if whole {
		key = "whole " + key
	}
	g := b.groups[key]
	if g == nil {
		g = &group{key: key, hub: -1, free: free, whole: whole}
		b.groups[key] = g
	}
	return g
}

// join leads the hubs of callers to the hubs of callees.
func (b *builder) join() {
	var whole, bound, free []*group
	for _, key := range sortedKeys(b.groups) {
		switch g := b.groups[key]; {
		case g.whole:
			whole = append(whole, g)
		case g.free:
			free = append(free, g)
		default:
			bound = append(bound, g)
		}
	}
	inNamespace := map[string][]*target{}
	var targets []*target
	for _, key := range sortedKeys(b.targets) {
		t := b.targets[key]
		targets = append(targets, t)
		n := b.Workloads[t.members[0]].Namespace
		inNamespace[n] = append(inNamespace[n], t)
		callers := whole
		if t.lists {
			callers = free
		}
		for _, g := range callers {
			b.link(g, t)
		}
	}
	for _, g := range bound {
		e := &b.Workloads[g.members[0]].Egress
		if e.Outside || e.Unclear { // what is exposed can be called by way of the outside
			for _, t := range targets {
				b.link(g, t)
			}
			continue
		}
		for _, n := range e.Namespaces {
			for _, t := range inNamespace[n] {
				b.link(g, t)
			}
		}
		for _, t := range targets {
			w := &b.Workloads[t.members[0]]
			if w.HostNetwork && !slices.Contains(e.Namespaces, w.Namespace) { // no policy rules it reliably
				b.link(g, t)
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// link leads a class of callers to a class of callees, as far as the gates let any one of them.
func (b *builder) link(g *group, t *target) {
	p, q := g.members[0], t.members[0]
	arc := b.judge(p, q, false, standing{})
	if arc.State == Closed {
		return
	}
	mark := byClass
	if arc.State == Unproven {
		mark |= unproven
	}
	mark |= arc.credentials()
	hub, made := t.hubs[arc.State]
	if !made {
		hub = b.vertex()
		t.hubs[arc.State] = hub
		for _, m := range t.members {
			b.add(hub, int32(b.Workloads[m].Node), mark, -1)
		}
	}
	for _, from := range b.cover(g, t.except) {
		b.add(from, hub, mark, -1)
	}
}

// cover gives the vertices that stand for all of a class but the exceptions.
func (b *builder) cover(g *group, except []int) []int32 {
	if len(except) > 0 {
		if g.tree == nil {
			g.tree = b.plant(g.members)
		}
		return b.prune(g.tree, except, nil)
	}
	if g.hub < 0 {
		g.hub = b.vertex()
		for _, m := range g.members {
			b.add(int32(b.Workloads[m].Node), g.hub, byClass, -1)
		}
	}
	return []int32{g.hub}
}

// branch is a part of a class, halved down to single workloads, so that all but a few take few edges.
type branch struct {
	members     []int
	vertex      int32
	left, right *branch
}

func (b *builder) plant(members []int) *branch {
	n := &branch{members: members}
	if len(members) == 1 {
		n.vertex = int32(b.Workloads[members[0]].Node)
		return n
	}
	n.vertex = b.vertex()
	n.left, n.right = b.plant(members[:len(members)/2]), b.plant(members[len(members)/2:])
	b.add(n.left.vertex, n.vertex, byClass, -1)
	b.add(n.right.vertex, n.vertex, byClass, -1)
	return n
}

func (b *builder) prune(n *branch, except []int, out []int32) []int32 {
	if !slices.ContainsFunc(except, func(e int) bool {
		return e >= n.members[0] && e <= n.members[len(n.members)-1] && contains(n.members, e)
	}) {
		return append(out, n.vertex)
	}
	if n.left == nil {
		return out
	}
	return b.prune(n.right, except, b.prune(n.left, except, out))
}

// pairs adds what is known of single pairs: calls, what rules name, tests, shared secrets.
func (b *builder) pairs() {
	wanted := map[[2]int]bool{}
	want := func(from, to int) {
		if from != to {
			wanted[[2]int{from, to}] = true
		}
	}
	for key := range b.callOf {
		want(key[0], key[1])
	}
	for key := range b.testOf {
		want(key[0], key[1])
	}
	for i := range b.Workloads {
		w := &b.Workloads[i]
		for _, sources := range [][]int{w.Ingress.Workloads, w.Ingress.Named, w.Mesh.Allow.Workloads, w.Mesh.Deny.Workloads} {
			for _, p := range sources {
				want(b.Workloads[p].Node, w.Node)
			}
		}
		for _, goals := range [][]int{w.Egress.Workloads, w.Egress.Named} {
			for _, q := range goals {
				want(w.Node, b.Workloads[q].Node)
			}
		}
	}
	shared := b.sharedPairs()
	for key := range shared {
		want(key[0], key[1])
	}
	keys := make([][2]int, 0, len(wanted))
	for key := range wanted {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y [2]int) int { return cmp.Or(x[0]-y[0], x[1]-y[1]) })
	for _, key := range keys {
		b.pair(key[0], key[1], shared[key])
	}
}

// sharedPairs lists by pair the identities that let a caller pass as a known one.
func (b *builder) sharedPairs() map[[2]int][]int32 {
	pairs := map[[2]int][]int32{}
	for i, s := range b.shared {
		nodes := b.holders[s]
		for _, u := range nodes {
			for _, c := range b.calleesOf(u) {
				if b.passes(s, c) == Alone {
					continue
				}
				for _, other := range nodes {
					key := [2]int{other, c}
					if other != u && other != c && !slices.Contains(pairs[key], int32(i)) {
						pairs[key] = append(pairs[key], int32(i))
					}
				}
			}
		}
	}
	return pairs
}

// calleesOf lists whom a node is known to call.
func (a *Atlas) calleesOf(n int) []int { return a.callees[n] }

func (b *builder) pair(from, to int, identities []int32) {
	alone := b.arc(from, to, Alone)
	b.edge(&alone, -1)
	for _, i := range identities {
		if with := b.arc(from, to, b.passes(b.shared[i], to)); !alone.Known() && with.State != alone.State {
			b.edge(&with, i)
		}
	}
}

func (b *builder) edge(x *Arc, identity int32) {
	if b.Nodes[x.From].Kind == KindOutside || b.Nodes[x.To].Kind == KindOutside || !x.Possible() {
		return
	}
	mark := x.credentials()
	if !x.Proven() {
		mark |= unproven
	}
	switch {
	case x.Known():
		mark |= fromCall
	case identity >= 0:
		mark |= byIdentity
	case x.Named:
		mark |= byName
	}
	b.add(int32(x.From), int32(x.To), mark, identity)
}

// overpower adds the ways past the gates.
func (b *builder) overpower() {
	for i := range b.Workloads {
		w := &b.Workloads[i]
		for k := range w.Powers {
			x := &w.Powers[k]
			for _, key := range x.keys(w) {
				mark, label := byPower, int32(0)
				if !x.Sure {
					mark |= unproven
				}
				if x.Escape {
					label = 1
				}
				b.add(int32(w.Node), b.reachOf(x.Scope, key), mark, label)
			}
		}
	}
}

func (b *builder) reachOf(s Scope, key string) int32 {
	if hub, made := b.powers[key]; made {
		return hub
	}
	hub := b.vertex()
	b.powers[key] = hub
	for i := range b.Workloads {
		if w := &b.Workloads[i]; slices.Contains(w.keys(s), key) {
			b.add(hub, int32(w.Node), byPower, 0)
		}
	}
	return hub
}
