package posture

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/web/kit"
	view "muster/views/posture"
	"muster/views/ui"
)

// grid draws some controls on some services; the totals count all services of the board.
func grid(c echo.Context, controls []*control.Effective, rows []posture.Row, b *posture.Board) ([]view.Column, []view.Line, []string) {
	var columns []view.Column
	var totals []string
	for _, e := range controls {
		columns = append(columns, view.Column{ID: e.ID, Title: e.Title, Href: kit.In(c, "/controls/"+e.ID)})
		hold, of := 0, 0
		for i := range b.Rows {
			switch b.Rows[i].Cell(e.ID).State {
			case control.Verified, control.Attested:
				hold, of = hold+1, of+1
			case control.NotApplicable:
			case control.Failing, control.NotKnown, control.Stale:
				of++
			}
		}
		totals = append(totals, fmt.Sprintf("%d/%d", hold, of))
	}
	var lines []view.Line
	for i := range rows {
		r := &rows[i]
		base := kit.In(c, "/services/"+r.Service.Slug)
		l := view.Line{Name: r.Service.Name, Href: base + "/posture", Tier: fmt.Sprintf("tier %d", r.Detail.Tier), Score: "–"}
		if r.Detail.Result.Judged {
			l.Score = fmt.Sprint(posture.Shown(r.Detail.Result.Score))
		}
		for _, e := range controls {
			g := cellGlyph(r.Cell(e.ID))
			l.Cells = append(l.Cells, view.Square{Glyph: g, Href: base + "/controls/" + e.ID, Label: r.Service.Name + ", " + e.Title + ": " + strings.ToLower(g.Word)})
		}
		lines = append(lines, l)
	}
	return columns, lines, totals
}

// board reads the posture now, or as of the day that is asked for.
func (h *Handlers) board(c echo.Context) (*posture.Board, string, error) {
	day, err := asOf(c)
	if err != nil {
		return nil, "", err
	}
	if day.IsZero() {
		b, err := h.posture.Board(kit.Ctx(c), kit.Of(c).Actor)
		return b, "", err
	}
	b, err := h.posture.BoardAt(kit.Ctx(c), kit.Of(c).Actor, day)
	return b, day.Format(time.DateOnly), err
}

func (h *Handlers) matrix(c echo.Context) error {
	b, day, err := h.board(c)
	if err != nil {
		return err
	}
	m := view.Matrix{Page: kit.Page(c, "matrix", "Matrix"), AsOf: day, Today: kit.Of(c).Now.UTC().Format(time.DateOnly), Domain: c.QueryParam("domain"), Text: strings.TrimSpace(c.QueryParam("text"))}
	m.Lead = "Where one service deviates from what most keep."
	if day != "" {
		m.Lead = "As known on " + day + "."
	}
	cat, err := catalogue.Load()
	if err != nil {
		return err
	}
	m.Domains = append(m.Domains, ui.Option{Value: "", Label: "All domains", Chosen: m.Domain == ""})
	for _, d := range cat.Domains() {
		if d.ID != catalogue.Organization {
			m.Domains = append(m.Domains, ui.Option{Value: string(d.ID), Label: d.Name, Chosen: string(d.ID) == m.Domain})
		}
	}
	if m.Domain == string(catalogue.Organization) {
		return c.Redirect(http.StatusSeeOther, kit.In(c, "/posture/sum"))
	}
	var controls []*control.Effective
	for _, e := range b.Rules.For(catalogue.Service) {
		if m.Domain == "" || string(e.Domain) == m.Domain {
			controls = append(controls, e)
		}
	}
	var rows []posture.Row
	for i := range b.Rows {
		if m.Text == "" || strings.Contains(strings.ToLower(b.Rows[i].Service.Name), strings.ToLower(m.Text)) {
			rows = append(rows, b.Rows[i])
		}
	}
	m.Pages, rows = paged(c, rows, func(page int) string {
		return kit.In(c, "/posture?"+url.Values{"domain": {m.Domain}, "text": {m.Text}, "as_of": {day}, "page": {strconv.Itoa(page)}}.Encode())
	})
	m.Columns, m.Lines, m.Totals = grid(c, controls, rows, b)
	for i := range m.Lines {
		for k := range m.Lines[i].Cells {
			if s := &m.Lines[i].Cells[k]; s.Part == "" {
				s.Part = letters[s.Class]
			}
		}
	}
	return kit.Render(c, http.StatusOK, view.All(m))
}

