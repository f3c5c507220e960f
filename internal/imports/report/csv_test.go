package report_test

import (
	"strings"
	"testing"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// grid is a format of rows with a name and a value.
var grid = &report.Format{ID: "grid", Name: "Grid", Kind: model.KindReport, Shape: "CSV with a Name", Read: func(r *report.Report) error {
	return r.Table([]string{"NAME"}, func(l *report.Line) {
		r.Add(model.Finding{Kind: model.FindingManual, Title: l.Get("name"), Description: l.Get("The Value", "value")})
	})
}}

func TestTables(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, fails, last string
		rows              int
		partial           bool
	}{
		"commas":                  {text: "name,the_value\na,1\nb,2\n", rows: 2, last: "2"},
		"semicolons and a mark":   {text: "\ufeffName;Value\r\na;1\r\n", rows: 1, last: "1"},
		"tabs":                    {text: "NAME\tVALUE\na\t1", rows: 1, last: "1"},
		"quotes over lines":       {text: "name,value\na,\"one\ntwo, \"\"three\"\"\"\n", rows: 1, last: "one\ntwo, \"three\""},
		"blank rows":              {text: "name,value\n\na,1\n,\n", rows: 1, last: "1"},
		"a quote in a cell":       {text: "name,value\na,5\" pipe\nb,2\" pipe\n", rows: 2, last: "2\" pipe"},
		"a quote that never ends": {text: "name,value\na,1\nb,\"2\n", rows: 2, last: "2", partial: true},
		"a last row cut off":      {text: "name,value\na,1\nb", rows: 2, partial: true},
		"another table":           {text: "id,value\n1,2\n", fails: "the column NAME is missing"},
		"no row":                  {text: "name,value\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := report.Read(grid, model.File{Path: "in.csv", Data: []byte(c.text)})
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil || len(r.Findings) != c.rows || r.Partial != c.partial || c.rows > 0 && r.Findings[c.rows-1].Description != c.last {
				t.Errorf("%v: %+v", err, r)
			}
		})
	}
}
