package topology

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// town draws a map of n services that call on in five layers, in segments of at most 5,000: a mesh over half of it, every
// tenth service isolated, a twentieth answering anybody.
func town(n, arcs int) Map {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	m := Map{}
	for i := range max(1, n/5000) {
		m.Segments = append(m.Segments, Segment{Key: fmt.Sprint(i), Name: fmt.Sprintf("cluster %d", i), Cluster: true})
	}
	for i := range n {
		segment := i * len(m.Segments) / n
		x := Node{ID: int64(i + 1), Name: fmt.Sprintf("service-%05d", i), Slug: fmt.Sprint(i), Kind: KindService, Tier: 1 + i%3}
		w := Workload{Node: i, Segments: []int{segment}, Namespace: fmt.Sprintf("%d/team-%d", segment, i%20), Account: fmt.Sprint(i)}
		w.Ingress.Complete, w.Egress.Complete = segment == 0, segment == 0
		w.Mesh = Mesh{Member: No}
		if i%2 == 0 {
			w.Mesh = Mesh{Member: Yes, Mode: []Mode{Strict, Permissive}[i%4/2], Complete: true}
		}
		w.Ingress.Isolated = i%10 == 3
		if w.Ingress.Isolated && i%20 == 3 {
			w.Ingress.Namespaces = []string{w.Namespace}
		}
		switch i % 20 {
		case 1:
			x.Application = Anonymous
		case 2, 4, 6, 8:
			x.Application = Refused
		}
		if i%25 == 0 {
			x.Classes = []string{"payment"}
		}
		m.Nodes, m.Workloads = append(m.Nodes, x), append(m.Workloads, w)
	}
	for range arcs {
		from := r.IntN(n)
		to := min(from+1+r.IntN(max(1, n/5)), n-1)
		if from != to {
			m.Calls = append(m.Calls, Call{From: from, To: to, Basis: Declared})
			if w := &m.Workloads[to]; w.Ingress.Isolated {
				w.Ingress.Workloads = append(w.Ingress.Workloads, from)
			}
		}
	}
	for i := range m.Workloads {
		slices.Sort(m.Workloads[i].Ingress.Workloads)
	}
	return m
}

// measure computes the radii and the choke points of everything, and ends as failed above the limit.
func measure(b *testing.B, n, arcs int, limit time.Duration) {
	m := town(n, arcs)
	var a *Atlas
	var c Chokes
	for b.Loop() {
		a = Survey(m)
		a.Radii()
		c = a.Chokes()
	}
	each := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(each)/float64(limit), "of-limit")
	b.ReportMetric(float64(len(a.graph.edges)), "edges")
	b.ReportMetric(float64(c.Tried), "tried")
	if each > limit {
		b.Errorf("took %v, at most %v", each, limit)
	}
	if len(a.graph.edges) > 10*(n+arcs) {
		b.Errorf("%d edges for %d services and %d calls", len(a.graph.edges), n, arcs)
	}
}

func BenchmarkMapOf200(b *testing.B) { measure(b, 200, 1000, 20*time.Millisecond) }

func BenchmarkMapOf2000(b *testing.B) { measure(b, 2000, 10_000, 500*time.Millisecond) }

func BenchmarkMapOf10000(b *testing.B) { measure(b, 10_000, 50_000, 2*time.Second) }

// BenchmarkVerdictsOf10000 judges every service of a big map, as every change of it does: at most a second and a half.
func BenchmarkVerdictsOf10000(b *testing.B) {
	m := town(10_000, 50_000)
	for b.Loop() {
		Survey(m).Verdicts(nil)
	}
	if each := b.Elapsed() / time.Duration(b.N); each > 1500*time.Millisecond {
		b.Errorf("took %v", each)
	}
}
