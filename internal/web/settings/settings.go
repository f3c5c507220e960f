// Package settings serves the pages about a workspace and its people.
package settings

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/identity"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/settings"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	people *identity.Service
	book   *inventory.Book
	base   string
}

// New makes the handlers. Links are made from the base address, never from what a request says.
func New(people *identity.Service, book *inventory.Book, base string) *Handlers {
	return &Handlers{people: people, book: book, base: base}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/members", h.members)
	g.POST("/members", h.invite)
	g.POST("/members/invitations/:id/cancel", h.uninvite)
	g.GET("/members/:id", h.member)
	g.POST("/members/:id", h.change)
	g.POST("/members/:id/reset", h.resetLink)
	g.POST("/members/:id/remove", h.remove)
	g.GET("/teams", h.teams)
	g.POST("/teams", h.addTeam)
	g.GET("/teams/:id", h.team)
	g.POST("/teams/:id", h.saveTeam)
	g.GET("/settings", h.general)
	g.POST("/settings", h.save)
	g.POST("/settings/environments", h.environment)
	g.GET("/settings/roles", h.roles)
	g.GET("/settings/components", h.components)
}

func formOf(action string, values url.Values, err error) (view.Form, bool) {
	f := view.Form{Action: action, Values: map[string]string{}, Errors: map[string]string{}}
	for k := range values {
		f.Values[k] = values.Get(k)
	}
	if err == nil {
		return f, true
	}
	message, fields, list, ok := kit.Invalid(err, "email", "role", "expires", "name", "mfa")
	f.Message, f.Problems = message, list
	if fields != nil {
		f.Errors = fields
	}
	return f, ok
}

// roleOptions are those that the person may give.
func roleOptions(c echo.Context, chosen access.Role) []ui.Option {
	var list []ui.Option
	for _, r := range access.Roles() {
		if r == access.Owner && chosen != access.Owner && !kit.Can(c, access.Manage, access.Ownership) {
			continue
		}
		list = append(list, ui.Option{Value: string(r), Label: string(r), Chosen: r == chosen})
	}
	return list
}

func (h *Handlers) members(c echo.Context) error {
	return h.membersPage(c, http.StatusOK, nil, nil, "", "")
}

func (h *Handlers) membersPage(c echo.Context, status int, values url.Values, failure error, link, forWhom string) error {
	v, ctx := kit.Of(c), kit.Ctx(c)
	people, err := h.people.Members(ctx, v.Actor)
	if err != nil {
		return err
	}
	f, ok := formOf(kit.In(c, "/members"), values, failure)
	if !ok {
		return failure
	}
	role := access.Role(values.Get("role"))
	if role == "" {
		role = access.Engineer
	}
	p := view.People{Page: kit.Page(c, "people", "People"), Form: f, MayManage: kit.Can(c, access.Manage, access.Members), Roles: roleOptions(c, role), Link: link, For: forWhom}
	for _, m := range people {
		p.Members = append(p.Members, memberOf(c, &m))
	}
	if p.MayManage {
		open, err := h.people.Invitations(ctx, v.Actor)
		if err != nil {
			return err
		}
		for _, i := range open {
			p.Invitations = append(p.Invitations, view.Invitation{Email: i.Email, Role: string(i.Role), Expires: i.ExpiresAt, Cancel: kit.In(c, fmt.Sprintf("/members/invitations/%d/cancel", i.ID))})
		}
	}
	return kit.Render(c, status, view.PeoplePage(p))
}

func memberOf(c echo.Context, m *identity.Person) view.Member {
	return view.Member{Name: m.User.Name, Email: m.User.Email, Role: string(m.Role), Href: kit.In(c, "/members/"+strconv.FormatInt(m.ID, 10)), Initials: kit.Initials(m.User.Name),
		MFA: m.User.HasMFA(), Expires: m.ExpiresAt, Expired: m.Expired(kit.Of(c).Now)}
}

func (h *Handlers) invite(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	token, err := h.people.Invite(kit.Ctx(c), kit.Of(c).Actor, values.Get("email"), access.Role(values.Get("role")))
	if err != nil {
		return h.membersPage(c, kit.Status(err), values, err, "", "")
	}
	return h.membersPage(c, http.StatusOK, nil, nil, h.base+"/invite/"+token, values.Get("email"))
}

func (h *Handlers) uninvite(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	if err := h.people.CancelInvitation(kit.Ctx(c), kit.Of(c).Actor, id); err != nil {
		return err
	}
	return kit.Done(c, "/members", "The invitation no longer works.")
}

func (h *Handlers) member(c echo.Context) error { return h.memberPage(c, http.StatusOK, nil, nil) }

