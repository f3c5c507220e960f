// Package exceptions serves the pages of accepted weaknesses.
package exceptions

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/web/kit"
	view "muster/views/exceptions"
	"muster/views/layout"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	posture    *posture.Service
	exceptions *exception.Service
	book       *inventory.Book
	log        *activity.Service
}

// New makes the handlers.
func New(p *posture.Service, e *exception.Service, book *inventory.Book, log *activity.Service) *Handlers {
	return &Handlers{posture: p, exceptions: e, book: book, log: log}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/exceptions", h.list)
	g.POST("/exceptions", h.ask)
	g.GET("/exceptions/new", h.form)
	g.GET("/exceptions/:id", h.show)
	g.POST("/exceptions/:id/decide", h.decide)
	g.POST("/exceptions/:id/end", h.end)
}

// world is what the pages name things with.
type world struct {
	rules    *control.Ruleset
	services map[int64]inventory.Service
	list     []inventory.Service
}

func (h *Handlers) world(c echo.Context) (*world, error) {
	rules, err := h.posture.Ruleset(kit.Ctx(c))
	if err != nil {
		return nil, err
	}
	list, err := h.book.RosterAt(kit.Ctx(c), kit.Of(c).Actor)
	w := &world{rules: rules, services: map[int64]inventory.Service{}, list: list}
	for _, s := range list {
		w.services[s.ID] = s
	}
	return w, err
}

// mayNotSee reports whether the reader is limited to services that the exception is not about.
func mayNotSee(c echo.Context, e *exception.Exception) bool {
	ids, limited := inventory.VisibleIDs(kit.Ctx(c))
	return limited && !slices.Contains(ids, e.ServiceID)
}

func (h *Handlers) list(c echo.Context) error {
	page := max(kit.Number(c.QueryParam("page")), 1)
	found, err := h.exceptions.List(kit.Ctx(c), kit.Of(c).Actor, page)
	if err != nil {
		return err
	}
	w, err := h.world(c)
	if err != nil {
		return err
	}
	p := view.List{Page: kit.Page(c, "exceptions", "Exceptions"), MayAsk: kit.Can(c, access.Write, access.Exceptions)}
	for i := range found.Rows {
		if e := &found.Rows[i]; !mayNotSee(c, e) {
			p.Rows = append(p.Rows, h.row(c, w, e))
		}
	}
	p.Pages = ui.Pages{Page: page, Of: max(1, int((found.Total+inventory.PageSize-1)/inventory.PageSize)), Total: found.Total, What: "exceptions"}
	if _, limited := inventory.VisibleIDs(kit.Ctx(c)); limited {
		p.Pages.Total = int64(len(p.Rows))
	}
	if page > 1 {
		p.Pages.Prev = kit.In(c, fmt.Sprintf("/exceptions?page=%d", page-1))
	}
	if page < p.Pages.Of {
		p.Pages.Next = kit.In(c, fmt.Sprintf("/exceptions?page=%d", page+1))
	}
	return kit.Render(c, http.StatusOK, view.Index(p))
}

func (h *Handlers) row(c echo.Context, w *world, e *exception.Exception) view.Row {
	r := view.Row{Href: kit.In(c, fmt.Sprintf("/exceptions/%d", e.ID)), Control: e.Control, Title: e.Control, Subject: "every service", Reason: e.Reason, By: e.RequesterName, Asked: e.RequestedAt, Until: e.ExpiresAt}
	if known, found := w.rules.Get(e.Control); found {
		r.Title = known.Title
	}
	if e.ServiceID != 0 {
		r.Subject = w.services[e.ServiceID].Name
	}
	r.State, r.Near = stateOf(e, kit.Of(c).Now)
	return r
}

