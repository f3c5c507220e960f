// Package tasks serves the pages of the work that closes findings and failing controls.
package tasks

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/inventory"
	"muster/internal/remediation"
	"muster/internal/steward"
	"muster/internal/web/kit"
	view "muster/views/tasks"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	tasks   *remediation.Service
	book    *inventory.Book
	steward *steward.Service
}

// New makes the handlers.
func New(t *remediation.Service, book *inventory.Book, s *steward.Service) *Handlers {
	return &Handlers{tasks: t, book: book, steward: s}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/my-work", h.work)
	g.GET("/tasks", h.list)
	g.POST("/tasks", h.create)
	g.GET("/tasks/new", h.make) // what a task would cover
	g.GET("/tasks/board", h.board)
	g.GET("/tasks/bundles", h.bundles)
	g.POST("/tasks/bundles", h.gather)
	g.GET("/tasks/:id", h.show)
	g.POST("/tasks/:id/move", h.move)
	g.POST("/tasks/:id/edit", h.edit)
	g.POST("/tasks/:id/block", h.block)
	g.POST("/tasks/:id/cover", h.cover)
	g.POST("/tasks/:id/uncover", h.uncover)
	g.POST("/tasks/:id/comment", h.comment)
}

// names are what ids stand for on the pages.
type names struct {
	services map[int64]inventory.Service
	roster   []inventory.Service
	teams    map[int64]string
	may      bool // the person may work on tasks
}

func (h *Handlers) names(c echo.Context) (*names, error) {
	n := &names{services: map[int64]inventory.Service{}, teams: map[int64]string{}, may: kit.Can(c, access.Write, access.Tasks)}
	var err error
	if n.roster, err = h.book.Names(kit.Ctx(c), kit.Of(c).Actor); err != nil {
		return nil, err
	}
	for _, s := range n.roster {
		n.services[s.ID] = s
	}
	teams, err := h.book.Teams(kit.Ctx(c), kit.Of(c).Actor)
	for _, t := range teams {
		n.teams[t.ID] = t.Name
	}
	return n, err
}

// ask reads what a list or board is narrowed to.
func ask(q url.Values) remediation.Filter {
	f := remediation.Filter{Mine: q.Get("mine") != "", Teams: q.Get("team") != "", Overdue: q.Get("overdue") != "", Blocked: q.Get("blocked") != "", After: q.Get("after")}
	if st := remediation.State(q.Get("state")); st.Valid() {
		f.State = st
	}
	return f
}

// address is that of a list with one thing chosen.
func address(base string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return base
	}
	return base + "?" + q.Encode()
}

// views are the lists that people ask for often.
func views(base string, f *remediation.Filter, counts map[remediation.State]int64) []view.View {
	n := func(states ...remediation.State) string {
		sum := int64(0)
		for _, s := range states {
			sum += counts[s]
		}
		return strconv.FormatInt(sum, 10)
	}
	plain := f.State == "" && !f.Mine && !f.Teams && !f.Overdue && !f.Blocked
	list := []view.View{
		{Label: "Open", Href: base, Count: n(remediation.Todo, remediation.Doing, remediation.Fixed), On: plain},
		{Label: "Mine", Href: address(base, "mine", "1"), On: f.Mine},
		{Label: "My teams’", Href: address(base, "team", "1"), On: f.Teams},
		{Label: "Overdue", Href: address(base, "overdue", "1"), On: f.Overdue},
		{Label: "Blocked", Href: address(base, "blocked", "1"), On: f.Blocked},
	}
	for _, st := range remediation.States() {
		list = append(list, view.View{Label: stateWord(st).Text, Href: address(base, "state", string(st)), Count: n(st), On: f.State == st})
	}
	return list
}

func (h *Handlers) list(c echo.Context) error {
	ctx, v := kit.Ctx(c), kit.Of(c)
	f := ask(c.QueryParams())
	counts, err := h.tasks.Counts(ctx, v.Actor)
	if err != nil {
		return err
	}
	page, err := h.tasks.List(ctx, v.Actor, f)
	if err != nil {
		return err
	}
	n, err := h.names(c)
	if err != nil {
		return err
	}
	base := kit.In(c, "/tasks")
	l := view.List{Page: kit.Page(c, "tasks", "Tasks"), Lead: lead(counts), Views: views(base, &f, counts), Board: base + "/board", Bundles: base + "/bundles", Findings: kit.In(c, "/findings"), Clear: base, MayMake: kit.Can(c, access.Write, access.Tasks),
		Nothing: len(counts) == 0, Done: f.State == remediation.Verified || f.State == remediation.Ended, Hint: "what is due first stands first", EmptyWhat: "Nothing here", Empty: "No task is of this sort."}
	if l.Done {
		l.Hint = "what ended last stands first"
	}
	for i := range page.Rows {
		r := row(c, &page.Rows[i], n)
		if l.Done {
			since := page.Rows[i].Since
			r.Due, r.DueDay = ui.Word{Text: ui.Ago(since, v.Now)}, &since
		}
		l.Rows = append(l.Rows, r)
	}
	q := url.Values{}
	for _, key := range []string{"state", "mine", "team", "overdue", "blocked"} {
		if value := c.QueryParam(key); value != "" {
			q.Set(key, value)
		}
	}
	if f.After != "" {
		l.First = address(base, flat(q)...)
	}
	if page.Next != "" {
		l.Next = address(base, append(flat(q), "after", page.Next)...)
	}
	return kit.Render(c, http.StatusOK, view.Index(l))
}

