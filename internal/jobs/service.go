package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/fault"
)

// Service is the one door to runs and schedules.
type Service struct {
	db     *database.DB
	access *access.Control
	log    *activity.Service
	ids    func(context.Context) ([]int64, error) // of every workspace

	mu       sync.RWMutex
	handlers map[string]Handler
	kinds    []Kind
	seeds    []Seed
	planted  map[int64]bool // workspaces whose seeds this process has seen to
	wake     chan struct{}
}

// NewService makes the service. workspaces lists the ids of all of them.
func NewService(db *database.DB, control *access.Control, log *activity.Service, workspaces func(context.Context) ([]int64, error)) *Service {
	s := &Service{db: db, access: control, log: log, ids: workspaces, handlers: map[string]Handler{}, planted: map[int64]bool{}, wake: make(chan struct{}, 1)}
	s.Handle(Reminder, Func(remind))
	return s
}

// Handle says who does the work of a kind. It is called where the program is put together.
func (s *Service) Handle(kind string, h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[kind] = h
}

func (s *Service) handler(kind string) (Handler, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h, known := s.handlers[kind]
	return h, known
}

// handled lists the kinds that this process can do.
func (s *Service) handled() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var list []string
	for kind := range s.handlers {
		list = append(list, kind)
	}
	return list
}

// Enqueue asks for work in the workspace of the context. When an open run of the kind has the same key, that one is
// given and nothing is added. A run with a parent makes the parent wait for it.
func (s *Service) Enqueue(ctx context.Context, actor access.Actor, n New) (Run, error) {
	if err := s.access.Require(actor, access.Write, access.Scans); err != nil {
		return Run{}, err
	}
	if _, known := s.handler(n.Kind); !known {
		return Run{}, fault.New(fault.Invalid, "There is nothing here that can do %q.", n.Kind)
	}
	var r Run
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var err error
		if r, err = n.run(s.db.Now(ctx)); err != nil {
			return err
		}
		r.ActorID, r.ActorName = actor.UserID, actor.Name
		return s.enqueue(ctx, actor, &r)
	})
	if err == nil {
		s.rouse()
	}
	return r, err
}

func (s *Service) enqueue(ctx context.Context, actor access.Actor, r *Run) error {
	if r.ParentID > 0 {
		parent, found, err := s.lock(ctx, r.ParentID)
		if err != nil {
			return err
		}
		if !found || !parent.State.Open() || parent.Phase != phaseRun {
			return fmt.Errorf("run %d takes no children any more", r.ParentID)
		}
	}
	fresh, err := s.add(ctx, r)
	if err != nil || !fresh {
		return err
	}
	if r.ParentID > 0 {
		if err := s.countChildren(ctx, r.ParentID, 0, 1); err != nil {
			return err
		}
	}
	if actor.Role == access.System {
		return nil // what the program does by itself is in the list of runs, not in the log of changes
	}
	return s.record(ctx, actor, "scan.start", r, nil)
}

// rouse makes a worker of this process look at once.
func (s *Service) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Service) record(ctx context.Context, actor access.Actor, action string, r *Run, before any) error {
	after := map[string]any{"state": r.State}
	if r.SettledNote != "" {
		after["note"] = r.SettledNote
	}
	return s.log.Record(ctx, actor, activity.Change{Action: action, Kind: "scan", ID: r.ID, Name: r.Name, Before: before, After: after})
}

// Cancel ends a run and its children. What runs is told to stop, and ends as canceled when it has.
func (s *Service) Cancel(ctx context.Context, actor access.Actor, id int64) (Run, error) {
	return s.decide(ctx, actor, id, "scan.cancel", func(ctx context.Context, r *Run) error {
		if !r.State.Open() {
			return fault.New(fault.Conflict, "It has ended already.")
		}
		return s.cancel(ctx, r)
	})
}

// cancel expects the run, and its parent before it, to be locked.
func (s *Service) cancel(ctx context.Context, r *Run) error {
	was, now := *r, s.db.Now(ctx)
	columns := []string{"cancel_requested"}
	r.CancelRequested = true
	if r.State != Running {
		r.State, r.FinishedAt, r.OpenChildren = Canceled, &now, 0
		columns = append(columns, "state", "finished_at", "open_children")
	}
	if err := s.move(ctx, &was, r, columns...); err != nil {
		return err
	}
	ended, waiting, err := s.cancelChildren(ctx, r.ID)
	if err != nil {
		return err
	}
	for i := range waiting {
		if err := s.cancel(ctx, &waiting[i]); err != nil {
			return err
		}
	}
	if ended == 0 {
		return nil
	}
	return s.countChildren(ctx, r.ID, ended, 0)
}

