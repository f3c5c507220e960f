// Package jobs serves the pages about what runs by itself: scans, schedules and reminders.
package jobs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/jobs"
	"muster/internal/web/kit"
	view "muster/views/jobs"
	"muster/views/layout"
	"muster/views/ui"
)

// Still asks again whether the person of a visit may be where they are, without counting as a visit.
type Still func(ctx context.Context, v *kit.Visit) (access.Actor, bool)

// Handlers serve the pages.
type Handlers struct {
	jobs     *jobs.Service
	still    Still
	stopping <-chan struct{}

	mu      sync.Mutex
	streams map[int64]int // open streams, by user
}

// New makes the handlers. What streams ends when stopping is closed, or when still says no.
func New(s *jobs.Service, still Still, stopping <-chan struct{}) *Handlers {
	return &Handlers{jobs: s, still: still, stopping: stopping, streams: map[int64]int{}}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/scans", h.list)
	g.GET("/scans/:id", h.show)
	g.GET("/scans/:id/events", h.events)
	g.POST("/scans/:id/cancel", h.act(h.jobs.Cancel, "It is told to stop."))
	g.POST("/scans/:id/retry", h.act(h.jobs.Retry, "It is tried again."))
	g.POST("/scans/:id/discard", h.act(h.jobs.Discard, "Put away. It stays in the list of past runs."))
	g.POST("/scans/:id/done", h.done)
	g.GET("/schedules", h.schedules)
	g.GET("/schedules/new", h.newSchedule)
	g.POST("/schedules", h.create)
	g.GET("/schedules/:id", h.schedule)
	g.POST("/schedules/:id", h.edit)
	g.POST("/schedules/:id/run", h.run)
	g.POST("/schedules/:id/pause", h.change(h.jobs.Pause, "Paused. It runs again when somebody resumes it."))
	g.POST("/schedules/:id/resume", h.change(h.jobs.Resume, "It runs again, from now on."))
	g.GET("/schedules/:id/delete", h.remove)
	g.POST("/schedules/:id/delete", h.removed)
}

func scanPath(id int64) string { return fmt.Sprintf("/scans/%d", id) }

func (h *Handlers) list(c echo.Context) error {
	f := jobs.Filter{State: jobs.State(c.QueryParam("state")), Kind: c.QueryParam("kind"), Page: max(1, kit.Number(c.QueryParam("page")))}
	if !f.State.Valid() {
		f.State = ""
	}
	titles := h.titles()
	if titles[f.Kind] == "" {
		f.Kind = ""
	}
	page, err := h.jobs.List(kit.Ctx(c), kit.Of(c).Actor, f)
	if err != nil {
		return err
	}
	l := view.List{Page: kit.Page(c, "scans", "Scans"), Lead: "What runs, what ran and what came of it.", Clear: kit.In(c, "/scans"), SchedulesTo: kit.In(c, "/schedules"), MaySchedules: true,
		Dead: f.State == jobs.Dead, May: kit.Can(c, access.Write, access.Scans), WhatEmpty: "Nothing ran yet", WhatToDo: "Scans and reminders run by their schedules, or when somebody starts one."}
	if l.May {
		l.ScanTo, l.ReportTo = kit.In(c, "/scans/new"), kit.In(c, "/scans/report")
	}
	l.States = append(l.States, ui.Option{Label: "In any state"})
	for _, s := range jobs.States() {
		l.States = append(l.States, ui.Option{Value: string(s), Label: words[s].long, Chosen: s == f.State})
	}
	l.Kinds = append(l.Kinds, ui.Option{Label: "Of any kind"})
	for _, k := range h.jobs.Kinds() {
		l.Kinds = append(l.Kinds, ui.Option{Value: k.ID, Label: k.Title, Chosen: k.ID == f.Kind})
	}
	address := func(state, kind string, number int) string {
		v := url.Values{}
		for key, value := range map[string]string{"state": state, "kind": kind} {
			if value != "" {
				v.Set(key, value)
			}
		}
		if number > 1 {
			v.Set("page", fmt.Sprint(number))
		}
		return kit.In(c, "/scans?"+v.Encode())
	}
	if f.State != "" {
		l.Chips = append(l.Chips, ui.Chip{Label: words[f.State].long, Without: address("", f.Kind, 1)})
		l.WhatEmpty, l.WhatToDo = "None in this state", "That may be good news."
	}
	if f.Kind != "" {
		l.Chips = append(l.Chips, ui.Chip{Label: titles[f.Kind], Without: address(string(f.State), "", 1)})
		l.WhatEmpty, l.WhatToDo = "None of these", "Nothing has all of these properties."
	}
	for i := range page.Rows {
		l.Rows = append(l.Rows, h.row(c, &page.Rows[i], titles))
	}
	l.Pages = pages(f.Page, page.Total, jobs.PageSize, "run", "runs", func(n int) string { return address(string(f.State), f.Kind, n) })
	return kit.Render(c, http.StatusOK, view.Index(l))
}

