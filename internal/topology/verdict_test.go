package topology

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// said gives what the map says of one clause on one service.
func said(a *Atlas, whole *Atlas, name, control, clause string) Verdict {
	for _, v := range a.Verdicts(whole) {
		if n, _ := a.Find(name); v.ServiceID == a.Nodes[n].ID && v.Control == control && v.Clause == clause {
			return v
		}
	}
	return Verdict{}
}

func TestVerdictsOfTheWorkedExample(t *testing.T) {
	t.Parallel()
	m := worked()
	m.Whole = true
	a := Survey(m)
	if v := said(a, nil, "web", "NET-2", "reach_within_limit"); v.Outcome != Holds || v.Observed != "its fall reaches at least 3 and at most 4 of 5 services" {
		t.Errorf("%+v", v)
	}
	// web calls orders, which holds personal data; by way of it the fall reaches pay, which it does not call.
	if v := said(a, nil, "web", "NET-2", "no_undeclared_data"); v.Outcome != Fails || v.Observed != "its fall reaches payment data that it does not need, by way of web → orders → pay" {
		t.Errorf("%+v", v)
	}
	// orders calls mail, whose data nobody classified, and may reach admin, of which the same is true.
	if v := said(a, nil, "orders", "NET-2", "no_undeclared_data"); v.Outcome != Silent {
		t.Errorf("%+v", v)
	}
	if v := said(a, nil, "pay", "NET-4", "no_anonymous_chain"); v.Outcome != Silent {
		t.Errorf("orders asks its callers for a certificate, and whether admin can be reached from outside nobody told us: %+v", v)
	}
	m.Nodes[2].Application = Refused
	if v := said(Survey(m), nil, "pay", "NET-4", "no_anonymous_chain"); v.Outcome != Holds {
		t.Errorf("it refuses callers without credentials: %+v", v)
	}
	m.Nodes[2].Application, m.Workloads[2].Mesh = Anonymous, Mesh{Member: No}
	if v := said(Survey(m), nil, "pay", "NET-4", "no_anonymous_chain"); v.Outcome != Fails || v.Observed != "nobody asks for credentials on the way Internet → web → pay" {
		t.Errorf("it answers anybody: %+v", v)
	}
	m.Whole = false
	for _, v := range Survey(m).Verdicts(nil) {
		if v.Outcome == Holds {
			t.Errorf("files that may be a part prove nothing: %+v", v)
		}
	}
}

func TestALimitThatIsExceededFails(t *testing.T) {
	t.Parallel()
	m := Map{Whole: true, Segments: []Segment{{Key: "c", Name: "c", Cluster: true}}}
	free := Isolation{Complete: true}
	for i := range 10 {
		m.Nodes = append(m.Nodes, Node{ID: int64(i + 1), Slug: fmt.Sprint("s", i), Name: fmt.Sprint("s", i), Kind: KindService, Tier: 2})
		m.Workloads = append(m.Workloads, Workload{Node: i, Segments: []int{0}, Namespace: "c/x", Ingress: free, Egress: free, Mesh: Mesh{Member: No}})
		if i > 0 {
			m.Calls = append(m.Calls, Call{From: i - 1, To: i, Basis: Declared})
		}
	}
	a := Survey(m)
	v := said(a, nil, "s0", "NET-2", "reach_within_limit")
	if v.Outcome != Fails || v.Observed != "its fall reaches at least 9 of 9 services, by way of s0 → s1" || v.Expected != "at most 5 services" {
		t.Errorf("%+v", v)
	}
	// The last one reaches nothing for certain, and everything perhaps.
	if v := said(a, nil, "s9", "NET-2", "reach_within_limit"); v.Outcome != Silent {
		t.Errorf("%+v", v)
	}
	if LimitOf(19) != 5 || LimitOf(24) != 6 || LimitOf(10_000) != 2500 {
		t.Error("the limit is the greater of five and a quarter")
	}
}

func TestOtherEnvironments(t *testing.T) {
	t.Parallel()
	m := worked()
	m.Whole = true
	own := Survey(m)
	other := func(change func(w *Workload, m *Map)) Verdict {
		all := m
		all.Nodes, all.Workloads, all.Segments, all.Calls = slices.Clone(m.Nodes), slices.Clone(m.Workloads), slices.Clone(m.Segments), slices.Clone(m.Calls)
		all.Segments = append(all.Segments, Segment{Key: "t", Name: "test"})
		all.Nodes = append(all.Nodes, Node{ID: 50, Slug: "trial", Name: "trial", Kind: KindService, Foreign: true})
		w := Workload{Node: len(all.Nodes) - 1, Segments: []int{len(all.Segments) - 1}, Ingress: Isolation{Complete: true}, Egress: Isolation{Complete: true}, Mesh: Mesh{Member: No}}
		change(&w, &all)
		all.Workloads = append(all.Workloads, w)
		return said(own, Survey(all), "orders", "NET-6", "no_path_in")
	}
	if v := other(func(*Workload, *Map) {}); v.Outcome != Holds {
		t.Errorf("another network meets this one nowhere: %+v", v)
	}
	if v := other(func(w *Workload, _ *Map) { w.Segments = []int{0} }); v.Outcome != Silent {
		t.Errorf("in the same cluster, and not in the mesh: by way of admin it is possible: %+v", v)
	}
	v := other(func(w *Workload, m *Map) {
		m.Calls = append(m.Calls, Call{From: len(m.Nodes) - 1, To: 0, Basis: Observed}, Call{From: len(m.Nodes) - 1, To: 1, Basis: Observed})
	})
	if v.Outcome != Fails || !strings.Contains(v.Observed, "trial → orders") {
		t.Errorf("a call that was seen is a way in, whatever the files say: %+v", v)
	}
	if v := said(own, nil, "orders", "NET-6", "no_path_in"); v.Outcome != Silent {
		t.Errorf("of other environments nothing is known: %+v", v)
	}
}
