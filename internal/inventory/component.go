package inventory

import (
	"context"

	"muster/internal/access"
)

// PartFilter chooses components of one service.
type PartFilter struct {
	Text string
	Show string // "", direct, dev, unversioned
	Page int    // from 1
}

// Parts are one page of the components of a service.
type Parts struct {
	Rows  []Part
	Total int64
	Lists []PartsList
}

// Parts gives one page of the components of a service, and the documents that name them.
func (b *Book) Parts(ctx context.Context, actor access.Actor, s *Service, f PartFilter) (Parts, error) {
	var p Parts
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return p, err
	}
	f.Text, f.Page = searchable(f.Text), min(max(f.Page, 1), 10_000)
	var err error
	if p.Rows, p.Total, err = b.listParts(ctx, s.ID, f); err != nil {
		return p, err
	}
	p.Lists, err = b.partsLists(ctx, s.ID)
	return p, err
}

// LiveComponents are those that the lists of a source name now.
func (b *Book) LiveComponents(ctx context.Context, source int64) ([]Component, error) {
	return b.liveComponents(ctx, source)
}

// UndoComponents takes back what an import said of components: what it named first goes, what it no longer named is back.
func (b *Book) UndoComponents(ctx context.Context, importID int64) ([]int64, error) {
	touched, err := b.componentServices(ctx, importID)
	if err != nil {
		return nil, err
	}
	return touched, b.undoComponents(ctx, importID, b.db.Now(ctx))
}

// GiveComponents gives a service what the lists call by a name and is nobody's yet.
func (b *Book) GiveComponents(ctx context.Context, label string, service int64) error {
	return b.giveComponents(ctx, label, service)
}
