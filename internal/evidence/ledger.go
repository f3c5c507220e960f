package evidence

import (
	"context"
	"fmt"
	"slices"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/fault"
)

// Ledger is the one door to evidence.
type Ledger struct {
	db     *database.DB
	access *access.Control
	log    *activity.Service
}

// New makes the ledger.
func New(db *database.DB, control *access.Control, log *activity.Service) *Ledger {
	return &Ledger{db: db, access: control, log: log}
}

// skew is how far another clock may be ahead before what it saw counts as the future.
const skew = time.Minute

// Find gives the control that a workspace knows by an id, its own ones included.
type Find func(id string) (*catalogue.Control, bool)

// Record appends what a machine observed, in the caller's transaction. Rows that a source may not say are refused;
// silence is kept only where the source said something before.
func (l *Ledger) Record(ctx context.Context, find Find, rows []Evidence) error {
	now := l.db.Now(ctx)
	for i := range rows {
		if err := admit(find, &rows[i], now); err != nil {
			return err
		}
		rows[i].ReceivedAt = now
	}
	return l.db.InTx(ctx, func(ctx context.Context) error { return l.append(ctx, rows) })
}

// admit checks that a row may be recorded at all.
func admit(find Find, e *Evidence, now time.Time) error {
	c, known := find(e.Control)
	if !known {
		return fault.New(fault.Invalid, "There is no control %s.", e.Control)
	}
	if !e.Outcome.Valid() {
		return fault.New(fault.Invalid, "Evidence passes or fails; %q is neither.", e.Outcome)
	}
	if e.ObservedAt.After(now.Add(skew)) {
		return fault.New(fault.Invalid, "This was observed in the future (%s); check the clock of whoever saw it.", e.ObservedAt.UTC().Format(time.RFC3339))
	}
	if e.Clause == "" && e.Kind != catalogue.Person {
		return fault.New(fault.Invalid, "Evidence from a machine names the clause of %s that it speaks about.", e.Control)
	}
	if _, exists := c.Clause(e.Clause); e.Clause != "" && !exists {
		return fault.New(fault.Invalid, "%s has no clause %q.", e.Control, e.Clause)
	}
	may := e.Kind == catalogue.Person || e.Outcome == Silent ||
		(e.Outcome == Pass && c.Proves(e.Kind, e.Clause)) || (e.Outcome == Fail && c.Refutes(e.Kind, e.Clause))
	if !may {
		return fault.New(fault.Invalid, "A source of kind %s may not say %s about %s.", e.Kind, e.Outcome, e.Control)
	}
	return nil
}

// append stores rows and marks what they replace.
func (l *Ledger) append(ctx context.Context, rows []Evidence) error {
	current, err := l.currentOf(ctx, rows)
	if err != nil {
		return err
	}
	var keep []Evidence
	var old []int64
	for i := range rows {
		e := &rows[i]
		before := current[e.cell()]
		if (e.Outcome == Silent && !speaks(before)) || slices.ContainsFunc(before, e.repeats) {
			continue
		}
		for _, o := range before {
			if e.replaces(&o) {
				old = append(old, o.ID)
			}
		}
		keep = append(keep, *e)
	}
	if err := l.supersede(ctx, old); err != nil {
		return err
	}
	if err := database.BulkInsert(ctx, l.db, keep); err != nil {
		return fmt.Errorf("add evidence: %w", err)
	}
	return nil
}

func speaks(rows []Evidence) bool {
	for _, e := range rows {
		if e.Outcome != Silent {
			return true
		}
	}
	return false
}

// Worth leaves out what a source said already and what holds for more than half of its time still: a register that
// nobody touched need not be heard every day. Silence is worth hearing only where something was said.
func (l *Ledger) Worth(ctx context.Context, rows []Evidence, age func(control string) time.Duration) ([]Evidence, error) {
	current, err := l.currentOf(ctx, rows, "observed")
	var keep []Evidence
	for i := range rows {
		e := &rows[i]
		before := current[e.cell()]
		said := e.Outcome == Silent && !speaks(before)
		for _, old := range before {
			same := old.Outcome == e.Outcome && old.Observed == e.Observed && (old.GoodUntil == nil) == (e.GoodUntil == nil) && (old.GoodUntil == nil || old.GoodUntil.Equal(*e.GoodUntil))
			said = said || same && e.ObservedAt.Sub(old.ObservedAt) < age(e.Control)/2
		}
		if !said {
			keep = append(keep, *e)
		}
	}
	return keep, err
}

// RetractImport takes back everything that an import observed; what the same source said before counts again.
func (l *Ledger) RetractImport(ctx context.Context, actor access.Actor, importID int64, reason string) error {
	return l.db.InTx(ctx, func(ctx context.Context) error {
		rows, err := l.ofImport(ctx, importID)
		if err != nil || len(rows) == 0 {
			return err
		}
		return l.retract(ctx, rows, &Retraction{ImportID: importID, Reason: reason, ActorID: actor.UserID, ActorName: actor.Name})
	})
}

func (l *Ledger) retract(ctx context.Context, rows []Evidence, r *Retraction) error {
	r.CreatedAt = l.db.Now(ctx)
	if err := database.Insert(ctx, l.db, "retraction", r); err != nil {
		return err
	}
	ids := make([]int64, 0, len(rows))
	for _, e := range rows {
		ids = append(ids, e.ID)
	}
	if err := l.markRetracted(ctx, ids, r.CreatedAt); err != nil {
		return err
	}
	return l.revive(ctx, rows)
}

// Current gives what counts of the named subjects today: of each source the newest, nothing that was taken back.
func (l *Ledger) Current(ctx context.Context, services []int64) ([]Evidence, error) {
	return l.current(ctx, services)
}

// Deciding is Current without the words: what decides states.
func (l *Ledger) Deciding(ctx context.Context, services []int64) ([]Evidence, error) {
	return l.deciding(ctx, services)
}

// AllCurrent is Deciding for every subject of the workspace.
func (l *Ledger) AllCurrent(ctx context.Context) ([]Evidence, error) { return l.allCurrent(ctx) }

// AsOf gives what counted at a moment, as known then.
func (l *Ledger) AsOf(ctx context.Context, at time.Time) ([]Evidence, error) {
	return l.asOf(ctx, at.UTC())
}

// maxTimeline is how many rows of one cell a page shows.
const maxTimeline = 200

// Timeline lists everything ever said about one control on one subject, newest first.
func (l *Ledger) Timeline(ctx context.Context, actor access.Actor, service int64, control string) ([]Evidence, error) {
	if err := l.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, err
	}
	return l.timeline(ctx, service, control, maxTimeline)
}

// Said gives what counts today of what sources of one kind say about one control, of every subject.
func (l *Ledger) Said(ctx context.Context, control string, kind catalogue.SourceKind) ([]Evidence, error) {
	return l.said(ctx, control, kind)
}
