package intake

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/imports/limit"
	"muster/internal/imports/model"
	"muster/internal/inventory"
	"muster/internal/jobs"
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
	jobs     *jobs.Service // nil until Work
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
	ServiceID     int64  // that the reports, parts lists and API documents are about; 0 leaves it to them
	Partial       bool   // says nothing about what it does not hold
	// NamespacesComplete says that the files hold every network policy of their namespaces.
	NamespacesComplete bool
	Inspection         *model.Inspection
	Findings           *model.Packer // those of a large report, which the inspection does not hold; nil is none
}

// Propose stores a preview: what the files say, nothing of the inventory.
func (w *Workflow) Propose(ctx context.Context, actor access.Actor, p Proposal) (int64, error) {
	if err := w.access.Require(actor, access.Write, access.Imports); err != nil {
		return 0, err
	}
	if len(p.Inspection.Inputs) == 0 {
		return 0, fault.Field("files", nothingRead(p.Inspection))
	}
	uploaded, err := cmp.Or(p.Findings, model.NewPacker()).Pack(p.Inspection)
	if err != nil {
		return 0, err
	}
	if len(uploaded) >= manyFindings {
		defer limit.Leash()()
		debug.FreeOSMemory() // the files are read and as large as all that follows
	}
	row := inventory.Import{State: inventory.ImportPreview, ServiceID: p.ServiceID, Partial: p.Partial, NamespacesComplete: p.NamespacesComplete, ActorID: actor.UserID, ActorName: actor.Name, Digest: digest(p.Inspection), Uploaded: uploaded, Counts: "{}"}
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
	SameBefore bool   // the very same files were imported last time
	Mark       string // of what would change, see Choices.Seen
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
	if p.Mark, err = w.markOf(ctx, &p, c); err != nil {
		return p, err
	}
	return p, errors.Join(json.Unmarshal([]byte(p.Import.Inputs), &p.Inputs), json.Unmarshal([]byte(p.Import.Problems), &p.Problems))
}

// plan reads what is recorded and computes the difference; the effective inspection comes with it.
func (w *Workflow) plan(ctx context.Context, i *inventory.Import, source *inventory.Source, c Choices) (p *Plan, same bool, effective *model.Inspection, err error) {
	if len(i.Uploaded) >= manyFindings {
		defer limit.Leash()()
	}
	if c.Service == 0 {
		c.Service = i.ServiceID
	}
	effective, told, err := model.Head(i.Uploaded)
	if err != nil {
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
	c.about(uploaded)
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
	if p.Held {
		p.HeldWhy = heldWorkloads(p)
	}
	if told || tells(uploaded) {
		err = w.planReports(ctx, p, i, source, uploaded, c)
	}
	effective.Components, uploaded.Components = nil, nil // they are rows of their own, which a large list would hold twice
	p.spoken = uploaded
	return p, found && newest.Digest == i.Digest && newest.NamespacesComplete == i.NamespacesComplete, effective, err
}

// planReports adds what the reports and parts lists among the files would do.
func (w *Workflow) planReports(ctx context.Context, p *Plan, i *inventory.Import, source *inventory.Source, uploaded *model.Inspection, c Choices) error {
	o, err := w.owners(ctx, source, c)
	if err != nil {
		return err
	}
	told, err := tellingOf(i, source, uploaded, c, o)
	if err != nil {
		return err
	}
	if len(told.reports)+len(told.statements) > 0 {
		if p.Findings, err = w.findings.PlanOf(ctx, told.reports, told.rows, told.statements...); err != nil {
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
		// Imports of one workspace follow each other: what one finds is there when the next computes what is new.
		if err := w.db.LockImports(ctx); err != nil {
			return err
		}
		i, source, err := w.book.Import(ctx, actor, id)
		if err != nil {
			return err
		}
		if i.State != inventory.ImportPreview {
			return fault.New(fault.Conflict, "This import was decided already.")
		}
		if err := w.stillSo(ctx, &i, &source, c); err != nil {
			return err
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
		return w.carryOut(ctx, actor, &i, &source, p, effective)
	})
	return p, err
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
		spoken, _, err := model.Head(i.Uploaded)
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
