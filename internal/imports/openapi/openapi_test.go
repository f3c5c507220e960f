package openapi_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"muster/internal/imports/model"
	"muster/internal/imports/openapi"
)

func read(t testing.TB, text string) *model.Inspection {
	t.Helper()
	found, err := openapi.Read(model.File{Path: "api.yaml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestStated(t *testing.T) {
	t.Parallel()
	head := "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n"
	for name, c := range map[string]struct {
		text     string
		stated   bool
		security string
	}{
		"nobody says":                           {head + "paths: {/a: {get: {responses: {'200': {description: ok}}}}}\n", false, "none"},
		"the operation says":                    {head + "paths: {/a: {get: {security: [{k: []}], responses: {'200': {description: ok}}}}}\n", true, "required"},
		"the operation says no":                 {head + "paths: {/a: {get: {security: [], responses: {'200': {description: ok}}}}}\n", true, "none"},
		"the document says":                     {head + "security: [{k: []}]\npaths: {/a: {get: {responses: {'200': {description: ok}}}}}\n", true, "required"},
		"an empty list says nothing about each": {head + "security: []\npaths: {/a: {get: {responses: {'200': {description: ok}}}}}\n", false, "none"},
		"an empty alternative":                  {head + "security: [{k: []}, {}]\npaths: {/a: {get: {responses: {'200': {description: ok}}}}}\n", true, "optional"},
		"Swagger says":                          {"swagger: '2.0'\ninfo: {title: t, version: '1'}\nsecurity: [{k: []}]\npaths: {/a: {get: {responses: {'200': {description: ok}}}}}\n", true, "required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := read(t, c.text)
			if len(found.Operations) != 1 || found.Operations[0].Stated != c.stated || found.Operations[0].Security != c.security {
				t.Errorf("%+v", found.Operations)
			}
		})
	}
}

// said lists the operations as "GET /a required".
func said(found *model.Inspection) string {
	var list []string
	for _, o := range found.Operations {
		list = append(list, o.Method+" "+o.Path+" "+o.Security)
	}
	return strings.Join(list, ", ")
}

func TestWhetherAnOperationTakesABody(t *testing.T) {
	t.Parallel()
	const three, two = "openapi: 3.0.0\ninfo: {title: t, version: '1'}\n", "swagger: '2.0'\ninfo: {title: t, version: '1'}\n"
	for text, want := range map[string]bool{
		three + "paths: {/a: {post: {requestBody: {content: {}}}}}\n":                                                 true,
		three + "paths: {/a: {post: {parameters: [{name: id, in: query}]}}}\n":                                        false,
		two + "paths: {/a: {post: {parameters: [{name: id, in: query}, {name: b, in: body}]}}}\n":                     true,
		two + "paths: {/a: {post: {parameters: [{name: f, in: formData}]}}}\n":                                        true,
		two + "paths: {/a: {post: {parameters: {name: b}}}}\n":                                                        false,
		`{"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{"/a":{"post":{"requestBody":{}}}}}`:           true,
		`{"swagger":"2.0","info":{"title":"t","version":"1"},"paths":{"/a":{"post":{"parameters":[{"in":"body"}]}}}}`: true,
		`{"swagger":"2.0","info":{"title":"t","version":"1"},"paths":{"/a":{"post":{"parameters":"none"}}}}`:          false,
	} {
		if found := read(t, text); len(found.Operations) != 1 || found.Operations[0].Body != want {
			t.Errorf("%s: %+v", text, found.Operations)
		}
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"every method":                 {"openapi: 3.1.0\npaths:\n  /a: {get: {}, put: {}, post: {}, delete: {}, options: {}, head: {}, patch: {}, trace: {}}\n", "DELETE /a none, GET /a none, HEAD /a none, OPTIONS /a none, PATCH /a none, POST /a none, PUT /a none, TRACE /a none"},
		"what is no operation":         {"openapi: 3.0.0\npaths:\n  /a: {parameters: [{name: x}], summary: s, servers: [], x-get: {}, get: {}}\n  x-b: {get: {}}\n", "GET /a none"},
		"an operation that is empty":   {"openapi: 3.0.0\npaths: {/a: {get: }}\n", "GET /a none"},
		"webhooks are none":            {"openapi: 3.1.0\nwebhooks: {w: {post: {}}}\n", ""},
		"components alone":             {"openapi: 3.0.0\ncomponents: {schemas: {}}\n", ""},
		"no paths inside paths":        {"openapi: 3.0.0\npaths: {}\n", ""},
		"a path that is another":       {"openapi: 3.1.0\npaths: {/a: {$ref: '#/components/pathItems/p'}, '/b/{x}': {get: {}}, /c: {$ref: '#/paths/~1b~1{x}'}}\ncomponents: {pathItems: {p: {post: {security: []}}}}\n", "POST /a none, GET /b/{x} none, GET /c none"},
		"a path that is elsewhere":     {"openapi: 3.0.0\npaths: {/a: {$ref: 'other.yaml#/a'}, /b: {get: {$ref: 'op.yaml'}}}\n", "GET /b none"},
		"a circle of paths":            {"openapi: 3.0.0\npaths: {/a: {$ref: '#/paths/~1b'}, /b: {$ref: '#/paths/~1a'}}\n", ""},
		"references that lead nowhere": {"openapi: 3.0.0\npaths: {/a: {get: {parameters: [{$ref: '#/components/parameters/gone'}], responses: {'200': {$ref: 'http://127.0.0.1:1/x'}}}}}\n", "GET /a none"},
		"a schema that is not valid":   {"openapi: 3.0.0\npaths: {/a: {post: {requestBody: {content: {x: {schema: {required: true, type: [a, 1], exclusiveMinimum: x}}}}}}}\n", "POST /a none"},
		"twice the same name":          {"openapi: 3.0.0\npaths: {/a: {get: {operationId: x}, put: {operationId: x}}}\n", "GET /a none, PUT /a none"},
		"a key written twice":          {"openapi: 3.0.0\npaths: {/a: {get: {}}, /a: {put: {}}}\n", "PUT /a none"},
		"anchors":                      {"openapi: 3.0.0\nx-o: &o {security: [{k: []}]}\npaths: {/a: {get: *o, put: {<<: *o}}}\n", "GET /a required, PUT /a required"},
		"the document's security":      {"openapi: 3.0.0\nsecurity: [{k: []}]\npaths: {/a: {get: {}, put: {security: []}, post: {security: [{}]}, patch: {security: }}}\n", "GET /a required, PATCH /a required, POST /a optional, PUT /a none"},
		"both at once":                 {"openapi: 3.0.0\npaths: {/a: {get: {security: [{k: [], j: []}]}}}\n", "GET /a required"},
		"a version that is a number":   {"swagger: 2.0\npaths: {/a: {get: {security: [{k: [a]}]}}}\n", "GET /a required"},
		"JSON":                         {`{"swagger": "2.0", "info": {"title": "t"}, "paths": {"/a": {"parameters": [], "get": {"security": [{"k": []}, {}]}, "put": null}}}`, "GET /a optional, PUT /a none"},
		"JSON with the version last":   {`{"paths": {"/a": {"get": {"responses": {"200": {"x": {"openapi": "1"}}}}}}, "security": [{"k": []}], "openapi": "3.0.0"}`, "GET /a required"},
		"JSON with a path elsewhere":   {`{"openapi": "3.1.0", "components": {"pathItems": {"p": {"get": {}}}}, "paths": {"/a": {"$ref": "#/components/pathItems/p"}, "/b": {"$ref": "x.json"}}}`, "GET /a none"},
		"JSON of odd types":            {`{"openapi": "3.0.0", "info": [], "security": "x", "paths": {"/a": {"get": [], "put": 1}, "/b": null}}`, "GET /a none, PUT /a none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !openapi.Sniff([]byte(c.text)) {
				t.Error("it is not recognised")
			}
			if got := said(read(t, c.text)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestPlacesOfOperations(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"openapi: 3.0.0\ninfo: {title: shop}\npaths:\n  /a:\n    get: {}\n",
		"{\n\"openapi\": \"3.0.0\", \"info\": {\"title\": \"shop\"},\n\"paths\": {\n\"/a\": {\n\"get\": {}}}}",
	} {
		o := read(t, text).Operations[0]
		if o.At != "api.yaml:5" || o.Document != "shop" || o.Input != "api.yaml" {
			t.Errorf("%+v", o)
		}
	}
}

func TestHugeDocument(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(`{"openapi": "3.0.0", "security": [{"k": []}], "paths": {`)
	for i := range 20_000 {
		fmt.Fprintf(&text, "%q: {\"get\": {\"description\": %q}},\n", fmt.Sprintf("/p%d", i), strings.Repeat("x", 200))
	}
	text.WriteString(`"/last": {"get": {"security": []}}}}`)
	if found := read(t, text.String()); len(found.Operations) != 20_001 {
		t.Error(len(found.Operations))
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says string }{
		"cut-off JSON":           {`{"openapi": "3.0.0", "paths": {`, "cut-off upload"},
		"more after the JSON":    {`{"openapi": "3.0.0", "paths": {}} x`, "more text after the end"},
		"broken YAML":            {"openapi: 3.0.0\npaths: {/a: [\n", "line 2: This OpenAPI document cannot be read: did not find"},
		"an anchor nobody knows": {"openapi: 3.0.0\npaths: *hunter2\n", "line 2: This OpenAPI document cannot be read: it refers to an anchor"},
		"another version":        {"openapi: 4.0.0\npaths: {}\n", "Muster reads 2.0 and 3.x"},
		"nothing described":      {"openapi: 3.0.0\ninfo: {title: t}\n", "neither paths nor webhooks"},
		"deep sequences":         {"openapi: 3.0.0\npaths:\n  " + strings.Repeat("- ", 100_000) + "a\n", "max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := openapi.Read(model.File{Path: "api.yaml", Data: []byte(c.text)})
			var bad *model.Error
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"openapi: 3.1.0\npaths: {/a: {get: {security: [{}]}}}\n", "swagger: '2.0'\nsecurity: [{a: []}]\npaths:\n  /a: &a\n    get: {}\n  /b: *a\n",
		`{"openapi":"3.0.0","paths":{"/a":{"get":{"security":[]},"$ref":"#/paths/~1a"}},"components":{"pathItems":{"p":{}}}}`, `{"swagger":"2.0","paths":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := openapi.Read(model.File{Path: "f", Data: data})
		if (found == nil) == (err == nil) {
			t.Error("neither an answer nor an error")
		}
		openapi.Servers(data)
	})
}
