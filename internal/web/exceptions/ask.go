package exceptions

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/control/catalogue"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	view "muster/views/exceptions"
	"muster/views/ui"
)

const usualDays = "90"

// ask shows the empty form, or one that goes on from an older exception.
func (h *Handlers) ask(c echo.Context) error {
	if err := kit.Require(c, access.Write, access.Exceptions); err != nil {
		return err
	}
	if len(c.QueryParams()["finding"]) > 0 {
		return h.accept(c, http.StatusOK, c.QueryParams(), view.Form{})
	}
	f := view.Form{Values: map[string]string{"days": usualDays}}
	a := view.Ask{Control: c.QueryParam("control"), Service: c.QueryParam("service"), Renews: c.QueryParam("renew")}
	if a.Renews != "" {
		old, err := h.get(c, kit.Number64(a.Renews))
		if err != nil {
			return err
		}
		if old.Subject != exception.OfControl {
			return h.accept(c, http.StatusOK, c.QueryParams(), view.Form{})
		}
		a.Control = old.Control
		f.Values["reason"], f.Values["compensating"] = old.Reason, old.Compensating
	}
	return h.form(c, http.StatusOK, a, f)
}

// form draws the form; a control and a service that are named stay as they are.
func (h *Handlers) form(c echo.Context, status int, a view.Ask, f view.Form) error {
	rules, err := h.posture.Ruleset(kit.Ctx(c))
	if err != nil {
		return err
	}
	roster, err := h.book.Roster(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	if a.Owners, err = h.owners(c, kit.Number64(f.Values["owner"])); err != nil {
		return err
	}
	a.Page = kit.Page(c, "exceptions", "Ask for an exception", crumbs(c)...)
	a.Form, a.Action, a.Cancel = f, kit.In(c, "/exceptions"), kit.In(c, "/exceptions")
	if a.Renews != "" {
		if err := h.renewal(c, &a); err != nil {
			return err
		}
	}
	control, chosen := a.Control, a.Service
	a.Control, a.Service = "", ""
	a.Controls = append(a.Controls, ui.Option{Label: "Choose a control"})
	for _, e := range rules.For(catalogue.Service) {
		if e.ID == control {
			a.Control, a.ControlTitle = e.ID, e.Statement
		}
		a.Controls = append(a.Controls, ui.Option{Value: e.ID, Label: e.ID + " " + e.Title, Chosen: e.ID == f.Values["control"]})
	}
	a.Services = append(a.Services, ui.Option{Label: "Choose a service"})
	if _, limited := inventory.VisibleIDs(kit.Ctx(c)); !limited {
		a.Services = append(a.Services, ui.Option{Value: everyService, Label: everyWords, Chosen: f.Values["service"] == everyService})
		if chosen == everyService {
			a.Service, a.ServiceName = everyService, everyWords
		}
	}
	for i := range roster {
		s := &roster[i]
		if s.Slug == chosen {
			a.Service, a.ServiceName = s.Slug, s.Name
		}
		a.Services = append(a.Services, ui.Option{Value: s.Slug, Label: s.Name, Chosen: s.Slug == f.Values["service"]})
	}
	if a.Control != "" && a.Service != "" && a.Service != everyService {
		a.Cancel = kit.In(c, "/services/"+a.Service+"/controls/"+a.Control)
	}
	return kit.Render(c, status, view.New(a))
}

// renewal fixes what a renewal is about.
func (h *Handlers) renewal(c echo.Context, a *view.Ask) error {
	old, err := h.get(c, kit.Number64(a.Renews))
	if err != nil {
		return err
	}
	a.Control, a.Service, a.Renews = old.Control, everyService, strconv.FormatInt(old.ID, 10)
	if old.ServiceID != 0 {
		names, err := h.names(c)
		if err != nil {
			return err
		}
		a.Service = names[old.ServiceID].Slug
	}
	a.RenewWords = "It goes on from the exception that " + old.RequesterName + " asked for on " + old.RequestedAt.UTC().Format(day) + ". Say what changed since."
	return nil
}

// request stores what was asked for.
func (h *Handlers) request(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if err := kit.Require(c, access.Write, access.Exceptions); err != nil {
		return err
	}
	if values.Get("subject") != "" {
		return h.requestFindings(c, values)
	}
	r := exception.Request{OwnerID: kit.Number64(values.Get("owner")), Control: values.Get("control"), Reason: values.Get("reason"), Compensating: values.Get("compensating"), Days: kit.Number(values.Get("days")), Renews: kit.Number64(values.Get("renews"))}
	slug := values.Get("service")
	if err := complete(&r, slug); err != nil {
		return h.refused(c, values, err)
	}
	if slug == everyService {
		slug = ""
	}
	e, err := h.posture.Ask(kit.Ctx(c), kit.Of(c).Actor, slug, r)
	if err != nil {
		return h.refused(c, values, err)
	}
	return kit.Done(c, fmt.Sprintf("/exceptions/%d", e.ID), "Asked. Somebody else has to decide on it.")
}

// complete finds everything that is missing at once.
func complete(r *exception.Request, slug string) error {
	fields := fault.Fields{}
	if r.Control == "" {
		fields.Add("control", "Choose a control.")
	}
	if slug == "" {
		fields.Add("service", "Choose a service, or every service.")
	}
	if _, wrong, _, ok := kit.Invalid(r.Check()); ok {
		maps.Copy(fields, wrong)
	}
	return fields.Err()
}

// refused shows the form again, with what was typed.
func (h *Handlers) refused(c echo.Context, values url.Values, err error) error {
	message, fields, _, ok := kit.Invalid(err)
	if !ok {
		return err
	}
	a := view.Ask{Renews: values.Get("renews")}
	return h.form(c, kit.Status(err), a, form("ask", values, fields, message))
}
