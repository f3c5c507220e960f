package tasks

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/remediation"
	"muster/internal/web/kit"
	view "muster/views/tasks"
	"muster/views/ui"
)

// form keeps what was typed, with what is wrong with it.
func form(kind string, values url.Values, fields map[string]string, message string) view.Form {
	f := view.Form{Kind: kind, Message: message, Errors: fields, Values: map[string]string{}}
	for name := range values {
		f.Values[name] = values.Get(name)
	}
	for _, name := range []string{"to", "note", "title", "who", "planned", "blocked", "covers", "item", "comment"} {
		if text := fields[name]; text != "" {
			f.Problems = append(f.Problems, ui.Problem{Field: name, Text: text})
		}
	}
	return f
}

func (h *Handlers) show(c echo.Context) error { return h.one(c, http.StatusOK, view.Form{}) }

func (h *Handlers) one(c echo.Context, status int, f view.Form) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	after := kit.Number64(c.QueryParam("after"))
	d, err := h.tasks.Get(kit.Ctx(c), kit.Of(c).Actor, id, after)
	if err != nil {
		return err
	}
	n, err := h.names(c)
	if err != nil {
		return err
	}
	o := describe(c, &d, n)
	o.Form = f
	if after > 0 {
		o.ItemsFirst = o.Base
	}
	if d.Next != 0 {
		o.ItemsNext = address(o.Base, "after", strconv.FormatInt(d.Next, 10))
	}
	if o.May {
		chosen := "owner"
		switch {
		case f.Kind == "edit":
			chosen = f.Values["who"]
		case d.AssigneeID != 0:
			chosen = "user:" + strconv.FormatInt(d.AssigneeID, 10)
		case !d.ByOwner && d.TeamID != 0:
			chosen = "team:" + strconv.FormatInt(d.TeamID, 10)
		}
		if o.Who, err = h.people(c, chosen, n); err != nil {
			return err
		}
		o.Who = left(o.Who, chosen, &d.Task)
	}
	return kit.Render(c, status, view.Show(o))
}

// left keeps somebody in the choice who has the task and may not work here any more.
func left(list []ui.Option, chosen string, t *remediation.Task) []ui.Option {
	for _, o := range list {
		if o.Chosen {
			return list
		}
	}
	if t.AssigneeID == 0 || chosen != "user:"+strconv.FormatInt(t.AssigneeID, 10) {
		return list
	}
	return append(list, ui.Option{Value: chosen, Label: t.AssigneeName + ", who works here no more", Chosen: true})
}

// describe is everything that is read on the page.
func describe(c echo.Context, d *remediation.Detail, n *names) view.One {
	t := &d.Task
	may, imports := n.may, kit.Can(c, access.Read, access.Imports)
	o := view.One{Page: kit.Page(c, "tasks", t.Title, crumbs(c)...), Number: "#" + strconv.FormatInt(t.ID, 10), Row: row(c, t, n), Note: t.Note, Title: t.Title, Version: strconv.Itoa(t.Version), Base: kit.In(c, "/tasks/"+strconv.FormatInt(t.ID, 10)),
		May: may, MayComment: kit.Can(c, access.Comment, access.Tasks), MayBlock: may && t.State.ToWork(), MayUncover: may && t.Items > 1, CreatedBy: t.CreatedName, CreatedAt: t.CreatedAt}
	controls := false
	for i := range d.Covers {
		o.Items = append(o.Items, item(c, &d.Covers[i], n))
		controls = controls || d.Covers[i].FindingID == 0 && d.Covers[i].Standing == remediation.Live
	}
	o.StateNote = stateNote(t, controls)
	o.Progress = progress(d, n)
	o.ItemsTotal = done(t)
	o.DueWords = whyThen(d)
	if t.PlannedAt != nil {
		o.Planned = t.PlannedAt.Format("2006-01-02")
	}
	if t.AssigneeID != 0 && t.TeamID != 0 {
		o.Team = "of the team " + n.teams[t.TeamID] + ", which owns it"
	}
	if may {
		o.Ways = []ui.Option{{Label: "Choose"}}
		for _, to := range remediation.Ways(t.State) {
			o.Ways = append(o.Ways, ui.Option{Value: string(to), Label: stateWord(to).Text})
		}
	}
	for i := range d.Events {
		o.Events = append(o.Events, event(c, &d.Events[i], imports))
	}
	return o
}

