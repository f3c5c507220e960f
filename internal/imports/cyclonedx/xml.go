package cyclonedx

import (
	"strings"

	"muster/internal/imports/report"
)

// readXML reads the XML form. Components stand before what refers to them.
func (b *bom) readXML() error {
	var waiting []vulnerability // since the schema's order is not always kept
	err := b.XML().Walk([]string{"bom"}, func(e *report.Element) error {
		switch e.Path {
		case "bom":
			if i := strings.LastIndexByte(e.Name.Space, '/'); i > 0 {
				b.Version = e.Name.Space[i+1:]
			}
		case "bom/metadata/timestamp":
			return e.Read(&b.date)
		case "bom/metadata/component":
			var c component
			err := e.Read(&c)
			b.root, b.service = c.Ref, c.Name
			b.described(&c)
			return err
		case "bom/components/component":
			var c component
			err := e.Read(&c)
			b.take(&c)
			waiting = append(waiting, c.all()...)
			return err
		case "bom/dependencies/dependency":
			return b.xmlDependency(e)
		case "bom/vulnerabilities/vulnerability":
			var v vulnerability
			err := e.Row(&v)
			waiting = append(waiting, v)
			return err
		}
		return nil
	})
	for i := range waiting {
		if v := &waiting[i]; v.Ref != "" && len(v.Affects) == 0 {
			v.Affects = []affected{{Ref: v.Ref}}
		}
		b.add(&waiting[i])
	}
	return err
}

// all collects the vulnerabilities that the old extension writes into components.
func (c *component) all() []vulnerability {
	var out []vulnerability
	for _, v := range c.Vulnerabilities {
		if v.Ref == "" {
			v.Ref = c.Ref
			if v.Ref == "" {
				v.Ref = c.PURL
			}
		}
		out = append(out, v)
	}
	for i := range c.Components {
		out = append(out, c.Components[i].all()...)
	}
	return out
}

func (b *bom) xmlDependency(e *report.Element) error {
	var d struct {
		Ref   string `xml:"ref,attr"`
		Inner []struct {
			Ref string `xml:"ref,attr"`
		} `xml:"dependency"`
	}
	err := e.Read(&d)
	flat := dependency{Ref: d.Ref}
	for _, in := range d.Inner {
		flat.DependsOn = append(flat.DependsOn, in.Ref)
	}
	b.dependency(&flat)
	return err
}
