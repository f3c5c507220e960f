// Package generic reads a neutral format, as JSON and CSV: for tools that Muster does not know, and for findings that
// people write down.
package generic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is the neutral format.
var Format = &report.Format{
	ID: "generic", Name: "generic", Kind: model.KindReport, Versions: "DefectDojo's generic import, JSON and CSV", Shape: `an object with "findings", or CSV with the columns Title and Severity`,
	Sniff: func(h *report.Head) bool {
		if h.Table("Title", "Severity") && (h.Columns["description"] || h.Columns["date"]) {
			return true
		}
		if !h.Is("findings", '[') || h.Any("meta", "runs", "SchemaVersion", "findings[].findingArn", "findings[].SchemaVersion", "findings[].ProductArn") {
			return false
		}
		return h.Any("findings[].title", "findings[].severity", "findings[].description") || !h.Has("findings[]") || h.Is("findings[]", '{') && !h.Any("findings[].component", "findings[].Id")
	},
	Read: read,
	Becomes: []report.Become{
		{From: "title, severity, description", To: "the same; in JSON all three must be there"},
		{From: "cve, vulnerability_ids, cwe, cwes, cvssv3, cvssv4, their scores, epss_score, epss_percentile", To: "identifiers and ratings; \"N/A\" stands for none"},
		{From: "component_name, component_version, fix_version, fix_available", To: "component; such findings are dependency findings"},
		{From: "file_path, line, sast_source_file_path, sast_source_line", To: "location; such findings are code findings"},
		{From: "endpoints: addresses, or objects with protocol, host, port and path; in CSV Url", To: "endpoints; such findings are web findings, all others manual ones"},
		{From: "unique_id_from_tool, vuln_id_from_tool", To: "the tool's id, rule"},
		{From: "false_p, risk_accepted, out_of_scope, duplicate; is_mitigated with active false; active false", To: "false positive, accepted, suppressed, suppressed; fixed; suppressed"},
		{From: "CSV rows that differ only in Url", To: "one finding with all addresses"},
	},
	Notes: "A member that the format does not have is an error that names it, since it is most often a misspelt one; names that begin with x_ are passed over.",
}

// finding is a row of either form.
type finding struct {
	Title          string         `json:"title"`
	Severity       string         `json:"severity"`
	Description    string         `json:"description"`
	Mitigation     string         `json:"mitigation"`
	Impact         string         `json:"impact"`
	Steps          string         `json:"steps_to_reproduce"`
	References     string         `json:"references"`
	CVE            string         `json:"cve"`
	IDs            []string       `json:"vulnerability_ids"`
	CWE            string         `json:"cwe"`
	CWEs           []string       `json:"cwes"`
	CVSS3          string         `json:"cvssv3"`
	CVSS3Score     float64        `json:"cvssv3_score"`
	CVSS4          string         `json:"cvssv4"`
	CVSS4Score     float64        `json:"cvssv4_score"`
	EPSS           *float64       `json:"epss_score"`
	EPSSPercentile *float64       `json:"epss_percentile"`
	Component      string         `json:"component_name"`
	Version        string         `json:"component_version"`
	FixVersion     string         `json:"fix_version"`
	FixAvailable   *bool          `json:"fix_available"`
	File           string         `json:"file_path"`
	Line           int            `json:"line"`
	SourceFile     string         `json:"sast_source_file_path"`
	SourceLine     int            `json:"sast_source_line"`
	SourceObject   string         `json:"sast_source_object"`
	Endpoints      []endpoint     `json:"endpoints"`
	Param          string         `json:"param"`
	Service        string         `json:"service"`
	ToolID         string         `json:"unique_id_from_tool"`
	RuleID         string         `json:"vuln_id_from_tool"`
	Confidence     string         `json:"scanner_confidence"`
	Date           string         `json:"date"`
	Published      string         `json:"publish_date"`
	Active         *bool          `json:"active"`
	Verified       *bool          `json:"verified"`
	FalsePositive  bool           `json:"false_p"`
	Accepted       bool           `json:"risk_accepted"`
	OutOfScope     bool           `json:"out_of_scope"`
	Duplicate      bool           `json:"duplicate"`
	Mitigated      bool           `json:"is_mitigated"`
	Occurrences    int            `json:"nb_occurences"`
	Unknown        jsontext.Value `json:",unknown"`
}

// others are the members of the format that say nothing about a finding here.
var others = []string{"tags", "files", "notes", "url", "payload", "mitigated", "mitigated_by", "kev_date", "known_exploited", "ransomware_used", "severity_justification", "static_finding", "dynamic_finding", "numerical_severity",
	"thread_id", "under_review", "under_defect_review", "defect_review_requested_by", "review_requested_by", "last_reviewed", "last_reviewed_by", "last_status_update_by", "reporter", "created", "hash_code", "sast_sink_object", "sla_start_date",
	"sla_expiration_date", "planned_remediation_date", "planned_remediation_version", "effort_for_fixing", "cvssv2", "reviewers", "found_by", "test", "sonarqube_issue", "id", "inherited_tags", "has_jira_configured", "unsaved_tags", "unsaved_files"}

