package jobs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/identity"
	"muster/internal/jobs"
	"muster/internal/web/webtest"
)

func want(t *testing.T, d *webtest.Desk, path string, words ...string) string {
	t.Helper()
	answer := d.Ask(http.MethodGet, path, nil)
	body := answer.Body.String()
	if answer.Code != http.StatusOK {
		t.Fatalf("%s: %d", path, answer.Code)
	}
	for _, w := range words {
		if !strings.Contains(body, w) {
			t.Errorf("%s does not say %q", path, w)
		}
	}
	return body
}

// work does what is asked for until the test ends.
func work(t *testing.T, d *webtest.Desk) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.Jobs.Work(ctx, jobs.Options{}) }()
	t.Cleanup(func() { stop(); <-done })
}

func enqueue(t *testing.T, d *webtest.Desk, n jobs.New) jobs.Run {
	t.Helper()
	r, err := d.Jobs.Enqueue(d.Ctx, d.Owner, n)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ends(t *testing.T, d *webtest.Desk, id int64, state jobs.State) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if r, err := d.Jobs.Look(d.Ctx, d.Owner, id); err == nil && r.State == state {
			return
		}
	}
	t.Fatalf("run %d never became %s", id, state)
}

func TestTheHealthyRhythmIsThere(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	want(t, d, "/schedules", "Nothing is planned")
	if err := d.Jobs.SeedWorkspace(d.Ctx); err != nil {
		t.Fatal(err)
	}
	body := want(t, d, "/schedules", "Security audit", "Vulnerability scan", "Posture report", "Policy review", "Access review", "Restore test", "Security training", "on 1 January, 1 April, 1 July and 1 October at 08:00 in UTC", "Run now", "Pause")
	for _, r := range strings.Split(body, "<tr>")[2:] {
		if n := strings.Count(r, "<time"); n != 3+1 && n != 3 { // the first once more, relative
			t.Errorf("a schedule shows %d times", n)
		}
	}
}

func TestPlanningByForm(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	form := url.Values{"kind": {"reminder"}, "name": {"Rotate the <keys>"}, "spec": {"0 3 * * 1"}, "zone": {"Europe/Berlin"}, "catch_up": {"once"}}
	look := url.Values{"do": {"look"}}
	for k, v := range form {
		look[k] = v
	}
	answer := d.Ask(http.MethodPost, "/schedules", look)
	if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "Runs every Monday at 03:00 in Europe/Berlin") {
		t.Errorf("looking: %d", answer.Code)
	}
	want(t, d, "/schedules", "Nothing is planned")
	if got := d.Ask(http.MethodPost, "/schedules", form).Code; got != http.StatusSeeOther {
		t.Fatal(got)
	}
	at := "/schedules/1"
	want(t, d, "/schedules", "Rotate the &lt;keys&gt;", "every Monday at 03:00 in Europe/Berlin", d.Root+at)
	want(t, d, at, `value="0 3 * * 1"`, "Runs every Monday")
	form.Set("spec", "TZ=0")
	form.Set("zone", "Nowhere/Land")
	answer = d.Ask(http.MethodPost, at, form)
	for _, w := range []string{"Leave TZ= out", "There is no time zone of this name", `value="TZ=0"`, "Rotate the"} {
		if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), w) {
			t.Errorf("%d, without %q", answer.Code, w)
		}
	}
	for _, step := range []struct{ to, says string }{{at + "/pause", "paused"}, {at + "/pause", "It is paused already."}, {at + "/resume", "Pause"}} {
		if got := d.Ask(http.MethodPost, step.to, nil).Code; got != http.StatusSeeOther {
			t.Errorf("%s: %d", step.to, got)
		}
	}
	want(t, d, at+"/delete", "does not come back by itself")
	if got := d.Ask(http.MethodPost, at+"/delete", nil).Code; got != http.StatusSeeOther {
		t.Fatal(got)
	}
	want(t, d, "/schedules", "Nothing is planned")
	if got := d.Ask(http.MethodGet, at, nil).Code; got != http.StatusNotFound {
		t.Error(got)
	}
}

