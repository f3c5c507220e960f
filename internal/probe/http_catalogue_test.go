package probe

import (
	"slices"
	"testing"

	"muster/internal/control/catalogue"
)

// agrees holds checks to the catalogue: a probe says only what it may, about a part of the right kind.
func agrees(t *testing.T, checks []Check) {
	t.Helper()
	known, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		control, ok := known.Get(c.Control)
		if !ok {
			t.Errorf("no control %s", c.Control)
			continue
		}
		clause, ok := control.Clause(c.Clause)
		if !ok {
			t.Errorf("%s has no clause %s", c.Control, c.Clause)
			continue
		}
		if !slices.ContainsFunc(control.Sources, func(s catalogue.Source) bool { return s.Kind == catalogue.Probe }) {
			t.Errorf("probes say nothing of %s", c.Control)
		}
		if c.Outcome == Pass && !control.Proves(catalogue.Probe, c.Clause) || c.Outcome == Fail && !control.Refutes(catalogue.Probe, c.Clause) {
			t.Errorf("a probe may not say %s of %s %s", c.Outcome, c.Control, c.Clause)
		}
		kind := catalogue.Endpoint
		if len(c.Part) > len(onOperation) && c.Part[:len(onOperation)] == onOperation {
			kind = catalogue.Operation
		}
		if clause.Part != kind {
			t.Errorf("%s %s is about a part of the kind %s, not %q", c.Control, c.Clause, clause.Part, c.Part)
		}
		if !slices.Contains([]Outcome{Pass, Fail, Unknown, NotApplicable}, c.Outcome) || c.Observed == "" || c.Expected == "" {
			t.Errorf("an incomplete check: %+v", c)
		}
		if c.Outcome == Unknown && c.Detail == "" {
			t.Errorf("%s %s is unknown without a reason", c.Control, c.Clause)
		}
	}
}
