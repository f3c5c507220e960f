package cyclonedx

import (
	"cmp"
	"strconv"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

func (b *bom) finding(v *vulnerability, c model.Package) model.Finding {
	f := model.Finding{
		Kind: model.FindingDependency, RuleID: v.ID, Description: cmp.Or(strings.TrimSpace(v.Description), v.Detail), Component: c, Service: b.service,
		VulnerabilityIDs: []string{v.ID}, CWEs: report.CWEs(v.CWEs...), Date: report.Time(b.date), PublishedAt: report.Time(v.Published), Remediation: cmp.Or(v.Recommendation, strings.Join(v.OldAdvice, "\n")),
	}
	f.Title = strings.TrimSuffix(strings.TrimSpace(v.ID)+" in "+strings.TrimSpace(c.Name+" "+c.Version), " in ")
	for _, r := range v.References {
		f.VulnerabilityIDs = append(f.VulnerabilityIDs, r.ID)
		f.References = append(f.References, r.Source.URL)
	}
	for _, a := range v.Advisories {
		f.References = append(f.References, cmp.Or(strings.TrimSpace(a.URL), strings.TrimSpace(a.Text)))
	}
	judge(&f, v)
	v.Analysis.close(&f)
	return f
}

type rating struct {
	Score    score  `json:"-" xml:"score"`
	Number   any    `json:"score" xml:"-"`
	Severity string `json:"severity" xml:"severity"`
	Method   string `json:"method" xml:"method"`
	Vector   string `json:"vector" xml:"vector"`
}

// score is a number, in the old extension an element with a base in it.
type score struct {
	Text string `xml:",chardata"`
	Base string `xml:"base"`
}

func (r rating) score() float64 {
	switch n := r.Number.(type) {
	case float64:
		return n
	case string:
		r.Score.Text = n
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(cmp.Or(strings.TrimSpace(r.Score.Base), r.Score.Text)), 64)
	if err != nil {
		return 0
	}
	return n
}

// rank prefers newer methods.
func (r rating) rank() int {
	method := strings.ToUpper(r.Method)
	switch {
	case strings.HasPrefix(method, "CVSSV4"), strings.HasPrefix(r.Vector, "CVSS:4"):
		return 4
	case strings.HasPrefix(method, "CVSSV3"), strings.HasPrefix(r.Vector, "CVSS:3"):
		return 3
	case strings.HasPrefix(method, "CVSSV2"), strings.Contains(r.Vector, "Au:"):
		return 2
	}
	return 1
}

// judge takes the severity of the best rating; of equally good ones, the highest.
func judge(f *model.Finding, v *vulnerability) {
	best, order := 0, map[model.Severity]int{model.SeverityCritical: 5, model.SeverityHigh: 4, model.SeverityMedium: 3, model.SeverityLow: 2, model.SeverityInfo: 1}
	for _, r := range v.Ratings {
		rank, score := r.rank(), r.score()
		if rank > 1 {
			rated := report.Rating(r.Method, r.Vector, score)
			if f.CVSS = append(f.CVSS, rated...); len(rated) > 0 {
				score = rated[0].Score
			}
		}
		severity, source := model.Severity(""), ""
		if s, ok := report.Severity(r.Severity); ok && !strings.EqualFold(r.Severity, "unknown") {
			severity, source = s, model.SeverityFromTool
		} else if score > 0 && rank > 1 {
			severity, source = report.ByScore(score), model.SeverityFromCVSS
		} else if ok {
			severity, source = s, model.SeverityFromTool
			rank = 0 // a word that says nothing
		}
		if value := rank*10 + order[severity]; severity != "" && value > best {
			best, f.Severity, f.SeveritySource, f.ToolSeverity = value, severity, source, r.Severity
		}
	}
	if f.ToolSeverity != "" && strings.EqualFold(f.ToolSeverity, "unknown") && len(f.CVSS) > 0 {
		f.Severity, f.SeveritySource, f.ToolSeverity = "", "", ""
	}
}

// close reads what an analyst decided.
func (a analysis) close(f *model.Finding) {
	parts := []string{a.Justification, a.Detail, strings.Join(a.Response, ", ")}
	reason := strings.TrimSpace(strings.Join(parts, " "))
	switch strings.TrimSpace(a.State) {
	case "resolved", "resolved_with_pedigree":
		f.Status = model.StatusFixed
	case "not_affected":
		f.Status = model.StatusNotAffected
	case "false_positive":
		f.Status = model.StatusFalsePositive
	case "in_triage":
		f.Confidence = "in triage"
		return
	case "exploitable":
		f.Confidence = "exploitable"
		return
	}
	f.StatusReason = reason
}