// stateOf says where an exception stands, and warns thirty, seven and one days before its end.
func stateOf(e *exception.Exception, now time.Time) (ui.Word, string) {
	left := int(e.ExpiresAt.Sub(now).Hours() / 24)
	switch {
	case e.State == exception.Requested && !now.Before(e.ExpiresAt):
		return ui.Word{Text: "never decided", Tone: ui.Unk}, ""
	case e.State == exception.Requested:
		return ui.Word{Text: "waits for a decision", Tone: ui.Warn}, ""
	case e.State == exception.Declined:
		return ui.Word{Text: "declined", Tone: ui.Bad}, ""
	case e.State == exception.Ended:
		return ui.Word{Text: "ended early", Tone: ui.Unk}, ""
	case !e.InForce(now):
		return ui.Word{Text: "run out", Tone: ui.Unk}, ""
	case left <= 30:
		return ui.Word{Text: "in force", Tone: ui.Info}, "ends in " + ui.Plural(left, "day", "days")
	}
	return ui.Word{Text: "in force", Tone: ui.Info}, ""
}

func (h *Handlers) show(c echo.Context) error { return h.page(c, http.StatusOK, view.Form{}) }

func (h *Handlers) page(c echo.Context, status int, form view.Form) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	ctx, actor := kit.Ctx(c), kit.Of(c).Actor
	e, err := h.exceptions.Get(ctx, actor, id)
	if err != nil {
		return err
	}
	if mayNotSee(c, &e) {
		return fault.Missing("exception")
	}
	w, err := h.world(c)
	if err != nil {
		return err
	}
	p := view.Show{Page: kit.Page(c, "exceptions", e.Control, layout.Crumb{Label: "Exceptions", Href: kit.In(c, "/exceptions")}), Row: h.row(c, w, &e), ID: e.ID, Compensating: e.Compensating,
		Decided: e.DeciderName, DecidedAt: e.DecidedAt, Note: e.DecisionNote, CellHref: kit.In(c, "/controls/"+e.Control), Form: form}
	if s, known := w.services[e.ServiceID]; known {
		p.CellHref = kit.In(c, "/services/"+s.Slug+"/controls/"+e.Control)
	}
	if e.Renews != 0 {
		p.Renews = kit.In(c, fmt.Sprintf("/exceptions/%d", e.Renews))
	}
	mayAsk := kit.Can(c, access.Write, access.Exceptions)
	p.MayEnd = mayAsk && (e.State == exception.Requested || e.InForce(kit.Of(c).Now))
	if mayAsk && e.State != exception.Requested {
		p.Again = kit.In(c, fmt.Sprintf("/exceptions/new?renew=%d", e.ID))
	}
	if e.State == exception.Requested {
		switch {
		case e.RequestedBy == actor.UserID:
			p.Why = "You asked for it, so somebody else decides: an owner or admin of the workspace."
		case !kit.Can(c, access.Decide, access.Exceptions):
			p.Why = "An owner or admin of the workspace decides."
		default:
			p.MayDecide = true
		}
	}
	if err := h.history(c, &p, e.ID); err != nil {
		return err
	}
	return kit.Render(c, status, view.One(p))
}

var happened = map[string]string{"exception.request": "asked for it", "exception.approved": "approved it", "exception.declined": "declined it", "exception.end": "ended it"}

func (h *Handlers) history(c echo.Context, p *view.Show, id int64) error {
	rows, err := h.log.History(kit.Ctx(c), "exception", id, 20)
	for _, r := range rows {
		what := happened[r.Action]
		if what == "" {
			what = r.Action
		}
		p.History = append(p.History, view.Entry{Who: r.ActorName, What: what, At: r.At})
	}
	return err
}

