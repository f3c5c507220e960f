package compose

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"muster/internal/imports/model"
)

type kind int

const (
	nothing kind = iota
	scalar
	sequence
	mapping
)

// value is a YAML value that knows where it stands, so that every fact can name its line.
type value struct {
	kind    kind
	text    string
	list    []*value
	keys    []string // in the order of the file
	fields  map[string]*value
	file    string
	line    int
	keyLine int    // of the key before it
	tag     string // !reset and !override of Compose
}

// field gives a key's value; nil on anything but a mapping that has it.
func (v *value) field(key string) *value {
	if v == nil || v.kind != mapping {
		return nil
	}
	return v.fields[key]
}

func (v *value) items() []*value {
	if v == nil || v.kind != sequence {
		return nil
	}
	return v.list
}

// orList takes a single value for a list of one.
func (v *value) orList() []*value {
	if v == nil || v.kind == nothing {
		return nil
	}
	if v.kind == sequence {
		return v.list
	}
	return []*value{v}
}

func (v *value) without(keys ...string) *value {
	out := &value{kind: mapping, fields: map[string]*value{}, file: v.file, line: v.line, keyLine: v.keyLine}
	for _, k := range v.keys {
		if !slices.Contains(keys, k) {
			out.set(k, v.fields[k])
		}
	}
	return out
}

func (v *value) set(key string, to *value) {
	if _, have := v.fields[key]; !have {
		v.keys = append(v.keys, key)
	}
	v.fields[key] = to
}

// convert expands aliases and merge keys, up to a budget.
func convert(f model.File, n *yaml.Node, depth int, budget *int) (*value, error) {
	if *budget--; *budget < 0 {
		return nil, model.Fail(f.Path, n.Line, "Its aliases expand to more than half a million values.")
	}
	if depth > maxDepth {
		return nil, model.Fail(f.Path, n.Line, "It is nested deeper than %d levels.", maxDepth)
	}
	v := &value{file: f.Path, line: n.Line, keyLine: n.Line, tag: n.Tag}
	switch n.Kind {
	case yaml.AliasNode:
		inner, err := convert(f, n.Alias, depth+1, budget)
		if err != nil {
			return nil, err
		}
		return inner, nil
	case yaml.MappingNode:
		v.kind, v.fields = mapping, map[string]*value{}
		return v, convertMapping(f, n, v, depth, budget)
	case yaml.SequenceNode:
		v.kind = sequence
		for _, c := range n.Content {
			item, err := convert(f, c, depth+1, budget)
			if err != nil {
				return nil, err
			}
			v.list = append(v.list, item)
		}
		return v, nil
	}
	if n.Tag != "!!null" {
		v.kind, v.text = scalar, n.Value
	}
	return v, nil
}

func convertMapping(f model.File, n *yaml.Node, v *value, depth int, budget *int) error {
	var merged []*value
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		c, err := convert(f, n.Content[i+1], depth+1, budget)
		if err != nil {
			return err
		}
		if key.Tag == "!!merge" || key.Value == "<<" {
			merged = append(merged, c.orList()...)
			continue
		}
		item := *c
		item.keyLine = key.Line
		v.set(key.Value, &item)
	}
	for _, m := range merged {
		if m.kind != mapping {
			continue
		}
		*budget -= len(m.keys)
		for _, k := range m.keys {
			if _, own := v.fields[k]; !own {
				v.set(k, m.fields[k])
			}
		}
	}
	return nil
}

// replaced are lists that a later file states anew; all others add up.
var replaced = []string{"command", "entrypoint", "test"}

// keyed are fields that may be a list of KEY=VALUE or a mapping, and merge by key.
var keyed = []string{"environment", "labels", "args", "sysctls", "extra_hosts", "annotations", "depends_on", "networks"}

// merge lays one value over another by the rules of Compose.
func merge(base, over *value) *value { return mergeUnder("", base, over) }

func mergeUnder(key string, base, over *value) *value {
	switch {
	case base == nil || over == nil:
		if over == nil {
			return base
		}
		return over
	case over.tag == "!reset":
		return &value{kind: nothing, file: over.file, line: over.line, keyLine: over.keyLine}
	case over.tag == "!override", over.kind == nothing && key != "":
		return over
	}
	if slices.Contains(keyed, key) {
		base, over = asMapping(base), asMapping(over)
	}
	if base.kind == mapping && over.kind == mapping {
		out := base.without()
		for _, k := range over.keys {
			out.set(k, mergeUnder(k, base.fields[k], over.fields[k]))
		}
		return out
	}
	if base.kind == sequence && over.kind == sequence && !slices.Contains(replaced, key) {
		return &value{kind: sequence, list: slices.Concat(base.list, over.list), file: base.file, line: base.line, keyLine: base.keyLine}
	}
	return over
}

// asMapping turns a list of KEY=VALUE, or of names, into a mapping.
func asMapping(v *value) *value {
	if v.kind != sequence {
		return v
	}
	out := &value{kind: mapping, fields: map[string]*value{}, file: v.file, line: v.line, keyLine: v.keyLine}
	for _, item := range v.list {
		key, text, has := cutPair(item.text)
		c := &value{kind: scalar, text: text, file: item.file, line: item.line, keyLine: item.line}
		if !has {
			c.kind = nothing
		}
		out.set(key, c)
	}
	return out
}

func cutPair(text string) (key, value string, has bool) {
	for i := range len(text) {
		if text[i] == '=' {
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}
