// Package findings serves the pages about the weaknesses of services.
package findings

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
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/remediation"
	"muster/internal/steward"
	"muster/internal/web/kit"
	view "muster/views/findings"
	"muster/views/layout"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	findings *finding.Service
	book     *inventory.Book
	steward  *steward.Service
	tasks    *remediation.Service
	base     string // the address that people type
}

// New makes the handlers.
func New(f *finding.Service, book *inventory.Book, s *steward.Service, t *remediation.Service, base string) *Handlers {
	return &Handlers{findings: f, book: book, steward: s, tasks: t, base: base}
}

// Routes registers the pages under a workspace. upload limits the form that carries a file.
func (h *Handlers) Routes(g *echo.Group, upload echo.MiddlewareFunc) {
	g.GET("/findings", h.list)
	g.POST("/findings/export", h.export)
	g.GET("/findings/views", h.lists)
	g.POST("/findings/views", h.keep)
	g.POST("/findings/views/:id", h.rename)
	g.POST("/findings/views/:id/delete", h.drop)
	g.GET("/findings/unassigned", h.inbox)
	g.POST("/findings/unassigned", h.assign)
	g.GET("/findings/rules", h.rules)
	g.POST("/findings/rules", h.addRule)
	g.POST("/findings/rules/:rule/end", h.endRule)
	g.GET("/findings/move", h.confirm) // what a decision about many would do
	g.POST("/findings/move", h.moveMany)
	g.GET("/findings/:id", h.show)
	g.POST("/findings/:id/move", h.move)
	g.POST("/findings/:id/assess", h.assess)
	g.POST("/findings/:id/comment", h.comment)
	g.POST("/findings/:id/attach", h.attach, upload)
	g.GET("/findings/:id/files/:file", h.file)
	g.POST("/findings/:id/watch", h.watch)
	g.GET("/services/:slug/findings", h.ofService)
}

// names are the services that a person may see, by id.
func (h *Handlers) names(c echo.Context) (map[int64]inventory.Service, error) {
	list, err := h.book.Names(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]inventory.Service, len(list))
	for _, s := range list {
		byID[s.ID] = s
	}
	return byID, nil
}

func crumbs(c echo.Context) []layout.Crumb {
	return []layout.Crumb{{Label: "Findings", Href: kit.In(c, "/findings")}}
}

// nobody is how the address of a list names what belongs to no service.
const nobody = "none"

// chosen is what a list is narrowed to, as its address says.
type chosen struct {
	filter  finding.Filter
	state   string // a state, or "" for what waits for work
	service inventory.Service
}

func (h *Handlers) chosen(q url.Values, names map[int64]inventory.Service, user int64) chosen {
	var x chosen
	x.filter = finding.Filter{Text: strings.TrimSpace(q.Get("q")), After: q.Get("after"), Overdue: q.Get("overdue") != "", Exploited: q.Get("exploited") != ""}
	if q.Get("due") == "week" {
		x.filter.DueWithin = 7 * 24 * time.Hour
	}
	if s := finding.Sort(q.Get("sort")); s == finding.ByDue || s == finding.ByNewest {
		x.filter.Sort = s
	}
	if s := finding.State(q.Get("state")); s.Valid() {
		x.state, x.filter.States = string(s), []finding.State{s}
	}
	if s := finding.Severity(q.Get("severity")); s.Valid() {
		x.filter.Severities = []finding.Severity{s}
	}
	if k := finding.Kind(q.Get("kind")); k.Valid() {
		x.filter.Kinds = []finding.Kind{k}
	}
	if q.Get("watching") != "" {
		x.filter.Watcher, x.filter.Everything = user, x.state == ""
	}
	if slug := q.Get("service"); slug == nobody {
		x.filter.Unassigned = true
	} else if slug != "" {
		x.filter.Service = -1 // a service that nobody knows has no findings
		for id := range names {
			if s := names[id]; s.Slug == slug {
				x.service, x.filter.Service = s, id
			}
		}
	}
	return x
}

// address is the list's own with some values changed, back on the first page.
type address struct {
	base  string
	query url.Values
}

