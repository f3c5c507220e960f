package inventory

import (
	"context"
	"strings"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/imports/model"
)

// Standing is what is recorded of a service in one environment, as far as its controls need it.
type Standing struct {
	Service    Service
	Bindings   []Binding
	Endpoints  []Endpoint
	Operations []Operation // of the whole service
	Ports      int         // ports that its workloads open
	Storage    int         // volumes that they claim
	Callers    int
	Callees    int
}

// standingFacts are the facts that decide what applies.
var standingFacts = []string{model.FactPort, model.FactStorage, model.FactHostAccess}

// Standings gives what is recorded of services now, by service and environment. nil means every service in use and
// those that were retired; it is asked by the workflows that judge, inside their transaction.
func (b *Book) Standings(ctx context.Context, ids []int64) (map[int64]map[int64]*Standing, error) {
	r, err := b.loadStandings(ctx, ids)
	if err != nil {
		return nil, err
	}
	places := map[int64]map[int64]*Standing{}
	place := func(service, environment int64) *Standing {
		s, known := r.services[service]
		if !known {
			return &Standing{}
		}
		if places[service] == nil {
			places[service] = map[int64]*Standing{}
		}
		if places[service][environment] == nil {
			places[service][environment] = &Standing{Service: s}
		}
		return places[service][environment]
	}
	for id := range r.services {
		place(id, r.production)
	}
	for _, x := range r.bindings {
		p := place(x.ServiceID, r.environment[x.SourceID])
		p.Bindings = append(p.Bindings, x)
	}
	for _, e := range r.endpoints {
		p := place(e.ServiceID, e.EnvironmentID)
		p.Endpoints = append(p.Endpoints, e)
	}
	for _, f := range r.facts {
		p := place(f.ServiceID, r.environment[f.SourceID])
		switch {
		case f.Key == model.FactPort:
			p.Ports++
		case f.Key == model.FactStorage, strings.HasPrefix(f.Part, "host path"):
			p.Storage++
		}
	}
	for _, d := range r.calls {
		place(d.ToID, d.EnvironmentID).Callers++
		place(d.FromID, d.EnvironmentID).Callees++
	}
	for _, o := range r.operations {
		if o.ServiceID == nil {
			continue
		}
		for _, p := range places[*o.ServiceID] {
			p.Operations = append(p.Operations, o)
		}
	}
	return places, nil
}

type standings struct {
	services    map[int64]Service
	environment map[int64]int64 // of each source
	production  int64
	bindings    []Binding
	endpoints   []Endpoint
	operations  []Operation
	facts       []Fact
	calls       []Dependency
}

// Production is the environment that scores. A workspace keeps the one it began with, so it is read once.
func (b *Book) Production(ctx context.Context) (int64, error) {
	workspace := database.Workspace(ctx)
	if id, known := b.scoring.Load(workspace); known {
		if id, fits := id.(int64); fits {
			return id, nil
		}
	}
	environments, err := b.listEnvironments(ctx)
	for _, e := range environments {
		if e.Production {
			b.scoring.Store(workspace, e.ID)
			return e.ID, nil
		}
	}
	return 0, err
}

// Judged reports whether a node is judged: outside nodes are not ours to judge.
func (s *Service) Judged() bool { return s.Kind != KindOutside }

// VisibleIDs gives the services that the context is limited to.
func VisibleIDs(ctx context.Context) (ids []int64, limited bool) { return visible(ctx) }

// AllSources lists every source, for the workflows that go through them all.
func (b *Book) AllSources(ctx context.Context) ([]Source, error) { return b.sources(ctx) }

// Roster lists every service and datastore in use that the person may see, by name.
func (b *Book) Roster(ctx context.Context, actor access.Actor) ([]Service, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return nil, err
	}
	return b.roster(ctx)
}

// RosterAt lists every service and datastore that ever was, retired ones too, for looking at a past day.
func (b *Book) RosterAt(ctx context.Context, actor access.Actor) ([]Service, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return nil, err
	}
	return b.rosterEver(ctx)
}

// Names lists what every service and datastore that ever was is called, and who owns it: all that a list of other things
// says of services.
func (b *Book) Names(ctx context.Context, actor access.Actor) ([]Service, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return nil, err
	}
	return b.named(ctx)
}

// PublicFace is what the whole Internet can see: whether any service in use is public, and the addresses of production
// where it answers.
func (b *Book) PublicFace(ctx context.Context) (public bool, addresses []string, err error) {
	if public, err = b.anyPublic(ctx); err != nil || !public {
		return public, nil, err
	}
	addresses, err = b.publicAddresses(ctx)
	return public, addresses, err
}

// EndpointsOf lists the addresses of a service in every environment, for the workflows that visit them.
func (b *Book) EndpointsOf(ctx context.Context, service int64) ([]Endpoint, error) {
	return b.endpointsOf(ctx, service, maxRows)
}
