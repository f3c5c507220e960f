package posture

import (
	"testing"

	"muster/internal/control"
	"muster/internal/control/catalogue"
)

func TestARequirementHoldsOnlyWhereEverythingThatClaimsItHolds(t *testing.T) {
	t.Parallel()
	answer := func(s catalogue.Strength, states ...control.Word) Answer {
		a := Answer{Effective: &control.Effective{}, Strength: s}
		for _, w := range states {
			a.Cells = append(a.Cells, Cell{State: w})
		}
		return a
	}
	off := answer(catalogue.Full, control.Failing)
	off.Off = true
	hidden := answer(catalogue.Partial)
	hidden.Hidden = true
	full, part, supports := catalogue.Full, catalogue.Partial, catalogue.Supports
	for name, c := range map[string]struct {
		answers []Answer
		want    Standing
		whole   bool
	}{
		"nothing answers":               {nil, NotLooked, false},
		"it only supports":              {[]Answer{answer(supports, control.Verified)}, Supported, false},
		"a part holds":                  {[]Answer{answer(part, control.Verified, control.Attested)}, Holds, false},
		"all of it holds":               {[]Answer{answer(supports, control.Failing), answer(full, control.Verified)}, Holds, true},
		"one service is not known":      {[]Answer{answer(full, control.Verified, control.NotKnown)}, Open, true},
		"one of two controls fails":     {[]Answer{answer(part, control.NotKnown), answer(part, control.Failing)}, Fails, false},
		"the evidence of one ran out":   {[]Answer{answer(part, control.Verified), answer(part, control.Stale)}, RanOut, false},
		"it applies to nothing":         {[]Answer{answer(full)}, Nowhere, true},
		"what is off shows nothing":     {[]Answer{off}, Supported, false},
		"what is off does not fail it":  {[]Answer{off, answer(part, control.Verified)}, Holds, false},
		"a part is hidden from readers": {[]Answer{hidden, answer(part, control.Verified)}, Open, false},
	} {
		m := Met{Answers: c.answers}
		m.settle()
		if m.Standing != c.want || m.Whole != c.whole {
			t.Errorf("%s: %s, whole %t", name, m.Standing, m.Whole)
		}
	}
}

func TestTheExplainedBordersAreThoseOfTheGrades(t *testing.T) {
	t.Parallel()
	x := Explain()
	if len(x.Grades) != 6 || x.Grades[0] != (Border{"A", 90}) || x.Grades[5] != (Border{"F", 0}) || x.Tiers != [3]float64{4, 2, 1} {
		t.Errorf("%+v", x)
	}
}
