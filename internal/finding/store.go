package finding

import (
	"context"
	"fmt"
	"slices"

	"muster/internal/database"
)

// newestRun is the report of a scope that counts, the zero one where there is none.
func (s *Service) newestRun(ctx context.Context, sc scope) (ReportRun, error) {
	run, _, err := database.Take(ctx, "report", database.Of[ReportRun](s.db.Conn(ctx)).
		Where("source_id = ? AND tool = ? AND scope_service = ? AND undone_at IS NULL", sc.source, sc.tool, sc.scopeService).Order("id DESC").Limit(1))
	return run, err
}

// byKeys finds the findings of keys.
func (s *Service) byKeys(ctx context.Context, keys []string, into map[string]int64) error {
	keys = set(keys)
	for len(keys) > 0 {
		n := min(len(keys), 500)
		rows, err := database.List(ctx, "keys of findings", database.Of[keyRow](s.db.Conn(ctx)).Select("key", "finding_id").Where("key IN ?", keys[:n]))
		if err != nil {
			return err
		}
		for _, r := range rows {
			into[r.Key] = r.FindingID
		}
		keys = keys[n:]
	}
	return nil
}

// byMarks does as byKeys, for keys in the form that takes least room.
func (s *Service) byMarks(ctx context.Context, marks []mark, into map[mark]int64) error {
	for some := range slices.Chunk(marks, 500) {
		keys, found := make([]string, 0, len(some)), map[string]int64{}
		for _, m := range some {
			keys = append(keys, m.key())
		}
		if err := s.byKeys(ctx, keys, found); err != nil {
			return err
		}
		for key, id := range found {
			into[markOf(key)] = id
		}
	}
	return nil
}

// load reads findings with their sources and what closed them last.
func (s *Service) load(ctx context.Context, ids []int64, into map[int64]*entry) error {
	return database.Chunks(set(ids), func(some []int64) error {
		findings, err := database.List(ctx, "findings", database.Of[Finding](s.db.Conn(ctx)).Where("id IN ?", some))
		if err != nil {
			return err
		}
		var over []int64
		for i := range findings {
			f := findings[i]
			into[f.ID] = &entry{before: &findings[i], now: f}
			if f.State == Fixed || f.State == Closed {
				over = append(over, f.ID)
			}
		}
		sources, err := database.List(ctx, "sources of findings", database.Of[Source](s.db.Conn(ctx)).Where("finding_id IN ?", some).Order("id"))
		if err != nil {
			return err
		}
		for _, r := range sources {
			if e := into[r.FindingID]; e != nil {
				e.sources, e.sourcesBefore = append(e.sources, r), append(e.sourcesBefore, r)
			}
		}
		return s.closures(ctx, over, into)
	})
}

// closures finds the event that closed each finding last.
func (s *Service) closures(ctx context.Context, ids []int64, into map[int64]*entry) error {
	if len(ids) == 0 {
		return nil
	}
	events, err := database.List(ctx, "closures", database.Of[Event](s.db.Conn(ctx)).Select("id", "finding_id").
		Where("finding_id IN ? AND to_state IN ? AND from_state <> to_state", ids, []State{Fixed, Closed}).Order("id"))
	for _, v := range events {
		into[v.FindingID].closure = v.ID
	}
	return err
}

// saw notes that sources see again what they saw.
func (s *Service) saw(ctx context.Context, ids []int64) error {
	now := s.db.Now(ctx)
	return database.Chunks(set(ids), func(some []int64) error {
		if err := s.db.Conn(ctx).Model(&Source{}).Where("id IN ?", some).Update("last_seen", now).Error; err != nil {
			return fmt.Errorf("note what was seen: %w", err)
		}
		return nil
	})
}

// dropCounts removes counters that count nothing.
func (s *Service) dropCounts(ctx context.Context) error {
	if _, err := database.Of[Count](s.db.Conn(ctx)).Where("n = 0").Delete(ctx); err != nil {
		return fmt.Errorf("tidy counters: %w", err)
	}
	return nil
}

// keysTaken reads the keys of findings that become part of another.
func (s *Service) keysTaken(ctx context.Context, entries []*entry) (map[int64][]string, error) {
	var ids []int64
	for _, e := range entries {
		ids = append(ids, e.took...)
	}
	had := map[int64][]string{}
	return had, database.Chunks(set(ids), func(some []int64) error {
		rows, err := s.keysOf(ctx, some)
		for _, r := range rows {
			had[r.FindingID] = append(had[r.FindingID], r.Key)
		}
		return err
	})
}

// byID finds one finding.
func (s *Service) byID(ctx context.Context, id int64) (Finding, bool, error) {
	return database.Take(ctx, "finding", database.Of[Finding](s.db.Conn(ctx)).Where("id = ? AND retracted_at IS NULL", id))
}

func (s *Service) sourcesOf(ctx context.Context, id int64) ([]Source, error) {
	return database.List(ctx, "sources", database.Of[Source](s.db.Conn(ctx)).Where("finding_id = ?", id).Order("id"))
}

