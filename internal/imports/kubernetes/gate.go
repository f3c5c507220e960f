package kubernetes

import (
	"net/netip"
	"slices"
	"strings"

	security "istio.io/api/security/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"muster/internal/imports/model"
)

// gates says for each workload who may talk to it and to whom it may talk. It runs when names are final.
func (w *world) gates() {
	unread := w.unreadPolicies()
	in, out := map[*networkPolicy]model.Direction{}, map[*networkPolicy]model.Direction{}
	callers := map[*object]model.Callers{}
	for _, l := range w.workloads {
		g := &model.Gates{Secrets: l.secrets()}
		g.Ingress.Unread = unread[""] || unread[l.namespace]
		g.Egress.Unread = g.Ingress.Unread
		for _, p := range l.policies {
			if l.spec.HostNetwork {
				break // policies do not rule pods on the host's network
			}
			if p.ingress {
				g.Ingress.Isolated = true
				direction(&g.Ingress, w.admittedBy(p, in, true), w.anybody(p, l, true))
			}
			if p.egress {
				g.Egress.Isolated = true
				direction(&g.Egress, w.admittedBy(p, out, false), w.anybody(p, l, false))
			}
		}
		for _, p := range w.mesh.policies {
			if l.out.Mesh == model.No || !w.covers(p, l) {
				continue
			}
			switch p.spec.GetAction() {
			case security.AuthorizationPolicy_ALLOW:
				union(&g.Allow, w.callers(p, callers))
			case security.AuthorizationPolicy_DENY:
				w.deny(&g.Deny, w.callers(p, callers))
			case security.AuthorizationPolicy_CUSTOM:
				g.Token = true // somebody else decides
			}
		}
		g.Token = g.Token || l.out.Admission.DemandsToken == model.Yes && l.out.Admission.RequestAuth || w.otherMeshPolicy(l)
		l.out.Gates = g
	}
}

// unreadKinds are policies of the network that are written in other languages than Kubernetes' own.
var unreadKinds = map[string]bool{
	"cilium.io/CiliumNetworkPolicy": true, "cilium.io/CiliumClusterwideNetworkPolicy": true,
	"crd.projectcalico.org/NetworkPolicy": true, "crd.projectcalico.org/GlobalNetworkPolicy": true, "projectcalico.org/NetworkPolicy": true, "projectcalico.org/GlobalNetworkPolicy": true,
	"policy.networking.k8s.io/AdminNetworkPolicy": true, "policy.networking.k8s.io/BaselineAdminNetworkPolicy": true, "policy.networking.k8s.io/ClusterNetworkPolicy": true,
	"crd.antrea.io/NetworkPolicy": true, "crd.antrea.io/ClusterNetworkPolicy": true,
}

// unreadPolicies lists the namespaces that have policies which cannot be read; "" is all of them.
func (w *world) unreadPolicies() map[string]bool {
	found := map[string]bool{}
	for _, o := range w.objects {
		if !unreadKinds[o.group+"/"+o.kind] {
			continue
		}
		if strings.Contains(o.kind, "Cluster") || strings.Contains(o.kind, "Global") || strings.Contains(o.kind, "Admin") {
			found[""] = true
		} else {
			found[o.namespace] = true
		}
	}
	return found
}

// otherMeshPolicy reports whether policies of Linkerd, which are not read, may speak about the workload.
func (w *world) otherMeshPolicy(l *workload) bool {
	return slices.ContainsFunc(w.objects, func(o *object) bool {
		return o.group == "policy.linkerd.io" && o.namespace == l.namespace && strings.HasSuffix(o.kind, "Policy")
	})
}

// direction adds what one policy admits.
func direction(d *model.Direction, admitted, anybody model.Direction) {
	d.Everyone = d.Everyone || admitted.Everyone || anybody.Everyone
	d.Outside = d.Outside || admitted.Outside || anybody.Outside
	d.Unclear = d.Unclear || admitted.Unclear || anybody.Unclear
	d.Named = d.Named || admitted.Named
	d.Namespaces = merged(d.Namespaces, admitted.Namespaces)
	d.Workloads = merged(d.Workloads, admitted.Workloads)
}

func merged(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// anybody is what rules without peers admit: anybody, on some ports where they list any.
func (w *world) anybody(p *networkPolicy, l *workload, ingress bool) model.Direction {
	var d model.Direction
	rule := func(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
		switch {
		case len(peers) > 0 || onlyNames(ports):
		case len(ports) == 0, ingress && l.serves(ports):
			d.Everyone, d.Outside = true, true
		case !ingress || len(l.out.Ports) == 0:
			d.Unclear = true // whether the other end listens there is not in the files
		}
	}
	if ingress {
		for _, r := range p.spec.Ingress {
			rule(r.From, r.Ports)
		}
	} else {
		for _, r := range p.spec.Egress {
			rule(r.To, r.Ports)
		}
	}
	return d
}

// onlyNames reports whether a rule is about looking up names and nothing else.
func onlyNames(ports []networkingv1.NetworkPolicyPort) bool {
	return len(ports) > 0 && !slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.Port == nil || p.EndPort != nil || p.Port.String() != "53" && p.Port.String() != "5353" && p.Port.String() != "dns" && p.Port.String() != "dns-tcp"
	})
}

