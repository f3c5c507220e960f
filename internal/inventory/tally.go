package inventory

import (
	"context"

	"muster/internal/access"
)

// Tally counts the services in use, and those that no person has confirmed.
type Tally struct{ All, Unconfirmed int64 }

// Tally counts in one query.
func (b *Book) Tally(ctx context.Context, actor access.Actor) (Tally, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return Tally{}, err
	}
	return b.tally(ctx)
}

// SourceNames gives the names of the sources whose files show each service, so that two services of one name can be told apart.
func (b *Book) SourceNames(ctx context.Context, actor access.Actor, services []Service) (map[int64][]string, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(services))
	for i := range services {
		ids = append(ids, services[i].ID)
	}
	return b.sourceNames(ctx, ids)
}

// Operations counts the operations that API documents list for a service.
func (b *Book) Operations(ctx context.Context, actor access.Actor, s *Service) (int64, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return 0, err
	}
	return b.countOperations(ctx, s.ID)
}

// Born finds the import that first said anything of the service; none for one that a person added.
func (b *Book) Born(ctx context.Context, actor access.Actor, s *Service) (i Import, source Source, found bool, err error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return i, source, false, err
	}
	id, err := b.firstImport(ctx, s.ID)
	if err != nil || id == 0 {
		return i, source, false, err
	}
	if i, found, err = b.importByID(ctx, id); err != nil || !found {
		return i, source, false, err
	}
	source, _, err = b.sourceByID(ctx, i.SourceID)
	return i, source, true, err
}
