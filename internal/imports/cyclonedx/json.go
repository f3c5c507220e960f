package cyclonedx

import (
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

func (b *bom) readJSON() error {
	j := b.JSON()
	known := false
	if j.Kind() != '{' {
		return b.Wrong()
	}
	err := j.Twice(func(j *report.JSON, key string) error {
		known = known || key == "bomFormat"
		return b.about(j, key)
	}, func(j *report.JSON, key string) error {
		switch key {
		case "vulnerabilities":
			return report.Rows(j, b.add)
		case "dependencies":
			return report.Each(j, b.dependency)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !known {
		return b.Wrong()
	}
	return j.End()
}

func (b *bom) about(j *report.JSON, key string) error {
	switch key {
	case "specVersion":
		return j.Read(&b.Version)
	case "metadata":
		var m struct {
			Timestamp string    `json:"timestamp"`
			Component component `json:"component"`
		}
		err := j.Read(&m)
		b.date, b.root, b.service = m.Timestamp, m.Component.Ref, m.Component.Name
		b.described(&m.Component)
		return err
	case "components":
		return report.Each(j, b.take)
	}
	return nil
}

// described is the thing that the document is about: findings may point to it, but it is no part of itself.
func (b *bom) described(c *component) {
	for i := range c.Components {
		b.take(&c.Components[i])
	}
	c.Components = nil
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

func (b *bom) dependency(d *dependency) {
	if b.root == "" || d.Ref != b.root {
		return
	}
	b.related = true
	for _, ref := range d.DependsOn {
		b.direct[ref] = true
	}
}

// vulnerability is a row in either form.
type vulnerability struct {
	Ref            string      `json:"-" xml:"ref,attr"`
	ID             string      `json:"id" xml:"id"`
	Source         named       `json:"source" xml:"source"`
	References     []reference `json:"references" xml:"references>reference"`
	Ratings        []rating    `json:"ratings" xml:"ratings>rating"`
	CWEs           []string    `json:"cwes" xml:"cwes>cwe"`
	Description    string      `json:"description" xml:"description"`
	Detail         string      `json:"detail" xml:"detail"`
	Recommendation string      `json:"recommendation" xml:"recommendation"`
	OldAdvice      []string    `json:"-" xml:"recommendations>recommendation"`
	Advisories     []advisory  `json:"advisories" xml:"advisories>advisory"`
	Published      string      `json:"published" xml:"published"`
	Analysis       analysis    `json:"analysis" xml:"analysis"`
	Affects        []affected  `json:"affects" xml:"affects>target"`
}

type reference struct {
	ID     string `json:"id" xml:"id"`
	Source struct {
		URL string `json:"url" xml:"url"`
	} `json:"source" xml:"source"`
}

type advisory struct {
	URL  string `json:"url" xml:"url"`
	Text string `json:"-" xml:",chardata"` // the old extension
}

type analysis struct {
	State         string   `json:"state" xml:"state"`
	Justification string   `json:"justification" xml:"justification"`
	Response      []string `json:"response" xml:"responses>response"`
	Detail        string   `json:"detail" xml:"detail"`
}

type affected struct {
	Ref      string `json:"ref" xml:"ref"`
	Versions []struct {
		Version string `json:"version" xml:"version"`
		Status  string `json:"status" xml:"status"`
	} `json:"versions" xml:"versions>version"`
}

// add makes one finding per affected component.
func (b *bom) add(v *vulnerability) {
	if strings.TrimSpace(v.ID) == "" && len(v.Affects) == 0 && v.Description == "" {
		b.Skip("This vulnerability has neither an id nor a component.")
		return
	}
	if len(v.Affects) == 0 {
		b.Add(b.finding(v, model.Package{}))
		return
	}
	for _, a := range v.Affects {
		c, ok := b.find(strings.TrimSpace(a.Ref))
		if !ok && len(b.components) > 0 && a.Ref != b.root {
			b.Problem("The vulnerability %s points to a component that the document does not hold.", v.ID)
		}
		f := b.finding(v, c)
		f.Resource = strings.TrimSpace(a.Ref)
		if strings.HasPrefix(f.Resource, "pkg:") || ok {
			f.Resource = ""
		}
		if a.unaffected() && f.Status == "" {
			f.Status, f.StatusReason = model.StatusNotAffected, "the version in use is not affected"
		}
		b.Add(f)
	}
}

// unaffected reports whether all versions that are named are not affected.
func (a affected) unaffected() bool {
	for _, v := range a.Versions {
		if v.Status != "unaffected" {
			return false
		}
	}
	return len(a.Versions) > 0
}
