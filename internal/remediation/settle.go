package remediation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/internal/control"
	"muster/internal/finding"
)

// Standing is how far one item of a task is from its end.
type Standing string

// The standings.
const (
	Live    Standing = "live"    // it wants work
	Said    Standing = "said"    // somebody says that it is gone, or one report no longer sees it
	Proven  Standing = "proven"  // a finding is closed, a control is verified
	Lapsed  Standing = "lapsed"  // a control was verified, and the evidence has run out: nobody saw it fail
	Settled Standing = "settled" // decided, accepted or never there: nothing is to be done, and nothing is proven
)

// The words of items that are no state of a finding or control.
const (
	retracted = "retracted" // the import that had opened the finding was undone
	excepted  = "excepted"  // an exception accepts the failing control
)

// ofFinding is how far a finding is from its end.
func ofFinding(f *finding.Finding) (string, Standing) {
	if !f.Counted() {
		return retracted, Settled
	}
	standing := Live
	switch f.State {
	case finding.Fixed:
		standing = Said
	case finding.Closed:
		standing = Proven
	case finding.FalsePositive, finding.NotAffected, finding.Accepted, finding.Duplicate:
		standing = Settled
	case finding.Open, finding.Confirmed, finding.InProgress, finding.ReReview:
	}
	return string(f.State), standing
}

// ofControl is how far a control is from its end. Evidence that runs out later takes a proof back only where somebody
// sees the control fail: that time passed is no regression.
func ofControl(w control.Word, accepted bool, before Standing) (string, Standing) {
	switch {
	case w == control.Verified:
		return string(w), Proven
	case w == control.NotApplicable:
		return string(w), Settled
	case w == control.Attested:
		return string(w), Said
	case w == control.Failing && accepted:
		return excepted, Settled
	case w != control.Failing && (before == Proven || before == Lapsed):
		return string(w), Lapsed
	}
	return string(w), Live
}

// sum counts items by their standing.
type sum struct{ live, said, proven, lapsed, settled int }

func sumOf(items []Item) sum {
	var s sum
	for i := range items {
		switch items[i].Standing {
		case Live:
			s.live++
		case Said:
			s.said++
		case Proven:
			s.proven++
		case Lapsed:
			s.lapsed++
		case Settled:
			s.settled++
		}
	}
	return s
}

// next is the state that the items of a task ask for. back says that something came back that had been gone.
func next(t *Task, s sum, back bool) State {
	switch {
	case t.State == Ended && t.StateLayer == ByPerson:
		return Ended // it was taken off the board, whatever becomes of what it covers
	case s.live > 0:
		if back && t.State == Fixed || t.State == Verified || t.State == Ended {
			return Todo
		}
		return t.State
	case s.proven+s.said+s.lapsed == 0:
		return Ended
	case t.State == Verified && s.said == 0:
		return Verified
	case s.said+s.lapsed == 0:
		return Verified
	}
	return Fixed
}

// far is where tasks without a date stand in a list.
var far = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// tally makes what is kept on a task follow from its items.
func tally(t *Task, items []Item) {
	t.Items, t.Live, t.DueAt, t.Severity, t.Priority = len(items), 0, nil, "", 0
	var services []int64
	all, rest := finding.Severity(""), finding.Severity("")
	for i := range items {
		it := &items[i]
		services = append(services, it.ServiceID)
		all = worse(all, it.Severity)
		if it.Standing == Live {
			t.Live++
		}
		if it.Standing != Live && it.Standing != Said {
			continue
		}
		rest = worse(rest, it.Severity)
		t.Priority = max(t.Priority, it.Priority)
		if it.DueAt != nil && (t.DueAt == nil || it.DueAt.Before(*t.DueAt)) {
			t.DueAt = it.DueAt
		}
	}
	if t.Severity = rest; rest == "" {
		t.Severity = all
	}
	if t.SortAt = far; t.DueAt != nil {
		t.SortAt = *t.DueAt
	}
	t.Services = joinIDs(services)
	if t.ByOwner {
		t.TeamID = owner(items)
	}
}

