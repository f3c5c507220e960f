package findings

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"muster/internal/exception"
	"muster/internal/finding"
	view "muster/views/findings"
	"muster/views/ui"
)

var kindWords = map[finding.Kind]string{
	finding.Dependency: "Package", finding.Code: "Code", finding.Secret: "Secret", finding.Configuration: "Configuration",
	finding.Web: "Web", finding.Network: "Network", finding.License: "Licence", finding.Manual: "By hand",
}

func level(s finding.Severity) view.Level { return ui.LevelOf(string(s)) }

// stateWord is a state as pages say it.
func stateWord(s finding.State) ui.Word {
	switch s {
	case finding.Open:
		return ui.Word{Text: "Open", Tone: ui.Bad}
	case finding.ReReview:
		return ui.Word{Text: "Wants a second look", Tone: ui.Warn}
	case finding.Confirmed:
		return ui.Word{Text: "Confirmed", Tone: ui.Bad}
	case finding.InProgress:
		return ui.Word{Text: "In progress", Tone: ui.Info}
	case finding.Fixed:
		return ui.Word{Text: "Fixed, not yet proven", Tone: ui.Warn}
	case finding.Closed:
		return ui.Word{Text: "Closed", Tone: ui.OK}
	case finding.Accepted:
		return ui.Word{Text: "Accepted", Tone: ui.Warn}
	case finding.FalsePositive:
		return ui.Word{Text: "False positive", Tone: ui.Unk}
	case finding.NotAffected:
		return ui.Word{Text: "Not affected", Tone: ui.Unk}
	case finding.Duplicate:
		return ui.Word{Text: "Repeats another", Tone: ui.Unk}
	}
	return ui.Word{Text: string(s), Tone: ui.Unk}
}

// stateNote says what a state means for the person who reads it.
func stateNote(f *finding.Finding) string {
	switch f.State {
	case finding.Open:
		return "Nobody looked at it yet."
	case finding.ReReview:
		return "It was decided once, and its facts changed since. Decide again."
	case finding.Confirmed:
		return "A person looked: it is real."
	case finding.InProgress:
		return "Somebody works on it."
	case finding.Fixed:
		if f.DecidedLayer == finding.ByPerson {
			return "Somebody says that it is fixed. A complete report that no longer sees it, or another person, proves it; until then it limits the score as before."
		}
		return "A complete report no longer sees it. A second one, or a person, proves it."
	case finding.Closed:
		return "It is proven to be gone. Seen again, it opens again."
	case finding.Accepted:
		return "An exception accepts it until its day. It limits the score as before."
	case finding.FalsePositive:
		return "It was judged to be no weakness. That holds until its facts change."
	case finding.NotAffected:
		return "It was judged not to affect this service. That holds until its facts change."
	case finding.Duplicate:
		return "It repeats another finding."
	}
	return ""
}

// closes says what will prove a finding to be gone.
func closes(f *finding.Finding) string {
	if f.State == finding.Closed {
		return "It is closed. A report that sees it again opens it again, on this page."
	}
	return "It closes by itself when two complete reports in a row no longer see it, or when one person fixes it and another verifies that."
}

// due is by when, from today.
func due(f *finding.Finding, now time.Time) ui.Word {
	if f.DueAt == nil {
		return ui.Word{}
	}
	days := int(math.Ceil(f.DueAt.Sub(now).Hours() / 24))
	switch {
	case now.After(*f.DueAt):
		return ui.Word{Text: ui.Plural(max(1, int(now.Sub(*f.DueAt).Hours()/24)), "day", "days") + " late", Tone: ui.Bad}
	case days <= 1:
		return ui.Word{Text: "within a day", Tone: ui.Bad}
	case days <= 7:
		return ui.Word{Text: fmt.Sprintf("in %d days", days), Tone: ui.Warn}
	}
	return ui.Word{Text: fmt.Sprintf("in %d days", days)}
}

// moveWords are what a person may choose, as the choice says it.
var moveWords = map[finding.State]string{
	finding.Open: "Open", finding.Confirmed: "Confirmed: it is real", finding.InProgress: "In progress", finding.Fixed: "Fixed",
	finding.Closed: "Closed: I verified that it is gone", finding.FalsePositive: "False positive", finding.NotAffected: "Not affected", finding.Duplicate: "Repeats another",
}