func (a address) with(pairs ...string) string {
	q := url.Values{}
	for k, v := range a.query {
		if k != "after" && len(v) > 0 && v[0] != "" {
			q.Set(k, v[0])
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Del(pairs[i])
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return a.base
	}
	return a.base + "?" + q.Encode()
}

func (h *Handlers) list(c echo.Context) error { return h.page(c, nil) }

// ofService is the findings tab of a service.
func (h *Handlers) ofService(c echo.Context) error {
	s, err := h.book.Get(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"))
	if err != nil {
		return err
	}
	return h.page(c, &s)
}

func (h *Handlers) page(c echo.Context, of *inventory.Service) error {
	ctx, v := kit.Ctx(c), kit.Of(c)
	names, err := h.names(c)
	if err != nil {
		return err
	}
	x := h.chosen(c.QueryParams(), names, v.Actor.UserID)
	base, service := "/findings", int64(0)
	if of != nil {
		base, service = "/services/"+of.Slug+"/findings", of.ID
		x.filter.Service, x.filter.Unassigned, x.service = of.ID, false, inventory.Service{}
	}
	page, err := h.findings.List(ctx, v.Actor, x.filter)
	if err != nil {
		return err
	}
	facets, err := h.findings.Facets(ctx, v.Actor, service)
	if err != nil {
		return err
	}
	at := address{kit.In(c, base), c.QueryParams()}
	l := view.List{Text: x.filter.Text, Action: at.base, Clear: at.base, MoveTo: kit.In(c, "/findings/move"), MayImport: kit.Can(c, access.Write, access.Imports), Nothing: sum(facets.States) == 0}
	if of != nil {
		debt, err := h.findings.Debt(ctx, v.Actor, of.ID)
		if err != nil {
			return err
		}
		if x.filter.After == "" {
			l.Debt = kit.Debt(&debt, func(query string) string { return strings.TrimSuffix(at.base+"?"+query, "?") })
		}
		l.Page = kit.Page(c, "services", "Findings", layout.Crumb{Label: "Services", Href: kit.In(c, "/services")}, layout.Crumb{Label: of.Name, Href: kit.In(c, "/services/"+of.Slug)})
		l.Service = &view.Service{Name: of.Name, Sub: fmt.Sprintf("%s for work.", waits(facets.Todo)), Tabs: kit.ServiceTabs(c, of.Slug, "findings", map[string]string{"findings": strconv.FormatInt(facets.Todo, 10)})}
	} else {
		l.Page = kit.Page(c, "findings", "Findings")
		l.Lead = fmt.Sprintf("%s for work, in %s. One line for each weakness, whoever reports it.", waits(facets.Todo), ui.Plural(owned(facets.Services), "service", "services"))
		kept, err := h.findings.Views(ctx, v.Actor)
		if err != nil {
			return err
		}
		l.Views = h.views(at, &x, &facets, kept)
		if address := keepable(c.QueryParams()); address != "" {
			l.KeepHref = kit.In(c, "/findings/views?"+address)
		} else {
			l.KeepHref = kit.In(c, "/findings/views")
		}
	}
	l.Facets = groups(at, &x, &facets, names, of == nil)
	l.Chips = chips(at, &x)
	for _, key := range narrowing {
		if value := c.QueryParam(key); value != "" && key != "q" {
			l.Keep = append(l.Keep, view.Pair{Key: key, Value: value})
		}
	}
	l.Sorts = sorts(at, &x)
	l.ExportTo, l.Formats = kit.In(c, "/findings/export"), formats()
	if of != nil {
		l.ExportKeep = append(l.ExportKeep, view.Pair{Key: "service", Value: of.Slug})
	}
	if kit.Can(c, access.Write, access.Findings) {
		l.Moves = moves(kit.Can(c, access.Decide, access.Findings), kit.Can(c, access.Write, access.Exceptions))
	}
	if kit.Can(c, access.Write, access.Tasks) {
		l.TaskTo = kit.In(c, "/tasks/new")
	}
	for i := range page.Rows {
		l.Rows = append(l.Rows, row(c, &page.Rows[i], names, v.Now))
	}
	order := map[finding.Sort]string{finding.ByPriority: ", the most urgent first", finding.ByDue: " with a date, what is due first", finding.ByNewest: ", the newest first"}[x.filter.Sort]
	l.Total = ui.Plural(int(page.Total), "finding", "findings") + order
	if page.More {
		l.Total = atLeast(page.Total) + " findings" + order
	}
	if x.filter.After != "" {
		l.First = at.with()
	}
	if page.Next != "" {
		l.Next = at.with("after", page.Next)
	}
	return kit.Render(c, http.StatusOK, view.Index(l))
}

// atLeast is a number of which only so much is known.
func atLeast(n int64) string {
	if n >= 1000 {
		return "1,000+"
	}
	return strconv.FormatInt(n, 10) + "+"
}

func waits(n int64) string {
	if n == 1 {
		return "1 waits"
	}
	return strconv.FormatInt(n, 10) + " wait"
}

func sum[K comparable](of map[K]int64) int64 {
	var n int64
	for _, v := range of {
		n += v
	}
	return n
}

func owned(services map[int64]int64) int {
	n := len(services)
	if _, nobodys := services[0]; nobodys {
		n--
	}
	return n
}

// mostServices is how many services the facets name.
const mostServices = 8

func groups(at address, x *chosen, f *finding.Facets, names map[int64]inventory.Service, everyService bool) []view.FacetGroup {
	severity := view.FacetGroup{Title: "Severity"}
	for _, s := range finding.Severities() {
		on := slices.Contains(x.filter.Severities, s)
		severity.List = append(severity.List, view.Facet{Level: level(s), N: f.Severities[s], On: on, Href: at.with("severity", unless(on, string(s)))})
	}
	state := view.FacetGroup{Title: "State", List: []view.Facet{{Label: "Waits for work", N: f.Todo, On: x.state == "", Href: at.with("state", "")}}}
	for _, s := range finding.States() {
		if f.States[s] > 0 || x.state == string(s) {
			state.List = append(state.List, view.Facet{Label: stateWord(s).Text, N: f.States[s], On: x.state == string(s), Href: at.with("state", string(s))})
		}
	}
	kind := view.FacetGroup{Title: "Kind"}
	for _, k := range finding.Kinds() {
		on := slices.Contains(x.filter.Kinds, k)
		if f.Kinds[k] > 0 || on {
			kind.List = append(kind.List, view.Facet{Label: kindWords[k], N: f.Kinds[k], On: on, Href: at.with("kind", unless(on, string(k)))})
		}
	}
	list := []view.FacetGroup{severity, state}
	if len(kind.List) > 0 {
		list = append(list, kind)
	}
	if g := serviceFacets(at, x, f, names); everyService && len(g.List) > 0 {
		list = append(list, g)
	}
	return list
}

func serviceFacets(at address, x *chosen, f *finding.Facets, names map[int64]inventory.Service) view.FacetGroup {
	g := view.FacetGroup{Title: "Service"}
	var ids []int64
	for id := range f.Services {
		if _, known := names[id]; known {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b int64) int {
		if f.Services[a] != f.Services[b] {
			return int(f.Services[b] - f.Services[a])
		}
		return strings.Compare(names[a].Name, names[b].Name)
	})
	for _, id := range ids[:min(len(ids), mostServices)] {
		on := x.filter.Service == id
		g.List = append(g.List, view.Facet{Label: names[id].Name, N: f.Services[id], On: on, Href: at.with("service", unless(on, names[id].Slug))})
	}
	return g
}

// unless is a value, or nothing where it is chosen already: choosing it again takes it off.
func unless(on bool, value string) string {
	if on {
		return ""
	}
	return value
}

func chips(at address, x *chosen) []ui.Chip {
	var list []ui.Chip
	add := func(key, label string) { list = append(list, ui.Chip{Label: label, Without: at.with(key, "")}) }
	if x.filter.Text != "" {
		add("q", "“"+x.filter.Text+"”")
	}
	if x.state != "" {
		add("state", stateWord(finding.State(x.state)).Text)
	}
	for _, s := range x.filter.Severities {
		add("severity", level(s).Word)
	}
	for _, k := range x.filter.Kinds {
		add("kind", kindWords[k])
	}
	switch {
	case x.service.ID != 0:
		add("service", x.service.Name)
	case x.filter.Unassigned:
		add("service", "nobody’s")
	}
	if x.filter.Overdue {
		add("overdue", "Overdue")
	}
	if x.filter.Watcher != 0 {
		add("watching", "Watched by you, whatever its state")
	}
	if x.filter.DueWithin > 0 {
		add("due", "Due within a week")
	}
	if x.filter.Exploited {
		add("exploited", "Known to be exploited")
	}
	return list
}

// row is a finding as a list shows it.
func row(c echo.Context, f *finding.Finding, names map[int64]inventory.Service, now time.Time) view.Row {
	r := view.Row{ID: strconv.FormatInt(f.ID, 10), Href: kit.In(c, "/findings/"+strconv.FormatInt(f.ID, 10)), Title: f.Title, Level: level(f.Severity), State: stateWord(f.State), Came: f.ReopenCount, Exploited: f.Exploited, Priority: f.Priority}
	r.Service = owner(f, names)
	parts := []string{r.Service}
	for _, p := range []string{f.Vulnerability, strings.TrimSpace(f.Package + " " + f.Installed), place(f)} {
		if p != "" && !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	if f.Exploited {
		parts = append(parts, "known to be exploited")
	}
	if !f.Detected() && f.State.Todo() {
		parts = append(parts, "no report sees it now")
	}
	r.Sub = strings.Join(parts, " · ")
	if f.State.Todo() {
		r.Due, r.DueDay = due(f, now), f.DueAt
	} else if f.AcceptedUntil != nil {
		r.Due, r.DueDay = ui.Word{Text: "accepted until"}, f.AcceptedUntil
	}
	return r
}

// place is where a finding shows, where its package does not say it.
func place(f *finding.Finding) string {
	switch {
	case f.Package != "":
		return ""
	case f.Path != "" && f.Line > 0:
		return ui.Near(f.Path) + ":" + strconv.Itoa(f.Line)
	case f.Path != "":
		return ui.Near(f.Path)
	case f.Endpoint != "":
		return f.Endpoint
	}
	return f.Resource
}

func owner(f *finding.Finding, names map[int64]inventory.Service) string {
	if f.ServiceID == 0 {
		return "nobody’s: " + f.Label
	}
	if s, known := names[f.ServiceID]; known {
		return s.Name
	}
	return "a service that is gone"
}
