package generic

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// endpoint is an address, or an object with its parts.
type endpoint struct {
	Address  string `json:"url"`
	Protocol string `json:"protocol"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Path     string `json:"path"`
	Query    string `json:"query"`
}

// UnmarshalJSONFrom reads either form.
func (e *endpoint) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &e.Address)
	}
	type plain endpoint
	return json.UnmarshalDecode(d, (*plain)(e), d.Options())
}

func (e endpoint) model() model.Endpoint {
	if e.Address != "" || e.Host == "" {
		return report.Endpoint(e.Address)
	}
	m := model.Endpoint{Protocol: strings.ToLower(e.Protocol), Host: strings.ToLower(e.Host)}
	if e.Port > 0 && e.Port < 65536 {
		m.Port = model.Number(e.Port)
	}
	if e.Path != "" {
		m.Path = "/" + strings.TrimPrefix(e.Path, "/")
	}
	m.URL = report.Site(m) + m.Path
	if e.Query != "" {
		m.URL += "?" + e.Query
	}
	return m
}

// table reads a line of the CSV form.
func table(r *report.Report, l *report.Line) {
	f := finding{
		Title: l.Get("Title", "Name"), Severity: l.Get("Severity"), Description: l.Get("Description"), Mitigation: l.Get("Mitigation", "Remediation"), Impact: l.Get("Impact"), References: l.Get("References"),
		CVE: l.Get("CVE"), IDs: strings.FieldsFunc(l.Get("Vulnerability Id", "VulnerabilityIds", "vulnerability_ids"), separates), CWE: l.Get("CweId", "CWE"), CVSS3: l.Get("CVSSV3"), CVSS4: l.Get("CVSSV4"),
		CVSS3Score: number(l.Get("CVSSV3_score")), CVSS4Score: number(l.Get("CVSSV4_score")), EPSS: report.Float(l.Get("epss_score"), 0, 1), EPSSPercentile: report.Float(l.Get("epss_percentile"), 0, 1),
		Component: l.Get("component_name", "Component"), Version: l.Get("component_version", "Version"), FixVersion: l.Get("fix_version"), FixAvailable: flag(l, "fix_available"), File: l.Get("file_path", "File"), Line: report.Int(l.Get("line")),
		Service: l.Get("Service"), ToolID: l.Get("unique_id_from_tool"), RuleID: l.Get("vuln_id_from_tool"), Date: l.Get("Date"), Published: l.Get("publish_date"), Active: flag(l, "Active"), Verified: flag(l, "Verified"),
		FalsePositive: report.Truth(l.Get("FalsePositive", "false_p")), Accepted: report.Truth(l.Get("risk_accepted")), Duplicate: report.Truth(l.Get("Duplicate")), OutOfScope: report.Truth(l.Get("out_of_scope")),
		Mitigated: report.Truth(l.Get("IsMitigated", "is_mitigated")),
	}
	if f.Title == "" {
		r.Skip("This row has no title.")
		return
	}
	for _, address := range strings.FieldsFunc(l.Get("Url", "Endpoint", "Endpoints"), separates) {
		f.Endpoints = append(f.Endpoints, endpoint{Address: address})
	}
	out := f.finding()
	join := strings.Join([]string{f.Title, f.Severity, f.Description, f.Component, f.Version, f.File, l.Get("line"), f.CVE, strings.Join(f.IDs, ","), f.ToolID}, "\x00")
	out.Fingerprint = cmp.Or(f.ToolID, f.Title+" "+f.File+" "+f.Component) // of rows that differ in their address only
	r.AddBy(join, out)
}

func separates(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\t' }

func number(s string) float64 {
	if n := report.Float(s, 0, 10); n != nil {
		return *n
	}
	return 0
}

// flag reads a column that may be empty.
func flag(l *report.Line, name string) *bool {
	s := l.Get(name)
	if s == "" {
		return nil
	}
	b := report.Truth(s)
	return &b
}
