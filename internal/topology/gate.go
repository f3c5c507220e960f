package topology

import (
	"cmp"
	"slices"
)

// State is what an arc is worth to somebody who took over its beginning.
type State string

// The states, worst first.
const (
	Open     State = "open"    // anybody there may call, and gets an answer without credentials
	Granted  State = "granted" // the caller is known or named, and nothing refuses it
	Unproven State = "unknown"
	Closed   State = "closed"
)

var stateRank = map[State]int{Open: 3, Granted: 2, Unproven: 1, Closed: 0}

// Arc is what is known of calls from one node to another.
type Arc struct {
	From, To    int // From is Internet for the way in from outside
	State       State
	Network     Truth
	Mesh        Truth
	Absent      bool // the callee is outside the mesh, so that gate does not stand there
	Application Answer
	Basis       Basis // how the call is known; "" when nobody told us of it
	Named       bool  // a policy names the caller
	Shared      grade // it can pass as a known caller
	Contradicts bool  // observed against closed, or a test that went another way than the files say
	Conflict    bool  // declared against closed
	Tested      bool
	Identified  bool   // the mesh asks the caller for its certificate
	Power       string // what leads past every gate
	Sure        bool   // and certainly there
	Skipped     bool   // what the Internet may call without credentials adds nothing
	Policy      string
	Words       string
	Source      string
}

// Internet stands for the outside as the beginning of an arc.
const Internet = -1

// Known reports whether the caller is a known one: somebody declared the call or it was seen.
func (a *Arc) Known() bool { return a.Basis == Observed || a.Basis == Declared }

// Proven reports whether the arc certainly leads on.
func (a *Arc) Proven() bool {
	return a.Sure || !a.Skipped && (a.State == Open || a.State == Granted || a.Contradicts && a.State == Closed && a.Basis == Observed)
}

// Possible reports whether the arc may lead on.
func (a *Arc) Possible() bool {
	return a.Proven() || a.Power != "" || !a.Skipped && (a.State == Unproven || a.Conflict)
}

// credentials says whether the step asks for any: an open one does not, and a known one does where strangers are refused.
func (a *Arc) credentials() uint8 {
	switch {
	case a.State == Open:
		return openly
	case a.Application == Refused, a.Identified && a.State == Granted:
		return signed
	}
	return 0
}

// MeshWord is the mesh gate's answer in words.
func (a *Arc) MeshWord() string {
	if a.Absent {
		return "absent"
	}
	return a.Mesh.String()
}

// common says whether two workloads share a segment.
func (m *Map) common(p, q *Workload) Truth {
	if len(p.Segments) == 0 || len(q.Segments) == 0 {
		return Unknown
	}
	clusters := false
	for _, s := range p.Segments {
		for _, t := range q.Segments {
			if s == t {
				return Yes
			}
			clusters = clusters || m.Segments[s].Cluster && m.Segments[t].Cluster
		}
	}
	if clusters {
		return Unknown
	}
	return No
}

// admits is what one direction's policies make of a peer. explicit is false for a class of peers, which no rule names.
func (x *Isolation) admits(w *Workload, index int, explicit bool) Truth {
	listed := !w.HostNetwork && (slices.Contains(x.Namespaces, w.Namespace) || explicit && contains(x.Workloads, index))
	return x.answer(x.Everyone || listed, w.HostNetwork)
}

// answer puts the policies of one direction together. A peer on its host's network is ruled by none of them reliably.
func (x *Isolation) answer(listed, unruled bool) Truth {
	switch {
	case x.Unread:
		return Unknown
	case listed && x.Isolated, !x.Isolated && x.Complete:
		return Yes
	case !x.Isolated, unruled, x.Unclear:
		return Unknown
	}
	return No
}

// network is the first gate.
func (m *Map) network(p, q int, explicit bool) Truth {
	a, b := &m.Workloads[p], &m.Workloads[q]
	way := m.common(a, b)
	if way != No {
		way = and(way, and(b.Ingress.admits(a, p, explicit), a.Egress.admits(b, q, explicit)))
	}
	if way != Yes && b.Exposed {
		way = or(way, and(b.Ingress.answer(b.Ingress.Outside, false), a.Egress.answer(a.Egress.Outside, false)))
	}
	return way
}

// mesh is the second gate; absent when the callee is outside the mesh, named when a policy names the caller.
func (m *Map) mesh(p, q int, explicit bool) (way Truth, absent, named bool) {
	a, b := &m.Workloads[p], &m.Workloads[q].Mesh
	switch b.Member {
	case No:
		return Yes, true, false
	case Unknown:
		return Unknown, false, false
	case Yes:
	}
	denied := b.Deny.lists(a, p, explicit)
	if b.Deny.Everyone || denied != b.Deny.Others && b.Deny.Any {
		return No, false, false
	}
	// A policy that names a caller means its certificate; who has none is not named.
	named = b.Allow.Any && a.Mesh.Member != No && b.Allow.lists(a, p, explicit)
	switch {
	case !b.Allow.Any, b.Allow.Everyone:
	case named:
		return a.Mesh.Member, false, true
	case b.Allow.Unclear:
		return Unknown, false, false
	default:
		return No, false, false
	}
	return b.byMode(a.Mesh.Member), false, named
}

