package evidence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"muster/internal/database"
)

// bulk reads the columns that decide states, of every subject of the workspace: a sweep reads them all each day, and
// the general way of reading costs three times as much.
func (l *Ledger) bulk(ctx context.Context, what, where string, arguments ...any) (list []Evidence, err error) {
	workspace := database.Workspace(ctx)
	if workspace == 0 {
		return nil, database.ErrNoWorkspace
	}
	rows, err := l.db.Conn(ctx).Raw("SELECT "+judged+" FROM evidence WHERE workspace_id = ? AND "+where, append([]any{workspace}, arguments...)...).Rows()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e Evidence
		var good, superseded, retracted sql.Null[time.Time]
		if err := rows.Scan(&e.ID, &e.WorkspaceID, &e.ServiceID, &e.EnvironmentID, &e.Control, &e.Clause, &e.Part, &e.Kind, &e.Source, &e.Outcome, &e.RetestOf, &e.ObservedAt, &good, &superseded, &retracted); err != nil {
			return nil, fmt.Errorf("read %s: %w", what, err)
		}
		e.GoodUntil, e.SupersededAt, e.RetractedAt = orNil(good), orNil(superseded), orNil(retracted)
		list = append(list, e)
	}
	return list, rows.Err()
}

func orNil(t sql.Null[time.Time]) *time.Time {
	if !t.Valid {
		return nil
	}
	return &t.V
}

func (l *Ledger) allCurrent(ctx context.Context) ([]Evidence, error) {
	return l.bulk(ctx, "evidence", live)
}

func (l *Ledger) asOf(ctx context.Context, at time.Time) ([]Evidence, error) {
	return l.bulk(ctx, "evidence of a past day", "received_at <= ? AND (superseded_at IS NULL OR superseded_at > ?) AND (retracted_at IS NULL OR retracted_at > ?)", at, at, at)
}
