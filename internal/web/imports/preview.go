package imports

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	view "muster/views/imports"
	"muster/views/ui"
)

func (h *Handlers) show(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	i, source, err := h.book.Import(kit.Ctx(c), kit.Of(c).Actor, id)
	if err != nil {
		return err
	}
	if i.State == inventory.ImportPreview {
		return h.previewPage(c, http.StatusOK, id, nil, "")
	}
	return h.decided(c, &i, source.Name)
}

func (h *Handlers) decided(c echo.Context, i *inventory.Import, source string) error {
	s := view.Show{Page: kit.Page(c, "imports", "Import of "+source, crumb(c)), Past: past(c, i, source)}
	ok, why, err := h.flow.MayUndo(kit.Ctx(c), i)
	if err != nil {
		return err
	}
	if ok {
		s.Undo = s.Href + "/undo"
	} else if i.State == inventory.ImportApplied {
		s.WhyNot = why
	}
	var inputs []model.Input
	var problems []model.Problem
	if err := errors.Join(json.Unmarshal([]byte(i.Inputs), &inputs), json.Unmarshal([]byte(i.Problems), &problems)); err != nil {
		return fmt.Errorf("read import %d: %w", i.ID, err)
	}
	s.Files, s.Troubles = filesOf(inputs, problems)
	n := countsOf(i)
	s.Counts = counts(n["services"], n["dependencies"], n["facts"])
	return kit.Render(c, http.StatusOK, view.ShowPage(s))
}

func filesOf(inputs []model.Input, problems []model.Problem) ([]view.File, []view.Trouble) {
	formats := map[string]string{"kubernetes": "Kubernetes", "compose": "Compose", "openapi": "OpenAPI", "dotenv": "Variables"}
	var files []view.File
	for _, in := range inputs {
		files = append(files, view.File{Path: in.Path, Format: strings.TrimSpace(formats[in.Format] + " " + in.Version), Note: in.Note})
	}
	var troubles []view.Trouble
	for _, p := range problems {
		troubles = append(troubles, view.Trouble{Path: p.Path, At: p.At, Text: p.Message})
	}
	return files, troubles
}

func counts(services, calls, facts intake.Counts) []view.Count {
	sum := func(f func(intake.Counts) int) (int, string) {
		return f(services) + f(calls) + f(facts), fmt.Sprintf("%s, %s, %s", ui.Plural(f(services), "service", "services"), ui.Plural(f(calls), "call", "calls"), ui.Plural(f(facts), "fact", "facts"))
	}
	list := []view.Count{{Label: "New"}, {Label: "Changed"}, {Label: "Unchanged"}, {Label: "Gone"}}
	list[0].N, list[0].Note = sum(func(c intake.Counts) int { return c.Created })
	list[1].N, list[1].Note = sum(func(c intake.Counts) int { return c.Changed })
	list[2].N, list[2].Note = sum(func(c intake.Counts) int { return c.Unchanged })
	list[3].N, list[3].Note = sum(func(c intake.Counts) int { return c.Gone })
	if list[3].N > 0 {
		list[3].Tone = ui.Warn
	}
	return list
}

// maxLines is how many changes one preview shows; the numbers above count all.
const maxLines = 150

func (h *Handlers) previewPage(c echo.Context, status int, id int64, values url.Values, message string) error {
	v := kit.Of(c)
	preview, err := h.flow.Preview(kit.Ctx(c), v.Actor, id, choicesOf(values))
	if err != nil {
		return err
	}
	everyone, err := h.book.Everyone(kit.Ctx(c), v.Actor)
	if err != nil {
		return err
	}
	href := kit.In(c, "/imports/"+strconv.FormatInt(id, 10))
	p := view.Preview{Page: kit.Page(c, "imports", "Check before importing", crumb(c)), ID: id, Confirm: href + "/confirm", Cancel: href + "/cancel", Message: message, Same: preview.SameBefore, Nothing: preview.Plan.Nothing(),
		All: href, RiskHref: href + "?show=risk", OnlyRisk: c.QueryParam("show") == "risk"}
	p.Lead = fmt.Sprintf("%s from %s, as source “%s”. Nothing is stored until you confirm.", ui.Plural(len(preview.Inputs), "file", "files"), preview.Import.ActorName, preview.Source.Name)
	if preview.Import.Partial {
		p.Lead = strings.Replace(p.Lead, "”.", "”, a part only.", 1)
	}
	p.Counts = counts(preview.Plan.Services, preview.Plan.Dependencies, preview.Plan.Facts)
	p.Counts = append(p.Counts, view.Count{Label: "Unresolved", N: len(preview.Plan.Unresolved), Note: "names we could not match"})
	p.Files, p.Troubles = filesOf(preview.Inputs, preview.Problems)
	if preview.Plan.Held {
		p.Held = fmt.Sprintf("%d workloads that this source showed before are not in these files, more than half. Did the export fail? If it did, or if these files are only a part, cancel and import again.", len(preview.Plan.Writes.Ended.Bindings))
	}
	asks(&p, preview.Plan, everyone)
	for _, l := range preview.Plan.Lines {
		if l.Risk {
			p.Risks++
		}
		if p.OnlyRisk && !l.Risk {
			continue
		}
		if len(p.Lines) >= maxLines {
			p.More++
			continue
		}
		p.Lines = append(p.Lines, view.Line{Kind: string(l.Kind), Subject: l.Subject, Text: l.Text, At: l.At, Risk: l.Risk})
	}
	return kit.Render(c, status, view.Check(p))
}

