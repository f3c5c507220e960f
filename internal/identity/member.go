package identity

import (
	"context"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/fault"
)

// Place is a person's membership of one workspace.
type Place struct {
	Workspace Workspace
	Member    Member
	Visible   []int64 // the services that a consultant may see; nil for everyone else, who see all
	others    []int64 // the other workspaces that the person may enter
}

// NeedsMFA reports whether the person must turn on a second factor before going in. Consultants always must.
func (p *Place) NeedsMFA(u User) bool {
	return !u.HasMFA() && (p.Workspace.MFARequired || p.Member.Role == access.Consultant)
}

// Actor is who acts in this workspace.
func (p *Place) Actor(u User, from From) access.Actor {
	return access.Actor{UserID: u.ID, MemberID: p.Member.ID, Name: u.Name, Role: p.Member.Role, IP: from.IP, RequestID: from.RequestID}
}

// Enter finds a person's membership. A workspace that does not exist and one of others look the same.
func (s *Service) Enter(ctx context.Context, u User, slug string) (Place, error) {
	memberships, err := s.placesOf(ctx, u.ID)
	if err != nil {
		return Place{}, err
	}
	p, now := Place{}, s.db.Now(ctx)
	for i := range memberships {
		m := &memberships[i]
		switch {
		case m.Expired(now):
		case m.Workspace.Slug == slug:
			p.Member, p.Workspace = m.Member, m.Workspace
		default:
			p.others = append(p.others, m.WorkspaceID)
		}
	}
	if p.Member.ID == 0 {
		return Place{}, fault.Missing("workspace")
	}
	if p.Member.Role == access.Consultant {
		p.Visible, err = s.servicesOf(database.WithWorkspace(ctx, p.Workspace.ID), p.Member.ID)
	}
	return p, err
}

// Workspaces lists the workspaces that a person may enter, by name.
func (s *Service) Workspaces(ctx context.Context, u User) ([]Workspace, error) {
	memberships, err := s.membershipsOf(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	now, ids := s.db.Now(ctx), []int64{}
	for _, m := range memberships {
		if !m.Expired(now) {
			ids = append(ids, m.WorkspaceID)
		}
	}
	return s.workspacesByID(ctx, ids)
}

// Person is a member with the user behind it.
type Person struct {
	Member
	User User
}

// Members lists the people of the workspace, in the order they came.
func (s *Service) Members(ctx context.Context, actor access.Actor) ([]Person, error) {
	if err := s.access.Require(actor, access.Read, access.Members); err != nil {
		return nil, err
	}
	return s.people(ctx)
}

func (s *Service) people(ctx context.Context) ([]Person, error) {
	members, err := s.listMembers(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(members))
	for _, m := range members {
		ids = append(ids, m.UserID)
	}
	users, err := s.usersByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	people := make([]Person, 0, len(members))
	for _, m := range members {
		people = append(people, Person{Member: m, User: users[m.UserID]})
	}
	return people, nil
}

// Person finds one member.
func (s *Service) Person(ctx context.Context, actor access.Actor, id int64) (Person, error) {
	if err := s.access.Require(actor, access.Read, access.Members); err != nil {
		return Person{}, err
	}
	return s.person(ctx, id)
}

func (s *Service) person(ctx context.Context, id int64) (Person, error) {
	m, found, err := s.memberByID(ctx, id)
	if err != nil {
		return Person{}, err
	}
	if !found {
		return Person{}, fault.Missing("member")
	}
	u, _, err := s.userByID(ctx, m.UserID)
	return Person{Member: m, User: u}, err
}

// ServicesOf lists the services that a consultant was given.
func (s *Service) ServicesOf(ctx context.Context, actor access.Actor, id int64) ([]int64, error) {
	if err := s.access.Require(actor, access.Read, access.Members); err != nil {
		return nil, err
	}
	return s.servicesOf(ctx, id)
}

// Invitations lists the links that nobody has used yet.
func (s *Service) Invitations(ctx context.Context, actor access.Actor) ([]Link, error) {
	if err := s.access.Require(actor, access.Manage, access.Members); err != nil {
		return nil, err
	}
	return s.openInvites(ctx, database.Workspace(ctx))
}

// Invite makes a one-time link for somebody to join. It is shown to the admin, who sends it.
func (s *Service) Invite(ctx context.Context, actor access.Actor, email string, role access.Role) (string, error) {
	if err := s.mayGive(actor, role); err != nil {
		return "", err
	}
	email, err := cleanEmail(email)
	if err != nil {
		return "", err
	}
	token := ""
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		if u, found, err := s.userByEmail(ctx, email); err != nil {
			return err
		} else if found {
			if _, member, err := s.memberByUser(ctx, u.ID); err != nil || member {
				return orElse(err, fault.Field("email", "This person is a member already."))
			}
		}
		token, err = s.newLink(ctx, Link{Kind: LinkInvite, Email: email, Role: role, ForWorkspace: database.Workspace(ctx), CreatedBy: actor.UserID}, inviteLife)
		if err != nil {
			return err
		}
		return s.log.Record(ctx, actor, activity.Change{Action: "member.invite", Kind: "member", Name: email, After: map[string]any{"role": role}})
	})
	return token, err
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// mayGive checks that the actor may hand out a role: only owners make owners.
func (s *Service) mayGive(actor access.Actor, role access.Role) error {
	if err := s.access.Require(actor, access.Manage, access.Members); err != nil {
		return err
	}
	if !role.Valid() {
		return fault.Field("role", "Choose one of the roles.")
	}
	if role == access.Owner {
		return s.access.Require(actor, access.Manage, access.Ownership)
	}
	return nil
}

