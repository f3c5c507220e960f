package control

import (
	"cmp"
	"slices"
	"time"

	"muster/internal/control/catalogue"
	"muster/internal/evidence"
)

// Word is the state of one control on one subject.
type Word string

// The states, worst first. An exception is shown beside the state: it never changes what is true.
const (
	Failing       Word = "failing"
	NotKnown      Word = "unknown"
	Stale         Word = "stale"
	Attested      Word = "attested"
	Verified      Word = "verified"
	NotApplicable Word = "not_applicable"
)

// Words lists the states, worst first.
func Words() []Word { return []Word{Failing, NotKnown, Stale, Attested, Verified, NotApplicable} }

// The values of states in the score, formula version 1.
const (
	valueVerified      = 1.0
	valueAttested      = 0.75 // only people can know
	valueAttestedCould = 0.4  // a machine could
	valueStale         = 0.25
)

// Case is everything that decides one control on one subject in one environment.
type Case struct {
	Control     *catalogue.Control
	Age         time.Duration // how long a pass holds
	Facts       *Facts
	Applies     Truth
	ClauseIsOut func(clause string) bool // clauses that are known not to apply; nil is none
	Evidence    []evidence.Evidence      // conclusive, not retracted; older rows of a source do no harm
	Now         time.Time
}

// Verdict is what the evidence makes of a case. It is a pure function of the case.
type Verdict struct {
	State        Word
	Value        float64
	Contradicted bool
	Known, Total int         // clauses and parts with in-date evidence, of all
	Fails        []int64     // the standing failures
	Failed       []string    // the clauses that they speak about
	Passes       []int64     // in-date passes
	Later        []Step      // what becomes of it when nobody acts
	Turns        []time.Time // the moments to come at which time alone may change anything of it, in order
	LastSeen     time.Time   // of the newest standing failure
	SeenUntil    time.Time   // until when that failure still shows that somebody looks; the failure itself stands
}

// Step is a change of state that time alone will bring.
type Step struct {
	At    time.Time `json:"at"`
	State Word      `json:"state"`
	Value float64   `json:"value"`
}

// Judge decides a case now and foresees what time alone will change.
func Judge(c Case) Verdict {
	if !c.Facts.Live || c.Applies == No {
		return Verdict{State: NotApplicable}
	}
	b := newBench(&c)
	v := b.at(c.Now)
	last := v
	v.Turns = b.turns()
	for _, t := range v.Turns {
		next := b.at(t)
		if next.State != last.State || next.Value != last.Value {
			v.Later = append(v.Later, Step{At: t, State: next.State, Value: next.Value})
		}
		last = next
	}
	return v
}

// GoodUntil is when time alone makes the state worse; zero when it never does.
func (v *Verdict) GoodUntil() time.Time {
	if len(v.Later) == 0 {
		return time.Time{}
	}
	return v.Later[0].At
}

// spot is one clause on one part.
type spot struct{ clause, part string }

// claim is what one source says of one spot: the newest word counts.
type claim struct {
	evidence.Evidence
	machine bool
	end     time.Time // of a pass
	stale   time.Time // until when a run-out pass is still worth something
}

// bench is a case made ready to be judged at any time.
type bench struct {
	c      *Case
	spots  []spot
	people map[string]bool // clauses that only people can know
	passes []claim
	fails  []evidence.Evidence
}

func newBench(c *Case) *bench {
	b := &bench{c: c, people: map[string]bool{}}
	for _, clause := range c.Control.Clauses {
		if c.ClauseIsOut != nil && c.ClauseIsOut(clause.ID) {
			continue
		}
		b.people[clause.ID] = clause.PeopleOnly
		parts := c.Facts.Parts[clause.Part]
		if clause.Part == catalogue.Whole || len(parts) == 0 {
			b.spots = append(b.spots, spot{clause.ID, ""})
			continue
		}
		for _, p := range parts {
			b.spots = append(b.spots, spot{clause.ID, evidence.PartOf(clause.Part, p)})
		}
	}
	b.hear()
	return b
}

