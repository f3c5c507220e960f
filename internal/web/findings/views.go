package findings

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/finding"
	"muster/internal/web/kit"
	view "muster/views/findings"
	"muster/views/ui"
)

// views are the lists that people ask for often, and those that they keep.
func (h *Handlers) views(at address, x *chosen, f *finding.Facets, kept []finding.View) []view.View {
	plain := address{base: at.base}
	week := plain.with("due", "week", "sort", string(finding.ByDue))
	list := []view.View{
		{Label: "Most urgent", Href: plain.base, Count: strconv.FormatInt(f.Todo, 10), On: len(at.query) == 0},
		{Label: "Due this week", Href: week, On: at.with() == week},
		{Label: "Overdue", Href: plain.with("overdue", "1"), On: x.filter.Overdue},
		{Label: "Watching", Href: plain.with("watching", "1"), On: x.filter.Watcher != 0},
		{Label: "Known exploited", Href: plain.with("exploited", "1"), On: x.filter.Exploited},
	}
	second := view.View{Label: "Waiting for re-review", Href: plain.with("state", string(finding.ReReview)), On: x.state == string(finding.ReReview)}
	if n := f.States[finding.ReReview]; n > 0 {
		second.Count = strconv.FormatInt(n, 10)
	}
	list = append(list, second)
	if n := f.Services[0]; n > 0 {
		list = append(list, view.View{Label: "Nobody’s", Href: at.base + "/unassigned", Count: strconv.FormatInt(n, 10)})
	}
	for i := range kept {
		href := at.base + "?" + kept[i].Address
		list = append(list, view.View{Label: kept[i].Name, Href: href, On: at.with() == href})
	}
	return list
}

// keepable is the address of a list without what is no filter, for keeping it.
func keepable(q url.Values) string {
	out := url.Values{}
	for _, key := range narrowing {
		if v := strings.TrimSpace(q.Get(key)); v != "" {
			out.Set(key, v)
		}
	}
	return out.Encode()
}

func (h *Handlers) lists(c echo.Context) error {
	return h.listsPage(c, http.StatusOK, c.QueryParams(), nil, 0)
}

// listsPage shows the kept lists; wrong is what was wrong with a form, of one list or of a new one.
func (h *Handlers) listsPage(c echo.Context, status int, values url.Values, wrong error, of int64) error {
	message, fields := "", map[string]string{}
	if wrong != nil {
		var ok bool
		if message, fields, _, ok = kit.Invalid(wrong, "name"); !ok {
			return wrong
		}
	}
	kept, err := h.findings.Views(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	share := kit.Can(c, access.Write, access.Findings)
	p := view.Kept{Page: kit.Page(c, "findings", "Kept lists", crumbs(c)...), Message: message, Action: kit.In(c, "/findings/views"), Address: keepable(values), MayShare: share}
	if of == 0 {
		p.Name, p.Error, p.Shared = values.Get("name"), fields["name"], values.Get("shared") != ""
	}
	for i := range kept {
		v := &kept[i]
		id := strconv.FormatInt(v.ID, 10)
		k := view.KeptList{ID: id, Name: v.Name, Href: kit.In(c, "/findings?"+v.Address), Shared: v.Shared(), May: !v.Shared() || share, Rename: p.Action + "/" + id, Drop: p.Action + "/" + id + "/delete"}
		if of == v.ID {
			k.Value, k.Error = values.Get("name"), fields["name"]
		} else {
			k.Value = v.Name
		}
		p.Lists = append(p.Lists, k)
	}
	return kit.Render(c, status, view.Lists(p))
}

// keep keeps the list that the form came from.
func (h *Handlers) keep(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	err = h.findings.KeepView(kit.Ctx(c), kit.Of(c).Actor, values.Get("name"), keepable(values), values.Get("shared") != "")
	if err != nil {
		return h.listsPage(c, kit.Status(err), values, err, 0)
	}
	return kit.Done(c, "/findings?"+keepable(values), "Kept as “"+strings.TrimSpace(values.Get("name"))+"”.")
}

func (h *Handlers) rename(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if err := h.findings.RenameView(kit.Ctx(c), kit.Of(c).Actor, id, values.Get("name")); err != nil {
		return h.listsPage(c, kit.Status(err), values, err, id)
	}
	return kit.Done(c, "/findings/views", "Renamed.")
}

func (h *Handlers) drop(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	if err := h.findings.DropView(kit.Ctx(c), kit.Of(c).Actor, id); err != nil {
		return err
	}
	return kit.Done(c, "/findings/views", "Deleted. The findings themselves stay.")
}

// sorts are the orders of the list.
func sorts(at address, x *chosen) []ui.Option {
	return []ui.Option{
		{Value: at.with("sort", ""), Label: "most urgent first", Chosen: x.filter.Sort == finding.ByPriority},
		{Value: at.with("sort", string(finding.ByDue)), Label: "due first", Chosen: x.filter.Sort == finding.ByDue},
		{Value: at.with("sort", string(finding.ByNewest)), Label: "newest first", Chosen: x.filter.Sort == finding.ByNewest},
	}
}
