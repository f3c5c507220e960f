package kubernetes

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"muster/internal/imports/infer"
	"muster/internal/imports/model"
)

type pair struct{ from, to *workload }

type edge struct {
	pair
	dependency model.Dependency
	plain, tls bool // what the schemes of its addresses say
	watched    bool // the caller's list of what to watch names it
	called     bool // anything else that declares it does
}

type missing struct {
	from *workload
	model.Unresolved
}

// edges collects who calls whom: one row per pair, with its strongest basis and all evidence.
type edges struct {
	byPair     map[pair]*edge
	unresolved []missing
}

var basisRank = map[string]int{"ordering": 0, "allowed": 1, "declared": 2, "observed": 3}

func (e *edges) add(from, to *workload, basis string, evidence model.Evidence, port int, scheme string) {
	if from == to {
		return
	}
	found := e.byPair[pair{from, to}]
	if found == nil {
		found = &edge{pair: pair{from, to}, dependency: model.Dependency{Kind: "call", Basis: basis, Evidence: []model.Evidence{}, Transport: "unknown", Authentication: "unknown", Authorization: "unknown"}}
		e.byPair[pair{from, to}] = found
	}
	d := &found.dependency
	if basisRank[basis] > basisRank[d.Basis] {
		d.Basis = basis
	}
	if !slices.Contains(d.Evidence, evidence) {
		d.Evidence = append(d.Evidence, evidence)
	}
	d.Port, d.Protocol = cmp.Or(d.Port, port), cmp.Or(d.Protocol, scheme)
	found.plain, found.tls = found.plain || infer.Plain(scheme), found.tls || infer.Encrypted(scheme)
}

func evidenceType(kind string) string {
	if kind == watchList {
		return "config_map"
	}
	return kind
}

// mark says why an edge was declared.
func (e *edges) mark(from, to *workload, watched bool) {
	if found := e.byPair[pair{from, to}]; found != nil {
		found.watched, found.called = found.watched || watched, found.called || !watched
	}
}

func (e *edges) miss(from *workload, host, kind, at string) {
	m := missing{from, model.Unresolved{Host: host, Kind: kind, At: at}}
	if !slices.ContainsFunc(e.unresolved, func(o missing) bool { return o.from == from && o.Host == host && o.Kind == kind }) {
		e.unresolved = append(e.unresolved, m)
	}
}

// list gives the rows with the names that the workloads have in the end.
func (e *edges) list() ([]model.Dependency, []model.Unresolved) {
	dependencies, unresolved := []model.Dependency{}, []model.Unresolved{}
	for p, found := range e.byPair {
		d := found.dependency
		d.From, d.To = p.from.out.Name, p.to.out.Name
		slices.SortFunc(d.Evidence, func(a, b model.Evidence) int {
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key), cmp.Compare(a.At, b.At))
		})
		dependencies = append(dependencies, d)
	}
	for _, m := range e.unresolved {
		m.From = m.from.out.Name
		unresolved = append(unresolved, m.Unresolved)
	}
	slices.SortFunc(dependencies, func(a, b model.Dependency) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	slices.SortFunc(unresolved, func(a, b model.Unresolved) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Host, b.Host))
	})
	return dependencies, unresolved
}

// connect finds every edge.
func (w *world) connect() {
	w.edges = &edges{byPair: map[pair]*edge{}}
	for _, l := range w.workloads {
		w.connectContainers(l, "initContainers", l.spec.InitContainers, "init_container")
		w.connectContainers(l, "containers", l.spec.Containers, "")
		w.connectMounts(l)
	}
	w.policyEdges()
	w.authorizationEdges()
	w.routeEdges()
}

func (w *world) connectContainers(l *workload, key string, list []corev1.Container, as string) {
	node := child(l.pod, key)
	for i, c := range list {
		item := nodeItem(node, i)
		known := map[string]string{}
		for j, e := range c.Env {
			at := model.At(l.path, itemLine(child(item, "env"), j))
			kind, value := "env", e.Value
			if e.ValueFrom != nil {
				kind, value = "env", w.referenced(l, e.ValueFrom)
			}
			w.referencedSecret(l, e)
			value = w.expand(l, value, known)
			known[e.Name] = value
			w.value(l, e.Name, value, cmp.Or(as, kind), at)
		}
		for _, from := range c.EnvFrom {
			w.connectEnvFrom(l, from, as)
		}
		w.connectArguments(l, item, "command", c.Command, as, known)
		w.connectArguments(l, item, "args", c.Args, as, known)
	}
}

