package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Change is a kind of single change that may shrink radii.
type Change string

// The changes. Of two that gain the same the earlier comes first.
const (
	AdmitKnown     Change = "admit_known_callers" // of one node, a namespace or a segment
	CutUnused      Change = "cut_unused"
	SplitIdentity  Change = "split_identity"
	RemoveEscape   Change = "remove_escape"
	NarrowRights   Change = "narrow_rights"
	FindOut        Change = "find_out"
	bestOf                = 5
	triedAtMost           = 256
	exactUpToNodes        = 1000
)

var changeOrder = []Change{AdmitKnown, CutUnused, SplitIdentity, RemoveEscape, NarrowRights, FindOut}

// Choke is one change and what it gains: pairs of a service and what its fall no longer reaches.
type Choke struct {
	Change       Change
	Nodes        []int  // what is changed: the callees that close, or the holder of a power
	From         int    // of an arc that is cut; -1 otherwise
	Target       string // in words
	Words        string // what to do, as a phrase
	GainProven   int
	GainPossible int
	Sensitive    int // of the pairs lost: those that lead to sensitive data
	CallersLost  int // known callers that the change would lock out
}

// Chokes are the best changes.
type Chokes struct {
	Best  []Choke
	Tried int
	Exact bool // nothing that was not tried can be better
}

// candidate is a change before its gain is known.
type candidate struct {
	Choke
	drop          []int32 // edges
	proven, maybe int64   // bounds of the gains
}

// Chokes finds the best changes: candidates in falling order of what they could gain at most, until the fifth best is
// better than anything left. Above a thousand nodes it stops after 256.
func (a *Atlas) Chokes() Chokes {
	list := a.candidates()
	a.bound(list)
	slices.SortStableFunc(list, func(x, y *candidate) int {
		return cmp.Or(cmp.Compare(y.proven, x.proven), cmp.Compare(y.maybe, x.maybe), tieBreak(x, y))
	})
	limit := len(list)
	if len(a.real) > exactUpToNodes {
		limit = min(limit, triedAtMost)
	}
	result := Chokes{Exact: limit == len(list)}
	t := newTrial(a)
	var best []*candidate
	for i, c := range list {
		if len(best) == bestOf {
			fifth := best[bestOf-1]
			if cmp.Or(cmp.Compare(int64(fifth.GainProven), c.proven), cmp.Compare(int64(fifth.GainPossible), c.maybe)) >= 0 && !(fifth.wouldTie(c)) {
				result.Exact = true
				break
			}
		}
		if i == limit {
			break
		}
		result.Tried++
		c.GainProven = t.gain(c, false)
		// A lesser proven gain than the fifth's cannot be made up for.
		if len(best) == bestOf && c.GainProven < best[bestOf-1].GainProven {
			continue
		}
		c.GainPossible = t.gain(c, true)
		if c.GainProven+c.GainPossible == 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, c, better)
		best = slices.Insert(best, at, c)
		best = best[:min(len(best), bestOf)]
	}
	for _, c := range best {
		c.Sensitive = t.sensitive(c)
		result.Best = append(result.Best, c.Choke)
	}
	return result
}

// wouldTie reports whether a candidate could still tie with the fifth and stand before it by its kind.
func (c *candidate) wouldTie(o *candidate) bool {
	return int64(c.GainProven) == o.proven && int64(c.GainPossible) == o.maybe && tieBreak(o, c) < 0
}

func better(x, y *candidate) int {
	return cmp.Or(y.GainProven-x.GainProven, y.GainPossible-x.GainPossible, tieBreak(x, y))
}

func tieBreak(x, y *candidate) int {
	return cmp.Or(slices.Index(changeOrder, x.Change)-slices.Index(changeOrder, y.Change), len(x.Nodes)-len(y.Nodes), cmp.Compare(x.Target, y.Target))
}

