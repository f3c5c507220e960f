// Package sarif reads SARIF 2.1.0, the format that most static analysers can write.
package sarif

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is SARIF.
var Format = &report.Format{
	ID: "sarif", Name: "SARIF", Kind: model.KindReport, Versions: "2.1.0, and what earlier drafts share with it", Shape: `an object with "runs"`,
	Sniff: func(h *report.Head) bool {
		return h.Has("runs") && (h.Is("runs", '[') || h.Has("version")) && (h.Any("version", "$schema") || h.Has("runs[].tool"))
	},
	Read: read,
	Becomes: []report.Become{
		{From: "runs[].results[] of kind fail (the default)", To: "findings; pass, open, review, notApplicable and informational results are left out"},
		{From: "suppressions[], none of them underReview or rejected", To: "status suppressed, with the justification"},
		{From: "baselineState absent", To: "status fixed"},
		{From: "security-severity of result or rule, else level, else the rule's default level, else warning", To: "severity: error is high, warning medium, note and none info; critical only comes from security-severity"},
		{From: "ruleId, rule.id or ruleIndex, in the driver or an extension", To: "rule; `R1/sub` is a part of R1"},
		{From: "locations[0]", To: "file, line and source line; further locations are named in the description"},
		{From: "fingerprints, else partialFingerprints", To: "the tool's id, by which the finding is recognised again"},
		{From: "tags, properties.cwe, relationships and taxa", To: "CWEs; CVEs are taken of rule ids and tags"},
		{From: "invocations[]", To: "date; a failed run is a problem and makes the report a part"},
	},
	Notes: "What Muster itself exported as SARIF is read with everything that it wrote beside. The kind follows from what the tool is: dependency scanners, secret scanners and configuration checkers write SARIF too. Texts that show a secret are masked.",
}

type message struct {
	Text      string   `json:"text"`
	Markdown  string   `json:"markdown"`
	ID        string   `json:"id"`
	Arguments []string `json:"arguments"`
}

type artifact struct {
	URI       string `json:"uri"`
	URIBaseID string `json:"uriBaseId"`
	Index     *int   `json:"index"`
}

type location struct {
	Physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   struct {
			StartLine int     `json:"startLine"`
			EndLine   int     `json:"endLine"`
			Snippet   message `json:"snippet"`
		} `json:"region"`
		Context struct {
			Snippet message `json:"snippet"`
		} `json:"contextRegion"`
	} `json:"physicalLocation"`
	Logical []struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	} `json:"logicalLocations"`
}

type reference struct {
	ID        string `json:"id"`
	Index     *int   `json:"index"`
	Component struct {
		Name  string `json:"name"`
		Index *int   `json:"index"`
	} `json:"toolComponent"`
}

type properties struct {
	SecuritySeverity string   `json:"security-severity"`
	Severity         string   `json:"severity"`
	Tags             []string `json:"tags"`
	CWE              []string `json:"cwe"`
	CVE              []string `json:"cve"`
	Confidence       string   `json:"confidence"`
	Precision        string   `json:"precision"`

	Muster *model.Exported `json:"muster"` // what SARIF has no place for, in our own exports
}

type result struct {
	RuleID              string            `json:"ruleId"`
	RuleIndex           *int              `json:"ruleIndex"`
	Rule                reference         `json:"rule"`
	Kind                string            `json:"kind"`
	Level               string            `json:"level"`
	Message             message           `json:"message"`
	Locations           []location        `json:"locations"`
	BaselineState       string            `json:"baselineState"`
	Fingerprints        map[string]string `json:"fingerprints"`
	PartialFingerprints map[string]string `json:"partialFingerprints"`
	Occurrences         int               `json:"occurrenceCount"`
	Taxa                []reference       `json:"taxa"`
	Properties          properties        `json:"properties"`
	HostedViewerURI     string            `json:"hostedViewerUri"`
	Suppressions        []suppression     `json:"suppressions"`
	SuppressionStates   []string          `json:"suppressionStates"`
	Fixes               []struct {
		Description message `json:"description"`
	} `json:"fixes"`
}

type suppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	State         string `json:"state"`
	Justification string `json:"justification"`
}

func read(r *report.Report) error {
	j := r.JSON()
	return j.Top([]string{"runs"}, func(key string) error {
		switch key {
		case "version":
			return j.Read(&r.Version)
		case "runs":
			if j.Kind() != '[' {
				return r.Wrong()
			}
			return j.List(func() error { return readRun(r, j) })
		}
		return nil
	})
}

func readRun(r *report.Report, j *report.JSON) error {
	if j.Kind() != '{' {
		return j.Odd()
	}
	n, scanned := &run{Report: r, looksFor: model.FindingCode}, false
	err := j.Twice(n.about, func(j *report.JSON, key string) error {
		if key != "results" {
			return nil
		}
		scanned = j.Kind() != 'n'
		return report.Rows(j, n.add)
	})
	if err == nil && !scanned { // which is how a tool says that it did not get so far
		n.Incomplete("A run of %s has no list of results: it did not scan.", cmp.Or(n.tool, "an unnamed tool"))
	}
	return err
}

