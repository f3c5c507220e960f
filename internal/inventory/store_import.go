package inventory

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"muster/internal/database"
	"muster/internal/fault"
)

// maxRows bounds what one source may have left; the caps on uploads keep real ones far below.
const maxRows = 500_000

// importable are all services that files may speak about: a retired one comes back when files name it again.
func (b *Book) importable(ctx context.Context) ([]Service, error) {
	return list(ctx, "services", database.Of[Service](b.db.Conn(ctx)).Where("merged_into = 0").Order("id").Limit(50_000))
}

func (b *Book) bindingsOfSource(ctx context.Context, source int64) ([]Binding, error) {
	return list(ctx, "bindings", database.Of[Binding](b.db.Conn(ctx)).Where("source_id = ?", source).Order("id").Limit(maxRows))
}

func (b *Book) bindingsElsewhere(ctx context.Context, source *Source) ([]Binding, error) {
	return list(ctx, "bindings", database.Of[Binding](b.db.Conn(ctx)).
		Where("source_id IN (?) AND gone_at IS NULL", b.db.Conn(ctx).Model(&Source{}).Select("id").Where("environment_id = ? AND id <> ?", source.EnvironmentID, source.ID)).
		Order("id").Limit(maxRows))
}

func (b *Book) sourceFacts(ctx context.Context, source int64) ([]Fact, error) {
	return list(ctx, "facts", database.Of[Fact](b.db.Conn(ctx)).Where("source_id = ? AND ended_at IS NULL", source).Order("id").Limit(maxRows))
}

func (b *Book) sourceEndpoints(ctx context.Context, source int64) ([]Endpoint, error) {
	return list(ctx, "endpoints", database.Of[Endpoint](b.db.Conn(ctx)).Where("source_id = ? AND gone_at IS NULL", source).Order("id").Limit(maxRows))
}

func (b *Book) sourceOperations(ctx context.Context, source int64) ([]Operation, error) {
	return list(ctx, "operations", database.Of[Operation](b.db.Conn(ctx)).Where("source_id = ? AND gone_at IS NULL", source).Order("id").Limit(maxRows))
}

func (b *Book) sourceDependencies(ctx context.Context, source int64) ([]Dependency, error) {
	return list(ctx, "calls", database.Of[Dependency](b.db.Conn(ctx)).Where("source_id = ? AND gone_at IS NULL", source).Order("id").Limit(maxRows))
}

func (b *Book) sourceUnresolved(ctx context.Context, source int64) ([]Unresolved, error) {
	return list(ctx, "names", database.Of[Unresolved](b.db.Conn(ctx)).Where("source_id = ? AND gone_at IS NULL", source).Order("id").Limit(maxRows))
}

func (b *Book) sourceByID(ctx context.Context, id int64) (Source, bool, error) {
	return take(ctx, "source", database.Of[Source](b.db.Conn(ctx)).Where("id = ?", id))
}

func (b *Book) sourceByName(ctx context.Context, environment int64, name string) (Source, bool, error) {
	return take(ctx, "source", database.Of[Source](b.db.Conn(ctx)).Where("environment_id = ? AND name = ?", environment, name))
}

func (b *Book) importByID(ctx context.Context, id int64) (Import, bool, error) {
	return take(ctx, "import", database.Of[Import](b.db.Conn(ctx)).Where("id = ?", id))
}

func (b *Book) listImports(ctx context.Context, offset, limit int) ([]Import, int64, error) {
	var total int64
	if err := b.db.Conn(ctx).Model(&Import{}).Where("state <> ?", ImportCancelled).Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count imports: %w", err)
	}
	rows, err := list(ctx, "imports", database.Of[Import](b.db.Conn(ctx)).Select("id", "source_id", "state", "partial", "namespaces_complete", "actor_id", "actor_name", "inputs", "problems", "counts", "service_id", "held", "run_id", "created_at", "applied_at", "undone_at").
		Where("state <> ?", ImportCancelled).Order("id DESC").Offset(offset).Limit(limit))
	return rows, total, err
}