// maxEvents is how much of a history one page shows.
const maxEvents = 200

func (s *Service) eventsOf(ctx context.Context, id int64) ([]Event, error) {
	return database.List(ctx, "history", database.Of[Event](s.db.Conn(ctx)).Select("id, workspace_id, finding_id, at, action, from_state, to_state, layer, actor_id, actor_name, import_id, words, note, contradicts, file_id").Where("finding_id = ?", id).Order("id DESC").Limit(maxEvents))
}

func (s *Service) eventsOfImport(ctx context.Context, importID int64) ([]Event, error) {
	return database.List(ctx, "events of an import", database.Of[Event](s.db.Conn(ctx)).Where("import_id = ?", importID).Order("id"))
}

// laterByPeople tells which of the findings somebody touched since an event.
func (s *Service) laterEvents(ctx context.Context, ids []int64, after int64) (map[int64]bool, error) {
	later := map[int64]bool{}
	return later, database.Chunks(set(ids), func(some []int64) error {
		rows, err := database.List(ctx, "later events", database.Of[Event](s.db.Conn(ctx)).Select("finding_id").Where("finding_id IN ? AND id > ?", some, after))
		for _, r := range rows {
			later[r.FindingID] = true
		}
		return err
	})
}

// undoRuns marks the reports of an import as never read.
func (s *Service) undoRuns(ctx context.Context, importID int64) ([]ReportRun, error) {
	runs, err := database.List(ctx, "reports of an import", database.Of[ReportRun](s.db.Conn(ctx)).Where("import_id = ?", importID))
	if err != nil {
		return nil, err
	}
	now := s.db.Now(ctx)
	if err := s.db.Conn(ctx).Model(&ReportRun{}).Where("import_id = ?", importID).Update("undone_at", &now).Error; err != nil {
		return nil, fmt.Errorf("undo reports: %w", err)
	}
	return runs, nil
}

func (s *Service) dropSources(ctx context.Context, ids []int64) error {
	return database.Chunks(set(ids), func(some []int64) error {
		if _, err := database.Of[Source](s.db.Conn(ctx)).Where("id IN ?", some).Delete(ctx); err != nil {
			return fmt.Errorf("drop sources: %w", err)
		}
		return nil
	})
}

func (s *Service) keysOfFinding(ctx context.Context, ids []int64) ([]keyRow, error) {
	var all []keyRow
	return all, database.Chunks(set(ids), func(some []int64) error {
		rows, err := s.keysOf(ctx, some)
		all = append(all, rows...)
		return err
	})
}

func (s *Service) liveRules(ctx context.Context) ([]Rule, error) {
	return database.List(ctx, "assignments", database.Of[Rule](s.db.Conn(ctx)).Where("ended_at IS NULL").Order("id"))
}

func (s *Service) endRules(ctx context.Context, label string) error {
	now := s.db.Now(ctx)
	if err := s.db.Conn(ctx).Model(&Rule{}).Where("match_by = ? AND label = ? AND ended_at IS NULL", ByLabel, label).Update("ended_at", &now).Error; err != nil {
		return fmt.Errorf("end assignment: %w", err)
	}
	return nil
}

// maxLabels is how many words of nobody's one page shows.
const maxLabels = 100

func (s *Service) inbox(ctx context.Context) ([]Label, error) {
	var rows []Label
	err := s.db.Conn(ctx).Model(&Finding{}).Select("LOWER(label) AS label, COUNT(*) AS n").Where("service_id = 0 AND retracted_at IS NULL AND state <> ?", Duplicate).Group("LOWER(label)").Order("n DESC, label").Limit(maxLabels).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list what is nobody's: %w", err)
	}
	return rows, nil
}

func (s *Service) idsOf(ctx context.Context, service int64) ([]int64, error) {
	return s.ids(ctx, "service_id = ? AND retracted_at IS NULL", service)
}

func (s *Service) todoIDs(ctx context.Context, service int64) ([]int64, error) {
	return s.ids(ctx, "service_id = ? AND retracted_at IS NULL AND "+todoWords, service)
}

func (s *Service) ids(ctx context.Context, where string, args ...any) ([]int64, error) {
	rows, err := database.List(ctx, "findings", database.Of[Finding](s.db.Conn(ctx)).Select("id").Where(where, args...))
	ids := make([]int64, 0, len(rows))
	for i := range rows {
		ids = append(ids, rows[i].ID)
	}
	return ids, err
}

// countedServices are the services that have findings.
func (s *Service) countedServices(ctx context.Context) ([]int64, error) {
	rows, err := s.counts(ctx)
	var ids []int64
	for _, c := range rows {
		ids = append(ids, c.ServiceID)
	}
	return set(ids), err
}

// vulnerableIDs finds the findings of one service that go by one of the names.
func (s *Service) vulnerableIDs(ctx context.Context, service int64, names []string) ([]int64, error) {
	return s.ids(ctx, "service_id = ? AND vulnerability IN ? AND retracted_at IS NULL", service, names)
}
