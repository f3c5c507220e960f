package main

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/internal/imports/model"
)

// fact is one detail that a report must yield.
type fact struct {
	Finding  locator
	Expr, Op string
	Expected any
	Kind     string
}

// locator describes the finding that a fact speaks of; titles are the peer's words.
type locator struct {
	Title, Component, Version, File, Endpoint string
	Rule                                      any `json:"rule_id"`
	Tool                                      any `json:"tool_id"`
	Line                                      any
	IDs                                       []string `json:"vulnerability_ids"`
}

// holds looks the finding up and asks it. Where several fit equally well, one that agrees is enough.
func (f fact) holds(findings []model.Finding) (bool, any) {
	best, most := []model.Finding{}, -1
	for _, c := range findings {
		switch n := f.Finding.fits(c); {
		case n > most:
			best, most = []model.Finding{c}, n
		case n == most:
			best = append(best, c)
		}
	}
	var got any = "no such finding"
	for _, c := range best {
		got = value(c, f.Expr)
		if f.agrees(got) {
			return true, got
		}
	}
	return false, got
}

// fits counts how much of a locator a finding has.
func (l locator) fits(f model.Finding) int {
	n := 0
	add := func(points int, holds bool) {
		if holds {
			n += points
		}
	}
	add(4, l.Rule != nil && fmt.Sprint(l.Rule) == f.RuleID)
	add(4, l.Tool != nil && (fmt.Sprint(l.Tool) == f.ToolID || f.ToolID != "" && strings.Contains(fmt.Sprint(l.Tool), f.ToolID)))
	for _, id := range l.IDs {
		add(4, slices.Contains(f.VulnerabilityIDs, id) || f.RuleID == id || f.ToolID == id)
	}
	add(3, l.Component != "" && strings.HasSuffix(l.Component, f.Component.Name) && f.Component.Name != "")
	add(2, l.Version != "" && l.Version == f.Component.Version)
	add(3, l.File != "" && strings.HasSuffix(l.File, f.Location.Path) && f.Location.Path != "")
	add(2, l.Line != nil && fmt.Sprint(l.Line) == fmt.Sprint(int(f.Location.Line)))
	add(3, l.Endpoint != "" && slices.ContainsFunc(f.Endpoints, func(e model.Endpoint) bool {
		return strings.Contains(e.URL, strings.TrimSuffix(l.Endpoint, "/")) || strings.HasSuffix(l.Endpoint, e.URL)
	}))
	title := strings.Join(strings.Fields(strings.ToLower(f.Title)), " ")
	wanted := strings.Join(strings.Fields(strings.ToLower(l.Title)), " ")
	add(3, title == wanted)
	add(1, strings.Contains(wanted, title) || strings.Contains(title, wanted))
	for _, word := range []string{f.RuleID, f.Resource, f.Component.Name} {
		add(1, word != "" && strings.Contains(wanted, strings.ToLower(word)))
	}
	return n
}

var indexed = regexp.MustCompile(`^(\w+)\[(\d)\](?:\.(\w+))?$`)

// value reads an expression of the answers from a finding.
func value(f model.Finding, expr string) any {
	if m := indexed.FindStringSubmatch(expr); m != nil {
		i, _ := strconv.Atoi(m[2]) // a digit by the pattern
		return element(f, m[1], i, m[3])
	}
	switch expr {
	case "severity", "severity.lower()":
		return string(f.Severity)
	case "rule_id":
		return f.RuleID
	case "tool_id":
		return f.ToolID
	case "file_path":
		return f.Location.Path
	case "line":
		return int(f.Location.Line)
	case "component_name":
		if f.Component.Name == "" {
			return f.Resource // of clouds and clusters
		}
		return f.Component
	case "component_version":
		return f.Component.Version
	case "fix_version":
		return f.Component.FixVersion
	case "fix_available":
		return f.FixAvailable != nil && *f.FixAvailable
	case "cwe":
		return append([]int{0}, f.CWEs...)[min(len(f.CWEs), 1)]
	case "cwes":
		return f.CWEs
	case "vulnerability_ids", "set(vulnerability_ids)", "cve":
		return f.VulnerabilityIDs
	case "len(vulnerability_ids)":
		return len(f.VulnerabilityIDs)
	case "len(endpoints)":
		return len(f.Endpoints)
	case "epss_score":
		return number(f.EPSS)
	case "epss_percentile":
		return number(f.EPSSPercentile)
	case "publish_date":
		return day(f.PublishedAt)
	}
	return special(f, expr)
}

