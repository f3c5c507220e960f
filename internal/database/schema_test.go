package database_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/database"
	"muster/internal/database/databasetest"
)

var update = flag.Bool("update", false, "write docs/data.md from the schema")

// columns reads the real schema: table, then column with its kind of value. The words of findings are a table of SQLite
// and an index of PostgreSQL.
func columns(t *testing.T, db *database.DB) map[string][]string {
	t.Helper()
	query := `SELECT m.name, p.name, UPPER(p.type), p."notnull" = 0 AND p.pk = 0 FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'finding_words%' ORDER BY m.name, p.cid`
	if db.Engine == database.Postgres {
		query = `SELECT table_name, column_name, UPPER(data_type), is_nullable = 'YES' FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position`
	}
	rows, err := db.Conn(database.Across(t.Context(), "test")).Raw(query).Rows()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := map[string][]string{}
	for rows.Next() {
		var table, column, kind string
		var null bool
		if err := rows.Scan(&table, &column, &kind, &null); err != nil {
			t.Fatal(err)
		}
		word := kindOf(kind)
		if null {
			word += " or null"
		}
		if !strings.HasPrefix(table, "goose") {
			tables[table] = append(tables[table], column+" "+word)
		}
	}
	return tables
}

// kindOf is what the two engines' types have in common.
func kindOf(declared string) string {
	switch {
	case strings.Contains(declared, "INT"):
		return "number"
	case strings.Contains(declared, "BOOL"):
		return "yes or no"
	case strings.Contains(declared, "TIME"):
		return "time"
	case declared == "REAL" || declared == "DOUBLE PRECISION":
		return "fraction"
	case declared == "BLOB" || declared == "BYTEA":
		return "bytes"
	case declared == "TEXT":
		return "text"
	}
	return declared
}

func TestBothSchemasSayTheSame(t *testing.T) {
	t.Parallel()
	clock := databasetest.NewClock()
	lite, postgres := columns(t, databasetest.SQLite(t, clock)), columns(t, databasetest.Postgres(t, clock))
	if len(lite) < 20 {
		t.Fatalf("only %d tables were read", len(lite))
	}
	for _, table := range slices.Sorted(maps.Keys(lite)) {
		if !slices.Equal(lite[table], postgres[table]) {
			t.Errorf("%s differs:\nSQLite     %v\nPostgreSQL %v", table, lite[table], postgres[table])
		}
	}
	if len(lite) != len(postgres) {
		t.Errorf("SQLite has %d tables, PostgreSQL %d", len(lite), len(postgres))
	}
}

// notes say what columns alone do not.
var notes = map[string]string{"finding_debt": `How findings move, counted in the transaction that changes one; service_id -1 is the whole workspace. A finding waits while it is open,
confirmed, in progress or wants a second look. Days and weeks are those of UTC; a week is named by its Monday.

- **opened**, by week: findings that were met for the first time, in the week of opened_at.
- **closed**, by week: findings that stopped to wait, for whatever reason: fixed, closed, accepted, judged to be none, repeated.
- **reopened**, by week: findings that wait again, because they were seen again, an exception ended, or somebody decided so.
- **fixed**, by week and days: of the closed ones those that became fixed, or closed at once, with the whole days since they were opened or last came back.
- **open**, by day: what waits now, with the day on which it was opened or last came back. Its age is the whole days since.

Always opened + reopened - closed = open, for each service and for the whole. An undone import takes its numbers back from the week in which they were
counted; a finding that goes to another service takes its opened, closed and fixed with it. A median of an even number is the lower of
the two in the middle. What was there before version 10 of the schema counts as opened and closed once, with no time to fix.`}

func TestDataPageIsTheSchema(t *testing.T) {
	t.Parallel()
	tables := columns(t, databasetest.SQLite(t, databasetest.NewClock()))
	var b strings.Builder
	b.WriteString("# What is stored\n\nWritten from the real schema by `go test ./internal/database -run DataPage -update`; SQLite and PostgreSQL say the same.\nTimes are UTC in microseconds. Rows with `workspace_id` belong to one workspace and are never read without it.\n")
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		fmt.Fprintf(&b, "\n## %s\n\n| column | value |\n|---|---|\n", table)
		for _, c := range tables[table] {
			name, kind, _ := strings.Cut(c, " ")
			fmt.Fprintf(&b, "| %s | %s |\n", name, kind)
		}
		if note := notes[table]; note != "" {
			b.WriteString("\n" + note + "\n")
		}
	}
	path := filepath.Join("..", "..", "docs", "data.md")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != b.String() {
		t.Errorf("docs/data.md is not what the schema says (%v); run make generate", err)
	}
}
