package control_test

import (
	"slices"
	"testing"
	"time"

	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/evidence"
)

// shipped finds a control of the catalogue.
func shipped(t testing.TB, id string) *catalogue.Control {
	t.Helper()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	found, known := c.Get(id)
	if !known {
		t.Fatalf("there is no control %s", id)
	}
	return found
}

// row is evidence in short: what a source says of a clause on a part, some days before noon.
type row struct {
	source, clause, part string
	outcome              evidence.Outcome
	ago                  int
	retest               int64
}

// caseOf makes a case of a shipped control; rows are numbered from 1.
func caseOf(t testing.TB, id string, parts map[catalogue.Part][]string, rows ...row) control.Case {
	t.Helper()
	c := shipped(t, id)
	out := control.Case{Control: c, Age: time.Duration(c.Age) * day, Facts: &control.Facts{Live: true, Parts: parts}, Applies: control.Yes, Now: noon}
	for i, r := range rows {
		kind := catalogue.SourceKind(r.source[:slices.Index([]byte(r.source), ':')])
		out.Evidence = append(out.Evidence, evidence.Evidence{ID: int64(i + 1), Control: id, Clause: r.clause, Part: r.part, Kind: kind, Source: r.source, Outcome: r.outcome, RetestOf: r.retest, ObservedAt: noon.Add(-time.Duration(r.ago) * day)})
	}
	return out
}

func workloads(names ...string) map[catalogue.Part][]string {
	return map[catalogue.Part][]string{catalogue.Workload: names}
}

const (
	pass   = evidence.Pass
	fail   = evidence.Fail
	silent = evidence.Silent
)

// clauses of RUN-1, and of RUN-2.
var (
	pod    = []string{"not_root", "not_privileged", "no_added_capabilities", "no_escalation", "no_host_access", "seccomp", "read_only_root"}
	limits = []string{"cpu", "memory"}
)

