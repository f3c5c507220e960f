package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/remediation"
)

// load fills a workspace with services, findings and tasks, three findings to each task, through the services that the
// app uses; half of the tasks are the owner's team's, and some of those the owner's own.
func (s *site) load(t testing.TB, services, findings, tasks int) {
	t.Helper()
	s.grow(t, services)
	var ids []int64
	for _, v := range check[[]inventory.Service](t)(s.Inventory.Roster(s.ctx, s.owner)) {
		if strings.HasPrefix(v.Slug, "svc-") {
			ids = append(ids, v.ID)
		}
	}
	team := kit64(t, s.ids["team"])
	check[int](t)(s.Inventory.Assign(s.ctx, s.owner, inventory.Bulk{IDs: ids[:min(len(ids)/2, 200)], TeamID: &team}))
	for from := 0; from < findings; from += 10_000 {
		check[struct{}](t)(struct{}{}, s.DB.InTx(s.ctx, func(ctx context.Context) error { return s.flaws(ctx, ids, from, min(10_000, findings-from)) }))
	}
	check[struct{}](t)(struct{}{}, s.DB.InTx(s.ctx, func(ctx context.Context) error { return s.chores(ctx, tasks) }))
}

// flaws imports so many findings, spread over the services, due on all sorts of days.
func (s *site) flaws(ctx context.Context, services []int64, from, n int) error {
	rows := make([]finding.Row, 0, n)
	for i := from; i < from+n; i++ {
		rows = append(rows, finding.Row{ServiceID: services[i%len(services)], Kind: finding.Dependency, Status: finding.Reported, Title: fmt.Sprintf("Flaw %d in package-%d", i, i%500), IDs: []string{fmt.Sprintf("CVE-2026-%06d", i)}, Package: fmt.Sprintf("package-%d", i%500),
			PURL: fmt.Sprintf("pkg:npm/package-%d@1.0.0", i%500), Installed: "1.0.0", FixVersion: fmt.Sprintf("1.0.%d", i%7), Severity: finding.Severities()[i%4], Path: "package-lock.json"})
	}
	p, err := s.Findings.Plan(ctx, []finding.Report{{Tool: "trivy", SourceID: int64(1000 + from), EnvironmentID: 1, Complete: true, Digest: fmt.Sprint("load", from), Rows: rows}})
	if err == nil {
		_, err = s.Findings.Apply(ctx, s.owner, int64(1_000_000+from), p)
	}
	return err
}

// chores makes so many tasks.
func (s *site) chores(ctx context.Context, tasks int) error {
	for i := range tasks {
		d := remediation.Draft{Findings: []int64{int64(20 + 3*i), int64(21 + 3*i), int64(22 + 3*i)}, Title: fmt.Sprintf("Task %d of the load", i)}
		if i%50 == 0 {
			d.Who = fmt.Sprintf("user:%d", s.owner.UserID)
		}
		t, err := s.Tasks.Create(ctx, s.owner, d)
		if err != nil {
			return err
		}
		if i%4 == 1 {
			if _, _, err := s.Tasks.Move(ctx, s.owner, t.ID, remediation.Step{To: remediation.Doing}); err != nil {
				return err
			}
		}
	}
	return nil
}

// users is how many people are at work at once, pause how long each looks at a page before the next click, and patience
// what the 95th of 100 of their answers may take. Nobody clicks without any pause: ten who did would only measure how many
// processors the machine has. Beside it stands the processor time of one answer, which other work on the machine does not change.
const (
	users    = 10
	pause    = 250 * time.Millisecond
	patience = 100 * time.Millisecond
)

// BenchmarkTaskPages asks for the pages of findings and tasks at 100,000 findings with 10,000 tasks, ten people at once.
func BenchmarkTaskPages(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			s := open
			if engine == "postgres" {
				s = func(t testing.TB) *site { return openAt(t, postgresOf(t)) }
			}
			crowd(b, s(b))
		})
	}
}

func crowd(b *testing.B, s *site) {
	findings, tasks := 100_000, 10_000
	if text := os.Getenv("MUSTER_LOAD"); text != "" {
		if _, err := fmt.Sscan(text, &findings, &tasks); err != nil {
			b.Fatal(err)
		}
	}
	s.load(b, 200, findings, tasks)
	token, c := s.token(b, "owner"), s.count(b)
	w := "/w/" + s.home.Slug
	for _, path := range []string{"/tasks", "/tasks?mine=1", "/tasks?team=1", "/tasks?overdue=1", "/tasks?state=doing", "/tasks/board", "/tasks/board?team=1", "/my-work", "/tasks/1",
		"/findings", "/findings?severity=low", "/findings?sort=due", "/findings?overdue=1", "/findings?q=flaw", "/findings?q=package+77", "/findings?q=CVE-2026-000777", "/services/svc-0007/findings", "/findings/" + s.ids["finding"], "/findings/5000", "/overview"} {
		b.Run(strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "-"), func(b *testing.B) {
			queries, _, code, body := c.spent(s, w+path, token)
			if weight := zipped(b, body); code != http.StatusOK || queries > usual || weight > mostHTML {
				b.Errorf("answers %d, takes %d queries, weighs %d bytes compressed", code, queries, weight)
			}
			slow, answers, before := time.Duration(0), 0, processor(b)
			for b.Loop() {
				slow = max(slow, s.crowded(w+path, token))
				answers += users * clicks
			}
			b.ReportMetric(float64(slow.Microseconds())/1000, "p95-ms")
			b.ReportMetric(float64((processor(b)-before).Microseconds())/1000/float64(answers), "cpu-ms/answer")
			b.ReportMetric(float64(queries), "queries")
			if slow > patience {
				b.Errorf("the 95th of 100 answers took %v, at most %v", slow, patience)
			}
		})
	}
}

// clicks is how often each of them asks.
const clicks = 10

// crowded lets everybody ask for a page ten times, and gives how long the 95th of 100 answers took.
func (s *site) crowded(path, token string) time.Duration {
	var mu sync.Mutex
	var all []time.Duration
	var group sync.WaitGroup
	for i := range users {
		group.Go(func() {
			time.Sleep(pause * time.Duration(i) / users) // they did not all sit down in the same moment
			for range clicks {
				began := time.Now()
				s.ask(http.MethodGet, path, token, nil)
				took := time.Since(began)
				mu.Lock()
				all = append(all, took)
				mu.Unlock()
				time.Sleep(pause)
			}
		})
	}
	group.Wait()
	slices.Sort(all)
	return all[len(all)*95/100-1]
}

// processor is the processor time that this process has used.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
