// Package frameworks serves the pages that say which requirements of standards and laws hold, as far as Muster looks.
package frameworks

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/posture"
	"muster/internal/web/kit"
	view "muster/views/frameworks"
	"muster/views/layout"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	posture  *posture.Service
	controls *control.Service
}

// New makes the handlers.
func New(p *posture.Service, c *control.Service) *Handlers {
	return &Handlers{posture: p, controls: c}
}

// Routes registers the pages under a workspace. upload limits the form that carries a file.
func (h *Handlers) Routes(g *echo.Group, upload echo.MiddlewareFunc) {
	g.GET("/frameworks", h.list)
	g.GET("/frameworks/:id", h.one)
	g.POST("/frameworks/:id/texts", h.texts, upload)
}

func (h *Handlers) list(c echo.Context) error {
	b, err := h.posture.Board(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	l := view.List{Page: kit.Page(c, "frameworks", "Frameworks"), Limited: b.Limited}
	for _, f := range catalogue.Frameworks() {
		t := count(b.Requirements(f))
		l.Lines = append(l.Lines, view.Line{Name: f.Name, Version: f.Version, Publisher: f.Publisher, Href: kit.In(c, "/frameworks/"+f.ID), NumbersOnly: f.NumbersOnly,
			Answered: fmt.Sprintf("%d of %d", t.claimed(), t.all()), Bar: t.bar()})
	}
	return kit.Render(c, http.StatusOK, view.Index(l))
}

func (h *Handlers) one(c echo.Context) error { return h.page(c, http.StatusOK, "") }

// pageSize is how many requirements a page holds.
const pageSize = 50

// page shows a framework; problem is what is wrong with an uploaded file.
func (h *Handlers) page(c echo.Context, status int, problem string) error {
	f, unknown, err := h.controls.Texts(kit.Ctx(c), c.Param("id"))
	if err != nil {
		return err
	}
	b, err := h.posture.Board(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	base := kit.In(c, "/frameworks/"+f.ID)
	all := b.Requirements(f)
	t := count(all)
	p := view.Framework{Page: kit.Page(c, "frameworks", f.Name, layout.Crumb{Label: "Frameworks", Href: kit.In(c, "/frameworks")}), Name: f.Name, Lead: fmt.Sprintf("%s, version %s.", f.Publisher, f.Version), Address: f.Address,
		NumbersOnly: f.NumbersOnly, Limited: b.Limited, Text: strings.TrimSpace(c.QueryParam("text")), Tally: t.bar(), Clear: base, Action: base + "/texts", MayImport: kit.Can(c, access.Write, access.Scoring), Unknown: some(unknown)}
	if f.NumbersOnly {
		p.Lead = fmt.Sprintf("%s, %s. Its text is not open, so Muster lists only the numbers that controls answer.", f.Publisher, f.Version)
	}
	p.Answered = fmt.Sprintf("Muster’s controls answer %d of %s, wholly or partly.", t.claimed(), ui.Plural(t.all(), "requirement", "requirements"))
	state := c.QueryParam("state")
	p.Filtered = p.Text != "" || state != ""
	p.States = states(state, t)
	var shown []posture.Met
	for i := range all {
		if (state == "" || string(all[i].Standing) == state) && matches(&all[i], f, p.Text) {
			shown = append(shown, all[i])
		}
	}
	p.Pages, shown = paged(c, shown, base, url.Values{"text": {p.Text}, "state": {state}})
	for i := range shown {
		p.Rows = append(p.Rows, row(c, f, &shown[i], len(shown)))
	}
	texts := 0
	for i := range f.Requirements {
		if f.Requirements[i].Text != "" {
			texts++
		}
	}
	p.HasTexts, p.Texts = texts > 0 || len(unknown) > 0, fmt.Sprintf("%d of %d imported", texts, len(f.Requirements))
	if problem != "" {
		p.Message, p.FileError = "The file was not imported.", problem
	}
	return kit.Render(c, status, view.One(p))
}

// some lists the first ids of many.
func some(ids []string) []string {
	const most = 40
	if len(ids) <= most {
		return ids
	}
	return append(slices.Clone(ids[:most]), fmt.Sprintf("and %d more", len(ids)-most))
}

// matches finds a text in the number, the words, and the controls of a requirement.
func matches(m *posture.Met, f *catalogue.Framework, text string) bool {
	text = strings.ToLower(text)
	if strings.Contains(strings.ToLower(m.ID), text) || (!f.NumbersOnly && strings.Contains(strings.ToLower(m.Words), text)) || strings.Contains(strings.ToLower(m.Text), text) {
		return true
	}
	return slices.ContainsFunc(m.Answers, func(a posture.Answer) bool {
		return strings.Contains(strings.ToLower(a.ID+" "+a.Title), text)
	})
}

func paged(c echo.Context, list []posture.Met, base string, q url.Values) (ui.Pages, []posture.Met) {
	of := max(1, (len(list)+pageSize-1)/pageSize)
	page := min(max(kit.Number(c.QueryParam("page")), 1), of)
	at := func(n int) string {
		q.Set("page", strconv.Itoa(n))
		return base + "?" + q.Encode()
	}
	p := ui.Pages{Page: page, Of: of, Total: int64(len(list)), What: "requirements"}
	if len(list) == 1 {
		p.What = "requirement"
	}
	if page > 1 {
		p.Prev = at(page - 1)
	}
	if page < of {
		p.Next = at(page + 1)
	}
	return p, list[(page-1)*pageSize : min(len(list), page*pageSize)]
}

// texts replaces the imported texts.
func (h *Handlers) texts(c echo.Context) error {
	if err := kit.Require(c, access.Write, access.Scoring); err != nil {
		return err
	}
	data, err := upload(c)
	if err != nil {
		return err
	}
	if data == nil {
		return h.page(c, http.StatusUnprocessableEntity, "Choose a CSV file.")
	}
	known, unknown, err := h.controls.ImportTexts(kit.Ctx(c), kit.Of(c).Actor, c.Param("id"), data)
	if message, fields, _, invalid := kit.Invalid(err); invalid {
		if fields["file"] != "" {
			message = fields["file"]
		}
		return h.page(c, http.StatusUnprocessableEntity, message)
	}
	if err != nil {
		return err
	}
	words := "Imported " + ui.Plural(known, "text", "texts") + "."
	if unknown > 0 {
		words += fmt.Sprintf(" %s not listed here; see below.", ui.Plural(unknown, "id is", "ids are"))
	}
	return kit.Done(c, "/frameworks/"+c.Param("id"), words)
}

// upload reads the file; none is nil.
func upload(c echo.Context) ([]byte, error) {
	header, err := c.FormFile("file")
	if err != nil || header.Filename == "" {
		return nil, nil //nolint:nilerr // no file was chosen
	}
	f, err := header.Open()
	if err != nil {
		return nil, fmt.Errorf("open the uploaded file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, control.MaxTexts+1))
	if err != nil {
		return nil, fmt.Errorf("read the uploaded file: %w", err)
	}
	return data, nil
}