// newestApplied finds the newest import of a source that counts; before limits it to older ones.
func (b *Book) newestApplied(ctx context.Context, source, before int64) (Import, bool, error) {
	q := database.Of[Import](b.db.Conn(ctx)).Where("source_id = ? AND state = ?", source, ImportApplied)
	if before > 0 {
		q = q.Where("id < ?", before)
	}
	return take(ctx, "import", q.Order("applied_at DESC, id DESC"))
}

func (b *Book) settleImport(ctx context.Context, i *Import, from ImportState) error {
	r := b.db.Conn(ctx).Model(&Import{}).Where("id = ? AND state = ?", i.ID, from).Select("state", "counts", "effective", "applied_at", "undone_at").Updates(i)
	if r.Error != nil {
		return fmt.Errorf("settle import: %w", r.Error)
	}
	if r.RowsAffected != 1 {
		return fault.New(fault.Conflict, "Somebody else decided about this import just now.")
	}
	return nil
}

func (b *Book) setImport(ctx context.Context, i *Import, column string) error {
	if err := b.db.Conn(ctx).Model(&Import{}).Where("id = ? AND state = ?", i.ID, ImportPreview).Select(column).Updates(i).Error; err != nil {
		return fmt.Errorf("note on import: %w", err)
	}
	return nil
}

func (b *Book) dropHeld(ctx context.Context, i *Import) error {
	older := b.db.Conn(ctx).Model(&Import{}).Where("source_id = ? AND service_id = ? AND state = ? AND held <> '' AND id < ?", i.SourceID, i.ServiceID, ImportPreview, i.ID)
	if err := older.Updates(map[string]any{"state": ImportCancelled}).Error; err != nil {
		return fmt.Errorf("drop what waits: %w", err)
	}
	return nil
}

func (b *Book) heldImports(ctx context.Context, limit int) ([]Import, error) {
	return list(ctx, "imports", database.Of[Import](b.db.Conn(ctx)).Select("id", "source_id", "held", "actor_name", "created_at").Where("held <> '' AND state = 'preview'").Order("id DESC").Limit(limit))
}

func (b *Book) forgetPreviews(ctx context.Context, before time.Time) error {
	if _, err := database.Of[Import](b.db.Conn(ctx)).Where("state IN ? AND held = '' AND created_at < ?", []ImportState{ImportPreview, ImportCancelled}, before).Delete(ctx); err != nil {
		return fmt.Errorf("forget previews: %w", err)
	}
	return nil
}

func insertAll[T any](ctx context.Context, b *Book, what string, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	if err := database.Of[T](b.db.Conn(ctx)).CreateInBatches(ctx, &rows, 200); err != nil {
		return fmt.Errorf("add %s: %w", what, err)
	}
	return nil
}

