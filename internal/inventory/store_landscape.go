package inventory

import (
	"context"
	"fmt"

	"muster/internal/database"
)

func (b *Book) loadLandscape(ctx context.Context) (*Landscape, error) {
	l := &Landscape{Operations: map[int64]int{}, Imports: map[int64]Import{}}
	var err error
	if l.Environments, err = b.listEnvironments(ctx); err != nil {
		return nil, err
	}
	if l.Services, err = database.List(ctx, "services", database.Of[Service](b.db.Conn(ctx)).Where("retired_at IS NULL AND merged_into = 0").Order("name, id")); err != nil {
		return nil, err
	}
	if l.Teams, err = b.listTeams(ctx); err != nil {
		return nil, err
	}
	if l.Sources, err = b.sources(ctx); err != nil {
		return nil, err
	}
	if l.Bindings, err = database.List(ctx, "bindings", database.Of[Binding](b.db.Conn(ctx)).Where("gone_at IS NULL").Order("id")); err != nil {
		return nil, err
	}
	if l.Endpoints, err = database.List(ctx, "endpoints", database.Of[Endpoint](b.db.Conn(ctx)).Where("gone_at IS NULL").Order("id")); err != nil {
		return nil, err
	}
	calls := database.Of[Dependency](b.db.Conn(ctx)).Select("id", "workspace_id", "environment_id", "source_id", "from_id", "to_id", "kind", "basis", "protocol", "port", "transport", "authentication", "authorization", "first_seen", "last_seen")
	if l.Calls, err = database.List(ctx, "calls", calls.Where("gone_at IS NULL").Order("id")); err != nil {
		return nil, err
	}
	if err := b.operationsByService(ctx, l.Operations); err != nil {
		return nil, err
	}
	// Newest last, so that the last of each source stays.
	imports, err := database.List(ctx, "imports", database.Of[Import](b.db.Conn(ctx)).Select("id", "workspace_id", "source_id", "state", "namespaces_complete", "applied_at").Where("state = ?", ImportApplied).Order("applied_at, id"))
	for _, i := range imports {
		l.Imports[i.SourceID] = i
	}
	return l, err
}

func (b *Book) operationsByService(ctx context.Context, counts map[int64]int) error {
	var rows []struct {
		ServiceID int64
		N         int
	}
	err := b.db.Conn(ctx).Model(&Operation{}).Select("service_id, COUNT(*) AS n").Where("gone_at IS NULL AND service_id IS NOT NULL").Group("service_id").Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("count operations: %w", err)
	}
	for _, r := range rows {
		counts[r.ServiceID] = r.N
	}
	return nil
}
