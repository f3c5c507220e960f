package sarif

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// run is what the results of one run refer to.
type run struct {
	*report.Report
	tool      string
	looksFor  model.FindingKind
	ended     string
	driver    component
	others    []component
	rules     map[string]*rule
	artifacts []artifact
	bases     map[string]artifact
	taxa      map[string][]string // the ids of a taxonomy, by its name
	overrides map[string]string
}

type component struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
	Taxa  []struct {
		ID string `json:"id"`
	} `json:"taxa"`
}

type rule struct {
	ID       string             `json:"id"`
	Name     string             `json:"name"`
	Short    message            `json:"shortDescription"`
	Full     message            `json:"fullDescription"`
	Help     message            `json:"help"`
	HelpURI  string             `json:"helpUri"`
	Messages map[string]message `json:"messageStrings"`
	Default  struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
	Properties    properties `json:"properties"`
	Relationships []struct {
		Target reference `json:"target"`
	} `json:"relationships"`

	read bool // what follows was taken out of the members above
	cwes []int
	ids  []string
}

// identify collects once what all results of a rule share.
func (r *rule) identify(n *run) {
	if r.read {
		return
	}
	r.read = true
	r.cwes = append(tagged(append(r.Properties.Tags, r.ID)), report.CWEs(r.Properties.CWE...)...)
	for _, rel := range r.Relationships {
		r.cwes = append(r.cwes, n.taxon(rel.Target)...)
	}
	r.ids = report.FindIDs(append(r.Properties.CVE, r.Properties.Tags...)...)
}

// tagged reads the weaknesses that tags name.
func tagged(tags []string) []int {
	var out []int
	for _, tag := range tags {
		if strings.Contains(strings.ToLower(tag), "cwe") {
			out = append(out, report.CWEs(tag)...)
		}
	}
	return out
}

type invocation struct {
	Successful *bool  `json:"executionSuccessful"`
	EndTime    string `json:"endTimeUtc"`
	StartTime  string `json:"startTimeUtc"`
	Overrides  []struct {
		Descriptor    reference `json:"descriptor"`
		Configuration struct {
			Level string `json:"level"`
		} `json:"configuration"`
	} `json:"ruleConfigurationOverrides"`
	Notifications []struct {
		Level   string  `json:"level"`
		Message message `json:"message"`
	} `json:"toolExecutionNotifications"`
}

// about reads all of a run but its results.
func (n *run) about(j *report.JSON, key string) error {
	switch key {
	case "tool":
		var tool struct {
			Driver     component   `json:"driver"`
			Extensions []component `json:"extensions"`
		}
		err := j.Read(&tool)
		n.driver, n.others, n.tool, n.looksFor = tool.Driver, tool.Extensions, tool.Driver.Name, toolKind(tool.Driver.Name)
		n.rules = map[string]*rule{}
		for _, c := range append([]component{n.driver}, n.others...) {
			for i := range c.Rules {
				if n.rules[c.Rules[i].ID] == nil {
					n.rules[c.Rules[i].ID] = &c.Rules[i]
				}
			}
		}
		return err
	case "artifacts":
		return report.Each(j, func(a *struct {
			Location artifact `json:"location"`
		}) {
			n.artifacts = append(n.artifacts, a.Location)
		})
	case "originalUriBaseIds":
		return j.Read(&n.bases)
	case "taxonomies":
		var all []component
		err := j.Read(&all)
		n.taxa = map[string][]string{}
		for _, c := range all {
			for _, t := range c.Taxa {
				n.taxa[c.Name] = append(n.taxa[c.Name], t.ID)
			}
		}
		return err
	case "invocations":
		var all []invocation
		err := j.Read(&all)
		n.invoked(all)
		return err
	}
	return nil
}

func (n *run) invoked(all []invocation) {
	n.overrides = map[string]string{}
	for _, v := range all {
		n.ended = v.EndTime
		if n.ended == "" {
			n.ended = v.StartTime
		}
		if v.Successful != nil && !*v.Successful {
			n.Incomplete("%s says that its run failed, so findings may be missing.", n.tool)
		}
		for _, o := range v.Overrides {
			n.overrides[o.Descriptor.ID] = o.Configuration.Level
		}
		for _, note := range v.Notifications {
			if note.Level == "error" {
				n.Incomplete("%s reports an error: %s", n.tool, note.Message.Text)
			}
		}
	}
}

func (n *run) override(id string) string { return n.overrides[id] }

// rule finds the rule of a result: by id, by the rule object, or by an index into the driver or an extension.
func (n *run) rule(v *result) (string, *rule) {
	id := v.RuleID
	if id == "" {
		id = v.Rule.ID
	}
	if r := n.rules[id]; r != nil && id != "" {
		return id, r
	}
	rules := n.driver.Rules
	if i := v.Rule.Component.Index; i != nil && *i >= 0 && *i < len(n.others) {
		rules = n.others[*i].Rules
	}
	index := v.RuleIndex
	if index == nil {
		index = v.Rule.Index
	}
	if index != nil && *index >= 0 && *index < len(rules) {
		r := &rules[*index]
		if id == "" || strings.HasPrefix(id, r.ID) {
			if id == "" {
				id = r.ID
			}
			return id, r
		}
	}
	for part := id; strings.Contains(part, "/"); { // "R1/sub" is a part of R1
		part = part[:strings.LastIndexByte(part, '/')]
		if r := n.rules[part]; r != nil {
			return id, r
		}
	}
	return id, &rule{ID: id}
}

var placeholder = regexp.MustCompile(`\{(\d+)\}`)

// text is a message, looked up in the rule and filled with its arguments where it is only an id.
func (n *run) text(m message, r *rule) string {
	text := m.Text
	if text == "" && m.ID != "" {
		text = r.Messages[m.ID].Text
	}
	if text == "" {
		return m.Markdown
	}
	if len(m.Arguments) > 0 {
		text = placeholder.ReplaceAllStringFunc(text, func(p string) string {
			i, err := strconv.Atoi(p[1 : len(p)-1])
			if err != nil || i >= len(m.Arguments) {
				return p
			}
			return m.Arguments[i]
		})
	}
	return text
}

// uri is the path of an artifact. Bases that are relative themselves are put before it; the absolute root, which is of
// the machine that scanned, is not.
func (n *run) uri(a artifact) string {
	if a.URI == "" && a.Index != nil && *a.Index >= 0 && *a.Index < len(n.artifacts) {
		a = n.artifacts[*a.Index]
	}
	path := strings.TrimSpace(a.URI)
	for range 5 {
		base, ok := n.bases[a.URIBaseID]
		if !ok || a.URIBaseID == "" || strings.Contains(base.URI, ":") || strings.HasPrefix(base.URI, "/") || strings.Contains(path, ":") {
			break
		}
		path, a = strings.TrimSpace(base.URI)+path, base
	}
	if strings.Contains(path, "%") {
		if plain, err := url.PathUnescape(path); err == nil {
			return plain
		}
	}
	return path
}

// taxon reads a reference to an entry of the CWE taxonomy.
func (n *run) taxon(t reference) []int {
	name := t.Component.Name
	if t.ID == "" && t.Index != nil {
		if ids := n.taxa[name]; *t.Index >= 0 && *t.Index < len(ids) {
			t.ID = ids[*t.Index]
		}
	}
	if strings.EqualFold(name, "CWE") || strings.HasPrefix(strings.ToUpper(t.ID), "CWE") {
		return report.CWEs(t.ID)
	}
	return nil
}
