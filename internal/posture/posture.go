// Package posture answers how secure the services are, why we believe that, and what to do next.
package posture

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/finding"
	"muster/internal/identity"
	"muster/internal/inventory"
	"muster/internal/remediation"
	"muster/internal/topology"
)

// Service is the workflow that keeps states and scores true to evidence, exceptions and time.
type Service struct {
	db         *database.DB
	access     *access.Control
	log        *activity.Service
	people     *identity.Service
	book       *inventory.Book
	ledger     *evidence.Ledger
	controls   *control.Service
	exceptions *exception.Service
	findings   *finding.Service
	topology   *topology.Service
	recalls    sync.Map // by workspace and service, the detail of a score that was read last
	settled    sync.Map // by workspace, whether no control was too new to be scored at the last sweep of this process
	tasks      *remediation.Service
}

// Parts are what the workflow combines.
type Parts struct {
	DB         *database.DB
	Access     *access.Control
	Log        *activity.Service
	People     *identity.Service
	Book       *inventory.Book
	Ledger     *evidence.Ledger
	Controls   *control.Service
	Exceptions *exception.Service
	Findings   *finding.Service
	Topology   *topology.Service
	Tasks      *remediation.Service
}

// New makes the workflow.
func New(p Parts) *Service {
	return &Service{db: p.DB, access: p.Access, log: p.Log, people: p.People, book: p.Book, ledger: p.Ledger, controls: p.Controls, exceptions: p.Exceptions, findings: p.Findings, topology: p.Topology, tasks: p.Tasks}
}

// Cause says why states are judged again.
type Cause struct {
	Said   bool   // only what is said or weighed changes: inventory, findings and map stay as they are
	aged   bool   // the daily sweep: time went by
	Scope  bool   // what is judged changes: the whole difference is a change of scope, not work
	Words  string // "tier of pay: 2 → 1"
	Reason string
	Actor  string
}

// world is everything that decides states at one moment.
type world struct {
	now        time.Time
	rules      *control.Ruleset
	subjects   []control.Subject
	evidence   map[place]map[string][]evidence.Evidence
	exceptions []exception.Exception
	decisions  map[int64]map[string]control.Decision
	production int64
}

// place is a subject in an environment.
type place struct{ service, environment int64 }

// judged is one subject with the verdict on each control.
type judged struct {
	place
	facts    *control.Facts
	verdicts map[string]control.Verdict
	off      map[string]control.Verdict // of controls that the workspace switched off, for the score by shipped weights
	found    map[string]control.Verdict // of what limits scores, whoever said that it does not apply or switched it off
	excepted map[string]time.Time
}

// limiting are the controls that limit a score.
var limiting = []string{"PAT-2", "PAT-3", "PAT-6"}

// judge gives every verdict of the world. It is pure: the same world gives the same verdicts.
func (w *world) judge() ([]judged, error) {
	services, workspace := w.rules.For(catalogue.Service), w.rules.For(catalogue.Workspace)
	var all []judged
	for i := range w.subjects {
		s := &w.subjects[i]
		facts, err := s.Read()
		if err != nil {
			return nil, err
		}
		known, err := facts.Known()
		if err != nil {
			return nil, err
		}
		controls := services
		if s.ServiceID == 0 {
			controls = workspace
		}
		j := judged{place: place{s.ServiceID, s.EnvironmentID}, facts: facts, verdicts: map[string]control.Verdict{}, excepted: map[string]time.Time{}}
		for _, e := range controls {
			j.verdicts[e.ID] = w.verdict(e, &j, known)
			if until, accepted := w.accepted(s.ServiceID, e.ID); accepted {
				j.excepted[e.ID] = until
			}
		}
		if s.ServiceID != 0 {
			w.look(&j, known)
		}
		all = append(all, j)
	}
	return all, nil
}

// look judges what does not count in the score and still decides something: what is off, and what limits the score.
func (w *world) look(j *judged, known *control.Known) {
	j.off, j.found = map[string]control.Verdict{}, map[string]control.Verdict{}
	for _, e := range w.rules.All {
		if e.Off && e.Subject == catalogue.Service {
			j.off[e.ID] = w.verdict(e, j, known)
		}
	}
	for _, id := range limiting {
		if e, known := w.rules.Get(id); known {
			j.found[id] = w.weigh(e, j, control.Yes, nil)
		}
	}
}

func (w *world) verdict(e *control.Effective, j *judged, known *control.Known) control.Verdict {
	applies, out := e.Applies(known)
	if d, decided := w.decisions[j.service][e.ID]; decided {
		if applies = control.No; d.Applies {
			applies = control.Yes
		}
	}
	return w.weigh(e, j, applies, out)
}

