package database

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Query asks about the rows of one table. Each step gives a new one, so a query can be kept and used again. It says what
// gorm.G says and no more: that brings 130 kB of program for each table.
type Query[T any] struct{ db *gorm.DB }

// Of begins a query; clauses are such as a lock on the rows.
func Of[T any](db *gorm.DB, clauses ...clause.Expression) Query[T] {
	return Query[T]{fresh(db.Clauses(clauses...))}
}

// fresh makes a handle whose next step does not change it.
func fresh(db *gorm.DB) *gorm.DB { return db.Session(&gorm.Session{}) }

// Where adds a condition; all of them must hold.
func (q Query[T]) Where(condition any, arguments ...any) Query[T] {
	return Query[T]{fresh(q.db.Where(condition, arguments...))}
}

// Select limits the columns.
func (q Query[T]) Select(columns string, more ...any) Query[T] {
	return Query[T]{fresh(q.db.Select(columns, more...))}
}

// Order sorts; never by the words of a person.
func (q Query[T]) Order(by string) Query[T] { return Query[T]{fresh(q.db.Order(by))} }

// Limit is the most rows to give.
func (q Query[T]) Limit(n int) Query[T] { return Query[T]{fresh(q.db.Limit(n))} }

// Offset is how many rows to leave out.
func (q Query[T]) Offset(n int) Query[T] { return Query[T]{fresh(q.db.Offset(n))} }

// Take gives one row, or gorm.ErrRecordNotFound.
func (q Query[T]) Take(ctx context.Context) (T, error) {
	var row T
	err := q.db.WithContext(ctx).Take(&row).Error
	return row, err
}

// Find gives the rows.
func (q Query[T]) Find(ctx context.Context) ([]T, error) {
	var rows []T
	err := q.db.WithContext(ctx).Find(&rows).Error
	return rows, err
}

// Count counts the rows.
func (q Query[T]) Count(ctx context.Context, column string) (int64, error) {
	var n int64
	err := q.db.WithContext(ctx).Model(new(T)).Select("COUNT(" + column + ")").Scan(&n).Error
	return n, err
}

// IDs gives the ids of the rows, without reading the rows.
func (q Query[T]) IDs(ctx context.Context) ([]int64, error) {
	var ids []int64
	err := q.db.WithContext(ctx).Model(new(T)).Pluck("id", &ids).Error
	return ids, err
}

// Delete deletes the rows and says how many there were.
func (q Query[T]) Delete(ctx context.Context) (int, error) {
	r := q.db.WithContext(ctx).Delete(new(T))
	return int(r.RowsAffected), r.Error
}

// Update sets one column of the rows.
func (q Query[T]) Update(ctx context.Context, column string, value any) (int, error) {
	r := q.db.WithContext(ctx).Model(new(T)).Update(column, value)
	return int(r.RowsAffected), r.Error
}

// Updates sets the selected columns of the rows.
func (q Query[T]) Updates(ctx context.Context, row T) (int, error) {
	r := q.db.WithContext(ctx).Model(new(T)).Updates(row)
	return int(r.RowsAffected), r.Error
}

// Create adds a row.
func (q Query[T]) Create(ctx context.Context, row *T) error {
	return q.db.WithContext(ctx).Create(row).Error
}

// CreateInBatches adds rows, some with each statement.
func (q Query[T]) CreateInBatches(ctx context.Context, rows *[]T, batch int) error {
	return q.db.WithContext(ctx).CreateInBatches(rows, batch).Error
}
