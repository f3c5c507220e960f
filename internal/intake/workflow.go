package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/imports/model"
	"muster/internal/inventory"
	"muster/internal/posture"
)

// Workflow is the one door for imports: web, command line and later the API go through it.
type Workflow struct {
	db     *database.DB
	access *access.Control
	log    *activity.Service
	book   *inventory.Book

	findings *finding.Service
	ledger   *evidence.Ledger
	posture  *posture.Service
}

// New makes the workflow.
func New(db *database.DB, control *access.Control, log *activity.Service, book *inventory.Book, findings *finding.Service, ledger *evidence.Ledger, p *posture.Service) *Workflow {
	return &Workflow{db: db, access: control, log: log, book: book, findings: findings, ledger: ledger, posture: p}
}

// The times of an import.
const (
	undoWithin    = 30 * 24 * time.Hour
	forgetPreview = 7 * 24 * time.Hour
)

// Proposal is a set of files that somebody wants to import.
type Proposal struct {
	EnvironmentID int64
	SourceName    string // "" suggests one
	Partial       bool   // says nothing about what it does not hold
	// NamespacesComplete says that the files hold every network policy of their namespaces.
	NamespacesComplete bool
	Inspection         *model.Inspection
}

// Propose stores a preview: what the files say, nothing of the inventory.
func (w *Workflow) Propose(ctx context.Context, actor access.Actor, p Proposal) (int64, error) {
	if err := w.access.Require(actor, access.Write, access.Imports); err != nil {
		return 0, err
	}
	if len(p.Inspection.Inputs) == 0 {
		return 0, fault.Field("files", nothingRead(p.Inspection))
	}
	uploaded, err := pack(p.Inspection)
	if err != nil {
		return 0, err
	}
	row := inventory.Import{State: inventory.ImportPreview, Partial: p.Partial, NamespacesComplete: p.NamespacesComplete, ActorID: actor.UserID, ActorName: actor.Name, Digest: digest(p.Inspection), Uploaded: uploaded, Counts: "{}"}
	if row.Inputs, err = encode(p.Inspection.Inputs); err != nil {
		return 0, err
	}
	if row.Problems, err = encode(p.Inspection.Problems); err != nil {
		return 0, err
	}
	err = w.db.InTx(ctx, func(ctx context.Context) error {
		fields := fault.Fields{}
		name := inventory.CleanName(fields, "source", p.SourceName, 100)
		if err := fields.Err(); err != nil {
			return err
		}
		if name == "" {
			if name, err = w.suggest(ctx, p); err != nil {
				return err
			}
		}
		source, err := w.book.SourceNamed(ctx, p.EnvironmentID, name)
		if err != nil {
			return err
		}
		if err := w.book.ForgetPreviews(ctx, w.db.Now(ctx).Add(-forgetPreview)); err != nil {
			return err
		}
		row.SourceID, row.CreatedAt = source.ID, w.db.Now(ctx)
		return w.book.AddImport(ctx, &row)
	})
	return row.ID, err
}

func nothingRead(i *model.Inspection) string {
	if len(i.Problems) > 0 {
		return fmt.Sprintf("Nothing in these files could be read. %s: %s", i.Problems[0].Path, i.Problems[0].Message)
	}
	return "There is nothing in these files that Muster reads."
}

func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode import: %w", err)
	}
	return string(b), nil
}

// suggest finds the source whose workloads these files name again; else a name of its own.
func (w *Workflow) suggest(ctx context.Context, p Proposal) (string, error) {
	bindings, err := w.book.LiveBindings(ctx, p.EnvironmentID)
	if err != nil {
		return "", err
	}
	sources, err := w.book.Sources(ctx, access.SystemActor("intake"))
	if err != nil {
		return "", err
	}
	mine, size, overlap := map[key]bool{}, map[int64]int{}, map[int64]int{}
	for i := range p.Inspection.Services {
		mine[keyOf(&p.Inspection.Services[i])] = true
	}
	for _, b := range bindings {
		size[b.SourceID]++
		if mine[key{b.Kind, b.Namespace, b.Name}] {
			overlap[b.SourceID]++
		}
	}
	best := ""
	most := 0
	for _, s := range sources {
		if n := overlap[s.ID]; s.EnvironmentID == p.EnvironmentID && n > most && (3*n >= len(mine) || 3*n >= size[s.ID]) {
			best, most = s.Name, n
		}
	}
	if best != "" {
		return best, nil
	}
	return suggestName(p.Inspection), nil
}

// Preview is an import that waits for a word, and what it would do.
type Preview struct {
	Import     inventory.Import
	Source     inventory.Source
	Inputs     []model.Input
	Problems   []model.Problem
	Plan       *Plan
	SameBefore bool // the very same files were imported last time
}

