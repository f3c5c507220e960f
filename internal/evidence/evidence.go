// Package evidence keeps what was observed, by whom and when: dated, append-only, each row about one clause of one control on one part of a subject.
package evidence

import (
	"slices"
	"strings"
	"time"

	"muster/internal/control/catalogue"
)

// Outcome is what an observation says. "Could not tell" is no outcome: it is not recorded.
type Outcome string

// The outcomes, worst first.
const (
	Fail   Outcome = "fail"
	Silent Outcome = "silent" // the source was read again and no longer says what it said; it proves nothing
	Pass   Outcome = "pass"
)

// Valid reports whether the word is an outcome.
func (o Outcome) Valid() bool { return o == Fail || o == Silent || o == Pass }

// Evidence is one dated observation of a clause on a part of a subject. Only its last two columns ever change.
type Evidence struct {
	ID            int64 `gorm:"primaryKey"`
	WorkspaceID   int64
	ServiceID     int64 // 0 is the workspace itself
	EnvironmentID int64 // 0 for the workspace
	Control       string
	Clause        string // "" is every clause, as a person may say
	Part          string // "kind:name", see PartOf; "" is the whole subject
	Kind          catalogue.SourceKind
	Source        string // who or what speaks: "file:3" is the files of source 3, "person:7" a user
	Outcome       Outcome
	Observed      string
	Expected      string
	Note          string
	Path          string
	Line          int
	ArtefactHash  string // SHA-256 of the file that shows it
	ImportID      int64
	RetestOf      int64 // the failing evidence that a person tested again
	ActorID       int64
	ActorName     string
	ObservedAt    time.Time
	ReceivedAt    time.Time
	GoodUntil     *time.Time // a physical end or the end that a person named; the control's age may end it earlier
	SupersededAt  *time.Time // the same source said something newer
	RetractedAt   *time.Time // taken back, as if it had never been said
}

// TableName keeps the noun as it is.
func (Evidence) TableName() string { return "evidence" }

// Human reports whether a person's word is all there is.
func (e *Evidence) Human() bool { return e.Kind == catalogue.Person }

// PartOf names a part of a subject; the kind says when it is proven gone.
func PartOf(kind catalogue.Part, name string) string {
	if kind == catalogue.Whole || name == "" {
		return ""
	}
	return string(kind) + ":" + name
}

// SplitPart gives the kind and the name of a part.
func SplitPart(part string) (catalogue.Part, string) {
	kind, name, found := strings.Cut(part, ":")
	if !found {
		return catalogue.Whole, ""
	}
	return catalogue.Part(kind), name
}

// Retraction takes evidence back: of an import that was undone, or a word that its author regrets.
type Retraction struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	ImportID    int64
	EvidenceID  int64
	Reason      string
	ActorID     int64
	ActorName   string
	CreatedAt   time.Time
}

// Attachment is a file that a person added to what they say.
type Attachment struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	EvidenceID  int64
	Name        string
	MediaType   string
	Size        int64
	SHA256      string `gorm:"column:sha256"`
	Data        []byte
	CreatedAt   time.Time
}

// cell is what one source speaks about: of each, the newest counts.
type cell struct {
	service, environment          int64
	control, clause, part, source string
}

func (e *Evidence) cell() cell {
	return cell{e.ServiceID, e.EnvironmentID, e.Control, e.Clause, e.Part, e.Source}
}

// replaces reports whether e makes an older row of the same cell superfluous. A pass that holds longer than a newer
// one stays: hearing it again must not weaken it. A test that ended a failure stays too: what the same person says
// afterwards is said of the clause, and does not undo the test.
func (e *Evidence) replaces(old *Evidence) bool {
	if e.ObservedAt.Before(old.ObservedAt) {
		return false
	}
	if old.Outcome == Pass && old.RetestOf != 0 && (e.Outcome != Pass || e.RetestOf != old.RetestOf) {
		return false
	}
	if e.Outcome == Pass && old.Outcome == Pass && e.GoodUntil != nil {
		return old.GoodUntil != nil && !old.GoodUntil.After(*e.GoodUntil)
	}
	return true
}

// repeats reports whether an import says again what it said already. A failure keeps its number then, and with it the
// test that ended it.
func (e *Evidence) repeats(old Evidence) bool {
	return e.ImportID != 0 && e.ImportID == old.ImportID && e.Outcome == old.Outcome && e.Observed == old.Observed && e.ObservedAt.Equal(old.ObservedAt)
}

// counting finds the rows of one cell, in the order in which they were received, that nothing received later replaces.
func counting(rows []Evidence) []int64 {
	var live []Evidence
	for _, e := range rows {
		live = slices.DeleteFunc(live, func(old Evidence) bool { return e.replaces(&old) })
		live = append(live, e)
	}
	ids := make([]int64, 0, len(live))
	for _, e := range live {
		ids = append(ids, e.ID)
	}
	return ids
}
