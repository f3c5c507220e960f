// Package account serves set-up, sign-in and what people change about themselves.
package account

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/boombuler/barcode/qr"
	"github.com/labstack/echo/v4"

	"muster/internal/identity"
	"muster/internal/web/kit"
	view "muster/views/account"
	"muster/views/layout"
)

// Handlers serve the pages.
type Handlers struct {
	people *identity.Service
	cookie string
	secure bool
}

// New makes the handlers. cookie is the name of the session's cookie.
func New(people *identity.Service, cookie string, secure bool) *Handlers {
	return &Handlers{people: people, cookie: cookie, secure: secure}
}

// Public registers what needs no session.
func (h *Handlers) Public(e *echo.Echo) {
	e.GET("/setup/:token", h.setupForm)
	e.POST("/setup/:token", h.setup)
	e.GET("/login", h.loginForm)
	e.POST("/login", h.login)
	e.GET("/login/code", h.codeForm)
	e.POST("/login/code", h.code)
	e.GET("/invite/:token", h.inviteForm)
	e.POST("/invite/:token", h.invite)
	e.GET("/reset/:token", h.resetForm)
	e.POST("/reset/:token", h.reset)
	e.POST("/theme", h.theme)
}

// Private registers what a signed-in person may do, with or without a workspace.
func (h *Handlers) Private(g *echo.Group) {
	g.GET("/", h.home)
	g.POST("/logout", h.logout)
	g.GET("/account", h.own)
	g.POST("/account/name", h.name)
	g.POST("/account/password", h.password)
	g.POST("/account/sessions", h.sessions)
	g.GET("/account/mfa", h.enrolForm)
	g.POST("/account/mfa", h.enrol)
	g.POST("/account/mfa/off", h.mfaOff)
}

func (h *Handlers) setCookie(c echo.Context, token string) {
	age := int(identity.SessionAbsolute.Seconds())
	if token == "" {
		age = -1
	}
	c.SetCookie(&http.Cookie{Name: h.cookie, Value: token, Path: "/", MaxAge: age, HttpOnly: true, Secure: h.secure, SameSite: http.SameSiteLaxMode})
}

// blank is an empty form for an address.
func blank(c echo.Context, action string) view.Form {
	return view.Form{Theme: kit.Theme(c), Flash: kit.Flash(c), Action: action, Values: map[string]string{}, Errors: map[string]string{}}
}

// filled keeps what was typed and says what is wrong; ok is false when the error is not about the form.
func filled(c echo.Context, action string, values url.Values, err error) (view.Form, bool) {
	f := blank(c, action)
	for name := range values {
		if name != "password" && name != "current" {
			f.Values[name] = values.Get(name)
		}
	}
	message, fields, list, ok := kit.Invalid(err, "workspace", "name", "email", "current", "password", "code")
	f.Message, f.Problems = message, list
	if fields != nil {
		f.Errors = fields
	}
	return f, ok
}

func (h *Handlers) setupForm(c echo.Context) error {
	if _, err := h.people.CheckLink(kit.Ctx(c), identity.LinkSetup, c.Param("token")); err != nil {
		return err
	}
	return kit.Render(c, http.StatusOK, view.Setup(blank(c, c.Request().URL.Path)))
}

func (h *Handlers) setup(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	u, _, err := h.people.Setup(kit.Ctx(c), c.Param("token"), values.Get("workspace"), identity.Account{Name: values.Get("name"), Email: values.Get("email"), Password: values.Get("password")})
	if err != nil {
		f, ok := filled(c, c.Request().URL.Path, values, err)
		if !ok {
			return err
		}
		return kit.Render(c, kit.Status(err), view.Setup(f))
	}
	token, err := h.people.Begin(kit.Ctx(c), u, kit.Of(c).From(c))
	if err != nil {
		return err
	}
	h.setCookie(c, token)
	return c.Redirect(http.StatusSeeOther, "/account/mfa?first=1")
}

// inside keeps a way back that leads to this site only.
func inside(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n") {
		return "/"
	}
	return to
}

func (h *Handlers) loginForm(c echo.Context) error {
	if kit.Of(c).SignedIn {
		return c.Redirect(http.StatusSeeOther, "/")
	}
	f := blank(c, "/login")
	f.Values["to"] = inside(c.QueryParam("to"))
	return kit.Render(c, http.StatusOK, view.Login(f))
}

