package report

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	cwePattern = regexp.MustCompile(`(?i)\bCWE[-_ :/]*0*(\d{1,5})\b`)
	idPattern  = regexp.MustCompile(`\b(?:CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}|GO-\d{4}-\d{4,}|PYSEC-\d{4}-\d+|RUSTSEC-\d{4}-\d{4}|OSV-\d{4}-\d+|MAL-\d{4}-\d+)\b`)
)

// CWEs reads weakness numbers out of texts like "CWE-79: …", "external/cwe/cwe-079" or a bare "79".
func CWEs(texts ...string) []int {
	var out []int
	for _, s := range texts {
		if s == "" {
			continue
		}
		if n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(s, "CWE-"))); err == nil {
			if n > 0 {
				out = append(out, n)
			}
			continue
		}
		for _, m := range cwePattern.FindAllStringSubmatch(s, 20) {
			if n, err := strconv.Atoi(m[1]); err == nil && n > 0 {
				out = append(out, n)
			}
		}
	}
	return out
}

var registers = []string{"CVE-", "GHSA-", "GO-", "PYSEC-", "RUSTSEC-", "OSV-", "MAL-"}

// FindIDs finds the identifiers of vulnerabilities in texts.
func FindIDs(texts ...string) []string {
	var out []string
	for _, s := range texts {
		for _, r := range registers {
			if strings.Contains(s, r) { // the pattern is slow
				out = append(out, idPattern.FindAllString(s, 20)...)
				break
			}
		}
	}
	return unique(out, maxIDs)
}

// VulnerabilityID writes an identifier as its register does: CVE-2024-1, GHSA-aaaa-bbbb-cccc.
func VulnerabilityID(id string) string {
	id = strings.TrimSpace(id)
	if len(id) > 4 && strings.EqualFold(id[:4], "cve-") {
		return strings.ToUpper(id)
	}
	if len(id) > 5 && strings.EqualFold(id[:5], "ghsa-") {
		return "GHSA" + strings.ToLower(id[4:])
	}
	return id
}

// Canonical picks the identifier by which tools agree: the CVE, else GHSA, else the first.
func Canonical(ids []string) string {
	for _, prefix := range []string{"CVE-", "GHSA-"} {
		for _, id := range ids {
			if strings.HasPrefix(id, prefix) {
				return id
			}
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}
