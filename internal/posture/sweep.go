package posture

import (
	"context"
	"fmt"
	"time"

	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/evidence"
)

// Sweep makes everything of the workspace true for today: what has run out is rewritten, registers and members are
// looked at, and the day's scores are kept. It may run any number of times a day.
func (s *Service) Sweep(ctx context.Context) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.controls.Meet(ctx); err != nil {
			return err
		}
		if err := s.lookAtMembers(ctx); err != nil {
			return err
		}
		if err := s.lookAtRegisters(ctx); err != nil {
			return err
		}
		if err := s.Recompute(ctx, nil, Cause{}); err != nil {
			return err
		}
		return s.controls.Swept(ctx)
	})
}

// SweepAll opens again what exceptions accepted that are over, and sweeps every workspace that was not swept today, one
// transaction each.
func (s *Service) SweepAll(ctx context.Context) error {
	ids, err := s.people.WorkspaceIDs(database.Across(ctx, "the daily sweep goes through every workspace"))
	if err != nil {
		return err
	}
	for _, id := range ids {
		inside := database.WithWorkspace(ctx, id)
		if err := s.lapse(inside); err != nil {
			return fmt.Errorf("end exceptions of workspace %d: %w", id, err)
		}
		swept, err := s.controls.SweptOn(inside, s.db.Now(ctx))
		if err != nil {
			return err
		}
		if swept {
			continue
		}
		if err := s.Sweep(inside); err != nil {
			return fmt.Errorf("sweep workspace %d: %w", id, err)
		}
	}
	return nil
}

// lookAtMembers sees whether everybody has a second factor.
func (s *Service) lookAtMembers(ctx context.Context) error {
	with, all, err := s.people.SecondFactors(ctx)
	if err != nil || all == 0 {
		return err
	}
	e := evidence.Evidence{Control: "GOV-10", Clause: "all_mfa", Kind: catalogue.Identity, Source: "identity:members", Outcome: evidence.Fail, ObservedAt: s.db.Now(ctx),
		Observed: fmt.Sprintf("%d of %d members have a second factor", with, all), Expected: "every member has a second factor"}
	if with == all {
		e.Outcome = evidence.Pass
	}
	rules, err := s.controls.Ruleset(ctx)
	if err != nil {
		return err
	}
	return s.ledger.Record(ctx, rules.Find, []evidence.Evidence{e})
}

// lookAtRegisters hears what people wrote down, of every subject or of some.
func (s *Service) lookAtRegisters(ctx context.Context, services ...int64) error {
	environment, err := s.book.Production(ctx)
	if err != nil {
		return err
	}
	rows, err := s.ledger.Registered(ctx, environment, services)
	if err != nil {
		return err
	}
	rules, err := s.controls.Ruleset(ctx)
	if err != nil {
		return err
	}
	if len(services) == 0 {
		rows, err = s.ledger.Worth(ctx, rows, func(id string) time.Duration {
			e, known := rules.Get(id)
			if !known {
				return 0
			}
			return time.Duration(e.Days) * 24 * time.Hour
		})
		if err != nil {
			return err
		}
	}
	return s.ledger.Record(ctx, rules.Find, rows)
}
