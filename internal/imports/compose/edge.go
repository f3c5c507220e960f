package compose

import (
	"cmp"
	"slices"
	"strings"

	"muster/internal/imports/infer"
	"muster/internal/imports/model"
)

// edges collects one row per pair with its strongest basis and all evidence.
type edges struct {
	byPair     map[[2]string]*model.Dependency
	unresolved []model.Unresolved
}

var basisRank = map[string]int{"ordering": 0, "declared": 1}

func (e *edges) add(from, to, basis string, evidence model.Evidence, h infer.Host) {
	if from == to {
		return
	}
	d := e.byPair[[2]string{from, to}]
	if d == nil {
		d = &model.Dependency{From: from, To: to, Kind: "call", Basis: basis, Evidence: []model.Evidence{}, Transport: "unknown", Authentication: "unknown", Authorization: "unknown"}
		if infer.Telemetry(to) {
			d.Kind = "telemetry"
		}
		e.byPair[[2]string{from, to}] = d
	}
	if basisRank[basis] > basisRank[d.Basis] {
		d.Basis = basis
	}
	if !slices.Contains(d.Evidence, evidence) {
		d.Evidence = append(d.Evidence, evidence)
	}
	d.Port, d.Protocol = cmp.Or(d.Port, h.Port), cmp.Or(d.Protocol, h.Scheme)
	switch {
	case infer.Encrypted(h.Scheme):
		d.Transport = "tls"
	case infer.Plain(h.Scheme) && d.Transport == "unknown":
		d.Transport = "none" // nothing in Compose encrypts beneath the application
	}
}

func (e *edges) list() ([]model.Dependency, []model.Unresolved) {
	dependencies, unresolved := []model.Dependency{}, []model.Unresolved{}
	for _, d := range e.byPair {
		slices.SortFunc(d.Evidence, func(a, b model.Evidence) int {
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key), cmp.Compare(a.At, b.At))
		})
		dependencies = append(dependencies, *d)
	}
	unresolved = append(unresolved, e.unresolved...)
	slices.SortFunc(dependencies, func(a, b model.Dependency) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	slices.SortFunc(unresolved, func(a, b model.Unresolved) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Host, b.Host))
	})
	return dependencies, unresolved
}

// connect finds every edge of the project.
func (p *project) connect(e *edges) {
	names := p.names()
	for name, s := range p.services {
		for _, v := range p.environment(s) {
			for _, h := range infer.Hosts(v.key, v.text) {
				p.host(e, s, names, h, model.Evidence{Type: "env", Key: v.key, At: v.at})
			}
		}
		for _, key := range []string{"command", "entrypoint"} {
			v := s.value.field(key)
			words := []string{}
			for _, word := range v.orList() {
				words = append(words, p.text(word))
			}
			if v != nil && v.kind == scalar {
				words = append(words, strings.Fields(words[0])...)
			}
			for _, h := range infer.CommandHosts(words) {
				p.host(e, s, names, h, model.Evidence{Type: "argument", Key: key, At: model.At(v.file, v.keyLine)})
			}
		}
		for key, item := range p.after(s.value.field("depends_on")) {
			if p.services[key] != nil {
				e.add(name, key, "ordering", model.Evidence{Type: "depends_on", Key: key, At: model.At(item.file, item.keyLine)}, infer.Host{})
			}
		}
		for _, item := range s.value.field("links").items() {
			target, _, _ := strings.Cut(p.text(item), ":")
			if p.services[target] != nil {
				e.add(name, target, "ordering", model.Evidence{Type: "links", Key: target, At: model.At(item.file, item.line)}, infer.Host{})
			}
		}
	}
}

func (p *project) after(v *value) map[string]*value {
	if v == nil || v.kind == nothing || v.kind == scalar {
		return nil
	}
	return asMapping(v).fields
}

// names maps every name under which a service answers to it: its own, its container's, its host name's and aliases.
func (p *project) names() map[string]string {
	names := map[string]string{}
	for name, s := range p.services {
		for _, key := range []string{"container_name", "hostname"} {
			if alias := strings.ToLower(p.text(s.value.field(key))); alias != "" {
				names[alias] = name
			}
		}
		for _, network := range fieldsOf(s.value.field("networks")) {
			for _, alias := range network.field("aliases").items() {
				names[strings.ToLower(p.text(alias))] = name
			}
		}
		for _, item := range s.value.field("links").items() {
			if target, alias, has := strings.Cut(p.text(item), ":"); has && p.services[target] != nil {
				names[strings.ToLower(alias)] = target
			}
		}
	}
	for name := range p.services {
		names[strings.ToLower(name)] = name
	}
	return names
}

func fieldsOf(v *value) map[string]*value {
	if v == nil {
		return nil
	}
	return v.fields
}

func (p *project) host(e *edges, s *service, names map[string]string, h infer.Host, evidence model.Evidence) {
	if to, ok := names[h.Name]; ok {
		e.add(s.name, to, "declared", evidence, h)
		return
	}
	if h.Weak {
		return
	}
	dot := strings.LastIndexByte(h.Name, '.')
	domain := dot > 0 && len(h.Name)-dot > 2 && strings.Trim(h.Name[dot+1:], "abcdefghijklmnopqrstuvwxyz") == ""
	if h.Port > 0 || h.Scheme != "" || domain {
		u := model.Unresolved{From: s.name, Host: h.Name, Kind: "host", At: evidence.At}
		if !slices.ContainsFunc(e.unresolved, func(o model.Unresolved) bool { return o.From == u.From && o.Host == u.Host }) {
			e.unresolved = append(e.unresolved, u)
		}
	}
}
