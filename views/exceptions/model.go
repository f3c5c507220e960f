// Package exceptions holds the pages about weaknesses that somebody accepted for a while.
package exceptions

import (
	"time"

	"github.com/a-h/templ"

	"muster/views/layout"
	"muster/views/ui"
)

// Sign is where an exception stands: shape, fill and word say the same.
type Sign struct{ Class, Icon, Word string }

// Row is one exception in the list.
type Row struct {
	Href, Tag, Title  string
	Service           string // "Every service" when it covers all
	Reason, Requester string
	Asked, Until      time.Time
	Sign              Sign
	Left              ui.Word // how near the end is; no text when it is not near
}

// List is the page of all exceptions.
type List struct {
	*layout.Page
	Rows    []Row
	Pages   ui.Pages
	MayAsk  bool
	Lead    string
	Views   []View
	Nothing bool // there are none at all
}

// View is one way to narrow the list.
type View struct {
	Label, Href, Count string
	On                 bool
}

func page(on bool) templ.Attributes {
	if on {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}

// Form is what was typed and what is wrong with it.
type Form struct {
	Kind     string // "decide" or "end" where a page has two; "late" when somebody was faster
	Message  string
	Values   map[string]string
	Errors   map[string]string
	Problems []ui.Problem
}

// Ask is the page that asks for an exception.
type Ask struct {
	*layout.Page
	Form
	Action, Cancel string
	Control        string // fixed when it came with the address
	ControlTitle   string
	Service        string // fixed slug, "*" for every service
	ServiceName    string
	Controls       []ui.Option
	Services       []ui.Option
	Owners         []ui.Option
	Renews         string // id of the exception that this one goes on from
	RenewWords     string
}

// Finding is a finding that an exception covers, or would.
type Finding struct {
	Href, Title, Sub string
	Level            ui.Level
}

// Covered are findings on a page.
type Covered struct {
	Rows        []Finding
	Total       string // in words
	First, Next string // addresses, where there are more than one page holds
}

// Pair is a field that goes along.
type Pair struct{ Key, Value string }

// Accept is the page that asks for time for findings.
type Accept struct {
	*layout.Page
	Form
	LookAt         string // the address of the form that chooses what it covers
	Action, Cancel string
	Keep           []Pair // the chosen findings
	Scopes         []ui.Option
	Places         []ui.Check // the services that a rule can be kept to
	Rule           bool
	What           string // what would be accepted, in words
	Covered        Covered
	Stay           []Finding
	Hidden         []Pair // the scope, as it is asked for
	Owners         []ui.Option
	Most           int // days
	MostWords      string
	Renews         string
	RenewWords     string
	Empty          string // why nothing can be accepted; "" where something can
}

func (a *Accept) days() ui.Input {
	in := a.text("days", "f-days", "For how many days", a.MostWords, 0)
	in.Mode = "numeric"
	return in
}

func (a *Accept) reason() ui.Input {
	in := a.text("reason", "f-reason", "Why has it to be accepted for now?", "Whoever decides reads this, and so does an auditor.", 4)
	in.Required = true
	return in
}

// Event is a line of what happened to an exception.
type Event struct {
	Icon, Who, What, Note string
	At                    time.Time
}

// One is one exception.
type One struct {
	*layout.Page
	Tag, Title         string
	Service            string
	Owner              string
	OfFindings         bool
	Covered            *Covered // the findings, where it is about those
	CoveredTitle       string
	CellHref, CellText string
	Sign               Sign
	Sentence           string
	Left               ui.Word
	Reason, Meanwhile  string
	Requester          string
	Asked, Until       time.Time
	Events             []Event // newest first
	RenewsHref         string
	Waiting            bool
	MayDecide, Own     bool // Own: the person asked for it
	MayEnd             bool
	AskAgain           string
	DecideTo, EndTo    string
	Form               Form
}

func (f *Form) text(name, id, label, hint string, rows int) ui.Input {
	return ui.Input{ID: id, Name: name, Label: label, Hint: hint, Rows: rows, Value: f.Values[name], Error: f.Errors[name]}
}

// only is the form if it is of a kind, and an empty one otherwise.
func (f *Form) only(kind string) *Form {
	if f.Kind == kind {
		return f
	}
	return &Form{}
}

func (a *Ask) days() ui.Input {
	in := a.text("days", "f-days", "For how many days", "From 1 to 365. It ends by itself; you can ask again.", 0)
	in.Mode = "numeric"
	return in
}

func (a *Ask) reason() ui.Input {
	in := a.text("reason", "f-reason", "Why has it to be accepted for now?", "Whoever decides reads this, and so does an auditor.", 4)
	in.Required = true
	return in
}

func (o *One) endTitle() string {
	if o.Waiting {
		return "No longer needed?"
	}
	return "Over before its day?"
}

func (o *One) endSummary() string {
	if o.Waiting {
		return "Withdraw the request"
	}
	return "End the exception"
}

func (o *One) endField() ui.Input {
	label, hint := "Why does it end?", "The reminders begin again at once."
	if o.OfFindings {
		hint = "The findings are open again at once."
	}
	if o.Waiting {
		label, hint = "Why is it withdrawn?", "It stays in the list as withdrawn."
	}
	return o.Form.only("end").text("note", "f-end", label, hint, 2)
}