// moves are what may become of many findings at once.
func moves(decides, asks bool) []ui.Option {
	list := []finding.State{finding.Confirmed, finding.InProgress, finding.Fixed, finding.Closed, finding.Open}
	if decides {
		list = append(list, finding.FalsePositive)
	}
	var options []ui.Option
	for _, s := range list {
		options = append(options, ui.Option{Value: string(s), Label: moveWords[s]})
	}
	if asks {
		options = append(options, ui.Option{Value: string(finding.Accepted), Label: "Accept for now: ask for an exception"})
	}
	return options
}

// accepted says under what a finding is accepted, and what waits to accept it.
func accepted(by *exception.Exception, asked []exception.Exception, in func(string) string, now time.Time) []view.Accepted {
	var list []view.Accepted
	if by != nil {
		days := int(math.Ceil(by.ExpiresAt.Sub(now).Hours() / 24))
		a := view.Accepted{Tone: ui.Info, Title: "Accepted until " + by.ExpiresAt.UTC().Format("2 January 2006"), Reason: by.Reason, Words: fmt.Sprintf("%s asked, %s approved; %s sees to its end. Then it is open again.", by.RequesterName, by.DeciderName, cmp.Or(by.OwnerName, by.RequesterName)),
			Href: in(fmt.Sprintf("/exceptions/%d", by.ID)), Link: fmt.Sprintf("Exception %d", by.ID)}
		switch {
		case days <= exception.LastWarning:
			a.Tone, a.Title = ui.Bad, "Accepted, but no longer than a day"
		case days <= exception.NearWarning:
			a.Tone, a.Title = ui.Warn, fmt.Sprintf("Accepted for %d more days", days)
		case days <= exception.FarWarning:
			a.Title = fmt.Sprintf("Accepted for %d more days", days)
		}
		list = append(list, a)
	}
	for i := range asked {
		e := &asked[i]
		list = append(list, view.Accepted{Tone: ui.Info, Title: "An exception waits for a decision", Reason: e.Reason, Words: e.RequesterName + " asked for it until " + e.ExpiresAt.UTC().Format("2 January 2006") + ". Nothing is accepted yet.", Href: in(fmt.Sprintf("/exceptions/%d", e.ID)), Link: fmt.Sprintf("Exception %d", e.ID)})
	}
	return list[:min(len(list), 3)]
}

// justified are the reasons of VEX for "not affected".
var justified = map[finding.Justification]string{
	finding.NotPresent: "the package is not in it", finding.CodeNotPresent: "the weak code is not in it", finding.NotExecuted: "the weak code is never run",
	finding.NotControlled: "nobody outside can steer the weak code", finding.Mitigated: "something in it already prevents the attack",
}

// event turns a line of history into one of the page: what machines did has no actor, what people did begins with theirs.
func event(v *finding.Event) view.Event {
	e := view.Event{What: v.Words, Note: v.Note, At: v.At, Contradicts: v.Contradicts != 0, Icon: "scan"}
	if v.Layer == finding.ByPerson {
		e.Who, e.Icon = v.ActorName, "user"
	}
	switch {
	case v.Action == finding.Reopened:
		e.Icon, e.Tone = "undo", "bad"
	case v.Action == finding.Merged:
		e.Icon = "split"
	case v.Action == finding.Commented:
		e.Icon = "chat"
	case v.Action == finding.Attached:
		e.Icon = "clip"
	case v.Action == finding.Assigned:
		e.Icon = "usercheck"
	case v.Action == finding.Undone:
		e.Icon = "undo"
	case v.Action == finding.Clocked:
		e.Icon = "clock"
	case v.ToState != v.FromState && (v.ToState == finding.Fixed || v.ToState == finding.Closed):
		e.Icon, e.Tone = "check", "ok"
	case v.ToState == finding.ReReview && v.FromState != v.ToState:
		e.Icon, e.Tone = "flag", "warn"
	case v.ToState == finding.InProgress && v.FromState != v.ToState:
		e.Icon, e.Tone = "wrench", "acc"
	case v.ToState == finding.Accepted && v.Action == finding.Moved:
		e.Icon = "contrast"
	case v.ToState.Decided() && v.FromState != v.ToState:
		e.Icon = "ban"
	}
	e.What = strings.TrimSuffix(e.What, ".")
	return e
}
