package posture

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/posture"
	"muster/views/ui"
)

func crumbs(c echo.Context, more ...layout.Crumb) []layout.Crumb {
	return append([]layout.Crumb{{Label: "Posture", Href: kit.In(c, "/posture")}}, more...)
}

func serviceCrumbs(c echo.Context, name, slug string) []layout.Crumb {
	return []layout.Crumb{{Label: "Services", Href: kit.In(c, "/services")}, {Label: name, Href: kit.In(c, "/services/"+slug+"/posture")}}
}

// service is the posture of one service.
func (h *Handlers) service(c echo.Context) error {
	ctx, actor := kit.Ctx(c), kit.Of(c).Actor
	environment, environments, err := h.environment(c)
	if err != nil {
		return err
	}
	x, err := h.posture.ExplainIn(ctx, actor, c.Param("slug"), environment)
	if err != nil {
		return err
	}
	b, err := h.posture.Board(ctx, actor)
	if err != nil {
		return err
	}
	days, err := h.posture.Trend(ctx, actor, x.Service.Slug)
	if err != nil {
		return err
	}
	v := &x.Service
	p := view.Service{Page: kit.Page(c, "services", v.Name, layout.Crumb{Label: "Services", Href: kit.In(c, "/services")}), Name: v.Name, Href: kit.In(c, "/services/"+v.Slug+"/posture"), Worst: c.QueryParam("by") == "worst"}
	p.Tabs = kit.ServiceTabs(c, v.Slug, "posture", nil)
	p.Explain = p.Href + "/sum"
	p.Environments = h.switches(p.Href, x, environments)
	r := &x.Result
	p.Score, p.Judged, p.Rated, p.Grade, p.Coverage = r.Score, r.Judged, r.Rated(), posture.Grade(r.Score), posture.Shown(100*r.Coverage)
	p.Lead = fmt.Sprintf("Tier %d. ", v.Tier) + v.Description
	p.Caps, p.Shipped = caps(r.Caps), shippedWords(x.Shipped)
	h.groups(c, &p, x)
	p.Steps, p.Together = h.ownSteps(c, b, x)
	if len(days) > 1 {
		p.Trend = trend(days, &posture.Detail{In90: x.In90}, x.At)
	}
	p.ForecastWords = ownForecast(x)
	return kit.Render(c, http.StatusOK, view.Show(p))
}

// environment reads which environment a page is asked for; 0 is production.
func (h *Handlers) environment(c echo.Context) (int64, []inventory.Environment, error) {
	list, err := h.book.Environments(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return 0, nil, err
	}
	for _, e := range list {
		if e.Slug == c.QueryParam("environment") {
			return e.ID, list, nil
		}
	}
	return 0, list, nil
}

// switches leads to the other environments in which the service runs.
func (h *Handlers) switches(base string, x *posture.Explanation, environments []inventory.Environment) []ui.Tab {
	if len(x.Environments) < 2 {
		return nil
	}
	var list []ui.Tab
	for _, id := range x.Environments {
		for _, e := range environments {
			if e.ID == id {
				list = append(list, ui.Tab{Label: e.Name, Href: base + "?environment=" + e.Slug, Current: id == x.Environment})
			}
		}
	}
	return list
}

// groups sorts the controls of a service by domain, or by how bad they are.
func (h *Handlers) groups(c echo.Context, p *view.Service, x *posture.Explanation) {
	byDomain := map[catalogue.Domain]*view.Group{}
	cells := map[catalogue.Domain][]posture.Cell{}
	points, weight := map[catalogue.Domain]float64{}, map[catalogue.Domain]float64{}
	var order []catalogue.Domain
	tally := map[control.Word]int{}
	contradicted := 0
	var all []posture.Cell
	for i := range x.Lines {
		l := &x.Lines[i]
		domain := l.Domain
		if p.Worst {
			domain = ""
		}
		g := byDomain[domain]
		if g == nil {
			g = &view.Group{Name: domain.Name(), Icon: icons[domain]}
			if p.Worst {
				g.Name, g.Icon = "Worst first", "flag"
			}
			byDomain[domain], order = g, append(order, domain)
		}
		line := controlOf(c, l, x)
		cell := posture.Cell{State: l.Verdict.State, Value: l.Verdict.Value, Contradicted: l.Verdict.Contradicted, Excepted: !l.Excepted.IsZero()}
		all, cells[domain] = append(all, cell), append(cells[domain], cell)
		tally[l.Verdict.State]++
		if l.Verdict.Contradicted {
			contradicted++
		}
		switch {
		case l.Verdict.State == control.NotApplicable:
			g.Out = append(g.Out, line)
			p.Out++
			continue
		case l.Verdict.State == control.NotKnown && l.Verdict.Known == 0 && l.Excepted.IsZero():
			g.Dark = append(g.Dark, line)
		case l.Verdict.State == control.Verified:
			g.Fine = append(g.Fine, line)
		default:
			g.Open = append(g.Open, line)
		}
		p.Applied++
		if l.Scored {
			points[domain] += float64(l.Points) * l.Verdict.Value
			weight[domain] += float64(l.Points)
		}
	}
	p.Shares = shares(all)
	p.Tallies = tallies(tally, contradicted)
	for _, d := range order {
		g := byDomain[d]
		g.Shares, g.Score = shares(cells[d]), "–"
		if weight[d] > 0 {
			g.Score = fmt.Sprint(posture.Shown(100 * points[d] / weight[d]))
		}
		if p.Worst {
			slices.SortStableFunc(g.Open, func(a, b view.Control) int { return rank(a.Class) - rank(b.Class) })
		}
		p.Groups = append(p.Groups, *g)
	}
}

