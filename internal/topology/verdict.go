package topology

import (
	"fmt"
	"slices"
	"strings"
)

// Outcome is what the map says of a clause of a control.
type Outcome int8

// The outcomes. What cannot be told is said to nobody.
const (
	Silent Outcome = iota
	Fails
	Holds
)

// Verdict is what the map says of one clause on one service.
type Verdict struct {
	ServiceID int64
	Control   string
	Clause    string
	Outcome   Outcome
	Observed  string
	Expected  string
}

// LimitOf is how many services a fall may reach: by default the greater of five and a quarter.
func LimitOf(services int) int { return max(5, services/4) }

// Verdicts judges every service by the map. whole is the same map with the other environments beside it; nil where there
// are none. A pass needs that what is only possible is within the limit too, and that somebody says the files show
// everything: of what they leave out nothing is known, and knowing less must never look better.
func (a *Atlas) Verdicts(whole *Atlas) []Verdict {
	var list []Verdict
	limit, others := LimitOf(len(a.real)), len(a.real)-1
	proven, maybe := a.data(a.proven), a.data(a.maybe)
	sure, possible := a.chain(false), a.chain(true)
	var from, perhaps []int32
	if whole != nil {
		from, perhaps = whole.foreign(false), whole.foreign(true)
	}
	for _, n := range a.real {
		say := func(control, clause, expected string, o Outcome, observed string) {
			list = append(list, Verdict{ServiceID: a.Nodes[n].ID, Control: control, Clause: clause, Outcome: o, Observed: observed, Expected: expected})
		}
		o, words := a.withinLimit(n, limit, others)
		say("NET-2", "reach_within_limit", fmt.Sprintf("at most %d services", limit), o, words)
		o, words = a.withinNeed(n, proven[a.proven.comp[n]], maybe[a.maybe.comp[n]])
		say("NET-2", "no_undeclared_data", "no sensitive data beyond its own and that of the services it calls", o, words)
		o, words = a.noChain(n, sure, possible)
		say("NET-4", "no_anonymous_chain", "no way from outside on which nobody asks for credentials", o, words)
		if whole != nil {
			o, words = whole.noWayIn(n, from, perhaps)
			say("NET-6", "no_path_in", "no way from another environment", o, words)
		}
	}
	return list
}

// withinLimit judges how many services a fall reaches. Where nothing stands in its way, being few is no merit.
func (a *Atlas) withinLimit(n, limit, others int) (Outcome, string) {
	proven, possible := a.proven.reached(n), a.maybe.reached(n)
	switch {
	case proven > limit:
		return Fails, fmt.Sprintf("its fall reaches at least %d of %d services%s", proven, others, a.byWayOf(func() []int { return a.worstWay(n) }))
	case a.Whole && possible <= limit && possible < others:
		return Holds, fmt.Sprintf("its fall reaches at least %d and at most %d of %d services", proven, possible, others)
	}
	return Silent, ""
}

// withinNeed judges which data a fall reaches. What a service needs is its own data and that of the services it is known
// to call. Data that nobody classified is never nothing.
func (a *Atlas) withinNeed(n int, proven, maybe held) (Outcome, string) {
	need, known := a.classes[n], 0
	if a.unlabeled[n] {
		known++
	}
	for _, c := range a.callees[n] {
		need |= a.classes[c]
		if a.unlabeled[c] && a.maybe.has(n, c) {
			known++
		}
	}
	switch {
	case proven.classes&^need != 0:
		extra := classList(proven.classes &^ need)
		way := a.byWayOf(func() []int { return a.nearest(n, proven.classes&^need) })
		return Fails, fmt.Sprintf("its fall reaches %s data that it does not need%s", strings.Join(extra, " and "), way)
	case a.Whole && maybe.classes&^need == 0 && maybe.unlabeled <= known && a.maybe.reached(n) < len(a.real)-1:
		words := strings.Join(classList(maybe.classes), ", ")
		if words == "" {
			words = "no sensitive data"
		}
		return Holds, "its fall reaches " + words + ", all of which it needs"
	}
	return Silent, ""
}

// byWayOf names a way. On big maps it would have to be looked for too often: the map's page shows it.
func (a *Atlas) byWayOf(way func() []int) string {
	if len(a.real) > exactUpToNodes {
		return ""
	}
	return ", by way of " + a.wayWords(way())
}

// worstWay and nearest are the ways that a judgement names.
func (a *Atlas) worstWay(n int) []int {
	path, _ := a.WorstPath(n)
	return path
}

