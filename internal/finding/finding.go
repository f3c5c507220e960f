// Package finding keeps one truth about each weakness of a service, whoever reported it: one state, who decided it, by when it is due, and a history that explains all three.
package finding

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Kind is the sort of weakness; it decides how a finding is recognised again.
type Kind string

// The kinds.
const (
	Dependency    Kind = "dependency"
	Code          Kind = "code"
	Secret        Kind = "secret"
	Configuration Kind = "configuration"
	Web           Kind = "web"
	Network       Kind = "network"
	License       Kind = "license"
	Manual        Kind = "manual"
)

// Kinds lists them in the order of lists.
func Kinds() []Kind {
	return []Kind{Dependency, Code, Secret, Configuration, Web, Network, License, Manual}
}

// Valid reports whether the word is a kind.
func (k Kind) Valid() bool { return slices.Contains(Kinds(), k) }

// Severity is how bad a finding is.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

// Severities lists them, worst first.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

// Valid reports whether the word is a severity.
func (s Severity) Valid() bool { return slices.Contains(Severities(), s) }

// Worse reports whether s is worse than another.
func (s Severity) Worse(than Severity) bool { return rankOf(s) < rankOf(than) }

func rankOf(s Severity) int {
	if i := slices.Index(Severities(), s); i >= 0 {
		return i
	}
	return len(Severities())
}

// Rating is one CVSS rating.
type Rating struct {
	Version string  `json:"version"`
	Vector  string  `json:"vector"`
	Score   float64 `json:"score"`
}

// Finding is one weakness on one service. Its state is one word; all that led there is in its events.
type Finding struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	ServiceID   int64  // 0 is nobody's yet
	Label       string // what the report calls the thing, while it is nobody's
	Kind        Kind
	State       State
	Title       string

	Vulnerability string // the best of its identifiers: CVE, then GHSA, then others
	Aliases       string // all of them, space separated
	Rule          string
	CWEs          string `gorm:"column:cwes"` // numbers, space separated
	Package       string
	PURL          string `gorm:"column:purl"` // without version
	Installed     string
	FixVersion    string
	Path          string
	Line          int
	Endpoint      string
	Resource      string
	Places        string // JSON list of every place it was seen in
	Description   string
	Remediation   string
	Refs          string // JSON list
	Ratings       string // JSON list of Rating

	Severity         Severity // what counts: a person's, else the worst that a live source reports
	ReportedSeverity Severity
	AssessedSeverity Severity // a person's; "" when nobody assessed it
	AssessedBy       string
	Exploited        bool // known to be exploited
	EPSS             *float64
	Priority         int
	Reasons          string // JSON list of Reason

	Live        int // sources that see it now
	PublishedAt *time.Time
	FirstSeen   time.Time
	OpenedAt    time.Time
	ReopenedAt  *time.Time
	ReopenCount int
	FixedAt     *time.Time
	ClosedAt    *time.Time
	DuplicateOf int64

	DecidedLayer Layer  // who decided the state it is in
	DecidedBy    int64  // the person, where it was one
	DecidedFacts string // JSON of what was known then

	ExceptionID   int64         // that accepts it
	AcceptedUntil *time.Time    // the end of that exception: from then on "accepted" means nothing
	Justification Justification // why it is not affected, in a word of VEX; "" in every other state

	Clock     string // JSON list of Segment
	DueAt     *time.Time
	HardDueAt *time.Time // the same on a clock that nothing pauses
	DueWords  string
	Policy    int // version of the due-date policy that it opened under

	Search      string
	RetractedAt *time.Time // the import that opened it was undone, and nobody else knows of it
	Version     int
	UpdatedAt   time.Time
}

// Counted reports whether lists and counters know it.
func (f *Finding) Counted() bool { return f.RetractedAt == nil }

// Detected reports whether some source still sees it.
func (f *Finding) Detected() bool { return f.Live > 0 }

// Overdue reports whether it waits for work beyond its date.
func (f *Finding) Overdue(now time.Time) bool {
	return f.State.Todo() && f.DueAt != nil && now.After(*f.DueAt)
}

// PlaceList lists the places.
func (f *Finding) PlaceList() []string { return list[string](f.Places) }

// RefList lists the references.
func (f *Finding) RefList() []string { return list[string](f.Refs) }

