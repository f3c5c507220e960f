// Package file writes lists of findings as files that other tools read: CSV, JSON, SARIF and OpenVEX. Findings come a
// page at a time and are written as they come.
package file

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"muster/internal/finding"
	"muster/internal/imports/model"
)

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	JSON    Format = "json"
	SARIF   Format = "sarif"
	OpenVEX Format = "openvex"
)

// Formats lists them in the order of choices.
func Formats() []Format { return []Format{CSV, JSON, SARIF, OpenVEX} }

// Name is the format as people say it.
func (f Format) Name() string {
	return map[Format]string{CSV: "CSV", JSON: "JSON", SARIF: "SARIF", OpenVEX: "OpenVEX"}[f]
}

// Known reports whether the word is a format.
func (f Format) Known() bool { return f.Name() != "" }

// Kind is the media type.
func (f Format) Kind() string {
	return map[Format]string{CSV: "text/csv; charset=utf-8", JSON: "application/json", SARIF: "application/sarif+json", OpenVEX: "application/json"}[f]
}

// Ending is how the name of such a file ends.
func (f Format) Ending() string {
	return map[Format]string{CSV: ".csv", JSON: ".json", SARIF: ".sarif", OpenVEX: ".vex.json"}[f]
}

// About is what a file says of itself.
type About struct {
	Workspace string // its name in addresses
	At        time.Time
	Filters   map[string]string // what the list was narrowed to
	Root      string            // the address of the workspace, "" where it is not known
	Service   func(id int64) string
}

// Writer writes one file.
type Writer interface {
	// Add writes some findings.
	Add([]finding.Exported) error
	// End completes the file, and reports whether there was anything to say.
	End() (bool, error)
}

// New makes the writer of a format. Nothing is written before the first finding, or the end.
func New(f Format, w io.Writer, about About) Writer {
	switch f {
	case JSON:
		return &jsonFile{out: out{w: w}, about: about}
	case SARIF:
		return &sarifFile{out: out{w: w}, about: about, rules: map[string]bool{}}
	case OpenVEX:
		return &vexFile{out: out{w: w}, about: about}
	case CSV:
	}
	return newTable(w, about)
}

// out writes a JSON document piece by piece; after the first failure it writes nothing more.
type out struct {
	w   io.Writer
	err error
	n   int // elements of the list that is being written
}

func (o *out) text(format string, args ...any) {
	if o.err == nil {
		_, o.err = fmt.Fprintf(o.w, format, args...)
	}
}

// value writes a value; the encoder makes what is hostile to pages inert.
func (o *out) value(v any) {
	if o.err != nil {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		o.err = fmt.Errorf("write a finding: %w", err)
		return
	}
	_, o.err = o.w.Write(b)
}

// element writes one element of a list, each on a line of its own.
func (o *out) element(v any) {
	if o.n > 0 {
		o.text(",")
	}
	o.n++
	o.text("\n")
	o.value(v)
}

// exported is a finding in our own shape.
func exported(x *finding.Exported, a *About) model.Exported {
	e := model.Exported{
		Number: x.ID, Identity: x.Identity, Title: x.Title, Kind: string(x.Kind), State: string(x.State), Severity: string(x.Severity), Reported: string(x.ReportedSeverity), Priority: x.Priority,
		Vulnerability: x.Vulnerability, Aliases: x.AliasList(), CWEs: x.CWEList(), EPSS: x.EPSS, Exploited: x.Exploited, Package: x.Package, PURL: x.PURL, Version: x.Installed, FixVersion: x.FixVersion,
		Rule: x.Rule, Path: x.Path, Line: x.Line, Endpoint: x.Endpoint, Resource: x.Resource, Places: x.PlaceList(), Description: x.Description, Remediation: x.Remediation, References: x.RefList(),
		PublishedAt: moment(x.PublishedAt), FirstSeen: moment(&x.FirstSeen), OpenedAt: moment(&x.OpenedAt), ReopenedAt: moment(x.ReopenedAt), ReopenCount: x.ReopenCount, FixedAt: moment(x.FixedAt), ClosedAt: moment(x.ClosedAt),
		DueAt: moment(x.DueAt), DueWhy: x.DueWords, Overdue: x.Overdue(a.At), Detected: x.Detected(), DecidedBy: string(x.DecidedLayer), Justification: string(x.Justification), Note: x.Note, DuplicateOf: x.DuplicateOf,
	}
	if x.ServiceID == 0 {
		e.Label = x.Label
	} else {
		e.Service = a.Service(x.ServiceID)
	}
	for _, r := range x.ReasonList() {
		e.Reasons = append(e.Reasons, fmt.Sprintf("%+d %s", r.Points, r.Words))
	}
	for _, r := range x.RatingList() {
		e.CVSS = append(e.CVSS, model.CVSS{Version: r.Version, Vector: r.Vector, Score: r.Score})
	}
	return e
}

func moment(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC()
	return &at
}

// link is the page of a finding.
func (a *About) link(id int64) string {
	if a.Root == "" {
		return ""
	}
	return fmt.Sprintf("%s/findings/%d", strings.TrimSuffix(a.Root, "/"), id)
}

// jsonFile is our own shape: what the list is, its findings, and at the end how many there are.
type jsonFile struct {
	out
	about About
	begun bool
}

func (f *jsonFile) begin() {
	if f.begun {
		return
	}
	f.begun = true
	f.text("{\"muster\":{\"format\":\"findings\",\"version\":1},\n\"workspace\":")
	f.value(f.about.Workspace)
	f.text(",\n\"exported_at\":")
	f.value(f.about.At.UTC())
	f.text(",\n\"filters\":")
	f.value(f.about.Filters)
	f.text(",\n\"findings\":[")
}

func (f *jsonFile) Add(list []finding.Exported) error {
	f.begin()
	for i := range list {
		f.element(exported(&list[i], &f.about))
	}
	return f.err
}

func (f *jsonFile) End() (bool, error) {
	f.begin()
	f.text("\n],\n\"count\":%d}\n", f.n)
	return true, f.err
}