// paged cuts one page out of a list.
func paged[T any](c echo.Context, list []T, at func(page int) string) (ui.Pages, []T) {
	of := max(1, (len(list)+inventory.PageSize-1)/inventory.PageSize)
	page := min(max(kit.Number(c.QueryParam("page")), 1), of)
	p := ui.Pages{Page: page, Of: of, Total: int64(len(list)), What: "services"}
	if page > 1 {
		p.Prev = at(page - 1)
	}
	if page < of {
		p.Next = at(page + 1)
	}
	from := (page - 1) * inventory.PageSize
	return p, list[from:min(len(list), from+inventory.PageSize)]
}

// control is one control over all services.
func (h *Handlers) control(c echo.Context) error {
	b, _, err := h.board(c)
	if err != nil {
		return err
	}
	e, known := b.Rules.Get(c.Param("id"))
	if !known {
		return echo.ErrNotFound
	}
	if e.Subject == catalogue.Workspace {
		return c.Redirect(http.StatusSeeOther, kit.In(c, "/governance/"+e.ID))
	}
	p := view.ControlPage{Page: kit.Page(c, "matrix", e.ID, crumbs(c)...), ID: e.ID, Statement: e.Statement, Why: e.Why, Checks: e.Checks, Fix: e.Fix, Example: e.ExampleFor("", "", ""), Tags: tags(e), Mappings: mappings(c, e), Changed: changed(e)}
	if probed(e) && !b.Past && kit.Can(c, access.Write, access.Scans) {
		p.ScanHref = kit.In(c, "/scans/new?control="+e.ID)
	}
	for _, clause := range e.Clauses {
		p.Clauses = append(p.Clauses, sentence(clause.Words))
	}
	state := c.QueryParam("state")
	var cells []posture.Cell
	var rows []view.Control
	for _, word := range control.Words() {
		for i := range b.Rows {
			r := &b.Rows[i]
			cell := r.Cell(e.ID)
			if cell.State != word {
				continue
			}
			cells = append(cells, cell)
			if state == "" || state == string(word) {
				at := b.At
				rows = append(rows, view.Control{Glyph: cellGlyph(cell), ID: fmt.Sprintf("tier %d", r.Detail.Tier), Title: r.Service.Name, Href: kit.In(c, "/services/"+r.Service.Slug+"/controls/"+e.ID), At: &at})
			}
		}
	}
	p.Shares = shares(cells)
	p.Pages, p.Rows = paged(c, rows, func(page int) string {
		return kit.In(c, "/controls/"+e.ID+"?"+url.Values{"state": {state}, "page": {strconv.Itoa(page)}}.Encode())
	})
	p.Filter = kit.Options(state, "", "Every state", "failing", "Failing", "unknown", "Unknown", "stale", "Stale", "attested", "Attested", "verified", "Verified", "not_applicable", "Does not apply")
	return kit.Render(c, http.StatusOK, view.Over(p))
}

func tags(e *control.Effective) []string {
	list := []string{e.Domain.Name(), fmt.Sprintf("weight %d", e.Points), fmt.Sprintf("evidence lasts %s", ui.Plural(e.Days, "day", "days"))}
	if e.Own {
		list = append(list, "your own")
	}
	if !e.Scored {
		list = append(list, "not scored")
	}
	return list
}

func changed(e *control.Effective) string {
	if !e.Changed() || e.Own {
		return ""
	}
	return fmt.Sprintf("Your workspace changed it: shipped with weight %d and %s.", e.Weight, ui.Plural(e.Age, "day", "days"))
}

func mappings(c echo.Context, e *control.Effective) []view.Mapping {
	var list []view.Mapping
	for _, m := range e.Mappings {
		name := cmp.Or(standards[m.Framework], m.Framework)
		list = append(list, view.Mapping{Framework: name, Requirement: m.Requirement, Strength: string(m.Strength), Why: m.Why, Href: kit.In(c, "/frameworks/"+m.Framework+"?"+url.Values{"text": {m.Requirement}}.Encode())})
	}
	return list
}
