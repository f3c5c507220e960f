package posture

import (
	"context"
	"fmt"
	"time"

	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/finding"
)

// findingSource is the source of what the open findings of a service say.
const findingSource = "findings"

// The times for which a report shows what it did not find.
const (
	scanHolds   = 31 * 24 * time.Hour
	secretHolds = 35 * 24 * time.Hour
)

// lookAtFindings lets the findings of services speak about the controls that name them, and gives the services of which
// they say something new. What is overdue changes with time alone, so the daily sweep looks too.
func (s *Service) lookAtFindings(ctx context.Context, services []int64) ([]int64, error) {
	if s.findings == nil || len(services) == 0 {
		return nil, nil
	}
	production, err := s.book.Production(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := s.controls.Ruleset(ctx)
	if err != nil {
		return nil, err
	}
	now := s.db.Now(ctx)
	standings, err := s.findings.Standings(ctx, services, production, now.Add(-secretHolds))
	if err != nil {
		return nil, err
	}
	var rows []evidence.Evidence
	for _, id := range services {
		if id == 0 {
			continue
		}
		for _, e := range saysOf(standings[id], now) {
			if _, known := rules.Find(e.Control); known {
				e.ServiceID, e.EnvironmentID, e.Source, e.ObservedAt = id, production, findingSource, now
				rows = append(rows, e)
			}
		}
	}
	return s.hear(ctx, rules, rows)
}

// saysOf is what the findings of one service say. Without a complete report in date, nothing found proves nothing.
// That none is known to be exploited is never said: a report that names no exploitation did not look for it.
func saysOf(st finding.Standing, now time.Time) []evidence.Evidence {
	say := func(control, clause string, kind catalogue.SourceKind, expected string) evidence.Evidence {
		return evidence.Evidence{Control: control, Clause: clause, Kind: kind, Outcome: evidence.Silent, Expected: expected}
	}
	critical := say("PAT-3", "no_overdue_critical", catalogue.Finding, "no critical or known-exploited finding is past its due date")
	high := say("PAT-3", "no_overdue_high", catalogue.Finding, "no high finding is past its due date")
	exploited := say("PAT-2", "no_known_exploited", catalogue.Report, "no vulnerability that is known to be exploited")
	secrets := say("DEV-1", "no_literal_secrets", catalogue.Report, "no secret in code, images and manifests")

	overdue := func(e *evidence.Evidence, n int, what string, next *time.Time) {
		switch {
		case n > 0:
			e.Outcome, e.Observed = evidence.Fail, fmt.Sprintf("%s overdue", count(n, what))
		case st.Scanned != nil && now.Before(st.Scanned.Add(scanHolds)):
			until := st.Scanned.Add(scanHolds)
			if next != nil && next.Before(until) {
				until = *next
			}
			e.Outcome, e.Observed, e.GoodUntil = evidence.Pass, "none of the open findings is overdue", &until
		}
	}
	overdue(&critical, st.OverdueCritical, "critical or known-exploited finding", st.NextCritical)
	overdue(&high, st.OverdueHigh, "high finding", st.NextHigh)
	if st.Exploited > 0 {
		exploited.Outcome, exploited.Observed = evidence.Fail, count(st.Exploited, "vulnerability that is known to be exploited", "vulnerabilities that are known to be exploited")
	}
	switch {
	case st.Secrets > 0:
		secrets.Outcome, secrets.Observed = evidence.Fail, count(st.Secrets, "secret that reports still see", "secrets that reports still see")
	case st.SecretsScanned != nil && now.Before(st.SecretsScanned.Add(secretHolds)):
		until := st.SecretsScanned.Add(secretHolds)
		secrets.Outcome, secrets.Observed, secrets.GoodUntil = evidence.Pass, "a complete scan for secrets shows none", &until
	}
	return []evidence.Evidence{critical, high, exploited, secrets}
}

// count is a number with its noun; the plural has an s unless it is given.
func count(n int, one string, more ...string) string {
	switch {
	case n == 1 && len(more) == 0:
		return "1 " + one + " is"
	case n == 1:
		return "1 " + one
	case len(more) > 0:
		return fmt.Sprintf("%d %s", n, more[0])
	}
	return fmt.Sprintf("%d %ss are", n, one)
}
