package topology

// Document is the map for programs: what `muster map --json` prints.
type Document struct {
	Services    []ServiceLine `json:"services"`
	Arcs        []ArcLine     `json:"arcs"`
	ArcsAll     bool          `json:"arcs_complete"` // every pair is listed; on big maps only what somebody knows of
	ChokePoints []ChokeLine   `json:"choke_points"`
	Tried       int           `json:"candidates_tried"`
	Exact       bool          `json:"exact"`
	KnownCalls  int           `json:"known_calls"` // 0 means that nobody told us who calls whom
}

// ServiceLine is one service and what its fall reaches.
type ServiceLine struct {
	Name        string     `json:"name"`
	Slug        string     `json:"slug"`
	Kind        Kind       `json:"kind"`
	Tier        int        `json:"tier"`
	Exposure    string     `json:"exposure"`
	DataClasses []string   `json:"data_classes"`
	Internet    State      `json:"from_internet"` // whether a stranger may call it
	Proven      ReachLine  `json:"proven"`
	Possible    ReachLine  `json:"possible"`
	Between     BetweenRow `json:"between"`
}

// ReachLine is how far a fall spreads.
type ReachLine struct {
	Count        int       `json:"count"`
	Services     []HopLine `json:"services"`
	DataClasses  []string  `json:"data_classes"`
	Unclassified int       `json:"unclassified"` // services among them, itself included, whose data nobody named
}

// HopLine is a service that is reached.
type HopLine struct {
	Name string `json:"name"`
	Hop  int    `json:"hop"`
}

// BetweenRow is what stands between proven and possible.
type BetweenRow struct {
	Unknown   int    `json:"unknown_arcs"`
	TestFirst string `json:"test_first"`
}

// ArcLine is one arc.
type ArcLine struct {
	From         string `json:"from"`
	To           string `json:"to"`
	State        State  `json:"state"`
	Network      string `json:"network"`
	Mesh         string `json:"mesh"`
	Application  string `json:"application"`
	Basis        string `json:"basis"` // observed, declared, allowed, tested, power; "" where nobody told us of the call
	Policy       string `json:"policy"`
	Known        bool   `json:"known_caller"`
	Contradicted bool   `json:"contradicted"`
	Conflict     bool   `json:"conflict"`
	Power        string `json:"power"` // what leads past every gate
	Protection   string `json:"protection"`
}

// ChokeLine is one change and its gain.
type ChokeLine struct {
	Change           Change `json:"change"`
	Target           string `json:"target"`
	Words            string `json:"words"`
	GainProven       int    `json:"gain_proven"`
	GainPossible     int    `json:"gain_possible"`
	Sensitive        int    `json:"sensitive"`
	KnownCallersLost int    `json:"known_callers_lost"`
}

// everyPair is up to how many services all pairs are listed.
const everyPair = 300

// Document writes the map down.
func (a *Atlas) Document() Document {
	d := Document{Services: []ServiceLine{}, Arcs: []ArcLine{}, ChokePoints: []ChokeLine{}, ArcsAll: len(a.real) <= everyPair, KnownCalls: a.KnownCalls()}
	between := []Between{}
	if len(a.real) <= everyPair {
		between = a.Betweens()
	}
	for i, r := range a.Radii() {
		n := &a.Nodes[r.Node]
		line := ServiceLine{Name: n.Name, Slug: n.Slug, Kind: n.Kind, Tier: n.Tier, Exposure: n.Exposure, DataClasses: a.Classes(r.Node), Internet: a.outside[r.Node].State}
		line.Proven, line.Possible = a.reachLine(r.Node, r.Proven, false), a.reachLine(r.Node, r.Possible, true)
		if i < len(between) {
			line.Between.Unknown = between[i].Unknown
			if first := between[i].First; first >= 0 {
				line.Between.TestFirst = a.Nodes[first].Name
			}
		}
		d.Services = append(d.Services, line)
	}
	for _, x := range a.Arcs() {
		d.Arcs = append(d.Arcs, a.arcLine(&x))
	}
	chokes := a.Chokes()
	d.Tried, d.Exact = chokes.Tried, chokes.Exact
	for _, c := range chokes.Best {
		d.ChokePoints = append(d.ChokePoints, ChokeLine{Change: c.Change, Target: c.Target, Words: c.Words, GainProven: c.GainProven, GainPossible: c.GainPossible, Sensitive: c.Sensitive, KnownCallersLost: c.CallersLost})
	}
	return d
}

