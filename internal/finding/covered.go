package finding

import (
	"context"
	"time"
)

// Facts gives findings by their ids, those too that an undo took back, as far as tasks need to know them. It asks for no
// right: tasks follow findings whoever changes them.
func (s *Service) Facts(ctx context.Context, ids []int64) (map[int64]Finding, error) {
	out := make(map[int64]Finding, len(ids))
	rows, err := s.facts(ctx, ids)
	for i := range rows {
		out[rows[i].ID] = rows[i]
	}
	return out, err
}

// LastMoves gives the newest event of each finding that changed its state.
func (s *Service) LastMoves(ctx context.Context, ids []int64) (map[int64]Event, error) {
	out := make(map[int64]Event, len(ids))
	rows, err := s.lastMoves(ctx, ids)
	for _, e := range rows {
		out[e.FindingID] = e
	}
	return out, err
}

// Soon lists what waits for work on some services and is due before a day, the earliest first.
func (s *Service) Soon(ctx context.Context, services []int64, before time.Time, most int) ([]Finding, error) {
	if len(services) == 0 {
		return nil, nil
	}
	return s.soon(ctx, services, before, most)
}
