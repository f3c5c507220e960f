package frameworks

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/posture"
	"muster/internal/web/kit"
	view "muster/views/frameworks"
	"muster/views/ui"
)

// tally counts requirements by how they stand.
type tally map[posture.Standing]int

func count(list []posture.Met) tally {
	t := tally{}
	for i := range list {
		t[list[i].Standing]++
	}
	return t
}

func (t tally) all() int {
	n := 0
	for _, k := range t {
		n += k
	}
	return n
}

// claimed are the requirements that a control answers wholly or partly.
func (t tally) claimed() int { return t.all() - t[posture.NotLooked] - t[posture.Supported] }

func (t tally) bar() view.Bar {
	parts := []struct {
		standing posture.Standing
		state    ui.State
		words    string
	}{{posture.Holds, ui.Verified, "hold"}, {posture.RanOut, ui.Stale, "stale"}, {posture.Open, ui.Unknown, "unknown"}, {posture.Fails, ui.Failing, "failing"}, {posture.Nowhere, ui.NotApplicable, "apply nowhere here"}, {posture.Supported, ui.NotApplicable, "only supported"}, {posture.NotLooked, ui.NotApplicable, "not looked at"}}
	var b view.Bar
	var words []string
	for _, p := range parts {
		n := t[p.standing]
		if n == 0 && p.standing != posture.Holds {
			continue
		}
		words = append(words, fmt.Sprintf("%d %s", n, p.words))
		b.Parts = append(b.Parts, ui.Part{State: p.state, N: n})
	}
	b.Words = strings.Join(words, ", ")
	return b
}

// states are the choices of the filter, each with how many there are.
func states(chosen string, t tally) []ui.Option {
	list := []ui.Option{{Value: "", Label: "Every state", Chosen: chosen == ""}}
	for _, s := range []struct {
		standing posture.Standing
		label    string
	}{{posture.Fails, "Failing"}, {posture.Open, "Unknown"}, {posture.RanOut, "Stale"}, {posture.Holds, "Holds"}, {posture.Nowhere, "Applies nowhere here"}, {posture.Supported, "Only supported"}, {posture.NotLooked, "Not looked at"}} {
		list = append(list, ui.Option{Value: string(s.standing), Label: fmt.Sprintf("%s (%d)", s.label, t[s.standing]), Chosen: chosen == string(s.standing)})
	}
	return list
}

// strengthWords say how much of a requirement a control covers.
var strengthWords = map[catalogue.Strength]string{catalogue.Full: "full", catalogue.Partial: "partly", catalogue.Supports: "supports"}

// fewAnswers is how many answers stand in sight before those that only support are folded away.
const fewAnswers = 3

func row(c echo.Context, f *catalogue.Framework, m *posture.Met, of int) view.Requirement {
	r := view.Requirement{ID: m.ID, Level: m.Level}
	if !f.NumbersOnly {
		r.Words = m.Words
	}
	for i := range m.Answers {
		a := &m.Answers[i]
		answer := view.Answer{ID: a.ID, Title: a.Title, Href: kit.In(c, "/controls/"+a.ID), Strength: strengthWords[a.Strength], Why: a.Why, Off: a.Off}
		if len(r.Answers) >= fewAnswers && a.Strength == catalogue.Supports { // full and partial ones come first
			r.Supports = append(r.Supports, answer)
			continue
		}
		r.Answers = append(r.Answers, answer)
	}
	r.State, r.Word = standing(m)
	if len(m.Cells) > 0 {
		b := cells(m.Cells)
		r.Bar = &b
	}
	r.Text, r.TextHref = text(c, f, m, of)
	return r
}

func standing(m *posture.Met) (ui.State, string) {
	switch m.Standing {
	case posture.Holds:
		state := ui.Verified
		for _, c := range m.Cells {
			if c.State == control.Attested {
				state = ui.Attested
			}
		}
		if m.Whole {
			return state, "Holds"
		}
		return state, "Holds, as far as Muster looks"
	case posture.Fails:
		return ui.Failing, "Failing"
	case posture.Open:
		for i := range m.Answers {
			if m.Answers[i].Hidden && m.Answers[i].Claims() {
				return ui.Unknown, "Unknown to you: a part of it is the company’s"
			}
		}
		return ui.Unknown, "Unknown"
	case posture.RanOut:
		return ui.Stale, "Stale"
	case posture.Nowhere:
		return ui.NotApplicable, "Applies to nothing here"
	case posture.Supported:
		for i := range m.Answers {
			if m.Answers[i].Off && m.Answers[i].Strength != catalogue.Supports {
				return "", "Not judged: the control that shows it is switched off"
			}
		}
		return "", "Only supported: no control shows it by itself"
	case posture.NotLooked:
	}
	return "", ""
}

// cells counts the states of the answering controls over all services.
func cells(list []posture.Cell) view.Bar {
	n := map[control.Word]int{}
	for _, c := range list {
		n[c.State]++
	}
	var b view.Bar
	var words []string
	for _, s := range []struct {
		word  control.Word
		state ui.State
		words string
	}{{control.Verified, ui.Verified, "verified"}, {control.Attested, ui.Attested, "attested"}, {control.Stale, ui.Stale, "stale"}, {control.NotKnown, ui.Unknown, "unknown"}, {control.Failing, ui.Failing, "failing"}} {
		if n[s.word] > 0 {
			b.Parts = append(b.Parts, ui.Part{State: s.state, N: n[s.word]})
			words = append(words, fmt.Sprintf("%d %s", n[s.word], s.words))
		}
	}
	b.Words = strings.Join(words, ", ")
	return b
}

// The length of an official text: long ones are cut where many requirements are shown.
const (
	cutText = 1000
	fewRows = 5
)

func text(c echo.Context, f *catalogue.Framework, m *posture.Met, of int) (paragraphs []string, whole string) {
	words := m.Text
	if runes := []rune(words); of > fewRows && len(runes) > cutText {
		words = string(runes[:cutText]) + "…"
		whole = kit.In(c, "/frameworks/"+f.ID+"?"+url.Values{"text": {m.ID}}.Encode())
	}
	for p := range strings.SplitSeq(words, "\n") {
		if p = strings.TrimSpace(p); p != "" {
			paragraphs = append(paragraphs, p)
		}
	}
	return paragraphs, whole
}
