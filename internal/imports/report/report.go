// Package report is the toolbox of the importers of scanner reports: it reads JSON, XML and CSV within limits, brings
// severities, identifiers and times to one form, and keeps what one bad row says from costing the rest of the file.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/internal/imports/model"
)

// The limits of one report.
const (
	maxDepth      = 200       // of XML; JSON stops at 10,000 by its decoder
	maxTokens     = 20 << 20  // of XML
	maxRows       = 1_000_000 // of CSV
	maxBroken     = 10_000    // lines of a stream
	maxProblems   = 100       // shown for one file; the rest is counted
	maxEndpoints  = model.MaxEndpoints
	maxReferences = model.MaxReferences
	maxIDs        = 200
	maxTitle      = 300
	maxText       = 8 << 10
	maxSource     = 500
	maxName       = 2 << 10
)

// Format is one kind of report: how it is recognised, what is read of it, and what becomes of that.
type Format struct {
	ID       string // as --format names it
	Name     string
	Versions string // for the documentation
	Kind     model.Kind
	Sniff    func(*Head) bool
	Read     func(*Report) error
	Shape    string   // what its top level is, to say what is missing: `an object with "runs"`
	Null     bool     // the tool writes a bare null when it found nothing
	Array    bool     // its top level is a list, so that [] holds nothing
	Lines    bool     // one object per line, so that a file with no line holds nothing
	Whole    bool     // its findings are only known when the whole file was read
	Becomes  []Become // for the documentation
	Notes    string   // for the documentation
}

// Become is one line of the documentation: what stands in the report, and what it becomes.
type Become struct{ From, To string }

// Report is one file while it is read, and what was found in it so far.
type Report struct {
	File       model.File
	Format     *Format
	Kind       model.Kind // the importer may learn that it is another one
	Version    string     // of the format
	Tool       string     // what wrote it
	Note       string
	Made       *time.Time // when, as it says itself
	Partial    bool       // the report does not cover all that was scanned, as it says or shows itself
	Findings   []model.Finding
	Components []model.Component
	Problems   []model.Problem
	Default    string         // why a finding without severity gets medium; "" for the usual reason
	Base       model.Severity // the severity of a finding that has none; "" is medium

	each    func(model.Finding) error // takes the findings one by one; nil collects them
	failed  error                     // of each
	at      string                    // the row that is being read
	rows    int
	added   int
	skipped int
	hidden  int // problems beyond the limit
	seen    map[model.RowKey]int
}

// Read reads a file as this format. Everything that is wrong with the whole file is a *model.Error.
func Read(f *Format, file model.File) (*Report, error) { return Stream(f, file, nil) }

// Stream does as Read, but hands the findings to each as they are read instead of collecting them. Rows that say the
// same come one by one, with the same Row.
func Stream(f *Format, file model.File, each func(model.Finding) error) (*Report, error) {
	r := &Report{File: file, Format: f, Kind: f.Kind, Tool: f.Name, seen: map[model.RowKey]int{}}
	if !f.Whole {
		r.each = each
	}
	if done, err := r.nothing(); done || err != nil {
		return r, err
	}
	if err := f.Read(r); err != nil {
		return nil, r.failure(err)
	}
	if f.Whole && each != nil {
		for i := range r.Findings {
			r.failed = cmp.Or(r.failed, each(r.Findings[i]))
		}
		r.Findings = nil
	}
	if r.failed != nil {
		return nil, r.failed
	}
	if r.rows > 0 && r.skipped == r.rows {
		return nil, model.Fail(file.Path, 0, "None of its %d rows is a row of a %s report. The first: %s", r.rows, f.Name, r.Problems[0].Message)
	}
	if r.hidden > 0 {
		r.Problems = append(r.Problems, model.Problem{Path: file.Path, Message: fmt.Sprintf("There are %d more problems of this kind.", r.hidden)})
	}
	return r, nil
}

