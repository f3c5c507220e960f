package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"muster/internal/imports/model"
)

// rowKey is what makes two rows of one file the same.
func rowKey(f *model.Finding, join string) model.RowKey {
	h := sha256.New()
	parts := []string{join}
	if join == "" {
		parts = []string{string(f.Kind), f.Tool, f.RuleID, f.ToolID, f.Title, f.Component.Name, f.Component.Version, f.Location.Path,
			strconv.Itoa(int(f.Location.Line)), f.Resource, f.Service, f.SecretHash}
		parts = append(parts, f.VulnerabilityIDs...)
		for _, e := range f.Endpoints {
			parts = append(parts, e.Method, e.URL, e.Param)
		}
	}
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return model.RowKey(h.Sum(nil)[:16])
}

// finish brings a finding to the form of all findings.
func (r *Report) finish(f *model.Finding) {
	f.Tool = Clip(cmp.Or(f.Tool, r.Tool), 100)
	f.Input, f.At = r.File.Path, cmp.Or(f.At, r.at)
	if !f.Status.Valid() {
		f.Status = model.StatusOpen
	}
	f.Occurrences = max(f.Occurrences, 1)
	r.component(f)
	identify(f)
	f.CVSS = rate(f.CVSS)
	r.grade(f)
	texts(f)
	if f.FixAvailable == nil && f.Component.FixVersion != "" {
		f.FixAvailable = Yes()
	}
	f.Endpoints = f.Endpoints[:min(len(f.Endpoints), maxEndpoints)]
	if f.Endpoints == nil {
		f.Endpoints = []model.Endpoint{}
	}
	f.Location.Line, f.Location.EndLine = max(f.Location.Line, 0), max(f.Location.EndLine, 0)
	f.Fingerprint = fingerprint(f)
}

// component fills a package and its purl from each other.
func (r *Report) component(f *model.Finding) {
	c := &f.Component
	if c.Name == "" || c.Version == "" {
		name, version := FromPURL(c.PURL)
		c.Name, c.Version = cmp.Or(c.Name, name), cmp.Or(c.Version, version)
	}
	c.Name, c.Version = Clip(strings.TrimSpace(c.Name), maxName), Clip(strings.TrimSpace(c.Version), maxSource)
	c.PURL, c.FixVersion = Clip(c.PURL, maxName), Clip(strings.TrimSpace(c.FixVersion), maxSource)
}

// identify cleans the identifiers: the tool's own first, then aliases.
func identify(f *model.Finding) {
	for i, id := range f.VulnerabilityIDs {
		f.VulnerabilityIDs[i] = VulnerabilityID(Clip(id, 200))
	}
	f.VulnerabilityIDs = unique(f.VulnerabilityIDs, maxIDs)
	cwes := []int{}
	for _, n := range f.CWEs {
		if n > 0 && n < 100_000 && !slices.Contains(cwes, n) {
			cwes = append(cwes, n)
		}
	}
	f.CWEs = cwes
	f.RuleID, f.ToolID = Clip(strings.TrimSpace(f.RuleID), maxName), Clip(strings.TrimSpace(f.ToolID), maxName)
}

// grade gives a severity where the tool gave none: by CVSS, else a default that says so.
func (r *Report) grade(f *model.Finding) {
	f.ToolSeverity = Clip(f.ToolSeverity, 60)
	if f.Severity.Valid() {
		f.SeveritySource = cmp.Or(f.SeveritySource, model.SeverityFromTool)
		return
	}
	if s, ok := Severity(f.ToolSeverity); ok {
		f.Severity, f.SeveritySource = s, model.SeverityFromTool
		return
	}
	if len(f.CVSS) > 0 {
		f.Severity, f.SeveritySource = ByScore(f.CVSS[0].Score), model.SeverityFromCVSS
		return
	}
	why := cmp.Or(r.Default, "the report gives neither a severity nor a CVSS rating")
	f.Severity, f.SeveritySource = cmp.Or(r.Base, model.SeverityMedium), model.SeverityFromDefault+": "+why
}

// texts clips and cleans what people read.
func texts(f *model.Finding) {
	title := cmp.Or(strings.TrimSpace(f.Title), Canonical(f.VulnerabilityIDs), f.RuleID, "Finding without a title")
	f.Title = Clip(title, maxTitle)
	if strings.ContainsAny(f.Title, "\n\t") || strings.Contains(f.Title, "  ") {
		f.Title = strings.Join(strings.Fields(f.Title), " ")
	}
	f.Description = Redact(Clip(strings.TrimSpace(f.Description), maxText))
	f.Remediation = Clip(strings.TrimSpace(f.Remediation), maxText)
	f.SourceLine = Redact(Clip(strings.TrimSpace(f.SourceLine), maxSource))
	f.Title = Redact(f.Title)
	blind(f)
	f.StatusReason = Clip(strings.TrimSpace(f.StatusReason), maxSource)
	f.Location.Path, f.Resource, f.Service = Clip(f.Location.Path, maxName), Clip(f.Resource, maxName), Clip(f.Service, maxName)
	f.Confidence = Clip(f.Confidence, 60)
	for i, ref := range f.References {
		f.References[i] = Clip(strings.TrimSpace(ref), maxName)
	}
	f.References = unique(f.References, maxReferences)
}

// fingerprint names a weakness by what stays when lines move, versions rise and texts are reworded. An importer puts the
// tool's own stable mark, where there is one, into f.Fingerprint before.
func fingerprint(f *model.Finding) string {
	var parts []string
	weakness := cmp.Or(Canonical(f.VulnerabilityIDs), f.RuleID, f.Title)
	switch f.Kind {
	case model.FindingDependency, model.FindingLicense:
		name, _ := FromPURL(f.Component.PURL)
		parts = []string{weakness, strings.ReplaceAll(cmp.Or(name, f.Component.Name), "_", "-")} // as every tool names it
		if f.Component.Name == "" {
			parts = append(parts, f.Location.Path)
		}
	case model.FindingSecret:
		parts = []string{cmp.Or(f.RuleID, f.Title), f.Location.Path, cmp.Or(f.SecretHash, f.Fingerprint, f.SourceLine)}
	case model.FindingWeb, model.FindingNetwork:
		parts = []string{cmp.Or(f.RuleID, weakness), f.Fingerprint}
		if len(f.Endpoints) > 0 && f.Fingerprint == "" {
			e := f.Endpoints[0]
			parts = append(parts, e.Protocol, e.Host, strconv.Itoa(int(e.Port)), e.Method, e.Path, e.Param)
		}
	case model.FindingConfiguration:
		parts = []string{cmp.Or(f.RuleID, weakness), f.Resource, f.Location.Path, f.Fingerprint}
		if f.Resource == "" && f.Fingerprint == "" {
			parts = append(parts, squeeze(f.SourceLine))
		}
	default:
		parts = []string{cmp.Or(f.RuleID, weakness), f.Location.Path, cmp.Or(f.Fingerprint, squeeze(f.SourceLine), f.Title)}
	}
	text := make([]byte, 0, 256)
	text = append(append(text, "v1\x00"...), f.Kind...)
	for _, p := range parts {
		text = append(append(text, 0), strings.ToLower(strings.TrimSpace(p))...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// squeeze leaves out what formatters change.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
