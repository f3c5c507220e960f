package report

import (
	"strings"

	"muster/internal/imports/model"
)

// Own reads a finding that Muster itself exported.
func Own(x *model.Exported) model.Finding {
	f := model.Finding{
		Title: x.Title, Kind: model.FindingKind(x.Kind), Severity: model.Severity(x.Severity), ToolSeverity: x.Severity, Identity: Clip(x.Identity, 100), Fingerprint: x.Identity, ToolID: x.Identity,
		VulnerabilityIDs: append([]string{}, x.Aliases...), CWEs: x.CWEs, CVSS: x.CVSS, EPSS: Probability(x.EPSS), RuleID: x.Rule, Component: model.Package{Name: x.Package, PURL: x.PURL, Version: x.Version, FixVersion: x.FixVersion},
		Location: model.Location{Path: x.Path, Line: model.Number(x.Line)}, Resource: x.Resource, Service: x.Service, PublishedAt: x.PublishedAt, Description: x.Description, Remediation: x.Remediation,
		References: append([]string{}, x.References...),
	}
	if !f.Kind.Valid() {
		f.Kind = model.FindingManual
	}
	if f.Service == "" {
		f.Service = x.Label
	}
	if x.Endpoint != "" {
		for _, place := range append([]string{x.Endpoint}, x.Places...) {
			if e := address(place); e.Host != "" {
				f.Endpoints = append(f.Endpoints, e)
			}
		}
	}
	f.Status, f.StatusReason = ownStatus(x)
	return f
}

// address reads "GET https://example.com/a".
func address(place string) model.Endpoint {
	method, rest, both := strings.Cut(place, " ")
	if !both {
		return Endpoint(place)
	}
	e := Endpoint(rest)
	e.Method = method
	return e
}

func ownStatus(x *model.Exported) (model.Status, string) {
	reason := strings.TrimSpace(x.Justification + " " + x.Note)
	switch x.State {
	case "fixed", "closed":
		return model.StatusFixed, reason
	case "false_positive":
		return model.StatusFalsePositive, reason
	case "not_affected":
		return model.StatusNotAffected, reason
	case "accepted":
		return model.StatusAccepted, reason
	case "duplicate":
		return model.StatusSuppressed, reason
	}
	return model.StatusOpen, ""
}