// candidates lists every single change that could gain something.
func (a *Atlas) candidates() []*candidate {
	var list []*candidate
	for _, n := range a.real {
		if drop := a.strangersInto(n); len(drop) > 0 {
			list = append(list, &candidate{Choke: Choke{Change: AdmitKnown, Nodes: []int{n}, From: -1, Target: a.Nodes[n].Name, Words: a.onlyKnown(n)}, drop: drop})
		}
		if drop := a.unknownInto(n); len(drop) > 0 {
			list = append(list, &candidate{Choke: Choke{Change: FindOut, Nodes: []int{n}, From: -1, Target: a.Nodes[n].Name, Words: "find out by testing " + a.Nodes[n].Name}, drop: drop})
		}
		list = append(list, a.powerless(n)...)
	}
	list = append(list, a.together()...)
	list = append(list, a.unused()...)
	return append(list, a.splits()...)
}

// strangersInto lists the edges into a node that are not its known callers'. What is exposed has to let strangers in.
func (a *Atlas) strangersInto(n int) []int32 {
	if slices.ContainsFunc(a.places[n], func(p int) bool { return a.Workloads[p].Exposed }) {
		return nil
	}
	var list []int32
	for _, e := range a.graph.back[a.graph.firstBack[n]:a.graph.firstBack[n+1]] {
		if a.graph.edges[e].mark&(byPower|fromCall) == 0 {
			list = append(list, e)
		}
	}
	return list
}

func (a *Atlas) knownCallers(n int) []int {
	var list []int
	for _, e := range a.graph.back[a.graph.firstBack[n]:a.graph.firstBack[n+1]] {
		if x := a.graph.edges[e]; x.mark&fromCall != 0 {
			list = append(list, int(x.from))
		}
	}
	slices.SortFunc(list, func(x, y int) int { return cmp.Compare(a.Nodes[x].Name, a.Nodes[y].Name) })
	return slices.Compact(list)
}

func (a *Atlas) onlyKnown(n int) string {
	callers := a.knownCallers(n)
	names := make([]string, 0, len(callers))
	for _, c := range callers {
		names = append(names, a.Nodes[c].Name)
	}
	to := a.Nodes[n].Name
	switch len(names) {
	case 0:
		return "nobody inside calls " + to
	case 1:
		return "only " + names[0] + " may call " + to
	case 2, 3:
		return "only " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " may call " + to
	}
	return fmt.Sprintf("only its %d known callers may call %s", len(names), to)
}

// together admits only known callers to everything in a namespace or a segment.
func (a *Atlas) together() []*candidate {
	groups, words := map[string][]int{}, map[string]string{}
	for _, n := range a.real {
		for _, p := range a.places[n] {
			w := &a.Workloads[p]
			if w.Namespace != "" {
				groups["n"+w.Namespace] = append(groups["n"+w.Namespace], n)
				words["n"+w.Namespace] = "namespace " + w.Namespace[strings.LastIndexByte(w.Namespace, '/')+1:]
			}
			for _, s := range w.Segments {
				key := fmt.Sprintf("s%d", s)
				groups[key] = append(groups[key], n)
				words[key] = a.Segments[s].Name
			}
		}
	}
	var list []*candidate
	seen := map[string]bool{}
	for _, key := range sortedKeys(groups) {
		nodes := groups[key]
		slices.Sort(nodes)
		nodes = slices.Compact(nodes)
		var drop []int32
		for _, n := range nodes {
			drop = append(drop, a.strangersInto(n)...)
		}
		if same := fmt.Sprint(nodes); len(nodes) > 1 && len(drop) > 0 && !seen[same] { // a cluster of one namespace is one change
			seen[same] = true
			list = append(list, &candidate{Choke: Choke{Change: AdmitKnown, Nodes: nodes, From: -1, Target: words[key], Words: "in " + words[key] + ", everything admits only its known callers"}, drop: drop})
		}
	}
	return list
}

