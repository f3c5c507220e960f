package control_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/fault"
)

func rulesOf(t testing.TB, settings ...control.Setting) *control.Ruleset {
	t.Helper()
	r, err := control.NewRuleset(settings, []control.Version{{Version: 1, CreatedAt: noon}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wordsOf are the words that a person reads beside a field.
func wordsOf(err error, field string) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Fields[field]
	}
	return ""
}

func TestAWrongRuleSaysWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"tier + 1":                         "type int",
		"tier == \"1\"":                    "line 1, column 6",
		"kubernetes &&\n  exposure > tier": "line 2, column 12",
		"kubernetes && no_such_fact":       "line 1, column 15",
		"tier ==":                          "line 1, column 8",
		"":                                 "line 1, column 1",
		"data.exists(d, d == \"pii\")":     "line 1",
		"[1,2,3].map(x, x * 2) == [2]":     "line 1",
		"tier == 1 && \"" + strings.Repeat("x", 600) + "\" == exposure": "under 500",
	} {
		_, err := control.CompileRule(text)
		if words := wordsOf(err, "applies"); !strings.Contains(words, want) {
			t.Errorf("%.60q: want %q in %q (%v)", text, want, words, err)
		}
	}
}

// A rule of a workspace runs for every service at every recomputation: whatever its author writes has to end.
func TestAHugeRuleIsBounded(t *testing.T) {
	t.Parallel()
	facts := control.Facts{Live: true, Tier: 1, Data: []string{strings.Repeat("a", 2000)}, Exposure: "public"}
	known, err := facts.Known()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200), strings.Repeat("!", 480) + "true",
		"data[0].matches('(a*)*(a*)*(a*)*b')", "(data[0]+data[0]+data[0]+data[0]).matches('((a+)+)+$') || tier == 2",
		strings.Repeat("data + ", 60) + "data == data", strings.Repeat("tier == 1 && ", 36) + "tier == 1",
	} {
		begun := time.Now()
		r, err := control.CompileRule(text)
		if err == nil {
			_ = r.Eval(known)
		}
		if took := time.Since(begun); took > time.Minute { // a hang; speed is what benchmarks measure
			t.Errorf("%.40q took %s", text, took)
		}
	}
}

func TestRulesHaveThreeValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule  string
		facts control.Facts
		want  control.Truth
	}{
		{"kubernetes", control.Facts{}, control.Unknown},
		{"kubernetes", control.Facts{Is: map[string]bool{"kubernetes": true}}, control.Yes},
		{"kubernetes", control.Facts{Is: map[string]bool{"kubernetes": false}}, control.No},
		{"kubernetes && container", control.Facts{Is: map[string]bool{"container": false}}, control.No},
		{"kubernetes || container", control.Facts{Is: map[string]bool{"container": true}}, control.Yes},
		{"kubernetes || container", control.Facts{Is: map[string]bool{"container": false}}, control.Unknown},
		{"!kubernetes", control.Facts{}, control.Unknown},
		{"exposure == \"public\"", control.Facts{}, control.Unknown},
		{"exposure == \"public\"", control.Facts{Exposure: "internal"}, control.No},
		{"tier != 3", control.Facts{}, control.Unknown},
		{"tier != 3", control.Facts{Tier: 3}, control.No},
		{"\"payment\" in data", control.Facts{}, control.Unknown},
		{"\"payment\" in data", control.Facts{Data: []string{}}, control.No},
		{"\"payment\" in data", control.Facts{Data: []string{"payment"}}, control.Yes},
		{"environments > 1", control.Facts{}, control.Unknown},
		{"1 / (tier - 1) == 1", control.Facts{Tier: 1}, control.Unknown},
		{"exposure != \"internal\" || tier == 1", control.Facts{Exposure: "internal"}, control.Unknown},
	} {
		r, err := control.CompileRule(test.rule)
		if err != nil {
			t.Fatal(err)
		}
		known, err := test.facts.Known()
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Eval(known); got != test.want {
			t.Errorf("%s with %+v: want %s, have %s", test.rule, test.facts, test.want, got)
		}
	}
}

