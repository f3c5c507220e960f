// Package govulncheck reads the JSON of Go's own vulnerability checker.
package govulncheck

import (
	"cmp"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is govulncheck's JSON.
var Format = &report.Format{
	Whole: true,
	ID:    "govulncheck", Name: "govulncheck", Kind: model.KindReport, Versions: "the stream of messages of 1.x (also as a list), and the single object before it",
	Shape: `a stream of "config", "osv" and "finding" messages, or an object with "Vulns"`, Array: true,
	Sniff: func(h *report.Head) bool {
		return h.Any("config.scanner_name", "[].config.scanner_name", "config.protocol_version", "[].config.protocol_version", "finding.osv", "[].finding.osv") ||
			h.Any("Vulns[].OSV", "Calls.Functions", "Imports.Packages") || h.Has("Vulns", "Modules")
	},
	Read: read,
	Becomes: []report.Become{
		{From: "finding messages", To: "one dependency finding per advisory and module, at the deepest level that was found"},
		{From: "osv messages", To: "identifiers, texts and dates of those findings; an advisory without a finding is nothing"},
		{From: "trace[0]", To: "component, version and package; the last frame with a position is the place in the program"},
		{From: "Vulns[] of the old format", To: "one finding per advisory and module, whose occurrences count the symbols"},
	},
	Notes: "The format has no severity. A vulnerable function that is called is high, a package that is imported low, a module that is only required info; severity_source says so.",
}

type advisory struct {
	ID        string   `json:"id"`
	Aliases   []string `json:"aliases"`
	Summary   string   `json:"summary"`
	Details   string   `json:"details"`
	Published string   `json:"published"`
	Affected  []struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
		Ranges []struct {
			Events []struct {
				Fixed string `json:"fixed"`
			} `json:"events"`
		} `json:"ranges"`
	} `json:"affected"`
	References []struct {
		URL string `json:"url"`
	} `json:"references"`
}

type frame struct {
	Module   string `json:"module"`
	Version  string `json:"version"`
	Package  string `json:"package"`
	Function string `json:"function"`
	Receiver string `json:"receiver"`
	Position struct {
		Filename string `json:"filename"`
		Line     int    `json:"line"`
	} `json:"position"`
}

type entry struct {
	OSV          string  `json:"osv"`
	FixedVersion string  `json:"fixed_version"`
	Trace        []frame `json:"trace"`
}

// level is how near a program comes to the vulnerable code.
type level int

const (
	required level = iota
	imported
	called
)

// weakness is what all messages say about one advisory in one module.
type weakness struct {
	entry
	level level
	count int
}

// stream collects the messages, since a deeper finding may come later.
type stream struct {
	advisories map[string]*advisory
	found      map[string]*weakness
	order      []string
	versions   map[string]string // of modules, in the old format
}

func read(r *report.Report) error {
	j := r.JSON()
	s := &stream{advisories: map[string]*advisory{}, found: map[string]*weakness{}, versions: map[string]string{}}
	known, ran := false, false
	err := j.Documents(func() error {
		return j.Object(func(key string) error {
			switch key {
			case "config":
				known = true
			case "progress", "SBOM", "osv", "finding":
				known, ran = true, true
			case "Vulns", "Calls", "Imports", "Requires", "Modules":
				known, ran = true, true
				return s.old(r, j, key)
			}
			return s.message(r, j, key)
		})
	})
	if err != nil {
		return err
	}
	if !known {
		return r.Wrong()
	}
	if !ran {
		r.Incomplete("It ends after the configuration, before anything was scanned.")
	}
	for _, key := range s.order {
		s.add(r, s.found[key])
	}
	s.fillVersions(r.Findings)
	return nil
}

func (s *stream) message(r *report.Report, j *report.JSON, key string) error {
	switch key {
	case "config":
		var c struct {
			Protocol string `json:"protocol_version"`
		}
		err := j.Read(&c)
		r.Version = c.Protocol
		return err
	case "osv":
		a := &advisory{}
		err := j.Read(a)
		s.advisories[a.ID] = a
		return err
	case "finding":
		return report.Row(j, func(e *entry) { s.take(r, e) })
	}
	return nil
}

// take keeps the deepest of the findings of an advisory in a module.
func (s *stream) take(r *report.Report, e *entry) {
	if e.OSV == "" || len(e.Trace) == 0 {
		r.Skip("This finding names no advisory or no module.")
		return
	}
	at := required
	switch first := e.Trace[0]; {
	case first.Function != "":
		at = called
	case first.Package != "":
		at = imported
	}
	key := e.OSV + " " + e.Trace[0].Module
	w := s.found[key]
	if w == nil {
		s.found[key] = &weakness{entry: *e, level: at, count: 1}
		s.order = append(s.order, key)
		return
	}
	switch {
	case at > w.level:
		w.entry, w.level, w.count = *e, at, 1
	case at == w.level:
		w.count++
	}
}

func (s *stream) add(r *report.Report, w *weakness) {
	a := s.advisories[w.OSV]
	if a == nil {
		a = &advisory{ID: w.OSV}
	}
	first := w.Trace[0]
	f := finding(a, first.Module, first.Version, first.Package, w.level)
	f.Component.FixVersion = w.FixedVersion
	f.Occurrences = w.count
	for _, frame := range w.Trace {
		if frame.Position.Filename != "" {
			f.Location = model.Location{Path: frame.Position.Filename, Line: model.Number(frame.Position.Line)}
		}
	}
	symbol := strings.TrimPrefix(first.Receiver+"."+first.Function, ".")
	if w.level == called {
		f.Description = "The program calls " + strings.Trim(first.Package+"."+symbol, ".") + ".\n\n" + f.Description
	}
	r.Add(f)
}

// finding is what both formats have in common.
func finding(a *advisory, module, version, pkg string, at level) model.Finding {
	f := model.Finding{
		Kind: model.FindingDependency, RuleID: a.ID, ToolID: a.ID, Title: cmp.Or(a.Summary, a.ID) + " in " + cmp.Or(pkg, module), Description: cmp.Or(a.Details, a.Summary),
		VulnerabilityIDs: append([]string{a.ID}, a.Aliases...), Component: model.Package{Name: module, Version: version, PURL: report.PURL("Go", module, version)},
		Location: model.Location{Path: pkg}, PublishedAt: report.Time(a.Published),
	}
	for _, ref := range a.References {
		f.References = append(f.References, ref.URL)
	}
	switch at {
	case called:
		f.Severity, f.SeveritySource, f.ToolSeverity = model.SeverityHigh, "default: the program calls the vulnerable code", "symbol"
	case imported:
		f.Severity, f.SeveritySource, f.ToolSeverity = model.SeverityLow, "default: the vulnerable package is imported, its vulnerable code not called", "package"
	default:
		f.Severity, f.SeveritySource, f.ToolSeverity = model.SeverityInfo, "default: the vulnerable module is required, its vulnerable package not imported", "module"
	}
	return f
}
