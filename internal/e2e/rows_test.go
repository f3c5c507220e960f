package e2e

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"testing"

	"muster/internal/database"
	"muster/internal/database/databasetest"
)

// notData are tables that change with every request or sign-in, whatever is answered: when a session was seen, how often
// somebody failed, and what goose knows.
var notData = map[string]bool{"sessions": true, "throttles": true, "goose_db_version": true, "sqlite_sequence": true}

// rows is a fingerprint of every table: name, count and a hash of all values of all rows. Two equal ones mean that nothing was stored.
func (s *site) rows(t testing.TB) string {
	t.Helper()
	pool := databasetest.Pool(t, s.DB)
	list := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if s.DB.Engine == database.Postgres {
		list = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	var lines []string
	for _, name := range column(t, pool, list) {
		if notData[name] {
			continue
		}
		whole := column(t, pool, `SELECT `+wholeRow(t, pool, s.DB.Engine, name)+` FROM `+name)
		sort.Strings(whole)
		sum := sha256.Sum256([]byte(strings.Join(whole, "\n")))
		lines = append(lines, fmt.Sprintf("%s %d %s", name, len(whole), hex.EncodeToString(sum[:8])))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// wholeRow is an expression that holds every value of a row.
func wholeRow(t testing.TB, pool *sql.DB, engine database.Engine, table string) string {
	t.Helper()
	if engine == database.Postgres {
		return table + "::text"
	}
	columns := column(t, pool, `SELECT 'quote("' || name || '")' FROM pragma_table_info('`+table+`')`)
	return strings.Join(columns, " || '|' || ")
}

func column(t testing.TB, pool *sql.DB, query string) []string {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// difference lists the tables that two fingerprints disagree about.
func difference(before, after string) string {
	was := map[string]bool{}
	for _, line := range strings.Split(before, "\n") {
		was[line] = true
	}
	var changed []string
	for _, line := range strings.Split(after, "\n") {
		if !was[line] {
			changed = append(changed, line)
		}
	}
	return strings.Join(changed, "\n")
}
