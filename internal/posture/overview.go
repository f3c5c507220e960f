package posture

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/exception"
)

// Overview is the first page: how secure we are, how it moved, and what to do next.
type Overview struct {
	*Board
	Trend     []control.Snapshot // of the workspace, oldest first
	Bundles   []Action
	Ending    []control.State // what time alone makes worse within 90 days, the next first
	Newly     []control.State // failing since the reader's last visit
	Waiting   []exception.Exception
	RunOut    []exception.Exception // in force, and over within 30 days
	LastVisit time.Time             // zero when the reader was never here
	Worst     *Row                  // the worst tier 1 service
}

// The lengths of the lists on the overview.
const (
	maxBundles   = 5
	maxAttention = 50
)

// Overview reads the first page. A first visit looks a month back.
func (s *Service) Overview(ctx context.Context, actor access.Actor) (*Overview, error) {
	b, err := s.board(ctx, actor)
	if err != nil {
		return nil, err
	}
	o := &Overview{Board: b}
	if o.LastVisit, err = s.controls.Visit(ctx, actor.UserID); err != nil {
		return nil, err
	}
	environment, err := s.book.Production(ctx)
	if err != nil {
		return nil, err
	}
	since := o.LastVisit
	if since.IsZero() {
		since = b.At.AddDate(0, -1, 0)
	}
	look, err := s.controls.Attention(ctx, environment, b.At.Add(far), since, maxAttention)
	if err != nil {
		return nil, err
	}
	ranOut := len(look.Ending) > 0 && !look.Ending[0].GoodUntil.After(b.At) // asked before what may not be seen is taken out
	o.Ending, o.Newly = b.visible(look.Ending), b.visible(look.Newly)
	if ranOut {
		if err := s.refresh(ctx, b); err != nil {
			return nil, err
		}
		o.Ending = slices.DeleteFunc(o.Ending, func(e control.State) bool { return !e.GoodUntil.After(b.At) })
	}
	o.Bundles, o.Worst = b.Bundles(maxBundles), b.worst()
	if b.Limited {
		return o, nil
	}
	if o.Trend, err = s.controls.Snapshots(ctx, 0, b.At.AddDate(-1, 0, 0).Format(time.DateOnly)); err != nil {
		return nil, err
	}
	o.Waiting, o.RunOut, err = s.exceptions.Attention(ctx)
	return o, err
}

// visible leaves out the states of services that are not on the board.
func (b *Board) visible(list []control.State) []control.State {
	seen := map[int64]bool{0: !b.Limited}
	for i := range b.Rows {
		seen[b.Rows[i].Service.ID] = true
	}
	return slices.DeleteFunc(list, func(s control.State) bool { return !seen[s.ServiceID] })
}

// worst is the tier 1 service with the lowest score, which is always named beside the score of the whole.
func (b *Board) worst() *Row {
	var worst *Row
	for i := range b.Rows {
		r := &b.Rows[i]
		if r.Detail.Tier == 1 && r.Detail.Result.Judged && (worst == nil || r.Detail.Result.Score < worst.Detail.Result.Score) {
			worst = r
		}
	}
	return worst
}

// Decisions counts what waits for a person: exceptions to decide on, and services whose facts nobody confirmed.
func (o *Overview) Decisions() int {
	n := len(o.Waiting)
	for i := range o.Rows {
		if o.Rows[i].Service.ConfirmedAt == nil {
			n++
		}
	}
	return n
}

// Sentence is what a founder reads on the first day, instead of an F.
func (o *Overview) Sentence() string {
	r := o.Whole.Result
	if len(o.Rows) == 0 {
		return "Nothing is known yet."
	}
	text := fmt.Sprintf("We know %d %% of what matters", Shown(100*r.Coverage))
	if r.Coverage > 0 {
		text += fmt.Sprintf("; of that %d %% passes", Shown(100*r.Passing))
	}
	switch n := o.Decisions(); n {
	case 0:
		return text + "."
	case 1:
		return text + "; one decision waits."
	default:
		return fmt.Sprintf("%s; %d decisions wait.", text, n)
	}
}

// RowOf finds a service on the board.
func (b *Board) RowOf(service int64) *Row {
	for i := range b.Rows {
		if b.Rows[i].Service.ID == service {
			return &b.Rows[i]
		}
	}
	return nil
}

// Trend gives the days of one service, oldest first, over a year.
func (s *Service) Trend(ctx context.Context, actor access.Actor, slug string) ([]control.Snapshot, error) {
	v, _, err := s.subject(ctx, actor, slug)
	if err != nil {
		return nil, err
	}
	return s.controls.Snapshots(ctx, v.ID, s.db.Now(ctx).AddDate(-1, 0, 0).Format(time.DateOnly))
}

// OverviewAt reads the first page as of a past day, from what was known then.
func (s *Service) OverviewAt(ctx context.Context, actor access.Actor, day time.Time) (*Overview, error) {
	b, err := s.BoardAt(ctx, actor, day)
	if err != nil {
		return nil, err
	}
	o := &Overview{Board: b, Bundles: b.Bundles(maxBundles), Worst: b.worst()}
	if b.Limited {
		return o, nil
	}
	days, err := s.controls.Snapshots(ctx, 0, b.At.AddDate(-1, 0, 0).Format(time.DateOnly))
	for _, d := range days {
		if d.Day <= b.At.Format(time.DateOnly) {
			o.Trend = append(o.Trend, d)
		}
	}
	return o, err
}

// DomainsBefore gives the scores of the domains on the newest kept day before a moment.
func DomainsBefore(days []control.Snapshot, before time.Time) map[string]int {
	limit := before.Format(time.DateOnly)
	for i := len(days) - 1; i >= 0; i-- {
		if days[i].Day > limit {
			continue
		}
		var detail struct {
			Domains map[string]int `json:"domains"`
		}
		if json.Unmarshal([]byte(days[i].Detail), &detail) == nil {
			return detail.Domains
		}
	}
	return nil
}
