package inventory

import (
	"context"
	"fmt"
	"slices"

	"muster/internal/database"
)

func (b *Book) tally(ctx context.Context) (Tally, error) {
	var rows []struct {
		Confirmed bool
		N         int64
	}
	err := b.filtered(ctx, Filter{}).Select("confirmed_at IS NOT NULL AS confirmed, COUNT(*) AS n").Group("confirmed_at IS NOT NULL").Scan(&rows).Error
	if err != nil {
		return Tally{}, fmt.Errorf("count services: %w", err)
	}
	var t Tally
	for _, r := range rows {
		t.All += r.N
		if !r.Confirmed {
			t.Unconfirmed += r.N
		}
	}
	return t, nil
}

func (b *Book) sourceNames(ctx context.Context, ids []int64) (map[int64][]string, error) {
	var rows []struct{ ServiceID, SourceID int64 }
	err := b.db.Conn(ctx).Model(&Binding{}).Distinct("service_id", "source_id").Where("service_id IN ? AND gone_at IS NULL", ids).Limit(maxRows).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find sources of services: %w", err)
	}
	sources, err := b.sources(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[int64]string{}
	for _, s := range sources {
		byID[s.ID] = s.Name
	}
	names := map[int64][]string{}
	for _, r := range rows {
		names[r.ServiceID] = append(names[r.ServiceID], byID[r.SourceID])
	}
	for id := range names {
		slices.Sort(names[id])
	}
	return names, nil
}

func (b *Book) countOperations(ctx context.Context, id int64) (int64, error) {
	n, err := database.Of[Operation](b.db.Conn(ctx)).Where("service_id = ? AND gone_at IS NULL", id).Count(ctx, "id")
	if err != nil {
		return 0, fmt.Errorf("count operations: %w", err)
	}
	return n, nil
}

// firstImport is the oldest import that a fact of the service names; 0 when none does.
func (b *Book) firstImport(ctx context.Context, id int64) (int64, error) {
	f, _, err := take(ctx, "fact", database.Of[Fact](b.db.Conn(ctx)).Where("service_id = ? AND import_id > 0", id).Order("import_id, id"))
	return f.ImportID, err
}
