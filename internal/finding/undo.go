package finding

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"muster/internal/access"
	"muster/internal/exception"
)

// Undo takes back what an import did to findings, in the caller's transaction: what it opened was never there, what it
// changed is what it was, and what somebody decided since stays. It gives the services whose findings changed.
func (s *Service) Undo(ctx context.Context, actor access.Actor, importID int64) ([]int64, error) {
	if err := s.access.Require(actor, access.Delete, access.Imports); err != nil {
		return nil, err
	}
	var touched []int64
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		events, err := s.eventsOfImport(ctx, importID)
		if err != nil {
			return err
		}
		runs, err := s.undoRuns(ctx, importID)
		if err != nil || len(events) == 0 {
			return err
		}
		var ids []int64
		for _, v := range events {
			ids = append(ids, v.FindingID)
		}
		u := &undoing{service: s, runs: runs, entries: map[int64]*entry{}, importID: importID}
		if err := s.load(ctx, ids, u.entries); err != nil {
			return err
		}
		if u.later, err = s.laterEvents(ctx, ids, events[len(events)-1].ID); err != nil {
			return err
		}
		if touched, err = u.back(ctx, actor, events); err != nil {
			return err
		}
		return nil
	})
	return set(touched), err
}

type undoing struct {
	service  *Service
	runs     []ReportRun
	entries  map[int64]*entry
	later    map[int64]bool // findings that somebody touched since
	importID int64
	drop     []int64  // sources that this import brought
	keys     []string // keys that it brought
	given    []given
	befores  map[int64]undoData
	origin   map[int64]int64 // sources by the finding that they belonged to
	cover    *exception.Cover
}

// given are keys that go back to a finding that had become part of another.
type given struct {
	id   int64
	keys []string
}

func (u *undoing) back(ctx context.Context, actor access.Actor, events []Event) ([]int64, error) {
	s, now := u.service, u.service.db.Now(ctx)
	place, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	var list []*entry
	var touched []int64
	if err := u.remember(events); err != nil {
		return nil, err
	}
	if u.cover, err = s.accept.Cover(ctx, now, slices.Sorted(maps.Keys(u.entries))); err != nil {
		return nil, err
	}
	done := map[int64]bool{}
	for _, v := range events {
		e := u.entries[v.FindingID]
		if e == nil || done[v.FindingID] || (v.Action != Opened && v.Before == nil) {
			continue
		}
		done[v.FindingID] = true
		touched = append(touched, e.now.ServiceID)
		was := e.now.State
		if v.Action == Opened {
			u.forget(e)
			if e.now.Live == 0 && !u.later[v.FindingID] {
				e.now.RetractedAt = &now
			}
		} else {
			u.restore(e, u.befores[v.FindingID])
		}
		words := fmt.Sprintf("undid import %d", u.importID)
		if e.now.State == Accepted && e.now.Counted() { // what accepted it may be over since
			words = e.uphold(u.cover, words, now)
		}
		settle(&e.now, place(e.now.ServiceID), Shipped(), now, false)
		e.changed = true
		e.events = []Event{{Action: Undone, FromState: was, ToState: e.now.State, Layer: ByPerson, Words: words}}
		touched = append(touched, e.now.ServiceID)
		list = append(list, e)
	}
	if err := s.dropSources(ctx, u.drop); err != nil {
		return nil, err
	}
	if err := u.retractKeys(ctx, list); err != nil {
		return nil, err
	}
	if err := s.giveBack(ctx, u.keys, u.given); err != nil {
		return nil, err
	}
	return touched, s.save(ctx, actor, 0, list)
}

// mine reports whether a source belongs to a scope that the import read.
func (u *undoing) mine(r *Source) bool {
	for i := range u.runs {
		if run := &u.runs[i]; run.Tool == r.Tool && run.SourceID == r.SourceID && run.ScopeService == r.ScopeService {
			return true
		}
	}
	return false
}

// forget drops the sources that the import brought to a finding that it opened.
func (u *undoing) forget(e *entry) {
	var left []Source
	for _, r := range e.sources {
		if u.mine(&r) {
			u.drop = append(u.drop, r.ID)
			continue
		}
		left = append(left, r)
	}
	e.sources, e.sourcesBefore = left, left
	e.recount()
}

// remember reads what everything was before the import.
func (u *undoing) remember(events []Event) error {
	u.befores, u.origin = map[int64]undoData{}, map[int64]int64{}
	for _, v := range events {
		if v.Before == nil {
			continue
		}
		was, err := unsquash(v.Before)
		if err != nil {
			return err
		}
		u.befores[v.FindingID] = was
		for _, r := range was.Sources {
			u.origin[r.ID] = r.FindingID
		}
	}
	return nil
}

// restore puts a finding back to what it was before the import. What somebody decided since stays as it is.
func (u *undoing) restore(e *entry, was undoData) {
	old := map[int64]Source{}
	for _, r := range was.Sources {
		old[r.ID] = r
	}
	var left []Source
	for _, r := range e.sources {
		before, known := old[r.ID]
		switch {
		case known:
			left = append(left, before)
		case u.origin[r.ID] != 0: // it came from another finding, which takes it back
		case u.mine(&r):
			u.drop = append(u.drop, r.ID)
		default:
			left = append(left, r)
		}
	}
	for id, r := range old { // a source that went to another finding comes back
		if r.FindingID == e.now.ID && !hasSource(left, id) {
			left = append(left, r)
		}
	}
	current := e.now
	if !u.later[e.now.ID] {
		e.now = *was.Finding
		e.now.Version = current.Version
	}
	e.sources = left
	e.recount()
	u.keys = append(u.keys, was.Keys...)
	if len(was.Had) > 0 {
		u.given = append(u.given, given{e.now.ID, was.Had})
	}
}

func hasSource(list []Source, id int64) bool {
	for i := range list {
		if list[i].ID == id {
			return true
		}
	}
	return false
}

// retractKeys drops the keys of findings that were never there, so that they can be found anew.
func (u *undoing) retractKeys(ctx context.Context, list []*entry) error {
	var ids []int64
	for _, e := range list {
		if e.now.RetractedAt != nil {
			ids = append(ids, e.now.ID)
		}
	}
	rows, err := u.service.keysOfFinding(ctx, ids)
	for _, r := range rows {
		u.keys = append(u.keys, r.Key)
	}
	return err
}
