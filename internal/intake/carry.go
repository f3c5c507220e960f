package intake

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/inventory"
	"muster/internal/jobs"
)

// Carry is the kind of the runs that carry out large imports.
const Carry = "import"

// largeFrom is the size, packed, from which an import is carried out by a run of its own: some thousand findings, which
// take longer than a person should look at a page that loads.
const largeFrom = 256 << 10

// manyFindings is the size, packed, from which an import is planned and stored with little garbage in memory.
const manyFindings = 2 << 20

// errand is what a run is asked for.
type errand struct {
	ImportID int64
	Choices  Choices
	Actor    access.Actor
}

// Work registers the kind with the jobs.
func (w *Workflow) Work(j *jobs.Service) {
	w.jobs = j
	j.Handle(Carry, jobs.Func(w.carry))
}

// Large reports whether an import takes long enough to be carried out by a run.
func (w *Workflow) Large(i *inventory.Import) bool {
	return w.jobs != nil && len(i.Uploaded) >= largeFrom
}

// Start lets a run carry out a preview. Asked twice it is one run.
func (w *Workflow) Start(ctx context.Context, actor access.Actor, id int64, c Choices) (jobs.Run, error) {
	var r jobs.Run
	if err := w.access.Require(actor, access.Write, access.Imports); err != nil {
		return r, err
	}
	err := w.db.InTx(ctx, func(ctx context.Context) error {
		i, source, err := w.book.Import(ctx, actor, id)
		if err != nil {
			return err
		}
		if i.State != inventory.ImportPreview {
			return fault.New(fault.Conflict, "This import was decided already.")
		}
		if i.Held != "" && !c.AcceptBig {
			return &fault.Error{Kind: fault.Conflict, Message: i.Held, Fields: map[string]string{"accept": i.Held}}
		}
		if r, err = w.jobs.Enqueue(ctx, actor, jobs.New{Kind: Carry, Name: "Import of " + source.Name, Key: strconv.FormatInt(id, 10), Payload: errand{id, c, actor}}); err != nil {
			return err
		}
		i.RunID = r.ID
		return w.book.GiveRun(ctx, &i)
	})
	return r, err
}

// Run gives the run that carries an import out; found is false where there is none any more.
func (w *Workflow) Run(ctx context.Context, actor access.Actor, i *inventory.Import) (r jobs.Run, found bool, err error) {
	if w.jobs == nil || i.RunID == 0 {
		return r, false, nil
	}
	r, err = w.jobs.Look(ctx, actor, i.RunID)
	if fault.Is(err, fault.NotFound) {
		return r, false, nil
	}
	return r, err == nil, err
}

// carry stores the import and ends its run in one transaction: a process that dies in the middle leaves nothing, and
// whoever takes the run over begins again.
func (w *Workflow) carry(ctx context.Context, j *jobs.Job) error {
	var e errand
	if err := j.Payload(&e); err != nil {
		return err
	}
	i, source, err := w.book.Import(ctx, j.Actor(), e.ImportID)
	if err != nil {
		return jobs.Permanent(err)
	}
	if i.State == inventory.ImportApplied {
		j.Result("It was imported already.", map[string]int64{"import": e.ImportID})
		return nil
	}
	j.Progress(0, 1, "compares the files with what is known, then stores all of it or nothing")
	j.Result(fmt.Sprintf("The files of %s are imported.", source.Name), map[string]int64{"import": e.ImportID})
	err = j.Complete(ctx, func(ctx context.Context) error {
		if _, err := w.Confirm(ctx, e.Actor, e.ImportID, e.Choices); err != nil {
			return err
		}
		j.Progress(1, 1, "stored")
		return nil
	})
	if f, expected := fault.As(err); expected && f.Kind != fault.Unavailable {
		return jobs.Permanent(errors.New(f.Message)) // a person has to look; trying again changes nothing
	}
	return err
}