func special(f model.Finding, expr string) any {
	if strings.Contains(expr, "date") {
		return day(f.Date, f.PublishedAt)
	}
	if kind, ok := strings.CutPrefix(expr, "cvssv"); ok {
		for _, c := range f.CVSS {
			if strings.HasPrefix(c.Version, kind[:1]) {
				if strings.HasSuffix(expr, "_score") {
					return c.Score
				}
				return c.Vector
			}
		}
	}
	return nil
}

func element(f model.Finding, list string, i int, member string) any {
	if list == "vulnerability_ids" && i < len(f.VulnerabilityIDs) {
		return f.VulnerabilityIDs
	}
	if list != "endpoints" || i >= len(f.Endpoints) {
		return nil
	}
	e := f.Endpoints[i]
	switch member {
	case "host":
		return e.Host
	case "path":
		return strings.Trim(e.Path, "/")
	case "port":
		return int(e.Port)
	case "protocol":
		return e.Protocol
	}
	return nil
}

func number(n *float64) any {
	if n == nil {
		return nil
	}
	return *n
}

func day(times ...*time.Time) []string {
	var out []string
	for _, t := range times {
		if t != nil {
			out = append(out, t.Format(time.DateOnly))
		}
	}
	return out
}

// agrees compares without types: the answers were written in another language.
func (f fact) agrees(got any) bool {
	switch f.Op {
	case "IsNone", "False":
		s := fmt.Sprint(got)
		return got == nil || s == "" || s == "0" || s == "[]" || s == "false"
	case "True":
		return fmt.Sprint(got) == "true"
	}
	switch g := got.(type) {
	case []string:
		return f.listed(g)
	case []int:
		return slices.Equal(g, ints(f.Expected))
	case model.Package:
		return fmt.Sprint(f.Expected) == g.Name || g.PURL != "" && strings.HasPrefix(g.PURL, fmt.Sprint(f.Expected)) || g.Name != "" && strings.HasSuffix(fmt.Sprint(f.Expected), "/"+g.Name)
	}
	if f.Op == "In" {
		return fmt.Sprint(got) != "" && strings.Contains(strings.ToLower(fmt.Sprint(f.Expected)), fmt.Sprint(got))
	}
	if want, ok := f.Expected.(float64); ok {
		have, err := strconv.ParseFloat(fmt.Sprint(got), 64)
		return err == nil && (math.Abs(have-want) < 1e-4 || strings.HasPrefix(f.Expr, "len(vulnerability_ids") && have > want) // more aliases are no loss
	}
	if cwe := ints([]any{f.Expected}); f.Expr == "cwe" && len(cwe) > 0 {
		return fmt.Sprint(got) == strconv.Itoa(cwe[0])
	}
	want := fmt.Sprint(f.Expected)
	if strings.HasSuffix(f.Expr, ".path") {
		want = strings.Trim(want, "/")
	}
	if f.Expected == nil {
		want = ""
	}
	return strings.EqualFold(want, fmt.Sprint(got)) || f.Expr == "tool_id" && got != "" && strings.Contains(want, fmt.Sprint(got))
}

// listed asks a list for one text, or for several; of dates and identifiers, one that agrees is enough.
func (f fact) listed(got []string) bool {
	switch want := f.Expected.(type) {
	case nil:
		return true // the peer keeps it elsewhere
	case string:
		return slices.ContainsFunc(got, func(g string) bool { return g == want || strings.HasPrefix(want, g) })
	case []any:
		for _, w := range want {
			if !slices.Contains(got, fmt.Sprint(w)) {
				return false
			}
		}
		return true
	}
	return false
}

var digits = regexp.MustCompile(`\d+`)

func ints(v any) []int {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := []int{}
	for _, e := range list {
		if n, err := strconv.Atoi(digits.FindString(fmt.Sprint(e))); err == nil {
			out = append(out, n)
		}
	}
	return out
}
