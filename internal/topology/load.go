package topology

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"muster/internal/evidence"
	"muster/internal/imports/model"
	"muster/internal/inventory"
)

// Sightings is what decides a map beside the inventory.
type Sightings struct {
	Workloads map[int64][]Seen    // of each source's newest import
	Probes    []evidence.Evidence // what probes say of IAM-1
	Tests     []ArcTest           // newest first
	Age       time.Duration       // how long an answer without credentials being refused holds
	Now       time.Time
}

// Seen is one workload as files show it.
type Seen = model.Service

// drawing makes a Map of what is recorded.
type drawing struct {
	*inventory.Landscape
	Sightings
	Map
	node     map[[2]int64]int // by service and environment
	segments map[string]int
	service  map[int64]*inventory.Service
	source   map[int64]*inventory.Source
	teams    map[int64]string
}

// Draw makes the map of one environment. With others, those of every other environment stand beside it, foreign to it.
func Draw(l *inventory.Landscape, s Sightings, environment int64, others bool) Map {
	d := &drawing{Landscape: l, Sightings: s, node: map[[2]int64]int{}, segments: map[string]int{}, service: map[int64]*inventory.Service{}, source: map[int64]*inventory.Source{}, teams: map[int64]string{}}
	for i := range l.Services {
		d.service[l.Services[i].ID] = &l.Services[i]
	}
	for i := range l.Sources {
		d.source[l.Sources[i].ID] = &l.Sources[i]
	}
	for _, t := range l.Teams {
		d.teams[t.ID] = t.Name
	}
	answers := d.answers()
	d.place(environment, false, answers)
	if others {
		for _, e := range l.Environments {
			if e.ID != environment {
				d.place(e.ID, true, answers)
			}
		}
	}
	d.Whole = d.complete(environment, others)
	for i := range l.Sources {
		if src := &l.Sources[i]; others || src.EnvironmentID == environment {
			d.run(src)
		}
	}
	d.expose()
	d.call()
	d.try()
	return d.Map
}

// complete reports whether somebody says of every source that is drawn that it shows everything.
func (d *drawing) complete(environment int64, others bool) bool {
	any := false
	for _, b := range d.Bindings {
		src := d.source[b.SourceID]
		if src == nil || src.EnvironmentID != environment && !others {
			continue
		}
		if any = true; !d.Imports[src.ID].NamespacesComplete {
			return false
		}
	}
	return any
}

// place adds a node for each service of an environment: those that something runs or answers there. What nothing shows
// anywhere is taken to be in production, where it is judged.
func (d *drawing) place(environment int64, foreign bool, answers map[[2]int64]Answer) {
	here, anywhere := map[int64]bool{}, map[int64]bool{}
	for _, b := range d.Bindings {
		anywhere[b.ServiceID] = true
		if src := d.source[b.SourceID]; src != nil && src.EnvironmentID == environment {
			here[b.ServiceID] = true
		}
	}
	for _, e := range d.Endpoints {
		if e.EnvironmentID == environment {
			here[e.ServiceID] = true
		}
	}
	for _, c := range d.Landscape.Calls {
		if c.EnvironmentID == environment {
			here[c.FromID], here[c.ToID] = true, true
		}
	}
	production := slices.ContainsFunc(d.Environments, func(e inventory.Environment) bool { return e.ID == environment && e.Production })
	for i := range d.Services {
		s := &d.Services[i]
		if !here[s.ID] && (anywhere[s.ID] || !production || s.Kind == inventory.KindOutside) {
			continue
		}
		key := [2]int64{s.ID, environment}
		n := Node{ID: s.ID, Slug: s.Slug, Name: s.Name, Kind: Kind(s.Kind), Tier: s.Tier, Exposure: string(s.Exposure), Classes: s.Classes(), Application: answers[key], Foreign: foreign,
			Inside: s.Exposure == inventory.Internal && s.PersonSet("exposure")}
		if s.TeamID != nil {
			n.Team = d.teams[*s.TeamID]
		}
		d.node[key] = len(d.Nodes)
		d.Nodes = append(d.Nodes, n)
	}
}