// CancelInvitation voids an open invitation.
func (s *Service) CancelInvitation(ctx context.Context, actor access.Actor, id int64) error {
	if err := s.access.Require(actor, access.Manage, access.Members); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		l, err := s.voidInvite(ctx, database.Workspace(ctx), id)
		if err != nil {
			return err
		}
		return s.log.Record(ctx, actor, activity.Change{Action: "member.uninvite", Kind: "member", Name: l.Email})
	})
}

// InvitedTo says which workspace an invitation is for, and whether its address has an account already.
func (s *Service) InvitedTo(ctx context.Context, token string) (l Link, w Workspace, known bool, err error) {
	if l, err = s.CheckLink(ctx, LinkInvite, token); err != nil {
		return l, w, false, err
	}
	if w, _, err = s.workspaceByID(ctx, l.ForWorkspace); err != nil {
		return l, w, false, err
	}
	_, known, err = s.userByEmail(ctx, l.Email)
	return l, w, known, err
}

// Join uses an invitation. signedIn is the person who is signed in, if anybody: an account that exists is never taken
// over by a link, its owner must be signed in.
func (s *Service) Join(ctx context.Context, token string, signedIn *User, name, password string, from From) (User, Workspace, error) {
	l, w, known, err := s.InvitedTo(ctx, token)
	if err != nil {
		return User{}, w, err
	}
	var u User
	hash := ""
	a := Account{Name: name, Email: l.Email, Password: password}
	switch {
	case signedIn != nil && signedIn.Email == l.Email:
		u = *signedIn
	case known:
		return u, w, fault.New(fault.Conflict, "There is an account for %s already. Sign in with it, then open the link again.", l.Email)
	default:
		if err := a.check(w.Name); err != nil {
			return u, w, err
		}
		hash = hashPassword(password)
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.useLink(ctx, LinkInvite, token); err != nil {
			return err
		}
		if u.ID == 0 {
			if u, err = s.addUser(ctx, from.actor(User{Name: a.Name}), a, hash); err != nil {
				return err
			}
		}
		return s.addMember(database.WithWorkspace(ctx, w.ID), from.actor(u), u, l.Role)
	})
	return u, w, err
}

// ResetLink makes a one-time link by which a member sets a new password. An admin of one workspace must not take over
// a person of another, so it works only for people who belong to this workspace alone.
func (s *Service) ResetLink(ctx context.Context, actor access.Actor, memberID int64) (string, error) {
	if err := s.access.Require(actor, access.Manage, access.Members); err != nil {
		return "", err
	}
	token := ""
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		p, err := s.person(ctx, memberID)
		if err != nil {
			return err
		}
		if p.Role == access.Owner {
			if err := s.access.Require(actor, access.Manage, access.Ownership); err != nil {
				return err
			}
		}
		others, err := s.membershipsOf(ctx, p.UserID)
		if err != nil {
			return err
		}
		if len(others) > 1 {
			return fault.Denied("This person belongs to other workspaces too, so no single one of them may reset the password. The operator of the server can, with muster user.")
		}
		if err := s.voidLinks(ctx, LinkReset, database.Workspace(ctx), p.UserID); err != nil {
			return err
		}
		token, err = s.newLink(ctx, Link{Kind: LinkReset, Email: p.User.Email, ForWorkspace: database.Workspace(ctx), ForUser: p.UserID, CreatedBy: actor.UserID}, resetLife)
		if err != nil {
			return err
		}
		return s.log.Record(ctx, actor, activity.Change{Action: "member.reset_link", Kind: "member", ID: memberID, Name: p.User.Email})
	})
	return token, err
}

