// Package cyclonedx reads CycloneDX: bills of material with what is vulnerable in them, and VEX documents, as JSON and XML.
package cyclonedx

import (
	"cmp"
	"net/url"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is CycloneDX.
var Format = &report.Format{
	ID: "cyclonedx", Name: "CycloneDX", Kind: model.KindSBOM, Versions: "JSON 1.2 to 1.6, XML 1.0 to 1.6 with the vulnerability extension 1.0", Shape: `an object with "bomFormat": "CycloneDX", or XML with a bom element`,
	Sniff: func(h *report.Head) bool {
		return strings.EqualFold(h.Text("bomFormat"), "CycloneDX") || h.XML == "bom" && strings.Contains(h.Space, "cyclonedx.org/schema/bom")
	},
	Read: read,
	Becomes: []report.Become{
		{From: "components[], nested ones too", To: "components; direct are those on which metadata.component depends; scope optional or excluded, or a development property, is dev"},
		{From: "vulnerabilities[] x affects[]", To: "one dependency finding per affected component; without affects[] one without component"},
		{From: "affects[].ref", To: "component, by bom-ref, by package URL, or by the part after # of a urn:cdx"},
		{From: "ratings[]", To: "severity of the best rating: CVSS 4, 3, 2, then others; its word, else its score, else its vector, else medium"},
		{From: "analysis.state", To: "resolved is fixed, not_affected and false_positive are closed, exploitable and in_triage are open; justification, detail and response are the reason"},
		{From: "id and references[].id", To: "vulnerability ids"},
	},
	Notes: "A document without components but with vulnerabilities is a VEX document. Without vulnerabilities it is an inventory and holds no findings.",
}

// bom is a document while it is read.
type bom struct {
	*report.Report
	components []model.Component
	byRef      map[string]int
	root       string // the bom-ref of what the document describes
	service    string
	date       string
	direct     map[string]bool
	related    bool // the document says what the root depends on
	refs       []string
}

func read(r *report.Report) error {
	b := &bom{Report: r, byRef: map[string]int{}, direct: map[string]bool{}}
	var err error
	if strings.HasPrefix(strings.TrimSpace(string(r.File.Data[:min(len(r.File.Data), 512)])), "<") {
		err = b.readXML()
	} else {
		err = b.readJSON()
	}
	if err != nil {
		return err
	}
	r.Made = report.Time(b.date)
	for i, c := range b.components {
		if b.related {
			c.Direct = report.No()
			if b.direct[b.refs[i]] {
				c.Direct = report.Yes()
			}
		}
		r.AddComponent(c)
	}
	if len(b.components) == 0 && r.Found() {
		r.Kind = model.KindVEX
	}
	return nil
}

// component is a package in either form.
type component struct {
	Ref        string      `json:"bom-ref" xml:"bom-ref,attr"`
	Type       string      `json:"type" xml:"type,attr"`
	Group      string      `json:"group" xml:"group"`
	Name       string      `json:"name" xml:"name"`
	Version    string      `json:"version" xml:"version"`
	PURL       string      `json:"purl" xml:"purl"`
	Scope      string      `json:"scope" xml:"scope"`
	Licenses   []license   `json:"licenses" xml:"-"`
	Properties []property  `json:"properties" xml:"properties>property"`
	Components []component `json:"components" xml:"components>component"`

	XMLLicenses     []named         `json:"-" xml:"licenses>license"`
	XMLExpressions  []string        `json:"-" xml:"licenses>expression"`
	Vulnerabilities []vulnerability `json:"-" xml:"vulnerabilities>vulnerability"` // the old extension stands in the component
}

type property struct {
	Name  string `json:"name" xml:"name,attr"`
	Value string `json:"value" xml:",chardata"`
}

type named struct {
	ID   string `json:"id" xml:"id"`
	Name string `json:"name" xml:"name"`
}

type license struct {
	License    named  `json:"license"`
	Expression string `json:"expression"`
}

// take adds a component and those in it.
func (b *bom) take(c *component) {
	at := len(b.components)
	m := model.Component{Name: c.fullName(), Version: c.Version, PURL: c.PURL, Service: b.service, Dev: c.Scope == "optional" || c.Scope == "excluded", Licenses: []string{}}
	for _, l := range c.Licenses {
		if name := cmp.Or(l.Expression, l.License.ID, l.License.Name); name != "" {
			m.Licenses = append(m.Licenses, name)
		}
	}
	for _, l := range c.XMLLicenses {
		m.Licenses = append(m.Licenses, cmp.Or(l.ID, l.Name))
	}
	m.Licenses = append(m.Licenses, c.XMLExpressions...)
	for _, p := range c.Properties {
		if strings.HasSuffix(p.Name, ":development") && report.Truth(p.Value) {
			m.Dev = true
		}
	}
	b.components = append(b.components, m)
	b.refs = append(b.refs, c.Ref)
	for _, ref := range []string{c.Ref, c.PURL} {
		if _, ok := b.byRef[ref]; ref != "" && !ok {
			b.byRef[ref] = at
		}
	}
	for i := range c.Components {
		b.take(&c.Components[i])
	}
}

// fullName writes group and name as the package's ecosystem does. Maven's group stays in the package URL.
func (c *component) fullName() string {
	if c.Group == "" || c.Name == "" || strings.HasPrefix(c.PURL, "pkg:maven/") || strings.HasPrefix(c.Name, c.Group+"/") {
		return c.Name
	}
	for _, kind := range []string{"npm", "golang", "composer", "github", "swift"} {
		if strings.HasPrefix(c.PURL, "pkg:"+kind+"/") {
			return c.Group + "/" + c.Name
		}
	}
	return c.Name
}

// find gives the component that a reference means.
func (b *bom) find(ref string) (model.Package, bool) {
	i, ok := b.byRef[ref]
	if _, inner, has := strings.Cut(ref, "#"); !ok && has && strings.HasPrefix(ref, "urn:cdx:") {
		if plain, err := url.QueryUnescape(inner); err == nil {
			inner = plain
		}
		ref = inner
		i, ok = b.byRef[ref]
	}
	if !ok {
		return model.Package{PURL: purlOnly(ref)}, strings.HasPrefix(ref, "pkg:")
	}
	c := b.components[i]
	return model.Package{Name: c.Name, Version: c.Version, PURL: c.PURL}, true
}

func purlOnly(ref string) string {
	if strings.HasPrefix(ref, "pkg:") {
		return ref
	}
	return ""
}
