package account

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/fault"
	"muster/internal/web/kit"
	view "muster/views/account"
	"muster/views/layout"
)

func (h *Handlers) own(c echo.Context) error {
	return h.ownPage(c, http.StatusOK, blank(c, ""))
}

func (h *Handlers) ownPage(c echo.Context, status int, f view.Form) error {
	v, ctx := kit.Of(c), kit.Ctx(c)
	sessions, err := h.people.Sessions(ctx, v.User)
	if err != nil {
		return err
	}
	workspaces, err := h.people.Workspaces(ctx, v.User)
	if err != nil {
		return err
	}
	page := view.Account{Form: f, Name: v.User.Name, Email: v.User.Email, MFA: v.User.HasMFA(), Workspaces: places(workspaces), Now: v.Now}
	if page.CodesLeft, err = h.people.CodesLeft(ctx, v.User); err != nil {
		return err
	}
	for _, s := range sessions {
		page.Sessions = append(page.Sessions, view.Session{ID: s.PublicID, Browser: browser(s.UserAgent), IP: s.IP, Created: s.CreatedAt, Seen: s.SeenAt, Current: s.PublicID == v.Session.PublicID})
	}
	return kit.Render(c, status, view.Own(page))
}

// browser names a browser from what it says of itself.
func browser(agent string) string {
	name := "A browser"
	for _, b := range []struct{ mark, name string }{{"Edg/", "Edge"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}} {
		if strings.Contains(agent, b.mark) {
			name = b.name
			break
		}
	}
	for _, s := range []struct{ mark, name string }{{"Android", "Android"}, {"iPhone", "iPhone"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"}} {
		if strings.Contains(agent, s.mark) {
			return name + " on " + s.name
		}
	}
	return name
}

// back shows the account again with what is wrong, or says that it was done.
func (h *Handlers) back(c echo.Context, values url.Values, err error, sentence string) error {
	if err == nil {
		kit.Say(c, layout.Flash{Text: sentence})
		return c.Redirect(http.StatusSeeOther, "/account")
	}
	f, ok := filled(c, "", values, err)
	if !ok {
		return err
	}
	return h.ownPage(c, kit.Status(err), f)
}

func (h *Handlers) name(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	err = h.people.Rename(kit.Ctx(c), kit.Of(c).User, values.Get("name"), kit.Of(c).From(c))
	return h.back(c, values, err, "Your name was saved.")
}

func (h *Handlers) password(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	v := kit.Of(c)
	err = h.people.ChangePassword(kit.Ctx(c), v.User, values.Get("current"), values.Get("password"), v.Token, v.From(c))
	return h.back(c, values, err, "The password was changed. Every other session ended.")
}

func (h *Handlers) sessions(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	v := kit.Of(c)
	if err := h.people.Revoke(kit.Ctx(c), v.User, values.Get("id"), v.Token, v.From(c)); err != nil {
		return err
	}
	return h.back(c, values, nil, "Ended.")
}

func (h *Handlers) enrolPage(c echo.Context, status int, f view.Form) error {
	v := kit.Of(c)
	e, err := h.people.Enrol(kit.Ctx(c), v.User, v.Session)
	if err != nil {
		return err
	}
	page := view.Enrolment{Form: f, Key: e.Key, Wizard: c.QueryParam("first") != ""}
	page.Action = c.Request().URL.RequestURI()
	if page.QR, page.Size, err = qrPath(e.URL); err != nil {
		return err
	}
	return kit.Render(c, status, view.Enrol(page))
}

func (h *Handlers) enrolForm(c echo.Context) error {
	if kit.Of(c).User.HasMFA() {
		return c.Redirect(http.StatusSeeOther, "/account")
	}
	return h.enrolPage(c, http.StatusOK, blank(c, ""))
}

func (h *Handlers) enrol(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	v := kit.Of(c)
	codes, token, err := h.people.Confirm(kit.Ctx(c), v.User, v.Session, values.Get("code"), v.From(c))
	if err != nil {
		f, ok := filled(c, "", values, err)
		if !ok || v.User.HasMFA() {
			return err
		}
		f.Values["code"] = ""
		return h.enrolPage(c, kit.Status(err), f)
	}
	h.setCookie(c, token)
	return kit.Render(c, http.StatusOK, view.Codes(kit.Theme(c), codes))
}

func (h *Handlers) mfaOff(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	v := kit.Of(c)
	err = h.people.TurnOffMFA(kit.Ctx(c), v.User, values.Get("current"), v.From(c))
	if f, ok := fault.As(err); ok && f.Fields["current"] != "" {
		err = fault.Field("off", f.Fields["current"])
	}
	return h.back(c, values, err, "The second factor is off.")
}
