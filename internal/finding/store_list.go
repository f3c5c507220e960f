package finding

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/database"
	"muster/internal/exception"
)

// todoWords is the condition of the index over what waits for work: a database uses it only for these very words.
const todoWords = "state IN ('open','confirmed','in_progress','re_review')"

// searchCount is how far a list is counted where only the rows know.
const searchCount = 1000

// listed are the columns that a list shows.
var listed = []string{"id", "workspace_id", "service_id", "label", "kind", "state", "title", "vulnerability", "rule", "package", "installed", "fix_version", "path", "line", "endpoint", "resource",
	"severity", "exploited", "epss", "priority", "live", "first_seen", "opened_at", "reopen_count", "due_at", "duplicate_of", "version", "accepted_until"}

// chosen is the query of a filter without its page.
func (s *Service) chosen(ctx context.Context, f *Filter) database.Query[Finding] {
	q := database.Of[Finding](s.db.Conn(ctx)).Where("retracted_at IS NULL")
	if !f.Everything {
		switch {
		case f.Exploited: // few are: written so, no index over states is taken for the better one
			q = q.Where("state || '' IN ?", f.States)
		case sameStates(f.States, todo()):
			q = q.Where(todoWords)
		default:
			q = q.Where("state IN ?", f.States)
		}
	}
	if len(f.Severities) > 0 {
		q = q.Where("severity IN ?", f.Severities)
	}
	if len(f.Kinds) > 0 {
		q = q.Where("kind IN ?", f.Kinds)
	}
	if f.Service != 0 {
		q = q.Where("service_id = ?", f.Service)
	}
	if f.Unassigned {
		q = q.Where("service_id = 0")
	}
	if f.Overdue {
		q = q.Where("due_at < ?", s.db.Now(ctx))
	}
	if f.DueWithin > 0 {
		q = q.Where("due_at < ?", s.db.Now(ctx).Add(f.DueWithin))
	}
	if f.Sort == ByDue {
		q = q.Where("due_at IS NOT NULL")
	}
	if f.Exploited {
		q = q.Where("exploited")
	}
	if f.Exception != 0 {
		q = q.Where("exception_id = ? AND exception_id > 0", f.Exception)
	}
	if f.Watcher != 0 {
		q = watchedBy(ctx, q, f.Watcher)
	}
	if ids, limited := limitedTo(ctx); limited {
		q = q.Where("service_id IN ?", ids)
	}
	if f.hits.ids != nil && !f.hits.many {
		q = q.Where("id IN ?", f.hits.ids)
	}
	return s.holding(q, f.hits.left)
}

func sameStates(a, b []State) bool {
	return slices.Equal(set(a), set(b))
}

func (s *Service) list(ctx context.Context, f Filter) (Page, error) {
	var p Page
	var err error
	if f.hits, err = s.hits(ctx, f.Text); err != nil {
		return p, err
	}
	if p.Total, p.More, err = s.total(ctx, &f); err != nil {
		return p, err
	}
	limit := database.Clamp(f.Limit, PageSize, 1000)
	q := s.sorted(s.chosen(ctx, &f), &f)
	rows, err := database.List(ctx, "findings", q.Select(strings.Join(listed, ", ")).Limit(limit+1))
	if len(rows) > limit {
		rows = rows[:limit]
		p.Next = rows[limit-1].placeIn(f.Sort)
	}
	p.Rows = rows
	if n := int64(len(rows)); f.hits.many {
		p.Total = max(p.Total, n)
		if p.Next == "" && f.After == "" { // that is all
			p.Total, p.More = n, false
		}
	}
	return p, err
}

// sorted puts a list in its order, from the place of the last row of the page before.
func (s *Service) sorted(q database.Query[Finding], f *Filter) database.Query[Finding] {
	first, id, ok := after(f.After)
	switch f.Sort {
	case ByDue:
		if ok {
			q = q.Where("(due_at, id) > (?, ?)", time.UnixMicro(first).UTC(), id)
		}
		return q.Order("due_at, id")
	case ByNewest:
		if ok {
			q = q.Where("id < ?", id)
		}
		return q.Order("id DESC")
	case ByPriority:
	}
	if ok {
		q = q.Where("(priority, id) < (?, ?)", first, id)
	}
	return q.Order("priority DESC, id DESC")
}

// total counts from the kept counters where they know, and at most to a limit where only the rows know.
func (s *Service) total(ctx context.Context, f *Filter) (int64, bool, error) {
	if len(SearchTerms(f.Text)) == 0 && !f.Overdue && !f.Exploited && f.Exception == 0 && f.Watcher == 0 && f.DueWithin == 0 && f.Sort != ByDue {
		q := database.Of[Count](s.db.Conn(ctx)).Where("n > 0")
		if !f.Everything {
			q = q.Where("state IN ?", f.States)
		}
		if len(f.Severities) > 0 {
			q = q.Where("severity IN ?", f.Severities)
		}
		if len(f.Kinds) > 0 {
			q = q.Where("kind IN ?", f.Kinds)
		}
		if f.Service != 0 {
			q = q.Where("service_id = ?", f.Service)
		}
		if f.Unassigned {
			q = q.Where("service_id = 0")
		}
		if ids, limited := limitedTo(ctx); limited {
			q = q.Where("service_id IN ?", ids)
		}
		rows, err := database.List(ctx, "counters", q.Select("n"))
		var sum int64
		for _, c := range rows {
			sum += c.N
		}
		return sum, false, err
	}
	q := s.chosen(ctx, f)
	if f.hits.many { // how many of the first hits belong to the list: it has no fewer
		some := *f
		some.hits.many, some.hits.ids = false, f.hits.ids[:searchCount+1]
		q = s.chosen(ctx, &some)
	}
	ids, err := q.Limit(searchCount + 1).IDs(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("count findings: %w", err)
	}
	return int64(min(len(ids), searchCount)), f.hits.many || len(ids) > searchCount, nil
}

