package finding

import (
	"context"
	"fmt"

	"muster/internal/database"
)

// Copy loads everything that an import wrote and gives the bare writing of it once more, with new ids and keys.
func (s *Service) Copy(ctx context.Context, importID int64) (func(context.Context) error, error) {
	var findings []Finding
	var sources []Source
	var keys []keyRow
	var events []Event
	db := s.db.Conn(ctx)
	ids := db.Model(&Event{}).Select("finding_id").Where("import_id = ?", importID)
	for _, read := range []func() error{
		func() error { return db.Where("id IN (?)", ids).Order("id").Find(&findings).Error },
		func() error { return db.Where("finding_id IN (?)", ids).Find(&sources).Error },
		func() error { return db.Where("finding_id IN (?)", ids).Find(&keys).Error },
		func() error { return db.Where("import_id = ?", importID).Find(&events).Error },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	fresh, err := s.db.Reserve(ctx, "findings", len(findings))
	if err != nil {
		return nil, err
	}
	to := map[int64]int64{}
	for i := range findings {
		to[findings[i].ID] = fresh[i]
		findings[i].ID = fresh[i]
	}
	for i := range sources {
		sources[i].ID, sources[i].FindingID = 0, to[sources[i].FindingID]
	}
	for i := range keys {
		keys[i].FindingID, keys[i].Key = to[keys[i].FindingID], fmt.Sprintf("%x", keys[i].Key[:16])
	}
	for i := range events {
		events[i].ID, events[i].FindingID = 0, to[events[i].FindingID]
	}
	return func(ctx context.Context) error {
		if err := database.BulkInsert(ctx, s.db, findings); err != nil {
			return err
		}
		if s.db.Engine == database.SQLite {
			if err := s.db.Conn(ctx).Exec("INSERT INTO finding_words(rowid, search) SELECT id, search FROM findings WHERE id >= ?", fresh[0]).Error; err != nil {
				return err
			}
		}
		if err := database.BulkInsert(ctx, s.db, sources); err != nil {
			return err
		}
		if err := database.BulkInsert(ctx, s.db, keys); err != nil {
			return err
		}
		return database.BulkInsert(ctx, s.db, events)
	}, nil
}

// AtOnce gives a service that meets so many rows of a report at a time.
func (s *Service) AtOnce(n int) *Service {
	c := *s
	c.most = n
	return &c
}