// RatingList lists the CVSS ratings.
func (f *Finding) RatingList() []Rating { return list[Rating](f.Ratings) }

// ReasonList lists what made the priority.
func (f *Finding) ReasonList() []Reason { return list[Reason](f.Reasons) }

// list reads a JSON list that this package wrote.
func list[T any](text string) []T {
	var l []T
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return nil
	}
	return l
}

// one reads a JSON value that this package wrote.
func one[T any](text string) T {
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return *new(T)
	}
	return v
}

// text writes a value that always can be written: strings, numbers and times.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "[]"
	}
	return string(b)
}

// Source is what one tool says of a finding in one scope.
type Source struct {
	ID           int64 `gorm:"primaryKey"`
	WorkspaceID  int64
	FindingID    int64
	Tool         string
	SourceID     int64 // where the files come from, with its environment
	ScopeService int64 // the service that the whole report was said to be about; 0 where its rows name their own
	Rule         string
	Severity     Severity
	SeverityFrom string // tool, cvss, or a default with its reason
	ToolWord     string // the tool's own word
	Status       Status
	StatusReason string
	Occurrences  int
	Facts        string // a hash of all that the tool says, so that the same words change nothing
	FirstSeen    time.Time
	LastSeen     time.Time
	GoneAt       *time.Time
	GoneImport   int64
}

// TableName keeps the table beside the other tables of findings.
func (Source) TableName() string { return "finding_sources" }

// Status is what a report itself says of a weakness.
type Status string

// The statuses. All but the first are closed by the report.
const (
	Reported      Status = "open"
	Suppressed    Status = "suppressed"
	ReportedFixed Status = "fixed"
	ReportedFalse Status = "false_positive"
	ReportedNot   Status = "not_affected"
	ReportedTaken Status = "accepted"
)

// Event is one line of a finding's history.
type Event struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	FindingID   int64
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
	Contradicts int64  // the event whose closure this one contradicts
	FileID      int64  // the file that it attached
	Before      []byte // what an undo puts back
}

// TableName keeps the table beside the other tables of findings.
func (Event) TableName() string { return "finding_events" }

// Action is what an event did.
type Action string

// The actions.
const (
	Opened    Action = "opened"
	Reopened  Action = "reopened"
	Updated   Action = "updated"
	Ended     Action = "ended"
	Moved     Action = "moved" // from one state to another
	Merged    Action = "merged"
	Assessed  Action = "assessed"
	Commented Action = "commented"
	Attached  Action = "attached" // a file
	Assigned  Action = "assigned" // to another service
	Undone    Action = "undone"
	Clocked   Action = "clocked" // its due date or priority was computed again
)

// ReportRun is one reading of one tool's report of one scope.
type ReportRun struct {
	ID            int64 `gorm:"primaryKey"`
	WorkspaceID   int64
	ImportID      int64
	Tool          string
	SourceID      int64
	EnvironmentID int64
	ScopeService  int64
	Digest        string
	Complete      bool
	Aspects       string // what it looked for, space separated
	Services      string // the services it spoke about, space separated
	SeenAt        time.Time
	RowCount      int
	Created       int
	Reopened      int
	Unchanged     int
	Ended         int
	Updated       int
	CreatedAt     time.Time
	UndoneAt      *time.Time
}

// TableName keeps the table beside the other tables of findings.
func (ReportRun) TableName() string { return "finding_reports" }

// Rule says whose the rows are that carry a label, or that a pattern fits.
type Rule struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	MatchBy     TraitKind
	Label       string // the word or the pattern
	ServiceID   int64
	ActorID     int64
	ActorName   string
	CreatedAt   time.Time
	EndedAt     *time.Time
}

// TableName keeps the table beside the other tables of findings.
func (Rule) TableName() string { return "finding_rules" }

// Count is a kept number of findings.
type Count struct {
	WorkspaceID int64    `gorm:"primaryKey"`
	ServiceID   int64    `gorm:"primaryKey"`
	State       State    `gorm:"primaryKey"`
	Severity    Severity `gorm:"primaryKey"`
	Kind        Kind     `gorm:"primaryKey"`
	N           int64
}

// TableName keeps the table beside the other tables of findings.
func (Count) TableName() string { return "finding_counts" }

// fields splits a space separated column.
func fields(s string) []string { return strings.Fields(s) }