// asks offers a choice for each group that is new, and for each API document.
func asks(p *view.Preview, plan *intake.Plan, everyone []inventory.Service) {
	options := func(first string, chosen int64) []ui.Option {
		list := []ui.Option{{Value: "0", Label: first, Chosen: chosen <= 0}}
		for _, s := range everyone {
			list = append(list, ui.Option{Value: strconv.FormatInt(s.ID, 10), Label: s.Name, Chosen: s.ID == chosen})
		}
		return list
	}
	if len(everyone) > 0 { // with nothing there, everything is new and there is nothing to choose
		for _, m := range plan.Matches {
			if !m.Decided && len(p.Matches) < 100 {
				p.Matches = append(p.Matches, view.Match{Name: m.Name, Field: "group:" + m.Group, Workloads: m.Workloads, Options: options("a new service", m.Service)})
			}
		}
	}
	for _, d := range plan.Documents {
		list := options("nobody's yet", d.Service)
		if d.Service < 0 {
			list = append(list, ui.Option{Value: "", Label: plan.NameOf(d.Service) + " (new)", Chosen: true})
			list[0].Chosen = false
		}
		p.Documents = append(p.Documents, view.Match{Name: d.Path, Field: "document:" + d.Path, Workloads: d.Operations, Options: list})
	}
	for _, u := range plan.Unresolved {
		p.Unresolved = append(p.Unresolved, view.Trouble{Text: u.Host, Path: plan.NameOf(u.ServiceID) + ", " + model.At(u.Path, u.Line)})
	}
}

// choicesOf reads what a person decided in the preview.
func choicesOf(values url.Values) intake.Choices {
	c := intake.Choices{Groups: map[string]int64{}, Documents: map[string]int64{}, AcceptBig: values.Get("accept") != ""}
	for key := range values {
		value := values.Get(key)
		if group, ok := strings.CutPrefix(key, "group:"); ok {
			c.Groups[group] = kit.Number64(value)
		}
		if document, ok := strings.CutPrefix(key, "document:"); ok && value != "" {
			c.Documents[document] = kit.Number64(value)
		}
	}
	return c
}

func (h *Handlers) confirm(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	plan, err := h.flow.Confirm(kit.Ctx(c), kit.Of(c).Actor, id, choicesOf(values))
	if err != nil {
		if message, fields, _, ok := kit.Invalid(err); ok && fields["accept"] != "" {
			return h.previewPage(c, kit.Status(err), id, values, message)
		}
		return err
	}
	return kit.Done(c, "/services", fmt.Sprintf("Imported: %s new, %s changed.", ui.Plural(plan.Services.Created, "service", "services"), strconv.Itoa(plan.Services.Changed)))
}

func (h *Handlers) cancel(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	if err := h.flow.Cancel(kit.Ctx(c), kit.Of(c).Actor, id); err != nil {
		return err
	}
	return kit.Done(c, "/imports/new", "Cancelled; nothing was kept.")
}

func (h *Handlers) undo(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	if err := h.flow.Undo(kit.Ctx(c), kit.Of(c).Actor, id); err != nil {
		return err
	}
	return kit.Done(c, "/imports/"+strconv.FormatInt(id, 10), "The import was undone. What people set stays.")
}