// pages leads through a list.
func pages(number int, total int64, size int, one, many string, address func(int) string) ui.Pages {
	p := ui.Pages{Page: number, Of: max(1, int((total+int64(size)-1)/int64(size))), Total: total, What: many}
	if total == 1 {
		p.What = one
	}
	if number > 1 {
		p.Prev = address(min(number-1, p.Of))
	}
	if number < p.Of {
		p.Next = address(number + 1)
	}
	return p
}

// act carries out what a button of a run's page says.
func (h *Handlers) act(do func(context.Context, access.Actor, int64) (jobs.Run, error), done string) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, err := kit.ID(c, "id")
		if err != nil {
			return err
		}
		if _, err := do(kit.Ctx(c), kit.Of(c).Actor, id); err != nil {
			return h.again(c, id, nil, err)
		}
		return kit.Done(c, scanPath(id), done)
	}
}

// done hears that what a reminder asked for was done.
func (h *Handlers) done(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if _, err := h.jobs.MarkDone(kit.Ctx(c), kit.Of(c).Actor, id, values.Get("note")); err != nil {
		return h.again(c, id, values, err)
	}
	return kit.Done(c, "/schedules", "Written down as done.")
}

// again shows the run's page with what was wrong.
func (h *Handlers) again(c echo.Context, id int64, values url.Values, err error) error {
	message, fields, _, ok := kit.Invalid(err)
	if !ok {
		return err
	}
	return h.page(c, id, kit.Status(err), view.Form{Message: message, Errors: fields, Values: map[string]string{"note": values.Get("note")}})
}

// run starts the work of a schedule at once.
func (h *Handlers) run(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	r, err := h.jobs.RunNow(kit.Ctx(c), kit.Of(c).Actor, id)
	if err != nil {
		return h.say(c, err)
	}
	return kit.Done(c, scanPath(r.ID), "Started.")
}

// change carries out what a button beside a schedule says.
func (h *Handlers) change(do func(context.Context, access.Actor, int64) (jobs.Schedule, error), done string) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, err := kit.ID(c, "id")
		if err != nil {
			return err
		}
		if _, err := do(kit.Ctx(c), kit.Of(c).Actor, id); err != nil {
			return h.say(c, err)
		}
		return kit.Done(c, "/schedules", done)
	}
}

// say leads back to the schedules with what was wrong: a button has no field to say it at.
func (h *Handlers) say(c echo.Context, err error) error {
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	f, _ := fault.As(err)
	kit.Say(c, layout.Flash{Text: f.Message, Bad: true})
	return c.Redirect(http.StatusSeeOther, kit.In(c, "/schedules"))
}

// Attention is what of the runs needs a person, for the overview.
func (h *Handlers) Attention(c echo.Context) ([]kit.Notice, error) {
	a, err := h.jobs.Attention(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return nil, err
	}
	var list []kit.Notice
	now := kit.Of(c).Now
	for i := range a.Due {
		r := &a.Due[i]
		list = append(list, kit.Notice{Text: r.Name, Note: "a reminder, until somebody says that it is done", Href: kit.In(c, scanPath(r.ID)), When: ui.Ago(r.CreatedAt, now)})
	}
	if a.Dead > 0 {
		list = append(list, kit.Notice{Text: ui.Plural(a.Dead, "scan gave up", "scans gave up"), Note: "try again, or put away", Href: kit.In(c, "/scans?state=dead"), Bad: true})
	}
	return list, nil
}