func TestAReminderOnItsPages(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	c, err := d.Jobs.Create(d.Ctx, d.Owner, jobs.Plan{Kind: jobs.Reminder, Name: "Security audit", Spec: "0 8 1 1 *", Zone: "UTC", CatchUp: jobs.CatchUpOnce})
	if err != nil {
		t.Fatal(err)
	}
	work(t, d)
	answer := d.Ask(http.MethodPost, fmt.Sprintf("/schedules/%d/run", c.ID), nil)
	at := strings.TrimPrefix(answer.Header().Get("Location"), d.Root)
	var id int64
	if _, err := fmt.Sscanf(at, "/scans/%d", &id); err != nil {
		t.Fatal(at, err)
	}
	ends(t, d, id, jobs.Done)
	want(t, d, "/schedules", "To do", "Say that it is done: Security audit")
	d.Apply(t, webtest.System(2))
	want(t, d, "/overview", "To do", "Security audit", d.Root+at)
	answer = d.Ask(http.MethodPost, at+"/done", url.Values{"note": {""}})
	if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "Say in a sentence what was done") {
		t.Error(answer.Code)
	}
	if got := d.Ask(http.MethodPost, at+"/done", url.Values{"note": {"With <b>the bank</b>."}}).Code; got != http.StatusSeeOther {
		t.Error(got)
	}
	want(t, d, at, "Ama Mensah said that it is done", "&lt;b&gt;the bank")
	if body := want(t, d, "/overview"); strings.Contains(body, "To do") {
		t.Error("it is still due")
	}
	want(t, d, "/activity?kind=scan", "did what a reminder asked for")
}

func TestARunThatGaveUp(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	d.Jobs.Handle("test", jobs.Func(func(context.Context, *jobs.Job) error { return jobs.Permanent(errors.New("<b>no</b> answer")) }))
	r := enqueue(t, d, jobs.New{Kind: "test", Name: "A probe"})
	at := fmt.Sprintf("/scans/%d", r.ID)
	want(t, d, at, "It starts as soon as", `<noscript><meta http-equiv="refresh" content="5"`, `data-live="`+d.Root+at+"/events", "Cancel")
	work(t, d)
	ends(t, d, r.ID, jobs.Dead)
	body := want(t, d, at, "gave up", "&lt;b&gt;no&lt;/b&gt; answer", "Try again", "Put away")
	if strings.Contains(body, "data-live") || strings.Contains(body, "http-equiv=\"refresh\"") {
		t.Error("an ended run still asks for changes")
	}
	want(t, d, "/scans?state=dead", "A probe", "Try again: A probe")
	if got := d.Ask(http.MethodPost, at+"/retry", nil).Code; got != http.StatusSeeOther {
		t.Error(got)
	}
	ends(t, d, r.ID, jobs.Dead)
	if got := d.Ask(http.MethodPost, at+"/discard", nil).Code; got != http.StatusSeeOther {
		t.Error(got)
	}
	want(t, d, at, "Ama Mensah put it away")
	answer := d.Ask(http.MethodPost, at+"/discard", nil)
	if answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "Only what gave up") {
		t.Error(answer.Code)
	}
	want(t, d, "/scans?state=dead", "None in this state")
	want(t, d, "/scans?state=nonsense&kind=nonsense&page=-3", "A probe")
}

func TestTheDifferenceToTheRunBefore(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	n := 0
	d.Jobs.Handle("test", jobs.Func(func(_ context.Context, j *jobs.Job) error {
		n++
		j.Result("Looked.", map[string]any{"failing_controls": 10 - 3*n, "services": 4})
		return nil
	}))
	work(t, d)
	first := enqueue(t, d, jobs.New{Kind: "test", Name: "A probe"})
	ends(t, d, first.ID, jobs.Done)
	second := enqueue(t, d, jobs.New{Kind: "test", Name: "A probe"})
	ends(t, d, second.ID, jobs.Done)
	if body := want(t, d, fmt.Sprintf("/scans/%d", first.ID), "Failing controls"); strings.Contains(body, "Difference") {
		t.Error("the first run has nothing to be compared with")
	}
	want(t, d, fmt.Sprintf("/scans/%d", second.ID), "Difference", "−3", fmt.Sprintf("/scans/%d", first.ID))
}

