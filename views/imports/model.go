// Package imports holds the pages on which files become services: upload, preview, what happened.
package imports

import (
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Past is one import in the list.
type Past struct {
	Href, Source, Who, State, Summary string
	Tone                              ui.Tone
	At                                time.Time
	Partial                           bool
}

// List is the page of all imports.
type List struct {
	*layout.Page
	Rows      []Past
	Pages     ui.Pages
	MayImport bool
}

// Upload is the page with the file field.
type Upload struct {
	*layout.Page
	Action, Message string
	Errors          map[string]string
	Problems        []ui.Problem
	Environments    []ui.Option
	Source          string
	Partial         bool
}

// File is one file of an import.
type File struct {
	Path, Format, Note string
}

// Trouble is something in the files that a person should know.
type Trouble struct{ Path, At, Text string }

// Match is a group of workloads and the service that it will be.
type Match struct {
	Name, Field string
	Workloads   int
	Decided     string
	Options     []ui.Option
}

// Line is one change.
type Line struct {
	Kind, Subject, Text, At string
	Risk                    bool
}

// Count is one number above the preview.
type Count struct {
	Label string
	N     int
	Note  string
	Tone  ui.Tone
}

// Preview is what an import will do, before it does it.
type Preview struct {
	*layout.Page
	ID                    int64
	Lead, Confirm, Cancel string
	Counts                []Count
	Files                 []File
	Troubles              []Trouble
	Matches, Documents    []Match
	Lines                 []Line
	More                  int // lines that are not shown
	Risks                 int
	OnlyRisk              bool
	All, RiskHref         string
	Unresolved            []Trouble
	Held, Message         string
	Nothing, Same         bool
}

// Show is the page of an import that was decided.
type Show struct {
	*layout.Page
	Past
	Files    []File
	Troubles []Trouble
	Counts   []Count
	Undo     string // an address; "" when it cannot be undone
	WhyNot   string
}
