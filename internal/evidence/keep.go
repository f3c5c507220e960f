package evidence

import (
	"context"
	"encoding/json"
	"fmt"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/fault"
)

// Line is what somebody writes into a register.
type Line struct {
	Register  string
	ServiceID int64
	Name      string
	Values    map[string]string
	Replaces  int64 // the entry that it corrects
}

// maxEntries is how many live entries one register may hold.
const maxEntries = 2000

// Enter writes a line into a register, as a new row.
func (l *Ledger) Enter(ctx context.Context, actor access.Actor, n Line) (Entry, error) {
	var e Entry
	if err := l.access.Require(actor, access.Write, access.Posture); err != nil {
		return e, err
	}
	r, known := RegisterOf(n.Register)
	if !known || r.Workspace != (n.ServiceID == 0) {
		return e, fault.Missing("register")
	}
	name, values, err := r.clean(n.Name, n.Values)
	if err != nil {
		return e, err
	}
	fields, err := json.Marshal(values)
	if err != nil {
		return e, fmt.Errorf("pack register entry: %w", err)
	}
	err = l.db.InTx(ctx, func(ctx context.Context) error {
		entries, err := l.entries(ctx, r.Control, nil)
		if err != nil {
			return err
		}
		if len(entries) >= maxEntries {
			return fault.Field("name", fmt.Sprintf("A register holds at most %d entries.", maxEntries))
		}
		if n.Replaces != 0 {
			if err := l.endReplaced(ctx, r, &n); err != nil {
				return err
			}
		}
		e = Entry{Control: r.Control, ServiceID: n.ServiceID, Name: name, Fields: string(fields), ActorID: actor.UserID, ActorName: actor.Name, CreatedAt: l.db.Now(ctx), Replaces: n.Replaces}
		if r.due != nil {
			e.DueAt = r.due(values)
		}
		if err := database.Insert(ctx, l.db, "register entry", &e); err != nil {
			return err
		}
		return l.log.Record(ctx, actor, activity.Change{Action: "register.enter", Kind: "register", ID: e.ID, Name: name, After: values})
	})
	return e, err
}

// endReplaced ends the line that another corrects. A line of another service is not corrected, but struck there.
func (l *Ledger) endReplaced(ctx context.Context, r *Register, n *Line) error {
	old, found, err := l.entry(ctx, n.Replaces)
	if err != nil {
		return err
	}
	if !found || old.Control != r.Control || old.ServiceID != n.ServiceID {
		return fault.Missing("entry")
	}
	return l.endEntry(ctx, r.Control, n.Replaces)
}

// Strike ends a line of a register.
func (l *Ledger) Strike(ctx context.Context, actor access.Actor, register string, id int64) (Entry, error) {
	var e Entry
	if err := l.access.Require(actor, access.Write, access.Posture); err != nil {
		return e, err
	}
	r, known := RegisterOf(register)
	if !known {
		return e, fault.Missing("register")
	}
	err := l.db.InTx(ctx, func(ctx context.Context) error {
		var found bool
		var err error
		if e, found, err = l.entry(ctx, id); err != nil {
			return err
		}
		if !found || e.Control != r.Control || e.EndedAt != nil {
			return fault.Missing("entry")
		}
		if err := l.endEntry(ctx, r.Control, id); err != nil {
			return err
		}
		return l.log.Record(ctx, actor, activity.Change{Action: "register.strike", Kind: "register", ID: id, Name: e.Name, Before: e.Values()})
	})
	return e, err
}

// Entries lists the live lines of a register; services nil means all.
func (l *Ledger) Entries(ctx context.Context, actor access.Actor, register string, services []int64) ([]Entry, error) {
	if err := l.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, err
	}
	r, known := RegisterOf(register)
	if !known {
		return nil, fault.Missing("register")
	}
	return l.entries(ctx, r.Control, services)
}

// Entry finds a live line of a register.
func (l *Ledger) Entry(ctx context.Context, actor access.Actor, id int64) (Entry, error) {
	if err := l.access.Require(actor, access.Read, access.Posture); err != nil {
		return Entry{}, err
	}
	e, found, err := l.entry(ctx, id)
	if err == nil && (!found || e.EndedAt != nil) {
		err = fault.Missing("entry")
	}
	return e, err
}

// Registered gives what every register says today about the subjects that it has entries for; services nil means all.
// A subject that a register once spoke about is heard again when its last entry is struck.
func (l *Ledger) Registered(ctx context.Context, environment int64, services []int64) ([]Evidence, error) {
	now := l.db.Now(ctx)
	var rows []Evidence
	for i := range registers {
		r := &registers[i]
		entries, err := l.entries(ctx, r.Control, services)
		if err != nil {
			return nil, err
		}
		bySubject := map[int64][]Entry{}
		for _, id := range services {
			if (id == 0) == r.Workspace {
				bySubject[id] = nil
			}
		}
		for _, e := range entries {
			bySubject[e.ServiceID] = append(bySubject[e.ServiceID], e)
		}
		for service, list := range bySubject {
			place := environment
			if service == 0 {
				place = 0
			}
			rows = append(rows, r.evidence(service, place, list, now)...)
		}
	}
	return rows, nil
}
