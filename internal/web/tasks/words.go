package tasks

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/control"
	"muster/internal/finding"
	"muster/internal/identity"
	"muster/internal/remediation"
	"muster/internal/web/kit"
	"muster/views/findings"
	"muster/views/layout"
	view "muster/views/tasks"
	"muster/views/ui"
)

func crumbs(c echo.Context) []layout.Crumb {
	return []layout.Crumb{{Label: "Tasks", Href: kit.In(c, "/tasks")}}
}

// stateWord is a state as pages say it.
func stateWord(s remediation.State) ui.Word {
	tone := map[remediation.State]ui.Tone{remediation.Todo: ui.Bad, remediation.Doing: ui.Info, remediation.Fixed: ui.Warn, remediation.Verified: ui.OK, remediation.Ended: ui.Unk}
	return ui.Word{Text: remediation.Word(s), Tone: tone[s]}
}

// laneNotes say what a column means.
var laneNotes = map[remediation.State]string{
	remediation.Todo: "nobody has started", remediation.Doing: "somebody is on it", remediation.Fixed: "said or seen once, not proven yet", remediation.Verified: "proven gone, the newest first",
}

// stateNote says what a state means for the person who reads it.
func stateNote(t *remediation.Task, controls bool) string {
	switch t.State {
	case remediation.Todo:
		return "Nobody works on it yet."
	case remediation.Doing:
		return "Somebody works on it."
	case remediation.Fixed:
		words := "Everything it covers is said to be fixed, or one report no longer sees it. The next complete report, a probe, or a second person proves it; then the task turns verified by itself."
		if controls {
			words += " Of its controls, some still want evidence."
		}
		return words
	case remediation.Verified:
		return "What it covers is proven gone. Seen again, it takes the task back to “To do”."
	case remediation.Ended:
		if t.StateLayer == remediation.ByPerson {
			return "Somebody ended it. What it covers goes its own way."
		}
		return "Nothing is left to do: what it covers was accepted, or judged to be none. Nothing proves that it is gone."
	}
	return ""
}

func level(s finding.Severity) findings.Level {
	words := map[finding.Severity]string{finding.Critical: "Critical", finding.High: "High", finding.Medium: "Medium", finding.Low: "Low", finding.Info: "Info"}
	return findings.Level{Key: string(s), Word: words[s]}
}

// due is by when, from today.
func due(at *time.Time, now time.Time) ui.Word {
	if at == nil {
		return ui.Word{}
	}
	days := int(math.Ceil(at.Sub(now).Hours() / 24))
	switch {
	case now.After(*at):
		return ui.Word{Text: ui.Plural(max(1, int(now.Sub(*at).Hours()/24)), "day", "days") + " late", Tone: ui.Bad}
	case days <= 1:
		return ui.Word{Text: "within a day", Tone: ui.Bad}
	case days <= 7:
		return ui.Word{Text: fmt.Sprintf("in %d days", days), Tone: ui.Warn}
	}
	return ui.Word{Text: fmt.Sprintf("in %d days", days)}
}

// row is a task as lists and columns show it.
func row(c echo.Context, t *remediation.Task, n *names) view.Row {
	base := kit.In(c, "/tasks/"+strconv.FormatInt(t.ID, 10))
	r := view.Row{ID: strconv.FormatInt(t.ID, 10), Href: base, Title: t.Title, Sub: n.where(t.ServiceIDs()) + " · " + done(t), Level: level(t.Severity), State: stateWord(t.State), Who: t.AssigneeName, Nobody: "nobody yet", Blocked: t.Blocked, Version: strconv.Itoa(t.Version), MoveTo: base + "/move"}
	if r.Who == "" && t.TeamID != 0 {
		r.Who = n.teams[t.TeamID]
	}
	if t.State.Open() {
		r.Due, r.DueDay, r.Planned = due(t.DueAt, kit.Of(c).Now), t.DueAt, t.PlannedAt
	}
	if t.State == remediation.Fixed {
		r.Due.Tone = "" // it waits for proof, not for somebody
	}
	if n.may {
		r.Ways = ways(t.State)
	}
	return r
}

// ways are where a card may go, forward first; ending a task asks for a reason, which a card has no place for.
func ways(from remediation.State) []ui.Option {
	var forward, back []ui.Option
	for _, to := range remediation.Ways(from) {
		o := ui.Option{Value: string(to), Label: stateWord(to).Text}
		switch {
		case to == remediation.Ended:
		case slices.Index(remediation.States(), to) > slices.Index(remediation.States(), from):
			forward = append(forward, o)
		default:
			back = append(back, o)
		}
	}
	return append(forward, back...)
}

// done says how much of a task is at its end.
func done(t *remediation.Task) string {
	if t.Items == 1 {
		return "covers 1"
	}
	return fmt.Sprintf("%d of %d done", t.Done(), t.Items)
}

// where names services: two, and how many more.
func (n *names) where(ids []int64) string {
	var words []string
	for _, id := range ids {
		s, known := n.services[id]
		switch {
		case id == 0:
			words = append(words, "the company")
		case known:
			words = append(words, s.Name)
		}
	}
	if len(words) > 2 {
		words = append(words[:2], fmt.Sprintf("%d more", len(words)-2))
	}
	return cmp.Or(strings.Join(words, ", "), "a service that is gone")
}

