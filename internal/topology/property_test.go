package topology

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// anyMap draws a small map in which every rule may occur.
func anyMap(t *rapid.T) Map {
	flip := func(name string) bool { return rapid.Bool().Draw(t, name) }
	rarely := func(name string) bool { return rapid.IntRange(0, 5).Draw(t, name) == 0 }
	truth := func(name string) Truth { return Truth(rapid.IntRange(0, 2).Draw(t, name)) }
	n := rapid.IntRange(2, 8).Draw(t, "nodes")
	m := Map{Segments: []Segment{{Key: "a", Name: "a", Cluster: true}, {Key: "b", Name: "b", Cluster: true}, {Key: "c", Name: "c"}}}
	for i := range n {
		x := Node{ID: int64(i), Name: fmt.Sprintf("n%d", i), Kind: KindService, Tier: 1 + i%3, Application: Answer(rapid.IntRange(0, 2).Draw(t, "answer"))}
		if flip("classified") {
			x.Classes = []string{rapid.SampledFrom(classNames).Draw(t, "class")}
		}
		if rarely("datastore") {
			x.Kind = KindDatastore
		}
		if rarely("outside") {
			x.Kind = KindOutside
		}
		m.Nodes = append(m.Nodes, x)
		if x.Kind == KindOutside {
			continue
		}
		for range rapid.IntRange(0, 2).Draw(t, "workloads") {
			m.Workloads = append(m.Workloads, Workload{Node: i})
		}
	}
	some := func(name string, limit int) []int {
		list := []int{}
		if limit > 0 && flip(name) {
			list = rapid.SliceOfNDistinct(rapid.IntRange(0, limit-1), 0, 2, rapid.ID[int]).Draw(t, name)
		}
		slices.Sort(list)
		return list
	}
	namespaces := []string{"a/x", "a/y", "b/x"}
	spaces := func(name string) []string {
		if !rarely(name) {
			return nil
		}
		return []string{rapid.SampledFrom(namespaces).Draw(t, name)}
	}
	isolation := func(name string) Isolation {
		i := Isolation{Isolated: flip(name), Complete: !rarely(name), Unread: rarely(name), Unclear: rarely(name)}
		if i.Isolated {
			i.Everyone, i.Outside, i.Namespaces, i.Workloads = rarely(name), rarely(name), spaces(name), some(name, len(m.Workloads))
			if rarely(name) {
				i.Named = i.Workloads
			}
		}
		return i
	}
	rules := func(name string) Rules {
		if !rarely(name) {
			return Rules{}
		}
		return Rules{Any: true, Everyone: rarely(name), Unclear: rarely(name), Namespaces: spaces(name), Workloads: some(name, len(m.Workloads))}
	}
	for i := range m.Workloads {
		w := &m.Workloads[i]
		w.Namespace = rapid.SampledFrom(namespaces).Draw(t, "namespace")
		if w.Namespace[0] == 'a' {
			w.Segments = []int{0}
		} else {
			w.Segments = []int{1}
		}
		if rarely("compose") {
			w.Segments, w.Namespace, w.Host = []int{2}, "", "c"
		}
		if rarely("unplaced") {
			w.Segments, w.Namespace = nil, ""
		}
		w.HostNetwork, w.Exposed, w.Entry = rarely("host network"), rarely("exposed"), flip("entry")
		w.Ingress, w.Egress = isolation("ingress"), isolation("egress")
		w.Mesh = Mesh{Member: truth("member"), Mode: Mode(rapid.IntRange(0, 2).Draw(t, "mode")), Complete: flip("complete"), Token: rarely("token"), Allow: rules("allow"), Deny: rules("deny")}
		w.Mesh.Deny.Others = w.Mesh.Deny.Any && rarely("others")
		if rarely("secret") {
			w.Secrets = []string{rapid.SampledFrom([]string{"s", "t"}).Draw(t, "secret")}
		}
		if rarely("power") {
			w.Powers = []Power{{Words: "power", Scope: rapid.SampledFrom([]Scope{OnHost, InNamespace, InSegment}).Draw(t, "scope"), Sure: flip("sure"), Escape: flip("escape")}}
		}
	}
	for range rapid.IntRange(0, 2*n).Draw(t, "calls") {
		c := Call{From: rapid.IntRange(0, n-1).Draw(t, "from"), To: rapid.IntRange(0, n-1).Draw(t, "to"), Basis: rapid.SampledFrom([]Basis{Observed, Declared, Declared, Allowed}).Draw(t, "basis")}
		c.Unused = c.Basis == Allowed
		m.Calls = append(m.Calls, c)
	}
	if rarely("tests") {
		from, to := rapid.IntRange(0, n-1).Draw(t, "test from"), rapid.IntRange(0, n-1).Draw(t, "test to")
		m.Tests = append(m.Tests, Test{From: from, To: to, Connected: flip("connected"), Answer: Answer(rapid.IntRange(0, 2).Draw(t, "test answer"))})
	}
	return m
}

func TestHubsSayWhatBruteForceSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, wrong := range newBrute(anyMap(t)).differences() {
			t.Error(wrong)
		}
	})
}

