// Package exceptions serves the pages about weaknesses that somebody accepted for a while.
package exceptions

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/control"
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
}

// New makes the handlers.
func New(p *posture.Service, e *exception.Service, book *inventory.Book) *Handlers {
	return &Handlers{posture: p, exceptions: e, book: book}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/exceptions", h.list)
	g.GET("/exceptions/new", h.ask)
	g.POST("/exceptions", h.request)
	g.GET("/exceptions/:id", h.show)
	g.POST("/exceptions/:id/decide", h.decide)
	g.POST("/exceptions/:id/end", h.end)
}

// everyService is how a form names all services at once.
const (
	everyService = "*"
	everyWords   = "Every service"
)

// names are the services that a person may see, in use or not, by id.
func (h *Handlers) names(c echo.Context) (map[int64]inventory.Service, error) {
	list, err := h.book.RosterAt(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return nil, err
	}
	byID := map[int64]inventory.Service{}
	for _, s := range list {
		byID[s.ID] = s
	}
	return byID, nil
}

// serviceName names what an exception covers.
func serviceName(e *exception.Exception, names map[int64]inventory.Service) string {
	if e.ServiceID == 0 {
		return everyWords
	}
	return cmp.Or(names[e.ServiceID].Name, "A service that is gone")
}

// title names a control in a few words, and in a whole sentence.
func title(rules *control.Ruleset, id string) (short, statement string) {
	if e, known := rules.Get(id); known {
		return e.Title, e.Statement
	}
	return "A control that is no longer known", "A control that is no longer known"
}

func (h *Handlers) list(c echo.Context) error {
	ids, limited := inventory.VisibleIDs(kit.Ctx(c))
	if limited && ids == nil {
		ids = []int64{}
	}
	number := max(1, kit.Number(c.QueryParam("page")))
	page, err := h.exceptions.List(kit.Ctx(c), kit.Of(c).Actor, ids, number)
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
	now := kit.Of(c).Now
	l := view.List{Page: kit.Page(c, "exceptions", "Exceptions"), MayAsk: kit.Can(c, access.Write, access.Exceptions), Pages: pages(c, number, page.Total)}
	waiting, inForce := 0, 0
	for i := range page.Rows {
		e := &page.Rows[i]
		short, _ := title(rules, e.Control)
		r := view.Row{Href: kit.In(c, fmt.Sprintf("/exceptions/%d", e.ID)), Control: e.Control, Title: short, Service: serviceName(e, names), Reason: e.Reason, Requester: e.RequesterName, Asked: e.RequestedAt, Until: e.ExpiresAt, Sign: sign(e, now), Left: left(e, now)}
		l.Rows = append(l.Rows, r)
		if e.State == exception.Requested {
			waiting++
		}
		if e.InForce(now) {
			inForce++
		}
	}
	l.Lead = "What is accepted for a while, why, and until when."
	if l.Pages.Of < 2 && len(l.Rows) > 0 {
		l.Lead = fmt.Sprintf("%s for a decision, %d in force. An exception never raises the score.", waits(waiting), inForce)
	}
	return kit.Render(c, http.StatusOK, view.Index(l))
}

func waits(n int) string {
	if n == 1 {
		return "1 waits"
	}
	return strconv.Itoa(n) + " wait"
}

// pages leads through the list.
func pages(c echo.Context, number int, total int64) ui.Pages {
	p := ui.Pages{Page: number, Of: max(1, int((total+exception.PageSize-1)/exception.PageSize)), Total: total, What: "exceptions"}
	if total == 1 {
		p.What = "exception"
	}
	if number > 1 {
		p.Prev = kit.In(c, fmt.Sprintf("/exceptions?page=%d", min(number-1, p.Of)))
	}
	if number < p.Of {
		p.Next = kit.In(c, fmt.Sprintf("/exceptions?page=%d", number+1))
	}
	return p
}

// find reads the exception of the address; what covers none of the person's services is not found.
func (h *Handlers) find(c echo.Context) (exception.Exception, error) {
	id, err := kit.ID(c, "id")
	if err != nil {
		return exception.Exception{}, err
	}
	return h.get(c, id)
}

func (h *Handlers) get(c echo.Context, id int64) (exception.Exception, error) {
	e, err := h.exceptions.Get(kit.Ctx(c), kit.Of(c).Actor, id)
	if err != nil {
		return e, err
	}
	if ids, limited := inventory.VisibleIDs(kit.Ctx(c)); limited && e.ServiceID != 0 && !slices.Contains(ids, e.ServiceID) {
		return e, fault.Missing("exception")
	}
	return e, nil
}

func crumbs(c echo.Context) []layout.Crumb {
	return []layout.Crumb{{Label: "Exceptions", Href: kit.In(c, "/exceptions")}}
}

// form keeps what was typed, with what is wrong with it.
func form(kind string, values map[string][]string, fields map[string]string, message string) view.Form {
	f := view.Form{Kind: kind, Message: message, Errors: fields, Values: map[string]string{}}
	for name, list := range values {
		if len(list) > 0 {
			f.Values[name] = list[0]
		}
	}
	for _, name := range []string{"control", "service", "reason", "compensating", "days", "note"} {
		if text := fields[name]; text != "" {
			f.Problems = append(f.Problems, ui.Problem{Field: name, Text: text})
		}
	}
	return f
}