// Preview computes what an import would do now.
func (w *Workflow) Preview(ctx context.Context, actor access.Actor, id int64, c Choices) (Preview, error) {
	var p Preview
	if err := w.access.Require(actor, access.Write, access.Imports); err != nil {
		return p, err
	}
	var err error
	if p.Import, p.Source, err = w.book.Import(ctx, actor, id); err != nil {
		return p, err
	}
	if p.Import.State != inventory.ImportPreview {
		return p, fault.New(fault.Conflict, "This import was decided already.")
	}
	p.Plan, p.SameBefore, _, err = w.plan(ctx, &p.Import, &p.Source, c)
	if err != nil {
		return p, err
	}
	return p, errors.Join(json.Unmarshal([]byte(p.Import.Inputs), &p.Inputs), json.Unmarshal([]byte(p.Import.Problems), &p.Problems))
}

// plan reads what is recorded and computes the difference; the effective inspection comes with it.
func (w *Workflow) plan(ctx context.Context, i *inventory.Import, source *inventory.Source, c Choices) (p *Plan, same bool, effective *model.Inspection, err error) {
	if effective, err = unpack(i.Uploaded); err != nil {
		return nil, false, nil, err
	}
	newest, found, err := w.book.NewestApplied(ctx, source.ID)
	if err != nil {
		return nil, false, nil, err
	}
	uploaded := effective
	before := model.New()
	if found && (i.Partial || !declares(uploaded)) {
		if before, err = unpack(newest.Effective); err != nil {
			return nil, false, nil, err
		}
	}
	if declares(uploaded) {
		if found && i.Partial {
			effective = overlay(before, uploaded)
		}
		if p, err = w.diffNow(ctx, source, effective, c); err != nil {
			return nil, false, nil, err
		}
	} else { // reports say nothing of services and calls: what is known of them stays
		effective, p = before, &Plan{names: map[int64]string{}}
	}
	err = w.planReports(ctx, p, i, source, uploaded, c)
	effective.Findings, effective.Components = nil, nil // they are rows of their own
	return p, found && newest.Digest == i.Digest && newest.NamespacesComplete == i.NamespacesComplete, effective, err
}

// planReports adds what the reports and parts lists among the files would do.
func (w *Workflow) planReports(ctx context.Context, p *Plan, i *inventory.Import, source *inventory.Source, uploaded *model.Inspection, c Choices) error {
	if p.Held {
		p.HeldWhy = heldWorkloads(p)
	}
	if !tells(uploaded) {
		return nil
	}
	o, err := w.owners(ctx, source, c)
	if err != nil {
		return err
	}
	reports, statements := reportsOf(i, source, uploaded, c, o)
	if len(reports)+len(statements) > 0 {
		if p.Findings, err = w.findings.Plan(ctx, reports, statements...); err != nil {
			return err
		}
		if p.Findings.Held && !c.AcceptBig {
			p.hold(p.Findings.Why)
		}
	}
	if err := w.planParts(ctx, p, i, source, uploaded, o, c); err != nil {
		return err
	}
	p.Owners = o.list()
	return nil
}

// hold makes the plan wait for a person.
func (p *Plan) hold(why string) {
	p.Held, p.HeldWhy = true, strings.TrimSpace(p.HeldWhy+" "+why)
}

func (w *Workflow) diffNow(ctx context.Context, source *inventory.Source, x *model.Inspection, c Choices) (*Plan, error) {
	recorded, err := w.book.Record(ctx, source)
	if err != nil {
		return nil, err
	}
	return diff(&recorded, source, x, c, w.db.Now(ctx))
}

