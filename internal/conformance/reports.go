package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muster/internal/imports"
	"muster/internal/imports/model"
)

// The figures of the report importers, in percent.
const (
	wantCounts    = 98.0
	wantFacts     = 97.0
	wantDetection = 98.0
	wantBroken    = 100.0
)

// expectedReport is the known answers of one report.
type expectedReport struct {
	File, Format, Class string
	Size                int
	Accept              *struct{ Open, Total []int }
	Neutral             struct {
		Actionable int
	}
	Facts    []fact
	UploadAs string `json:"upload_as"`
	Expected string
}

// tally is the scores of one format.
type tally map[string]*score

func (t tally) note(kind string, want float64, agrees bool, format string, args ...any) {
	scores(t).note(kind, want, agrees, format, args...)
}

// scoreReports scores every format that Muster reads, and names those that it does not read yet.
func scoreReports(w io.Writer, folder string, s scores) error {
	formats, err := filepath.Glob(filepath.Join(folder, "scans", "*", "manifest.json"))
	if err != nil {
		return err
	}
	var unread []string
	for _, path := range formats {
		name := filepath.Base(filepath.Dir(path))
		if strings.HasPrefix(name, "_") {
			continue
		}
		if !slices.Contains(imports.Formats(), name) {
			unread = append(unread, name)
			continue
		}
		rows, err := manifest(path)
		if err != nil {
			return err
		}
		t := tally{}
		for _, row := range rows {
			scoreReport(filepath.Dir(path), name, row, t)
		}
		t.print(w, name, s)
	}
	if len(unread) > 0 {
		fmt.Fprintf(w, "not read: %s\n", strings.Join(unread, ", "))
	}
	return scoreBroken(folder, s)
}

func manifest(path string) ([]expectedReport, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	var answers struct{ Rows []expectedReport }
	if err := json.Unmarshal(data, &answers); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return answers.Rows, nil
}

// print writes one line for a format, and adds its scores to those of all.
func (t tally) print(w io.Writer, name string, s scores) {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(t)) {
		c := t[kind]
		parts = append(parts, fmt.Sprintf("%s %d/%d", strings.TrimPrefix(kind, "report "), c.right, c.all))
		all := s[kind]
		if all == nil {
			all = &score{want: c.want}
			s[kind] = all
		}
		all.right, all.all = all.right+c.right, all.all+c.all
		for _, d := range c.disagreement {
			all.disagreement = append(all.disagreement, name+": "+d)
		}
	}
	fmt.Fprintf(w, "%-28s %s\n", name, strings.Join(parts, ", "))
}

func inspectReport(path, format string) (*model.Inspection, error) {
	gathered, err := imports.Gather([]string{path})
	if err != nil {
		return nil, err
	}
	return imports.Inspect(gathered.Files, imports.Options{Explicit: gathered.Explicit, Format: format})
}

func scoreReport(dir, format string, row expectedReport, t tally) {
	path := filepath.Join(dir, row.File)
	found, err := inspectReport(path, format)
	if row.Class == "malformed" {
		t.note("report broken files", wantBroken, err != nil, "%s was read", row.File)
		return
	}
	if auto, err := inspectReport(path, ""); row.Size > len("[\n\n]\n\n\n") { // less says nothing
		t.note("report detection", wantDetection, err == nil && len(auto.Inputs) == 1 && auto.Inputs[0].Format == format, "%s: %v %v", row.File, auto, err)
	}
	if row.Accept == nil || row.Size == 0 && err != nil && strings.Contains(err.Error(), "It is empty") { // which the contract demands
		return
	}
	if err != nil {
		t.note("report counts", wantCounts, false, "%s: %v", row.File, err)
		for range facts(row) {
			t.note("report facts", wantFacts, false, "%s was not read", row.File)
		}
		return
	}
	open, total, occurrences := count(found.Findings)
	good := slices.Contains(row.Accept.Open, open) && slices.Contains(row.Accept.Total, total) || occurrences == row.Neutral.Actionable
	t.note("report counts", wantCounts, good, "%s: %d open of %d, %d occurrences; want %v of %v, %d", row.File, open, total, occurrences, row.Accept.Open, row.Accept.Total, row.Neutral.Actionable)
	for _, f := range facts(row) {
		agrees, got := f.holds(found.Findings)
		t.note("report facts", wantFacts, agrees, "%s: %s %s %v, got %v (%s %v)", row.File, f.Expr, f.Op, f.Expected, got, f.Finding.Title, f.Finding.Rule)
	}
}

// facts are those that stand in the file or follow from it; what the peer merely chose is not asked.
func facts(row expectedReport) []fact {
	return slices.DeleteFunc(slices.Clone(row.Facts), func(f fact) bool { return f.Kind != "neutral" && f.Kind != "mapped" })
}

func count(findings []model.Finding) (open, total, occurrences int) {
	for _, f := range findings {
		if f.Status == model.StatusOpen {
			open++
			occurrences += f.Occurrences
		}
	}
	return open, len(findings), occurrences
}

// scoreBroken reads each broken file as what it was uploaded as, and as what it seems to be.
func scoreBroken(folder string, s scores) error {
	rows, err := manifest(filepath.Join(folder, "scans", "_malformed", "manifest.json"))
	if err != nil {
		return err
	}
	for _, row := range rows {
		if strings.HasPrefix(row.Expected, "imported") {
			continue // a good file of another format
		}
		path := filepath.Join(folder, "scans", "_malformed", row.File)
		if slices.Contains(imports.Formats(), row.UploadAs) {
			_, err := inspectReport(path, row.UploadAs)
			good := err != nil || row.File == "json_null.json" && row.UploadAs == "trivy"
			s.note("report broken files", wantBroken, good, "%s was read as %s", row.File, row.UploadAs)
		}
		found, err := inspectReport(path, "")
		good := err != nil || strings.Contains(row.Expected, "auto-detected as "+found.Inputs[0].Format)
		s.note("report broken files", wantBroken, good, "%s was read", row.File)
	}
	return nil
}
