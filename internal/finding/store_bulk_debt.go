package finding

import (
	"context"
	"fmt"

	"muster/internal/database"
)

// countDebt moves the counters of debt.
func (s *Service) countDebt(ctx context.Context, d debts) error {
	workspace := database.Workspace(ctx)
	for k, n := range d {
		if n == 0 {
			continue
		}
		err := s.db.Conn(ctx).Exec(`INSERT INTO finding_debt (workspace_id, service_id, what, day, days, n) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (workspace_id, service_id, what, day, days) DO UPDATE SET n = finding_debt.n + excluded.n`, workspace, k.service, k.what, k.day, k.days, n).Error
		if err != nil {
			return fmt.Errorf("count debt: %w", err)
		}
	}
	return nil
}

// The rows that are counted beside the kept ones, because they depend on the hour.
const (
	debtOverdue   = "overdue"
	debtExploited = "exploited"
)

// debtRows reads what is kept of one service, or of all that the person may see: movements since a day, and all that is
// open. Overdue and exploited findings are counted up to a limit, in the same question.
func (s *Service) debtRows(ctx context.Context, service int64, since string) ([]debtRow, error) {
	workspace := database.Workspace(ctx)
	if workspace == 0 {
		return nil, database.ErrNoWorkspace
	}
	ids, limited := limitedTo(ctx)
	kept, whose := "service_id = ?", ""
	keptOf, whoseOf := []any{int64(everyService)}, []any{}
	if service != 0 {
		keptOf = []any{service}
		whose, whoseOf = " AND service_id = ?", []any{service}
	}
	if limited {
		if service == 0 {
			kept, keptOf = "service_id IN ?", []any{ids}
		} else {
			kept, keptOf = "service_id = ? AND service_id IN ?", []any{service, ids}
		}
		whose, whoseOf = whose+" AND service_id IN ?", append(whoseOf, ids)
	}
	text := `SELECT what, day, days, n FROM finding_debt WHERE workspace_id = ? AND ` + kept + ` AND n <> 0 AND (what = 'open' OR day >= ?)
UNION ALL SELECT 'overdue', '', 0, COUNT(*) FROM (SELECT 1 FROM findings WHERE workspace_id = ? AND ` + todoWords + ` AND due_at < ?` + whose + ` AND retracted_at IS NULL LIMIT ?) AS late
UNION ALL SELECT 'exploited', '', 0, COUNT(*) FROM (SELECT 1 FROM findings WHERE workspace_id = ? AND exploited AND state || '' IN ?` + whose + ` AND retracted_at IS NULL LIMIT ?) AS exploited`
	args := append([]any{workspace}, keptOf...)
	args = append(args, since, workspace, s.db.Now(ctx))
	args = append(append(args, whoseOf...), searchCount+1, workspace, todo())
	args = append(append(args, whoseOf...), searchCount+1)
	var rows []debtRow
	if err := s.db.Conn(ctx).Raw(text, args...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read debt: %w", err)
	}
	return rows, nil
}
