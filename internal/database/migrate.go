package database

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"muster/migrations"
)

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string
	AppliedAt time.Time // zero when it is still to come
}

func (d *DB) provider() (*goose.Provider, error) {
	dialect := goose.DialectSQLite3
	if d.Engine == Postgres {
		dialect = goose.DialectPostgres
	}
	files, err := fs.Sub(migrations.Files, string(d.Engine))
	if err != nil {
		return nil, fmt.Errorf("open migrations: %w", err)
	}
	pool, err := d.writer.DB()
	if err != nil {
		return nil, fmt.Errorf("get pool: %w", err)
	}
	return goose.NewProvider(dialect, pool, files)
}

// Migrate brings the schema to the newest version. Several replicas may start at once.
func (d *DB) Migrate(ctx context.Context) error {
	unlock, err := d.lockMigrations(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	p, err := d.provider()
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	known, current, err := versions(ctx, p)
	if err != nil {
		return err
	}
	if current > known {
		return fmt.Errorf("the database has schema version %d and this program knows only %d: use a newer program", current, known)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func versions(ctx context.Context, p *goose.Provider) (known, current int64, err error) {
	sources := p.ListSources()
	known = sources[len(sources)-1].Version
	current, err = p.GetDBVersion(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read schema version: %w", err)
	}
	return known, current, nil
}

// lockMigrations lets one replica migrate at a time. SQLite has one writer anyway.
func (d *DB) lockMigrations(ctx context.Context) (func(), error) {
	if d.Engine != Postgres {
		return func() {}, nil
	}
	pool, err := d.writer.DB()
	if err != nil {
		return nil, fmt.Errorf("get pool: %w", err)
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach database: %w", err)
	}
	const key = 7_305_011 // any number, the same in every replica
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
		return nil, fmt.Errorf("lock migrations: %w", err)
	}
	return func() {
		// Closing the connection would release the lock as well; an error here changes nothing.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key)
		_ = conn.Close()
	}, nil
}

// Migrations lists every step and when it was applied.
func (d *DB) Migrations(ctx context.Context) ([]Migration, error) {
	p, err := d.provider()
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read schema version: %w", err)
	}
	list := make([]Migration, 0, len(status))
	for _, s := range status {
		list = append(list, Migration{Version: s.Source.Version, Name: s.Source.Path, AppliedAt: s.AppliedAt})
	}
	return list, nil
}

// Migrated reports whether the schema is the newest, for the readiness check.
func (d *DB) Migrated(ctx context.Context) (bool, error) {
	p, err := d.provider()
	if err != nil {
		return false, fmt.Errorf("read migrations: %w", err)
	}
	known, current, err := versions(ctx, p)
	return err == nil && known == current, err
}
