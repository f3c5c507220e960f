package identity

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/secret"
)

// Service is the one door to people and their rights.
type Service struct {
	db     *database.DB
	access *access.Control
	log    *activity.Service
	box    *secret.Box
}

// New makes the service. The box seals second factors.
func New(db *database.DB, control *access.Control, log *activity.Service, box *secret.Box) *Service {
	return &Service{db: db, access: control, log: log, box: box}
}

// NewSetupLink makes the one-time token of the first start and voids the one before. needed is false once a user exists.
func (s *Service) NewSetupLink(ctx context.Context) (token string, needed bool, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		n, err := s.countUsers(ctx)
		if err != nil || n > 0 {
			return err
		}
		needed = true
		if err := s.voidLinks(ctx, LinkSetup, 0, 0); err != nil {
			return err
		}
		token, err = s.newLink(ctx, Link{Kind: LinkSetup}, setupLife)
		return err
	})
	return token, needed, err
}

// CheckLink tells whether a link still works, without using it.
func (s *Service) CheckLink(ctx context.Context, kind, token string) (Link, error) {
	l, found, err := s.linkByToken(ctx, kind, token)
	if err != nil {
		return Link{}, err
	}
	if !found || l.UsedAt != nil || !l.ExpiresAt.After(s.db.Now(ctx)) {
		return Link{}, deadLink(kind)
	}
	if counts, err := s.stillCounts(ctx, l); err != nil || !counts {
		return Link{}, orElse(err, deadLink(kind))
	}
	return l, nil
}

// stillCounts asks again what was asked when the link was made, because days may lie between.
func (s *Service) stillCounts(ctx context.Context, l Link) (bool, error) {
	switch l.Kind {
	case LinkSetup: // somebody may have been made on the command line since
		n, err := s.countUsers(ctx)
		return n == 0, err
	case LinkReset: // the person may have come into another workspace, risen here, or left
		memberships, err := s.membershipsOf(ctx, l.ForUser)
		if err != nil || len(memberships) != 1 || memberships[0].WorkspaceID != l.ForWorkspace {
			return false, err
		}
		return s.stillMayGive(ctx, l, memberships[0].Role)
	default:
		return s.stillMayGive(ctx, l, l.Role)
	}
}

// stillMayGive reports whether the person who made a link could make it today.
func (s *Service) stillMayGive(ctx context.Context, l Link, role access.Role) (bool, error) {
	if l.CreatedBy == 0 {
		return true, nil // the system
	}
	ctx = database.WithWorkspace(ctx, l.ForWorkspace)
	u, found, err := s.userByID(ctx, l.CreatedBy)
	if err != nil || !found || u.DisabledAt != nil {
		return false, err
	}
	m, found, err := s.memberByUser(ctx, u.ID)
	if err != nil || !found || m.Expired(s.db.Now(ctx)) {
		return false, err
	}
	return s.mayGive(access.Actor{UserID: u.ID, Role: m.Role}, role) == nil, nil
}

func deadLink(kind string) error {
	next := "Ask an admin of the workspace for a new one."
	if kind == LinkSetup {
		next = "Start Muster again: it prints a new one."
	}
	return fault.New(fault.NotFound, "This link has been used, has run out, or was never made. %s", next)
}

func (s *Service) newLink(ctx context.Context, l Link, life time.Duration) (string, error) {
	token := secret.Token()
	l.TokenHash, l.CreatedAt, l.ExpiresAt = secret.Hash(token), s.db.Now(ctx), s.db.Now(ctx).Add(life)
	return token, s.insertLink(ctx, &l)
}

// Account is what a new person brings.
type Account struct {
	Name, Email, Password string
}

