package openapi

import (
	"slices"
	"strings"
)

// document is what counts of an OpenAPI document. It is read leniently: what is invalid elsewhere in the document
// does not hide its operations.
type document struct {
	title      string
	security   *requirements
	paths      map[string]*pathItem
	shared     map[string]*pathItem // by their place in the document: "/components/pathItems/x"
	webhooks   int
	components bool
	elsewhere  bool // something refers to another document
}

type pathItem struct {
	ref        string // "$ref": it stands elsewhere
	operations map[string]operation
}

type operation struct {
	line     int
	security *requirements
	body     bool // it takes a request body
}

// requirements are alternatives: how many there are, and whether one asks for nothing.
type requirements struct {
	alternatives int
	open         bool
}

// methods are the keys of a path item that are operations; "query" came with OpenAPI 3.2.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

func isMethod(key string) bool { return slices.Contains(methods, key) }

// word is none without requirements, optional where one alternative asks for nothing.
func (r *requirements) word() string {
	switch {
	case r == nil || r.alternatives == 0:
		return "none"
	case r.open:
		return "optional"
	}
	return "required"
}

// item follows references inside the document; nil when it stands elsewhere or nowhere.
func (d *document) item(p *pathItem) *pathItem {
	for range 10 {
		if p == nil || p.ref == "" || len(p.operations) > 0 {
			return p
		}
		place, here := strings.CutPrefix(p.ref, "#")
		if !here {
			d.elsewhere = true
			return nil
		}
		if route, inPaths := strings.CutPrefix(place, "/paths/"); inPaths {
			p = d.paths[unpoint(route)]
			continue
		}
		p = d.shared[place]
	}
	return nil
}

// unpoint undoes the escapes of a JSON pointer (RFC 6901) in a URI fragment.
func unpoint(text string) string {
	return strings.NewReplacer("~1", "/", "~0", "~", "%7B", "{", "%7D", "}", "%7b", "{", "%7d", "}").Replace(text)
}