func (w *world) weigh(e *control.Effective, j *judged, applies control.Truth, out func(string) bool) control.Verdict {
	return control.Judge(control.Case{Control: e.Control, Age: time.Duration(e.Days) * 24 * time.Hour, Facts: j.facts, Applies: applies, ClauseIsOut: out, Evidence: w.evidence[j.place][e.ID], Now: w.now})
}

func (w *world) accepted(service int64, id string) (time.Time, bool) {
	var until time.Time
	for i := range w.exceptions {
		if e := &w.exceptions[i]; e.Covers(service, id) && service != 0 && e.ExpiresAt.After(until) {
			until = e.ExpiresAt
		}
	}
	return until, !until.IsZero()
}

// cells are the verdicts as scores see them.
func (j *judged) cells() map[string]*cell { return cellsOf(j.verdicts, j.excepted) }

func cellsOf(verdicts map[string]control.Verdict, excepted map[string]time.Time) map[string]*cell {
	cells := map[string]*cell{}
	for id, v := range verdicts {
		_, accepted := excepted[id]
		cells[id] = &cell{State: v.State, Value: v.Value, Contradicted: v.Contradicted, Known: v.Known, Total: v.Total, Excepted: accepted, Failed: v.Failed, SeenUntil: v.SeenUntil}
	}
	return cells
}

// pass moves cells to a future moment when nobody acts.
func pass(cells map[string]*cell, verdicts map[string]control.Verdict, at time.Time) {
	for id, v := range verdicts {
		for _, step := range v.Later {
			if step.At.After(at) {
				break
			}
			cells[id].State, cells[id].Value = step.State, step.Value
		}
	}
}

// result is the score at a moment, now or in the future when nobody acts.
func (j *judged) result(rules *control.Ruleset, at time.Time) Result {
	cells, off, found := j.cells(), cellsOf(j.off, nil), cellsOf(j.found, nil)
	pass(cells, j.verdicts, at)
	pass(off, j.off, at)
	pass(found, j.found, at)
	list := terms(rules.For(catalogue.Service), func(id string) cell {
		if c := cmp.Or(cells[id], off[id]); c != nil {
			return *c
		}
		return cell{State: control.NotKnown}
	})
	return scoreOf(list, capsOf(found, j.facts.Exposure == string(inventory.Public), at))
}

// Detail is what is stored beside a score.
type Detail struct {
	Result  Result                  `json:"result"`
	Shipped *Result                 `json:"shipped,omitempty"` // by shipped weights, where they differ
	In30    float64                 `json:"in_30"`             // when nobody acts
	In90    float64                 `json:"in_90"`
	Domains map[string]DomainResult `json:"domains"`
	Counts  map[string]int          `json:"counts"` // controls by state
	Tier    int                     `json:"tier"`
	Public  bool                    `json:"public"`
	Next    *time.Time              `json:"next,omitempty"` // when time alone may change any of it; nil is never
}

// DomainResult is the part of a score that one domain makes.
type DomainResult struct {
	Points   float64 `json:"p"` // Σ weight × value
	Weight   float64 `json:"w"`
	Known    float64 `json:"k"`
	Failing  int     `json:"f"`
	Unknown  int     `json:"u"`
	Controls int     `json:"n"`
}

// Share is the domain's own score, from 0 to 100; ok is false when nothing of it applies.
func (d DomainResult) Share() (share float64, ok bool) {
	if d.Weight == 0 {
		return 0, false
	}
	return 100 * d.Points / d.Weight, true
}

// The moments that a forecast looks at.
const (
	soon = 30 * 24 * time.Hour
	far  = 90 * 24 * time.Hour
)

// nextOf finds for each service when time alone may change its states, its score, or the two forecasts of it.
func nextOf(all []judged, now time.Time) map[int64]*time.Time {
	next := map[int64]*time.Time{}
	for i := range all {
		j := &all[i]
		meet := func(t time.Time) {
			if old := next[j.service]; t.After(now) && (old == nil || t.Before(*old)) {
				next[j.service] = &t
			}
		}
		foreseen := func(t time.Time) {
			meet(t.Add(-far))
			meet(t.Add(-soon))
			meet(t)
		}
		for _, verdicts := range []map[string]control.Verdict{j.verdicts, j.off, j.found} {
			for _, v := range verdicts {
				for _, t := range v.Turns {
					meet(t)
				}
				for _, step := range v.Later {
					foreseen(step.At)
				}
				foreseen(v.SeenUntil)
			}
		}
		for _, until := range j.excepted {
			meet(until)
		}
	}
	return next
}

