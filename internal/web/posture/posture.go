// Package posture serves the pages that say how secure the services are, why we believe that, and what to do next.
package posture

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/remediation"
	"muster/internal/scan"
	"muster/internal/web/kit"
	view "muster/views/posture"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	posture *posture.Service
	ledger  *evidence.Ledger
	book    *inventory.Book
	scans   *scan.Service
	tasks   *remediation.Service
	finds   *finding.Service
	others  []func(echo.Context) ([]kit.Notice, error)
}

// Covered names the tasks that cover a control on its page.
func (h *Handlers) Covered(t *remediation.Service) *Handlers {
	h.tasks = t
	return h
}

// Attend adds what another area knows to need a person to the overview.
func (h *Handlers) Attend(f func(echo.Context) ([]kit.Notice, error)) *Handlers {
	h.others = append(h.others, f)
	return h
}

// New makes the handlers.
func New(p *posture.Service, ledger *evidence.Ledger, book *inventory.Book, scans *scan.Service, finds *finding.Service) *Handlers {
	return &Handlers{posture: p, ledger: ledger, book: book, scans: scans, finds: finds}
}

// Routes registers the pages under a workspace. upload limits the forms that carry a file.
func (h *Handlers) Routes(g *echo.Group, upload echo.MiddlewareFunc) {
	g.GET("/overview", h.overview)
	g.GET("/posture", h.matrix)
	g.GET("/posture/sum", h.whole)
	g.GET("/controls/:id", h.control)
	g.GET("/governance/:id", h.cell)
	g.POST("/governance/:id/attest", h.attest, upload)
	g.POST("/governance/:id/applies", h.applies)
	g.POST("/governance/:id/evidence/:evidence/back", h.takeBack)
	g.GET("/services/:slug/posture", h.service)
	g.GET("/services/:slug/posture/sum", h.sum)
	g.GET("/services/:slug/controls/:id", h.cell)
	g.POST("/services/:slug/controls/:id/attest", h.attest, upload)
	g.POST("/services/:slug/controls/:id/applies", h.applies)
	g.POST("/services/:slug/controls/:id/evidence/:evidence/back", h.takeBack)
	g.GET("/files/:id", h.file)
}

// asOf reads the day that a page is asked for; the zero time is now.
func asOf(c echo.Context) (time.Time, error) {
	text := c.QueryParam("as_of")
	if text == "" || text == kit.Of(c).Now.UTC().Format(time.DateOnly) {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, fault.Field("as_of", "Write the day as year-month-day, for example 2026-06-30.")
	}
	return day, nil
}

func (h *Handlers) overview(c echo.Context) error {
	day, err := asOf(c)
	if err != nil {
		return err
	}
	var o *posture.Overview
	if day.IsZero() {
		o, err = h.posture.Overview(kit.Ctx(c), kit.Of(c).Actor)
	} else {
		o, err = h.posture.OverviewAt(kit.Ctx(c), kit.Of(c).Actor, day)
	}
	if err != nil {
		return err
	}
	p := view.Overview{Page: kit.Page(c, "overview", "Overview"), Empty: len(o.Rows) == 0 && !o.Past, MayImport: kit.Can(c, access.Write, access.Imports), Limited: o.Limited, Past: o.Past, Today: kit.Of(c).Now.UTC().Format(time.DateOnly)}
	if o.Past {
		p.AsOf = day.Format(time.DateOnly)
	}
	r := &o.Whole.Result
	p.Lead = ui.Plural(len(o.Rows), "service or datastore", "services and datastores") + " in production."
	p.Sentence, p.Score, p.Judged, p.Rated, p.Grade, p.Coverage = o.Sentence(), r.Score, r.Judged, r.Rated(), posture.Grade(r.Score), posture.Shown(100*r.Coverage)
	p.Caps = caps(r.Caps)
	if o.Worst != nil {
		w := o.Worst
		p.Worst, p.WorstHref = fmt.Sprintf("%s, %d", w.Service.Name, posture.Shown(w.Detail.Result.Score)), kit.In(c, "/services/"+w.Service.Slug+"/posture")
	}
	p.Shipped = shippedWords(o.Whole.Shipped)
	p.Trend = trend(o.Trend, &o.Whole, o.At)
	p.ForecastWords = h.forecast(o)
	p.Steps, p.Together = h.steps(c, o.Board, o.Bundles)
	h.domains(c, &p, o)
	h.differences(c, &p, o.Board)
	h.attention(c, &p, o)
	if err := h.missed(c, &p, o); err != nil {
		return err
	}
	if !o.Past && !p.Empty {
		debt, err := h.finds.Debt(kit.Ctx(c), kit.Of(c).Actor, 0)
		if err != nil {
			return err
		}
		p.Debt = kit.Debt(&debt, func(query string) string {
			return strings.TrimSuffix(kit.In(c, "/findings")+"?"+query, "?")
		})
	}
	if !o.Past {
		for _, f := range h.others {
			list, err := f(c)
			if err != nil {
				return err
			}
			for _, n := range list {
				p.Open = append(p.Open, view.Notice{Text: n.Text, Note: n.Note, Href: n.Href, When: n.When, Bad: n.Bad})
			}
		}
	}
	return kit.Render(c, http.StatusOK, view.Index(p))
}

