// Package scoring holds the pages that say how controls are weighed, and let admins weigh them otherwise.
package scoring

import (
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Line is a control in the table.
type Line struct {
	ID, Title, Href     string
	Weight, Age         string
	WeightNote, AgeNote string // the shipped value, where the workspace has its own
	State               ui.Word
	Icon                string
}

// Group is the controls of one domain.
type Group struct {
	Name  string
	Lines []Line
}

// Row is a line of the formula: a value and what has it.
type Row struct{ Value, Words string }

// Formula is the arithmetic in words.
type Formula struct {
	Version                string
	Values, Caps, Grades   []Row
	Tiers, Shares, Unrated string
}

// List is every control with its weight.
type List struct {
	*layout.Page
	Score, Shipped string // "" when there is no score, or when they cannot differ
	Lead           string
	Text           string
	Domains        []ui.Option
	Groups         []Group
	Total          int
	Filtered       bool
	MayWrite       bool
	Formula        Formula
}

// Form is what was typed, and what is wrong with it.
type Form struct {
	Action   string
	Values   map[string]string
	Errors   map[string]string
	Message  string
	Problems []ui.Problem
}

// Change is one choice of the past.
type Change struct {
	Who, What, Why string
	At             time.Time
}

// Control is one control with how it is weighed.
type Control struct {
	*layout.Page
	Form
	ID, Statement, Why     string
	Tags                   []string
	Clauses                []string
	Sources                []string
	Applies, Rule          string
	Checks                 string
	Now                    []Row // weight and age, shipped and own
	Off                    bool
	Changed, Own           bool
	ShippedWeight          string
	ShippedAge             string
	MayWrite, SeesActivity bool
	History                []Change
	ControlHref            string
}

// New is the form of a control of the workspace's own.
type New struct {
	*layout.Page
	Form
	Flags string
}

func (f *Form) field(name, id, label, hint string) ui.Input {
	return ui.Input{ID: id, Name: name, Label: label, Value: f.Values[name], Hint: hint, Error: f.Errors[name]}
}

func (f *Form) reason(hint string) ui.Input {
	in := f.field("reason", "f-reason", "Why?", hint)
	in.Rows, in.Required = 2, true
	return in
}

func (f *Form) number(name, label, hint string) ui.Input {
	in := f.field(name, "f-"+name, label, hint)
	in.Mode = "numeric"
	return in
}

func (f *Form) definition() ui.Input {
	in := f.field("definition", "f-definition", "The control in YAML", "The id needs letters of your own, such as ACME-1. Change every line to what you need; mistakes are told with their line.")
	in.Rows, in.Required = 24, true
	return in
}