func worse(a, b finding.Severity) finding.Severity {
	if a == "" || b != "" && b.Worse(a) {
		return b
	}
	return a
}

// owner is the team that owns most of what a task covers; of two the older.
func owner(items []Item) int64 {
	counts := map[int64]int{}
	for i := range items {
		if items[i].TeamID != 0 {
			counts[items[i].TeamID]++
		}
	}
	best := int64(0)
	for id, n := range counts {
		if best == 0 || n > counts[best] || n == counts[best] && id < best {
			best = id
		}
	}
	return best
}

func joinIDs(ids []int64) string {
	slices.Sort(ids)
	var words []string
	for _, id := range slices.Compact(ids) {
		words = append(words, strconv.FormatInt(id, 10))
	}
	return strings.Join(words, " ")
}

// change is one item that stands otherwise than before, with what is known about why.
type change struct {
	item   Item
	before Standing
	why    string // what the finding's own history says
	person bool   // a person did it
	from   int64  // the import that did it
}

// back reports whether something that had been gone wants work again.
func (c *change) back() bool { return c.before != Live && c.item.Standing == Live }

// reason is the sentence for a move that items ask for.
func reason(to State, s sum, changes []change) string {
	last := ""
	if n := len(changes); n > 0 {
		last = changes[n-1].words()
	}
	switch to {
	case Todo:
		for i := range changes {
			if changes[i].back() {
				return "It came back: " + changes[i].words()
			}
		}
	case Fixed:
		return "Everything it covers is at least fixed; the proof is still to come. The last: " + last
	case Verified:
		words := "Everything it covers is proven gone. The last: " + last
		if s.settled > 0 {
			words += fmt.Sprintf(" %d of them %s decided otherwise, which proves nothing about them.", s.settled, were(s.settled))
		}
		return words
	case Ended:
		return "Nothing is left to do, and nothing was proven: " + last
	case Doing:
	}
	return last
}

func were(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// words say what became of an item.
func (c *change) words() string {
	text := c.item.Name() + " " + says(&c.item)
	switch {
	case c.person:
		text = strings.TrimSuffix(c.item.Name(), ",") + ": " + strings.TrimSuffix(c.why, ".")
	case c.why != "":
		text += ": " + strings.TrimSuffix(c.why, ".")
	}
	if c.from != 0 {
		text += fmt.Sprintf(" (import %d)", c.from)
	}
	return text + "."
}

// says is an item's state as a sentence goes on.
func says(i *Item) string {
	if i.FindingID == 0 {
		switch i.Word {
		case string(control.Failing):
			return "fails"
		case string(control.NotApplicable):
			return "does not apply any more"
		case excepted:
			return "is accepted by an exception"
		}
		return "is " + i.Word
	}
	switch i.Word {
	case string(finding.FalsePositive):
		return "was judged to be a false positive"
	case string(finding.NotAffected):
		return "was judged not to affect its service"
	case string(finding.Accepted):
		return "is accepted by an exception"
	case string(finding.Duplicate):
		return "repeats another"
	case string(finding.ReReview):
		return "wants a second look"
	case string(finding.InProgress):
		return "is in progress"
	case retracted:
		return "was never there, since its import was undone"
	}
	return "is " + i.Word
}

// progress says in one line what became of items that stand otherwise now.
func progress(changes []change) (words string, importID int64) {
	var lines []string
	for i := range changes {
		if len(lines) == 5 {
			lines = append(lines, fmt.Sprintf("And %d more.", len(changes)-i))
			break
		}
		line := changes[i].words()
		lines = append(lines, strings.ToUpper(line[:1])+line[1:])
	}
	for i := range changes {
		importID = max(importID, changes[i].from)
	}
	return strings.Join(lines, " "), importID
}
