// Package database opens SQLite or PostgreSQL, migrates it, and keeps every query inside one transaction and one workspace.
package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Engine is the kind of database.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// DB is an open database. On SQLite one handle writes and a pool reads.
type DB struct {
	Engine Engine
	Path   string // the SQLite file
	writer *gorm.DB
	reader *gorm.DB
	now    func() time.Time
	lock   io.Closer // held by a server on the embedded database
}

// Options say which database to open. URL wins over Path.
type Options struct {
	URL  string // postgres://…
	Path string // the SQLite file
	Now  func() time.Time
}

// Open opens the database and checks that it answers. It does not migrate.
func Open(ctx context.Context, o Options) (*DB, error) {
	d := &DB{now: o.Now}
	if d.now == nil {
		d.now = time.Now
	}
	var err error
	switch {
	case o.URL == "":
		d.Engine, d.Path = SQLite, o.Path
		err = d.openSQLite()
	case strings.HasPrefix(o.URL, "postgres://"), strings.HasPrefix(o.URL, "postgresql://"):
		d.Engine = Postgres
		err = d.openPostgres(o.URL)
	default:
		err = errors.New("the database address must begin with postgres://; for SQLite give a data folder instead")
	}
	if err != nil {
		return nil, err
	}
	if err := d.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach database: %w", err), d.Close())
	}
	return d, nil
}

func (d *DB) openSQLite() error {
	if err := os.MkdirAll(filepath.Dir(d.Path), 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	var err error
	if d.writer, err = d.gormSQLite(sqliteDSN(d.Path, false), 1); err != nil {
		return fmt.Errorf("open %s: %w", d.Path, err)
	}
	if d.reader, err = d.gormSQLite(sqliteDSN(d.Path, true), 8); err != nil {
		return fmt.Errorf("open %s for reading: %w", d.Path, err)
	}
	return nil
}

func (d *DB) openPostgres(url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return errors.New("the PostgreSQL address cannot be read; it looks like postgres://user:password@host:5432/name")
	}
	config.RuntimeParams["timezone"] = "UTC"
	config.ConnectTimeout = 5 * time.Second
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(plain))
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(8)
	pool.SetConnMaxLifetime(30 * time.Minute)
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), d.gormConfig())
	if err != nil {
		return fmt.Errorf("open PostgreSQL: %w", err)
	}
	d.writer, d.reader = db, db
	return registerScope(db)
}

// plain tells a new connection not to compile what it runs: that takes longer than any question that is asked here.
func plain(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "SET jit = off"); err != nil {
		return fmt.Errorf("set up connection: %w", err)
	}
	return nil
}

func (d *DB) gormConfig() *gorm.Config {
	return &gorm.Config{
		TranslateError:         true,
		SkipDefaultTransaction: true,
		NowFunc:                func() time.Time { return d.clock() },
		Logger:                 logger.Discard, // errors are returned, and logged once where the request ends
	}
}

func (d *DB) clock() time.Time { return d.now().UTC().Truncate(time.Microsecond) }

type txKey struct{}

type transaction struct {
	db  *gorm.DB
	now time.Time
}

// InTx runs f in one transaction; a nested call joins it. Everything done with f's context sees one time.
func (d *DB) InTx(ctx context.Context, f func(ctx context.Context) error) error {
	if _, joined := ctx.Value(txKey{}).(transaction); joined {
		return f(ctx)
	}
	return d.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return f(context.WithValue(ctx, txKey{}, transaction{db: tx, now: d.clock()}))
	})
}

// Conn is the transaction of the context, or a handle for reading.
func (d *DB) Conn(ctx context.Context) *gorm.DB {
	if tx, ok := ctx.Value(txKey{}).(transaction); ok {
		return tx.db.WithContext(ctx)
	}
	return d.reader.WithContext(ctx)
}

// Now is the one time of the transaction, or the time now; UTC in microseconds.
func (d *DB) Now(ctx context.Context) time.Time {
	if tx, ok := ctx.Value(txKey{}).(transaction); ok {
		return tx.now
	}
	return d.clock()
}

// Ping checks that the database answers.
func (d *DB) Ping(ctx context.Context) error {
	pool, err := d.reader.DB()
	if err != nil {
		return fmt.Errorf("get pool: %w", err)
	}
	return pool.PingContext(ctx)
}

// Close closes every handle.
func (d *DB) Close() error {
	var failed error
	if d.lock != nil {
		failed = d.lock.Close()
	}
	for _, db := range []*gorm.DB{d.writer, d.reader} {
		if db == nil {
			continue
		}
		pool, err := db.DB()
		if err == nil {
			err = pool.Close()
		}
		failed = errors.Join(failed, err)
	}
	return failed
}
