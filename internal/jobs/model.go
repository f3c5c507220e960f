// Package jobs runs work that must not be lost or done twice: durable runs that survive a killed process, and schedules
// whose planned times each happen once, however many replicas there are.
package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"muster/internal/fault"
)

// State is where a run stands.
type State string

// The states. The first four are open; the others have ended.
const (
	Queued   State = "queued"
	Failed   State = "failed" // to be tried again at RunAt
	Running  State = "running"
	Waiting  State = "waiting" // for its children
	Dead     State = "dead"    // gave up; a person decides
	Missed   State = "missed"  // a planned time at which nothing was started, with the reason
	Canceled State = "canceled"
	Done     State = "done"
)

// States lists them all, in the order of a run's life.
func States() []State {
	return []State{Queued, Failed, Running, Waiting, Dead, Missed, Canceled, Done}
}

// Valid reports whether there is such a state.
func (s State) Valid() bool {
	switch s {
	case Queued, Failed, Running, Waiting, Dead, Missed, Canceled, Done:
		return true
	}
	return false
}

// Open reports whether the run has not ended.
func (s State) Open() bool {
	return s == Queued || s == Failed || s == Running || s == Waiting
}

// The phases of a run that has children.
const (
	phaseRun    = 0
	phaseFinish = 1 // its children have ended
)

// Run is one piece of work, from the moment it was asked for until it ended. Moments that machines compare are in
// milliseconds.
type Run struct {
	ID              int64 `gorm:"primaryKey"`
	WorkspaceID     int64
	Kind            string
	Name            string
	Key             string // no two open runs of a kind have the same one
	Payload         string // JSON
	ScheduleID      int64
	Slot            int64 // the planned moment; 0 when nobody planned it
	ParentID        int64
	State           State
	Phase           int
	Attempt         int
	MaxAttempts     int
	RunAt           int64
	LeaseOwner      string // the process that runs it
	Heartbeat       int64
	Fence           int64 // of the newest claim
	CancelRequested bool
	OpenChildren    int
	ProgressDone    int
	ProgressTotal   int
	ProgressWords   string
	LogLines        int
	Result          string // JSON
	ResultWords     string
	Failure         string // of the newest attempt, or why it was missed
	Late            bool   // the planned time passed while nothing ran
	Due             bool   // a person has to do something, and say so
	SettledBy       int64
	SettlerName     string
	SettledAt       *time.Time
	SettledNote     string
	ActorID         int64
	ActorName       string
	CreatedAt       time.Time
	StartedAt       *time.Time
	FinishedAt      *time.Time
}

// TableName is the runs' table.
func (Run) TableName() string { return "job_runs" }

// Planned is the moment that the schedule planned; zero when there is none.
func (r *Run) Planned() time.Time {
	if r.Slot == 0 {
		return time.Time{}
	}
	return time.UnixMilli(r.Slot).UTC()
}

// Again is the moment of the next attempt.
func (r *Run) Again() time.Time { return time.UnixMilli(r.RunAt).UTC() }

// Numbers reads the numbers of the result, those of objects inside it as "outer inner".
func (r *Run) Numbers() map[string]float64 {
	var v any
	numbers := map[string]float64{}
	if r.Result != "" && json.Unmarshal([]byte(r.Result), &v) == nil {
		collect(numbers, "", v)
	}
	return numbers
}

func collect(into map[string]float64, name string, v any) {
	switch x := v.(type) {
	case float64:
		into[name] = x
	case map[string]any:
		for k, inner := range x {
			collect(into, strings.TrimSpace(name+" "+strings.ReplaceAll(k, "_", " ")), inner)
		}
	}
}

// Line is one line of a run's log.
type Line struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	RunID       int64
	At          time.Time
	Level       string
	Line        string
}

// TableName is the table of the log lines.
func (Line) TableName() string { return "job_lines" }

// The levels of log lines.
const (
	LevelInfo  = "info"
	LevelError = "error"
)

// CatchUp is what happens when a planned time passed while nothing ran.
type CatchUp string

// The settings.
const (
	CatchUpOnce CatchUp = "once" // one run at the next start, marked late
	CatchUpMiss CatchUp = "miss" // it is written down as missed
)

// Valid reports whether there is such a setting.
func (c CatchUp) Valid() bool { return c == CatchUpOnce || c == CatchUpMiss }

// Schedule plans runs.
type Schedule struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Seed        string // the name of what Muster made itself
	Kind        string
	Name        string
	Spec        string
	Zone        string
	Payload     string
	CatchUp     CatchUp
	Paused      bool
	NextSlot    int64 // 0 when it never runs again
	CreatorID   int64
	CreatorName string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	DeletedAt   *time.Time
}

// TableName is the schedules' table.
func (Schedule) TableName() string { return "job_schedules" }

// Rhythm reads when it runs.
func (s *Schedule) Rhythm() (Rhythm, error) { return ParseRhythm(s.Spec, s.Zone) }

// The limits of what is stored.
const (
	maxName    = 200
	maxKey     = 200
	maxPayload = 64 << 10
	maxResult  = 256 << 10
	maxWords   = 500
	maxLine    = 1000
	maxLines   = 1000 // of a run's log
	maxFan     = 20_000
)

// clip cuts text to a length and keeps it text that both engines take.
func clip(text string, most int) string {
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
	if len(text) <= most {
		return text
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// New is work to be done.
type New struct {
	Kind        string
	Name        string // in words
	Key         string // a second one with the same key gives the first, while that one is open
	Payload     any
	ParentID    int64
	RunAt       time.Time // zero is now
	MaxAttempts int       // 0 is the usual
}

// usualAttempts is how often work is tried that does not say it.
const usualAttempts = 5

// run makes the row. The error is a program's mistake.
func (n *New) run(now time.Time) (Run, error) {
	r := Run{Kind: n.Kind, Name: clip(n.Name, maxName), Key: n.Key, ParentID: n.ParentID, State: Queued, MaxAttempts: n.MaxAttempts, RunAt: now.UnixMilli()}
	if n.Kind == "" || n.Name == "" || len(n.Key) > maxKey {
		return r, errors.New("a run needs a kind, a name and a short key")
	}
	if r.MaxAttempts <= 0 {
		r.MaxAttempts = usualAttempts
	}
	if n.RunAt.After(now) {
		r.RunAt = n.RunAt.UnixMilli()
	}
	var err error
	r.Payload, err = encode(n.Payload, maxPayload)
	return r, err
}

func encode(v any, most int) (string, error) {
	if v == nil {
		return "", nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode for a run: %w", err)
	}
	if len(b) > most {
		return "", fmt.Errorf("what a run keeps is %d bytes, at most %d", len(b), most)
	}
	return string(b), nil
}

// permanent is a failure that another attempt would not change.
type permanent struct{ error }

// Unwrap gives the failure itself.
func (p permanent) Unwrap() error { return p.error }

// Permanent marks a failure that is not worth another attempt.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

func isPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}

// sentence is what a person reads about a failure.
func sentence(err error) string {
	if f, ok := fault.As(err); ok {
		return clip(f.Message, maxWords)
	}
	return clip(err.Error(), maxWords)
}

// delay is the time before another attempt: it doubles from ten seconds to an hour, give or take a fifth, so that what
// failed together is not tried together. chance is from 0 to 1.
func delay(attempt int, chance float64) time.Duration {
	d := min(10*time.Second<<min(max(attempt-1, 0), 10), time.Hour)
	return time.Duration(float64(d) * (0.8 + 0.4*chance))
}
