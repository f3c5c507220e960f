package catalogue_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"muster/internal/control/catalogue"
)

func get(t *testing.T, id string) *catalogue.Control {
	t.Helper()
	c, found := load(t).Get(id)
	if !found {
		t.Fatalf("there is no %s", id)
	}
	return c
}

// promised are clauses that judges elsewhere speak about; their ids live for ever.
var promised = map[string]string{
	"INV-1": "owner tier exposure data_classes", "IAM-1": "refuses_anonymous", "IAM-3": "named_callers", "IAM-4": "denies_by_default",
	"IAM-5": "own_account no_wildcard no_idle_token", "TLS-1": "no_plain_http", "TLS-6": "mutual_tls", "DAT-1": "encrypted", "DAT-3": "no_literal_secrets",
	"PAT-3": "no_overdue_critical no_overdue_high", "PAT-5": "pinned rebuilt", "API-1": "only_through_gateway", "API-5": "described states_security",
	"NET-1": "in out", "NET-5": "egress_allow_list", "RUN-1": "not_root not_privileged no_added_capabilities no_escalation no_host_access seccomp read_only_root",
	"RUN-2": "cpu memory", "RUN-3": "liveness readiness replicas", "RUN-4": "protected autoscaled", "RUN-7": "timeout breaker", "DEV-1": "no_literal_secrets",
}

func TestPromisedClausesExist(t *testing.T) {
	t.Parallel()
	for id, clauses := range promised {
		for _, clause := range strings.Fields(clauses) {
			if _, found := get(t, id).Clause(clause); !found {
				t.Errorf("%s has no clause %s", id, clause)
			}
		}
	}
	if _, found := load(t).Get("RUN-99"); found {
		t.Error("RUN-99 was found")
	}
}

func TestWhoMaySpeakAboutWhat(t *testing.T) {
	t.Parallel()
	cases := []struct {
		control, clause          string
		kind                     catalogue.SourceKind
		proves, refutes, machine bool
	}{
		{"IAM-1", "refuses_anonymous", catalogue.Probe, true, true, true},
		{"IAM-1", "refuses_anonymous", catalogue.OpenAPI, false, true, true},
		{"IAM-1", "refuses_anonymous", catalogue.Log, false, false, false},
		{"IAM-1", "refuses_anonymous", catalogue.Person, true, true, false},
		{"IAM-8", "certificates", catalogue.Probe, true, true, true},
		{"IAM-8", "credentials", catalogue.Probe, false, false, false},
		{"IAM-8", "credentials", catalogue.Register, true, true, false},
		{"INV-1", "owner", catalogue.Register, true, true, true},
		{"TLS-1", "no_plain_http", catalogue.File, false, true, true},
		{"DAT-3", "no_literal_secrets", catalogue.File, false, true, true},
		{"DAT-3", "from_manager", catalogue.File, false, false, false},
		{"PAT-5", "pinned", catalogue.File, true, true, true},
		{"PAT-5", "pinned", catalogue.Push, false, false, false},
		{"RUN-4", "protected", catalogue.Probe, false, true, true},
		{"RUN-1", "no_such_clause", catalogue.File, false, false, false},
		{"RUN-1", "no_such_clause", catalogue.Person, false, false, false},
	}
	for _, c := range cases {
		control := get(t, c.control)
		if control.Proves(c.kind, c.clause) != c.proves || control.Refutes(c.kind, c.clause) != c.refutes || control.Machine(c.kind, c.clause) != c.machine {
			t.Errorf("%s %s by %s: proves %t, refutes %t, machine %t", c.control, c.clause, c.kind, control.Proves(c.kind, c.clause), control.Refutes(c.kind, c.clause), control.Machine(c.kind, c.clause))
		}
	}
}

func TestPeopleOnlyControls(t *testing.T) {
	t.Parallel()
	var have []string
	for _, c := range load(t).All() {
		if c.PeopleOnly {
			have = append(have, c.ID)
		}
	}
	want := strings.Fields("IAM-6 IAM-7 IAM-9 IAM-10 IAM-13 DAT-2 DAT-3 DAT-4 DAT-5 DAT-6 DAT-7 DAT-8 LOG-5 API-3 API-6 RUN-6 GOV-12")
	if !slices.Equal(have, want) {
		t.Errorf("have %v\nwant %v", have, want)
	}
}

// facts are the words that rules may use; what judges them declares the same.
var facts = strings.Fields(`interface callers callees endpoints exposed tls_endpoint web http_api operations exposure tier data datastore kubernetes container orchestrated
	repository environments keys credentials passwords end_users sign_in tokens api_keys recommendations severe_incident public_service`)

func TestRulesUseKnownFacts(t *testing.T) {
	t.Parallel()
	literal, name := regexp.MustCompile(`'[a-z]+'`), regexp.MustCompile(`[a-z_]+`)
	rule := func(where, text string) {
		if strings.Count(text, "'")%2 != 0 || text == "" {
			t.Errorf("%s: the rule %q is broken", where, text)
		}
		for _, word := range name.FindAllString(literal.ReplaceAllString(text, ""), -1) {
			if !slices.Contains(append([]string{"true", "in"}, facts...), word) {
				t.Errorf("%s: the rule %q uses %q", where, text, word)
			}
		}
	}
	for _, c := range load(t).All() {
		rule(c.ID, c.Applies)
		for _, clause := range c.Clauses {
			if clause.Applies != "" {
				rule(c.ID+" "+clause.ID, clause.Applies)
			}
		}
		if (c.Domain == catalogue.Organization || c.ID == "IAM-13") != (c.Subject == catalogue.Workspace) {
			t.Errorf("%s is judged on a %s", c.ID, c.Subject)
		}
	}
}

func TestExampleTakesTheNamesOfTheWorkload(t *testing.T) {
	t.Parallel()
	named := get(t, "IAM-3").ExampleFor("money", "ledger", "ledger")
	for _, want := range []string{"name: ledger-callers, namespace: money", "app: ledger", "cluster.local/ns/money/sa/caller"} {
		if !strings.Contains(named, want) {
			t.Errorf("%q is missing in\n%s", want, named)
		}
	}
	if plain := get(t, "RUN-1").ExampleFor("", "", ""); !strings.Contains(plain, "name: orders") || strings.Contains(plain, "{{") {
		t.Errorf("without names:\n%s", plain)
	}
	if !strings.Contains(get(t, "RUN-1").ExampleFor("", "{{service}}", "x"), "name: {{service}}") {
		t.Error("a name was read as a placeholder")
	}
}

func TestDomainsFollowTheCatalogue(t *testing.T) {
	t.Parallel()
	c := load(t)
	var inOrder []*catalogue.Control
	for _, d := range c.Domains() {
		if d.Name == "" || !d.ID.Valid() || d.ID.Name() != d.Name || len(c.In(d.ID)) == 0 {
			t.Errorf("the domain %+v is empty", d)
		}
		inOrder = append(inOrder, c.In(d.ID)...)
	}
	if !slices.Equal(inOrder, c.All()) {
		t.Error("the order differs")
	}
	if catalogue.Transit.Name() != "Encryption in transit" || catalogue.Domain("plt").Valid() {
		t.Error("names of domains")
	}
}
