// Package services serves the list of services, one service, and the forms that change it.
package services

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/steward"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/services"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	book    *inventory.Book
	steward *steward.Service
	posture *posture.Service

	findings *finding.Service
}

// New makes the handlers.
func New(book *inventory.Book, s *steward.Service, p *posture.Service, f *finding.Service) *Handlers {
	return &Handlers{book: book, steward: s, posture: p, findings: f}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/services", h.list)
	g.POST("/services/assign", h.assign)
	g.GET("/services/new", h.newForm)
	g.POST("/services/new", h.create)
	g.GET("/services/:slug", h.show)
	g.GET("/services/:slug/components", h.components)
	g.GET("/services/:slug/edit", h.editForm)
	g.POST("/services/:slug/edit", h.edit)
	g.POST("/services/:slug/confirm", h.confirm)
	g.GET("/services/:slug/retire", h.retireForm)
	g.POST("/services/:slug/retire", h.retire)
	g.POST("/services/:slug/restore", h.restore)
	g.GET("/services/:slug/merge", h.mergeForm)
	g.POST("/services/:slug/merge", h.merge)
	g.GET("/services/:slug/split", h.splitForm)
	g.POST("/services/:slug/split", h.split)
	g.POST("/services/:slug/calls", h.addCall)
	g.POST("/services/:slug/calls/:id/remove", h.removeCall)
	g.POST("/services/:slug/endpoints", h.addEndpoint)
	g.POST("/services/:slug/endpoints/:id/remove", h.removeEndpoint)
}

// Word turns a phrase of the domain into one of the page.
func Word(p inventory.Phrase) ui.Word { return ui.Word{Text: p.Text, Tone: ui.Tone(p.Tone)} }

func filterOf(q url.Values) inventory.Filter {
	return inventory.Filter{
		Text: q.Get("text"), Kind: q.Get("kind"), Exposure: q.Get("exposure"), Tier: kit.Number(q.Get("tier")), TeamID: kit.Number64(q.Get("team")), DataClass: q.Get("data"),
		Authentication: q.Get("authentication"), Encryption: q.Get("encryption"), Unconfirmed: q.Get("unconfirmed") != "", Retired: q.Get("retired") != "", Sort: q.Get("sort"), Page: kit.Number(q.Get("page")),
	}
}

// with gives the list's address with one value changed, back on the first page.
func with(c echo.Context, key, value string) string {
	q := url.Values{}
	for k, v := range c.QueryParams() {
		if k != "page" && len(v) > 0 && v[0] != "" {
			q.Set(k, v[0])
		}
	}
	if value == "" {
		q.Del(key)
	} else {
		q.Set(key, value)
	}
	return kit.In(c, "/services") + "?" + q.Encode()
}

func (h *Handlers) list(c echo.Context) error { return h.listPage(c, http.StatusOK, "") }

func (h *Handlers) listPage(c echo.Context, status int, message string) error {
	v, ctx, f := kit.Of(c), kit.Ctx(c), filterOf(c.QueryParams())
	page, err := h.book.List(ctx, v.Actor, f)
	if err != nil {
		return err
	}
	ids := make([]int64, 0, len(page.Rows))
	for i := range page.Rows {
		ids = append(ids, page.Rows[i].ID)
	}
	scores, err := h.posture.Listings(ctx, v.Actor, ids)
	if err != nil {
		return err
	}
	open, err := h.findings.Tallies(ctx, ids)
	if err != nil {
		return err
	}
	teams, err := h.book.Teams(ctx, v.Actor)
	if err != nil {
		return err
	}
	tally, err := h.book.Tally(ctx, v.Actor)
	if err != nil {
		return err
	}
	sources, err := h.book.SourceNames(ctx, v.Actor, page.Rows)
	if err != nil {
		return err
	}
	l := view.List{Page: kit.Page(c, "services", "Services"), Text: f.Text, Sort: f.Sort, Clear: kit.In(c, "/services"), Unconfirmed: f.Unconfirmed, Retired: f.Retired, Message: message,
		MayWrite: kit.Can(c, access.Write, access.Inventory), MayImport: kit.Can(c, access.Write, access.Imports)}
	if l.Sort == "" {
		l.Sort = "name"
	}
	lead(&l, tally)
	l.SortBy = func(column string) string {
		if l.Sort == column {
			column = "-" + column
		}
		return with(c, "sort", column)
	}
	names := teamNames(teams)
	for i := range page.Rows {
		r := row(c, &page.Rows[i], names)
		r.PostureHref = r.Href + "/posture"
		r.Findings, r.Severities = severities(open[page.Rows[i].ID])
		r.FindingsHref = r.Href + "/findings"
		if s, judged := scores[page.Rows[i].ID]; judged {
			r.Score, r.Coverage = strconv.Itoa(posture.Shown(s.Score)), fmt.Sprintf("%d %% known", posture.Shown(100*s.Coverage))
		}
		r.Sub = strings.TrimPrefix(strings.Join(append(sources[page.Rows[i].ID], r.Sub), " · "), " · ")
		l.Rows = append(l.Rows, r)
	}
	choices(&l, &f, teams)
	l.Chips = chips(c, &l)
	l.Empty = tally.All == 0 && len(l.Chips) == 0
	l.Pages = Pages(page.Page, page.Pages(), page.Total, "services", func(n int) string { return with(c, "page", strconv.Itoa(n)) })
	return kit.Render(c, status, view.Index(l))
}

