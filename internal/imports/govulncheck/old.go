package govulncheck

import (
	"cmp"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// vuln is a row of the format before 1.0, one per vulnerable symbol.
type vuln struct {
	OSV                               advisory
	Symbol, PkgPath, ModPath          string
	CallSink, ImportSink, RequireSink int
}

// old reads a member of the format before 1.0. Versions stand in other members than the rows.
func (s *stream) old(r *report.Report, j *report.JSON, key string) error {
	switch key {
	case "Vulns":
		return report.Rows(j, func(v *vuln) {
			if v.OSV.ID == "" {
				r.Skip("This row names no advisory.")
				return
			}
			at := required
			if v.ImportSink > 0 {
				at = imported
			}
			if v.CallSink > 0 {
				at = called
			}
			f := finding(&v.OSV, v.ModPath, "", v.PkgPath, at)
			f.Title = strings.TrimSuffix(f.Title, " in "+v.PkgPath) + " in " + v.ModPath
			f.Component.FixVersion = v.OSV.fix(v.ModPath)
			before := len(r.Findings)
			r.AddBy(v.OSV.ID+" "+v.ModPath, f)
			if len(r.Findings) == before {
				deepen(r.Findings, v, &f)
			}
		})
	case "Requires":
		var requires struct {
			Modules map[string]struct{ Path, Version string }
		}
		err := j.Read(&requires)
		for _, m := range requires.Modules {
			s.versions[m.Path] = m.Version
		}
		return err
	case "Modules":
		var modules []struct{ Path, FoundVersion string }
		err := j.Read(&modules)
		for _, m := range modules {
			s.versions[m.Path] = cmp.Or(m.FoundVersion, s.versions[m.Path])
		}
		return err
	}
	return nil
}

// deepen gives a finding the severity of its deepest symbol.
func deepen(findings []model.Finding, v *vuln, f *model.Finding) {
	rank := map[model.Severity]int{model.SeverityHigh: 2, model.SeverityLow: 1}
	for i := range findings {
		if g := &findings[i]; g.ToolID == v.OSV.ID && g.Component.Name == v.ModPath && rank[f.Severity] > rank[g.Severity] {
			g.Severity, g.SeveritySource, g.ToolSeverity = f.Severity, f.SeveritySource, f.ToolSeverity
		}
	}
}

func (s *stream) fillVersions(findings []model.Finding) {
	for i := range findings {
		if c := &findings[i].Component; c.Version == "" && s.versions[c.Name] != "" {
			c.Version = s.versions[c.Name]
			c.PURL = report.PURL("Go", c.Name, c.Version)
		}
	}
}

// fix is the last version at which a module is fixed.
func (a *advisory) fix(module string) string {
	fixed := ""
	for _, affected := range a.Affected {
		if affected.Package.Name != module {
			continue
		}
		for _, r := range affected.Ranges {
			for _, e := range r.Events {
				if e.Fixed != "" {
					fixed = e.Fixed
				}
			}
		}
	}
	return fixed
}
