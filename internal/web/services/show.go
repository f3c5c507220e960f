package services

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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
	names, err := h.book.SourceNames(ctx, v.Actor, []inventory.Service{*s})
	if err != nil {
		return err
	}
	operations, err := h.book.Operations(ctx, v.Actor, s)
	if err != nil {
		return err
	}
	p := view.Service{Page: kit.Page(c, "services", s.Name, crumb(c)), Row: row(c, s, teamNames(teams)), Slug: s.Slug, Description: s.Description, Tab: tab, Form: form, Confirmed: s.ConfirmedAt,
		MayWrite: kit.Can(c, access.Write, access.Inventory), MayDelete: kit.Can(c, access.Delete, access.Inventory)}
	if s.RetiredAt != nil {
		p.Retired = s.RetireReason
	}
	for _, t := range []string{s.Language, s.Runtime, s.DatastoreKind} {
		if t != "" {
			p.Tags = append(p.Tags, t)
		}
	}
	p.Glance = glance(s, &p.Row, names[s.ID])
	p.In, p.Out = calls(c, in), calls(c, out)
	facts(&p, &detail)
	p.Tabs = tabs(c, s, &p, tab, operations)
	switch tab {
	case "history":
		err = h.history(c, s, &p)
	case "operations":
		page := max(kit.Number(c.QueryParam("page")), 1)
		p.OperationPages = Pages(page, int((operations+inventory.PageSize-1)/inventory.PageSize), operations, "operations", func(n int) string {
			return p.Href + "?tab=operations&page=" + strconv.Itoa(n)
		})
	case "calls", "endpoints":
		err = h.addChoices(c, &p)
	}
	if err != nil {
		return err
	}
	return kit.Render(c, status, view.Show(p))
}

// glance is the column beside the facts: what people said, and where the rest comes from.
func glance(s *inventory.Service, r *view.Row, sources []string) []view.Item {
	tiers := map[int]string{1: "1, critical", 2: "2, important", 3: "3, minor"}
	item := func(label, text, unknown string) view.Item {
		if text == "" {
			return view.Item{Label: label, Text: unknown, Unknown: true}
		}
		return view.Item{Label: label, Text: text}
	}
	list := []view.Item{item("Owner", r.Owner, "nobody yet"), {Label: "Tier", Text: tiers[s.Tier]}, {Label: "Exposure", Text: r.Exposure.Text, Unknown: r.Exposure.Tone == ui.Unk}, item("Data", r.Classes, "not classified")}
	if s.Kind == inventory.KindDatastore {
		list = append(list, item("Datastore", s.DatastoreKind, "kind not known"))
	}
	list = append(list, item("Language", s.Language, "not known"), item("Runtime", s.Runtime, "not known"), item("Repository", s.Repository, "not known"))
	if s.Labels != "" {
		list = append(list, view.Item{Label: "Labels", Text: s.Labels})
	}
	list = append(list, item("Source", strings.Join(sources, ", "), "no files"))
	if s.LastSeenAt != nil {
		list = append(list, view.Item{Label: "Seen in files", At: s.LastSeenAt})
	}
	return append(list, view.Item{Label: "Known since", At: &s.CreatedAt})
}

func tabs(c echo.Context, s *inventory.Service, p *view.Service, tab string, operations int64) []ui.Tab {
	if !slices.Contains([]string{"calls", "endpoints", "operations", "history"}, tab) {
		tab = "facts"
	}
	return kit.ServiceTabs(c, s.Slug, tab, map[string]string{"calls": fmt.Sprintf("%d in, %d out", len(p.In), len(p.Out)), "endpoints": strconv.Itoa(len(p.Endpoints)), "operations": strconv.FormatInt(operations, 10)})
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
				path, line := model.SplitAt(p.At)
				call.Places = append(call.Places, view.Place{Key: p.Key, Path: path, Line: line})
			}
		}
		list = append(list, call)
	}
	return list
}

// factGroups are the questions under which facts stand, in order; what is in none is about the container.
var factGroups = []struct {
	title string
	keys  []string
}{
	{"Who can reach it", []string{model.FactExposure, model.FactPort, model.FactNetworkPolicy}},
	{"Who may call it, and how", []string{model.FactAuthorization, model.FactRequestAuth, model.FactMesh, model.FactMTLS, model.FactOperations}},
	{"Secrets", []string{model.FactLiteralSecret, model.FactServiceAccount}},
	{"Container", nil},
}

func groupOf(key string) int {
	for i, g := range factGroups {
		if slices.Contains(g.keys, key) {
			return i
		}
	}
	return len(factGroups) - 1
}

