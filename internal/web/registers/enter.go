package registers

import (
	"maps"
	"net/url"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/web/kit"
	view "muster/views/registers"
	"muster/views/ui"
)

// enter adds an entry, or corrects one.
func (h *Handlers) enter(c echo.Context) error {
	r, err := register(c)
	if err != nil {
		return err
	}
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	if err := kit.Require(c, access.Write, access.Posture); err != nil {
		return err
	}
	line := evidence.Line{Register: r.ID, Name: values.Get("name"), Values: map[string]string{}, Replaces: kit.Number64(values.Get("replaces"))}
	for _, d := range r.Fields {
		line.Values[d.Name] = values.Get(d.Name)
	}
	slug, err := h.subject(c, r, &line, values)
	if gone, expected := fault.As(err); expected && gone.Kind == fault.NotFound && line.Replaces != 0 {
		values.Del("replaces")
		return h.refused(c, r, values, fault.New(fault.Conflict, "Somebody else changed this entry or struck it out just now. What you typed is still here; saving it adds a new entry."))
	}
	if err != nil {
		return err
	}
	fields := fault.Fields{}
	if slug == "" && !r.Workspace {
		fields.Add("service", "Choose the service that it belongs to.")
	}
	if _, wrong, _, ok := kit.Invalid(r.Check(line.Name, line.Values)); ok {
		maps.Copy(fields, wrong)
	}
	if err := fields.Err(); err != nil {
		return h.refused(c, r, values, err)
	}
	if err := h.posture.Enter(kit.Ctx(c), kit.Of(c).Actor, slug, line); err != nil {
		return h.refused(c, r, values, err)
	}
	done := "Written down. It counts as your word."
	if line.Replaces != 0 {
		done = "Corrected. The activity log keeps what it said before."
	}
	return kit.Done(c, "/registers/"+r.ID, done)
}

// subject is the slug of the service that an entry is about; a correction stays with the service of the entry.
func (h *Handlers) subject(c echo.Context, r *evidence.Register, line *evidence.Line, values url.Values) (string, error) {
	if r.Workspace {
		if line.Replaces == 0 {
			return "", nil
		}
		_, err := h.entry(c, r, line.Replaces)
		return "", err
	}
	if line.Replaces == 0 {
		return values.Get("service"), nil
	}
	e, err := h.entry(c, r, line.Replaces)
	if err != nil {
		return "", err
	}
	names, err := h.names(c)
	if err != nil {
		return "", err
	}
	s, known := names[e.ServiceID]
	if !known {
		return "", echo.ErrNotFound
	}
	return s.Slug, nil
}

// refused shows the form again, with what was typed.
func (h *Handlers) refused(c echo.Context, r *evidence.Register, values url.Values, err error) error {
	message, fields, _, ok := kit.Invalid(err)
	if !ok {
		return err
	}
	f := view.Form{Message: message, Errors: fields, Values: map[string]string{}, Replaces: values.Get("replaces")}
	for name := range values {
		f.Values[name] = values.Get(name)
	}
	order := []string{"name", "service"}
	for _, d := range r.Fields {
		order = append(order, d.Name)
	}
	for _, name := range order {
		if text := fields[name]; text != "" {
			f.Problems = append(f.Problems, ui.Problem{Field: name, Text: text})
		}
	}
	if kit.Number64(f.Replaces) <= 0 {
		f.Replaces = ""
	}
	return h.page(c, kit.Status(err), r, f)
}
