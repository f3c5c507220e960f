package findings

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/web/kit"
	view "muster/views/findings"
	"muster/views/ui"
)

// form keeps what was typed, with what is wrong with it.
func form(kind string, values url.Values, fields map[string]string, message string) view.Form {
	f := view.Form{Kind: kind, Message: message, Errors: fields, Values: map[string]string{}}
	for name := range values {
		f.Values[name] = values.Get(name)
	}
	for _, name := range []string{"to", "justification", "duplicate_of", "severity", "note", "comment", "file", "label", "by", "pattern", "service"} {
		if text := fields[name]; text != "" {
			f.Problems = append(f.Problems, ui.Problem{Field: name, Text: text})
		}
	}
	return f
}

func moveOf(values url.Values) finding.Move {
	return finding.Move{To: finding.State(values.Get("to")), Note: values.Get("note"), Justification: finding.Justification(values.Get("justification")), DuplicateOf: kit.Number64(values.Get("duplicate_of")), Version: kit.Number(values.Get("version"))}
}

// change runs one form of a finding's page and shows the page again where it is refused.
func (h *Handlers) change(c echo.Context, kind, done string, do func(id int64, values url.Values) error) error {
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
		return h.one(c, kit.Status(err), form(kind, values, fields, message))
	}
	return kit.Done(c, "/findings/"+strconv.FormatInt(id, 10), done)
}

func (h *Handlers) move(c echo.Context) error {
	return h.change(c, "move", "Saved.", func(id int64, values url.Values) error {
		_, err := h.steward.MoveFinding(kit.Ctx(c), kit.Of(c).Actor, id, moveOf(values))
		return err
	})
}

func (h *Handlers) assess(c echo.Context) error {
	return h.change(c, "assess", "Assessed. Priority and due date follow.", func(id int64, values url.Values) error {
		_, err := h.steward.AssessFinding(kit.Ctx(c), kit.Of(c).Actor, id, finding.Severity(values.Get("severity")), values.Get("note"))
		return err
	})
}

func (h *Handlers) comment(c echo.Context) error {
	return h.change(c, "comment", "Noted.", func(id int64, values url.Values) error {
		return h.findings.Comment(kit.Ctx(c), kit.Of(c).Actor, id, values.Get("comment"))
	})
}

func (h *Handlers) attach(c echo.Context) error {
	return h.change(c, "attach", "Attached.", func(id int64, _ url.Values) error {
		file, err := kit.Attached(c)
		if err != nil {
			return fault.Field("file", "The file could not be read.")
		}
		return h.findings.Attach(kit.Ctx(c), kit.Of(c).Actor, id, file)
	})
}

func (h *Handlers) watch(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	on := values.Get("watch") == "yes"
	if err := h.findings.Watch(kit.Ctx(c), kit.Of(c).Actor, id, on); err != nil {
		return err
	}
	done := "You no longer watch it."
	if on {
		done = "You watch it. It stands under “Watching” in the list of findings."
	}
	return kit.Done(c, "/findings/"+strconv.FormatInt(id, 10), done)
}

// file sends what somebody attached.
func (h *Handlers) file(c echo.Context) error {
	id, err := kit.ID(c, "id")
	if err != nil {
		return err
	}
	file, err := kit.ID(c, "file")
	if err != nil {
		return err
	}
	f, err := h.findings.File(kit.Ctx(c), kit.Of(c).Actor, id, file)
	if err != nil {
		return err
	}
	return kit.Download(c, f.Name, f.Data)
}

// confirm shows what a decision about many findings would do.
func (h *Handlers) confirm(c echo.Context) error {
	if c.QueryParam("to") == string(finding.Accepted) && kit.Can(c, access.Write, access.Exceptions) && len(c.QueryParams()["id"]) > 0 {
		return c.Redirect(http.StatusSeeOther, kit.In(c, "/exceptions/new?"+url.Values{"finding": c.QueryParams()["id"]}.Encode()))
	}
	return h.bulk(c, http.StatusOK, c.QueryParams(), view.Form{})
}

