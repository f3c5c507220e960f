package finding

import (
	"context"
	"fmt"
	"strings"

	"muster/internal/database"
	"muster/internal/exception"
	"muster/internal/inventory"
)

// overIDs lists accepted findings whose exception ran out.
func (s *Service) overIDs(ctx context.Context, most int) ([]int64, error) {
	rows, err := database.List(ctx, "acceptances that ran out", database.Of[Finding](s.db.Conn(ctx)).Select("id").Where("state = 'accepted' AND accepted_until <= ?", s.db.Now(ctx)).Order("accepted_until").Limit(most))
	return idsOfRows(rows), err
}

func idsOfRows(rows []Finding) []int64 {
	ids := make([]int64, 0, len(rows))
	for i := range rows {
		ids = append(ids, rows[i].ID)
	}
	return ids
}

// matchWords are the conditions of rules, in the words of the indexes.
var matchConditions = map[exception.Match]string{
	exception.ByVulnerability: "vulnerability = ? AND vulnerability <> ''",
	exception.ByRule:          "rule = ? AND rule <> '' AND vulnerability = ''",
	exception.ByPackage:       "package = ? AND package <> ''",
}

// under is the query of what a rule names, among what may be accepted or is already.
func (s *Service) under(ctx context.Context, x *exception.Exception) database.Query[Finding] {
	condition, known := matchConditions[x.MatchBy]
	if !known {
		condition = "id = -1 AND ? = ''"
	}
	q := database.Of[Finding](s.db.Conn(ctx)).Where(condition, x.MatchValue).Where("retracted_at IS NULL AND state || '' IN ?", append(todo(), Accepted))
	switch {
	case x.ServiceID > 0:
		q = q.Where("service_id = ?", x.ServiceID)
	case x.ServiceID == exception.Several:
		q = q.Where("service_id IN ?", x.Services)
	}
	if ids, limited := inventory.VisibleIDs(ctx); limited {
		q = q.Where("service_id IN ?", append([]int64{-1}, ids...))
	}
	return q
}

func (s *Service) idsUnder(ctx context.Context, x *exception.Exception) ([]int64, error) {
	rows, err := database.List(ctx, "findings of a rule", s.under(ctx, x).Select("id").Order("id"))
	return idsOfRows(rows), err
}

func (s *Service) rowsUnder(ctx context.Context, x *exception.Exception, most int) ([]Finding, error) {
	return database.List(ctx, "findings of a rule", s.under(ctx, x).Select(strings.Join(listed, ", ")).Order("priority DESC, id DESC").Limit(most))
}

// worstUnder is the worst severity of what a rule names, "" for nothing.
func (s *Service) worstUnder(ctx context.Context, x *exception.Exception) (Severity, error) {
	rows, err := database.List(ctx, "severities of a rule", s.under(ctx, x).Select("DISTINCT severity"))
	var worst Severity
	for i := range rows {
		if f := rows[i].Severity; worst == "" || f.Worse(worst) {
			worst = f
		}
	}
	return worst, err
}

// rowsOf reads findings as lists show them, the most urgent first.
func (s *Service) rowsOf(ctx context.Context, ids []int64) ([]Finding, error) {
	var all []Finding
	err := database.Chunks(set(ids), func(some []int64) error {
		rows, err := database.List(ctx, "findings", database.Of[Finding](s.db.Conn(ctx)).Select(strings.Join(listed, ", ")).Where("id IN ? AND retracted_at IS NULL", some).Order("priority DESC, id DESC"))
		all = append(all, rows...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read chosen findings: %w", err)
	}
	return all, nil
}
