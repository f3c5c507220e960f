package imports_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/imports"
	"muster/internal/imports/model"
)

// fuzzed reads anything as one format: never a panic, never a hang, never a silent zero of what holds a report of something.
func fuzzed(f *testing.F, formats ...string) {
	for _, name := range fixtures(f) {
		for _, format := range formats {
			if filepath.Base(filepath.Dir(name)) == format {
				f.Add(load(f, name).Data)
			}
		}
	}
	f.Add([]byte("{}"))
	f.Add([]byte("<a/>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range formats {
			start := time.Now()
			found, err := readOne(model.File{Path: "in", Data: data}, format)
			if took := time.Since(start); took > time.Second { // once more, since the machine may be busy
				start = time.Now()
				if _, again := readOne(model.File{Path: "in", Data: data}, format); time.Since(start) > time.Second {
					t.Errorf("it took %v and %v (%v)", took, time.Since(start), again)
				}
			}
			if err != nil {
				continue
			}
			sound(t, found)
			text := strings.TrimSpace(string(data))
			if len(found.Inputs) != 1 || text == "{}" || text == "" && format != "nuclei" && format != "prowler-v2" && format != "requirements.txt" {
				t.Errorf("%q became an empty %s report", text[:min(len(text), 100)], format)
			}
		}
	})
}

// sound checks what all readers of findings rely on.
func sound(t *testing.T, found *model.Inspection) {
	for _, f := range found.Findings {
		if !f.Severity.Valid() || !f.Status.Valid() || !f.Kind.Valid() || f.Title == "" || f.Occurrences < 1 || len(f.Title) > 400 || len(f.Description) > 9<<10 {
			t.Errorf("%+v", f)
		}
		if strings.ContainsRune(f.Title+f.Description+f.Location.Path, 0) {
			t.Error("a text holds a NUL")
		}
	}
}

func FuzzSARIF(f *testing.F)       { fuzzed(f, "sarif") }
func FuzzCycloneDX(f *testing.F)   { fuzzed(f, "cyclonedx") }
func FuzzTrivy(f *testing.F)       { fuzzed(f, "trivy") }
func FuzzGrype(f *testing.F)       { fuzzed(f, "grype") }
func FuzzOSVScanner(f *testing.F)  { fuzzed(f, "osv-scanner") }
func FuzzNpmAudit(f *testing.F)    { fuzzed(f, "npm-audit", "npm-audit-v7") }
func FuzzGovulncheck(f *testing.F) { fuzzed(f, "govulncheck") }
func FuzzGitleaks(f *testing.F)    { fuzzed(f, "gitleaks") }
func FuzzSemgrep(f *testing.F)     { fuzzed(f, "semgrep") }
func FuzzZAP(f *testing.F)         { fuzzed(f, "zap") }
func FuzzNuclei(f *testing.F)      { fuzzed(f, "nuclei") }
func FuzzNmap(f *testing.F)        { fuzzed(f, "nmap") }
func FuzzProwler(f *testing.F)     { fuzzed(f, "prowler", "prowler-v2") }
func FuzzGitLab(f *testing.F)      { fuzzed(f, "gitlab-sast") }
func FuzzOpenVEX(f *testing.F)     { fuzzed(f, "openvex") }
func FuzzSPDX(f *testing.F)        { fuzzed(f, "spdx") }
func FuzzLockNode(f *testing.F)    { fuzzed(f, "package-lock.json", "yarn.lock", "pnpm-lock.yaml") }
func FuzzLockGo(f *testing.F)      { fuzzed(f, "go.mod", "go.sum") }
func FuzzLockPython(f *testing.F) {
	fuzzed(f, "requirements.txt", "poetry.lock", "uv.lock", "Pipfile.lock")
}
func FuzzLockOthers(f *testing.F) {
	fuzzed(f, "Gemfile.lock", "composer.lock", "Cargo.lock", "packages.lock.json", "pom.xml", "gradle.lockfile")
}
func FuzzGeneric(f *testing.F) { fuzzed(f, "generic") }

// FuzzDetect finds out what anything is, and reads it so.
func FuzzDetect(f *testing.F) {
	for _, name := range fixtures(f) {
		f.Add(load(f, name).Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		format, ok := imports.Detect(model.File{Path: "in", Data: data})
		if ok == (format == "") {
			t.Errorf("%v %q", ok, format)
		}
		if found, err := readOne(model.File{Path: "in", Data: data}, ""); err == nil {
			sound(t, found)
		}
	})
}