func (l *workload) serves(ports []networkingv1.NetworkPolicyPort) bool {
	return slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.Port == nil || slices.ContainsFunc(l.out.Ports, func(o model.Port) bool {
			within := p.EndPort != nil && o.Port >= p.Port.IntValue() && o.Port <= int(*p.EndPort)
			return within || o.Port == p.Port.IntValue() || o.Name != "" && o.Name == p.Port.String()
		})
	})
}

// admittedBy is what the peers of one policy's rules mean, looked up once.
func (w *world) admittedBy(p *networkPolicy, known map[*networkPolicy]model.Direction, ingress bool) model.Direction {
	if d, done := known[p]; done {
		return d
	}
	var d model.Direction
	if ingress {
		for _, r := range p.spec.Ingress {
			w.addPeers(&d, p, r.From)
		}
	} else {
		for _, r := range p.spec.Egress {
			if !onlyNames(r.Ports) {
				w.addPeers(&d, p, r.To)
			}
		}
	}
	d.Workloads, d.Namespaces = merged(d.Workloads, nil), merged(d.Namespaces, nil)
	known[p] = d
	return d
}

func (w *world) addPeers(d *model.Direction, p *networkPolicy, peers []networkingv1.NetworkPolicyPeer) {
	for _, peer := range peers {
		switch {
		case peer.IPBlock != nil:
			d.Outside = true
			d.Unclear = d.Unclear || mayHoldPods(peer.IPBlock.CIDR)
		case named(peer):
			d.Named = true
			for _, l := range w.workloads {
				if !l.spec.HostNetwork && w.admits(peer, p.namespace, l) {
					d.Workloads = append(d.Workloads, l.out.Name)
				}
			}
			d.Unclear = d.Unclear || peer.NamespaceSelector != nil && w.unsureOf(peer.NamespaceSelector)
		case peer.NamespaceSelector == nil:
			d.Namespaces = append(d.Namespaces, p.namespace)
		case len(peer.NamespaceSelector.MatchLabels)+len(peer.NamespaceSelector.MatchExpressions) == 0:
			d.Everyone = true
		default:
			for _, l := range w.workloads {
				if selectorOf(peer.NamespaceSelector).Matches(w.namespaceLabels(l.namespace)) {
					d.Namespaces = append(d.Namespaces, l.namespace)
				}
			}
			d.Unclear = d.Unclear || w.unsureOf(peer.NamespaceSelector)
		}
	}
}

// unsureOf reports whether a selector asks for labels of namespaces that these files do not declare.
func (w *world) unsureOf(s *metav1.LabelSelector) bool {
	selector := selectorOf(s)
	return slices.ContainsFunc(w.workloads, func(l *workload) bool {
		bare := labels.Set{"kubernetes.io/metadata.name": l.namespace}
		return w.namespaces[l.namespace] == nil && !selector.Matches(bare) && asksMore(s, l.namespace)
	})
}

// asksMore reports whether a selector that a namespace's name alone does not satisfy asks for other labels and not for another name.
func asksMore(s *metav1.LabelSelector, name string) bool {
	const own = "kubernetes.io/metadata.name"
	if v, asked := s.MatchLabels[own]; asked && v != name {
		return false
	}
	for _, e := range s.MatchExpressions {
		if e.Key == own && (e.Operator == metav1.LabelSelectorOpIn) != slices.Contains(e.Values, name) {
			return false
		}
	}
	return true
}

// mayHoldPods reports whether a block of addresses may be those of pods too: it is huge, or private.
func mayHoldPods(cidr string) bool {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return true
	}
	a := prefix.Masked().Addr().Unmap()
	return prefix.Bits() < 8 || a.IsPrivate() || a.IsLinkLocalUnicast() || netip.MustParsePrefix("100.64.0.0/10").Contains(a)
}

// secrets lists the Secrets that containers are given as files or variables.
func (l *workload) secrets() []string {
	var list []string
	add := func(name string) {
		if name != "" {
			list = merged(list, []string{l.namespace + "/" + name})
		}
	}
	for _, v := range l.spec.Volumes {
		if v.Secret != nil {
			add(v.Secret.SecretName)
		}
		if v.Projected != nil {
			for _, s := range v.Projected.Sources {
				if s.Secret != nil {
					add(s.Secret.Name)
				}
			}
		}
	}
	for _, c := range slices.Concat(l.spec.Containers, l.spec.InitContainers) {
		for _, e := range c.EnvFrom {
			if e.SecretRef != nil {
				add(e.SecretRef.Name)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				add(secretName(e.ValueFrom.SecretKeyRef))
			}
		}
	}
	return list
}