func (a *Account) check(context ...string) error {
	fields := fault.Fields{}
	collect := func(err error) {
		if f, ok := fault.As(err); ok {
			for name, message := range f.Fields {
				fields.Add(name, message)
			}
		}
	}
	var err error
	if a.Name, err = cleanName("name", a.Name); err != nil {
		collect(err)
	}
	if a.Email, err = cleanEmail(a.Email); err != nil {
		collect(err)
	}
	collect(checkNewPassword(a.Password, append(context, a.Name, a.Email, "muster")...))
	return fields.Err()
}

// Setup uses the set-up link to make the first workspace and its owner.
func (s *Service) Setup(ctx context.Context, token, workspaceName string, a Account) (User, Workspace, error) {
	fields := fault.Fields{}
	workspaceName, nameErr := cleanName("workspace", workspaceName)
	if nameErr != nil {
		fields.Add("workspace", "Enter the name of your organisation.")
	}
	if f, ok := fault.As(a.check(workspaceName)); ok {
		for name, message := range f.Fields {
			fields.Add(name, message)
		}
	}
	if err := fields.Err(); err != nil {
		return User{}, Workspace{}, err
	}
	if _, err := s.CheckLink(ctx, LinkSetup, token); err != nil {
		return User{}, Workspace{}, err
	}
	hash := hashPassword(a.Password)
	var u User
	var w Workspace
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.useLink(ctx, LinkSetup, token); err != nil {
			return err
		}
		n, err := s.countUsers(ctx)
		if err != nil {
			return err
		}
		if n > 0 {
			return deadLink(LinkSetup)
		}
		if u, err = s.addUser(ctx, access.SystemActor("set-up"), a, hash); err != nil {
			return err
		}
		actor := access.Actor{UserID: u.ID, Name: u.Name, Role: access.Owner}
		if w, err = s.addWorkspace(ctx, actor, workspaceName); err != nil {
			return err
		}
		return s.addMember(database.WithWorkspace(ctx, w.ID), actor, u, access.Owner)
	})
	return u, w, err
}

// CreateWorkspace makes a workspace with its environments. Only the system may.
func (s *Service) CreateWorkspace(ctx context.Context, actor access.Actor, name string) (Workspace, error) {
	if actor.Role != access.System {
		return Workspace{}, fault.Denied("New workspaces are made with muster workspace create, on the server.")
	}
	name, err := cleanName("name", name)
	if err != nil {
		return Workspace{}, err
	}
	var w Workspace
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		w, err = s.addWorkspace(ctx, actor, name)
		return err
	})
	return w, err
}

func (s *Service) addWorkspace(ctx context.Context, actor access.Actor, name string) (Workspace, error) {
	w := Workspace{Name: name, CreatedAt: s.db.Now(ctx)}
	base := slug(name)
	for n := 1; ; n++ {
		w.Slug = base
		if n > 1 {
			w.Slug = fmt.Sprintf("%s-%d", base, n)
		}
		_, taken, err := s.workspaceBySlug(ctx, w.Slug)
		if err != nil {
			return w, err
		}
		if !taken {
			break
		}
	}
	if err := s.insertWorkspace(ctx, &w); err != nil {
		return w, err
	}
	ctx = database.WithWorkspace(ctx, w.ID)
	environments := []environment{
		{Slug: "production", Name: "Production", Production: true, Position: 1, CreatedAt: w.CreatedAt},
		{Slug: "staging", Name: "Staging", Position: 2, CreatedAt: w.CreatedAt},
	}
	if err := s.insertEnvironments(ctx, environments); err != nil {
		return w, err
	}
	return w, s.log.Record(ctx, actor, activity.Change{Action: "workspace.create", Kind: "workspace", ID: w.ID, Name: w.Name})
}

func (s *Service) addUser(ctx context.Context, actor access.Actor, a Account, hash string) (User, error) {
	_, taken, err := s.userByEmail(ctx, a.Email)
	if err != nil {
		return User{}, err
	}
	if taken {
		return User{}, fault.Field("email", "Somebody with this address is here already.")
	}
	u := User{Email: a.Email, Name: a.Name, PasswordHash: hash, CreatedAt: s.db.Now(ctx)}
	if err := s.insertUser(ctx, &u); err != nil {
		return User{}, err
	}
	return u, s.log.Record(database.WithWorkspace(ctx, 0), actor, activity.Change{Action: "user.create", Kind: "user", ID: u.ID, Name: u.Email})
}