func (h *Handlers) memberPage(c echo.Context, status int, values url.Values, failure error) error {
	if err := kit.Require(c, access.Manage, access.Members); err != nil {
		return err
	}
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	v, ctx := kit.Of(c), kit.Ctx(c)
	m, err := h.people.Person(ctx, v.Actor, id)
	if err != nil {
		return err
	}
	href := kit.In(c, "/members/"+strconv.FormatInt(id, 10))
	f, ok := formOf(href, values, failure)
	if !ok {
		return failure
	}
	chosen, err := h.people.ServicesOf(ctx, v.Actor, id)
	if err != nil {
		return err
	}
	all, err := h.book.Everyone(ctx, v.Actor)
	if err != nil {
		return err
	}
	p := view.Person{Page: kit.Page(c, "people", m.User.Name, layout.Crumb{Label: "People", Href: kit.In(c, "/members")}), Form: f, Member: memberOf(c, &m), Roles: roleOptions(c, m.Role), Remove: href + "/remove", ResetLink: href + "/reset"}
	if m.ExpiresAt != nil {
		p.Expiry = m.ExpiresAt.UTC().Format(time.DateOnly)
	}
	for _, s := range all {
		p.Services = append(p.Services, ui.Check{Name: "service", Value: strconv.FormatInt(s.ID, 10), Label: s.Name, On: slices.Contains(chosen, s.ID)})
	}
	return kit.Render(c, status, view.MemberPage(p))
}

func (h *Handlers) change(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	change := identity.Change{Role: access.Role(values.Get("role"))}
	if text := values.Get("expires"); text != "" {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return h.memberPage(c, http.StatusUnprocessableEntity, values, fault.Field("expires", "Enter a date such as 2027-03-31."))
		}
		change.ExpiresAt = &at
	}
	all, err := h.book.Everyone(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	for _, s := range all { // only services of this workspace
		if slices.Contains(values["service"], strconv.FormatInt(s.ID, 10)) {
			change.Services = append(change.Services, s.ID)
		}
	}
	if err := h.people.ChangeMember(kit.Ctx(c), kit.Of(c).Actor, id, change); err != nil {
		return h.memberPage(c, kit.Status(err), values, err)
	}
	return kit.Done(c, "/members", "The membership was changed.")
}

func (h *Handlers) resetLink(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	v := kit.Of(c)
	token, err := h.people.ResetLink(kit.Ctx(c), v.Actor, id)
	if err != nil {
		return err
	}
	m, err := h.people.Person(kit.Ctx(c), v.Actor, id)
	if err != nil {
		return err
	}
	return h.membersPage(c, http.StatusOK, nil, nil, h.base+"/reset/"+token, m.User.Email)
}

func (h *Handlers) remove(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	if err := h.people.RemoveMember(kit.Ctx(c), kit.Of(c).Actor, id); err != nil {
		return err
	}
	return kit.Done(c, "/members", "Removed from this workspace.")
}

func (h *Handlers) teams(c echo.Context) error { return h.teamsPage(c, http.StatusOK, nil, nil) }

func (h *Handlers) teamsPage(c echo.Context, status int, values url.Values, failure error) error {
	v, ctx := kit.Of(c), kit.Ctx(c)
	members, err := h.book.TeamMembers(ctx, v.Actor)
	if err != nil {
		return err
	}
	teams, err := h.book.Teams(ctx, v.Actor)
	if err != nil {
		return err
	}
	people, err := h.people.Members(ctx, v.Actor)
	if err != nil {
		return err
	}
	f, ok := formOf(kit.In(c, "/teams"), values, failure)
	if !ok {
		return failure
	}
	names := map[int64]string{}
	for _, p := range people {
		names[p.ID] = p.User.Name
	}
	p := view.Teams{Page: kit.Page(c, "teams", "Teams"), Form: f, MayWrite: kit.Can(c, access.Write, access.Teams)}
	for _, t := range teams {
		team := view.Team{ID: t.ID, Name: t.Name, Href: kit.In(c, "/teams/"+strconv.FormatInt(t.ID, 10))}
		for _, m := range members {
			if m.TeamID == t.ID {
				team.Members = append(team.Members, names[m.MemberID])
			}
		}
		p.Teams = append(p.Teams, team)
	}
	return kit.Render(c, status, view.TeamsPage(p))
}

func (h *Handlers) addTeam(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	t, err := h.book.SaveTeam(kit.Ctx(c), kit.Of(c).Actor, 0, values.Get("name"), nil)
	if err != nil {
		return h.teamsPage(c, kit.Status(err), values, err)
	}
	return kit.Done(c, "/teams/"+strconv.FormatInt(t.ID, 10), t.Name+" was added. Say who is in it.")
}

func (h *Handlers) team(c echo.Context) error { return h.teamPage(c, http.StatusOK, nil, nil) }

