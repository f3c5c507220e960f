package exceptions

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/exception"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	view "muster/views/exceptions"
	"muster/views/ui"
)

// owners are the people of the workspace, who asks first.
func (h *Handlers) owners(c echo.Context, chosen int64) ([]ui.Option, error) {
	me := kit.Of(c).Actor
	people, err := h.people.Members(kit.Ctx(c), me)
	if err != nil {
		return nil, err
	}
	options := []ui.Option{{Value: strconv.FormatInt(me.UserID, 10), Label: "I do"}}
	for i := range people {
		if p := &people[i]; p.UserID != me.UserID {
			options = append(options, ui.Option{Value: strconv.FormatInt(p.UserID, 10), Label: p.User.Name, Chosen: p.UserID == chosen})
		}
	}
	return options, nil
}

// scopeOf is what the address or the form says of what is to be accepted.
func (h *Handlers) scopeOf(c echo.Context, values url.Values, names map[int64]inventory.Service) (exception.Request, error) {
	r := exception.Request{Subject: exception.OfFindings, Findings: kit.Numbers(values["finding"]), Renews: kit.Number64(cmp.Or(values.Get("renews"), values.Get("renew")))}
	if r.Renews != 0 {
		old, err := h.get(c, r.Renews)
		if err != nil {
			return r, err
		}
		r.Subject, r.MatchBy, r.MatchValue, r.Findings, r.Services = old.Subject, old.MatchBy, old.MatchValue, old.Findings, old.Services
		if old.Subject == exception.OfRule && old.ServiceID > 0 {
			r.Services = []int64{old.ServiceID}
		}
		return r, nil
	}
	by := exception.Match(values.Get("scope"))
	if !slices.Contains(exception.Matches(), by) {
		return r, nil
	}
	r.Subject, r.MatchBy, r.MatchValue = exception.OfRule, by, values.Get("value")
	if r.MatchValue == "" && len(r.Findings) == 1 {
		d, err := h.findings.Get(kit.Ctx(c), kit.Of(c).Actor, r.Findings[0])
		if err != nil {
			return r, err
		}
		r.MatchValue = valueOf(&d.Finding, by)
	}
	for id := range names {
		if slices.Contains(values["where"], names[id].Slug) {
			r.Services = append(r.Services, id)
		}
	}
	slices.Sort(r.Services)
	return r, nil
}

// valueOf is what a rule made from a finding looks for; "" where the finding has no such word.
func valueOf(f *finding.Finding, by exception.Match) string {
	switch by {
	case exception.ByVulnerability:
		return f.Vulnerability
	case exception.ByRule:
		if f.Vulnerability == "" {
			return f.Rule
		}
	case exception.ByPackage:
		return f.Package
	}
	return ""
}

// accept is the form that asks for time for findings, with what it would cover.
func (h *Handlers) accept(c echo.Context, status int, values url.Values, f view.Form) error {
	names, err := h.names(c)
	if err != nil {
		return err
	}
	r, err := h.scopeOf(c, values, names)
	if err != nil {
		return err
	}
	p, err := h.findings.Prospect(kit.Ctx(c), kit.Of(c).Actor, &r)
	if message, _, _, ok := kit.Invalid(err); ok && kit.Status(err) == http.StatusUnprocessableEntity {
		return kit.Done(c, "/findings", message)
	}
	if err != nil {
		return err
	}
	a := view.Accept{Page: kit.Page(c, "exceptions", "Accept for now", crumbs(c)...), Form: f, LookAt: kit.In(c, "/exceptions/new"), Action: kit.In(c, "/exceptions"), Cancel: kit.In(c, "/findings"), Rule: r.Subject == exception.OfRule}
	if len(r.Findings) == 1 {
		a.Cancel = kit.In(c, fmt.Sprintf("/findings/%d", r.Findings[0]))
	}
	h.preview(c, &a, &p, &r, names)
	if err := h.choices(c, &a, &r, values, names); err != nil {
		return err
	}
	if a.Form.Values == nil {
		a.Form.Values = map[string]string{"days": strconv.Itoa(min(a.Most, 90))}
	}
	if r.Renews != 0 {
		if err := h.goesOn(c, &a, r.Renews); err != nil {
			return err
		}
	}
	a.Owners, err = h.owners(c, kit.Number64(a.Form.Values["owner"]))
	if err != nil {
		return err
	}
	return kit.Render(c, status, view.AcceptFindings(a))
}

