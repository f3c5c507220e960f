package database

import (
	"context"
	"fmt"
	"strings"
)

// Like makes a LIKE pattern, in lower case, that finds the text anywhere. Use it with ESCAPE '\'.
func Like(text string) string {
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(strings.TrimSpace(text)))
	return "%" + escaped + "%"
}

// Clamp keeps a limit between 1 and most; 0 or less gives usual. GORM reads Limit(-1) as no limit at all.
func Clamp(limit, usual, most int) int {
	if limit <= 0 {
		return usual
	}
	return min(limit, most)
}

// The classes of locks: any numbers, the same in every replica.
const (
	chainLocks  = 7305
	importLocks = 7306
)

// LockChain makes writers of one activity chain wait for each other until the transaction ends.
// SQLite has one writer anyway.
func (d *DB) LockChain(ctx context.Context, chain int64) error {
	return d.wait(ctx, chainLocks, chain, "activity chain")
}

// LockImports makes the imports of the workspace of the context wait for each other until the transaction ends.
func (d *DB) LockImports(ctx context.Context) error {
	return d.wait(ctx, importLocks, Workspace(ctx), "imports")
}

func (d *DB) wait(ctx context.Context, class int, id int64, what string) error {
	if d.Engine != Postgres {
		return nil
	}
	if err := d.Conn(ctx).Exec("SELECT pg_advisory_xact_lock(?, ?)", class, int32(id)).Error; err != nil { //nolint:gosec // a clash only makes two of them wait
		return fmt.Errorf("lock %s: %w", what, err)
	}
	return nil
}
