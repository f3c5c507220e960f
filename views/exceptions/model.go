// Package exceptions holds the pages of accepted weaknesses: who asked, who decided, and when each one ends.
package exceptions

import (
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Row is one exception.
type Row struct {
	Href, Control, Title, Subject string
	State                         ui.Word
	Reason, By                    string
	Asked, Until                  time.Time
	Near                          string // "ends in 7 days", "" when it is far or over
}

// List is the page of all exceptions.
type List struct {
	*layout.Page
	Rows   []Row
	MayAsk bool
	Pages  ui.Pages
}

// Entry is one line of an exception's history.
type Entry struct {
	Who, What string
	At        time.Time
}

// Show is the page of one exception.
type Show struct {
	*layout.Page
	Row
	ID                          int64
	CellHref, SubjectHref       string
	Compensating, Decided, Note string
	DecidedAt                   *time.Time
	Renews, Again               string // addresses
	MayDecide, MayEnd           bool
	Why                         string // why the reader may not decide
	History                     []Entry
	Form                        Form
}

// Form is what was typed and what is wrong with it.
type Form struct {
	Message  string
	Values   map[string]string
	Errors   map[string]string
	Problems []ui.Problem
}

func (f Form) input(name, label, hint string, rows int) ui.Input {
	return ui.Input{ID: "f-" + name, Name: name, Label: label, Hint: hint, Rows: rows, Value: f.Values[name], Error: f.Errors[name]}
}

func (f Form) days() ui.Input {
	in := f.input("days", "For how many days?", "From 1 to 365. Every exception ends.", 0)
	in.Type = "number"
	return in
}

// New is the page that asks for an exception.
type New struct {
	*layout.Page
	Form
	Controls, Services []ui.Option
	Renews             string
}
