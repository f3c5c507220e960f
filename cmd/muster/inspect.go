package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"muster/internal/imports"
	"muster/internal/imports/model"
)

type inspectCmd struct {
	Paths  []string `arg:"" name:"path" help:"Files, folders and zip archives; together they are one import."`
	Format string   `help:"Take every file as this format: kubernetes, compose, openapi, or that of a report (docs/imports.md lists them)." placeholder:"F"`
	JSON   bool     `name:"json" help:"Print one JSON document."`
}

// Run reads the files and prints what they say.
func (c inspectCmd) Run(o output) error {
	found, err := inspect(c.Paths, c.Format, nil)
	if err != nil {
		return err
	}
	if c.JSON {
		return printLists(o.out, found)
	}
	return printInspection(o.out, found)
}

// inspect reads files. each takes the findings, where they shall not be collected.
func inspect(paths []string, format string, each func(model.Finding) error) (*model.Inspection, error) {
	gathered, err := imports.Gather(paths)
	if err != nil {
		return nil, err
	}
	found, err := imports.Inspect(gathered.Files, imports.Options{Format: format, Explicit: gathered.Explicit, Finding: each})
	if err != nil {
		return nil, err
	}
	found.Problems = append(found.Problems, gathered.Problems...)
	return found, nil
}

// printLists prints what printJSON would, element by element: a large report is not held a second time as text.
func printLists(out io.Writer, found *model.Inspection) error {
	w := bufio.NewWriter(out)
	v := reflect.ValueOf(found).Elem()
	fmt.Fprint(w, "{")
	for i := range v.NumField() {
		if i > 0 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, "\n  %q: [", v.Type().Field(i).Tag.Get("json"))
		if err := printList(w, v.Field(i)); err != nil {
			return err
		}
	}
	fmt.Fprint(w, "\n}\n")
	return w.Flush()
}

func printList(w io.Writer, list reflect.Value) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("    ", "  ")
	e.SetEscapeHTML(false)
	for i := range list.Len() {
		text.Reset()
		if err := e.Encode(list.Index(i).Addr().Interface()); err != nil {
			return err
		}
		mark := "\n    "
		if i > 0 {
			mark = ",\n    "
		}
		fmt.Fprintf(w, "%s%s", mark, bytes.TrimRight(text.Bytes(), "\n"))
	}
	if list.Len() > 0 {
		fmt.Fprint(w, "\n  ")
	}
	_, err := io.WriteString(w, "]")
	return err
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// mostShown is how many findings are listed for people; --json has all.
const mostShown = 200

// printFindings lists the open findings of reports, and counts what is closed.
func printFindings(w io.Writer, found *model.Inspection) {
	if n := len(found.Components); n > 0 {
		fmt.Fprintf(w, "\n%d components\n", n)
	}
	open := slices.DeleteFunc(slices.Clone(found.Findings), func(f model.Finding) bool { return f.Status != model.StatusOpen })
	if len(open) > 0 {
		fmt.Fprint(w, "\nSEVERITY\tKIND\tTOOL\tFINDING\tWHERE\n")
	}
	for _, f := range open[:min(len(open), mostShown)] {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Severity, f.Kind, f.Tool, f.Title, where(f))
	}
	if n := len(open) - mostShown; n > 0 {
		fmt.Fprintf(w, "and %d more; --json has all\n", n)
	}
	if n := len(found.Findings) - len(open); n > 0 {
		fmt.Fprintf(w, "\n%d findings that the reports themselves call closed\n", n)
	}
}

// where is the place of a finding in few words.
func where(f model.Finding) string {
	switch {
	case f.Component.Name != "":
		return strings.TrimSpace(f.Component.Name + " " + f.Component.Version)
	case len(f.Endpoints) > 0:
		return f.Endpoints[0].URL
	case f.Location.Path != "" && f.Location.Line > 0:
		return fmt.Sprintf("%s:%d", f.Location.Path, f.Location.Line)
	case f.Location.Path != "":
		return f.Location.Path
	}
	return f.Resource
}

// printInspection prints for people: what was read, what runs, who calls whom, and what is not known.
func printInspection(out io.Writer, found *model.Inspection) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, in := range found.Inputs {
		fmt.Fprintf(w, "%s\t%s\t%s\n", in.Path, strings.TrimSpace(in.Format+" "+in.Version), in.Note)
	}
	if len(found.Services) > 0 {
		fmt.Fprint(w, "\nSERVICE\tKIND\tEXPOSED\tMTLS\tRUNS AS ROOT\tIMAGE\tAT\n")
	}
	for _, s := range found.Services {
		exposed := "no evidence"
		if s.Exposed {
			exposed = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, strings.ToLower(s.WorkloadKind), exposed, strings.ReplaceAll(string(s.MTLS), "_", " "), s.RunsAsRoot, s.ImagePin, s.At)
	}
	if len(found.Dependencies) > 0 {
		fmt.Fprint(w, "\nCALLER\tCALLS\tBASIS\tTRANSPORT\tAUTHORIZATION\tAT\n")
	}
	for _, d := range found.Dependencies {
		at := ""
		if len(d.Evidence) > 0 {
			at = d.Evidence[0].At
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.From, d.To, d.Basis, d.Transport, strings.ReplaceAll(d.Authorization, "_", " "), at)
	}
	if len(found.Unresolved) > 0 {
		fmt.Fprint(w, "\nUNRESOLVED\tNAMED BY\tAT\n")
	}
	for _, u := range found.Unresolved {
		fmt.Fprintf(w, "%s\t%s\t%s\n", u.Host, u.From, u.At)
	}
	if n := len(found.Operations); n > 0 {
		open := 0
		for _, op := range found.Operations {
			if op.Security != "required" {
				open++
			}
		}
		fmt.Fprintf(w, "\n%d operations, %d callable without credentials by their documents\n", n, open)
	}
	printFindings(w, found)
	for i, p := range found.Problems {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s %s: %s\n", p.Path, p.At, p.Message)
	}
	return w.Flush()
}
