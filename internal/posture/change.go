package posture

import (
	"context"
	"fmt"
	"slices"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/inventory"
)

// then runs a change of what is said or weighed and makes the states of what it touched true again, in one transaction.
// Nothing of that moves a call, a policy or a finding, so they need not be looked at again.
func (s *Service) then(ctx context.Context, cause Cause, change func(context.Context) ([]int64, error)) error {
	cause.Said = true
	return s.db.InTx(ctx, func(ctx context.Context) error {
		touched, err := change(ctx)
		if err != nil {
			return err
		}
		return s.Recompute(ctx, touched, cause)
	})
}

// subject finds the service of a slug, or the workspace for "", and the environment whose state scores.
func (s *Service) subject(ctx context.Context, actor access.Actor, slug string) (inventory.Service, int64, error) {
	if slug == "" {
		if _, limited := inventory.VisibleIDs(ctx); limited {
			return inventory.Service{}, 0, fault.Missing("control")
		}
		return inventory.Service{}, 0, nil
	}
	v, err := s.book.Get(ctx, actor, slug)
	if err != nil {
		return v, 0, err
	}
	environment, err := s.book.Production(ctx)
	return v, environment, err
}

// Attest records a person's word about a control on a service ("" is the workspace) and judges again.
func (s *Service) Attest(ctx context.Context, actor access.Actor, slug string, a evidence.Attestation) (evidence.Evidence, error) {
	var row evidence.Evidence
	err := s.then(ctx, Cause{Actor: actor.Name}, func(ctx context.Context) ([]int64, error) {
		v, environment, err := s.subject(ctx, actor, slug)
		if err != nil {
			return nil, err
		}
		rules, err := s.controls.Ruleset(ctx)
		if err != nil {
			return nil, err
		}
		e, known := rules.Get(a.Control)
		if !known || (e.Subject == catalogue.Workspace) != (slug == "") {
			return nil, fault.Missing("control")
		}
		a.ServiceID, a.ServiceName, a.EnvironmentID = v.ID, v.Name, environment
		row, err = s.ledger.Attest(ctx, actor, rules.Find, a)
		return []int64{v.ID}, err
	})
	return row, err
}

// TakeBack retracts a person's word about a service ("" is the workspace) and judges again.
func (s *Service) TakeBack(ctx context.Context, actor access.Actor, slug string, id int64, reason string) error {
	return s.then(ctx, Cause{Actor: actor.Name}, func(ctx context.Context) ([]int64, error) {
		v, _, err := s.subject(ctx, actor, slug)
		if err != nil {
			return nil, err
		}
		row, err := s.ledger.TakeBack(ctx, actor, id, reason)
		if err == nil && row.ServiceID != v.ID {
			err = fault.Missing("statement")
		}
		return []int64{v.ID}, err
	})
}

// Applies records a person's word on whether a control applies to a service, and judges again: another scope.
func (s *Service) Applies(ctx context.Context, actor access.Actor, slug, id string, applies bool, reason string) error {
	words := "no longer applies"
	if applies {
		words = "applies after all"
	}
	cause := Cause{Scope: true, Words: fmt.Sprintf("%s %s to %s", id, words, slug), Reason: reason, Actor: actor.Name}
	return s.then(ctx, cause, func(ctx context.Context) ([]int64, error) {
		v, _, err := s.subject(ctx, actor, slug)
		if err != nil {
			return nil, err
		}
		rules, err := s.controls.Ruleset(ctx)
		if err != nil {
			return nil, err
		}
		if e, known := rules.Get(id); !known || (e.Subject == catalogue.Workspace) != (slug == "") {
			return nil, fault.Missing("control")
		}
		return []int64{v.ID}, s.controls.Decide(ctx, actor, control.Decision{Control: id, ServiceID: v.ID, Applies: applies, Reason: reason}, v.Name)
	})
}

// Choose stores what the workspace chooses about a control, and judges everything again: another scope.
func (s *Service) Choose(ctx context.Context, actor access.Actor, c control.Choice) error {
	return s.then(ctx, Cause{Scope: true, Words: c.Control + " is weighed otherwise", Reason: c.Reason, Actor: actor.Name}, func(ctx context.Context) ([]int64, error) {
		return nil, s.controls.Choose(ctx, actor, c)
	})
}

// AddOwn adds a control of the workspace's own and judges everything again: another scope.
func (s *Service) AddOwn(ctx context.Context, actor access.Actor, definition, reason string) (string, error) {
	var id string
	err := s.then(ctx, Cause{Scope: true, Words: "an own control was added", Reason: reason, Actor: actor.Name}, func(ctx context.Context) ([]int64, error) {
		var err error
		id, err = s.controls.AddOwn(ctx, actor, definition, reason)
		return nil, err
	})
	return id, err
}

// Enter writes a line into a register and judges its subject again; slug "" is the workspace.
func (s *Service) Enter(ctx context.Context, actor access.Actor, slug string, line evidence.Line) error {
	return s.then(ctx, Cause{Actor: actor.Name}, func(ctx context.Context) ([]int64, error) {
		v, _, err := s.subject(ctx, actor, slug)
		if err != nil {
			return nil, err
		}
		line.ServiceID = v.ID
		touched := []int64{v.ID}
		if line.Replaces != 0 {
			old, err := s.visibleEntry(ctx, actor, line.Replaces)
			if err != nil {
				return nil, err
			}
			if old.ServiceID != v.ID {
				touched = append(touched, old.ServiceID)
			}
		}
		if _, err := s.ledger.Enter(ctx, actor, line); err != nil {
			return nil, err
		}
		return s.lookAtRegisters(ctx, touched...)
	})
}

// visibleEntry finds a live entry of a register; one of a service that the person may not see is missing.
func (s *Service) visibleEntry(ctx context.Context, actor access.Actor, id int64) (evidence.Entry, error) {
	entry, err := s.ledger.Entry(ctx, actor, id)
	if err != nil {
		return entry, err
	}
	if ids, limited := inventory.VisibleIDs(ctx); limited && !slices.Contains(ids, entry.ServiceID) {
		return entry, fault.Missing("entry")
	}
	return entry, nil
}

// Strike ends a line of a register and judges its subject again.
func (s *Service) Strike(ctx context.Context, actor access.Actor, register string, id int64) error {
	if err := s.access.Require(actor, access.Write, access.Posture); err != nil {
		return err
	}
	return s.then(ctx, Cause{Actor: actor.Name}, func(ctx context.Context) ([]int64, error) {
		entry, err := s.visibleEntry(ctx, actor, id)
		if err != nil {
			return nil, err
		}
		if _, err := s.ledger.Strike(ctx, actor, register, id); err != nil {
			return nil, err
		}
		return s.lookAtRegisters(ctx, entry.ServiceID)
	})
}
