package openapi

import (
	"bytes"
	"encoding/json"
	"io"

	"muster/internal/imports/model"
)

// jsonReader reads a JSON document in one pass and keeps only what counts, so that a large one takes little memory.
type jsonReader struct {
	*json.Decoder
	data   []byte
	seen   int // bytes whose lines are counted
	line   int
	result *document
}

func readJSON(f model.File) (*document, error) {
	r := &jsonReader{json.NewDecoder(bytes.NewReader(f.Data)), f.Data, 0, 1, &document{paths: map[string]*pathItem{}, shared: map[string]*pathItem{}}}
	err := r.object(r.top)
	if err != nil {
		return nil, model.Fail(f.Path, r.at(), "This OpenAPI document cannot be read: it is not an object of JSON from here on.")
	}
	return r.result, nil
}

// at is the line that the reader has come to.
func (r *jsonReader) at() int {
	if to := min(int(r.InputOffset()), len(r.data)); to > r.seen {
		r.line += bytes.Count(r.data[r.seen:to], []byte("\n"))
		r.seen = to
	}
	return r.line
}

// object calls each for every key of the object that comes next; anything else is passed over. each reads the value.
func (r *jsonReader) object(each func(key string) error) error {
	open, err := r.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('{') {
		return r.rest(open)
	}
	for r.More() {
		key, err := r.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return io.ErrUnexpectedEOF
		}
		if err := each(name); err != nil {
			return err
		}
	}
	_, err = r.Token()
	return err
}

// rest passes over what a token began.
func (r *jsonReader) rest(open json.Token) error {
	if open != json.Delim('[') && open != json.Delim('{') {
		return nil
	}
	for r.More() {
		if err := r.skip(); err != nil {
			return err
		}
	}
	_, err := r.Token()
	return err
}

func (r *jsonReader) skip() error {
	var passed skipped
	return r.Decode(&passed)
}

// skipped takes a value without keeping it.
type skipped struct{}

func (*skipped) UnmarshalJSON([]byte) error { return nil }

func (r *jsonReader) top(key string) error {
	switch key {
	case "info":
		return r.object(func(key string) error {
			if key != "title" {
				return r.skip()
			}
			var title any
			err := r.Decode(&title)
			r.result.title, _ = title.(string) // another type is no title
			return err
		})
	case "security":
		return r.security(&r.result.security)
	case "paths":
		return r.object(func(route string) error { return r.item(route, r.result.paths) })
	case "webhooks", "x-webhooks":
		return r.object(func(string) error {
			r.result.webhooks++
			return r.skip()
		})
	case "components":
		r.result.components = true
		return r.object(func(key string) error {
			if key != "pathItems" {
				return r.skip()
			}
			return r.object(func(name string) error { return r.item("/components/pathItems/"+name, r.result.shared) })
		})
	case "definitions":
		r.result.components = true
	}
	return r.skip()
}

func (r *jsonReader) item(route string, into map[string]*pathItem) error {
	p := &pathItem{operations: map[string]operation{}}
	into[route] = p
	return r.object(func(key string) error {
		switch {
		case key == "$ref":
			var ref any
			err := r.Decode(&ref)
			p.ref, _ = ref.(string) // another type refers to nothing
			return err
		case !isMethod(key):
			return r.skip()
		}
		o := operation{line: r.at()}
		err := r.object(func(key string) error {
			switch key {
			case "security":
				return r.security(&o.security)
			case "parameters": // where OpenAPI 2 has the body
				var list any
				err := r.Decode(&list)
				o.body = o.body || takesBody(list)
				return err
			case "requestBody":
				o.body = true
			}
			return r.skip()
		})
		p.operations[key] = o
		return err
	})
}

func (r *jsonReader) security(into **requirements) error {
	var list any
	if err := r.Decode(&list); err != nil {
		return err
	}
	switch list := list.(type) {
	case []any:
		found := &requirements{alternatives: len(list)}
		for _, alternative := range list {
			named, ok := alternative.(map[string]any)
			found.open = found.open || (ok && len(named) == 0)
		}
		*into = found
	case map[string]any: // not valid; people leave the brackets out
		*into = &requirements{alternatives: 1, open: len(list) == 0}
	}
	return nil
}

// takesBody looks for a parameter of OpenAPI 2 that is sent as the body.
func takesBody(parameters any) bool {
	list, _ := parameters.([]any) // another type holds no parameter
	for _, p := range list {
		named, _ := p.(map[string]any)
		if named["in"] == "body" || named["in"] == "formData" {
			return true
		}
	}
	return false
}