// progress says in a sentence how far the whole is.
func progress(d *remediation.Detail, n *names) string {
	words := "in " + n.where(d.ServiceIDs()) + ": "
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{d.Sum[remediation.Live], "to do"}, {d.Sum[remediation.Said], "fixed, not proven"}, {d.Sum[remediation.Proven] + d.Sum[remediation.Lapsed], "proven gone"}, {d.Sum[remediation.Settled], "decided otherwise"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	return words + strings.Join(parts, ", ") + "."
}

// whyThen says why a task is due on its day.
func whyThen(d *remediation.Detail) string {
	switch {
	case d.DueAt == nil && d.Live > 0:
		return "Nothing of what it covers has a due date."
	case d.DueAt == nil:
		return "Nothing of it is due any more."
	case d.First == nil:
		return "That is the earliest date of what it covers."
	}
	return "That is the earliest date of what it covers: finding " + strconv.FormatInt(d.First.FindingID, 10) + ", “" + d.First.Title + "”."
}

// change runs one form of a task's page, and shows the page again where it is refused.
func (h *Handlers) change(c echo.Context, kind, said string, do func(id int64, values url.Values) error) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if err := do(id, values); err != nil {
		message, fields, _, ok := kit.Invalid(err)
		if !ok {
			return err
		}
		if values.Get("back") == "board" {
			return h.columns(c, kit.Status(err), message)
		}
		return h.one(c, kit.Status(err), form(kind, values, fields, message))
	}
	back := "/tasks/" + strconv.FormatInt(id, 10)
	switch values.Get("back") {
	case "board":
		back = "/tasks/board"
	case "work":
		back = "/my-work"
	}
	return kit.Done(c, back, said)
}

func (h *Handlers) move(c echo.Context) error {
	return h.change(c, "move", "Moved.", func(id int64, values url.Values) error {
		_, err := h.steward.MoveTask(kit.Ctx(c), kit.Of(c).Actor, id, remediation.Step{To: remediation.State(values.Get("to")), Note: values.Get("note"), Version: kit.Number(values.Get("version"))})
		return err
	})
}

func (h *Handlers) edit(c echo.Context) error {
	return h.change(c, "edit", "Saved.", func(id int64, values url.Values) error {
		e := remediation.Edit{Title: values.Get("title"), Note: values.Get("note"), Who: values.Get("who"), Planned: values.Get("planned"), Version: kit.Number(values.Get("version"))}
		_, err := h.tasks.Save(kit.Ctx(c), kit.Of(c).Actor, id, e)
		return err
	})
}

func (h *Handlers) block(c echo.Context) error {
	return h.change(c, "block", "Noted.", func(id int64, values url.Values) error {
		why := strings.TrimSpace(values.Get("blocked"))
		if values.Get("block") != "" && why == "" {
			if err := kit.Require(c, access.Write, access.Tasks); err != nil {
				return err
			}
			return fault.Field("blocked", "Say what the task waits for.")
		}
		_, err := h.tasks.Block(kit.Ctx(c), kit.Of(c).Actor, id, why, kit.Number(values.Get("version")))
		return err
	})
}

func (h *Handlers) cover(c echo.Context) error {
	return h.change(c, "cover", "Added.", func(id int64, values url.Values) error {
		number := strings.TrimPrefix(strings.TrimSpace(values.Get("covers")), "#")
		d := remediation.Draft{}
		if n := kit.Number64(number); n > 0 {
			d.Findings = []int64{n}
		}
		_, err := h.tasks.Cover(kit.Ctx(c), kit.Of(c).Actor, id, d, kit.Number(values.Get("version")))
		if len(d.Findings) > 0 && fault.Is(err, fault.NotFound) {
			return fault.Field("covers", "There is no finding of that number, or you may not see it.")
		}
		return err
	})
}

func (h *Handlers) uncover(c echo.Context) error {
	return h.change(c, "uncover", "Taken off.", func(id int64, values url.Values) error {
		_, err := h.tasks.Uncover(kit.Ctx(c), kit.Of(c).Actor, id, kit.Number64(values.Get("item")), kit.Number(values.Get("version")))
		return err
	})
}

func (h *Handlers) comment(c echo.Context) error {
	return h.change(c, "comment", "Noted.", func(id int64, values url.Values) error {
		return h.tasks.Comment(kit.Ctx(c), kit.Of(c).Actor, id, values.Get("comment"))
	})
}
