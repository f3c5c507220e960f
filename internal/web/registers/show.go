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
	"muster/internal/inventory"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/registers"
	"muster/views/ui"
)

func (h *Handlers) show(c echo.Context) error {
	r, err := register(c)
	if err != nil {
		return err
	}
	f := view.Form{Values: map[string]string{}}
	if id := c.QueryParam("edit"); id != "" {
		if err := kit.Require(c, access.Write, access.Posture); err != nil {
			return err
		}
		e, err := h.entry(c, r, kit.Number64(id))
		if err != nil {
			return err
		}
		f.Values = e.Values()
		f.Values["name"], f.Replaces = e.Name, strconv.FormatInt(e.ID, 10)
	}
	return h.page(c, http.StatusOK, r, f)
}

// entry reads one entry of a register; those of services that the person does not see are not found.
func (h *Handlers) entry(c echo.Context, r *evidence.Register, id int64) (evidence.Entry, error) {
	e, err := h.ledger.Entry(kit.Ctx(c), kit.Of(c).Actor, id)
	if err != nil {
		return e, err
	}
	if ids := sights(c); e.Control != r.Control || (ids != nil && !slices.Contains(ids, e.ServiceID)) {
		return e, echo.ErrNotFound
	}
	return e, nil
}

// page draws a register with its form.
func (h *Handlers) page(c echo.Context, status int, r *evidence.Register, f view.Form) error {
	rules, err := h.posture.Ruleset(kit.Ctx(c))
	if err != nil {
		return err
	}
	all, err := h.ledger.Entries(kit.Ctx(c), kit.Of(c).Actor, r.ID, sights(c))
	if err != nil {
		return err
	}
	names, err := h.names(c)
	if err != nil {
		return err
	}
	base := kit.In(c, "/registers/"+r.ID)
	p := view.Register{Page: kit.Page(c, "registers", r.Title, layout.Crumb{Label: "Registers", Href: kit.In(c, "/registers")}), Title: r.Title, Lead: r.Lead, NameLabel: r.NameLabel, Control: r.Control, Feeds: feeds(rules, r.Control), FeedsHref: controlHref(c, r),
		ForServices: !r.Workspace, HasDue: r.Dated(), Empty: len(all) == 0, Text: strings.TrimSpace(c.QueryParam("text")), Clear: base, MayWrite: kit.Can(c, access.Write, access.Posture), Form: f}
	for _, d := range r.Fields {
		p.Columns = append(p.Columns, d.Label)
	}
	var rows []evidence.Entry
	p.Pages, rows = paged(c, base, p.Text, chosen(all, names, p.Text))
	for i := range rows {
		p.Rows = append(p.Rows, row(c, r, &rows[i], names, f.Replaces))
	}
	if p.MayWrite {
		if err := h.fill(c, r, &p.Form, names); err != nil {
			return err
		}
	}
	return kit.Render(c, status, view.Show(p))
}

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

func row(c echo.Context, r *evidence.Register, e *evidence.Entry, names map[int64]inventory.Service, replaces string) view.Row {
	id := strconv.FormatInt(e.ID, 10)
	base := kit.In(c, "/registers/"+r.ID)
	v := view.Row{ID: e.ID, Name: e.Name, Due: e.DueAt, DueWord: due(e.DueAt, kit.Of(c).Now), Writer: e.ActorName, At: e.CreatedAt, EditHref: base + "?edit=" + id, StrikeTo: base + "/" + id + "/strike", Current: id == replaces}
	if s, known := names[e.ServiceID]; known {
		v.Service, v.ServiceHref = s.Name, kit.In(c, "/services/"+s.Slug+"/controls/"+r.Control)
	}
	values := e.Values()
	for _, d := range r.Fields {
		v.Cells = append(v.Cells, view.Cell{Label: d.Label, Text: shown(d.Kind, values[d.Name]), Short: d.Kind != "text"})
	}
	return v
}

// shown writes a kept value as the rest of the app does.
func shown(kind, text string) string {
	if day, err := time.Parse(time.DateOnly, text); kind == "date" && err == nil {
		return day.Format("2 Jan 2006")
	}
	return text
}

const pageSize = 50

func paged(c echo.Context, base, text string, rows []evidence.Entry) (ui.Pages, []evidence.Entry) {
	of := max(1, (len(rows)+pageSize-1)/pageSize)
	n := min(max(kit.Number(c.QueryParam("page")), 1), of)
	at := func(page int) string {
		return base + "?" + url.Values{"text": {text}, "page": {strconv.Itoa(page)}}.Encode()
	}
	p := ui.Pages{Page: n, Of: of, Total: int64(len(rows)), What: "entries"}
	if len(rows) == 1 {
		p.What = "entry"
	}
	if n > 1 {
		p.Prev = at(n - 1)
	}
	if n < of {
		p.Next = at(n + 1)
	}
	from := (n - 1) * pageSize
	return p, rows[from:min(len(rows), from+pageSize)]
}

// fill gives a form its fields and choices.
func (h *Handlers) fill(c echo.Context, r *evidence.Register, f *view.Form, names map[int64]inventory.Service) error {
	f.Action, f.Cancel = kit.In(c, "/registers/"+r.ID), kit.In(c, "/registers/"+r.ID)
	for _, d := range r.Fields {
		f.Fields = append(f.Fields, view.Field{Name: d.Name, Label: d.Label, Hint: d.Hint, Kind: d.Kind, Choices: d.Choices, Required: d.Required})
	}
	if f.Replaces != "" {
		e, err := h.entry(c, r, kit.Number64(f.Replaces))
		if err != nil {
			return err
		}
		f.Was, f.Service = e.Name, names[e.ServiceID].Name
		return nil
	}
	if r.Workspace {
		return nil
	}
	roster, err := h.book.Roster(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	f.Services = []ui.Option{{Label: "Choose a service"}}
	for i := range roster {
		f.Services = append(f.Services, ui.Option{Value: roster[i].Slug, Label: roster[i].Name, Chosen: roster[i].Slug == f.Values["service"]})
	}
	return nil
}

// strike ends an entry.
func (h *Handlers) strike(c echo.Context) error {
	r, err := register(c)
	if err != nil {
		return err
	}
	id, err := kit.ID(c, "entry")
	if err != nil {
		return err
	}
	if err := kit.Require(c, access.Write, access.Posture); err != nil {
		return err
	}
	e, err := h.entry(c, r, id)
	if err != nil {
		return err
	}
	if err := h.posture.Strike(kit.Ctx(c), kit.Of(c).Actor, r.ID, id); err != nil {
		return err
	}
	return kit.Done(c, "/registers/"+r.ID, fmt.Sprintf("%s is struck out. The activity log keeps what it said.", e.Name))
}
