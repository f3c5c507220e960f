package posture

import (
	"context"

	"muster/internal/access"
	"muster/internal/topology"
)

// RecordArcs keeps what a prober inside a network tried, and judges by the map again, in one transaction.
func (s *Service) RecordArcs(ctx context.Context, actor access.Actor, r topology.ArcReport) ([]topology.Tried, error) {
	var tried []topology.Tried
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var err error
		if tried, err = s.topology.RecordArcs(ctx, actor, r); err != nil {
			return err
		}
		// The map looks at every service; nothing else of these changed.
		touched := make([]int64, 0, len(tried))
		for _, t := range tried {
			touched = append(touched, t.Service)
		}
		return s.Recompute(ctx, touched, Cause{Actor: actor.Name})
	})
	return tried, err
}
