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
	Environment                       string
	Partial, Complete                 bool
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
	Service         string
	Services        []string // that there are, offered while typing
	Sources         []string // that are known, offered while typing
	Partial         bool
	Complete        bool // the files hold every network policy of their namespaces
}

// File is one file of an import.
type File struct {
	Path, Format, Note string
}

// Trouble is something in the files that a person should know.
type Trouble struct {
	Path string
	Line int
	At   string // a place that is no line
	Text string
}

// Secret is one that is written in clear in the files: its name and place, never its value.
type Secret struct {
	Name, Service, Path string
	Line                int
}

// Match is a group of workloads and the service that it will be.
type Match struct {
	Name, Field string
	Workloads   int
	Options     []ui.Option
	Typed       string // the choice by name, where there are too many services for a select
	Nobody      string // what an empty choice means
	Error       string
}

// Line is one change.
type Line struct {
	Text, Path string
	Line       int
	Risk       bool
}

// Group is the changes of one kind of one service.
type Group struct {
	Kind, Subject string
	Lines         []Line
	Risk          bool
}

// Count is one number above the preview.
type Count struct {
	Label string
	N     int
	Note  string
	Tone  ui.Tone
}

// Sample is one finding that an import changes.
type Sample struct {
	What                            ui.Word
	Title, Service, Severity, Words string
}

// Preview is what an import will do, before it does it.
type Preview struct {
	*layout.Page
	Lead, Confirm, Cancel string
	Environment, Source   string
	Partial, Complete     bool
	Counts                []Count
	Findings              []Count // nil where the files hold no report
	Samples               []Sample
	Components            []Count // nil where the files hold no parts list
	Parts                 []Sample
	Owners                []Match // the reports' words and whose they are
	Files                 []File
	Troubles              []Trouble
	Secrets               []Secret
	Matches, Documents    []Match
	Names                 []string // of the services, where they are typed
	Groups                []Group
	More                  int // groups that are not shown
	Risks                 int
	OnlyRisk              bool
	All, RiskHref         string
	Unresolved            []Trouble
	Held, Message         string
	Seen                  string // the mark of what is shown
	Nothing, Same         bool
}

// Show is the page of an import that was decided.
type Show struct {
	*layout.Page
	Past
	Files      []File
	Troubles   []Trouble
	Counts     []Count
	Findings   []Count
	Components []Count
	Undo       string // an address; "" when it cannot be undone
	WhyNot     string
}

// Underway is the page of an import that a run carries out.
type Underway struct {
	*layout.Page
	Source, Words, Run, Events, Cancel, Who string
	At                                      time.Time
}
