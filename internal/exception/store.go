package exception

import (
	"context"
	"fmt"
	"time"

	"muster/internal/database"
	"muster/internal/fault"
)

// PageSize is how many exceptions a page holds.
const PageSize = 50

func (s *Service) byID(ctx context.Context, id int64) (Exception, bool, error) {
	return database.Take(ctx, "exception", database.Of[Exception](s.db.Conn(ctx)).Where("id = ?", id))
}

// Item is a finding or a service that an exception names.
type Item struct {
	WorkspaceID int64
	ExceptionID int64
	Kind        string
	ItemID      int64
}

// TableName keeps the table beside that of the exceptions.
func (Item) TableName() string { return "exception_items" }

// The kinds of items.
const (
	itemFinding = "finding"
	itemService = "service"
)

// whole is an exception with all that it names.
func (s *Service) whole(ctx context.Context, id int64) (Exception, bool, error) {
	e, found, err := s.byID(ctx, id)
	if err != nil || !found || e.Subject == OfControl {
		return e, found, err
	}
	items, err := database.List(ctx, "what an exception names", database.Of[Item](s.db.Conn(ctx)).Where("exception_id = ?", id).Order("item_id"))
	for _, i := range items {
		e.take(i)
	}
	return e, true, err
}

func (e *Exception) take(i Item) {
	if i.Kind == itemFinding {
		e.Findings = append(e.Findings, i.ItemID)
	} else {
		e.Services = append(e.Services, i.ItemID)
	}
}

// keepItems stores what an exception names.
func (s *Service) keepItems(ctx context.Context, e *Exception) error {
	var items []Item
	for _, id := range e.Findings {
		items = append(items, Item{ExceptionID: e.ID, Kind: itemFinding, ItemID: id})
	}
	for _, id := range e.Services {
		items = append(items, Item{ExceptionID: e.ID, Kind: itemService, ItemID: id})
	}
	return database.InsertAll(ctx, s.db, "what an exception names", items)
}

// fill reads the services of rules, and which of the findings the others name.
func (s *Service) fill(ctx context.Context, rows []Exception, findings []int64) error {
	at := map[int64]*Exception{}
	var ids []int64
	for i := range rows {
		at[rows[i].ID] = &rows[i]
		if rows[i].ServiceID == Several {
			ids = append(ids, rows[i].ID)
		}
	}
	put := func(items []Item, err error) error {
		for _, i := range items {
			if e := at[i.ExceptionID]; e != nil {
				e.take(i)
			}
		}
		return err
	}
	if err := database.Chunks(ids, func(some []int64) error {
		return put(database.List(ctx, "services of rules", database.Of[Item](s.db.Conn(ctx)).Where("exception_id IN ? AND kind = ?", some, itemService)))
	}); err != nil {
		return err
	}
	return database.Chunks(findings, func(some []int64) error {
		return put(database.List(ctx, "chosen findings", database.Of[Item](s.db.Conn(ctx)).Where("kind = ? AND item_id IN ?", itemFinding, some)))
	})
}

func (s *Service) waiting(ctx context.Context, r *Request) (bool, error) {
	q := database.Of[Exception](s.db.Conn(ctx)).Where("state = ? AND subject = ?", Requested, r.Subject)
	switch r.Subject {
	case OfControl:
		q = q.Where("control = ? AND service_id = ?", r.Control, r.ServiceID)
	case OfRule:
		q = q.Where("match_by = ? AND match_value = ? AND service_id = ?", r.MatchBy, r.MatchValue, r.ServiceID)
	case OfFindings:
		q = q.Where("expires_at > ?", s.db.Now(ctx)).Where("id IN (SELECT exception_id FROM exception_items WHERE workspace_id = ? AND kind = ? AND item_id IN ?)", database.Workspace(ctx), itemFinding, r.Findings)
	}
	_, found, err := database.Take(ctx, "exception", q.Limit(1))
	return found, err
}

// settle stores a decision, unless somebody else decided first.
func (s *Service) settle(ctx context.Context, e *Exception, was State) error {
	r := s.db.Conn(ctx).Model(&Exception{}).Where("id = ? AND state = ?", e.ID, was).
		Select("state", "decided_by", "decider_name", "decided_at", "decision_note", "ended_at").Updates(e)
	if r.Error != nil {
		return fmt.Errorf("save exception: %w", r.Error)
	}
	if r.RowsAffected != 1 {
		return fault.New(fault.Conflict, "Somebody else decided on this exception just now.")
	}
	return nil
}

func (s *Service) decidedBy(ctx context.Context, at time.Time) ([]Exception, error) {
	return database.List(ctx, "exceptions", database.Of[Exception](s.db.Conn(ctx)).Where("subject = ? AND decided_at <= ? AND expires_at > ? AND state IN ?", OfControl, at, at, []State{Approved, Ended}).Order("id"))
}

