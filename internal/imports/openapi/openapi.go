// Package openapi reads OpenAPI documents: which operations a service offers, and which of them ask for credentials.
// A document says what is documented, never what is enforced.
package openapi

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"muster/internal/imports/limit"
	"muster/internal/imports/model"
)

var (
	yamlKey = regexp.MustCompile(`(?m)^["']?(?:openapi|swagger)["']?\s*:\s*["']?([0-9][0-9A-Za-z.\-]*)["']?\s*(?:#.*)?\r?$`)
	jsonKey = regexp.MustCompile(`"(?:openapi|swagger)"\s*:\s*"?([0-9][^",}\s]*)`)
)

// Sniff tells whether these bytes look like an OpenAPI or Swagger document.
func Sniff(data []byte) bool { return version(data) != "" }

// version is what the document's own top level says.
func version(data []byte) string {
	if !bytes.Contains(data, []byte("openapi")) && !bytes.Contains(data, []byte("swagger")) {
		return ""
	}
	if !limit.JSON(data) {
		if m := yamlKey.FindSubmatch(data); m != nil {
			return string(m[1])
		}
		return ""
	}
	for _, place := range jsonKey.FindAllSubmatchIndex(data, 16) {
		if topLevel(data[:place[0]]) {
			return string(data[place[2]:place[3]])
		}
	}
	return ""
}

// topLevel reports whether exactly one bracket is open after the bytes.
func topLevel(before []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(before); i++ {
		switch c := before[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return depth == 1
}

// Read lists the operations of one document. Nothing that it refers to elsewhere is fetched.
func Read(f model.File) (*model.Inspection, error) {
	v := version(f.Data)
	if v != "2.0" && !strings.HasPrefix(v, "3.") {
		return nil, model.Fail(f.Path, 0, "It says that it is OpenAPI %q; Muster reads 2.0 and 3.x.", v)
	}
	if limit.JSON(f.Data) {
		if err := limit.WholeJSON(f); err != nil {
			return nil, err
		}
	}
	read := readYAML
	if limit.JSON(f.Data) {
		read = readJSON
	}
	doc, err := read(f)
	if err != nil {
		return nil, err
	}
	if len(doc.paths) == 0 && doc.webhooks == 0 && !doc.components && !hasPaths(f.Data) {
		return nil, model.Fail(f.Path, 0, "It has neither paths nor webhooks nor components, so it describes no API.")
	}
	result := model.New()
	result.Operations = operations(f.Path, doc)
	if doc.elsewhere {
		result.Problems = append(result.Problems, model.Problem{Path: f.Path, Message: "It refers to other documents, which are never fetched; only what is written in this one was read."})
	}
	open := 0
	for _, o := range result.Operations {
		if o.Security != "required" {
			open++
		}
	}
	result.Inputs = append(result.Inputs, model.Input{Path: f.Path, Format: "openapi", Version: v, Kind: model.KindOpenAPI, Note: note(len(result.Operations), open, doc.webhooks)})
	return result, nil
}

var pathsKey = regexp.MustCompile(`(?m)(^|[{,]\s*)["']?paths["']?\s*:`)

// hasPaths tells a document without operations from one that describes nothing.
func hasPaths(data []byte) bool { return pathsKey.Match(data) }

func note(all, open, webhooks int) string {
	text := fmt.Sprintf("%d operations", all)
	if all == 1 {
		text = "1 operation"
	}
	if open > 0 {
		text += fmt.Sprintf(", %d callable without credentials by the document", open)
	}
	if webhooks > 0 {
		text += fmt.Sprintf(", %d webhooks", webhooks)
	}
	return text
}

func operations(path string, doc *document) []model.Operation {
	list := []model.Operation{}
	for route, written := range doc.paths {
		item := doc.item(written)
		if item == nil || strings.HasPrefix(route, "x-") {
			continue
		}
		for method, o := range item.operations {
			effective := doc.security
			if o.security != nil {
				effective = o.security
			}
			stated := o.security != nil || (doc.security != nil && doc.security.alternatives > 0)
			list = append(list, model.Operation{Method: strings.ToUpper(method), Path: route, Security: effective.word(), Stated: stated, Body: o.body, Document: doc.title, Input: path, At: model.At(path, o.line)})
		}
	}
	slices.SortFunc(list, func(a, b model.Operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return list
}

// Servers lists the host names of the document's servers, to find whose document it is.
func Servers(data []byte) []string {
	var hosts []string
	for _, m := range serverPattern.FindAllSubmatch(data[:min(len(data), 64<<10)], 20) {
		hosts = append(hosts, string(bytes.ToLower(m[1])))
	}
	return hosts
}

var serverPattern = regexp.MustCompile(`(?:"?url"?\s*:\s*["']?https?://|"?host"?\s*:\s*["']?)([A-Za-z0-9.\-]+)`)
