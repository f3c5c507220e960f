package control_test

import (
	"cmp"
	"math/rand"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/evidence"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// voices are who may speak in generated cases, with the kind of each.
var voices = map[string]catalogue.SourceKind{"file:1": catalogue.File, "file:2": catalogue.File, "probe:1": catalogue.Probe, "register:r": catalogue.Register, "person:1": catalogue.Person, "person:2": catalogue.Person}

// anyControl draws a control of one to four clauses on parts of any kind.
func anyControl(t *rapid.T) *catalogue.Control {
	c := &catalogue.Control{ID: "TST-1", Subject: catalogue.Service, Weight: 5, Age: 30, Sources: []catalogue.Source{
		{Kind: catalogue.File, Proves: true, Refutes: true, Clauses: []string{"a", "b"}}, {Kind: catalogue.Probe, Proves: true, Refutes: true, Clauses: []string{"b", "c"}}, {Kind: catalogue.Register, Proves: true, Refutes: true, Human: true}}}
	for _, id := range []string{"a", "b", "c", "d"}[:rapid.IntRange(1, 4).Draw(t, "clauses")] {
		part := rapid.SampledFrom([]catalogue.Part{catalogue.Whole, catalogue.Endpoint, catalogue.Workload}).Draw(t, "part of "+id)
		c.Clauses = append(c.Clauses, catalogue.Clause{ID: id, Part: part, PeopleOnly: id == "d"})
	}
	return c
}

func anyFacts(t *rapid.T) *control.Facts {
	some := func(kind catalogue.Part, names ...string) []string {
		return names[:rapid.IntRange(0, len(names)).Draw(t, string(kind))]
	}
	return &control.Facts{Live: true, Parts: map[catalogue.Part][]string{catalogue.Endpoint: some(catalogue.Endpoint, "e1", "e2"), catalogue.Workload: some(catalogue.Workload, "w1", "w2")}}
}

func anyEvidence(t *rapid.T, c *catalogue.Control, id int64) evidence.Evidence {
	source := rapid.SampledFrom([]string{"file:1", "file:2", "probe:1", "register:r", "person:1", "person:2"}).Draw(t, "source")
	clause := rapid.SampledFrom(c.Clauses).Draw(t, "clause")
	e := evidence.Evidence{ID: id, Control: c.ID, Clause: clause.ID, Kind: voices[source], Source: source,
		Outcome:    rapid.SampledFrom([]evidence.Outcome{evidence.Pass, evidence.Pass, evidence.Pass, evidence.Fail, evidence.Silent}).Draw(t, "outcome"),
		ObservedAt: noon.Add(-time.Duration(rapid.IntRange(0, 70).Draw(t, "days ago")) * day)}
	e.Part = rapid.SampledFrom([]string{"", "", "endpoint:e1", "endpoint:e2", "endpoint:e3", "workload:w1", "workload:w2"}).Draw(t, "part")
	if e.Kind == catalogue.Person && rapid.Bool().Draw(t, "every clause") {
		e.Clause = ""
	}
	if rapid.IntRange(0, 3).Draw(t, "ends") == 0 {
		until := e.ObservedAt.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "holds")) * day)
		e.GoodUntil = &until
	}
	return e
}

func anyCase(t *rapid.T) control.Case {
	c := control.Case{Control: anyControl(t), Age: 30 * day, Facts: anyFacts(t), Applies: rapid.SampledFrom([]control.Truth{control.Yes, control.Unknown}).Draw(t, "applies"), Now: noon}
	for i := range rapid.IntRange(0, 14).Draw(t, "rows") {
		e := anyEvidence(t, c.Control, int64(i+1))
		// A person tests again what failed before.
		if e.Kind == catalogue.Person && len(c.Evidence) > 0 && rapid.IntRange(0, 2).Draw(t, "retest") == 0 {
			f := rapid.SampledFrom(c.Evidence).Draw(t, "of")
			if f.Outcome == evidence.Fail && !e.ObservedAt.Before(f.ObservedAt) {
				e.RetestOf, e.Clause, e.Part = f.ID, f.Clause, f.Part
			}
		}
		c.Evidence = append(c.Evidence, e)
	}
	return c
}

func later(c control.Case, by time.Duration) control.Case {
	c.Now = c.Now.Add(by)
	return c
}

func with(c control.Case, e evidence.Evidence) control.Case {
	c.Evidence = append(slices.Clone(c.Evidence), e)
	return c
}

// rank orders states by how good they are.
func rank(w control.Word) int { return slices.Index(control.Words(), w) }

// moments are now, and times at which things have run out.
var moments = []time.Duration{0, day, 29 * day, 30*day - 1, 30 * day, 31 * day, 59 * day, 60 * day, 100 * day, 4000 * day}

