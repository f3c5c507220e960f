package topology

import (
	"fmt"
	"slices"
	"strings"
)

// Marks of an edge of the graph.
const (
	unproven   uint8 = 1 << iota // leads on only possibly
	fromCall                     // of a known caller
	byName                       // of a policy that names the caller
	byClass                      // through a hub: not of this pair alone
	byIdentity                   // the caller can pass as a known one
	byPower                      // past the gates
	openly                       // nobody asks for credentials
	signed                       // certainly somebody does
)

// edge leads from a vertex of the graph to another.
type edge struct {
	from, to int32
	mark     uint8
	label    int32 // the shared identity, or the kind of power; -1 otherwise
}

// Atlas is a map made ready for questions. Its graph has a vertex per node and one per hub: a class of workloads that the
// gates treat alike. So it holds about as many edges as there are nodes and calls, never one per pair.
type Atlas struct {
	Map

	places    [][]int // workloads of each node
	callOf    map[[2]int]*Call
	testOf    map[[2]int]*Test
	callees   [][]int          // that each node is known to call
	holders   map[string][]int // nodes that share an identity, where there are several: a secret or an account
	shared    []string         // those identities
	outside   []Arc            // the way in to each node from the Internet
	open      []bool           // the Internet may call it without credentials
	classes   []uint16         // data of each node, a datastore's callers' where it has none of its own
	unlabeled []bool
	real      []int // the nodes that can be reached: all but outside ones

	graph  *graph
	proven *closure
	maybe  *closure
}

// Survey makes a map ready. The map must not change afterwards.
func Survey(m Map) *Atlas {
	m.Workloads = slices.Clone(m.Workloads)
	a := &Atlas{Map: m, places: make([][]int, len(m.Nodes)), callOf: map[[2]int]*Call{}, testOf: map[[2]int]*Test{}, holders: map[string][]int{}}
	for i := range m.Workloads {
		n := m.Workloads[i].Node
		a.places[n] = append(a.places[n], i)
	}
	for i := range m.Nodes {
		if m.Nodes[i].Kind == KindOutside {
			continue
		}
		a.real = append(a.real, i)
		if len(a.places[i]) == 0 { // nobody told us where it runs, so nothing is known of who can reach it
			a.places[i] = []int{len(a.Workloads)}
			a.Workloads = append(a.Workloads, Workload{Node: i, Exposed: m.Nodes[i].Exposure == "public"})
		}
	}
	for i := range m.Calls {
		c := &m.Calls[i]
		key := [2]int{c.From, c.To}
		if old := a.callOf[key]; c.From != c.To && (old == nil || basisRank[c.Basis] > basisRank[old.Basis]) {
			a.callOf[key] = c
		}
	}
	a.callees = make([][]int, len(m.Nodes))
	for key, c := range a.callOf {
		if c.Basis != Allowed {
			a.callees[key[0]] = append(a.callees[key[0]], key[1])
		}
	}
	for i := range a.callees {
		slices.Sort(a.callees[i])
	}
	for i := range m.Tests {
		a.testOf[[2]int{m.Tests[i].From, m.Tests[i].To}] = &m.Tests[i]
	}
	a.label()
	a.share()
	a.outside, a.open = make([]Arc, len(m.Nodes)), make([]bool, len(m.Nodes))
	for i := range m.Nodes {
		a.outside[i] = a.fromOutside(i, a.places[i])
		a.open[i] = a.outside[i].State == Open
	}
	a.graph = a.build()
	a.proven, a.maybe = a.graph.close(false), a.graph.close(true)
	return a
}

var basisRank = map[Basis]int{Observed: 3, Declared: 2, Allowed: 1}

// classBit numbers the classes of data.
var classNames = []string{"payment", "health", "credentials", "personal", "internal", "public"}

const sensitiveBits = 0b1111

func classBits(classes []string) (bits uint16) {
	for i, c := range classNames {
		if slices.Contains(classes, c) {
			bits |= 1 << i
		}
	}
	return bits
}

func classList(bits uint16) []string {
	list := []string{}
	for i, c := range classNames {
		if bits&(1<<i) != 0 {
			list = append(list, c)
		}
	}
	return list
}

// label says what data each node holds: a datastore that nobody labelled holds what its callers handle.
func (a *Atlas) label() {
	a.classes, a.unlabeled = make([]uint16, len(a.Nodes)), make([]bool, len(a.Nodes))
	for i := range a.Nodes {
		a.classes[i] = classBits(a.Nodes[i].Classes)
	}
	own := slices.Clone(a.classes)
	for key, c := range a.callOf {
		if to := key[1]; c.Basis != Allowed && a.Nodes[to].Kind == KindDatastore && own[to] == 0 {
			a.classes[to] |= own[key[0]]
		}
	}
	for i := range a.Nodes {
		a.unlabeled[i] = a.classes[i] == 0
	}
}

