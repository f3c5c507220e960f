package topology

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/fault"
	"muster/internal/probe"
)

// Wanted is one arc worth trying from inside: what the map draws as closed, which nobody proved, or as unknown.
type Wanted struct {
	From      string   `json:"from"` // services by their names in addresses
	To        string   `json:"to"`
	State     State    `json:"state"` // by the map now
	Addresses []string `json:"addresses"`
}

// WantedFile is what `muster probe --arcs` reads.
type WantedFile struct {
	Environment string   `json:"environment"`
	Segment     string   `json:"segment"`
	Arcs        []Wanted `json:"arcs"`
	Skipped     int      `json:"without_address"` // arcs that cannot be tried, since no file gives an address
}

// mostWanted is how many arcs one file lists.
const mostWanted = 5000

// Wanted lists the arcs inside a segment that are worth trying; from limits them to one caller, -1 does not.
func (a *Atlas) Wanted(segment, from int) WantedFile {
	f := WantedFile{Segment: a.Segments[segment].Key, Arcs: []Wanted{}}
	nodes := a.inside(segment)
	for _, s := range nodes {
		if from >= 0 && s != from {
			continue
		}
		for _, t := range nodes {
			if s == t || len(f.Arcs) >= mostWanted {
				continue
			}
			x := a.Arc(s, t)
			if x.Tested || x.Power != "" || x.State != Closed && x.State != Unproven {
				continue
			}
			addresses := a.addresses(t, segment)
			if len(addresses) == 0 {
				f.Skipped++
				continue
			}
			f.Arcs = append(f.Arcs, Wanted{From: a.Nodes[s].Slug, To: a.Nodes[t].Slug, State: x.State, Addresses: addresses})
		}
	}
	return f
}

// inside lists the nodes with a workload in a segment.
func (a *Atlas) inside(segment int) []int {
	var list []int
	for _, n := range a.real {
		if slices.ContainsFunc(a.places[n], func(p int) bool { return slices.Contains(a.Workloads[p].Segments, segment) }) {
			list = append(list, n)
		}
	}
	return list
}