func secretName(r *corev1.SecretKeySelector) string { return r.Name }

// callers is whom one authorization policy means, looked up once.
func (w *world) callers(p authorizationPolicy, known map[*object]model.Callers) model.Callers {
	if c, done := known[p.object]; done {
		return c
	}
	c := model.Callers{Any: true}
	deny := p.spec.GetAction() == security.AuthorizationPolicy_DENY
	for _, r := range p.spec.GetRules() {
		sure := anywhere(r) && len(r.GetWhen()) == 0
		if deny && !sure {
			continue // it refuses something, not everything
		}
		if len(r.GetFrom()) == 0 {
			c.Everyone = c.Everyone || sure
			c.Unclear = c.Unclear || !sure
		}
		for _, f := range r.GetFrom() {
			part := w.source(f.GetSource(), p.namespace, sure)
			if deny {
				w.deny(&c, part)
			} else {
				union(&c, part)
			}
		}
	}
	known[p.object] = c
	return c
}

// source is whom one source of a rule means.
func (w *world) source(s *security.Source, namespace string, sure bool) model.Callers {
	who, spaces := principals(s, namespace), s.GetNamespaces()
	not := len(s.GetNotPrincipals()) + len(s.GetNotNamespaces())
	asks := len(s.GetRequestPrincipals()) + len(s.GetNotRequestPrincipals()) + len(s.GetIpBlocks()) + len(s.GetNotIpBlocks()) + len(s.GetRemoteIpBlocks()) + len(s.GetNotRemoteIpBlocks())
	c := model.Callers{Any: true}
	switch {
	case specific(who), specific(spaces):
		for _, l := range w.workloads {
			if matchesSource(s, namespace, l) {
				c.Workloads = append(c.Workloads, l.out.Name)
			}
		}
		if len(who) == 0 && not == 0 && !slices.ContainsFunc(spaces, func(n string) bool { return strings.Contains(n, "*") }) {
			c.Namespaces, c.Workloads = merged(nil, spaces), nil
		}
	case asks > 0:
		c.Unclear = true
	case not > 0:
		c.Others = true
		for _, l := range w.workloads {
			if !matchesSource(s, namespace, l) {
				c.Workloads = append(c.Workloads, l.out.Name)
			}
		}
	case len(who)+len(spaces) > 0: // "*": anybody with a name
		c.Members, c.Unclear = sure, !sure
	default:
		c.Everyone, c.Unclear = sure, !sure
	}
	slices.Sort(c.Workloads)
	return c
}

// union adds what another ALLOW policy lets in. Everybody but some is not known to be anybody in particular.
func union(c *model.Callers, o model.Callers) {
	c.Any = true
	c.Everyone, c.Members = c.Everyone || o.Everyone, c.Members || o.Members
	c.Unclear = c.Unclear || o.Unclear || o.Others
	c.Namespaces = merged(c.Namespaces, o.Namespaces)
	if !o.Others {
		c.Workloads = merged(c.Workloads, o.Workloads)
	}
}

// deny adds what another DENY policy refuses. What asks for more than files show refuses nobody for certain.
func (w *world) deny(c *model.Callers, o model.Callers) {
	if !o.Everyone && !o.Others && len(o.Namespaces)+len(o.Workloads) == 0 {
		return
	}
	c.Any = true
	c.Everyone = c.Everyone || o.Everyone
	switch {
	case !c.Others && !o.Others:
		c.Namespaces, c.Workloads = merged(c.Namespaces, o.Namespaces), merged(c.Workloads, o.Workloads)
	case c.Others && o.Others: // refused is who is missing in either list
		c.Workloads = slices.DeleteFunc(c.Workloads, func(n string) bool { return !slices.Contains(o.Workloads, n) })
	default:
		spared, refused := w.members(*c), w.members(o)
		if o.Others {
			spared, refused = refused, spared
		}
		c.Others, c.Namespaces = true, nil
		c.Workloads = slices.DeleteFunc(spared, func(n string) bool { return slices.Contains(refused, n) })
	}
}

// members lists the workloads that callers mean, one by one.
func (w *world) members(c model.Callers) []string {
	list := slices.Clone(c.Workloads)
	for _, l := range w.workloads {
		if slices.Contains(c.Namespaces, l.namespace) {
			list = append(list, l.out.Name)
		}
	}
	return merged(list, nil)
}