func flat(q url.Values) []string {
	var pairs []string
	for k := range q {
		pairs = append(pairs, k, q.Get(k))
	}
	return pairs
}

func lead(counts map[remediation.State]int64) string {
	open := counts[remediation.Todo] + counts[remediation.Doing]
	return fmt.Sprintf("%s for work, %s for proof. Only what reports and probes no longer see is verified.", waits(open), waits(counts[remediation.Fixed]))
}

func waits(n int64) string {
	if n == 1 {
		return "1 waits"
	}
	return strconv.FormatInt(n, 10) + " wait"
}

func (h *Handlers) board(c echo.Context) error { return h.columns(c, http.StatusOK, "") }

func (h *Handlers) columns(c echo.Context, status int, problem string) error {
	ctx, v := kit.Ctx(c), kit.Of(c)
	f := ask(c.QueryParams())
	f.State, f.Overdue, f.Blocked = "", false, false
	counts, err := h.tasks.Counts(ctx, v.Actor)
	if err != nil {
		return err
	}
	lanes, err := h.tasks.Board(ctx, v.Actor, f)
	if err != nil {
		return err
	}
	n, err := h.names(c)
	if err != nil {
		return err
	}
	base, list := kit.In(c, "/tasks/board"), kit.In(c, "/tasks")
	b := view.Board{Page: kit.Page(c, "tasks", "Board", crumbs(c)...), Lead: lead(counts), Problem: problem, Tasks: list, Bundles: list + "/bundles", Findings: kit.In(c, "/findings"), MayMake: kit.Can(c, access.Write, access.Tasks), None: len(counts) == 0}
	b.Views = []view.View{{Label: "Everybody’s", Href: base, On: !f.Mine && !f.Teams}, {Label: "Mine", Href: address(base, "mine", "1"), On: f.Mine}, {Label: "My teams’", Href: address(base, "team", "1"), On: f.Teams}}
	narrowed := f.Mine || f.Teams
	for _, l := range lanes {
		one := view.Lane{Title: stateWord(l.State).Text, Note: laneNotes[l.State]}
		if !narrowed {
			one.N = strconv.FormatInt(counts[l.State], 10)
		}
		for i := range l.Rows {
			one.Rows = append(one.Rows, row(c, &l.Rows[i], n))
		}
		if l.More {
			one.All = address(list, "state", string(l.State), "mine", c.QueryParam("mine"), "team", c.QueryParam("team"))
		}
		b.Lanes = append(b.Lanes, one)
	}
	return kit.Render(c, status, view.Columns(b))
}

func (h *Handlers) bundles(c echo.Context) error { return h.proposals(c, http.StatusOK, "") }

