package kubernetes

import (
	"path"
	"regexp"
	"strings"

	"muster/internal/imports/infer"
)

// watchList is how a collector of metrics or traces names those that it watches: in a file, and it is no call of theirs.
const watchList = "watch list"

// reading is what one file of a ConfigMap says.
type reading struct {
	hosts   []fileHost
	secrets []string // their names
}

type fileHost struct {
	key   string
	host  infer.Host
	loose bool // found in running text: only a Service of that name makes it an address
}

// connectMounts reads the files that a ConfigMap puts into the pod, line by line.
func (w *world) connectMounts(l *workload) {
	for _, v := range l.spec.Volumes {
		var names []string
		if v.ConfigMap != nil {
			names = append(names, v.ConfigMap.Name)
		}
		if v.Projected != nil {
			for _, s := range v.Projected.Sources {
				if s.ConfigMap != nil {
					names = append(names, s.ConfigMap.Name)
				}
			}
		}
		for _, name := range names {
			data, o := w.data(l.namespace, name)
			for _, key := range sortedKeys(data) {
				w.connectFile(l, o, key, data[key])
			}
		}
	}
}

func (w *world) connectFile(l *workload, o *object, key, content string) {
	place := o.key() + "|" + key
	found := w.readings[place]
	if found == nil {
		found = readFile(key, content)
		w.readings[place] = found
	}
	if !w.look(o, len(found.hosts)+len(found.secrets)+1) {
		return
	}
	at := w.entry(o, key)
	kind := "config_map"
	if watches(l) {
		kind = watchList
	}
	for _, h := range found.hosts {
		if !h.loose || len(w.behind(h.host.Name, l.namespace)) > 0 {
			w.host(l, h.host, h.key, kind, at)
		}
	}
	for _, name := range found.secrets {
		l.secret(name, "config_map", at)
	}
}

// watches reports whether a workload collects what others report.
func watches(l *workload) bool {
	if infer.Telemetry(l.name) || infer.Telemetry(l.out.Group) {
		return true
	}
	for _, image := range l.out.Images {
		name, _, _ := strings.Cut(path.Base(image), ":")
		if infer.Telemetry(name) {
			return true
		}
	}
	return false
}

const maxFile = 1 << 20

var settingPattern = regexp.MustCompile(`^\s*-?\s*["']?([A-Za-z0-9_.\-]+)["']?\s*[:=]\s*["']?([^"'#]+?)["']?,?\s*$`)

func readFile(key, content string) *reading {
	r := &reading{}
	if len(content) > maxFile {
		return r
	}
	for line := range strings.SplitSeq(content, "\n") {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || len(trimmed) > 4096 || trimmed[0] == '#' || trimmed[0] == ';' || strings.HasPrefix(trimmed, "//") || strings.HasPrefix(trimmed, "--") {
			continue
		}
		m := settingPattern.FindStringSubmatch(line)
		if m == nil {
			for _, h := range infer.TextHosts(trimmed) {
				r.hosts = append(r.hosts, fileHost{key, h, true})
			}
			continue
		}
		for _, h := range infer.Hosts(m[1], m[2]) {
			if !h.Weak { // files are full of names that are no addresses
				r.hosts = append(r.hosts, fileHost{m[1], h, false})
			}
		}
		if infer.LiteralSecret(m[1], m[2]) {
			r.secrets = append(r.secrets, m[1])
		}
	}
	return r
}
