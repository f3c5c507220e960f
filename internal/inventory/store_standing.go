package inventory

import (
	"context"
	"slices"

	"muster/internal/database"
)

// loadStandings reads what standings are made of, in one query per table and five hundred services.
func (b *Book) loadStandings(ctx context.Context, ids []int64) (*standings, error) {
	r := &standings{services: map[int64]Service{}, environment: map[int64]int64{}}
	var err error
	if r.production, err = b.Production(ctx); err != nil {
		return nil, err
	}
	sources, err := b.sources(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		r.environment[s.ID] = s.EnvironmentID
	}
	if ids == nil {
		return r, b.loadStanding(ctx, r, func(column string) string { return column + " > 0" }, nil)
	}
	return r, database.Chunks(ids, func(some []int64) error {
		return b.loadStanding(ctx, r, func(column string) string { return column + " IN ?" }, some)
	})
}

// loadStanding reads the rows whose service column fits the condition.
func (b *Book) loadStanding(ctx context.Context, r *standings, of func(column string) string, ids []int64) error {
	arguments := []any{}
	if ids != nil {
		arguments = append(arguments, ids)
	}
	services, err := database.List(ctx, "services", database.Of[Service](b.db.Conn(ctx)).Where(of("id"), arguments...))
	if err != nil {
		return err
	}
	for _, s := range services {
		if s.Judged() {
			r.services[s.ID] = s
		}
	}
	if err := more(ctx, &r.bindings, "bindings", database.Of[Binding](b.db.Conn(ctx)).Where(of("service_id"), arguments...).Where("gone_at IS NULL").Order("id")); err != nil {
		return err
	}
	if err := more(ctx, &r.endpoints, "endpoints", database.Of[Endpoint](b.db.Conn(ctx)).Where(of("service_id"), arguments...).Where("gone_at IS NULL").Order("id")); err != nil {
		return err
	}
	if err := more(ctx, &r.operations, "operations", database.Of[Operation](b.db.Conn(ctx)).Where(of("service_id"), arguments...).Where("gone_at IS NULL").Order("id")); err != nil {
		return err
	}
	if err := more(ctx, &r.facts, "facts", database.Of[Fact](b.db.Conn(ctx)).Where(of("service_id"), arguments...).Where("ended_at IS NULL AND key IN ?", standingFacts)); err != nil {
		return err
	}
	columns := database.Of[Dependency](b.db.Conn(ctx)).Select("id", "workspace_id", "environment_id", "from_id", "to_id")
	if ids == nil {
		return more(ctx, &r.calls, "calls", columns.Where("gone_at IS NULL AND kind = 'call'"))
	}
	return more(ctx, &r.calls, "calls", columns.Where("(from_id IN ? OR to_id IN ?) AND gone_at IS NULL AND kind = 'call'", ids, ids))
}

func more[T any](ctx context.Context, into *[]T, what string, q database.Query[T]) error {
	rows, err := database.List(ctx, what, q)
	*into = append(*into, rows...)
	return err
}

func (b *Book) roster(ctx context.Context) ([]Service, error) {
	q := database.Of[Service](b.db.Conn(ctx)).Where("retired_at IS NULL AND merged_into = 0 AND kind IN ?", []Kind{KindService, KindDatastore})
	if seen, limited := visible(ctx); limited {
		q = q.Where("id IN ?", seen)
	}
	return database.List(ctx, "services", q.Order("name, id"))
}

func (b *Book) rosterEver(ctx context.Context) ([]Service, error) {
	q := database.Of[Service](b.db.Conn(ctx)).Where("kind IN ?", []Kind{KindService, KindDatastore})
	if seen, limited := visible(ctx); limited {
		q = q.Where("id IN ?", seen)
	}
	return database.List(ctx, "services", q.Order("name, id"))
}

func (b *Book) named(ctx context.Context) ([]Service, error) {
	q := database.Of[Service](b.db.Conn(ctx)).Select("id, workspace_id, slug, name, team_id, retired_at, merged_into").Where("kind IN ?", []Kind{KindService, KindDatastore})
	if seen, limited := visible(ctx); limited {
		q = q.Where("id IN ?", seen)
	}
	return database.List(ctx, "names of services", q)
}

func (b *Book) publicAddresses(ctx context.Context) ([]string, error) {
	production, err := b.Production(ctx)
	if err != nil {
		return nil, err
	}
	services := b.db.Conn(ctx).Model(&Service{}).Select("id").Where("exposure = ? AND retired_at IS NULL AND merged_into = 0", Public)
	rows, err := database.List(ctx, "public endpoints", database.Of[Endpoint](b.db.Conn(ctx)).Select("id", "workspace_id", "address").
		Where("service_id IN (?) AND environment_id = ? AND scope = 'all' AND via <> 'service' AND gone_at IS NULL", services, production).Order("address"))
	var addresses []string
	for _, e := range rows {
		addresses = append(addresses, e.Address)
	}
	return slices.Compact(addresses), err
}

func (b *Book) anyPublic(ctx context.Context) (bool, error) {
	_, found, err := take(ctx, "public service", database.Of[Service](b.db.Conn(ctx)).Select("id", "workspace_id").Where("exposure = ? AND retired_at IS NULL AND merged_into = 0", Public))
	return found, err
}
