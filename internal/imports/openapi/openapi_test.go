package openapi_test

import (
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
