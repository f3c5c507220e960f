// Package access decides who may do what: roles are Go values, casbin enforces them, deny is the default.
package access

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"muster/internal/fault"
)

// Role is what a member is in a workspace.
type Role string

// The roles, most powerful first.
const (
	Owner      Role = "owner"
	Admin      Role = "admin"
	Engineer   Role = "engineer"
	Consultant Role = "consultant"
	Viewer     Role = "viewer"
	System     Role = "system" // the command line and jobs; never a membership
)

// Roles lists what a membership can be.
func Roles() []Role { return []Role{Owner, Admin, Engineer, Consultant, Viewer} }

// Valid reports whether a membership can have this role.
func (r Role) Valid() bool {
	switch r {
	case Owner, Admin, Engineer, Consultant, Viewer:
		return true
	}
	return false
}

// Actor is who acts: a person in a workspace, or the system.
type Actor struct {
	UserID    int64
	MemberID  int64
	Name      string
	Role      Role
	IP        string
	RequestID string
}

// SystemActor acts for the command line and for jobs.
func SystemActor(name string) Actor { return Actor{Name: name, Role: System} }

// Action is a verb.
type Action string

// The actions.
const (
	Read   Action = "read"
	Write  Action = "write"  // create and change
	Delete Action = "delete" // retire, merge, split, undo
	Manage Action = "manage" // give rights to people
	Decide Action = "decide" // approve or decline what somebody else asked for

	Comment Action = "comment" // say something that decides nothing
)

// Object is a noun.
type Object string

// The objects.
const (
	Inventory  Object = "inventory"
	Imports    Object = "imports"
	Teams      Object = "teams"
	Members    Object = "members"
	Ownership  Object = "ownership" // making and unmaking owners
	Activities Object = "activities"
	Settings   Object = "settings"
	Posture    Object = "posture"    // states, scores and the evidence for them
	Exceptions Object = "exceptions" // accepted weaknesses
	Findings   Object = "findings"   // weaknesses of services, and what becomes of them
	Tasks      Object = "tasks"      // the work that closes findings and failing controls
	Scoring    Object = "scoring"    // weights, ages, controls that are off or the workspace's own
	Scans      Object = "scans"      // runs of every kind, and what is due
	Schedules  Object = "schedules"
)

// Grant is one line of the matrix, in words for the page that shows it.
type Grant struct {
	Object Object
	Action Action
	Words  string
	Roles  []Role
}

// Grants is the whole matrix. What is not here is refused.
func Grants() []Grant {
	all := Roles()
	staff := []Role{Owner, Admin, Engineer}
	admins := []Role{Owner, Admin}
	return []Grant{
		{Inventory, Read, "See services, who calls whom, and what the files prove", all},
		{Inventory, Write, "Add and change services, teams' ownership and calls", staff},
		{Inventory, Delete, "Retire, merge and split services", staff},
		{Imports, Read, "See past imports and what they changed", []Role{Owner, Admin, Engineer, Viewer}},
		{Imports, Write, "Import files", staff},
		{Imports, Delete, "Undo an import", staff},
		{Teams, Read, "See teams", []Role{Owner, Admin, Engineer, Viewer}},
		{Teams, Write, "Add and change teams", admins},
		{Members, Read, "See the people of the workspace", []Role{Owner, Admin, Engineer, Viewer}},
		{Members, Manage, "Invite people, change roles, reset passwords, remove people", admins},
		{Ownership, Manage, "Make somebody an owner, or take it away", []Role{Owner}},
		{Posture, Read, "See the posture, its evidence and its score", all},
		{Posture, Write, "Attest controls with a note or a file, and fill in registers", []Role{Owner, Admin, Engineer, Consultant}},
		{Exceptions, Write, "Ask for an exception", staff},
		{Exceptions, Decide, "Approve or decline an exception that somebody else asked for", admins},
		{Findings, Read, "See findings and their history", all},
		{Findings, Comment, "Comment on findings", []Role{Owner, Admin, Engineer, Consultant}},
		{Findings, Write, "Confirm findings, work on them, say that they are fixed, verify what somebody else fixed", staff},
		{Findings, Decide, "Judge that a finding is false, does not matter or repeats another, and how severe it is", admins},
		{Tasks, Read, "See tasks, the board and what they cover", all},
		{Tasks, Comment, "Comment on tasks", []Role{Owner, Admin, Engineer, Consultant}},
		{Tasks, Write, "Make tasks, take them on, plan and move them, say what blocks them", staff},
		{Scoring, Write, "Change weights and ages, switch controls off, add own controls", admins},
		{Scans, Read, "See scans, schedules and reminders", []Role{Owner, Admin, Engineer, Viewer}},
		{Scans, Write, "Start, cancel and repeat scans, and say that a reminder is done", staff},
		{Schedules, Write, "Add, change, pause and delete schedules", admins},
		{Activities, Read, "Search the activity log", admins},
		{Settings, Read, "See the settings and this table", all},
		{Settings, Write, "Change the settings of the workspace", admins},
	}
}

// The role comes from the membership on each request, so there is no grouping to sync.
// r.sub is compared with p.sub as it is: a user named like a role gains nothing.
const casbinModel = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.act == p.act
`

// Control answers questions about rights.
type Control struct {
	enforcer *casbin.SyncedEnforcer
	answers  sync.Map // of question: the matrix never changes while the program runs, and a page asks it dozens of things
}

type question struct {
	role   Role
	action Action
	object Object
}

// New loads the matrix into casbin.
func New() (*Control, error) {
	m, err := model.NewModelFromString(casbinModel)
	if err != nil {
		return nil, fmt.Errorf("read access model: %w", err)
	}
	e, err := casbin.NewSyncedEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("make enforcer: %w", err)
	}
	e.EnableAutoSave(false)
	for _, g := range Grants() {
		for _, r := range g.Roles {
			if _, err := e.AddPolicy(string(r), string(g.Object), string(g.Action)); err != nil {
				return nil, fmt.Errorf("load access policy: %w", err)
			}
		}
	}
	return &Control{enforcer: e}, nil
}

// Can reports whether the actor may do it.
func (c *Control) Can(a Actor, act Action, obj Object) bool {
	if a.Role == System {
		return true
	}
	q := question{a.Role, act, obj}
	if answer, known := c.answers.Load(q); known {
		return answer == true
	}
	ok, err := c.enforcer.Enforce(string(a.Role), string(obj), string(act))
	if err != nil {
		return false
	}
	if a.Role.Valid() {
		c.answers.Store(q, ok)
	}
	return ok
}

// Require is Can as an error with a sentence.
func (c *Control) Require(a Actor, act Action, obj Object) error {
	if c.Can(a, act, obj) {
		return nil
	}
	for _, g := range Grants() {
		if g.Object == obj && g.Action == act {
			return fault.Denied(fmt.Sprintf("Your role (%s) does not include this right: %s. Ask an admin of the workspace.", a.Role, strings.ToLower(g.Words[:1])+g.Words[1:]))
		}
	}
	return fault.Denied("Your role does not allow this.")
}

type actorKey struct{}

// WithActor puts the actor into the context.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// From takes the actor from the context; the zero Actor may do nothing.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}
