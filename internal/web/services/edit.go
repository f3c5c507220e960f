package services

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/services"
	"muster/views/ui"
)

func editOf(values url.Values) inventory.Edit {
	e := inventory.Edit{
		Name: values.Get("name"), Description: values.Get("description"), Tier: kit.Number(values.Get("tier")), Exposure: inventory.Exposure(values.Get("exposure")), DataClasses: values["data_classes"],
		Runtime: values.Get("runtime"), Language: values.Get("language"), Repository: values.Get("repository"), Labels: values.Get("labels"), Kind: inventory.Kind(values.Get("kind")), Version: kit.Number(values.Get("version")),
	}
	if id := kit.Number64(values.Get("team")); id > 0 {
		e.TeamID = &id
	}
	return e
}

func valuesOf(s *inventory.Service) url.Values {
	v := url.Values{"name": {s.Name}, "description": {s.Description}, "tier": {strconv.Itoa(s.Tier)}, "exposure": {string(s.Exposure)}, "data_classes": s.Classes(), "runtime": {s.Runtime}, "language": {s.Language},
		"repository": {s.Repository}, "labels": {s.Labels}, "kind": {string(s.Kind)}, "version": {strconv.Itoa(s.Version)}}
	if s.TeamID != nil {
		v.Set("team", strconv.FormatInt(*s.TeamID, 10))
	}
	return v
}

// formOf keeps what was typed and says what is wrong with it.
func formOf(action string, values url.Values, err error) (view.Form, bool) {
	f := view.Form{Action: action, Values: map[string]string{}, Errors: map[string]string{}, Choices: map[string][]ui.Option{}, Checks: map[string][]ui.Check{}, Version: kit.Number(values.Get("version"))}
	for k := range values {
		f.Values[k] = values.Get(k)
	}
	if err == nil {
		return f, true
	}
	message, fields, list, ok := kit.Invalid(err, "name", "description", "kind", "team", "tier", "exposure", "data_classes", "language", "runtime", "repository", "labels", "to", "transport", "port", "environment", "address", "scope")
	f.Message, f.Problems = message, list
	if fields != nil {
		f.Errors = fields
	}
	return f, ok
}

