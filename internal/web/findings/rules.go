package findings

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/web/kit"
	view "muster/views/findings"
	"muster/views/layout"
	"muster/views/ui"
)

var sortWords = map[finding.TraitKind]string{finding.ByLabel: "the report’s own word", finding.ByImage: "image", finding.ByRepository: "repository", finding.ByPath: "path of the file"}

// rules lists the rules that say whose rows are.
func (h *Handlers) rules(c echo.Context) error {
	return h.rulesPage(c, http.StatusOK, view.Form{})
}

func (h *Handlers) rulesPage(c echo.Context, status int, f view.Form) error {
	number := max(1, kit.Number(c.QueryParam("page")))
	list, err := h.findings.ListRules(kit.Ctx(c), kit.Of(c).Actor, number)
	if err != nil {
		return err
	}
	names, err := h.names(c)
	if err != nil {
		return err
	}
	roster, err := h.book.Roster(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	p := view.Rules{Page: kit.Page(c, "findings", "Rules", append(crumbs(c), layout.Crumb{Label: "Whose are these?", Href: kit.In(c, "/findings/unassigned")})...), Action: kit.In(c, "/findings/rules"), May: kit.Can(c, access.Write, access.Findings), Form: f, Pages: rulePages(c, number, list.Total)}
	edit := kit.Number64(c.QueryParam("edit"))
	for i := range list.Rows {
		r := &list.Rows[i]
		id := strconv.FormatInt(r.ID, 10)
		s, known := names[r.ServiceID]
		row := view.Rule{By: sortWords[r.MatchBy], Pattern: r.Label, Service: "a service that is gone", Who: r.ActorName, At: r.CreatedAt, EndTo: kit.In(c, "/findings/rules/"+id+"/end"), EditHref: kit.In(c, "/findings/rules?edit="+id+"#f-pattern")}
		if known {
			row.Service, row.ServiceHref = s.Name, kit.In(c, "/services/"+s.Slug)
		}
		p.Rows = append(p.Rows, row)
		if r.ID == edit && f.Values == nil {
			p.Form.Values = map[string]string{"by": string(r.MatchBy), "pattern": r.Label, "service": s.Slug, "replaces": id}
		}
	}
	typed := p.Form.Values
	p.Replaces = typed["replaces"]
	for _, by := range finding.TraitKinds() {
		p.Sorts = append(p.Sorts, ui.Option{Value: string(by), Label: ui.Capital(sortWords[by]), Chosen: typed["by"] == string(by)})
	}
	p.Services = []ui.Option{{Label: "Choose a service"}}
	for i := range roster {
		p.Services = append(p.Services, ui.Option{Value: roster[i].Slug, Label: roster[i].Name, Chosen: roster[i].Slug == typed["service"]})
	}
	return kit.Render(c, status, view.RulesPage(p))
}

func rulePages(c echo.Context, number int, total int64) ui.Pages {
	p := ui.Pages{Page: number, Of: max(1, int((total+finding.RulesAtOnce-1)/finding.RulesAtOnce)), Total: total, What: "rules"}
	if total == 1 {
		p.What = "rule"
	}
	if number > 1 {
		p.Prev = kit.In(c, fmt.Sprintf("/findings/rules?page=%d", min(number-1, p.Of)))
	}
	if number < p.Of {
		p.Next = kit.In(c, fmt.Sprintf("/findings/rules?page=%d", number+1))
	}
	return p
}

func (h *Handlers) addRule(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if err := kit.Require(c, access.Write, access.Findings); err != nil {
		return err
	}
	err = h.keepRule(c, values)
	if err == nil {
		return kit.Done(c, "/findings/rules", "Kept. Later reports follow it, and what was nobody’s and fits has its service now.")
	}
	message, fields, _, ok := kit.Invalid(err)
	if !ok {
		return err
	}
	return h.rulesPage(c, kit.Status(err), form("rule", values, fields, message))
}

func (h *Handlers) keepRule(c echo.Context, values url.Values) error {
	n := finding.NewRule{By: finding.TraitKind(values.Get("by")), Pattern: values.Get("pattern"), Replaces: kit.Number64(values.Get("replaces"))}
	wrong := fault.Fields{}
	if values.Get("service") == "" {
		wrong.Add("service", "Choose the service that they belong to.")
	}
	if _, fields, _, ok := kit.Invalid(n.Check()); ok {
		for name, text := range fields {
			wrong.Add(name, text)
		}
	}
	if err := wrong.Err(); err != nil {
		return err
	}
	return h.steward.AddFindingRule(kit.Ctx(c), kit.Of(c).Actor, n, values.Get("service"))
}

func (h *Handlers) endRule(c echo.Context) error {
	id, err := kit.ID(c, "rule")
	if err != nil {
		return err
	}
	if err := h.findings.EndRule(kit.Ctx(c), kit.Of(c).Actor, id); err != nil {
		return err
	}
	return kit.Done(c, "/findings/rules", "Ended. Later reports are met without it; what it gave stays where it is.")
}