// accepting lists what accepts findings at a moment, without what it names.
func (s *Service) accepting(ctx context.Context, at time.Time) ([]Exception, error) {
	return database.List(ctx, "exceptions", database.Of[Exception](s.db.Conn(ctx)).Where("subject IN ? AND expires_at > ? AND decided_at <= ? AND state = ?", []Subject{OfFindings, OfRule}, at, at, Approved).Order("id"))
}

// namesFinding is that an exception names a finding.
const namesFinding = "EXISTS (SELECT 1 FROM exception_items i WHERE i.workspace_id = exceptions.workspace_id AND i.exception_id = exceptions.id AND i.kind = ? AND i.item_id = ?)"

// maxAsking is how many requests about findings are looked at for one of them.
const maxAsking = 200

// asking lists the requests that wait and name a finding or a rule, and the exception of an id.
func (s *Service) asking(ctx context.Context, id, finding int64) ([]Exception, error) {
	return database.List(ctx, "requests", database.Of[Exception](s.db.Conn(ctx)).
		Where("(id = ? OR (expires_at > ? AND state = ? AND (subject = ? OR (subject = ? AND "+namesFinding+"))))", id, s.db.Now(ctx), Requested, OfRule, OfFindings, itemFinding, finding).Order("state, id").Limit(maxAsking))
}

// The conditions of a list, each with the moment once for every question mark.
var shown = map[Show]string{
	ShowAll:     "id > 0",
	ShowWaiting: "state = 'requested' AND expires_at > ?",
	ShowInForce: "state = 'approved' AND expires_at > ?",
	ShowEnding:  "state = 'approved' AND expires_at > ? AND expires_at <= ?",
	ShowEnded:   "(state IN ('declined', 'ended') OR expires_at <= ?)",
}

func (s *Service) list(ctx context.Context, f Filter) (Page, error) {
	now := s.db.Now(ctx)
	var p Page
	var err error
	if p.Counts, err = s.countAll(ctx, f.Services, now); err != nil {
		return p, err
	}
	moments := map[Show][]any{ShowWaiting: {now}, ShowInForce: {now}, ShowEnding: {now, soon(now)}, ShowEnded: {now}}
	condition, known := shown[f.Show]
	if !known {
		condition = shown[ShowAll]
	}
	q := database.Of[Exception](s.db.Conn(ctx)).Where(condition, moments[f.Show]...)
	if f.Services != nil {
		q = q.Where("service_id IN ?", append([]int64{0}, f.Services...))
	}
	totals := map[Show]int64{ShowWaiting: p.Counts.Waiting, ShowInForce: p.Counts.InForce, ShowEnding: p.Counts.Ending, ShowEnded: p.Counts.Ended}
	if p.Total = p.Counts.Total; f.Show != ShowAll && known {
		p.Total = totals[f.Show]
	}
	order := "CASE state WHEN 'requested' THEN 0 WHEN 'approved' THEN 1 ELSE 2 END, id DESC"
	if f.Show == ShowEnding {
		order = "expires_at, id"
	}
	p.Rows, err = database.List(ctx, "exceptions", q.Order(order).Offset((f.Page-1)*PageSize).Limit(PageSize))
	return p, err
}

func soon(now time.Time) time.Time { return now.Add(FarWarning * 24 * time.Hour) }

// countAll counts exceptions of every sort in one question.
func (s *Service) countAll(ctx context.Context, services []int64, now time.Time) (Counts, error) {
	var c Counts
	sum := func(show Show) string { return "COALESCE(SUM(CASE WHEN " + shown[show] + " THEN 1 ELSE 0 END), 0) AS " }
	q := s.db.Conn(ctx).Model(&Exception{}).Select("COUNT(*) AS total, "+sum(ShowWaiting)+"waiting, "+sum(ShowInForce)+"in_force, "+sum(ShowEnding)+"ending, "+sum(ShowEnded)+"ended", now, now, now, soon(now), now)
	if services != nil {
		q = q.Where("service_id IN ?", append([]int64{0}, services...))
	}
	if err := q.Scan(&c).Error; err != nil {
		return c, fmt.Errorf("count exceptions: %w", err)
	}
	return c, nil
}

func (s *Service) of(ctx context.Context, service int64, control string) ([]Exception, error) {
	return database.List(ctx, "exceptions", database.Of[Exception](s.db.Conn(ctx)).Where("subject = ? AND control = ? AND service_id IN ?", OfControl, control, []int64{0, service}).Order("id DESC").Limit(50))
}

// noteworthy lists what waits for a decision and what ends soon, the request that waits longest first.
func (s *Service) noteworthy(ctx context.Context, now time.Time) ([]Exception, error) {
	return database.List(ctx, "requests and ends", database.Of[Exception](s.db.Conn(ctx)).
		Where("((state = ? AND expires_at > ?) OR (state = ? AND expires_at > ? AND expires_at <= ?))", Requested, now, Approved, now, soon(now)).
		Order("CASE state WHEN 'requested' THEN 0 ELSE 1 END, CASE state WHEN 'requested' THEN requested_at ELSE expires_at END, id").Limit(2*PageSize))
}
