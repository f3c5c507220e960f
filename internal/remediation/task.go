// Package remediation keeps the work that closes findings and failing controls: who does it, by when, and the proof that it is done.
package remediation

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/internal/finding"
)

// State is where a task stands. It has one, and the table below is the only way from one to another.
type State string

// The states.
const (
	Todo     State = "todo"
	Doing    State = "doing"
	Fixed    State = "fixed"    // a person says so, or everything it covers is at least fixed; the proof is still to come
	Verified State = "verified" // everything it covers is proven gone
	Ended    State = "ended"    // nothing is left to do, and nothing was proven
)

// States lists them in the order of work.
func States() []State { return []State{Todo, Doing, Fixed, Verified, Ended} }

// Valid reports whether the word is a state.
func (s State) Valid() bool { return slices.Contains(States(), s) }

// Open reports whether the task still wants something: work, or proof.
func (s State) Open() bool { return s == Todo || s == Doing || s == Fixed }

// ToWork reports whether somebody has to work on it.
func (s State) ToWork() bool { return s == Todo || s == Doing }

// Layer is who moved a task.
type Layer string

// The layers.
const (
	ByPerson Layer = "person"
	ByProof  Layer = "proof" // what became of what it covers
)

// move is one line of the transition table.
type move struct {
	from, to State
	person   bool // a person may
	proof    bool // what it covers may
}

// moves is the transition table: what is not here does not happen. Nobody verifies a task by hand: what it covers is
// verified, and the task follows.
var moves = []move{
	{Todo, Doing, true, false}, {Doing, Todo, true, false},
	{Todo, Fixed, true, true}, {Doing, Fixed, true, true},
	{Fixed, Doing, true, false}, {Fixed, Todo, true, true},
	{Todo, Ended, true, true}, {Doing, Ended, true, true}, {Fixed, Ended, true, true}, {Verified, Ended, false, true},
	{Todo, Verified, false, true}, {Doing, Verified, false, true}, {Fixed, Verified, false, true}, {Ended, Verified, false, true},
	{Verified, Fixed, false, true}, {Ended, Fixed, false, true},
	{Verified, Todo, false, true}, {Ended, Todo, true, true},
}

// MayMove reports whether the table leads from one state to another for a layer.
func MayMove(from, to State, by Layer) bool {
	for _, m := range moves {
		if m.from == from && m.to == to {
			return by == ByPerson && m.person || by == ByProof && m.proof
		}
	}
	return false
}

// Ways lists the states that a person may choose from here, in the order of States.
func Ways(from State) []State {
	var ways []State
	for _, to := range States() {
		if MayMove(from, to, ByPerson) {
			ways = append(ways, to)
		}
	}
	return ways
}

// Task is work for a person. What is kept of its items (dates, severity, numbers) follows from them.
type Task struct {
	ID           int64 `gorm:"primaryKey"`
	WorkspaceID  int64
	Title        string
	Note         string
	Fix          string // the change that it is about, for a bundle
	State        State
	StateLayer   Layer
	Since        time.Time // when it came to its state
	Blocked      string    // why nobody can go on; "" is not blocked
	BlockedAt    *time.Time
	AssigneeID   int64 // the user; 0 is the whole team
	AssigneeName string
	TeamID       int64 // 0 is nobody's
	ByOwner      bool  // the team follows who owns the services
	DueAt        *time.Time
	PlannedAt    *time.Time
	SortAt       time.Time // the due date, or far away where there is none
	Severity     finding.Severity
	Priority     int
	Items        int
	Live         int    // items that still want work
	Services     string // ids, space separated
	CreatedBy    int64
	CreatedName  string
	CreatedAt    time.Time
	Version      int
	UpdatedAt    time.Time
}

// IsBlocked reports whether nobody can go on.
func (t *Task) IsBlocked() bool { return t.BlockedAt != nil }

// Overdue reports whether it waits for work beyond its date.
func (t *Task) Overdue(now time.Time) bool {
	return t.State.ToWork() && t.DueAt != nil && now.After(*t.DueAt)
}

// Done is how many of its items want no more work.
func (t *Task) Done() int { return t.Items - t.Live }

// ServiceIDs lists the services that it is about.
func (t *Task) ServiceIDs() []int64 {
	var ids []int64
	for _, w := range strings.Fields(t.Services) {
		if id, err := strconv.ParseInt(w, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// Item is one thing that a task covers: a finding, or a control on a service.
type Item struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	TaskID      int64
	FindingID   int64 // 0 for a control
	ServiceID   int64 // 0 with a control is the workspace itself
	Control     string
	Title       string
	Severity    finding.Severity // "" for a control
	Priority    int
	Word        string // the state that it was last seen in
	Standing    Standing
	DueAt       *time.Time
	TeamID      int64 // who owns its service
	AddedAt     time.Time
}

// TableName keeps the table beside the other tables of tasks.
func (Item) TableName() string { return "task_items" }

// Name is how a sentence names the item.
func (i *Item) Name() string {
	if i.FindingID != 0 {
		return "finding " + strconv.FormatInt(i.FindingID, 10) + ", “" + i.Title + "”,"
	}
	return i.Control + ", “" + i.Title + "”,"
}

// Event is one line of a task's history.
type Event struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	TaskID      int64
	At          time.Time
	Action      Action
	FromState   State
	ToState     State
	Layer       Layer
	ActorID     int64
	ActorName   string
	ImportID    int64
	Words       string // what happened
	Note        string // what a person wrote
}

// TableName keeps the table beside the other tables of tasks.
func (Event) TableName() string { return "task_events" }

// Action is what an event did.
type Action string

// The actions.
const (
	Created   Action = "created"
	Moved     Action = "moved"
	Progress  Action = "progress" // something that it covers came nearer to its end, or farther
	Changed   Action = "changed"  // its title, who does it, when
	Blocked   Action = "blocked"
	Unblocked Action = "unblocked"
	Covered   Action = "covered"
	Uncovered Action = "uncovered"
	Commented Action = "commented"
)

// Cell names a control on a service; service 0 is the workspace itself.
type Cell struct {
	Service int64
	Control string
}
