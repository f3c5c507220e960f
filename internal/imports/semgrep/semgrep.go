// Package semgrep reads the JSON of Semgrep and Opengrep: findings in code, secrets and dependencies, and the export of
// dependency findings from its cloud.
package semgrep

import (
	"cmp"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is Semgrep's JSON.
var Format = &report.Format{
	ID: "semgrep", Name: "Semgrep", Kind: model.KindReport, Versions: "`--json` of all 0.x and 1.x, and the cloud's export of supply chain findings", Shape: `an object with "results" whose rows have a "check_id", or with "vulns"`,
	Sniff: func(h *report.Head) bool {
		return h.Has("results[].check_id") || h.Has("vulns[].advisory") ||
			h.Has("results") && h.Any("errors", "paths", "skipped_rules", "interfile_languages_used") && !h.Any("metrics", "generated_at", "results[]")
	},
	Read: read,
	Becomes: []report.Become{
		{From: "results[]", To: "code findings; of rules on secrets secret findings, of supply chain rules (extra.sca_info) dependency findings"},
		{From: "extra.severity", To: "severity: ERROR is high, WARNING medium, INFO low, INVENTORY and EXPERIMENT info; CRITICAL to LOW as they are"},
		{From: "extra.fingerprint", To: "the tool's id; \"requires login\" stands for none"},
		{From: "extra.is_ignored", To: "status suppressed"},
		{From: "errors[]", To: "problems; the report is a part, since these files were not scanned"},
		{From: "vulns[] of the cloud", To: "dependency findings: matchedDependency, closestSafeDependency as fix, triage as status"},
	},
}

type result struct {
	CheckID string `json:"check_id"`
	Path    string `json:"path"`
	Start   struct {
		Line int `json:"line"`
	} `json:"start"`
	End struct {
		Line int `json:"line"`
	} `json:"end"`
	Extra struct {
		Message     string   `json:"message"`
		Severity    string   `json:"severity"`
		Lines       string   `json:"lines"`
		Fingerprint string   `json:"fingerprint"`
		Fix         string   `json:"fix"`
		Ignored     bool     `json:"is_ignored"`
		Validation  string   `json:"validation_state"`
		Metadata    metadata `json:"metadata"`
		SCA         *struct {
			Reachable bool `json:"reachable"`
			Match     struct {
				Found struct {
					Package   string `json:"package"`
					Version   string `json:"version"`
					Ecosystem string `json:"ecosystem"`
				} `json:"found_dependency"`
			} `json:"dependency_match"`
		} `json:"sca_info"`
	} `json:"extra"`
}

type metadata struct {
	CWE        []string `json:"cwe"`
	CWE2       []string `json:"cwe2022-top25"`
	CVE        []string `json:"sca-vuln-database-identifier"`
	References []string `json:"references"`
	Shortlink  string   `json:"shortlink"`
	Source     string   `json:"source"`
	Confidence string   `json:"confidence"`
	Category   string   `json:"category"`
	Product    string   `json:"product"`
	Fixes      []struct {
		FixedIn string `json:"fixed_in"`
	} `json:"sca-fix-versions"`
}

func read(r *report.Report) error {
	j := r.JSON()
	return j.Top([]string{"results", "vulns"}, func(key string) error {
		switch key {
		case "version":
			return j.Read(&r.Version)
		case "results":
			return report.Rows(j, func(v *result) { v.add(r) })
		case "vulns":
			return report.Rows(j, func(v *vuln) { v.add(r) })
		case "errors":
			return report.Each(j, func(e *struct {
				Type    string `json:"type"`
				Level   string `json:"level"`
				Message string `json:"message"`
				Long    string `json:"long_msg"`
				Path    string `json:"path"`
			}) {
				r.Incomplete("Semgrep reports: %s", strings.Join(strings.Fields(e.Path+" "+cmp.Or(e.Message, e.Long, e.Type)), " "))
			})
		}
		return nil
	})
}

// severity maps the three old words, which mean something else than for other tools.
func severity(word string) model.Severity {
	if strings.EqualFold(word, "INFO") {
		return model.SeverityLow
	}
	s, _ := report.Severity(word)
	return s
}

func (v *result) add(r *report.Report) {
	if v.CheckID == "" {
		r.Skip("This result has no check_id.")
		return
	}
	x := &v.Extra
	f := model.Finding{
		Kind: model.FindingCode, RuleID: v.CheckID, Title: x.Message, Description: x.Message, ToolSeverity: x.Severity, Severity: severity(x.Severity), Confidence: x.Metadata.Confidence,
		Location: model.Location{Path: v.Path, Line: model.Number(v.Start.Line), EndLine: model.Number(v.End.Line)}, CWEs: report.CWEs(append(x.Metadata.CWE, x.Metadata.CWE2...)...),
		References: append([]string{x.Metadata.Shortlink, x.Metadata.Source}, x.Metadata.References...),
	}
	f.Title = strings.SplitN(strings.TrimSpace(x.Message), "\n", 2)[0]
	if x.Lines != "requires login" {
		f.SourceLine = x.Lines
	}
	if x.Fingerprint != "requires login" {
		f.ToolID, f.Fingerprint = x.Fingerprint, x.Fingerprint
	}
	if x.Fix != "" {
		f.Remediation = "Semgrep proposes: " + x.Fix
	}
	if x.Ignored {
		f.Status, f.StatusReason = model.StatusSuppressed, "a nosemgrep remark"
	}
	v.validated(&f)
	v.dependency(&f)
	if f.Kind == model.FindingCode && (x.Metadata.Product == "secrets" || strings.Contains(v.CheckID, ".secrets.") || x.Validation != "" && x.Validation != "NO_VALIDATOR") {
		report.Hide(&f, f.SourceLine)
	}
	r.Add(f)
}

// validated reads whether Semgrep tried a secret out.
func (v *result) validated(f *model.Finding) {
	switch v.Extra.Validation {
	case "CONFIRMED_VALID":
		f.Verified = report.Yes()
	case "CONFIRMED_INVALID":
		f.Verified = report.No()
	}
}

// dependency makes a finding of a supply chain rule.
func (v *result) dependency(f *model.Finding) {
	if v.Extra.SCA == nil {
		return
	}
	d := v.Extra.SCA.Match.Found
	f.Kind, f.Confidence = model.FindingDependency, "not reachable"
	if v.Extra.SCA.Reachable {
		f.Confidence = "reachable"
	}
	f.VulnerabilityIDs = v.Extra.Metadata.CVE
	f.Component = model.Package{Name: d.Package, Version: d.Version, PURL: report.PURL(d.Ecosystem, d.Package, d.Version)}
	for _, fix := range v.Extra.Metadata.Fixes {
		f.Component.FixVersion = cmp.Or(f.Component.FixVersion, fix.FixedIn)
	}
}

// vuln is a row of the cloud's export.
type vuln struct {
	Title    string `json:"title"`
	Advisory struct {
		RuleID      string `json:"ruleId"`
		Title       string `json:"title"`
		Description string `json:"description"`
		Ecosystem   string `json:"ecosystem"`
		Severity    string `json:"severity"`
		References  struct {
			CVEs []string `json:"cveIds"`
			CWEs []string `json:"cweIds"`
			URLs []string `json:"urls"`
		} `json:"references"`
		Announced string `json:"announcedAt"`
	} `json:"advisory"`
	Exposure string     `json:"exposureType"`
	Matched  dependency `json:"matchedDependency"`
	Safe     dependency `json:"closestSafeDependency"`
	File     struct {
		Path      string `json:"path"`
		StartLine int    `json:"startLine"`
	} `json:"dependencyFileLocation"`
	Triage struct {
		Status string `json:"status"`
		Reason string `json:"dismissReason"`
	} `json:"triage"`
	GroupKey   string `json:"groupKey"`
	Repository string `json:"repositoryName"`
	Opened     string `json:"openedAt"`
}

type dependency struct {
	Name    string `json:"name"`
	Version string `json:"versionSpecifier"`
}

func (v *vuln) add(r *report.Report) {
	a := &v.Advisory
	if a.RuleID == "" && v.Matched.Name == "" {
		r.Skip("This row names neither an advisory nor a package.")
		return
	}
	f := model.Finding{
		Kind: model.FindingDependency, RuleID: a.RuleID, ToolID: v.GroupKey, Title: cmp.Or(v.Title, a.Title), Description: a.Description, ToolSeverity: a.Severity, Confidence: strings.ToLower(strings.ReplaceAll(v.Exposure, "_", " ")),
		VulnerabilityIDs: a.References.CVEs, CWEs: report.CWEs(a.References.CWEs...), References: a.References.URLs, Service: v.Repository, Date: report.Time(v.Opened), PublishedAt: report.Time(a.Announced),
		Location:  model.Location{Path: v.File.Path, Line: model.Number(v.File.StartLine)},
		Component: model.Package{Name: v.Matched.Name, Version: v.Matched.Version, PURL: report.PURL(a.Ecosystem, v.Matched.Name, v.Matched.Version), FixVersion: v.Safe.Version},
	}
	switch strings.ToUpper(v.Triage.Status) {
	case "IGNORED":
		f.Status, f.StatusReason = model.StatusSuppressed, strings.ToLower(strings.ReplaceAll(v.Triage.Reason, "_", " "))
	case "FIXED":
		f.Status = model.StatusFixed
	}
	r.Add(f)
}
