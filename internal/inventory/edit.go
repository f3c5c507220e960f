package inventory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/fault"
)

// The words that a person may choose for a call.
var (
	Transports      = []string{"unknown", "none", "tls", "mtls"}
	Authentications = []string{"unknown", "none", "api_key", "jwt", "oidc", "mtls"}
	Authorizations  = []string{"unknown", "default_allow", "policy", "denied"}
)

// Call is what a person says about one call.
type Call struct {
	EnvironmentID                            int64
	To                                       int64
	Transport, Authentication, Authorization string
	Protocol                                 string
	Port                                     int
}

// AddCall says that a service calls another.
func (b *Book) AddCall(ctx context.Context, actor access.Actor, slug string, c Call) error {
	return b.change(ctx, actor, access.Write, func(ctx context.Context) error {
		from, err := b.live(ctx, slug)
		if err != nil {
			return err
		}
		fields := fault.Fields{}
		to, found, err := b.serviceByID(ctx, c.To)
		if err != nil {
			return err
		}
		if !found || to.RetiredAt != nil || mayNotSee(ctx, to.ID) {
			fields.Add("to", "Choose the service that is called.")
		} else if to.ID == from.ID {
			fields.Add("to", "A service does not call itself here; choose another.")
		}
		if !slices.Contains(Transports, c.Transport) || !slices.Contains(Authentications, c.Authentication) || !slices.Contains(Authorizations, c.Authorization) {
			fields.Add("transport", "Choose one of the listed values.")
		}
		if c.Port < 0 || c.Port > 65535 {
			fields.Add("port", "A port is a number from 1 to 65535.")
		}
		c.Protocol = cleanText(fields, "protocol", c.Protocol, 20, false)
		if _, known, err := b.environmentByID(ctx, c.EnvironmentID); err != nil {
			return err
		} else if !known {
			fields.Add("environment", "Choose an environment.")
		}
		if err := fields.Err(); err != nil {
			return err
		}
		if said, err := b.saidCall(ctx, from.ID, to.ID, c.EnvironmentID); err != nil {
			return err
		} else if said {
			return fault.Field("to", "A person said this already. Remove that call first, then add it as it is now.")
		}
		now := b.db.Now(ctx)
		d := &Dependency{
			EnvironmentID: c.EnvironmentID, FromID: from.ID, ToID: to.ID, Kind: "call", Basis: "declared", Protocol: c.Protocol, Port: c.Port,
			Transport: c.Transport, Authentication: c.Authentication, Authorization: c.Authorization, Evidence: "[]", FirstSeen: now, LastSeen: now,
		}
		if err := insert(ctx, b.db, "call", d); err != nil {
			return err
		}
		if err := b.Recompute(ctx, []int64{from.ID, to.ID}); err != nil {
			return err
		}
		return b.record(ctx, actor, "service.call_add", &from, nil, map[string]any{"to": to.Name, "transport": c.Transport, "authentication": c.Authentication, "authorization": c.Authorization})
	})
}

// RemoveCall ends a call that a person had added. What a file says ends when the file no longer says it.
func (b *Book) RemoveCall(ctx context.Context, actor access.Actor, slug string, id int64) error {
	return b.change(ctx, actor, access.Write, func(ctx context.Context) error {
		s, err := b.live(ctx, slug)
		if err != nil {
			return err
		}
		d, found, err := b.edgeByID(ctx, id)
		if err != nil {
			return err
		}
		if !found || (d.FromID != s.ID && d.ToID != s.ID) {
			return fault.Missing("call")
		}
		if d.SourceID != nil {
			return fault.New(fault.Conflict, "A file says this. It goes when the file no longer does.")
		}
		if err := b.endEdge(ctx, id, b.db.Now(ctx)); err != nil {
			return err
		}
		if err := b.Recompute(ctx, []int64{d.FromID, d.ToID}); err != nil {
			return err
		}
		return b.record(ctx, actor, "service.call_remove", &s, map[string]any{"call": id}, nil)
	})
}

// AddEndpoint notes an address of a service.
func (b *Book) AddEndpoint(ctx context.Context, actor access.Actor, slug string, environmentID int64, address, scope string) error {
	return b.change(ctx, actor, access.Write, func(ctx context.Context) error {
		s, err := b.live(ctx, slug)
		if err != nil {
			return err
		}
		fields := fault.Fields{}
		address = cleanText(fields, "address", address, 300, false)
		tls := "unknown"
		switch {
		case address == "" || strings.ContainsAny(address, " \t<>\""):
			fields.Add("address", "Enter a host and port such as pay.example.com:443, or a URL.")
		case strings.HasPrefix(address, "https://"):
			tls = "yes"
		case strings.HasPrefix(address, "http://"):
			tls = "no"
		}
		if scope != "all" && scope != "internal" {
			fields.Add("scope", "Choose who can reach it.")
		}
		if _, known, err := b.environmentByID(ctx, environmentID); err != nil {
			return err
		} else if !known {
			fields.Add("environment", "Choose an environment.")
		}
		if err := fields.Err(); err != nil {
			return err
		}
		if said, err := b.saidEndpoint(ctx, s.ID, environmentID, address); err != nil {
			return err
		} else if said {
			return fault.Field("address", "This address is known already.")
		}
		now := b.db.Now(ctx)
		e := &Endpoint{ServiceID: s.ID, EnvironmentID: environmentID, Address: address, Scope: scope, TLS: tls, Via: "person", FirstSeen: now, LastSeen: now}
		if err := insert(ctx, b.db, "endpoint", e); err != nil {
			return err
		}
		if err := b.Recompute(ctx, []int64{s.ID}); err != nil {
			return err
		}
		return b.record(ctx, actor, "service.endpoint_add", &s, nil, map[string]any{"address": address, "scope": scope})
	})
}

