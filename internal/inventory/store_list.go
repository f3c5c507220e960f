package inventory

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"muster/internal/database"
)

// exposedFirst orders by how far a service can be reached; what is not known stands before what is known to be inside.
const exposedFirst = "CASE exposure WHEN 'public' THEN 0 WHEN 'partner' THEN 1 WHEN 'unknown' THEN 2 ELSE 3 END"

// sorts are the orders that a list may have; the text of a request never becomes SQL. Both engines give the same order:
// names without regard to case, and what was never seen in files last.
var sorts = map[string]string{
	"": "LOWER(name), id", "name": "LOWER(name), id", "-name": "LOWER(name) DESC, id DESC", "tier": "tier, LOWER(name), id", "-tier": "tier DESC, LOWER(name), id",
	"exposure": exposedFirst + ", LOWER(name), id", "-exposure": exposedFirst + " DESC, LOWER(name), id",
	"seen": "last_seen_at IS NULL, last_seen_at, LOWER(name), id", "-seen": "last_seen_at IS NULL, last_seen_at DESC, LOWER(name), id",
	"callers": "callers, callees, LOWER(name), id", "-callers": "callers DESC, callees DESC, LOWER(name), id",
}

func (b *Book) filtered(ctx context.Context, f Filter) *gorm.DB {
	q := b.db.Conn(ctx).Model(&Service{}).Where("merged_into = 0")
	if f.Retired {
		q = q.Where("retired_at IS NOT NULL")
	} else {
		q = q.Where("retired_at IS NULL")
	}
	if f.Kind != "" {
		q = q.Where("kind = ?", f.Kind)
	} else {
		q = q.Where("kind IN ?", []string{string(KindService), string(KindDatastore)})
	}
	if seen, limited := visible(ctx); limited {
		q = q.Where("id IN ?", seen)
	}
	if f.Text != "" {
		like := database.Like(f.Text)
		q = q.Where(`LOWER(name) LIKE ? ESCAPE '\' OR LOWER(description) LIKE ? ESCAPE '\' OR LOWER(labels) LIKE ? ESCAPE '\'`, like, like, like)
	}
	for column, value := range map[string]string{"exposure": f.Exposure, "authentication": f.Authentication, "encryption": f.Encryption} {
		if value != "" {
			q = q.Where(column+" = ?", value)
		}
	}
	if f.Tier != 0 {
		q = q.Where("tier = ?", f.Tier)
	}
	if f.TeamID < 0 {
		q = q.Where("team_id IS NULL")
	} else if f.TeamID > 0 {
		q = q.Where("team_id = ?", f.TeamID)
	}
	if f.DataClass == "none" {
		q = q.Where("data_classes = ''")
	} else if f.DataClass != "" {
		q = q.Where(`' ' || data_classes || ' ' LIKE ? ESCAPE '\'`, database.Like(" "+f.DataClass+" "))
	}
	if f.Unconfirmed {
		q = q.Where("confirmed_at IS NULL")
	}
	return q
}

func (b *Book) listServices(ctx context.Context, f Filter) ([]Service, int64, error) {
	order, known := sorts[f.Sort]
	if !known {
		order = sorts[""]
	}
	var total int64
	if err := b.filtered(ctx, f).Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count services: %w", err)
	}
	var rows []Service
	err := b.filtered(ctx, f).Order(order).Offset((f.Page - 1) * PageSize).Limit(PageSize).Find(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list services: %w", err)
	}
	return rows, total, nil
}

func (b *Book) groups(ctx context.Context) ([]Group, error) {
	var rows []Group
	err := b.filtered(ctx, Filter{}).
		Select("kind, exposure, data_classes, authentication, encryption, tier, confirmed_at IS NOT NULL AS confirmed, team_id IS NOT NULL AS owned, COUNT(*) AS n").
		Group("kind, exposure, data_classes, authentication, encryption, tier, confirmed_at IS NOT NULL, team_id IS NOT NULL").Limit(5000).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count services: %w", err)
	}
	return rows, nil
}

func (b *Book) transports(ctx context.Context) (map[string]int, error) {
	q := b.db.Conn(ctx).Model(&Dependency{}).Where("gone_at IS NULL AND kind = ?", "call")
	if seen, limited := visible(ctx); limited {
		q = q.Where("from_id IN ? AND to_id IN ?", seen, seen)
	}
	var rows []struct {
		Transport string
		N         int
	}
	if err := q.Select("transport, COUNT(*) AS n").Group("transport").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count calls: %w", err)
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Transport] = r.N
	}
	return counts, nil
}

func (b *Book) countUnresolved(ctx context.Context) (int64, error) {
	q := b.db.Conn(ctx).Model(&Unresolved{}).Where("gone_at IS NULL AND resolved_to = 0")
	if seen, limited := visible(ctx); limited {
		q = q.Where("service_id IN ?", seen)
	}
	var n int64
	if err := q.Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count names: %w", err)
	}
	return n, nil
}

func (b *Book) allNames(ctx context.Context) ([]Service, error) {
	var rows []Service
	if err := b.filtered(ctx, Filter{}).Select("id", "slug", "name", "kind").Order("LOWER(name), id").Limit(2000).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	return rows, nil
}
