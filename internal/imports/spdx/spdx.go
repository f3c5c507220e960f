// Package spdx reads SPDX documents: lists of the packages of a program, as JSON and as lines of tag and value.
package spdx

import (
	"cmp"
	"regexp"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is SPDX.
var Format = &report.Format{
	ID: "spdx", Name: "SPDX", Kind: model.KindSBOM, Versions: "2.2 and 2.3, JSON and tag-value", Shape: `an object with "spdxVersion", or lines that begin with "SPDXVersion:"`,
	Sniff: func(h *report.Head) bool {
		return strings.HasPrefix(h.Text("spdxVersion"), "SPDX-") || h.Line("SPDXVersion: SPDX-")
	},
	Read: read,
	Becomes: []report.Become{
		{From: "packages[]", To: "components, with the package URL of externalRefs[]; licenceConcluded, else licenceDeclared, is the licence"},
		{From: "externalRefs[] of category SECURITY and type advisory, fix or url with a CVE or GHSA in it", To: "one dependency finding per package and name; CPE names say what a package is, not that something is wrong with it"},
		{From: "relationships[] of what the document describes", To: "direct, where DEPENDS_ON or DEPENDENCY_OF says so"},
		{From: "creationInfo.created and creators[]", To: "the date of the list and the tool that made it"},
	},
	Notes: "Version 3 (JSON-LD) is another format, and is refused.",
}

// pack is one package.
type pack struct {
	ID        string     `json:"SPDXID"`
	Name      string     `json:"name"`
	Version   string     `json:"versionInfo"`
	Concluded string     `json:"licenseConcluded"`
	Declared  string     `json:"licenseDeclared"`
	Refs      []external `json:"externalRefs"`
}

type external struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

// named are the names of weaknesses in an address.
var named = regexp.MustCompile(`(?i)\b(CVE-\d{4}-\d{4,}|GHSA(?:-[a-z0-9]{4}){3})\b`)

type relation struct {
	From string `json:"spdxElementId"`
	To   string `json:"relatedSpdxElement"`
	Type string `json:"relationshipType"`
}

// document is an SPDX document while it is read.
type document struct {
	*report.Report
	ids     []string
	roots   map[string]bool
	direct  map[string]bool
	related bool // it says what its root depends on
	links   []relation
}

func read(r *report.Report) error {
	d := &document{Report: r, roots: map[string]bool{}, direct: map[string]bool{}}
	r.Tool = "SPDX"
	var err error
	if top := strings.TrimLeft(string(r.File.Data[:min(len(r.File.Data), 512)]), " \t\r\n"); strings.HasPrefix(top, "{") {
		err = d.json()
	} else {
		err = d.tags()
	}
	if err != nil {
		return err
	}
	d.relate()
	return nil
}

func (d *document) json() error {
	j := d.JSON()
	return j.Top([]string{"spdxVersion"}, func(key string) error {
		switch key {
		case "spdxVersion":
			err := j.Read(&d.Version)
			if d.Version = strings.TrimPrefix(d.Version, "SPDX-"); strings.HasPrefix(d.Version, "3") {
				return model.Fail(d.File.Path, 0, "This is SPDX %s, which is another format (JSON-LD) than Muster reads. Export the list as SPDX 2.3.", report.Clip(d.Version, 20))
			}
			return err
		case "creationInfo":
			var c struct {
				Created  string   `json:"created"`
				Creators []string `json:"creators"`
			}
			err := j.Read(&c)
			d.made(c.Created, c.Creators...)
			return err
		case "documentDescribes":
			var ids []string
			err := j.Read(&ids)
			for _, id := range ids {
				d.roots[id] = true
			}
			return err
		case "packages":
			return report.Rows(j, d.add)
		case "relationships":
			return report.Each(j, func(r *relation) { d.links = append(d.links, *r) })
		}
		return nil
	})
}

func (d *document) made(at string, by ...string) {
	if at != "" {
		d.Made = report.Time(at)
	}
	for _, who := range by {
		if tool, ok := strings.CutPrefix(who, "Tool: "); ok {
			d.Tool = tool
		}
	}
}

func (d *document) add(p *pack) {
	if p.Name == "" {
		d.Skip("This package has no name.")
		return
	}
	c := model.Component{Name: p.Name, Version: said(p.Version)}
	for _, ref := range p.Refs {
		if ref.Type == "purl" && c.PURL == "" {
			c.PURL = strings.TrimSpace(ref.Locator)
		}
	}
	if name, version := report.FromPURL(c.PURL); name != "" && c.Version == "" {
		c.Version = version
	}
	if licence := cmp.Or(said(p.Concluded), said(p.Declared)); licence != "" {
		c.Licenses = []string{licence}
	}
	d.weak(p, c)
	if d.AddComponent(c); len(d.Components) > len(d.ids) {
		d.ids = append(d.ids, p.ID)
	}
}

// weak reads what a package's references say is wrong with it.
func (d *document) weak(p *pack, c model.Component) {
	found := map[string]*model.Finding{}
	var order []string
	for _, ref := range p.Refs {
		if ref.Category != "SECURITY" || ref.Type != "advisory" && ref.Type != "fix" && ref.Type != "url" {
			continue
		}
		for _, id := range named.FindAllString(ref.Locator, -1) {
			id = report.VulnerabilityID(id)
			f := found[id]
			if f == nil {
				f = &model.Finding{Kind: model.FindingDependency, RuleID: id, Title: strings.TrimSpace(id + " in " + c.Name + " " + c.Version), VulnerabilityIDs: []string{id}, Component: model.Package{Name: c.Name, Version: c.Version, PURL: c.PURL}, Date: d.Made}
				found[id], order = f, append(order, id)
			}
			f.References = append(f.References, ref.Locator)
		}
	}
	for _, id := range order {
		d.Add(*found[id])
	}
}

// said is a value, unless it says that there is none.
func said(s string) string {
	if s == "NOASSERTION" || s == "NONE" {
		return ""
	}
	return s
}

// relate finds out what is direct.
func (d *document) relate() {
	for _, l := range d.links {
		if l.Type == "DESCRIBES" && l.From == "SPDXRef-DOCUMENT" {
			d.roots[l.To] = true
		}
	}
	for _, l := range d.links {
		switch {
		case l.Type == "DEPENDS_ON" && d.roots[l.From]:
			d.direct[l.To], d.related = true, true
		case l.Type == "DEPENDENCY_OF" && d.roots[l.To]:
			d.direct[l.From], d.related = true, true
		}
	}
	for i, id := range d.ids {
		if d.related && !d.roots[id] {
			is := d.direct[id]
			d.Components[i].Direct = &is
		}
	}
}

// tags reads the form of lines.
func (d *document) tags() error {
	var p *pack
	flush := func() {
		if p != nil {
			d.add(p)
		}
		p = nil
	}
	n, inText := 0, false
	for line := range strings.Lines(string(d.File.Data)) {
		n++
		inText = (inText || strings.Contains(line, "<text>")) && !strings.Contains(line, "</text>")
		tag, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if value = strings.TrimSpace(value); !ok || inText {
			continue
		}
		switch tag {
		case "SPDXVersion":
			d.Version = strings.TrimPrefix(value, "SPDX-")
		case "Created":
			d.made(value)
		case "Creator":
			d.made("", value)
		case "PackageName":
			flush()
			d.Count()
			d.Line(n)
			p = &pack{Name: value}
		case "Relationship":
			if words := strings.Fields(value); len(words) == 3 {
				d.links = append(d.links, relation{words[0], words[2], words[1]})
			}
		case "FileName", "SnippetSPDXID", "LicenseID":
			flush()
		default:
			p.tag(tag, value)
		}
	}
	flush()
	if d.Version == "" {
		return d.Wrong()
	}
	return nil
}

func (p *pack) tag(tag, value string) {
	if p == nil {
		return
	}
	switch tag {
	case "SPDXID":
		p.ID = value
	case "PackageVersion":
		p.Version = value
	case "PackageLicenseConcluded":
		p.Concluded = value
	case "PackageLicenseDeclared":
		p.Declared = value
	case "ExternalRef":
		if words := strings.Fields(value); len(words) == 3 {
			p.Refs = append(p.Refs, external{words[0], words[1], words[2]})
		}
	}
}
