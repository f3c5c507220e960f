package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const twoRows = `{"SchemaVersion": 2, "Results": [{"Target": "a", "Vulnerabilities": [{"VulnerabilityID": "CVE-2024-1", "PkgName": "a", "Severity": "LOW"}, {"VulnerabilityID": "CVE-2024-2", "PkgName": "b", "Severity": "HIGH"}]}]}`

// collection makes a small collection of reports with answers, of which the facts are as given.
func collection(t *testing.T, facts string, open string) string {
	t.Helper()
	root := t.TempDir()
	put(t, root, "scans/trivy/two.json", twoRows)
	put(t, root, "scans/trivy/manifest.json", `{"rows": [{"file": "two.json", "format": "trivy", "class": "many", "size": 200, "accept": {"open": [`+open+`], "total": [`+open+`]}, "facts": [`+facts+`]}]}`)
	put(t, root, "scans/unheard-of/manifest.json", `{"rows": []}`)
	put(t, root, "scans/_malformed/cut.json", twoRows[:100])
	put(t, root, "scans/_malformed/manifest.json", `{"rows": [{"file": "cut.json", "upload_as": "trivy", "expected": "rejected"}]}`)
	return root
}

const goodFact = `{"finding": {"component": "b", "title": "x"}, "expr": "severity", "op": "Equal", "expected": "High", "kind": "mapped"}, {"finding": {}, "expr": "severity", "op": "Equal", "expected": "wrong", "kind": "policy"}`

func TestReportsAreScored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts, open string
		want        int
		says        string
	}{
		"all agrees":    {goodFact, "2", exitGood, "counts 1/1, detection 1/1, facts 1/1"},
		"a wrong count": {goodFact, "7", exitBelow, "counts 0/1"},
		"a wrong fact":  {strings.Replace(goodFact, `"High"`, `"Low"`, 1), "2", exitBelow, "facts 0/1"},
	} {
		var out bytes.Buffer
		s := scores{}
		if err := scoreReports(&out, collection(t, c.facts, c.open), s); err != nil {
			t.Fatal(err)
		}
		code := s.print(&out, true)
		if code != c.want || !strings.Contains(out.String(), c.says) || !strings.Contains(out.String(), "not read: unheard-of") {
			t.Errorf("%s: exit %d\n%s", name, code, out.String())
		}
	}
}

func TestFactsAgree(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct {
		got  any
		want bool
	}{
		`{"op": "Equal", "expr": "cwe", "expected": "CWE-506"}`:                                      {506, true},
		`{"op": "Equal", "expr": "cwes", "expected": [79, "CWE-89"]}`:                                {[]int{79, 89}, true},
		`{"op": "IsNone", "expr": "line"}`:                                                           {0, true},
		`{"op": "AlmostEqual", "expr": "epss_score", "expected": 0.0719}`:                            {0.07190001, true},
		`{"op": "Equal", "expr": "epss_score", "expected": 0.5}`:                                     {nil, false},
		`{"op": "In", "expr": "severity", "expected": {"High": 1}}`:                                  {"high", true},
		`{"op": "Equal", "expr": "date", "expected": "2024-01-04T10:00:00"}`:                         {[]string{"2024-01-04"}, true},
		`{"op": "Equal", "expr": "vulnerability_ids", "expected": ["CVE-2024-1"]}`:                   {[]string{"GHSA-x"}, false},
		`{"op": "Equal", "expr": "endpoints[0].path", "expected": "phpmyadmin/"}`:                    {"phpmyadmin", true},
		`{"op": "Equal", "expr": "tool_id", "expected": "primaryLocationLineHash:aa:1|other:bb"}`:    {"aa:1", true},
		`{"op": "Equal", "expr": "component_version", "expected": "1.0", "finding": {"title": "x"}}`: {"1.1", false},
	} {
		var f fact
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		if got := f.agrees(c.got); got != c.want {
			t.Errorf("%s and %v: %v", text, c.got, got)
		}
	}
}
