package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"muster/internal/access"
)

// Handler does the work of one kind.
type Handler interface {
	Run(ctx context.Context, j *Job) error
}

// Func is a function as a Handler.
type Func func(ctx context.Context, j *Job) error

// Run calls the function.
func (f Func) Run(ctx context.Context, j *Job) error { return f(ctx, j) }

// Finisher is a Handler that goes on when the last child of its run has ended, however each of them ended.
type Finisher interface {
	Finish(ctx context.Context, j *Job, children []Run) error
}

// Limiter is a Handler whose runs may take another time than the usual hour.
type Limiter interface {
	Limit() time.Duration
}

// ErrLost says that the run is no longer this process's: another one took it over, or it has ended.
var ErrLost = errors.New("the run belongs to somebody else by now")

// Job is a run in the hands of its handler.
type Job struct {
	Run Run // as it was claimed

	service *Service
	cancel  context.CancelCauseFunc

	mu     sync.Mutex
	dirty  bool
	done   int
	total  int
	words  string
	lines  []Line
	kept   int // lines in the log, stored or not
	fan    []Run
	fanned bool
	result string
	says   string
	due    bool
	fault  error // of a call that cannot return one
	ended  bool  // Complete has written how it ended
	beat   int64
}

// Actor is who acts in a handler.
func (j *Job) Actor() access.Actor { return access.SystemActor("Muster") }

// Payload reads what the run was asked for.
func (j *Job) Payload(into any) error {
	if j.Run.Payload == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(j.Run.Payload), into); err != nil {
		return Permanent(fmt.Errorf("read what the run was asked for: %w", err))
	}
	return nil
}

// Progress says how far the work is. It costs nothing: what is newest is stored with the next heartbeat.
func (j *Job) Progress(done, total int, words string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.done, j.total, j.words, j.dirty = done, total, clip(words, maxWords), true
}

// Log adds a line to the run's log. What a killed process said in its last two seconds is lost.
func (j *Job) Log(format string, args ...any) { j.say(LevelInfo, fmt.Sprintf(format, args...)) }

func (j *Job) say(level, line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.kept++; j.kept > maxLines {
		return
	}
	if j.kept == maxLines {
		line = fmt.Sprintf("The log is full: it keeps %d lines.", maxLines)
	}
	j.lines = append(j.lines, Line{WorkspaceID: j.Run.WorkspaceID, RunID: j.Run.ID, At: j.service.db.Now(context.Background()), Level: level, Line: clip(line, maxLine)})
	j.dirty = true
}

// Result says what came out, in words and as a value that is stored as JSON; its numbers are compared with the run
// before. It counts when the handler returns no error.
func (j *Job) Result(words string, v any) {
	text, err := encode(v, maxResult)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.says, j.result = clip(words, maxWords), text
	j.fail(err)
}

// Fan makes children when the handler returns: the run then waits for them, and goes on with its Finisher when the last
// one has ended.
func (j *Job) Fan(children []New) {
	now := j.service.db.Now(context.Background())
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fanned = true
	if j.Run.Phase == phaseFinish {
		j.fail(errors.New("a run has children once"))
	}
	if len(j.fan)+len(children) > maxFan {
		j.fail(fmt.Errorf("a run has at most %d children", maxFan))
		return
	}
	for i := range children {
		children[i].ParentID = j.Run.ID
		r, err := children[i].run(now)
		r.WorkspaceID = j.Run.WorkspaceID
		j.fan = append(j.fan, r)
		j.fail(err)
	}
}

// fail keeps the first mistake of calls that return nothing.
func (j *Job) fail(err error) {
	if err != nil && j.fault == nil {
		j.fault = Permanent(err)
	}
}

// InTx runs f in one transaction that only goes through while the run is this process's: what a process does that was
// taken for dead and wakes up again is rolled back.
func (j *Job) InTx(ctx context.Context, f func(ctx context.Context) error) error {
	return j.service.db.InTx(ctx, func(ctx context.Context) error {
		if err := j.service.hold(ctx, &j.Run); err != nil {
			return err
		}
		return f(ctx)
	})
}

// Complete ends the run as done in the very transaction in which f stores what came of it: both are there, or neither,
// whatever happens to the process. Result and Fan come before it; the handler returns its error and does nothing more.
func (j *Job) Complete(ctx context.Context, f func(ctx context.Context) error) error {
	if j.fault != nil {
		return j.fault
	}
	err := j.service.settle(ctx, j, outcome{}, f)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = err == nil
	return err
}

func (j *Job) hasEnded() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ended
}
