package sarif

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// run is what the results of one run refer to.
type run struct {
	*report.Report
	tool      string
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
		n.driver, n.others, n.tool = tool.Driver, tool.Extensions, tool.Driver.Name
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
			n.Partial = true
			n.Problem("%s says that its run failed, so findings may be missing.", n.tool)
		}
		for _, o := range v.Overrides {
			n.overrides[o.Descriptor.ID] = o.Configuration.Level
		}
		for _, note := range v.Notifications {
			if note.Level == "error" {
				n.Partial = true
				n.Problem("%s reports an error: %s", n.tool, note.Message.Text)
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
	if plain, err := url.PathUnescape(path); err == nil {
		return plain
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

// tools are what writers of SARIF look for, by a word of their name.
var tools = []struct {
	kind  model.FindingKind
	words []string
}{
	{model.FindingSecret, []string{"gitleaks", "trufflehog", "detect-secrets", "ggshield", "secret"}},
	{model.FindingConfiguration, []string{"checkov", "tfsec", "kics", "terrascan", "kubescape", "kube-linter", "kubelinter", "polaris", "hadolint", "cfn", "datree", "regula", "dockle"}},
	{model.FindingDependency, []string{"grype", "trivy", "dependency-check", "dependency check", "osv-scanner", "govulncheck", "snyk open source", "snyk container", "npm", "pip-audit", "cargo-audit", "docker scout", "xray"}},
	{model.FindingWeb, []string{"zap", "nuclei", "burp", "nikto"}},
}

// kind says what a finding is, by the tool and by the rule's tags.
func (n *run) kind(f *model.Finding, r *rule) {
	f.Kind = model.FindingCode
	name := strings.ToLower(n.tool)
	for _, t := range tools {
		if slices.ContainsFunc(t.words, func(w string) bool { return strings.Contains(name, w) }) {
			f.Kind = t.kind
			break
		}
	}
	for _, tag := range r.Properties.Tags {
		switch strings.ToLower(tag) {
		case "secret", "secrets":
			f.Kind = model.FindingSecret
		case "misconfiguration":
			f.Kind = model.FindingConfiguration
		case "license":
			f.Kind = model.FindingLicense
		}
	}
	if f.Kind == model.FindingDependency {
		n.component(f)
	}
}

var packages = []*regexp.Regexp{
	regexp.MustCompile(`Package: (?P<name>[^\n]+)\nInstalled Version: (?P<version>[^\n]*)[\s\S]*?Fixed Version: (?P<fix>[^\n]*)`), // Trivy
	regexp.MustCompile(`reports (?P<name>\S+) at version (?P<version>\S+)`),                                                       // Grype
	regexp.MustCompile(`Package '(?P<name>[^'@]+)@(?P<version>[^']+)' is vulnerable`),                                             // OSV-Scanner
}

// component takes the package out of the message: SARIF has no place for it.
func (n *run) component(f *model.Finding) {
	for _, p := range packages {
		if m := p.FindStringSubmatch(f.Description); m != nil {
			f.Component.Name, f.Component.Version = m[p.SubexpIndex("name")], m[p.SubexpIndex("version")]
			if i := p.SubexpIndex("fix"); i > 0 {
				f.Component.FixVersion = m[i]
			}
			break
		}
	}
	f.VulnerabilityIDs = append(f.VulnerabilityIDs, report.FindIDs(f.Title)...)
}