// writeRows stores the new rows, dates those that are said again, and ends those that are not.
func (b *Book) writeRows(ctx context.Context, importID int64, w *Writes, now time.Time) error {
	for i := range w.NewFacts {
		w.NewFacts[i].ImportID = importID
	}
	for _, f := range []func() error{
		func() error { return insertAll(ctx, b, "bindings", w.NewBindings) },
		func() error { return insertAll(ctx, b, "facts", w.NewFacts) },
		func() error { return insertAll(ctx, b, "endpoints", w.NewEndpoints) },
		func() error { return insertAll(ctx, b, "operations", w.NewOperations) },
		func() error { return insertAll(ctx, b, "calls", w.NewDependencies) },
		func() error { return insertAll(ctx, b, "names", w.NewUnresolved) },
		func() error { return b.stamp(ctx, &Service{}, w.Seen.Services, map[string]any{"last_seen_at": now}) },
		func() error {
			return b.stamp(ctx, &Binding{}, w.Seen.Bindings, map[string]any{"last_seen": now, "gone_at": nil})
		},
		func() error { return b.stamp(ctx, &Fact{}, w.Seen.Facts, map[string]any{"last_seen": now}) },
		func() error { return b.stamp(ctx, &Endpoint{}, w.Seen.Endpoints, map[string]any{"last_seen": now}) },
		func() error { return b.stamp(ctx, &Operation{}, w.Seen.Operations, map[string]any{"last_seen": now}) },
		func() error {
			return b.stamp(ctx, &Dependency{}, w.Seen.Dependencies, map[string]any{"last_seen": now})
		},
		func() error { return b.stamp(ctx, &Unresolved{}, w.Seen.Unresolved, map[string]any{"last_seen": now}) },
		func() error { return b.stamp(ctx, &Binding{}, w.Ended.Bindings, map[string]any{"gone_at": now}) },
		func() error {
			return b.stamp(ctx, &Fact{}, w.Ended.Facts, map[string]any{"ended_at": now, "ended_by": importID})
		},
		func() error { return b.stamp(ctx, &Endpoint{}, w.Ended.Endpoints, map[string]any{"gone_at": now}) },
		func() error { return b.stamp(ctx, &Operation{}, w.Ended.Operations, map[string]any{"gone_at": now}) },
		func() error { return b.stamp(ctx, &Dependency{}, w.Ended.Dependencies, map[string]any{"gone_at": now}) },
		func() error { return b.stamp(ctx, &Unresolved{}, w.Ended.Unresolved, map[string]any{"gone_at": now}) },
	} {
		if err := f(); err != nil {
			return err
		}
	}
	for id, p := range w.Moved {
		if err := b.stamp(ctx, &Fact{}, []int64{id}, map[string]any{"path": p.Path, "line": p.Line}); err != nil {
			return err
		}
	}
	for id, e := range w.Lines {
		if err := b.stamp(ctx, &Dependency{}, []int64{id}, map[string]any{"evidence": string(e)}); err != nil {
			return err
		}
	}
	return nil
}

// stamp updates rows by id, in chunks that both engines take.
func (b *Book) stamp(ctx context.Context, row any, ids []int64, values map[string]any) error {
	for len(ids) > 0 {
		n := min(len(ids), 500)
		if err := b.db.Conn(ctx).Model(row).Where("id IN ?", ids[:n]).Updates(values).Error; err != nil {
			return fmt.Errorf("date rows: %w", err)
		}
		ids = ids[n:]
	}
	return nil
}

// updateFromFiles writes what files say of a service, and moves its version on: a person who is editing it just now must
// see that, and what a person saved just now must not be overwritten.
func (b *Book) updateFromFiles(ctx context.Context, s *Service) error {
	was := s.Version
	s.Version, s.UpdatedAt = was+1, b.db.Now(ctx)
	r := b.db.Conn(ctx).Model(&Service{}).Where("id = ? AND version = ?", s.ID, was).
		Select("exposure", "language", "runtime", "kind", "datastore_kind", "retired_at", "retire_reason", "version", "updated_at").Updates(s)
	if r.Error != nil {
		return fmt.Errorf("update service from files: %w", r.Error)
	}
	if r.RowsAffected != 1 {
		return fault.New(fault.Conflict, "%s was changed by somebody else just now. Nothing was imported; try again.", s.Name)
	}
	return nil
}

// touchedBy names the services of rows that ended.
func (b *Book) touchedBy(ctx context.Context, ended Rows) ([]int64, error) {
	var all []int64
	for _, part := range []struct {
		row    any
		column string
		ids    []int64
	}{
		{&Fact{}, "service_id", ended.Facts}, {&Endpoint{}, "service_id", ended.Endpoints}, {&Dependency{}, "from_id", ended.Dependencies},
		{&Dependency{}, "to_id", ended.Dependencies}, {&Operation{}, "service_id", ended.Operations}, {&Component{}, "service_id", ended.Components},
	} {
		for ids := part.ids; len(ids) > 0; {
			n := min(len(ids), 500)
			var found []int64
			if err := b.db.Conn(ctx).Model(part.row).Distinct(part.column).Where("id IN ? AND "+part.column+" > 0", ids[:n]).Pluck(part.column, &found).Error; err != nil {
				return nil, fmt.Errorf("find touched services: %w", err)
			}
			all, ids = append(all, found...), ids[n:]
		}
	}
	return all, nil
}