func (h *Handlers) editPage(c echo.Context, status int, s *inventory.Service, values url.Values, failure error) error {
	action, title, cancel := kit.In(c, "/services/new"), "Add service", kit.In(c, "/services")
	if s != nil {
		cancel = kit.In(c, "/services/"+s.Slug)
		action, title = cancel+"/edit", "Edit "+s.Name
	}
	f, ok := formOf(action, values, failure)
	if !ok {
		return failure
	}
	teams, err := h.book.Teams(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	owners := []string{"", "Nobody yet"}
	for _, t := range teams {
		owners = append(owners, strconv.FormatInt(t.ID, 10), t.Name)
	}
	f.Choices["team"] = kit.Options(values.Get("team"), owners...)
	f.Choices["tier"] = kit.Options(values.Get("tier"), "1", "1, critical", "2", "2, important", "3", "3, minor")
	f.Choices["exposure"] = kit.Options(values.Get("exposure"), "unknown", "Unknown", "public", "Anyone on the Internet", "partner", "Partners", "internal", "Only our own services")
	f.Choices["kind"] = kit.Options(values.Get("kind"), "service", "Service", "datastore", "Datastore")
	hints := map[string]string{"payment": "card numbers, bank accounts", "health": "anything about somebody's health", "credentials": "passwords, keys, tokens", "personal": "names, addresses, anything about people", "internal": "business data", "public": "what anyone may read"}
	for _, d := range inventory.DataClasses() {
		f.Checks["data_classes"] = append(f.Checks["data_classes"], ui.Check{Name: "data_classes", Value: d, Label: strings.ToUpper(d[:1]) + d[1:], Hint: hints[d], On: slices.Contains(values["data_classes"], d)})
	}
	crumbs := []layout.Crumb{crumb(c)}
	if s != nil {
		crumbs = append(crumbs, layout.Crumb{Label: s.Name, Href: cancel})
	}
	e := view.Edit{Page: kit.Page(c, "services", title, crumbs...), Form: f, New: s == nil, Cancel: cancel}
	if s != nil && fault.Is(failure, fault.Conflict) {
		e.Version = s.Version // what is stored now stands beside the form, so saving again is a decision
		e.Clashes = clashes(valuesOf(s), values, f.Choices)
	}
	return kit.Render(c, status, view.EditPage(e))
}

// clashes compares what is stored with what was typed, field by field, in words.
func clashes(stored, typed url.Values, choices map[string][]ui.Option) []view.Clash {
	word := func(field string, values url.Values) string {
		for _, o := range choices[field] {
			if o.Value == values.Get(field) {
				return o.Label
			}
		}
		if text := strings.Join(values[field], ", "); text != "" {
			return text
		}
		return "nothing"
	}
	var list []view.Clash
	for _, f := range []struct{ field, label string }{{"name", "Name"}, {"description", "What it does"}, {"kind", "Kind"}, {"team", "Owner"}, {"tier", "Tier"}, {"exposure", "Who can reach it"},
		{"data_classes", "Data"}, {"language", "Language"}, {"runtime", "Runtime"}, {"repository", "Repository"}, {"labels", "Labels"}} {
		if now, yours := word(f.field, stored), word(f.field, typed); now != yours {
			list = append(list, view.Clash{Label: f.label, Now: now, Yours: yours})
		}
	}
	return list
}

func (h *Handlers) newForm(c echo.Context) error {
	if err := h.mayWrite(c); err != nil {
		return err
	}
	return h.editPage(c, http.StatusOK, nil, url.Values{"tier": {"2"}, "exposure": {"unknown"}, "kind": {"service"}}, nil)
}

func (h *Handlers) mayWrite(c echo.Context) error {
	return kit.Require(c, access.Write, access.Inventory)
}

func (h *Handlers) create(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	s, err := h.steward.Create(kit.Ctx(c), kit.Of(c).Actor, editOf(values))
	if err != nil {
		return h.editPage(c, kit.Status(err), nil, values, err)
	}
	return kit.Done(c, "/services/"+s.Slug, s.Name+" was added.")
}

func (h *Handlers) get(c echo.Context) (inventory.Service, error) {
	return h.book.Get(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"))
}

func (h *Handlers) editForm(c echo.Context) error {
	if err := h.mayWrite(c); err != nil {
		return err
	}
	s, err := h.get(c)
	if err != nil {
		return err
	}
	return h.editPage(c, http.StatusOK, &s, valuesOf(&s), nil)
}

func (h *Handlers) edit(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	saved, err := h.steward.Save(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), editOf(values))
	if err != nil {
		s, getErr := h.get(c)
		if getErr != nil {
			return err
		}
		return h.editPage(c, kit.Status(err), &s, values, err)
	}
	return kit.Done(c, "/services/"+saved.Slug, saved.Name+" was saved and confirmed.")
}

func (h *Handlers) confirm(c echo.Context) error {
	s, err := h.steward.Confirm(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"))
	if err != nil {
		return err
	}
	return kit.Done(c, "/services/"+s.Slug, "The facts of "+s.Name+" are confirmed.")
}

// small shows one of the small forms.
func (h *Handlers) small(c echo.Context, status int, kind string, values url.Values, failure error) error {
	if err := kit.Require(c, access.Delete, access.Inventory); err != nil {
		return err
	}
	s, err := h.get(c)
	if err != nil {
		return err
	}
	href := kit.In(c, "/services/"+s.Slug)
	f, ok := formOf(href+"/"+kind, values, failure)
	if !ok {
		return failure
	}
	p := view.Small{Form: f, Kind: kind, Name: s.Name, Cancel: href}
	title := ""
	switch kind {
	case "retire":
		title, p.Lead, p.Button, p.Danger = "Retire "+s.Name, "It leaves the lists; its history stays. If files name it again, it comes back.", "Retire it", true
	case "merge":
		title, p.Lead, p.Button = "Merge "+s.Name, "Its workloads, calls, addresses and operations move to the other service. Its address leads there.", "Merge"
		err = h.others(c, &f, "into", s.ID)
	case "split":
		title, p.Lead, p.Button = "Split "+s.Name, "Some of its workloads become a service of their own, with their facts. Calls and addresses follow with the next import.", "Split"
		if err = h.workloads(c, &s, &f, values["binding"]); len(f.Checks["binding"]) < 2 {
			p.Cannot, p.Instead = "There is nothing to split", "It has fewer than two workloads in the files. Only services of several workloads can be split."
		}
	}
	if err != nil {
		return err
	}
	p.Form = f
	p.Page = kit.Page(c, "services", title, crumb(c), layout.Crumb{Label: s.Name, Href: href})
	return kit.Render(c, status, view.SmallPage(p))
}

func (h *Handlers) others(c echo.Context, f *view.Form, name string, but int64) error {
	all, err := h.book.Everyone(kit.Ctx(c), kit.Of(c).Actor)
	pairs := []string{"", "Choose a service…"}
	for _, o := range all {
		if o.ID != but {
			pairs = append(pairs, strconv.FormatInt(o.ID, 10), o.Name)
		}
	}
	f.Choices[name] = kit.Options(f.Values[name], pairs...)
	return err
}

func (h *Handlers) workloads(c echo.Context, s *inventory.Service, f *view.Form, chosen []string) error {
	d, err := h.book.Detail(kit.Ctx(c), kit.Of(c).Actor, s, 1)
	for _, b := range d.Bindings {
		if b.GoneAt != nil {
			continue // what is gone stays where it was
		}
		id := strconv.FormatInt(b.ID, 10)
		f.Checks["binding"] = append(f.Checks["binding"], ui.Check{Name: "binding", Value: id, Label: b.Workload(), On: slices.Contains(chosen, id)})
	}
	return err
}

func (h *Handlers) retireForm(c echo.Context) error {
	return h.small(c, http.StatusOK, "retire", nil, nil)
}
func (h *Handlers) mergeForm(c echo.Context) error {
	return h.small(c, http.StatusOK, "merge", nil, nil)
}
func (h *Handlers) splitForm(c echo.Context) error {
	return h.small(c, http.StatusOK, "split", nil, nil)
}

func (h *Handlers) retire(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	s, err := h.steward.Retire(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), values.Get("reason"))
	if err != nil {
		return h.small(c, kit.Status(err), "retire", values, err)
	}
	return kit.Done(c, "/services/"+s.Slug, s.Name+" is retired.")
}

func (h *Handlers) restore(c echo.Context) error {
	s, err := h.steward.Restore(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"))
	if err != nil {
		return err
	}
	return kit.Done(c, "/services/"+s.Slug, s.Name+" is back in use.")
}

func (h *Handlers) merge(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	s, err := h.steward.Merge(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), kit.Number64(values.Get("into")))
	if err != nil {
		return h.small(c, kit.Status(err), "merge", values, err)
	}
	return kit.Done(c, "/services/"+s.Slug, "Merged into "+s.Name+".")
}

func (h *Handlers) split(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	s, err := h.steward.Split(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), values.Get("name"), kit.Numbers(values["binding"]))
	if err != nil {
		return h.small(c, kit.Status(err), "split", values, err)
	}
	return kit.Done(c, "/services/"+s.Slug, s.Name+" is a service of its own now.")
}

