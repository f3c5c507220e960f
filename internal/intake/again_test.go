package intake_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
)

// Every fixture of every format is imported twice, the second time as another file with the same words.
func TestEveryReportTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "imports", "testdata", "reports", "*", "*"))
	if err != nil || len(files) < 50 {
		t.Fatal(len(files), err)
	}
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		read := 0
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			source := strings.NewReplacer("/", " ", "..", "").Replace(path)
			for round, end := range []string{"", "\n"} {
				found, err := imports.Inspect([]model.File{{Path: filepath.Base(path), Data: append(data, end...)}}, imports.Options{})
				if err != nil || len(found.Findings) == 0 {
					break // expected results, and files that are broken on purpose
				}
				id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, SourceName: source, Inspection: found})
				if err != nil {
					t.Fatal(path, err)
				}
				p, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{AcceptBig: true})
				if err != nil {
					t.Fatal(path, err)
				}
				if round == 1 && p.Findings != nil && p.Findings.Counts.Any() {
					t.Errorf("%s: again %+v", path, p.Findings.Counts)
				}
				read++
			}
		}
		if read < 40 {
			t.Errorf("only %d reports were read", read)
		}
		if wrong, err := d.finds.Recount(d.ctx); err != nil || len(wrong) > 0 {
			t.Error(wrong, err)
		}
	})
}