func rank(class string) int {
	return slices.Index([]string{"con", "fail", "exc", "sta", "unk", "att", "ver", "na"}, class)
}

func controlOf(c echo.Context, l *posture.Line, x *posture.Explanation) view.Control {
	text, source, at := detail(l, x.At)
	g := glyph(l.Verdict.State, l.Verdict.Contradicted, !l.Excepted.IsZero())
	if l.Verdict.State == control.NotKnown && l.Verdict.Known > 0 {
		g.Part = fmt.Sprintf("%d/%d", l.Verdict.Known, l.Verdict.Total)
	}
	if !l.Scored {
		text += " (not scored yet)"
	}
	return view.Control{Glyph: g, ID: l.ID, Title: l.Statement, Href: kit.In(c, "/services/"+x.Service.Slug+"/controls/"+l.ID), Detail: text, Source: source, At: at}
}

func tallies(n map[control.Word]int, contradicted int) []view.Tally {
	var list []view.Tally
	for _, t := range []struct {
		word control.Word
		name string
	}{{control.Verified, "Verified"}, {control.Attested, "Attested"}, {control.Failing, "Failing"}, {control.Stale, "Stale"}, {control.NotKnown, "Unknown"}} {
		text := strconv.Itoa(n[t.word])
		if t.word == control.Failing && contradicted > 0 {
			text += fmt.Sprintf(", %d contradicted", contradicted)
		}
		list = append(list, view.Tally{Name: t.name, Text: text})
	}
	return list
}

// ownSteps are what raises one service most.
func (h *Handlers) ownSteps(c echo.Context, b *posture.Board, x *posture.Explanation) ([]view.Step, string) {
	list := b.Steps(x.Service.ID, 5)
	var out []view.Step
	for _, a := range list {
		s := view.Step{Gain: gain(a.Own), Text: a.Control.Title, Note: a.Control.ID + " · " + effortWords[a.Control.Effort], Href: kit.In(c, "/services/"+x.Service.Slug+"/controls/"+a.Control.ID)}
		if a.Failing > 0 {
			s.Note += " · failing"
		}
		if a.HeldBy != "" {
			s.Note += " · held down while " + a.HeldBy
		}
		out = append(out, s)
	}
	return out, ""
}

// ownForecast says what time alone brings to one service.
func ownForecast(x *posture.Explanation) string {
	if !x.Result.Judged || posture.Shown(x.In90) == posture.Shown(x.Result.Score) {
		return ""
	}
	text := fmt.Sprintf("%d → %d by %s", posture.Shown(x.Result.Score), posture.Shown(x.In90), x.At.AddDate(0, 0, 90).Format("2 January"))
	var first *posture.Line
	for i := range x.Lines {
		l := &x.Lines[i]
		if until := l.Verdict.GoodUntil(); !until.IsZero() && (first == nil || until.Before(first.Verdict.GoodUntil())) {
			first = l
		}
	}
	if first != nil {
		text += fmt.Sprintf(", first when the evidence for %s runs out on %s", first.ID, first.Verdict.GoodUntil().Format("2 January"))
	}
	return text + "."
}