func TestAFailNeverExpires(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		v := control.Judge(c)
		if v.State != control.Failing {
			return
		}
		if len(v.Fails) == 0 || v.LastSeen.IsZero() || v.Value != 0 {
			t.Fatalf("failing without a failure: %+v", v)
		}
		for _, m := range moments {
			if w := control.Judge(later(c, m)); w.State != control.Failing || !slices.Equal(w.Fails, v.Fails) {
				t.Fatalf("after %s it is %s: %v, then %v", m, w.State, v.Fails, w.Fails)
			}
		}
	})
}

func TestTheNewestFailOfAnySourceStands(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		e := anyEvidence(t, c.Control, 99)
		kind, name := evidence.SplitPart(e.Part)
		e.Outcome, e.ObservedAt = evidence.Fail, noon
		v := control.Judge(with(c, e))
		if gone := kind != catalogue.Whole && !slices.Contains(c.Facts.Parts[kind], name); gone == slices.Contains(v.Fails, 99) {
			t.Fatalf("the part %q is gone: %t; failures %v", e.Part, gone, v.Fails)
		}
	})
}

func TestAddingAPassNeverLowers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		e := anyEvidence(t, c.Control, 99)
		e.Outcome = evidence.Pass
		more := with(c, e)
		for _, m := range moments {
			before, after := control.Judge(later(c, m)), control.Judge(later(more, m))
			if after.Value < before.Value || rank(after.State) < rank(before.State) || (after.Known < before.Known && before.State != control.Failing) {
				t.Fatalf("after %s, with %+v: %+v became %+v", m, e, before, after)
			}
		}
	})
}

func TestOrderAndDuplicationDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		want := control.Judge(c)
		shuffled := c
		shuffled.Evidence = slices.Clone(c.Evidence)
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(shuffled.Evidence), func(i, j int) {
			shuffled.Evidence[i], shuffled.Evidence[j] = shuffled.Evidence[j], shuffled.Evidence[i]
		})
		if got := control.Judge(shuffled); !alike(want, got) || !slices.Equal(want.Fails, got.Fails) || !slices.Equal(want.Passes, got.Passes) {
			t.Fatalf("in another order %+v became %+v", want, got)
		}
		twice := c
		twice.Evidence = append(slices.Clone(c.Evidence), c.Evidence...)
		if got := control.Judge(twice); !alike(want, got) {
			t.Fatalf("said twice, %+v became %+v", want, got)
		}
	})
}

// alike compares what is shown of two verdicts.
func alike(a, b control.Verdict) bool {
	return a.State == b.State && a.Value == b.Value && a.Contradicted == b.Contradicted && a.Known == b.Known && a.Total == b.Total && slices.EqualFunc(a.Later, b.Later, func(x, y control.Step) bool { return x == y })
}

func TestKnowingLessNeverScoresMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		less := c
		less.Evidence = slices.DeleteFunc(slices.Clone(c.Evidence), func(e evidence.Evidence) bool {
			return e.Outcome == evidence.Pass && rapid.Bool().Draw(t, "forget")
		})
		// A forgotten pass may have ended a failure: that too never makes it better.
		blind := less
		blind.Facts = &control.Facts{Live: true}
		blind.Applies = control.Unknown
		for _, m := range moments {
			full, some, none := control.Judge(later(c, m)), control.Judge(later(less, m)), control.Judge(later(blind, m))
			if some.Value > full.Value {
				t.Fatalf("fewer passes: %+v became %+v", full, some)
			}
			if none.Value > full.Value {
				t.Fatalf("nothing is known of its parts: %+v became %+v", full, none)
			}
		}
	})
}

func TestLaterIsWhatTimeBrings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		v := control.Judge(c)
		if !slices.IsSortedFunc(v.Later, func(a, b control.Step) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) }) {
			t.Fatalf("steps out of order: %v", v.Later)
		}
		for _, m := range moments {
			state, value := v.State, v.Value
			for _, step := range v.Later {
				if !step.At.After(c.Now.Add(m)) {
					if step.Value > value {
						t.Fatalf("time alone made it better: %+v", v)
					}
					state, value = step.State, step.Value
				}
			}
			if w := control.Judge(later(c, m)); w.State != state || w.Value != value {
				t.Fatalf("foreseen after %s: %s %v, judged then: %s %v", m, state, value, w.State, w.Value)
			}
		}
		if (len(v.Later) == 0) != v.GoodUntil().IsZero() {
			t.Fatalf("good until %s with %v", v.GoodUntil(), v.Later)
		}
	})
}

func TestSpotsTellTheSameStory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t)
		v, worst := control.Judge(c), control.Verified
		failing := false
		for _, s := range control.Spots(c) {
			failing = failing || s.State == control.Failing
			if rank(s.State) < rank(worst) {
				worst = s.State
			}
		}
		if failing != (v.State == control.Failing) || worst != v.State {
			t.Fatalf("the parts say %s, the verdict %s", worst, v.State)
		}
	})
}