func shippedWords(r *posture.Result) string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("By shipped weights: %d.", posture.Shown(r.Score))
}

// trend draws the kept days; the last is what is true now.
func trend(days []control.Snapshot, d *posture.Detail, now time.Time) *view.Trend {
	t := &view.Trend{Forecast: d.In90, ForeAt: now.AddDate(0, 0, 90)}
	fixed, scope := 0.0, 0.0
	for i, s := range days {
		at, err := time.Parse(time.DateOnly, s.Day)
		if err != nil {
			continue
		}
		if i > 0 && at.After(now.AddDate(0, -1, 0)) {
			scope += s.ScopeChange
			fixed += s.Score - days[i-1].Score - s.ScopeChange
		}
		t.Days = append(t.Days, view.Day{At: at, Score: s.Score, Scope: s.ScopeChange})
	}
	if len(t.Days) < 2 {
		return nil
	}
	if math.Abs(fixed) >= 0.05 || math.Abs(scope) >= 0.05 {
		t.Fixed = fmt.Sprintf("Last 30 days: %s from work and time, %s from scope", signed(fixed), signed(scope))
	}
	return t
}

// forecast says what time alone brings.
func (h *Handlers) forecast(o *posture.Overview) string {
	if !o.Whole.Result.Judged || o.Limited {
		return ""
	}
	now, soon, later := posture.Shown(o.Whole.Result.Score), posture.Shown(o.Whole.In30), posture.Shown(o.Whole.In90)
	text := fmt.Sprintf("If nobody acts: %d → %d in 30 days → %d by %s.", now, soon, later, o.At.AddDate(0, 0, 90).Format("2 January"))
	if len(o.Ending) == 0 {
		return text
	}
	first := o.Ending[0]
	n := 0
	for _, e := range o.Ending {
		if e.GoodUntil.Truncate(24 * time.Hour).Equal(first.GoodUntil.Truncate(24 * time.Hour)) {
			n++
		}
	}
	name := "the workspace"
	if r := o.RowOf(first.ServiceID); r != nil {
		name = r.Service.Name
	}
	title := first.Control
	if e, known := o.Rules.Get(first.Control); known {
		title = e.Title
	}
	text += fmt.Sprintf(" First the evidence for “%s” of %s runs out on %s", title, name, first.GoodUntil.Format("2 January"))
	if n > 1 {
		text += fmt.Sprintf(", with %s", ui.Plural(n-1, "other", "others"))
	}
	return text + "."
}