// severities say how many findings wait for work, and how bad they are, the worst first.
func severities(t finding.Tally) (all, words string) {
	var n int64
	var list []string
	for _, s := range finding.Severities() {
		if t[s] > 0 {
			n += t[s]
			list = append(list, fmt.Sprintf("%d %s", t[s], s))
		}
	}
	if n == 0 {
		return "", ""
	}
	return strconv.FormatInt(n, 10), strings.Join(list, ", ")
}

func lead(l *view.List, t inventory.Tally) {
	if t.All == 0 {
		return
	}
	l.Lead = fmt.Sprintf("%s, %d confirmed by a person.", ui.Plural(int(t.All), "service or datastore", "services and datastores"), t.All-t.Unconfirmed)
	if t.Unconfirmed > 0 {
		l.Waiting, l.WaitingHref = ui.Plural(int(t.Unconfirmed), "waits", "wait")+" for someone to confirm the facts.", l.Clear+"?unconfirmed=1"
	}
}

// chips are the active filters, each with the list without it.
func chips(c echo.Context, l *view.List) []ui.Chip {
	var list []ui.Chip
	add := func(key, label string) { list = append(list, ui.Chip{Label: label, Without: with(c, key, "")}) }
	if l.Text != "" {
		add("text", "“"+l.Text+"”")
	}
	for _, of := range []struct {
		key, name string
		options   []ui.Option
		second    bool
	}{{"tier", "", l.Tiers, false}, {"exposure", "Exposure: ", l.Exposures, false}, {"team", "Owner: ", l.Owners, false}, {"data", "Data: ", l.Data, false},
		{"authentication", "Authentication: ", l.Auths, true}, {"encryption", "Encryption: ", l.Encs, true}, {"kind", "", l.Kinds, true}} {
		for i, o := range of.options {
			if i > 0 && o.Chosen { // the first means any
				add(of.key, of.name+o.Label)
				l.More = l.More || of.second
			}
		}
	}
	if l.Unconfirmed {
		add("unconfirmed", "Not confirmed")
	}
	if l.Retired {
		add("retired", "Retired")
	}
	l.More = l.More || l.Unconfirmed || l.Retired
	return list
}

// Pages makes the pager of a list.
func Pages(page, of int, total int64, what string, address func(int) string) ui.Pages {
	p := ui.Pages{Page: page, Of: of, Total: total, What: what}
	if page > 1 {
		p.Prev = address(page - 1)
	}
	if page < of {
		p.Next = address(page + 1)
	}
	return p
}

func teamNames(teams []inventory.Team) map[int64]string {
	names := map[int64]string{}
	for _, t := range teams {
		names[t.ID] = t.Name
	}
	return names
}

