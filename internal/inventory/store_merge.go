package inventory

import (
	"context"
	"fmt"

	"muster/internal/database"
)

func (b *Book) neighbours(ctx context.Context, id int64) ([]int64, error) {
	rows, err := list(ctx, "calls", database.Of[Dependency](b.db.Conn(ctx)).Where("gone_at IS NULL AND (from_id = ? OR to_id = ?)", id, id).Limit(maxRows))
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(rows))
	for i := range rows {
		ids = append(ids, rows[i].other(id))
	}
	return ids, nil
}

// moveRows gives rows to another service: all of them, or what the files say of the chosen workloads.
// Calls, endpoints and operations of chosen workloads follow at the next import, which knows which are whose.
func (b *Book) moveRows(ctx context.Context, from, to int64, chosen []Binding) error {
	if chosen != nil {
		for _, c := range chosen {
			err := b.stamp(ctx, &Binding{}, []int64{c.ID}, map[string]any{"service_id": to, "set_by_person": true})
			if err != nil {
				return err
			}
			r := b.db.Conn(ctx).Model(&Fact{}).Where("service_id = ? AND source_id = ? AND workload = ?", from, c.SourceID, c.Workload()).Update("service_id", to)
			if r.Error != nil {
				return fmt.Errorf("move facts: %w", r.Error)
			}
		}
		return nil
	}
	for _, part := range []struct {
		row    any
		column string
	}{
		{&Binding{}, "service_id"}, {&Fact{}, "service_id"}, {&Endpoint{}, "service_id"}, {&Operation{}, "service_id"}, {&Component{}, "service_id"},
		{&Unresolved{}, "service_id"}, {&Dependency{}, "from_id"}, {&Dependency{}, "to_id"},
	} {
		if err := b.db.Conn(ctx).Model(part.row).Where(part.column+" = ?", from).Update(part.column, to).Error; err != nil {
			return fmt.Errorf("move rows: %w", err)
		}
	}
	if err := b.db.Conn(ctx).Model(&Binding{}).Where("service_id = ?", to).Update("set_by_person", true).Error; err != nil {
		return fmt.Errorf("keep bindings: %w", err)
	}
	return nil
}

// endSelfAndDouble ends calls that a merge made senseless: of a service to itself, and the same call twice from one source.
func (b *Book) endSelfAndDouble(ctx context.Context, id int64) error {
	rows, err := list(ctx, "calls", database.Of[Dependency](b.db.Conn(ctx)).Where("gone_at IS NULL AND (from_id = ? OR to_id = ?)", id, id).Order("id").Limit(maxRows))
	if err != nil {
		return err
	}
	type key struct {
		from, to, source, environment int64
		kind                          string
	}
	seen := map[key]bool{}
	for _, d := range rows {
		k := key{d.FromID, d.ToID, 0, d.EnvironmentID, d.Kind}
		if d.SourceID != nil {
			k.source = *d.SourceID
		}
		if d.FromID == d.ToID || seen[k] {
			if err := b.endEdge(ctx, d.ID, b.db.Now(ctx)); err != nil {
				return err
			}
			continue
		}
		seen[k] = true
	}
	return nil
}
