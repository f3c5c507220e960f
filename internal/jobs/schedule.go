package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/fault"
)

// Kind is what people can plan.
type Kind struct {
	ID    string
	Title string // "Probe scan"
	What  string // what it does, in a sentence
}

// Seed is a part of the healthy rhythm that every workspace begins with.
type Seed struct {
	Name, Kind, Title string // Name never changes; Title is what people read
	Spec              string
	Payload           any
}

// Reminder is the kind that asks a person to do something and to say that it is done.
const Reminder = "reminder"

// Offer names the kinds that people can plan and the seeds. What has no handler is left out.
func (s *Service) Offer(kinds []Kind, seeds []Seed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kinds = slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return s.handlers[k.ID] == nil })
	s.seeds = slices.DeleteFunc(slices.Clone(seeds), func(c Seed) bool { return s.handlers[c.Kind] == nil })
}

// Kinds lists what people can plan.
func (s *Service) Kinds() []Kind {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.kinds)
}

// KindOf gives a kind that people can plan.
func (s *Service) KindOf(id string) (Kind, bool) {
	for _, k := range s.Kinds() {
		if k.ID == id {
			return k, true
		}
	}
	return Kind{}, false
}

// seedNew plants the seeds in workspaces that this process has not seen yet: all at its start, later the new ones.
func (s *Service) seedNew(ctx context.Context) error {
	ids, err := s.ids(across(ctx))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if s.planted[id] {
			continue
		}
		if err := s.SeedWorkspace(database.WithWorkspace(ctx, id)); err != nil {
			return fmt.Errorf("seed workspace %d: %w", id, err)
		}
		s.planted[id] = true
	}
	return nil
}

// SeedWorkspace gives the workspace of the context the seeds that it never had. What people changed or deleted stays so.
func (s *Service) SeedWorkspace(ctx context.Context) error {
	s.mu.RLock()
	seeds := slices.Clone(s.seeds)
	s.mu.RUnlock()
	return s.db.InTx(ctx, func(ctx context.Context) error {
		have, err := s.seeded(ctx)
		if err != nil {
			return err
		}
		now := s.db.Now(ctx)
		for _, seed := range seeds {
			if have[seed.Name] {
				continue
			}
			r, err := ParseRhythm(seed.Spec, "UTC")
			if err != nil {
				return fmt.Errorf("read seed %s: %w", seed.Name, err)
			}
			c := Schedule{Seed: seed.Name, Kind: seed.Kind, Name: seed.Title, Spec: r.Spec, Zone: r.Zone, CatchUp: CatchUpOnce, CreatorName: "Muster", NextSlot: milli(r.Next(now)), UpdatedAt: now}
			if c.Payload, err = encode(seed.Payload, maxPayload); err != nil {
				return err
			}
			if err := s.plant(ctx, &c); err != nil {
				return err
			}
		}
		return nil
	})
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// What is later than this is marked late, or missed where the schedule wants that.
const (
	lateAfter = 10 * time.Second
	missAfter = time.Minute
)

// plan makes the runs of every schedule whose moment has come.
func (s *Service) plan(ctx context.Context) error {
	due, err := s.dueSchedules(across(ctx), s.db.Now(ctx))
	if err != nil {
		return err
	}
	for i := range due {
		if err := s.fire(database.WithWorkspace(ctx, due[i].WorkspaceID), due[i].ID); err != nil {
			return fmt.Errorf("plan schedule %d: %w", due[i].ID, err)
		}
	}
	return nil
}

// overlapped is why a slot has no run.
const overlapped = "The run before it had not ended."

// fire writes the slot of one schedule and moves it on. Whoever comes second finds it moved on already.
func (s *Service) fire(ctx context.Context, id int64) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		c, found, err := s.lockSchedule(ctx, id)
		now := s.db.Now(ctx)
		if err != nil || !found || c.Paused || c.NextSlot == 0 || c.NextSlot > now.UnixMilli() {
			return err
		}
		rhythm, err := c.Rhythm()
		if err != nil { // it was read when it was saved; a newer program may know less
			slog.ErrorContext(ctx, "jobs: a schedule cannot be read any more", "schedule", c.ID, "spec", c.Spec, "zone", c.Zone)
			c.NextSlot = 0
			return s.saveSchedule(ctx, &c, "next_slot")
		}
		slot, more := rhythm.newest(time.UnixMilli(c.NextSlot).UTC(), now)
		r := s.planned(&c, slot, now)
		switch _, busy, err := s.openOf(ctx, c.ID); {
		case err != nil:
			return err
		case busy:
			r.miss(overlapped, now)
		case c.CatchUp == CatchUpMiss && now.Sub(slot) > missAfter:
			r.miss(missedWords(more), now)
		}
		if _, err := s.add(ctx, &r); err != nil {
			return err
		}
		c.NextSlot = milli(rhythm.Next(now))
		return s.saveSchedule(ctx, &c, "next_slot")
	})
}

