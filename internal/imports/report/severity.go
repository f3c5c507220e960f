package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	cvss20 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss40 "github.com/pandatix/go-cvss/40"

	"muster/internal/imports/model"
)

// words are what tools call their severities. Formats whose words mean something else map them before.
var words = map[string]model.Severity{
	"critical": model.SeverityCritical, "crit": model.SeverityCritical, "fatal": model.SeverityCritical, "blocker": model.SeverityCritical, "urgent": model.SeverityCritical, "emergency": model.SeverityCritical,
	"high": model.SeverityHigh, "important": model.SeverityHigh, "error": model.SeverityHigh, "severe": model.SeverityHigh, "major": model.SeverityHigh, "serious": model.SeverityHigh, "danger": model.SeverityHigh,
	"medium": model.SeverityMedium, "moderate": model.SeverityMedium, "warning": model.SeverityMedium, "warn": model.SeverityMedium, "normal": model.SeverityMedium,
	"low": model.SeverityLow, "minor": model.SeverityLow, "style": model.SeverityLow,
	"info": model.SeverityInfo, "information": model.SeverityInfo, "informational": model.SeverityInfo, "informative": model.SeverityInfo, "note": model.SeverityInfo, "notice": model.SeverityInfo,
	"negligible": model.SeverityInfo, "none": model.SeverityInfo, "unknown": model.SeverityInfo, "undefined": model.SeverityInfo, "log": model.SeverityInfo, "debug": model.SeverityInfo,
	"unassigned": model.SeverityInfo, "untriaged": model.SeverityInfo, "trace": model.SeverityInfo, "inventory": model.SeverityInfo, "experiment": model.SeverityInfo,
}

// Severity brings a tool's word, or a score, to the neutral scale.
func Severity(word string) (model.Severity, bool) {
	word = strings.ToLower(strings.TrimSpace(word))
	if s, ok := words[word]; ok {
		return s, true
	}
	if n, err := strconv.ParseFloat(word, 64); err == nil && n >= 0 && n <= 10 {
		return ByScore(n), true
	}
	return "", false
}

// ByScore is the severity of a CVSS base score.
func ByScore(score float64) model.Severity {
	switch {
	case score >= 9:
		return model.SeverityCritical
	case score >= 7:
		return model.SeverityHigh
	case score >= 4:
		return model.SeverityMedium
	case score > 0:
		return model.SeverityLow
	}
	return model.SeverityInfo
}

// CVSS makes a rating of what a report gives: a vector, a score, or both. A vector that is none is dropped.
func CVSS(vector string, score float64) []model.CVSS { return Rating("", vector, score) }

// Rating does as CVSS where the report names the version too.
func Rating(version, vector string, score float64) []model.CVSS {
	vector = strings.Trim(strings.TrimSpace(vector), "()")
	if !(score >= 0 && score <= 10) {
		score = 0
	}
	if vector == "" {
		if score == 0 {
			return nil
		}
		return []model.CVSS{{Version: plainVersion(version), Score: score}}
	}
	if strings.HasPrefix(vector, "AV:") && !strings.Contains(vector, "Au:") { // some tools leave the version out
		vector = "CVSS:" + cmp.Or(plainVersion(version), "3.1") + "/" + vector
	}
	found, computed, ok := score40(vector)
	if !ok {
		if score == 0 {
			return nil
		}
		return []model.CVSS{{Version: plainVersion(version), Score: score}}
	}
	return []model.CVSS{{Version: found, Vector: vector, Score: cmp.Or(score, computed)}}
}

// score40 computes the base score of a vector of any version.
func score40(vector string) (version string, score float64, ok bool) {
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		if v, err := cvss40.ParseVector(vector); err == nil {
			return "4.0", v.Score(), true
		}
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		if v, err := cvss31.ParseVector(vector); err == nil {
			return "3.1", v.BaseScore(), true
		}
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		if v, err := cvss30.ParseVector(vector); err == nil {
			return "3.0", v.BaseScore(), true
		}
	case strings.Contains(vector, "Au:"):
		if v, err := cvss20.ParseVector(strings.TrimPrefix(strings.TrimPrefix(vector, "CVSS2#"), "CVSS:2.0/")); err == nil {
			return "2.0", v.BaseScore(), true
		}
	}
	return "", 0, false
}

// plainVersion reads "CVSSv31", "CVSS_V3", "3.1" or "2" as a version.
func plainVersion(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
	switch {
	case strings.HasPrefix(digits, "4"):
		return "4.0"
	case strings.HasPrefix(digits, "31"):
		return "3.1"
	case strings.HasPrefix(digits, "3"):
		return "3.0"
	case strings.HasPrefix(digits, "2"):
		return "2.0"
	}
	return ""
}

// rate puts the newest version first and drops what is said twice.
func rate(list []model.CVSS) []model.CVSS {
	out := []model.CVSS{}
	for _, c := range list {
		if !slices.Contains(out, c) && len(out) < 20 {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b model.CVSS) int { return rank(b.Version) - rank(a.Version) })
	return out
}

// rank prefers version 4 to 3 to 2; the two minor versions of 3 stay in the report's order.
func rank(version string) int { return Int(version) }
