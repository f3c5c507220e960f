package imports_test

import (
	"strings"
	"testing"

	"muster/internal/imports/model"
)

func TestEmptyAndOddReports(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ format, path, text, says string }{
		"an empty file":                      {"trivy", "a.json", "", "It is empty"},
		"blanks":                             {"grype", "a.json", " \n\t\n", "It is empty"},
		"an empty object":                    {"grype", "a.json", "{}", "not a Grype report"},
		"an empty object as SARIF":           {"sarif", "a.json", "{}", "not a SARIF report"},
		"null as SARIF":                      {"sarif", "a.json", "null", "not a SARIF report"},
		"null as Trivy":                      {"trivy", "a.json", "null", ""},
		"null as Gitleaks":                   {"gitleaks", "a.json", "null", ""},
		"[] as Gitleaks":                     {"gitleaks", "a.json", "[]", ""},
		"[] as SARIF":                        {"sarif", "a.json", "[]", "not a SARIF report"},
		"no line of Nuclei":                  {"nuclei", "a.jsonl", "", ""},
		"[] of no name":                      {"", "a.json", "[]", "no format that Muster reads"},
		"[] named after its tool":            {"", "out/gitleaks.json", "[]", ""},
		"a page":                             {"zap", "a.json", "<!DOCTYPE html><html><body>Sign in</body></html>", "not a ZAP report"},
		"a binary":                           {"sarif", "a.json", "\x00\x01\x02", "not a text file"},
		"deep nesting":                       {"sarif", "a.json", strings.Repeat("[", 200_000), ""},
		"entities":                           {"zap", "a.xml", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><OWASPZAPReport version="&b;"/>`, "declares entities"},
		"an unknown entity":                  {"nmap", "a.xml", `<nmaprun><host>&xxe;</host></nmaprun>`, "not valid XML"},
		"XML cut off":                        {"nmap", "a.xml", "<nmaprun>\n<host>", "line 2: It ends in the middle"},
		"deep XML":                           {"nmap", "a.xml", "<nmaprun>" + strings.Repeat("<a>", 5000), "nested deeper"},
		"npm's own error":                    {"", "a.json", `{"error": {"code": "ENOAUDIT", "summary": "no registry"}}`, "ENOAUDIT no registry"},
		"npm 7 as npm 6":                     {"npm-audit", "a.json", `{"auditReportVersion": 2, "vulnerabilities": {}}`, "npm-audit-v7"},
		"a list as OpenVEX":                  {"openvex", "a.json", `["a"]`, "not a OpenVEX report"},
		"a generic row without its members":  {"generic", "a.json", `{"findings": [{}]}`, "lacks title, severity, description"},
		"a generic row with unknown members": {"generic", "a.json", `{"findings": [{"title": "a", "severity": "Low", "description": "b", "sevrity": 1}]}`, "does not have: sevrity"},
		"a table without its columns":        {"generic", "a.csv", "Name,Value\na,b\n", "column Title and Severity is missing"},
		"govulncheck's SARIF":                {"govulncheck", "a.json", `{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "govulncheck"}}, "results": []}]}`, "a SARIF report"},
		"runs that are null":                 {"", "a.json", `{"version": "2.1.0", "runs": null}`, "not a SARIF report"},
		"runs that are no list":              {"sarif", "a.json", `{"version": "2.1.0", "runs": {}}`, "not a SARIF report"},
		"matches that are no list":           {"grype", "a.json", `{"matches": "none", "descriptor": {}}`, "should be a list"},
		"targets that are no list":           {"trivy", "a.json", `{"SchemaVersion": 2, "Results": {}}`, "not a Trivy report"},
		"sites that are no list":             {"", "a.json", `{"@programName": "ZAP", "site": "none"}`, "should be a list"},
		"SPDX of another kind":               {"", "a.json", `{"spdxVersion": "SPDX-3.0", "@graph": []}`, "This is SPDX 3.0"},
		"a lock file that is none":           {"yarn.lock", "yarn.lock", "a\nb\n", "not a Yarn lock file"},
		"notes named like requirements":      {"", "requirements.txt", "What we need:\nmore time\n", "None of its 2 rows"},
		"a project that is no module":        {"go.mod", "go.mod", "go 1.22\n", "not a Go module file"},
		"vulnerabilities missing":            {"gitlab-sast", "a.json", `{"version": "15.0.0", "scan": {"type": "sast"}}`, "not a GitLab SAST report"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readOne(model.File{Path: c.path, Data: []byte(c.text)}, c.format)
			if name == "deep nesting" {
				if err == nil {
					t.Error("it was read")
				}
				return
			}
			if (c.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}
