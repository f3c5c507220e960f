package imports

import (
	"path"
	"strings"

	"muster/internal/imports/model"
)

func (s *sorted) unknown(f model.File, o Options) error {
	reason := "It is of no format that Muster reads: " + strings.Join(Formats(), ", ") + "."
	if name := reportName(f.Data); name != "" {
		reason = "This is a scanner report (" + name + "); Muster cannot read those yet."
	} else if empty(f.Data) {
		reason = "It is empty, or holds only comments."
	}
	if o.Explicit[f.Path] {
		return model.Fail(f.Path, 0, "%s", reason)
	}
	s.problem(f, reason)
	return nil
}

func (s *sorted) problem(f model.File, message string) {
	s.result.Problems = append(s.result.Problems, model.Problem{Path: f.Path, Message: message})
}

// isEnv tells files of variables by their name: their content has no form of its own.
func isEnv(name string) bool {
	base := path.Base(name)
	return base == ".env" || strings.HasPrefix(base, ".env.") || strings.HasSuffix(base, ".env")
}

func empty(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		if t := strings.TrimSpace(line); t != "" && t[0] != '#' && t != "---" && t != "null" {
			return false
		}
	}
	return true
}

// reportName recognises the reports of common scanners, to say what a file is instead of that it is unknown.
func reportName(data []byte) string {
	head := string(data[:min(len(data), 8<<10)])
	for _, r := range []struct{ mark, name string }{
		{"csaf_version", "CSAF"}, {"aquasecurity.github.io", "Trivy Operator"}, {`"check_type"`, "Checkov"}, {`"packageManager"`, "Snyk"}, {`"GosecVersion"`, "gosec"}, {`"test_id"`, "Bandit"},
		{`"scan_info"`, "Brakeman"}, {`"queries_total"`, "KICS"}, {`"rule_provider"`, "tfsec"}, {`"DetectorName"`, "TruffleHog"}, {`"plugins_used"`, "detect-secrets"}, {"<issues burpVersion", "Burp"}, {"<niktoscan", "Nikto"}, {"dependency-check.", "Dependency-Check"},
		{`"server_scan_results"`, "SSLyze"}, {`"ProductArn"`, "AWS Security Hub"}, {"inspector2", "Amazon Inspector"}, {`"vulnerabilityAlerts"`, "Dependabot"},
	} {
		if strings.Contains(head, r.mark) {
			return r.name
		}
	}
	return ""
}
