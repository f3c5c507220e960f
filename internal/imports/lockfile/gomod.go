package lockfile

import (
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// GoMod is go.mod.
var GoMod = &report.Format{
	ID: "go.mod", Name: "Go module file", Kind: model.KindLockfile, Versions: "all", Shape: `a text with "module" and its path`,
	Sniff: func(h *report.Head) bool {
		return h.Line("module ") && (h.Line("go ") || h.Line("require ") || h.Base == "go.mod")
	},
	Read: readGoMod,
	Becomes: []report.Become{
		{From: "require", To: "a component; direct are those without // indirect"},
		{From: "replace", To: "the module that takes another's place; a folder that does is left out"},
		{From: "toolchain, else go", To: "the component stdlib"},
	},
}

type required struct {
	line     int
	version  string
	indirect bool
}

// goMod is a go.mod while it is read.
type goMod struct {
	*list
	block    string
	order    []string
	required map[string]required
	replaced map[string][2]string // path, or path@version -> path, version
	language string
	tool     string
	module   bool
}

func readGoMod(r *report.Report) error {
	g := &goMod{list: of(r, "Go"), required: map[string]required{}, replaced: map[string][2]string{}}
	each(r, g.line)
	if !g.module {
		return r.Wrong()
	}
	if g.block != "" {
		r.Incomplete("A block is not closed: the file may be cut off.")
	}
	for _, name := range g.order {
		q := g.required[name]
		version, is := q.version, name
		for _, key := range []string{name + "@" + q.version, name} {
			if to, ok := g.replaced[key]; ok {
				is, version = to[0], to[1]
				break
			}
		}
		if strings.HasPrefix(is, ".") || strings.HasPrefix(is, "/") {
			continue // a folder
		}
		g.add(q.line, model.Component{Name: is, Version: version, Direct: direct(!q.indirect)})
	}
	if version := strings.TrimPrefix(g.tool, "go"); version != "" {
		g.language = version
	}
	if g.language != "" {
		g.add(0, model.Component{Name: "stdlib", Version: g.language, Direct: direct(true)})
	}
	return nil
}

func (g *goMod) line(n int, line string) {
	text, comment, _ := strings.Cut(line, "//")
	words := strings.Fields(text)
	if len(words) == 0 {
		return
	}
	switch {
	case words[0] == ")":
		g.block = ""
		return
	case len(words) == 2 && words[1] == "(":
		g.block = words[0]
		return
	case g.block == "":
		g.directive(n, words[0], words[1:], comment)
	default:
		g.directive(n, g.block, words, comment)
	}
}

func (g *goMod) directive(n int, what string, words []string, comment string) {
	switch {
	case what == "module" && len(words) == 1:
		g.module = true
	case what == "go" && len(words) == 1:
		g.language = words[0]
	case what == "toolchain" && len(words) == 1:
		g.tool = words[0]
	case what == "require":
		g.Line(n)
		g.Count()
		if len(words) < 2 {
			g.Skip("This line names a module without its version.")
			return
		}
		name := unquoted(words[0])
		if _, known := g.required[name]; !known {
			g.order = append(g.order, name)
		}
		g.required[name] = required{n, unquoted(words[1]), strings.HasPrefix(strings.TrimSpace(comment), "indirect")}
	case what == "replace":
		from, to, found := strings.Cut(strings.Join(words, " "), "=>")
		left, right := strings.Fields(from), append(strings.Fields(to), "", "")
		if found && len(left) > 0 {
			g.replaced[strings.Join(left, "@")] = [2]string{right[0], right[1]}
		}
	}
}

// GoSum is go.sum. Where a go.mod lies beside it, that one says what is used.
var GoSum = &report.Format{
	ID: "go.sum", Name: "Go checksum file", Kind: model.KindLockfile, Versions: "all", Shape: "lines of a module, its version and a hash that begins with h1:",
	Sniff: func(h *report.Head) bool { return h.Mark(" h1:") && (h.Mark("/go.mod h1:") || h.Base == "go.sum") },
	Read: func(r *report.Report) error {
		l := of(r, "Go")
		each(r, func(n int, line string) {
			words := strings.Fields(line)
			if len(words) == 0 {
				return
			}
			r.Count()
			r.Line(n)
			if len(words) != 3 || !strings.HasPrefix(words[2], "h1:") {
				r.Skip("This line is not a module, its version and a hash.")
				return
			}
			if !strings.HasSuffix(words[1], "/go.mod") { // of those only the list of requirements was read
				l.add(n, model.Component{Name: words[0], Version: words[1]})
			}
		})
		return nil
	},
	Becomes: []report.Become{
		{From: "a module whose own hash is there", To: "a component; where a go.mod lies in the same folder, that one is read instead"},
	},
	Notes: "The file may name versions that are not in use any more.",
}
