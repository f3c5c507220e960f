package control

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"muster/internal/database"
)

func (s *Service) settings(ctx context.Context, at time.Time) ([]Setting, error) {
	return database.List(ctx, "settings of controls", database.Of[Setting](s.db.Conn(ctx)).Where("created_at <= ?", at).Order("id"))
}

func (s *Service) versions(ctx context.Context) ([]Version, error) {
	return database.List(ctx, "catalogue versions", database.Of[Version](s.db.Conn(ctx)).Where("version > 0").Order("version"))
}

func (s *Service) decisions(ctx context.Context, services []int64, at time.Time) ([]Decision, error) {
	q := database.Of[Decision](s.db.Conn(ctx)).Where("created_at <= ?", at)
	if services != nil {
		q = q.Where("service_id IN ?", services)
	}
	return database.List(ctx, "decisions", q.Order("id"))
}

// Subjects gives what is known now of the named services, in every environment; nil means all.
func (s *Service) Subjects(ctx context.Context, services []int64) ([]Subject, error) {
	q := database.Of[Subject](s.db.Conn(ctx)).Where("until IS NULL")
	if services == nil {
		return database.List(ctx, "subjects", q)
	}
	var all []Subject
	err := database.Chunks(services, func(ids []int64) error {
		rows, err := database.List(ctx, "subjects", q.Where("service_id IN ?", ids))
		all = append(all, rows...)
		return err
	})
	return all, err
}

// SubjectsAt gives what was known at a moment.
func (s *Service) SubjectsAt(ctx context.Context, at time.Time) ([]Subject, error) {
	return database.List(ctx, "subjects of a past day", database.Of[Subject](s.db.Conn(ctx)).Where("since <= ? AND (until IS NULL OR until > ?)", at, at))
}

func (s *Service) endSubjects(ctx context.Context, ids []int64) error {
	now := s.db.Now(ctx)
	return database.Chunks(ids, func(some []int64) error {
		if err := s.db.Conn(ctx).Model(&Subject{}).Where("id IN ?", some).Update("until", &now).Error; err != nil {
			return fmt.Errorf("end subjects: %w", err)
		}
		return nil
	})
}

// States gives the stored states of the named services; nil means all.
func (s *Service) States(ctx context.Context, services []int64) ([]State, error) {
	if services == nil {
		return s.bulkStates(ctx, "service_id >= 0")
	}
	var all []State
	err := database.Chunks(services, func(ids []int64) error {
		rows, err := s.bulkStates(ctx, "service_id IN ?", ids)
		all = append(all, rows...)
		return err
	})
	return all, err
}

// StatesOf gives the stored states of one control in one environment, a page at a time.
func (s *Service) StatesOf(ctx context.Context, controlID string, environment int64) ([]State, error) {
	return database.List(ctx, "states of a control", database.Of[State](s.db.Conn(ctx)).Where("control = ? AND environment_id = ?", controlID, environment))
}

