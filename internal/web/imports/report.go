package imports

import (
	"encoding/json"
	"fmt"
	"strings"

	"muster/internal/finding"
	"muster/internal/inventory"
	view "muster/views/imports"
	"muster/views/ui"
)

// findingsOf is what an import did to findings; ok is false where it held no report.
func findingsOf(i *inventory.Import) (finding.Counts, bool) {
	var kept struct {
		Findings *finding.Counts `json:"findings"`
	}
	if json.Unmarshal([]byte(i.Counts), &kept) != nil || kept.Findings == nil {
		return finding.Counts{}, false
	}
	return *kept.Findings, true
}

func findingCounts(c finding.Counts) []view.Count {
	list := []view.Count{{Label: "New", N: c.Created, Note: "findings"}, {Label: "Back again", N: c.Reopened, Note: "they were fixed or closed"}, {Label: "Changed", N: c.Updated, Note: "known under another word, version or severity"},
		{Label: "Unchanged", N: c.Unchanged, Note: "seen again"}, {Label: "No longer seen", N: c.Ended, Note: "by this tool, here"}}
	for i, tone := range []ui.Tone{ui.Bad, ui.Bad, "", "", ui.OK} {
		if list[i].N > 0 {
			list[i].Tone = tone
		}
	}
	return list
}

// foundWords says in a sentence what an import did to findings.
func foundWords(c finding.Counts) string {
	if !c.Any() {
		return "No finding changed."
	}
	var list []string
	for _, p := range []struct {
		n    int
		what string
	}{{c.Created, "new"}, {c.Reopened, "back again"}, {c.Updated, "changed"}, {c.Ended, "no longer seen"}} {
		if p.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return "Findings: " + strings.Join(list, ", ") + "."
}

// samples are some of the changes, each with its service.
func samples(p *finding.Plan, everyone []inventory.Service) []view.Sample {
	names := map[int64]string{}
	for i := range everyone {
		names[everyone[i].ID] = everyone[i].Name
	}
	words := map[finding.Action]ui.Word{finding.Opened: {Text: "New", Tone: ui.Bad}, finding.Reopened: {Text: "Back again", Tone: ui.Bad}, finding.Ended: {Text: "No longer seen", Tone: ui.OK}, finding.Updated: {Text: "Changed", Tone: ui.Info},
		finding.Moved: {Text: "Changed", Tone: ui.Info}, finding.Merged: {Text: "Same as another", Tone: ui.Unk}}
	var list []view.Sample
	for _, s := range p.Samples {
		owner := names[s.ServiceID]
		if s.ServiceID == 0 {
			owner = "nobody’s: " + s.Label
		}
		list = append(list, view.Sample{What: words[s.Action], Title: s.Title, Service: owner, Severity: string(s.Severity), Words: s.Words})
	}
	return list
}
