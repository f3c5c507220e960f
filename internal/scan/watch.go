package scan

import (
	"cmp"
	"context"
	"slices"

	"muster/internal/access"
	"muster/internal/inventory"
	"muster/internal/probe"
)

// Visits lists the newest visits of a service's endpoints that are still its own, from every place, and the endpoints
// that nobody visited yet.
func (s *Service) Visits(ctx context.Context, actor access.Actor, v *inventory.Service) ([]Visit, []Place, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, nil, err
	}
	visits, err := s.visitsOf(ctx, whole, []int64{v.ID})
	if err != nil {
		return nil, nil, err
	}
	endpoints, err := s.book.EndpointsOf(ctx, v.ID)
	if err != nil {
		return nil, nil, err
	}
	var waiting []Place
	for _, p := range placesOf(v, endpoints) {
		if !slices.ContainsFunc(visits, func(x Visit) bool { return x.Address == p.Address && x.EnvironmentID == p.EnvironmentID }) {
			waiting = append(waiting, p)
		}
	}
	slices.SortFunc(waiting, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.EnvironmentID, b.EnvironmentID), cmp.Compare(a.Address, b.Address))
	})
	return visits, waiting, nil
}

// Knocks lists the newest visits of a service's endpoints without what they saw.
func (s *Service) Knocks(ctx context.Context, actor access.Actor, v *inventory.Service) ([]Visit, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, err
	}
	return s.visitsOf(ctx, light, []int64{v.ID})
}

// Why says why an endpoint was not visited.
func (p *Place) Why() string {
	switch {
	case p.Reason != "":
		return p.Reason
	case !p.Expected:
		return "Only the inside reaches it: run muster probe there and bring its report."
	}
	return "The next scan visits it."
}

// From names the place that was visited from, for people.
func (v *Visit) From() string { return seenFrom(v.SeenFrom) }

// Missing lists the endpoints that the newest scan expected and did not reach, the longest missing first, at most as
// many as asked for: what is shown of them grows stale, and this is why. The caller knows which services may be seen.
func (s *Service) Missing(ctx context.Context, actor access.Actor, limit int) ([]Visit, error) {
	if err := s.access.Require(actor, access.Read, access.Posture); err != nil {
		return nil, err
	}
	return s.missed(ctx, limit)
}

// anonymous says whether a visit was answered without credentials.
func anonymous(t *probe.Target) string {
	if t.HTTP == nil || t.HTTP.Anonymous == "" {
		return "unknown"
	}
	return t.HTTP.Anonymous
}
