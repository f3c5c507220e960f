// Package openvex reads OpenVEX documents: what a vendor says about vulnerabilities in its products.
package openvex

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is OpenVEX.
var Format = &report.Format{
	ID: "openvex", Name: "OpenVEX", Kind: model.KindVEX, Versions: "0.0.1 to 0.2.0", Shape: `an object with an "@context" of openvex.dev and "statements"`,
	Sniff: func(h *report.Head) bool {
		return strings.Contains(h.Text("@context"), "openvex") || strings.Contains(h.Text("@context[]"), "openvex")
	},
	Read: read,
	Becomes: []report.Become{
		{From: "statements[] x products[] x subcomponents[]", To: "one statement on one package; of several on the same, the latest counts"},
		{From: "status affected, under_investigation", To: "open; the second is unconfirmed"},
		{From: "status not_affected, fixed", To: "closed, with justification and impact statement: they close matching findings and open none"},
		{From: "vulnerability, a text or an object", To: "vulnerability ids, the name first, then aliases"},
		{From: "product @id or identifiers.purl", To: "component; of a subcomponent, with the product as resource"},
	},
	Notes: "Statements have no severity: affected is medium, all others info, and severity_source says so.",
}

// vulnerability is a name in old documents, an object in new ones.
type vulnerability struct {
	ID          string   `json:"@id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Aliases     []string `json:"aliases"`
}

// UnmarshalJSONFrom reads either form.
func (v *vulnerability) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &v.Name)
	}
	type plain vulnerability
	return json.UnmarshalDecode(d, (*plain)(v), d.Options())
}

// product is an identifier in old documents, an object in new ones.
type product struct {
	ID          string `json:"@id"`
	Identifiers struct {
		PURL  string `json:"purl"`
		CPE22 string `json:"cpe22"`
		CPE23 string `json:"cpe23"`
	} `json:"identifiers"`
	Subcomponents []product `json:"subcomponents"`
}

// UnmarshalJSONFrom reads either form.
func (p *product) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &p.ID)
	}
	type plain product
	return json.UnmarshalDecode(d, (*plain)(p), d.Options())
}

func (p *product) purl() string {
	if p.Identifiers.PURL == "" && strings.HasPrefix(p.ID, "pkg:") {
		return p.ID
	}
	return p.Identifiers.PURL
}

func (p *product) name() string {
	return cmp.Or(p.ID, p.purl(), p.Identifiers.CPE23, p.Identifiers.CPE22)
}

type statement struct {
	Vulnerability   vulnerability `json:"vulnerability"`
	Products        []product     `json:"products"`
	Subcomponents   []product     `json:"subcomponents"` // beside the products in old documents
	Status          string        `json:"status"`
	StatusNotes     string        `json:"status_notes"`
	Justification   string        `json:"justification"`
	ImpactStatement string        `json:"impact_statement"`
	ActionStatement string        `json:"action_statement"`
	Timestamp       string        `json:"timestamp"`
	LastUpdated     string        `json:"last_updated"`
}

const noSeverity = model.SeverityFromDefault + ": a VEX statement has no severity"

// document collects the statements, of which the latest on the same thing counts.
type document struct {
	*report.Report
	date  string
	found []model.Finding
	at    map[string]int
}

func read(r *report.Report) error {
	j := r.JSON()
	if j.Kind() != '{' {
		return r.Wrong()
	}
	d, known := &document{Report: r, at: map[string]int{}}, false
	err := j.Twice(func(j *report.JSON, key string) error {
		switch key {
		case "@context":
			var context string
			err := j.Read(&context)
			known = strings.Contains(context, "openvex")
			if last := context[strings.LastIndexByte(context, '/')+1:]; strings.HasPrefix(last, "v") {
				r.Version = last[1:]
			}
			return err
		case "author":
			return j.Read(&r.Tool)
		case "timestamp", "last_updated":
			return j.Read(&d.date)
		}
		return nil
	}, func(j *report.JSON, key string) error {
		if key != "statements" {
			return nil
		}
		return report.Rows(j, d.statement)
	})
	if err != nil {
		return err
	}
	if !known {
		return r.Wrong()
	}
	for _, f := range d.found {
		f.Severity, f.SeveritySource = model.SeverityInfo, noSeverity
		if f.Status == model.StatusOpen && f.Verified == nil {
			f.Severity, f.SeveritySource = model.SeverityMedium, noSeverity
		}
		r.Add(f)
	}
	return j.End()
}

func (d *document) statement(s *statement) {
	status, ok := map[string]model.Status{"affected": model.StatusOpen, "under_investigation": model.StatusOpen, "not_affected": model.StatusNotAffected, "fixed": model.StatusFixed}[s.Status]
	name := cmp.Or(s.Vulnerability.Name, s.Vulnerability.ID[strings.LastIndexByte(s.Vulnerability.ID, '/')+1:])
	if !ok || name == "" {
		d.Skip("This statement names no vulnerability, or a status that OpenVEX does not have.")
		return
	}
	f := model.Finding{
		Kind: model.FindingDependency, RuleID: name, Status: status, ToolSeverity: "", Description: cmp.Or(s.Vulnerability.Description, s.StatusNotes), Remediation: s.ActionStatement,
		StatusReason: strings.TrimSpace(s.Justification + " " + s.ImpactStatement), Date: report.Time(cmp.Or(s.LastUpdated, s.Timestamp, d.date)), References: []string{web(s.Vulnerability.ID)}, At: d.At(),
	}
	if s.Status == "under_investigation" {
		f.Confidence, f.Verified = "under investigation", report.No()
	}
	if len(s.Products) == 0 {
		s.Products = []product{{}}
	}
	for _, p := range s.Products {
		parts := append(p.Subcomponents, s.Subcomponents...)
		if len(parts) == 0 {
			parts = []product{{}}
		}
		for _, part := range parts {
			f.VulnerabilityIDs = append([]string{name}, s.Vulnerability.Aliases...)
			d.about(f, name, &p, &part)
		}
	}
}

func web(id string) string {
	if strings.HasPrefix(id, "http") {
		return id
	}
	return ""
}

// about is a statement on one product or one part of it.
func (d *document) about(f model.Finding, vulnerability string, p, part *product) {
	f.Component.PURL, f.ToolID = p.purl(), p.name()
	f.Component.Name = p.name()
	if part.name() != "" {
		f.Component.PURL, f.Component.Name, f.Resource = part.purl(), part.name(), p.name()
		f.ToolID = p.name() + "|" + part.name()
	}
	if f.Component.PURL != "" {
		f.Component.Name = "" // which the package URL holds
	}
	f.ToolID = strings.TrimPrefix(f.ToolID+"|"+vulnerability, "|")
	f.Title = vulnerability + " in " + cmp.Or(part.name(), p.name(), "the product")
	if i, ok := d.at[f.ToolID]; ok {
		if old := d.found[i].Date; old == nil || f.Date == nil || !f.Date.Before(*old) {
			d.found[i] = f
		}
		return
	}
	d.at[f.ToolID] = len(d.found)
	d.found = append(d.found, f)
}
