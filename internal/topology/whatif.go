package topology

import (
	"slices"

	"muster/internal/fault"
)

// Protection is something that could be switched on for a service.
type Protection string

// The protections, by how little they disturb.
const (
	OnlyKnownCallers Protection = "known_callers" // its network admits whom it knows and nobody else
	StrictMTLS       Protection = "mtls"          // its mesh asks every caller for a certificate
	DemandToken      Protection = "token"         // it refuses callers without credentials
)

// Protections lists them.
func Protections() []Protection {
	return []Protection{OnlyKnownCallers, StrictMTLS, DemandToken}
}

// Valid reports whether the word is a protection.
func (p Protection) Valid() bool { return slices.Contains(Protections(), p) }

// With gives the map as it would be with a protection on a node. The map itself stays as it is.
func (m Map) With(node int, p Protection) Map {
	m.Workloads, m.Nodes = slices.Clone(m.Workloads), slices.Clone(m.Nodes)
	if p == DemandToken {
		m.Nodes[node].Application = Refused
		m.Tests = slices.Clone(m.Tests)
		for i := range m.Tests {
			if t := &m.Tests[i]; t.To == node && t.Answer == Anonymous {
				t.Answer = Refused
			}
		}
		return m
	}
	callers := m.callersOf(node)
	for i := range m.Workloads {
		w := &m.Workloads[i]
		if w.Node != node {
			continue
		}
		if p == StrictMTLS {
			w.Mesh.Member, w.Mesh.Mode, w.Mesh.Complete = Yes, Strict, true
			w.Entry = w.Entry || w.Exposed // customers come through a gateway then
			continue
		}
		w.Ingress = Isolation{Isolated: true, Complete: true, Peers: Peers{Outside: w.Exposed, Workloads: callers, Named: callers}}
	}
	if p == OnlyKnownCallers { // a way that a test found open would be closed
		m.Tests = slices.DeleteFunc(slices.Clone(m.Tests), func(t Test) bool {
			return t.To == node && t.Connected && !slices.ContainsFunc(callers, func(c int) bool { return m.Workloads[c].Node == t.From })
		})
	}
	return m
}

// callersOf lists the workloads of a node's known callers.
func (m *Map) callersOf(node int) []int {
	var list []int
	for i := range m.Workloads {
		if slices.ContainsFunc(m.Calls, func(c Call) bool { return c.To == node && c.Basis != Allowed && c.From == m.Workloads[i].Node }) {
			list = append(list, i)
		}
	}
	return list
}

// Hypothesis is a map before and after a protection that nobody switched on yet.
type Hypothesis struct {
	Node          int
	Before, After *Atlas
	Lost          []int     // known callers that it would lock out
	Now, Then     []Verdict // of the map before and after
}

// Suppose gives the map with a protection on a service. Nothing is read again and nothing is stored.
func (p *Picture) Suppose(slug string, with Protection) (*Hypothesis, error) {
	if !with.Valid() {
		return nil, fault.Field("with", "Choose a protection of the list.")
	}
	h := &Hypothesis{Before: p.Atlas}
	var found bool
	if h.Node, found = p.Find(slug); !found || p.Nodes[h.Node].Kind == KindOutside {
		return nil, fault.Missing("service")
	}
	h.After = Survey(p.Map.With(h.Node, with))
	for _, c := range p.knownCallers(h.Node) {
		if h.After.Arc(c, h.Node).State == Closed && p.Arc(c, h.Node).State != Closed {
			h.Lost = append(h.Lost, c)
		}
	}
	var now, then *Atlas
	if all := Draw(p.landscape, p.seen, p.Environment.ID, true); len(all.Nodes) > len(p.Nodes) {
		now, then = Survey(all), Survey(all.With(h.Node, with))
	}
	h.Now, h.Then = h.Before.Verdicts(now), h.After.Verdicts(then)
	return h, nil
}
