package databasetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"gorm.io/gorm"

	"muster/internal/database"
)

// Pool is a plain handle for reading, past GORM and past every workspace.
func Pool(t testing.TB, db *database.DB) *sql.DB {
	t.Helper()
	pool, err := db.Conn(t.Context()).DB()
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// Statement is one SQL statement as it ran.
type Statement struct {
	SQL  string
	Vars []any
}

// Watch calls f after each statement that GORM runs on the database, inside transactions and outside.
func Watch(t testing.TB, db *database.DB, f func(ctx context.Context, s Statement)) {
	t.Helper()
	seen := func(tx *gorm.DB) {
		if tx.Statement.SQL.Len() > 0 && !tx.DryRun {
			f(tx.Statement.Context, Statement{SQL: tx.Statement.SQL.String(), Vars: append([]any(nil), tx.Statement.Vars...)})
		}
	}
	hook := func(conn *gorm.DB) error {
		c := conn.Callback()
		if c.Query().Get("test:watch") != nil {
			return nil // PostgreSQL has one handle for both
		}
		return errors.Join(
			c.Query().After("gorm:query").Register("test:watch", seen), c.Row().After("gorm:row").Register("test:watch", seen), c.Raw().After("gorm:raw").Register("test:watch", seen),
			c.Create().After("gorm:create").Register("test:watch", seen), c.Update().After("gorm:update").Register("test:watch", seen), c.Delete().After("gorm:delete").Register("test:watch", seen),
		)
	}
	err := errors.Join(hook(db.Conn(t.Context())), db.InTx(t.Context(), func(ctx context.Context) error { return hook(db.Conn(ctx)) }))
	if err != nil {
		t.Fatal(err)
	}
}

// Contains names the first table and column that holds a text, in any row of any workspace; "" where none does.
func Contains(t testing.TB, db *database.DB, text string) string {
	t.Helper()
	pool := Pool(t, db)
	query, like := `SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.sql NOT LIKE '%VIRTUAL%' AND m.name NOT LIKE 'sqlite_%'`, `SELECT COUNT(*) FROM "%s" WHERE CAST("%s" AS TEXT) LIKE '%%' || ? || '%%'`
	if db.Engine == database.Postgres {
		query, like = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()`, `SELECT COUNT(*) FROM "%s" WHERE CAST("%s" AS TEXT) LIKE '%%' || $1 || '%%'`
	}
	rows, err := pool.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	var places [][2]string
	for rows.Next() {
		var p [2]string
		if err := rows.Scan(&p[0], &p[1]); err != nil {
			t.Fatal(err)
		}
		places = append(places, p)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	for _, p := range places {
		var n int
		if err := pool.QueryRowContext(t.Context(), fmt.Sprintf(like, p[0], p[1]), text).Scan(&n); err != nil {
			t.Fatal(p, err)
		}
		if n > 0 {
			return p[0] + "." + p[1]
		}
	}
	return ""
}
