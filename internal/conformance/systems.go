package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muster/internal/imports"
	"muster/internal/imports/model"
)

// expectedSystem is the known answers of one system.
type expectedSystem struct {
	Bundles map[string]bundle `json:"bundles"`
}

type bundle struct {
	Type, Description string
	Files             []string
	EnvFile           string         `json:"env_file"`
	Edges             []expectedEdge `json:"edges"`
	Workloads         []struct {
		Name, Namespace string
		Containers      []expectedContainer
	}
	Services  []expectedService
	Exposures []struct {
		Via, Service, Namespace string
		Workloads               []string
	}
	MTLS map[string]struct {
		InMesh string `json:"in_mesh"`
		Mode   string
	} `json:"mtls"`
}

type expectedEdge struct {
	From, To  string
	Derivable bool
}

type expectedContainer struct {
	Name               string
	Init               bool
	LatestOrUntagged   bool            `json:"latest_or_untagged"`
	Tag                string          `json:"tag"`
	DigestPinned       bool            `json:"digest_pinned"`
	CPULimit           bool            `json:"has_cpu_limit"`
	MemoryLimit        bool            `json:"has_memory_limit"`
	RunsAsRoot         string          `json:"runs_as_root"`
	Liveness           bool            `json:"liveness"`
	Readiness          bool            `json:"readiness"`
	LiteralSecrets     json.RawMessage `json:"literal_secret_env"`
	Image, SecurityCtx string          `json:"-"`
}

type expectedService struct {
	Name, Namespace  string
	Workloads        []string
	Image            *string
	LatestOrUntagged bool     `json:"latest_or_untagged"`
	Tag              string   `json:"tag"`
	DigestPinned     bool     `json:"digest_pinned"`
	RunsAsRoot       string   `json:"runs_as_root"`
	MemLimit         any      `json:"mem_limit"`
	CPULimit         any      `json:"cpu_limit"`
	Healthcheck      bool     `json:"healthcheck"`
	LiteralSecrets   []string `json:"literal_secret_env"`
	HostPorts        []struct {
		HostIP string `json:"host_ip"`
		Host   string
	} `json:"host_ports"`
}

// scoreSystems scores every bundle and gives the files of those that were read.
func scoreSystems(folder string, s scores) (map[string]*imports.Gathered, error) {
	read := map[string]*imports.Gathered{}
	answers, err := filepath.Glob(filepath.Join(folder, "systems", "*", "expected.json"))
	if err != nil {
		return nil, err
	}
	for _, path := range answers {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read answers: %w", err)
		}
		var system expectedSystem
		if err := json.Unmarshal(data, &system); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		root := filepath.Dir(path)
		for _, name := range slices.Sorted(maps.Keys(system.Bundles)) {
			if g := scoreBundle(root, filepath.Base(root)+"/"+name, system.Bundles[name], s); g != nil {
				read[filepath.Base(root)+"/"+name] = g
			}
		}
	}
	return read, nil
}

func scoreBundle(root, name string, b bundle, s scores) *imports.Gathered {
	var paths []string
	for _, f := range b.Files {
		paths = append(paths, filepath.Join(root, f))
	}
	gathered, err := imports.Gather(paths)
	if err != nil {
		s.note("bundles read", 100, false, "%s: %v", name, err)
		return nil
	}
	found, err := imports.Inspect(gathered.Files, imports.Options{Explicit: gathered.Explicit})
	s.note("bundles read", 100, err == nil, "%s: %v", name, err)
	if err != nil {
		return nil
	}
	byName := map[string]model.Service{}
	for _, f := range found.Services {
		_, base, has := strings.Cut(f.Name, "/")
		if !has {
			base = f.Name
		}
		byName[base] = f
	}
	if b.Type == "compose" {
		scoreCompose(name, b, byName, s)
	} else {
		scoreKubernetes(name, b, byName, s)
	}
	scoreEdges(name, b, found, s)
	return gathered
}

