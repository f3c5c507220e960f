package intake

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/fault"
	"muster/internal/imports/limit"
	"muster/internal/imports/model"
	"muster/internal/inventory"
	"muster/internal/posture"
)

// carryOut stores what a plan says, in the transaction of the caller.
func (w *Workflow) carryOut(ctx context.Context, actor access.Actor, i *inventory.Import, source *inventory.Source, p *Plan, effective *model.Inspection) error {
	if len(i.Uploaded) >= manyFindings {
		defer limit.Leash()()
	}
	now := w.db.Now(ctx)
	i.State, i.AppliedAt = inventory.ImportApplied, &now
	var err error
	if i.Effective, err = pack(effective); err != nil {
		return err
	}
	if i.Counts, err = encode(countsOf(p)); err != nil {
		return err
	}
	// Settled first: of two confirms at once the second finds another state and stores nothing.
	if err := w.book.SettleImport(ctx, i, inventory.ImportPreview); err != nil {
		return err
	}
	if err := w.book.DropHeld(ctx, i); err != nil {
		return err
	}
	touched, err := w.book.Apply(ctx, i.ID, &p.Writes)
	if err != nil {
		return err
	}
	if err := w.record(ctx, actor, "import.apply", i, source.Name, p); err != nil {
		return err
	}
	if declares(p.spoken) {
		if err := w.observe(ctx, i, source, effective, p.spoken); err != nil {
			return err
		}
	}
	if err := w.listed(ctx, i, source, p.Writes.Lists); err != nil {
		return err
	}
	found, err := w.applyFindings(ctx, actor, i, source, p)
	if err != nil {
		return err
	}
	touched = append(touched, found...)
	if !declares(p.spoken) {
		return w.posture.Recompute(ctx, touched, posture.Cause{Actor: actor.Name})
	}
	return w.judge(ctx, actor, source, touched, "")
}

// applyFindings runs the plan of the reports and records that somebody looked.
func (w *Workflow) applyFindings(ctx context.Context, actor access.Actor, i *inventory.Import, source *inventory.Source, p *Plan) ([]int64, error) {
	if p.Findings == nil {
		return nil, nil
	}
	touched, err := w.findings.Apply(ctx, actor, i.ID, p.Findings)
	if err != nil {
		return nil, err
	}
	return touched, w.looked(ctx, i, source, p.Findings.Runs())
}

// remember keeps whose a report's word is, for the reports to come.
func (w *Workflow) remember(ctx context.Context, actor access.Actor, label string, service int64) error {
	if service == 0 {
		return nil
	}
	list, err := w.book.Roster(ctx, actor)
	if err != nil {
		return err
	}
	for k := range list {
		if list[k].ID == service {
			return w.findings.Remember(ctx, actor, label, &list[k])
		}
	}
	return fault.Missing("service")
}

// countsOf is what an import keeps of the difference it made.
func countsOf(p *Plan) map[string]any {
	counts := map[string]any{"services": p.Services, "dependencies": p.Dependencies, "facts": p.Facts}
	if p.Findings != nil {
		counts["findings"] = p.Findings.Counts
	}
	if p.HasParts {
		counts["components"] = p.Components
	}
	return counts
}

// judge makes the states of everything that a source speaks about true again.
func (w *Workflow) judge(ctx context.Context, actor access.Actor, source *inventory.Source, touched []int64, reason string) error {
	services, err := w.servicesOf(ctx, source)
	if err != nil {
		return err
	}
	return w.posture.Recompute(ctx, append(services, touched...), posture.Cause{Reason: reason, Actor: actor.Name})
}

func heldWorkloads(p *Plan) string {
	return fmt.Sprintf("%d workloads that this source showed before are not in these files, more than half. Did the export fail? Say that they are really gone, or import these files as a part.", len(p.Writes.Ended.Bindings))
}

func (w *Workflow) record(ctx context.Context, actor access.Actor, action string, i *inventory.Import, source string, p *Plan) error {
	after := map[string]any{"services": p.Services, "calls": p.Dependencies, "facts": p.Facts}
	if p.Findings != nil {
		after["findings"] = p.Findings.Counts
	}
	if p.HasParts {
		after["components"] = p.Components
	}
	if err := w.log.Record(ctx, actor, activity.Change{Action: action, Kind: "import", ID: i.ID, Name: source, After: after}); err != nil {
		return err
	}
	byService := map[int64][]string{}
	for _, l := range p.Lines {
		if l.Service > 0 {
			byService[l.Service] = append(byService[l.Service], l.Text)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byService)) {
		lines := byService[id]
		c := activity.Change{Action: "service.import", Kind: "service", ID: id, Name: p.names[id], After: map[string]any{"import": i.ID, "changes": lines[:min(len(lines), 20)]}}
		if err := w.log.Record(ctx, actor, c); err != nil {
			return err
		}
	}
	return nil
}
