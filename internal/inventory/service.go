package inventory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"muster/internal/access"
	"muster/internal/fault"
)

// Edit is what a person may say about a service.
type Edit struct {
	Name, Description string
	Tier              int
	Exposure          Exposure
	DataClasses       []string
	Runtime, Language string
	Repository        string
	Labels            string
	TeamID            *int64
	Kind              Kind
	Version           int // that the person saw; for two people editing at once
}

func (e *Edit) check() error {
	fields := fault.Fields{}
	e.Name = cleanText(fields, "name", e.Name, 100, true)
	e.Description = cleanText(fields, "description", e.Description, 500, false)
	e.Runtime = cleanText(fields, "runtime", e.Runtime, 60, false)
	e.Language = cleanText(fields, "language", e.Language, 60, false)
	e.Repository = cleanText(fields, "repository", e.Repository, 300, false)
	e.Labels = cleanText(fields, "labels", e.Labels, 500, false)
	cleanClasses(fields, e.DataClasses)
	if !e.Exposure.Valid() {
		fields.Add("exposure", "Choose who can reach the service.")
	}
	if e.Kind != KindService && e.Kind != KindDatastore {
		fields.Add("kind", "Choose service or datastore.")
	}
	if e.Tier < 1 || e.Tier > 3 {
		fields.Add("tier", "Choose tier 1, 2 or 3.")
	} else if lowest, why := LowestTier(e.Exposure, e.DataClasses); e.Tier > lowest {
		fields.Add("tier", fmt.Sprintf("Tier %d is too low: %s.", e.Tier, why))
	}
	return fields.Err()
}

// Create adds a service that no file names yet.
func (b *Book) Create(ctx context.Context, actor access.Actor, e Edit) (Service, error) {
	var s Service
	err := b.change(ctx, actor, access.Write, func(ctx context.Context) error {
		if err := e.check(); err != nil {
			return err
		}
		if err := b.checkTeam(ctx, e.TeamID); err != nil {
			return err
		}
		s = Service{Kind: e.Kind, Authentication: AuthUnknown, Encryption: EncryptionUnknown, Version: 1, CreatedAt: b.db.Now(ctx)}
		e.apply(&s)
		s.SetByPerson = strings.Join(editable, " ")
		s.UpdatedAt = s.CreatedAt
		slug, err := b.freeSlug(ctx, e.Name)
		if err != nil {
			return err
		}
		s.Slug = slug
		if err := b.insertService(ctx, &s); err != nil {
			return err
		}
		after := describe(&s)
		delete(after, "team") // an id says nothing to those who read the log
		return b.record(ctx, actor, "service.create", &s, nil, after)
	})
	return s, err
}

// editable are the fields that a person may set; once set, imports leave them alone.
var editable = []string{"name", "description", "tier", "exposure", "data_classes", "runtime", "language", "repository", "labels", "team", "kind"}

func (e *Edit) apply(s *Service) {
	s.Name, s.Description, s.Tier, s.Exposure, s.Kind = e.Name, e.Description, e.Tier, e.Exposure, e.Kind
	s.DataClasses = cleanClasses(fault.Fields{}, e.DataClasses)
	s.Runtime, s.Language, s.Repository, s.Labels, s.TeamID = e.Runtime, e.Language, e.Repository, e.Labels, e.TeamID
}

// describe gives what the log keeps of a service.
func describe(s *Service) map[string]any {
	team := int64(0)
	if s.TeamID != nil {
		team = *s.TeamID
	}
	return map[string]any{
		"name": s.Name, "description": s.Description, "tier": s.Tier, "exposure": s.Exposure, "data_classes": s.DataClasses,
		"runtime": s.Runtime, "language": s.Language, "repository": s.Repository, "labels": s.Labels, "team": team, "kind": s.Kind,
	}
}

// changed lists the fields that differ.
func changed(before, after map[string]any) []string {
	var fields []string
	for _, f := range editable {
		if before[f] != after[f] {
			fields = append(fields, f)
		}
	}
	return fields
}

// Save stores what a person says about a service, confirms it with their name, and refuses what somebody else changed meanwhile.
func (b *Book) Save(ctx context.Context, actor access.Actor, slug string, e Edit) (Service, error) {
	var s Service
	err := b.change(ctx, actor, access.Write, func(ctx context.Context) error {
		var err error
		if s, err = b.live(ctx, slug); err != nil {
			return err
		}
		if err := e.check(); err != nil {
			return err
		}
		if err := b.checkTeam(ctx, e.TeamID); err != nil {
			return err
		}
		if e.Version != s.Version {
			return b.conflict(ctx, &s)
		}
		before := describe(&s)
		oldName, oldSlug := s.Name, s.Slug
		e.apply(&s)
		fields := changed(before, describe(&s))
		s.SetByPerson = union(s.SetByPerson, fields)
		if s.Name != oldName {
			if err := b.moveSlug(ctx, &s, oldSlug); err != nil {
				return err
			}
		}
		b.confirm(ctx, actor, &s)
		if err := b.saveService(ctx, &s); err != nil {
			return err
		}
		return b.recordEdit(ctx, actor, &s, before, fields)
	})
	return s, err
}

