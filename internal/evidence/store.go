package evidence

import (
	"context"
	"fmt"
	"slices"
	"time"

	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/fault"
)

const live = "superseded_at IS NULL AND retracted_at IS NULL"

// currentOf loads the current rows of every cell that the rows speak about: what decides a state, and the columns that
// are named besides.
func (l *Ledger) currentOf(ctx context.Context, rows []Evidence, more ...any) (map[cell][]Evidence, error) {
	found := map[cell][]Evidence{}
	wanted := map[cell]bool{}
	var services []int64
	var sources, controls []string
	for i := range rows {
		wanted[rows[i].cell()] = true
		services, sources, controls = append(services, rows[i].ServiceID), append(sources, rows[i].Source), append(controls, rows[i].Control)
	}
	sources, controls = words(sources), words(controls)
	err := database.Chunks(unique(services), func(ids []int64) error {
		list, err := database.List(ctx, "evidence", database.Of[Evidence](l.db.Conn(ctx)).Select(judged, more...).Where("service_id IN ? AND source IN ? AND control IN ? AND "+live, ids, sources, controls))
		for _, e := range list {
			if wanted[e.cell()] {
				found[e.cell()] = append(found[e.cell()], e)
			}
		}
		return err
	})
	return found, err
}

func words(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// judged are the columns that decide a state; the rest is for people who ask why.
const judged = "id, workspace_id, service_id, environment_id, control, clause, part, kind, source, outcome, retest_of, observed_at, good_until, superseded_at, retracted_at"

func unique(ids []int64) []int64 {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

func (l *Ledger) supersede(ctx context.Context, ids []int64) error {
	now := l.db.Now(ctx)
	return l.mark(ctx, ids, "superseded_at", &now)
}

func (l *Ledger) markRetracted(ctx context.Context, ids []int64, at time.Time) error {
	return l.mark(ctx, ids, "retracted_at", &at)
}

func (l *Ledger) mark(ctx context.Context, ids []int64, column string, at *time.Time) error {
	return database.Chunks(unique(ids), func(some []int64) error {
		if err := l.db.Conn(ctx).Model(&Evidence{}).Where("id IN ?", some).Update(column, at).Error; err != nil {
			return fmt.Errorf("mark evidence: %w", err)
		}
		return nil
	})
}

func (l *Ledger) ofImport(ctx context.Context, importID int64) ([]Evidence, error) {
	return database.List(ctx, "evidence of an import", database.Of[Evidence](l.db.Conn(ctx)).Where("import_id = ? AND retracted_at IS NULL", importID))
}

// revive makes what is left of each cell count again, as if what was taken back had never been said.
func (l *Ledger) revive(ctx context.Context, rows []Evidence) error {
	cells, services, sources := map[cell][]Evidence{}, []int64{}, []string{}
	for i := range rows {
		cells[rows[i].cell()] = nil
		services, sources = append(services, rows[i].ServiceID), append(sources, rows[i].Source)
	}
	slices.Sort(sources)
	sources = slices.Compact(sources)
	err := database.Chunks(unique(services), func(ids []int64) error {
		list, err := database.List(ctx, "older evidence", database.Of[Evidence](l.db.Conn(ctx)).
			Select("id", "workspace_id", "service_id", "environment_id", "control", "clause", "part", "source", "outcome", "retest_of", "observed_at", "good_until").
			Where("service_id IN ? AND source IN ? AND retracted_at IS NULL", ids, sources).Order("id"))
		for _, e := range list {
			if left, touched := cells[e.cell()]; touched {
				cells[e.cell()] = append(left, e)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	var ids []int64
	for _, left := range cells {
		ids = append(ids, counting(left)...)
	}
	return l.mark(ctx, ids, "superseded_at", nil)
}

func (l *Ledger) current(ctx context.Context, services []int64) ([]Evidence, error) {
	var all []Evidence
	err := database.Chunks(unique(services), func(ids []int64) error {
		rows, err := database.List(ctx, "evidence", database.Of[Evidence](l.db.Conn(ctx)).Where("service_id IN ? AND "+live, ids))
		all = append(all, rows...)
		return err
	})
	return all, err
}

func (l *Ledger) deciding(ctx context.Context, services []int64) ([]Evidence, error) {
	var all []Evidence
	err := database.Chunks(unique(services), func(ids []int64) error {
		rows, err := l.bulk(ctx, "evidence", "service_id IN ? AND "+live, ids)
		all = append(all, rows...)
		return err
	})
	return all, err
}

func (l *Ledger) timeline(ctx context.Context, service int64, control string, limit int) ([]Evidence, error) {
	return database.List(ctx, "evidence", database.Of[Evidence](l.db.Conn(ctx)).Where("service_id = ? AND control = ?", service, control).Order("id DESC").Limit(limit))
}

// byID finds one row of the workspace.
func (l *Ledger) byID(ctx context.Context, id int64) (Evidence, bool, error) {
	return database.Take(ctx, "evidence", database.Of[Evidence](l.db.Conn(ctx)).Where("id = ?", id))
}

func (l *Ledger) attachmentsOf(ctx context.Context, ids []int64) ([]Attachment, error) {
	return database.List(ctx, "attachments", database.Of[Attachment](l.db.Conn(ctx)).Select("id", "workspace_id", "evidence_id", "name", "media_type", "size", "sha256", "created_at").Where("evidence_id IN ?", ids).Order("id"))
}

func (l *Ledger) attachment(ctx context.Context, id int64) (Attachment, bool, error) {
	return database.Take(ctx, "attachment", database.Of[Attachment](l.db.Conn(ctx)).Where("id = ?", id))
}

func (l *Ledger) entries(ctx context.Context, control string, services []int64) ([]Entry, error) {
	q := database.Of[Entry](l.db.Conn(ctx)).Where("control = ? AND ended_at IS NULL", control)
	if services != nil {
		q = q.Where("service_id IN ?", services)
	}
	return database.List(ctx, "register entries", q.Order("name, id").Limit(maxEntries))
}

func (l *Ledger) entry(ctx context.Context, id int64) (Entry, bool, error) {
	return database.Take(ctx, "register entry", database.Of[Entry](l.db.Conn(ctx)).Where("id = ?", id))
}

func (l *Ledger) endEntry(ctx context.Context, control string, id int64) error {
	now := l.db.Now(ctx)
	r := l.db.Conn(ctx).Model(&Entry{}).Where("id = ? AND control = ? AND ended_at IS NULL", id, control).Update("ended_at", &now)
	if r.Error != nil {
		return fmt.Errorf("end register entry: %w", r.Error)
	}
	if r.RowsAffected != 1 {
		return fault.New(fault.Conflict, "Somebody else changed this entry just now.")
	}
	return nil
}

func (l *Ledger) said(ctx context.Context, control string, kind catalogue.SourceKind) ([]Evidence, error) {
	return database.List(ctx, "evidence", database.Of[Evidence](l.db.Conn(ctx)).Where("control = ? AND kind = ? AND "+live, control, kind).Order("id"))
}