func read(r *report.Report) error {
	r.Base, r.Default = model.SeverityInfo, "the row has no severity"
	if first := strings.TrimSpace(string(r.File.Data[:min(len(r.File.Data), 64)])); first != "" && first[0] != '{' && first[0] != '[' {
		return r.Table([]string{"Title", "Severity"}, func(l *report.Line) { table(r, l) })
	}
	j := r.JSON()
	var bad error
	err := j.Top([]string{"findings"}, func(key string) error {
		switch key {
		case "name", "type":
			return j.Read(&r.Tool)
		case "findings":
			if k := j.Kind(); k != '[' {
				return r.Wrong()
			}
			return report.Rows(j, func(f *finding) {
				if bad == nil {
					bad = f.check(r)
				}
				if bad == nil {
					r.Add(f.finding())
				}
			})
		}
		return nil
	})
	return cmp.Or(bad, err)
}

// check demands what a finding must have, and refuses what it cannot have.
func (f *finding) check(r *report.Report) error {
	var missing []string
	for _, m := range []struct{ name, value string }{{"title", f.Title}, {"severity", f.Severity}, {"description", f.Description}} {
		if m.value == "" {
			missing = append(missing, m.name)
		}
	}
	if len(missing) > 0 {
		return &model.Error{Path: r.File.Path, At: r.At(), Reason: fmt.Sprintf("This finding lacks %s.", strings.Join(missing, ", "))}
	}
	var unknown []string
	for name := range report.Members(f.Unknown) {
		if !slices.Contains(others, name) && !strings.HasPrefix(name, "x_") {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return &model.Error{Path: r.File.Path, At: r.At(), Reason: fmt.Sprintf("This finding has members that the format does not have: %s. Name your own with x_ in front.", report.Clip(strings.Join(unknown, ", "), 300))}
	}
	return nil
}

func (f *finding) finding() model.Finding {
	out := model.Finding{
		Kind: f.kind(), Title: f.Title, ToolSeverity: f.Severity, Description: strings.TrimSpace(strings.Join([]string{f.Description, f.Impact, f.Steps}, "\n\n")), Remediation: f.Mitigation, References: strings.Fields(f.References),
		VulnerabilityIDs: append([]string{}, f.IDs...), CWEs: report.CWEs(append([]string{f.CWE}, f.CWEs...)...), EPSS: report.Probability(f.EPSS), EPSSPercentile: report.Probability(f.EPSSPercentile),
		CVSS:      append(report.Rating("4.0", f.CVSS4, f.CVSS4Score), report.Rating("3.1", f.CVSS3, f.CVSS3Score)...),
		Component: model.Package{Name: f.Component, Version: f.Version, FixVersion: f.FixVersion}, FixAvailable: f.FixAvailable, Service: f.Service, ToolID: f.ToolID, RuleID: f.RuleID, Fingerprint: f.ToolID,
		Confidence: f.Confidence, Verified: f.Verified, Date: report.Time(f.Date), PublishedAt: report.Time(f.Published), Occurrences: f.Occurrences, Resource: f.SourceObject,
		Location: model.Location{Path: cmp.Or(f.File, f.SourceFile), Line: model.Number(cmp.Or(f.Line, f.SourceLine))},
	}
	if f.CVE != "" {
		out.VulnerabilityIDs = append([]string{f.CVE}, f.IDs...)
	}
	for _, e := range f.Endpoints {
		if m := e.model(); m.URL != "" {
			m.Param = f.Param
			out.Endpoints = append(out.Endpoints, m)
		}
	}
	out.Status, out.StatusReason = f.status()
	return out
}

// kind follows from where the finding is.
func (f *finding) kind() model.FindingKind {
	switch {
	case f.Component != "":
		return model.FindingDependency
	case cmp.Or(f.File, f.SourceFile) != "":
		return model.FindingCode
	case len(f.Endpoints) > 0:
		return model.FindingWeb
	}
	return model.FindingManual
}

// status reads the flags of a decision. What is mitigated but still active stays open: the doubt must not hide it.
func (f *finding) status() (model.Status, string) {
	inactive := f.Active != nil && !*f.Active
	switch {
	case f.FalsePositive:
		return model.StatusFalsePositive, "marked as false positive in the report"
	case f.Accepted:
		return model.StatusAccepted, "accepted in the report"
	case f.OutOfScope:
		return model.StatusSuppressed, "out of scope in the report"
	case f.Duplicate:
		return model.StatusSuppressed, "a duplicate in the report"
	case f.Mitigated && inactive:
		return model.StatusFixed, "mitigated in the report"
	case inactive:
		return model.StatusSuppressed, "not active in the report"
	}
	return model.StatusOpen, ""
}