var variable = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_.\-]*)\)`)

// The bounds of what an import may unfold: variables may double at each line, and a ConfigMap may serve thousands of pods.
const (
	maxGrowth = 4 << 20
	maxLooked = 300_000
)

// look counts settings, and says once when there are too many to go on.
func (w *world) look(o *object, n int) bool {
	before := w.looked
	if w.looked += n; w.looked <= maxLooked {
		return true
	}
	if before <= maxLooked {
		w.problem(o, "The workloads take more than %d settings from ConfigMaps; from here on they were left out.", maxLooked)
	}
	return false
}

// expand puts the values of earlier variables into $(NAME), as Kubernetes does, and the addresses of Services that it
// hands to every pod.
func (w *world) expand(l *workload, value string, known map[string]string) string {
	if !strings.Contains(value, "$(") {
		return value
	}
	return variable.ReplaceAllStringFunc(value, func(m string) string {
		name := m[2 : len(m)-1]
		if v, ok := known[name]; ok {
			if w.grown += len(v); w.grown > maxGrowth {
				return m
			}
			return v
		}
		for _, suffix := range []string{"_SERVICE_HOST", "_SERVICE_PORT"} {
			upper, has := strings.CutSuffix(name, suffix)
			s := w.byService[namespaceName{l.namespace, strings.ToLower(strings.ReplaceAll(upper, "_", "-"))}]
			if !has || s == nil {
				continue
			}
			if suffix == "_SERVICE_HOST" {
				return s.name
			}
			if len(s.spec.Ports) > 0 {
				return fmt.Sprint(s.spec.Ports[0].Port)
			}
		}
		return m
	})
}

// referencedSecret names a secret that a variable takes out of a ConfigMap.
func (w *world) referencedSecret(l *workload, e corev1.EnvVar) {
	if e.ValueFrom == nil || e.ValueFrom.ConfigMapKeyRef == nil {
		return
	}
	ref := e.ValueFrom.ConfigMapKeyRef
	data, o := w.data(l.namespace, ref.Name)
	if value, has := data[ref.Key]; has && (infer.LiteralSecret(e.Name, value) || infer.LiteralSecret(ref.Key, value)) {
		l.secret(e.Name, "config_map", w.entry(o, ref.Key))
	}
}

func (w *world) referenced(l *workload, from *corev1.EnvVarSource) string {
	if from.ConfigMapKeyRef == nil {
		return ""
	}
	data, _ := w.data(l.namespace, from.ConfigMapKeyRef.Name)
	return data[from.ConfigMapKeyRef.Key]
}

// data gives the entries of a ConfigMap and the object, so that lines can be named.
func (w *world) data(namespace, name string) (map[string]string, *object) {
	o := w.configMaps[namespaceName{namespace, name}]
	if o == nil {
		return nil, nil
	}
	if known, read := w.contents[o]; read {
		return known, o
	}
	var c struct{ Data map[string]string }
	if o.decode(&c) != nil {
		c.Data = nil
	}
	w.contents[o], w.lines[o] = c.Data, map[string]int{}
	if n := child(o.node, "data"); n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.lines[o][n.Content[i].Value] = n.Content[i].Line
		}
	}
	return c.Data, o
}

// entry is the place of a key of a ConfigMap.
func (w *world) entry(o *object, key string) string {
	return model.At(o.path, cmp.Or(w.lines[o][key], o.line))
}

func (w *world) connectEnvFrom(l *workload, from corev1.EnvFromSource, as string) {
	if from.ConfigMapRef == nil {
		return
	}
	data, o := w.data(l.namespace, from.ConfigMapRef.Name)
	if o == nil || !w.look(o, len(data)) {
		return
	}
	for _, key := range sortedKeys(data) {
		at := w.entry(o, key)
		w.value(l, from.Prefix+key, data[key], cmp.Or(as, "config_map"), at)
		if infer.LiteralSecret(from.Prefix+key, data[key]) {
			l.secret(from.Prefix+key, "config_map", at)
		}
	}
}

// connectArguments reads commands.
func (w *world) connectArguments(l *workload, item *yaml.Node, key string, words []string, as string, known map[string]string) {
	at := model.At(l.path, keyLine(item, key))
	expanded := make([]string, 0, len(words))
	for _, word := range words {
		expanded = append(expanded, w.expand(l, word, known))
	}
	for _, h := range infer.CommandHosts(expanded) {
		w.host(l, h, key, cmp.Or(as, "argument"), at)
	}
}

// value finds the hosts in a variable or setting.
func (w *world) value(l *workload, key, value, kind, at string) {
	for _, h := range infer.Hosts(key, value) {
		w.host(l, h, key, kind, at)
	}
}

func (w *world) host(l *workload, h infer.Host, key, kind, at string) {
	targets := w.behind(h.Name, l.namespace)
	for _, to := range targets {
		w.edges.add(l, to, "declared", model.Evidence{Type: evidenceType(kind), Key: key, At: at}, h.Port, h.Scheme)
		w.edges.mark(l, to, kind == watchList)
	}
	if len(targets) > 0 || h.Weak {
		return
	}
	if s := w.lookup(h.Name, l.namespace); s != nil && s.spec.Type == corev1.ServiceTypeExternalName {
		w.edges.miss(l, s.spec.ExternalName, "host", at)
	} else if w.dangling(h, l) {
		w.edges.miss(l, h.Name, "host", at)
	}
}

// dangling leaves out what only looks like a host: words without a port, a scheme or a domain.
func (w *world) dangling(h infer.Host, l *workload) bool {
	if _, err := netip.ParseAddr(h.Name); err == nil || h.Name == "" || w.lookup(h.Name, l.namespace) != nil {
		return false
	}
	dot := strings.LastIndexByte(h.Name, '.')
	domain := dot > 0 && strings.Trim(h.Name[dot+1:], "abcdefghijklmnopqrstuvwxyz") == "" && len(h.Name)-dot > 2
	return h.Port > 0 || h.Scheme != "" || domain
}

// lookup finds the Service that a host name means inside the cluster.
func (w *world) lookup(host, namespace string) *service {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	at := func(name, ns string) *service { return w.byService[namespaceName{ns, name}] }
	switch n := len(parts); {
	case n == 1:
		return at(parts[0], namespace)
	case n == 2 || parts[2] == "svc":
		if s := at(parts[0], parts[1]); s != nil || n > 2 {
			return s
		}
		return at(parts[1], namespace) // a pod of a headless Service
	case n == 3:
		return at(parts[1], parts[2])
	case parts[3] == "svc":
		return at(parts[1], parts[2])
	}
	return nil
}

// behind gives the workloads that answer under a host name.
func (w *world) behind(host, namespace string) []*workload {
	s := w.lookup(host, namespace)
	for range 3 { // an ExternalName may point at another Service
		if s == nil || s.spec.Type != corev1.ServiceTypeExternalName {
			break
		}
		s = w.lookup(s.spec.ExternalName, s.namespace)
	}
	if s == nil {
		return nil
	}
	return s.workloads
}

// routeEdges draws the way from an ingress gateway's own pods to what its routes name.
func (w *world) routeEdges() {
	for _, v := range w.mesh.routes {
		for _, name := range v.spec.GetGateways() {
			for _, from := range w.gatewayPods(name, v.namespace) {
				for _, host := range destinations(v.spec) {
					for _, to := range w.behind(host, v.namespace) {
						w.edges.add(from, to, "declared", model.Evidence{Type: "route", Key: v.name, At: v.at()}, 0, "")
					}
				}
			}
		}
	}
}

// judgeEdges says what protects each edge.
func (w *world) judgeEdges() {
	for p, e := range w.edges.byPair {
		to, d := p.to, &e.dependency
		if infer.Telemetry(to.name) || infer.Telemetry(to.out.Group) || (e.watched && !e.called) {
			d.Kind = "telemetry"
		}
		strict := to.out.MTLS == model.MTLSStrict && to.out.Mesh == model.Yes
		switch {
		case strict:
			d.Transport, d.Authentication = "mtls", "mtls"
		case e.tls:
			d.Transport = "tls"
		case e.plain && (to.out.Mesh == model.No || to.out.MTLS == model.MTLSDisable):
			d.Transport = "none"
		}
		if to.out.Admission.RequestAuth && to.out.Admission.DemandsToken == model.Yes {
			d.Authentication = "jwt"
		}
		d.Authorization = w.judge(p.from, to)
	}
}

func (w *world) judge(from, to *workload) string {
	word := w.meshJudges(from, to)
	admitted, byName := w.networkAdmits(from, to)
	switch {
	case !admitted:
		return "denied"
	case word != "":
		return word
	case byName:
		return "policy"
	case to.out.Mesh == model.Yes:
		return "default_allow"
	}
	return "unknown"
}
