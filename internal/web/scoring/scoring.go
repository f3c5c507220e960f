// Package scoring serves the pages that say how controls are weighed, and the forms that weigh them otherwise.
package scoring

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/posture"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/scoring"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	posture *posture.Service
	log     *activity.Service
}

// New makes the handlers.
func New(p *posture.Service, log *activity.Service) *Handlers {
	return &Handlers{posture: p, log: log}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/settings/scoring", h.list)
	g.GET("/settings/scoring/new", h.newForm)
	g.POST("/settings/scoring/new", h.create)
	g.GET("/settings/scoring/:id", h.one)
	g.POST("/settings/scoring/:id", h.save)
}

// crumbs lead back from a page under the list.
func crumbs(c echo.Context) []layout.Crumb {
	return []layout.Crumb{{Label: "Settings", Href: kit.In(c, "/settings")}, {Label: "Scoring", Href: kit.In(c, "/settings/scoring")}}
}

func (h *Handlers) list(c echo.Context) error {
	b, err := h.posture.Board(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	cat, err := catalogue.Load()
	if err != nil {
		return fmt.Errorf("list controls: %w", err)
	}
	domain := c.QueryParam("domain")
	l := view.List{Page: kit.Page(c, "settings", "Scoring", crumbs(c)[:1]...), Text: strings.TrimSpace(c.QueryParam("text")), MayWrite: kit.Can(c, access.Write, access.Scoring), Formula: formula()}
	l.Filtered = l.Text != "" || domain != ""
	l.Lead = lead(b.Rules)
	if r := &b.Whole.Result; r.Judged && !b.Limited {
		l.Score = shown(r)
		if b.Whole.Shipped != nil {
			l.Shipped = shown(b.Whole.Shipped)
		}
	}
	l.Domains = append(l.Domains, ui.Option{Value: "", Label: "All domains", Chosen: domain == ""})
	for _, d := range cat.Domains() {
		l.Domains = append(l.Domains, ui.Option{Value: string(d.ID), Label: d.Name, Chosen: string(d.ID) == domain})
		if domain != "" && domain != string(d.ID) {
			continue
		}
		g := view.Group{Name: d.Name}
		for _, e := range b.Rules.All {
			if e.Domain == d.ID && strings.Contains(strings.ToLower(e.ID+" "+e.Title), strings.ToLower(l.Text)) {
				g.Lines = append(g.Lines, line(c, e))
			}
		}
		if len(g.Lines) > 0 {
			l.Groups = append(l.Groups, g)
			l.Total += len(g.Lines)
		}
	}
	return kit.Render(c, http.StatusOK, view.Index(l))
}

func shown(r *posture.Result) string {
	if !r.Rated() {
		return fmt.Sprintf("%d, not rated", posture.Shown(r.Score))
	}
	return fmt.Sprintf("%d, %s", posture.Shown(r.Score), posture.Grade(r.Score))
}

// lead says how much of the catalogue the workspace changed.
func lead(rules *control.Ruleset) string {
	changed, off, own := 0, 0, 0
	for _, e := range rules.All {
		switch {
		case e.Own:
			own++
		case e.Off:
			off++
		case e.Changed():
			changed++
		}
	}
	text := ui.Plural(len(rules.All)-own, "shipped control", "shipped controls")
	if changed+off+own == 0 {
		return text + ", all as shipped."
	}
	return fmt.Sprintf("%s: %d weighed otherwise, %d switched off, %d of your own.", text, changed, off, own)
}

func line(c echo.Context, e *control.Effective) view.Line {
	l := view.Line{ID: e.ID, Title: e.Title, Href: kit.In(c, "/settings/scoring/"+e.ID), Weight: strconv.Itoa(e.Points), Age: ui.Plural(e.Days, "day", "days")}
	was := "shipped"
	if e.Own {
		was = "defined"
	}
	if e.Points != e.Weight {
		l.WeightNote = fmt.Sprintf(" %s %d", was, e.Weight)
	}
	if e.Days != e.Age {
		l.AgeNote = fmt.Sprintf(" %s %d", was, e.Age)
	}
	switch {
	case e.Off:
		l.State, l.Icon = ui.Word{Text: "off", Tone: ui.Warn}, "minus"
	case e.Own:
		l.State, l.Icon = ui.Word{Text: "your own", Tone: ui.Info}, "plus"
	case !e.Scored:
		l.State, l.Icon = ui.Word{Text: "new, not scored yet", Tone: ui.Unk}, "clock"
	default:
		l.State = ui.Word{Text: "on"}
	}
	return l
}

// formula puts the numbers of the arithmetic into words.
func formula() view.Formula {
	x := posture.Explain()
	f := view.Formula{Version: fmt.Sprintf("formula version %d", x.Version),
		Tiers:   fmt.Sprintf("In the score of the workspace a service of tier 1, 2 and 3 counts %g : %g : %g.", x.Tiers[0], x.Tiers[1], x.Tiers[2]),
		Shares:  fmt.Sprintf("Services make %.0f %% of it, the company’s own controls (governance) %.0f %%.", 100*x.Services, 100*x.Governance),
		Unrated: fmt.Sprintf("Where less than %.0f %% of the weight is known there is a score and no grade: not rated.", 100*x.RateFrom)}
	for _, w := range control.Worths() {
		f.Values = append(f.Values, view.Row{Value: strconv.FormatFloat(w.Value, 'g', -1, 64), Words: w.Words})
	}
	for _, limit := range x.ServiceCaps {
		f.Caps = append(f.Caps, view.Row{Value: fmt.Sprintf("%g", limit.Limit), Words: "a service, while " + limit.Words})
	}
	for _, limit := range x.WorkspaceCaps {
		f.Caps = append(f.Caps, view.Row{Value: fmt.Sprintf("%g", limit.Limit), Words: "the workspace, while " + limit.Words})
	}
	for i, g := range x.Grades {
		words := fmt.Sprintf("from %d", g.From)
		if g.From == 0 && i > 0 {
			words = fmt.Sprintf("below %d", x.Grades[i-1].From)
		}
		f.Grades = append(f.Grades, view.Row{Value: g.Letter, Words: words})
	}
	return f
}
