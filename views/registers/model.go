// Package registers holds the pages of the lists that people keep.
package registers

import (
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Card is one register, or another list that people keep.
type Card struct {
	Title, Lead, Href string
	Entries           string // "3 entries"
	Late              string // "2 past due", "" when none is
	Control, Feeds    string // the control's id, and its title
	FeedsHref         string
	Action            string
}

// List is the page of all registers.
type List struct {
	*layout.Page
	Cards []Card
}

// Cell is one typed value of an entry, under its label.
type Cell struct {
	Label, Text string
	Short       bool // stays on one line
}

// Row is one entry.
type Row struct {
	ID                   int64
	Name                 string
	Service, ServiceHref string
	Cells                []Cell
	Due                  *time.Time
	DueWord              ui.Word // how near; no text when it is not near
	Writer               string
	At                   time.Time
	EditHref, StrikeTo   string
	Current              bool // it is being corrected
}

// Register is the page of one register.
type Register struct {
	*layout.Page
	Title, Lead, NameLabel string
	Control, Feeds         string
	FeedsHref              string
	ForServices            bool
	HasDue                 bool
	Columns                []string // labels of the fields
	Rows                   []Row
	Empty                  bool // no entry at all, whatever is searched for
	Text, Clear            string
	Pages                  ui.Pages
	MayWrite               bool
	Form                   Form
}

// Field is one field of a register's form.
type Field struct {
	Name, Label, Hint, Kind string // text, date, number, choice
	Choices                 []string
	Required                bool
}

// Form adds an entry or corrects one.
type Form struct {
	Action, Cancel string
	Fields         []Field
	Services       []ui.Option
	Service        string // its name, when an entry is corrected
	Replaces       string // id of the entry that is corrected
	Was            string // its name
	Values         map[string]string
	Message        string
	Errors         map[string]string
	Problems       []ui.Problem
}

func (f *Form) title() string {
	if f.Replaces != "" {
		return "Correct “" + f.Was + "”"
	}
	return "Add an entry"
}

func (f *Form) name(label string) ui.Input {
	return ui.Input{ID: "f-name", Name: "name", Label: label, Value: f.Values["name"], Error: f.Errors["name"], Required: true}
}

// input is a field that is typed into.
func (f *Form) input(d Field) ui.Input {
	in := ui.Input{ID: "f-" + d.Name, Name: d.Name, Label: label(d), Hint: d.Hint, Value: f.Values[d.Name], Error: f.Errors[d.Name], Required: d.Required}
	switch d.Kind {
	case "date":
		in.Type = "date"
	case "number":
		in.Mode = "numeric"
	}
	return in
}

// choice is a field that is chosen.
func (f *Form) choice(d Field) ui.Choice {
	c := ui.Choice{ID: "f-" + d.Name, Name: d.Name, Label: label(d), Hint: d.Hint, Error: f.Errors[d.Name], Options: []ui.Option{{Label: "Choose"}}}
	for _, v := range d.Choices {
		c.Options = append(c.Options, ui.Option{Value: v, Label: v, Chosen: v == f.Values[d.Name]})
	}
	return c
}

func label(d Field) string {
	if d.Required {
		return d.Label
	}
	return d.Label + " (optional)"
}
