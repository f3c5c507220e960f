package posture

import (
	"cmp"
	"math"
	"slices"
	"time"

	"muster/internal/control"
)

// Formula is the version of the arithmetic below. A change of it gets a new number, so that old scores stay explained.
const Formula = 1

// Term is one line of a score: what a person with a calculator adds up.
type Term struct {
	Control string       `json:"control"`
	Weight  int          `json:"weight"`
	State   control.Word `json:"state"`
	Value   float64      `json:"value"`
	Known   bool         `json:"known"` // in-date evidence, for or against
	Scored  bool         `json:"scored"`
}

// Cap is an upper limit of a score, and why it holds.
type Cap struct {
	ID    string  `json:"id"`
	Limit float64 `json:"limit"`
	Words string  `json:"words"`
}

// Result is a score with everything that made it.
type Result struct {
	Judged   bool    `json:"judged"`   // there is something to judge
	Raw      float64 `json:"raw"`      // before caps
	Score    float64 `json:"score"`    // after caps
	Coverage float64 `json:"coverage"` // share of weight with in-date evidence, 0 to 1
	Passing  float64 `json:"passing"`  // of what is known, the share of weight that holds
	Points   float64 `json:"points"`   // Σ weight × value
	Weight   float64 `json:"weight"`   // Σ weight
	Caps     []Cap   `json:"caps,omitempty"`
}

// rateFrom is the coverage below which a grade would be a guess.
const rateFrom = 0.4

// Rated reports whether enough is known for a grade.
func (r *Result) Rated() bool { return r.Judged && r.Coverage >= rateFrom }

// scoreOf adds up terms and applies the caps. What does not apply, is off or is new does not count.
func scoreOf(terms []Term, caps []Cap) Result {
	var r Result
	known, passing := 0.0, 0.0
	for _, t := range terms {
		if !t.Scored || t.State == control.NotApplicable {
			continue
		}
		w := float64(t.Weight)
		r.Weight += w
		r.Points += w * t.Value
		if t.Known {
			known += w
			if t.State != control.Failing {
				passing += w
			}
		}
	}
	if r.Weight == 0 {
		return r
	}
	r.Judged, r.Raw, r.Coverage = true, 100*r.Points/r.Weight, known/r.Weight
	if known > 0 {
		r.Passing = passing / known
	}
	r.Score = r.Raw
	for _, c := range caps {
		r.Score = min(r.Score, c.Limit)
	}
	r.Caps = caps
	return r
}

// The caps of a service, by the failing evidence that brings them.
var (
	capNotLooked      = Cap{"not_looked", 79, "nobody looked for vulnerabilities lately; nobody is rated B without looking"}
	capExploited      = Cap{"known_exploited", 69, "a vulnerability that is known to be exploited is on a public service"}
	capOverdueHigh    = Cap{"overdue_high", 69, "a high finding is overdue"}
	capOverdueExtreme = Cap{"overdue_critical", 39, "a critical or known-exploited finding is overdue"}
)

// capsOf names the limits that hold for a service. They look at what was found, not at what was accepted.
func capsOf(states map[string]*cell, public bool, at time.Time) []Cap {
	var caps []Cap
	overdue := states["PAT-3"]
	if overdue.fails("no_overdue_critical") {
		caps = append(caps, capOverdueExtreme)
	}
	if overdue.fails("no_overdue_high") {
		caps = append(caps, capOverdueHigh)
	}
	if public && states["PAT-2"].fails("") {
		caps = append(caps, capExploited)
	}
	if !states["PAT-6"].looked(at) && !states["PAT-2"].looked(at) && !overdue.looked(at) {
		caps = append(caps, capNotLooked)
	}
	return caps
}

// tierWeight is how much a service counts in the workspace's score.
func tierWeight(tier int) float64 {
	switch tier {
	case 1:
		return 4
	case 3:
		return 1
	}
	return 2
}

// TierWeight is how much a service of a tier counts in the workspace's score.
func TierWeight(tier int) float64 { return tierWeight(tier) }

// ServiceScore is a service as the workspace's score sees it.
type ServiceScore struct {
	ID     int64
	Name   string
	Tier   int
	Result Result
}

// The shares of the workspace's score.
const (
	servicesShare   = 0.8
	governanceShare = 0.2
)

// workspaceScore joins services and governance. governance are the terms of the workspace's own controls.
func workspaceScore(services []ServiceScore, governance []Term) Result {
	var r Result
	gov := scoreOf(governance, nil)
	sum, weight, known, passing := 0.0, 0.0, 0.0, 0.0
	capped39, capped69 := false, false
	for i := range services {
		s := &services[i]
		if !s.Result.Judged {
			continue
		}
		w := tierWeight(s.Tier)
		weight += w
		sum += w * s.Result.Score
		known += w * s.Result.Coverage
		passing += w * s.Result.Coverage * s.Result.Passing
		for _, c := range s.Result.Caps {
			capped39 = capped39 || (s.Tier == 1 && c.Limit == 39)
			capped69 = capped69 || (s.Tier == 1 && c.Limit == 69)
		}
	}
	if weight == 0 {
		return r
	}
	r.Judged = true
	r.Raw = servicesShare*sum/weight + governanceShare*gov.Score
	r.Coverage = servicesShare*known/weight + governanceShare*gov.Coverage
	if r.Coverage > 0 {
		r.Passing = (servicesShare*passing/weight + governanceShare*gov.Coverage*gov.Passing) / r.Coverage
	}
	r.Points, r.Weight = sum, weight
	if capped39 {
		r.Caps = append(r.Caps, capTier1Extreme)
	}
	if capped69 {
		r.Caps = append(r.Caps, capTier1High)
	}
	r.Score = r.Raw
	for _, c := range r.Caps {
		r.Score = min(r.Score, c.Limit)
	}
	return r
}

// Grade is the letter of an unrounded score.
func Grade(score float64) string {
	for _, g := range []struct {
		letter string
		from   float64
	}{{"A", 90}, {"B", 80}, {"C", 70}, {"D", 60}, {"E", 40}} {
		if score >= g.from {
			return g.letter
		}
	}
	return "F"
}

// Shown is a score as a whole number: rounded down, so that nothing looks better than it is.
func Shown(score float64) int { return int(math.Floor(score)) }

// sortServices gives sums one order, so that the same services always give the same last digit.
func sortServices(list []ServiceScore) {
	slices.SortFunc(list, func(a, b ServiceScore) int { return cmp.Compare(a.ID, b.ID) })
}
