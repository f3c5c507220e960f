package jobs

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/jobs"
	"muster/internal/web/kit"
	view "muster/views/jobs"
	"muster/views/layout"
	"muster/views/ui"
)

func (h *Handlers) schedules(c echo.Context) error {
	number := max(1, kit.Number(c.QueryParam("page")))
	list, total, err := h.jobs.Schedules(kit.Ctx(c), kit.Of(c).Actor, number)
	if err != nil {
		return err
	}
	attention, err := h.jobs.Attention(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	titles := h.titles()
	s := view.Schedules{Page: kit.Page(c, "schedules", "Schedules"), MayPlan: kit.Can(c, access.Write, access.Schedules), NewTo: kit.In(c, "/schedules/new"), RunsTo: kit.In(c, "/scans")}
	for i := range attention.Due {
		s.Due = append(s.Due, h.row(c, &attention.Due[i], titles))
	}
	for i := range list {
		s.Rows = append(s.Rows, h.planned(c, &list[i], titles))
	}
	s.Pages = pages(number, total, jobs.PageSize, "schedule", "schedules", func(n int) string { return kit.In(c, fmt.Sprintf("/schedules?page=%d", n)) })
	return kit.Render(c, http.StatusOK, view.Plan(s))
}

func (h *Handlers) planned(c echo.Context, p *jobs.Planned, titles map[string]string) view.Planned {
	base := kit.In(c, fmt.Sprintf("/schedules/%d", p.ID))
	v := view.Planned{Name: p.Name, Kind: kindTitle(titles, p.Kind), Paused: p.Paused, EditTo: base}
	if r, err := p.Rhythm(); err == nil {
		v.Words, v.Next = r.Words(), nexts(r, kit.Of(c).Now)
	}
	if p.Last != nil {
		row := h.row(c, p.Last, titles)
		v.Last = &row
	}
	if kit.Can(c, access.Write, access.Scans) {
		v.RunTo = base + "/run"
	}
	if kit.Can(c, access.Write, access.Schedules) {
		if v.PauseTo = base + "/pause"; p.Paused {
			v.PauseTo, v.GoOnTo = "", base+"/resume"
		}
	}
	return v
}

// find reads the schedule of the address.
func (h *Handlers) find(c echo.Context) (jobs.Schedule, error) {
	id, err := kit.ID(c, "id")
	if err != nil {
		return jobs.Schedule{}, err
	}
	return h.jobs.ScheduleOf(kit.Ctx(c), kit.Of(c).Actor, id)
}

func (h *Handlers) newSchedule(c echo.Context) error {
	if err := kit.Require(c, access.Write, access.Schedules); err != nil {
		return err
	}
	return h.form(c, http.StatusOK, nil, view.Form{Values: map[string]string{"kind": c.QueryParam("kind"), "spec": "0 3 * * *", "zone": "UTC", "catch_up": string(jobs.CatchUpOnce)}})
}

// schedule shows the form of a schedule. Who may not change it reads it.
func (h *Handlers) schedule(c echo.Context) error {
	s, err := h.find(c)
	if err != nil {
		return err
	}
	return h.form(c, http.StatusOK, &s, view.Form{Values: map[string]string{"kind": s.Kind, "name": s.Name, "spec": s.Spec, "zone": s.Zone, "catch_up": string(s.CatchUp)}})
}

func (h *Handlers) form(c echo.Context, status int, s *jobs.Schedule, f view.Form) error {
	crumb := layout.Crumb{Label: "Schedules", Href: kit.In(c, "/schedules")}
	e := view.Edit{Form: f, Title: "Add a schedule", Lead: "What is to be done, and in which rhythm.", Action: kit.In(c, "/schedules"), Cancel: kit.In(c, "/schedules"), May: kit.Can(c, access.Write, access.Schedules)}
	if s != nil {
		e.Title, e.Lead, e.Action = s.Name, "A change counts from now on; past runs stay as they were.", kit.In(c, fmt.Sprintf("/schedules/%d", s.ID))
		if e.May {
			e.DeleteTo = e.Action + "/delete"
		} else {
			e.Lead = "An owner or an admin can change it."
		}
	}
	e.Page = kit.Page(c, "schedules", e.Title, crumb)
	e.Kinds = append(e.Kinds, ui.Option{Label: "Choose"})
	for _, k := range h.jobs.Kinds() {
		e.Kinds = append(e.Kinds, ui.Option{Value: k.ID, Label: k.Title + ": " + strings.ToLower(k.What[:1]) + k.What[1:], Chosen: k.ID == f.Values["kind"]})
		if k.ID == f.Values["kind"] {
			e.Kind = k.Title
		}
	}
	for _, o := range []struct {
		value       jobs.CatchUp
		label, hint string
	}{
		{jobs.CatchUpOnce, "Run once as soon as possible", "However many times passed, it is one run, marked as late."},
		{jobs.CatchUpMiss, "Write it down as missed", "The next run comes at its usual time."},
	} {
		e.CatchUps = append(e.CatchUps, ui.Check{ID: "f-" + string(o.value), Name: "catch_up", Value: string(o.value), Label: o.label, Hint: o.hint, Radio: true, On: string(o.value) == f.Values["catch_up"]})
		if string(o.value) == f.Values["catch_up"] {
			e.Missed = o.label
		}
	}
	if r, err := jobs.ParseRhythm(f.Values["spec"], f.Values["zone"]); err == nil {
		e.Words, e.Next = "Runs "+r.Words(), nexts(r, kit.Of(c).Now)
	}
	for _, name := range []string{"kind", "name", "spec", "zone", "catch_up"} {
		if text := f.Errors[name]; text != "" {
			e.Problems = append(e.Problems, ui.Problem{Field: name, Text: text})
		}
	}
	return kit.Render(c, status, view.Change(e))
}

func read(values url.Values) (jobs.Plan, view.Form) {
	f := view.Form{Values: map[string]string{}}
	for _, name := range []string{"kind", "name", "spec", "zone", "catch_up"} {
		f.Values[name] = values.Get(name)
	}
	return jobs.Plan{Kind: f.Values["kind"], Name: f.Values["name"], Spec: f.Values["spec"], Zone: f.Values["zone"], CatchUp: jobs.CatchUp(f.Values["catch_up"])}, f
}

func (h *Handlers) create(c echo.Context) error { return h.save(c, nil) }

func (h *Handlers) edit(c echo.Context) error {
	s, err := h.find(c)
	if err != nil {
		return err
	}
	return h.save(c, &s)
}

// save stores the form, or only shows when it would run.
func (h *Handlers) save(c echo.Context, s *jobs.Schedule) error {
	if err := kit.Require(c, access.Write, access.Schedules); err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	p, f := read(values)
	if values.Get("do") == "look" {
		if _, err = jobs.ParseRhythm(p.Spec, p.Zone); err == nil {
			return h.form(c, http.StatusOK, s, f)
		}
	} else if s == nil {
		_, err = h.jobs.Create(kit.Ctx(c), kit.Of(c).Actor, p)
	} else {
		_, err = h.jobs.Edit(kit.Ctx(c), kit.Of(c).Actor, s.ID, p)
	}
	if err != nil {
		message, fields, _, ok := kit.Invalid(err)
		if !ok {
			return err
		}
		f.Message, f.Errors = message, fields
		return h.form(c, kit.Status(err), s, f)
	}
	return kit.Done(c, "/schedules", "Saved.")
}

func (h *Handlers) remove(c echo.Context) error {
	s, err := h.find(c)
	if err != nil {
		return err
	}
	if err := kit.Require(c, access.Write, access.Schedules); err != nil {
		return err
	}
	base := fmt.Sprintf("/schedules/%d", s.ID)
	g := view.Remove{Name: s.Name, Action: kit.In(c, base+"/delete"), Cancel: kit.In(c, base)}
	g.Page = kit.Page(c, "schedules", "Delete "+s.Name, layout.Crumb{Label: "Schedules", Href: kit.In(c, "/schedules")}, layout.Crumb{Label: s.Name, Href: kit.In(c, base)})
	if r, err := s.Rhythm(); err == nil {
		g.Words = r.Words()
	}
	return kit.Render(c, http.StatusOK, view.Gone(g))
}

func (h *Handlers) removed(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	if err := h.jobs.Delete(kit.Ctx(c), kit.Of(c).Actor, id); err != nil {
		return err
	}
	return kit.Done(c, "/schedules", "Deleted. What it found stays.")
}
