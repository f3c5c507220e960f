package catalogue_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"muster/internal/control/catalogue"
)

// shipped is the list of controls as designed: id, age in days, weight.
const shipped = `
INV-1 180 5
IAM-1 35 10
IAM-2 35 6
IAM-3 35 8
IAM-4 35 7
IAM-5 35 5
IAM-6 95 7
IAM-7 365 3
IAM-8 1 6
IAM-9 95 6
IAM-10 180 5
IAM-11 95 7
IAM-12 95 4
IAM-13 95 5
TLS-1 35 8
TLS-2 35 6
TLS-3 35 5
TLS-4 8 8
TLS-5 35 3
TLS-6 35 6
DAT-1 95 8
DAT-2 95 6
DAT-3 35 7
DAT-4 180 6
DAT-5 365 4
DAT-6 95 4
DAT-7 365 3
DAT-8 35 6
PAT-1 30 5
PAT-2 7 10
PAT-3 7 8
PAT-4 35 5
PAT-5 35 4
PAT-6 31 6
PAT-7 35 4
LOG-1 8 6
LOG-2 35 5
LOG-3 8 5
LOG-4 95 5
LOG-5 180 3
API-1 35 6
API-2 35 6
API-3 35 5
API-4 8 3
API-5 95 5
API-6 95 5
API-7 35 4
NET-1 35 7
NET-2 1 7
NET-3 35 4
NET-4 1 8
NET-5 35 5
NET-6 95 5
RUN-1 35 6
RUN-2 35 3
RUN-3 35 2
RUN-4 180 4
RUN-5 35 4
RUN-6 180 3
RUN-7 95 3
DEV-1 35 8
DEV-2 30 4
DEV-3 95 4
DEV-4 365 4
DEV-5 35 4
DEV-6 90 5
GOV-1 1 6
GOV-2 1 5
GOV-3 1 5
GOV-4 1 6
GOV-5 1 5
GOV-6 1 5
GOV-7 1 4
GOV-8 1 4
GOV-9 1 4
GOV-10 1 6
GOV-11 35 2
GOV-12 365 3
GOV-13 365 3
`

func load(t *testing.T) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryControlIsThereOnceInOrderWithItsAgeAndWeight(t *testing.T) {
	t.Parallel()
	var have strings.Builder
	for _, c := range load(t).All() {
		fmt.Fprintf(&have, "%s %d %d\n", c.ID, c.Age, c.Weight)
	}
	want, got := strings.Split(strings.TrimSpace(shipped), "\n"), strings.Split(strings.TrimSpace(have.String()), "\n")
	for i := range max(len(want), len(got)) {
		w, g := "nothing", "nothing"
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			t.Fatalf("place %d: want %s, have %s", i+1, w, g)
		}
	}
}

func TestClausesHaveSources(t *testing.T) {
	t.Parallel()
	for _, c := range load(t).All() {
		proved := map[string]bool{}
		for _, clause := range c.Clauses {
			machines := 0
			for _, kind := range catalogue.SourceKinds() {
				if c.Machine(kind, clause.ID) && c.Proves(kind, clause.ID) {
					machines++
				}
			}
			if clause.PeopleOnly != (machines == 0) {
				t.Errorf("%s %s: people only is %t with %d machine sources", c.ID, clause.ID, clause.PeopleOnly, machines)
			}
			for _, s := range c.Sources {
				if s.Proves && (len(s.Clauses) == 0 || slices.Contains(s.Clauses, clause.ID)) {
					proved[clause.ID] = true
				}
			}
			if !proved[clause.ID] {
				t.Errorf("%s %s: no source can prove it", c.ID, clause.ID)
			}
			if !strings.ContainsRune(clause.Words, ' ') || strings.HasSuffix(clause.Words, ".") {
				t.Errorf("%s %s: %q is not a short sentence", c.ID, clause.ID, clause.Words)
			}
		}
	}
}

var leftover = regexp.MustCompile(`\{\{[a-z]+\}\}|\bshop\b`)

func isYAML(text string) bool {
	for from := yaml.NewDecoder(strings.NewReader(text)); ; {
		var document any
		if err := from.Decode(&document); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

func TestGuidanceIsComplete(t *testing.T) {
	t.Parallel()
	examples := 0
	for _, c := range load(t).All() {
		if !strings.HasSuffix(c.Statement, ".") || utf8.RuneCountInString(c.Title) > 40 || strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s: title %q or statement %q", c.ID, c.Title, c.Statement)
		}
		if len(c.Why) < 40 || len(c.Fix) < 2 || len(c.Checks) < 40 || len(c.Mappings) == 0 {
			t.Errorf("%s: guidance or mappings are missing", c.ID)
		}
		if (c.Example == "") != (c.ExampleIn == "") {
			t.Errorf("%s: example without language", c.ID)
		}
		if c.Example != "" {
			examples++
			text := c.ExampleFor("space", "load", "serve")
			if left := leftover.FindString(text); left != "" {
				t.Errorf("%s: the example speaks of %q", c.ID, left)
			}
			if c.ExampleIn == "yaml" && !isYAML(text) {
				t.Errorf("%s: the example is not YAML:\n%s", c.ID, text)
			}
		}
	}
	if examples < 30 {
		t.Errorf("only %d examples", examples)
	}
}
