package scan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/probe"
)

func find(t *testing.T) evidence.Find {
	t.Helper()
	shipped, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	return shipped.Get
}

var noon = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

func seen(address, from string, checks ...probe.Check) Seen {
	return Seen{Place: Place{ServiceID: 7, EnvironmentID: 3, Address: address, Target: address}, From: from, Visit: probe.Target{Target: address, StartedAt: noon, Reachable: true, Checks: checks}}
}

func lines(rows []evidence.Evidence) []string {
	var list []string
	for _, e := range rows {
		list = append(list, strings.Join([]string{e.Control, e.Clause, e.Part, e.Source, string(e.Outcome)}, " "))
	}
	slices.Sort(list)
	return list
}

func TestWitnessSpeaksTheInventorysWords(t *testing.T) {
	t.Parallel()
	until := noon.Add(48 * time.Hour)
	rows := witness(find(t), []string{"GET /orders"}, []string{"Deployment shop/pay"}, []Seen{
		seen("a.example.com:443", "",
			probe.Check{Control: "TLS-2", Clause: "modern_versions", Part: "endpoint", Outcome: probe.Pass},
			probe.Check{Control: "TLS-4", Clause: "time_left", Part: "endpoint", Outcome: probe.Pass, GoodUntil: &until},
			probe.Check{Control: "TLS-4", Clause: "trusted", Part: "endpoint", Outcome: probe.Unknown},
			probe.Check{Control: "TLS-5", Clause: "hsts", Part: "endpoint", Outcome: probe.NotApplicable},
			probe.Check{Control: "IAM-1", Clause: "refuses_anonymous", Part: "operation:GET /orders", Outcome: probe.Pass},
			probe.Check{Control: "IAM-1", Clause: "refuses_anonymous", Part: "operation:GET /", Outcome: probe.Fail},
			probe.Check{Control: "TLS-6", Clause: "mutual_tls", Part: "endpoint", Outcome: probe.Fail},
			probe.Check{Control: "GOV-11", Clause: "published", Part: "endpoint", Outcome: probe.Pass},
			probe.Check{Control: "API-6", Clause: "input_validated", Part: "operation:GET /orders", Outcome: probe.Pass}, // a probe can only refute it
			probe.Check{Control: "NO-1", Clause: "x", Outcome: probe.Pass},
			probe.Check{Control: "TLS-2", Clause: "no such clause", Outcome: probe.Fail},
		)})
	want := []string{
		"GOV-11 published endpoint:a.example.com:443 probe:muster pass",
		"IAM-1 refuses_anonymous endpoint:a.example.com:443 probe:muster fail",
		"IAM-1 refuses_anonymous operation:GET /orders probe:muster pass",
		"TLS-2 modern_versions endpoint:a.example.com:443 probe:muster pass",
		"TLS-4 time_left endpoint:a.example.com:443 probe:muster pass",
		"TLS-6 mutual_tls workload:Deployment shop/pay probe:muster fail",
	}
	if got := lines(rows); !slices.Equal(got, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, e := range rows {
		if service := map[bool]int64{true: 0, false: 7}[e.Control == "GOV-11"]; e.ServiceID != service || e.ArtefactHash == "" || !e.ObservedAt.Equal(noon) {
			t.Errorf("%s: %+v", e.Control, e)
		}
		if (e.Clause == "time_left") != (e.GoodUntil != nil) {
			t.Errorf("%s ends %v", e.Clause, e.GoodUntil)
		}
	}
}

func TestTheWorstAnswerOfAPartCounts(t *testing.T) {
	t.Parallel()
	check := func(o probe.Outcome) probe.Check {
		return probe.Check{Control: "IAM-1", Clause: "refuses_anonymous", Part: "operation:GET /orders", Outcome: o}
	}
	for _, order := range [][2]probe.Outcome{{probe.Pass, probe.Fail}, {probe.Fail, probe.Pass}, {probe.Unknown, probe.Fail}, {probe.Fail, probe.NotApplicable}} {
		rows := witness(find(t), []string{"GET /orders"}, nil, []Seen{seen("a:1", "", check(order[0])), seen("b:1", "", check(order[1]))})
		if len(rows) != 1 || rows[0].Outcome != evidence.Fail {
			t.Errorf("%v: got %v", order, lines(rows))
		}
	}
	// Who stands elsewhere speaks for himself.
	rows := witness(find(t), []string{"GET /orders"}, nil, []Seen{seen("a:1", "", check(probe.Pass)), seen("a:1", "cluster", check(probe.Fail))})
	if want := []string{"IAM-1 refuses_anonymous operation:GET /orders probe:cluster fail", "IAM-1 refuses_anonymous operation:GET /orders probe:muster pass"}; !slices.Equal(lines(rows), want) {
		t.Errorf("got %v", lines(rows))
	}
}

func TestStrangersWordsAreBounded(t *testing.T) {
	t.Parallel()
	rows := witness(find(t), nil, nil, []Seen{seen("a:1", "", probe.Check{Control: "TLS-2", Clause: "modern_versions", Outcome: probe.Fail, Observed: "a\x00b\x1b[31m\u202e" + strings.Repeat("é", 5000)})})
	if got := rows[0].Observed; strings.ContainsAny(got, "\x00\x1b\u202e") || len([]rune(got)) != maxWords {
		t.Fatalf("got %d runes: %.40q", len([]rune(got)), got)
	}
}

func TestReportsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                      "ends early",
		`{"targets":[`:                          "ends early",
		`[1]`:                                   "does not fit",
		`{"seen_from":"x"}`:                     "no list of targets",
		`{"targets":[]}`:                        "seen_from must say",
		`{"seen_from":"muster","targets":[]}`:   "name of this server",
		`{"seen_from":"a\u0000b","targets":[]}`: "seen_from must say",
		`{"seen_from":"k8s","targets":[{"target":""}]}`:                                                      "target 1 has no address",
		`{"seen_from":"k8s","targets":[{"target":"a:1","reason":"` + strings.Repeat("x", maxTarget) + `"}]}`: "target 1 holds more than 1024 kB",
		`{"seen_from":"k8s","targets":[{"target":"a:1"}]}`:                                                   "does not say when",
		`{"seen_from":"k8s","targets":[{"target":"a:1","checks":{"a":1}}]}`:                                  "field targets.checks",
		`{"seen_from":"k8s","targets":[]} {"seen_from":"k8s"}`:                                               "something follows",
		`{"seen_from":"k8s","targets":[{"target":"a:1","started_at":"yesterday"}]}`:                          "byte",
	} {
		if _, err := ReadReport("probe.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "invalid: probe.json: ") {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
