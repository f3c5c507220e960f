package osvscanner

import (
	"cmp"
	"slices"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// advisory is a vulnerability in the OSV schema.
type advisory struct {
	ID        string   `json:"id"`
	Aliases   []string `json:"aliases"`
	Summary   string   `json:"summary"`
	Details   string   `json:"details"`
	Published string   `json:"published"`
	Withdrawn string   `json:"withdrawn"`
	Severity  []struct {
		Type  string `json:"type"`
		Score string `json:"score"`
	} `json:"severity"`
	Affected   []affected `json:"affected"`
	References []struct {
		URL string `json:"url"`
	} `json:"references"`
	Specific specific `json:"database_specific"`
}

type specific struct {
	Severity string   `json:"severity"`
	CWEIDs   []string `json:"cwe_ids"`
	CWEs     []struct {
		ID string `json:"cweId"`
	} `json:"cwes"`
}

type affected struct {
	Package struct {
		Name      string `json:"name"`
		Ecosystem string `json:"ecosystem"`
	} `json:"package"`
	Ranges []struct {
		Events []struct {
			Introduced string `json:"introduced"`
			Fixed      string `json:"fixed"`
		} `json:"events"`
	} `json:"ranges"`
	Ecosystem specific `json:"ecosystem_specific"`
	Specific  specific `json:"database_specific"`
}

// into adds to a finding what the advisory says of it.
func (a *advisory) into(f *model.Finding, name, ecosystem, version string) {
	f.VulnerabilityIDs = append(f.VulnerabilityIDs, a.Aliases...)
	f.Description = cmp.Or(f.Description, a.Details, a.Summary)
	f.CWEs = append(f.CWEs, report.CWEs(a.Specific.CWEIDs...)...)
	word := a.Specific.Severity
	for _, s := range a.Severity {
		f.CVSS = append(f.CVSS, report.Rating(s.Type, s.Score, 0)...)
	}
	for _, r := range a.References {
		f.References = append(f.References, r.URL)
	}
	if a.Withdrawn != "" {
		f.Status, f.StatusReason = model.StatusFalsePositive, "the advisory was withdrawn"
	}
	var fixes []string
	for _, p := range a.Affected {
		if !strings.EqualFold(p.Package.Name, name) || !sameEcosystem(p.Package.Ecosystem, ecosystem) {
			continue
		}
		word = cmp.Or(word, p.Specific.Severity, p.Ecosystem.Severity)
		f.CWEs = append(f.CWEs, report.CWEs(p.Specific.CWEIDs...)...)
		for _, c := range p.Specific.CWEs {
			f.CWEs = append(f.CWEs, report.CWEs(c.ID)...)
		}
		for _, r := range p.Ranges {
			for _, e := range r.Events {
				if e.Fixed != "" && !slices.Contains(fixes, e.Fixed) {
					fixes = append(fixes, e.Fixed)
				}
			}
		}
	}
	f.ToolSeverity = cmp.Or(f.ToolSeverity, word)
	if len(fixes) > 0 && f.Component.FixVersion == "" {
		f.Component.FixVersion = pick(fixes, version)
	}
}

// pick chooses the fix of the release line in use: the first whose major version is the same, else all of them.
func pick(fixes []string, version string) string {
	major := func(v string) string {
		v, _, _ = strings.Cut(strings.TrimPrefix(v, "v"), ".")
		return v
	}
	for _, fix := range fixes {
		if len(fixes) > 1 && version != "" && major(fix) == major(version) && newer(fix, version) {
			return fix
		}
	}
	return strings.Join(fixes, ", ")
}

// newer compares dotted numbers; what is no number is newer.
func newer(a, b string) bool {
	x, y := strings.Split(strings.TrimPrefix(a, "v"), "."), strings.Split(strings.TrimPrefix(b, "v"), ".")
	for i := range min(len(x), len(y)) {
		if m, n := report.Int(x[i]), report.Int(y[i]); m != n {
			return m > n
		}
	}
	return true
}

// sameEcosystem compares without the release of a distribution: Debian:11 is Debian.
func sameEcosystem(a, b string) bool {
	a, _, _ = strings.Cut(a, ":")
	b, _, _ = strings.Cut(b, ":")
	return a == "" || b == "" || strings.EqualFold(a, b)
}
