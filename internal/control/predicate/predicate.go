// Package predicate turns what files say into evidence: one pure judgement per control, clause and workload, with the file and line that show it.
package predicate

import (
	"fmt"
	"strings"
	"time"

	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/imports/model"
)

// Set is one import as far as evidence needs it.
type Set struct {
	Inspection         *model.Inspection
	Spoken             func(*model.Service) bool   // whether these files speak about it (a part of a system is silent about the rest)
	ServiceOf          func(workload string) int64 // the service of a workload; 0 is nobody's
	DocumentOf         func(document string) int64 // the service of an API document; 0 is nobody's
	WorkloadPart       func(*model.Service) string // how the inventory names the workload
	Source             int64
	Import             int64
	Environment        int64
	CompleteNamespaces bool // the files hold every network policy of their namespaces
	At                 time.Time
}

// seen is the answer of one check. The zero value says nothing.
type seen struct {
	outcome  evidence.Outcome
	observed string
	at       string // "path:line"
}

var silent = seen{outcome: evidence.Silent}

func pass(at, format string, args ...any) seen {
	return seen{evidence.Pass, fmt.Sprintf(format, args...), at}
}

func fail(at, format string, args ...any) seen {
	return seen{evidence.Fail, fmt.Sprintf(format, args...), at}
}

// check judges one clause of one control on a workload.
type check struct {
	control, clause string
	kind            catalogue.SourceKind
	expected        string
	judge           func(*subject) seen
}

// subject is a workload and what surrounds it.
type subject struct {
	*model.Service
	set   *Set
	calls []model.Dependency // to others
}

func (s *subject) kubernetes() bool { return s.WorkloadKind != "Compose service" }

// member reports whether the workload is known to be in a mesh: outside, the objects of the mesh mean nothing.
func (s *subject) member() bool { return s.Mesh == model.Yes }

// Evidence judges everything that the files speak about.
func Evidence(set *Set) []evidence.Evidence {
	calls := map[string][]model.Dependency{}
	for _, d := range set.Inspection.Dependencies {
		if d.Kind == "call" && (d.Basis == "declared" || d.Basis == "observed") {
			calls[d.From] = append(calls[d.From], d)
		}
	}
	var rows []evidence.Evidence
	for i := range set.Inspection.Services {
		s := &subject{Service: &set.Inspection.Services[i], set: set, calls: calls[set.Inspection.Services[i].Name]}
		id := set.ServiceOf(s.Name)
		if id == 0 || !set.Spoken(s.Service) {
			continue
		}
		part := evidence.PartOf(catalogue.Workload, set.WorkloadPart(s.Service))
		for _, c := range checks {
			answer := c.judge(s)
			rows = append(rows, set.row(id, c, part, answer))
		}
		rows = append(rows, endpoints(set, id, s)...)
	}
	return append(rows, documents(set)...)
}

func (set *Set) row(service int64, c check, part string, a seen) evidence.Evidence {
	path, line := model.SplitAt(a.at)
	e := evidence.Evidence{ServiceID: service, EnvironmentID: set.Environment, Control: c.control, Clause: c.clause, Part: part, Kind: c.kind, Source: fmt.Sprintf("%s:%d", c.kind, set.Source),
		Outcome: a.outcome, Observed: a.observed, Path: path, Line: line, ImportID: set.Import, ObservedAt: set.At}
	if a.outcome != evidence.Silent {
		e.Expected = c.expected
	}
	return e
}

// each judges every long-running container: the first that fails decides, then the first that says nothing.
func (s *subject) each(f func(model.Container) seen) seen {
	last := silent
	for _, c := range s.Containers {
		if c.Init {
			continue
		}
		answer := f(c)
		if answer.outcome == evidence.Fail {
			return answer
		}
		if answer.outcome == evidence.Silent {
			last = answer
			// A later container may still fail.
			for _, rest := range s.Containers {
				if !rest.Init && f(rest).outcome == evidence.Fail {
					return f(rest)
				}
			}
			return last
		}
		last = answer
	}
	return last
}

func join(words []string) string {
	const most = 6
	if len(words) > most {
		return strings.Join(words[:most], ", ") + fmt.Sprintf(" and %d more", len(words)-most)
	}
	return strings.Join(words, ", ")
}
