package jobs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"muster/internal/database"
	"muster/internal/fault"
)

// Options say how a process works.
type Options struct {
	Workers int  // runs at the same time; 0 is the usual
	Alone   bool // no other process can work on this database, so what still runs at the start is nobody's
}

// The rhythm of a process. A claim without a new heartbeat for the time of a lease, by the clock of whoever looks, is
// taken back; clocks of machines are never compared, so it does not matter whether they agree or jump.
const (
	usualWorkers = 4
	lookEvery    = time.Second
	beatEvery    = 2 * time.Second
	lease        = 6 * time.Second
	usualLimit   = time.Hour
	stopGrace    = 8 * time.Second // for handlers, when the process stops
	lastWords    = 4 * time.Second // for writing how they ended
	pruneEvery   = time.Hour
)

var (
	errCanceled = errors.New("somebody canceled it")
	errStopping = errors.New("the process stops")
)

// sight is what was last seen of a claim.
type sight struct {
	fence, heartbeat int64
	since            time.Time
}

// worker is one process at work.
type worker struct {
	*Service
	Options
	owner  string
	behind int64 // the workspace that was served last
	seen   map[int64]sight
	pruned time.Time
	looked time.Time
	quiet  map[string]time.Time

	mu   sync.Mutex
	jobs map[*Job]bool
	all  sync.WaitGroup
	beat time.Time // the last one that was stored
}

// Work plans and does runs until the context ends, then stops what it does: that goes back to the queue and loses no
// attempt. It returns within 15 seconds.
func (s *Service) Work(ctx context.Context, o Options) {
	if o.Workers <= 0 {
		o.Workers = usualWorkers
	}
	w := &worker{Service: s, Options: o, owner: ownerName(), seen: map[int64]sight{}, quiet: map[string]time.Time{}, jobs: map[*Job]bool{}, beat: time.Now()}
	beating, stopBeating := context.WithCancel(context.WithoutCancel(ctx))
	var heart sync.WaitGroup
	heart.Go(func() { w.beats(beating) })
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for first := true; ctx.Err() == nil; first = false {
		w.round(ctx, first)
		select {
		case <-ctx.Done():
		case <-look.C:
		case <-s.wake:
		}
	}
	w.stop()
	stopBeating()
	heart.Wait()
}

// ownerName is a name that no other process has, and that tells a person which one it is.
func ownerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	id := make([]byte, 4)
	_, _ = rand.Read(id) // never fails
	return clip(fmt.Sprintf("%s:%d:%s", host, os.Getpid(), hex.EncodeToString(id)), maxName)
}

// round looks once at everything that may have to be done.
func (w *worker) round(ctx context.Context, first bool) {
	if time.Since(w.looked) >= lookEvery-50*time.Millisecond { // a run that ends wakes the loop as well
		w.looked = time.Now()
		w.try(ctx, "seed the schedules", w.seedNew)
		w.try(ctx, "plan the schedules", w.plan)
		w.try(ctx, "look after the runs of other processes", func(ctx context.Context) error { return w.reap(ctx, first && w.Alone) })
	}
	w.try(ctx, "claim runs", w.fill)
	if time.Since(w.pruned) >= pruneEvery {
		w.pruned = time.Now()
		w.try(ctx, "delete old runs", w.prune)
	}
}

// try logs a failure, and the same one at most once a minute: while the database is away, every second has one.
func (w *worker) try(ctx context.Context, what string, f func(context.Context) error) {
	err := f(ctx)
	if err == nil || ctx.Err() != nil {
		return
	}
	if time.Since(w.quiet[what]) > time.Minute {
		w.quiet[what] = time.Now()
		slog.ErrorContext(ctx, "jobs: could not "+what, "error", err)
	}
}

// fill claims as many runs as there are free hands.
func (w *worker) fill(ctx context.Context) error {
	w.mu.Lock()
	free := w.Workers - len(w.jobs)
	w.mu.Unlock()
	if free <= 0 {
		return nil
	}
	claimed, err := w.claim(ctx, w.owner, w.behind, free)
	if err != nil {
		return err
	}
	for i := range claimed {
		w.behind = claimed[i].WorkspaceID
		w.start(ctx, &claimed[i])
	}
	return nil
}

// start lets a handler work on a claimed run.
func (w *worker) start(ctx context.Context, r *Run) {
	inside, cancel := context.WithCancelCause(database.WithWorkspace(context.WithoutCancel(ctx), r.WorkspaceID))
	j := newJob(w.Service, r, cancel)
	w.mu.Lock()
	w.jobs[j] = true
	w.mu.Unlock()
	w.all.Go(func() {
		defer cancel(nil)
		o := w.attempt(inside, j)
		w.finish(inside, j, o)
		w.mu.Lock()
		delete(w.jobs, j)
		w.mu.Unlock()
		w.rouse()
	})
}

func newJob(s *Service, r *Run, cancel context.CancelCauseFunc) *Job {
	return &Job{Run: *r, service: s, cancel: cancel, done: r.ProgressDone, total: r.ProgressTotal, words: r.ProgressWords, kept: r.LogLines, beat: r.Heartbeat}
}