// powerless takes a node's ways past the gates away.
func (a *Atlas) powerless(n int) []*candidate {
	var escapes, rights []int32
	for e := a.graph.first[n]; e < a.graph.first[n+1]; e++ {
		switch x := a.graph.edges[e]; {
		case x.mark&byPower == 0:
		case x.label == 1:
			escapes = append(escapes, e)
		default:
			rights = append(rights, e)
		}
	}
	var list []*candidate
	name := a.Nodes[n].Name
	if len(escapes) > 0 {
		list = append(list, &candidate{Choke: Choke{Change: RemoveEscape, Nodes: []int{n}, From: -1, Target: name, Words: "take from " + name + " what leads out of its container"}, drop: escapes})
	}
	if len(rights) > 0 {
		list = append(list, &candidate{Choke: Choke{Change: NarrowRights, Nodes: []int{n}, From: -1, Target: name, Words: "take from the account of " + name + " the rights to read secrets and start containers"}, drop: rights})
	}
	return list
}

// unused cuts what is allowed and was not seen for thirty observed days.
func (a *Atlas) unused() []*candidate {
	var list []*candidate
	for i := range a.Calls {
		c := &a.Calls[i]
		if !c.Unused || c.From == c.To || a.callOf[[2]int{c.From, c.To}].Basis != Allowed {
			continue
		}
		var drop []int32
		for e := a.graph.first[c.From]; e < a.graph.first[c.From+1]; e++ {
			if x := a.graph.edges[e]; int(x.to) == c.To && x.mark&byPower == 0 {
				drop = append(drop, e)
			}
		}
		if len(drop) > 0 {
			list = append(list, &candidate{Choke: Choke{Change: CutUnused, Nodes: []int{c.To}, From: c.From, Target: a.Nodes[c.From].Name + " → " + a.Nodes[c.To].Name,
				Words: "no longer allow " + a.Nodes[c.From].Name + " to call " + a.Nodes[c.To].Name + ": it has not for 30 days"}, drop: drop})
		}
	}
	return list
}

// splits gives everybody who shares an identity their own.
func (a *Atlas) splits() []*candidate {
	drop := map[string][]int32{}
	for i := range a.graph.edges {
		switch x := &a.graph.edges[i]; {
		case x.mark&byIdentity != 0:
			drop[a.shared[x.label]] = append(drop[a.shared[x.label]], int32(i))
		case x.mark&byName != 0:
			for _, p := range a.places[x.from] { // the name in a policy of the mesh is the account's
				acc := accountPrefix + a.Workloads[p].Account
				if a.anyKnown(a.holders[acc], int(x.to)) {
					drop[acc] = append(drop[acc], int32(i))
					break
				}
			}
		}
	}
	var list []*candidate
	for _, s := range a.shared {
		if len(drop[s]) == 0 {
			continue
		}
		name := s[strings.LastIndexAny(s, "/ ")+1:]
		c := &candidate{Choke: Choke{Change: SplitIdentity, Nodes: a.holders[s], From: -1, Target: "account " + name, Words: "give each service that runs as " + name + " its own account"}, drop: drop[s]}
		if strings.HasPrefix(s, secretPrefix) {
			c.Target, c.Words = "secret "+name, "give each service that has the secret "+name+" its own"
		}
		list = append(list, c)
	}
	return list
}

func (a *Atlas) anyKnown(nodes []int, to int) bool {
	return slices.ContainsFunc(nodes, func(n int) bool {
		c := a.callOf[[2]int{n, to}]
		return c != nil && c.Basis != Allowed
	})
}

// bound says what each candidate could gain at most: for each edge that it cuts, everybody before it loses everything behind it.
func (a *Atlas) bound(list []*candidate) {
	for _, possible := range []bool{false, true} {
		c := a.proven
		if possible {
			c = a.maybe
		}
		before := c.ancestors()
		var total int64
		for _, n := range a.real {
			total += int64(c.reached(n))
		}
		for _, x := range list {
			var sum int64
			heads := map[int32]int64{}
			for _, e := range x.drop {
				d := &a.graph.edges[e]
				if !possible && d.mark&unproven != 0 {
					continue
				}
				callers := int64(before[d.from])
				if int(d.from) < a.graph.nodes {
					callers++
				}
				heads[d.to] += callers
			}
			for to, callers := range heads {
				callers = min(callers, int64(before[to]))
				sum += callers * int64(c.size[c.comp[to]])
			}
			if sum = min(sum, total); possible {
				x.maybe = sum
			} else {
				x.proven = sum
			}
		}
	}
}
