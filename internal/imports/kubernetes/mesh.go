package kubernetes

import (
	"maps"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1"
	security "istio.io/api/security/v1"
	typev1 "istio.io/api/type/v1beta1"
	istionet "istio.io/client-go/pkg/apis/networking/v1"
	istio "istio.io/client-go/pkg/apis/security/v1"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"muster/internal/imports/model"
)

// rootNamespace holds what speaks for the whole mesh.
const rootNamespace = "istio-system"

type peerAuthentication struct {
	*object
	spec *security.PeerAuthentication
}

type authorizationPolicy struct {
	*object
	spec *security.AuthorizationPolicy
}

type requestAuthentication struct {
	*object
	spec *security.RequestAuthentication
}

type virtualService struct {
	*object
	spec *networking.VirtualService
}

type destinationRule struct {
	*object
	spec *networking.DestinationRule
}

// mesh is what the files say about Istio and the Gateway API.
type mesh struct {
	present  bool
	peers    []peerAuthentication
	policies []authorizationPolicy
	tokens   []requestAuthentication
	routes   []virtualService
	rules    []destinationRule
	edges    map[namespaceName]*networking.Gateway // Istio's
	gateways map[namespaceName]*apiGateway         // of the Gateway API
}

func (w *world) findMesh() error {
	w.mesh = &mesh{edges: map[namespaceName]*networking.Gateway{}, gateways: map[namespaceName]*apiGateway{}}
	for _, o := range w.objects {
		w.mesh.present = w.mesh.present || strings.HasSuffix(o.group, "istio.io")
		var err error
		switch o.group + "/" + o.kind {
		case "security.istio.io/PeerAuthentication":
			var v istio.PeerAuthentication
			err = o.decode(&v)
			w.mesh.peers = append(w.mesh.peers, peerAuthentication{o, &v.Spec})
		case "security.istio.io/AuthorizationPolicy":
			var v istio.AuthorizationPolicy
			err = o.decode(&v)
			w.mesh.policies = append(w.mesh.policies, authorizationPolicy{o, &v.Spec})
		case "security.istio.io/RequestAuthentication":
			var v istio.RequestAuthentication
			err = o.decode(&v)
			w.mesh.tokens = append(w.mesh.tokens, requestAuthentication{o, &v.Spec})
		case "networking.istio.io/VirtualService":
			var v istionet.VirtualService
			err = o.decode(&v)
			w.mesh.routes = append(w.mesh.routes, virtualService{o, &v.Spec})
		case "networking.istio.io/DestinationRule":
			var v istionet.DestinationRule
			err = o.decode(&v)
			w.mesh.rules = append(w.mesh.rules, destinationRule{o, &v.Spec})
		case "networking.istio.io/Gateway":
			var v istionet.Gateway
			err = o.decode(&v)
			w.mesh.edges[namespaceName{o.namespace, o.name}] = &v.Spec
		case "gateway.networking.k8s.io/Gateway":
			var v gateway.Gateway
			err = o.decode(&v)
			w.mesh.gateways[namespaceName{o.namespace, o.name}] = &apiGateway{object: o, spec: v.Spec}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// protect says for each workload whether it is in the mesh and what the mesh demands of its callers.
func (w *world) protect() {
	for _, l := range w.workloads {
		l.out.Mesh = w.membership(l)
		if l.out.Mesh == model.No {
			continue
		}
		l.out.MTLS, l.out.MTLSAt = w.mode(l)
		l.out.PortMTLS = w.portModes(l)
		l.out.Admission = w.admission(l)
		for _, p := range w.mesh.policies {
			if w.covers(p, l) {
				l.out.AuthorizationPolicies = append(l.out.AuthorizationPolicies, p.name)
				l.meshFacts = append(l.meshFacts, model.Fact{Key: model.FactAuthorization, Part: p.name, Value: p.words(), At: p.at()})
			}
		}
		for _, t := range w.mesh.tokens {
			if w.reads(t, l) {
				l.meshFacts = append(l.meshFacts, model.Fact{Key: model.FactRequestAuth, Part: t.name, Value: t.words(), At: t.at()})
			}
		}
	}
}

func (w *world) membership(l *workload) model.Truth {
	inject := l.labels["sidecar.istio.io/inject"]
	if inject == "" {
		inject = l.annotations["sidecar.istio.io/inject"]
	}
	if answer := w.linkerd(l); answer != model.Unknown {
		return answer
	}
	ns := w.namespaces[l.namespace]
	ambient := ns != nil && ns.labels["istio.io/dataplane-mode"] == "ambient" && l.labels["istio.io/dataplane-mode"] != "none"
	switch {
	case l.spec.HostNetwork, inject == "false" && !ambient, l.labels["istio.io/dataplane-mode"] == "none" && inject != "true":
		return model.No
	case inject == "true", l.labels["istio.io/rev"] != "", l.labels["istio.io/dataplane-mode"] == "ambient":
		return model.Yes
	}
	for _, c := range append(slices.Clone(l.spec.Containers), l.spec.InitContainers...) {
		if c.Name == "istio-proxy" {
			return model.Yes
		}
	}
	switch {
	case ns == nil:
		return model.Unknown
	case ns.labels["istio-injection"] == "disabled":
		return model.No
	case ns.labels["istio-injection"] == "enabled", ns.labels["istio.io/rev"] != "", ambient:
		return model.Yes
	case w.mesh.present:
		return model.No
	}
	return model.Unknown
}

var modes = map[security.PeerAuthentication_MutualTLS_Mode]model.MTLS{
	security.PeerAuthentication_MutualTLS_STRICT:     model.MTLSStrict,
	security.PeerAuthentication_MutualTLS_PERMISSIVE: model.MTLSPermissive,
	security.PeerAuthentication_MutualTLS_DISABLE:    model.MTLSDisable,
}

// mode is the workload's own, else its namespace's, else the mesh's; UNSET inherits.
func (w *world) mode(l *workload) (model.MTLS, string) {
	levels := []func(p peerAuthentication) bool{
		func(p peerAuthentication) bool {
			return p.namespace == l.namespace && len(p.spec.GetSelector().GetMatchLabels()) > 0 && matches(p.spec.GetSelector().GetMatchLabels(), l.labels)
		},
		func(p peerAuthentication) bool {
			return p.namespace == l.namespace && len(p.spec.GetSelector().GetMatchLabels()) == 0
		},
		func(p peerAuthentication) bool {
			return p.namespace == rootNamespace && len(p.spec.GetSelector().GetMatchLabels()) == 0
		},
	}
	if mode, at := w.linkerdMode(l); mode != model.MTLSNotDeclared {
		return mode, at
	}
	for _, applies := range levels {
		for _, p := range w.mesh.peers {
			if mode, set := modes[p.spec.GetMtls().GetMode()]; set && applies(p) {
				return mode, p.at()
			}
		}
	}
	return model.MTLSNotDeclared, ""
}

// portModes lists the ports that the workload's own policies except from its mode.
func (w *world) portModes(l *workload) []model.PortMTLS {
	list := []model.PortMTLS{}
	for _, p := range w.mesh.peers {
		labels := p.spec.GetSelector().GetMatchLabels()
		if p.namespace != l.namespace || len(labels) == 0 || !matches(labels, l.labels) {
			continue
		}
		for _, port := range slices.Sorted(maps.Keys(p.spec.GetPortLevelMtls())) {
			mode, set := modes[p.spec.GetPortLevelMtls()[port].GetMode()]
			if set && mode != l.out.MTLS && !slices.ContainsFunc(list, func(o model.PortMTLS) bool { return o.Port == int(port) }) {
				list = append(list, model.PortMTLS{Port: int(port), Mode: mode, At: p.at()})
			}
		}
	}
	return list
}

// scope is whom a policy of the mesh is for.
type scope struct {
	*object
	labels  map[string]string
	targets []*typev1.PolicyTargetReference
}

// covers reports whether an authorization policy speaks about a workload.
func (w *world) covers(p authorizationPolicy, l *workload) bool {
	return w.selects(scope{p.object, p.spec.GetSelector().GetMatchLabels(), append(slices.Clone(p.spec.GetTargetRefs()), p.spec.GetTargetRef())}, l)
}

// selects reports whether a policy is for a workload. In the root namespace it is for every namespace.
func (w *world) selects(s scope, l *workload) bool {
	if s.namespace != l.namespace && s.namespace != rootNamespace {
		return false
	}
	targeted := false
	for _, t := range s.targets {
		if t == nil {
			continue
		}
		targeted = true
		if t.GetKind() == "Service" && slices.ContainsFunc(l.services, func(v *service) bool { return v.name == t.GetName() && v.namespace == s.namespace }) {
			return true
		}
	}
	return !targeted && matches(s.labels, l.labels)
}

// principalOf is the identity of a workload in certificates of the mesh.
func principalOf(l *workload) string {
	return "cluster.local/ns/" + l.namespace + "/sa/" + l.out.ServiceAccount
}

// principals lists whom a source names, in the form of certificates.
func principals(s *security.Source, namespace string) []string {
	named := slices.Clone(s.GetPrincipals())
	for _, account := range s.GetServiceAccounts() {
		ns, name, full := strings.Cut(account, "/")
		if !full {
			ns, name = namespace, account
		}
		named = append(named, "cluster.local/ns/"+ns+"/sa/"+name)
	}
	return named
}

// accepts compares a principal or namespace with a pattern: exact, "prefix*", "*suffix" or "*".
func accepts(pattern, value string) bool {
	// The trust domain may be named otherwise than cluster.local; namespace and account say who it is.
	if _, rest, ok := strings.Cut(pattern, "/ns/"); ok && !strings.Contains(rest, "*") {
		_, have, _ := strings.Cut(value, "/ns/")
		return rest == have
	}
	switch {
	case pattern == "*":
		return value != ""
	case strings.HasSuffix(pattern, "*"):
		return strings.HasPrefix(value, strings.TrimSuffix(pattern, "*"))
	case strings.HasPrefix(pattern, "*"):
		return strings.HasSuffix(value, strings.TrimPrefix(pattern, "*"))
	}
	return pattern == value
}

func anyAccepts(patterns []string, value string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return accepts(p, value) })
}

// matchesSource reports whether a rule's source means the workload. A source that asks for what files cannot show
// (a request's token, an address) may mean anyone.
func matchesSource(s *security.Source, namespace string, l *workload) bool {
	if p := principals(s, namespace); len(p) > 0 && !anyAccepts(p, principalOf(l)) {
		return false
	}
	if len(s.GetNamespaces()) > 0 && !anyAccepts(s.GetNamespaces(), l.namespace) {
		return false
	}
	return !anyAccepts(s.GetNotPrincipals(), principalOf(l)) && !anyAccepts(s.GetNotNamespaces(), l.namespace)
}

// ruleMatches reports whether a rule speaks about calls from the workload, and whether it names it.
func ruleMatches(r *security.Rule, namespace string, l *workload) (match, byName bool) {
	if len(r.GetFrom()) == 0 {
		return true, false
	}
	for _, f := range r.GetFrom() {
		if matchesSource(f.GetSource(), namespace, l) {
			return true, len(principals(f.GetSource(), namespace))+len(f.GetSource().GetNamespaces()) > 0
		}
	}
	return false, false
}

// meshJudges says what the authorization policies of to mean for a call from from: "" when there are none.
func (w *world) meshJudges(from, to *workload) string {
	if to.out.Mesh == model.No {
		return ""
	}
	allows, answer := false, ""
	for _, p := range w.mesh.policies {
		if !w.covers(p, to) {
			continue
		}
		action := p.spec.GetAction()
		allows = allows || action == security.AuthorizationPolicy_ALLOW
		for _, r := range p.spec.GetRules() {
			match, byName := ruleMatches(r, p.namespace, from)
			unconditional := len(r.GetTo()) == 0 && len(r.GetWhen()) == 0 && len(r.GetFrom()) > 0
			switch {
			case !match:
			case action == security.AuthorizationPolicy_DENY && unconditional && byName:
				return "denied"
			case action == security.AuthorizationPolicy_ALLOW && byName:
				answer = "policy"
			case action == security.AuthorizationPolicy_ALLOW && answer == "":
				answer = "default_allow"
			}
		}
	}
	if allows && answer == "" {
		return "denied"
	}
	return answer
}

// authorizationEdges draws what the mesh allows by name, and lists the principals that are nobody here.
func (w *world) authorizationEdges() {
	for _, p := range w.mesh.policies {
		if p.spec.GetAction() != security.AuthorizationPolicy_ALLOW {
			continue
		}
		var named []string
		for _, r := range p.spec.GetRules() {
			for _, f := range r.GetFrom() {
				named = append(named, principals(f.GetSource(), p.namespace)...)
			}
		}
		slices.Sort(named)
		for _, principal := range slices.Compact(named) {
			if !strings.Contains(principal, "*") {
				w.authorizationEdge(p, principal)
			}
		}
	}
}

func (w *world) authorizationEdge(p authorizationPolicy, principal string) {
	evidence := model.Evidence{Type: "authorization_policy", Key: p.name, At: p.at()}
	for _, to := range w.workloads {
		if !w.covers(p, to) {
			continue
		}
		found := false
		for _, from := range w.workloads {
			if accepts(principal, principalOf(from)) {
				found = true
				w.edges.add(from, to, "allowed", evidence, 0, "")
			}
		}
		if !found {
			w.edges.miss(to, principal, "principal", p.at())
		}
	}
}