func (h *Handlers) teamPage(c echo.Context, status int, values url.Values, failure error) error {
	if err := kit.Require(c, access.Write, access.Teams); err != nil {
		return err
	}
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	v, ctx := kit.Of(c), kit.Ctx(c)
	teams, err := h.book.Teams(ctx, v.Actor)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(teams, func(t inventory.Team) bool { return t.ID == id })
	if i < 0 {
		return fault.Missing("team")
	}
	people, err := h.people.Members(ctx, v.Actor)
	if err != nil {
		return err
	}
	in, err := h.book.TeamMembers(ctx, v.Actor)
	if err != nil {
		return err
	}
	if values == nil {
		values = url.Values{"name": {teams[i].Name}}
	}
	f, ok := formOf(kit.In(c, "/teams/"+strconv.FormatInt(id, 10)), values, failure)
	if !ok {
		return failure
	}
	p := view.TeamPage{Page: kit.Page(c, "teams", teams[i].Name, layout.Crumb{Label: "Teams", Href: kit.In(c, "/teams")}), Form: f}
	for _, m := range people {
		on := slices.ContainsFunc(in, func(t inventory.TeamMember) bool { return t.TeamID == id && t.MemberID == m.ID })
		p.Members = append(p.Members, ui.Check{Name: "member", Value: strconv.FormatInt(m.ID, 10), Label: m.User.Name, On: on})
	}
	return kit.Render(c, status, view.TeamForm(p))
}

func (h *Handlers) saveTeam(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if _, err := h.book.SaveTeam(kit.Ctx(c), kit.Of(c).Actor, id, values.Get("name"), kit.Numbers(values["member"])); err != nil {
		return h.teamPage(c, kit.Status(err), values, err)
	}
	return kit.Done(c, "/teams", "The team was saved.")
}

func (h *Handlers) general(c echo.Context) error {
	w := kit.Of(c).Place.Workspace
	return h.generalPage(c, http.StatusOK, w.Name, w.MFARequired, view.Form{})
}

func (h *Handlers) generalPage(c echo.Context, status int, name string, mfa bool, f view.Form) error {
	if err := kit.Require(c, access.Read, access.Settings); err != nil {
		return err
	}
	environments, err := h.book.Environments(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	p := view.Settings{Page: kit.Page(c, "settings", "Settings"), Form: f, Name: name, MFARequired: mfa, MayWrite: kit.Can(c, access.Write, access.Settings)}
	for _, e := range environments {
		p.Environments = append(p.Environments, view.Environment{ID: e.ID, Name: e.Name, Slug: e.Slug, Production: e.Production})
	}
	return kit.Render(c, status, view.General(p))
}

func (h *Handlers) save(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	name, mfa := values.Get("name"), values.Get("mfa") != ""
	if err := h.people.ChangeWorkspace(kit.Ctx(c), kit.Of(c).Actor, name, mfa); err != nil {
		f, ok := formOf("", values, err)
		if !ok {
			return err
		}
		return h.generalPage(c, kit.Status(err), name, mfa, f)
	}
	return kit.Done(c, "/settings", "Saved.")
}

func (h *Handlers) environment(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if err := h.book.SaveEnvironment(kit.Ctx(c), kit.Of(c).Actor, kit.Number64(values.Get("id")), values.Get("name")); err != nil {
		f, ok := formOf("", nil, err)
		if !ok {
			return err
		}
		f.Errors = map[string]string{fmt.Sprintf("environment %d", kit.Number64(values.Get("id"))): f.Message}
		w := kit.Of(c).Place.Workspace
		return h.generalPage(c, kit.Status(err), w.Name, w.MFARequired, f)
	}
	return kit.Done(c, "/settings", "Saved.")
}

func (h *Handlers) roles(c echo.Context) error {
	if err := kit.Require(c, access.Read, access.Settings); err != nil {
		return err
	}
	p := view.Roles{Page: kit.Page(c, "settings", "Roles", layout.Crumb{Label: "Settings", Href: kit.In(c, "/settings")}), Mine: string(kit.Of(c).Actor.Role)}
	for _, r := range access.Roles() {
		p.Roles = append(p.Roles, string(r))
	}
	for _, g := range access.Grants() {
		right := view.Right{Words: g.Words}
		for _, r := range access.Roles() {
			right.Has = append(right.Has, slices.Contains(g.Roles, r))
		}
		p.Rights = append(p.Rights, right)
	}
	return kit.Render(c, http.StatusOK, view.RolesPage(p))
}

func (h *Handlers) components(c echo.Context) error {
	if err := kit.Require(c, access.Read, access.Settings); err != nil {
		return err
	}
	return kit.Render(c, http.StatusOK, view.Components(kit.Page(c, "settings", "Component sheet", layout.Crumb{Label: "Settings", Href: kit.In(c, "/settings")})))
}
