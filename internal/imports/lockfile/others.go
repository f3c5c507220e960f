package lockfile

import (
	"strings"

	"muster/internal/imports/model"
	"muster/internal/imports/report"
)

// Bundler is Gemfile.lock.
var Bundler = &report.Format{
	ID: "Gemfile.lock", Name: "Bundler lock file", Kind: model.KindLockfile, Versions: "all", Shape: `a text with "GEM" and "specs:"`,
	Sniff: func(h *report.Head) bool {
		return h.Line("  specs:") && (h.Line("GEM") || h.Line("PATH") || h.Line("GIT"))
	},
	Read: func(r *report.Report) error {
		l, section, asked := of(r, "RubyGems"), "", map[string]bool{}
		each(r, func(n int, line string) {
			name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch depth := indent(line); {
			case name == "":
			case depth == 0:
				section = name
			case section == "DEPENDENCIES" && depth == 2:
				asked[strings.TrimSuffix(name, "!")] = true
			case (section == "GEM" || section == "GIT") && depth == 4:
				r.Count()
				version, _, _ := strings.Cut(strings.Trim(rest, "()"), "-") // the platform
				l.add(n, model.Component{Name: name, Version: version})
			}
		})
		for i := range r.Components {
			r.Components[i].Direct = direct(asked[r.Components[i].Name])
		}
		return l.nothing(section != "")
	},
	Becomes: []report.Become{{From: "specs of GEM and GIT", To: "a component, once for all platforms; what stands under DEPENDENCIES is direct"}},
}

// Composer is composer.lock.
var Composer = &report.Format{
	ID: "composer.lock", Name: "Composer lock file", Kind: model.KindLockfile, Versions: "1 and 2", Shape: `an object with "content-hash" and "packages"`,
	Sniff: func(h *report.Head) bool {
		return h.Has("content-hash") && h.Any("packages", "packages-dev", "minimum-stability")
	},
	Read: func(r *report.Report) error {
		l, j := of(r, "Packagist"), r.JSON()
		return j.Top([]string{"content-hash"}, func(key string) error {
			if key != "packages" && key != "packages-dev" {
				return nil
			}
			return report.Rows(j, func(p *struct {
				Name    string   `json:"name"`
				Version string   `json:"version"`
				License []string `json:"license"`
			}) {
				l.add(0, model.Component{Name: p.Name, Version: strings.TrimPrefix(p.Version, "v"), Licenses: p.License, Dev: key == "packages-dev"})
			})
		})
	},
	Becomes: []report.Become{{From: "packages[] and packages-dev[]", To: "a component, with its licences; the latter are dev"}},
	Notes:   "The file does not say what is direct.",
}

// NuGet is packages.lock.json.
var NuGet = &report.Format{
	ID: "packages.lock.json", Name: "NuGet lock file", Kind: model.KindLockfile, Versions: "1 and 2", Shape: `an object with "version" and "dependencies" by framework`,
	Sniff: func(h *report.Head) bool {
		return h.Has("version", "dependencies") && !h.Any("name", "lockfileVersion", "packages") && (h.Mark(`"contentHash"`) || h.Base == "packages.lock.json")
	},
	Read: func(r *report.Report) error {
		l, j := of(r, "NuGet"), r.JSON()
		return j.Top([]string{"dependencies"}, func(key string) error {
			if key == "version" {
				return j.Read(&r.Version)
			}
			if key != "dependencies" {
				return nil
			}
			return j.Object(func(string) error {
				return j.Object(func(name string) error {
					return report.Row(j, func(p *struct {
						Type     string `json:"type"`
						Resolved string `json:"resolved"`
					}) {
						if p.Type != "Project" {
							l.add(0, model.Component{Name: name, Version: p.Resolved, Direct: direct(p.Type == "Direct")})
						}
					})
				})
			})
		})
	},
	Becomes: []report.Become{{From: "dependencies{}{}", To: "a component, once for all frameworks; type Direct is direct, type Project is left out"}},
}

