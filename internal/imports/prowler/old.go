package prowler

import (
	"cmp"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// FormatTwo is the report of Prowler 2.
var FormatTwo = &report.Format{
	ID: "prowler-v2", Name: "Prowler", Kind: model.KindReport, Versions: "2: CSV and JSON lines", Shape: `lines with "Control ID" and "Status", or CSV with TITLE_ID and CHECK_RESULT`, Lines: true, Array: true,
	Sniff: func(h *report.Head) bool {
		return h.Any("Control ID", "[].Control ID") && h.Any("Status", "[].Status") || h.Table("TITLE_ID", "CHECK_RESULT") || h.Table("TITLE_ID", "RESULT", "TITLE_TEXT")
	},
	Read: readTwo,
	Becomes: []report.Become{
		{From: "rows with result FAIL", To: "configuration findings; PASS and INFO are left out"},
		{From: "[check12] in the title, else TITLE_ID", To: "rule"},
		{From: "resource, region and account", To: "resource and service"},
	},
}

type two struct {
	Account     string `json:"Account Number"`
	Control     string `json:"Control"`
	Message     string `json:"Message"`
	Severity    string `json:"Severity"`
	Status      string `json:"Status"`
	ControlID   string `json:"Control ID"`
	Region      string `json:"Region"`
	Timestamp   string `json:"Timestamp"`
	Risk        string `json:"Risk"`
	Remediation string `json:"Remediation"`
	Doc         string `json:"Doc link"`
	Resource    string `json:"Resource ID"`
}

func readTwo(r *report.Report) error {
	r.Version = "2"
	if first := strings.TrimSpace(string(r.File.Data[:min(len(r.File.Data), 64)])); first != "" && first[0] != '[' && first[0] != '{' {
		return r.Table([]string{"TITLE_ID", "TITLE_TEXT"}, func(l *report.Line) {
			v := two{
				Account: l.Get("ACCOUNT_NUM"), Control: l.Get("TITLE_TEXT"), Message: l.Get("CHECK_RESULT_EXTENDED", "NOTES"), Severity: l.Get("CHECK_SEVERITY"), Status: l.Get("CHECK_RESULT", "RESULT"), ControlID: l.Get("TITLE_ID"),
				Region: l.Get("REGION"), Risk: l.Get("CHECK_RISK"), Remediation: l.Get("CHECK_REMEDIATION"), Doc: l.Get("CHECK_DOC"), Resource: l.Get("CHECK_RESOURCE_ID"),
			}
			v.check().add(r)
		})
	}
	j := r.JSON()
	if err := j.Documents(func() error { return report.Row(j, func(v *two) { v.check().add(r) }) }); err != nil {
		return err
	}
	return j.End()
}

// check brings a row of version 2 to the form of the later ones. Without a resource its message tells rows apart.
func (v *two) check() *check {
	rule := v.ControlID
	if name, _, ok := strings.Cut(strings.TrimPrefix(v.Control, "["), "]"); ok && strings.HasPrefix(v.Control, "[") {
		rule = name
	}
	return &check{
		ID: rule, Title: v.Control, Status: v.Status, Extended: v.Message, Severity: v.Severity, Resource: cmp.Or(v.Resource, v.Message), Region: v.Region, Account: v.Account, Date: v.Timestamp,
		Risk: v.Risk, Remedy: v.Remediation, URLs: []string{v.Doc},
	}
}
