// Package npmaudit reads what `npm audit --json` prints: the reports of npm 6, and those of npm 7 and later.
package npmaudit

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is the report of npm 6.
var Format = &report.Format{
	ID: "npm-audit", Name: "npm audit", Kind: model.KindReport, Versions: "npm 6 (and pnpm)", Shape: `an object with "advisories"`,
	Sniff: func(h *report.Head) bool {
		return h.Is("advisories", '{') && !h.Has("auditReportVersion") || h.Has("error.code", "error.summary") && strings.HasPrefix(h.Text("error.code"), "E")
	},
	Read: readSix,
	Becomes: []report.Become{
		{From: "advisories{}", To: "one dependency finding per advisory: module_name, the version of findings[0], cves, cwe, patched_versions as fix"},
		{From: "findings[].paths[]", To: "the ways to the package, in the description; they are no part of the identity"},
		{From: "error", To: "an error with npm's own words, never an empty report"},
	},
}

type advisory struct {
	ID             string   `json:"id"`
	Module         string   `json:"module_name"`
	Title          string   `json:"title"`
	Severity       string   `json:"severity"`
	CVEs           []string `json:"cves"`
	CWE            []string `json:"cwe"`
	GHSA           string   `json:"github_advisory_id"`
	URL            string   `json:"url"`
	Overview       string   `json:"overview"`
	Recommendation string   `json:"recommendation"`
	References     string   `json:"references"`
	Vulnerable     string   `json:"vulnerable_versions"`
	Patched        string   `json:"patched_versions"`
	Created        string   `json:"created"`
	CVSS           rating   `json:"cvss"`
	Findings       []found  `json:"findings"`
}

type rating struct {
	Score  float64 `json:"score"`
	Vector string  `json:"vectorString"`
}

type found struct {
	Version string   `json:"version"`
	Paths   []string `json:"paths"`
}

func readSix(r *report.Report) error {
	r.Version = "6"
	j := r.JSON()
	return j.Top([]string{"advisories"}, func(key string) error {
		switch key {
		case "error":
			return failed(r, j)
		case "auditReportVersion":
			return model.Fail(r.File.Path, 0, "This is a report of npm 7 or later: its format is npm-audit-v7.")
		case "advisories":
			if j.Kind() != '{' {
				return r.Wrong()
			}
			return j.Object(func(string) error { return report.Row(j, func(a *advisory) { a.add(r) }) })
		}
		return nil
	})
}

// failed tells npm's own error: the audit did not run.
func failed(r *report.Report, j *report.JSON) error {
	var e struct {
		Code    string `json:"code"`
		Summary string `json:"summary"`
		Detail  string `json:"detail"`
	}
	if err := j.Read(&e); err != nil {
		return err
	}
	return model.Fail(r.File.Path, 0, "npm could not do the audit: %s", report.Clip(strings.TrimSpace(e.Code+" "+cmp.Or(e.Summary, e.Detail)), 300))
}

func (a *advisory) add(r *report.Report) {
	if a.Module == "" {
		r.Skip("This advisory names no package.")
		return
	}
	f := model.Finding{
		Kind: model.FindingDependency, RuleID: a.ID, Title: cmp.Or(a.Title, "Vulnerability") + " in " + a.Module, ToolSeverity: a.Severity, Description: a.Overview, Remediation: a.Recommendation,
		VulnerabilityIDs: append(append([]string{}, a.CVEs...), a.GHSA, ghsa(a.URL)), CWEs: report.CWEs(a.CWE...), CVSS: report.CVSS(a.CVSS.Vector, a.CVSS.Score),
		PublishedAt: report.Time(a.Created), References: append([]string{a.URL}, strings.Fields(a.References)...),
	}
	f.Component.Name = a.Module
	var ways []string
	for _, in := range a.Findings {
		f.Component.Version = cmp.Or(f.Component.Version, in.Version)
		ways = append(ways, in.Paths...)
	}
	if len(ways) > 0 {
		f.Description += "\n\nReached through: " + strings.Join(ways[:min(len(ways), 20)], ", ")
	}
	f.Component.PURL = report.PURL("npm", a.Module, f.Component.Version)
	if patched := strings.TrimSpace(a.Patched); patched == "" || strings.HasPrefix(strings.ReplaceAll(patched, " ", ""), "<0.0.0") {
		f.FixAvailable = report.No()
	} else {
		f.Component.FixVersion = patched
	}
	r.Add(f)
}

