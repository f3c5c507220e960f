package posture

import (
	"cmp"
	"slices"

	"muster/internal/control"
	"muster/internal/control/catalogue"
)

// Answer is a control that answers a requirement, with its state on everything it applies to.
type Answer struct {
	*control.Effective
	Strength catalogue.Strength
	Why      string
	Hidden   bool // a control of the workspace, for a reader who sees only some services
	Cells    []Cell
}

// Claims reports whether the control shows at least a part of the requirement by itself.
func (a *Answer) Claims() bool { return a.Strength != catalogue.Supports && !a.Off }

// Standing is how a requirement stands.
type Standing string

// The standings.
const (
	Holds     Standing = "holds"     // every claiming control is verified or attested wherever it applies
	Fails     Standing = "failing"   // one of them fails somewhere
	RanOut    Standing = "stale"     // nothing fails or is unknown, and some evidence is out of date
	Open      Standing = "unknown"   // nothing fails, and something is not known
	Nowhere   Standing = "nowhere"   // none of them applies to anything here
	Supported Standing = "supported" // controls only help; none shows it
	NotLooked Standing = "none"      // no control answers it
)

// Met is a requirement of a framework with the controls that answer it.
type Met struct {
	catalogue.Requirement
	Answers  []Answer
	Standing Standing
	Whole    bool   // a control answers all of it, and not only a part
	Cells    []Cell // of the claiming controls, over everything they apply to
}

// Requirements says how each requirement of a framework stands, from what is on the board. What is off shows nothing.
func (b *Board) Requirements(f *catalogue.Framework) []Met {
	answers := map[string][]Answer{}
	for _, e := range b.Rules.All {
		var cells []Cell
		for _, m := range e.Mappings {
			if m.Framework != f.ID {
				continue
			}
			if cells == nil {
				cells = b.over(e)
			}
			hidden := b.Limited && e.Subject == catalogue.Workspace
			answers[m.Requirement] = append(answers[m.Requirement], Answer{Effective: e, Strength: m.Strength, Why: m.Why, Hidden: hidden, Cells: cells})
		}
	}
	var list []Met
	for _, q := range f.Requirements {
		m := Met{Requirement: q, Answers: answers[q.ID]}
		m.settle()
		list = append(list, m)
	}
	return list
}

// over lists the states of a control on everything it applies to.
func (b *Board) over(e *control.Effective) []Cell {
	cells := []Cell{}
	if e.Subject == catalogue.Workspace {
		if c := b.Own(e.ID); !b.Limited && c.State != control.NotApplicable {
			cells = append(cells, c)
		}
		return cells
	}
	for i := range b.Rows {
		if c := b.Rows[i].Cell(e.ID); c.State != control.NotApplicable {
			cells = append(cells, c)
		}
	}
	return cells
}

var strengths = []catalogue.Strength{catalogue.Full, catalogue.Partial, catalogue.Supports}

// settle derives the standing from the answers.
func (m *Met) settle() {
	slices.SortStableFunc(m.Answers, func(x, y Answer) int {
		return cmp.Compare(slices.Index(strengths, x.Strength), slices.Index(strengths, y.Strength))
	})
	if len(m.Answers) == 0 {
		m.Standing = NotLooked
		return
	}
	claims, hidden := false, false
	for i := range m.Answers {
		a := &m.Answers[i]
		if !a.Claims() {
			continue
		}
		claims, hidden = true, hidden || a.Hidden
		m.Whole = m.Whole || a.Strength == catalogue.Full
		m.Cells = append(m.Cells, a.Cells...)
	}
	seen := map[control.Word]bool{control.NotKnown: hidden}
	for _, c := range m.Cells {
		seen[c.State] = true
	}
	switch {
	case !claims:
		m.Standing = Supported
	case seen[control.Failing]:
		m.Standing = Fails
	case seen[control.NotKnown]:
		m.Standing = Open
	case seen[control.Stale]:
		m.Standing = RanOut
	case len(m.Cells) == 0:
		m.Standing = Nowhere
	default:
		m.Standing = Holds
	}
}
