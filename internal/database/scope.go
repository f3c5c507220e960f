package database

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"
)

type scopeKey struct{}

type scope struct {
	workspace int64
	across    string
}

// ErrNoWorkspace says that rows of a workspace were touched without saying of which one.
var ErrNoWorkspace = errors.New("no workspace in the context")

// WithWorkspace limits everything done with the context to the rows of one workspace.
func WithWorkspace(ctx context.Context, id int64) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope{workspace: id})
}

// Across lifts the limit, for the few places that must see every workspace. The reason is for readers.
func Across(ctx context.Context, reason string) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope{across: reason})
}

// Workspace is the workspace of the context, or 0.
func Workspace(ctx context.Context) int64 {
	s, _ := ctx.Value(scopeKey{}).(scope)
	return s.workspace
}

const workspaceColumn = "workspace_id"

func registerScope(db *gorm.DB) error {
	c := db.Callback()
	return errors.Join(
		c.Create().Before("gorm:create").Register("muster:scope", scopeCreate),
		c.Query().Before("gorm:query").Register("muster:scope", scopeWhere),
		c.Row().Before("gorm:row").Register("muster:scope", scopeWhere),
		c.Update().Before("gorm:update").Register("muster:scope", scopeWhere),
		c.Delete().Before("gorm:delete").Register("muster:scope", scopeWhere),
	)
}

func workspaceField(db *gorm.DB) *schema.Field {
	if db.Statement.Schema == nil {
		return nil
	}
	return db.Statement.Schema.LookUpField(workspaceColumn)
}

// scopeWhere wraps what the caller asked for in parentheses and adds the workspace, so that an Or cannot escape it.
func scopeWhere(db *gorm.DB) {
	s, _ := db.Statement.Context.Value(scopeKey{}).(scope)
	if s.across != "" || db.Statement.SQL.Len() > 0 {
		return // hand-written SQL lives in store_bulk.go files only; archtest holds that
	}
	if db.Statement.Schema == nil {
		_ = db.AddError(errors.New("a query without a model cannot be limited to a workspace"))
		return
	}
	if workspaceField(db) == nil {
		return
	}
	if s.workspace == 0 {
		_ = db.AddError(fmt.Errorf("%s: %w", db.Statement.Table, ErrNoWorkspace))
		return
	}
	column := clause.Column{Table: clause.CurrentTable, Name: workspaceColumn}
	var limit clause.Expression = clause.Eq{Column: column, Value: s.workspace}
	if where, ok := db.Statement.Clauses["WHERE"].Expression.(clause.Where); ok && len(where.Exprs) > 0 {
		if db.Name() == string(SQLite) && slices.ContainsFunc(where.Exprs, byIDs) {
			limit = clause.Expr{SQL: "+? = ?", Vars: []any{column, s.workspace}}
		}
		db.Statement.Clauses["WHERE"] = clause.Clause{
			Name:       "WHERE",
			Expression: clause.Where{Exprs: []clause.Expression{clause.And(where.Exprs...), limit}},
		}
		return
	}
	db.Statement.AddClause(clause.Where{Exprs: []clause.Expression{limit}})
}

// byIDs reports whether a condition names rows by their ids, one by one or by a question. SQLite keeps no statistics and holds a workspace
// for a smaller set of rows than a dozen ids: it would go through all of it. The plus sign keeps it from that.
func byIDs(e clause.Expression) bool {
	x, ok := e.(clause.Expr)
	return ok && (strings.HasPrefix(x.SQL, "id IN ?") || strings.HasPrefix(x.SQL, "id IN (SELECT "))
}

func scopeCreate(db *gorm.DB) {
	field := workspaceField(db)
	if field == nil {
		return
	}
	s, _ := db.Statement.Context.Value(scopeKey{}).(scope)
	if s.across != "" {
		return
	}
	if s.workspace == 0 {
		_ = db.AddError(fmt.Errorf("%s: %w", db.Statement.Table, ErrNoWorkspace))
		return
	}
	rows := db.Statement.ReflectValue
	if rows.Kind() != reflect.Slice && rows.Kind() != reflect.Array {
		setWorkspace(db, field, rows, s.workspace)
		return
	}
	for i := range rows.Len() {
		setWorkspace(db, field, reflect.Indirect(rows.Index(i)), s.workspace)
	}
}

func setWorkspace(db *gorm.DB, field *schema.Field, row reflect.Value, id int64) {
	value, zero := field.ValueOf(db.Statement.Context, row)
	if !zero && value != any(id) {
		_ = db.AddError(fmt.Errorf("%s: the row belongs to another workspace", db.Statement.Table))
		return
	}
	if err := field.Set(db.Statement.Context, row, id); err != nil {
		_ = db.AddError(fmt.Errorf("set workspace: %w", err))
	}
}
