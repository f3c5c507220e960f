package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"muster/internal/fault"
)

// Backup writes the whole embedded database to a new file while it is in use, and checks what it wrote.
func (d *DB) Backup(ctx context.Context, path string) error {
	if d.Engine != SQLite {
		return fault.New(fault.Invalid, "Back up PostgreSQL with pg_dump --format=custom; the README shows how.")
	}
	// Made here, so that nobody else can read it while it is written; VACUUM takes an empty file, and O_EXCL no older one.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fault.New(fault.Conflict, "%s exists already. Choose a new name, so that no older backup is lost.", path)
	}
	if err != nil {
		return fault.New(fault.Invalid, "The backup cannot be written: %v.", err)
	}
	defer file.Close()
	// VACUUM INTO reads one consistent state; copying the live file would not.
	if err := d.writer.WithContext(ctx).Exec("VACUUM INTO ?", path).Error; err != nil {
		return fmt.Errorf("write backup: %w", errors.Join(err, removeIfThere(path)))
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return checkFile(ctx, path)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Restore copies a backup to where a database will be, after checking it. An existing database is never overwritten.
func Restore(ctx context.Context, backup, path string) error {
	for _, there := range []string{path, path + "-wal", path + "-shm"} { // a log left behind would be played into the restored file
		if _, err := os.Lstat(there); err == nil {
			return fault.New(fault.Conflict, "There is a database at %s already. Restore into an empty data folder.", there)
		}
	}
	if err := checkFile(ctx, backup); err != nil {
		return fault.New(fault.Invalid, "%s is not a whole backup: %v.", backup, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	// A half-written database must never carry the final name.
	partial := path + ".restoring"
	if err := copyFile(backup, partial); err != nil {
		return fmt.Errorf("copy backup: %w", errors.Join(err, removeIfThere(partial)))
	}
	return os.Rename(partial, path)
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}

// checkFile opens a database file apart from any other handle and runs SQLite's own integrity check.
func checkFile(ctx context.Context, path string) error {
	pool, err := sql.Open("sqlite", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer pool.Close()
	var tables int
	if err := pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'activities'").Scan(&tables); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	if tables == 0 {
		return errors.New("it holds no Muster tables")
	}
	return integrity(ctx, pool)
}

func integrity(ctx context.Context, pool *sql.DB) error {
	var word string
	if err := pool.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&word); err != nil {
		return fmt.Errorf("check integrity: %w", err)
	}
	if word != "ok" {
		return fmt.Errorf("integrity check: %s", word)
	}
	return nil
}

// Integrity checks the pages, indexes and references of the database as far as the engine can.
func (d *DB) Integrity(ctx context.Context) error {
	pool, err := d.reader.DB()
	if err != nil {
		return fmt.Errorf("get pool: %w", err)
	}
	if d.Engine == Postgres {
		return d.constraintsPostgres(ctx, pool)
	}
	if err := integrity(ctx, pool); err != nil {
		return err
	}
	rows, err := pool.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return fmt.Errorf("check references: %w", err)
	}
	defer rows.Close()
	if rows.Next() {
		return errors.New("a row refers to another that does not exist")
	}
	return rows.Err()
}

// constraintsPostgres finds constraints and indexes that the server itself no longer trusts; its pages have checksums of its own.
func (d *DB) constraintsPostgres(ctx context.Context, pool *sql.DB) error {
	const question = `SELECT COUNT(*) FROM pg_index WHERE NOT indisvalid OR NOT indisready`
	const references = `SELECT COUNT(*) FROM pg_constraint WHERE NOT convalidated AND connamespace = current_schema()::regnamespace`
	for _, q := range []string{question, references} {
		var n int
		if err := pool.QueryRowContext(ctx, q).Scan(&n); err != nil {
			return fmt.Errorf("check integrity: %w", err)
		}
		if n > 0 {
			return fmt.Errorf("%d indexes or constraints are not valid", n)
		}
	}
	return nil
}
