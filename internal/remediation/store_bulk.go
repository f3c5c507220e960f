package remediation

import (
	"context"
	"errors"
	"fmt"

	"muster/internal/database"
)

// openWords and workWords are the conditions of indexes: a database uses one only for these very words.
const (
	openWords = "state IN ('todo','doing','fixed')"
	workWords = "f.state IN ('open','confirmed','in_progress','re_review')"
)

// covers reports whether any task covers something on the services; nil is every service.
func (s *Service) covers(ctx context.Context, services []int64) (bool, error) {
	workspace := database.Workspace(ctx)
	if workspace == 0 {
		return false, database.ErrNoWorkspace
	}
	q := s.db.Conn(ctx).Raw("SELECT COUNT(*) FROM (SELECT 1 FROM task_items WHERE workspace_id = ? LIMIT 1) x", workspace)
	if services != nil {
		q = s.db.Conn(ctx).Raw("SELECT COUNT(*) FROM (SELECT 1 FROM task_items WHERE workspace_id = ? AND service_id IN ? LIMIT 1) x", workspace, services)
	}
	n := 0
	if err := q.Scan(&n).Error; err != nil {
		return false, fmt.Errorf("look for tasks: %w", err)
	}
	return n > 0, nil
}

// stale finds the tasks of which an item is not what was last seen of it: in one question, since most imports change
// nothing that a task covers.
func (s *Service) stale(ctx context.Context, services []int64, environment int64) ([]int64, error) {
	workspace := database.Workspace(ctx)
	sql := `SELECT DISTINCT i.task_id FROM task_items i
LEFT JOIN findings f ON f.id = i.finding_id
LEFT JOIN services v ON v.id = COALESCE(f.service_id, i.service_id)
LEFT JOIN states st ON st.workspace_id = i.workspace_id AND st.service_id = i.service_id AND st.control = i.control AND st.environment_id = CASE WHEN i.service_id = 0 THEN 0 ELSE ? END
WHERE i.workspace_id = ? AND (COALESCE(v.team_id, 0) <> i.team_id
OR i.finding_id > 0 AND (CASE WHEN f.retracted_at IS NOT NULL THEN 'retracted' ELSE f.state END <> i.word OR f.service_id <> i.service_id OR f.severity <> i.severity OR f.priority <> i.priority OR f.due_at IS DISTINCT FROM i.due_at)
OR i.finding_id = 0 AND CASE WHEN st.state = 'failing' AND st.excepted_until > ? THEN 'excepted' ELSE COALESCE(st.state, 'unknown') END <> i.word)`
	args := []any{environment, workspace, s.db.Now(ctx)}
	if services != nil {
		sql += " AND i.service_id IN ?"
		args = append(args, services)
	}
	var ids []int64
	if err := s.db.Conn(ctx).Raw(sql+" ORDER BY i.task_id", args...).Scan(&ids).Error; err != nil {
		return nil, fmt.Errorf("look for tasks: %w", err)
	}
	return ids, nil
}

// free says that no open task covers a finding.
const free = "NOT EXISTS (SELECT 1 FROM task_items i JOIN tasks t ON t.id = i.task_id WHERE i.workspace_id = f.workspace_id AND i.finding_id = f.id AND i.finding_id > 0 AND t." + openWords + ")"

// upgradable is the condition of the index over what a version fixes.
const upgradable = workWords + " AND f.kind = 'dependency' AND f.fix_version <> '' AND length(f.purl) + length(f.package) + length(f.fix_version) + length(f.installed) < 500 AND f.retracted_at IS NULL AND f.service_id > 0"

// repeated is the condition of the index over what rules find.
const repeated = workWords + " AND f.kind IN ('code','configuration','web') AND f.rule <> '' AND length(f.rule) < 500 AND f.retracted_at IS NULL AND f.service_id > 0"

// weights are what every group of findings adds up.
const weights = "COUNT(*), SUM(f.priority), SUM(CASE WHEN f.severity = 'critical' THEN 1 ELSE 0 END), SUM(CASE WHEN f.severity = 'high' THEN 1 ELSE 0 END), SUM(CASE WHEN f.severity = 'medium' THEN 1 ELSE 0 END), SUM(CASE WHEN f.severity = 'low' THEN 1 ELSE 0 END)"