// preview is what would be covered.
func (h *Handlers) preview(c echo.Context, a *view.Accept, p *finding.Prospect, r *exception.Request, names map[int64]inventory.Service) {
	a.What = cmp.Or(p.Title, "Nothing of this can be accepted")
	a.Covered = view.Covered{Rows: rows(c, p.Covered, names), Total: ui.Plural(p.Total, "finding", "findings") + " now"}
	if p.More {
		a.Covered.Total = fmt.Sprintf("more than %d findings now", p.Total)
	}
	if n := p.Total - len(p.Covered); n > 0 {
		a.Covered.Total += fmt.Sprintf(", the %d most urgent are named", len(p.Covered))
	}
	if a.Rule {
		a.Covered.Total += ", and those that come"
	}
	a.Stay = rows(c, p.Stay, names)
	a.Most = exception.LimitOf(string(p.Severity))
	a.MostWords = fmt.Sprintf("From 1 to %d, because the worst of it is %s. It ends by itself; you can ask again.", a.Most, p.Severity)
	if p.Total == 0 {
		a.Covered.Total, a.Empty = "", "What was chosen is closed, or somebody judged it already."
	}
	a.Hidden = []view.Pair{{Key: "subject", Value: string(r.Subject)}}
	if a.Rule {
		a.Hidden = append(a.Hidden, view.Pair{Key: "scope", Value: string(r.MatchBy)}, view.Pair{Key: "value", Value: r.MatchValue})
		for _, id := range r.Services {
			a.Hidden = append(a.Hidden, view.Pair{Key: "where", Value: names[id].Slug})
		}
	}
	for _, id := range r.Findings {
		a.Hidden = append(a.Hidden, view.Pair{Key: "finding", Value: strconv.FormatInt(id, 10)})
	}
}

// choices are what else than the chosen findings could be accepted: what they have in common.
func (h *Handlers) choices(c echo.Context, a *view.Accept, r *exception.Request, values url.Values, names map[int64]inventory.Service) error {
	if r.Renews != 0 || len(r.Findings) != 1 {
		return nil
	}
	d, err := h.findings.Get(kit.Ctx(c), kit.Of(c).Actor, r.Findings[0])
	if err != nil {
		return err
	}
	a.Keep = []view.Pair{{Key: "finding", Value: strconv.FormatInt(d.ID, 10)}}
	a.Scopes = []ui.Option{{Value: "", Label: "This finding only"}}
	for _, by := range exception.Matches() {
		if v := valueOf(&d.Finding, by); v != "" {
			a.Scopes = append(a.Scopes, ui.Option{Value: string(by), Label: "The " + matchWords[by] + " " + v + ", wherever it shows", Chosen: r.MatchBy == by})
		}
	}
	if !a.Rule {
		return nil
	}
	every := *r
	every.ServiceID, every.Services = 0, nil
	p, err := h.findings.Prospect(kit.Ctx(c), kit.Of(c).Actor, &every)
	if err != nil {
		return err
	}
	for _, id := range p.Services() {
		if s, known := names[id]; known {
			a.Places = append(a.Places, ui.Check{Name: "where", Value: s.Slug, Label: s.Name, On: slices.Contains(values["where"], s.Slug)})
		}
	}
	slices.SortFunc(a.Places, func(x, y ui.Check) int { return strings.Compare(x.Label, y.Label) })
	return nil
}

// goesOn fills the form of a renewal with the words of the exception before it.
func (h *Handlers) goesOn(c echo.Context, a *view.Accept, id int64) error {
	old, err := h.get(c, id)
	if err != nil {
		return err
	}
	a.Renews, a.Cancel = strconv.FormatInt(id, 10), kit.In(c, fmt.Sprintf("/exceptions/%d", id))
	a.RenewWords = renewWords(&old)
	for name, text := range map[string]string{"reason": old.Reason, "compensating": old.Compensating, "owner": strconv.FormatInt(old.OwnerID, 10)} {
		if _, typed := a.Form.Values[name]; !typed {
			a.Form.Values[name] = text
		}
	}
	return nil
}

