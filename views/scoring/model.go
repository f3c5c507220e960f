// Package scoring holds the pages where a workspace chooses what counts, and how much.
package scoring

import (
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Row is one control in the table.
type Row struct {
	ID, Title, Href, Domain string
	Weight, Age             string // "6", or "8 (shipped 6)"
	State                   ui.Word
	Changed                 bool
}

// List is the table of all controls, and the formula in words.
type List struct {
	*layout.Page
	Rows         []Row
	Domains      []ui.Option
	Text         string
	Formula, Now string
	Shipped      string
	MayWrite     bool
	Pages        ui.Pages
	Rules        []Rule
}

// Rule is one line of the formula.
type Rule struct{ Name, Words string }

// Entry is one line of a control's history of settings.
type Entry struct {
	Who, What string
	At        time.Time
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

// One is one control.
type One struct {
	*layout.Page
	Form
	ID, Statement, Applies, ControlHref, Action string
	Clauses, Sources                            []string
	ShippedWeight, ShippedAge                   string
	Off, Changed, Own, MayWrite                 bool
	History                                     []Entry
}

// New is the page that adds a control of the workspace's own.
type New struct {
	*layout.Page
	Form
	Example string
}

func (n New) definition() ui.Input {
	in := n.input("definition", "The control, in YAML", "The example shows every field. A rule in applies decides where it counts.", 24)
	if in.Value == "" && in.Error == "" {
		in.Value = n.Example
	}
	return in
}

func number(in ui.Input) ui.Input {
	in.Type = "number"
	return in
}
