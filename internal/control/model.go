package control

import (
	"time"
)

// Setting is one dated choice of a workspace about a control. The newest counts; older ones tell what counted then.
type Setting struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Control     string
	Off         bool
	Weight      *int   // nil is the shipped weight
	Age         *int   // days; nil is the shipped age
	Definition  string // YAML of a control of the workspace's own; "" for shipped ones
	Reason      string
	ActorID     int64
	ActorName   string
	CreatedAt   time.Time
}

// TableName says that these are settings of controls.
func (Setting) TableName() string { return "control_settings" }

// Decision is a person's dated word that a control does not, or does after all, apply to a service.
type Decision struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Control     string
	ServiceID   int64
	Applies     bool
	Reason      string
	ActorID     int64
	ActorName   string
	CreatedAt   time.Time
}

// TableName says what is decided.
func (Decision) TableName() string { return "applicability_decisions" }

// Version is when a workspace first met a version of the catalogue.
type Version struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Version     int
	CreatedAt   time.Time
}

// TableName says whose version it is.
func (Version) TableName() string { return "catalogue_versions" }

// Subject is what was known of a service in an environment from one moment to another.
type Subject struct {
	ID            int64 `gorm:"primaryKey"`
	WorkspaceID   int64
	ServiceID     int64
	EnvironmentID int64
	Facts         string // JSON of Facts
	Since         time.Time
	Until         *time.Time
}

// State is the stored state of one control on one subject in one environment. A control without a row is unknown.
type State struct {
	ID            int64 `gorm:"primaryKey"`
	WorkspaceID   int64
	ServiceID     int64
	EnvironmentID int64
	Control       string
	State         Word
	Value         float64 // in the score, from 0 to 1
	Contradicted  bool
	Known, Total  int
	GoodUntil     *time.Time // when time alone makes it worse
	ExceptedUntil *time.Time
	Later         string // JSON of []Step
	Since         time.Time
}

// Score is the stored score of a service; service 0 is the workspace.
type Score struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	ServiceID   int64
	Score       float64
	Rated       bool
	Coverage    float64
	Detail      string // JSON, see package posture
	Cells       string // JSON: the state of each control, for matrices
	Formula     int
	ComputedAt  time.Time
}

// Snapshot is the score of a day, kept for trends.
type Snapshot struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	ServiceID   int64
	Day         string // "2026-06-30", in UTC
	Score       float64
	Rated       bool
	Coverage    float64
	ScopeChange float64 // the part of the day's difference that came from another scope, not from work
	Detail      string
	Formula     int
	CreatedAt   time.Time
}

// ScopeChange is a dated change of what is judged: a tier, a weight, a service that came or went.
type ScopeChange struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	ServiceID   int64
	Words       string
	Reason      string
	Difference  float64 // of the workspace's score
	ActorName   string
	CreatedAt   time.Time
}

// Sweep notes that a workspace was swept on a day.
type Sweep struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Day         string
	CreatedAt   time.Time
}

// Visit is when a person last looked at the overview, and the time before that.
type Visit struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	UserID      int64
	SeenAt      time.Time
	BeforeAt    *time.Time
}
