package kubernetes

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1"

	"muster/internal/imports/model"
)

// harden notes on each edge what keeps the caller from waiting for ever, and from calling what keeps failing.
func (w *world) harden() {
	for _, v := range w.mesh.routes {
		for host, limited := range timeouts(v.spec) {
			if !limited {
				continue
			}
			for _, to := range w.behind(host, v.namespace) {
				w.eachCall(to, func(from *workload, d *model.Dependency) {
					if w.routed(v, from) {
						d.TimeoutAt = v.at()
					}
				})
			}
		}
	}
	for _, r := range w.mesh.rules {
		if !breaks(r.spec) {
			continue
		}
		for _, s := range w.services {
			if !meansService(r.spec.GetHost(), r.namespace, s) {
				continue
			}
			for _, to := range s.workloads {
				w.eachCall(to, func(from *workload, d *model.Dependency) {
					if from.out.Mesh != model.No { // the caller's proxy does it
						d.BreakerAt = r.at()
					}
				})
			}
		}
	}
}

func (w *world) eachCall(to *workload, do func(from *workload, d *model.Dependency)) {
	for p, e := range w.edges.byPair {
		if p.to == to {
			do(p.from, &e.dependency)
		}
	}
}

// routed reports whether a VirtualService steers the calls of a workload: its own proxy's, or a gateway's.
func (w *world) routed(v virtualService, from *workload) bool {
	if len(v.spec.GetGateways()) == 0 {
		return from.out.Mesh != model.No
	}
	return slices.ContainsFunc(v.spec.GetGateways(), func(name string) bool {
		if name == "mesh" {
			return from.out.Mesh != model.No
		}
		return slices.Contains(w.gatewayPods(name, v.namespace), from)
	})
}

// timeouts says of each destination whether every route to it has a time limit.
func timeouts(v *networking.VirtualService) map[string]bool {
	limited := map[string]bool{}
	for _, r := range v.GetHttp() {
		for _, d := range r.GetRoute() {
			host := d.GetDestination().GetHost()
			before, seen := limited[host]
			limited[host] = r.GetTimeout().AsDuration() > 0 && (before || !seen)
		}
	}
	return limited
}

// breaks reports whether a DestinationRule ejects failing instances: for all traffic, or in every subset.
func breaks(r *networking.DestinationRule) bool {
	if r.GetTrafficPolicy().GetOutlierDetection() != nil {
		return true
	}
	ports := r.GetTrafficPolicy().GetPortLevelSettings()
	if len(ports) > 0 && !slices.ContainsFunc(ports, func(p *networking.TrafficPolicy_PortTrafficPolicy) bool { return p.GetOutlierDetection() == nil }) {
		return true
	}
	return len(r.GetSubsets()) > 0 && !slices.ContainsFunc(r.GetSubsets(), func(s *networking.Subset) bool { return s.GetTrafficPolicy().GetOutlierDetection() == nil })
}

// meansService compares a host of the mesh with a Service: a short name is of the rule's namespace, "*" matches any beginning.
func meansService(host, namespace string, s *service) bool {
	full := s.name + "." + s.namespace + ".svc.cluster.local"
	if suffix, wild := strings.CutPrefix(host, "*"); wild {
		return strings.HasSuffix(full, suffix)
	}
	if !strings.Contains(host, ".") {
		return host == s.name && namespace == s.namespace
	}
	return host == full || host == s.name+"."+s.namespace || host == s.name+"."+s.namespace+".svc"
}
