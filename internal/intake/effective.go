// Package intake brings files into the inventory: a preview that stores nothing, one confirmation that stores it all, and a way back.
package intake

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"
	"unicode"

	"muster/internal/imports/model"
)

func pack(i *model.Inspection) ([]byte, error) { return model.Pack(i) }

func unpack(data []byte) (*model.Inspection, error) { return model.Unpack(data) }

// digest names a set of files by their content.
func digest(i *model.Inspection) string {
	var sums []string
	for _, in := range i.Inputs {
		sums = append(sums, in.Path+" "+in.SHA256)
	}
	slices.Sort(sums)
	sum := sha256.Sum256([]byte(strings.Join(sums, "\n")))
	return hex.EncodeToString(sum[:])
}

// key is what a workload is known by in its source.
type key struct{ kind, namespace, name string }

func baseName(s *model.Service) string { return s.BaseName() }

func keyOf(s *model.Service) key { return key{s.WorkloadKind, s.Namespace, baseName(s)} }

// overlay lays a partial import over what was known: what it names is new, the rest stays. A part ends nothing, so even
// of a workload that it names, what it is silent about stays.
func overlay(before, upload *model.Inspection) *model.Inspection {
	out := model.New()
	out.Add(upload)
	place, names := map[key]int{}, map[string]bool{}
	for i := range out.Services {
		place[keyOf(&out.Services[i])] = i
		names[out.Services[i].Name] = true
	}
	for i := range before.Services {
		old := &before.Services[i]
		if at, ok := place[keyOf(old)]; ok {
			keepSilent(&out.Services[at], old)
			continue
		}
		out.Services = append(out.Services, *old)
	}
	for _, d := range before.Dependencies {
		if !slices.ContainsFunc(upload.Dependencies, func(o model.Dependency) bool { return o.From == d.From && o.To == d.To && o.Kind == d.Kind }) {
			out.Dependencies = append(out.Dependencies, d)
		}
	}
	for _, u := range before.Unresolved {
		known := slices.ContainsFunc(upload.Unresolved, func(o model.Unresolved) bool { return o.From == u.From && o.Host == u.Host })
		if !known && !names[u.Host] { // a name that was nobody's may be one of those that came now
			out.Unresolved = append(out.Unresolved, u)
		}
	}
	for _, o := range before.Operations {
		if !slices.ContainsFunc(upload.Inputs, func(in model.Input) bool { return in.Path == o.Input }) {
			out.Operations = append(out.Operations, o)
		}
	}
	return out
}

// keepSilent keeps what an earlier import said of a workload and this part does not speak about.
func keepSilent(s, old *model.Service) {
	for _, f := range old.Facts {
		if !slices.ContainsFunc(s.Facts, func(o model.Fact) bool { return o.Key == f.Key && o.Part == f.Part }) {
			s.Facts = append(s.Facts, f)
		}
	}
	for _, e := range old.Exposures {
		if !slices.ContainsFunc(s.Exposures, func(o model.Exposure) bool { return o.Via == e.Via && o.Name == e.Name && o.Address == e.Address }) {
			s.Exposures = append(s.Exposures, e)
			s.Exposed = s.Exposed || (e.Scope == "all" && !e.Ephemeral)
		}
	}
	for _, name := range old.ServiceNames {
		if !slices.Contains(s.ServiceNames, name) {
			s.ServiceNames = append(s.ServiceNames, name)
		}
	}
	for _, p := range old.ServicePorts {
		if !slices.Contains(s.ServicePorts, p) {
			s.ServicePorts = append(s.ServicePorts, p)
		}
	}
	if s.Group == baseName(s) {
		s.Group = old.Group // the Service that groups versions may not be in this part
	}
}

// suggestName names a source after the outermost folder that says whose files they are. An absolute path begins with
// folders of the machine, so there it is the innermost folder that holds all files.
func suggestName(i *model.Inspection) string {
	if len(i.Inputs) == 0 {
		return "files"
	}
	first := path.Clean(i.Inputs[0].Path)
	folders := strings.Split(path.Dir(first), "/")
	if path.IsAbs(first) {
		for _, in := range i.Inputs[1:] {
			other := strings.Split(path.Dir(path.Clean(in.Path)), "/")
			for n := range folders {
				if n >= len(other) || folders[n] != other[n] {
					folders = folders[:n]
					break
				}
			}
		}
		slices.Reverse(folders)
	}
	for _, p := range folders {
		if p = strings.TrimSuffix(p, ".zip"); p != "." && p != ".." && p != "" && !generic[p] {
			return cut(p, 100)
		}
	}
	base := path.Base(first)
	return cut(cmp.Or(strings.TrimSuffix(base, path.Ext(base)), "files"), 100)
}

// generic folders say nothing about whose files they hold.
var generic = map[string]bool{"deploy": true, "deployment": true, "k8s": true, "kubernetes": true, "kubernetes-manifests": true, "manifests": true, "release": true, "tmp": true, "home": true, "work": true, "src": true}

// cut shortens a text from files to what a name may be, and takes out what cannot be shown.
func cut(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD")))
	if text == "" {
		return "unnamed"
	}
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
