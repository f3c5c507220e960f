package control

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"muster/internal/database"
)

// Attention is what a person should look at: what time alone makes worse, the next first, and what fails since a moment,
// the newest first.
type Attention struct {
	Ending, Newly []State
}

// attention reads both lists at once: the overview has few queries to spend.
const attention = `SELECT * FROM (SELECT states.*, 0 AS list FROM states WHERE workspace_id = ? AND environment_id IN (?, 0) AND good_until <= ? ORDER BY good_until, id LIMIT ?) AS ending
UNION ALL
SELECT * FROM (SELECT states.*, 1 AS list FROM states WHERE workspace_id = ? AND environment_id IN (?, 0) AND state = ? AND since > ? ORDER BY since DESC, id DESC LIMIT ?) AS newly`

// Attention reads both lists, each at most so long.
func (s *Service) Attention(ctx context.Context, environment int64, before, after time.Time, most int) (Attention, error) {
	workspace := database.Workspace(ctx)
	if workspace == 0 {
		return Attention{}, database.ErrNoWorkspace
	}
	var rows []struct {
		State
		List int
	}
	err := s.db.Conn(ctx).Raw(attention, workspace, environment, before, most, workspace, environment, Failing, after, most).Scan(&rows).Error
	if err != nil {
		return Attention{}, fmt.Errorf("read what needs attention: %w", err)
	}
	var a Attention
	for i := range rows {
		if rows[i].List == 0 {
			a.Ending = append(a.Ending, rows[i].State)
		} else {
			a.Newly = append(a.Newly, rows[i].State)
		}
	}
	return a, nil
}

// bulkStates reads the stored states of the workspace that a condition chooses: every judgement compares them with what
// is true now, and the general way of reading costs three times as much.
func (s *Service) bulkStates(ctx context.Context, where string, arguments ...any) (list []State, err error) {
	workspace := database.Workspace(ctx)
	if workspace == 0 {
		return nil, database.ErrNoWorkspace
	}
	rows, err := s.db.Conn(ctx).Raw("SELECT id, workspace_id, service_id, environment_id, control, state, value, contradicted, known, total, good_until, excepted_until, later, since FROM states WHERE workspace_id = ? AND "+where, append([]any{workspace}, arguments...)...).Rows()
	if err != nil {
		return nil, fmt.Errorf("list states: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r State
		var good, excepted sql.Null[time.Time]
		if err := rows.Scan(&r.ID, &r.WorkspaceID, &r.ServiceID, &r.EnvironmentID, &r.Control, &r.State, &r.Value, &r.Contradicted, &r.Known, &r.Total, &good, &excepted, &r.Later, &r.Since); err != nil {
			return nil, fmt.Errorf("read states: %w", err)
		}
		if good.Valid {
			r.GoodUntil = &good.V
		}
		if excepted.Valid {
			r.ExceptedUntil = &excepted.V
		}
		list = append(list, r)
	}
	return list, rows.Err()
}
