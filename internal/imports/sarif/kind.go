package sarif

import (
	"regexp"
	"slices"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

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

// toolKind says what a tool looks for, by its name.
func toolKind(name string) model.FindingKind {
	name = strings.ToLower(name)
	for _, t := range tools {
		if slices.ContainsFunc(t.words, func(w string) bool { return strings.Contains(name, w) }) {
			return t.kind
		}
	}
	return model.FindingCode
}

// kind says what a finding is, by the tool and by the rule's tags.
func (n *run) kind(f *model.Finding, r *rule) {
	f.Kind = n.looksFor
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
