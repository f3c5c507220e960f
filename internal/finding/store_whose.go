package finding

import (
	"context"
	"fmt"

	"muster/internal/database"
)

// RulesAtOnce is how many rules a page shows.
const RulesAtOnce = 50

func (s *Service) rulePage(ctx context.Context, page int) (RulePage, error) {
	live := func() database.Query[Rule] { return database.Of[Rule](s.db.Conn(ctx)).Where("ended_at IS NULL") }
	total, err := live().Count(ctx, "*")
	if err != nil {
		return RulePage{}, fmt.Errorf("count rules: %w", err)
	}
	rows, err := database.List(ctx, "rules", live().Order("match_by, label, id").Offset((page-1)*RulesAtOnce).Limit(RulesAtOnce))
	return RulePage{Rows: rows, Total: total}, err
}

func (s *Service) ruleByID(ctx context.Context, id int64) (Rule, bool, error) {
	return database.Take(ctx, "rule", database.Of[Rule](s.db.Conn(ctx)).Where("id = ? AND ended_at IS NULL", id))
}

func (s *Service) endRule(ctx context.Context, id int64) error {
	now := s.db.Now(ctx)
	if err := s.db.Conn(ctx).Model(&Rule{}).Where("id = ? AND ended_at IS NULL", id).Update("ended_at", &now).Error; err != nil {
		return fmt.Errorf("end rule: %w", err)
	}
	return nil
}

// nobodys lists what belongs to no service yet, with what rules look at.
func (s *Service) nobodys(ctx context.Context) ([]Finding, error) {
	return database.List(ctx, "what is nobody's", database.Of[Finding](s.db.Conn(ctx)).Select("id", "label", "path").Where("service_id = 0 AND retracted_at IS NULL").Order("id"))
}
