// Package trivy reads the JSON reports of Trivy: images, file systems, repositories and whole clusters.
package trivy

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is Trivy's own JSON.
var Format = &report.Format{
	ID: "trivy", Name: "Trivy", Kind: model.KindReport, Versions: "schema 1 (a list of targets) and 2, `trivy k8s` reports of both shapes",
	Shape: `an object with "Results" or "ArtifactName", a cluster's "Resources", or a list of targets`, Null: true, Array: true,
	Sniff: func(h *report.Head) bool {
		return h.Has("SchemaVersion") && h.Any("Results", "ArtifactName", "ArtifactType") ||
			h.Has("ClusterName") && h.Any("Resources", "Vulnerabilities", "Misconfigurations", "Findings") ||
			h.Has("[].Target") && h.Any("[].Vulnerabilities", "[].Misconfigurations", "[].Secrets", "[].Licenses", "[].Class", "[].Type")
	},
	Read: read,
	Becomes: []report.Become{
		{From: "Results[].Vulnerabilities[]", To: "dependency findings: VulnerabilityID, VendorIDs, PkgName, InstalledVersion, FixedVersion, PkgIdentifier.PURL, CVSS of each source, PkgPath or Target as file; Status says whether a fix exists"},
		{From: "Results[].Misconfigurations[]", To: "configuration findings, those with Status PASS left out; Status EXCEPTION is suppressed"},
		{From: "Results[].Secrets[]", To: "secret findings; Match is kept as Trivy masked it"},
		{From: "Results[].Licenses[]", To: "license findings with the severity of their category"},
		{From: "Results[].ExperimentalModifiedFindings[]", To: "closed findings with the statement that closed them"},
		{From: "Results[].Packages[]", To: "components"},
		{From: "Resources[] of a cluster", To: "the same, with namespace, kind and name as resource and the name as service"},
	},
	Notes: "The severity is the one that Trivy gives; UNKNOWN is info. The same package in two places is two findings.",
}

type result struct {
	Target, Class, Type          string
	Vulnerabilities              []vulnerability
	Misconfigurations            []misconfiguration
	Secrets                      []secret
	Licenses                     []license
	Packages                     []pkg
	ExperimentalModifiedFindings []modified
}

type resource struct {
	Namespace, Kind, Name string
	Results               []result
	Error                 string
}

// scan is what the rows of one part of a report share.
type scan struct {
	*report.Report
	artifact, resource, service, date string
}

func read(r *report.Report) error {
	j := r.JSON()
	s := &scan{Report: r}
	if j.Kind() == '[' {
		r.Version = "1"
		return s.results(j)
	}
	return j.Top([]string{"Results", "ArtifactName", "SchemaVersion", "Resources", "Vulnerabilities", "Misconfigurations", "Findings"}, func(key string) error {
		switch key {
		case "SchemaVersion":
			return j.Read(&r.Version)
		case "ArtifactName":
			err := j.Read(&s.artifact)
			s.service = s.artifact
			return err
		case "CreatedAt":
			return j.Read(&s.date)
		case "Results":
			return s.results(j)
		case "Resources", "Vulnerabilities", "Misconfigurations", "Findings":
			return report.Rows(j, s.inCluster)
		}
		return nil
	})
}

// inCluster reads one object of a cluster.
func (s *scan) inCluster(v *resource) {
	if v.Error != "" {
		s.Partial = true
		s.Problem("%s %s was not scanned: %s", v.Kind, v.Name, v.Error)
	}
	part := *s
	part.service = v.Name
	part.resource = strings.Trim(v.Namespace+"/"+v.Kind+"/"+v.Name, "/")
	for i := range v.Results {
		part.result(&v.Results[i])
	}
}

// results reads a list of targets, row by row: one target may hold all of a large report.
func (s *scan) results(j *report.JSON) error {
	if k := j.Kind(); k != '[' && k != 'n' {
		return s.Wrong()
	}
	return j.List(func() error {
		if j.Kind() != '{' {
			return j.Odd()
		}
		v := &result{}
		return j.Twice(func(j *report.JSON, key string) error {
			switch key {
			case "Target":
				return j.Read(&v.Target)
			case "Class":
				return j.Read(&v.Class)
			case "Type":
				return j.Read(&v.Type)
			}
			return nil
		}, func(j *report.JSON, key string) error { return s.members(j, key, v) })
	})
}

