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

// LockChain makes writers of one activity chain wait for each other until the transaction ends.
// SQLite has one writer anyway.
func (d *DB) LockChain(ctx context.Context, chain int64) error {
	if d.Engine != Postgres {
		return nil
	}
	const class = 7305                                                                                        // any number, the same in every replica
	if err := d.Conn(ctx).Exec("SELECT pg_advisory_xact_lock(?, ?)", class, int32(chain)).Error; err != nil { //nolint:gosec // a clash only makes two chains wait
		return fmt.Errorf("lock activity chain: %w", err)
	}
	return nil
}