func (h *Handlers) steps(c echo.Context, b *posture.Board, list []posture.Action) ([]view.Step, string) {
	var out []view.Step
	for _, a := range list {
		s := view.Step{Gain: gain(a.Gain), Text: a.Control.Title, Href: kit.In(c, "/controls/"+a.Control.ID)}
		notes := []string{a.Control.ID}
		switch {
		case len(a.Services) == 0:
			s.Href = kit.In(c, "/governance/"+a.Control.ID)
			notes = append(notes, "the company")
		case len(a.Services) == 1:
			if r := b.RowOf(a.Services[0]); r != nil {
				s.Href = kit.In(c, "/services/"+r.Service.Slug+"/controls/"+a.Control.ID)
				notes = append(notes, r.Service.Name)
			}
		default:
			notes = append(notes, fmt.Sprintf("%d services", len(a.Services)))
		}
		if a.Failing > 0 {
			notes = append(notes, fmt.Sprintf("%d failing", a.Failing))
		}
		notes = append(notes, effortWords[a.Control.Effort]+" each")
		if a.HeldBy != "" {
			notes = append(notes, "held down while "+a.HeldBy)
		}
		s.Note = strings.Join(notes, " · ")
		out = append(out, s)
	}
	if len(list) < 2 {
		return out, ""
	}
	now := b.Whole.Result.Score
	after := b.Together(list)
	return out, fmt.Sprintf("All %d together: %d → %d. Counted as one, not added up.", len(list), posture.Shown(now), posture.Shown(after))
}

// domains fills the cards.
func (h *Handlers) domains(c echo.Context, p *view.Overview, o *posture.Overview) {
	before := posture.DomainsBefore(o.Trend, o.At.AddDate(0, -1, 0))
	cat, err := catalogue.Load()
	if err != nil {
		return
	}
	for _, d := range cat.Domains() {
		r, ok := o.Whole.Domains[string(d.ID)]
		if !ok || d.ID == catalogue.Inventory {
			continue
		}
		v := view.Domain{ID: string(d.ID), Name: short[d.ID], Icon: icons[d.ID], Href: kit.In(c, "/posture?domain="+string(d.ID)), Score: "–", Words: fmt.Sprintf("%d failing, %d unknown", r.Failing, r.Unknown)}
		if share, judged := r.Share(); judged {
			v.Score = fmt.Sprint(posture.Shown(share))
			if was, known := before[string(d.ID)]; known && was != posture.Shown(share) {
				v.Better = posture.Shown(share) > was
				v.Delta = strings.Replace(fmt.Sprintf("%+d", posture.Shown(share)-was), "-", "−", 1)
			}
		}
		v.Shares = shares(cellsOf(o.Board, d.ID))
		p.Domains = append(p.Domains, v)
	}
}

// cellsOf are the states of one domain over all services.
func cellsOf(b *posture.Board, domain catalogue.Domain) []posture.Cell {
	var list []posture.Cell
	for _, e := range b.Rules.All {
		if e.Domain != domain || e.Off {
			continue
		}
		if e.Subject == catalogue.Workspace {
			list = append(list, b.Own(e.ID))
			continue
		}
		for i := range b.Rows {
			list = append(list, b.Rows[i].Cell(e.ID))
		}
	}
	return list
}