func (b *Mesh) byMode(caller Truth) Truth {
	answer := Yes
	switch b.Mode {
	case Strict:
		answer = caller
	case NotDeclared:
		if !b.Complete && caller != Yes {
			answer = Unknown
		}
	case Permissive:
	}
	if b.Token {
		answer = and(answer, Unknown) // who holds a token is not in the files
	}
	return answer
}

// grade says how well a caller can pass as another that it shares an identity with.
type grade int8

// The grades of a shared identity.
const (
	Alone  grade = iota
	MayBe        // they share an account or a secret, and whether the callee asks for that one is not known
	Passes       // the callee holds the shared secret too: that is what it asks for
)

// standing is what is known of a pair of nodes beside the gates of their workloads.
type standing struct {
	call   *Call
	shared grade
	test   *Test
}

// judge puts the gates of two workloads together.
func (m *Map) judge(p, q int, explicit bool, s standing) Arc {
	a := Arc{From: m.Workloads[p].Node, To: m.Workloads[q].Node, Shared: s.shared}
	a.Application = m.Nodes[a.To].Application
	a.Network = m.network(p, q, explicit)
	a.Mesh, a.Absent, a.Named = m.mesh(p, q, explicit)
	a.Identified = !a.Absent && a.Mesh == Yes && (a.Named || m.Workloads[q].Mesh.Mode == Strict)
	if explicit && a.Network != No && (contains(m.Workloads[q].Ingress.Named, p) || contains(m.Workloads[p].Egress.Named, q)) {
		a.Named = true
	}
	if s.call != nil {
		a.Basis, a.Policy, a.Words, a.Source = s.call.Basis, s.call.Policy, s.call.Words, s.call.Source
	}
	if s.test != nil {
		a.try(s.test)
	}
	a.settle()
	return a
}

// try lets a test overrule what the files say.
func (a *Arc) try(t *Test) {
	a.Tested = true
	if t.Connected {
		a.Contradicts = a.Network == No
		a.Network = Yes
	} else {
		a.Contradicts = a.Network == Yes
		a.Network = No
	}
	if t.Answer == Untested {
		return
	}
	a.Application = t.Answer
	if t.Answer == Anonymous && !a.Absent {
		a.Contradicts = a.Contradicts || a.Mesh == No
		a.Mesh = Yes
	}
}

// settle draws the state from the gates.
func (a *Arc) settle() {
	known := a.Known() || a.Shared == Passes
	closed := a.Network == No || a.Mesh == No || a.Application == Refused && !known && a.Shared == Alone
	switch {
	case closed:
		a.State = Closed
		a.Contradicts = a.Contradicts || a.Basis == Observed
		a.Conflict = a.Basis == Declared
	case a.Network == Yes && a.Mesh == Yes && a.Application == Anonymous:
		a.State = Open
	case known, a.Named:
		a.State = Granted
	default:
		a.State = Unproven
	}
}

// stronger reports whether an arc helps an intruder more than another between the same nodes.
func (a *Arc) stronger(b *Arc) bool {
	return cmp.Or(cmp.Compare(stateRank[a.State], stateRank[b.State]), cmp.Compare(b2i(a.Conflict), b2i(b.Conflict))) > 0
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// fromOutside judges the way from the Internet to a node.
func (m *Map) fromOutside(to int, workloads []int) Arc {
	best := Arc{From: Internet, To: to, State: Closed, Network: No, Application: m.Nodes[to].Application}
	for i, q := range workloads {
		w := &m.Workloads[q]
		a := Arc{From: Internet, To: to, Application: m.Nodes[to].Application, Network: No, Mesh: Yes}
		if w.Exposed {
			a.Network = w.Ingress.answer(w.Ingress.Outside, false)
		}
		a.Mesh, a.Absent = w.outsideMesh()
		a.settle()
		if i == 0 || a.stronger(&best) {
			best = a
		}
	}
	return best
}

// outsideMesh is the mesh gate for a stranger: behind an ingress or a gateway it is that one that calls.
func (w *Workload) outsideMesh() (way Truth, absent bool) {
	b := &w.Mesh
	switch b.Member {
	case No:
		return Yes, true
	case Unknown:
		return Unknown, false
	case Yes:
	}
	caller := No
	if w.Entry {
		caller = Unknown
	}
	switch {
	case b.Deny.Everyone:
		return No, false
	case b.Deny.Any && b.Deny.Others:
		return caller, false
	case b.Allow.Any && !b.Allow.Everyone:
		if b.Allow.Unclear {
			caller = Unknown
		}
		return caller, false
	}
	if w.Entry && b.Mode == Strict {
		caller = Yes // the gateway is in the mesh, or nothing would get in at all
	}
	return b.byMode(caller), false
}