// Gradle is gradle.lockfile.
var Gradle = &report.Format{
	ID: "gradle.lockfile", Name: "Gradle lock file", Kind: model.KindLockfile, Versions: "Gradle 7 and later", Shape: "lines of group:artifact:version=configurations",
	Sniff: func(h *report.Head) bool {
		return h.Line("# This is a Gradle generated file for dependency locking.") || strings.HasSuffix(h.Base, "gradle.lockfile")
	},
	Read: func(r *report.Report) error {
		l, empty := of(r, "Maven"), false
		each(r, func(n int, line string) {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				return
			}
			what, of, _ := strings.Cut(line, "=")
			if what == "empty" {
				empty = true
				return
			}
			r.Line(n)
			r.Count()
			parts := strings.Split(what, ":")
			if len(parts) != 3 {
				r.Skip("This line is not group:artifact:version=configurations.")
				return
			}
			l.add(n, model.Component{Name: parts[0] + ":" + parts[1], Version: parts[2], Dev: onlyTests(of)})
		})
		return l.nothing(empty)
	},
	Becomes: []report.Become{{From: "a line", To: "a component; dev where all its configurations are of tests"}},
	Notes:   "The file does not say what is direct.",
}

func onlyTests(configurations string) bool {
	for _, c := range strings.Split(configurations, ",") {
		if !strings.HasPrefix(strings.ToLower(c), "test") {
			return false
		}
	}
	return true
}

// Maven is pom.xml.
var Maven = &report.Format{
	ID: "pom.xml", Name: "Maven project", Kind: model.KindLockfile, Versions: "4.0.0", Shape: `XML with a project element`,
	Sniff: func(h *report.Head) bool {
		return h.XML == "project" && (strings.Contains(h.Space, "maven.apache.org/POM") || h.Has("project.artifactId"))
	},
	Read: readMaven,
	Becomes: []report.Become{
		{From: "dependencies/dependency", To: "a direct component; its version through properties and dependencyManagement of the same file, else without version; scope test is dev"},
	},
	Notes: "The file names only what the program itself asks for: what that brings along is not in it. A parts list of the build says more.",
}

type mavenDependency struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
	Version  string `xml:"version"`
	Scope    string `xml:"scope"`
}

func readMaven(r *report.Report) error {
	l := of(r, "Maven")
	properties, managed := map[string]string{}, map[string]string{}
	var asked []mavenDependency
	err := r.XML().Walk([]string{"project"}, func(e *report.Element) error {
		var text string
		switch e.Path {
		case "project/groupId", "project/version", "project/parent/version", "project/parent/groupId":
			err := e.Read(&text)
			properties[strings.ReplaceAll(e.Path, "/", ".")] = strings.TrimSpace(text)
			return err
		case "project/dependencies/dependency":
			var d mavenDependency
			err := e.Row(&d)
			asked = append(asked, d)
			return err
		case "project/dependencyManagement/dependencies/dependency":
			var d mavenDependency
			err := e.Read(&d)
			managed[d.Group+":"+d.Artifact] = d.Version
			return err
		}
		if name, ok := strings.CutPrefix(e.Path, "project/properties/"); ok {
			err := e.Read(&text)
			properties[name] = strings.TrimSpace(text)
			return err
		}
		return nil
	})
	for _, inherited := range []string{"version", "groupId"} {
		if properties["project."+inherited] == "" {
			properties["project."+inherited] = properties["project.parent."+inherited]
		}
	}
	for _, d := range asked {
		if d.Group == "" || d.Artifact == "" {
			r.Skip("This dependency names no package.")
			continue
		}
		if d.Version == "" {
			d.Version = managed[d.Group+":"+d.Artifact]
		}
		l.add(0, model.Component{Name: resolved(d.Group, properties) + ":" + resolved(d.Artifact, properties), Version: version(resolved(d.Version, properties)), Direct: direct(true), Dev: d.Scope == "test"})
	}
	return err
}

// resolved puts in the properties that a text names; those that may name others are followed a few times.
func resolved(text string, properties map[string]string) string {
	for range 5 {
		from := strings.Index(text, "${")
		to := strings.IndexByte(text[max(from, 0):], '}')
		if from < 0 || to < 0 {
			return text
		}
		value, known := properties[text[from+2:from+to]]
		if !known || len(value) > 200 {
			return text
		}
		text = text[:from] + value + text[from+to+1:]
	}
	return text
}

// version leaves out ranges, and what a property of another file says.
func version(text string) string {
	if text = strings.TrimSpace(text); strings.ContainsAny(text, "$[(,") {
		return ""
	}
	return text
}
