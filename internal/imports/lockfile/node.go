package lockfile

import (
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// NPM is package-lock.json, and npm-shrinkwrap.json which is the same.
var NPM = &report.Format{
	ID: "package-lock.json", Name: "npm lock file", Kind: model.KindLockfile, Versions: "lockfileVersion 1, 2 and 3; npm-shrinkwrap.json too", Shape: `an object with "lockfileVersion"`,
	Sniff: func(h *report.Head) bool {
		return h.Has("lockfileVersion") && h.Any("packages", "dependencies", "name")
	},
	Read: readNPM,
	Becomes: []report.Become{
		{From: "packages{} below node_modules", To: "a component; direct are those that the root or a workspace asks for, dev and devOptional are dev; links and workspaces are left out"},
		{From: "dependencies{}, nested ones too", To: "a component, in version 1 only; what is direct is not known there"},
	},
}

type npmPackage struct {
	Name                 string            `json:"name"`
	Version              string            `json:"version"`
	License              string            `json:"license"`
	Link                 bool              `json:"link"`
	Dev                  bool              `json:"dev"`
	DevOptional          bool              `json:"devOptional"`
	Dependencies         map[string]string `json:"dependencies"`
	DevDependencies      map[string]string `json:"devDependencies"`
	OptionalDependencies map[string]string `json:"optionalDependencies"`
	PeerDependencies     map[string]string `json:"peerDependencies"`
}

func readNPM(r *report.Report) error {
	l := &npm{list: of(r, "npm"), asked: map[string]bool{}, as: map[string]string{}}
	var old []model.Component
	modern := false
	j := r.JSON()
	err := j.Top([]string{"lockfileVersion"}, func(key string) error {
		switch key {
		case "lockfileVersion":
			return j.Read(&r.Version)
		case "packages":
			modern = true
			return j.Object(func(place string) error {
				return report.Row(j, func(p *npmPackage) { l.take(place, p) })
			})
		case "dependencies":
			return oldNPM(j, &old)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !modern {
		for _, c := range old {
			l.add(0, c)
		}
	}
	for i := range l.Components {
		if modern {
			name := l.Components[i].Name
			l.Components[i].Direct = direct(l.asked[name] || l.asked[l.as[name]])
		}
	}
	return nil
}

// npm is a package-lock.json while it is read.
type npm struct {
	*list
	asked map[string]bool   // what the program and its workspaces depend on
	as    map[string]string // the name that a package is installed under, where it is another one
}

func (l *npm) take(place string, p *npmPackage) {
	_, name, installed := cutLast(place, "node_modules/")
	if !installed { // the program itself, or a workspace of it
		for _, asked := range []map[string]string{p.Dependencies, p.DevDependencies, p.OptionalDependencies, p.PeerDependencies} {
			for name := range asked {
				l.asked[name] = true
			}
		}
		return
	}
	if p.Link {
		return
	}
	if p.Name != "" {
		l.as[p.Name], name = name, p.Name
	}
	c := model.Component{Name: name, Version: p.Version, Dev: p.Dev || p.DevOptional}
	if p.License != "" {
		c.Licenses = []string{p.License}
	}
	l.add(0, c)
}

func cutLast(s, mark string) (before, after string, found bool) {
	i := strings.LastIndex(s, mark)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+len(mark):], true
}

// oldNPM reads the nested form of version 1.
func oldNPM(j *report.JSON, out *[]model.Component) error {
	return j.Object(func(name string) error {
		c := model.Component{Name: name}
		err := j.Object(func(key string) error {
			switch key {
			case "version":
				return j.Read(&c.Version)
			case "dev":
				return j.Read(&c.Dev)
			case "dependencies":
				return oldNPM(j, out)
			}
			return nil
		})
		if alias, ok := strings.CutPrefix(c.Version, "npm:"); ok {
			c.Name, c.Version = descriptor(alias)
		}
		if !strings.HasPrefix(c.Version, "file:") {
			*out = append(*out, c)
		}
		return err
	})
}

// descriptor parts name@version, where the name may begin with an @ itself.
func descriptor(s string) (name, version string) {
	if i := strings.Index(s[min(1, len(s)):], "@"); i >= 0 {
		return s[:i+1], s[i+2:]
	}
	return s, ""
}

// Yarn is yarn.lock.
var Yarn = &report.Format{
	ID: "yarn.lock", Name: "Yarn lock file", Kind: model.KindLockfile, Versions: "1, and the later ones with __metadata", Shape: `a text with "# yarn lockfile v1" or "__metadata:"`,
	Sniff: func(h *report.Head) bool { return h.Line("# yarn lockfile v1") || h.Line("__metadata:") },
	Read:  readYarn,
	Becomes: []report.Become{
		{From: "an entry with its version", To: "a component under the name that it resolves to; workspaces and links are left out"},
	},
	Notes: "The file does not say what is direct, nor what is only needed while developing.",
}

func readYarn(r *report.Report) error {
	l, shown := of(r, "npm"), false
	var c model.Component
	at := 0
	flush := func() {
		if c.Name != "" && c.Version == "" {
			r.Line(at)
			r.Skip("This entry has no version.")
		} else if c.Name != "" && c.Version != "0.0.0-use.local" {
			l.add(at, c)
		}
		c = model.Component{}
	}
	each(r, func(n int, line string) {
		text := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "# yarn lockfile v"):
			shown, r.Version = true, strings.TrimPrefix(line, "# yarn lockfile v")
		case text == "" || text[0] == '#':
		case indent(line) == 0 && strings.HasSuffix(text, ":"):
			flush()
			if at = n; text == "__metadata:" {
				shown = true
				return
			}
			r.Count()
			c.Name = yarnName(strings.TrimSuffix(text, ":"))
		case indent(line) == 2:
			key, value, _ := strings.Cut(text, " ")
			switch strings.TrimSuffix(key, ":") {
			case "version":
				if c.Name != "" {
					c.Version = unquoted(value)
				}
			case "resolution":
				if name, from := descriptor(unquoted(value)); strings.HasPrefix(from, "workspace:") || strings.HasPrefix(from, "link:") {
					c = model.Component{}
				} else if c.Name != "" && strings.HasPrefix(from, "npm:") {
					c.Name = name
				}
			}
		}
	})
	flush()
	return l.nothing(shown)
}

// yarnName is the package that the first of the ranges of an entry asks for.
func yarnName(head string) string {
	first, _, _ := strings.Cut(head, ",")
	name, asked := descriptor(unquoted(first))
	if alias, ok := strings.CutPrefix(asked, "npm:"); ok {
		if real, version := descriptor(alias); version != "" {
			return real
		}
	}
	return name
}

// PNPM is pnpm-lock.yaml.
var PNPM = &report.Format{
	ID: "pnpm-lock.yaml", Name: "pnpm lock file", Kind: model.KindLockfile, Versions: "lockfileVersion 5 to 9", Shape: `a text with "lockfileVersion:"`,
	Sniff: func(h *report.Head) bool { return h.Line("lockfileVersion:") },
	Read:  readPNPM,
	Becomes: []report.Become{
		{From: "packages{}", To: "a component, without the peers that stand behind its version; dev: true is dev"},
		{From: "dependencies, devDependencies and optionalDependencies of the importers", To: "what is direct"},
	},
}

// pnpm is where in the file the reader stands.
type pnpm struct {
	*list
	section string
	asked   map[string]bool
	open    model.Component
	at      int
}

func readPNPM(r *report.Report) error {
	p := &pnpm{list: of(r, "npm"), asked: map[string]bool{}}
	each(r, p.line)
	p.flush()
	for i := range r.Components {
		if len(p.asked) > 0 {
			r.Components[i].Direct = direct(p.asked[r.Components[i].Name])
		}
	}
	return p.nothing(r.Version != "")
}

func (p *pnpm) line(n int, line string) {
	text := strings.TrimSpace(line)
	if text == "" || text[0] == '#' {
		return
	}
	depth := indent(line)
	if depth == 0 {
		p.flush()
		key, value, _ := strings.Cut(text, ":")
		if p.section = key; key == "lockfileVersion" {
			p.Version = unquoted(value)
		}
		return
	}
	switch p.section {
	case "dependencies", "devDependencies", "optionalDependencies": // of one program, up to version 8
		if depth == 2 {
			name, _, _ := strings.Cut(text, ":")
			p.asked[unquoted(name)] = true
		}
	case "importers":
		if depth == 6 && strings.HasSuffix(text, ":") || depth == 6 && strings.Contains(text, ": ") {
			name, _, _ := strings.Cut(text, ":")
			p.asked[unquoted(name)] = true
		}
	case "packages":
		if depth == 2 && strings.HasSuffix(text, ":") {
			p.flush()
			p.Count()
			p.at = n
			p.open.Name, p.open.Version = pnpmKey(unquoted(strings.TrimSuffix(text, ":")))
		} else if depth == 4 && text == "dev: true" {
			p.open.Dev = true
		}
	}
}

func (p *pnpm) flush() {
	if p.open.Name != "" {
		p.add(p.at, p.open)
	}
	p.open = model.Component{}
}

// pnpmKey reads lodash@4.17.21, /lodash@4.17.21 and /lodash/4.17.21, each with peers in brackets or behind a low line.
func pnpmKey(key string) (name, version string) {
	key, _, _ = strings.Cut(key, "(")
	if old, ok := strings.CutPrefix(key, "/"); ok {
		parts := strings.SplitN(old, "/", 3)
		if key = old; strings.HasPrefix(old, "@") && len(parts) == 3 {
			name, version = parts[0]+"/"+parts[1], parts[2]
		} else if !strings.HasPrefix(old, "@") && len(parts) > 1 {
			name, version = parts[0], strings.Join(parts[1:], "/")
		}
	}
	if name == "" {
		name, version = descriptor(key)
	}
	version, _, _ = strings.Cut(version, "_")
	if strings.ContainsAny(version, ":/") { // an address or a folder
		version = ""
	}
	return name, version
}
