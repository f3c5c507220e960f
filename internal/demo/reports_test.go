package demo_test

import (
	"testing"

	"muster/internal/finding"
)

func (s *told) findings(t *testing.T) {
	page, err := s.Findings.List(s.ctx, s.reader, finding.Filter{Everything: true, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	states, kinds, came := map[finding.State]int{}, map[finding.Kind]int{}, 0
	for _, f := range page.Rows {
		states[f.State]++
		kinds[f.Kind]++
		came += f.ReopenCount
		if f.ServiceID == 0 {
			t.Errorf("%q is nobody's", f.Title)
		}
	}
	if states[finding.Closed] == 0 || states[finding.FalsePositive] != 1 || states[finding.Open] == 0 || states[finding.Confirmed] != 1 || came != 1 {
		t.Errorf("%v, %d came back", states, came)
	}
	for _, k := range []finding.Kind{finding.Dependency, finding.Code, finding.Secret, finding.Web} {
		if kinds[k] == 0 {
			t.Errorf("nothing of kind %s", k)
		}
	}
	if wrong, err := s.Findings.Recount(s.ctx); err != nil || len(wrong) > 0 {
		t.Errorf("%v %v", wrong, err)
	}
}
