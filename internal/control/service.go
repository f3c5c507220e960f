// Package control says what should be true, judges whether it is, and keeps the states, scores and snapshots that follow.
package control

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/fault"
)

// Service is the one door to controls, their settings and stored states.
type Service struct {
	db     *database.DB
	access *access.Control
	log    *activity.Service
	visits sync.Map // by visitor: the visit that goes on
	met    sync.Map // by workspace: the versions of the catalogue that it met; rows are only ever added
}

// New makes the service.
func New(db *database.DB, control *access.Control, log *activity.Service) *Service {
	return &Service{db: db, access: control, log: log}
}

// Ruleset gives the controls of the workspace now.
func (s *Service) Ruleset(ctx context.Context) (*Ruleset, error) {
	return s.RulesetAt(ctx, s.db.Now(ctx))
}

// RulesetAt gives the controls as the workspace had them at a moment.
func (s *Service) RulesetAt(ctx context.Context, at time.Time) (*Ruleset, error) {
	settings, err := s.settings(ctx, at)
	if err != nil {
		return nil, err
	}
	met, err := s.metVersions(ctx)
	if err != nil {
		return nil, err
	}
	return newRuleset(settings, met, at)
}

// metVersions remembers what it read once: which versions a workspace met changes with the program only.
func (s *Service) metVersions(ctx context.Context) ([]Version, error) {
	workspace := database.Workspace(ctx)
	if known, ok := s.met.Load(workspace); ok {
		if list, fits := known.([]Version); fits {
			return list, nil
		}
	}
	list, err := s.versions(ctx)
	if err == nil && len(list) > 0 {
		s.met.Store(workspace, list)
	}
	return list, err
}

// Meet notes that the workspace runs this version of the catalogue.
func (s *Service) Meet(ctx context.Context) error {
	c, err := catalogue.Load()
	if err != nil {
		return err
	}
	met, err := s.metVersions(ctx)
	if err != nil || (len(met) > 0 && met[len(met)-1].Version >= c.Version) {
		return err
	}
	s.met.Delete(database.Workspace(ctx))
	return database.Insert(ctx, s.db, "catalogue version", &Version{Version: c.Version, CreatedAt: s.db.Now(ctx)})
}

// Choice is what a workspace chooses about a control.
type Choice struct {
	Control     string
	Off         bool
	Weight, Age *int // nil is the shipped value
	Definition  string
	Reason      string
}

func cleanReason(fields fault.Fields, reason *string, why string) {
	*reason = strings.TrimSpace(*reason)
	if *reason == "" {
		fields.Add("reason", why)
	} else if utf8.RuneCountInString(*reason) > 500 {
		fields.Add("reason", "Keep the reason under 500 characters.")
	}
}

func (c *Choice) check() fault.Fields {
	fields := fault.Fields{}
	cleanReason(fields, &c.Reason, "Say why; the trend shows it as a change of scope.")
	if c.Weight != nil && (*c.Weight < 0 || *c.Weight > 20) {
		fields.Add("weight", "Choose a weight from 0 to 20.")
	}
	if c.Age != nil && (*c.Age < 1 || *c.Age > 3650) {
		fields.Add("age", "Choose an age from 1 to 3650 days.")
	}
	return fields
}

// Choose stores a choice about a control as a new dated row.
func (s *Service) Choose(ctx context.Context, actor access.Actor, c Choice) error {
	if err := s.access.Require(actor, access.Write, access.Scoring); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := c.check().Err(); err != nil {
			return err
		}
		rules, err := s.Ruleset(ctx)
		if err != nil {
			return err
		}
		e, known := rules.Get(c.Control)
		if !known {
			return fault.Missing("control")
		}
		if e.Own && c.Definition == "" {
			settings, err := s.settings(ctx, s.db.Now(ctx))
			if err != nil {
				return err
			}
			for _, old := range settings {
				if old.Control == c.Control {
					c.Definition = old.Definition
				}
			}
		}
		before := map[string]any{"weight": e.Points, "age": e.Days, "off": e.Off}
		return s.store(ctx, actor, "control.setting", &c, before)
	})
}

func (s *Service) store(ctx context.Context, actor access.Actor, action string, c *Choice, before any) error {
	row := Setting{Control: c.Control, Off: c.Off, Weight: c.Weight, Age: c.Age, Definition: c.Definition, Reason: c.Reason, ActorID: actor.UserID, ActorName: actor.Name, CreatedAt: s.db.Now(ctx)}
	if err := database.Insert(ctx, s.db, "setting", &row); err != nil {
		return err
	}
	after := map[string]any{"weight": c.Weight, "age": c.Age, "off": c.Off, "reason": c.Reason}
	return s.log.Record(ctx, actor, activity.Change{Action: action, Kind: "control", ID: row.ID, Name: c.Control, Before: before, After: after})
}

// maxOwn is how many controls of its own a workspace may have.
const maxOwn = 100

