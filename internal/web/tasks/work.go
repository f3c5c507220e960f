package tasks

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/remediation"
	"muster/internal/web/kit"
	view "muster/views/tasks"
	"muster/views/ui"
)

// dated is one line of somebody's work with the day that it stands by.
type dated struct {
	at   time.Time
	line view.Mine
}

func (h *Handlers) work(c echo.Context) error {
	ctx, v := kit.Ctx(c), kit.Of(c)
	n, err := h.names(c)
	if err != nil {
		return err
	}
	inUse := slices.DeleteFunc(slices.Clone(n.roster), func(s inventory.Service) bool { return s.RetiredAt != nil || s.MergedInto != 0 })
	w, err := h.tasks.Mine(ctx, v.Actor, inUse)
	if err != nil {
		return err
	}
	p := view.Work{Page: kit.Page(c, "my-work", "My work"), Board: address(kit.In(c, "/tasks/board"), "team", "1"), Tasks: kit.In(c, "/tasks"), Teams: address(kit.In(c, "/tasks"), "team", "1"), NoTeam: len(w.Teams) == 0, May: kit.Can(c, access.Write, access.Tasks), More: w.MoreTasks}
	p.Lead = fmt.Sprintf("%s and %s that no task covers, of %s your teams own.", ui.Plural(len(w.Tasks), "task", "tasks"), ui.Plural(len(w.Findings), "finding", "findings"), ui.Plural(w.Services, "service", "services"))
	if p.NoTeam {
		p.Lead = ui.Plural(len(w.Tasks), "task", "tasks") + ". You are in no team, so no services are yours."
	}
	p.Groups = grouped(lines(c, &w, n), v.Now)
	return kit.Render(c, http.StatusOK, view.MyWork(p))
}

// lines puts tasks and findings into one list, what is due first on top.
func lines(c echo.Context, w *remediation.Work, n *names) []dated {
	var list []dated
	for i := range w.Tasks {
		t := &w.Tasks[i]
		line := view.Mine{Row: row(c, t, n)}
		line.Sub = stateWord(t.State).Text + " · " + line.Sub
		if t.AssigneeID == 0 {
			line.Sub += " · " + n.teams[t.TeamID]
		}
		at := t.SortAt
		if t.State == remediation.Fixed {
			at = farOff // it waits for proof
		}
		list = append(list, dated{at, line})
	}
	for i := range w.Findings {
		list = append(list, dated{*w.Findings[i].DueAt, found(c, &w.Findings[i], n)})
	}
	slices.SortStableFunc(list, func(a, b dated) int { return a.at.Compare(b.at) })
	return list
}

var farOff = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// found is a finding that no task covers.
func found(c echo.Context, f *finding.Finding, n *names) view.Mine {
	id := strconv.FormatInt(f.ID, 10)
	r := view.Row{ID: "f" + id, Href: kit.In(c, "/findings/"+id), Title: f.Title, Level: level(f.Severity), Due: due(f.DueAt, kit.Of(c).Now), DueDay: f.DueAt}
	parts := []string{"Finding"}
	for _, p := range []string{n.services[f.ServiceID].Name, f.Vulnerability, strings.TrimSpace(f.Package + " " + f.Installed)} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	r.Sub = strings.Join(parts, " · ")
	line := view.Mine{Row: r, Finding: true}
	if n.may {
		line.MakeTo = address(kit.In(c, "/tasks/new"), "id", id)
	}
	return line
}

// grouped splits a list by when things are due.
func grouped(list []dated, now time.Time) []view.Group {
	groups := []view.Group{
		{Title: "Overdue", Note: "the longest first", Tone: ui.Bad},
		{Title: "This week", Note: "due within seven days", Tone: ui.Warn},
		{Title: "Later", Note: "or without a date", Tone: ui.Unk},
	}
	for _, d := range list {
		at := 2
		switch {
		case d.at.Before(now):
			at = 0
		case d.at.Before(now.AddDate(0, 0, 7)):
			at = 1
		}
		groups[at].Rows = append(groups[at].Rows, d.line)
	}
	return slices.DeleteFunc(groups, func(g view.Group) bool { return len(g.Rows) == 0 })
}