// SaveStates stores new states, those that changed, and drops those that are no more than unknown.
func (s *Service) SaveStates(ctx context.Context, fresh, changed []State, gone []int64) error {
	err := database.Chunks(gone, func(ids []int64) error {
		_, err := database.Of[State](s.db.Conn(ctx)).Where("id IN ?", ids).Delete(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("drop states: %w", err)
	}
	if err := database.InsertAll(ctx, s.db, "states", fresh); err != nil {
		return err
	}
	return upsert(ctx, s.db, "states", changed, []string{"id"}, "state", "value", "contradicted", "known", "total", "good_until", "excepted_until", "later", "since")
}

// upsert writes rows over those with the same key.
func upsert[T any](ctx context.Context, db *database.DB, what string, rows []T, key []string, columns ...string) error {
	if len(rows) == 0 {
		return nil
	}
	conflict := clause.OnConflict{DoUpdates: clause.AssignmentColumns(columns)}
	for _, k := range key {
		conflict.Columns = append(conflict.Columns, clause.Column{Name: k})
	}
	if err := db.Conn(ctx).Clauses(conflict).CreateInBatches(&rows, 500).Error; err != nil {
		return fmt.Errorf("save %s: %w", what, err)
	}
	return nil
}

// SaveScores stores scores over the ones before.
func (s *Service) SaveScores(ctx context.Context, rows []Score) error {
	return upsert(ctx, s.db, "scores", rows, []string{"workspace_id", "service_id"}, "score", "rated", "coverage", "detail", "cells", "formula", "computed_at")
}

// DropScores forgets the scores of services that are no longer judged.
func (s *Service) DropScores(ctx context.Context, services []int64) error {
	return database.Chunks(services, func(ids []int64) error {
		if _, err := database.Of[Score](s.db.Conn(ctx)).Where("service_id IN ?", ids).Delete(ctx); err != nil {
			return fmt.Errorf("drop scores: %w", err)
		}
		return nil
	})
}

// Scores gives all stored scores; service 0 is the workspace.
func (s *Service) Scores(ctx context.Context) ([]Score, error) {
	return database.List(ctx, "scores", database.Of[Score](s.db.Conn(ctx)).Where("service_id >= 0").Order("service_id"))
}

// ScoreOf gives one stored score.
func (s *Service) ScoreOf(ctx context.Context, service int64) (Score, bool, error) {
	return database.Take(ctx, "score", database.Of[Score](s.db.Conn(ctx)).Where("service_id = ?", service))
}

// ScoresOf gives the scores of some services without what made them.
func (s *Service) ScoresOf(ctx context.Context, services []int64) ([]Score, error) {
	if len(services) == 0 {
		return nil, nil
	}
	return database.List(ctx, "scores", database.Of[Score](s.db.Conn(ctx)).Select("id", "workspace_id", "service_id", "score", "rated", "coverage").Where("service_id IN ?", services).Limit(500))
}

// SaveSnapshots stores the scores of a day over earlier ones of the same day.
func (s *Service) SaveSnapshots(ctx context.Context, rows []Snapshot) error {
	return upsert(ctx, s.db, "snapshots", rows, []string{"workspace_id", "service_id", "day"}, "score", "rated", "coverage", "scope_change", "detail", "formula", "created_at")
}

// Snapshots gives the days of one subject since a day, oldest first.
func (s *Service) Snapshots(ctx context.Context, service int64, since string) ([]Snapshot, error) {
	return database.List(ctx, "snapshots", database.Of[Snapshot](s.db.Conn(ctx)).Where("service_id = ? AND day >= ?", service, since).Order("day").Limit(800))
}

// ScopeChanges lists the newest changes of what is judged.
func (s *Service) ScopeChanges(ctx context.Context, limit int) ([]ScopeChange, error) {
	return database.List(ctx, "scope changes", database.Of[ScopeChange](s.db.Conn(ctx)).Where("id > 0").Order("id DESC").Limit(database.Clamp(limit, 20, 200)))
}

// ScopeDifference adds up what scope changes since a moment did to the workspace's score.
func (s *Service) ScopeDifference(ctx context.Context, since time.Time) (float64, error) {
	rows, err := database.List(ctx, "scope changes", database.Of[ScopeChange](s.db.Conn(ctx)).Where("created_at >= ?", since))
	sum := 0.0
	for _, r := range rows {
		sum += r.Difference
	}
	return sum, err
}

// RunOut lists the services whose stored states time has overtaken; the daily sweep leaves none.
func (s *Service) RunOut(ctx context.Context, now time.Time) ([]int64, error) {
	rows, err := database.List(ctx, "states that ran out", database.Of[State](s.db.Conn(ctx)).Select("id", "workspace_id", "service_id").Where("good_until <= ?", now))
	seen := map[int64]bool{}
	var ids []int64
	for _, r := range rows {
		if !seen[r.ServiceID] {
			seen[r.ServiceID] = true
			ids = append(ids, r.ServiceID)
		}
	}
	return ids, err
}

// StateOf gives one stored state.
func (s *Service) StateOf(ctx context.Context, service, environment int64, controlID string) (State, bool, error) {
	return database.Take(ctx, "state", database.Of[State](s.db.Conn(ctx)).Where("service_id = ? AND environment_id = ? AND control = ?", service, environment, controlID))
}

// SweptOn reports whether the workspace was swept on the day of a moment.
func (s *Service) SweptOn(ctx context.Context, at time.Time) (bool, error) {
	_, found, err := database.Take(ctx, "sweep", database.Of[Sweep](s.db.Conn(ctx)).Where("day = ?", at.UTC().Format(time.DateOnly)))
	return found, err
}

// Swept notes that the workspace was swept; twice on one day is once.
func (s *Service) Swept(ctx context.Context) error {
	now := s.db.Now(ctx)
	return upsert(ctx, s.db, "sweep", []Sweep{{Day: now.Format(time.DateOnly), CreatedAt: now}}, []string{"workspace_id", "day"}, "created_at")
}

// pause is how long somebody stays away before coming back counts as another visit.
const pause = 30 * time.Minute

// Visit notes that a person looks at the overview and gives when they did so before; zero is never.
func (s *Service) Visit(ctx context.Context, user int64) (time.Time, error) {
	now := s.db.Now(ctx)
	key := visitor{database.Workspace(ctx), user}
	if v, known := s.visits.Load(key); known {
		if v, fits := v.(Visit); fits && now.Sub(v.SeenAt) < pause && !now.Before(v.SeenAt) {
			return v.before(), nil // nothing of it changes before the pause is over
		}
	}
	before, v, err := s.visit(ctx, user, now)
	if err == nil {
		s.visits.Store(key, v)
	}
	return before, err
}

// visitor is a person in a workspace.
type visitor struct{ workspace, user int64 }

func (v *Visit) before() time.Time {
	if v.BeforeAt == nil {
		return time.Time{}
	}
	return *v.BeforeAt
}

func (s *Service) visit(ctx context.Context, user int64, now time.Time) (time.Time, Visit, error) {
	v, known, err := database.Take(ctx, "visit", database.Of[Visit](s.db.Conn(ctx)).Where("user_id = ?", user))
	if err != nil || user == 0 {
		return time.Time{}, v, err
	}
	if known && now.Sub(v.SeenAt) < pause {
		return v.before(), v, nil
	}
	if known {
		seen := v.SeenAt
		v.BeforeAt = &seen
	}
	v.UserID, v.SeenAt = user, now
	return v.before(), v, s.db.InTx(ctx, func(ctx context.Context) error {
		return upsert(ctx, s.db, "visit", []Visit{v}, []string{"workspace_id", "user_id"}, "seen_at", "before_at")
	})
}

// History lists what the workspace chose about a control, the newest first.
func (s *Service) History(ctx context.Context, id string) ([]Setting, error) {
	return database.List(ctx, "settings of a control", database.Of[Setting](s.db.Conn(ctx)).Where("control = ?", id).Order("id DESC").Limit(50))
}