// move changes a run that must still be as it was read; a child that ends, or is opened again, counts with its parent.
func (s *Service) move(ctx context.Context, was, now *Run, columns ...string) error {
	ok, err := s.change(ctx, was, now, columns...)
	if err != nil {
		return err
	}
	if !ok {
		return errMoved
	}
	if was.ParentID == 0 || was.State.Open() == now.State.Open() {
		return nil
	}
	if now.State.Open() {
		return s.countChildren(ctx, was.ParentID, -1, 0)
	}
	return s.countChildren(ctx, was.ParentID, 1, 0)
}

// errMoved says that somebody else changed the run first.
var errMoved = errors.New("the run has moved on")

// Retry gives a run that gave up, or was canceled, a new row of attempts.
func (s *Service) Retry(ctx context.Context, actor access.Actor, id int64) (Run, error) {
	r, err := s.decide(ctx, actor, id, "scan.retry", func(ctx context.Context, r *Run) error {
		if r.State != Dead && r.State != Canceled {
			return fault.New(fault.Conflict, "Only what gave up or was canceled can be tried again.")
		}
		if r.ScheduleID > 0 {
			if _, busy, err := s.openOf(ctx, r.ScheduleID); err != nil || busy {
				return orElse(err, fault.New(fault.Conflict, "Another run of its schedule has not ended yet."))
			}
		}
		if r.Key != "" {
			if busy, err := s.keyTaken(ctx, r); err != nil || busy {
				return orElse(err, fault.New(fault.Conflict, "The same work is under way already."))
			}
		}
		was := *r
		if r.Phase == phaseRun && r.ProgressTotal > 0 { // its children were canceled with it: begin again
			if has, err := s.hasChildren(ctx, r.ID); err != nil || has {
				return orElse(err, fault.New(fault.Conflict, "Its parts were canceled with it. Start it again instead."))
			}
		}
		r.State, r.Attempt, r.RunAt, r.CancelRequested, r.FinishedAt = Queued, 0, s.db.Now(ctx).UnixMilli(), false, nil
		return s.move(ctx, &was, r, "state", "attempt", "run_at", "cancel_requested", "finished_at")
	})
	if err == nil {
		s.rouse()
	}
	return r, err
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// Discard puts a run that gave up away.
func (s *Service) Discard(ctx context.Context, actor access.Actor, id int64) (Run, error) {
	return s.decide(ctx, actor, id, "scan.discard", func(ctx context.Context, r *Run) error {
		if r.State != Dead {
			return fault.New(fault.Conflict, "Only what gave up can be put away.")
		}
		was := *r
		r.State, r.SettledBy, r.SettlerName = Canceled, actor.UserID, actor.Name
		now := s.db.Now(ctx)
		r.SettledAt = &now
		return s.move(ctx, &was, r, "state", "settled_by", "settler_name", "settled_at")
	})
}

// decide runs what a person decided about a run: the parent is locked first, then the run.
func (s *Service) decide(ctx context.Context, actor access.Actor, id int64, action string, f func(context.Context, *Run) error) (Run, error) {
	var r Run
	if err := s.access.Require(actor, access.Write, access.Scans); err != nil {
		return r, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var err error
		if r, err = s.lockFamily(ctx, id); err != nil {
			return err
		}
		before := map[string]any{"state": r.State}
		if err := f(ctx, &r); err != nil {
			return err
		}
		return s.record(ctx, actor, action, &r, before)
	})
	if errors.Is(err, errMoved) {
		err = fault.New(fault.Conflict, "It moved on just now. Look again.")
	}
	return r, err
}

func (s *Service) lockFamily(ctx context.Context, id int64) (Run, error) {
	r, found, err := s.byID(ctx, id)
	if err != nil || !found {
		return r, orElse(err, fault.Missing("run"))
	}
	if r.ParentID > 0 {
		if _, _, err := s.lock(ctx, r.ParentID); err != nil {
			return r, err
		}
	}
	r, found, err = s.lock(ctx, id)
	if err == nil && !found {
		err = fault.Missing("run")
	}
	return r, err
}

// across is the context of the machinery, which serves every workspace.
func across(ctx context.Context) context.Context {
	return database.Across(ctx, "runs and schedules of every workspace are claimed and planned in one place")
}

// keepFor is how long ended runs are kept; what they found is elsewhere.
const keepFor = 90 * 24 * time.Hour

// prune deletes old runs, some at a time.
func (s *Service) prune(ctx context.Context) error {
	ctx = across(ctx)
	ids, err := s.stale(ctx, s.db.Now(ctx).Add(-keepFor), 1000)
	if err != nil || len(ids) == 0 {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error { return s.drop(ctx, ids) })
}