// answers says what callers without credentials get. One answer is enough to know that it answers; that it refuses is
// known when everything that is known of it was asked, and for as long as that holds.
func (d *drawing) answers() map[[2]int64]Answer {
	refused := map[[2]int64]map[string]bool{}
	found := map[[2]int64]Answer{}
	for i := range d.Probes {
		e := &d.Probes[i]
		key := [2]int64{e.ServiceID, e.EnvironmentID}
		switch {
		case e.Outcome == evidence.Fail:
			found[key] = Anonymous
		case e.Outcome == evidence.Pass && d.Now.Before(e.ObservedAt.Add(d.Age)) && (e.GoodUntil == nil || d.Now.Before(*e.GoodUntil)):
			if refused[key] == nil {
				refused[key] = map[string]bool{}
			}
			refused[key][e.Part] = true
		}
	}
	for key, parts := range refused {
		if found[key] == Untested && len(parts) >= max(1, d.Operations[key[0]]) {
			found[key] = Refused
		}
	}
	return found
}

// run adds the workloads of a source's newest import.
func (d *drawing) run(src *inventory.Source) {
	owner := map[[3]string]int64{}
	for _, b := range d.Bindings {
		if b.SourceID == src.ID {
			owner[[3]string{b.Kind, b.Namespace, b.Name}] = b.ServiceID
		}
	}
	seen := d.Sightings.Workloads[src.ID]
	index := map[string]int{}
	first := len(d.Map.Workloads)
	var kept []*Seen
	for i := range seen {
		w := &seen[i]
		id := owner[[3]string{w.WorkloadKind, w.Namespace, w.BaseName()}]
		n, known := d.node[[2]int64{id, src.EnvironmentID}]
		if !known {
			continue
		}
		index[w.Name] = len(d.Map.Workloads)
		d.Map.Workloads = append(d.Map.Workloads, Workload{Node: n})
		kept = append(kept, w)
	}
	complete := d.Imports[src.ID].NamespacesComplete
	for i, w := range kept {
		out := &d.Map.Workloads[first+i]
		if w.WorkloadKind == model.Compose {
			d.compose(out, w, src)
		} else {
			d.kubernetes(out, w, src, complete, index)
		}
		out.HostNetwork = w.HostNetwork
		out.Exposed = w.Exposed
		out.Entry = w.Exposed && !slices.ContainsFunc(w.Exposures, func(e model.Exposure) bool {
			return e.Scope == "all" && !e.Ephemeral && e.Via != "ingress" && e.Via != "gateway"
		})
	}
}

// expose opens what people say is public, or whose address they added.
func (d *drawing) expose() {
	public := map[int]bool{}
	for i := range d.Nodes {
		public[i] = d.Nodes[i].Exposure == string(inventory.Public)
	}
	for _, e := range d.Endpoints {
		if n, known := d.node[[2]int64{e.ServiceID, e.EnvironmentID}]; known && e.SourceID == nil && e.Scope == "all" {
			public[n] = true
		}
	}
	exposed := map[int]bool{}
	for i := range d.Map.Workloads {
		exposed[d.Map.Workloads[i].Node] = exposed[d.Map.Workloads[i].Node] || d.Map.Workloads[i].Exposed
	}
	placed := map[int]bool{}
	for i := range d.Map.Workloads {
		w := &d.Map.Workloads[i]
		placed[w.Node] = true
		if public[w.Node] && !exposed[w.Node] {
			w.Exposed, w.Entry = true, true // how, nobody told us
		}
	}
	for i := range d.Nodes {
		if !placed[i] && d.Nodes[i].Kind != KindOutside {
			d.Map.Workloads = append(d.Map.Workloads, Workload{Node: i, Exposed: public[i]})
		}
	}
}

// observedDays is how long calls must have been watched before "not seen" says something.
const observedDays = 30 * 24 * time.Hour

