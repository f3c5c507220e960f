// Package exceptions serves the pages about weaknesses that somebody accepted for a while.
package exceptions

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/identity"
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
	findings   *finding.Service
	people     *identity.Service
}

// New makes the handlers.
func New(p *posture.Service, e *exception.Service, book *inventory.Book, findings *finding.Service, people *identity.Service) *Handlers {
	return &Handlers{posture: p, exceptions: e, book: book, findings: findings, people: people}
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

// serviceName is where an exception holds.
func serviceName(e *exception.Exception, names map[int64]inventory.Service) string {
	switch e.ServiceID {
	case 0:
		return everyWords
	case exception.Several:
		return several(e.Services, names)
	}
	return cmp.Or(names[e.ServiceID].Name, "A service that is gone")
}

// several names services, the first of them where there are many.
func several(ids []int64, names map[int64]inventory.Service) string {
	const most = 3
	var list []string
	for _, id := range ids {
		list = append(list, cmp.Or(names[id].Name, "nobody’s"))
	}
	slices.Sort(list)
	switch {
	case len(list) == 0:
		return "Several services"
	case len(list) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}

// title names what an exception is about: short for a list, whole for a page.
func title(rules *control.Ruleset, e *exception.Exception) (short, statement string) {
	if e.Subject != exception.OfControl {
		return e.Title, e.Title
	}
	if known, found := rules.Get(e.Control); found {
		return known.Title, known.Statement
	}
	return "A control that is no longer known", "A control that is no longer known"
}

// tag says of what sort it is.
func tag(e *exception.Exception) string {
	switch e.Subject {
	case exception.OfFindings:
		return "findings"
	case exception.OfRule:
		return matchWords[e.MatchBy]
	case exception.OfControl:
	}
	return e.Control
}

var matchWords = map[exception.Match]string{exception.ByVulnerability: "vulnerability", exception.ByRule: "rule of a tool", exception.ByPackage: "package"}

func (h *Handlers) list(c echo.Context) error {
	ids, limited := inventory.VisibleIDs(kit.Ctx(c))
	if limited && ids == nil {
		ids = []int64{}
	}
	number, show := max(1, kit.Number(c.QueryParam("page"))), exception.Show(c.QueryParam("show"))
	page, err := h.exceptions.List(kit.Ctx(c), kit.Of(c).Actor, exception.Filter{Services: ids, Show: show, Page: number})
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
	now, n := kit.Of(c).Now, page.Counts
	l := view.List{Page: kit.Page(c, "exceptions", "Exceptions"), MayAsk: kit.Can(c, access.Write, access.Exceptions), Pages: pages(c, number, page.Total), Nothing: n.Total == 0, Views: views(c, show, n)}
	for i := range page.Rows {
		e := &page.Rows[i]
		short, _ := title(rules, e)
		l.Rows = append(l.Rows, view.Row{Href: kit.In(c, fmt.Sprintf("/exceptions/%d", e.ID)), Tag: tag(e), Title: short, Service: serviceName(e, names), Reason: e.Reason, Requester: e.RequesterName, Asked: e.RequestedAt, Until: e.ExpiresAt, Sign: sign(e, now), Left: left(e, now)})
	}
	l.Lead = "What is accepted for a while, why, and until when."
	if n.Total > 0 {
		l.Lead = fmt.Sprintf("%s for a decision, %d in force. An exception never raises the score.", waits(n.Waiting), n.InForce)
	}
	return kit.Render(c, http.StatusOK, view.Index(l))
}

// views are the ways to narrow the list.
func views(c echo.Context, on exception.Show, n exception.Counts) []view.View {
	var list []view.View
	for _, v := range []struct {
		show  exception.Show
		label string
		n     int64
	}{{exception.ShowAll, "All", n.Total}, {exception.ShowWaiting, "Waiting", n.Waiting}, {exception.ShowInForce, "In force", n.InForce}, {exception.ShowEnding, "Ending soon", n.Ending}, {exception.ShowEnded, "Ended", n.Ended}} {
		list = append(list, view.View{Label: v.label, Href: kit.In(c, address(v.show, 1)), Count: strconv.FormatInt(v.n, 10), On: v.show == on})
	}
	return list
}

func address(show exception.Show, page int) string {
	q := url.Values{}
	if show != exception.ShowAll {
		q.Set("show", string(show))
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return "/exceptions"
	}
	return "/exceptions?" + q.Encode()
}

func waits(n int64) string {
	if n == 1 {
		return "1 waits"
	}
	return strconv.FormatInt(n, 10) + " wait"
}

func pages(c echo.Context, number int, total int64) ui.Pages {
	p := ui.Pages{Page: number, Of: max(1, int((total+exception.PageSize-1)/exception.PageSize)), Total: total, What: "exceptions"}
	if total == 1 {
		p.What = "exception"
	}
	show := exception.Show(c.QueryParam("show"))
	if number > 1 {
		p.Prev = kit.In(c, address(show, min(number-1, p.Of)))
	}
	if number < p.Of {
		p.Next = kit.In(c, address(show, number+1))
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
	for _, name := range []string{"scope", "control", "service", "reason", "compensating", "days", "owner", "note"} {
		if text := fields[name]; text != "" {
			f.Problems = append(f.Problems, ui.Problem{Field: name, Text: text})
		}
	}
	return f
}