// watch opens the stream of a run and gives its events.
func watch(t *testing.T, address string, cookie *http.Cookie) (code int, events <-chan string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(cookie)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	list := make(chan string, 100)
	go func() {
		defer close(list)
		defer answer.Body.Close()
		scan := bufio.NewScanner(answer.Body)
		scan.Buffer(nil, 1<<20)
		event := ""
		for scan.Scan() {
			if line := scan.Text(); line != "" {
				event += line + "\n"
				continue
			}
			list <- event
			event = ""
		}
	}()
	return answer.StatusCode, list
}

// next waits for an event that holds a text; false is the end of the stream.
func next(t *testing.T, events <-chan string, text string) bool {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case e, more := <-events:
			if !more {
				return false
			}
			if strings.Contains(e, text) {
				return true
			}
		case <-limit:
			t.Fatalf("no event says %q", text)
		}
	}
}

func TestARunIsWatched(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	step := make(chan string)
	d.Jobs.Handle("test", jobs.Func(func(ctx context.Context, j *jobs.Job) error {
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case s, more := <-step:
				if !more {
					return nil
				}
				j.Progress(1, 2, s)
			}
		}
	}))
	server, app, cookie := d.Serve(t)
	r := enqueue(t, d, jobs.New{Kind: "test", Name: "A probe"})
	address := fmt.Sprintf("%s%s/scans/%d/events", server.URL, d.Root, r.ID)
	code, events := watch(t, address, cookie)
	if code != http.StatusOK || !next(t, events, "waiting") {
		t.Fatal(code)
	}
	work(t, d)
	next(t, events, "running")
	step <- "half <way>"
	if !next(t, events, "half &lt;way&gt;") {
		t.Error("progress was not told")
	}
	for i := range 5 {
		if code, _ := watch(t, address, cookie); code != http.StatusOK {
			t.Errorf("stream %d: %d", i+2, code)
		}
	}
	if code, _ := watch(t, address, cookie); code != http.StatusTooManyRequests {
		t.Errorf("one stream too many: %d", code)
	}
	close(step)
	if !next(t, events, "event: end") || next(t, events, "nothing more") {
		t.Error("the stream goes on after the run")
	}
	app.Stop()
}

func TestAStreamEnds(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	d.Jobs.Handle("test", jobs.Func(func(context.Context, *jobs.Job) error { return nil }))
	r := enqueue(t, d, jobs.New{Kind: "test", Name: "A probe", RunAt: time.Now().Add(time.Hour)})
	server, app, cookie := d.Serve(t)
	address := fmt.Sprintf("%s%s/scans/%d/events", server.URL, d.Root, r.ID)

	user, err := d.Identity.CreateUser(t.Context(), access.SystemActor("test"), identity.Account{Name: "Kofi", Email: "kofi@kente.example", Password: "copper lantern tuesdays"}, strings.TrimPrefix(d.Root, "/w/"), access.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	token, err := d.Identity.Begin(t.Context(), user, identity.From{IP: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	code, theirs := watch(t, address, &http.Cookie{Name: "muster", Value: token})
	if code != http.StatusOK || !next(t, theirs, "event: change") {
		t.Fatal(code)
	}
	if err := d.Identity.SetDisabled(t.Context(), access.SystemActor("test"), user.Email, true); err != nil {
		t.Fatal(err)
	}
	if !next(t, theirs, "event: gone") || next(t, theirs, "nothing more") {
		t.Error("somebody who was switched off still watches")
	}
	code, mine := watch(t, address, cookie)
	if code != http.StatusOK || !next(t, mine, "event: change") {
		t.Fatal(code)
	}
	start := time.Now()
	app.Stop()
	if next(t, mine, "nothing more") || time.Since(start) > 3*time.Second {
		t.Error("a server that stops waits for who watches")
	}
}
