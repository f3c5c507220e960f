// Package registers holds the lists that people keep: processing, credentials, keys of consumers, obligations.
package registers

import (
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Card is one register in the list of them.
type Card struct{ Title, Lead, Href, Count, Late, Feeds string }

// List is the page of all registers.
type List struct {
	*layout.Page
	Cards []Card
}

// Value is one field of an entry, with its label.
type Value struct{ Label, Text string }

// Entry is one line of a register.
type Entry struct {
	ID            int64
	Name, Service string
	ServiceHref   string
	Values        []Value
	Due           *time.Time
	Late, Near    bool
	By            string
	At            time.Time
	Edit, Strike  string // addresses; "" when the reader may not
}

// Form is the form of an entry.
type Form struct {
	Message   string
	Problems  []ui.Problem
	Service   *ui.Choice
	Name      ui.Input
	Inputs    []ui.Input  // in the order of the register
	Choices   []ui.Choice // those of the fields that are chosen
	Replaces  string
	Replacing string
}

// Show is one register.
type Show struct {
	*layout.Page
	Name, Lead, Feeds, FeedsHref, NameLabel, Action, Text string
	Entries                                               []Entry
	Pages                                                 ui.Pages
	MayWrite, Workspace                                   bool
	Form                                                  Form
}
