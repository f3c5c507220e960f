package finding

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"muster/internal/database"
)

// scopeRows reads what a scope said, and where its findings stand: light, because a big report has many.
func (s *Service) scopeRows(ctx context.Context, sc scope) (list []scopeRow, err error) {
	workspace := database.Workspace(ctx)
	if workspace == 0 {
		return nil, database.ErrNoWorkspace
	}
	rows, err := s.db.Conn(ctx).Raw(`SELECT s.id, s.finding_id, s.facts, s.gone_at, s.gone_import, f.state, f.live, f.service_id, f.label FROM finding_sources s JOIN findings f ON f.id = s.finding_id
WHERE s.workspace_id = ? AND s.source_id = ? AND s.tool = ? AND s.scope_service = ?`, workspace, sc.source, sc.tool, sc.scopeService).Rows()
	if err != nil {
		return nil, fmt.Errorf("read what a scope saw: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r scopeRow
		var gone sql.Null[time.Time]
		if err := rows.Scan(&r.ID, &r.FindingID, &r.Facts, &gone, &r.GoneImport, &r.State, &r.Live, &r.ServiceID, &r.Label); err != nil {
			return nil, fmt.Errorf("read what a scope saw: %w", err)
		}
		if gone.Valid {
			r.GoneAt = &gone.V
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// write stores what was collected.
func (s *Service) write(ctx context.Context, w *writing) error {
	if err := database.BulkInsert(ctx, s.db, w.newFindings); err != nil {
		return err
	}
	if err := s.index(ctx, w); err != nil {
		return err
	}
	if err := database.BulkUpdate(ctx, s.db, w.changed); err != nil {
		return err
	}
	if err := s.reindex(ctx, w); err != nil {
		return err
	}
	if err := database.BulkInsert(ctx, s.db, w.newSources); err != nil {
		return err
	}
	if err := database.BulkUpdate(ctx, s.db, w.oldSources); err != nil {
		return err
	}
	if err := s.writeKeys(ctx, w); err != nil {
		return err
	}
	if err := database.BulkInsert(ctx, s.db, w.events); err != nil {
		return err
	}
	if err := s.countDebt(ctx, w.debts); err != nil {
		return err
	}
	return s.count(ctx, w.tally)
}

func (s *Service) writeKeys(ctx context.Context, w *writing) error {
	workspace := database.Workspace(ctx)
	for _, t := range w.taken {
		if err := s.db.Conn(ctx).Exec("UPDATE finding_keys SET finding_id = ? WHERE workspace_id = ? AND finding_id = ?", t.to, workspace, t.from).Error; err != nil {
			return fmt.Errorf("move keys: %w", err)
		}
	}
	return database.BulkInsert(ctx, s.db, w.keys)
}

// index adds new findings to the words for search; PostgreSQL does it by itself.
func (s *Service) index(ctx context.Context, w *writing) error {
	if s.db.Engine != database.SQLite || len(w.newFindings) == 0 {
		return nil
	}
	first, last := w.newFindings[0].ID, w.newFindings[len(w.newFindings)-1].ID
	err := s.db.Conn(ctx).Exec("INSERT INTO finding_words(rowid, search) SELECT id, search FROM findings WHERE id BETWEEN ? AND ?", first, last).Error
	if err != nil {
		return fmt.Errorf("index findings: %w", err)
	}
	return nil
}

// reindex replaces the words of findings that changed.
func (s *Service) reindex(ctx context.Context, w *writing) error {
	if s.db.Engine != database.SQLite {
		return nil
	}
	for _, r := range w.reworded {
		if err := s.db.Conn(ctx).Exec("INSERT INTO finding_words(finding_words, rowid, search) VALUES ('delete', ?, ?)", r.id, r.was).Error; err != nil {
			return fmt.Errorf("index finding: %w", err)
		}
		if err := s.db.Conn(ctx).Exec("INSERT INTO finding_words(rowid, search) SELECT id, search FROM findings WHERE id = ?", r.id).Error; err != nil {
			return fmt.Errorf("index finding: %w", err)
		}
	}
	return nil
}

// count moves the counters.
func (s *Service) count(ctx context.Context, t tally) error {
	workspace := database.Workspace(ctx)
	moved := false
	for k, n := range t {
		if n == 0 {
			continue
		}
		moved = true
		err := s.db.Conn(ctx).Exec(`INSERT INTO finding_counts (workspace_id, service_id, state, severity, kind, n) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (workspace_id, service_id, state, severity, kind) DO UPDATE SET n = finding_counts.n + excluded.n`, workspace, k.service, k.state, k.severity, k.kind, n).Error
		if err != nil {
			return fmt.Errorf("count findings: %w", err)
		}
	}
	if !moved {
		return nil
	}
	return s.dropCounts(ctx)
}

// giveBack drops keys that an undone import brought, and gives those back that it had taken from another finding.
func (s *Service) giveBack(ctx context.Context, keys []string, back []given) error {
	workspace := database.Workspace(ctx)
	for _, g := range back {
		for some := g.keys; len(some) > 0; some = some[min(len(some), 500):] {
			if err := s.db.Conn(ctx).Exec("UPDATE finding_keys SET finding_id = ? WHERE workspace_id = ? AND key IN ?", g.id, workspace, some[:min(len(some), 500)]).Error; err != nil {
				return fmt.Errorf("give keys back: %w", err)
			}
		}
	}
	return s.dropKeys(ctx, keys)
}

func (s *Service) dropKeys(ctx context.Context, keys []string) error {
	workspace := database.Workspace(ctx)
	for ; len(keys) > 0; keys = keys[min(len(keys), 500):] {
		if err := s.db.Conn(ctx).Exec("DELETE FROM finding_keys WHERE workspace_id = ? AND key IN ?", workspace, keys[:min(len(keys), 500)]).Error; err != nil {
			return fmt.Errorf("drop keys: %w", err)
		}
	}
	return nil
}

// keysOf reads the keys of some findings. SQLite keeps no statistics: left alone it walks every key of the workspace,
// since those are in the order of its first column.
func (s *Service) keysOf(ctx context.Context, findings []int64) (list []keyRow, err error) {
	workspace := database.Workspace(ctx)
	if workspace == 0 {
		return nil, database.ErrNoWorkspace
	}
	by := ""
	if s.db.Engine == database.SQLite {
		by = "INDEXED BY finding_keys_finding "
	}
	rows, err := s.db.Conn(ctx).Raw("SELECT workspace_id, key, finding_id, facts FROM finding_keys "+by+"WHERE workspace_id = ? AND finding_id IN ?", workspace, findings).Rows()
	if err != nil {
		return nil, fmt.Errorf("read keys of findings: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var k keyRow
		if err := rows.Scan(&k.WorkspaceID, &k.Key, &k.FindingID, &k.Facts); err != nil {
			return nil, fmt.Errorf("read keys of findings: %w", err)
		}
		list = append(list, k)
	}
	return list, rows.Err()
}