func (h *Handlers) bulk(c echo.Context, status int, values url.Values, f view.Form) error {
	m := moveOf(values)
	may, stay, err := h.findings.Sort(kit.Ctx(c), kit.Of(c).Actor, kit.Numbers(values["id"]), m)
	if err != nil {
		if message, _, _, ok := kit.Invalid(err); ok && kit.Status(err) == http.StatusUnprocessableEntity {
			return kit.Done(c, "/findings", message)
		}
		return err
	}
	names, err := h.names(c)
	if err != nil {
		return err
	}
	b := view.Bulk{Page: kit.Page(c, "findings", "Change several findings", crumbs(c)...), Action: kit.In(c, "/findings/move"), Cancel: kit.In(c, "/findings"), To: string(m.To), ToWord: stateWord(m.To).Text, Note: m.Note, Form: f}
	b.NoteHint = "It stays in the story of each."
	if m.To.Decided() {
		b.NoteHint = "Needed: it stays in the story of each."
	}
	for i := range may {
		b.Move = append(b.Move, row(c, &may[i], names, kit.Of(c).Now))
	}
	for i := range stay {
		b.Stay = append(b.Stay, row(c, &stay[i], names, kit.Of(c).Now))
	}
	return kit.Render(c, status, view.Confirm(b))
}

func (h *Handlers) moveMany(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	n, err := h.steward.MoveFindings(kit.Ctx(c), kit.Of(c).Actor, kit.Numbers(values["id"]), moveOf(values))
	if err != nil {
		message, fields, _, ok := kit.Invalid(err)
		if !ok || fields["note"] == "" {
			return err
		}
		return h.bulk(c, kit.Status(err), values, form("bulk", values, fields, message))
	}
	return kit.Done(c, "/findings", "Saved for "+ui.Plural(n, "finding", "findings")+".")
}

func (h *Handlers) inbox(c echo.Context) error { return h.inboxPage(c, http.StatusOK, view.Form{}) }

func (h *Handlers) inboxPage(c echo.Context, status int, f view.Form) error {
	ctx, actor := kit.Ctx(c), kit.Of(c).Actor
	labels, err := h.findings.Inbox(ctx, actor)
	if err != nil {
		return err
	}
	roster, err := h.book.Roster(ctx, actor)
	if err != nil {
		return err
	}
	i := view.Inbox{Page: kit.Page(c, "findings", "Whose are these?", crumbs(c)...), Action: kit.In(c, "/findings/unassigned"), RulesHref: kit.In(c, "/findings/rules"), May: kit.Can(c, access.Write, access.Findings), Form: f}
	for _, l := range labels {
		i.Labels = append(i.Labels, view.Label{Word: l.Label, N: l.N})
	}
	i.Services = append(i.Services, ui.Option{Label: "Choose a service"})
	for k := range roster {
		i.Services = append(i.Services, ui.Option{Value: roster[k].Slug, Label: roster[k].Name, Chosen: roster[k].Slug == f.Values["service"]})
	}
	return kit.Render(c, status, view.Unassigned(i))
}

func (h *Handlers) assign(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if err := kit.Require(c, access.Write, access.Findings); err != nil {
		return err
	}
	wrong := map[string]string{}
	if len(values["label"]) == 0 {
		wrong["label"] = "Choose at least one thing."
	}
	if values.Get("service") == "" {
		wrong["service"] = "Choose the service that it belongs to."
	}
	if len(wrong) > 0 {
		return h.inboxPage(c, http.StatusUnprocessableEntity, form("assign", values, wrong, "Something is missing."))
	}
	for _, label := range values["label"] {
		if err := h.steward.AssignFindings(kit.Ctx(c), kit.Of(c).Actor, label, values.Get("service")); err != nil {
			message, fields, _, ok := kit.Invalid(err)
			if !ok {
				return err
			}
			return h.inboxPage(c, kit.Status(err), form("assign", values, fields, message))
		}
	}
	return kit.Done(c, "/findings/unassigned", "Assigned. The next report of them knows.")
}
