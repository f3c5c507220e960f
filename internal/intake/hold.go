package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/fault"
	"muster/internal/imports/model"
	"muster/internal/inventory"
)

// Hold stores that an import waits for a person, and why. Of the same files' source and service only the newest waits.
func (w *Workflow) Hold(ctx context.Context, actor access.Actor, id int64, why string) error {
	if err := w.access.Require(actor, access.Write, access.Imports); err != nil {
		return err
	}
	return w.db.InTx(ctx, func(ctx context.Context) error {
		i, source, err := w.book.Import(ctx, actor, id)
		if err != nil {
			return err
		}
		if i.State != inventory.ImportPreview {
			return fault.New(fault.Conflict, "This import was decided already.")
		}
		if err := w.book.DropHeld(ctx, &i); err != nil {
			return err
		}
		if i.Held = why; i.Held == "" {
			return nil
		}
		if err := w.book.HoldImport(ctx, &i); err != nil {
			return err
		}
		return w.log.Record(ctx, actor, activity.Change{Action: "import.hold", Kind: "import", ID: i.ID, Name: source.Name, After: map[string]any{"why": why}})
	})
}

// stillSo refuses a plan that is not the one that a person looked at: the world has changed since.
func (w *Workflow) stillSo(ctx context.Context, i *inventory.Import, source *inventory.Source, c Choices) error {
	if c.Seen == "" {
		return nil
	}
	p, _, _, err := w.plan(ctx, i, source, Choices{Service: c.Service})
	if err != nil || p.mark() == c.Seen {
		return err
	}
	return &fault.Error{Kind: fault.Conflict, Message: "Something changed since you looked, so these files would now do something else. Nothing was stored; look again and confirm.", Fields: map[string]string{"seen": p.mark()}}
}

// markOf is the mark of a preview, without what a person chose in it.
func (w *Workflow) markOf(ctx context.Context, p *Preview, c Choices) (string, error) {
	if len(c.Groups)+len(c.Documents)+len(c.Labels) == 0 && !c.AcceptBig {
		return p.Plan.mark(), nil
	}
	plain, _, _, err := w.plan(ctx, &p.Import, &p.Source, Choices{Service: c.Service})
	if err != nil {
		return "", err
	}
	return plain.mark(), nil
}

// mark names what a plan changes, so that another one can be told from it.
func (p *Plan) mark() string {
	var findings, samples any
	if p.Findings != nil {
		findings, samples = p.Findings.Counts, p.Findings.Samples
	}
	text, err := json.Marshal([]any{p.Services, p.Dependencies, p.Facts, p.Components, p.Lines, p.Parts, findings, samples, p.Held})
	if err != nil {
		text = fmt.Append(nil, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// about says of the API documents too that they are the chosen service's, where a person has not said otherwise.
func (c *Choices) about(x *model.Inspection) {
	if c.Service == 0 || len(x.Operations) == 0 {
		return
	}
	documents := map[string]int64{}
	for _, o := range x.Operations {
		documents[o.Input] = c.Service
	}
	for path, service := range c.Documents {
		documents[path] = service
	}
	c.Documents = documents
}