// attention fills the lists at the side.
func (h *Handlers) attention(c echo.Context, p *view.Overview, o *posture.Overview) {
	const most = 6
	p.Since = o.LastVisit
	href := func(service int64, id string) (string, string) {
		if r := o.RowOf(service); r != nil {
			return r.Service.Name, kit.In(c, "/services/"+r.Service.Slug+"/controls/"+id)
		}
		return "the company", kit.In(c, "/governance/"+id)
	}
	title := func(id string) string {
		if e, known := o.Rules.Get(id); known {
			return e.Title
		}
		return id
	}
	for _, s := range o.Newly[:min(len(o.Newly), most)] {
		name, to := href(s.ServiceID, s.Control)
		p.Newly = append(p.Newly, view.Notice{Text: title(s.Control), Note: name + " · " + s.Control, Href: to, When: ui.Ago(s.Since, o.At), Bad: true})
	}
	for _, e := range o.RunOut[:min(len(o.RunOut), most)] {
		p.Ending = append(p.Ending, view.Notice{Text: "Exception for " + title(e.Name()), Note: "then it counts as open again", Href: kit.In(c, fmt.Sprintf("/exceptions/%d", e.ID)), When: e.ExpiresAt.UTC().Format("2 Jan"), Bad: e.ExpiresAt.Sub(o.At) <= exception.NearWarning*24*time.Hour})
	}
	for _, s := range o.Ending[:min(len(o.Ending), most)] {
		name, to := href(s.ServiceID, s.Control)
		p.Ending = append(p.Ending, view.Notice{Text: title(s.Control), Note: name + " · " + s.Control, Href: to, When: s.GoodUntil.Format("2 Jan")})
	}
	for _, e := range o.Waiting[:min(len(o.Waiting), most)] {
		p.Waiting = append(p.Waiting, view.Notice{Text: "Exception for " + title(e.Name()), Note: "asked by " + e.RequesterName, Href: kit.In(c, fmt.Sprintf("/exceptions/%d", e.ID)), When: ui.Ago(e.RequestedAt, o.At)})
	}
	unconfirmed := 0
	for i := range o.Rows {
		if o.Rows[i].Service.ConfirmedAt == nil {
			unconfirmed++
		}
	}
	if unconfirmed > 0 && !o.Past {
		p.Buttons = append(p.Buttons, view.Button{Text: "Confirm " + ui.Plural(unconfirmed, "service", "services"), Href: kit.In(c, "/services?unconfirmed=1"), Icon: "usercheck"})
	}
	if len(o.Waiting) > 0 && !o.Past {
		p.Buttons = append(p.Buttons, view.Button{Text: "Decide " + ui.Plural(len(o.Waiting), "exception", "exceptions"), Href: kit.In(c, "/exceptions"), Icon: "contrast"})
	}
}

// missed names the endpoints that the newest scan did not reach: the reason why what is shown of them ages.
func (h *Handlers) missed(c echo.Context, p *view.Overview, o *posture.Overview) error {
	const most = 6
	if o.Past {
		return nil
	}
	visits, err := h.scans.Missing(kit.Ctx(c), kit.Of(c).Actor, 10*most)
	for i := range visits {
		v := &visits[i]
		if r := o.RowOf(v.ServiceID); r != nil && len(p.Missed) < most {
			p.Missed = append(p.Missed, view.Notice{Text: v.Address, Note: r.Service.Name + " · " + v.Reason, Href: kit.In(c, "/services/"+r.Service.Slug+"/probes"), When: ui.Ago(v.VisitedAt, o.At)})
		}
	}
	return err
}

// differences picks the controls on which services differ most, and the services that are worst.
func (h *Handlers) differences(c echo.Context, p *view.Overview, b *posture.Board) {
	const columns, rows = 12, 14
	type spread struct {
		e *control.Effective
		n float64
	}
	var list []spread
	for _, e := range b.Rules.For(catalogue.Service) {
		good, bad := 0, 0
		for i := range b.Rows {
			switch b.Rows[i].Cell(e.ID).State {
			case control.Verified, control.Attested:
				good++
			case control.Failing, control.Stale:
				bad++
			case control.NotKnown, control.NotApplicable:
			}
		}
		list = append(list, spread{e, math.Min(float64(good), float64(bad))*4 + float64(good+bad)*0.5 + float64(e.Points)/10})
	}
	slices.SortStableFunc(list, func(x, y spread) int { return int(math.Copysign(1, y.n-x.n)) * b2i(x.n != y.n) })
	chosen := list[:min(len(list), columns)]
	slices.SortFunc(chosen, func(x, y spread) int { return strings.Compare(string(x.e.Domain), string(y.e.Domain)) })
	var controls []*control.Effective
	for _, s := range chosen {
		controls = append(controls, s.e)
	}
	worst := slices.Clone(b.Rows)
	slices.SortStableFunc(worst, func(x, y posture.Row) int {
		if x.Detail.Tier != y.Detail.Tier {
			return x.Detail.Tier - y.Detail.Tier
		}
		return int(100 * (x.Detail.Result.Score - y.Detail.Result.Score))
	})
	p.Columns, p.Lines, p.Totals = grid(c, controls, worst[:min(len(worst), rows)], b)
	p.MatrixNote = fmt.Sprintf("%d of %d controls, the ones on which services differ most; %d of %d services, the most critical first.", len(controls), len(list), len(p.Lines), len(b.Rows))
	p.MatrixHref = kit.In(c, "/posture")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
