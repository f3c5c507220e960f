package posture

import (
	"context"
	"encoding/json"
	"fmt"

	"muster/internal/control"
	"muster/internal/database"
)

// mostRecalled is how many services a workspace has at most whose details stay in memory.
const mostRecalled = 500

// scored names a score.
type scored struct{ workspace, service int64 }

// recalled is a detail with the text that it was read from, or written as.
type recalled struct {
	text   string
	detail Detail
}

// recall reads what a score was made of, unless this very text was read last time. Nobody changes a detail that was read.
func (s *Service) recall(ctx context.Context, r *control.Score, of int) (Detail, error) {
	key := scored{database.Workspace(ctx), r.ServiceID}
	if old, known := s.recalls.Load(key); known {
		if c, fits := old.(recalled); fits && c.text == r.Detail {
			return c.detail, nil
		}
	}
	d, err := readDetail(r)
	if err == nil {
		s.remember(ctx, r, d, of)
	}
	return d, err
}

// remember keeps a detail beside its text, in a workspace of so many services. What a transaction takes back does no
// harm: its text is then not the stored one.
func (s *Service) remember(ctx context.Context, r *control.Score, d Detail, of int) {
	if of <= mostRecalled {
		s.recalls.Store(scored{database.Workspace(ctx), r.ServiceID}, recalled{r.Detail, d})
	}
}

func readDetail(r *control.Score) (Detail, error) {
	var d Detail
	if err := json.Unmarshal([]byte(r.Detail), &d); err != nil {
		return d, fmt.Errorf("read the score of service %d: %w", r.ServiceID, err)
	}
	return d, nil
}
