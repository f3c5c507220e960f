// Package lockfile reads the files in which package managers write down what a program is made of: one family a file.
package lockfile

import (
	"path"
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Formats are the lock files, in the order in which they are tried; those that show themselves only by their name last.
var Formats = []*report.Format{NPM, Composer, Pipenv, NuGet, PNPM, Yarn, Poetry, UV, Cargo, Bundler, GoSum, GoMod, Gradle, Maven, Pip}

// names are what the files are called in a repository, in lower case.
var names = map[string]bool{
	"npm-shrinkwrap.json": true, "package-lock.json": true, "yarn.lock": true, "pnpm-lock.yaml": true, "go.mod": true, "go.sum": true, "poetry.lock": true, "pipfile.lock": true,
	"uv.lock": true, "gemfile.lock": true, "gems.locked": true, "composer.lock": true, "cargo.lock": true, "packages.lock.json": true, "pom.xml": true, "gradle.lockfile": true,
	"buildscript-gradle.lockfile": true,
}

// Named reports whether a file has the name of a lock file.
func Named(name string) bool {
	base := strings.ToLower(path.Base(name))
	return names[base] || requirements(base)
}

// Folder is the folder whose program a lock file describes; "" where it is not known.
func Folder(name string) string {
	folder := path.Base(path.Dir(name))
	if folder == "requirements" || folder == "src" { // requirements/prod.txt, cart/src/packages.lock.json
		folder = path.Base(path.Dir(path.Dir(name)))
	}
	if folder == "." || folder == "/" || strings.HasSuffix(folder, ".zip") {
		return ""
	}
	return folder
}

// list collects the packages of one file: what it names twice is one package, needed in the closest way that it names.
type list struct {
	*report.Report
	ecosystem string
	seen      map[string]int
}

func of(r *report.Report, ecosystem string) *list {
	return &list{Report: r, ecosystem: ecosystem, seen: map[string]int{}}
}

// add takes a package that stands at a line; 0 is no line.
func (l *list) add(line int, c model.Component) {
	if c.Name == "" {
		l.Skip("This entry names no package.")
		return
	}
	c.Ecosystem, c.PURL = l.ecosystem, report.PURL(l.ecosystem, c.Name, c.Version)
	key := c.Name + "\n" + c.Version
	if i, known := l.seen[key]; known && i < len(l.Components) {
		old := &l.Components[i]
		old.Dev = old.Dev && c.Dev
		if old.Direct == nil || c.Direct != nil && *c.Direct {
			old.Direct = c.Direct
		}
		return
	}
	l.seen[key] = len(l.Components)
	if line > 0 {
		c.At = model.At(l.File.Path, line)
	}
	l.AddComponent(c)
}

// direct says whether a package is one that the program itself asks for.
func direct(is bool) *bool { return &is }

// each calls fn for every line, counted from 1, without its line end.
func each(r *report.Report, fn func(n int, line string)) {
	n := 0
	for line := range strings.Lines(string(r.File.Data)) {
		n++
		fn(n, strings.TrimRight(line, "\r\n"))
	}
}

// indent is how many blanks a line begins with.
func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// unquoted takes the quotation marks from a text.
func unquoted(s string) string { return strings.Trim(strings.TrimSpace(s), `"'`) }

// nothing refuses a file in which no package stands and that does not say itself that it has none.
func (l *list) nothing(shown bool) error {
	if len(l.Components) == 0 && !shown {
		return l.Wrong()
	}
	return nil
}
