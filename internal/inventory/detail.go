package inventory

import (
	"context"

	"muster/internal/access"
	"muster/internal/activity"
)

// Edge is a call with the service at its other end.
type Edge struct {
	Dependency
	Other Service
}

// maxEdges is how many calls one page shows in one direction.
const maxEdges = 200

// Get finds a service by its slug, or by one that it had before.
func (b *Book) Get(ctx context.Context, actor access.Actor, slug string) (Service, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return Service{}, err
	}
	return b.find(ctx, slug)
}

// Callers lists who is known to call the service. None known does not mean that there are none.
func (b *Book) Callers(ctx context.Context, actor access.Actor, s *Service) ([]Edge, error) {
	return b.edges(ctx, actor, s, "to_id")
}

// Callees lists whom the service is known to call.
func (b *Book) Callees(ctx context.Context, actor access.Actor, s *Service) ([]Edge, error) {
	return b.edges(ctx, actor, s, "from_id")
}

func (b *Book) edges(ctx context.Context, actor access.Actor, s *Service, column string) ([]Edge, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return nil, err
	}
	rows, err := b.edgesOf(ctx, column, s.ID, maxEdges)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(rows))
	for _, d := range rows {
		ids = append(ids, d.other(s.ID))
	}
	others, err := b.namesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := map[int64]Service{}
	for _, o := range others {
		byID[o.ID] = o
	}
	edges := make([]Edge, 0, len(rows))
	for _, d := range rows {
		edges = append(edges, Edge{Dependency: d, Other: byID[d.other(s.ID)]})
	}
	return edges, nil
}

func (d *Dependency) other(id int64) int64 {
	if d.FromID == id {
		return d.ToID
	}
	return d.FromID
}

// Detail is what the files and people say about one service.
type Detail struct {
	Facts      []Fact
	Endpoints  []Endpoint
	Operations []Operation // at most PageSize, from Offset
	Unresolved []Unresolved
	Bindings   []Binding
}

// Detail loads what the tabs of a service show.
func (b *Book) Detail(ctx context.Context, actor access.Actor, s *Service, operationPage int) (Detail, error) {
	var d Detail
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return d, err
	}
	var err error
	if d.Facts, err = b.factsOf(ctx, s.ID, 500); err != nil {
		return d, err
	}
	if d.Endpoints, err = b.endpointsOf(ctx, s.ID, 200); err != nil {
		return d, err
	}
	if d.Operations, err = b.operationsOf(ctx, s.ID, (max(operationPage, 1)-1)*PageSize, PageSize); err != nil {
		return d, err
	}
	if d.Unresolved, err = b.unresolvedOf(ctx, s.ID, 200); err != nil {
		return d, err
	}
	d.Bindings, err = b.bindingsOf(ctx, s.ID)
	return d, err
}

// History lists what people and imports did to the service, newest first.
func (b *Book) History(ctx context.Context, actor access.Actor, s *Service) ([]activity.Activity, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return nil, err
	}
	return b.log.History(ctx, "service", s.ID, 100)
}