// RemoveEndpoint ends an endpoint that a person had added.
func (b *Book) RemoveEndpoint(ctx context.Context, actor access.Actor, slug string, id int64) error {
	return b.change(ctx, actor, access.Write, func(ctx context.Context) error {
		s, err := b.live(ctx, slug)
		if err != nil {
			return err
		}
		e, found, err := b.endpointByID(ctx, id)
		if err != nil {
			return err
		}
		if !found || e.ServiceID != s.ID {
			return fault.Missing("endpoint")
		}
		if e.SourceID != nil {
			return fault.New(fault.Conflict, "A file says this. It goes when the file no longer does.")
		}
		if err := b.endEndpoint(ctx, id, b.db.Now(ctx)); err != nil {
			return err
		}
		if err := b.Recompute(ctx, []int64{s.ID}); err != nil {
			return err
		}
		return b.record(ctx, actor, "service.endpoint_remove", &s, map[string]any{"address": e.Address}, nil)
	})
}

// Teams lists the teams by name.
func (b *Book) Teams(ctx context.Context, actor access.Actor) ([]Team, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return nil, err
	}
	return b.listTeams(ctx)
}

// TeamMembers lists who is in which team.
func (b *Book) TeamMembers(ctx context.Context, actor access.Actor) ([]TeamMember, error) {
	if err := b.access.Require(actor, access.Read, access.Teams); err != nil {
		return nil, err
	}
	return b.teamMembers(ctx)
}

// SaveTeam adds a team (id 0), or changes its name and members.
func (b *Book) SaveTeam(ctx context.Context, actor access.Actor, id int64, name string, members []int64) (Team, error) {
	var t Team
	if err := b.access.Require(actor, access.Write, access.Teams); err != nil {
		return t, err
	}
	err := b.db.InTx(ctx, func(ctx context.Context) error {
		fields := fault.Fields{}
		name = cleanText(fields, "name", name, 60, true)
		if err := fields.Err(); err != nil {
			return err
		}
		slices.Sort(members)
		members = slices.Compact(members)
		if n, err := b.countMembers(ctx, members); err != nil {
			return err
		} else if int(n) != len(members) {
			return fault.Field("members", "Choose members of this workspace.")
		}
		before := any(nil)
		if id != 0 {
			var found bool
			var err error
			if t, found, err = b.teamByID(ctx, id); err != nil || !found {
				return orMissing(err, "team")
			}
			before = map[string]any{"name": t.Name}
		}
		t.Name = name
		action := "team.change"
		if id == 0 {
			action = "team.create"
			t.Slug, t.CreatedAt = Slug(name), b.db.Now(ctx)
			if _, taken, err := b.teamBySlug(ctx, t.Slug); err != nil || taken {
				return orElse(err, fault.Field("name", "There is a team of this name already."))
			}
			if err := insert(ctx, b.db, "team", &t); err != nil {
				return err
			}
		} else if err := b.saveTeam(ctx, &t); err != nil {
			return err
		}
		if err := b.replaceTeamMembers(ctx, t.ID, members); err != nil {
			return err
		}
		return b.log.Record(ctx, actor, activity.Change{Action: action, Kind: "team", ID: t.ID, Name: t.Name, Before: before, After: map[string]any{"name": t.Name, "members": len(members)}})
	})
	return t, err
}

func orMissing(err error, thing string) error { return orElse(err, fault.Missing(thing)) }

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// Environments lists the environments in their order.
func (b *Book) Environments(ctx context.Context, actor access.Actor) ([]Environment, error) {
	if err := b.access.Require(actor, access.Read, access.Inventory); err != nil {
		return nil, err
	}
	return b.listEnvironments(ctx)
}

// SaveEnvironment adds an environment (id 0) or renames one.
func (b *Book) SaveEnvironment(ctx context.Context, actor access.Actor, id int64, name string) error {
	if err := b.access.Require(actor, access.Write, access.Settings); err != nil {
		return err
	}
	return b.db.InTx(ctx, func(ctx context.Context) error {
		fields := fault.Fields{}
		name = cleanText(fields, "name", name, 40, true)
		if err := fields.Err(); err != nil {
			return err
		}
		all, err := b.listEnvironments(ctx)
		if err != nil {
			return err
		}
		for _, e := range all {
			if e.ID != id && (e.Slug == Slug(name) || strings.EqualFold(e.Name, name)) {
				return fault.Field("name", "There is an environment of this name already.")
			}
		}
		e, action := Environment{Slug: Slug(name), Name: name, Position: len(all) + 1, CreatedAt: b.db.Now(ctx)}, "environment.create"
		if id == 0 {
			if len(all) >= 20 {
				return fault.Field("name", fmt.Sprintf("There are %d environments already, the most that there can be.", len(all)))
			}
			err = insert(ctx, b.db, "environment", &e)
		} else {
			var found bool
			if e, found, err = b.environmentByID(ctx, id); err != nil || !found {
				return orMissing(err, "environment")
			}
			e.Name, action = name, "environment.rename"
			err = b.saveEnvironment(ctx, &e)
		}
		if err != nil {
			return err
		}
		return b.log.Record(ctx, actor, activity.Change{Action: action, Kind: "environment", ID: e.ID, Name: e.Name})
	})
}
