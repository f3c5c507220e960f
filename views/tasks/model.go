// Package tasks holds the pages of the work that closes findings and failing controls.
package tasks

import (
	"time"

	"muster/views/findings"
	"muster/views/layout"
	"muster/views/ui"
)

// Row is one task in a list or a column.
type Row struct {
	ID, Href, Title string
	Sub             string // services, and how much of it is done
	Level           findings.Level
	State           ui.Word
	Who             string
	Nobody          string // what stands there where nobody has it
	Due             ui.Word
	DueDay, Planned *time.Time
	Blocked         string
	Version         string
	MoveTo          string
	Ways            []ui.Option // none where the person may not move it
}

// View is a list that people ask for often.
type View struct {
	Label, Href, Count string
	On                 bool
}

// List is the page of tasks.
type List struct {
	*layout.Page
	Lead             string
	Views            []View
	Rows             []Row
	First, Next      string // addresses; "" where there is none
	Done             bool   // of tasks that want nothing more
	Nothing          bool   // there are none at all
	MayMake          bool
	Board, Bundles   string
	Findings, Clear  string
	Message, Hint    string
	EmptyWhat, Empty string
}

// Lane is one column of the board.
type Lane struct {
	Title, Note string
	N           string
	Rows        []Row
	All         string // where the rest is; "" is nothing more
}

// Board is the page of columns.
type Board struct {
	*layout.Page
	Lead          string
	Views         []View
	Lanes         []Lane
	Problem       string
	Tasks         string
	Bundles       string
	MayMake, None bool
	Findings      string
}

// Item is one thing that a task covers.
type Item struct {
	ID, Href, Title, Sub string
	Level                findings.Level
	Control              bool
	Word                 ui.Word
	Due                  ui.Word
	DueDay               *time.Time
}

// Event is one line of the story.
type Event struct {
	Icon, Tone, Who, What, Note string
	At                          time.Time
	ImportHref                  string
}

// Form is what was typed, and what is wrong with it.
type Form struct {
	Kind, Message string
	Values        map[string]string
	Errors        map[string]string
	Problems      []ui.Problem
}

// Only is the form where it is of a kind, and an empty one elsewhere.
func (f Form) Only(kind string) Form {
	if f.Kind == kind {
		return f
	}
	return Form{}
}

// One is the page of one task.
type One struct {
	*layout.Page
	Number      string
	Row         Row
	StateNote   string
	Note        string
	Progress    string
	DueWords    string
	Planned     string
	Items       []Item
	ItemsTotal  string
	ItemsFirst  string
	ItemsNext   string
	MayUncover  bool
	Events      []Event
	Version     string
	Ways        []ui.Option
	Base        string
	Who         []ui.Option
	WhoWords    string
	Team        string
	May         bool
	MayComment  bool
	MayBlock    bool
	Form        Form
	Title       string
	CreatedBy   string
	CreatedAt   time.Time
	LiveControl bool
}

func (o One) field(kind, name, id, label, hint, value string, rows int) ui.Input {
	in := ui.Input{ID: id, Name: name, Label: label, Hint: hint, Rows: rows, Value: value}
	if f := o.Form.Only(kind); f.Kind != "" {
		in.Value, in.Error = f.Values[name], f.Errors[name]
	}
	return in
}

func dated(in ui.Input) ui.Input {
	in.Type = "date"
	return in
}

// New is the page before a task is made.
type New struct {
	*layout.Page
	Action, Cancel string
	Items          []Item
	More           int
	Covered        []Row // tasks that cover some of it already
	IDs            []string
	Cells          []string
	Title          string
	Proposed       string
	Owner          string
	Due            string
	Who            []ui.Option
	Form           Form
}

func (n New) field(name, id, label, hint, value string, rows int) ui.Input {
	in := ui.Input{ID: id, Name: name, Label: label, Hint: hint, Rows: rows, Value: value}
	if n.Form.Kind != "" {
		in.Value, in.Error = n.Form.Values[name], n.Form.Errors[name]
	}
	return in
}

// Bundle is one change that closes many findings.
type Bundle struct {
	Key, Title, Sub, Gain string
	Level                 findings.Level
	Href                  string
	Missing               string // what it does not close
}

// Bundles is the page of proposed changes.
type Bundles struct {
	*layout.Page
	Lead    string
	Total   string
	Action  string
	Rows    []Bundle
	May     bool
	Message string
	Tasks   string
}

// Mine is one line of a person's own work: a task, or a finding that no task covers.
type Mine struct {
	Row
	Finding bool
	MakeTo  string
}

// Group is the work of one stretch of time.
type Group struct {
	Title, Note string
	Tone        ui.Tone
	Rows        []Mine
}

// Work is the page of one's own work.
type Work struct {
	*layout.Page
	Lead    string
	Groups  []Group
	Board   string
	Tasks   string
	NoTeam  bool
	May     bool
	More    bool
	Teams   string
	Problem string
}

func numeric(in ui.Input) ui.Input {
	in.Mode = "numeric"
	return in
}
