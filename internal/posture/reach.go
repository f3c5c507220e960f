package posture

import (
	"context"

	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/topology"
)

// mapSource is the source of what the map says.
const mapSource = "map:reach"

// byMap are the controls that the map judges.
var byMap = []string{"NET-2", "NET-4", "NET-6"}

// lookAtMap judges by the map how far every fall would spread, and gives the services about which that says something
// new. One changed call moves the reach of many.
func (s *Service) lookAtMap(ctx context.Context) ([]int64, error) {
	environment, err := s.book.Production(ctx)
	if err != nil {
		return nil, err
	}
	verdicts, err := s.topology.Verdicts(ctx, environment)
	if err != nil {
		return nil, err
	}
	rows, err := s.newByMap(ctx, mapRows(verdicts, environment))
	if err != nil {
		return nil, err
	}
	rules, err := s.controls.Ruleset(ctx)
	if err != nil {
		return nil, err
	}
	var touched []int64
	for i := range rows {
		rows[i].ObservedAt = s.db.Now(ctx)
		touched = append(touched, rows[i].ServiceID)
	}
	return touched, s.ledger.Record(ctx, rules.Find, rows)
}

var mapOutcomes = map[topology.Outcome]evidence.Outcome{topology.Fails: evidence.Fail, topology.Holds: evidence.Pass, topology.Silent: evidence.Silent}

func mapRows(verdicts []topology.Verdict, environment int64) []evidence.Evidence {
	rows := make([]evidence.Evidence, 0, len(verdicts))
	for _, v := range verdicts {
		rows = append(rows, evidence.Evidence{ServiceID: v.ServiceID, EnvironmentID: environment, Control: v.Control, Clause: v.Clause, Kind: catalogue.Map, Source: mapSource,
			Outcome: mapOutcomes[v.Outcome], Observed: v.Observed, Expected: v.Expected})
	}
	return rows
}

// newByMap leaves out what was said already in the same words and holds for more than half of its time still, and takes
// back what was said of services that are no longer on the map.
func (s *Service) newByMap(ctx context.Context, rows []evidence.Evidence) ([]evidence.Evidence, error) {
	type cell struct {
		service         int64
		control, clause string
	}
	said := map[cell]evidence.Evidence{}
	for _, id := range byMap {
		list, err := s.ledger.Said(ctx, id, catalogue.Map)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			said[cell{e.ServiceID, e.Control, e.Clause}] = e
		}
	}
	now := s.db.Now(ctx)
	var fresh []evidence.Evidence
	for i := range rows {
		e := &rows[i]
		key := cell{e.ServiceID, e.Control, e.Clause}
		old, known := said[key]
		delete(said, key)
		same := known && old.Outcome == e.Outcome && old.Observed == e.Observed && now.Sub(old.ObservedAt) < mapHolds/2
		quiet := e.Outcome == evidence.Silent && (!known || old.Outcome == evidence.Silent)
		if !same && !quiet {
			fresh = append(fresh, *e)
		}
	}
	for _, old := range said {
		if old.Outcome != evidence.Silent {
			fresh = append(fresh, evidence.Evidence{ServiceID: old.ServiceID, EnvironmentID: old.EnvironmentID, Control: old.Control, Clause: old.Clause, Kind: catalogue.Map, Source: mapSource, Outcome: evidence.Silent})
		}
	}
	return fresh, nil
}

// mapHolds is for how long the map's word holds: as long as the shortest of its controls.
const mapHolds = soon / 30
