package scan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/probe"
)

// here is the name of the place where the server itself stands.
const here = "muster"

// Seen is a visit of one place, and where the visitor stood.
type Seen struct {
	Place Place
	From  string // "" is the server itself
	Visit probe.Target
}

// source names who speaks: two visitors that stand at different places may see different things, and neither's silence
// takes back what the other saw.
func source(from string) string {
	if from == "" {
		from = here
	}
	return "probe:" + from
}

// witness turns what was seen of one service into evidence: the worst answer of each clause on each part. An answer
// that is not conclusive is no evidence.
func witness(find evidence.Find, operations []string, workloads []string, seen []Seen) []evidence.Evidence {
	type key struct {
		control, clause, part, source string
		service                       int64
	}
	rows, order := map[key]evidence.Evidence{}, []key{}
	for i := range seen {
		s := &seen[i]
		hash := hashOf(&s.Visit)
		for _, c := range s.Visit.Checks {
			e, ok := row(find, s, &c, operations, workloads)
			if !ok {
				continue
			}
			e.ArtefactHash = hash
			k := key{e.Control, e.Clause, e.Part, e.Source, e.ServiceID}
			old, known := rows[k]
			switch {
			case !known:
				order = append(order, k)
				rows[k] = e
			case old.Outcome == evidence.Pass && (e.Outcome == evidence.Fail || sooner(e.GoodUntil, old.GoodUntil)):
				rows[k] = e
			}
		}
	}
	list := make([]evidence.Evidence, 0, len(order))
	for _, k := range order {
		list = append(list, rows[k])
	}
	return list
}

func sooner(a, b *time.Time) bool { return a != nil && (b == nil || a.Before(*b)) }

// row is the evidence of one check, if it is any.
func row(find evidence.Find, s *Seen, c *probe.Check, operations, workloads []string) (evidence.Evidence, bool) {
	known, found := find(c.Control)
	if !found {
		return evidence.Evidence{}, false
	}
	clause, found := known.Clause(c.Clause)
	outcome := map[probe.Outcome]evidence.Outcome{probe.Pass: evidence.Pass, probe.Fail: evidence.Fail}[c.Outcome]
	may := (outcome == evidence.Pass && known.Proves(catalogue.Probe, c.Clause)) || (outcome == evidence.Fail && known.Refutes(catalogue.Probe, c.Clause))
	if !found || !may {
		return evidence.Evidence{}, false
	}
	part := partOf(clause.Part, s, c, operations, workloads)
	e := evidence.Evidence{ServiceID: s.Place.ServiceID, EnvironmentID: s.Place.EnvironmentID, Control: c.Control, Clause: c.Clause, Part: part, Kind: catalogue.Probe, Source: source(s.From),
		Outcome: outcome, Observed: clip(c.Observed), Expected: clip(c.Expected), Note: clip(c.Detail), Path: clip(s.Visit.Target), ObservedAt: s.Visit.StartedAt, GoodUntil: c.GoodUntil}
	if outcome == evidence.Fail {
		e.GoodUntil = nil
	}
	if known.Subject == catalogue.Workspace {
		e.ServiceID, e.EnvironmentID = 0, 0
	}
	return e, true
}

// partOf names what a check speaks about, in the inventory's words. What it cannot name there is said of the endpoint: a
// failure counts there, and a pass ends such a failure without showing that the rest holds.
func partOf(kind catalogue.Part, s *Seen, c *probe.Check, operations, workloads []string) string {
	name, isOperation := strings.CutPrefix(c.Part, string(catalogue.Operation)+":")
	switch {
	case kind == catalogue.Whole:
		return ""
	case kind == catalogue.Operation && isOperation && slices.Contains(operations, name):
		return c.Part
	case kind == catalogue.Workload && len(workloads) == 1:
		return evidence.PartOf(kind, workloads[0])
	}
	return evidence.PartOf(catalogue.Endpoint, s.Place.Address)
}

// maxWords is how much of a sentence from outside is kept.
const maxWords = 600

// clip bounds words that may come from a stranger, and drops what is not print.
func clip(words string) string {
	words = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, words)
	if utf8.RuneCountInString(words) > maxWords {
		words = string([]rune(words)[:maxWords-1]) + "…"
	}
	return strings.TrimSpace(words)
}

// hashOf is the SHA-256 of what the visitor reported, so that a report kept elsewhere can be told to be the same.
func hashOf(v *probe.Target) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // a report is plain values; one that cannot be written has no hash
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// tally counts what visits saw, for people.
func tally(seen []Seen) (passed, failed int) {
	for i := range seen {
		for _, c := range seen[i].Visit.Checks {
			switch c.Outcome {
			case probe.Pass:
				passed++
			case probe.Fail:
				failed++
			case probe.Unknown, probe.NotApplicable:
			}
		}
	}
	return passed, failed
}

// seenFrom is how a place is named to people.
func seenFrom(from string) string {
	if from == "" || from == here {
		return "from here"
	}
	return fmt.Sprintf("from %s", from)
}