func (a *Atlas) nearest(n int, classes uint16) []int {
	via := map[int]int{}
	hops := a.Reached(n, false)
	for _, h := range hops {
		via[h.Node] = h.Via
	}
	for _, h := range hops {
		if a.classes[h.Node]&classes != 0 {
			return wayBack(via, n, h.Node)
		}
	}
	return nil
}

func wayBack(via map[int]int, from, to int) []int {
	path := []int{to}
	for m := to; m != from; {
		m = via[m]
		path = append(path, m)
	}
	slices.Reverse(path)
	return path
}

// shownSteps is how many steps of a way are named.
const shownSteps = 6

func (a *Atlas) wayWords(path []int) string {
	names := make([]string, 0, len(path))
	for i, n := range path {
		if len(path) > shownSteps && i == shownSteps-1 {
			names = append(names, "…")
		}
		if len(path) <= shownSteps || i < shownSteps-1 || i == len(path)-1 {
			names = append(names, a.Nodes[n].Name)
		}
	}
	return strings.Join(names, " → ")
}

// chain walks from the Internet along steps on which nobody asks for credentials: for certain, or as far as is not known
// otherwise. It gives for each node the one before it; its own number where the Internet itself comes in, -1 where no way leads.
func (a *Atlas) chain(possible bool) []int32 {
	var starts []int32
	for _, n := range a.real {
		if s := a.outside[n].State; s == Open || possible && (s == Unproven || a.mayBeOutside(n)) {
			starts = append(starts, int32(n))
		}
	}
	return a.walk(starts, func(m uint8) bool {
		if m&byPower != 0 {
			return false // it takes over a machine; it does not ask one for data
		}
		return m&byClass != 0 && m&(openly|signed) == 0 || m&openly != 0 || possible && m&signed == 0
	})
}

// mayBeOutside reports whether nothing says that a service cannot be reached from outside. That no file shows a way in is
// no proof: it may be in a file that nobody brought.
func (a *Atlas) mayBeOutside(n int) bool {
	return !a.Nodes[n].Inside && a.Nodes[n].Application != Refused
}

// walk gives the node before each on a shortest way from the starts, over edges that fit.
func (a *Atlas) walk(starts []int32, fits func(mark uint8) bool) []int32 {
	g := a.graph
	before := make([]int32, g.vertices)
	node := make([]int32, g.vertices) // the last real node on the way
	for i := range before {
		before[i] = -1
	}
	queue := make([]int32, 0, len(starts))
	for _, s := range starts {
		before[s], node[s] = s, s
		queue = append(queue, s)
	}
	for i := 0; i < len(queue); i++ {
		v := queue[i]
		for e := g.first[v]; e < g.first[v+1]; e++ {
			w := g.edges[e].to
			if before[w] >= 0 || !fits(g.edges[e].mark) {
				continue
			}
			before[w], node[w] = node[v], node[v]
			if int(w) < g.nodes {
				node[w] = w
			}
			queue = append(queue, w)
		}
	}
	return before[:g.nodes]
}

func way(before []int32, n int) []int {
	path := []int{n}
	for int(before[n]) != n {
		n = int(before[n])
		path = append(path, n)
	}
	slices.Reverse(path)
	return path
}

// strangersNever are the classes of data that no stranger may get to.
const strangersNever = 0b1011 // payment, health, personal

// noChain judges whether a stranger gets to the data of a service by steps that ask for nothing.
func (a *Atlas) noChain(n int, sure, possible []int32) (Outcome, string) {
	switch {
	case sure[n] >= 0 && a.classes[n]&strangersNever != 0:
		return Fails, "nobody asks for credentials on the way Internet → " + a.wayWords(way(sure, n))
	case a.Whole && possible[n] < 0:
		return Holds, "every way from outside is closed or asks for credentials"
	}
	return Silent, ""
}

// foreign walks from everything of other environments.
func (a *Atlas) foreign(possible bool) []int32 {
	var starts []int32
	for _, n := range a.real {
		if a.Nodes[n].Foreign {
			starts = append(starts, int32(n))
		}
	}
	if len(starts) == 0 {
		return nil
	}
	return a.walk(starts, func(m uint8) bool { return possible || m&unproven == 0 })
}

// noWayIn judges whether another environment reaches a service. Its number is the same in both maps, since those of its
// own environment come first. Where nothing is known of any other environment, nothing is said.
func (a *Atlas) noWayIn(n int, sure, possible []int32) (Outcome, string) {
	switch {
	case possible == nil:
		return Silent, ""
	case sure[n] >= 0:
		return Fails, "another environment reaches it by way of " + a.wayWords(way(sure, n))
	case a.Whole && possible[n] < 0:
		return Holds, "no way leads from another environment"
	}
	return Silent, ""
}
