// Package settings holds the pages about a workspace and its people.
package settings

import (
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Form is a small form: the values as typed and what is wrong with them.
type Form struct {
	Action, Message string
	Errors          map[string]string
	Problems        []ui.Problem
	Values          map[string]string
}

func (f Form) text(name, label, kind, hint string) ui.Input {
	return ui.Input{ID: "f-" + name, Name: name, Label: label, Type: kind, Value: f.Values[name], Hint: hint, Error: f.Errors[name], Required: true}
}

// Member is one person of the workspace.
type Member struct {
	Name, Email, Role, Href, Initials string
	MFA, Expired                      bool
	Expires                           *time.Time
}

// Invitation is a link that nobody has used yet.
type Invitation struct {
	Email, Role, Cancel string
	Expires             time.Time
}

// People is the page of the members.
type People struct {
	*layout.Page
	Form
	Members     []Member
	Invitations []Invitation
	Roles       []ui.Option
	MayManage   bool
	Link, For   string // a link that was just made, shown once
}

// Person is the page of one member.
type Person struct {
	*layout.Page
	Form
	Member
	Roles             []ui.Option
	Services          []ui.Check
	Expiry            string
	Remove, ResetLink string
}

// Team is one team.
type Team struct {
	ID      int64
	Name    string
	Members []string
	Href    string
}

// Teams is the page of the teams.
type Teams struct {
	*layout.Page
	Form
	Teams    []Team
	MayWrite bool
}

// TeamPage is the form of one team.
type TeamPage struct {
	*layout.Page
	Form
	Members []ui.Check
}

// Environment is one place where services run.
type Environment struct {
	ID         int64
	Name, Slug string
	Production bool
}

// Settings is the page of the workspace.
type Settings struct {
	*layout.Page
	Form
	Name         string
	MFARequired  bool
	MayWrite     bool
	Environments []Environment
}

// Right is one line of the matrix.
type Right struct {
	Words string
	Has   []bool
}

// Roles is the page that says who may do what.
type Roles struct {
	*layout.Page
	Roles  []string
	Rights []Right
	Mine   string
}