// ghsa is the advisory at the end of a GitHub address.
func ghsa(url string) string {
	if id := path.Base(url); strings.HasPrefix(id, "GHSA-") {
		return id
	}
	return ""
}

// FormatSeven is the report of npm 7 and later.
var FormatSeven = &report.Format{
	ID: "npm-audit-v7", Name: "npm audit", Kind: model.KindReport, Versions: "npm 7 and later (auditReportVersion 2)", Shape: `an object with "auditReportVersion" and "vulnerabilities"`,
	Sniff: func(h *report.Head) bool { return h.Has("auditReportVersion") },
	Read:  readSeven,
	Becomes: []report.Become{
		{From: "vulnerabilities{}.via[] objects", To: "one dependency finding per advisory and package, with the advisory's own severity"},
		{From: "vulnerabilities{} whose via[] are only names", To: "a finding of a package that is affected through those, with npm's severity of the package"},
		{From: "fixAvailable", To: "whether there is a fix, and the upgrade that brings it"},
	},
	Notes: "The report holds ranges, not the versions in use, so findings have no version.",
}

type entry struct {
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Via      []via  `json:"via"`
	Range    string `json:"range"`
	Direct   bool   `json:"isDirect"`
	Fix      fix    `json:"fixAvailable"`
}

func readSeven(r *report.Report) error {
	j := r.JSON()
	return j.Top([]string{"vulnerabilities"}, func(key string) error {
		switch key {
		case "error":
			return failed(r, j)
		case "auditReportVersion":
			return j.Read(&r.Version)
		case "vulnerabilities":
			if j.Kind() != '{' {
				return r.Wrong()
			}
			return j.Object(func(name string) error {
				return report.Row(j, func(e *entry) {
					e.Name = cmp.Or(e.Name, name)
					e.add(r)
				})
			})
		}
		return nil
	})
}

func (e *entry) add(r *report.Report) {
	var through []string
	n := 0
	for _, v := range e.Via {
		if v.Source == 0 && v.Title == "" && v.URL == "" {
			through = append(through, v.Name)
			continue
		}
		n++
		f := e.finding()
		f.RuleID, f.Title, f.ToolSeverity = strconv.Itoa(v.Source), cmp.Or(v.Title, "Vulnerability in "+e.Name), cmp.Or(v.Severity, e.Severity)
		if len(e.Via) == 1 {
			f.ToolSeverity = cmp.Or(e.Severity, v.Severity) // the package's is the advisory's
		}
		f.VulnerabilityIDs, f.CWEs, f.CVSS, f.References = []string{ghsa(v.URL)}, report.CWEs(v.CWE...), report.CVSS(v.CVSS.Vector, v.CVSS.Score), []string{v.URL}
		f.Description = fmt.Sprintf("%s\n\nVulnerable versions: %s", f.Title, cmp.Or(v.Range, e.Range))
		r.Add(f)
	}
	if n > 0 {
		return
	}
	f := e.finding()
	f.Title = e.Name + " is affected through " + strings.Join(through[:min(len(through), 5)], ", ")
	f.RuleID, f.ToolSeverity, f.Description = "via "+strings.Join(through, ", "), e.Severity, fmt.Sprintf("%s\n\nVersions that bring the vulnerable packages in: %s", f.Title, e.Range)
	r.Add(f)
}

func (e *entry) finding() model.Finding {
	f := model.Finding{Kind: model.FindingDependency, Component: model.Package{Name: e.Name, PURL: report.PURL("npm", e.Name, "")}, FixAvailable: report.No()}
	if e.Fix.Available {
		f.FixAvailable = report.Yes()
	}
	if e.Fix.Name != "" {
		f.Remediation = fmt.Sprintf("Upgrade %s to %s.", e.Fix.Name, e.Fix.Version)
		if e.Fix.Name == e.Name {
			f.Component.FixVersion = e.Fix.Version
		}
	} else if e.Fix.Available {
		f.Remediation = "Run `npm audit fix`."
	}
	return f
}