func (s *scan) members(j *report.JSON, key string, v *result) error {
	switch key {
	case "Vulnerabilities":
		return report.Rows(j, func(w *vulnerability) { s.Add(s.finding(v, w)) })
	case "Misconfigurations":
		return report.Rows(j, func(w *misconfiguration) { s.misconfiguration(v, w) })
	case "Secrets":
		return report.Rows(j, func(w *secret) { s.secret(v, w) })
	case "Licenses":
		return report.Rows(j, func(w *license) { s.license(v, w) })
	case "ExperimentalModifiedFindings":
		return report.Rows(j, func(w *modified) { s.modified(v, w) })
	case "Packages":
		return report.Each(j, s.pkg)
	}
	return nil
}

// result reads a target that is in memory already.
func (s *scan) result(v *result) {
	for i := range v.Vulnerabilities {
		s.Add(s.finding(v, &v.Vulnerabilities[i]))
	}
	for i := range v.Misconfigurations {
		s.misconfiguration(v, &v.Misconfigurations[i])
	}
	for i := range v.Secrets {
		s.secret(v, &v.Secrets[i])
	}
	for i := range v.Licenses {
		s.license(v, &v.Licenses[i])
	}
	for i := range v.ExperimentalModifiedFindings {
		s.modified(v, &v.ExperimentalModifiedFindings[i])
	}
	for i := range v.Packages {
		s.pkg(&v.Packages[i])
	}
}

type vulnerability struct {
	VulnerabilityID, PkgID, PkgName, InstalledVersion, FixedVersion string
	VendorIDs                                                       []string
	PkgPath                                                         string
	PkgIdentifier                                                   struct{ PURL string }
	Status, Severity, SeveritySource                                string
	Title, Description, PrimaryURL                                  string
	CweIDs, References                                              []string
	PublishedDate                                                   string
	CVSS                                                            map[string]struct {
		V2Vector, V3Vector, V40Vector string
		V2Score, V3Score, V40Score    float64
	}
}

func (s *scan) finding(v *result, w *vulnerability) model.Finding {
	f := model.Finding{
		Kind: model.FindingDependency, RuleID: w.VulnerabilityID, ToolSeverity: w.Severity, Title: w.Title, Description: w.Description,
		VulnerabilityIDs: slices.Concat([]string{w.VulnerabilityID}, w.VendorIDs), CWEs: report.CWEs(w.CweIDs...),
		Component: model.Package{Name: w.PkgName, Version: w.InstalledVersion, PURL: w.PkgIdentifier.PURL, FixVersion: w.FixedVersion},
		Location:  model.Location{Path: cmp.Or(w.PkgPath, v.Target)}, Resource: cmp.Or(s.resource, v.Target), Service: s.service,
		References: slices.Concat([]string{w.PrimaryURL}, w.References), PublishedAt: report.Time(w.PublishedDate), Date: report.Time(s.date),
	}
	// The rating of the source whose severity was taken comes first.
	sources := slices.Sorted(maps.Keys(w.CVSS))
	slices.SortStableFunc(sources, func(a, b string) int { return order(a, w.SeveritySource) - order(b, w.SeveritySource) })
	for _, name := range sources {
		c := w.CVSS[name]
		f.CVSS = slices.Concat(f.CVSS, report.Rating("4.0", c.V40Vector, c.V40Score), report.Rating("3", c.V3Vector, c.V3Score), report.Rating("2", c.V2Vector, c.V2Score))
	}
	if w.FixedVersion == "" {
		f.FixAvailable = report.No()
	}
	if w.FixedVersion != "" {
		f.Remediation = "Upgrade " + w.PkgName + " to " + w.FixedVersion + "."
	} else if w.Status != "" {
		f.Remediation = "No fixed version; the distributor says: " + strings.ReplaceAll(w.Status, "_", " ") + "."
	}
	return f
}

func order(source, chosen string) int {
	switch source {
	case chosen:
		return 0
	case "ghsa":
		return 1
	case "nvd":
		return 2
	}
	return 3
}