func detailOf(j *judged, rules, shipped *control.Ruleset, now time.Time) Detail {
	cells := j.cells()
	d := Detail{Result: j.result(rules, now), Domains: map[string]DomainResult{}, Counts: map[string]int{}, Tier: j.facts.Tier, Public: j.facts.Exposure == string(inventory.Public)}
	if shipped != nil {
		r := j.result(shipped, now)
		d.Shipped = &r
	}
	in30, in90 := j.result(rules, now.Add(soon)), j.result(rules, now.Add(far))
	d.In30, d.In90 = in30.Score, in90.Score
	for _, e := range rules.For(catalogue.Service) {
		c := cells[e.ID]
		d.Counts[string(c.State)]++
		if e.Scored && c.State != control.NotApplicable {
			d.Domains[string(e.Domain)] = d.Domains[string(e.Domain)].add(e.Points, c)
		}
	}
	return d
}

func (d DomainResult) add(weight int, c *cell) DomainResult {
	w := float64(weight)
	d.Weight += w
	d.Points += w * c.Value
	d.Controls++
	if c.known() {
		d.Known += w
	}
	switch c.State {
	case control.Failing:
		d.Failing++
	case control.NotKnown:
		d.Unknown++
	case control.Stale, control.Attested, control.Verified, control.NotApplicable:
	}
	return d
}

// load reads the world as it is now. nil means every service and the workspace.
func (s *Service) load(ctx context.Context, services []int64) (*world, error) {
	w := &world{now: s.db.Now(ctx)}
	var err error
	if w.rules, err = s.controls.Ruleset(ctx); err != nil {
		return nil, err
	}
	if w.subjects, err = s.controls.Subjects(ctx, services); err != nil {
		return nil, err
	}
	var rows []evidence.Evidence
	if services == nil {
		rows, err = s.ledger.AllCurrent(ctx)
	} else {
		rows, err = s.ledger.Deciding(ctx, services)
	}
	if err != nil {
		return nil, err
	}
	w.sort(rows)
	return w, s.weighIn(ctx, w, services)
}

// loadOne reads what decides the states of one subject, with the words of those who said it.
func (s *Service) loadOne(ctx context.Context, service int64) (*world, error) {
	w := &world{now: s.db.Now(ctx)}
	var err error
	if w.rules, err = s.controls.Ruleset(ctx); err != nil {
		return nil, err
	}
	if w.subjects, err = s.controls.Subjects(ctx, []int64{service}); err != nil {
		return nil, err
	}
	rows, err := s.ledger.Current(ctx, []int64{service})
	if err != nil {
		return nil, err
	}
	w.sort(rows)
	return w, s.weighIn(ctx, w, []int64{service})
}

// weighIn reads what people decided about the subjects of a world.
func (s *Service) weighIn(ctx context.Context, w *world, services []int64) error {
	var err error
	if w.exceptions, err = s.exceptions.At(ctx, w.now); err != nil {
		return err
	}
	if w.decisions, err = s.controls.Decisions(ctx, services, w.now); err != nil {
		return err
	}
	w.production, err = s.book.Production(ctx)
	return err
}

// loadAt reads the world as it was known at a past moment.
func (s *Service) loadAt(ctx context.Context, at time.Time) (*world, error) {
	w := &world{now: at}
	var err error
	if w.rules, err = s.controls.RulesetAt(ctx, at); err != nil {
		return nil, err
	}
	if w.subjects, err = s.controls.SubjectsAt(ctx, at); err != nil {
		return nil, err
	}
	rows, err := s.ledger.AsOf(ctx, at)
	if err != nil {
		return nil, err
	}
	w.sort(rows)
	if w.exceptions, err = s.exceptions.At(ctx, at); err != nil {
		return nil, err
	}
	if w.decisions, err = s.controls.Decisions(ctx, nil, at); err != nil {
		return nil, err
	}
	w.production, err = s.book.Production(ctx)
	return w, err
}

func (w *world) sort(rows []evidence.Evidence) {
	w.evidence = map[place]map[string][]evidence.Evidence{}
	for _, e := range rows {
		p := place{e.ServiceID, e.EnvironmentID}
		if w.evidence[p] == nil {
			w.evidence[p] = map[string][]evidence.Evidence{}
		}
		w.evidence[p][e.Control] = append(w.evidence[p][e.Control], e)
	}
}

func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode posture: %w", err)
	}
	return string(b), nil
}

func unique(ids []int64) []int64 {
	out := slices.Clone(ids)
	slices.Sort(out)
	return slices.Compact(out)
}

// differs reports whether two scores differ by more than rounding of their last digit.
func differs(a, b float64) bool { return math.Abs(a-b) > 1e-9 }

// Ruleset gives the controls of the workspace now.
func (s *Service) Ruleset(ctx context.Context) (*control.Ruleset, error) {
	return s.controls.Ruleset(ctx)
}