// attempt runs the handler and says how it ended. A handler that does not stop when it is told to is left alone: it
// can write nothing through its job any more.
func (w *worker) attempt(ctx context.Context, j *Job) outcome {
	h, known := w.handler(j.Run.Kind)
	if !known {
		return outcome{err: Permanent(fault.New(fault.Invalid, "There is nothing here that can do %q.", j.Run.Kind))}
	}
	limit := usualLimit
	if l, limited := h.(Limiter); limited {
		limit = l.Limit()
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- w.handle(ctx, h, j) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		select {
		case err = <-ended:
		case <-time.After(stopGrace):
			err = errors.New("it did not stop when it was told to")
		}
	}
	cause := context.Cause(ctx)
	switch {
	case err == nil:
		return outcome{}
	case errors.Is(cause, errStopping), errors.Is(cause, ErrLost):
		return outcome{err: err, released: true}
	case errors.Is(cause, errCanceled):
		return outcome{err: errCanceled, canceled: true}
	case errors.Is(cause, context.DeadlineExceeded):
		return outcome{err: fault.New(fault.Unavailable, "It took longer than %s.", limit)}
	}
	return outcome{err: err}
}

// handle calls the handler; a panic is a failed attempt.
func (w *worker) handle(ctx context.Context, h Handler, j *Job) (err error) {
	defer func() {
		if r := recover(); r != nil {
			slog.ErrorContext(ctx, "jobs: a handler broke off", "run", j.Run.ID, "kind", j.Run.Kind, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("the work broke off: %v", r)
		}
	}()
	if j.Run.Phase != phaseFinish {
		return h.Run(ctx, j)
	}
	children, err := w.children(ctx, j.Run.ID)
	if err != nil {
		return err
	}
	if f, finishes := h.(Finisher); finishes {
		return f.Finish(ctx, j, children)
	}
	done := 0
	for i := range children {
		if children[i].State == Done {
			done++
		}
	}
	j.Result(fmt.Sprintf("%d of %d done", done, len(children)), map[string]int{"done": done, "parts": len(children)})
	return nil
}

// finish writes how it ended; while the database is away it tries again, and the claim is kept meanwhile.
func (w *worker) finish(ctx context.Context, j *Job, o outcome) {
	if j.hasEnded() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.patience(o))
	defer cancel()
	for {
		err := w.settle(ctx, j, o)
		if err == nil {
			return
		}
		if errors.Is(err, ErrLost) {
			slog.WarnContext(ctx, "jobs: a run was taken over before it ended here", "run", j.Run.ID, "kind", j.Run.Kind)
			return
		}
		select {
		case <-ctx.Done():
			slog.ErrorContext(ctx, "jobs: how a run ended could not be written, so it is done again", "run", j.Run.ID, "kind", j.Run.Kind, "error", err)
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (w *worker) patience(o outcome) time.Duration {
	if o.released {
		return lastWords
	}
	return 30 * time.Second
}

// stop tells every handler to stop and waits for them.
func (w *worker) stop() {
	w.mu.Lock()
	for j := range w.jobs {
		j.cancel(errStopping)
	}
	w.mu.Unlock()
	done := make(chan struct{})
	go func() { w.all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(stopGrace + lastWords):
	}
}

// beats keeps the claims until the context ends.
func (w *worker) beats(ctx context.Context) {
	tick := time.NewTicker(beatEvery / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.pulse(ctx)
		}
	}
}

// pulse stores heartbeats when it is time, and progress sooner, and hands on what it learned.
func (w *worker) pulse(ctx context.Context) {
	w.mu.Lock()
	var list []*Job
	due := time.Since(w.beat) >= beatEvery-50*time.Millisecond
	for j := range w.jobs {
		if due || j.hasNews() {
			list = append(list, j)
		}
	}
	if len(w.jobs) == 0 {
		w.beat = time.Now()
	}
	w.mu.Unlock()
	if len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	learned, err := w.Service.beat(ctx, list)
	if err != nil {
		if time.Since(w.beat) > lease {
			for _, j := range list { // others may have taken them over by now
				j.cancel(ErrLost)
			}
		}
		return
	}
	if due {
		w.beat = time.Now()
	}
	for j, p := range learned {
		switch {
		case p.lost:
			j.cancel(ErrLost)
		case p.cancel:
			j.cancel(errCanceled)
		}
	}
}

// reap takes back the claims of processes that died. all is for a process that knows itself alone.
func (w *worker) reap(ctx context.Context, all bool) error {
	rows, err := w.running(across(ctx))
	if err != nil {
		return err
	}
	now, seen := time.Now(), map[int64]sight{}
	for i := range rows {
		r := &rows[i]
		if w.has(r) {
			continue
		}
		last, known := w.seen[r.ID]
		if !known || last.fence != r.Fence || last.heartbeat != r.Heartbeat {
			last = sight{r.Fence, r.Heartbeat, now}
		}
		seen[r.ID] = last
		if all || now.Sub(last.since) >= lease {
			if err := w.takeBack(ctx, r); err != nil {
				return err
			}
		}
	}
	w.seen = seen
	return nil
}

// has reports whether a claim is of this very process.
func (w *worker) has(r *Run) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for j := range w.jobs {
		if j.Run.ID == r.ID && j.Run.Fence == r.Fence {
			return true
		}
	}
	return false
}