func (h *Handlers) proposals(c echo.Context, status int, problem string) error {
	list, all, err := h.tasks.Bundles(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	n, err := h.names(c)
	if err != nil {
		return err
	}
	b := view.Bundles{Page: kit.Page(c, "tasks", "Proposed bundles", crumbs(c)...), Lead: "One change that closes many findings. What closes most stands first; only what the named version fixes is counted.", Action: kit.In(c, "/tasks/bundles"), May: kit.Can(c, access.Write, access.Tasks), Message: problem, Tasks: kit.In(c, "/tasks")}
	if all > len(list) {
		b.Lead = fmt.Sprintf("The best %d of %d changes. Only what the named version fixes is counted.", len(list), all)
	}
	closes := 0
	for i := range list {
		b.Rows = append(b.Rows, bundle(c, &list[i], n))
		closes += list[i].Findings
	}
	b.Total = "together " + ui.Plural(closes, "finding", "findings")
	return kit.Render(c, status, view.Proposals(b))
}

func (h *Handlers) gather(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	t, err := h.tasks.Gather(kit.Ctx(c), kit.Of(c).Actor, values.Get("bundle"))
	if err != nil {
		if message, _, _, ok := kit.Invalid(err); ok {
			return h.proposals(c, kit.Status(err), message)
		}
		return err
	}
	return kit.Done(c, "/tasks/"+strconv.FormatInt(t.ID, 10), fmt.Sprintf("Made. It covers %s, and turns verified by itself.", ui.Plural(t.Items, "finding", "findings")))
}

// people are the choices for who does a task.
func (h *Handlers) people(c echo.Context, chosen string, n *names) ([]ui.Option, error) {
	workers, err := h.tasks.Workers(kit.Ctx(c))
	if err != nil {
		return nil, err
	}
	list := []ui.Option{{Value: "owner", Label: "The team that owns the services", Chosen: chosen == "" || chosen == "owner"}}
	add := func(value, label string) {
		list = append(list, ui.Option{Value: value, Label: label, Chosen: value == chosen})
	}
	me := kit.Of(c).Actor.UserID
	for _, p := range byName(workers) {
		label := p.User.Name
		if p.UserID == me {
			label += " (you)"
		}
		add("user:"+strconv.FormatInt(p.UserID, 10), label)
	}
	for _, id := range teamsByName(n.teams) {
		add("team:"+strconv.FormatInt(id, 10), "Team "+n.teams[id])
	}
	return list, nil
}

func (h *Handlers) make(c echo.Context) error {
	return h.draft(c, http.StatusOK, c.QueryParams(), view.Form{})
}

// draftOf reads what a form or an address says of a task.
func draftOf(values url.Values, services map[string]int64) remediation.Draft {
	d := remediation.Draft{Title: values.Get("title"), Note: values.Get("note"), Who: values.Get("who"), Planned: values.Get("planned"), Findings: kit.Numbers(values["id"])}
	for _, text := range values["cell"] {
		slug, control, _ := strings.Cut(text, "/")
		service := services[slug]
		if slug != "" && service == 0 {
			service = -1 // a service that nobody knows has no controls
		}
		d.Cells = append(d.Cells, remediation.Cell{Service: service, Control: control})
	}
	return d
}

func (n *names) slugs() map[string]int64 {
	out := map[string]int64{}
	for id := range n.services {
		out[n.services[id].Slug] = id
	}
	return out
}

// shownItems is how much of what a task will cover one page names.
const shownItems = 30

func (h *Handlers) draft(c echo.Context, status int, values url.Values, f view.Form) error {
	n, err := h.names(c)
	if err != nil {
		return err
	}
	d := draftOf(values, n.slugs())
	p, err := h.tasks.Preview(kit.Ctx(c), kit.Of(c).Actor, d)
	if err != nil {
		if message, _, _, ok := kit.Invalid(err); ok && kit.Status(err) == http.StatusUnprocessableEntity {
			return kit.Done(c, "/findings", message)
		}
		return err
	}
	page := view.New{Page: kit.Page(c, "tasks", "Make a task", crumbs(c)...), Action: kit.In(c, "/tasks"), Cancel: kit.In(c, "/findings"), Title: p.Title, Form: f, IDs: values["id"], Cells: values["cell"], Owner: "Nobody owns these services yet.", Due: "Nothing of it has a due date."}
	if p.TeamID != 0 {
		page.Owner = "The team " + n.teams[p.TeamID] + " owns most of it."
	}
	if p.DueAt != nil {
		page.Due = "It is due on " + p.DueAt.UTC().Format("2 January 2006") + ", the earliest date of what it covers."
	}
	for i := range p.Items[:min(len(p.Items), shownItems)] {
		page.Items = append(page.Items, item(c, &p.Items[i], n))
	}
	page.More = len(p.Items) - len(page.Items)
	seen := map[int64]bool{}
	for _, id := range d.Findings {
		if t, covered := p.Covered[id]; covered && !seen[t.ID] {
			seen[t.ID] = true
			page.Covered = append(page.Covered, row(c, &t, n))
		}
	}
	if page.Who, err = h.people(c, values.Get("who"), n); err != nil {
		return err
	}
	return kit.Render(c, status, view.Make(page))
}

func (h *Handlers) create(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if err := kit.Require(c, access.Write, access.Tasks); err != nil {
		return err
	}
	n, err := h.names(c)
	if err != nil {
		return err
	}
	t, err := h.tasks.Create(kit.Ctx(c), kit.Of(c).Actor, draftOf(values, n.slugs()))
	if err != nil {
		message, fields, _, ok := kit.Invalid(err)
		switch {
		case !ok:
			return err
		case fields["covers"] != "":
			return h.columns(c, kit.Status(err), message)
		}
		return h.draft(c, kit.Status(err), values, form("new", values, fields, message))
	}
	return kit.Done(c, "/tasks/"+strconv.FormatInt(t.ID, 10), "Made. It turns verified by itself when everything it covers is proven gone.")
}
