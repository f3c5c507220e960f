// Package registers serves the lists that people keep.
package registers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/registers"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	posture *posture.Service
	ledger  *evidence.Ledger
	book    *inventory.Book
}

// New makes the handlers.
func New(p *posture.Service, ledger *evidence.Ledger, book *inventory.Book) *Handlers {
	return &Handlers{posture: p, ledger: ledger, book: book}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/registers", h.list)
	g.GET("/registers/:id", h.show)
	g.POST("/registers/:id", h.enter)
	g.POST("/registers/:id/:entry/strike", h.strike)
}

// entries gives what the reader may see of a register.
func (h *Handlers) entries(c echo.Context, id string) ([]evidence.Entry, error) {
	ids, limited := inventory.VisibleIDs(kit.Ctx(c))
	if !limited {
		ids = nil
	}
	return h.ledger.Entries(kit.Ctx(c), kit.Of(c).Actor, id, ids)
}

func late(list []evidence.Entry, now time.Time) int {
	n := 0
	for _, e := range list {
		if e.DueAt != nil && !e.DueAt.After(now) {
			n++
		}
	}
	return n
}

func (h *Handlers) list(c echo.Context) error {
	p := view.List{Page: kit.Page(c, "registers", "Registers")}
	p.Cards = append(p.Cards, view.Card{Title: "Owner, tier, exposure and data", Lead: "Each service's own facts, confirmed by a person on its page.", Href: kit.In(c, "/services?unconfirmed=1"), Count: "on each service", Feeds: "Feeds INV-1."})
	for _, r := range evidence.Registers() {
		list, err := h.entries(c, r.ID)
		if err != nil {
			return err
		}
		card := view.Card{Title: r.Title, Lead: r.Lead, Href: kit.In(c, "/registers/"+r.ID), Count: ui.Plural(len(list), "entry", "entries"), Feeds: "Feeds " + r.Control + "."}
		if n := late(list, kit.Of(c).Now); n > 0 {
			card.Late = fmt.Sprintf("%d past the date", n)
		}
		p.Cards = append(p.Cards, card)
	}
	return kit.Render(c, http.StatusOK, view.Index(p))
}

func (h *Handlers) show(c echo.Context) error {
	values := url.Values{}
	if id := kit.Number64(c.QueryParam("edit")); id > 0 && kit.Can(c, access.Write, access.Posture) {
		e, err := h.ledger.Entry(kit.Ctx(c), kit.Of(c).Actor, id)
		if err != nil {
			return err
		}
		if ids, limited := inventory.VisibleIDs(kit.Ctx(c)); limited && !slices.Contains(ids, e.ServiceID) {
			return fault.Missing("entry")
		}
		for name, text := range e.Values() {
			values.Set(name, text)
		}
		values.Set("name", e.Name)
		values.Set("replaces", strconv.FormatInt(id, 10))
		values.Set("replacing", e.Name)
		values.Set("service_id", strconv.FormatInt(e.ServiceID, 10))
	}
	return h.page(c, http.StatusOK, values, nil)
}

