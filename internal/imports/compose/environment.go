package compose

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"muster/internal/imports/infer"
	"muster/internal/imports/model"
)

// maxSettings is how many variables of files all services together may take: one file may serve thousands of services.
const maxSettings = 300_000

// setting is one environment variable of a service.
type setting struct {
	key, text, at string
	written       string // before variables were put in
}

// environment gives a service's variables; a name without a value takes it from .env. env_file comes first, as in Compose.
func (p *project) environment(s *service) []setting {
	if s.settings != nil {
		return s.settings
	}
	list := p.fromFiles(s)
	if v := s.value.field("environment"); v != nil && (v.kind == mapping || v.kind == sequence) {
		m := asMapping(v)
		list = slices.DeleteFunc(list, func(o setting) bool { return m.fields[o.key] != nil })
		for _, key := range m.keys {
			item := m.fields[key]
			text, written := p.text(item), item.text
			if item.kind == nothing {
				text, written = p.env[key], p.env[key]
			}
			list = append(list, setting{key: key, text: text, at: model.At(item.file, item.keyLine), written: written})
		}
	}
	slices.SortStableFunc(list, func(a, b setting) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.at, b.at)) })
	s.settings = list
	return list
}

// fromFiles gives the variables of a service's env_file; of a name that is set twice the last counts.
func (p *project) fromFiles(s *service) []setting {
	list, places := []setting{}, map[string]int{}
	for _, item := range s.value.field("env_file").orList() {
		name := p.text(item)
		if item.kind == mapping {
			name = p.text(item.field("path"))
		}
		f, ok := p.find(path.Join(path.Dir(s.file), name))
		if !ok {
			if required := p.text(item.field("required")); required == "" || truth(required) {
				p.once(model.Problem{Path: item.file, At: fmt.Sprintf("line %d", item.line), Message: fmt.Sprintf("The service %s takes variables from %s, which is not among these files; they are not known.", s.name, name)})
			}
			continue
		}
		p.use(f, "dotenv", "variables of "+s.name)
		env := p.envFile(f)
		if p.taken += len(env); p.taken > maxSettings {
			p.once(model.Problem{Path: f.Path, Message: fmt.Sprintf("The services take more than %d variables from files; the rest was left out.", maxSettings)})
			return list
		}
		for _, v := range env {
			one := setting{key: v.key, text: v.text, at: model.At(f.Path, v.line), written: v.written}
			if i, twice := places[v.key]; twice {
				list[i] = one
				continue
			}
			places[v.key] = len(list)
			list = append(list, one)
		}
	}
	return list
}

// envFile reads a file of variables once, whoever asks for it.
func (p *project) envFile(f model.File) []variable {
	if known, read := p.envFiles[f.Path]; read {
		return known
	}
	env, err := parseEnv(f, p.env)
	if err != nil {
		var bad *model.Error
		problem := model.Problem{Path: f.Path, Message: "This env_file is not a list of KEY=VALUE lines; it was left out."}
		if errors.As(err, &bad) {
			problem.At = bad.At
		}
		p.once(problem)
		env = nil
	}
	p.envFiles[f.Path] = env
	return env
}

func (p *project) once(said model.Problem) {
	if !slices.Contains(p.problems, said) {
		p.problems = append(p.problems, said)
	}
}

// secretsOf names the secrets written in clear; their values stay in the file.
func (p *project) secretsOf(out *model.Service) {
	for _, v := range p.environment(p.services[out.Name]) {
		if infer.LiteralSecret(v.key, v.written) {
			out.LiteralSecrets = append(out.LiteralSecrets, model.LiteralSecret{Name: v.key, Source: "env", At: v.at})
		}
	}
}
