package finding

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// Standing is what the findings of one service mean for its posture. It looks at what is still detected, whatever was
// accepted or said to be fixed, on the clock that nothing pauses.
type Standing struct {
	Exploited       int // known to be exploited
	OverdueCritical int // critical or known to be exploited, past the date
	OverdueHigh     int
	NextCritical    *time.Time // when the next one becomes overdue
	NextHigh        *time.Time
	Secrets         int
	Scanned         *time.Time // the newest complete report about packages, in the environment that counts
	SecretsScanned  *time.Time // the same for secrets
}

// Standings gives what the findings of services mean; nil is every service. Reports older than since say nothing.
func (s *Service) Standings(ctx context.Context, services []int64, environment int64, since time.Time) (map[int64]Standing, error) {
	out := map[int64]Standing{}
	now := s.db.Now(ctx)
	rows, err := s.serious(ctx, services)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		st := out[rows[i].ServiceID]
		st.add(&rows[i], now)
		out[rows[i].ServiceID] = st
	}
	secrets, err := s.liveSecrets(ctx, services)
	if err != nil {
		return nil, err
	}
	for id, n := range secrets {
		st := out[id]
		st.Secrets = n
		out[id] = st
	}
	runs, err := s.recentRuns(ctx, environment, since)
	if err != nil {
		return nil, err
	}
	for i := range runs {
		run := &runs[i]
		for _, word := range fields(run.Services) {
			id, err := strconv.ParseInt(word, 10, 64)
			if err != nil || services != nil && !slices.Contains(services, id) {
				continue
			}
			st := out[id]
			st.saw(run)
			out[id] = st
		}
	}
	return out, nil
}

func (st *Standing) add(f *Finding, now time.Time) {
	if f.Exploited {
		st.Exploited++
	}
	overdue, next := &st.OverdueHigh, &st.NextHigh
	if f.Severity == Critical || f.Exploited {
		overdue, next = &st.OverdueCritical, &st.NextCritical
	}
	switch {
	case f.HardDueAt == nil:
	case !now.Before(*f.HardDueAt):
		*overdue++
	case *next == nil || f.HardDueAt.Before(**next):
		*next = f.HardDueAt
	}
}

func (st *Standing) saw(run *ReportRun) {
	newer := func(at **time.Time) {
		if *at == nil || (*at).Before(run.SeenAt) {
			seen := run.SeenAt
			*at = &seen
		}
	}
	for _, a := range fields(run.Aspects) {
		switch a {
		case "dependencies":
			newer(&st.Scanned)
		case "secrets":
			newer(&st.SecretsScanned)
		}
	}
}