// needs groups what waits for an upgrade by package, fix and what is installed.
func (s *Service) needs(ctx context.Context) (list []need, err error) {
	workspace := database.Workspace(ctx)
	if workspace == 0 {
		return nil, database.ErrNoWorkspace
	}
	rows, err := s.db.Conn(ctx).Raw("SELECT f.purl, f.package, f.fix_version, f.installed, f.service_id, "+weights+" FROM findings f WHERE f.workspace_id = ? AND "+upgradable+" AND "+free+
		" GROUP BY f.purl, f.package, f.fix_version, f.installed, f.service_id ORDER BY f.purl, f.package, f.fix_version, f.installed, f.service_id", workspace).Rows()
	if err != nil {
		return nil, fmt.Errorf("look for upgrades: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var n need
		if err := rows.Scan(&n.purl, &n.name, &n.fix, &n.installed, &n.service, &n.Findings, &n.Weight, &n.Critical, &n.High, &n.Medium, &n.Low); err != nil {
			return nil, fmt.Errorf("look for upgrades: %w", err)
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// spots groups what a rule finds in several places of one service.
func (s *Service) spots(ctx context.Context) (list []spot, err error) {
	workspace := database.Workspace(ctx)
	if workspace == 0 {
		return nil, database.ErrNoWorkspace
	}
	rows, err := s.db.Conn(ctx).Raw("SELECT f.service_id, f.kind, f.rule, "+weights+" FROM findings f WHERE f.workspace_id = ? AND "+repeated+" AND "+free+
		" GROUP BY f.service_id, f.kind, f.rule HAVING COUNT(*) >= ? ORDER BY f.service_id, f.kind, f.rule", workspace, fewest).Rows()
	if err != nil {
		return nil, fmt.Errorf("look for rules: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var p spot
		if err := rows.Scan(&p.service, &p.kind, &p.rule, &p.Findings, &p.Weight, &p.Critical, &p.High, &p.Medium, &p.Low); err != nil {
			return nil, fmt.Errorf("look for rules: %w", err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// unfixed counts, by package, the findings that no version fixes.
func (s *Service) unfixed(ctx context.Context, purls []string) (map[string]int, error) {
	out := map[string]int{}
	if len(purls) == 0 {
		return out, nil
	}
	var rows []struct {
		PURL string `gorm:"column:purl"`
		N    int
	}
	err := s.db.Conn(ctx).Raw("SELECT f.purl, COUNT(*) AS n FROM findings f WHERE f.workspace_id = ? AND f.purl IN ? AND f.purl <> '' AND "+workWords+" AND f.kind = 'dependency' AND length(f.purl) + length(f.package) + length(f.fix_version) + length(f.installed) < 500 AND f.fix_version = '' AND f.retracted_at IS NULL GROUP BY f.purl", database.Workspace(ctx), purls).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for what has no fix: %w", err)
	}
	for _, r := range rows {
		out[r.PURL] = r.N
	}
	return out, nil
}

// wanted is one finding that a bundle may close.
type wanted struct {
	ID         int64
	FixVersion string
	Installed  string
	ServiceID  int64
}

// ofPackage lists the findings that wait for an upgrade of one package.
func (s *Service) ofPackage(ctx context.Context, purl, name string) ([]wanted, error) {
	var rows []wanted
	err := s.db.Conn(ctx).Raw("SELECT f.id, f.fix_version, f.installed, f.service_id FROM findings f WHERE f.workspace_id = ? AND f.purl = ? AND f.package = ? AND "+upgradable+" AND "+free+" ORDER BY f.priority DESC, f.id", database.Workspace(ctx), purl, name).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for an upgrade: %w", err)
	}
	return rows, nil
}

// ofRule lists the findings of one rule on one service.
func (s *Service) ofRule(ctx context.Context, service int64, kind, rule string) ([]wanted, error) {
	var rows []wanted
	err := s.db.Conn(ctx).Raw("SELECT f.id, f.fix_version, f.installed, f.service_id FROM findings f WHERE f.workspace_id = ? AND f.service_id = ? AND f.kind = ? AND f.rule = ? AND "+repeated+" AND "+free+" ORDER BY f.priority DESC, f.id", database.Workspace(ctx), service, kind, rule).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for a rule: %w", err)
	}
	return rows, nil
}

// union gives the ids of several bounded lists. They are asked for by themselves: within one question SQLite would go
// through every task to ask which of them these are. Each list names its workspace.
func (s *Service) union(ctx context.Context, sql string, lists ...any) ([]int64, error) {
	ids := []int64{}
	if err := s.db.Conn(ctx).Raw(sql, lists...).Scan(&ids).Error; err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	return append(ids, -1), nil
}
