package file

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"muster/internal/finding"
	"muster/internal/imports/model"
)

// vexFile is an OpenVEX document: what we say about vulnerabilities in the packages of our services. Only findings about
// a package with a package URL and a vulnerability say something in VEX.
type vexFile struct {
	out
	about About
}

type vexStatement struct {
	Vulnerability vexVulnerability `json:"vulnerability"`
	Timestamp     string           `json:"timestamp"`
	Products      []vexProduct     `json:"products"`
	Status        string           `json:"status"`
	Notes         string           `json:"status_notes,omitempty"`
	Justification string           `json:"justification,omitempty"`
	Impact        string           `json:"impact_statement,omitempty"`
	Action        string           `json:"action_statement,omitempty"`
}

type vexVulnerability struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"`
}

type vexProduct struct {
	ID          string       `json:"@id"`
	Identifiers *vexPURL     `json:"identifiers,omitempty"`
	Parts       []vexProduct `json:"subcomponents,omitempty"`
}

type vexPURL struct {
	PURL string `json:"purl"`
}

const rfc3339 = "2006-01-02T15:04:05Z07:00"

func (f *vexFile) begin() {
	if f.n > 0 || f.err != nil {
		return
	}
	id := make([]byte, 16)
	rand.Read(id)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	f.text("{\"@context\":\"https://openvex.dev/ns/v0.2.0\",\n\"@id\":\"urn:uuid:%x-%x-%x-%x-%x\",\n\"author\":", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	f.value(f.about.Workspace)
	f.text(",\n\"timestamp\":")
	f.value(f.about.At.UTC().Format(rfc3339))
	f.text(",\n\"version\":1,\n\"tooling\":")
	f.value(model.OwnTool)
	f.text(",\n\"statements\":[")
}

func (f *vexFile) Add(list []finding.Exported) error {
	for i := range list {
		if s, says := f.statement(&list[i]); says {
			f.begin()
			f.element(s)
		}
	}
	return f.err
}

// End completes the document; one without statements is none, so nothing is written then.
func (f *vexFile) End() (bool, error) {
	if f.n == 0 {
		return false, f.err
	}
	f.text("\n]}\n")
	return true, f.err
}

func (f *vexFile) statement(x *finding.Exported) (vexStatement, bool) {
	part := PURL(x.PURL, x.Installed)
	if x.Kind != finding.Dependency || part == "" || x.Vulnerability == "" || x.State == finding.Duplicate || x.ServiceID == 0 {
		return vexStatement{}, false
	}
	s := vexStatement{Vulnerability: vexVulnerability{Name: x.Vulnerability, Aliases: slices.DeleteFunc(x.AliasList(), func(a string) bool { return a == x.Vulnerability })}, Timestamp: x.UpdatedAt.UTC().Format(rfc3339)}
	product := model.ProductPrefix + url.PathEscape(f.about.Workspace) + ":" + url.PathEscape(f.about.Service(x.ServiceID))
	s.Products = []vexProduct{{ID: product, Parts: []vexProduct{{ID: part, Identifiers: &vexPURL{part}}}}}
	switch x.State {
	case finding.NotAffected:
		s.Status, s.Justification, s.Impact = "not_affected", string(x.Justification), x.Note
		if s.Justification == "" {
			s.Impact = cmp.Or(s.Impact, "It was judged not to affect this service.")
		}
	case finding.FalsePositive:
		s.Status, s.Impact = "not_affected", cmp.Or(x.Note, "It was judged to be a false positive.")
	case finding.Fixed, finding.Closed:
		s.Status = "fixed"
	case finding.Confirmed, finding.InProgress, finding.Accepted:
		s.Status, s.Action = "affected", action(x)
		if x.State == finding.Accepted {
			s.Notes = "Accepted for a time by an exception."
		}
	case finding.Open, finding.ReReview:
		s.Status = "under_investigation"
	case finding.Duplicate:
	}
	return s, true
}

// action is what VEX demands of who says "affected": what to do about it.
func action(x *finding.Exported) string {
	if x.FixVersion != "" {
		return fmt.Sprintf("Upgrade %s to %s.", cmp.Or(x.Package, x.PURL), x.FixVersion)
	}
	return cmp.Or(x.Remediation, "No fix is known yet.")
}

// PURL writes a package URL with a version; findings keep it without, and as people read it.
func PURL(plain, version string) string {
	kind, rest, ok := strings.Cut(strings.TrimPrefix(plain, "pkg:"), "/")
	if !ok || !strings.HasPrefix(plain, "pkg:") || kind == "" || rest == "" {
		return ""
	}
	parts := strings.Split(rest, "/")
	for i := range parts {
		parts[i] = escaped(parts[i])
	}
	out := "pkg:" + kind + "/" + strings.Join(parts, "/")
	if version != "" {
		out += "@" + escaped(version)
	}
	return out
}

func escaped(s string) string { return strings.ReplaceAll(url.PathEscape(s), "@", "%40") }
