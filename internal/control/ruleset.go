package control

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"muster/internal/control/catalogue"
)

// day is the unit of ages.
const day = 24 * time.Hour

// settling is how long new controls of the catalogue are shown but not scored.
const settling = 30 * day

// Effective is a control as a workspace uses it.
type Effective struct {
	*catalogue.Control
	Days    int  // how long a pass holds
	Points  int  // the weight that counts
	Off     bool // switched off by the workspace
	Own     bool // the workspace's own control
	Scored  bool // neither off nor new
	rule    *Rule
	clauses map[string]*Rule
}

// Changed reports whether the workspace changed what was shipped.
func (e *Effective) Changed() bool {
	return e.Own || e.Off || e.Days != e.Age || e.Points != e.Weight
}

// Applies answers whether the control applies to a subject, and which of its clauses are known not to.
func (e *Effective) Applies(k *Known) (Truth, func(string) bool) {
	answer := Yes
	if e.rule != nil {
		answer = e.rule.Eval(k)
	}
	if len(e.clauses) == 0 {
		return answer, nil
	}
	return answer, func(clause string) bool {
		r := e.clauses[clause]
		return r != nil && r.Eval(k) == No
	}
}

// Ruleset is every control of a workspace at one moment, in the order of the catalogue, its own ones last.
type Ruleset struct {
	Version int
	All     []*Effective
	byID    map[string]*Effective
}

// Get finds a control by its id.
func (r *Ruleset) Get(id string) (*Effective, bool) {
	e, found := r.byID[id]
	return e, found
}

// Find gives the control itself, for the ledger.
func (r *Ruleset) Find(id string) (*catalogue.Control, bool) {
	e, found := r.byID[id]
	if !found {
		return nil, false
	}
	return e.Control, true
}

// For lists the controls that are judged on services, or on the workspace.
func (r *Ruleset) For(subject catalogue.Subject) []*Effective {
	var list []*Effective
	for _, e := range r.All {
		if e.Subject == subject && !e.Off {
			list = append(list, e)
		}
	}
	return list
}

// Shipped gives the same controls by shipped weights, for the score beside a custom one.
func (r *Ruleset) Shipped() *Ruleset {
	out := &Ruleset{Version: r.Version, byID: map[string]*Effective{}}
	for _, e := range r.All {
		if e.Own {
			continue
		}
		plain := *e
		plain.Points, plain.Off = e.Weight, false
		plain.Scored = e.Scored || e.Off
		out.All = append(out.All, &plain)
		out.byID[e.ID] = &plain
	}
	return out
}

// Custom reports whether the workspace's weights differ from the shipped ones.
func (r *Ruleset) Custom() bool {
	for _, e := range r.All {
		if e.Own || e.Off || e.Points != e.Weight {
			return true
		}
	}
	return false
}

type compiled struct {
	rule    *Rule
	clauses map[string]*Rule
}

// shippedRules compiles the catalogue once.
var shippedRules = sync.OnceValues(func() (map[string]compiled, error) {
	c, err := catalogue.Load()
	if err != nil {
		return nil, err
	}
	rules := map[string]compiled{}
	for _, control := range c.All() {
		if rules[control.ID], err = compile(control); err != nil {
			return nil, err
		}
	}
	return rules, nil
})

func compile(c *catalogue.Control) (compiled, error) {
	out := compiled{clauses: map[string]*Rule{}}
	var err error
	if c.Applies != "true" && c.Applies != "" {
		if out.rule, err = CompileRule(c.Applies); err != nil {
			return out, fmt.Errorf("compile the rule of %s: %w", c.ID, err)
		}
	}
	for _, clause := range c.Clauses {
		if clause.Applies == "" || clause.Applies == "true" {
			continue
		}
		if out.clauses[clause.ID], err = CompileRule(clause.Applies); err != nil {
			return out, fmt.Errorf("compile the rule of %s, clause %s: %w", c.ID, clause.ID, err)
		}
	}
	return out, nil
}

// newRuleset joins the catalogue with the newest setting of each control. met says when the workspace met each version
// of the catalogue; the first one it met is scored at once.
func newRuleset(settings []Setting, met []Version, now time.Time) (*Ruleset, error) {
	c, err := catalogue.Load()
	if err != nil {
		return nil, err
	}
	rules, err := shippedRules()
	if err != nil {
		return nil, err
	}
	newest := map[string]*Setting{}
	var own []*Setting
	for i := range settings {
		s := &settings[i]
		if s.Definition != "" && newest[s.Control] == nil {
			own = append(own, s)
		}
		newest[s.Control] = s
	}
	r := &Ruleset{Version: c.Version, byID: map[string]*Effective{}}
	for _, control := range c.All() {
		e := &Effective{Control: control, Days: control.Age, Points: control.Weight, rule: rules[control.ID].rule, clauses: rules[control.ID].clauses}
		e.apply(newest[control.ID])
		e.Scored = !e.Off && settled(control.Since, met, now)
		r.add(e)
	}
	for _, first := range own {
		s := newest[first.Control]
		e, err := ownControl(s)
		if err != nil {
			return nil, err
		}
		if e != nil {
			r.add(e)
		}
	}
	return r, nil
}

func (r *Ruleset) add(e *Effective) {
	r.All = append(r.All, e)
	r.byID[e.ID] = e
}

func (e *Effective) apply(s *Setting) {
	if s == nil {
		return
	}
	e.Off = s.Off
	if s.Weight != nil {
		e.Points = *s.Weight
	}
	if s.Age != nil {
		e.Days = *s.Age
	}
}

func ownControl(s *Setting) (*Effective, error) {
	if s.Definition == "" {
		return nil, nil
	}
	list, err := catalogue.Parse([]byte(s.Definition))
	if err != nil || len(list) != 1 {
		return nil, fmt.Errorf("read the stored control %s: %w", s.Control, err)
	}
	rules, err := compile(list[0])
	if err != nil {
		return nil, err
	}
	e := &Effective{Control: list[0], Days: list[0].Age, Points: list[0].Weight, Own: true, rule: rules.rule, clauses: rules.clauses}
	e.apply(s)
	e.Scored = !e.Off
	return e, nil
}

// Settling reports whether a control is still too new here to be scored: one day it will be, by time alone.
func (r *Ruleset) Settling() bool {
	return slices.ContainsFunc(r.All, func(e *Effective) bool { return !e.Scored && !e.Off })
}

// settled reports whether a control that came with a version is old enough here to be scored.
func settled(since int, met []Version, now time.Time) bool {
	for i, v := range met {
		if v.Version >= since {
			return i == 0 || now.Sub(v.CreatedAt) >= settling
		}
	}
	return len(met) == 0
}
