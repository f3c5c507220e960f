package posture

import (
	"context"
	"time"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/fault"
	"muster/internal/inventory"
)

// Row is one service on the board.
type Row struct {
	Service inventory.Service
	Detail  Detail
	Cells   map[string]cell
}

// Cell is the state of a control on the service, for readers.
func (r *Row) Cell(id string) Cell { return shown(r.Cells, id) }

// Cell is the state of one control on one service.
type Cell struct {
	State        control.Word
	Value        float64
	Contradicted bool
	Partly       bool // some clauses or parts are known, not all
	Known, Total int  // of clauses and parts, where only some are known
	Excepted     bool
}

func shown(cells map[string]cell, id string) Cell {
	c, ok := cells[id]
	if !ok {
		c = cell{State: control.NotKnown}
	}
	return Cell{State: c.State, Value: c.Value, Contradicted: c.Contradicted, Partly: c.State == control.NotKnown && c.Known > 0, Known: c.Known, Total: c.Total, Excepted: c.Excepted}
}

// Board is the posture of the whole workspace at one moment: now from what is stored, or as of a past day from what was
// known then.
type Board struct {
	At         time.Time
	Past       bool
	Rules      *control.Ruleset
	Rows       []Row // by name
	Whole      Detail
	Governance map[string]cell
	Limited    bool // the reader sees only some services, so there is no score of the whole
}

// Own is the state of one of the workspace's own controls.
func (b *Board) Own(id string) Cell { return shown(b.Governance, id) }

// Board reads the posture now.
func (s *Service) Board(ctx context.Context, actor access.Actor) (*Board, error) {
	b, err := s.board(ctx, actor)
	if err != nil {
		return nil, err
	}
	return b, s.refresh(ctx, b)
}

// board reads what is stored.
func (s *Service) board(ctx context.Context, actor access.Actor) (*Board, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, err
	}
	rules, err := s.controls.Ruleset(ctx)
	if err != nil {
		return nil, err
	}
	services, err := s.book.Roster(ctx, actor)
	if err != nil {
		return nil, err
	}
	st, err := s.standing(ctx)
	if err != nil {
		return nil, err
	}
	b := &Board{At: s.db.Now(ctx), Rules: rules, Whole: st.details[0], Governance: unpackCells(st.rows[0].Cells)}
	_, b.Limited = inventory.VisibleIDs(ctx)
	for _, v := range services {
		b.Rows = append(b.Rows, Row{Service: v, Detail: st.details[v.ID], Cells: unpackCells(st.rows[v.ID].Cells)})
	}
	return b, nil
}

// refresh judges again, without storing, what time alone has changed since it was stored: what has run out is never
// shown as if it held.
func (s *Service) refresh(ctx context.Context, b *Board) error {
	ids, err := s.controls.RunOut(ctx, b.At)
	if err != nil || len(ids) == 0 {
		return err
	}
	w, err := s.load(ctx, ids)
	if err != nil {
		return err
	}
	all, err := w.judge()
	if err != nil {
		return err
	}
	b.fill(w, all)
	return nil
}

// fill puts verdicts on the board, and the score of the whole that follows.
func (b *Board) fill(w *world, all []judged) {
	byService := map[int64]*judged{}
	for i := range all {
		switch j := &all[i]; {
		case j.service == 0:
			b.Governance = values(j.cells())
		case j.environment == w.production:
			byService[j.service] = j
		}
	}
	for i := range b.Rows {
		r := &b.Rows[i]
		if j := byService[r.Service.ID]; j != nil {
			r.Detail, r.Cells = detailOf(j, w.rules, nil, w.now), values(j.cells())
		}
	}
	shipped := b.Whole.Shipped
	b.Whole = b.whole()
	b.Whole.Shipped = shipped
}

func values(cells map[string]*cell) map[string]cell {
	out := map[string]cell{}
	for id, c := range cells {
		out[id] = *c
	}
	return out
}

// whole adds the rows up.
func (b *Board) whole() Detail {
	details := map[int64]Detail{}
	for i := range b.Rows {
		details[b.Rows[i].Service.ID] = b.Rows[i].Detail
	}
	return wholeOf(details, b.Rules, packValues(b.Governance))
}

func packValues(cells map[string]cell) string {
	pointers := map[string]*cell{}
	for id, c := range cells {
		pointers[id] = &c
	}
	return packCells(pointers)
}

// BoardAt reads the posture as of the end of a past day, from what was known then.
func (s *Service) BoardAt(ctx context.Context, actor access.Actor, day time.Time) (*Board, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, err
	}
	at := day.UTC().Truncate(24 * time.Hour).Add(24*time.Hour - time.Microsecond)
	if now := s.db.Now(ctx); at.After(now) {
		return nil, fault.Field("as_of", "Choose a day that has passed.")
	}
	w, err := s.loadAt(ctx, at)
	if err != nil {
		return nil, err
	}
	all, err := w.judge()
	if err != nil {
		return nil, err
	}
	services, err := s.book.RosterAt(ctx, actor)
	if err != nil {
		return nil, err
	}
	b := &Board{At: at, Past: true, Rules: w.rules}
	_, b.Limited = inventory.VisibleIDs(ctx)
	live := map[int64]*judged{}
	for i := range all {
		if all[i].environment == w.production && all[i].facts.Live {
			live[all[i].service] = &all[i]
		}
	}
	for _, v := range services {
		if j := live[v.ID]; j != nil {
			v.Tier, v.Exposure = j.facts.Tier, inventory.Exposure(j.facts.Exposure)
			b.Rows = append(b.Rows, Row{Service: v})
		}
	}
	b.fill(w, all)
	return b, nil
}

// GovernanceResult is the part of the score that the workspace's own controls make.
func (b *Board) GovernanceResult() Result {
	return scoreOf(governanceTerms(b.Rules, packValues(b.Governance)), nil)
}

// Listed is the score of a service in a list.
type Listed struct {
	Score    float64
	Judged   bool
	Rated    bool
	Coverage float64
}

// Listings gives the stored scores of some services, for lists.
func (s *Service) Listings(ctx context.Context, actor access.Actor, services []int64) (map[int64]Listed, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, err
	}
	rows, err := s.controls.ScoresOf(ctx, services)
	list := map[int64]Listed{}
	for _, r := range rows {
		list[r.ServiceID] = Listed{Score: r.Score, Judged: true, Rated: r.Rated, Coverage: r.Coverage}
	}
	return list, err
}
