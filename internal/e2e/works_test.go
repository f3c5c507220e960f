package e2e

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"muster/internal/jobs"
)

// parts is a kind of run for the tests: two parts, one of which may fail, and a count that grows.
type parts struct{ counted int }

func (parts) Run(_ context.Context, j *jobs.Job) error {
	j.Log("Two parts to do.")
	j.Fan([]jobs.New{{Kind: "e2e.part", Name: "A part that works"}, {Kind: "e2e.part", Name: "A part that fails", MaxAttempts: 1}})
	return nil
}

func (p *parts) Finish(_ context.Context, j *jobs.Job, children []jobs.Run) error {
	p.counted++
	j.Result(fmt.Sprintf("%d parts looked at, one failed.", len(children)), map[string]any{"parts": len(children), "failing_controls": 3 * p.counted, "by_domain": map[string]int{"tls": 4}})
	return nil
}

// works lets runs come to each end, and plans some.
func (s *site) works(t testing.TB) {
	t.Helper()
	s.Jobs.Handle("e2e", &parts{})
	s.Jobs.Handle("e2e.part", jobs.Func(func(_ context.Context, j *jobs.Job) error {
		if j.Run.Name == "A part that fails" {
			j.Log("It asked twice and got no answer from a host whose name is so long that it has to be broken: very-long-name-of-a-host-that-nobody-knows.internal.kente.example")
			return errors.New("no answer within 5 s")
		}
		return nil
	}))
	enqueue := func(n jobs.New) int64 { return check[jobs.Run](t)(s.Jobs.Enqueue(s.ctx, s.owner, n)).ID }
	plan := func(name string) int64 {
		return check[jobs.Schedule](t)(s.Jobs.Create(s.ctx, s.owner, jobs.Plan{Kind: jobs.Reminder, Name: name, Spec: "0 8 1 1,4,7,10 *", Zone: "Europe/Berlin", CatchUp: jobs.CatchUpOnce})).ID
	}
	audit, doomed, paused := plan("Security audit"), plan("Restore test"), plan("Training")
	check[jobs.Schedule](t)(s.Jobs.Pause(s.ctx, s.owner, paused))
	open := enqueue(jobs.New{Kind: "e2e", Name: "Looks at everything tomorrow", RunAt: time.Now().Add(24 * time.Hour)})
	due := check[jobs.Run](t)(s.Jobs.RunNow(s.ctx, s.owner, doomed)).ID
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.Jobs.Work(ctx, jobs.Options{}) }()
	first := enqueue(jobs.New{Kind: "e2e", Name: "Looks at everything"})
	s.until(t, first, due)
	run := enqueue(jobs.New{Kind: "e2e", Name: "Looks at everything"})
	s.until(t, run)
	stop()
	<-stopped
	dead := check[jobs.Page](t)(s.Jobs.List(s.ctx, s.owner, jobs.Filter{State: jobs.Dead})).Rows[0].ID
	for name, id := range map[string]int64{"schedule": audit, "doomed": doomed, "open": open, "due": due, "run": run, "dead": dead} {
		s.ids[name] = strconv.FormatInt(id, 10)
	}
}

// until waits for runs to be done.
func (s *site) until(t testing.TB, ids ...int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		done := 0
		for _, id := range ids {
			if check[jobs.Run](t)(s.Jobs.Look(s.ctx, s.owner, id)).State == jobs.Done {
				done++
			}
		}
		if done == len(ids) {
			return
		}
	}
	t.Fatal("the runs were not done within a minute")
}

// A run's page changes by itself while it runs, under the page's own policy, and says so when it has ended.
func TestARunIsLiveInTheBrowser(t *testing.T) {
	s := open(t)
	step := make(chan string)
	s.Jobs.Handle("e2e.slow", jobs.Func(func(ctx context.Context, j *jobs.Job) error {
		for i := 1; ; i++ {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case words, more := <-step:
				if !more {
					j.Result("All of it was looked at.", nil)
					return nil
				}
				j.Progress(i, 4, words)
			}
		}
	}))
	run := check[jobs.Run](t)(s.Jobs.Enqueue(s.ctx, s.owner, jobs.New{Kind: "e2e.slow", Name: "A slow scan"}))
	ctx := browser(t)
	cookie := fmt.Sprintf(`document.cookie="muster=%s;path=/"; 1`, s.token(t, "owner"))
	if err := chromedp.Do(ctx, chromedp.Navigate(s.server.URL+"/login"), listen()); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](cookie)); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(fmt.Sprintf("%s/w/%s/scans/%d", s.server.URL, s.home.Slug, run.ID))); err != nil {
		t.Fatal(err)
	}
	says := func(text string) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("main").innerText`)); err == nil && strings.Contains(got, text) {
				return
			}
		}
		t.Errorf("the page never says %q", text)
	}
	says("starts as soon as")
	working, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.Jobs.Work(working, jobs.Options{}) }()
	says("It runs now")
	step <- "half of <everything>"
	says("1 of 4, half of <everything>")
	close(step)
	says("All of it was looked at.")
	if broken, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(window.__violations || []).join("\n")`)); err != nil || broken != "" {
		t.Error(broken, err)
	}
	stop()
	<-stopped
}