// production limits rows to sources of production environments, or to people's own.
func (b *Book) production(ctx context.Context) *gorm.DB {
	environments := b.db.Conn(ctx).Model(&Environment{}).Select("id").Where("production = ?", true)
	return b.db.Conn(ctx).Model(&Source{}).Select("id").Where("environment_id IN (?)", environments)
}

// known loads what decides the words of services, from production.
func (b *Book) known(ctx context.Context, ids []int64) (map[int64]*Known, error) {
	all := make(map[int64]*Known, len(ids))
	for _, id := range ids {
		all[id] = &Known{}
	}
	facts, err := list(ctx, "facts", database.Of[Fact](b.db.Conn(ctx)).Where("service_id IN ? AND ended_at IS NULL AND source_id IN (?)", ids, b.production(ctx)).Limit(maxRows))
	if err != nil {
		return nil, err
	}
	for _, f := range facts {
		all[f.ServiceID].Facts = append(all[f.ServiceID].Facts, f)
	}
	endpoints, err := list(ctx, "endpoints", database.Of[Endpoint](b.db.Conn(ctx)).Where("service_id IN ? AND gone_at IS NULL AND (source_id IS NULL OR source_id IN (?))", ids, b.production(ctx)).Limit(maxRows))
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		all[e.ServiceID].Endpoints = append(all[e.ServiceID].Endpoints, e)
	}
	calls, err := list(ctx, "calls", database.Of[Dependency](b.db.Conn(ctx)).Where("to_id IN ? AND gone_at IS NULL AND (source_id IS NULL OR source_id IN (?))", ids, b.production(ctx)).Limit(maxRows))
	if err != nil {
		return nil, err
	}
	for _, d := range calls {
		all[d.ToID].CallsIn = append(all[d.ToID].CallsIn, d)
	}
	operations, err := list(ctx, "operations", database.Of[Operation](b.db.Conn(ctx)).Select("service_id", "security").Where("service_id IN ? AND gone_at IS NULL AND source_id IN (?)", ids, b.production(ctx)).Limit(maxRows))
	if err != nil {
		return nil, err
	}
	for _, o := range operations {
		k := all[*o.ServiceID]
		k.Operations++
		if o.Security != "required" {
			k.Open++
		}
	}
	return all, nil
}

func (b *Book) writeWords(ctx context.Context, ids []int64, known map[int64]*Known) error {
	groups := map[[2]string][]int64{}
	for _, id := range ids {
		words := [2]string{DeriveAuthentication(*known[id]), DeriveEncryption(*known[id])}
		groups[words] = append(groups[words], id)
	}
	for words, of := range groups {
		if err := b.stamp(ctx, &Service{}, of, map[string]any{"authentication": words[0], "encryption": words[1]}); err != nil {
			return err
		}
	}
	return nil
}

// countCalls writes how many different services call, and are called by, each of these.
func (b *Book) countCalls(ctx context.Context, ids []int64) error {
	callers, err := b.count(ctx, "to_id", "from_id", ids)
	if err != nil {
		return err
	}
	callees, err := b.count(ctx, "from_id", "to_id", ids)
	if err != nil {
		return err
	}
	groups := map[[2]int][]int64{}
	for _, id := range ids {
		n := [2]int{callers[id], callees[id]}
		groups[n] = append(groups[n], id)
	}
	for n, of := range groups {
		if err := b.stamp(ctx, &Service{}, of, map[string]any{"callers": n[0], "callees": n[1]}); err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) count(ctx context.Context, of, other string, ids []int64) (map[int64]int, error) {
	var rows []struct {
		ID int64
		N  int
	}
	err := b.db.Conn(ctx).Model(&Dependency{}).Select(of+" AS id, COUNT(DISTINCT "+other+") AS n").Where(of+" IN ? AND gone_at IS NULL AND kind = ?", ids, "call").Group(of).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count calls: %w", err)
	}
	counts := map[int64]int{}
	for _, r := range rows {
		counts[r.ID] = r.N
	}
	return counts, nil
}
