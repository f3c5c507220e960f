package finding

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheTableLeadsOnlyWhereItShould(t *testing.T) {
	t.Parallel()
	seen := map[[2]State]bool{}
	for _, m := range moves {
		if !m.from.Valid() || !m.to.Valid() || m.from == m.to || !m.person && !m.machine {
			t.Errorf("%+v", m)
		}
		if seen[[2]State{m.from, m.to}] {
			t.Errorf("%s → %s stands there twice", m.from, m.to)
		}
		seen[[2]State{m.from, m.to}] = true
		if m.to == Accepted && (MayMove(m.from, m.to, ByReport) || MayMove(m.from, m.to, ByVEX) || !MayMove(m.from, m.to, ByRule)) {
			t.Errorf("a report accepts, or the rule of an exception does not: %+v", m)
		}
		if MayMove(m.from, m.to, ByReport) && m.from.Decided() && !slices.Contains([]State{ReReview, Open, Duplicate}, m.to) {
			t.Errorf("a report overturns a decision: %+v", m)
		}
	}
	for _, s := range States() {
		if len(Ways(s)) == 0 {
			t.Errorf("nobody gets out of %s", s)
		}
		if !seen[[2]State{s, Open}] && s != Open {
			t.Errorf("%s cannot be opened again", s)
		}
	}
	if MayMove(Open, Confirmed, ByReport) || !MayMove(Open, Confirmed, ByPerson) {
		t.Error("only a person confirms")
	}
}

func TestWhatAFindingIsKnownBy(t *testing.T) {
	t.Parallel()
	base := map[Kind]Row{
		Dependency:    {ServiceID: 1, Kind: Dependency, IDs: []string{"CVE-2021-23337", "GHSA-35jh-r3h4-6jhm"}, PURL: "pkg:npm/lodash@4.17.20?arch=x", Title: "t"},
		Code:          {ServiceID: 1, Kind: Code, Rule: "go.sql-injection", Path: "a/b.go", Snippet: "db.Query(q + name)", Title: "t"},
		Secret:        {ServiceID: 1, Kind: Secret, Rule: "aws", Path: "a/.env", SecretHash: "abc", Title: "t"},
		Configuration: {ServiceID: 1, Kind: Configuration, Rule: "AVD-KSV-0014", Resource: "Deployment/web", Title: "t"},
		Web:           {ServiceID: 1, Kind: Web, Rule: "10020", Endpoints: []Endpoint{{Method: "GET", URL: "https://x.example/orders/17?a=1", Path: "/orders/17", Param: "a"}}, Title: "t"},
		Network:       {ServiceID: 1, Kind: Network, Rule: "tls-old", Endpoints: []Endpoint{{Host: "x.example", Port: 443}}, Title: "t"},
		License:       {ServiceID: 1, Kind: License, Rule: "GPL-3.0", PURL: "pkg:npm/x@1", Title: "t"},
		Manual:        {ServiceID: 1, Kind: Manual, OwnID: "m1", Title: "t"},
	}
	same := func(a, b Row) bool {
		for _, x := range keysOf(&a) {
			for _, y := range keysOf(&b) {
				if x == y {
					return true
				}
			}
		}
		return false
	}
	for kind, r := range base {
		moved := r
		moved.Severity, moved.Description, moved.Line, moved.EPSS = Critical, "reworded", 99, new(float64)
		if !same(r, moved) {
			t.Errorf("%s: words, line and severity make another finding", kind)
		}
		other := r
		other.ServiceID = 2
		if same(r, other) {
			t.Errorf("%s: another service has the same finding", kind)
		}
		for second, o := range base {
			if second != kind && same(r, o) {
				t.Errorf("%s is %s", kind, second)
			}
		}
	}
	with := func(k Kind, f func(*Row)) Row { r := base[k]; f(&r); return r }
	for what, r := range map[string]Row{
		"another version of the package": with(Dependency, func(r *Row) { r.PURL, r.IDs = "pkg:npm/lodash@5", []string{"GHSA-35JH-R3H4-6JHM"} }),
		"another spelling of the check":  with(Configuration, func(r *Row) { r.Rule = "KSV014" }),
		"another object of the route":    with(Web, func(r *Row) { r.Endpoints = []Endpoint{{Method: "get", Path: "/orders/18", Param: "a"}} }),
		"another layout of the code":     with(Code, func(r *Row) { r.Snippet = "db.Query( q+name )" }),
		"another rule for the same code": with(Code, func(r *Row) { r.Rule = "CWE-89"; r.CWEs = []int{89} }),
	} {
		first := base[r.Kind]
		if r.Kind == Code {
			first.CWEs = r.CWEs
		}
		if !same(first, r) {
			t.Errorf("%s is another finding", what)
		}
	}
	for what, r := range map[string]Row{
		"another package":   with(Dependency, func(r *Row) { r.PURL = "pkg:npm/react@1" }),
		"another CVE":       with(Dependency, func(r *Row) { r.IDs = []string{"CVE-2020-1"} }),
		"a bundle of CVEs":  with(Dependency, func(r *Row) { r.IDs = []string{"DSA-1", "CVE-2021-23337", "CVE-2020-1"} }),
		"another secret":    with(Secret, func(r *Row) { r.SecretHash = "def" }),
		"another method":    with(Web, func(r *Row) { r.Endpoints = []Endpoint{{Method: "POST", Path: "/orders/17", Param: "a"}} }),
		"another parameter": with(Web, func(r *Row) { r.Endpoints = []Endpoint{{Method: "GET", Path: "/orders/17", Param: "b"}} }),
		"another port":      with(Network, func(r *Row) { r.Endpoints = []Endpoint{{Host: "x.example", Port: 8443}} }),
	} {
		if same(base[r.Kind], r) {
			t.Errorf("%s is the same finding", what)
		}
	}
}

