package imports_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/imports"
)

// page writes docs/imports.md from what the importers say of themselves.
func page() string {
	var b strings.Builder
	b.WriteString(`<!-- Written by internal/imports from its importers; change those and run: make generate -->

# What Muster reads

Muster recognises a file by its content. ` + "`muster inspect FILE`" + ` shows what it makes of one, and ` + "`--format`" + ` with a name of
the table says what a file is where the content does not: an empty list, or no line at all.

Besides the reports below it reads ` + "`kubernetes`, `compose` and `openapi`" + ` files.

| --format | what | versions |
| --- | --- | --- |
`)
	for _, f := range imports.Reports() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s, a %s | %s |\n", f.ID, f.ID, f.Name, f.Kind, f.Versions)
	}
	b.WriteString(`
## For all of them

- **Severity** is critical, high, medium, low or info. The tool's word counts (moderate is medium, important high; negligible, none and
  unknown are info); without one the CVSS score does (9 critical, 7 high, 4 medium, above 0 low); without both a default.
  ` + "`severity_source`" + ` is ` + "`tool`, `cvss`" + `, or ` + "`default: `" + ` with the reason. The tool's own word is kept beside it.
- **Status**: what a report itself calls suppressed, fixed, false positive, not affected or accepted is kept with that status and its reason.
- **Rows that say the same** are one finding, whose ` + "`occurrences`" + ` count them. Where one is open and another closed, it is open.
- **Secrets** are never kept: their SHA-256 and a mask are.
- **A row that cannot be read** is left out and named under ` + "`problems`" + `. A file of which no row can be read, that is cut off, or that is of
  another format than it was said to be, is refused: nothing turns into "no findings". Where JSON lines break off in the middle, or a tool says
  that its scan failed, the input is marked ` + "`partial`" + `.
- **The fingerprint** names a weakness within a service. It stays the same when lines move, versions rise and texts are reworded: a
  dependency by vulnerability and package, so that tools agree; code by rule, file and the tool's own mark or the line's text; a secret by rule,
  file and hash; an address by rule and place; a configuration by rule and resource.
`)
	for _, f := range imports.Reports() {
		fmt.Fprintf(&b, "\n## %s\n\n%s: %s. A file is %s.", f.ID, f.Name, f.Versions, f.Shape)
		if f.Null {
			b.WriteString(" A bare `null` is a report that found nothing.")
		}
		b.WriteString("\n\n| in the report | becomes |\n| --- | --- |\n")
		for _, row := range f.Becomes {
			fmt.Fprintf(&b, "| %s | %s |\n", strings.ReplaceAll(row.From, "|", `\|`), strings.ReplaceAll(row.To, "|", `\|`))
		}
		if f.Notes != "" {
			fmt.Fprintf(&b, "\n%s\n", f.Notes)
		}
	}
	return b.String()
}

func TestImportsPageIsTheImporters(t *testing.T) {
	t.Parallel()
	name := filepath.Join("..", "..", "docs", "imports.md")
	if *update {
		if err := os.WriteFile(name, []byte(page()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil || string(have) != page() {
		t.Errorf("docs/imports.md is stale: run make generate (%v)", err)
	}
}