func workloads(facts []inventory.Fact) []view.Workload {
	var list []view.Workload
	for i := range facts {
		f := &facts[i]
		if n := len(list); n == 0 || list[n-1].Name != f.Workload {
			list = append(list, view.Workload{Name: f.Workload, Groups: make([]view.FactGroup, len(factGroups))})
		}
		w := &list[len(list)-1]
		bad := (f.Key == model.FactRunsAsRoot || f.Key == model.FactPrivileged || f.Key == model.FactEscalation) && f.Value == "yes" || f.Key == model.FactLiteralSecret || f.Key == model.FactHostAccess
		g := &w.Groups[groupOf(f.Key)]
		g.Title = factGroups[groupOf(f.Key)].title
		g.Facts = append(g.Facts, view.Fact{Name: inventory.FactName(f.Key), Part: f.Part, Value: factValue(f), Path: f.Path, Line: f.Line, Seen: f.LastSeen, Bad: bad})
		w.Count++
	}
	for i := range list {
		list[i].Groups = slices.DeleteFunc(list[i].Groups, func(g view.FactGroup) bool { return len(g.Facts) == 0 })
	}
	return list
}

func facts(p *view.Service, d *inventory.Detail) {
	p.Workloads = workloads(d.Facts)
	reach := map[string]string{"all": "anyone", "internal": "inside", "loopback": "this host only"}
	tls := map[string]ui.Word{"yes": {Text: "yes", Tone: ui.OK}, "no": {Text: "no", Tone: ui.Bad}}
	for _, e := range d.Endpoints {
		word, known := tls[e.TLS]
		if !known {
			word = ui.Word{Text: "unknown", Tone: ui.Unk}
		}
		p.Endpoints = append(p.Endpoints, view.Endpoint{ID: e.ID, Address: e.Address, Scope: reach[e.Scope], TLS: word, Via: strings.ReplaceAll(e.Via, "_", " "), Path: e.Path, Line: e.Line, Seen: e.LastSeen, Removable: e.SourceID == nil && p.MayWrite})
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

// happened says what an action was, and with which sign.
var happened = map[string]struct{ what, icon string }{
	"service.create": {"added it", "plus"}, "service.edit": {"changed it", "pencil"}, "service.confirm": {"confirmed its facts", "check"}, "service.retire": {"retired it", "ban"},
	"service.restore": {"took it back into use", "undo"}, "service.merge": {"merged it", "branch"}, "service.split": {"split workloads off", "split"}, "service.import": {"imported files that changed it", "import"},
	"service.call_add": {"added a call", "arrow"}, "service.call_remove": {"removed a call", "minus"}, "service.endpoint_add": {"added an address", "globe"}, "service.endpoint_remove": {"removed an address", "minus"},
}

func (h *Handlers) history(c echo.Context, s *inventory.Service, p *view.Service) error {
	rows, err := h.book.History(kit.Ctx(c), kit.Of(c).Actor, s)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		e := view.Entry{Who: r.ActorName, What: happened[r.Action].what, Icon: happened[r.Action].icon, Details: kit.Changes(r.Before, r.After), At: r.At}
		if e.What == "" {
			e.What, e.Icon = r.Action, "log"
		}
		if r.Action == "service.import" {
			e.Details, e.Href = importLines(c, r.After)
		}
		p.History = append(p.History, e)
	}
	// An import writes one entry for all the services it adds; each of them finds it here.
	born, source, found, err := h.book.Born(kit.Ctx(c), kit.Of(c).Actor, s)
	if err != nil || !found {
		return err
	}
	e := view.Entry{Who: born.ActorName, What: "imported it from " + source.Name, Icon: "import", At: born.CreatedAt}
	if kit.Can(c, access.Read, access.Imports) {
		e.Href = kit.In(c, "/imports/"+strconv.FormatInt(born.ID, 10))
	}
	at := len(p.History)
	for at > 0 && p.History[at-1].At.Before(e.At) {
		at--
	}
	p.History = slices.Insert(p.History, at, e)
	return nil
}

// importLines reads what an import changed, and where the import stands.
func importLines(c echo.Context, after string) ([]string, string) {
	var of struct {
		Import  int64    `json:"import"`
		Changes []string `json:"changes"`
	}
	if json.Unmarshal([]byte(after), &of) != nil || !kit.Can(c, access.Read, access.Imports) {
		return of.Changes, ""
	}
	return of.Changes, kit.In(c, "/imports/"+strconv.FormatInt(of.Import, 10))
}
