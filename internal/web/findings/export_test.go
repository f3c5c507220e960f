package findings_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"muster/internal/activity"
	"muster/internal/web/findings"
)

func TestExactlyTheListIsExported(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash", "react")
	report(t, d, "service-2", "axios")
	want(t, d, "/findings?q=react", "Format of the file", `action="`+d.Root+`/findings/export"`, `name="q" value="react"`)
	want(t, d, "/services/service-1/findings", `name="service" value="service-1"`)
	for _, c := range []struct {
		form url.Values
		rows int
		kind string
		name string
	}{
		{url.Values{"format": {"csv"}}, 3, "text/csv; charset=utf-8", "findings-kente-pay-"},
		{url.Values{"format": {"csv"}, "q": {"react"}}, 1, "text/csv; charset=utf-8", ".csv"},
		{url.Values{"format": {"csv"}, "service": {"service-2"}}, 1, "text/csv; charset=utf-8", ".csv"},
		{url.Values{"format": {"csv"}, "severity": {"low"}}, 0, "text/csv; charset=utf-8", ".csv"},
		{url.Values{"format": {"json"}}, 3, "application/json", ".json"},
		{url.Values{"format": {"sarif"}}, 3, "application/sarif+json", ".sarif"},
		{url.Values{"format": {"openvex"}}, 3, "application/json", ".vex.json"},
	} {
		answer := d.Ask(http.MethodPost, "/findings/export", c.form)
		body := answer.Body.String()
		h := answer.Header()
		if answer.Code != http.StatusOK || h.Get("Content-Type") != c.kind || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || !strings.Contains(h.Get("Content-Disposition"), c.name) || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: %d %v", c.form, answer.Code, h)
		}
		rows := strings.Count(body, map[string]string{"json": `"number":`, "sarif": `"number":`, "openvex": `"status":`, "csv": "\r\n"}[c.form.Get("format")])
		if c.form.Get("format") == "csv" {
			all, err := csv.NewReader(strings.NewReader(body)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			rows = len(all) - 1
		}
		if rows != c.rows {
			t.Errorf("%v: %d rows, want %d", c.form, rows, c.rows)
		}
	}
	if answer := d.Ask(http.MethodPost, "/findings/export", url.Values{"format": {"exe"}}); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "Choose one of the formats") {
		t.Errorf("an unknown format: %d", answer.Code)
	}
	if answer := d.Ask(http.MethodPost, "/findings/export", url.Values{"format": {"openvex"}, "severity": {"low"}}); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "Nothing in this list says anything in OpenVEX") {
		t.Errorf("a document without statements: %d", answer.Code)
	}
	log, err := d.Activity.Search(d.Ctx, d.Owner, activity.Filter{Text: "finding.export", Limit: 50})
	if err != nil || len(log) < 7 || !strings.Contains(log[len(log)-2].After, "q=react") {
		t.Errorf("%d entries, %v", len(log), err)
	}
	want(t, d, "/activity", "took a list of findings out", "Findings as SARIF")
}

func TestAConsultantTakesOutTheirOwnServicesOnly(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash")
	report(t, d, "service-2", "axios")
	s, err := d.Inventory.Get(d.Ctx, d.Owner, "service-2")
	if err != nil {
		t.Fatal(err)
	}
	ask := d.Limited([]int64{s.ID}, func(g *echo.Group) {
		findings.New(d.Findings, d.Inventory, d.Steward, d.Tasks, "").Routes(g, func(next echo.HandlerFunc) echo.HandlerFunc { return next })
	})
	for _, format := range []string{"csv", "json", "sarif", "openvex"} {
		body := ask(http.MethodPost, "/findings/export", url.Values{"format": {format}}).Body.String()
		if !strings.Contains(body, "axios") || strings.Contains(body, "lodash") || strings.Contains(body, "service-1") {
			t.Errorf("%s shows what is not theirs", format)
		}
	}
}