// call adds who is known to call whom. An order of starting up is not a call.
func (d *drawing) call() {
	since := map[int64]time.Time{}
	seen := map[[3]int64]bool{}
	for _, c := range d.Landscape.Calls {
		if c.Basis == string(Observed) {
			if old, known := since[c.EnvironmentID]; !known || c.FirstSeen.Before(old) {
				since[c.EnvironmentID] = c.FirstSeen
			}
			seen[[3]int64{c.EnvironmentID, c.FromID, c.ToID}] = seen[[3]int64{c.EnvironmentID, c.FromID, c.ToID}] || d.Now.Sub(c.LastSeen) < observedDays
		}
	}
	for i := range d.Landscape.Calls {
		c := &d.Landscape.Calls[i]
		from, known := d.node[[2]int64{c.FromID, c.EnvironmentID}]
		to, also := d.node[[2]int64{c.ToID, c.EnvironmentID}]
		if !known || !also || from == to || basisRank[Basis(c.Basis)] == 0 {
			continue
		}
		x := Call{From: from, To: to, Basis: Basis(c.Basis), Words: protection(c), Source: d.sourceName(c.SourceID)}
		began, watched := since[c.EnvironmentID]
		x.Unused = x.Basis == Allowed && watched && d.Now.Sub(began) >= observedDays && !seen[[3]int64{c.EnvironmentID, c.FromID, c.ToID}]
		if x.Basis == Allowed {
			x.Policy = cmp.Or(x.Source, "a policy")
		}
		d.Map.Calls = append(d.Map.Calls, x)
	}
}

func (d *drawing) sourceName(id *int64) string {
	if id == nil {
		return "a person"
	}
	if s := d.source[*id]; s != nil {
		return s.Name
	}
	return ""
}

// Protections of a call, in words.
const (
	ProtectedMTLS   = "mutual TLS"
	ProtectedToken  = "TLS and a token"
	Unauthenticated = "unauthenticated"
	NotKnown        = "unknown"
)

// protection says what protects a call by what files and people say.
func protection(c *inventory.Dependency) string {
	named := slices.Contains([]string{"api_key", "jwt", "oidc"}, c.Authentication)
	switch {
	case c.Transport == "mtls":
		return ProtectedMTLS
	case c.Transport == "tls" && named:
		return ProtectedToken
	case c.Transport == "none", c.Authentication == "none":
		return Unauthenticated
	}
	return NotKnown
}

// try adds the newest test of each pair. That a way is closed is believed for as long as a pass; that it is open stands.
func (d *drawing) try() {
	type answer struct {
		connected bool
		got       Answer
	}
	found := map[[2]int]*answer{}
	newest := map[string]bool{}
	for i := range d.Sightings.Tests {
		t := &d.Sightings.Tests[i]
		from, known := d.node[[2]int64{t.FromID, t.EnvironmentID}]
		to, also := d.node[[2]int64{t.ToID, t.EnvironmentID}]
		cell := fmt.Sprint(t.EnvironmentID, t.FromID, t.ToID, t.Address)
		if !known || !also || newest[cell] || !t.Connected && d.Now.Sub(t.At) > d.Age {
			continue
		}
		newest[cell] = true
		key := [2]int{from, to}
		if found[key] == nil {
			found[key] = &answer{}
		}
		found[key].connected = found[key].connected || t.Connected
		switch got := answerOf(t.Answer); {
		case got == Anonymous:
			found[key].got = Anonymous
			if d.Nodes[to].Application != Refused {
				d.Nodes[to].Application = Anonymous // who answers one stranger answers them all
			}
		case found[key].got == Untested:
			found[key].got = got
		}
	}
	for _, key := range sortedPairs(found) {
		d.Map.Tests = append(d.Map.Tests, Test{From: key[0], To: key[1], Connected: found[key].connected, Answer: found[key].got})
	}
}

func answerOf(word string) Answer {
	switch word {
	case Anonymous.String():
		return Anonymous
	case Refused.String():
		return Refused
	}
	return Untested
}

func sortedPairs[V any](m map[[2]int]V) [][2]int {
	keys := make([][2]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y [2]int) int { return cmp.Or(x[0]-y[0], x[1]-y[1]) })
	return keys
}