// nothing recognises what holds no report: it is an error, but for the marks by which some tools say that they found nothing.
func (r *Report) nothing() (bool, error) {
	switch text := strings.TrimSpace(string(r.File.Data[:min(len(r.File.Data), 4<<10)])); {
	case text == "" && len(r.File.Data) <= 4<<10:
		if r.Format.Lines {
			r.Note = "It is empty: the tool found nothing, or did not run to its end."
			return true, nil
		}
		return true, model.Fail(r.File.Path, 0, "It is empty. A %s report is %s, even when nothing was found.", r.Format.Name, r.Format.Shape)
	case text == "null" && r.Format.Null:
		return true, nil
	}
	return false, nil
}

// Wrong is the error of a file whose top level is not that of its format.
func (r *Report) Wrong() error {
	return model.Fail(r.File.Path, 0, "This is not a %s report: that is %s.", r.Format.Name, r.Format.Shape)
}

// Line begins a row that stands at a line of the file.
func (r *Report) Line(n int) { r.at = "line " + strconv.Itoa(n) }

// At is the place of the row that is being read.
func (r *Report) At() string { return r.at }

// Count counts a row that the importer reads as part of another value.
func (r *Report) Count() { r.rows++ }

// Skip says that a row was left out.
func (r *Report) Skip(format string, args ...any) {
	r.skipped++
	r.Problem(format, args...)
}

// Problem says what a person should know of the file.
func (r *Report) Problem(format string, args ...any) {
	if len(r.Problems) >= maxProblems {
		r.hidden++
		return
	}
	r.Problems = append(r.Problems, model.Problem{Path: r.File.Path, At: r.at, Message: Clip(fmt.Sprintf(format, args...), maxSource)})
}

// Incomplete says of the whole file that it does not cover all that was scanned.
func (r *Report) Incomplete(format string, args ...any) {
	r.Partial, r.at = true, ""
	r.Problem(format, args...)
}

// Inspection is what the file holds, in the form that all importers give.
func (r *Report) Inspection() *model.Inspection {
	out := model.New()
	out.Inputs = append(out.Inputs, model.Input{Path: r.File.Path, Format: r.Format.ID, Version: Clip(r.Version, 60), Kind: r.Kind, Note: r.Note, Tool: Clip(r.Tool, 100), Partial: r.Partial, Made: r.Made})
	if r.Findings != nil {
		out.Findings = r.Findings
	}
	if r.Components != nil {
		out.Components = r.Components
	}
	out.Problems = append(out.Problems, r.Problems...)
	return out
}

// Add takes a finding: it is brought to the form of all findings, and joined with an earlier row that says the same.
func (r *Report) Add(f model.Finding) { r.AddBy("", f) }

// AddBy does as Add, and joins findings by a key of the importer's own instead of by all that they say: their
// endpoints, references and identifiers are put together. The key "" is that of Add.
func (r *Report) AddBy(join string, f model.Finding) {
	r.finish(&f)
	if r.each != nil {
		r.added++
		f.Row = rowKey(&f, join)
		if r.failed == nil {
			r.failed = r.each(f)
		}
		return
	}
	k := rowKey(&f, join)
	if i, ok := r.seen[k]; ok {
		r.Findings[i].Merge(&f)
		return
	}
	r.seen[k] = len(r.Findings)
	if len(r.Findings) == cap(r.Findings) {
		r.Findings = slices.Grow(r.Findings, max(64, len(r.Findings))) // findings are large, and copying them is slow
	}
	r.Findings = append(r.Findings, f)
	r.added++
}

// Found reports whether a finding was read.
func (r *Report) Found() bool { return r.added > 0 }

// Empty reports whether nothing was found.
func (r *Report) Empty() bool { return r.added+len(r.Components) == 0 }

// AddComponent takes a package of an inventory.
func (r *Report) AddComponent(c model.Component) {
	c.Input = r.File.Path
	if c.At == "" {
		c.At = r.at
	}
	c.Name, c.Version, c.PURL = Clip(c.Name, maxName), Clip(c.Version, maxSource), Clip(c.PURL, maxName)
	if c.Ecosystem == "" {
		c.Ecosystem = Ecosystem(c.PURL)
	}
	if c.Licenses == nil {
		c.Licenses = []string{}
	}
	if c.Name != "" {
		r.Components = append(r.Components, c)
	}
}

// unique keeps the first of equal texts, without empty ones.
func unique(list []string, most int) []string {
	out := []string{}
	for _, s := range list {
		if s != "" && len(out) < most && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