func (a *Atlas) reachLine(n int, r Reach, possible bool) ReachLine {
	line := ReachLine{Count: r.Count, Services: []HopLine{}, DataClasses: r.Classes, Unclassified: r.Unclassified}
	for _, h := range a.Reached(n, possible) {
		line.Services = append(line.Services, HopLine{Name: a.Nodes[h.Node].Name, Hop: h.Hop})
	}
	return line
}

func (a *Atlas) arcLine(x *Arc) ArcLine {
	line := ArcLine{From: "internet", To: a.Nodes[x.To].Name, State: x.State, Network: x.Network.String(), Mesh: x.MeshWord(), Application: x.Application.String(), Basis: string(x.Basis), Policy: x.Policy,
		Known: x.Known(), Contradicted: x.Contradicts, Conflict: x.Conflict, Power: x.Power, Protection: x.Words}
	if x.From != Internet {
		line.From = a.Nodes[x.From].Name
	}
	switch {
	case line.Basis != "":
	case x.Tested:
		line.Basis = "tested"
	case x.Power != "":
		line.Basis = "power"
	case x.Named:
		line.Basis = string(Allowed)
	}
	return line
}

// Classes are the classes of data of a node, a datastore's callers' where nobody gave it one.
func (a *Atlas) Classes(n int) []string { return classList(a.classes[n]) }

// KnownCalls counts the calls that somebody told us of.
func (a *Atlas) KnownCalls() int {
	n := 0
	for _, c := range a.callOf {
		if c.Basis != Allowed {
			n++
		}
	}
	return n
}

// FromOutside is the way in from the Internet.
func (a *Atlas) FromOutside(n int) Arc { return a.outside[n] }

// Ours lists the nodes that can be reached: all but outside hosts.
func (a *Atlas) Ours() []int { return a.real }

// Arcs lists the arcs: of every pair, or on big maps of those pairs that somebody knows of.
func (a *Atlas) Arcs() []Arc {
	var list []Arc
	for _, n := range a.real {
		if a.outside[n].State != Closed {
			list = append(list, a.outside[n])
		}
	}
	if len(a.real) > everyPair {
		known := map[[2]int]bool{}
		for key := range a.callOf {
			known[key] = true
		}
		for key := range a.testOf {
			known[key] = true
		}
		for _, key := range sortedPairs(known) {
			list = append(list, a.Arc(key[0], key[1]))
		}
		return list
	}
	for from := range a.Nodes {
		for to := range a.Nodes {
			third := a.Nodes[from].Kind == KindOutside || a.Nodes[to].Kind == KindOutside
			if from != to && (!third || a.callOf[[2]int{from, to}] != nil) {
				list = append(list, a.Arc(from, to))
			}
		}
	}
	return list
}

// Band is what a node is drawn in: its cluster or its Compose project; "" where nobody told us where it runs.
func (a *Atlas) Band(n int) string {
	for _, p := range a.places[n] {
		for _, s := range a.Workloads[p].Segments {
			return a.Segments[s].Band
		}
	}
	return ""
}

// Pairs lists the pairs that somebody knows of: calls, and what policies allow by name.
func (a *Atlas) Pairs() [][2]int {
	known := map[[2]int]bool{}
	for key := range a.callOf {
		known[key] = true
	}
	return sortedPairs(known)
}

// UnknownInto counts the unknown arcs into a node.
func (a *Atlas) UnknownInto() func(n int) int { return a.unknownCallers() }
