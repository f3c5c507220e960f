package inventory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"muster/internal/database"
)

func (b *Book) liveComponents(ctx context.Context, source int64) ([]Component, error) {
	return list(ctx, "components", database.Of[Component](b.db.Conn(ctx)).Where("source_id = ? AND gone_at IS NULL", source).Order("id").Limit(maxRows))
}

func (b *Book) partsOf(ctx context.Context, service int64, f PartFilter) *gorm.DB {
	q := b.db.Conn(ctx).Model(&Component{}).Where("service_id = ? AND gone_at IS NULL", service)
	switch f.Show {
	case "direct":
		q = q.Where("direct = 'yes'")
	case "dev":
		q = q.Where("dev = ?", true)
	case "unversioned":
		q = q.Where("version = ''")
	}
	if f.Text != "" {
		like := database.Like(f.Text)
		q = q.Where(`(LOWER(name) LIKE ? ESCAPE '\' OR LOWER(version) LIKE ? ESCAPE '\' OR LOWER(licenses) LIKE ? ESCAPE '\')`, like, like, like)
	}
	return q
}

func (b *Book) countParts(ctx context.Context, service int64, f PartFilter) (int64, error) {
	var n int64
	if err := b.partsOf(ctx, service, f).Select("COUNT(DISTINCT name || ' ' || version || ' ' || ecosystem)").Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count components: %w", err)
	}
	return n, nil
}

// listParts gives each package in a version once, however many documents name it.
func (b *Book) listParts(ctx context.Context, service int64, f PartFilter) ([]Part, int64, error) {
	total, err := b.countParts(ctx, service, f)
	if err != nil || total == 0 {
		return nil, 0, err
	}
	var named []Part
	err = b.partsOf(ctx, service, f).Select("name, version, ecosystem, COUNT(DISTINCT document) AS lists").Group("name, version, ecosystem").
		Order("name, version, ecosystem").Offset((f.Page - 1) * PageSize).Limit(PageSize).Scan(&named).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list components: %w", err)
	}
	var names []string
	for i := range named {
		names = append(names, named[i].Name)
	}
	rows, err := list(ctx, "components", database.Of[Component](b.db.Conn(ctx)).Where("service_id = ? AND gone_at IS NULL AND name IN ?", service, names).Order("id").Limit(maxRows))
	if err != nil {
		return nil, 0, err
	}
	for i := range named {
		named[i].fill(rows)
	}
	return named, total, nil
}

// fill takes from the rows of one package what each of them knows: the closest need, the longest known, the last sight.
func (p *Part) fill(rows []Component) {
	p.Dev = true
	for i := range rows {
		c := &rows[i]
		if c.Name != p.Name || c.Version != p.Version || c.Ecosystem != p.Ecosystem {
			continue
		}
		p.Dev = p.Dev && c.Dev
		if p.Direct == "" || c.Direct == "yes" {
			p.Direct = c.Direct
		}
		if p.Document == "" {
			p.Document, p.Line, p.FirstSeen = c.Document, c.Line, c.FirstSeen
		}
		if p.PURL == "" {
			p.PURL = c.PURL
		}
		if p.Licenses == "" {
			p.Licenses = c.Licenses
		}
		if c.FirstSeen.Before(p.FirstSeen) {
			p.FirstSeen = c.FirstSeen
		}
		if c.LastSeen.After(p.LastSeen) {
			p.LastSeen = c.LastSeen
		}
	}
}

// maxLists is how many documents one page names.
const maxLists = 50

func (b *Book) partsLists(ctx context.Context, service int64) ([]PartsList, error) {
	var groups []struct {
		Newest, ImportID int64
		N                int
	}
	err := b.db.Conn(ctx).Model(&Component{}).Select("MAX(id) AS newest, MAX(import_id) AS import_id, COUNT(*) AS n").
		Where("service_id = ? AND gone_at IS NULL", service).Group("source_id, kind, document").Order("n DESC, newest").Limit(maxLists).Scan(&groups).Error
	if err != nil || len(groups) == 0 {
		return nil, orWrap(err, "list parts lists")
	}
	ids := make([]int64, 0, len(groups))
	for _, g := range groups {
		ids = append(ids, g.Newest)
	}
	newest, err := list(ctx, "components", database.Of[Component](b.db.Conn(ctx)).Where("id IN ?", ids).Limit(maxLists))
	if err != nil {
		return nil, err
	}
	sources, err := b.sources(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]PartsList, 0, len(groups))
	for _, g := range groups {
		l := PartsList{ImportID: g.ImportID, N: g.N}
		if at := slices.IndexFunc(newest, func(c Component) bool { return c.ID == g.Newest }); at >= 0 {
			c := &newest[at]
			l.SourceID, l.Kind, l.Document, l.LastSeen = c.SourceID, c.Kind, c.Document, c.LastSeen
		}
		if at := slices.IndexFunc(sources, func(s Source) bool { return s.ID == l.SourceID }); at >= 0 {
			l.Source = sources[at].Name
		}
		rows = append(rows, l)
	}
	return rows, nil
}

func orWrap(err error, what string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (b *Book) componentServices(ctx context.Context, importID int64) ([]int64, error) {
	var ids []int64
	err := b.db.Conn(ctx).Model(&Component{}).Distinct("service_id").Where("service_id > 0 AND (import_id = ? OR gone_by = ?)", importID, importID).Pluck("service_id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("find services of components: %w", err)
	}
	return ids, nil
}

func (b *Book) undoComponents(ctx context.Context, importID int64, now time.Time) error {
	if err := b.db.Conn(ctx).Model(&Component{}).Where("gone_by = ?", importID).Updates(map[string]any{"gone_at": nil, "gone_by": 0}).Error; err != nil {
		return fmt.Errorf("take components back: %w", err)
	}
	if err := b.db.Conn(ctx).Model(&Component{}).Where("import_id = ? AND gone_at IS NULL", importID).Updates(map[string]any{"gone_at": now}).Error; err != nil {
		return fmt.Errorf("take components back: %w", err)
	}
	return nil
}

func (b *Book) giveComponents(ctx context.Context, label string, service int64) error {
	r := b.db.Conn(ctx).Model(&Component{}).Where("service_id = 0 AND LOWER(label) = LOWER(?) AND gone_at IS NULL", label).Updates(map[string]any{"service_id": service, "label": ""})
	if r.Error != nil {
		return fmt.Errorf("give components: %w", r.Error)
	}
	return nil
}

// writeComponents stores what the lists of an import say.
func (b *Book) writeComponents(ctx context.Context, importID int64, w *Writes, now time.Time) error {
	for i := range w.NewComponents {
		w.NewComponents[i].ImportID = importID
	}
	if err := database.BulkInsert(ctx, b.db, w.NewComponents); err != nil {
		return err
	}
	for to, ids := range w.GivenComponents {
		if err := b.stamp(ctx, &Component{}, ids, map[string]any{"service_id": to, "label": ""}); err != nil {
			return err
		}
	}
	if err := b.stamp(ctx, &Component{}, w.Seen.Components, map[string]any{"last_seen": now}); err != nil {
		return err
	}
	return b.stamp(ctx, &Component{}, w.Ended.Components, map[string]any{"gone_at": now, "gone_by": importID})
}
