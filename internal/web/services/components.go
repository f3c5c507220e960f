package services

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/services"
	"muster/views/ui"
)

// components shows what a service is made of.
func (h *Handlers) components(c echo.Context) error {
	ctx, actor := kit.Ctx(c), kit.Of(c).Actor
	s, err := h.book.Get(ctx, actor, c.Param("slug"))
	if err != nil {
		return err
	}
	if s.Slug != c.Param("slug") {
		return c.Redirect(http.StatusMovedPermanently, kit.In(c, "/services/"+s.Slug+"/components"))
	}
	f := inventory.PartFilter{Text: c.QueryParam("text"), Show: c.QueryParam("show"), Page: max(kit.Number(c.QueryParam("page")), 1)}
	parts, err := h.book.Parts(ctx, actor, &s, f)
	if err != nil {
		return err
	}
	base := kit.In(c, "/services/"+s.Slug)
	p := view.Components{Page: kit.Page(c, "services", "Components", crumb(c), layout.Crumb{Label: s.Name, Href: base + "/posture"}), Name: s.Name, Href: base + "/components", Text: f.Text, Filtered: f.Text != "" || f.Show != "", Control: base + "/controls/PAT-1"}
	known := 0
	for i := range parts.Lists {
		known += parts.Lists[i].N
		p.Lists = append(p.Lists, partsList(c, &parts.Lists[i]))
	}
	p.Tabs = kit.ServiceTabs(c, s.Slug, "components", map[string]string{"components": strconv.Itoa(known)})
	for _, o := range []ui.Option{{Value: "", Label: "All of them"}, {Value: "direct", Label: "Asked for directly"}, {Value: "dev", Label: "For development only"}, {Value: "unversioned", Label: "Without a version"}} {
		o.Chosen = o.Value == f.Show
		p.Shows = append(p.Shows, o)
	}
	for i := range parts.Rows {
		p.Rows = append(p.Rows, component(&parts.Rows[i]))
	}
	if p.MayImport = kit.Can(c, access.Write, access.Imports) && s.RetiredAt == nil; p.MayImport {
		p.Import = kit.In(c, "/imports/new?service="+url.QueryEscape(s.Slug))
	}
	p.Pages = Pages(f.Page, int((parts.Total+inventory.PageSize-1)/inventory.PageSize), parts.Total, "components", func(n int) string {
		return p.Href + "?" + url.Values{"text": {f.Text}, "show": {f.Show}, "page": {strconv.Itoa(n)}}.Encode()
	})
	return kit.Render(c, http.StatusOK, view.ComponentsPage(p))
}

func partsList(c echo.Context, l *inventory.PartsList) view.PartsList {
	v := view.PartsList{Document: l.Document, Kind: map[string]string{"sbom": "SBOM", "lockfile": "lock file"}[l.Kind], Source: l.Source, N: l.N, Seen: l.LastSeen}
	if kit.Can(c, access.Read, access.Imports) {
		v.Href = kit.In(c, "/imports/"+strconv.FormatInt(l.ImportID, 10))
	}
	return v
}

func component(r *inventory.Part) view.Component {
	v := view.Component{Name: r.Name, Version: r.Version, Ecosystem: r.Ecosystem, PURL: r.PURL, Licenses: r.Licenses, Need: map[string]string{"yes": "asked for", "no": "comes along"}[r.Direct], Path: r.Document, Line: r.Line, More: r.Lists - 1, First: r.FirstSeen, Seen: r.LastSeen}
	if r.Dev {
		v.Need = "development only"
	}
	return v
}
