// Package zap reads the reports of ZAP: traditional XML and JSON, with or without requests and responses.
package zap

import (
	"cmp"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is ZAP's traditional report.
var Format = &report.Format{
	ID: "zap", Name: "ZAP", Kind: model.KindReport, Versions: "XML since 2.4, XML plus, and traditional JSON", Shape: `XML with an OWASPZAPReport element, or an object with "site"`,
	Sniff: func(h *report.Head) bool {
		return h.XML == "OWASPZAPReport" || h.Any("@programName", "@generated") && h.Has("site")
	},
	Read: read,
	Becomes: []report.Become{
		{From: "site x alertitem", To: "one web finding; the same alert on two sites is two"},
		{From: "instances", To: "endpoints with method and parameter; attack, evidence, request and response are not kept, since they hold credentials"},
		{From: "riskcode 3, 2, 1, 0", To: "high, medium, low, info"},
		{From: "confidence 0", To: "status false positive; 4, confirmed by a person, is verified"},
		{From: "pluginid, alertRef", To: "rule and the tool's id"},
		{From: "cweid", To: "CWE; 0 and -1 are none"},
	},
	Notes: "The HTML of descriptions becomes text.",
}

type alert struct {
	PluginID   string     `xml:"pluginid" json:"pluginid"`
	Ref        string     `xml:"alertRef" json:"alertRef"`
	Alert      string     `xml:"alert" json:"alert"`
	Name       string     `xml:"name" json:"name"`
	Risk       string     `xml:"riskcode" json:"riskcode"`
	Confidence string     `xml:"confidence" json:"confidence"`
	RiskDesc   string     `xml:"riskdesc" json:"riskdesc"`
	Desc       string     `xml:"desc" json:"desc"`
	Solution   string     `xml:"solution" json:"solution"`
	Other      string     `xml:"otherinfo" json:"otherinfo"`
	Reference  string     `xml:"reference" json:"reference"`
	CWE        string     `xml:"cweid" json:"cweid"`
	Instances  []instance `xml:"instances>instance" json:"instances"`
	instance              // before 2.4 the one address stands in the alert itself
}

type instance struct {
	URI    string `xml:"uri" json:"uri"`
	Method string `xml:"method" json:"method"`
	Param  string `xml:"param" json:"param"`
}

// site is where the alerts that follow were raised.
type site struct{ name, date string }

func read(r *report.Report) error {
	s := &site{}
	if strings.HasPrefix(strings.TrimSpace(string(r.File.Data[:min(len(r.File.Data), 512)])), "<") {
		return r.XML().Walk([]string{"OWASPZAPReport"}, func(e *report.Element) error {
			switch e.Path {
			case "OWASPZAPReport":
				r.Version, s.date = e.Attr("version"), e.Attr("generated")
			case "OWASPZAPReport/site":
				s.name = e.Attr("name")
			case "OWASPZAPReport/site/alerts/alertitem":
				var a alert
				err := e.Row(&a)
				a.add(r, s)
				return err
			}
			return nil
		})
	}
	j := r.JSON()
	return j.Top([]string{"site"}, func(key string) error {
		switch key {
		case "@version":
			return j.Read(&r.Version)
		case "@generated":
			return j.Read(&s.date)
		case "site":
			return report.Each(j, func(v *struct {
				Name   string  `json:"@name"`
				Alerts []alert `json:"alerts"`
			}) {
				s.name = v.Name
				for i := range v.Alerts {
					r.Count()
					v.Alerts[i].add(r, s)
				}
			})
		}
		return nil
	})
}

var risks = map[string]model.Severity{"3": model.SeverityHigh, "2": model.SeverityMedium, "1": model.SeverityLow, "0": model.SeverityInfo, "-1": model.SeverityInfo}

func (a *alert) add(r *report.Report, s *site) {
	title := cmp.Or(a.Name, a.Alert)
	if title == "" && a.PluginID == "" {
		r.Skip("This alert has neither a name nor a rule.")
		return
	}
	word, _, _ := strings.Cut(a.RiskDesc, " ")
	f := model.Finding{
		Kind: model.FindingWeb, RuleID: a.PluginID, Title: title, ToolSeverity: cmp.Or(word, a.Risk), Severity: risks[strings.TrimSpace(a.Risk)], Confidence: confidence(a.Confidence), Service: s.name,
		Description: strings.TrimSpace(report.Plain(a.Desc) + "\n\n" + report.Plain(a.Other)), Remediation: report.Plain(a.Solution), References: strings.Fields(report.Plain(a.Reference)), Date: report.Time(s.date),
	}
	if n := report.Int(a.CWE); n > 0 {
		f.CWEs = []int{n}
	}
	if a.Ref != "" && a.Ref != a.PluginID {
		f.ToolID = a.Ref
	}
	switch strings.TrimSpace(a.Confidence) {
	case "0":
		f.Status, f.StatusReason = model.StatusFalsePositive, "marked as false positive in ZAP"
	case "4":
		f.Verified = report.Yes()
	}
	if len(a.Instances) == 0 && (a.URI != "" || s.name != "") {
		a.Instances = []instance{{URI: cmp.Or(a.URI, s.name), Method: a.Method, Param: a.Param}}
	}
	for _, in := range a.Instances {
		e := report.Endpoint(in.URI)
		e.Method, e.Param = strings.ToUpper(in.Method), report.Clip(in.Param, 200)
		f.Endpoints = append(f.Endpoints, e)
	}
	f.Fingerprint = s.name + " " + cmp.Or(a.Ref, title)
	r.AddBy(strings.Join([]string{s.name, a.PluginID, a.Ref, title, a.Risk}, "\x00"), f)
}

func confidence(code string) string {
	switch strings.TrimSpace(code) {
	case "1":
		return "low"
	case "2":
		return "medium"
	case "3":
		return "high"
	case "4":
		return "confirmed"
	}
	return ""
}
