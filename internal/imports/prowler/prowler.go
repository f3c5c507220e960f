// Package prowler reads the reports of Prowler: the tables and JSON of versions 2 to 5, and OCSF.
package prowler

import (
	"cmp"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is the report of Prowler 3 and later.
var Format = &report.Format{
	ID: "prowler", Name: "Prowler", Kind: model.KindReport, Versions: "3 to 5: CSV, native JSON, JSON-OCSF", Shape: `a list of checks ("CheckID", or OCSF with "metadata.event_code"), or CSV with CHECK_ID and STATUS`, Array: true,
	Sniff: func(h *report.Head) bool {
		return h.Any("[].metadata.event_code", "metadata.event_code") || h.Any("[].CheckID", "CheckID") && h.Any("[].StatusExtended", "StatusExtended", "[].AssessmentStartTime") ||
			h.Table("CHECK_ID", "STATUS", "STATUS_EXTENDED")
	},
	Read: readLater,
	Becomes: []report.Become{
		{From: "rows with status FAIL", To: "configuration findings; so do MANUAL ones, whose confidence says that a person must check; PASS and INFO are left out"},
		{From: "MUTED, or OCSF status Suppressed", To: "status suppressed"},
		{From: "check id, finding uid, resource uid or ARN", To: "rule, the tool's id, resource"},
		{From: "account", To: "service"},
		{From: "risk, remediation", To: "description and remediation with their addresses"},
	},
}

// check is a row of any version, under the names of the native JSON.
type check struct {
	ID, UID, Title, Status, Extended, Severity, Muted string
	Resource, Region, Account, Date, Description      string
	Risk, Remedy                                      string
	URLs                                              []string
}

// add makes a finding of a row that failed or needs a person.
func (c *check) add(r *report.Report) {
	if c.ID == "" && c.Title == "" {
		r.Skip("This row names no check.")
		return
	}
	status := strings.ToUpper(strings.TrimSpace(c.Status))
	muted := report.Truth(c.Muted) || strings.HasPrefix(status, "MUTED")
	manual := status == "MANUAL" || status == "WARNING"
	if !strings.Contains(status, "FAIL") && !manual {
		return
	}
	f := model.Finding{
		Kind: model.FindingConfiguration, RuleID: c.ID, ToolID: c.UID, Title: cmp.Or(c.Title, c.ID), ToolSeverity: c.Severity, Description: strings.TrimSpace(c.Extended + "\n\n" + cmp.Or(c.Risk, c.Description)), Remediation: c.Remedy,
		Resource: cmp.Or(c.Resource, strings.Trim(c.Account+"/"+c.Region, "/")), Service: c.Account, Date: report.Time(c.Date), References: c.URLs,
	}
	f.Fingerprint = cmp.Or(c.UID, c.Region)
	if manual {
		f.Confidence = "manual: a person must check this"
	}
	if muted {
		f.Status, f.StatusReason = model.StatusSuppressed, "muted in Prowler"
	}
	r.Add(f)
}

// native is a row of the JSON of version 3.
type native struct {
	AssessmentStartTime, CheckID, CheckTitle, Status, StatusExtended, Severity, Description, Risk, Region string

	UID          string `json:"FindingUniqueId"`
	URL          string `json:"RelatedUrl"`
	Account      string `json:"AccountId"`
	Project      string `json:"ProjectId"`
	Subscription string `json:"Subscription"`
	Resource     string `json:"ResourceId"`
	ARN          string `json:"ResourceArn"`
	Remediation  struct {
		Recommendation struct {
			Text string
			URL  string `json:"Url"`
		}
	}
}

// ocsf is a row of OCSF: a detection or compliance finding.
type ocsf struct {
	Metadata struct {
		EventCode string `json:"event_code"`
		Version   string `json:"version"`
	} `json:"metadata"`
	Severity     string `json:"severity"`
	Status       string `json:"status"`
	StatusCode   string `json:"status_code"`
	StatusDetail string `json:"status_detail"`
	Message      string `json:"message"`
	Risk         string `json:"risk_details"`
	EventTime    string `json:"event_time"`
	TimeDT       string `json:"time_dt"`
	Time         string `json:"time"`
	Info         struct {
		Title     string `json:"title"`
		Desc      string `json:"desc"`
		UID       string `json:"uid"`
		Created   string `json:"created_time"`
		CreatedDT string `json:"created_time_dt"`
	} `json:"finding_info"`
	Resources []struct {
		UID    string `json:"uid"`
		Name   string `json:"name"`
		Region string `json:"region"`
	} `json:"resources"`
	Cloud struct {
		Region  string `json:"region"`
		Account struct {
			UID  string `json:"uid"`
			Name string `json:"name"`
		} `json:"account"`
	} `json:"cloud"`
	Remediation struct {
		Desc       string   `json:"desc"`
		References []string `json:"references"`
	} `json:"remediation"`
	Unmapped struct {
		RelatedURL string `json:"related_url"`
	} `json:"unmapped"`
}

// row is either of the two; their members have different names.
type row struct {
	Native native `json:",inline"`
	OCSF   ocsf   `json:",inline"`
}

func readLater(r *report.Report) error {
	if first := strings.TrimSpace(string(r.File.Data[:min(len(r.File.Data), 64)])); first != "" && first[0] != '[' && first[0] != '{' {
		return r.Table([]string{"CHECK_ID", "STATUS"}, func(l *report.Line) { later(l).add(r) })
	}
	j := r.JSON()
	err := j.Documents(func() error {
		return report.Row(j, func(v *row) {
			if v.OCSF.Metadata.EventCode != "" || v.OCSF.Info.UID != "" {
				r.Version = cmp.Or(r.Version, "OCSF "+v.OCSF.Metadata.Version)
				v.OCSF.check().add(r)
				return
			}
			r.Version = cmp.Or(r.Version, "3")
			v.Native.check().add(r)
		})
	})
	if err != nil {
		return err
	}
	return j.End()
}

func (n *native) check() *check {
	return &check{
		ID: n.CheckID, UID: n.UID, Title: n.CheckTitle, Status: n.Status, Extended: n.StatusExtended, Severity: n.Severity, Resource: cmp.Or(n.ARN, n.Resource), Region: n.Region,
		Account: cmp.Or(n.Account, n.Project, n.Subscription), Date: n.AssessmentStartTime, Description: n.Description, Risk: n.Risk, Remedy: n.Remediation.Recommendation.Text, URLs: []string{n.Remediation.Recommendation.URL, n.URL},
	}
}

func (o *ocsf) check() *check {
	c := &check{
		ID: o.Metadata.EventCode, UID: o.Info.UID, Title: o.Info.Title, Status: o.StatusCode, Extended: cmp.Or(o.StatusDetail, o.Message), Severity: o.Severity, Region: o.Cloud.Region, Account: cmp.Or(o.Cloud.Account.UID, o.Cloud.Account.Name),
		Date: cmp.Or(o.Info.CreatedDT, o.Info.Created, o.TimeDT, o.EventTime, o.Time), Description: o.Info.Desc, Risk: o.Risk, Remedy: o.Remediation.Desc, URLs: append(o.Remediation.References, o.Unmapped.RelatedURL),
	}
	for _, res := range o.Resources {
		c.Resource, c.Region = cmp.Or(c.Resource, res.UID, res.Name), cmp.Or(c.Region, res.Region)
	}
	if strings.EqualFold(o.Status, "Suppressed") {
		c.Muted = "true"
	}
	return c
}

// later reads a line of the CSV of versions 3 to 5.
func later(l *report.Line) *check {
	return &check{
		ID: l.Get("CHECK_ID"), UID: l.Get("FINDING_UID", "FINDING_UNIQUE_ID"), Title: l.Get("CHECK_TITLE"), Status: l.Get("STATUS"), Extended: l.Get("STATUS_EXTENDED"), Severity: l.Get("SEVERITY"), Muted: l.Get("MUTED"),
		Resource: l.Get("RESOURCE_UID", "RESOURCE_ARN", "RESOURCE_ID", "RESOURCE_NAME"), Region: l.Get("REGION", "NAMESPACE", "LOCATION"), Account: l.Get("ACCOUNT_UID", "ACCOUNT_ID", "PROJECT_ID", "SUBSCRIPTION", "CONTEXT"),
		Date: l.Get("TIMESTAMP", "ASSESSMENT_START_TIME"), Description: l.Get("DESCRIPTION"), Risk: l.Get("RISK"), Remedy: l.Get("REMEDIATION_RECOMMENDATION_TEXT"),
		URLs: []string{l.Get("REMEDIATION_RECOMMENDATION_URL"), l.Get("RELATED_URL")},
	}
}
