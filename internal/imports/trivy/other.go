package trivy

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

type misconfiguration struct {
	Type, ID, AVDID, Title, Description, Message, Resolution, Severity, Status, PrimaryURL string
	References                                                                             []string
	CauseMetadata                                                                          struct {
		Resource           string
		StartLine, EndLine int
		Code               struct{ Lines []codeLine }
	}
}

type codeLine struct {
	Content    string
	FirstCause bool
}

func (s *scan) misconfiguration(v *result, m *misconfiguration) {
	if strings.EqualFold(m.Status, "PASS") {
		return
	}
	f := model.Finding{
		Kind: model.FindingConfiguration, RuleID: cmp.Or(m.ID, m.AVDID), ToolSeverity: m.Severity, Title: m.Title, Remediation: m.Resolution,
		Description: strings.TrimSpace(m.Description + "\n\n" + m.Message), Location: model.Location{Path: v.Target, Line: model.Number(m.CauseMetadata.StartLine), EndLine: model.Number(m.CauseMetadata.EndLine)},
		Resource: strings.Trim(s.resource+" "+m.CauseMetadata.Resource, " "), Service: s.service, References: append([]string{m.PrimaryURL}, m.References...), Date: report.Time(s.date),
	}
	if m.AVDID != "" && m.AVDID != f.RuleID {
		f.ToolID = m.AVDID
	}
	if strings.EqualFold(m.Status, "EXCEPTION") {
		f.Status, f.StatusReason = model.StatusSuppressed, "an exception in Trivy's configuration"
	}
	for _, line := range m.CauseMetadata.Code.Lines {
		if line.FirstCause {
			f.SourceLine = line.Content
		}
	}
	s.Add(f)
}

type secret struct {
	RuleID, Category, Severity, Title, Match string
	StartLine, EndLine                       int
}

func (s *scan) secret(v *result, w *secret) {
	s.Add(model.Finding{
		Kind: model.FindingSecret, RuleID: w.RuleID, ToolSeverity: w.Severity, Title: w.Title, CWEs: []int{798}, SourceLine: w.Match, Service: s.service,
		Location: model.Location{Path: v.Target, Line: model.Number(w.StartLine), EndLine: model.Number(w.EndLine)}, Resource: s.resource, Date: report.Time(s.date),
		Remediation: "Revoke the secret and issue a new one; taking it out of the file is not enough.",
	})
}

type license struct {
	Severity, Category, PkgName, FilePath, Name, Link string
}

func (s *scan) license(v *result, l *license) {
	in := cmp.Or(l.PkgName, l.FilePath, v.Target)
	s.Add(model.Finding{
		Kind: model.FindingLicense, RuleID: l.Name, ToolSeverity: l.Severity, Title: "License " + l.Name + " in " + in, Description: "Trivy puts this license into the category " + l.Category + ".",
		Component: model.Package{Name: l.PkgName}, Location: model.Location{Path: l.FilePath}, Resource: s.resource, Service: s.service, References: []string{l.Link}, Date: report.Time(s.date),
	})
}

type pkg struct {
	Name, Version string
	Identifier    struct{ PURL string }
	Licenses      []string
	Dev           bool
	Relationship  string
}

func (s *scan) pkg(p *pkg) {
	s.AddComponent(model.Component{Name: p.Name, Version: p.Version, PURL: p.Identifier.PURL, Licenses: p.Licenses, Dev: p.Dev, Service: s.service, Direct: p.direct()})
}

func (p *pkg) direct() *bool {
	switch p.Relationship {
	case "direct":
		return report.Yes()
	case "indirect":
		return report.No()
	}
	return nil
}

// modified is a finding that an ignore file or a VEX document closed.
type modified struct {
	Type, Status, Statement string
	Finding                 jsontext.Value
}

func (s *scan) modified(v *result, m *modified) {
	if m.Type != "vulnerability" {
		return
	}
	var w vulnerability
	if json.Unmarshal(m.Finding, &w) != nil || w.VulnerabilityID == "" {
		s.Problem("A finding that Trivy left out could not be read.")
		return
	}
	f := s.finding(v, &w)
	f.StatusReason = m.Statement
	switch m.Status {
	case "not_affected":
		f.Status = model.StatusNotAffected
	case "fixed":
		f.Status = model.StatusFixed
	default:
		f.Status = model.StatusSuppressed
	}
	s.Add(f)
}
