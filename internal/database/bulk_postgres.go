package database

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm/schema"
)

// arrayBatch is how many rows one statement of arrays writes.
const arrayBatch = 1000

// insertArrays adds rows by statements that take one array for each column: PostgreSQL reads a statement of a few dozen
// parameters once, where one with a parameter for each value of each row has to be read and planned every time.
func insertArrays(ctx context.Context, d *DB, s *schema.Schema, columns []*schema.Field, rows reflect.Value, workspace int64) error {
	var names, arrays []string
	for i, f := range columns {
		names = append(names, `"`+f.DBName+`"`)
		arrays = append(arrays, "unnest($"+strconv.Itoa(i+1)+"::"+arrayType(f)+")")
	}
	text := `INSERT INTO "` + s.Table + `" (` + strings.Join(names, ", ") + ") SELECT " + strings.Join(arrays, ", ")
	for start := 0; start < rows.Len(); start += arrayBatch {
		values, err := bulkArrays(ctx, s, columns, rows.Slice(start, min(start+arrayBatch, rows.Len())), workspace)
		if err != nil {
			return err
		}
		if _, err := d.Conn(ctx).Statement.ConnPool.ExecContext(ctx, text, values...); err != nil {
			return fmt.Errorf("add to %s: %w", s.Table, err)
		}
	}
	return nil
}

// bulkArrays turns rows into one list of values for each column.
func bulkArrays(ctx context.Context, s *schema.Schema, columns []*schema.Field, rows reflect.Value, workspace int64) ([]any, error) {
	lists := make([][]any, len(columns))
	for c := range lists {
		lists[c] = make([]any, rows.Len())
	}
	values := make([]any, 0, len(columns))
	for r := range rows.Len() {
		var err error
		if values, err = bulkValues(ctx, values[:0], s, columns, rows.Index(r), workspace); err != nil {
			return nil, err
		}
		for c, v := range values {
			lists[c][r] = v
		}
	}
	arrays := make([]any, len(columns))
	for c := range lists {
		arrays[c] = lists[c]
	}
	return arrays, nil
}

// arrayType is PostgreSQL's name for an array of a column's values.
func arrayType(f *schema.Field) string {
	switch f.IndirectFieldType.Kind() {
	case reflect.Bool:
		return "boolean[]"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "bigint[]"
	case reflect.Float32, reflect.Float64:
		return "double precision[]"
	case reflect.Slice:
		return "bytea[]"
	case reflect.Struct:
		if f.IndirectFieldType == reflect.TypeFor[time.Time]() {
			return "timestamptz[]"
		}
	}
	return "text[]"
}
