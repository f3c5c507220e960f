package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"muster/internal/access"
	"muster/internal/identity"
	"muster/internal/inventory"
)

// found is the first day: people join, and teams are made. The consultant comes later.
func (r *run) found(ctx context.Context) error {
	for _, p := range crew {
		if p.role == string(access.Consultant) {
			continue
		}
		if err := r.join(ctx, p); err != nil {
			return fmt.Errorf("%s joins: %w", p.name, err)
		}
	}
	for _, name := range teams {
		var members []int64
		for _, p := range crew {
			if slices.Contains(p.teams, name) {
				members = append(members, r.people[p.key].MemberID)
			}
		}
		t, err := r.Inventory.SaveTeam(ctx, r.people["kofi"], 0, name, members)
		if err != nil {
			return fmt.Errorf("make team %s: %w", name, err)
		}
		r.teams[name] = t.ID
	}
	return nil
}

// join makes a person with a password that is printed once.
func (r *run) join(ctx context.Context, p person) error {
	r.clock.tick(secondsOf(40))
	password, err := newPassword()
	if err != nil {
		return err
	}
	account := identity.Account{Name: p.name, Email: p.key + "@" + domain, Password: password}
	u, err := r.Identity.CreateUser(ctx, r.system, account, r.workspace.Slug, access.Role(p.role))
	if err != nil {
		return err
	}
	place, err := r.Identity.Enter(ctx, u, r.workspace.Slug)
	if err != nil {
		return err
	}
	r.people[p.key] = place.Actor(u, identity.From{})
	r.signIns = append(r.signIns, SignIn{Name: p.name, Role: p.role, Email: account.Email, Password: password})
	return nil
}

// parts of passwords: short words that are easily told apart.
var parts = strings.Fields("amber anchor apple arrow basil beacon birch bottle breeze bridge candle canyon carpet cedar clover cobalt comet copper coral cotton crater cricket daisy delta desert dragon ember engine falcon feather fennel ferry forest fossil garden ginger glacier granite harbor hazel heron indigo island ivory jasmine jungle kettle lagoon lantern lemon lizard magnet mango maple marble meadow mirror mosaic nutmeg ocean olive onyx orchid otter paddle pebble pepper pillow plum prairie quartz quiver raven ribbon river saffron sailor satin shadow silver sparrow spruce summit teapot thunder timber tulip tunnel umbrella velvet violet walnut whistle willow window winter yarrow zephyr")

// newPassword is left to chance and not to the seed: whoever knows the program must not know the passwords.
func newPassword() (string, error) {
	words := make([]string, 0, 4)
	for range 4 {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(parts))))
		if err != nil {
			return "", fmt.Errorf("make a password: %w", err)
		}
		words = append(words, parts[n.Int64()])
	}
	n, err := rand.Int(rand.Reader, big.NewInt(900))
	if err != nil {
		return "", fmt.Errorf("make a password: %w", err)
	}
	return strings.Join(append(words, itoa(100+int(n.Int64()))), "-"), nil
}

// planPeople is what people say about the services: who owns them, who can reach them, what they hold.
func (r *run) planPeople(a *agenda) {
	for i := range cast {
		s := &cast[i]
		part := max(s.from+0.02, 0.02+0.012*float64(i))
		if s.name == "backoffice-db" {
			continue // still waits for somebody to look at it
		}
		part = max(part, a.shown(s.from))
		a.at(part, "confirm "+s.name, func(ctx context.Context) error { return r.describe(ctx, s) })
		// What was confirmed is looked at again before it runs out.
		for day := a.day(part) + 150; day < a.clock.days() && s.until == 0; day += 150 {
			a.on(a.workday(day), "confirm "+s.name+" again", func(ctx context.Context) error {
				_, err := r.Steward.Confirm(ctx, r.people[speaker[s.team]], s.name)
				return err
			})
		}
	}
	a.at(0.30, "the consultant comes", r.engage)
	a.at(0.42, "retire rates-legacy", func(ctx context.Context) error {
		_, err := r.Steward.Retire(ctx, r.people["zanele"], "rates-legacy", "The new exchange rate service has taken over; the old one was switched off.")
		return err
	})
}

// describe is a person filling in the page of a service, and confirming it with that.
func (r *run) describe(ctx context.Context, s *service) error {
	actor := r.people[speaker[s.team]]
	v, err := r.Inventory.Get(ctx, actor, s.name)
	if err != nil {
		return err
	}
	team := r.teams[s.team]
	e := inventory.Edit{Name: v.Name, Description: s.about, Tier: s.tier, Exposure: inventory.Exposure(s.exposure), DataClasses: s.data, Runtime: "container", Language: s.language, Labels: s.labels, TeamID: &team, Kind: v.Kind, Version: v.Version}
	if !s.store {
		e.Repository = "https://git." + domain + "/" + strings.ToLower(s.team) + "/" + s.name
	}
	_, err = r.Steward.Save(ctx, actor, s.name, e)
	return err
}

// engage brings the consultant in, for three services and a limited time.
func (r *run) engage(ctx context.Context) error {
	i := slices.IndexFunc(crew, func(p person) bool { return p.role == string(access.Consultant) })
	if err := r.join(ctx, crew[i]); err != nil {
		return err
	}
	services, err := r.idsOf(ctx, tested...)
	if err != nil {
		return err
	}
	until := r.clock.end.AddDate(0, 2, 0)
	return r.Identity.ChangeMember(ctx, r.people["ama"], r.people[crew[i].key].MemberID, identity.Change{Role: access.Consultant, ExpiresAt: &until, Services: services})
}

// tested are the services that the consultant looks into.
var tested = []string{"accounts-api", "merchant-portal", "payment-api"}

func (r *run) idsOf(ctx context.Context, names ...string) ([]int64, error) {
	var ids []int64
	for _, name := range names {
		v, err := r.Inventory.Get(ctx, r.people["kofi"], name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, v.ID)
	}
	return ids, nil
}
