// Package scoring serves the pages where a workspace chooses what counts, and how much.
package scoring

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/fault"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/scoring"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	posture  *posture.Service
	controls *control.Service
	log      *activity.Service
}

// New makes the handlers.
func New(p *posture.Service, c *control.Service, log *activity.Service) *Handlers {
	return &Handlers{posture: p, controls: c, log: log}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/settings/scoring", h.list)
	g.GET("/settings/scoring/new", h.form)
	g.POST("/settings/scoring/new", h.add)
	g.GET("/settings/scoring/:id", h.show)
	g.POST("/settings/scoring/:id", h.choose)
}

func (h *Handlers) crumbs(c echo.Context) []layout.Crumb {
	return []layout.Crumb{{Label: "Settings", Href: kit.In(c, "/settings")}, {Label: "Scoring", Href: kit.In(c, "/settings/scoring")}}
}

func formula() []view.Rule {
	return []view.Rule{
		{Name: "A service", Words: "100 × the sum of weight × value, divided by the sum of weights, over the controls that apply."},
		{Name: "Values", Words: "Verified 1. Attested 0.75 where only people can know, 0.4 where a machine could. Stale 0.25. All else 0."},
		{Name: "The workspace", Words: "80 % the mean of services, tiers 1 : 2 : 3 weighing 4 : 2 : 1, and 20 % governance."},
		{Name: "Limits", Words: "39 while a critical finding is overdue; 69 while a high one is, or a known-exploited one is on a public service; 79 while nobody looked for vulnerabilities. The workspace: 69 while a tier 1 service is held at 39, 79 while one is held at 69."},
		{Name: "Grades", Words: "A from 90, B from 80, C from 70, D from 60, E from 40, else F. Under 40 % coverage it is not rated yet."},
		{Name: "Exceptions", Words: "They change nothing here."},
	}
}

