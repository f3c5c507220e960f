package kubernetes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"muster/internal/imports/model"
)

// service is a Kubernetes Service and the workloads that it selects.
type service struct {
	*object
	spec      corev1.ServiceSpec
	workloads []*workload
}

// namespaceName finds objects that need no more than their place.
type namespaceName struct{ namespace, name string }

// world is everything that one import holds, joined.
type world struct {
	objects    []*object // the winning one of each key, in a fixed order
	problems   []model.Problem
	workloads  []*workload
	services   []*service
	byService  map[namespaceName]*service
	configMaps map[namespaceName]*object
	contents   map[*object]map[string]string // of ConfigMaps, read once
	lines      map[*object]map[string]int    // of their keys
	readings   map[string]*reading           // of their files
	namespaces map[string]*object
	policies   []*networkPolicy
	grown      int // bytes that variables put in
	looked     int // settings of ConfigMaps that were looked at, each once per workload that uses it
	mesh       *mesh
	accounts   *accounts
	edges      *edges
}

// Read makes services, dependencies, unresolved names and problems of all files together: they are one import.
func Read(files []model.File) (*model.Inspection, error) {
	result := model.New()
	w := &world{byService: map[namespaceName]*service{}, configMaps: map[namespaceName]*object{}, namespaces: map[string]*object{}, contents: map[*object]map[string]string{}, lines: map[*object]map[string]int{}, readings: map[string]*reading{}}
	latest := map[string]*object{}
	for _, f := range files {
		objects, err := parse(f)
		if err != nil {
			return nil, err
		}
		w.join(objects, latest)
		result.Inputs = append(result.Inputs, model.Input{Path: f.Path, Format: "kubernetes", Kind: model.KindManifest, Note: note(objects)})
	}
	w.objects = slices.SortedFunc(maps.Values(latest), func(a, b *object) int { return strings.Compare(a.key(), b.key()) })
	if err := w.build(); err != nil {
		return nil, err
	}
	for _, l := range w.workloads {
		result.Services = append(result.Services, l.out)
	}
	result.Dependencies, result.Unresolved = w.edges.list()
	result.Problems = append(result.Problems, w.problems...)
	return result, nil
}

