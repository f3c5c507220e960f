package database

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	modernc "modernc.org/sqlite"
)

// TestStatementsAreKept runs what would show a kept statement that is used wrongly, on one connection.
func TestStatementsAreKept(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	connector := sqliteConnector{&modernc.Driver{}, sqliteDSN(filepath.Join(t.TempDir(), "kept.db"), false)}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(1)
	t.Cleanup(func() { must(t, pool.Close()) })
	exec := func(query string, arguments ...any) {
		t.Helper()
		if _, err := pool.ExecContext(ctx, query, arguments...); err != nil {
			t.Fatal(query, err)
		}
	}
	exec("CREATE TABLE n (i INTEGER PRIMARY KEY, word TEXT); CREATE TABLE other (i INTEGER)")
	for i := range 3 {
		exec("INSERT INTO n VALUES (?, ?)", i, "a")
	}

	t.Run("the same again while its rows are open", func(t *testing.T) {
		tx, err := pool.BeginTx(ctx, nil)
		must(t, err)
		defer func() { must(t, tx.Rollback()) }()
		const query = "SELECT i FROM n WHERE i >= ? ORDER BY i"
		outer, err := tx.QueryContext(ctx, query, 0)
		must(t, err)
		var seen string
		for outer.Next() {
			var i int
			must(t, outer.Scan(&i))
			inner, err := tx.QueryContext(ctx, query, i)
			must(t, err)
			for inner.Next() {
				var j int
				must(t, inner.Scan(&j))
				seen += fmt.Sprint(i, j, " ")
			}
			must(t, inner.Err())
			must(t, inner.Close())
		}
		must(t, outer.Err())
		must(t, outer.Close())
		if want := "0 0 0 1 0 2 1 1 1 2 2 2 "; seen != want {
			t.Errorf("saw %q, want %q", seen, want)
		}
	})

	t.Run("after a failure, and with other values", func(t *testing.T) {
		for range 2 {
			if _, err := pool.ExecContext(ctx, "INSERT INTO n VALUES (?, ?)", 0, "b"); err == nil {
				t.Error("a second row has the same key")
			}
			var i int
			if err := pool.QueryRowContext(ctx, "INSERT INTO n VALUES (?, ?) RETURNING i", 0, "b").Scan(&i); err == nil {
				t.Error("a second row has the same key")
			}
		}
		exec("INSERT INTO n VALUES (?, ?)", 3, "c")
		var word string
		must(t, pool.QueryRowContext(ctx, "SELECT word FROM n WHERE i = ?", 3).Scan(&word))
		if word != "c" {
			t.Errorf("kept the values of before: %q", word)
		}
	})

	t.Run("after the table changed", func(t *testing.T) {
		columns := func() int {
			rows, err := pool.QueryContext(ctx, "SELECT * FROM other")
			must(t, err)
			defer func() { must(t, rows.Close()) }()
			names, err := rows.Columns()
			must(t, err)
			must(t, rows.Err())
			return len(names)
		}
		before := columns()
		exec("ALTER TABLE other ADD COLUMN more TEXT")
		if after := columns(); before != 1 || after != 2 {
			t.Errorf("%d columns, then %d", before, after)
		}
	})

	t.Run("no more than the limit", func(t *testing.T) {
		for i := range 3 * keepStatements {
			exec(fmt.Sprintf("UPDATE n SET word = ? WHERE i = %d", i), "d")
		}
		conn, err := pool.Conn(ctx)
		must(t, err)
		defer func() { must(t, conn.Close()) }()
		must(t, conn.Raw(func(raw any) error {
			kept, fits := raw.(*keepingConn)
			if !fits || len(kept.kept) != keepStatements || kept.order.Len() != keepStatements {
				t.Errorf("keeps %d of %d", len(kept.kept), keepStatements)
			}
			return nil
		}))
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