// add makes a finding of a result.
func (n *run) add(v *result) {
	if v.Kind != "" && v.Kind != "fail" {
		return
	}
	id, rule := n.rule(v)
	f := model.Finding{
		Tool: n.tool, RuleID: id, Title: n.text(v.Message, rule), Confidence: cmp.Or(v.Properties.Confidence, rule.Properties.Confidence, rule.Properties.Precision), Occurrences: v.Occurrences, Date: report.Time(n.ended),
	}
	f.Description = strings.TrimSpace(f.Title + "\n\n" + cmp.Or(rule.Full.Text, rule.Short.Text))
	if rule.Full.Text == "" && rule.Short.Text == "" {
		f.Description = f.Title
	}
	if f.Title == "" {
		f.Title = cmp.Or(rule.Short.Text, rule.Full.Text, rule.Name, id)
	}
	f.References = []string{v.HostedViewerURI, rule.HelpURI}
	f.Remediation = cmp.Or(fixes(v), rule.Help.Markdown, rule.Help.Text)
	n.severity(&f, v, rule)
	n.place(&f, v)
	n.identify(&f, v, rule)
	closed(&f, v)
	n.kind(&f, rule)
	if f.Kind == model.FindingSecret {
		report.Hide(&f, f.SourceLine)
	}
	if x := v.Properties.Muster; x != nil && n.tool == model.OwnTool {
		own := report.Own(x)
		n.Partial = true // a list that somebody took out never speaks for everything
		own.Tool, own.At, own.Description, own.References = n.tool, f.At, f.Description, f.References
		own.Title, own.Location = f.Title, f.Location
		f = own
	}
	n.Add(f)
}

func fixes(v *result) string {
	var texts []string
	for _, fix := range v.Fixes {
		if fix.Description.Text != "" {
			texts = append(texts, fix.Description.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// severity takes the most exact of what result and rule say.
func (n *run) severity(f *model.Finding, v *result, rule *rule) {
	if word := cmp.Or(v.Properties.SecuritySeverity, rule.Properties.SecuritySeverity); word != "" {
		f.ToolSeverity = word
		if score := report.Float(word, 0.01, 10); score != nil {
			f.CVSS = append(f.CVSS, report.Rating("3.1", "", *score)...)
			f.ToolSeverity, f.Severity, f.SeveritySource = word, report.ByScore(*score), model.SeverityFromTool
		}
		if _, ok := report.Severity(word); ok {
			return
		}
	}
	f.ToolSeverity = cmp.Or(v.Level, n.override(rule.ID), rule.Default.Level, "warning")
	switch f.ToolSeverity {
	case "error":
		f.Severity = model.SeverityHigh
	case "warning":
		f.Severity = model.SeverityMedium
	default:
		f.Severity = model.SeverityInfo
	}
}

// place takes the first location, and names the others.
func (n *run) place(f *model.Finding, v *result) {
	var also []string
	for i, l := range v.Locations {
		path, line := n.uri(l.Physical.Artifact), l.Physical.Region.StartLine
		if i == 0 {
			f.Location = model.Location{Path: path, Line: model.Number(line), EndLine: model.Number(l.Physical.Region.EndLine)}
			f.SourceLine = cmp.Or(l.Physical.Region.Snippet.Text, l.Physical.Context.Snippet.Text)
			if len(l.Logical) > 0 {
				f.Resource = l.Logical[0].Name
			}
			continue
		}
		if len(also) < 20 && path != "" {
			also = append(also, fmt.Sprintf("%s:%d", path, line))
		}
	}
	if len(also) > 0 {
		f.Description += "\n\nAlso at: " + strings.Join(also, ", ")
	}
}

// identify collects what names the weakness and the row.
func (n *run) identify(f *model.Finding, v *result, rule *rule) {
	rule.identify(n)
	f.VulnerabilityIDs = slices.Concat(report.FindIDs(f.RuleID), report.FindIDs(v.Properties.CVE...), rule.ids, report.FindIDs(v.Properties.Tags...))
	f.CWEs = slices.Concat(tagged(v.Properties.Tags), report.CWEs(v.Properties.CWE...), rule.cwes)
	for _, taxon := range v.Taxa {
		f.CWEs = append(f.CWEs, n.taxon(taxon)...)
	}
	marks := v.Fingerprints
	if len(marks) == 0 {
		marks = v.PartialFingerprints
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(marks)) {
		parts = append(parts, name+":"+marks[name])
		f.ToolID = marks[name]
	}
	if len(parts) != 1 {
		f.ToolID = strings.Join(parts, "|")
	}
	f.Fingerprint = f.ToolID
}

// closed reads what says that a result is no open problem. One doubtful suppression keeps it open.
func closed(f *model.Finding, v *result) {
	for _, s := range v.Suppressions {
		state := strings.ToLower(cmp.Or(s.Status, s.State))
		if state == "underreview" || state == "rejected" {
			return
		}
	}
	switch {
	case len(v.Suppressions) > 0:
		f.Status, f.StatusReason = model.StatusSuppressed, cmp.Or(v.Suppressions[0].Justification, "suppressed "+v.Suppressions[0].Kind)
	case slices.ContainsFunc(v.SuppressionStates, func(s string) bool { return strings.HasPrefix(s, "suppressed") }):
		f.Status, f.StatusReason = model.StatusSuppressed, "suppressed in source or by the tool"
	case v.BaselineState == "absent":
		f.Status, f.StatusReason = model.StatusFixed, "it was in the baseline and is no more"
	}
}
