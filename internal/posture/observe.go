package posture

import (
	"context"
	"fmt"

	"muster/internal/access"
	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/inventory"
)

// inventoryRegister is the source of what people confirm on a service's page.
const inventoryRegister = "register:inventory"

// Confirmed records that a person confirmed the facts of a service: each that is filled in. One that is empty is not
// confirmed by looking at it.
func (s *Service) Confirmed(ctx context.Context, actor access.Actor, v *inventory.Service) error {
	rules, err := s.controls.Ruleset(ctx)
	if err != nil {
		return err
	}
	environment, err := s.book.Production(ctx)
	if err != nil {
		return err
	}
	now := s.db.Now(ctx)
	var rows []evidence.Evidence
	say := func(clause string, known bool, words string) {
		e := evidence.Evidence{ServiceID: v.ID, EnvironmentID: environment, Control: "INV-1", Clause: clause, Kind: catalogue.Register, Source: inventoryRegister, Outcome: evidence.Silent,
			ActorID: actor.UserID, ActorName: actor.Name, ObservedAt: now}
		if known {
			e.Outcome, e.Observed, e.Expected = evidence.Pass, words, "filled in and confirmed by a person"
		}
		rows = append(rows, e)
	}
	say("owner", v.TeamID != nil, "an owning team is named")
	say("tier", true, fmt.Sprintf("tier %d", v.Tier))
	say("exposure", v.Exposure != inventory.ExposureUnknown, "reachable by: "+string(v.Exposure))
	say("data_classes", v.DataClasses != "", "holds: "+v.DataClasses)
	return s.ledger.Record(ctx, rules.Find, rows)
}
