package kubernetes

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"muster/internal/imports/model"
)

// networkPolicy is a NetworkPolicy and the workloads that it selects.
type networkPolicy struct {
	*object
	spec            networkingv1.NetworkPolicySpec
	ingress, egress bool
}

func (w *world) findPolicies() error {
	for _, o := range w.objects {
		if o.group != "networking.k8s.io" || o.kind != "NetworkPolicy" {
			continue
		}
		var n networkingv1.NetworkPolicy
		if err := o.decode(&n); err != nil {
			return err
		}
		p := &networkPolicy{object: o, spec: n.Spec}
		p.ingress = len(n.Spec.PolicyTypes) == 0 || slices.Contains(n.Spec.PolicyTypes, networkingv1.PolicyTypeIngress)
		p.egress = len(n.Spec.Egress) > 0 && len(n.Spec.PolicyTypes) == 0 || slices.Contains(n.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		w.policies = append(w.policies, p)
		if !w.attach(p) {
			w.problem(o, "The network policy %s selects no workload of these files, so it protects nothing.", o.name)
		}
	}
	return nil
}

// attach notes the policy on each workload that it selects.
func (w *world) attach(p *networkPolicy) bool {
	selector := selectorOf(&p.spec.PodSelector)
	found := false
	for _, l := range w.workloads {
		// Pods on the host's network are not subject to policies, whatever these select.
		if l.namespace == p.namespace && selector.Matches(labels.Set(l.labels)) {
			l.policies = append(l.policies, p)
			l.out.NetworkPolicies = append(l.out.NetworkPolicies, p.name)
			found = true
		}
	}
	return found
}

// selectorOf takes a selector that cannot be understood as one that selects nothing.
func selectorOf(s *metav1.LabelSelector) labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return labels.Nothing()
	}
	return selector
}

// isolate says which workloads refuse traffic unless a rule admits it: the union of all policies that select them.
func (w *world) isolate() {
	for _, l := range w.workloads {
		for _, p := range l.policies {
			l.out.IngressIsolated = l.out.IngressIsolated || p.ingress
			l.out.EgressIsolated = l.out.EgressIsolated || p.egress
		}
		for _, p := range l.policies {
			if p.ingress && slices.ContainsFunc(p.spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool { return len(r.From) == 0 && len(r.Ports) == 0 }) {
				l.out.IngressIsolated = false
			}
			if p.egress && slices.ContainsFunc(p.spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool { return len(r.To) == 0 && len(r.Ports) == 0 }) {
				l.out.EgressIsolated = false
			}
		}
		if l.spec.HostNetwork {
			l.out.IngressIsolated, l.out.EgressIsolated = false, false
		}
	}
}

// admits reports whether a peer of a policy in a namespace means the workload.
func (w *world) admits(peer networkingv1.NetworkPolicyPeer, namespace string, l *workload) bool {
	if peer.IPBlock != nil {
		return false
	}
	if peer.NamespaceSelector == nil {
		if l.namespace != namespace {
			return false
		}
	} else if !selectorOf(peer.NamespaceSelector).Matches(w.namespaceLabels(l.namespace)) {
		return false
	}
	return peer.PodSelector == nil || selectorOf(peer.PodSelector).Matches(labels.Set(l.labels))
}

// namespaceLabels are the declared ones and the one that Kubernetes itself sets.
func (w *world) namespaceLabels(name string) labels.Set {
	set := labels.Set{"kubernetes.io/metadata.name": name}
	if o := w.namespaces[name]; o != nil {
		for k, v := range o.labels {
			set[k] = v
		}
	}
	return set
}

// named reports whether a peer names certain pods; a rule for everyone draws no edges.
func named(peer networkingv1.NetworkPolicyPeer) bool {
	return peer.PodSelector != nil && len(peer.PodSelector.MatchLabels)+len(peer.PodSelector.MatchExpressions) > 0
}

// policyEdges draws what network policies allow by name: a permission, not a call.
func (w *world) policyEdges() {
	for _, l := range w.workloads {
		for _, p := range l.policies {
			evidence := model.Evidence{Type: "network_policy", Key: p.name, At: p.at()}
			if p.ingress {
				for _, r := range p.spec.Ingress {
					w.peers(r.From, p.namespace, func(other *workload) { w.edges.add(other, l, "allowed", evidence, 0, "") })
				}
			}
			if p.egress {
				for _, r := range p.spec.Egress {
					w.peers(r.To, p.namespace, func(other *workload) { w.edges.add(l, other, "allowed", evidence, 0, "") })
				}
			}
		}
	}
}

func (w *world) peers(peers []networkingv1.NetworkPolicyPeer, namespace string, each func(*workload)) {
	for _, peer := range peers {
		if !named(peer) {
			continue
		}
		for _, other := range w.workloads {
			if w.admits(peer, namespace, other) {
				each(other)
			}
		}
	}
}

// networkAdmits answers whether the network lets from reach to: by a rule that names it, in general, or not.
func (w *world) networkAdmits(from, to *workload) (admitted, byName bool) {
	in, inNamed := w.side(to, from, true)
	out, outNamed := w.side(from, to, false)
	return in && out, inNamed || outNamed
}

func (w *world) side(subject, other *workload, ingress bool) (admitted, byName bool) {
	isolated := subject.out.IngressIsolated
	if !ingress {
		isolated = subject.out.EgressIsolated
	}
	for _, p := range subject.policies {
		for _, peers := range p.rules(ingress) {
			if len(peers) == 0 {
				admitted = true // to or from anyone, on certain ports
			}
			for _, peer := range peers {
				if w.admits(peer, p.namespace, other) {
					admitted, byName = true, byName || named(peer)
				}
			}
		}
	}
	return admitted || !isolated, byName
}

func (p *networkPolicy) rules(ingress bool) [][]networkingv1.NetworkPolicyPeer {
	var rules [][]networkingv1.NetworkPolicyPeer
	if ingress && p.ingress {
		for _, r := range p.spec.Ingress {
			rules = append(rules, r.From)
		}
	}
	if !ingress && p.egress {
		for _, r := range p.spec.Egress {
			rules = append(rules, r.To)
		}
	}
	return rules
}