func (a *Atlas) addresses(n, segment int) []string {
	var list []string
	for _, p := range a.places[n] {
		if w := &a.Workloads[p]; slices.Contains(w.Segments, segment) {
			list = append(list, w.Addresses...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Finding is what a test changed about an arc.
type Finding string

// What tests change, worst first.
const (
	Contradicted Finding = "contradicted" // the files say closed, and it is open
	Learned      Finding = "known"        // it was unknown
	Verified     Finding = "verified"     // the files say closed, and it is
	Unchanged    Finding = "unchanged"    // the files say open, and it is
)

// Tried is what one try means for the map.
type Tried struct {
	Probe    probe.Arc
	From, To int   // nodes
	Service  int64 // the callee
	Before   State
	Finding  Finding
	Words    string
}

// Compare puts the results of a prober beside the map. Arcs between services that the map does not hold come back apart.
func (a *Atlas) Compare(results []probe.Arc) (tried []Tried, strangers []probe.Arc) {
	for _, r := range results {
		from, known := a.Find(r.From)
		to, also := a.Find(r.To)
		if !known || !also || from == to {
			strangers = append(strangers, r)
			continue
		}
		x := a.Arc(from, to)
		t := Tried{Probe: r, From: from, To: to, Service: a.Nodes[to].ID, Before: x.State}
		t.Finding, t.Words = compare(&x, &r, a.Nodes[from].Name, a.Nodes[to].Name)
		tried = append(tried, t)
	}
	return tried, strangers
}

func compare(x *Arc, r *probe.Arc, from, to string) (Finding, string) {
	answered := r.Connected && r.Answer == Anonymous.String()
	refused := r.Connected && r.Answer == Refused.String()
	switch {
	case x.Network == No && r.Connected:
		return Contradicted, fmt.Sprintf("The files say that %s cannot reach %s, and it does: your network plug-in ignores this policy.", from, to)
	case x.State == Closed && answered:
		return Contradicted, fmt.Sprintf("The files say that %s refuses %s, and it answers without credentials.", to, from)
	case x.State == Closed:
		return Verified, fmt.Sprintf("%s does not get through to %s, as the files say.", from, to)
	case x.State == Unproven && answered:
		return Learned, fmt.Sprintf("%s answers %s without credentials.", to, from)
	case x.State == Unproven && refused:
		return Learned, fmt.Sprintf("%s asks %s for credentials.", to, from)
	case x.State == Unproven && r.Connected:
		return Learned, fmt.Sprintf("%s can connect to %s; whether it asks for credentials is still unknown.", from, to)
	case x.State == Unproven:
		return Learned, fmt.Sprintf("%s cannot connect to %s.", from, to)
	case !r.Connected:
		return Contradicted, fmt.Sprintf("%s should be able to call %s, and cannot connect.", from, to)
	}
	return Unchanged, fmt.Sprintf("%s reaches %s, as the files say.", from, to)
}

// ArcReport is what a prober inside a network brought back.
type ArcReport struct {
	Environment string // its name in addresses; "" is production
	SeenFrom    string
	Arcs        []probe.Arc
}

const skew = time.Minute

// RecordArcs stores what a prober tried, and says what that means for the map. It belongs in the transaction that judges
// again afterwards.
func (s *Service) RecordArcs(ctx context.Context, actor access.Actor, r ArcReport) ([]Tried, error) {
	if err := s.access.Require(actor, access.Write, access.Posture); err != nil {
		return nil, err
	}
	var tried []Tried
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		p, err := s.Picture(ctx, actor, r.Environment)
		if err != nil {
			return err
		}
		if err := checkArcs(r.Arcs, s.db.Now(ctx)); err != nil {
			return err
		}
		var strangers []probe.Arc
		if tried, strangers = p.Compare(r.Arcs); len(tried) == 0 {
			return fault.New(fault.Invalid, "None of these %d arcs lies between two services of the %s map.", len(strangers), p.Environment.Name)
		}
		rows := make([]ArcTest, 0, len(tried))
		counts := map[string]int{}
		for _, t := range tried {
			counts[string(t.Finding)]++
			rows = append(rows, ArcTest{EnvironmentID: p.Environment.ID, FromID: p.Nodes[t.From].ID, ToID: p.Nodes[t.To].ID, Address: clip(t.Probe.Address), Connected: t.Probe.Connected, Answer: clip(t.Probe.Answer),
				Observed: clip(t.Probe.Observed), SeenFrom: clip(r.SeenFrom), Expected: string(t.Before), ActorID: actor.UserID, ActorName: actor.Name, At: t.Probe.StartedAt.UTC(), CreatedAt: s.db.Now(ctx)})
		}
		if err := s.insertTests(ctx, rows); err != nil {
			return err
		}
		after := map[string]any{"arcs": len(tried), "not_on_the_map": len(strangers), "seen_from": clip(r.SeenFrom), "findings": counts}
		return s.log.Record(ctx, actor, activity.Change{Action: "map.arcs", Kind: "environment", ID: p.Environment.ID, Name: p.Environment.Name, After: after})
	})
	return tried, err
}

func checkArcs(arcs []probe.Arc, now time.Time) error {
	switch {
	case len(arcs) == 0:
		return fault.New(fault.Invalid, "This report holds no arcs.")
	case len(arcs) > maxTests:
		return fault.New(fault.TooLarge, "A report holds at most %d arcs.", maxTests)
	}
	for _, r := range arcs {
		if r.StartedAt.IsZero() || r.StartedAt.After(now.Add(skew)) {
			return fault.New(fault.Invalid, "The try from %s to %s has no time, or one in the future; check the clock of the prober.", clip(r.From), clip(r.To))
		}
	}
	return nil
}

// clip keeps what a prober wrote short and storable.
func clip(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 300 {
		text = string(runes[:300])
	}
	return text
}
