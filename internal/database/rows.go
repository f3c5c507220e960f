package database

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// Take reads one row; a missing one is not an error. what names the thing in errors.
func Take[T any](ctx context.Context, what string, q Query[T]) (T, bool, error) {
	row, err := q.Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, false, nil
	}
	if err != nil {
		return row, false, fmt.Errorf("load %s: %w", what, err)
	}
	return row, true, nil
}

// List reads rows. what names the things in errors.
func List[T any](ctx context.Context, what string, q Query[T]) ([]T, error) {
	rows, err := q.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	return rows, nil
}

// Insert adds one row and gives it its id.
func Insert[T any](ctx context.Context, d *DB, what string, row *T) error {
	if err := d.Conn(ctx).Create(row).Error; err != nil {
		return fmt.Errorf("add %s: %w", what, err)
	}
	return nil
}

// batch is how many rows one statement inserts: both engines limit the parameters of a statement.
const batch = 500

// InsertAll adds many rows.
func InsertAll[T any](ctx context.Context, d *DB, what string, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	if err := d.Conn(ctx).CreateInBatches(&rows, batch).Error; err != nil {
		return fmt.Errorf("add %s: %w", what, err)
	}
	return nil
}

// Chunks calls f with at most as many ids at a time as one statement may hold.
func Chunks(ids []int64, f func([]int64) error) error {
	for len(ids) > 0 {
		n := min(len(ids), batch)
		if err := f(ids[:n]); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}