func TestWhyAPriorityIsWhatItIs(t *testing.T) {
	t.Parallel()
	epss := 0.9
	f := &Finding{Severity: Critical, Exploited: true, EPSS: &epss}
	n, reasons := Prioritise(f, Place{Name: "pay", Tier: 1, Exposure: "public", DataClasses: []string{"payment"}, Exists: true})
	sum := 0
	for _, r := range reasons {
		sum += r.Points
	}
	if n != 100 || sum != n || len(reasons) != 6 {
		t.Errorf("%d %+v", n, reasons)
	}
	for _, worse := range []func(*Finding, *Place){
		func(f *Finding, _ *Place) { f.Severity = Critical }, func(f *Finding, _ *Place) { f.Exploited = true }, func(f *Finding, _ *Place) { f.EPSS = &epss },
		func(_ *Finding, p *Place) { p.Exposure = "public" }, func(_ *Finding, p *Place) { p.Tier = 1 }, func(_ *Finding, p *Place) { p.DataClasses = []string{"health"} },
	} {
		g, p := Finding{Severity: Medium}, Place{Name: "x", Tier: 3, Exposure: "internal", DataClasses: []string{"public"}, Exists: true}
		before, _ := Prioritise(&g, p)
		worse(&g, &p)
		if after, _ := Prioritise(&g, p); after <= before {
			t.Errorf("it did not rise: %d, %d", before, after)
		}
	}
}

func TestByWhenItIsDue(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(days int) time.Time { return start.Add(time.Duration(days) * 24 * time.Hour) }
	place := Place{Tier: 1, Exposure: "public", Exists: true}
	clock := []Segment{{Kind: Running, From: start}}
	due := func(f Finding, clock []Segment, p Place) int {
		f.Clock = text(clock)
		d, _, words := Shipped().Due(&f, p, at(400))
		if d == nil {
			return 0
		}
		if !strings.Contains(words, "the policy (version 1) gives") {
			t.Error(words)
		}
		return int(d.Sub(start).Hours() / 24)
	}
	paused := turn(turn(clock, Paused, at(2), ""), Running, at(12), "")
	again := turn(turn(clock, Stopped, at(5), ""), Restarted, at(40), "")
	for what, c := range map[string]struct{ got, want int }{
		"critical":                   {due(Finding{Severity: Critical}, clock, place), 7},
		"high":                       {due(Finding{Severity: High}, clock, place), 30},
		"medium":                     {due(Finding{Severity: Medium}, clock, place), 90},
		"low":                        {due(Finding{Severity: Low}, clock, place), 180},
		"info is never due":          {due(Finding{Severity: Info}, clock, place), 0},
		"exploited and public":       {due(Finding{Severity: Low, Exploited: true}, clock, place), 3},
		"exploited, exposure unsaid": {due(Finding{Severity: Low, Exploited: true}, clock, Place{Tier: 2, Exposure: "unknown", Exists: true}), 3},
		"exploited and internal":     {due(Finding{Severity: Low, Exploited: true}, clock, Place{Tier: 2, Exposure: "internal", Exists: true}), 180},
		"paused for ten days":        {due(Finding{Severity: Critical}, paused, place), 17},
		"it came back":               {due(Finding{Severity: Critical}, again, place), 47},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d days, want %d", what, c.got, c.want)
		}
	}
	f := Finding{Severity: Critical, Clock: text(paused)}
	if _, hard, _ := Shipped().Due(&f, place, at(400)); !hard.Equal(at(7)) {
		t.Errorf("an exception moved the date that limits scores to %s", hard)
	}
}

func TestAReportGivesNobodyMoreTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := Finding{ReportedSeverity: High, Clock: text([]Segment{{Kind: Running, From: now}})}
	settle(&f, Place{}, Shipped(), now, false)
	high := *f.DueAt
	f.ReportedSeverity = Low
	settle(&f, Place{}, Shipped(), now, true)
	if !f.DueAt.Equal(high) {
		t.Errorf("a lower severity moved the date to %s", f.DueAt)
	}
	f.ReportedSeverity = Critical
	settle(&f, Place{}, Shipped(), now, true)
	if !f.DueAt.Before(high) {
		t.Error("a higher severity did not bring the date nearer")
	}
}
