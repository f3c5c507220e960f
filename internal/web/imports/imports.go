// Package imports serves the pages on which files become services.
package imports

import (
	"encoding/json"
	"mime/multipart"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/imports"
	"muster/internal/imports/limit"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	view "muster/views/imports"
	"muster/views/layout"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	book *inventory.Book
	flow *intake.Workflow
}

// New makes the handlers.
func New(book *inventory.Book, flow *intake.Workflow) *Handlers {
	return &Handlers{book: book, flow: flow}
}

// Routes registers the pages under a workspace; uploads have a limit of their own.
func (h *Handlers) Routes(g *echo.Group, upload echo.MiddlewareFunc) {
	g.GET("/imports", h.list)
	g.GET("/imports/new", h.newForm)
	g.POST("/imports", h.upload, upload)
	g.GET("/imports/:id", h.show)
	g.POST("/imports/:id/confirm", h.confirm)
	g.POST("/imports/:id/cancel", h.cancel)
	g.POST("/imports/:id/undo", h.undo)
}

func (h *Handlers) list(c echo.Context) error {
	page := max(kit.Number(c.QueryParam("page")), 1)
	rows, total, err := h.book.Imports(kit.Ctx(c), kit.Of(c).Actor, page)
	if err != nil {
		return err
	}
	sources, err := h.book.Sources(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	environments, err := h.environments(c)
	if err != nil {
		return err
	}
	byID := map[int64]*inventory.Source{}
	for i := range sources {
		byID[sources[i].ID] = &sources[i]
	}
	l := view.List{Page: kit.Page(c, "imports", "Imports"), MayImport: kit.Can(c, access.Write, access.Imports)}
	for i := range rows {
		l.Rows = append(l.Rows, past(c, &rows[i], byID[rows[i].SourceID], environments))
	}
	l.Pages = ui.Pages{Page: page, Of: max(1, int((total+inventory.PageSize-1)/inventory.PageSize)), Total: total, What: "imports"}
	address := func(n int) string { return kit.In(c, "/imports?page="+strconv.Itoa(n)) }
	if page > 1 {
		l.Pages.Prev = address(page - 1)
	}
	if page < l.Pages.Of {
		l.Pages.Next = address(page + 1)
	}
	return kit.Render(c, http.StatusOK, view.Index(l))
}

// environments are the names of the environments by id.
func (h *Handlers) environments(c echo.Context) (map[int64]string, error) {
	list, err := h.book.Environments(kit.Ctx(c), kit.Of(c).Actor)
	names := map[int64]string{}
	for _, e := range list {
		names[e.ID] = e.Name
	}
	return names, err
}

func past(c echo.Context, i *inventory.Import, source *inventory.Source, environments map[int64]string) view.Past {
	p := view.Past{Href: kit.In(c, "/imports/"+strconv.FormatInt(i.ID, 10)), Who: i.ActorName, At: i.CreatedAt, Partial: i.Partial, Complete: i.NamespacesComplete}
	if source != nil {
		p.Source, p.Environment = source.Name, environments[source.EnvironmentID]
	}
	switch i.State {
	case inventory.ImportApplied:
		p.State, p.Tone, p.Summary = "in use", ui.OK, summary(i)
	case inventory.ImportUndone:
		p.State, p.Tone, p.Summary = "undone", ui.Unk, summary(i)
	default:
		if i.Held != "" {
			p.State, p.Tone, p.Summary = "waits for your word", ui.Bad, i.Held
			break
		}
		p.State, p.Tone, p.Summary = "to be confirmed", ui.Warn, "Nothing was stored yet."
	}
	return p
}

func countsOf(i *inventory.Import) map[string]intake.Counts {
	counts := map[string]intake.Counts{}
	if json.Unmarshal([]byte(i.Counts), &counts) != nil {
		return map[string]intake.Counts{}
	}
	return counts
}

// summary says what an import did: each kind of change with what it is made of.
func summary(i *inventory.Import) string {
	n := countsOf(i)
	var list []string
	for _, of := range []struct {
		word string
		of   func(intake.Counts) int
	}{{"New", func(c intake.Counts) int { return c.Created }}, {"Changed", func(c intake.Counts) int { return c.Changed }}, {"Gone", func(c intake.Counts) int { return c.Gone }}} {
		services, calls, facts := of.of(n["services"]), of.of(n["dependencies"]), of.of(n["facts"])
		if services+calls+facts > 0 {
			list = append(list, of.word+": "+parts(services, calls, facts)+".")
		}
	}
	if f, ok := findingsOf(i); ok && f.Any() {
		list = append(list, foundWords(f))
	}
	if c, listed := n["components"]; listed && c.Created+c.Changed+c.Gone > 0 {
		list = append(list, partWords(c))
	}
	if len(list) == 0 {
		return "Nothing changed."
	}
	return strings.Join(list, " ")
}

func (h *Handlers) newForm(c echo.Context) error {
	return h.uploadPage(c, http.StatusOK, nil)
}

func (h *Handlers) uploadPage(c echo.Context, status int, failure error) error {
	if err := kit.Require(c, access.Write, access.Imports); err != nil {
		return err
	}
	u := view.Upload{Page: kit.Page(c, "imports", "Import files", crumb(c)), Action: kit.In(c, "/imports"), Source: c.FormValue("source"), Partial: c.FormValue("partial") != "", Complete: c.FormValue("namespaces_complete") != ""}
	if failure != nil {
		var ok bool
		if u.Message, u.Errors, u.Problems, ok = kit.Invalid(failure, "files", "environment", "source"); !ok {
			return failure
		}
	}
	environments, err := h.book.Environments(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	for _, e := range environments {
		id := strconv.FormatInt(e.ID, 10)
		u.Environments = append(u.Environments, ui.Option{Value: id, Label: e.Name, Chosen: id == c.FormValue("environment")})
	}
	sources, err := h.book.Sources(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	for i := range sources[:min(len(sources), 100)] {
		if !slices.Contains(u.Sources, sources[i].Name) {
			u.Sources = append(u.Sources, sources[i].Name)
		}
	}
	everyone, err := h.book.Everyone(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	names := labels(everyone)
	for i := range everyone[:min(len(everyone), 300)] {
		u.Services = append(u.Services, names[everyone[i].ID])
	}
	u.Service = c.FormValue("service")
	return kit.Render(c, status, view.New(u))
}

// chosen is the service that a person says the files are about, by its name or its name in addresses.
func (h *Handlers) chosen(c echo.Context) (int64, error) {
	text := strings.TrimSpace(c.FormValue("service"))
	if text == "" {
		return 0, nil
	}
	everyone, err := h.book.Everyone(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return 0, err
	}
	names := labels(everyone)
	for i := range everyone {
		if s := &everyone[i]; strings.EqualFold(names[s.ID], text) || s.Slug == text {
			return s.ID, nil
		}
	}
	return 0, fault.Field("service", "There is no service of this name. Choose one from the list, or leave it empty.")
}

func crumb(c echo.Context) layout.Crumb {
	return layout.Crumb{Label: "Imports", Href: kit.In(c, "/imports")}
}

func (h *Handlers) upload(c echo.Context) error {
	if err := kit.Require(c, access.Write, access.Imports); err != nil {
		return err
	}
	found, findings, err := read(c)
	if err == nil {
		var id int64
		service, chosen := int64(0), error(nil)
		if service, chosen = h.chosen(c); chosen != nil {
			return h.uploadPage(c, kit.Status(chosen), chosen)
		}
		id, err = h.flow.Propose(kit.Ctx(c), kit.Of(c).Actor, intake.Proposal{ServiceID: service, EnvironmentID: kit.Number64(c.FormValue("environment")), SourceName: c.FormValue("source"), Partial: c.FormValue("partial") != "", NamespacesComplete: c.FormValue("namespaces_complete") != "", Inspection: found, Findings: findings})
		if err == nil {
			err = h.weigh(c, id)
		}
		if err == nil {
			return c.Redirect(http.StatusSeeOther, address(c, id))
		}
	}
	return h.uploadPage(c, kit.Status(err), err)
}

// read inspects what was uploaded. A file that cannot be used refuses the whole, so that nothing is half known.
func read(c echo.Context) (*model.Inspection, *model.Packer, error) {
	form, err := c.MultipartForm()
	if err != nil {
		return nil, nil, fault.Field("files", "The upload was cut off or is too large. Send it again; nothing was stored.")
	}
	defer func() { _ = form.RemoveAll() }() // temporary files; the system removes what stays
	if total(form.File["files"]) >= limit.Large {
		defer limit.Leash()()
		debug.FreeOSMemory() // of what receiving them took
	}
	gathered := imports.NewUpload()
	for _, header := range form.File["files"] {
		data, err := kit.Content(header, header.Size)
		if err != nil {
			return nil, nil, fault.Field("files", "The upload was cut off. Send it again; nothing was stored.")
		}
		if header.Filename == "" && len(data) == 0 {
			continue
		}
		if err := gathered.Upload(header.Filename, data); err != nil {
			return nil, nil, fault.Field("files", err.Error())
		}
	}
	if len(gathered.Files) == 0 && len(gathered.Problems) == 0 {
		return nil, nil, fault.Field("files", "Choose at least one file.")
	}
	findings := model.NewPacker()
	found, err := imports.Inspect(gathered.Files, imports.Options{Explicit: gathered.Explicit, Finding: findings.Add})
	if err != nil {
		return nil, nil, fault.Field("files", err.Error())
	}
	found.Problems = append(found.Problems, gathered.Problems...)
	return found, findings, nil
}

func total(files []*multipart.FileHeader) (n int64) {
	for _, f := range files {
		n += f.Size
	}
	return n
}
