package compose

import (
	"slices"
	"strings"

	"muster/internal/imports/model"
)

// gates says which networks of the project a service is in: who shares one may talk to it. Compose knows no other policy.
func (p *project) gates(s *service) *model.Gates {
	g := &model.Gates{Networks: p.networks(s, 0)}
	for _, item := range s.value.field("secrets").items() {
		name := p.text(item)
		if item.kind == mapping {
			name = p.text(item.field("source"))
		}
		if name != "" && !slices.Contains(g.Secrets, name) {
			g.Secrets = append(g.Secrets, name)
		}
	}
	slices.Sort(g.Secrets)
	return g
}

func (p *project) networks(s *service, depth int) []string {
	switch mode := p.text(s.value.field("network_mode")); {
	case mode == "none":
		return nil
	case mode == "host": // it shares the host, and with it every network of the project
		var all []string
		for _, o := range p.services {
			if o != s && depth == 0 && p.text(o.value.field("network_mode")) != "host" {
				all = append(all, p.networks(o, depth+1)...)
			}
		}
		return distinct(append(all, "host"))
	case strings.HasPrefix(mode, "service:"):
		if o := p.services[strings.TrimPrefix(mode, "service:")]; o != nil && depth < 5 {
			return p.networks(o, depth+1)
		}
	case mode != "":
		return []string{mode}
	}
	list := s.value.field("networks")
	var names []string
	if list != nil && list.kind == mapping {
		names = slices.Clone(list.keys)
	} else {
		for _, item := range list.items() {
			names = append(names, p.text(item))
		}
	}
	if len(names) == 0 {
		return []string{"default"}
	}
	return distinct(names)
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