// ResetPassword uses a reset link. Every session of the person ends; the second factor stays.
func (s *Service) ResetPassword(ctx context.Context, token, password string, from From) (User, error) {
	l, err := s.CheckLink(ctx, LinkReset, token)
	if err != nil {
		return User{}, err
	}
	u, found, err := s.userByID(ctx, l.ForUser)
	if err != nil {
		return User{}, err
	}
	if !found || u.DisabledAt != nil {
		return User{}, deadLink(LinkReset)
	}
	if err := checkNewPassword(password, u.Name, u.Email, "muster"); err != nil {
		return User{}, err
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.CheckLink(ctx, LinkReset, token); err != nil { // again, in the transaction
			return err
		}
		if _, err := s.useLink(ctx, LinkReset, token); err != nil {
			return err
		}
		return s.setPassword(ctx, u, password, "", from)
	})
	return u, err
}

// Change is what an admin may change of a membership.
type Change struct {
	Role      access.Role
	ExpiresAt *time.Time
	Services  []int64 // for consultants
}

// ChangeMember changes role, expiry and a consultant's services. The last owner stays an owner.
func (s *Service) ChangeMember(ctx context.Context, actor access.Actor, id int64, c Change) error {
	return s.changeMember(ctx, actor, id, func(ctx context.Context, p Person) error {
		if c.Role != p.Role {
			if err := s.mayGive(actor, c.Role); err != nil {
				return err
			}
		}
		before := p.Member
		p.Member.Role, p.Member.ExpiresAt = c.Role, c.ExpiresAt
		if err := s.updateMember(ctx, &p.Member); err != nil {
			return err
		}
		services := c.Services
		if c.Role != access.Consultant {
			services = nil
		}
		if err := s.replaceServices(ctx, id, services); err != nil {
			return err
		}
		return s.log.Record(ctx, actor, activity.Change{
			Action: "member.change", Kind: "member", ID: id, Name: p.User.Email,
			Before: map[string]any{"role": before.Role, "expires": before.ExpiresAt}, After: map[string]any{"role": c.Role, "expires": c.ExpiresAt, "services": len(services)},
		})
	}, c.Role != access.Owner || c.ExpiresAt != nil)
}

// RemoveMember ends a membership.
func (s *Service) RemoveMember(ctx context.Context, actor access.Actor, id int64) error {
	return s.changeMember(ctx, actor, id, func(ctx context.Context, p Person) error {
		if err := s.deleteMember(ctx, id); err != nil {
			return err
		}
		return s.log.Record(ctx, actor, activity.Change{Action: "member.remove", Kind: "member", ID: id, Name: p.User.Email, Before: map[string]any{"role": p.Role}})
	}, true)
}

func (s *Service) changeMember(ctx context.Context, actor access.Actor, id int64, change func(context.Context, Person) error, takesOwner bool) error {
	if err := s.access.Require(actor, access.Manage, access.Members); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		p, err := s.person(ctx, id)
		if err != nil {
			return err
		}
		if p.Role == access.Owner {
			if err := s.access.Require(actor, access.Manage, access.Ownership); err != nil {
				return err
			}
			if err := s.lockWorkspace(ctx); err != nil {
				return err
			}
			others, err := s.otherOwners(ctx, id)
			if err != nil {
				return err
			}
			if takesOwner && others == 0 {
				return fault.New(fault.Conflict, "%s is the last owner. Make somebody else an owner first.", p.User.Name)
			}
		}
		return change(ctx, p)
	})
}

// ChangeWorkspace renames the workspace and says whether everybody needs a second factor.
func (s *Service) ChangeWorkspace(ctx context.Context, actor access.Actor, name string, mfaRequired bool) error {
	if err := s.access.Require(actor, access.Write, access.Settings); err != nil {
		return err
	}
	name, err := cleanName("name", name)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		w, found, err := s.workspaceByID(ctx, database.Workspace(ctx))
		if err != nil {
			return err
		}
		if !found {
			return fault.Missing("workspace")
		}
		before := map[string]any{"name": w.Name, "mfa_required": w.MFARequired}
		w.Name, w.MFARequired = name, mfaRequired
		if err := s.updateWorkspace(ctx, &w); err != nil {
			return err
		}
		return s.log.Record(ctx, actor, activity.Change{Action: "workspace.change", Kind: "workspace", ID: w.ID, Name: w.Name, Before: before, After: map[string]any{"name": name, "mfa_required": mfaRequired}})
	})
}
