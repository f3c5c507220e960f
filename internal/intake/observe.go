package intake

import (
	"context"
	"slices"

	"muster/internal/control/predicate"
	"muster/internal/evidence"
	"muster/internal/imports/model"
	"muster/internal/inventory"
)

// observe records what the files of an import say of the controls, for the services that its workloads and documents
// belong to now. spoken are the workloads that these files speak about.
func (w *Workflow) observe(ctx context.Context, i *inventory.Import, source *inventory.Source, effective, spoken *model.Inspection) error {
	return w.observeOf(ctx, i, source, effective, spoken, nil)
}

// observeOf is observe for some services only; nil is all of them.
func (w *Workflow) observeOf(ctx context.Context, i *inventory.Import, source *inventory.Source, effective, spoken *model.Inspection, services []int64) error {
	rows, err := w.evidenceOf(ctx, i, source, effective, spoken)
	if err != nil {
		return err
	}
	if services != nil {
		rows = slices.DeleteFunc(rows, func(e evidence.Evidence) bool { return !slices.Contains(services, e.ServiceID) })
	}
	rules, err := w.posture.Ruleset(ctx)
	if err != nil {
		return err
	}
	return w.ledger.Record(ctx, rules.Find, rows)
}

func (w *Workflow) evidenceOf(ctx context.Context, i *inventory.Import, source *inventory.Source, effective, spoken *model.Inspection) ([]evidence.Evidence, error) {
	recorded, err := w.book.Record(ctx, source)
	if err != nil {
		return nil, err
	}
	owners, documents := map[key]int64{}, map[string]int64{}
	for _, b := range recorded.Bindings {
		if b.GoneAt == nil {
			owners[key{b.Kind, b.Namespace, b.Name}] = b.ServiceID
		}
	}
	for _, o := range recorded.Operations {
		if o.ServiceID != nil {
			documents[o.Path] = *o.ServiceID
		}
	}
	speaks := map[key]bool{}
	for k := range spoken.Services {
		speaks[keyOf(&spoken.Services[k])] = true
	}
	byName := map[string]int64{}
	for k := range effective.Services {
		s := &effective.Services[k]
		byName[s.Name] = owners[keyOf(s)]
	}
	return predicate.Evidence(&predicate.Set{
		Inspection:   effective,
		Spoken:       func(s *model.Service) bool { return speaks[keyOf(s)] },
		ServiceOf:    func(name string) int64 { return byName[name] },
		DocumentOf:   func(path string) int64 { return documents[path] },
		WorkloadPart: workloadPart,
		Source:       source.ID, Import: i.ID, Environment: source.EnvironmentID, CompleteNamespaces: i.NamespacesComplete, At: *i.AppliedAt,
	}), nil
}

// workloadPart names a workload as its binding does.
func workloadPart(s *model.Service) string {
	b := inventory.Binding{Kind: s.WorkloadKind, Namespace: s.Namespace, Name: baseName(s)}
	return b.Workload()
}

// servicesOf are the services that a source's workloads and documents belong to, or belonged to.
func (w *Workflow) servicesOf(ctx context.Context, source *inventory.Source) ([]int64, error) {
	recorded, err := w.book.Record(ctx, source)
	var ids []int64
	for _, b := range recorded.Bindings {
		ids = append(ids, b.ServiceID)
	}
	for _, o := range recorded.Operations {
		if o.ServiceID != nil {
			ids = append(ids, *o.ServiceID)
		}
	}
	return ids, err
}

// ObserveAgain lets the newest import of every source that shows some services speak once more: workloads were moved
// from one service to another, and what their files say goes with them. Nothing is said again of other services.
func (w *Workflow) ObserveAgain(ctx context.Context, services []int64) error {
	return w.db.InTx(ctx, func(ctx context.Context) error {
		sources, err := w.book.AllSources(ctx)
		if err != nil {
			return err
		}
		for k := range sources {
			ids, err := w.servicesOf(ctx, &sources[k])
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(ids, func(id int64) bool { return slices.Contains(services, id) }) {
				continue
			}
			newest, found, err := w.book.NewestApplied(ctx, sources[k].ID)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			effective, err := unpack(newest.Effective)
			if err != nil {
				return err
			}
			if err := w.observeOf(ctx, &newest, &sources[k], effective, effective, services); err != nil {
				return err
			}
		}
		return nil
	})
}
