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

	"muster/internal/access"
	"muster/internal/imports"
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
		shown, said, err := h.underway(c, &i, &source)
		if shown || err != nil {
			return err
		}
		return h.previewPage(c, http.StatusOK, id, nil, nil, said)
	}
	return h.decided(c, &i, &source)
}

func (h *Handlers) decided(c echo.Context, i *inventory.Import, source *inventory.Source) error {
	environments, err := h.environments(c)
	if err != nil {
		return err
	}
	s := view.Show{Page: kit.Page(c, "imports", "Import of "+source.Name, crumb(c)), Past: past(c, i, source, environments)}
	ok, why, err := h.flow.MayUndo(kit.Ctx(c), i)
	if err != nil {
		return err
	}
	if ok && kit.Can(c, access.Delete, access.Imports) {
		s.Undo = s.Href + "/undo"
	} else if !ok && i.State == inventory.ImportApplied {
		s.WhyNot = why
	}
	var inputs []model.Input
	var problems []model.Problem
	if err := errors.Join(json.Unmarshal([]byte(i.Inputs), &inputs), json.Unmarshal([]byte(i.Problems), &problems)); err != nil {
		return fmt.Errorf("read import %d: %w", i.ID, err)
	}
	s.Files, s.Troubles = filesOf(inputs, problems)
	n := countsOf(i)
	if f, ok := findingsOf(i); ok {
		s.Findings = findingCounts(f)
	}
	parts, listed := n["components"]
	if listed {
		s.Components = componentCounts(parts)
	}
	if total := n["services"]; s.Findings == nil && !listed || total != (intake.Counts{}) || n["facts"] != (intake.Counts{}) {
		s.Counts = counts(total, n["dependencies"], n["facts"])
	}
	return kit.Render(c, http.StatusOK, view.ShowPage(s))
}

func filesOf(inputs []model.Input, problems []model.Problem) ([]view.File, []view.Trouble) {
	formats := map[string]string{"kubernetes": "Kubernetes", "compose": "Compose", "openapi": "OpenAPI", "dotenv": "Variables"}
	for _, f := range imports.Reports() {
		formats[f.ID] = f.Name
	}
	var files []view.File
	for _, in := range inputs {
		note := in.Note
		if in.Partial {
			note = strings.TrimSpace("It does not cover everything, so nothing counts as gone. " + note)
		}
		files = append(files, view.File{Path: in.Path, Format: strings.TrimSpace(formats[in.Format] + " " + in.Version), Note: note})
	}
	var troubles []view.Trouble
	for _, p := range problems {
		t := view.Trouble{Path: p.Path, At: p.At, Text: p.Message}
		if _, line := model.SplitAt(p.At); line > 0 {
			t.Line = line
		} else if n, err := strconv.Atoi(strings.TrimPrefix(p.At, "line ")); err == nil {
			t.Line = n
		}
		troubles = append(troubles, t)
	}
	return files, troubles
}

