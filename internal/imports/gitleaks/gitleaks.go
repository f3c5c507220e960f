// Package gitleaks reads the JSON reports of Gitleaks.
package gitleaks

import (
	"cmp"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is Gitleaks' JSON.
var Format = &report.Format{
	ID: "gitleaks", Name: "Gitleaks", Kind: model.KindReport, Versions: "7 and 8", Shape: "a list of leaks, or null", Null: true, Array: true,
	Sniff: func(h *report.Head) bool {
		return h.Has("[].RuleID", "[].File") && h.Any("[].StartLine", "[].Secret", "[].Match", "[].Commit") || h.Has("[].rule", "[].offender")
	},
	Read: read,
	Becomes: []report.Become{
		{From: "rows of version 8: RuleID, Description, File, StartLine, Match, Fingerprint", To: "secret findings with CWE-798"},
		{From: "rows of version 7: rule, offender, file, lineNumber, line", To: "the same"},
		{From: "Secret, offender", To: "its SHA-256 and a mask; the secret is never kept, and is masked wherever Match and line show it"},
		{From: "the same secret in several commits and lines of a file", To: "one finding, whose occurrences count them"},
	},
	Notes: "Gitleaks gives no severity: a leaked secret is high, and severity_source says that this is a default.",
}

type leak struct {
	RuleID, Description, File, SymlinkFile, Secret, Match string
	Commit, Author, Date, Fingerprint, Link               string
	StartLine, EndLine                                    int
	Tags                                                  []string

	// Version 7.
	Rule       string `json:"rule"`
	Offender   string `json:"offender"`
	OldFile    string `json:"file"`
	OldLine    string `json:"line"`
	LineNumber int    `json:"lineNumber"`
	OldCommit  string `json:"commit"`
	OldAuthor  string `json:"author"`
	OldDate    string `json:"date"`
	Repo       string `json:"repo"`
	LeakURL    string `json:"leakURL"`
}

func read(r *report.Report) error {
	r.Base, r.Default = model.SeverityHigh, "Gitleaks gives no severity, and a leaked secret is high"
	j := r.JSON()
	if j.Kind() == '{' {
		return r.Wrong()
	}
	if err := j.Documents(func() error { return report.Row(j, func(l *leak) { l.add(r) }) }); err != nil {
		return err
	}
	return j.End()
}

func (l *leak) add(r *report.Report) {
	rule, secret := cmp.Or(l.RuleID, l.Rule), cmp.Or(l.Secret, l.Offender)
	if rule == "" {
		r.Skip("This row names no rule.")
		return
	}
	r.Version = cmp.Or(r.Version, map[bool]string{true: "8", false: "7"}[l.RuleID != ""])
	f := model.Finding{
		RuleID: rule, ToolID: l.Fingerprint, Title: cmp.Or(l.Description, rule), CWEs: []int{798}, SourceLine: cmp.Or(l.Match, l.OldLine), Date: report.Time(cmp.Or(l.Date, l.OldDate)),
		Location:    model.Location{Path: cmp.Or(l.File, l.SymlinkFile, l.OldFile), Line: model.Number(max(l.StartLine, l.LineNumber)), EndLine: model.Number(l.EndLine)},
		References:  []string{l.Link, l.LeakURL},
		Remediation: "Revoke the secret and issue a new one; taking it out of the file is not enough, since the history keeps it.",
	}
	if commit := cmp.Or(l.Commit, l.OldCommit); commit != "" {
		f.Description = "Seen in commit " + commit + " by " + cmp.Or(l.Author, l.OldAuthor, "an unknown author") + "."
	}
	if l.Repo != "" && l.Repo != "." {
		f.Service = l.Repo
	}
	report.Hide(&f, secret)
	join := ""
	if f.SecretHash != "" { // a masked secret cannot be told from another
		join = strings.Join([]string{rule, f.Location.Path, f.SecretHash}, "\x00")
	}
	r.AddBy(join, f)
}