// addChoices fills the small forms of the calls and endpoints tabs.
func (h *Handlers) addChoices(c echo.Context, p *view.Service) error {
	f := &p.Form
	if f.Choices == nil {
		*f, _ = formOf("", nil, nil)
	}
	environments, err := h.book.Environments(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	var pairs []string
	for _, e := range environments {
		pairs = append(pairs, strconv.FormatInt(e.ID, 10), e.Name)
	}
	f.Choices["environment"] = kit.Options(f.Values["environment"], pairs...)
	f.Choices["scope"] = kit.Options(f.Values["scope"], "internal", "Only our own services", "all", "Anyone")
	f.Choices["transport"] = kit.Options(f.Values["transport"], "unknown", "Not known", "none", "Plain text", "tls", "TLS", "mtls", "Mutual TLS")
	f.Choices["authentication"] = kit.Options(f.Values["authentication"], "unknown", "Not known", "none", "Nothing", "api_key", "An API key", "jwt", "A signed token", "oidc", "OpenID Connect", "mtls", "Its mutual TLS identity")
	f.Choices["authorization"] = kit.Options(f.Values["authorization"], "unknown", "Not known", "default_allow", "Anyone may call", "policy", "A policy names it")
	return h.others(c, f, "to", p.ID)
}

// again shows a tab with what is wrong in its form.
func (h *Handlers) again(c echo.Context, tab string, values url.Values, failure error) error {
	f, ok := formOf("", values, failure)
	if !ok {
		return failure
	}
	s, err := h.get(c)
	if err != nil {
		return failure
	}
	return h.showPage(c, kit.Status(failure), &s, tab, f)
}

func (h *Handlers) addCall(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	call := inventory.Call{EnvironmentID: kit.Number64(values.Get("environment")), To: kit.Number64(values.Get("to")), Transport: values.Get("transport"), Authentication: values.Get("authentication"), Authorization: values.Get("authorization")}
	if err := h.steward.AddCall(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), call); err != nil {
		return h.again(c, "calls", values, err)
	}
	return kit.Done(c, "/services/"+c.Param("slug")+"?tab=calls", "The call was added.")
}

func (h *Handlers) removeCall(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	if err := h.steward.RemoveCall(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), id); err != nil {
		return err
	}
	return kit.Done(c, "/services/"+c.Param("slug")+"?tab=calls", "The call was removed.")
}

func (h *Handlers) addEndpoint(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if err := h.steward.AddEndpoint(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), kit.Number64(values.Get("environment")), values.Get("address"), values.Get("scope")); err != nil {
		return h.again(c, "endpoints", values, err)
	}
	return kit.Done(c, "/services/"+c.Param("slug")+"?tab=endpoints", "The address was added.")
}

func (h *Handlers) removeEndpoint(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	if err := h.steward.RemoveEndpoint(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"), id); err != nil {
		return err
	}
	return kit.Done(c, "/services/"+c.Param("slug")+"?tab=endpoints", "The address was removed.")
}