func TestVerdicts(t *testing.T) {
	t.Parallel()
	file := func(clause string, o evidence.Outcome, ago int) row {
		return row{source: "file:1", clause: clause, part: "workload:w", outcome: o, ago: ago}
	}
	person := func(clause string, o evidence.Outcome, ago int) row {
		return row{source: "person:7", clause: clause, outcome: o, ago: ago}
	}
	w := workloads("w")
	for name, test := range map[string]struct {
		id    string
		parts map[catalogue.Part][]string
		rows  []row
		state control.Word
		value float64
		known int
		both  bool // contradicted
	}{
		"nothing is known":                          {"RUN-2", w, nil, control.NotKnown, 0, 0, false},
		"every clause passes":                       {"RUN-2", w, []row{file("cpu", pass, 1), file("memory", pass, 1)}, control.Verified, 1, 2, false},
		"one of two is known":                       {"RUN-2", w, []row{file("cpu", pass, 1)}, control.NotKnown, 0, 1, false},
		"one workload of two is known":              {"RUN-2", workloads("w", "x"), []row{file("cpu", pass, 1), file("memory", pass, 1)}, control.NotKnown, 0, 2, false},
		"one of two fails":                          {"RUN-2", w, []row{file("cpu", pass, 1), file("memory", fail, 1)}, control.Failing, 0, 2, false},
		"an old fail stands":                        {"RUN-2", w, []row{file("cpu", fail, 4000)}, control.Failing, 0, 1, false},
		"the same check passes":                     {"RUN-2", w, []row{file("cpu", fail, 9), file("cpu", pass, 1), file("memory", pass, 1)}, control.Verified, 1, 2, false},
		"a fail at the moment of a pass":            {"RUN-2", w, []row{file("cpu", fail, 1), file("cpu", pass, 1)}, control.Failing, 0, 1, false},
		"a person passes against a machine":         {"RUN-2", w, []row{file("cpu", fail, 9), person("", pass, 1)}, control.Failing, 0, 2, true},
		"a machine passes against a person":         {"RUN-2", w, []row{file("cpu", pass, 1), file("memory", pass, 1), person("cpu", fail, 9)}, control.Failing, 0, 2, true},
		"a run-out pass contradicts nothing":        {"RUN-2", w, []row{file("cpu", pass, 36), person("cpu", fail, 9)}, control.Failing, 0, 1, false},
		"a person's word where a machine could":     {"RUN-2", w, []row{person("", pass, 1)}, control.Attested, 0.4, 2, false},
		"a person's word where only people can":     {"RUN-6", w, []row{person("", pass, 1)}, control.Attested, 0.75, 1, false},
		"a machine on one clause, a person on both": {"RUN-2", w, []row{file("cpu", pass, 1), person("", pass, 1)}, control.Attested, 0.4, 2, false},
		"what ran out is stale":                     {"RUN-2", w, []row{file("cpu", pass, 35), file("memory", pass, 1)}, control.Stale, 0.25, 1, false},
		"stale for one age only":                    {"RUN-2", w, []row{file("cpu", pass, 70), file("memory", pass, 1)}, control.NotKnown, 0, 1, false},
		"a run-out word is stale":                   {"RUN-6", w, []row{person("", pass, 180)}, control.Stale, 0.25, 0, false},
		"the failing part is gone":                  {"RUN-2", w, []row{file("cpu", pass, 1), file("memory", pass, 1), {source: "file:1", clause: "cpu", part: "workload:gone", outcome: fail, ago: 2}}, control.Verified, 1, 2, false},
		"the last part is gone":                     {"RUN-2", workloads(), []row{file("cpu", fail, 1)}, control.NotKnown, 0, 0, false},
		"silence ends a failure and proves nothing": {"RUN-2", w, []row{file("cpu", fail, 9), file("cpu", silent, 1)}, control.NotKnown, 0, 0, false},
		"silence ends a pass":                       {"RUN-2", w, []row{file("cpu", pass, 9), file("cpu", silent, 1), file("memory", pass, 1)}, control.NotKnown, 0, 1, false},
		"silence of another source ends nothing":    {"RUN-2", w, []row{file("cpu", fail, 9), {source: "file:2", clause: "cpu", part: "workload:w", outcome: silent, ago: 1}}, control.Failing, 0, 1, false},
		"what was typed in attests":                 {"IAM-8", w, []row{{source: "register:credentials", clause: "credentials", outcome: pass, ago: 0}, {source: "probe:1", clause: "certificates", outcome: pass, ago: 0}}, control.Attested, valueOf(t, "IAM-8", "credentials"), 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := control.Judge(caseOf(t, test.id, test.parts, test.rows...))
			if v.State != test.state || v.Value != test.value || v.Known != test.known || v.Contradicted != test.both {
				t.Errorf("want %s %v with %d known, contradicted %t; have %+v", test.state, test.value, test.known, test.both, v)
			}
		})
	}
}

// valueOf is what a person's word about a clause is worth.
func valueOf(t testing.TB, id, clause string) float64 {
	t.Helper()
	if c, _ := shipped(t, id).Clause(clause); c.PeopleOnly {
		return 0.75
	}
	return 0.4
}

func TestKnownCountsClauses(t *testing.T) {
	t.Parallel()
	var rows []row
	for _, clause := range pod[:3] {
		rows = append(rows, row{source: "file:1", clause: clause, part: "workload:w", outcome: pass, ago: 1})
	}
	v := control.Judge(caseOf(t, "RUN-1", workloads("w"), rows...))
	if v.State != control.NotKnown || v.Known != 3 || v.Total != 7 || v.Value != 0 {
		t.Errorf("want 3 of 7 known: %+v", v)
	}
}