// itemWord is what stands beside an item: where its finding or control is.
func itemWord(i *remediation.Item) ui.Word {
	words := map[string]string{
		"open": "Open", "confirmed": "Confirmed", "in_progress": "In progress", "re_review": "Wants a second look", "fixed": "Fixed, not yet proven", "closed": "Closed", "accepted": "Accepted", "false_positive": "False positive", "not_affected": "Not affected", "duplicate": "Repeats another",
		"retracted": "Never there", "excepted": "Accepted", string(control.Failing): "Failing", string(control.NotKnown): "Unknown", string(control.Stale): "Stale", string(control.Attested): "Attested", string(control.Verified): "Verified", string(control.NotApplicable): "Does not apply",
	}
	tones := map[remediation.Standing]ui.Tone{remediation.Live: ui.Bad, remediation.Said: ui.Warn, remediation.Proven: ui.OK, remediation.Lapsed: ui.Warn, remediation.Settled: ui.Unk}
	return ui.Word{Text: cmp.Or(words[i.Word], i.Word), Tone: tones[i.Standing]}
}

// item is one thing that a task covers, as pages show it.
func item(c echo.Context, i *remediation.Item, n *names) view.Item {
	v := view.Item{ID: strconv.FormatInt(i.ID, 10), Title: i.Title, Level: level(i.Severity), Control: i.FindingID == 0, Word: itemWord(i)}
	service := n.services[i.ServiceID]
	switch {
	case i.FindingID != 0:
		v.Href, v.Sub = kit.In(c, "/findings/"+strconv.FormatInt(i.FindingID, 10)), "#"+strconv.FormatInt(i.FindingID, 10)+" · "+cmp.Or(service.Name, "a service that is gone")
	case i.ServiceID == 0:
		v.Href, v.Sub = kit.In(c, "/governance/"+i.Control), i.Control+" · the company"
	default:
		v.Href, v.Sub = kit.In(c, "/services/"+service.Slug+"/controls/"+i.Control), i.Control+" · "+cmp.Or(service.Name, "a service that is gone")
	}
	if i.Standing == remediation.Live || i.Standing == remediation.Said {
		v.Due, v.DueDay = due(i.DueAt, kit.Of(c).Now), i.DueAt
	}
	return v
}

// bundle is a proposed change as its page shows it.
func bundle(c echo.Context, b *remediation.Bundle, n *names) view.Bundle {
	v := view.Bundle{Key: b.Key, Title: b.Title, Sub: n.where(b.Services), Gain: "closes " + ui.Plural(b.Findings, "finding", "findings"), Level: level(b.Worst())}
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{b.Critical, "critical"}, {b.High, "high"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	if len(parts) > 0 {
		v.Sub += " · " + strings.Join(parts, ", ")
	}
	if b.NoFix > 0 {
		v.Missing = fmt.Sprintf("%s of the package no version fixes; they stay open.", ui.Plural(b.NoFix, "more finding", "more findings"))
	}
	v.Href = address(kit.In(c, "/findings"), "q", cmp.Or(b.Package, b.Rule))
	return v
}

// event is a line of the story.
func event(c echo.Context, e *remediation.Event, imports bool) view.Event {
	v := view.Event{Icon: "info", Who: e.ActorName, What: e.Words, Note: e.Note, At: e.At}
	if e.Layer == remediation.ByProof {
		v.Who = ""
	}
	if e.ImportID != 0 && imports {
		v.ImportHref = kit.In(c, "/imports/"+strconv.FormatInt(e.ImportID, 10))
	}
	switch e.Action {
	case remediation.Created:
		v.Icon = "plus"
	case remediation.Moved:
		v.Icon, v.Tone = map[remediation.State]string{remediation.Todo: "undo", remediation.Doing: "wrench", remediation.Fixed: "check", remediation.Verified: "okc", remediation.Ended: "x"}[e.ToState], map[remediation.State]string{remediation.Todo: "bad", remediation.Fixed: "warn", remediation.Verified: "ok"}[e.ToState]
	case remediation.Blocked:
		v.Icon, v.Tone = "ban", "warn"
	case remediation.Unblocked:
		v.Icon = "arrow"
	case remediation.Covered:
		v.Icon = "plus"
	case remediation.Uncovered:
		v.Icon = "minus"
	case remediation.Commented:
		v.Icon = "chat"
	case remediation.Changed:
		v.Icon = "pencil"
	case remediation.Progress:
		v.Icon = "finding"
	}
	return v
}

// byName puts people in the order of their names.
func byName(people []identity.Person) []identity.Person {
	list := slices.Clone(people)
	slices.SortFunc(list, func(a, b identity.Person) int {
		return cmp.Compare(strings.ToLower(a.User.Name), strings.ToLower(b.User.Name))
	})
	return list
}

func teamsByName(teams map[int64]string) []int64 {
	return slices.SortedFunc(maps.Keys(teams), func(a, b int64) int { return cmp.Or(cmp.Compare(teams[a], teams[b]), cmp.Compare(a, b)) })
}
