package main

import (
	"bytes"
	"testing"

	"muster/internal/imports"
	"muster/internal/imports/model"
)

func TestPrintedElementByElementItIsTheSame(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"SchemaVersion": 2, "Results": [{"Target": "a", "Vulnerabilities": [{"VulnerabilityID": "CVE-2024-1", "PkgName": "a<b>", "Severity": "LOW"}, {"VulnerabilityID": "CVE-2024-2", "PkgName": "b", "Severity": "HIGH"}]}]}`,
		"services: {web: {image: 'x:1', environment: {DB: 'db:1'}}, db: {image: 'redis:7'}}\n",
		"openapi: 3.0.0\npaths: {}\n",
	} {
		found, err := imports.Inspect([]model.File{{Path: "in.yml", Data: []byte(text)}}, imports.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var whole, parts bytes.Buffer
		if err := printJSON(&whole, found); err != nil {
			t.Fatal(err)
		}
		if err := printLists(&parts, found); err != nil {
			t.Fatal(err)
		}
		if whole.String() != parts.String() {
			t.Errorf("got\n%s\nwant\n%s", parts.String(), whole.String())
		}
	}
}