func renewWords(old *exception.Exception) string {
	return "It goes on from the exception that " + old.RequesterName + " asked for on " + old.RequestedAt.UTC().Format(day) + ". Say what changed since."
}

// requestFindings stores the request.
func (h *Handlers) requestFindings(c echo.Context, values url.Values) error {
	names, err := h.names(c)
	if err != nil {
		return err
	}
	r, err := h.scopeOf(c, values, names)
	if err != nil {
		return err
	}
	r.Reason, r.Compensating, r.Days, r.OwnerID = values.Get("reason"), values.Get("compensating"), kit.Number(values.Get("days")), kit.Number64(values.Get("owner"))
	e, err := h.posture.AskForFindings(kit.Ctx(c), kit.Of(c).Actor, r)
	if err != nil {
		message, fields, _, ok := kit.Invalid(err)
		if !ok || fields["scope"] != "" {
			if ok {
				return kit.Done(c, "/findings", message)
			}
			return err
		}
		return h.accept(c, kit.Status(err), values, form("ask", values, fields, message))
	}
	return kit.Done(c, fmt.Sprintf("/exceptions/%d", e.ID), "Asked. Somebody else has to decide on it.")
}

// rows are findings as these pages list them.
func rows(c echo.Context, list []finding.Finding, names map[int64]inventory.Service) []view.Finding {
	var out []view.Finding
	for i := range list {
		f := &list[i]
		parts := []string{cmp.Or(names[f.ServiceID].Name, "nobody’s: "+f.Label)}
		for _, word := range []string{f.Vulnerability, strings.TrimSpace(f.Package + " " + f.Installed), f.Path} {
			if word != "" {
				parts = append(parts, word)
			}
		}
		out = append(out, view.Finding{Href: kit.In(c, fmt.Sprintf("/findings/%d", f.ID)), Title: f.Title, Sub: strings.Join(parts, " · "), Level: ui.LevelOf(string(f.Severity))})
	}
	return out
}

// covers lists the findings of an exception: what it accepts now, or what it would.
func (h *Handlers) covers(c echo.Context, e *exception.Exception, o *view.One, names map[int64]inventory.Service) error {
	ctx, v := kit.Ctx(c), kit.Of(c)
	if e.State == exception.Requested && v.Now.Before(e.ExpiresAt) {
		r := exception.Request{Subject: e.Subject, MatchBy: e.MatchBy, MatchValue: e.MatchValue, Findings: e.Findings, Services: e.Services}
		if e.Subject == exception.OfRule && e.ServiceID > 0 {
			r.Services = []int64{e.ServiceID}
		}
		p, err := h.findings.Prospect(ctx, v.Actor, &r)
		if err != nil {
			return err
		}
		a := view.Accept{Rule: e.Subject == exception.OfRule}
		h.preview(c, &a, &p, &r, names)
		o.CoveredTitle, o.Covered = "What it would cover", &a.Covered
		if p.Total == 0 {
			o.Covered.Total = "nothing is left"
		}
		return nil
	}
	page, err := h.findings.List(ctx, v.Actor, finding.Filter{Everything: true, Exception: e.ID, After: c.QueryParam("after")})
	if err != nil {
		return err
	}
	o.CoveredTitle, o.Covered = "What it accepts", &view.Covered{Rows: rows(c, page.Rows, names), Total: ui.Plural(int(page.Total), "finding", "findings")}
	if page.Total == 0 {
		o.Covered.Total = "nothing now"
	}
	base := fmt.Sprintf("/exceptions/%d", e.ID)
	if c.QueryParam("after") != "" {
		o.Covered.First = kit.In(c, base)
	}
	if page.Next != "" {
		o.Covered.Next = kit.In(c, base+"?after="+url.QueryEscape(page.Next))
	}
	return nil
}
