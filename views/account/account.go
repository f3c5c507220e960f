// Package account holds the pages of a person's own: set-up, sign-in, second factor, sessions.
package account

import (
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Form is what every small form here shows: the values as typed, and what is wrong with them.
type Form struct {
	Theme    string
	Flash    *layout.Flash
	Message  string
	Errors   map[string]string
	Problems []ui.Problem
	Values   map[string]string
	Action   string
}

// Enrolment is a second factor that is being set up.
type Enrolment struct {
	Form
	Key, QR  string // QR is the path of the code's dark squares
	Size     int    // of the code, in squares
	Wizard   bool   // part of the set-up
	Required bool
}

// Account is the page of the person who is signed in.
type Account struct {
	Form
	Name, Email string
	MFA         bool
	CodesLeft   int64
	Sessions    []Session
	Workspaces  []layout.Workspace
	Now         time.Time
}

// Session is one browser that is signed in.
type Session struct {
	ID, Browser, IP string
	Created, Seen   time.Time
	Current         bool
}

func (f Form) field(name, label, kind, autocomplete, hint string) ui.Input {
	value := f.Values[name]
	if kind == "password" {
		value = "" // a password is never sent back
	}
	return ui.Input{ID: "f-" + name, Name: name, Label: label, Type: kind, Value: value, Autocomplete: autocomplete, Hint: hint, Error: f.Errors[name], Required: true}
}