func (h *Handlers) list(c echo.Context) error {
	b, err := h.posture.Board(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	p := view.List{Page: kit.Page(c, "settings", "Scoring", layout.Crumb{Label: "Settings", Href: kit.In(c, "/settings")}), Formula: strconv.Itoa(posture.Formula), Rules: formula(), Text: strings.TrimSpace(c.QueryParam("text")), MayWrite: kit.Can(c, access.Write, access.Scoring)}
	if b.Whole.Result.Judged && !b.Limited {
		p.Now = fmt.Sprintf("Your score is %d.", posture.Shown(b.Whole.Result.Score))
		if b.Whole.Shipped != nil {
			p.Shipped = fmt.Sprintf("By shipped weights it would be %d.", posture.Shown(b.Whole.Shipped.Score))
		}
	}
	cat, err := catalogue.Load()
	if err != nil {
		return err
	}
	domain := c.QueryParam("domain")
	p.Domains = []ui.Option{{Label: "All domains", Chosen: domain == ""}}
	for _, d := range cat.Domains() {
		p.Domains = append(p.Domains, ui.Option{Value: string(d.ID), Label: d.Name, Chosen: string(d.ID) == domain})
	}
	var rows []view.Row
	for _, e := range b.Rules.All {
		if (domain == "" || string(e.Domain) == domain) && strings.Contains(strings.ToLower(e.ID+" "+e.Title), strings.ToLower(p.Text)) {
			rows = append(rows, row(c, e))
		}
	}
	of := max(1, (len(rows)+inventory.PageSize-1)/inventory.PageSize)
	page := min(max(kit.Number(c.QueryParam("page")), 1), of)
	p.Rows = rows[(page-1)*inventory.PageSize : min(len(rows), page*inventory.PageSize)]
	p.Pages = ui.Pages{Page: page, Of: of, Total: int64(len(rows)), What: "controls"}
	at := func(n int) string {
		return kit.In(c, "/settings/scoring?"+url.Values{"domain": {domain}, "text": {p.Text}, "page": {strconv.Itoa(n)}}.Encode())
	}
	if page > 1 {
		p.Pages.Prev = at(page - 1)
	}
	if page < of {
		p.Pages.Next = at(page + 1)
	}
	return kit.Render(c, http.StatusOK, view.Index(p))
}

func row(c echo.Context, e *control.Effective) view.Row {
	r := view.Row{ID: e.ID, Title: e.Title, Href: kit.In(c, "/settings/scoring/"+e.ID), Domain: e.Domain.Name(), Weight: strconv.Itoa(e.Points), Age: ui.Plural(e.Days, "day", "days"), Changed: e.Changed(), State: ui.Word{Text: "scored", Tone: ui.OK}}
	if e.Points != e.Weight && !e.Own {
		r.Weight = fmt.Sprintf("%d (shipped %d)", e.Points, e.Weight)
	}
	if e.Days != e.Age && !e.Own {
		r.Age = fmt.Sprintf("%d days (shipped %d)", e.Days, e.Age)
	}
	switch {
	case e.Off:
		r.State = ui.Word{Text: "switched off", Tone: ui.Unk}
	case !e.Scored:
		r.State = ui.Word{Text: "new, not scored yet", Tone: ui.Info}
	case e.Own:
		r.State = ui.Word{Text: "your own", Tone: ui.Info}
	}
	return r
}

func (h *Handlers) show(c echo.Context) error { return h.page(c, http.StatusOK, nil, nil) }

func (h *Handlers) page(c echo.Context, status int, values url.Values, problem error) error {
	rules, err := h.posture.Ruleset(kit.Ctx(c))
	if err != nil {
		return err
	}
	e, known := rules.Get(c.Param("id"))
	if !known {
		return fault.Missing("control")
	}
	if values == nil {
		values = url.Values{"weight": {strconv.Itoa(e.Points)}, "age": {strconv.Itoa(e.Days)}}
		if e.Off {
			values.Set("off", "yes")
		}
	}
	p := view.One{Page: kit.Page(c, "settings", e.ID, h.crumbs(c)...), Form: formOf(values, problem), ID: e.ID, Statement: e.Statement, Applies: e.Control.Applies, ControlHref: kit.In(c, "/controls/"+e.ID), Action: kit.In(c, "/settings/scoring/"+e.ID),
		ShippedWeight: strconv.Itoa(e.Weight), ShippedAge: strconv.Itoa(e.Age), Off: values.Get("off") == "yes", Changed: e.Changed(), Own: e.Own, MayWrite: kit.Can(c, access.Write, access.Scoring)}
	for _, clause := range e.Clauses {
		p.Clauses = append(p.Clauses, clause.Words)
	}
	for _, s := range e.Sources {
		p.Sources = append(p.Sources, sourceWords(&s))
	}
	history, err := h.controls.History(kit.Ctx(c), e.ID)
	if err != nil {
		return err
	}
	for _, s := range history {
		p.History = append(p.History, view.Entry{Who: s.ActorName, What: settingWords(&s), At: s.CreatedAt})
	}
	return kit.Render(c, status, view.Show(p))
}

func sourceWords(s *catalogue.Source) string {
	words := strings.ReplaceAll(string(s.Kind), "_", " ")
	switch {
	case s.Proves && s.Refutes:
		words += ": can show that it holds, or that it does not"
	case s.Refutes:
		words += ": can only show that it does not hold"
	default:
		words += ": can only show that it holds"
	}
	if s.Human {
		words += "; typed in, so it counts as a person's word"
	}
	return words
}

func settingWords(s *control.Setting) string {
	var words []string
	if s.Off {
		words = append(words, "switched off")
	}
	if s.Weight != nil {
		words = append(words, fmt.Sprintf("weight %d", *s.Weight))
	}
	if s.Age != nil {
		words = append(words, fmt.Sprintf("%d days", *s.Age))
	}
	if len(words) == 0 {
		words = []string{"as defined"}
	}
	return strings.Join(words, ", ") + ": " + s.Reason
}

func formOf(values url.Values, problem error) view.Form {
	f := view.Form{Values: map[string]string{}}
	for name := range values {
		f.Values[name] = values.Get(name)
	}
	if problem != nil {
		f.Message, f.Errors, f.Problems, _ = kit.Invalid(problem)
	}
	return f
}

func (h *Handlers) choose(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	choice := control.Choice{Control: c.Param("id"), Off: values.Get("off") == "yes", Reason: values.Get("reason")}
	if values.Get("shipped") == "yes" {
		choice.Off = false
	} else {
		choice.Weight, choice.Age = whole(values.Get("weight")), whole(values.Get("age"))
	}
	if err := h.posture.Choose(kit.Ctx(c), kit.Of(c).Actor, choice); err != nil {
		if _, _, _, invalid := kit.Invalid(err); invalid {
			return h.page(c, kit.Status(err), values, err)
		}
		return err
	}
	return kit.Done(c, "/settings/scoring/"+choice.Control, "Saved. The trend shows it as a change of scope.")
}

// whole reads a number; what is none is out of every range.
func whole(text string) *int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		n = -1
	}
	return &n
}

const example = `controls:
- id: OWN-1
  title: Partners are told of changes
  statement: Partners are told a month before an interface changes.
  domain: api
  age: 180
  weight: 3
  applies: "exposure == 'partner'"
  clauses:
  - id: told
    words: its partners are told a month ahead
    part: service
  why: A partner whose orders stop at night does not come back.
  fix:
  - Keep a list of the partners of each interface.
  - Mail them from the pipeline when the version changes.
`

func (h *Handlers) form(c echo.Context) error {
	if err := kit.Require(c, access.Write, access.Scoring); err != nil {
		return err
	}
	return h.formPage(c, http.StatusOK, url.Values{}, nil)
}

func (h *Handlers) formPage(c echo.Context, status int, values url.Values, problem error) error {
	return kit.Render(c, status, view.Add(view.New{Page: kit.Page(c, "settings", "A control of your own", h.crumbs(c)...), Form: formOf(values, problem), Example: example}))
}

func (h *Handlers) add(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	id, err := h.posture.AddOwn(kit.Ctx(c), kit.Of(c).Actor, values.Get("definition"), values.Get("reason"))
	if err != nil {
		if _, _, _, invalid := kit.Invalid(err); invalid {
			return h.formPage(c, kit.Status(err), values, err)
		}
		return err
	}
	return kit.Done(c, "/settings/scoring/"+id, "Added. It is scored from now on.")
}
