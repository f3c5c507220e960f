package finding

import (
	"slices"
)

// State is where a finding stands. It has one, and the table below is the only way from one to another.
type State string

// The states.
const (
	Open          State = "open"
	Confirmed     State = "confirmed"   // a person looked: it is real
	InProgress    State = "in_progress" // somebody works on it
	Fixed         State = "fixed"       // someone says so, or one complete report no longer sees it
	Closed        State = "closed"      // proven: the check that opened it passed again, or a second person verified it
	FalsePositive State = "false_positive"
	NotAffected   State = "not_affected" // with a justification
	Accepted      State = "accepted"     // through an exception, until its day
	Duplicate     State = "duplicate"    // of another finding
	ReReview      State = "re_review"    // decided once, and its facts changed since
)

// States lists them in the order of work.
func States() []State {
	return []State{Open, ReReview, Confirmed, InProgress, Fixed, Closed, Accepted, FalsePositive, NotAffected, Duplicate}
}

// Valid reports whether the word is a state.
func (s State) Valid() bool { return slices.Contains(States(), s) }

// Todo reports whether it waits for somebody's work.
func (s State) Todo() bool {
	return s == Open || s == Confirmed || s == InProgress || s == ReReview
}

// Decided reports whether somebody judged that nothing is to be done. It holds until the facts change.
func (s State) Decided() bool {
	return s == FalsePositive || s == NotAffected || s == Accepted || s == Duplicate
}

// Weakness reports whether a detected finding of this state weighs on the service: what was judged to be none does
// not, and what is only said to be fixed does.
func (s State) Weakness() bool {
	return s != Closed && s != FalsePositive && s != NotAffected && s != Duplicate
}

// Layer is who decided. A lower layer never overrules a higher one.
type Layer string

// The layers, the strongest first.
const (
	ByPerson Layer = "person"
	ByRule   Layer = "rule"
	ByVEX    Layer = "vex"
	ByReport Layer = "report"
)

// strength orders the layers; "" decided nothing.
func (l Layer) strength() int {
	switch l {
	case ByPerson:
		return 4
	case ByRule:
		return 3
	case ByVEX:
		return 2
	case ByReport:
		return 1
	}
	return 0
}

// Yields reports whether a decision of l gives way to one of another layer.
func (l Layer) Yields(to Layer) bool { return l.strength() <= to.strength() }

// move is one line of the transition table.
type move struct {
	from, to State
	person   bool // a person may
	machine  bool // a report, a statement or a rule may
}

// moves is the transition table: what is not here does not happen.
var moves = []move{
	{Open, Confirmed, true, false}, {Open, InProgress, true, false}, {Confirmed, InProgress, true, false},
	{Confirmed, Open, true, false}, {InProgress, Confirmed, true, false}, {InProgress, Open, true, false},

	{Open, Fixed, true, true}, {Confirmed, Fixed, true, true}, {InProgress, Fixed, true, true}, {ReReview, Fixed, true, true},
	{Fixed, Closed, true, true}, // a person only when another one said that it is fixed
	{Fixed, Open, true, true}, {Closed, Open, true, true},

	{Open, FalsePositive, true, true}, {Confirmed, FalsePositive, true, true}, {InProgress, FalsePositive, true, true}, {ReReview, FalsePositive, true, true},
	{Open, NotAffected, true, true}, {Confirmed, NotAffected, true, true}, {InProgress, NotAffected, true, true}, {ReReview, NotAffected, true, true},
	{Open, Accepted, true, true}, {Confirmed, Accepted, true, true}, {InProgress, Accepted, true, true}, {ReReview, Accepted, true, true}, // a machine only by the rule of an exception
	{Open, Duplicate, true, true}, {Confirmed, Duplicate, true, true}, {InProgress, Duplicate, true, true}, {ReReview, Duplicate, true, true},
	{Fixed, Duplicate, false, true}, {Closed, Duplicate, false, true}, {Accepted, Duplicate, false, true}, {FalsePositive, Duplicate, false, true}, {NotAffected, Duplicate, false, true},

	{FalsePositive, ReReview, false, true}, {NotAffected, ReReview, false, true}, {Accepted, ReReview, false, true}, {Duplicate, ReReview, false, true},
	{Open, ReReview, false, true}, {Confirmed, ReReview, false, true}, {InProgress, ReReview, false, true},
	{FalsePositive, Open, true, true}, {NotAffected, Open, true, true}, {Accepted, Open, true, true}, {Duplicate, Open, true, true},
	{Accepted, Fixed, false, true}, // its exception is over, and nobody sees it any more
	{ReReview, Open, true, false}, {ReReview, Confirmed, true, false}, {ReReview, InProgress, true, false},
}

// MayMove reports whether the table leads from one state to another for a layer.
func MayMove(from, to State, by Layer) bool {
	if (to == Accepted || from == Accepted && to == Fixed) && by != ByPerson && by != ByRule {
		return false // what a report or a vendor says neither accepts, nor ends what people accepted
	}
	for _, m := range moves {
		if m.from == from && m.to == to {
			return by == ByPerson && m.person || by != ByPerson && m.machine
		}
	}
	return false
}

// Ways lists the states that a person may choose from here, in the order of States.
func Ways(from State) []State {
	var ways []State
	for _, to := range States() {
		if MayMove(from, to, ByPerson) {
			ways = append(ways, to)
		}
	}
	return ways
}