// parts says what a number is made of; what there is none of is left out.
func parts(services, calls, facts int) string {
	var list []string
	for _, of := range []struct {
		n         int
		one, many string
	}{{services, "service", "services"}, {calls, "call", "calls"}, {facts, "fact", "facts"}} {
		if of.n > 0 {
			list = append(list, ui.Plural(of.n, of.one, of.many))
		}
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

func counts(services, calls, facts intake.Counts) []view.Count {
	list := []view.Count{{Label: "New"}, {Label: "Changed"}, {Label: "Unchanged"}, {Label: "Gone"}}
	for i, f := range []func(intake.Counts) int{
		func(c intake.Counts) int { return c.Created }, func(c intake.Counts) int { return c.Changed },
		func(c intake.Counts) int { return c.Unchanged }, func(c intake.Counts) int { return c.Gone },
	} {
		list[i].N, list[i].Note = f(services)+f(calls)+f(facts), parts(f(services), f(calls), f(facts))
	}
	if list[3].N > 0 {
		list[3].Tone = ui.Warn
	}
	return list
}

// maxGroups and maxSub are how many services one preview shows, and how many lines of each; the numbers above count all.
const (
	maxGroups = 100
	maxSub    = 6
)

func (h *Handlers) previewPage(c echo.Context, status int, id int64, values url.Values, everyone []inventory.Service, message string) error {
	v := kit.Of(c)
	var err error
	if everyone == nil {
		if everyone, err = h.book.Everyone(kit.Ctx(c), v.Actor); err != nil {
			return err
		}
	}
	choices, wrong := choicesOf(values, everyone)
	preview, err := h.flow.Preview(kit.Ctx(c), v.Actor, id, choices)
	if err != nil {
		return err
	}
	environments, err := h.environments(c)
	if err != nil {
		return err
	}
	href := kit.In(c, "/imports/"+strconv.FormatInt(id, 10))
	p := view.Preview{Page: kit.Page(c, "imports", "Check before importing", crumb(c)), Confirm: href + "/confirm", Cancel: href + "/cancel", Message: message, Same: preview.SameBefore, Seen: preview.Mark, Nothing: preview.Plan.Nothing(),
		All: href, RiskHref: href + "?show=risk", OnlyRisk: c.QueryParam("show") == "risk", Source: preview.Source.Name, Environment: environments[preview.Source.EnvironmentID],
		Partial: preview.Import.Partial, Complete: preview.Import.NamespacesComplete}
	p.Lead = fmt.Sprintf("%s from %s. Nothing is stored until you confirm.", ui.Plural(len(preview.Inputs), "file", "files"), preview.Import.ActorName)
	if f := preview.Plan.Findings; f != nil {
		p.Findings = findingCounts(f.Counts)
		p.Samples = samples(f, everyone)
	}
	if p.Findings == nil && !preview.Plan.HasParts || len(preview.Plan.Matches)+len(preview.Plan.Lines)+len(preview.Plan.Documents) > 0 {
		p.Counts = counts(preview.Plan.Services, preview.Plan.Dependencies, preview.Plan.Facts)
		unresolved := view.Count{Label: "Unresolved", N: len(preview.Plan.Unresolved), Note: "names that match no service"}
		if unresolved.N > 0 {
			unresolved.Tone = ui.Warn
		}
		p.Counts = append(p.Counts, unresolved)
	}
	if preview.Plan.HasParts {
		p.Components = componentCounts(preview.Plan.Components)
		p.Parts = partSamples(preview.Plan, everyone)
	}
	p.Files, p.Troubles = filesOf(preview.Inputs, preview.Problems)
	if preview.Plan.Held {
		p.Held = preview.Plan.HeldWhy
	}
	asks(&p, preview.Plan, everyone, values, wrong)
	for _, u := range preview.Plan.Unresolved {
		p.Unresolved = append(p.Unresolved, view.Trouble{Text: u.Host, At: preview.Plan.NameOf(u.ServiceID), Path: u.Path, Line: u.Line})
	}
	p.Secrets = secretsOf(preview.Plan)
	changes(&p, preview.Plan.Lines)
	return kit.Render(c, status, view.Check(p))
}

// secretsOf lists the secrets that these files write in clear and that were not known before.
func secretsOf(plan *intake.Plan) []view.Secret {
	var list []view.Secret
	for i := range plan.Writes.NewFacts {
		if f := &plan.Writes.NewFacts[i]; f.Key == model.FactLiteralSecret && len(list) < 100 {
			list = append(list, view.Secret{Name: f.Part, Service: plan.NameOf(f.ServiceID), Path: f.Path, Line: f.Line})
		}
	}
	return list
}

// changes groups the lines of one kind and service, what is said of the service itself first.
func changes(p *view.Preview, lines []intake.Line) {
	at := map[string]int{}
	for _, l := range lines {
		if l.Risk {
			p.Risks++
		}
		if p.OnlyRisk && !l.Risk {
			continue
		}
		key := string(l.Kind) + " " + l.Subject
		n, known := at[key]
		if !known {
			if len(p.Groups) >= maxGroups {
				n = -1
				p.More++
			} else {
				n = len(p.Groups)
				p.Groups = append(p.Groups, view.Group{Kind: string(l.Kind), Subject: l.Subject})
			}
			at[key] = n
		}
		if n < 0 {
			continue
		}
		g := &p.Groups[n]
		path, line := model.SplitAt(l.At)
		g.Risk = g.Risk || l.Risk
		g.Lines = append(g.Lines, view.Line{Text: l.Text, Path: path, Line: line, Risk: l.Risk})
		if last := len(g.Lines) - 1; l.Main && last > 0 {
			g.Lines[0], g.Lines[last] = g.Lines[last], g.Lines[0]
		}
	}
	for i := range p.Groups {
		if g := &p.Groups[i]; len(g.Lines) > maxSub+1 {
			more := len(g.Lines) - maxSub
			g.Lines = append(g.Lines[:maxSub], view.Line{Text: fmt.Sprintf("and %d more", more)})
		}
	}
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
	everyone, err := h.book.Everyone(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	choices, wrong := choicesOf(values, everyone)
	if len(wrong) > 0 {
		return h.previewPage(c, http.StatusUnprocessableEntity, id, values, everyone, "One of the names below is no service. Nothing was stored yet.")
	}
	i, _, err := h.book.Import(kit.Ctx(c), kit.Of(c).Actor, id)
	if err != nil {
		return err
	}
	var plan *intake.Plan
	if h.flow.Large(&i) {
		if err = h.start(c, id, choices); err == nil {
			return nil
		}
	} else {
		plan, err = h.flow.Confirm(kit.Ctx(c), kit.Of(c).Actor, id, choices)
	}
	if err != nil {
		if message, fields, _, ok := kit.Invalid(err); ok && (fields["accept"] != "" || fields["seen"] != "") {
			return h.previewPage(c, kit.Status(err), id, values, everyone, message)
		}
		return err
	}
	if plan.HasParts && plan.Findings == nil && plan.Services.Created+plan.Services.Changed+plan.Services.Gone == 0 {
		return kit.Done(c, "/imports/"+strconv.FormatInt(id, 10), "Imported. "+partWords(plan.Components))
	}
	if plan.Findings != nil && plan.Services.Created+plan.Services.Changed+plan.Services.Gone == 0 {
		return kit.Done(c, "/findings", "Imported. "+foundWords(plan.Findings.Counts))
	}
	return kit.Done(c, "/services", "Imported. "+imported(plan))
}

// imported says in a sentence what an import did.
func imported(plan *intake.Plan) string {
	s := plan.Services
	if s.Created+s.Changed+s.Gone == 0 {
		return "No service changed."
	}
	var list []string
	if s.Created > 0 {
		list = append(list, ui.Plural(s.Created, "new service", "new services"))
	}
	if s.Changed > 0 {
		list = append(list, fmt.Sprintf("%d changed", s.Changed))
	}
	if s.Gone > 0 {
		list = append(list, fmt.Sprintf("%d no longer in the files", s.Gone))
	}
	return strings.Join(list, ", ") + "."
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
