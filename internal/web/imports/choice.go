package imports

import (
	"net/url"
	"strconv"
	"strings"

	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	view "muster/views/imports"
	"muster/views/ui"
)

// mostOptions is how many choices all selects of a preview may hold together; beyond it services are typed by name, so
// that the page stays light however many services there are.
const mostOptions = 1500

// The names of the fields of a preview: an answer by number, or by name.
const (
	groupField, groupNameField       = "group:", "groupname:"
	documentField, documentNameField = "document:", "documentname:"
	labelField, labelNameField       = "label:", "labelname:"
)

// labels names each service so that no two have the same name.
func labels(everyone []inventory.Service) map[int64]string {
	count := map[string]int{}
	for i := range everyone {
		count[strings.ToLower(everyone[i].Name)]++
	}
	names := make(map[int64]string, len(everyone))
	for i := range everyone {
		s := &everyone[i]
		names[s.ID] = s.Name
		if count[strings.ToLower(s.Name)] > 1 {
			names[s.ID] = s.Name + " (" + s.Slug + ")"
		}
	}
	return names
}

// asks offers a choice for each group that is new, and for each API document.
func asks(p *view.Preview, plan *intake.Plan, everyone []inventory.Service, typed url.Values, wrong map[string]string) {
	var open []intake.Match
	for _, m := range plan.Matches {
		if !m.Decided && len(everyone) > 0 && len(open) < 200 { // with nothing there, everything is new and there is nothing to choose
			open = append(open, m)
		}
	}
	names := labels(everyone)
	owners := ownersOf(plan, everyone)
	byName := (len(open)+len(plan.Documents)+len(owners))*len(everyone) > mostOptions
	if byName {
		for i := range everyone {
			p.Names = append(p.Names, names[everyone[i].ID])
		}
	}
	ask := func(m view.Match, field, nameField string, chosen int64, auto string) view.Match {
		if byName {
			m.Field, m.Typed = nameField, names[chosen]
			if typed.Has(nameField) {
				m.Typed = typed.Get(nameField)
			}
			m.Error = wrong[nameField]
			return m
		}
		m.Field, m.Options = field, options(everyone, names, m.Nobody, chosen)
		if auto != "" {
			m.Options = append(m.Options, ui.Option{Label: auto, Chosen: true})
			m.Options[0].Chosen = false
		}
		return m
	}
	for _, m := range open {
		p.Matches = append(p.Matches, ask(view.Match{Name: m.Name, Workloads: m.Workloads, Nobody: "a new service"}, groupField+m.Group, groupNameField+m.Group, m.Service, ""))
	}
	for _, d := range plan.Documents {
		auto := ""
		if d.Service < 0 {
			auto = plan.NameOf(d.Service) + " (new)"
		}
		p.Documents = append(p.Documents, ask(view.Match{Name: d.Path, Workloads: d.Operations, Nobody: "nobody's yet"}, documentField+d.Path, documentNameField+d.Path, d.Service, auto))
	}
	for _, o := range owners {
		key := strings.ToLower(o.Label)
		p.Owners = append(p.Owners, ask(view.Match{Name: o.Label, Workloads: o.Rows, Nobody: "nobody's yet"}, labelField+key, labelNameField+key, o.Service, ""))
	}
}

// ownersOf are the words of the reports that a person may put right; what a person said before stays said.
func ownersOf(plan *intake.Plan, everyone []inventory.Service) []intake.Owner {
	var list []intake.Owner
	for _, o := range plan.Owners {
		if !o.Decided && len(everyone) > 0 && len(list) < 100 {
			list = append(list, o)
		}
	}
	return list
}

func options(everyone []inventory.Service, names map[int64]string, first string, chosen int64) []ui.Option {
	list := []ui.Option{{Value: "0", Label: first, Chosen: chosen <= 0}}
	for i := range everyone {
		id := everyone[i].ID
		list = append(list, ui.Option{Value: strconv.FormatInt(id, 10), Label: names[id], Chosen: id == chosen})
	}
	return list
}

// choicesOf reads what a person decided in the preview. A name that is no service's is named with its field.
func choicesOf(values url.Values, everyone []inventory.Service) (intake.Choices, map[string]string) {
	c := intake.Choices{Groups: map[string]int64{}, Documents: map[string]int64{}, Labels: map[string]int64{}, AcceptBig: values.Get("accept") != "", Seen: values.Get("seen")}
	names, wrong := labels(everyone), map[string]string{}
	find := func(field, text string) int64 {
		for i := range everyone {
			if s := &everyone[i]; strings.EqualFold(names[s.ID], text) || s.Slug == text {
				return s.ID
			}
		}
		wrong[field] = "There is no service of this name. Choose one from the list, or leave it empty."
		return 0
	}
	for field := range values {
		value := strings.TrimSpace(values.Get(field))
		if group, ok := strings.CutPrefix(field, groupField); ok {
			c.Groups[group] = kit.Number64(value)
		} else if group, ok := strings.CutPrefix(field, groupNameField); ok {
			c.Groups[group] = 0
			if value != "" {
				c.Groups[group] = find(field, value)
			}
		} else if document, ok := strings.CutPrefix(field, documentField); ok && value != "" {
			c.Documents[document] = kit.Number64(value)
		} else if document, ok := strings.CutPrefix(field, documentNameField); ok && value != "" {
			c.Documents[document] = find(field, value)
		} else if label, ok := strings.CutPrefix(field, labelField); ok && kit.Number64(value) > 0 {
			c.Labels[label] = kit.Number64(value)
		} else if label, ok := strings.CutPrefix(field, labelNameField); ok && value != "" {
			c.Labels[label] = find(field, value)
		}
	}
	return c, wrong
}