func missedWords(more bool) string {
	if more {
		return "Nothing was running at that time, nor at the one before it."
	}
	return "Nothing was running at that time."
}

// planned is the run of a slot.
func (s *Service) planned(c *Schedule, slot, now time.Time) Run {
	return Run{Kind: c.Kind, Name: c.Name, Payload: c.Payload, ScheduleID: c.ID, Slot: milli(slot), State: Queued, MaxAttempts: usualAttempts, RunAt: now.UnixMilli(), Late: now.Sub(slot) > lateAfter}
}

func (r *Run) miss(why string, now time.Time) {
	r.State, r.Failure, r.FinishedAt = Missed, why, &now
}

// Plan is what somebody writes into the form of a schedule.
type Plan struct {
	Kind, Name, Spec, Zone string
	CatchUp                CatchUp
}

// check tidies a plan and says what is wrong with it.
func (s *Service) check(p *Plan) (Rhythm, error) {
	p.Name = strings.TrimSpace(p.Name)
	fields := fault.Fields{}
	if _, known := s.KindOf(p.Kind); !known {
		fields.Add("kind", "Choose what is to be done.")
	}
	if p.Name == "" || utf8.RuneCountInString(p.Name) > 100 {
		fields.Add("name", "Give it a name of up to 100 characters.")
	}
	if !p.CatchUp.Valid() {
		fields.Add("catch_up", "Choose what happens with a time that passed while nothing ran.")
	}
	r, err := ParseRhythm(p.Spec, p.Zone)
	if f, wrong := fault.As(err); wrong {
		for name, message := range f.Fields {
			fields.Add(name, message)
		}
	}
	return r, fields.Err()
}

// maxSchedules is how many a workspace can have.
const maxSchedules = 200

// Create adds a schedule.
func (s *Service) Create(ctx context.Context, actor access.Actor, p Plan) (Schedule, error) {
	var c Schedule
	if err := s.access.Require(actor, access.Write, access.Schedules); err != nil {
		return c, err
	}
	r, err := s.check(&p)
	if err != nil {
		return c, err
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		n, err := s.countSchedules(ctx)
		if err != nil {
			return err
		}
		if n >= maxSchedules {
			return fault.New(fault.Conflict, "A workspace has at most %d schedules. Delete one first.", maxSchedules)
		}
		now := s.db.Now(ctx)
		c = Schedule{Kind: p.Kind, Name: p.Name, Spec: r.Spec, Zone: r.Zone, CatchUp: p.CatchUp, NextSlot: milli(r.Next(now)), CreatorID: actor.UserID, CreatorName: actor.Name, UpdatedAt: now}
		if err := database.Insert(ctx, s.db, "schedule", &c); err != nil {
			return err
		}
		return s.recordSchedule(ctx, actor, "schedule.create", &c, nil)
	})
	return c, err
}

// Edit changes a schedule. Its next time is counted from now.
func (s *Service) Edit(ctx context.Context, actor access.Actor, id int64, p Plan) (Schedule, error) {
	if err := s.access.Require(actor, access.Write, access.Schedules); err != nil {
		return Schedule{}, err
	}
	r, err := s.check(&p)
	if err != nil {
		return Schedule{}, err
	}
	return s.alter(ctx, actor, id, "schedule.edit", func(c *Schedule, now time.Time) error {
		if c.Kind != p.Kind {
			c.Payload = ""
		}
		c.Kind, c.Name, c.Spec, c.Zone, c.CatchUp, c.NextSlot = p.Kind, p.Name, r.Spec, r.Zone, p.CatchUp, milli(r.Next(now))
		return nil
	})
}

// Pause stops a schedule until it is resumed.
func (s *Service) Pause(ctx context.Context, actor access.Actor, id int64) (Schedule, error) {
	return s.alter(ctx, actor, id, "schedule.pause", func(c *Schedule, _ time.Time) error {
		if c.Paused {
			return fault.New(fault.Conflict, "It is paused already.")
		}
		c.Paused = true
		return nil
	})
}