// Confirm runs the plan of a preview, all of it or nothing.
func (w *Workflow) Confirm(ctx context.Context, actor access.Actor, id int64, c Choices) (*Plan, error) {
	if err := w.access.Require(actor, access.Write, access.Imports); err != nil {
		return nil, err
	}
	var p *Plan
	err := w.db.InTx(ctx, func(ctx context.Context) error {
		i, source, err := w.book.Import(ctx, actor, id)
		if err != nil {
			return err
		}
		if i.State != inventory.ImportPreview {
			return fault.New(fault.Conflict, "This import was decided already.")
		}
		// A person's word about whose rows are whose comes first: what was nobody's is met as the service's own then.
		for _, label := range slices.Sorted(maps.Keys(c.Labels)) {
			if err := w.remember(ctx, actor, label, c.Labels[label]); err != nil {
				return err
			}
		}
		var effective *model.Inspection
		if p, _, effective, err = w.plan(ctx, &i, &source, c); err != nil {
			return err
		}
		if p.Held {
			return &fault.Error{Kind: fault.Conflict, Message: p.HeldWhy, Fields: map[string]string{"accept": p.HeldWhy}}
		}
		now := w.db.Now(ctx)
		i.State, i.AppliedAt = inventory.ImportApplied, &now
		if i.Effective, err = pack(effective); err != nil {
			return err
		}
		if i.Counts, err = encode(countsOf(p)); err != nil {
			return err
		}
		// Settled first: of two confirms at once the second finds another state and stores nothing.
		if err := w.book.SettleImport(ctx, &i, inventory.ImportPreview); err != nil {
			return err
		}
		touched, err := w.book.Apply(ctx, i.ID, &p.Writes)
		if err != nil {
			return err
		}
		if err := w.record(ctx, actor, "import.apply", &i, source.Name, p); err != nil {
			return err
		}
		spoken, err := unpack(i.Uploaded)
		if err != nil {
			return err
		}
		if declares(spoken) {
			if err := w.observe(ctx, &i, &source, effective, spoken); err != nil {
				return err
			}
		}
		if err := w.listed(ctx, &i, &source, p.Writes.Lists); err != nil {
			return err
		}
		found, err := w.applyFindings(ctx, actor, &i, &source, p)
		if err != nil {
			return err
		}
		if !declares(spoken) {
			return w.posture.Recompute(ctx, append(touched, found...), posture.Cause{Actor: actor.Name})
		}
		return w.judge(ctx, actor, &source, append(touched, found...), "")
	})
	return p, err
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

// Cancel drops a preview.
func (w *Workflow) Cancel(ctx context.Context, actor access.Actor, id int64) error {
	if err := w.access.Require(actor, access.Write, access.Imports); err != nil {
		return err
	}
	return w.db.InTx(ctx, func(ctx context.Context) error {
		i, _, err := w.book.Import(ctx, actor, id)
		if err != nil {
			return err
		}
		i.State = inventory.ImportCancelled
		return w.book.SettleImport(ctx, &i, inventory.ImportPreview)
	})
}

// MayUndo says whether an import can be undone, and if not, why.
func (w *Workflow) MayUndo(ctx context.Context, i *inventory.Import) (bool, string, error) {
	if i.State != inventory.ImportApplied {
		return false, "Only an import that counts can be undone.", nil
	}
	newest, _, err := w.book.NewestApplied(ctx, i.SourceID)
	if err != nil {
		return false, "", err
	}
	if newest.ID != i.ID {
		return false, "A newer import of this source counts; undo that one first.", nil
	}
	if w.db.Now(ctx).Sub(*i.AppliedAt) > undoWithin {
		return false, "It was made more than 30 days ago.", nil
	}
	return true, "", nil
}

// Undo takes an import back: the one before it counts again. What people set stays.
func (w *Workflow) Undo(ctx context.Context, actor access.Actor, id int64) error {
	if err := w.access.Require(actor, access.Delete, access.Imports); err != nil {
		return err
	}
	return w.db.InTx(ctx, func(ctx context.Context) error {
		i, source, err := w.book.Import(ctx, actor, id)
		if err != nil {
			return err
		}
		ok, why, err := w.MayUndo(ctx, &i)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.Conflict, "%s", why)
		}
		before, found, err := w.book.AppliedBefore(ctx, source.ID, i.ID)
		if err != nil {
			return err
		}
		effective := model.New()
		if found {
			if effective, err = unpack(before.Effective); err != nil {
				return err
			}
		}
		spoken, err := unpack(i.Uploaded)
		if err != nil {
			return err
		}
		p := &Plan{names: map[int64]string{}}
		if declares(spoken) {
			if p, err = w.diffNow(ctx, &source, effective, Choices{AcceptBig: true}); err != nil {
				return err
			}
		}
		if p.Writes.Retired, err = w.orphans(ctx, &source, &i, p); err != nil {
			return err
		}
		now := w.db.Now(ctx)
		i.State, i.UndoneAt = inventory.ImportUndone, &now
		if err := w.book.SettleImport(ctx, &i, inventory.ImportApplied); err != nil {
			return err
		}
		touched, err := w.book.Apply(ctx, i.ID, &p.Writes)
		if err != nil {
			return err
		}
		if err := w.record(ctx, actor, "import.undo", &i, source.Name, p); err != nil {
			return err
		}
		if err := w.ledger.RetractImport(ctx, actor, i.ID, "The import was undone."); err != nil {
			return err
		}
		weaknesses, err := w.findings.Undo(ctx, actor, i.ID)
		if err != nil {
			return err
		}
		parts, err := w.book.UndoComponents(ctx, i.ID)
		if err != nil {
			return err
		}
		weaknesses = append(weaknesses, parts...)
		return w.judge(ctx, actor, &source, append(touched, weaknesses...), "import undone")
	})
}

// orphans are services that the undone import added, that no file names any more, and that no person touched.
func (w *Workflow) orphans(ctx context.Context, source *inventory.Source, i *inventory.Import, p *Plan) ([]inventory.Service, error) {
	recorded, err := w.book.Record(ctx, source)
	if err != nil {
		return nil, err
	}
	ended, stays := map[int64]bool{}, map[int64]bool{}
	for _, b := range recorded.Bindings {
		if slices.Contains(p.Writes.Ended.Bindings, b.ID) {
			ended[b.ServiceID] = true
		} else if b.GoneAt == nil {
			stays[b.ServiceID] = true
		}
	}
	for _, b := range recorded.Elsewhere {
		stays[b.ServiceID] = true
	}
	var gone []inventory.Service
	for _, s := range recorded.Services {
		if ended[s.ID] && !stays[s.ID] && s.SetByPerson == "" && s.ConfirmedAt == nil && s.TeamID == nil && !s.CreatedAt.Before(*i.AppliedAt) {
			gone = append(gone, s)
		}
	}
	return gone, nil
}
