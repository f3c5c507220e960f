// Package kit is what every handler shares: who asks, how a page is rendered, how a form is read, what is said afterwards.
package kit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/identity"
	"muster/views/layout"
	"muster/views/ui"
)

// Visit is what the middleware found out about a request.
type Visit struct {
	RequestID string
	Token     string
	SignedIn  bool // with every factor
	Session   identity.Session
	User      identity.User
	Place     *identity.Place // nil outside a workspace
	Others    []identity.Workspace
	Actor     access.Actor
	Now       time.Time
}

// From says where the request comes from.
func (v *Visit) From(c echo.Context) identity.From {
	return identity.From{IP: c.RealIP(), UserAgent: c.Request().UserAgent(), RequestID: v.RequestID}
}

const visitKey = "visit"

// SetVisit stores the visit for the handlers.
func SetVisit(c echo.Context, v *Visit) { c.Set(visitKey, v) }

// Of gives the visit of a request.
func Of(c echo.Context) *Visit {
	if v, ok := c.Get(visitKey).(*Visit); ok {
		return v
	}
	return &Visit{Now: time.Now()}
}

// Ctx is the request's context, with the workspace in it.
func Ctx(c echo.Context) context.Context { return c.Request().Context() }

// Render draws a page into a buffer first, so that a failure never leaves half of one.
func Render(c echo.Context, status int, page templ.Component) error {
	var b bytes.Buffer
	if err := page.Render(c.Request().Context(), &b); err != nil {
		return err
	}
	return c.HTMLBlob(status, b.Bytes())
}

// Theme is the colour theme that the browser asked for.
func Theme(c echo.Context) string {
	if cookie, err := c.Cookie("theme"); err == nil && (cookie.Value == "light" || cookie.Value == "dark") {
		return cookie.Value
	}
	return ""
}

// Page makes the frame of a workspace's page. key names the line of the side bar.
func Page(c echo.Context, key, title string, crumbs ...layout.Crumb) *layout.Page {
	v := Of(c)
	p := &layout.Page{Title: title, Theme: Theme(c), Now: v.Now, Flash: takeFlash(c), Here: c.Request().URL.RequestURI(), Query: c.QueryParam("q")}
	if c.Path() != "/w/:workspace/search" {
		p.Query = ""
	}
	p.Person = layout.Person{Name: v.User.Name, Email: v.User.Email, Initials: Initials(v.User.Name)}
	p.Crumbs = append(crumbs, layout.Crumb{Label: title})
	if v.Place == nil {
		return p
	}
	p.Workspace = layout.Workspace{Slug: v.Place.Workspace.Slug, Name: v.Place.Workspace.Name}
	for _, o := range v.Others {
		if o.ID != v.Place.Workspace.ID {
			p.Others = append(p.Others, layout.Workspace{Slug: o.Slug, Name: o.Name})
		}
	}
	p.Nav = nav(p, key, v.Actor)
	return p
}

// navigation is the side bar; a line is shown to those who may read what it leads to.
var navigation = []struct {
	key, label, icon, group string
	object                  access.Object
}{
	{"overview", "Overview", "overview", "", access.Inventory},
	{"services", "Services", "services", "", access.Inventory},
	{"map", "Map", "graph", "", access.Inventory},
	{"matrix", "Controls", "shield", "", access.Posture},
	{"findings", "Findings", "finding", "", access.Findings},
	{"tasks", "Tasks", "board", "", access.Tasks},
	{"my-work", "My work", "tasks", "", access.Tasks},
	{"exceptions", "Exceptions", "contrast", "Evidence", access.Posture},
	{"frameworks", "Frameworks", "scope", "Evidence", access.Posture},
	{"registers", "Registers", "clip", "Evidence", access.Posture},
	{"imports", "Imports", "import", "Evidence", access.Imports},
	{"scans", "Scans", "scan", "Evidence", access.Scans},
	{"schedules", "Schedules", "cal", "Evidence", access.Scans},
	{"activity", "Activity", "log", "Evidence", access.Activities},
	{"people", "People", "users", "Admin", access.Members},
	{"teams", "Teams", "usercheck", "Admin", access.Teams},
	{"settings", "Settings", "settings", "Admin", access.Settings},
}

// hrefs are the lines whose address is not their key.
var hrefs = map[string]string{"people": "/members", "matrix": "/posture"}

var control = mustControl()

func mustControl() *access.Control {
	c, err := access.New()
	if err != nil {
		panic(err) // the matrix is part of the program
	}
	return c
}

// Can reports whether the person may; it only decides what is shown, the services decide what is done.
func Can(c echo.Context, action access.Action, object access.Object) bool {
	return control.Can(Of(c).Actor, action, object)
}

