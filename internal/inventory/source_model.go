package inventory

import "time"

// Source is where files come from: one repository or one cluster's manifests in one environment.
// "Gone" speaks only about the same source.
type Source struct {
	ID            int64 `gorm:"primaryKey"`
	WorkspaceID   int64
	EnvironmentID int64
	Name          string
	CreatedAt     time.Time
}

// ImportState is where an import stands.
type ImportState string

// The states of an import.
const (
	ImportPreview   ImportState = "preview" // nothing is stored but the files' meaning
	ImportApplied   ImportState = "applied"
	ImportCancelled ImportState = "cancelled"
	ImportUndone    ImportState = "undone"
)

// Import is one set of files that a person brought.
type Import struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	SourceID    int64
	ServiceID   int64 // that the files are about, as a person said; 0 leaves it to the files
	State       ImportState
	Held        string // why it waits for a person; "" is that it does not
	RunID       int64  // of the run that carries it out
	Partial     bool
	// NamespacesComplete is a person's word that the files hold every network policy of their namespaces, so that a
	// policy that is not there is known to be missing.
	NamespacesComplete bool
	ActorID            int64
	ActorName          string
	Digest             string // SHA-256 over the files' hashes and the scope
	Inputs             string // JSON list of model.Input
	Problems           string // JSON list of model.Problem
	Counts             string // JSON of the difference it made
	Uploaded           []byte // gzip JSON of the model.Inspection; never a secret's value
	Effective          []byte // the same, after a partial import was laid over what was known
	CreatedAt          time.Time
	AppliedAt          *time.Time
	UndoneAt           *time.Time
}

// Binding says which service a workload of a source is. A person may change it; it is never guessed again.
type Binding struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	SourceID    int64
	Kind        string
	Namespace   string
	Name        string
	ServiceID   int64
	SetByPerson bool
	FirstSeen   time.Time
	LastSeen    time.Time
	GoneAt      *time.Time
}

// Fact is one thing that a file says about a service. A changed value ends the row and begins another.
type Fact struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	ServiceID   int64
	SourceID    int64
	ImportID    int64
	Workload    string
	Key         string // a model.FactXxx
	Part        string
	Value       string
	Path        string
	Line        int
	FirstSeen   time.Time
	LastSeen    time.Time
	EndedAt     *time.Time
	EndedBy     int64 // the import that no longer said it
}

// Workload names a binding's workload as facts do.
func (b *Binding) Workload() string { return b.Kind + " " + b.Namespace + "/" + b.Name }