func (h *Handlers) login(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	token, needsCode, err := h.people.SignIn(kit.Ctx(c), values.Get("email"), values.Get("password"), kit.Of(c).From(c))
	if err != nil {
		f, ok := filled(c, "/login", values, err)
		if !ok {
			return err
		}
		return kit.Render(c, kit.Status(err), view.Login(f))
	}
	if v := kit.Of(c); v.Token != "" { // what this browser was signed in with before is not left behind
		if err := h.people.SignOut(kit.Ctx(c), v.Token, v.User, v.From(c)); err != nil {
			return err
		}
	}
	h.setCookie(c, token)
	to := inside(values.Get("to"))
	if needsCode {
		to = "/login/code?to=" + url.QueryEscape(to)
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// waiting finds the person whose password was right and whose code is still to come.
func waiting(c echo.Context) (identity.User, bool) {
	v := kit.Of(c)
	return v.User, v.User.ID != 0 && v.Session.Stage() == identity.StagePassword
}

func (h *Handlers) codeForm(c echo.Context) error {
	if _, ok := waiting(c); !ok {
		return c.Redirect(http.StatusSeeOther, "/login")
	}
	f := blank(c, "/login/code")
	f.Values["to"] = inside(c.QueryParam("to"))
	return kit.Render(c, http.StatusOK, view.Code(f))
}

func (h *Handlers) code(c echo.Context) error {
	u, ok := waiting(c)
	if !ok {
		return c.Redirect(http.StatusSeeOther, "/login")
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	token, err := h.people.EnterCode(kit.Ctx(c), u, kit.Of(c).Token, values.Get("code"), kit.Of(c).From(c))
	if err != nil {
		f, ok := filled(c, "/login/code", values, err)
		if !ok {
			return err
		}
		f.Values["code"] = ""
		return kit.Render(c, kit.Status(err), view.Code(f))
	}
	h.setCookie(c, token)
	return c.Redirect(http.StatusSeeOther, inside(values.Get("to")))
}

func (h *Handlers) inviteForm(c echo.Context) error {
	link, w, known, err := h.people.InvitedTo(kit.Ctx(c), c.Param("token"))
	if err != nil {
		return err
	}
	v := kit.Of(c)
	if known && (!v.SignedIn || v.User.Email != link.Email) {
		return c.Redirect(http.StatusSeeOther, "/login?to="+url.QueryEscape(c.Request().URL.Path))
	}
	return kit.Render(c, http.StatusOK, view.Invite(blank(c, c.Request().URL.Path), w.Name, link.Email, known))
}

func (h *Handlers) invite(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	v := kit.Of(c)
	var signedIn *identity.User
	if v.SignedIn {
		signedIn = &v.User
	}
	u, w, err := h.people.Join(kit.Ctx(c), c.Param("token"), signedIn, values.Get("name"), values.Get("password"), v.From(c))
	if err != nil {
		f, ok := filled(c, c.Request().URL.Path, values, err)
		if !ok {
			return err
		}
		link, _, known, linkErr := h.people.InvitedTo(kit.Ctx(c), c.Param("token"))
		if linkErr != nil {
			return err
		}
		return kit.Render(c, kit.Status(err), view.Invite(f, w.Name, link.Email, known))
	}
	if signedIn == nil || signedIn.ID != u.ID {
		token, err := h.people.Begin(kit.Ctx(c), u, v.From(c))
		if err != nil {
			return err
		}
		h.setCookie(c, token)
	}
	return c.Redirect(http.StatusSeeOther, "/w/"+w.Slug+"/overview")
}

func (h *Handlers) resetForm(c echo.Context) error {
	link, err := h.people.CheckLink(kit.Ctx(c), identity.LinkReset, c.Param("token"))
	if err != nil {
		return err
	}
	return kit.Render(c, http.StatusOK, view.Reset(blank(c, c.Request().URL.Path), link.Email))
}

func (h *Handlers) reset(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	_, err = h.people.ResetPassword(kit.Ctx(c), c.Param("token"), values.Get("password"), kit.Of(c).From(c))
	if err != nil {
		f, ok := filled(c, c.Request().URL.Path, values, err)
		if !ok {
			return err
		}
		link, linkErr := h.people.CheckLink(kit.Ctx(c), identity.LinkReset, c.Param("token"))
		if linkErr != nil {
			return err
		}
		return kit.Render(c, kit.Status(err), view.Reset(f, link.Email))
	}
	h.setCookie(c, "")
	kit.Say(c, layout.Flash{Text: "The new password counts from now on. Sign in with it."})
	return c.Redirect(http.StatusSeeOther, "/login")
}

func (h *Handlers) theme(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	cookie := &http.Cookie{Name: "theme", Value: values.Get("theme"), Path: "/", MaxAge: 365 * 24 * 3600, Secure: h.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if cookie.Value != "light" && cookie.Value != "dark" {
		cookie.Value, cookie.MaxAge = "", -1
	}
	c.SetCookie(cookie)
	return c.Redirect(http.StatusSeeOther, inside(values.Get("back")))
}

func (h *Handlers) home(c echo.Context) error {
	list, err := h.people.Workspaces(kit.Ctx(c), kit.Of(c).User)
	if err != nil {
		return err
	}
	if len(list) == 1 {
		return c.Redirect(http.StatusSeeOther, "/w/"+list[0].Slug+"/overview")
	}
	return kit.Render(c, http.StatusOK, view.Home(kit.Theme(c), kit.Flash(c), places(list)))
}

func places(list []identity.Workspace) []layout.Workspace {
	var out []layout.Workspace
	for _, w := range list {
		out = append(out, layout.Workspace{Slug: w.Slug, Name: w.Name})
	}
	return out
}

func (h *Handlers) logout(c echo.Context) error {
	v := kit.Of(c)
	if err := h.people.SignOut(kit.Ctx(c), v.Token, v.User, v.From(c)); err != nil {
		return err
	}
	h.setCookie(c, "")
	return c.Redirect(http.StatusSeeOther, "/login")
}

// qrPath draws the dark squares of a QR code as one SVG path.
func qrPath(text string) (string, int, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", 0, fmt.Errorf("draw QR code: %w", err)
	}
	const border = 2
	size := code.Bounds().Dx()
	var b strings.Builder
	for y := range size {
		for x := range size {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+border, y+border)
			}
		}
	}
	return b.String(), size + 2*border, nil
}
