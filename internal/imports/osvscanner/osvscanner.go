// Package osvscanner reads the JSON reports of OSV-Scanner.
package osvscanner

import (
	"cmp"
	"slices"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is OSV-Scanner's own JSON.
var Format = &report.Format{
	ID: "osv-scanner", Name: "OSV-Scanner", Kind: model.KindReport, Versions: "1 and 2; `--format json`", Shape: `an object with "results"`,
	Sniff: func(h *report.Head) bool {
		return h.Any("results[].packages", "results[].source") || h.Has("results", "experimental_config")
	},
	Read: read,
	Becomes: []report.Become{
		{From: "results[].packages[].groups[]", To: "one dependency finding per group: the advisories of a group are one issue, and its occurrences count them"},
		{From: "vulnerabilities[].database_specific.severity", To: "severity; else severity[] as CVSS, else groups[].max_severity; malicious packages (MAL-) without any are critical"},
		{From: "affected[].ranges[].events[].fixed", To: "the fix version of this package"},
		{From: "results[].source.path", To: "file"},
		{From: "experimental_analysis.*.called = false", To: "confidence \"not called\"; the finding stays open"},
	},
	Notes: "A package without vulnerabilities becomes a component.",
}

type source struct {
	Path string `json:"path"`
	Type string `json:"type"`
}

type result struct {
	Source   source     `json:"source"`
	Packages []packages `json:"packages"`
}

type packages struct {
	Package struct {
		Name      string `json:"name"`
		Version   string `json:"version"`
		Ecosystem string `json:"ecosystem"`
		Commit    string `json:"commit"`
	} `json:"package"`
	DependencyGroups []string   `json:"dependency_groups"`
	Vulnerabilities  []advisory `json:"vulnerabilities"`
	Groups           []group    `json:"groups"`
	Licenses         []string   `json:"licenses"`
	Violations       []string   `json:"license_violations"`
}

type group struct {
	IDs         []string `json:"ids"`
	Aliases     []string `json:"aliases"`
	MaxSeverity string   `json:"max_severity"`
	Analysis    map[string]struct {
		Called      *bool `json:"called"`
		Unimportant bool  `json:"unimportant"`
	} `json:"experimental_analysis"`
}

func read(r *report.Report) error {
	j := r.JSON()
	return j.Top([]string{"results"}, func(key string) error {
		if key != "results" {
			return nil
		}
		return report.Rows(j, func(v *result) {
			for i := range v.Packages {
				addPackage(r, v, &v.Packages[i])
			}
		})
	})
}

func addPackage(r *report.Report, v *result, p *packages) {
	purl := report.PURL(p.Package.Ecosystem, p.Package.Name, p.Package.Version)
	dev := slices.Contains(p.DependencyGroups, "dev")
	r.AddComponent(model.Component{Name: p.Package.Name, Version: cmp.Or(p.Package.Version, p.Package.Commit), Ecosystem: p.Package.Ecosystem, PURL: purl, Licenses: p.Licenses, Dev: dev})
	for _, license := range p.Violations {
		r.Add(model.Finding{Kind: model.FindingLicense, RuleID: license, Title: "License " + license + " of " + p.Package.Name + " is not allowed", Component: model.Package{Name: p.Package.Name, Version: p.Package.Version, PURL: purl}, Location: model.Location{Path: v.Source.Path}})
	}
	left := map[string]*advisory{}
	for i := range p.Vulnerabilities {
		left[p.Vulnerabilities[i].ID] = &p.Vulnerabilities[i]
	}
	for _, g := range p.Groups {
		var same []*advisory
		for _, id := range g.IDs {
			if a := left[id]; a != nil {
				same = append(same, a)
				delete(left, id)
			}
		}
		if len(same) > 0 {
			addGroup(r, v, p, &g, same)
		}
	}
	for i := range p.Vulnerabilities { // in no group: older versions write none
		if a := &p.Vulnerabilities[i]; left[a.ID] == a {
			addGroup(r, v, p, &group{}, []*advisory{a})
		}
	}
}

func addGroup(r *report.Report, v *result, p *packages, g *group, same []*advisory) {
	first := same[0]
	f := model.Finding{
		Kind: model.FindingDependency, RuleID: first.ID, Occurrences: len(same), Location: model.Location{Path: v.Source.Path},
		Component:   model.Package{Name: p.Package.Name, Version: cmp.Or(p.Package.Version, p.Package.Commit), PURL: report.PURL(p.Package.Ecosystem, p.Package.Name, p.Package.Version)},
		PublishedAt: report.Time(first.Published),
	}
	for _, a := range same {
		f.VulnerabilityIDs = append(f.VulnerabilityIDs, a.ID)
	}
	for _, a := range same {
		a.into(&f, p.Package.Name, p.Package.Ecosystem, p.Package.Version)
	}
	f.VulnerabilityIDs = append(f.VulnerabilityIDs, g.Aliases...)
	summary := cmp.Or(first.Summary, first.ID)
	f.Title = summary + " in " + p.Package.Name
	if !f.Severity.Valid() && len(f.CVSS) == 0 {
		f.ToolSeverity = g.MaxSeverity
	}
	if f.ToolSeverity == "" && len(f.CVSS) == 0 && strings.HasPrefix(first.ID, "MAL-") {
		f.Severity, f.SeveritySource = model.SeverityCritical, model.SeverityFromDefault+": the package itself is malicious"
	}
	for _, a := range g.Analysis {
		if a.Called != nil && !*a.Called {
			f.Confidence = "not called"
		}
		if a.Unimportant {
			f.Confidence = "unimportant"
		}
	}
	if f.Component.FixVersion == "" {
		f.FixAvailable = report.No()
	} else {
		f.Remediation = "Upgrade " + f.Component.Name + " to " + f.Component.FixVersion + "."
	}
	r.Add(f)
}