// hear finds the newest word of each source on each spot. A pass ages, a fail stands until the same source says
// otherwise, a person tested it again, or the part is proven gone.
func (b *bench) hear() {
	type voice struct{ source, clause, part string }
	voices := map[voice][]evidence.Evidence{}
	retested := map[int64]bool{}
	for _, e := range b.c.Evidence {
		if _, in := b.people[e.Clause]; (e.Clause != "" && !in) || e.RetractedAt != nil || b.gone(&e) {
			continue
		}
		voices[voice{e.Source, e.Clause, e.Part}] = append(voices[voice{e.Source, e.Clause, e.Part}], e)
		if e.RetestOf != 0 && e.Outcome == evidence.Pass {
			retested[e.RetestOf] = true
		}
	}
	for _, said := range voices {
		slices.SortFunc(said, newestFirst)
		if said[0].Outcome == evidence.Fail && !retested[said[0].ID] {
			b.fails = append(b.fails, said[0])
		}
		for _, e := range said {
			if e.Outcome != evidence.Pass {
				break
			}
			b.passes = append(b.passes, b.claim(e))
		}
	}
	slices.SortFunc(b.fails, func(x, y evidence.Evidence) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(b.passes, func(x, y claim) int { return cmp.Compare(x.ID, y.ID) })
}

// newestFirst puts a fail before what the same source said at the same moment, so that order never decides.
func newestFirst(x, y evidence.Evidence) int {
	rank := map[evidence.Outcome]int{evidence.Fail: 0, evidence.Silent: 1, evidence.Pass: 2}
	return cmp.Or(y.ObservedAt.Compare(x.ObservedAt), cmp.Compare(rank[x.Outcome], rank[y.Outcome]), cmp.Compare(y.ID, x.ID))
}

func (b *bench) gone(e *evidence.Evidence) bool {
	kind, name := evidence.SplitPart(e.Part)
	return !b.c.Facts.has(kind, name)
}

func (b *bench) claim(e evidence.Evidence) claim {
	end := e.ObservedAt.Add(b.c.Age)
	if e.GoodUntil != nil && e.GoodUntil.Before(end) {
		end = *e.GoodUntil
	}
	clause := e.Clause
	if clause == "" && len(b.c.Control.Clauses) > 0 {
		clause = b.c.Control.Clauses[0].ID
	}
	return claim{Evidence: e, machine: b.c.Control.Machine(e.Kind, clause), end: end, stale: end.Add(b.c.Age)}
}

// turns are the moments at which time alone may change the verdict, in order.
func (b *bench) turns() []time.Time {
	var list []time.Time
	for _, p := range b.passes {
		for _, t := range []time.Time{p.end, p.stale} {
			if t.After(b.c.Now) {
				list = append(list, t)
			}
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return slices.CompactFunc(list, time.Time.Equal)
}

// level is how well one spot is known.
type level int

const (
	levelNone level = iota
	levelStale
	levelAttested
	levelVerified
)

func (b *bench) at(now time.Time) Verdict {
	v := Verdict{Total: len(b.spots), State: Verified, Value: valueVerified}
	lowest := levelVerified
	for _, s := range b.spots {
		l := b.level(s, now)
		lowest = min(lowest, l)
		v.Value = min(v.Value, b.value(s, l))
		if l >= levelAttested || b.refuted(s) {
			v.Known++
		}
	}
	switch {
	case len(b.spots) == 0:
		return Verdict{State: NotApplicable} // every clause is known not to apply
	case lowest == levelAttested:
		v.State = Attested
	case lowest == levelStale:
		v.State = Stale
	case lowest == levelNone:
		v.State = NotKnown
	}
	for _, p := range b.passes {
		if now.Before(p.end) {
			v.Passes = append(v.Passes, p.ID)
		}
	}
	if len(b.fails) > 0 {
		v.State, v.Value = Failing, 0
		for _, f := range b.fails {
			v.Fails, v.Failed = append(v.Fails, f.ID), append(v.Failed, f.Clause)
			v.Contradicted = v.Contradicted || b.disagrees(&f, now)
			if f.ObservedAt.After(v.LastSeen) {
				v.LastSeen, v.SeenUntil = f.ObservedAt, f.ObservedAt.Add(b.c.Age)
			}
		}
	}
	return v
}

func (b *bench) value(s spot, l level) float64 {
	switch l {
	case levelVerified:
		return valueVerified
	case levelAttested:
		if b.people[s.clause] {
			return valueAttested
		}
		return valueAttestedCould
	case levelStale:
		return valueStale
	case levelNone:
	}
	return 0
}

// level is the best that any in-date pass makes of a spot.
func (b *bench) level(s spot, now time.Time) level {
	best := b.levelOn(s.clause, s.part, now)
	if kind, _ := evidence.SplitPart(s.part); kind == catalogue.Workload {
		return best
	}
	// What holds on every workload holds on what they serve.
	workloads := b.c.Facts.Parts[catalogue.Workload]
	all := levelVerified
	for _, w := range workloads {
		all = min(all, b.levelOn(s.clause, evidence.PartOf(catalogue.Workload, w), now))
	}
	if len(workloads) > 0 {
		best = max(best, all)
	}
	return best
}

func (b *bench) levelOn(clause, part string, now time.Time) level {
	best := levelNone
	for i := range b.passes {
		p := &b.passes[i]
		if (p.Clause != clause && p.Clause != "") || (p.Part != part && p.Part != "") {
			continue
		}
		switch {
		case now.Before(p.end) && p.machine:
			best = max(best, levelVerified)
		case now.Before(p.end):
			best = max(best, levelAttested)
		case now.Before(p.stale):
			best = max(best, levelStale)
		}
	}
	return best
}

func (b *bench) refuted(s spot) bool {
	return slices.ContainsFunc(b.fails, func(f evidence.Evidence) bool { return s.brokenBy(&f) })
}

// brokenBy reports whether a failure speaks about the spot.
func (s spot) brokenBy(f *evidence.Evidence) bool {
	return (f.Clause == s.clause || f.Clause == "") && (f.Part == s.part || f.Part == "" || s.part == "")
}

// disagrees reports whether another source says, in date, that what failed holds.
func (b *bench) disagrees(f *evidence.Evidence, now time.Time) bool {
	return slices.ContainsFunc(b.passes, func(p claim) bool { return now.Before(p.end) && Disagree(&p.Evidence, f) })
}

// Disagree reports whether a pass is another source's word about what a failure speaks about.
func Disagree(pass, fail *evidence.Evidence) bool {
	return pass.Source != fail.Source && (pass.Clause == fail.Clause || pass.Clause == "" || fail.Clause == "") && (pass.Part == fail.Part || pass.Part == "" || fail.Part == "")
}

// Spot is how one clause stands on one part, for people who ask why.
type Spot struct {
	Clause string
	Part   string // "kind:name"; "" is the whole subject
	State  Word
	Passes []int64 // evidence that says it holds, run out or not
	Fails  []int64
}

// Spots says how each clause stands on each part.
func Spots(c Case) []Spot {
	b := newBench(&c)
	words := map[level]Word{levelNone: NotKnown, levelStale: Stale, levelAttested: Attested, levelVerified: Verified}
	var list []Spot
	for _, s := range b.spots {
		out := Spot{Clause: s.clause, Part: s.part, State: words[b.level(s, c.Now)]}
		for _, p := range b.passes {
			if (p.Clause == s.clause || p.Clause == "") && (p.Part == s.part || p.Part == "" || b.onWorkload(&p, s)) {
				out.Passes = append(out.Passes, p.ID)
			}
		}
		for _, f := range b.fails {
			if s.brokenBy(&f) {
				out.State, out.Fails = Failing, append(out.Fails, f.ID)
			}
		}
		list = append(list, out)
	}
	return append(list, b.elsewhere()...)
}

func (b *bench) onWorkload(p *claim, s spot) bool {
	kind, _ := evidence.SplitPart(p.Part)
	own, _ := evidence.SplitPart(s.part)
	return kind == catalogue.Workload && own != catalogue.Workload
}

// elsewhere are failures on parts of another kind than the clause usually speaks about.
func (b *bench) elsewhere() []Spot {
	var list []Spot
	for _, f := range b.fails {
		if slices.ContainsFunc(b.spots, func(s spot) bool { return s.brokenBy(&f) }) {
			continue
		}
		list = append(list, Spot{Clause: f.Clause, Part: f.Part, State: Failing, Fails: []int64{f.ID}})
	}
	return list
}