func TestChokePointsAreTheBestOnesByBruteForce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newBrute(anyMap(t))
		got := [][2]int{}
		chokes := b.Chokes()
		for _, c := range chokes.Best {
			got = append(got, [2]int{c.GainProven, c.GainPossible})
			if p, q := b.gains(&c); p != c.GainProven || q != c.GainPossible {
				t.Errorf("%s %s gains %d and %d, by brute force %d and %d", c.Change, c.Target, c.GainProven, c.GainPossible, p, q)
			}
			if c.Change == FindOut && c.GainProven != 0 {
				t.Errorf("finding out takes away %d proven ways", c.GainProven)
			}
		}
		if want := b.best(); fmt.Sprint(got) != fmt.Sprint(want) || !chokes.Exact {
			t.Errorf("the best gain %v, by brute force %v", got, want)
		}
	})
}

func TestProvenIsPossibleAndClosingNeverGrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMap(t)
		before := Survey(m)
		for _, r := range before.Radii() {
			if r.Proven.Count > r.Possible.Count || r.Proven.Unclassified > r.Possible.Unclassified {
				t.Errorf("%d: at least %+v, at most %+v", r.Node, r.Proven, r.Possible)
			}
			for other := range m.Nodes {
				if before.proven.has(r.Node, other) && !before.maybe.has(r.Node, other) {
					t.Errorf("%d certainly reaches %d and possibly does not", r.Node, other)
				}
			}
		}
		if len(m.Workloads) == 0 {
			return
		}
		// One workload refuses everybody.
		m.Workloads = slices.Clone(m.Workloads)
		w := &m.Workloads[rapid.IntRange(0, len(m.Workloads)-1).Draw(t, "closed")]
		w.Ingress, w.Exposed = Isolation{Isolated: true, Complete: true}, false
		if before.open[w.Node] {
			return // what the Internet could call was not counted before, and may be now
		}
		for i, r := range Survey(m).Radii() {
			if old := before.Radii()[i]; r.Proven.Count > old.Proven.Count && !observed(&m) || r.Possible.Count > old.Possible.Count && !conflict(&m) {
				t.Errorf("after closing %d, %d reaches %+v, before %+v", w.Node, r.Node, r, old)
			}
		}
	})
}

// observed and conflict tell maps apart in which a closed arc may lead on: a call was seen or declared all the same.
func observed(m *Map) bool {
	return slices.ContainsFunc(m.Calls, func(c Call) bool { return c.Basis == Observed })
}

func conflict(m *Map) bool {
	return slices.ContainsFunc(m.Calls, func(c Call) bool { return c.Basis != Allowed })
}

func TestNamesAndOrderDecideNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMap(t)
		other := m
		other.Nodes = slices.Clone(m.Nodes)
		for i := range other.Nodes {
			other.Nodes[i].Name = fmt.Sprintf("z%d", len(m.Nodes)-i)
		}
		if a, b := Survey(m).Radii(), Survey(other).Radii(); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("renaming made %v of %v", b, a)
		}
		gains := func(m Map) (list []string) {
			for _, c := range Survey(m).Chokes().Best {
				list = append(list, fmt.Sprint(c.GainProven, c.GainPossible))
			}
			return list
		}
		if a, b := gains(m), gains(other); !slices.Equal(a, b) {
			t.Errorf("renaming made %v of %v", b, a)
		}
	})
}

// TestKnowingLessNeverProvesLessDanger takes one policy away at a time: no proven radius may shrink, unless the policy
// itself named who may come in.
func TestKnowingLessNeverProvesLessDanger(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMap(t)
		if len(m.Workloads) == 0 {
			return
		}
		for i := range m.Workloads { // a rule that admits somebody, and a mode that accepts plain text, are what lets them in
			w := &m.Workloads[i]
			w.Ingress.Peers, w.Egress.Peers = Peers{}, Peers{}
			w.Mesh.Allow = Rules{Any: w.Mesh.Allow.Any}
			if w.Mesh.Mode == Permissive {
				w.Mesh.Mode = NotDeclared
			}
		}
		before := Survey(m)
		m.Workloads = slices.Clone(m.Workloads)
		w := &m.Workloads[rapid.IntRange(0, len(m.Workloads)-1).Draw(t, "less")]
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0:
			w.Ingress = Isolation{Complete: w.Ingress.Complete, Unread: w.Ingress.Unread}
		case 1:
			w.Egress = Isolation{Complete: w.Egress.Complete, Unread: w.Egress.Unread}
		case 2:
			w.Mesh.Mode, w.Mesh.Allow = NotDeclared, Rules{}
		case 3:
			w.Mesh.Deny = Rules{}
		}
		after := Survey(m)
		if slices.Equal(before.open, after.open) {
			for i, r := range after.Radii() {
				if old := before.Radii()[i]; r.Proven.Count < old.Proven.Count && !observed(&m) {
					t.Errorf("without it %d reaches at least %d, and %d with it", r.Node, r.Proven.Count, old.Proven.Count)
				}
			}
		}
	})
}
