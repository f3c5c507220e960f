// Package nuclei reads the JSON of Nuclei.
package nuclei

import (
	"cmp"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is Nuclei's JSON, as lines or as a list.
var Format = &report.Format{
	ID: "nuclei", Name: "Nuclei", Kind: model.KindReport, Versions: "2 and 3: `-jsonl`, `-json-export`, both styles of names", Shape: `rows with "template-id" (or "templateID") and "info", one per line or in a list`, Lines: true, Array: true,
	Sniff: func(h *report.Head) bool {
		for _, p := range []string{"", "[]."} {
			if h.Any(p+"template-id", p+"templateID", p+"template") && h.Has(p+"info") {
				return true
			}
		}
		return false
	},
	Read: read,
	Becomes: []report.Become{
		{From: "rows", To: "web findings; of templates on ports, DNS and TLS network findings. Rows of one template, matcher and host are one, whose occurrences count them"},
		{From: "info.severity", To: "severity; unknown is info"},
		{From: "info.classification", To: "CVEs, CWEs, CVSS and EPSS"},
		{From: "matched-at (or matched), else host", To: "endpoint"},
		{From: "matcher-name", To: "component: what was recognised"},
		{From: "request, response, curl-command, extracted-results", To: "nothing, since they hold credentials and page contents"},
	},
	Notes: "Rows with matcher-status false are no findings.",
}

type row struct {
	TemplateID  string `json:"template-id"`
	OldID       string `json:"templateID"`
	Template    string `json:"template"`
	TemplateURL string `json:"template-url"`
	Matcher     string `json:"matcher-name"`
	OldMatcher  string `json:"matcher_name"`
	Extractor   string `json:"extractor-name"`
	Type        string `json:"type"`
	Host        string `json:"host"`
	MatchedAt   string `json:"matched-at"`
	OldMatched  string `json:"matched"`
	IP          string `json:"ip"`
	Port        int    `json:"port"`
	Timestamp   string `json:"timestamp"`
	Status      *bool  `json:"matcher-status"`
	Info        struct {
		Name           string   `json:"name"`
		Severity       string   `json:"severity"`
		Description    string   `json:"description"`
		Impact         string   `json:"impact"`
		Remediation    string   `json:"remediation"`
		Reference      []string `json:"reference"`
		Classification struct {
			CVE        []string `json:"cve-id"`
			CWE        []string `json:"cwe-id"`
			Metrics    string   `json:"cvss-metrics"`
			Score      float64  `json:"cvss-score"`
			EPSS       *float64 `json:"epss-score"`
			Percentile *float64 `json:"epss-percentile"`
		} `json:"classification"`
	} `json:"info"`
}

func read(r *report.Report) error {
	j := r.JSON()
	return j.Documents(func() error { return report.Row(j, func(v *row) { v.add(r) }) })
}

func (v *row) add(r *report.Report) {
	id := cmp.Or(v.TemplateID, v.OldID, strings.TrimSuffix(v.Template, ".yaml"))
	if id == "" {
		r.Skip("This row names no template.")
		return
	}
	if v.Status != nil && !*v.Status {
		return
	}
	i, c := &v.Info, &v.Info.Classification
	f := model.Finding{
		Kind: kind(v.Type), RuleID: id, Title: cmp.Or(i.Name, id), ToolSeverity: i.Severity, Description: strings.TrimSpace(i.Description + "\n\n" + i.Impact), Remediation: i.Remediation,
		VulnerabilityIDs: append([]string{}, c.CVE...), CWEs: report.CWEs(c.CWE...), CVSS: report.CVSS(c.Metrics, c.Score), EPSS: report.Probability(c.EPSS), EPSSPercentile: report.Probability(c.Percentile),
		References: append(references(i.Reference), v.TemplateURL), Date: report.Time(v.Timestamp),
	}
	if len(f.VulnerabilityIDs) == 0 {
		f.VulnerabilityIDs = report.FindIDs(strings.ToUpper(id))
	}
	f.Component.Name = cmp.Or(v.Matcher, v.OldMatcher)
	e := report.Endpoint(cmp.Or(v.MatchedAt, v.OldMatched, v.Host))
	if e.Port == 0 && v.Port > 0 && v.Port < 65536 && e.Protocol == "" {
		e.Port = model.Number(v.Port)
	}
	f.Endpoints, f.Service = []model.Endpoint{e}, e.Host
	f.Fingerprint = cmp.Or(f.Component.Name, v.Extractor) + " " + e.Host
	r.AddBy(strings.Join([]string{id, f.Component.Name, v.Extractor, e.Host}, "\x00"), f)
}

// kind tells what a template looks at.
func kind(protocol string) model.FindingKind {
	switch protocol {
	case "network", "tcp", "dns", "ssl", "whois", "javascript":
		return model.FindingNetwork
	case "file", "code":
		return model.FindingCode
	}
	return model.FindingWeb
}

// references takes the list apart that old templates write into one text.
func references(list []string) []string {
	var out []string
	for _, r := range list {
		for line := range strings.Lines(r) {
			out = append(out, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "- ")))
		}
	}
	return out
}
