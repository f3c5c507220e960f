package scoring

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/web/kit"
	view "muster/views/scoring"
	"muster/views/ui"
)

// formOf keeps what was typed and what is wrong with it; ok is false for failures that are not about the form.
func formOf(action string, values url.Values, err error) (view.Form, bool) {
	f := view.Form{Action: action, Values: map[string]string{}, Errors: map[string]string{}}
	for k := range values {
		f.Values[k] = values.Get(k)
	}
	if err == nil {
		return f, true
	}
	message, fields, list, ok := kit.Invalid(err, "id", "title", "weight", "age", "off", "reason", "definition")
	f.Message, f.Problems = message, list
	if fields != nil {
		f.Errors = fields
	}
	if len(fields) == 1 {
		f.Message = "One field needs your attention."
	}
	return f, ok
}

func (h *Handlers) one(c echo.Context) error { return h.onePage(c, http.StatusOK, nil, nil) }

func (h *Handlers) onePage(c echo.Context, status int, values url.Values, failure error) error {
	b, err := h.posture.Board(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	e, known := b.Rules.Get(c.Param("id"))
	if !known {
		return echo.ErrNotFound
	}
	if values == nil {
		values = url.Values{"weight": {strconv.Itoa(e.Points)}, "age": {strconv.Itoa(e.Days)}}
		if e.Off {
			values.Set("off", "1")
		}
	}
	f, ok := formOf(kit.In(c, "/settings/scoring/"+e.ID), values, failure)
	if !ok {
		return failure
	}
	p := view.Control{Page: kit.Page(c, "settings", e.ID, crumbs(c)...), Form: f, ID: e.ID, Statement: e.Statement, Why: e.Why, Checks: e.Checks, Off: e.Off, Own: e.Own, ControlHref: kit.In(c, "/controls/"+e.ID),
		Changed: e.Off || e.Points != e.Weight || e.Days != e.Age, MayWrite: kit.Can(c, access.Write, access.Scoring), SeesActivity: kit.Can(c, access.Read, access.Activities)}
	p.Tags = tags(e)
	p.Now = now(e)
	p.ShippedWeight, p.ShippedAge = fmt.Sprintf("the shipped %d", e.Weight), fmt.Sprintf("the shipped %d", e.Age)
	if e.Own {
		p.ShippedWeight, p.ShippedAge = fmt.Sprintf("%d, as defined", e.Weight), fmt.Sprintf("%d, as defined", e.Age)
	}
	for _, clause := range e.Clauses {
		p.Clauses = append(p.Clauses, sentence(clause.Words))
	}
	p.Sources = sources(e.Control)
	p.Applies, p.Rule = applies(e)
	if p.SeesActivity {
		if p.History, err = h.history(c, e); err != nil {
			return err
		}
	}
	return kit.Render(c, status, view.One(p))
}

func tags(e *control.Effective) []string {
	list := []string{e.Domain.Name()}
	if e.Subject == catalogue.Workspace {
		list = append(list, "of the company")
	}
	if e.Own {
		list = append(list, "your own")
	}
	switch {
	case e.Off:
		list = append(list, "switched off")
	case !e.Scored:
		list = append(list, "new, not scored yet")
	}
	return list
}

func now(e *control.Effective) []view.Row {
	was := "shipped with"
	if e.Own {
		was = "defined with"
	}
	weight, age, state := strconv.Itoa(e.Points), ui.Plural(e.Days, "day", "days"), "on"
	if e.Points != e.Weight {
		weight += fmt.Sprintf(" (%s %d)", was, e.Weight)
	}
	if e.Days != e.Age {
		age += fmt.Sprintf(" (%s %d)", was, e.Age)
	}
	if e.Off {
		state = "switched off"
	}
	return []view.Row{{Words: "Weight", Value: weight}, {Words: "Evidence lasts", Value: age}, {Words: "State", Value: state}}
}

// number reads a field of the form; an empty one is the shipped value, and what is no number is never valid.
func number(text string) *int {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		n = -1
	}
	return &n
}

// save stores how the workspace weighs a control.
func (h *Handlers) save(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	choice := control.Choice{Control: c.Param("id"), Reason: values.Get("reason")}
	said := "Back to the shipped values. The trend shows it as a change of scope."
	if values.Get("shipped") == "" {
		choice.Off, choice.Weight, choice.Age = values.Get("off") != "", number(values.Get("weight")), number(values.Get("age"))
		said = "Saved. The trend shows it as a change of scope."
		rules, err := h.posture.Ruleset(kit.Ctx(c))
		if err != nil {
			return err
		}
		if e, known := rules.Get(choice.Control); known { // a value that is the shipped one follows later catalogues
			choice.Weight, choice.Age = other(choice.Weight, e.Weight), other(choice.Age, e.Age)
		}
	}
	if err := h.posture.Choose(kit.Ctx(c), kit.Of(c).Actor, choice); err != nil {
		return h.onePage(c, kit.Status(err), values, err)
	}
	return kit.Done(c, "/settings/scoring/"+choice.Control, said)
}

func other(n *int, shipped int) *int {
	if n != nil && *n == shipped {
		return nil
	}
	return n
}

// chosen is what the log keeps of a choice.
type chosen struct {
	Weight *int   `json:"weight"`
	Age    *int   `json:"age"`
	Off    bool   `json:"off"`
	Reason string `json:"reason"`
}

// history reads who weighed the control how, newest first.
func (h *Handlers) history(c echo.Context, e *control.Effective) ([]view.Change, error) {
	rows, err := h.log.Search(kit.Ctx(c), kit.Of(c).Actor, activity.Filter{ObjectKind: "control", Text: e.ID, Limit: 200})
	if err != nil {
		return nil, err
	}
	var list []view.Change
	for i := range rows {
		a := &rows[i]
		var before, after chosen
		if a.ObjectName != e.ID || json.Unmarshal([]byte(a.After), &after) != nil {
			continue
		}
		if a.Before != "" && json.Unmarshal([]byte(a.Before), &before) != nil {
			continue
		}
		what := "added this control"
		if a.Action != "control.add" {
			what = difference(e, &before, &after)
		}
		list = append(list, view.Change{Who: a.ActorName, What: what, Why: after.Reason, At: a.At})
	}
	return list, nil
}

func difference(e *control.Effective, before, after *chosen) string {
	var words []string
	if n, m := value(before.Weight, e.Weight), value(after.Weight, e.Weight); n != m {
		words = append(words, fmt.Sprintf("changed the weight from %d to %d", n, m))
	}
	if n, m := value(before.Age, e.Age), value(after.Age, e.Age); n != m {
		words = append(words, fmt.Sprintf("changed how long evidence lasts from %d to %d days", n, m))
	}
	switch {
	case after.Off && !before.Off:
		words = append(words, "switched it off")
	case before.Off && !after.Off:
		words = append(words, "switched it on again")
	}
	if len(words) == 0 {
		return "saved it unchanged"
	}
	return strings.Join(words, ", ")
}

func value(n *int, shipped int) int {
	if n == nil {
		return shipped
	}
	return *n
}
