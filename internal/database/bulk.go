package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"gorm.io/gorm/schema"
)

// bulkParameters is how many parameters one statement of a bulk write has at most; SQLite allows 32,766.
const bulkParameters = 30_000

var bulkSchemas sync.Map

// bulkSchema reads the columns of a model that has a workspace.
func bulkSchema[T any](ctx context.Context) (*schema.Schema, int64, error) {
	s, err := schema.Parse(new(T), &bulkSchemas, schema.NamingStrategy{})
	if err != nil {
		return nil, 0, fmt.Errorf("read model: %w", err)
	}
	workspace := Workspace(ctx)
	if workspace == 0 || s.LookUpField(workspaceColumn) == nil {
		return nil, 0, fmt.Errorf("%s: %w", s.Table, ErrNoWorkspace)
	}
	return s, workspace, nil
}

// Reserve gives n ids of a table that nobody else gets, in the caller's transaction.
func (d *DB) Reserve(ctx context.Context, table string, n int) ([]int64, error) {
	ids := make([]int64, 0, n)
	if n == 0 {
		return ids, nil
	}
	if d.Engine == Postgres {
		err := d.Conn(ctx).Raw("SELECT nextval(pg_get_serial_sequence(?, 'id')) FROM generate_series(1, ?)", table, n).Scan(&ids).Error
		if err != nil {
			return nil, fmt.Errorf("reserve ids of %s: %w", table, err)
		}
		return ids, nil
	}
	var last int64
	if err := d.Conn(ctx).Raw("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = ?", table).Scan(&last).Error; err != nil {
		return nil, fmt.Errorf("reserve ids of %s: %w", table, err)
	}
	for i := range n {
		ids = append(ids, last+1+int64(i)) // the one writer inserts them in this transaction, which moves the sequence
	}
	return ids, nil
}

// BulkInsert adds many rows of one workspace by prepared statements of many rows each: several times as fast as the
// general way. Rows of another workspace are refused.
func BulkInsert[T any](ctx context.Context, d *DB, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	s, workspace, err := bulkSchema[T](ctx)
	if err != nil {
		return err
	}
	columns := bulkColumns(ctx, s, reflect.ValueOf(&rows[0]).Elem())
	if d.Engine == Postgres {
		return insertArrays(ctx, d, s, columns, reflect.ValueOf(rows), workspace)
	}
	size := max(1, min(batch, bulkParameters/len(columns)))
	pool := d.Conn(ctx).Statement.ConnPool
	var names []string
	for _, f := range columns {
		names = append(names, `"`+f.DBName+`"`)
	}
	head := `INSERT INTO "` + s.Table + `" (` + strings.Join(names, ", ") + ") VALUES "
	var values []any
	var full *sql.Stmt
	for start := 0; start < len(rows); start += size {
		some := rows[start:min(start+size, len(rows))]
		values = values[:0]
		for i := range some {
			if values, err = bulkValues(ctx, values, s, columns, reflect.ValueOf(&some[i]).Elem(), workspace); err != nil {
				return err
			}
		}
		if len(some) == size && len(rows) >= 2*size {
			if full == nil {
				if full, err = pool.PrepareContext(ctx, head+d.placeholders(len(columns), size)); err != nil {
					return fmt.Errorf("prepare %s: %w", s.Table, err)
				}
			}
			_, err = full.ExecContext(ctx, values...)
		} else {
			_, err = pool.ExecContext(ctx, head+d.placeholders(len(columns), len(some)), values...)
		}
		if err != nil {
			if full != nil {
				err = errors.Join(err, full.Close())
			}
			return fmt.Errorf("add to %s: %w", s.Table, err)
		}
	}
	if full != nil {
		return full.Close()
	}
	return nil
}

// BulkUpdate stores every column of rows that exist, by their ids, each in its workspace.
func BulkUpdate[T any](ctx context.Context, d *DB, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	s, workspace, err := bulkSchema[T](ctx)
	if err != nil {
		return err
	}
	var sets []string
	var columns []*schema.Field
	mark := func() string {
		if d.Engine == Postgres {
			return "$" + strconv.Itoa(len(columns))
		}
		return "?"
	}
	id := s.LookUpField("id")
	for _, f := range s.Fields {
		if f.DBName != "" && f != id && f.DBName != workspaceColumn {
			columns = append(columns, f)
			sets = append(sets, `"`+f.DBName+`" = `+mark())
		}
	}
	columns = append(columns, id)
	where := ` WHERE "id" = ` + mark()
	columns = append(columns, s.LookUpField(workspaceColumn))
	where += ` AND "` + workspaceColumn + `" = ` + mark()
	stmt, err := d.Conn(ctx).Statement.ConnPool.PrepareContext(ctx, `UPDATE "`+s.Table+`" SET `+strings.Join(sets, ", ")+where)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", s.Table, err)
	}
	var values []any
	for i := range rows {
		if values, err = bulkValues(ctx, values[:0], s, columns, reflect.ValueOf(&rows[i]).Elem(), workspace); err == nil {
			_, err = stmt.ExecContext(ctx, values...)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("update %s: %w", s.Table, err), stmt.Close())
		}
	}
	return stmt.Close()
}

// bulkColumns are the columns to insert: the id only where the caller reserved one.
func bulkColumns(ctx context.Context, s *schema.Schema, first reflect.Value) []*schema.Field {
	var columns []*schema.Field
	for _, f := range s.Fields {
		if f.DBName == "" {
			continue
		}
		if _, zero := f.ValueOf(ctx, first); zero && f.DBName == "id" {
			continue
		}
		columns = append(columns, f)
	}
	return columns
}

func bulkValues(ctx context.Context, values []any, s *schema.Schema, columns []*schema.Field, row reflect.Value, workspace int64) ([]any, error) {
	for _, f := range columns {
		v, zero := f.ValueOf(ctx, row)
		if f.DBName == workspaceColumn {
			if !zero && v != any(workspace) {
				return nil, fmt.Errorf("%s: the row belongs to another workspace", s.Table)
			}
			v = workspace
		}
		values = append(values, v)
	}
	return values, nil
}

// placeholders are the marks of so many rows.
func (d *DB) placeholders(columns, rows int) string {
	var b strings.Builder
	n := 0
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for c := range columns {
			if c > 0 {
				b.WriteByte(',')
			}
			if n++; d.Engine == Postgres {
				b.WriteByte('$')
				b.WriteString(strconv.Itoa(n))
			} else {
				b.WriteByte('?')
			}
		}
		b.WriteByte(')')
	}
	return b.String()
}
