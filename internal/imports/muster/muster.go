// Package muster reads what Muster itself exports as JSON: the findings of another workspace, or its own brought back.
package muster

import (
	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Format is the JSON of our own exports.
var Format = &report.Format{
	ID: "muster", Name: "Muster", Kind: model.KindReport, Versions: "1", Shape: `an object with "muster" and "findings"`,
	Sniff: func(h *report.Head) bool { return h.Is("muster", '{') },
	Read:  read,
	Becomes: []report.Become{
		{From: "findings[]", To: "findings, with all that Muster wrote"},
		{From: "identity", To: "identity: where this workspace wrote the file, each row is the finding that it came from, and changes nothing"},
		{From: "service, else label", To: "the service of that name, else a thing that is nobody's yet"},
		{From: "state fixed and closed, false_positive, not_affected, accepted, duplicate", To: "status fixed, false positive, not affected, accepted, suppressed; all others are open"},
	},
	Notes: "A list is what somebody chose to take out, so it never speaks for everything: it is read as a part.",
}

func read(r *report.Report) error {
	r.Tool, r.Partial = model.OwnTool, true
	j := r.JSON()
	if j.Kind() != '{' {
		return r.Wrong()
	}
	return j.Top([]string{"muster", "findings"}, func(key string) error {
		switch key {
		case "muster":
			var about struct {
				Version int `json:"version"`
			}
			err := j.Read(&about)
			r.Version = "1"
			if err == nil && about.Version > 1 {
				r.Version = "a later one"
			}
			return err
		case "findings":
			if j.Kind() != '[' {
				return r.Wrong()
			}
			return report.Rows(j, func(x *model.Exported) { r.Add(report.Own(x)) })
		}
		return nil
	})
}