func row(c echo.Context, s *inventory.Service, teams map[int64]string) view.Row {
	r := view.Row{ID: s.ID, Name: s.Name, Href: kit.In(c, "/services/"+s.Slug), Tier: s.Tier, Confirmed: s.ConfirmedAt != nil, Classes: strings.Join(s.Classes(), ", "), Seen: s.LastSeenAt,
		Exposure: Word(inventory.ExposurePhrase(s.Exposure)), Authentication: Word(inventory.AuthenticationPhrase(s.Authentication)), Encryption: Word(inventory.EncryptionPhrase(s.Encryption)),
		AuthShort: Word(inventory.AuthenticationShort(s.Authentication)), EncShort: Word(inventory.EncryptionShort(s.Encryption))}
	switch {
	case kit.Of(c).Place.Visible != nil:
		r.Calls = "–" // counts would tell of services that a consultant may not see
	case s.Callers+s.Callees > 0:
		r.Calls = fmt.Sprintf("%d in, %d out", s.Callers, s.Callees)
	}
	if s.TeamID != nil {
		r.Owner = teams[*s.TeamID]
	}
	parts := []string{}
	if s.Kind == inventory.KindDatastore {
		parts = append(parts, "datastore", s.DatastoreKind)
	}
	for _, p := range append(parts, s.Language, s.Runtime) {
		if p != "" {
			r.Sub += " · " + p
		}
	}
	r.Sub = strings.TrimPrefix(r.Sub, " · ")
	return r
}

func choices(l *view.List, f *inventory.Filter, teams []inventory.Team) {
	l.Kinds = kit.Options(f.Kind, "", "Services and datastores", "service", "Services", "datastore", "Datastores")
	l.Tiers = kit.Options(strconv.Itoa(f.Tier), "", "Any tier", "1", "Tier 1", "2", "Tier 2", "3", "Tier 3")
	l.Exposures = kit.Options(f.Exposure, "", "Any exposure", "public", "Public", "partner", "Partners", "internal", "Internal", "unknown", "Unknown")
	data := []string{"", "Any data", "none", "Not classified"}
	for _, d := range inventory.DataClasses() {
		data = append(data, d, strings.ToUpper(d[:1])+d[1:])
	}
	l.Data = kit.Options(f.DataClass, data...)
	owners := []string{"0", "Any owner", "-1", "Nobody"}
	assign := []string{"", "Owner…"}
	for _, t := range teams {
		owners = append(owners, strconv.FormatInt(t.ID, 10), t.Name)
		assign = append(assign, strconv.FormatInt(t.ID, 10), t.Name)
	}
	l.Owners = kit.Options(strconv.FormatInt(f.TeamID, 10), owners...)
	l.Teams = kit.Options("", assign...)
	l.Auths = kit.Options(f.Authentication, "", "Any authentication", "unknown", "Unknown", "none", "None documented", "partly", "Partly documented", "documented", "Documented only", "mtls", "Any mesh member", "named", "Named callers", "token", "Signed token")
	l.Encs = kit.Options(f.Encryption, "", "Any encryption", "unknown", "Unknown", "none", "Plain text", "plain_edge", "Plain on the way in", "permissive", "Optional", "tls", "TLS on the way in", "mtls", "Mutual TLS")
	l.Sorts = kit.Options(f.Sort, "", "By name", "-name", "By name, backwards", "tier", "Most critical first", "exposure", "Most exposed first", "-callers", "Most called first", "-seen", "Seen last first", "seen", "Not seen for longest")
}

func (h *Handlers) assign(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	b := inventory.Bulk{IDs: kit.Numbers(values["id"]), Tier: kit.Number(values.Get("tier")), Exposure: inventory.Exposure(values.Get("exposure"))}
	if id := kit.Number64(values.Get("team")); id > 0 {
		b.TeamID = &id
	}
	n, err := h.steward.Assign(kit.Ctx(c), kit.Of(c).Actor, b)
	if err != nil {
		if message, _, _, ok := kit.Invalid(err); ok {
			return h.listPage(c, kit.Status(err), message)
		}
		return err
	}
	return kit.Done(c, "/services", ui.Plural(n, "service was", "services were")+" changed.")
}

func crumb(c echo.Context) layout.Crumb {
	return layout.Crumb{Label: "Services", Href: kit.In(c, "/services")}
}
