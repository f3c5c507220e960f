package jobs

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/jobs"
	"muster/internal/web/kit"
	view "muster/views/jobs"
	"muster/views/layout"
	"muster/views/ui"
)

func (h *Handlers) show(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	return h.page(c, id, http.StatusOK, view.Form{})
}

// asked is which part of a run's lists the address asks for.
func asked(c echo.Context) (children, lines int) {
	return max(1, kit.Number(c.QueryParam("parts"))), max(1, kit.Number(c.QueryParam("log")))
}

func (h *Handlers) page(c echo.Context, id int64, status int, f view.Form) error {
	children, lines := asked(c)
	d, err := h.jobs.Get(kit.Ctx(c), kit.Of(c).Actor, id, children, lines)
	if err != nil {
		return err
	}
	titles := h.titles()
	o := view.One{Page: kit.Page(c, "scans", d.Name, h.crumbs(c, d)...), Name: d.Name, Kind: kindTitle(titles, d.Kind), Late: d.Late, Form: f, Live: h.live(c, d, titles, children, lines), Facts: h.facts(c, d)}
	base := kit.In(c, scanPath(id))
	if d.State.Open() {
		o.EventsTo = base + "/events?" + query(children, lines).Encode()
		o.Page.Refresh = 5
	}
	if d.State == jobs.Done {
		o.Numbers = numbers(&d.Run, d.Before)
	}
	if d.Before != nil && len(o.Numbers) > 0 {
		o.BeforeHref, o.BeforeAt = kit.In(c, scanPath(d.Before.ID)), d.Before.CreatedAt
	}
	if kit.Can(c, access.Write, access.Scans) {
		switch {
		case d.State.Open() && !d.CancelRequested:
			o.CancelTo = base + "/cancel"
		case d.State == jobs.Dead:
			o.RetryTo, o.DiscardTo = base+"/retry", base+"/discard"
		case d.Due:
			o.DoneTo = base + "/done"
		}
	}
	return kit.Render(c, status, view.Show(o))
}

func query(children, lines int) url.Values {
	v := url.Values{}
	for key, n := range map[string]int{"parts": children, "log": lines} {
		if n > 1 {
			v.Set(key, fmt.Sprint(n))
		}
	}
	return v
}

func (h *Handlers) crumbs(c echo.Context, d *jobs.Detail) []layout.Crumb {
	list := []layout.Crumb{{Label: "Scans", Href: kit.In(c, "/scans")}}
	if d.Parent != nil {
		list = append(list, layout.Crumb{Label: d.Parent.Name, Href: kit.In(c, scanPath(d.Parent.ID))})
	}
	return list
}

// live is what changes while a run runs; its page and its stream draw the same.
func (h *Handlers) live(c echo.Context, d *jobs.Detail, titles map[string]string, children, lines int) view.Live {
	now := kit.Of(c).Now
	w := wordOf(&d.Run)
	l := view.Live{Now: now, State: ui.Word{Text: w.short, Tone: w.tone}, Icon: w.icon, Sentence: sentence(&d.Run, now), Open: d.State.Open(),
		Progress: view.Progress{Done: d.ProgressDone, Total: d.ProgressTotal, Words: d.ProgressWords}}
	if d.State == jobs.Failed || d.State == jobs.Dead || d.State == jobs.Missed {
		l.Failure = d.Failure
	}
	for i := range d.Children.Rows {
		l.Children = append(l.Children, h.row(c, &d.Children.Rows[i], titles))
	}
	l.PartWords = partWords(d.States)
	base := kit.In(c, scanPath(d.ID))
	l.ChildPages = pages(children, d.Children.Total, jobs.PageSize, "part", "parts", func(n int) string { return base + "?" + query(n, lines).Encode() })
	for i := range d.Lines {
		n := &d.Lines[i]
		l.Lines = append(l.Lines, view.Line{At: n.At, Clock: n.At.UTC().Format(time.TimeOnly), Text: n.Line, Bad: n.Level == jobs.LevelError})
	}
	l.LinePages = pages(lines, int64(d.LogLines), jobs.LinesSize, "line", "lines", func(n int) string { return base + "?" + query(children, n).Encode() })
	return l
}

// facts are what is known of a run besides its state.
func (h *Handlers) facts(c echo.Context, d *jobs.Detail) []view.Fact {
	var list []view.Fact
	clock := func(label string, at *time.Time) {
		if at != nil && !at.IsZero() {
			list = append(list, view.Fact{Label: label, Text: ui.Ago(*at, kit.Of(c).Now), At: *at})
		}
	}
	if d.Schedule != nil {
		list = append(list, view.Fact{Label: "Schedule", Text: d.Schedule.Name, Href: kit.In(c, fmt.Sprintf("/schedules/%d", d.Schedule.ID))})
	} else if d.ScheduleID > 0 {
		list = append(list, view.Fact{Label: "Schedule", Text: "one that was deleted"})
	}
	if d.Parent != nil {
		list = append(list, view.Fact{Label: "Part of", Text: d.Parent.Name, Href: kit.In(c, scanPath(d.Parent.ID))})
	}
	if planned := d.Planned(); !planned.IsZero() {
		clock("Planned for", &planned)
	}
	list = append(list, view.Fact{Label: "Started by", Text: cmp.Or(by(&d.Run), "Muster")})
	clock("Asked for", &d.CreatedAt)
	clock("Started", d.StartedAt)
	clock("Ended", d.FinishedAt)
	if t := took(&d.Run); t != "" {
		list = append(list, view.Fact{Label: "Took", Text: t})
	}
	if d.Attempt > 1 || d.State == jobs.Failed || d.State == jobs.Dead {
		list = append(list, view.Fact{Label: "Attempts", Text: fmt.Sprintf("%d of %d", d.Attempt, d.MaxAttempts)})
	}
	clock("Done", d.SettledAt)
	return list
}
