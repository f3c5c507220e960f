// Package gitlab reads the security reports of GitLab's analysers.
package gitlab

import (
	"cmp"
	"slices"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// SAST is the report of static analysis.
var SAST = format("gitlab-sast", "GitLab SAST", "sast", model.FindingCode)

// format describes one of the report types; they differ in their location and in what is found.
func format(id, name, scan string, kind model.FindingKind) *report.Format {
	return &report.Format{
		ID: id, Name: name, Kind: model.KindReport, Versions: "schema 2, 14 and 15", Shape: `an object with "version" and "vulnerabilities"`,
		Sniff: func(h *report.Head) bool {
			if !h.Is("vulnerabilities", '[') || !h.Has("version") || h.Any("bomFormat", "SchemaVersion", "matches", "dependencyCount") {
				return false
			}
			said := cmp.Or(h.Text("scan.type"), h.Text("vulnerabilities[].category"))
			return said == scan || said == "" && scan == "sast" && !h.Has("vulnerabilities[].location.dependency.package.name") && (h.Any("remediations", "scan") || h.Has("vulnerabilities[].identifiers"))
		},
		Read: func(r *report.Report) error { return read(r, kind) },
		Becomes: []report.Become{
			{From: "vulnerabilities[]", To: "findings of kind " + string(kind) + "; those of secret scanners are secrets, and their extract is masked"},
			{From: "identifiers[]", To: "CVEs, GHSAs and CWEs; the first of another type is the rule"},
			{From: "id, before schema 14 cve", To: "the tool's id; tracking signatures, else cve, recognise the finding again"},
			{From: "location", To: "file and lines"},
			{From: "solution, links, scan.end_time", To: "remediation, references, date"},
			{From: "flags false-positive", To: "confidence; the finding stays open, since the flag says only likely"},
			{From: "scan.status failure", To: "a problem; the report is a part"},
		},
		Notes: "Severity Unknown and Undefined are info.",
	}
}

type vulnerability struct {
	ID          string `json:"id"`
	Category    string `json:"category"`
	Name        string `json:"name"`
	Message     string `json:"message"`
	Description string `json:"description"`
	CVE         string `json:"cve"`
	Severity    string `json:"severity"`
	Confidence  string `json:"confidence"`
	Solution    string `json:"solution"`
	Extract     string `json:"raw_source_code_extract"`
	Scanner     struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"scanner"`
	Location    location     `json:"location"`
	Identifiers []identifier `json:"identifiers"`
	Links       []struct {
		URL string `json:"url"`
	} `json:"links"`
	Flags []struct {
		Type        string `json:"type"`
		Description string `json:"description"`
	} `json:"flags"`
	Tracking struct {
		Items []struct {
			Signatures []struct {
				Algorithm string `json:"algorithm"`
				Value     string `json:"value"`
			} `json:"signatures"`
		} `json:"items"`
	} `json:"tracking"`
}

type location struct {
	File      string `json:"file"`
	StartLine int    `json:"start_line"`
	EndLine   int    `json:"end_line"`
	Class     string `json:"class"`
	Method    string `json:"method"`
	Commit    struct {
		SHA string `json:"sha"`
	} `json:"commit"`
}

type identifier struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
	URL   string `json:"url"`
}

// scan is what all rows share, which may stand after them.
type scan struct {
	Status    string `json:"status"`
	EndTime   string `json:"end_time"`
	StartTime string `json:"start_time"`
	Scanner   struct {
		Name string `json:"name"`
	} `json:"scanner"`
}

func read(r *report.Report, kind model.FindingKind) error {
	j := r.JSON()
	if j.Kind() != '{' {
		return r.Wrong()
	}
	known, s := false, scan{}
	err := j.Twice(func(j *report.JSON, key string) error {
		switch key {
		case "version":
			return j.Read(&r.Version)
		case "scan":
			return j.Read(&s)
		case "vulnerabilities":
			known = j.Kind() == '['
		}
		return nil
	}, func(j *report.JSON, key string) error {
		if key != "vulnerabilities" {
			return nil
		}
		return report.Rows(j, func(v *vulnerability) { v.add(r, &s, kind) })
	})
	if err != nil {
		return err
	}
	if !known {
		return r.Wrong()
	}
	if s.Status != "" && s.Status != "success" {
		r.Incomplete("The scan ended with status %s, so findings may be missing.", s.Status)
	}
	return j.End()
}

func (v *vulnerability) add(r *report.Report, s *scan, kind model.FindingKind) {
	if v.Name == "" && v.Message == "" && v.Description == "" && len(v.Identifiers) == 0 {
		r.Skip("This vulnerability has neither a name nor an identifier.")
		return
	}
	f := model.Finding{
		Kind: kind, Tool: cmp.Or(v.Scanner.Name, s.Scanner.Name, v.Scanner.ID), ToolID: cmp.Or(v.ID, v.CVE), Title: cmp.Or(v.Name, v.Message), Description: cmp.Or(v.Description, v.Message), ToolSeverity: v.Severity, Confidence: v.Confidence,
		Remediation: v.Solution, SourceLine: v.Extract, Date: report.Time(cmp.Or(s.EndTime, s.StartTime)), Location: model.Location{Path: v.Location.File, Line: model.Number(v.Location.StartLine), EndLine: model.Number(v.Location.EndLine)},
		Resource: strings.Trim(v.Location.Class+"."+v.Location.Method, "."), Fingerprint: v.CVE,
	}
	for _, i := range v.Identifiers {
		i.into(&f)
	}
	for _, l := range v.Links {
		f.References = append(f.References, l.URL)
	}
	for _, flag := range v.Flags {
		if strings.Contains(flag.Type, "false-positive") {
			f.Confidence = "likely a false positive"
		}
	}
	for _, item := range v.Tracking.Items {
		for _, sig := range item.Signatures {
			f.Fingerprint = sig.Value // the last is the most exact
		}
	}
	if f.Kind == model.FindingCode && v.secret() {
		report.Hide(&f, v.Extract)
		f.Kind = model.FindingSecret
	}
	r.Add(f)
}

// into adds an identifier to a finding.
func (i identifier) into(f *model.Finding) {
	f.References = append(f.References, i.URL)
	switch strings.ToLower(i.Type) {
	case "cve", "ghsa", "osvdb", "usn", "rhsa", "elsa", "osv", "gemnasium":
		if id := cmp.Or(i.Value, i.Name); !strings.EqualFold(i.Type, "gemnasium") {
			f.VulnerabilityIDs = append(f.VulnerabilityIDs, id)
			return
		}
	case "cwe":
		f.CWEs = append(f.CWEs, report.CWEs(i.Value, i.Name)...)
		return
	case "owasp", "wasc":
		return
	}
	f.RuleID = cmp.Or(f.RuleID, i.Value, i.Name)
}

// secret reports whether a row of a static analysis is of a secret scanner.
func (v *vulnerability) secret() bool {
	return v.Category == "secret_detection" || slices.ContainsFunc(v.Identifiers, func(i identifier) bool {
		t := strings.ToLower(i.Type)
		return strings.HasPrefix(t, "gitleaks") || strings.HasPrefix(t, "trufflehog")
	})
}