// identities are what a workload can show to say who it is. An account that everybody gets by default is not one.
func (w *Workload) identities() []string {
	list := make([]string, 0, len(w.Secrets)+1)
	for _, s := range w.Secrets {
		list = append(list, secretPrefix+s)
	}
	if w.Account != "" && !strings.HasSuffix(w.Account, "/default") {
		list = append(list, accountPrefix+w.Account)
	}
	return list
}

const (
	secretPrefix  = "secret "
	accountPrefix = "account "
)

// share finds the identities that several nodes have.
func (a *Atlas) share() {
	for i := range a.Workloads {
		w := &a.Workloads[i]
		for _, s := range w.identities() {
			if !slices.Contains(a.holders[s], w.Node) {
				a.holders[s] = append(a.holders[s], w.Node)
			}
		}
	}
	for s, nodes := range a.holders {
		if len(nodes) < 2 {
			delete(a.holders, s)
			continue
		}
		a.shared = append(a.shared, s)
	}
	slices.Sort(a.shared)
}

// passes grades what sharing an identity is worth to a caller. Only where the callee holds the same secret is it proven
// that this secret is what it asks for.
func (a *Atlas) passes(identity string, to int) grade {
	if strings.HasPrefix(identity, secretPrefix) && slices.Contains(a.holders[identity], to) {
		return Passes
	}
	if a.Nodes[to].Application == Refused {
		return MayBe
	}
	return Alone // nothing is refused that the identity would open
}

// sharesWith grades how well from can pass as a known caller of to.
func (a *Atlas) sharesWith(from, to int) grade {
	best := Alone
	for _, p := range a.places[from] {
		for _, s := range a.Workloads[p].identities() {
			for _, other := range a.holders[s] {
				if c := a.callOf[[2]int{other, to}]; other != from && other != to && c != nil && c.Basis != Allowed {
					best = max(best, a.passes(s, to))
					break
				}
			}
		}
	}
	return best
}

// Arc says what is known of calls from one node to another.
func (a *Atlas) Arc(from, to int) Arc {
	x := a.arc(from, to, a.sharesWith(from, to))
	a.power(&x)
	return x
}

func (a *Atlas) arc(from, to int, shared grade) Arc {
	key := [2]int{from, to}
	s := standing{call: a.callOf[key], test: a.testOf[key], shared: shared}
	best := Arc{From: from, To: to, State: Closed, Network: No, Application: a.Nodes[to].Application}
	if len(a.places[from]) == 0 || len(a.places[to]) == 0 { // an outside host: known calls lead there, nothing else is asked
		best.Network, best.Mesh, best.Absent = Unknown, Yes, true
		if s.call != nil {
			best.Basis, best.Words, best.Source = s.call.Basis, s.call.Words, s.call.Source
		}
		best.settle()
		if a.Nodes[from].Kind == KindOutside || s.call == nil {
			best.State = Closed
		}
		return best
	}
	for i, p := range a.places[from] {
		for j, q := range a.places[to] {
			x := a.judge(p, q, true, s)
			if i+j == 0 || x.stronger(&best) {
				best = x
			}
		}
	}
	best.Skipped = a.open[to] && best.Application == Anonymous
	return best
}

// power finds a way past the gates.
func (a *Atlas) power(arc *Arc) {
	for _, p := range a.places[arc.From] {
		w := &a.Workloads[p]
		for i := range w.Powers {
			x := &w.Powers[i]
			if !slices.ContainsFunc(a.places[arc.To], func(q int) bool { return x.covers(w, &a.Workloads[q]) }) {
				continue
			}
			if arc.Power == "" || x.Sure {
				arc.Power, arc.Sure = x.Words, x.Sure
			}
			if arc.Sure {
				if arc.State != Open {
					arc.State = Granted
				}
				return
			}
		}
	}
	if arc.Power != "" && arc.State == Closed && arc.Basis != Observed { // what was seen against closed is proven anyway
		arc.State = Unproven
	}
}

func (x *Power) covers(w, other *Workload) bool { return overlaps(x.keys(w), other.keys(x.Scope)) }

func overlaps(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

func (x *Power) keys(w *Workload) []string {
	if x.Scope == InNamespace && x.Space != "" {
		return []string{"namespace " + x.Space}
	}
	return w.keys(x.Scope)
}

// keys name what of a scope a workload is in.
func (w *Workload) keys(s Scope) []string {
	var keys []string
	switch s {
	case OnHost:
		if w.Host != "" {
			keys = append(keys, "host "+w.Host)
		}
	case InNamespace:
		if w.Namespace != "" {
			keys = append(keys, "namespace "+w.Namespace)
		}
	case InSegment:
		for _, i := range w.Segments {
			keys = append(keys, fmt.Sprintf("segment %d", i))
		}
	}
	return keys
}
