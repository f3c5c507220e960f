package catalogue_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/control/catalogue"
)

var update = flag.Bool("update", false, "write docs/controls.md from the catalogue")

const pageHead = "# Controls\n\nWritten from the catalogue by `go test ./internal/control/catalogue -run ControlsPage -update`; version %d, %d controls, %d clauses.\n\n" +
	"A control holds when every clause does. Sources with + can prove and refute a clause, those with − can only refute it; the register counts as a person's word " +
	"where it says so, and a person may always speak. Age is the number of days for which a pass holds, weight is its share of the score. " +
	"A control applies to a subject unless its rule is known to be false there.\n"

// page is docs/controls.md.
func page(c *catalogue.Catalogue) string {
	var b strings.Builder
	clauses := 0
	for _, control := range c.All() {
		clauses += len(control.Clauses)
	}
	fmt.Fprintf(&b, pageHead, c.Version, len(c.All()), clauses)
	for _, d := range c.Domains() {
		fmt.Fprintf(&b, "\n## %s\n\n| id | statement | clauses | sources | applies | age | weight | mappings |\n|---|---|---|---|---|---|---|---|\n", d.Name)
		for _, control := range c.In(d.ID) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d | %d | %d |\n", control.ID, cell(control.Statement), cell(clauseWords(control)), cell(sourceWords(control)),
				"`"+cell(control.Applies)+"`", control.Age, control.Weight, len(control.Mappings))
		}
	}
	b.WriteString("\n## Frameworks\n\nWhere the text of a standard is not open, only the numbers that controls refer to are listed.\n\n| id | name | version | publisher | requirements | referred to |\n|---|---|---|---|---|---|\n")
	for _, f := range c.Frameworks() {
		used := map[string]bool{}
		for _, control := range c.All() {
			for _, m := range control.Mappings {
				if m.Framework == f.ID {
					used[m.Requirement] = true
				}
			}
		}
		fmt.Fprintf(&b, "| %s | [%s](%s) | %s | %s | %d | %d |\n", f.ID, cell(f.Name), f.Address, cell(f.Version), cell(f.Publisher), len(f.Requirements), len(used))
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func clauseWords(c *catalogue.Control) string {
	words := make([]string, len(c.Clauses))
	for i, clause := range c.Clauses {
		words[i] = "`" + clause.ID + "` " + clause.Words
	}
	return strings.Join(words, "; ")
}

func sourceWords(c *catalogue.Control) string {
	words := make([]string, len(c.Sources))
	for i, s := range c.Sources {
		sign := " −"
		if s.Proves {
			sign = " +"
		}
		words[i] = strings.ReplaceAll(string(s.Kind), "_", " ") + sign
		if s.Human {
			words[i] += " (typed in)"
		}
		if len(s.Clauses) > 0 {
			words[i] += " for `" + strings.Join(s.Clauses, "`, `") + "`"
		}
	}
	return strings.Join(words, "; ")
}

func TestControlsPageIsTheCatalogue(t *testing.T) {
	t.Parallel()
	want := page(load(t))
	path := filepath.Join("..", "..", "..", "docs", "controls.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != want {
		t.Errorf("docs/controls.md is not what the catalogue says (%v); run make generate", err)
	}
}
