package catalogue_test

import (
	"errors"
	"strings"
	"testing"

	"muster/internal/control/catalogue"
)

const own = `controls:
- id: ACME-1
  title: Payments are reconciled
  statement: Payments are compared with the bank every day.
  domain: gov
  age: 30
  weight: 4
  applies: "'payment' in data"
  clauses:
  - id: daily
    words: is compared every day
  - {id: alarmed, words: a difference raises an alarm, part: workload}
  sources:
  - {kind: push, proves: true, refutes: true, clauses: [daily]}
  fix:
  - Write a job.
  mappings:
  - {framework: iso-27001-2022, requirement: A.8.16, strength: supports}
`

func TestOwnControlsAreRead(t *testing.T) {
	t.Parallel()
	list, err := catalogue.Parse([]byte(own))
	if err != nil {
		t.Fatal(err)
	}
	c := list[0]
	if len(list) != 1 || c.ID != "ACME-1" || c.Subject != catalogue.Service || c.Domain != catalogue.Organization || c.Age != 30 || c.Weight != 4 || c.Effort != catalogue.Medium {
		t.Errorf("read as %+v", c)
	}
	daily, _ := c.Clause("daily")
	alarmed, _ := c.Clause("alarmed")
	if daily.Part != catalogue.Whole || alarmed.Part != catalogue.Workload || daily.PeopleOnly || !alarmed.PeopleOnly || c.PeopleOnly {
		t.Errorf("clauses read as %+v", c.Clauses)
	}
}

func TestMistakesAreToldWithLineAndReason(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, old, with, want string
	}{
		{"an unknown field", "  age: 30", "  agee: 30", `controls.yaml:6: a control has no field "agee"`},
		{"a missing field", "  age: 30\n", "", `controls.yaml:2: a control lacks the field "age"`},
		{"a repeated field", "  age: 30", "  age: 30\n  age: 31", `controls.yaml:7: a control has the field "age" twice`},
		{"an age of nothing", "age: 30", "age: 0", "controls.yaml:6: the age in days must be a whole number from 1 to 3650"},
		{"an age beyond ten years", "age: 30", "age: 3651", "controls.yaml:6: the age in days must be a whole number from 1 to 3650"},
		{"a heavy weight", "weight: 4", "weight: 21", "controls.yaml:7: the weight must be a whole number from 0 to 20"},
		{"a weight in words", "weight: 4", "weight: four", "controls.yaml:7: the weight must be a whole number from 0 to 20"},
		{"an id without a number", "ACME-1", "ACME", `controls.yaml:2: the id "ACME" is not of the form ABC-1`},
		{"a built-in id", "ACME-1", "RUN-1", "controls.yaml:2: the id RUN-1 clashes with the built-in controls"},
		{"an id that we may ship one day", "ACME-1", "NET-99", "controls.yaml:2: the id NET-99 clashes with the built-in controls"},
		{"a long title", "Payments are reconciled", strings.Repeat("x", 41), "controls.yaml:3: the title has 41 characters; at most 40 are allowed"},
		{"an empty statement", "Payments are compared with the bank every day.", `""`, "controls.yaml:4: the statement is empty"},
		{"a statement that is a number", "Payments are compared with the bank every day.", "12", "controls.yaml:4: the statement must be a text"},
		{"an unknown domain", "domain: gov", "domain: money", `controls.yaml:5: the domain "money" is not known`},
		{"no domain", "  domain: gov\n", "", `controls.yaml:2: a control lacks the field "domain"`},
		{"an unknown part", "part: workload", "part: engine", `controls.yaml:12: the part "engine" is not known`},
		{"an unknown source", "kind: push", "kind: rumour", `controls.yaml:14: the kind of source "rumour" is not known`},
		{"a source for a clause that is not there", "[daily]", "[weekly]", `names the clause "weekly"`},
		{"a source that says nothing", "proves: true, refutes: true", "proves: false", "controls.yaml:14: the source push neither proves nor refutes anything"},
		{"a clause twice", "id: alarmed", "id: daily", "controls.yaml:12: the control has the clause daily twice"},
		{"a clause with a bad id", "id: alarmed", "id: Is-Alarmed", "controls.yaml:12: the id of the clause"},
		{"a strength that is not one", "strength: supports", "strength: strong", `controls.yaml:18: the strength "strong" is not known`},
		{"a control twice", "controls:\n", "controls:\n- {id: ACME-1, title: t, statement: s, domain: gov, age: 1, weight: 1, clauses: [{id: a, words: b}]}\n", "controls.yaml:3: the control ACME-1 stands in the file twice"},
		{"no clauses", "clauses: [daily]", "clauses: []", ""},
		{"broken YAML", "  weight: 4", "  weight: [4", "it is not YAML"},
		{"a list instead of a mapping", own, "- a\n- b\n", "controls.yaml:1: the file must be a mapping"},
		{"nothing", own, "", "controls.yaml:1: the file is empty"},
		{"no control", own, "controls: []\n", "controls.yaml:1: the file has no control"},
		{"a reference to another place", own, "controls:\n- &a {id: ACME-1}\n- *a\n", "controls.yaml:3: a control must be a mapping"},
		{"bytes that are no text", "Payments", "\xff", "the file is not UTF-8 text"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(own, c.old, c.with, 1)
			if text == own {
				t.Fatal("nothing was changed")
			}
			list, err := catalogue.Parse([]byte(text))
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || list != nil {
				t.Errorf("want %q, have %v", c.want, err)
			}
			var p *catalogue.Problem
			if !errors.As(err, &p) || p.Reason == "" {
				t.Errorf("%v holds no problem", err)
			}
		})
	}
}

func TestAControlNeedsAClause(t *testing.T) {
	t.Parallel()
	_, err := catalogue.Parse([]byte("controls:\n- {id: ACME-1, title: t, statement: s, domain: gov, age: 1, weight: 1, clauses: []}\n"))
	if err == nil || !strings.Contains(err.Error(), "controls.yaml:2: the control has no clause") {
		t.Error(err)
	}
}

func TestHostileFilesAreRefusedQuickly(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for _, pair := range []string{"ab", "bc", "cd", "de", "ef", "fg", "gh"} {
		bomb += pair[1:] + ": &" + pair[1:] + " [" + strings.TrimSuffix(strings.Repeat("*"+pair[:1]+",", 9), ",") + "]\n"
	}
	for name, text := range map[string]string{"many references": bomb, "deep nesting": strings.Repeat("[", 50000), "a huge file": strings.Repeat("#", 3<<20),
		"many controls": "controls:\n" + strings.Repeat("- {}\n", 501)} {
		_, err := catalogue.Parse([]byte(text))
		if err == nil || len(err.Error()) > 10_000 {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(own))
	f.Add([]byte("controls:\n- &a {id: ACME-1}\n- *a\n"))
	f.Add([]byte("controls: [{clauses: [{id: a, words: b}], sources: [{kind: file, proves: true}]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := catalogue.Parse(data)
		if (err == nil) == (len(list) == 0) {
			t.Fatalf("%d controls and error %v", len(list), err)
		}
		for _, c := range list {
			if c.ID == "" || !c.Domain.Valid() || c.Age < 1 || c.Weight < 0 || c.Weight > 20 || len(c.Clauses) == 0 {
				t.Fatalf("accepted %+v", c)
			}
			for _, s := range c.Sources {
				if !s.Kind.Valid() {
					t.Fatalf("accepted the source %+v", s)
				}
			}
			c.ExampleFor("a", "b", "c")
		}
	})
}