// clusterWide kinds have no namespace.
var clusterWide = []string{"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "GatewayClass", "IngressClass", "StorageClass", "PersistentVolume", "PriorityClass", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}

// join keeps the last of several objects of one key, and says so.
func (w *world) join(objects []*object, latest map[string]*object) {
	for _, o := range objects {
		if o.namespace == "" && !slices.Contains(clusterWide, o.kind) {
			o.namespace = "default"
		}
		if o.name == "" {
			w.problem(o, "This %s has no name, so nothing can refer to it; it was left out.", o.kind)
			continue
		}
		if before, twice := latest[o.key()]; twice {
			w.problem(o, "The %s %s is defined twice; this one wins over %s.", o.kind, o.name, before.at())
		}
		latest[o.key()] = o
	}
}

func (w *world) problem(o *object, format string, args ...any) {
	w.problems = append(w.problems, model.Problem{Path: o.path, At: fmt.Sprintf("line %d", o.line), Message: fmt.Sprintf(format, args...)})
}

// build runs the steps; each needs the ones before it.
func (w *world) build() error {
	steps := []func() error{w.findWorkloads, w.findServices, w.findPolicies, w.findMesh, w.findAccounts, w.findScalers, w.store}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	w.group()
	if err := w.expose(); err != nil {
		return err
	}
	w.isolate()
	w.protect()
	w.grant()
	w.connect()
	w.judgeEdges()
	w.harden()
	for _, l := range w.workloads {
		l.finish()
	}
	w.disambiguate()
	w.gates()
	return nil
}

func (w *world) findServices() error {
	for _, o := range w.objects {
		place := namespaceName{o.namespace, o.name}
		switch {
		case o.group == "" && o.kind == "Service":
			var s corev1.Service
			if err := o.decode(&s); err != nil {
				return err
			}
			joined := &service{object: o, spec: s.Spec}
			w.services = append(w.services, joined)
			w.byService[place] = joined
		case o.group == "" && o.kind == "ConfigMap":
			w.configMaps[place] = o
		case o.group == "" && o.kind == "Namespace":
			w.namespaces[o.name] = o
		}
	}
	w.findKnative()
	for _, s := range w.services {
		for _, l := range w.workloads {
			if l.namespace == s.namespace && len(s.spec.Selector) > 0 && matches(s.spec.Selector, l.labels) {
				s.workloads = append(s.workloads, l)
				l.services = append(l.services, s)
				l.joinService(s)
			}
		}
	}
	return nil
}

func (l *workload) joinService(s *service) {
	l.out.ServiceNames = append(l.out.ServiceNames, s.name)
	for _, p := range s.spec.Ports {
		l.out.ServicePorts = append(l.out.ServicePorts, model.Port{Port: int(p.Port), Protocol: protocol(string(p.Protocol)), Name: p.Name})
	}
}

func protocol(word string) string {
	if word == "" {
		return "tcp"
	}
	return strings.ToLower(word)
}

func matches(selector, labels map[string]string) bool {
	for k, v := range selector {
		if have, ok := labels[k]; !ok || have != v {
			return false
		}
	}
	return true
}

// group finds the service that a workload is a version of: the Service that selects several, or the one whose name is
// the workload's without its version.
func (w *world) group() {
	for _, l := range w.workloads {
		l.out.Group = l.name
		for _, s := range l.services {
			version, ends := strings.CutPrefix(l.name, s.name+"-")
			if len(s.workloads) > 1 || (ends && versionWord(version)) {
				l.out.Group = s.name
				break
			}
		}
	}
}

// versionWord reports whether a name's end is a version: v1, v2-mysql, canary, stable.
func versionWord(word string) bool {
	first, _, _ := strings.Cut(word, "-")
	if slices.Contains([]string{"canary", "stable", "primary", "baseline", "blue", "green"}, first) {
		return true
	}
	return len(first) > 1 && first[0] == 'v' && strings.Trim(first[1:], "0123456789.") == ""
}

// disambiguate puts the namespace before names that would clash, everywhere they occur.
func (w *world) disambiguate() {
	count := map[string]int{}
	for _, l := range w.workloads {
		count[l.name]++
	}
	kinds := map[namespaceName]int{}
	for _, l := range w.workloads {
		kinds[namespaceName{l.namespace, l.name}]++
	}
	for _, l := range w.workloads {
		if count[l.name] > 1 {
			l.out.Name = l.namespace + "/" + l.name
		}
		if kinds[namespaceName{l.namespace, l.name}] > 1 {
			l.out.Name += " (" + l.out.WorkloadKind + ")"
		}
	}
}

// note says what a file holds, in words.
func note(objects []*object) string {
	counts, unknown := map[string]int{}, map[string]int{}
	for _, o := range objects {
		switch {
		case workloadKind(o):
			counts["workloads"]++
		case known[o.kind]:
			counts[o.kind]++
		default:
			unknown[o.kind]++
		}
	}
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	slices.SortStableFunc(words, func(a, b string) int {
		return boolOrder(strings.HasSuffix(b, " workloads"), strings.HasSuffix(a, " workloads"))
	})
	if len(unknown) > 0 {
		words = append(words, "not read: "+strings.Join(slices.Sorted(maps.Keys(unknown)), ", "))
	}
	if len(words) == 0 {
		return "no objects"
	}
	return strings.Join(words, ", ")
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// known are the kinds that say something to Muster, or that it knows to say nothing.
var known = func() map[string]bool {
	kinds := map[string]bool{}
	for _, kind := range strings.Fields("Service ConfigMap Secret Namespace ServiceAccount Ingress NetworkPolicy Gateway VirtualService DestinationRule ServiceEntry Sidecar PeerAuthentication AuthorizationPolicy RequestAuthentication HTTPRoute GRPCRoute TLSRoute TCPRoute UDPRoute GatewayClass ReferenceGrant Role RoleBinding ClusterRole ClusterRoleBinding PersistentVolumeClaim PersistentVolume StorageClass PodDisruptionBudget HorizontalPodAutoscaler ScaledObject CustomResourceDefinition EndpointSlice Endpoints Rollout") {
		kinds[kind] = true
	}
	for name := range otherRoutes {
		kinds[name[strings.IndexByte(name, '/')+1:]] = true
	}
	return kinds
}()
