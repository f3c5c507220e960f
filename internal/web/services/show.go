package services

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/imports/model"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	view "muster/views/services"
	"muster/views/ui"
)

func (h *Handlers) show(c echo.Context) error {
	s, err := h.book.Get(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"))
	if err != nil {
		return err
	}
	if s.Slug != c.Param("slug") {
		return c.Redirect(http.StatusMovedPermanently, kit.In(c, "/services/"+s.Slug))
	}
	return h.showPage(c, http.StatusOK, &s, c.QueryParam("tab"), view.Form{})
}

func (h *Handlers) showPage(c echo.Context, status int, s *inventory.Service, tab string, form view.Form) error {
	v, ctx := kit.Of(c), kit.Ctx(c)
	teams, err := h.book.Teams(ctx, v.Actor)
	if err != nil {
		return err
	}
	detail, err := h.book.Detail(ctx, v.Actor, s, kit.Number(c.QueryParam("page")))
	if err != nil {
		return err
	}
	in, err := h.book.Callers(ctx, v.Actor, s)
	if err != nil {
		return err
	}
	out, err := h.book.Callees(ctx, v.Actor, s)
	if err != nil {
		return err
	}
	p := view.Service{Page: kit.Page(c, "services", s.Name, crumb(c)), Row: row(c, s, teamNames(teams)), Slug: s.Slug, Description: s.Description, Repository: s.Repository, Labels: s.Labels, Tab: tab, Form: form,
		MayWrite: kit.Can(c, access.Write, access.Inventory), MayDelete: kit.Can(c, access.Delete, access.Inventory)}
	if s.RetiredAt != nil {
		p.Retired = s.RetireReason
	}
	for _, t := range []string{s.Language, s.Runtime, s.DatastoreKind} {
		if t != "" {
			p.Tags = append(p.Tags, t)
		}
	}
	p.In, p.Out = calls(c, in), calls(c, out)
	facts(&p, &detail)
	p.Tabs = tabs(c, s, &p, tab)
	switch tab {
	case "history":
		err = h.history(c, s, &p)
	case "operations":
		p.OperationPages = ui.Pages{Page: 1, Of: 1, Total: int64(len(p.Operations)), What: "operations on this page"}
		if page := max(kit.Number(c.QueryParam("page")), 1); page > 1 || len(p.Operations) == inventory.PageSize {
			p.OperationPages = Pages(page, page+len(p.Operations)/inventory.PageSize, int64(len(p.Operations)), "operations on this page", func(n int) string {
				return p.Href + "?tab=operations&page=" + strconv.Itoa(n)
			})
		}
	case "calls", "endpoints":
		err = h.addChoices(c, &p)
	}
	if err != nil {
		return err
	}
	return kit.Render(c, status, view.Show(p))
}

func tabs(c echo.Context, s *inventory.Service, p *view.Service, tab string) []ui.Tab {
	base := kit.In(c, "/services/"+s.Slug)
	list := []ui.Tab{{Label: "Facts", Href: base}, {Label: "Calls", Href: base + "?tab=calls", Count: fmt.Sprintf("%d in, %d out", len(p.In), len(p.Out))},
		{Label: "Endpoints", Href: base + "?tab=endpoints", Count: strconv.Itoa(len(p.Endpoints))}, {Label: "Operations", Href: base + "?tab=operations"}, {Label: "History", Href: base + "?tab=history"}}
	keys := []string{"", "calls", "endpoints", "operations", "history"}
	found := false
	for i := range list {
		list[i].Current = keys[i] == tab
		found = found || list[i].Current
	}
	if !found {
		list[0].Current = true
	}
	return list
}

func calls(c echo.Context, edges []inventory.Edge) []view.Call {
	words := map[string]string{"declared": "stated by a file", "allowed": "allowed by a policy, perhaps never made", "ordering": "starts after it, perhaps never calls it", "observed": "seen"}
	proofs := map[string]string{"none": "no credentials", "api_key": "API key", "jwt": "signed token", "oidc": "OpenID Connect", "mtls": "mutual TLS identity", "unknown": "authentication unknown"}
	list := make([]view.Call, 0, len(edges))
	for i := range edges {
		e := &edges[i]
		call := view.Call{ID: e.ID, Other: e.Other.Name, Href: kit.In(c, "/services/"+e.Other.Slug), Kind: e.Kind, Basis: words[e.Basis], Protection: Word(inventory.EdgePhrase(&e.Dependency)), Authentication: proofs[e.Dependency.Authentication], Seen: e.LastSeen, Removable: e.SourceID == nil && kit.Can(c, access.Write, access.Inventory)}
		if e.SourceID == nil {
			call.Basis = "a person says so"
		}
		var evidence []model.Evidence
		if json.Unmarshal([]byte(e.Dependency.Evidence), &evidence) == nil {
			for _, p := range evidence[:min(len(evidence), 4)] {
				call.Places = append(call.Places, strings.TrimSpace(p.Key+" "+p.At))
			}
		}
		list = append(list, call)
	}
	return list
}

func facts(p *view.Service, d *inventory.Detail) {
	for _, f := range d.Facts {
		if n := len(p.Workloads); n == 0 || p.Workloads[n-1].Name != f.Workload {
			p.Workloads = append(p.Workloads, view.Workload{Name: f.Workload})
		}
		w := &p.Workloads[len(p.Workloads)-1]
		bad := (f.Key == model.FactRunsAsRoot || f.Key == model.FactPrivileged || f.Key == model.FactEscalation) && f.Value == "yes" || f.Key == model.FactLiteralSecret || f.Key == model.FactHostAccess
		w.Facts = append(w.Facts, view.Fact{Name: inventory.FactName(f.Key), Part: f.Part, Value: factValue(&f), Path: f.Path, Line: f.Line, Seen: f.LastSeen, Bad: bad})
	}
	reach := map[string]string{"all": "anyone", "internal": "inside", "loopback": "this host only"}
	for _, e := range d.Endpoints {
		p.Endpoints = append(p.Endpoints, view.Endpoint{ID: e.ID, Address: e.Address, Scope: reach[e.Scope], TLS: e.TLS, Via: strings.ReplaceAll(e.Via, "_", " "), Path: e.Path, Line: e.Line, Seen: e.LastSeen, Removable: e.SourceID == nil && p.MayWrite})
	}
	security := map[string]ui.Word{"required": {Text: "asked for", Tone: ui.OK}, "optional": {Text: "optional", Tone: ui.Warn}, "none": {Text: "none", Tone: ui.Bad}}
	for _, o := range d.Operations {
		p.Operations = append(p.Operations, view.Operation{Method: o.Method, Route: o.Route, Path: o.Path, Line: o.Line, Security: security[o.Security]})
	}
	for _, u := range d.Unresolved {
		p.Unresolved = append(p.Unresolved, view.Name{Host: u.Host, Path: u.Path, Line: u.Line})
	}
}

func factValue(f *inventory.Fact) string {
	if f.Key == model.FactLiteralSecret {
		return "written in clear in " + map[string]string{"env": "the environment", "config_map": "a ConfigMap"}[f.Value] + "; the value is not kept here"
	}
	return f.Value
}

var happened = map[string]string{
	"service.create": "added it", "service.edit": "changed it", "service.confirm": "confirmed its facts", "service.retire": "retired it", "service.restore": "took it back into use", "service.merge": "merged it",
	"service.split": "split workloads off", "service.import": "imported files", "service.call_add": "added a call", "service.call_remove": "removed a call", "service.endpoint_add": "added an address", "service.endpoint_remove": "removed an address",
}

func (h *Handlers) history(c echo.Context, s *inventory.Service, p *view.Service) error {
	rows, err := h.book.History(kit.Ctx(c), kit.Of(c).Actor, s)
	for _, r := range rows {
		what := happened[r.Action]
		if what == "" {
			what = r.Action
		}
		p.History = append(p.History, view.Entry{Who: r.ActorName, What: what, Detail: kit.Difference(r.Before, r.After), At: r.At})
	}
	return err
}