// counts reads the kept counters, of some services or of all that the person may see.
func (s *Service) counts(ctx context.Context, services ...int64) ([]Count, error) {
	q := database.Of[Count](s.db.Conn(ctx)).Where("n > 0")
	if len(services) > 0 {
		q = q.Where("service_id IN ?", services)
	}
	if ids, limited := limitedTo(ctx); limited {
		q = q.Where("service_id IN ?", ids)
	}
	return database.List(ctx, "counters", q)
}

func (s *Service) sameWeakness(ctx context.Context, f *Finding, most int) ([]Finding, error) {
	by, value := exception.ByVulnerability, f.Vulnerability
	if value == "" {
		by, value = exception.ByRule, f.Rule
	}
	q := database.Of[Finding](s.db.Conn(ctx)).Select(strings.Join(listed, ", ")).Where(matchConditions[by], value).Where("id <> ? AND retracted_at IS NULL", f.ID)
	if ids, limited := limitedTo(ctx); limited {
		q = q.Where("service_id IN ?", ids)
	}
	return database.List(ctx, "similar findings", q.Order("priority DESC, id DESC").Limit(most))
}

// Recount tells where the kept counters differ from the findings; nothing is the healthy answer.
func (s *Service) Recount(ctx context.Context) ([]string, error) {
	rows, err := database.List(ctx, "findings", database.Of[Finding](s.db.Conn(ctx)).Select("id", "service_id", "state", "severity", "kind").Where("retracted_at IS NULL"))
	if err != nil {
		return nil, err
	}
	want := tally{}
	for i := range rows {
		want.add(&rows[i], 1)
	}
	have, err := database.List(ctx, "counters", database.Of[Count](s.db.Conn(ctx)).Where("n <> 0"))
	if err != nil {
		return nil, err
	}
	for _, c := range have {
		want[countKey{c.ServiceID, c.State, c.Severity, c.Kind}] -= c.N
	}
	var wrong []string
	for k, n := range want {
		if n != 0 {
			wrong = append(wrong, fmt.Sprintf("service %d, %s %s %s: %+d", k.service, k.state, k.severity, k.kind, n))
		}
	}
	debt, err := s.debtWrong(ctx)
	wrong = append(wrong, debt...)
	slices.Sort(wrong)
	return wrong, err
}

// seriousWords and weaknessWords are the conditions of what weighs on a service.
const (
	seriousWords  = "live > 0 AND (severity IN ('critical','high') OR exploited)"
	weaknessWords = "state NOT IN ('closed','false_positive','not_affected','duplicate') AND retracted_at IS NULL"
)

// serious lists what limits scores, of some services or of all.
func (s *Service) serious(ctx context.Context, services []int64) ([]Finding, error) {
	columns := "id, service_id, severity, exploited, hard_due_at"
	if services == nil {
		return database.List(ctx, "serious findings", database.Of[Finding](s.db.Conn(ctx)).Select(columns).Where(seriousWords).Where(weaknessWords))
	}
	var all []Finding
	return all, database.Chunks(services, func(some []int64) error {
		rows, err := database.List(ctx, "serious findings", database.Of[Finding](s.db.Conn(ctx)).Select(columns).Where("service_id IN ?", some).Where(seriousWords).Where(weaknessWords))
		all = append(all, rows...)
		return err
	})
}

// liveSecrets counts the secrets that reports still see; the kept counters say where to look.
func (s *Service) liveSecrets(ctx context.Context, services []int64) (map[int64]int, error) {
	q := database.Of[Count](s.db.Conn(ctx)).Select("service_id").Where("kind = ? AND n > 0", Secret)
	counted, err := database.List(ctx, "counters", q)
	if err != nil {
		return nil, err
	}
	var where []int64
	for _, c := range counted {
		if c.ServiceID != 0 && (services == nil || slices.Contains(services, c.ServiceID)) {
			where = append(where, c.ServiceID)
		}
	}
	out := map[int64]int{}
	return out, database.Chunks(set(where), func(some []int64) error {
		rows, err := database.List(ctx, "secrets", database.Of[Finding](s.db.Conn(ctx)).Select("service_id").Where("service_id IN ? AND kind = ? AND live > 0", some, Secret).Where(weaknessWords))
		for i := range rows {
			out[rows[i].ServiceID]++
		}
		return err
	})
}

// recentRuns lists the complete reports of an environment since a moment.
func (s *Service) recentRuns(ctx context.Context, environment int64, since time.Time) ([]ReportRun, error) {
	return database.List(ctx, "reports", database.Of[ReportRun](s.db.Conn(ctx)).Select("id", "services", "aspects", "seen_at").Where("seen_at > ? AND environment_id = ? AND complete AND undone_at IS NULL", since.UTC(), environment))
}
