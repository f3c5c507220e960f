// Package openapi reads OpenAPI documents: which operations a service offers, and which of them ask for credentials.
// A document says what is documented, never what is enforced.
package openapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"sigs.k8s.io/yaml"

	"muster/internal/imports/limit"
	"muster/internal/imports/model"
)

var (
	yamlKey = regexp.MustCompile(`(?m)^["']?(?:openapi|swagger)["']?\s*:\s*["']?([0-9][0-9A-Za-z.\-]*)["']?\s*(?:#.*)?\r?$`)
	jsonKey = regexp.MustCompile(`"(?:openapi|swagger)"\s*:\s*"([^"]*)"`)
	lineIn  = regexp.MustCompile(`line (\d+)`)
)

// Sniff tells whether these bytes look like an OpenAPI or Swagger document.
func Sniff(data []byte) bool { return version(data) != "" }

// version is what the document's own top level says.
func version(data []byte) string {
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
	result := model.New()
	doc, whole, err := load(f)
	if err != nil {
		return nil, err
	}
	if doc.Paths == nil && doc.Components == nil && len(doc.Webhooks) == 0 && doc.Extensions["definitions"] == nil {
		return nil, model.Fail(f.Path, 0, "It has neither paths nor webhooks nor components, so it describes no API.")
	}
	if !whole {
		result.Problems = append(result.Problems, model.Problem{Path: f.Path, Message: "It refers to other documents, which are never fetched; only what is written in this one was read."})
	}
	result.Operations = operations(f.Path, doc)
	open := 0
	for _, o := range result.Operations {
		if o.Security != "required" {
			open++
		}
	}
	result.Inputs = append(result.Inputs, model.Input{Path: f.Path, Format: "openapi", Version: v, Kind: model.KindOpenAPI, Note: note(len(result.Operations), open, len(doc.Webhooks))})
	return result, nil
}

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

// load reads with places first; a document that refers to others is read again as it stands.
func load(f model.File) (doc *openapi3.T, whole bool, err error) {
	loader := openapi3.NewLoader()
	loader.IncludeOrigin = true
	doc, err = loader.LoadFromData(f.Data)
	if err == nil {
		return doc, true, nil
	}
	asJSON, convertErr := yaml.YAMLToJSON(f.Data)
	if convertErr != nil {
		return nil, false, fail(f, convertErr)
	}
	doc = &openapi3.T{}
	if json.Unmarshal(asJSON, doc) != nil {
		return nil, false, fail(f, err)
	}
	return doc, false, nil
}

// fail names the place as far as the parser knows it.
func fail(f model.File, err error) error {
	text, line := err.Error(), 0
	if m := lineIn.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits by the pattern
	}
	text = strings.TrimPrefix(text, "error converting YAML to JSON: yaml: ")
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > 160 {
		text = text[:160] + "…"
	}
	return model.Fail(f.Path, line, "This OpenAPI document cannot be read: %s.", strings.TrimRight(text, "."))
}

func operations(path string, doc *openapi3.T) []model.Operation {
	list := []model.Operation{}
	if doc.Paths == nil {
		return list
	}
	title := ""
	if doc.Info != nil {
		title = doc.Info.Title
	}
	for route, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			line := 0
			if o.Origin != nil && o.Origin.Key != nil {
				line = o.Origin.Key.Line
			}
			effective := doc.Security
			if o.Security != nil {
				effective = *o.Security
			}
			list = append(list, model.Operation{Method: method, Path: route, Security: security(effective), Stated: o.Security != nil || len(doc.Security) > 0, Document: title, Input: path, At: model.At(path, line)})
		}
	}
	slices.SortFunc(list, func(a, b model.Operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return list
}

// security is none without requirements, optional where one alternative is empty.
func security(s openapi3.SecurityRequirements) string {
	if len(s) == 0 {
		return "none"
	}
	for _, alternative := range s {
		if len(alternative) == 0 {
			return "optional"
		}
	}
	return "required"
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
