// Package archtest holds the tree to the dependency rule of docs/design.md.
package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ranks orders our packages: a package imports only packages of a lower rank.
var ranks = map[string]int{
	"migrations": 0, "internal/fault": 0, "internal/secret": 0, "internal/imports/model": 0, "internal/control/catalogue": 0,
	"internal/config": 1, "internal/database": 1, "internal/database/databasetest": 2,
	"internal/access": 3, "internal/activity": 4, "internal/identity": 5, "internal/inventory": 6,
	"internal/evidence": 7, "internal/exception": 8, "internal/control/predicate": 8, "internal/control": 9,
	"internal/imports/lockfile": 2, "internal/imports/spdx": 2, "internal/imports/limit": 1, "internal/imports/report": 1, "internal/imports/infer": 1, "internal/imports/kubernetes": 2, "internal/imports/compose": 2, "internal/imports/openapi": 2, "internal/imports": 3,
	"internal/imports/trivy": 2, "internal/imports/grype": 2, "internal/imports/osvscanner": 2, "internal/imports/sarif": 2, "internal/imports/cyclonedx": 2, "internal/imports/npmaudit": 2, "internal/imports/govulncheck": 2, "internal/imports/gitleaks": 2, "internal/imports/semgrep": 2, "internal/imports/zap": 2, "internal/imports/nuclei": 2, "internal/imports/nmap": 2, "internal/imports/prowler": 2, "internal/imports/gitlab": 2, "internal/imports/generic": 2, "internal/imports/openvex": 2, "internal/imports/muster": 2,
	"internal/guard": 1, "internal/probe/hello": 2, "internal/probe": 3, "internal/probe/probetest": 1, "internal/topology": 10, "internal/finding": 11, "internal/finding/file": 12, "internal/remediation": 12, "internal/jobs": 18,
	"internal/posture": 19, "internal/intake": 20, "internal/steward": 21, "internal/scan": 22, "internal/demo": 23, "internal/house": 25, "internal/conformance": 40,
	"static": 0, "views/ui": 1, "views/layout": 2, "views/account": 3, "views/services": 3, "views/imports": 3, "views/overview": 3, "views/posture": 3, "views/exceptions": 3, "views/findings": 3, "views/tasks": 4, "views/frameworks": 3, "views/scoring": 3, "views/registers": 3, "views/settings": 3, "views/probes": 3, "views/servicemap": 3, "views/jobs": 3,
	"internal/web/kit": 30, "internal/web/account": 31, "internal/web/services": 31, "internal/web/imports": 31, "internal/web/overview": 31, "internal/web/posture": 31, "internal/web/exceptions": 31, "internal/web/findings": 31, "internal/web/tasks": 31, "internal/web/frameworks": 31, "internal/web/scoring": 31, "internal/web/registers": 31, "internal/web/settings": 31, "internal/web/probes": 31, "internal/web/servicemap": 31, "internal/web/jobs": 31,
	"internal/web": 40, "internal/web/webtest": 45, "internal/app": 50, "cmd/muster": 60,
	"internal/archtest": 100, "internal/e2e": 100,
}

type file struct {
	path, pkg string
	imports   []string
	syntax    *ast.File
}

func tree(t *testing.T) []file {
	t.Helper()
	var files []file
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files = append(files, describe(filepath.ToSlash(relative), syntax))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func describe(path string, syntax *ast.File) file {
	f := file{path: path, pkg: filepath.ToSlash(filepath.Dir(path)), syntax: syntax}
	for _, spec := range syntax.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			f.imports = append(f.imports, name)
		}
	}
	return f
}

// violations judges one file; the messages are for the person who broke the rule.
func violations(f file) []string {
	var found []string
	rank, known := ranks[f.pkg]
	test := strings.HasSuffix(f.path, "_test.go")
	if !known {
		return []string{f.path + ": its package has no rank in archtest"}
	}
	for _, name := range f.imports {
		ours, mine := strings.CutPrefix(name, "muster/")
		if mine && !test && ranks[ours] >= rank {
			found = append(found, f.path+": imports "+ours+", which is not below it")
		}
		base := filepath.Base(f.path)
		domain := slices.Contains([]string{"internal/access", "internal/activity", "internal/identity", "internal/inventory", "internal/evidence", "internal/exception", "internal/control", "internal/topology", "internal/finding", "internal/remediation", "internal/posture", "internal/intake", "internal/steward", "internal/jobs", "internal/scan"}, f.pkg)
		if domain && !test && strings.HasPrefix(name, "gorm.io/") && !strings.HasPrefix(base, "store") {
			found = append(found, f.path+": only store files of a domain import GORM")
		}
		if domain && (strings.Contains(name, "labstack/echo") || strings.Contains(name, "a-h/templ")) {
			found = append(found, f.path+": a domain knows no web")
		}
		if strings.HasPrefix(f.pkg, "views/") && strings.HasPrefix(ours, "internal/") && mine {
			found = append(found, f.path+": views know nothing of internal")
		}
	}
	if !test {
		found = append(found, rawSQL(f)...)
	}
	return found
}

// rawSQL finds calls of Raw and Exec on GORM handles outside database and store_bulk files: they escape the workspace.
func rawSQL(f file) []string {
	if f.pkg == "internal/database" || f.pkg == "internal/database/databasetest" || strings.HasPrefix(filepath.Base(f.path), "store_bulk") || !slices.ContainsFunc(f.imports, func(i string) bool { return strings.HasPrefix(i, "gorm.io/") }) {
		return nil
	}
	var found []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && (s.Sel.Name == "Raw" || s.Sel.Name == "Exec") {
			found = append(found, f.path+": "+s.Sel.Name+" belongs in a store_bulk file")
		}
		return true
	})
	return found
}

func TestTreeKeepsTheDependencyRule(t *testing.T) {
	t.Parallel()
	for _, f := range tree(t) {
		for _, v := range violations(f) {
			t.Error(v)
		}
	}
}

func TestPlantedViolationsAreFound(t *testing.T) {
	t.Parallel()
	planted := map[string]string{
		"internal/access/x.go":        `package access; import _ "muster/internal/activity"`,
		"internal/activity/x.go":      `package activity; import _ "gorm.io/gorm"`,
		"internal/identity/x.go":      `package identity; import _ "github.com/labstack/echo/v4"`,
		"views/ui/x.go":               `package ui; import _ "muster/internal/fault"`,
		"internal/inventory/store.go": `package inventory; import "gorm.io/gorm"; func f(db *gorm.DB) { db.Exec("DELETE FROM services") }`,
		"internal/nowhere/x.go":       `package nowhere`,
	}
	for path, text := range planted {
		syntax, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(violations(describe(path, syntax))) == 0 {
			t.Errorf("%s breaks the rule and was not found", path)
		}
	}
}