// What is not known of a subject keeps every shipped control: forgetting a fact never makes one inapplicable that was not.
func TestForgettingFactsNeverExcusesAControl(t *testing.T) {
	t.Parallel()
	rules := rulesOf(t)
	names := strings.Fields("interface callers callees endpoints exposed tls_endpoint web http_api operations datastore kubernetes container orchestrated repository keys credentials passwords end_users sign_in tokens api_keys recommendations severe_incident public_service")
	rapid.Check(t, func(t *rapid.T) {
		full := control.Facts{Live: true, Tier: rapid.IntRange(1, 3).Draw(t, "tier"), Exposure: rapid.SampledFrom([]string{"public", "partner", "internal"}).Draw(t, "exposure"), Data: []string{rapid.SampledFrom([]string{"payment", "public", "pii"}).Draw(t, "data")}, Is: map[string]bool{}}
		less := control.Facts{Live: true, Is: map[string]bool{}}
		for _, n := range names {
			full.Is[n] = rapid.Bool().Draw(t, n)
			if rapid.Bool().Draw(t, "keep "+n) {
				less.Is[n] = full.Is[n]
			}
		}
		known, err := full.Known()
		if err != nil {
			t.Fatal(err)
		}
		blurred, err := less.Known()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range rules.All {
			before, outBefore := e.Applies(known)
			after, outAfter := e.Applies(blurred)
			if before != control.No && after == control.No {
				t.Fatalf("%s applied (%s) and no longer does", e.ID, before)
			}
			for _, clause := range e.Clauses {
				if outAfter != nil && outAfter(clause.ID) && !outBefore(clause.ID) {
					t.Fatalf("%s %s applied and no longer does", e.ID, clause.ID)
				}
			}
		}
	})
}

const own = `controls:
- id: OWN-1
  title: Runbook
  statement: Every service has a runbook.
  subject: service
  since: 1
  age: 90
  weight: 5
  applies: "tier != 3"
  people_only: true
  effort: small
  domain: dev
  clauses:
  - {id: written, words: a runbook is written, part: service}
  sources: []
  why: Who is on call at night has to know what to do.
  fix: [Write it., Try it.]
  checks: A person reads it.
`

func TestSettingsOfTheWorkspaceCount(t *testing.T) {
	t.Parallel()
	weight, age := 9, 3
	rules := rulesOf(t, control.Setting{Control: "RUN-1", Weight: &weight, Age: &age}, control.Setting{Control: "RUN-2", Off: true}, control.Setting{Control: "RUN-3", Off: true}, control.Setting{Control: "RUN-3"})
	run1, _ := rules.Get("RUN-1")
	run2, _ := rules.Get("RUN-2")
	run3, _ := rules.Get("RUN-3")
	if run1.Points != 9 || run1.Days != 3 || !run1.Changed() || !run2.Off || run2.Scored || run3.Off || run3.Changed() || !rules.Custom() {
		t.Errorf("settings: %+v %+v %+v", run1, run2, run3)
	}
	for _, e := range rules.For(catalogue.Service) {
		if e.ID == "RUN-2" {
			t.Error("what is off is still judged")
		}
	}
	plain, _ := rules.Shipped().Get("RUN-2")
	if plain.Off || !plain.Scored || plain.Points != plain.Weight || rules.Shipped().Custom() {
		t.Errorf("by shipped weights: %+v", plain)
	}
	if rulesOf(t).Custom() {
		t.Error("nothing was chosen")
	}
}

func TestAControlOfOnesOwn(t *testing.T) {
	t.Parallel()
	off := control.Setting{Control: "OWN-1", Definition: own, Off: true}
	rules := rulesOf(t, control.Setting{Control: "OWN-1", Definition: own})
	e, found := rules.Get("OWN-1")
	if !found || !e.Own || !e.Scored || e.Days != 90 || e.Points != 5 || rules.All[len(rules.All)-1] != e {
		t.Fatalf("own control: %t %+v", found, e)
	}
	if _, shipped := rules.Shipped().Get("OWN-1"); shipped {
		t.Error("it was not shipped")
	}
	e, found = rulesOf(t, control.Setting{Control: "OWN-1", Definition: own}, off).Get("OWN-1")
	if !found || !e.Off || e.Scored {
		t.Errorf("switched off: %+v", e)
	}
}

func TestNewControlsAreNotScoredAtFirst(t *testing.T) {
	t.Parallel()
	met := []control.Version{{Version: 1, CreatedAt: noon.Add(-400 * day)}, {Version: 2, CreatedAt: noon}}
	for _, test := range []struct {
		since  int
		met    []control.Version
		after  time.Duration
		scored bool
	}{{1, met, 0, true}, {2, met, 0, false}, {2, met, 30*day - 1, false}, {2, met, 30 * day, true}, {2, met[1:], 0, true}, {3, met, 300 * day, false}, {1, nil, 0, true}} {
		if got := control.Settled(test.since, test.met, noon.Add(test.after)); got != test.scored {
			t.Errorf("since %d, met %v, after %s: %t", test.since, test.met, test.after, got)
		}
	}
}
