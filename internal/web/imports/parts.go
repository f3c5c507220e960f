package imports

import (
	"fmt"
	"strings"

	"muster/internal/intake"
	"muster/internal/inventory"
	view "muster/views/imports"
	"muster/views/ui"
)

// componentCounts are the numbers of an import about components.
func componentCounts(c intake.Counts) []view.Count {
	list := []view.Count{{Label: "New", N: c.Created, Note: "components"}, {Label: "Another version", N: c.Changed, Note: "of a package that was there"}, {Label: "Unchanged", N: c.Unchanged, Note: "named again"}, {Label: "Gone", N: c.Gone, Note: "no longer named"}}
	if c.Gone > 0 {
		list[3].Tone = ui.Warn
	}
	return list
}

// partWords says in a sentence what an import did to components.
func partWords(c intake.Counts) string {
	var list []string
	for _, p := range []struct {
		n    int
		what string
	}{{c.Created, "new"}, {c.Changed, "in another version"}, {c.Gone, "gone"}} {
		if p.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if len(list) == 0 {
		return "No component changed."
	}
	return "Components: " + strings.Join(list, ", ") + "."
}

// partSamples are some of the changes of components.
func partSamples(p *intake.Plan, everyone []inventory.Service) []view.Sample {
	names := map[int64]string{}
	for i := range everyone {
		names[everyone[i].ID] = everyone[i].Name
	}
	words := map[intake.Kind]ui.Word{intake.KindNew: {Text: "New", Tone: ui.Info}, intake.KindChanged: {Text: "Changed", Tone: ui.Info}, intake.KindGone: {Text: "Gone", Tone: ui.Unk}}
	var list []view.Sample
	for _, c := range p.Parts {
		owner := names[c.Service]
		if c.Service == 0 {
			owner = "nobody’s: " + c.Label
		} else if owner == "" {
			owner = p.NameOf(c.Service)
		}
		s := view.Sample{What: words[c.Kind], Title: c.Name, Service: owner, Words: versions(c.Before, c.After)}
		list = append(list, s)
	}
	return list
}

func versions(before, after string) string {
	switch {
	case before != "" && after != "":
		return before + " → " + after
	case after != "":
		return after
	case before != "":
		return before
	}
	return "without a version"
}
