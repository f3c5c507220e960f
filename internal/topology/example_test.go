package topology

import (
	"fmt"
	"slices"
	"testing"
)

// worked is the worked example of the design: one cluster of which every policy was read.
func worked() Map {
	names := []string{"web", "orders", "pay", "mail", "admin", "batch"}
	m := Map{Segments: []Segment{{Key: "c", Name: "the cluster", Cluster: true}}}
	for i, name := range names {
		m.Nodes = append(m.Nodes, Node{ID: int64(i + 1), Slug: name, Name: name, Kind: KindService, Tier: 2})
		free := Isolation{Complete: true}
		m.Workloads = append(m.Workloads, Workload{Node: i, Namespace: "c/shop", Segments: []int{0}, Ingress: free, Egress: free, Account: "c/shop/" + name, Mesh: Mesh{Member: Yes, Mode: Permissive, Complete: true}})
	}
	at := func(name string) int { return slices.Index(names, name) }
	m.Nodes[at("web")].Application, m.Nodes[at("web")].Exposure, m.Workloads[at("web")].Exposed = Anonymous, "public", true
	m.Nodes[at("mail")].Application = Anonymous
	m.Nodes[at("pay")].Classes, m.Nodes[at("orders")].Classes = []string{"payment"}, []string{"personal"}
	m.Workloads[at("orders")].Mesh.Mode = Strict
	m.Workloads[at("pay")].Mesh.Mode = Strict
	m.Workloads[at("pay")].Mesh.Allow = Rules{Any: true, Workloads: []int{at("orders"), at("admin")}}
	m.Workloads[at("mail")].Mesh = Mesh{Member: No}
	m.Workloads[at("batch")].Mesh = Mesh{Member: No}
	m.Workloads[at("batch")].Ingress.Isolated = true
	for _, c := range [][2]string{{"web", "orders"}, {"orders", "pay"}, {"orders", "mail"}, {"admin", "pay"}} {
		m.Calls = append(m.Calls, Call{From: at(c[0]), To: at(c[1]), Basis: Declared})
	}
	return m
}

// TestWorkedExample holds the rules to the numbers of the design, each of which a person can get by hand:
// batch refuses everybody, orders and pay refuse who is outside the mesh, mail answers anybody, admin may answer anybody, and
// no arc into web counts since the Internet may call it in the same way.
func TestWorkedExample(t *testing.T) {
	t.Parallel()
	a := Survey(worked())
	proven, possible := []int{}, []int{}
	sums := [2]int{}
	for _, r := range a.Radii() {
		proven, possible = append(proven, r.Proven.Count), append(possible, r.Possible.Count)
		sums[0] += r.Proven.Count
		sums[1] += r.Possible.Count
	}
	if fmt.Sprint(proven, possible, sums) != "[3 2 1 0 2 1] [4 3 3 3 3 4] [9 20]" {
		t.Errorf("proven %v, possible %v, in all %v", proven, possible, sums)
	}
	chokes := a.Chokes()
	var got []string
	for _, c := range chokes.Best {
		got = append(got, fmt.Sprintf("%s: %d, %d, %d sensitive, %d callers lost", c.Words, c.GainProven, c.GainPossible, c.Sensitive, c.CallersLost))
	}
	want := []string{
		"in namespace shop, everything admits only its known callers: 3, 14, 6 sensitive, 0 callers lost",
		"only orders may call mail: 3, 0, 0 sensitive, 0 callers lost",
		"nobody inside calls admin: 0, 9, 4 sensitive, 0 callers lost",
		"find out by testing admin: 0, 9, 4 sensitive, 0 callers lost",
		"only web may call orders: 0, 4, 4 sensitive, 0 callers lost",
	}
	if !slices.Equal(got, want) || !chokes.Exact {
		t.Errorf("exact %v\n got %q\nwant %q", chokes.Exact, got, want)
	}
	// "At least 3, at most 4 of 5; payment, personal; 7 unknown arcs stand between: test admin first": five into admin and
	// two into orders.
	r := a.Radius(0)
	if b := a.Between(0); r.Proven.Count != 3 || r.Possible.Count != 4 || fmt.Sprint(r.Proven.Classes) != "[payment personal]" || b.Unknown != 7 || a.Nodes[b.First].Name != "admin" {
		t.Errorf("web reaches %+v; between stand %+v", r, b)
	}
	// Anybody may call mail, so it is one step away and not two.
	if hops := fmt.Sprint(a.Reached(0, false)); hops != "[{3 1 0 true} {1 1 0 true} {2 2 1 true}]" {
		t.Errorf("hops %s", hops)
	}
	if path, sure := a.WorstPath(0); fmt.Sprint(path) != "[0 1 2]" || !sure {
		t.Errorf("the worst path is %v, proven %v", path, sure)
	}
}

func TestStatesOfTheWorkedExample(t *testing.T) {
	t.Parallel()
	a := Survey(worked())
	want := []string{
		"web     - granted closed open unknown closed",
		"orders  open - granted open unknown closed",
		"pay     open unknown - open unknown closed",
		"mail    open closed closed - unknown closed",
		"admin   open unknown granted open - closed",
		"batch   open closed closed open unknown -",
	}
	for i := range a.Nodes {
		line := fmt.Sprintf("%-7s", a.Nodes[i].Name)
		for j := range a.Nodes {
			word := "-"
			if i != j {
				arc := a.Arc(i, j)
				word = string(arc.State)
			}
			line += " " + word
		}
		if line != want[i] {
			t.Errorf("got  %s\nwant %s", line, want[i])
		}
	}
}
