package posture

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/control"
)

// cell is the state of one control on one service, as scores and matrices need it.
type cell struct {
	State        control.Word
	Value        float64
	Contradicted bool
	Known, Total int
	Excepted     bool
	Failed       []string // the clauses that fail
	SeenUntil    time.Time
}

// holds reports whether in-date evidence says that the control is met.
func (c *cell) holds() bool {
	return c != nil && (c.State == control.Verified || c.State == control.Attested)
}

// fails reports whether a clause fails; "" is any clause.
func (c *cell) fails(clause string) bool {
	return c != nil && c.State == control.Failing && (clause == "" || slices.Contains(c.Failed, clause) || slices.Contains(c.Failed, ""))
}

// looked reports whether there is evidence in date at a moment, whatever it says.
func (c *cell) looked(at time.Time) bool { return c.holds() || (c.fails("") && at.Before(c.SeenUntil)) }

// known reports whether there is in-date evidence that decides.
func (c *cell) known() bool { return c.holds() || c.State == control.Failing }

// Cells are stored as text, one word per control: "RUN-1=f!x" is failing, contradicted and accepted for now. Unknown
// ones are left out, so that a service about which nothing is known costs nothing.
const (
	codeFailing      = 'f'
	codeUnknown      = 'u'
	codePartly       = 'p'
	codeStale        = 's'
	codeAttested     = 'a' // where only people can know
	codeAttestedOnly = 'h' // where a machine could
	codeVerified     = 'v'
	codeNotThere     = 'n'
	markContradicted = '!'
	markExcepted     = 'x'
)

func (c *cell) code() string {
	letter := codeUnknown
	switch c.State {
	case control.Failing:
		letter = codeFailing
	case control.Verified:
		letter = codeVerified
	case control.Attested:
		letter = codeAttestedOnly
		if c.Value > valueMachineCould {
			letter = codeAttested
		}
	case control.Stale:
		letter = codeStale
	case control.NotApplicable:
		letter = codeNotThere
	case control.NotKnown:
		if c.Known > 0 {
			letter = codePartly
		}
	}
	text := string(letter)
	if letter == codePartly {
		text += fmt.Sprintf("%d/%d", c.Known, c.Total)
	}
	if c.Contradicted {
		text += string(markContradicted)
	}
	if c.Excepted {
		text += string(markExcepted)
	}
	return text
}

// The values of states in formula 1, as package control gives them.
const (
	valuePeopleOnly   = 0.75
	valueMachineCould = 0.4
	valueStale        = 0.25
)

func decode(code string) cell {
	c := cell{State: control.NotKnown}
	if code == "" {
		return c
	}
	switch rune(code[0]) {
	case codeFailing:
		c.State = control.Failing
	case codeVerified:
		c.State, c.Value = control.Verified, 1
	case codeAttested:
		c.State, c.Value = control.Attested, valuePeopleOnly
	case codeAttestedOnly:
		c.State, c.Value = control.Attested, valueMachineCould
	case codeStale:
		c.State, c.Value = control.Stale, valueStale
	case codeNotThere:
		c.State = control.NotApplicable
	case codePartly:
		if _, err := fmt.Sscanf(code[1:], "%d/%d", &c.Known, &c.Total); err != nil {
			c.Known = 1 // a row of an older form
		}
	}
	c.Contradicted = strings.ContainsRune(code, markContradicted)
	c.Excepted = strings.ContainsRune(code, markExcepted)
	return c
}

func packCells(cells map[string]*cell) string {
	var words []string
	for id, c := range cells {
		if code := c.code(); code != string(codeUnknown) {
			words = append(words, fmt.Sprintf("%s=%s", id, code))
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func unpackCells(text string) map[string]cell {
	cells := map[string]cell{}
	for _, word := range strings.Fields(text) {
		if id, code, found := strings.Cut(word, "="); found {
			cells[id] = decode(code)
		}
	}
	return cells
}

// terms gives the lines of a score in the order of the controls.
func terms(controls []*control.Effective, cells func(id string) cell) []Term {
	list := make([]Term, 0, len(controls))
	for _, e := range controls {
		c := cells(e.ID)
		list = append(list, Term{Control: e.ID, Weight: e.Points, State: c.State, Value: c.Value, Known: c.known(), Scored: e.Scored})
	}
	return list
}
