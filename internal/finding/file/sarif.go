package file

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"muster/internal/finding"
	"muster/internal/imports/model"
)

// maxRules is how many rules a file describes; results of others name theirs only. It bounds what has to be remembered
// until the end of the file, where the rules stand.
const maxRules = 10_000

// sarifFile is SARIF 2.1.0 with one run of the tool Muster.
type sarifFile struct {
	out
	about     About
	rules     map[string]bool
	described []sarifRule
	begun     bool
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID         string         `json:"id"`
	Short      sarifText      `json:"shortDescription"`
	HelpURI    string         `json:"helpUri,omitempty"`
	Default    sarifLevel     `json:"defaultConfiguration"`
	Properties sarifRuleExtra `json:"properties"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifRuleExtra struct {
	Tags     []string `json:"tags,omitempty"`
	Severity string   `json:"security-severity,omitempty"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	Kind         string             `json:"kind"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"fingerprints,omitempty"`
	Baseline     string             `json:"baselineState,omitempty"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	Rank         float64            `json:"rank"`
	Viewer       string             `json:"hostedViewerUri,omitempty"`
	Properties   sarifExtra         `json:"properties"`
}

type sarifExtra struct {
	Severity string         `json:"security-severity,omitempty"`
	Muster   model.Exported `json:"muster"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region *sarifRegion `json:"region,omitempty"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification,omitempty"`
}

// fingerprint names the mark by which Muster knows a finding again.
const fingerprint = "muster/v1"

func (f *sarifFile) begin() {
	if f.begun {
		return
	}
	f.begun = true
	f.text("{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\n\"version\":\"2.1.0\",\n\"runs\":[{\n\"results\":[")
}

func (f *sarifFile) Add(list []finding.Exported) error {
	f.begin()
	for i := range list {
		x := &list[i]
		r := f.result(x)
		f.element(r)
		f.rule(x, &r)
	}
	return f.err
}

func (f *sarifFile) End() (bool, error) {
	f.begin()
	f.text("\n],\n\"tool\":{\"driver\":{\"name\":")
	f.value(model.OwnTool)
	f.text(",\"rules\":[")
	f.n = 0
	for _, r := range f.described {
		f.element(r)
	}
	f.text("\n]}},\n\"automationDetails\":{\"id\":")
	f.value("muster/" + f.about.Workspace + "/")
	f.text("},\n\"invocations\":[{\"executionSuccessful\":true,\"endTimeUtc\":")
	f.value(f.about.At.UTC().Format("2006-01-02T15:04:05Z"))
	f.text("}],\n\"columnKind\":\"utf16CodeUnits\"\n}]}\n")
	return true, f.err
}

func (f *sarifFile) result(x *finding.Exported) sarifResult {
	r := sarifResult{RuleID: ruleOf(x), Kind: "fail", Level: levels[x.Severity], Message: sarifText{cmp.Or(x.Title, x.Vulnerability, x.Rule, "A finding without a title")}, Locations: f.locations(x), Rank: float64(min(max(x.Priority, 0), 100)), Viewer: f.about.link(x.ID)}
	r.Level = cmp.Or(r.Level, "none")
	if x.Identity != "" {
		r.Fingerprints = map[string]string{fingerprint: x.Identity}
	}
	r.Properties.Muster, r.Properties.Severity = exported(x, &f.about), score(x)
	m := &r.Properties.Muster // what stands in the result itself is not said twice
	m.Title, m.Description, m.References, m.Identity = "", "", nil, x.Identity
	switch x.State {
	case finding.Fixed, finding.Closed:
		r.Baseline = "absent"
	case finding.Accepted, finding.FalsePositive, finding.NotAffected, finding.Duplicate:
		why := strings.TrimSpace(strings.ReplaceAll(string(x.Justification), "_", " ") + " " + x.Note)
		r.Suppressions = []sarifSuppression{{Kind: "external", Status: "accepted", Justification: strings.TrimSpace(strings.ReplaceAll(string(x.State), "_", " ") + ": " + why)}}
	case finding.Open, finding.Confirmed, finding.InProgress, finding.ReReview:
	}
	return r
}

var levels = map[finding.Severity]string{finding.Critical: "error", finding.High: "error", finding.Medium: "warning", finding.Low: "note", finding.Info: "none"}

// score is the number by which readers of SARIF tell critical from high: the rating, where one fits the severity.
func score(x *finding.Exported) string {
	between := map[finding.Severity][2]float64{finding.Critical: {9, 10}, finding.High: {7, 8.9}, finding.Medium: {4, 6.9}, finding.Low: {0.1, 3.9}}
	b, known := between[x.Severity]
	if !known {
		return ""
	}
	for _, r := range x.RatingList() {
		if r.Score >= b[0] && r.Score <= b[1] {
			return strconv.FormatFloat(r.Score, 'f', 1, 64)
		}
	}
	return strconv.FormatFloat((b[0]+b[1])/2, 'f', 1, 64)
}

func ruleOf(x *finding.Exported) string {
	return cmp.Or(x.Vulnerability, x.Rule, "muster/"+string(x.Kind))
}

func (f *sarifFile) rule(x *finding.Exported, r *sarifResult) {
	if f.rules[r.RuleID] || len(f.described) >= maxRules {
		return
	}
	f.rules[r.RuleID] = true
	d := sarifRule{ID: r.RuleID, Short: r.Message, Default: sarifLevel{r.Level}, Properties: sarifRuleExtra{Tags: []string{string(x.Kind)}, Severity: r.Properties.Severity}}
	for _, n := range x.CWEList() {
		d.Properties.Tags = append(d.Properties.Tags, fmt.Sprintf("external/cwe/cwe-%d", n))
	}
	for _, ref := range x.RefList() {
		if u, err := url.Parse(ref); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
			d.HelpURI = u.String()
			break
		}
	}
	f.described = append(f.described, d)
}

// locations say where a finding shows: a file, an address, else a thing by its name.
func (f *sarifFile) locations(x *finding.Exported) []sarifLocation {
	var l sarifLocation
	at := ""
	if x.Path != "" {
		at = (&url.URL{Path: x.Path}).String()
	} else if _, address, ok := strings.Cut(x.Endpoint, " "); ok || x.Endpoint != "" {
		if !ok {
			address = x.Endpoint
		}
		if u, err := url.Parse(address); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
			at = u.String()
		}
	}
	if at != "" {
		l.Physical = &sarifPhysical{}
		l.Physical.Artifact.URI = at
		if x.Line > 0 && x.Path != "" {
			l.Physical.Region = &sarifRegion{x.Line}
		}
	}
	name, kind := cmp.Or(x.Resource, x.Endpoint), "resource"
	if name == "" {
		name, kind = cmp.Or(PURL(x.PURL, x.Installed), x.Package), "package"
	}
	if name == "" && at == "" {
		name, kind = cmp.Or(x.Label, f.about.Service(x.ServiceID), "unknown"), "module"
	}
	if name != "" {
		l.Logical = []sarifLogical{{name, kind}}
	}
	return []sarifLocation{l}
}