func scoreKubernetes(name string, b bundle, have map[string]model.Service, s scores) {
	exposed := exposedWorkloads(b)
	for _, w := range b.Workloads {
		f, ok := have[w.Name]
		s.note("services", wantSystems, ok && f.Namespace == w.Namespace, "%s: %s is missing", name, w.Name)
		if !ok {
			continue
		}
		s.note("exposure", wantSystems, f.Exposed == exposed[w.Namespace+"/"+w.Name], "%s: %s exposed=%v", name, w.Name, f.Exposed)
		answer := b.MTLS[w.Namespace+"/"+w.Name]
		mode := strings.ToLower(answer.Mode)
		if mode == "none-declared" || mode == "" {
			mode = string(model.MTLSNotDeclared)
		}
		s.note("mTLS mode", wantSystems, string(f.MTLS) == mode, "%s: %s is %s, not %s", name, w.Name, f.MTLS, mode)
		s.note("mesh membership", wantSystems, answer.InMesh == "" || string(f.Mesh) == answer.InMesh, "%s: %s is %s, not %s", name, w.Name, f.Mesh, answer.InMesh)
		var secrets []string
		for _, c := range w.Containers {
			i := slices.IndexFunc(f.Containers, func(o model.Container) bool { return o.Name == c.Name })
			if i < 0 {
				s.note("services", wantSystems, false, "%s: %s lacks container %s", name, w.Name, c.Name)
				continue
			}
			scoreContainer(name+": "+w.Name, c, f.Containers[i], f, s)
			secrets = append(secrets, c.secrets()...)
		}
		for _, l := range f.LiteralSecrets {
			s.note("literal secrets", wantSystems, l.Source != "env" || slices.Contains(secrets, l.Name), "%s: %s %s is none", name, w.Name, l.Name)
		}
	}
	for n := range have {
		s.note("services", wantSystems, slices.ContainsFunc(b.Workloads, func(w struct {
			Name, Namespace string
			Containers      []expectedContainer
		}) bool {
			return w.Name == n
		}), "%s: %s is no workload", name, n)
	}
}

func exposedWorkloads(b bundle) map[string]bool {
	exposed := map[string]bool{}
	for _, e := range b.Exposures {
		for _, svc := range b.Services {
			if svc.Name == e.Service && svc.Namespace == e.Namespace {
				for _, w := range svc.Workloads {
					exposed[e.Namespace+"/"+w] = true
				}
			}
		}
	}
	return exposed
}

func scoreContainer(name string, c expectedContainer, f model.Container, s1 model.Service, s scores) {
	s.note("root", wantSystems, string(f.RunsAsRoot) == c.RunsAsRoot, "%s/%s: root %s, not %s", name, c.Name, f.RunsAsRoot, c.RunsAsRoot)
	s.note("limits", wantSystems, f.CPULimit == c.CPULimit && f.MemoryLimit == c.MemoryLimit, "%s/%s: limits", name, c.Name)
	s.note("probes", wantSystems, f.Liveness == c.Liveness && f.Readiness == c.Readiness, "%s/%s: probes", name, c.Name)
	scorePin(name, c.LatestOrUntagged || familyTag(c.Tag, c.DigestPinned), c.DigestPinned, f.ImagePin, s)
	for _, key := range c.secrets() {
		s.note("literal secrets", wantSystems, hasSecret(s1, key), "%s: %s is missing", name, key)
	}
}

// secrets lists the names of what the answers call literal secrets, without their places.
func (c expectedContainer) secrets() []string {
	var list []any
	if json.Unmarshal(c.LiteralSecrets, &list) != nil {
		return nil
	}
	var names []string
	for _, secret := range list {
		key := fmt.Sprint(secret)
		if m, ok := secret.(map[string]any); ok {
			key = fmt.Sprint(m["name"])
		}
		key, _, _ = strings.Cut(key, " @")
		names = append(names, key)
	}
	return names
}

