package jobs

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"muster/internal/database"
)

// claim gives the process some runs to do, one workspace after another, so that a thousand runs of one do not keep the
// others waiting. behind is the workspace that was served last.
func (s *Service) claim(ctx context.Context, owner string, behind int64, n int) ([]Run, error) {
	ctx, kinds := across(ctx), s.handled()
	if found, err := s.waits(ctx, kinds, s.db.Now(ctx)); err != nil || !found {
		return nil, err
	}
	var claimed []Run
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		claimed = nil
		now := s.db.Now(ctx)
		for len(claimed) < n {
			r, found, err := s.next(ctx, kinds, behind, now)
			if err == nil && !found && behind > 0 {
				behind = 0
				r, found, err = s.next(ctx, kinds, behind, now)
			}
			if err != nil || !found {
				return err
			}
			behind = r.WorkspaceID
			was := r
			r.State, r.LeaseOwner, r.Heartbeat, r.Fence, r.Attempt = Running, owner, later(r.Heartbeat, now), r.Fence+1, r.Attempt+1
			if r.StartedAt == nil {
				r.StartedAt = &now
			}
			ok, err := s.change(ctx, &was, &r, "state", "lease_owner", "heartbeat", "fence", "attempt", "started_at")
			if err != nil {
				return err
			}
			if ok {
				claimed = append(claimed, r)
			}
		}
		return nil
	})
	return claimed, err
}

// later is a heartbeat that differs from the one before, whatever the clock does.
func later(before int64, now time.Time) int64 { return max(before+1, now.UnixMilli()) }

// progress is what a job has to say since it was last stored.
type progress struct {
	dirty       bool
	done, total int
	words       string
	kept        int
	lines       []Line
}

// take empties what is new; giveBack undoes it when it could not be stored.
func (j *Job) take() progress {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := progress{dirty: j.dirty, done: j.done, total: j.total, words: j.words, kept: min(j.kept, maxLines), lines: j.lines}
	j.dirty, j.lines = false, nil
	return p
}

func (j *Job) giveBack(p progress) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.dirty = j.dirty || p.dirty
	j.lines = append(p.lines, j.lines...)
}

func (j *Job) hasNews() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.dirty
}

// pulse is what a heartbeat learned about a claim.
type pulse struct{ lost, cancel bool }

// beat keeps the claims of a process in one transaction, with what is new of each.
func (s *Service) beat(ctx context.Context, list []*Job) (map[*Job]pulse, error) {
	if len(list) == 0 {
		return nil, nil
	}
	ctx = across(ctx)
	news := make([]progress, len(list))
	for i, j := range list {
		news[i] = j.take()
	}
	learned := map[*Job]pulse{}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		for i, j := range list {
			next := later(j.beat, s.db.Now(ctx))
			kept, err := s.keep(ctx, &j.Run, &news[i], next)
			if err != nil {
				return err
			}
			if !kept {
				learned[j] = pulse{lost: true}
				continue
			}
			r, found, err := s.byID(ctx, j.Run.ID)
			if err != nil {
				return err
			}
			learned[j] = pulse{lost: !found, cancel: r.CancelRequested}
			j.beat = next
		}
		return nil
	})
	if err != nil {
		for i, j := range list {
			j.giveBack(news[i])
		}
	}
	return learned, err
}

// outcome is how an attempt ended.
type outcome struct {
	err      error
	canceled bool // because somebody asked for it
	released bool // the process stops: the attempt does not count
}

// settle writes how an attempt ended, with what it still had to say, unless the claim was lost. with is what must be
// stored together with that, or not at all; it comes first, so that no row of ours is locked while it works.
func (s *Service) settle(ctx context.Context, j *Job, o outcome, with ...func(context.Context) error) error {
	if o.err == nil {
		o.err = j.fault
	}
	if o.err != nil && !o.released {
		j.say(LevelError, sentence(o.err))
	}
	news := j.take()
	ctx = database.WithWorkspace(ctx, j.Run.WorkspaceID)
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		for _, f := range with {
			if err := f(ctx); err != nil {
				return err
			}
		}
		if j.Run.ParentID > 0 {
			if _, _, err := s.lock(ctx, j.Run.ParentID); err != nil {
				return err
			}
		}
		was, found, err := s.lock(ctx, j.Run.ID)
		if err != nil {
			return err
		}
		if !found || was.State != Running || was.Fence != j.Run.Fence {
			return ErrLost
		}
		if err := database.InsertAll(ctx, s.db, "log of a run", news.lines); err != nil {
			return err
		}
		now := was
		if news.dirty {
			now.ProgressDone, now.ProgressTotal, now.ProgressWords, now.LogLines = news.done, news.total, news.words, news.kept
		}
		if err := s.conclude(ctx, j, &now, o); err != nil {
			return err
		}
		return s.move(ctx, &was, &now, "state", "phase", "attempt", "run_at", "lease_owner", "open_children", "progress_done", "progress_total", "progress_words", "log_lines", "result", "result_words", "failure", "due", "finished_at")
	})
	if err != nil && !errors.Is(err, ErrLost) {
		j.giveBack(news)
	}
	return err
}