// recordEdit writes which fields changed; a team stands there by its name.
func (b *Book) recordEdit(ctx context.Context, actor access.Actor, s *Service, before map[string]any, fields []string) error {
	old, now := pick(before, fields), pick(describe(s), fields)
	if slices.Contains(fields, "team") {
		for _, values := range []map[string]any{old, now} {
			id, _ := values["team"].(int64)
			values["team"] = ""
			if id == 0 {
				continue
			}
			t, found, err := b.teamByID(ctx, id)
			if err != nil {
				return err
			}
			if found {
				values["team"] = t.Name
			}
		}
	}
	return b.record(ctx, actor, "service.edit", s, old, now)
}

func (b *Book) moveSlug(ctx context.Context, s *Service, old string) error {
	slug, err := b.freeSlug(ctx, s.Name)
	if err != nil {
		return err
	}
	s.Slug = slug
	return b.insertSlug(ctx, &ServiceSlug{Slug: old, ServiceID: s.ID, CreatedAt: b.db.Now(ctx)})
}

func pick(values map[string]any, fields []string) map[string]any {
	picked := map[string]any{}
	for _, f := range fields {
		picked[f] = values[f]
	}
	return picked
}

func union(words string, more []string) string {
	list := strings.Fields(words)
	for _, w := range more {
		if !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	return strings.Join(list, " ")
}

// conflict says who changed the service in the meantime.
func (b *Book) conflict(ctx context.Context, s *Service) error {
	who := "Somebody"
	if history, err := b.log.History(ctx, "service", s.ID, 1); err == nil && len(history) > 0 {
		who = history[0].ActorName
	}
	return fault.New(fault.Conflict, "%s changed %s while you were editing. Nothing was saved; what you typed is still here.", who, s.Name)
}

func (b *Book) confirm(ctx context.Context, actor access.Actor, s *Service) {
	now := b.db.Now(ctx)
	s.ConfirmedAt, s.ConfirmedBy = &now, actor.UserID
}

// Confirm says that a person looked at owner, tier, exposure and data and found them right.
func (b *Book) Confirm(ctx context.Context, actor access.Actor, slug string) (Service, error) {
	var s Service
	err := b.change(ctx, actor, access.Write, func(ctx context.Context) error {
		var err error
		if s, err = b.live(ctx, slug); err != nil {
			return err
		}
		b.confirm(ctx, actor, &s)
		if err := b.saveService(ctx, &s); err != nil {
			return err
		}
		return b.record(ctx, actor, "service.confirm", &s, nil, pick(describe(&s), []string{"tier", "exposure", "data_classes"}))
	})
	return s, err
}

// Retire takes a service out of use, with a reason. Its history stays.
func (b *Book) Retire(ctx context.Context, actor access.Actor, slug, reason string) (Service, error) {
	var s Service
	err := b.change(ctx, actor, access.Delete, func(ctx context.Context) error {
		fields := fault.Fields{}
		if reason = cleanText(fields, "reason", reason, 500, false); reason == "" {
			fields.Add("reason", "Say why, for those who look later.")
		}
		if err := fields.Err(); err != nil {
			return err
		}
		var err error
		if s, err = b.live(ctx, slug); err != nil {
			return err
		}
		now := b.db.Now(ctx)
		s.RetiredAt, s.RetireReason = &now, reason
		if err := b.saveService(ctx, &s); err != nil {
			return err
		}
		return b.record(ctx, actor, "service.retire", &s, nil, map[string]any{"reason": reason})
	})
	return s, err
}

// Restore takes a retired service back into use.
func (b *Book) Restore(ctx context.Context, actor access.Actor, slug string) (Service, error) {
	var s Service
	err := b.change(ctx, actor, access.Delete, func(ctx context.Context) error {
		var err error
		if s, err = b.find(ctx, slug); err != nil {
			return err
		}
		if s.RetiredAt == nil || s.MergedInto != 0 {
			return fault.New(fault.Conflict, "%s is in use, or became part of another service.", s.Name)
		}
		reason := s.RetireReason
		s.RetiredAt, s.RetireReason = nil, ""
		if err := b.saveService(ctx, &s); err != nil {
			return err
		}
		return b.record(ctx, actor, "service.restore", &s, map[string]any{"reason": reason}, nil)
	})
	return s, err
}

// Bulk is a change of many services at once; what is nil or empty stays.
type Bulk struct {
	IDs      []int64
	TeamID   *int64
	Tier     int
	Exposure Exposure
}

// maxBulk is how many services one form may change.
const maxBulk = 200

// Assign gives many services an owner, a tier or an exposure, all or none.
func (b *Book) Assign(ctx context.Context, actor access.Actor, bulk Bulk) (int, error) {
	slices.Sort(bulk.IDs)
	bulk.IDs = slices.Compact(bulk.IDs)
	err := b.change(ctx, actor, access.Write, func(ctx context.Context) error {
		if len(bulk.IDs) == 0 {
			return fault.Field("id", "Choose at least one service.")
		}
		if len(bulk.IDs) > maxBulk {
			return fault.Field("id", fmt.Sprintf("Choose at most %d services at once.", maxBulk))
		}
		if bulk.TeamID == nil && bulk.Tier == 0 && bulk.Exposure == "" {
			return fault.Field("team", "Choose an owner, a tier or an exposure to set.")
		}
		if (bulk.Tier != 0 && (bulk.Tier < 1 || bulk.Tier > 3)) || (bulk.Exposure != "" && !bulk.Exposure.Valid()) {
			return fault.Field("tier", "Choose one of the listed values.")
		}
		if err := b.checkTeam(ctx, bulk.TeamID); err != nil {
			return err
		}
		services, err := b.byIDs(ctx, bulk.IDs)
		if err != nil {
			return err
		}
		if len(services) != len(bulk.IDs) {
			return fault.Missing("service")
		}
		for i := range services {
			if err := b.assignOne(ctx, actor, &services[i], bulk); err != nil {
				return err
			}
		}
		return nil
	})
	return len(bulk.IDs), err
}

func (b *Book) assignOne(ctx context.Context, actor access.Actor, s *Service, bulk Bulk) error {
	before := describe(s)
	if bulk.TeamID != nil {
		s.TeamID = bulk.TeamID
	}
	if bulk.Tier != 0 {
		s.Tier = bulk.Tier
	}
	if bulk.Exposure != "" {
		s.Exposure = bulk.Exposure
	}
	if lowest, why := LowestTier(s.Exposure, s.Classes()); s.Tier > lowest {
		return fault.Field("tier", fmt.Sprintf("%s cannot be tier %d: %s. Nothing was changed.", s.Name, s.Tier, why))
	}
	fields := changed(before, describe(s))
	if len(fields) == 0 {
		return nil
	}
	s.SetByPerson = union(s.SetByPerson, fields)
	if err := b.saveService(ctx, s); err != nil {
		return err
	}
	return b.recordEdit(ctx, actor, s, before, fields)
}

func (b *Book) checkTeam(ctx context.Context, id *int64) error {
	if id == nil {
		return nil
	}
	_, found, err := b.teamByID(ctx, *id)
	if err == nil && !found {
		err = fault.Field("team", "Choose one of the teams.")
	}
	return err
}

// find loads a service by its slug, or by one that it had before.
func (b *Book) find(ctx context.Context, slug string) (Service, error) {
	if slug != searchable(slug) {
		return Service{}, fault.Missing("service")
	}
	s, found, err := b.serviceBySlug(ctx, slug)
	if err != nil {
		return s, err
	}
	if !found {
		old, known, err := b.oldSlug(ctx, slug)
		if err != nil {
			return s, err
		}
		if known {
			if s, found, err = b.serviceByID(ctx, old.ServiceID); err != nil {
				return s, err
			}
		}
	}
	for range 20 { // merged more than once
		if !found || s.MergedInto == 0 {
			break
		}
		if s, found, err = b.serviceByID(ctx, s.MergedInto); err != nil {
			return s, err
		}
	}
	if !found || mayNotSee(ctx, s.ID) {
		return Service{}, fault.Missing("service")
	}
	return s, nil
}

// live is find for services that are in use.
func (b *Book) live(ctx context.Context, slug string) (Service, error) {
	s, err := b.find(ctx, slug)
	if err == nil && s.RetiredAt != nil {
		err = fault.New(fault.Conflict, "%s is retired. Take it back into use first.", s.Name)
	}
	return s, err
}

// freeSlug finds a slug that no service has or had.
func (b *Book) freeSlug(ctx context.Context, name string) (string, error) {
	taken, err := b.takenSlugs(ctx, Slug(name))
	return nextSlug(taken, name), err
}

// nextSlug is a name's slug with the first number that is free.
func nextSlug(taken map[string]bool, name string) string {
	base := Slug(name)
	slug := base
	for n := 2; taken[slug]; n++ {
		slug = fmt.Sprintf("%s-%d", base, n)
	}
	return slug
}
