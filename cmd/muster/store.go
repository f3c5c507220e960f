package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"muster/internal/config"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/house"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply what is missing."`
	Status migrateStatusCmd `cmd:"" help:"List the steps and when they were applied."`
}

type migrateUpCmd struct{ config.Store }

// Run applies every missing migration.
func (c migrateUpCmd) Run(ctx context.Context, o output) error {
	h, err := house.Open(ctx, c.Store)
	if err != nil {
		return err
	}
	defer h.Close()
	return printMigrations(ctx, h.DB, o)
}

type migrateStatusCmd struct{ config.Store }

// Run lists the migrations.
func (c migrateStatusCmd) Run(ctx context.Context, o output) error {
	db, err := openPlain(ctx, c.Store)
	if err != nil {
		return err
	}
	defer db.Close()
	return printMigrations(ctx, db, o)
}

func printMigrations(ctx context.Context, db *database.DB, o output) error {
	list, err := db.Migrations(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, m := range list {
		state := "to come"
		if !m.AppliedAt.IsZero() {
			state = "applied " + m.AppliedAt.UTC().Format("2006-01-02 15:04 UTC")
		}
		fmt.Fprintf(w, "%d\t%s\t%s\n", m.Version, m.Name, state)
	}
	return w.Flush()
}

// openPlain opens the database as it is, without migrating it.
func openPlain(ctx context.Context, s config.Store) (*database.DB, error) {
	if s.Database.Empty() {
		if _, err := os.Stat(s.SQLitePath()); err != nil {
			return nil, fault.New(fault.Unavailable, "There is no database at %s. Give --data or --database.", s.SQLitePath())
		}
	}
	db, err := database.Open(ctx, database.Options{URL: s.Database.Reveal(), Path: s.SQLitePath()})
	if err != nil {
		return nil, fault.New(fault.Unavailable, "The database cannot be opened: %v.", err)
	}
	return db, nil
}

type backupCmd struct {
	config.Store
	File string `arg:"" help:"Where to write the backup; must not exist." type:"path"`
}

// Run writes the backup and checks it.
func (c backupCmd) Run(ctx context.Context, o output) error {
	db, err := openPlain(ctx, c.Store)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Backup(ctx, c.File); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "Wrote %s and checked it. Keep the key file %s beside it, in another place: without it sealed secrets cannot be read.\n", c.File, c.KeyPath())
	return nil
}

type restoreCmd struct {
	config.Store
	File string `arg:"" help:"The backup." type:"existingfile"`
}

// Run restores into an empty place.
func (c restoreCmd) Run(ctx context.Context, o output) error {
	if !c.Database.Empty() {
		return fault.New(fault.Invalid, "A backup file is restored into the embedded database; for PostgreSQL use pg_restore, as the README shows.")
	}
	if err := database.Restore(ctx, c.File, c.SQLitePath()); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "Restored %s into %s. Put the key file back at %s.\n", c.File, filepath.Clean(c.SQLitePath()), c.KeyPath())
	return nil
}

type verifyCmd struct{ config.Store }

// Run checks the database and the chain of the activity log.
func (c verifyCmd) Run(ctx context.Context, o output) error {
	db, err := openPlain(ctx, c.Store)
	if err != nil {
		return err
	}
	defer db.Close()
	result, err := house.Verify(ctx, db)
	if err != nil {
		return err
	}
	for _, problem := range result.Problems {
		fmt.Fprintln(o.err, "muster:", problem)
	}
	if len(result.Problems) > 0 {
		return errNo
	}
	fmt.Fprintf(o.out, "The database is whole, its schema is version %d, and all %d entries of the activity log are as they were written.\n", result.Version, result.Activities)
	return nil
}