func (h *Handlers) page(c echo.Context, status int, values url.Values, problem error) error {
	r, known := evidence.RegisterOf(c.Param("id"))
	if !known {
		return fault.Missing("register")
	}
	list, err := h.entries(c, r.ID)
	if err != nil {
		return err
	}
	services, err := h.book.Roster(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	p := view.Show{Page: kit.Page(c, "registers", r.Title, layout.Crumb{Label: "Registers", Href: kit.In(c, "/registers")}), Name: r.Title, Lead: r.Lead, Feeds: r.Control, FeedsHref: kit.In(c, "/controls/"+r.Control), NameLabel: r.NameLabel,
		Action: kit.In(c, "/registers/"+r.ID), Text: strings.TrimSpace(c.QueryParam("text")), MayWrite: kit.Can(c, access.Write, access.Posture), Workspace: r.Workspace}
	if _, limited := inventory.VisibleIDs(kit.Ctx(c)); limited && r.Workspace {
		p.MayWrite = false
	}
	rows := h.rows(c, r, list, services, &p)
	of := max(1, (len(rows)+inventory.PageSize-1)/inventory.PageSize)
	page := min(max(kit.Number(c.QueryParam("page")), 1), of)
	p.Entries = rows[(page-1)*inventory.PageSize : min(len(rows), page*inventory.PageSize)]
	p.Pages = ui.Pages{Page: page, Of: of, Total: int64(len(rows)), What: "entries"}
	at := func(n int) string {
		return p.Action + "?" + url.Values{"text": {p.Text}, "page": {strconv.Itoa(n)}}.Encode()
	}
	if page > 1 {
		p.Pages.Prev = at(page - 1)
	}
	if page < of {
		p.Pages.Next = at(page + 1)
	}
	p.Form = form(r, services, values, problem)
	return kit.Render(c, status, view.One(p))
}

// soon is how far ahead a date is marked.
const soon = 30 * 24 * time.Hour

func (h *Handlers) rows(c echo.Context, r *evidence.Register, list []evidence.Entry, services []inventory.Service, p *view.Show) []view.Entry {
	names := map[int64]inventory.Service{}
	for _, s := range services {
		names[s.ID] = s
	}
	var rows []view.Entry
	now := kit.Of(c).Now
	for i := range list {
		e := &list[i]
		s := names[e.ServiceID]
		if p.Text != "" && !strings.Contains(strings.ToLower(e.Name+" "+s.Name), strings.ToLower(p.Text)) {
			continue
		}
		v := view.Entry{ID: e.ID, Name: e.Name, Service: s.Name, ServiceHref: kit.In(c, "/services/"+s.Slug+"/controls/"+r.Control), Due: e.DueAt, By: e.ActorName, At: e.CreatedAt}
		if e.DueAt != nil {
			v.Late, v.Near = !e.DueAt.After(now), e.DueAt.Sub(now) < soon
		}
		values := e.Values()
		for _, f := range r.Fields {
			if values[f.Name] != "" {
				v.Values = append(v.Values, view.Value{Label: f.Label, Text: values[f.Name]})
			}
		}
		if p.MayWrite {
			v.Edit, v.Strike = fmt.Sprintf("%s?edit=%d#write", p.Action, e.ID), fmt.Sprintf("%s/%d/strike", p.Action, e.ID)
		}
		rows = append(rows, v)
	}
	return rows
}

// form makes the form of a register from its fields.
func form(r *evidence.Register, services []inventory.Service, values url.Values, problem error) view.Form {
	f := view.Form{Replaces: values.Get("replaces"), Replacing: values.Get("replacing")}
	var problems map[string]string
	if problem != nil {
		f.Message, problems, f.Problems, _ = kit.Invalid(problem)
	}
	f.Name = ui.Input{ID: "f-name", Name: "name", Label: r.NameLabel, Value: values.Get("name"), Error: problems["name"]}
	if !r.Workspace {
		choice := ui.Choice{ID: "f-service", Name: "service", Label: "Service", Error: problems["service"], Options: []ui.Option{{Label: "Choose a service"}}}
		for _, s := range services {
			choice.Options = append(choice.Options, ui.Option{Value: s.Slug, Label: s.Name, Chosen: s.Slug == values.Get("service") || strconv.FormatInt(s.ID, 10) == values.Get("service_id")})
		}
		f.Service = &choice
	}
	for _, field := range r.Fields {
		if field.Kind == "choice" {
			c := ui.Choice{ID: "f-" + field.Name, Name: field.Name, Label: field.Label, Hint: field.Hint, Error: problems[field.Name], Options: []ui.Option{{Label: "Choose"}}}
			for _, o := range field.Choices {
				c.Options = append(c.Options, ui.Option{Value: o, Label: o, Chosen: o == values.Get(field.Name)})
			}
			f.Choices = append(f.Choices, c)
			continue
		}
		in := ui.Input{ID: "f-" + field.Name, Name: field.Name, Label: field.Label, Hint: field.Hint, Value: values.Get(field.Name), Error: problems[field.Name]}
		if field.Kind != "text" {
			in.Type = field.Kind
		}
		f.Inputs = append(f.Inputs, in)
	}
	return f
}

func (h *Handlers) enter(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	r, known := evidence.RegisterOf(c.Param("id"))
	if !known {
		return fault.Missing("register")
	}
	slug := values.Get("service")
	if r.Workspace {
		slug = ""
	} else if slug == "" {
		err = fault.Field("service", "Choose a service.")
	}
	if err == nil {
		line := evidence.Line{Register: r.ID, Name: values.Get("name"), Values: map[string]string{}, Replaces: kit.Number64(values.Get("replaces"))}
		for _, f := range r.Fields {
			line.Values[f.Name] = values.Get(f.Name)
		}
		err = h.posture.Enter(kit.Ctx(c), kit.Of(c).Actor, slug, line)
	}
	if err == nil {
		return kit.Done(c, "/registers/"+r.ID, "Saved.")
	}
	if denied := kit.Require(c, access.Write, access.Posture); denied != nil {
		return denied
	}
	if _, _, _, invalid := kit.Invalid(err); !invalid {
		return err
	}
	return h.page(c, kit.Status(err), values, err)
}

func (h *Handlers) strike(c echo.Context) error {
	id, err := kit.ID(c, "entry")
	if err != nil {
		return err
	}
	if err := h.posture.Strike(kit.Ctx(c), kit.Of(c).Actor, c.Param("id"), id); err != nil {
		return err
	}
	return kit.Done(c, "/registers/"+url.PathEscape(c.Param("id")), "Struck. It stays in the log.")
}
