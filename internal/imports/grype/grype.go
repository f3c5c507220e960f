// Package grype reads the JSON reports of Grype.
package grype

import (
	"cmp"
	"slices"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is Grype's own JSON.
var Format = &report.Format{
	ID: "grype", Name: "Grype", Kind: model.KindReport, Versions: "all since 0.1; `-o json`", Shape: `an object with "matches"`,
	Sniff: func(h *report.Head) bool {
		return h.Has("matches") && (h.Any("descriptor", "distro", "source", "ignoredMatches") || h.Has("matches[].vulnerability", "matches[].artifact"))
	},
	Read: read,
	Becomes: []report.Become{
		{From: "matches[]", To: "dependency findings: vulnerability.id with the ids of relatedVulnerabilities, artifact as component, its first location as file"},
		{From: "matches[].vulnerability.fix", To: "fix version, and whether a fix is available"},
		{From: "matches[].vulnerability.epss[]", To: "the EPSS numbers of the entry whose cve is one of the finding's"},
		{From: "ignoredMatches[]", To: "suppressed findings; those that a VEX document closed are not affected or fixed"},
	},
	Notes: "Negligible and Unknown are info. Where vulnerability.id is a GHSA, its CVE is an alias.",
}

type match struct {
	Vulnerability vulnerability   `json:"vulnerability"`
	Related       []vulnerability `json:"relatedVulnerabilities"`
	Artifact      struct {
		Name      string `json:"name"`
		Version   string `json:"version"`
		Type      string `json:"type"`
		PURL      string `json:"purl"`
		Locations []struct {
			Path string `json:"path"`
		} `json:"locations"`
	} `json:"artifact"`
	AppliedIgnoreRules []struct {
		Namespace string `json:"namespace"`
		Reason    string `json:"reason"`
		VexStatus string `json:"vex-status"`
		VexReason string `json:"vex-justification"`
	} `json:"appliedIgnoreRules"`
}

type vulnerability struct {
	ID          string   `json:"id"`
	DataSource  string   `json:"dataSource"`
	Severity    string   `json:"severity"`
	Description string   `json:"description"`
	URLs        []string `json:"urls"`
	CVSS        []struct {
		Version string `json:"version"`
		Type    string `json:"type"`
		Vector  string `json:"vector"`
		Metrics struct {
			BaseScore float64 `json:"baseScore"`
		} `json:"metrics"`
	} `json:"cvss"`
	EPSS []struct {
		CVE        string   `json:"cve"`
		EPSS       *float64 `json:"epss"`
		Percentile *float64 `json:"percentile"`
	} `json:"epss"`
	CWEs []struct {
		CWE string `json:"cwe"`
	} `json:"cwes"`
	Fix struct {
		Versions []string `json:"versions"`
		State    string   `json:"state"`
	} `json:"fix"`
}

func read(r *report.Report) error {
	j := r.JSON()
	return j.Top([]string{"matches"}, func(key string) error {
		switch key {
		case "matches", "ignoredMatches":
			return report.Rows(j, func(m *match) { add(r, m, key == "ignoredMatches") })
		case "descriptor":
			return j.Object(func(key string) error {
				if key == "version" {
					return j.Read(&r.Version)
				}
				return nil
			})
		}
		return nil
	})
}

func add(r *report.Report, m *match, ignored bool) {
	v, a := &m.Vulnerability, &m.Artifact
	if v.ID == "" && a.Name == "" {
		r.Skip("This match names neither a vulnerability nor a package.")
		return
	}
	f := model.Finding{
		Kind: model.FindingDependency, RuleID: v.ID, ToolSeverity: v.Severity, Description: v.Description, VulnerabilityIDs: []string{v.ID},
		Component: model.Package{Name: a.Name, Version: a.Version, PURL: a.PURL, FixVersion: strings.Join(v.Fix.Versions, ", ")}, References: append([]string{v.DataSource}, v.URLs...),
	}
	f.Title = strings.TrimSpace(v.ID + " in " + a.Name + " " + a.Version)
	if len(a.Locations) > 0 {
		f.Location.Path = a.Locations[0].Path
	}
	for _, other := range append([]vulnerability{*v}, m.Related...) {
		f.VulnerabilityIDs = append(f.VulnerabilityIDs, other.ID)
		f.Description = cmp.Or(f.Description, other.Description)
		f.References = append(f.References, other.DataSource)
		rate(&f, &other)
		for _, c := range other.CWEs {
			f.CWEs = append(f.CWEs, report.CWEs(c.CWE)...)
		}
	}
	fix(&f, v)
	for _, other := range append([]vulnerability{*v}, m.Related...) {
		probable(&f, &other)
	}
	if ignored {
		closed(&f, m)
	}
	r.Add(f)
}

// rate adds ratings, the primary source's before others'.
func rate(f *model.Finding, v *vulnerability) {
	for _, primary := range []bool{true, false} {
		for _, c := range v.CVSS {
			if strings.EqualFold(c.Type, "Primary") == primary {
				f.CVSS = append(f.CVSS, report.Rating(c.Version, c.Vector, c.Metrics.BaseScore)...)
			}
		}
	}
}

func fix(f *model.Finding, v *vulnerability) {
	switch {
	case len(v.Fix.Versions) > 0:
		f.FixAvailable = report.Yes()
		f.Remediation = "Upgrade " + f.Component.Name + " to " + f.Component.FixVersion + "."
	case v.Fix.State == "not-fixed", v.Fix.State == "wont-fix":
		f.FixAvailable = report.No()
		f.Remediation = "No fixed version; the distributor says: " + strings.ReplaceAll(v.Fix.State, "-", " ") + "."
	}
}

// probable takes the EPSS numbers of the finding's own CVE; others stand in the list too.
func probable(f *model.Finding, v *vulnerability) {
	for _, e := range v.EPSS {
		if f.EPSS == nil && (slices.Contains(f.VulnerabilityIDs, e.CVE) || e.CVE == "") {
			f.EPSS, f.EPSSPercentile = report.Probability(e.EPSS), report.Probability(e.Percentile)
		}
	}
}

func closed(f *model.Finding, m *match) {
	f.Status, f.StatusReason = model.StatusSuppressed, "an ignore rule of Grype"
	for _, rule := range m.AppliedIgnoreRules {
		f.StatusReason = cmp.Or(rule.VexReason, rule.Reason, f.StatusReason)
		switch rule.VexStatus {
		case "not_affected":
			f.Status = model.StatusNotAffected
		case "fixed":
			f.Status = model.StatusFixed
		}
	}
}