// digits writes a number so that a calculator gets the same.
func digits(v float64) string {
	if v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// sum is the explanation of a service's score.
func (h *Handlers) sum(c echo.Context) error {
	x, err := h.posture.Explain(kit.Ctx(c), kit.Of(c).Actor, c.Param("slug"))
	if err != nil {
		return err
	}
	v, r := &x.Service, &x.Result
	p := view.Sum{Page: kit.Page(c, "services", "The sum", serviceCrumbs(c, v.Name, v.Slug)...), Name: v.Name, Back: kit.In(c, "/services/"+v.Slug+"/posture")}
	fillSum(&p, r, x.Shipped)
	for i := range x.Lines {
		l := &x.Lines[i]
		t := term(c, l.Effective, l.Term, l.Verdict.Contradicted, kit.In(c, "/services/"+v.Slug+"/controls/"+l.ID))
		switch {
		case l.Verdict.State == control.NotApplicable:
			t.Why = "does not apply"
			p.Left = append(p.Left, t)
		case !l.Scored:
			t.Why = "new in the catalogue: shown for 30 days before it counts"
			p.Left = append(p.Left, t)
		default:
			p.Terms = append(p.Terms, t)
		}
	}
	return kit.Render(c, http.StatusOK, view.Explain(p))
}

func fillSum(p *view.Sum, r, shipped *posture.Result) {
	p.Points, p.Weight, p.Raw, p.Score, p.Formula = digits(r.Points), digits(r.Weight), digits(r.Raw), digits(r.Score), strconv.Itoa(posture.Formula)
	p.Shown, p.Grade = "–", "nothing to judge"
	if r.Judged {
		p.Shown, p.Grade = strconv.Itoa(posture.Shown(r.Score)), "grade "+posture.Grade(r.Score)
	}
	if r.Judged && !r.Rated() {
		p.Grade = "not rated yet, because less than 40 % is known"
	}
	p.Caps, p.Coverage = caps(r.Caps), fmt.Sprintf("%s of the weight has evidence in date", percent(r.Coverage))
	if shipped != nil {
		p.Shipped = digits(shipped.Score)
	}
}

func percent(share float64) string { return fmt.Sprintf("%d %%", posture.Shown(100*share)) }

func term(c echo.Context, e *control.Effective, t posture.Term, contradicted bool, href string) view.Term {
	return view.Term{Glyph: glyph(t.State, contradicted, false), ID: e.ID, Title: e.Title, Href: href, Weight: strconv.Itoa(t.Weight), Value: digits(t.Value), Points: digits(float64(t.Weight) * t.Value)}
}

// whole is the explanation of the workspace's score.
func (h *Handlers) whole(c echo.Context) error {
	b, err := h.posture.Board(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	if b.Limited {
		return echo.ErrNotFound
	}
	p := view.Sum{Page: kit.Page(c, "matrix", "The sum", crumbs(c)...), Name: "Overview", Back: kit.In(c, "/overview")}
	fillSum(&p, &b.Whole.Result, b.Whole.Shipped)
	for i := range b.Rows {
		r := &b.Rows[i]
		t := view.ServiceTerm{Name: r.Service.Name, Href: kit.In(c, "/services/"+r.Service.Slug+"/posture/sum"), Tier: strconv.Itoa(r.Detail.Tier), Score: "–", Points: "0"}
		if r.Detail.Result.Judged {
			w := posture.TierWeight(r.Detail.Tier)
			t.Weight, t.Score, t.Points = digits(w), digits(r.Detail.Result.Score), digits(w*r.Detail.Result.Score)
		}
		p.Services = append(p.Services, t)
	}
	gov := b.GovernanceResult()
	p.ServicesShare = fmt.Sprintf("80 %% × %s ÷ %s = %s", p.Points, p.Weight, digits(safeDivide(0.8*b.Whole.Result.Points, b.Whole.Result.Weight)))
	p.Governance = fmt.Sprintf("20 %% × 100 × %s ÷ %s = %s", digits(gov.Points), digits(gov.Weight), digits(0.2*gov.Score))
	for _, e := range b.Rules.For(catalogue.Workspace) {
		cell := b.Own(e.ID)
		t := term(c, e, posture.Term{Weight: e.Points, State: cell.State, Value: cell.Value}, cell.Contradicted, kit.In(c, "/governance/"+e.ID))
		if cell.State == control.NotApplicable || !e.Scored {
			t.Why = "does not count"
			p.Left = append(p.Left, t)
			continue
		}
		p.Terms = append(p.Terms, t)
	}
	return kit.Render(c, http.StatusOK, view.Explain(p))
}

func safeDivide(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
