package inventory

import (
	"context"
	"slices"

	"muster/internal/access"
	"muster/internal/fault"
)

// Merge makes one service part of another: its bindings, facts, calls, endpoints and operations move, its address
// leads to the other, its history stays.
func (b *Book) Merge(ctx context.Context, actor access.Actor, slug string, into int64) (Service, error) {
	var to Service
	err := b.change(ctx, actor, access.Delete, func(ctx context.Context) error {
		from, err := b.live(ctx, slug)
		if err != nil {
			return err
		}
		var found bool
		if to, found, err = b.serviceByID(ctx, into); err != nil {
			return err
		}
		if !found || to.RetiredAt != nil || mayNotSee(ctx, to.ID) || to.ID == from.ID {
			return fault.Field("into", "Choose the service that this one becomes part of.")
		}
		neighbours, err := b.neighbours(ctx, from.ID)
		if err != nil {
			return err
		}
		if err := b.moveRows(ctx, from.ID, to.ID, nil); err != nil {
			return err
		}
		if err := b.endSelfAndDouble(ctx, to.ID); err != nil {
			return err
		}
		now := b.db.Now(ctx)
		from.RetiredAt, from.RetireReason, from.MergedInto = &now, "Merged into "+to.Name+".", to.ID
		if err := b.saveService(ctx, &from); err != nil {
			return err
		}
		before := describe(&to)
		inherit(&to, &from)
		if err := b.saveService(ctx, &to); err != nil {
			return err
		}
		if err := b.Recompute(ctx, append(neighbours, to.ID, from.ID)); err != nil {
			return err
		}
		if err := b.record(ctx, actor, "service.merge", &from, nil, map[string]any{"into": to.Name}); err != nil {
			return err
		}
		fields := changed(before, describe(&to))
		after := pick(describe(&to), fields)
		after["from"] = from.Name
		return b.record(ctx, actor, "service.merge", &to, pick(before, fields), after)
	})
	return to, err
}

// inherit gives a service what the one that becomes part of it was known to be: a merge must not make anything less
// critical, less exposed or less sensitive.
func inherit(to, from *Service) {
	to.DataClasses = cleanClasses(fault.Fields{}, append(to.Classes(), from.Classes()...))
	if from.DataClasses != "" && from.PersonSet("data_classes") {
		to.SetByPerson = union(to.SetByPerson, []string{"data_classes"})
	}
	to.Tier = min(to.Tier, from.Tier)
	worst := []Exposure{Public, Partner, ExposureUnknown, Internal}
	if slices.Index(worst, from.Exposure) < slices.Index(worst, to.Exposure) {
		to.Exposure = from.Exposure
	}
	if lowest, _ := LowestTier(to.Exposure, to.Classes()); to.Tier > lowest {
		to.Tier = lowest
	}
	if from.LastSeenAt != nil && (to.LastSeenAt == nil || to.LastSeenAt.Before(*from.LastSeenAt)) {
		to.LastSeenAt = from.LastSeenAt
	}
}

// Split makes a new service of some workloads of another, with what the files say of them.
func (b *Book) Split(ctx context.Context, actor access.Actor, slug, name string, bindingIDs []int64) (Service, error) {
	var s Service
	err := b.change(ctx, actor, access.Delete, func(ctx context.Context) error {
		from, err := b.live(ctx, slug)
		if err != nil {
			return err
		}
		fields := fault.Fields{}
		name = cleanText(fields, "name", name, 100, true)
		all, err := b.bindingsOf(ctx, from.ID)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(have Binding) bool { return have.GoneAt != nil }) // what is gone stays where it was
		var chosen []Binding
		for _, have := range all {
			if slices.Contains(bindingIDs, have.ID) {
				chosen = append(chosen, have)
			}
		}
		if len(chosen) == 0 || len(chosen) == len(all) {
			fields.Add("binding", "Choose some of the workloads, but not all.")
		}
		if err := fields.Err(); err != nil {
			return err
		}
		s = Service{Kind: from.Kind, Name: name, Tier: from.Tier, Exposure: ExposureUnknown, Authentication: AuthUnknown, Encryption: EncryptionUnknown,
			Runtime: from.Runtime, Language: from.Language, DataClasses: from.DataClasses, DatastoreKind: from.DatastoreKind, TeamID: from.TeamID, Version: 1, LastSeenAt: from.LastSeenAt, CreatedAt: b.db.Now(ctx), UpdatedAt: b.db.Now(ctx)}
		if s.Slug, err = b.freeSlug(ctx, name); err != nil {
			return err
		}
		if err := b.insertService(ctx, &s); err != nil {
			return err
		}
		if err := b.moveRows(ctx, from.ID, s.ID, chosen); err != nil {
			return err
		}
		if err := b.Recompute(ctx, []int64{from.ID, s.ID}); err != nil {
			return err
		}
		if err := b.record(ctx, actor, "service.split", &from, nil, map[string]any{"new": s.Name, "workloads": len(chosen)}); err != nil {
			return err
		}
		return b.record(ctx, actor, "service.create", &s, nil, map[string]any{"split_from": from.Name})
	})
	return s, err
}
