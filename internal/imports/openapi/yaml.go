package openapi

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"

	"muster/internal/imports/limit"
	"muster/internal/imports/model"
)

func readYAML(f model.File) (*document, error) {
	var root yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(f.Data)).Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return nil, yamlError(f, err)
	}
	d := &document{paths: map[string]*pathItem{}, shared: map[string]*pathItem{}}
	if len(root.Content) == 0 || follow(root.Content[0]).Kind != yaml.MappingNode {
		return nil, model.Fail(f.Path, 1, "This OpenAPI document cannot be read: its top level is not a mapping.")
	}
	each(root.Content[0], func(key, value *yaml.Node) {
		switch key.Value {
		case "info":
			each(value, func(key, value *yaml.Node) {
				if key.Value == "title" {
					d.title = follow(value).Value
				}
			})
		case "security":
			d.security = yamlSecurity(value)
		case "paths":
			each(value, func(route, item *yaml.Node) { d.paths[route.Value] = yamlItem(item) })
		case "webhooks", "x-webhooks":
			each(value, func(_, _ *yaml.Node) { d.webhooks++ })
		case "definitions":
			d.components = true
		case "components":
			d.components = true
			each(value, func(key, value *yaml.Node) {
				if key.Value == "pathItems" {
					each(value, func(name, item *yaml.Node) { d.shared["/components/pathItems/"+name.Value] = yamlItem(item) })
				}
			})
		}
	})
	return d, nil
}

func yamlError(f model.File, err error) error {
	line, reason := limit.Syntax(f, err)
	return model.Fail(f.Path, line, "This OpenAPI document cannot be read: %s.", reason)
}

// follow goes through aliases; a circle of them cannot be written.
func follow(n *yaml.Node) *yaml.Node {
	for range 100 {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			return n
		}
		n = n.Alias
	}
	return n
}

// each calls do for every key of a mapping, those that it merges in first. Anything else has none.
func each(n *yaml.Node, do func(key, value *yaml.Node)) { eachTo(n, do, 0) }

func eachTo(n *yaml.Node, do func(key, value *yaml.Node), depth int) {
	if n = follow(n); n.Kind != yaml.MappingNode || depth > 10 {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			eachTo(n.Content[i+1], do, depth+1)
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag != "!!merge" {
			do(follow(n.Content[i]), n.Content[i+1])
		}
	}
}

func yamlItem(n *yaml.Node) *pathItem {
	p := &pathItem{operations: map[string]operation{}}
	each(n, func(key, value *yaml.Node) {
		if key.Value == "$ref" {
			p.ref = follow(value).Value
		}
		if !isMethod(key.Value) {
			return
		}
		o := operation{line: key.Line}
		each(value, func(key, value *yaml.Node) {
			switch key.Value {
			case "security":
				o.security = yamlSecurity(value)
			case "parameters": // where OpenAPI 2 has the body
				for _, parameter := range follow(value).Content {
					each(parameter, func(key, value *yaml.Node) {
						in := follow(value).Value
						o.body = o.body || (key.Value == "in" && (in == "body" || in == "formData"))
					})
				}
			case "requestBody":
				o.body = true
			}
		})
		p.operations[key.Value] = o
	})
	return p
}

func yamlSecurity(n *yaml.Node) *requirements {
	switch n = follow(n); n.Kind {
	case yaml.SequenceNode:
		found := &requirements{alternatives: len(n.Content)}
		for _, alternative := range n.Content {
			a := follow(alternative)
			found.open = found.open || (a.Kind == yaml.MappingNode && len(a.Content) == 0)
		}
		return found
	case yaml.MappingNode: // not valid; people leave the dash out
		return &requirements{alternatives: 1, open: len(n.Content) == 0}
	}
	return nil
}