func nav(p *layout.Page, key string, actor access.Actor) []layout.NavItem {
	var items []layout.NavItem
	for _, n := range navigation {
		if !control.Can(actor, access.Read, n.object) {
			continue
		}
		href := hrefs[n.key]
		if href == "" {
			href = "/" + n.key
		}
		items = append(items, layout.NavItem{Label: n.label, Href: p.Path(href), Icon: n.icon, Group: n.group, Key: n.key, Current: n.key == key})
	}
	return items
}

// Initials are the first letters of a name's first and last word.
func Initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	first := []rune(words[0])[:1]
	if len(words) > 1 {
		first = append(first, []rune(words[len(words)-1])[0])
	}
	return strings.ToUpper(string(first))
}

// flashCookie carries one sentence to the next page. It holds nothing secret and is never trusted as HTML.
const flashCookie = "flash"

// Say leaves a sentence for the next page.
func Say(c echo.Context, f layout.Flash) {
	b, err := json.Marshal(f)
	if err != nil {
		return
	}
	c.SetCookie(&http.Cookie{Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(b), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 60})
}

func takeFlash(c echo.Context) *layout.Flash {
	cookie, err := c.Cookie(flashCookie)
	if err != nil || len(cookie.Value) > 2000 {
		return nil
	}
	c.SetCookie(&http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	b, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	var f layout.Flash
	if err != nil || json.Unmarshal(b, &f) != nil || !strings.HasPrefix(f.Undo+"/", "/") {
		return nil
	}
	return &f
}

// Flash takes the sentence for pages outside a workspace.
func Flash(c echo.Context) *layout.Flash { return takeFlash(c) }

// Done says a sentence and leads to a page inside the workspace.
func Done(c echo.Context, path, sentence string) error {
	if sentence != "" {
		Say(c, layout.Flash{Text: sentence})
	}
	return c.Redirect(http.StatusSeeOther, In(c, path))
}

// In is an address inside the workspace of the request.
func In(c echo.Context, path string) string {
	return "/w/" + url.PathEscape(Of(c).Place.Workspace.Slug) + path
}

// ID reads a number of the path; anything else is not found.
func ID(c echo.Context, name string) (int64, error) {
	id, err := strconv.ParseInt(c.Param(name), 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.Missing("page")
	}
	return id, nil
}

// Number reads a whole number of a form or query; what is none is 0.
func Number(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0
	}
	return n
}

// Number64 is Number for ids.
func Number64(text string) int64 { return int64(Number(text)) }

// Numbers reads several ids; what is none is left out.
func Numbers(texts []string) []int64 {
	var ids []int64
	for _, t := range texts {
		if n := Number64(t); n > 0 {
			ids = append(ids, n)
		}
	}
	return ids
}

// Form gives the posted values, never those of the address.
func Form(c echo.Context) (url.Values, error) {
	if _, err := c.FormParams(); err != nil {
		return nil, fault.New(fault.TooLarge, "The form could not be read: it is too large or was cut off.")
	}
	return c.Request().PostForm, nil
}

// Invalid reports whether an error is about a form, and gives its sentence and fields: first in the order in which the
// form asks for them, the others by name, so that the same mistakes always read the same.
func Invalid(err error, order ...string) (message string, fields map[string]string, list []ui.Problem, ok bool) {
	f, expected := fault.As(err)
	if !expected || (f.Kind != fault.Invalid && f.Kind != fault.Conflict && f.Kind != fault.TooMany) {
		return "", nil, nil, false
	}
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	for name, text := range f.Fields {
		list = append(list, ui.Problem{Field: name, Text: text})
	}
	slices.SortFunc(list, func(a, b ui.Problem) int {
		return cmp.Or(rank(a.Field)-rank(b.Field), strings.Compare(a.Field, b.Field))
	})
	return f.Message, f.Fields, list, true
}

// Status is the HTTP status of an expected failure.
func Status(err error) int {
	f, expected := fault.As(err)
	if !expected {
		return http.StatusInternalServerError
	}
	return statuses[f.Kind]
}

// statuses is the one table from kinds of failure to HTTP.
var statuses = map[fault.Kind]int{
	fault.NotFound: http.StatusNotFound, fault.Invalid: http.StatusUnprocessableEntity, fault.Conflict: http.StatusConflict, fault.Forbidden: http.StatusForbidden,
	fault.Unauthenticated: http.StatusUnauthorized, fault.TooLarge: http.StatusRequestEntityTooLarge, fault.TooMany: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
}

// Options makes the choices of a select from pairs of value and label.
func Options(chosen string, pairs ...string) []ui.Option {
	var list []ui.Option
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, ui.Option{Value: pairs[i], Label: pairs[i+1], Chosen: pairs[i] == chosen})
	}
	return list
}

// Require refuses a page to those who may not do what its form does.
func Require(c echo.Context, action access.Action, object access.Object) error {
	return control.Require(Of(c).Actor, action, object)
}