// AddOwn adds a control of the workspace's own, from YAML.
func (s *Service) AddOwn(ctx context.Context, actor access.Actor, definition, reason string) (string, error) {
	if err := s.access.Require(actor, access.Write, access.Scoring); err != nil {
		return "", err
	}
	fields := fault.Fields{}
	cleanReason(fields, &reason, "Say why this control is needed.")
	list, err := catalogue.Parse([]byte(definition))
	switch {
	case err != nil:
		fields.Add("definition", sentences(err))
	case len(list) != 1:
		fields.Add("definition", "Add one control at a time.")
	default:
		if _, err := compile(list[0]); err != nil {
			f, expected := fault.As(err)
			if !expected {
				return "", err
			}
			fields.Add("definition", f.Message)
		}
	}
	if err := fields.Err(); err != nil {
		return "", err
	}
	id := list[0].ID
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		rules, err := s.Ruleset(ctx)
		if err != nil {
			return err
		}
		own := 0
		for _, e := range rules.All {
			if e.Own {
				own++
			}
		}
		if _, taken := rules.Get(id); taken {
			return fault.Field("definition", fmt.Sprintf("There is a control %s already.", id))
		}
		if own >= maxOwn {
			return fault.Field("definition", fmt.Sprintf("A workspace may have %d controls of its own.", maxOwn))
		}
		return s.store(ctx, actor, "control.add", &Choice{Control: id, Definition: definition, Reason: reason}, nil)
	})
	return id, err
}

// Decide records a person's word that a control does not, or does after all, apply to a service.
func (s *Service) Decide(ctx context.Context, actor access.Actor, d Decision, serviceName string) error {
	if err := s.access.Require(actor, access.Write, access.Scoring); err != nil {
		return err
	}
	fields := fault.Fields{}
	cleanReason(fields, &d.Reason, "Say why, for those who look later.")
	if err := fields.Err(); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		d.ActorID, d.ActorName, d.CreatedAt = actor.UserID, actor.Name, s.db.Now(ctx)
		if err := database.Insert(ctx, s.db, "decision", &d); err != nil {
			return err
		}
		return s.log.Record(ctx, actor, activity.Change{Action: "control.applies", Kind: "service", ID: d.ServiceID, Name: serviceName, After: map[string]any{"control": d.Control, "applies": d.Applies, "reason": d.Reason}})
	})
}

// Decisions gives the newest decision of each control on the named services; nil means all.
func (s *Service) Decisions(ctx context.Context, services []int64, at time.Time) (map[int64]map[string]Decision, error) {
	rows, err := s.decisions(ctx, services, at)
	newest := map[int64]map[string]Decision{}
	for _, d := range rows {
		if newest[d.ServiceID] == nil {
			newest[d.ServiceID] = map[string]Decision{}
		}
		newest[d.ServiceID][d.Control] = d
	}
	return newest, err
}

// Observe stores what is known of subjects now; what did not change stays as it is.
func (s *Service) Observe(ctx context.Context, now []Subject) error {
	services := make([]int64, 0, len(now))
	for _, n := range now {
		services = append(services, n.ServiceID)
	}
	before, err := s.Subjects(ctx, services)
	if err != nil {
		return err
	}
	type place struct{ service, environment int64 }
	have := map[place]Subject{}
	for _, b := range before {
		have[place{b.ServiceID, b.EnvironmentID}] = b
	}
	var ended []int64
	var fresh []Subject
	for _, n := range now {
		old, known := have[place{n.ServiceID, n.EnvironmentID}]
		if known && old.Facts == n.Facts {
			continue
		}
		if known {
			ended = append(ended, old.ID)
		}
		n.Since = s.db.Now(ctx)
		fresh = append(fresh, n)
	}
	if err := s.endSubjects(ctx, ended); err != nil {
		return err
	}
	return database.InsertAll(ctx, s.db, "subjects", fresh)
}

// Read decodes the facts of a subject.
func (s *Subject) Read() (*Facts, error) {
	f := &Facts{}
	if err := json.Unmarshal([]byte(s.Facts), f); err != nil {
		return nil, fmt.Errorf("read facts of service %d: %w", s.ServiceID, err)
	}
	return f, nil
}

// NewSubject packs facts.
func NewSubject(service, environment int64, f *Facts) (Subject, error) {
	b, err := json.Marshal(f)
	if err != nil {
		return Subject{}, fmt.Errorf("pack facts: %w", err)
	}
	return Subject{ServiceID: service, EnvironmentID: environment, Facts: string(b)}, nil
}

// Steps decodes what time alone will make of the state.
func (s *State) Steps() []Step {
	var list []Step
	if s.Later == "" || json.Unmarshal([]byte(s.Later), &list) != nil {
		return nil
	}
	return list
}

// At gives the state and value at a moment when nobody acts: a state whose time has passed is never shown as it was.
func (s *State) At(now time.Time) (Word, float64) {
	word, value := s.State, s.Value
	for _, step := range s.Steps() {
		if step.At.After(now) {
			break
		}
		word, value = step.State, step.Value
	}
	return word, value
}

// SaveScopeChange keeps a change of what is judged, with what it did to the score.
func (s *Service) SaveScopeChange(ctx context.Context, c ScopeChange) error {
	c.CreatedAt = s.db.Now(ctx)
	return database.Insert(ctx, s.db, "scope change", &c)
}
