package exceptions

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/exception"
	"muster/internal/web/kit"
	view "muster/views/exceptions"
)

func (h *Handlers) show(c echo.Context) error {
	return h.page(c, http.StatusOK, view.Form{})
}

func (h *Handlers) page(c echo.Context, status int, f view.Form) error {
	e, err := h.find(c)
	if err != nil {
		return err
	}
	rules, err := h.posture.Ruleset(kit.Ctx(c))
	if err != nil {
		return err
	}
	names, err := h.names(c)
	if err != nil {
		return err
	}
	now, base := kit.Of(c).Now, fmt.Sprintf("/exceptions/%d", e.ID)
	service := serviceName(&e, names)
	_, statement := title(rules, &e)
	o := view.One{Page: kit.Page(c, "exceptions", e.Name()+", "+service, crumbs(c)...), Tag: tag(&e), Title: statement, Service: service, Form: f, OfFindings: e.Subject != exception.OfControl,
		Sign: sign(&e, now), Sentence: sentence(&e, now), Left: left(&e, now), Reason: e.Reason, Meanwhile: e.Compensating, Requester: e.RequesterName, Owner: cmp.Or(e.OwnerName, e.RequesterName), Asked: e.RequestedAt, Until: e.ExpiresAt, Events: events(&e, now),
		DecideTo: kit.In(c, base+"/decide"), EndTo: kit.In(c, base+"/end")}
	s, known := names[e.ServiceID]
	switch {
	case e.Subject != exception.OfControl:
		if o.Page.Title = e.Title; e.Subject == exception.OfRule && e.ServiceID != exception.Several {
			o.Service = "" // its title names it
		}
		if err := h.covers(c, &e, &o, names); err != nil {
			return err
		}
	case known:
		o.CellHref, o.CellText = kit.In(c, "/services/"+s.Slug+"/controls/"+e.Control), "The control on "+s.Name+": its state, and why"
	default:
		o.CellHref, o.CellText = kit.In(c, "/controls/"+e.Control), "The control over all services"
	}
	if e.Renews != 0 {
		o.RenewsHref = kit.In(c, fmt.Sprintf("/exceptions/%d", e.Renews))
	}
	may := kit.Can(c, access.Write, access.Exceptions)
	o.Waiting = e.State == exception.Requested && now.Before(e.ExpiresAt)
	o.Own = e.RequestedBy == kit.Of(c).Actor.UserID
	o.MayDecide = kit.Can(c, access.Decide, access.Exceptions)
	o.MayEnd = may && (e.State == exception.Requested || e.InForce(now))
	if may && e.State != exception.Requested {
		o.AskAgain = kit.In(c, fmt.Sprintf("/exceptions/new?renew=%d", e.ID))
	}
	return kit.Render(c, status, view.Show(o))
}

// decide approves or declines; the service refuses those who asked themselves.
func (h *Handlers) decide(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	e, err := h.find(c)
	if err != nil {
		return err
	}
	verdict := values.Get("verdict")
	if verdict != "approve" && verdict != "decline" {
		if err := kit.Require(c, access.Decide, access.Exceptions); err != nil {
			return err
		}
		return h.page(c, http.StatusUnprocessableEntity, form("decide", values, nil, "Approve it or decline it."))
	}
	if err := h.posture.Decide(kit.Ctx(c), kit.Of(c).Actor, e.ID, verdict == "approve", values.Get("note")); err != nil {
		return h.again(c, "decide", values, err)
	}
	done := "Declined. The reminders go on."
	if verdict == "approve" {
		done = "Approved. The reminders are quiet until its day; the score is what it was."
		if e.Subject != exception.OfControl {
			done = "Approved. The findings are accepted until its day; the score is what it was."
		}
	}
	return kit.Done(c, fmt.Sprintf("/exceptions/%d", e.ID), done)
}

// end withdraws a request, or ends what was approved.
func (h *Handlers) end(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	e, err := h.find(c)
	if err != nil {
		return err
	}
	if err := h.posture.End(kit.Ctx(c), kit.Of(c).Actor, e.ID, values.Get("note")); err != nil {
		return h.again(c, "end", values, err)
	}
	return kit.Done(c, fmt.Sprintf("/exceptions/%d", e.ID), "Ended. The reminders go on.")
}

func (h *Handlers) again(c echo.Context, kind string, values map[string][]string, err error) error {
	message, fields, _, ok := kit.Invalid(err)
	if !ok {
		return err
	}
	if kit.Status(err) == http.StatusConflict {
		kind = "late" // the form is no longer there
	}
	return h.page(c, kit.Status(err), form(kind, values, fields, message))
}
