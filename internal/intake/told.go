package intake

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"muster/internal/finding"
	"muster/internal/imports/model"
	"muster/internal/inventory"
)

// telling is what the reports of an import say. Their rows are read from what was uploaded whenever they are asked for:
// those of a large report are never held as a whole.
type telling struct {
	reports    []finding.Report // one for each tool
	statements []finding.Statement

	uploaded []byte
	files    map[string]*model.Input
	tools    map[string]int // the reports by the tool
	digests  [][]string
	owners   *owners
}

// tellingOf makes the findings domain's reports of what was uploaded.
func tellingOf(i *inventory.Import, source *inventory.Source, x *model.Inspection, c Choices, o *owners) (*telling, error) {
	t := &telling{uploaded: i.Uploaded, files: map[string]*model.Input{}, tools: map[string]int{}}
	about := finding.Report{SourceID: source.ID, EnvironmentID: source.EnvironmentID, ScopeService: c.Service, ImportID: i.ID, Complete: !i.Partial}
	for k := range x.Inputs {
		in := &x.Inputs[k]
		t.files[in.Path] = in
		if in.Kind == model.KindReport {
			n := t.tool(cmp.Or(in.Tool, in.Format), &about)
			r := &t.reports[n]
			r.Complete = r.Complete && !in.Partial
			r.Aspects = append(r.Aspects, aspectsOf(in.Format, in.Tool)...)
			t.digests[n] = append(t.digests[n], in.SHA256)
		}
	}
	err := model.Each(i.Uploaded, func(f *model.Finding) error {
		in := t.files[f.Input]
		if in != nil && in.Kind == model.KindVEX {
			about, said := o.product(f)
			if said && (f.Verified == nil || *f.Verified) { // "under investigation" says nothing yet
				t.statements = append(t.statements, statementOf(f, in, about))
			}
			return nil
		}
		n := t.tool(cmp.Or(f.Tool, "report"), &about)
		r := &t.reports[n]
		o.of(f, 1)
		for _, a := range aspectOf(f) {
			if !slices.Contains(r.Aspects, a) {
				r.Aspects = append(r.Aspects, a)
			}
		}
		if f.Date != nil && f.Date.After(r.SeenAt) {
			r.SeenAt = *f.Date
		}
		if in != nil && !slices.Contains(t.digests[n], in.SHA256) {
			t.digests[n] = append(t.digests[n], in.SHA256)
			r.Complete = r.Complete && !in.Partial
		}
		return nil
	})
	for n := range t.reports {
		r, sums := &t.reports[n], t.digests[n]
		slices.Sort(sums)
		sum := sha256.Sum256([]byte(strings.Join(sums, "\n")))
		r.Digest = hex.EncodeToString(sum[:])
		slices.Sort(r.Aspects)
		r.Aspects = slices.Compact(r.Aspects)
	}
	t.owners = o.settled()
	return t, err
}

// tool finds the report of a tool, or begins it.
func (t *telling) tool(name string, about *finding.Report) int {
	n, known := t.tools[name]
	if !known {
		n = len(t.reports)
		r := *about
		r.Tool = name
		t.tools[name], t.reports, t.digests = n, append(t.reports, r), append(t.digests, nil)
	}
	return n
}

// rows tells the rows of the reports, the same each time.
func (t *telling) rows(each func(report int, r *finding.Row) error) error {
	return model.Each(t.uploaded, func(f *model.Finding) error {
		if in := t.files[f.Input]; in != nil && in.Kind == model.KindVEX {
			return nil
		}
		row := rowOf(f)
		row.ServiceID, row.Label = t.owners.of(f, 0)
		return each(t.tools[cmp.Or(f.Tool, "report")], &row)
	})
}

// The aspects of a report: what a complete one has looked for.
const (
	aspectDependencies = "dependencies"
	aspectSecrets      = "secrets"
	aspectCode         = "code"
	aspectDynamic      = "dynamic"
	aspectImage        = "image"
)

// aspectsOf is what the writer of a report looks for, even where it finds nothing.
func aspectsOf(format, tool string) []string {
	words := strings.ToLower(format + " " + tool)
	for _, a := range []struct {
		aspect string
		names  []string
	}{
		{aspectDependencies, []string{"trivy", "grype", "osv", "npm", "govulncheck", "cyclonedx", "snyk", "dependency-check", "pip-audit"}},
		{aspectSecrets, []string{"gitleaks", "trufflehog", "detect-secrets"}},
		{aspectCode, []string{"semgrep", "gosec", "codeql", "bandit", "brakeman", "sast", "eslint", "sonar"}},
		{aspectDynamic, []string{"zap", "nuclei", "burp", "nikto", "dast"}},
	} {
		if slices.ContainsFunc(a.names, func(n string) bool { return strings.Contains(words, n) }) {
			return []string{a.aspect}
		}
	}
	return nil
}

// aspectOf is what a row shows that its tool looks for.
func aspectOf(f *model.Finding) []string {
	switch f.Kind {
	case model.FindingDependency:
		for _, kind := range []string{"pkg:deb/", "pkg:rpm/", "pkg:apk/"} {
			if strings.HasPrefix(f.Component.PURL, kind) {
				return []string{aspectDependencies, aspectImage}
			}
		}
		return []string{aspectDependencies}
	case model.FindingSecret:
		return []string{aspectSecrets}
	case model.FindingCode:
		return []string{aspectCode}
	case model.FindingWeb:
		return []string{aspectDynamic}
	case model.FindingConfiguration, model.FindingNetwork, model.FindingLicense, model.FindingManual:
	}
	return nil
}

// rowOf is a finding of the importers as the domain reads it.
func rowOf(f *model.Finding) finding.Row {
	r := finding.Row{
		Kind: finding.Kind(f.Kind), Status: finding.Status(f.Status), StatusReason: f.StatusReason, Title: clean(f.Title), IDs: f.VulnerabilityIDs, Rule: f.RuleID, CWEs: f.CWEs, EPSS: f.EPSS,
		Severity: finding.Severity(f.Severity), SeverityFrom: f.SeveritySource, ToolWord: f.ToolSeverity, Package: f.Component.Name, PURL: f.Component.PURL, Installed: f.Component.Version, FixVersion: f.Component.FixVersion,
		Path: f.Location.Path, Line: int(f.Location.Line), Snippet: f.SourceLine, Fingerprint: f.Fingerprint, SecretHash: f.SecretHash, Resource: f.Resource, Identity: f.Identity,
		PublishedAt: moment(f.PublishedAt), Occurrences: f.Occurrences, References: f.References, Description: clean(f.Description), Remediation: clean(f.Remediation),
	}
	for _, c := range f.CVSS {
		r.Ratings = append(r.Ratings, finding.Rating{Version: c.Version, Vector: c.Vector, Score: c.Score})
	}
	for _, e := range f.Endpoints {
		r.Endpoints = append(r.Endpoints, finding.Endpoint{Method: e.Method, URL: e.URL, Host: e.Host, Path: e.Path, Param: e.Param, Port: int(e.Port)})
	}
	return r
}

// clean takes out what PostgreSQL cannot store.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

func moment(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC().Truncate(time.Microsecond)
	return &at
}

// statementOf is what a vendor says of a vulnerability in a package.
func statementOf(f *model.Finding, in *model.Input, service int64) finding.Statement {
	return finding.Statement{ServiceID: service, By: cmp.Or(in.Tool, f.Tool, "VEX"), IDs: f.VulnerabilityIDs, Package: f.Component.Name, PURL: f.Component.PURL, Status: finding.Status(f.Status), Reason: f.StatusReason}
}
