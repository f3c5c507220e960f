package posture

import (
	"context"
	"fmt"
	"slices"
	"time"

	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/evidence"
)

// Sweep makes everything of the workspace true for today: what has run out is rewritten, registers, members, findings
// and the map are looked at, and the day's scores are kept. It may run any number of times a day. The first one of a
// process judges everything, since another program may judge otherwise; later ones judge what time or those
// changed. While a control is too new to be scored, the day on which it will be changes every score.
func (s *Service) Sweep(ctx context.Context) error {
	settled := false
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.controls.Meet(ctx); err != nil {
			return err
		}
		touched, err := s.lookAround(ctx)
		if err != nil {
			return err
		}
		rules, err := s.controls.Ruleset(ctx)
		if err != nil {
			return err
		}
		settled = !rules.Settling()
		if before, known := s.settled.Load(database.Workspace(ctx)); known && before == true {
			err = s.age(ctx, touched)
		} else {
			err = s.Recompute(ctx, nil, Cause{})
		}
		if err != nil {
			return err
		}
		return s.controls.Swept(ctx)
	})
	if err == nil {
		s.settled.Store(database.Workspace(ctx), settled)
	}
	return err
}

// lookAround hears members and registers, and gives whom they say something new about.
func (s *Service) lookAround(ctx context.Context) ([]int64, error) {
	touched, err := s.lookAtMembers(ctx)
	if err != nil {
		return nil, err
	}
	more, err := s.lookAtRegisters(ctx)
	return append(touched, more...), err
}

// age judges what time alone changed since, and the named services. The inventory is as it was.
func (s *Service) age(ctx context.Context, services []int64) error {
	before, err := s.standing(ctx)
	if err != nil {
		return err
	}
	now := s.db.Now(ctx)
	var all []int64
	services = append(services, 0)
	for id, d := range before.details {
		if id == 0 {
			continue
		}
		all = append(all, id)
		if d.Next != nil && !d.Next.After(now) {
			services = append(services, id)
		}
	}
	found, err := s.lookAtFindings(ctx, all)
	if err != nil {
		return err
	}
	mapped, err := s.lookAtMap(ctx)
	if err != nil {
		return err
	}
	return s.judge(ctx, unique(slices.Concat(services, found, mapped)), before, Cause{aged: true})
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
func (s *Service) lookAtMembers(ctx context.Context) ([]int64, error) {
	with, all, err := s.people.SecondFactors(ctx)
	if err != nil || all == 0 {
		return nil, err
	}
	e := evidence.Evidence{Control: "GOV-10", Clause: "all_mfa", Kind: catalogue.Identity, Source: "identity:members", Outcome: evidence.Fail, ObservedAt: s.db.Now(ctx),
		Observed: fmt.Sprintf("%d of %d members have a second factor", with, all), Expected: "every member has a second factor"}
	if with == all {
		e.Outcome = evidence.Pass
	}
	rules, err := s.controls.Ruleset(ctx)
	if err != nil {
		return nil, err
	}
	return s.hear(ctx, rules, []evidence.Evidence{e})
}

// hear records what is worth it: what is new, or has held for half of its time. It gives whom that is about.
func (s *Service) hear(ctx context.Context, rules *control.Ruleset, rows []evidence.Evidence) ([]int64, error) {
	rows, err := s.ledger.Worth(ctx, rows, func(id string) time.Duration {
		e, known := rules.Get(id)
		if !known {
			return 0
		}
		return time.Duration(e.Days) * 24 * time.Hour
	})
	if err != nil {
		return nil, err
	}
	services := make([]int64, 0, len(rows))
	for i := range rows {
		services = append(services, rows[i].ServiceID)
	}
	return services, s.ledger.Record(ctx, rules.Find, rows)
}

// lookAtRegisters hears what people wrote down, of every subject or of some, and gives whom it says something new about.
func (s *Service) lookAtRegisters(ctx context.Context, services ...int64) ([]int64, error) {
	environment, err := s.book.Production(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.ledger.Registered(ctx, environment, services)
	if err != nil {
		return nil, err
	}
	rules, err := s.controls.Ruleset(ctx)
	if err != nil {
		return nil, err
	}
	if len(services) == 0 {
		return s.hear(ctx, rules, rows)
	}
	return services, s.ledger.Record(ctx, rules.Find, rows)
}