func hasSecret(f model.Service, key string) bool {
	return slices.ContainsFunc(f.LiteralSecrets, func(l model.LiteralSecret) bool { return l.Name == key })
}

// familyTag reports whether a tag names a family of images (latest-ad) and not one version. The answers count
// only "latest" and no tag; the contract calls these moving too.
func familyTag(tag string, digest bool) bool {
	return !digest && strings.HasPrefix(tag, "latest-")
}

func scorePin(name string, moving, digest bool, pin model.ImagePin, s scores) {
	s.note("image pins", wantSystems, (pin == model.PinMoving) == moving && (pin == model.PinDigest) == digest, "%s: pin %s", name, pin)
}

func scoreCompose(name string, b bundle, have map[string]model.Service, s scores) {
	for _, w := range b.Services {
		f, ok := have[w.Name]
		s.note("services", wantSystems, ok, "%s: %s is missing", name, w.Name)
		if !ok {
			continue
		}
		exposed := false
		for _, p := range w.HostPorts {
			exposed = exposed || (p.HostIP == "0.0.0.0" && p.Host != "ephemeral")
		}
		s.note("exposure", wantSystems, f.Exposed == exposed, "%s: %s exposed=%v", name, w.Name, f.Exposed)
		s.note("root", wantSystems, string(f.RunsAsRoot) == w.RunsAsRoot, "%s: %s root %s, not %s", name, w.Name, f.RunsAsRoot, w.RunsAsRoot)
		s.note("limits", wantSystems, f.CPULimit == (w.CPULimit != nil) && f.MemoryLimit == (w.MemLimit != nil), "%s: %s limits", name, w.Name)
		s.note("probes", wantSystems, f.Liveness == w.Healthcheck, "%s: %s healthcheck", name, w.Name)
		if w.Image != nil {
			scorePin(name+": "+w.Name, w.LatestOrUntagged || familyTag(w.Tag, w.DigestPinned), w.DigestPinned, f.ImagePin, s)
		}
		for _, key := range w.LiteralSecrets {
			s.note("literal secrets", wantSystems, hasSecret(f, key), "%s: %s %s is missing", name, w.Name, key)
		}
		for _, l := range f.LiteralSecrets {
			s.note("literal secrets", wantSystems, slices.Contains(w.LiteralSecrets, l.Name), "%s: %s %s is none", name, w.Name, l.Name)
		}
	}
	for n := range have {
		s.note("services", wantSystems, slices.ContainsFunc(b.Services, func(w expectedService) bool { return w.Name == n }), "%s: %s is no service", name, n)
	}
}

// scoreEdges asks for every derivable edge, and that every declared one is real.
func scoreEdges(name string, b bundle, found *model.Inspection, s scores) {
	workloads := map[string][]string{}
	for _, f := range found.Services {
		for _, n := range append([]string{f.Name}, f.ServiceNames...) {
			if !slices.Contains(workloads[n], f.Name) {
				workloads[n] = append(workloads[n], f.Name)
			}
		}
	}
	have, real := map[string]bool{}, map[string]bool{}
	for _, d := range found.Dependencies {
		have[d.From+" -> "+d.To] = true
	}
	for _, e := range b.Edges {
		if strings.HasPrefix(e.From, "sa:") {
			continue
		}
		for _, to := range workloads[e.To] {
			real[e.From+" -> "+to] = true
			if e.Derivable {
				s.note("call edges found", wantSystems, have[e.From+" -> "+to], "%s: %s -> %s is missing", name, e.From, to)
			}
		}
	}
	for _, d := range found.Dependencies {
		if d.Basis == "declared" && d.Kind == "call" {
			s.note("call edges real", wantSystems, real[d.From+" -> "+d.To], "%s: %s -> %s (%v)", name, d.From, d.To, d.Evidence)
		}
	}
}