// conclude decides what becomes of a run after an attempt.
func (s *Service) conclude(ctx context.Context, j *Job, r *Run, o outcome) error {
	now := s.db.Now(ctx)
	r.LeaseOwner = ""
	stopped := r.CancelRequested && j.fanned && r.Phase == phaseRun // before its children began
	switch {
	case o.err == nil && !stopped:
		return s.succeed(ctx, j, r)
	case o.released:
		r.State, r.Attempt, r.RunAt = Queued, r.Attempt-1, now.UnixMilli()
	case o.canceled || r.CancelRequested:
		r.State, r.FinishedAt, r.OpenChildren = Canceled, &now, 0
	default:
		r.Failure = sentence(o.err)
		s.giveUpOrAgain(r, now, isPermanent(o.err), delay(r.Attempt, rand.Float64())) //nolint:gosec // jitter
	}
	return nil
}

// giveUpOrAgain decides whether a failed attempt is followed by another.
func (s *Service) giveUpOrAgain(r *Run, now time.Time, final bool, wait time.Duration) {
	if final || r.Attempt >= r.MaxAttempts {
		r.State, r.FinishedAt = Dead, &now
		return
	}
	r.State, r.RunAt = Failed, now.Add(wait).UnixMilli()
}

// succeed ends a run, or makes it wait for its children.
func (s *Service) succeed(ctx context.Context, j *Job, r *Run) error {
	now := s.db.Now(ctx)
	r.Failure, r.Result, r.ResultWords, r.Due = "", j.result, j.says, j.due
	if r.Phase == phaseRun {
		waits, err := s.spread(ctx, j, r)
		if err != nil || waits {
			return err
		}
	}
	r.State, r.FinishedAt = Done, &now
	if r.ProgressTotal > 0 && r.ProgressDone < r.ProgressTotal && r.OpenChildren <= 0 {
		r.ProgressDone = r.ProgressTotal
	}
	return nil
}

// spread stores the children and reports whether there is something to wait for.
func (s *Service) spread(ctx context.Context, j *Job, r *Run) (bool, error) {
	has := j.fanned
	if handler, known := s.handler(r.Kind); known && !has {
		if _, finishes := handler.(Finisher); finishes {
			var err error
			if has, err = s.hasChildren(ctx, r.ID); err != nil {
				return false, err
			}
		}
	}
	if len(j.fan) > 0 {
		fresh := append([]Run(nil), j.fan...)
		for i := range fresh {
			fresh[i].ActorID, fresh[i].ActorName = r.ActorID, r.ActorName
		}
		if err := database.InsertAll(ctx, s.db, "child runs", fresh); err != nil {
			return false, err
		}
		r.OpenChildren += len(fresh)
		r.ProgressDone, r.ProgressTotal, r.ProgressWords = 0, len(fresh), ""
	}
	switch {
	case r.OpenChildren > 0:
		r.State = Waiting
	case has:
		r.State, r.Phase, r.Attempt, r.RunAt = Queued, phaseFinish, 0, s.db.Now(ctx).UnixMilli()
	default:
		return false, nil
	}
	return true, nil
}

// lostProcess is what a person reads about a run whose process ended without a word.
const lostProcess = "The process that ran it ended without a word."

// takeBack ends the claim of a process that no longer shows a heartbeat. It does nothing when the process showed one
// in the meantime.
func (s *Service) takeBack(ctx context.Context, seen *Run) error {
	ctx = database.WithWorkspace(ctx, seen.WorkspaceID)
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		r, err := s.lockFamily(ctx, seen.ID)
		if err != nil {
			return err
		}
		if r.State != Running || r.Fence != seen.Fence || r.Heartbeat != seen.Heartbeat {
			return nil
		}
		was, now := r, s.db.Now(ctx)
		r.LeaseOwner, r.Failure = "", lostProcess
		if r.CancelRequested {
			r.State, r.FinishedAt, r.OpenChildren = Canceled, &now, 0
		} else {
			s.giveUpOrAgain(&r, now, false, 0)
		}
		if r.LogLines < maxLines {
			r.LogLines++
			line := Line{RunID: r.ID, At: now, Level: LevelError, Line: lostProcess}
			if err := database.Insert(ctx, s.db, "log of a run", &line); err != nil {
				return err
			}
		}
		return s.move(ctx, &was, &r, "state", "run_at", "lease_owner", "failure", "finished_at", "open_children", "log_lines")
	})
	if errors.Is(err, errMoved) {
		return nil
	}
	return err
}
