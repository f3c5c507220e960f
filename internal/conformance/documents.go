package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"muster/internal/imports"
)

// scoreOpenAPI compares the number of operations and of those without credentials.
func scoreOpenAPI(folder string, s scores) error {
	data, err := os.ReadFile(filepath.Join(folder, "openapi", "expected.json"))
	if err != nil {
		return fmt.Errorf("read answers: %w", err)
	}
	var answers struct {
		Specs map[string]struct {
			Version    string `json:"spec_version"`
			Operations int    `json:"operations"`
			None       int    `json:"operations_without_security"`
			Optional   int    `json:"operations_optional_security"`
		} `json:"specs"`
	}
	if err := json.Unmarshal(data, &answers); err != nil {
		return fmt.Errorf("read answers: %w", err)
	}
	for name, want := range answers.Specs {
		gathered, err := imports.Gather([]string{filepath.Join(folder, "openapi", name)})
		if err != nil {
			return err
		}
		found, err := imports.Inspect(gathered.Files, imports.Options{Explicit: gathered.Explicit})
		if err != nil {
			s.note("OpenAPI operations", wantOpenAPI, false, "%v", err)
			continue
		}
		count := map[string]int{}
		for _, o := range found.Operations {
			count[o.Security]++
		}
		s.note("OpenAPI operations", wantOpenAPI, len(found.Operations) == want.Operations, "%s: %d operations, not %d", name, len(found.Operations), want.Operations)
		s.note("OpenAPI security", wantOpenAPI, count["none"] == want.None && count["optional"] == want.Optional, "%s: %v, not %d none and %d optional", name, count, want.None, want.Optional)
		s.note("OpenAPI version", wantOpenAPI, len(found.Inputs) == 1 && found.Inputs[0].Version == want.Version, "%s: %+v", name, found.Inputs)
	}
	return nil
}

// scoreSBOMs compares the number of components of each parts list, and asks that each with a package URL has an ecosystem.
func scoreSBOMs(folder string, s scores) error {
	answers, err := filepath.Glob(filepath.Join(folder, "sbom", "*", "expected.json"))
	if err != nil {
		return err
	}
	for _, path := range answers {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read answers: %w", err)
		}
		var want struct {
			SBOM       string `json:"sbom"`
			Components int    `json:"components"`
		}
		if err := json.Unmarshal(data, &want); err != nil {
			return fmt.Errorf("read answers: %w", err)
		}
		found, err := inspectReport(filepath.Join(filepath.Dir(path), want.SBOM), "")
		if err != nil {
			s.note("SBOM components", wantSBOM, false, "%v", err)
			continue
		}
		unknown := 0
		for _, c := range found.Components {
			if c.PURL != "" && (c.Ecosystem == "" || c.Name == "") {
				unknown++
			}
		}
		s.note("SBOM components", wantSBOM, len(found.Components) == want.Components, "%s: %d components, not %d", want.SBOM, len(found.Components), want.Components)
		s.note("SBOM ecosystems", wantSBOM, unknown == 0, "%s: %d components of no ecosystem", want.SBOM, unknown)
	}
	return nil
}

// The bounds of a refusal.
const (
	maxTime   = 5 * time.Second
	maxMemory = 256 << 20
)

// scoreMalformed feeds every broken file to every format: a sentence within the bounds, never a crash. What is a report,
// if perhaps an empty one, is judged by scoreBroken; here it must only keep the bounds.
func scoreMalformed(folder string, s scores) error {
	files, err := filepath.Glob(filepath.Join(folder, "scans", "_malformed", "*"))
	if err != nil {
		return err
	}
	for _, path := range files {
		for _, format := range append(imports.Formats(), "") {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			gathered, err := imports.Gather([]string{path})
			if err != nil {
				return err
			}
			_, err = imports.Inspect(gathered.Files, imports.Options{Explicit: gathered.Explicit, Format: format})
			runtime.ReadMemStats(&after)
			manifest := format == "kubernetes" || format == "compose" || format == "openapi"
			good := (err != nil || !manifest) && time.Since(start) < maxTime && after.TotalAlloc-before.TotalAlloc < maxMemory
			s.note("broken files refused", 100, good, "%s as %q: %v in %v", filepath.Base(path), format, err, time.Since(start))
		}
	}
	return nil
}