func (s *Service) addMember(ctx context.Context, actor access.Actor, u User, role access.Role) error {
	m := Member{UserID: u.ID, Role: role, CreatedAt: s.db.Now(ctx)}
	if err := s.insertMember(ctx, &m); err != nil {
		return err
	}
	return s.log.Record(ctx, actor, activity.Change{Action: "member.add", Kind: "member", ID: m.ID, Name: u.Email, After: map[string]any{"role": role}})
}

// CreateUser makes a person from the command line and puts them into a workspace, if one is named.
func (s *Service) CreateUser(ctx context.Context, actor access.Actor, a Account, workspaceSlug string, role access.Role) (User, error) {
	if actor.Role != access.System {
		return User{}, fault.Denied("People are invited by a link.")
	}
	if a.Name == "" {
		a.Name = a.Email
	}
	if !role.Valid() {
		return User{}, fault.Field("role", fmt.Sprintf("%q is no role; the roles are owner, admin, engineer, consultant, viewer.", role))
	}
	if err := a.check(workspaceSlug); err != nil {
		return User{}, err
	}
	hash := hashPassword(a.Password)
	var u User
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		w, found, err := s.workspaceBySlug(ctx, workspaceSlug)
		if err != nil {
			return err
		}
		if !found {
			return fault.New(fault.NotFound, "There is no workspace %q. Make it with muster workspace create.", workspaceSlug)
		}
		if u, err = s.addUser(ctx, actor, a, hash); err != nil {
			return err
		}
		return s.addMember(database.WithWorkspace(ctx, w.ID), actor, u, role)
	})
	return u, err
}

// SetDisabled switches a person off, with every session, or on again.
func (s *Service) SetDisabled(ctx context.Context, actor access.Actor, email string, disabled bool) error {
	action := "user.enable"
	if disabled {
		action = "user.disable"
	}
	return s.administer(ctx, actor, email, action, func(ctx context.Context, u *User) error {
		now := s.db.Now(ctx)
		u.DisabledAt = &now
		if !disabled {
			u.DisabledAt = nil
		}
		// On the way back too: nothing that was open before may wake up.
		return errors.Join(s.updateUser(ctx, u, "disabled_at"), s.deleteSessions(ctx, u.ID, ""))
	})
}

// ResetMFA takes a person's second factor away, from the command line.
func (s *Service) ResetMFA(ctx context.Context, actor access.Actor, email string) error {
	return s.administer(ctx, actor, email, "user.reset_mfa", func(ctx context.Context, u *User) error {
		return errors.Join(s.clearTOTP(ctx, u), s.deleteSessions(ctx, u.ID, ""))
	})
}

func (s *Service) administer(ctx context.Context, actor access.Actor, email, action string, change func(context.Context, *User) error) error {
	if actor.Role != access.System {
		return fault.Denied("This is done on the server, with muster user.")
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		email, err := cleanEmail(email)
		if err != nil {
			return err
		}
		u, found, err := s.userByEmail(ctx, email)
		if err != nil {
			return err
		}
		if !found {
			return fault.New(fault.NotFound, "There is no user %s.", email)
		}
		if err := change(ctx, &u); err != nil {
			return err
		}
		return s.log.Record(ctx, actor, activity.Change{Action: action, Kind: "user", ID: u.ID, Name: u.Email})
	})
}

// WorkspaceBySlug finds a workspace for the command line.
func (s *Service) WorkspaceBySlug(ctx context.Context, name string) (Workspace, error) {
	w, found, err := s.workspaceBySlug(ctx, name)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "There is no workspace %q.", name)
	}
	return w, err
}

func userKey(id int64) string { return strconv.FormatInt(id, 10) }