func (h *Handlers) form(c echo.Context) error {
	if err := kit.Require(c, access.Write, access.Exceptions); err != nil {
		return err
	}
	values := url.Values{"control": {c.QueryParam("control")}, "service": {c.QueryParam("service")}, "days": {"90"}}
	if id := kit.Number64(c.QueryParam("renew")); id > 0 {
		e, err := h.exceptions.Get(kit.Ctx(c), kit.Of(c).Actor, id)
		if err != nil {
			return err
		}
		if mayNotSee(c, &e) {
			return fault.Missing("exception")
		}
		w, err := h.world(c)
		if err != nil {
			return err
		}
		values = url.Values{"control": {e.Control}, "service": {w.services[e.ServiceID].Slug}, "reason": {e.Reason}, "compensating": {e.Compensating}, "days": {"90"}, "renews": {strconv.FormatInt(id, 10)}}
	}
	return h.formPage(c, http.StatusOK, values, nil)
}

func (h *Handlers) formPage(c echo.Context, status int, values url.Values, problem error) error {
	w, err := h.world(c)
	if err != nil {
		return err
	}
	p := view.New{Page: kit.Page(c, "exceptions", "Ask", layout.Crumb{Label: "Exceptions", Href: kit.In(c, "/exceptions")}), Form: formOf(values, problem), Renews: values.Get("renews")}
	p.Controls = append(p.Controls, ui.Option{Label: "Choose a control"})
	for _, e := range w.rules.For(catalogue.Service) {
		p.Controls = append(p.Controls, ui.Option{Value: e.ID, Label: e.ID + ", " + e.Title, Chosen: e.ID == values.Get("control")})
	}
	p.Services = append(p.Services, ui.Option{Value: "", Label: "Every service", Chosen: values.Get("service") == ""})
	for _, s := range w.list {
		if s.RetiredAt == nil {
			p.Services = append(p.Services, ui.Option{Value: s.Slug, Label: s.Name, Chosen: s.Slug == values.Get("service")})
		}
	}
	return kit.Render(c, status, view.Ask(p))
}

func formOf(values url.Values, problem error) view.Form {
	f := view.Form{Values: map[string]string{}}
	for name := range values {
		f.Values[name] = values.Get(name)
	}
	if problem != nil {
		f.Message, f.Errors, f.Problems, _ = kit.Invalid(problem)
	}
	return f
}

func (h *Handlers) ask(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	r := exception.Request{Control: values.Get("control"), Reason: values.Get("reason"), Compensating: values.Get("compensating"), Days: kit.Number(values.Get("days")), Renews: kit.Number64(values.Get("renews"))}
	e, err := h.posture.Ask(kit.Ctx(c), kit.Of(c).Actor, values.Get("service"), r)
	if err != nil {
		if _, _, _, invalid := kit.Invalid(err); invalid {
			return h.formPage(c, kit.Status(err), values, err)
		}
		return err
	}
	return kit.Done(c, fmt.Sprintf("/exceptions/%d", e.ID), "Asked. Somebody else decides; until then nothing changes.")
}

func (h *Handlers) decide(c echo.Context) error {
	return h.settle(c, "note", func(id int64, values url.Values) (string, error) {
		approve := values.Get("approve") == "yes"
		said := "Declined."
		if approve {
			said = "Approved. It ends on its day; the score stays as it is."
		}
		return said, h.posture.Decide(kit.Ctx(c), kit.Of(c).Actor, id, approve, values.Get("note"))
	})
}

func (h *Handlers) end(c echo.Context) error {
	return h.settle(c, "end", func(id int64, values url.Values) (string, error) {
		return "Ended.", h.posture.End(kit.Ctx(c), kit.Of(c).Actor, id, values.Get("note"))
	})
}

// settle runs a decision and shows the page again with what is wrong; field is where the note's problem stands.
func (h *Handlers) settle(c echo.Context, field string, act func(int64, url.Values) (string, error)) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	said, err := act(id, values)
	if err == nil {
		return kit.Done(c, fmt.Sprintf("/exceptions/%d", id), said)
	}
	if _, _, _, invalid := kit.Invalid(err); !invalid || fault.Is(err, fault.Conflict) {
		return err
	}
	f := formOf(values, err)
	f.Errors = map[string]string{field: f.Errors["note"]}
	f.Values[field] = values.Get("note")
	return h.page(c, http.StatusUnprocessableEntity, f)
}