func TestARetestEndsOnlyTheFailureItNames(t *testing.T) {
	t.Parallel()
	rows := []row{{source: "file:1", clause: "cpu", part: "workload:w", outcome: fail, ago: 9}, {source: "probe:1", clause: "cpu", part: "workload:w", outcome: fail, ago: 8},
		{source: "person:7", clause: "cpu", part: "workload:w", outcome: pass, ago: 1, retest: 1}}
	if v := control.Judge(caseOf(t, "RUN-2", workloads("w"), rows...)); v.State != control.Failing || !slices.Equal(v.Fails, []int64{2}) {
		t.Errorf("the other failure stands: %+v", v)
	}
	// The check speaks again: that is a new failure.
	rows = append(rows[:1:1], rows[2], row{source: "file:1", clause: "cpu", part: "workload:w", outcome: fail, ago: 0})
	rows[1].retest = 1
	if v := control.Judge(caseOf(t, "RUN-2", workloads("w"), rows...)); !slices.Equal(v.Fails, []int64{3}) {
		t.Errorf("a newer failure stands: %+v", v)
	}
	// A retest that fails ends nothing.
	rows = []row{rows[0], {source: "person:7", clause: "cpu", part: "workload:w", outcome: fail, ago: 1, retest: 1}}
	if v := control.Judge(caseOf(t, "RUN-2", workloads("w"), rows...)); !slices.Equal(v.Fails, []int64{1, 2}) {
		t.Errorf("both failures stand: %+v", v)
	}
}

func TestReplicasMatterForTierOneOnly(t *testing.T) {
	t.Parallel()
	rules := rulesOf(t)
	e, _ := rules.Get("RUN-3")
	for tier, want := range map[int]control.Word{1: control.NotKnown, 2: control.Verified, 3: control.Verified, 0: control.NotKnown} {
		c := caseOf(t, "RUN-3", workloads("w"), row{source: "file:1", clause: "liveness", part: "workload:w", outcome: pass}, row{source: "file:1", clause: "readiness", part: "workload:w", outcome: pass})
		c.Facts.Tier, c.Facts.Is = tier, map[string]bool{"orchestrated": true}
		known, err := c.Facts.Known()
		if err != nil {
			t.Fatal(err)
		}
		c.Applies, c.ClauseIsOut = e.Applies(known)
		if v := control.Judge(c); v.State != want {
			t.Errorf("tier %d: want %s, have %+v", tier, want, v)
		}
	}
}

func TestWhatDoesNotApplyIsNotJudged(t *testing.T) {
	t.Parallel()
	c := caseOf(t, "RUN-2", workloads("w"), row{source: "file:1", clause: "cpu", part: "workload:w", outcome: fail})
	c.Applies = control.No
	if v := control.Judge(c); v.State != control.NotApplicable {
		t.Errorf("it does not apply: %+v", v)
	}
	c.Applies = control.Unknown
	if v := control.Judge(c); v.State != control.Failing {
		t.Errorf("not known whether it applies keeps it: %+v", v)
	}
	c.Facts.Live = false
	if v := control.Judge(c); v.State != control.NotApplicable {
		t.Errorf("a retired service is not judged: %+v", v)
	}
}

func TestAPhysicalEndComesFirst(t *testing.T) {
	t.Parallel()
	c := caseOf(t, "RUN-2", workloads("w"), row{source: "file:1", clause: limits[0], part: "workload:w", outcome: pass}, row{source: "file:1", clause: limits[1], part: "workload:w", outcome: pass})
	end := noon.Add(3 * day)
	c.Evidence[0].GoodUntil = &end
	v := control.Judge(c)
	if !v.GoodUntil().Equal(end) || v.Later[0].State != control.Stale || len(v.Later) < 2 || v.Later[1].State != control.NotKnown {
		t.Errorf("it holds until %s: %+v", end, v.Later)
	}
	far := noon.Add(3000 * day)
	c.Evidence[0].GoodUntil = &far
	if v := control.Judge(c); !v.GoodUntil().Equal(noon.Add(35 * day)) {
		t.Errorf("a control's age is the most: %s", v.GoodUntil())
	}
}