// Resume lets it run again, from now on: what passed meanwhile is not caught up with.
func (s *Service) Resume(ctx context.Context, actor access.Actor, id int64) (Schedule, error) {
	return s.alter(ctx, actor, id, "schedule.resume", func(c *Schedule, now time.Time) error {
		if !c.Paused {
			return fault.New(fault.Conflict, "It is not paused.")
		}
		r, err := c.Rhythm()
		c.Paused, c.NextSlot = false, milli(r.Next(now))
		return err
	})
}

// Delete removes a schedule. Its past runs stay.
func (s *Service) Delete(ctx context.Context, actor access.Actor, id int64) error {
	_, err := s.alter(ctx, actor, id, "schedule.delete", func(c *Schedule, now time.Time) error {
		c.DeletedAt = &now
		return nil
	})
	return err
}

func (s *Service) alter(ctx context.Context, actor access.Actor, id int64, action string, f func(*Schedule, time.Time) error) (Schedule, error) {
	var c Schedule
	if err := s.access.Require(actor, access.Write, access.Schedules); err != nil {
		return c, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var found bool
		var err error
		if c, found, err = s.lockSchedule(ctx, id); err != nil || !found {
			return orElse(err, fault.Missing("schedule"))
		}
		before := scheduleFacts(&c)
		if err := f(&c, s.db.Now(ctx)); err != nil {
			return err
		}
		c.UpdatedAt = s.db.Now(ctx)
		if err := s.saveSchedule(ctx, &c, "kind", "name", "spec", "zone", "payload", "catch_up", "paused", "next_slot", "deleted_at"); err != nil {
			return err
		}
		return s.recordSchedule(ctx, actor, action, &c, before)
	})
	return c, err
}

func scheduleFacts(c *Schedule) map[string]any {
	return map[string]any{"name": c.Name, "kind": c.Kind, "rhythm": c.Spec, "zone": c.Zone, "paused": c.Paused, "missed_times": c.CatchUp}
}

func (s *Service) recordSchedule(ctx context.Context, actor access.Actor, action string, c *Schedule, before any) error {
	change := activity.Change{Action: action, Kind: "schedule", ID: c.ID, Name: c.Name, Before: before}
	if c.DeletedAt == nil {
		change.After = scheduleFacts(c)
	}
	return s.log.Record(ctx, actor, change)
}

// RunNow starts the work of a schedule at once, beside its planned times. It never overlaps with another run of it.
func (s *Service) RunNow(ctx context.Context, actor access.Actor, id int64) (Run, error) {
	var r Run
	if err := s.access.Require(actor, access.Write, access.Scans); err != nil {
		return r, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		c, found, err := s.lockSchedule(ctx, id)
		if err != nil || !found {
			return orElse(err, fault.Missing("schedule"))
		}
		if _, busy, err := s.openOf(ctx, c.ID); err != nil || busy {
			return orElse(err, fault.New(fault.Conflict, "It runs already. Wait for it, or cancel it."))
		}
		now := s.db.Now(ctx)
		r = s.planned(&c, now, now)
		r.Slot, r.ActorID, r.ActorName = 0, actor.UserID, actor.Name
		if _, err := s.add(ctx, &r); err != nil {
			return err
		}
		return s.record(ctx, actor, "scan.start", &r, nil)
	})
	if err == nil {
		s.rouse()
	}
	return r, err
}

// remind makes a reminder due: a person does the work and says so.
func remind(_ context.Context, j *Job) error {
	j.mu.Lock()
	j.due = true
	j.mu.Unlock()
	j.Result("Waits for somebody to do it and to say so.", nil)
	return nil
}

// MarkDone says that what a reminder asked for was done, and how. Older reminders of the same schedule are done with it.
func (s *Service) MarkDone(ctx context.Context, actor access.Actor, id int64, note string) (Run, error) {
	note = strings.TrimSpace(note)
	return s.decide(ctx, actor, id, "reminder.done", func(ctx context.Context, r *Run) error {
		if !r.Due {
			return fault.New(fault.Conflict, "It is done already.")
		}
		if note == "" || utf8.RuneCountInString(note) > 2000 {
			return fault.Field("note", "Say in a sentence what was done, under 2000 characters.")
		}
		now := s.db.Now(ctx)
		r.Due, r.SettledBy, r.SettlerName, r.SettledAt, r.SettledNote = false, actor.UserID, actor.Name, &now, note
		return s.settleReminder(ctx, r)
	})
}
