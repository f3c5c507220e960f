package kubernetes

import (
	"slices"
	"strings"

	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"muster/internal/imports/model"
)

// route is what HTTPRoute, GRPCRoute, TLSRoute and TCPRoute share.
type route struct {
	Spec struct {
		ParentRefs []gateway.ParentReference
		Hostnames  []string
		Rules      []struct {
			Filters []struct {
				Type            string
				RequestRedirect *struct{ Scheme *string }
			}
			BackendRefs []gateway.BackendRef
		}
	}
}

// redirectsOnly reports whether a route does nothing but send callers on to HTTPS.
func (r *route) redirectsOnly() bool {
	for _, rule := range r.Spec.Rules {
		sends := false
		for _, f := range rule.Filters {
			sends = sends || (f.RequestRedirect != nil && f.RequestRedirect.Scheme != nil && strings.EqualFold(*f.RequestRedirect.Scheme, "https"))
		}
		if !sends || len(rule.BackendRefs) > 0 {
			return false
		}
	}
	return len(r.Spec.Rules) > 0
}

// parents lists the gateways of a route. A Service as parent is traffic inside the mesh.
func (r *route) parents(o *object) []gateway.ParentReference {
	var list []gateway.ParentReference
	for _, p := range r.Spec.ParentRefs {
		if p.Kind != nil && *p.Kind != "Gateway" {
			continue
		}
		if p.Namespace == nil {
			own := gateway.Namespace(o.namespace)
			p.Namespace = &own
		}
		list = append(list, p)
	}
	return list
}

// findRedirects notes on each gateway the listeners that only send callers on to HTTPS.
func (w *world) findRedirects() error {
	for _, o := range w.objects {
		if o.group != "gateway.networking.k8s.io" || o.kind != "HTTPRoute" {
			continue
		}
		var r route
		if err := o.decode(&r); err != nil {
			return err
		}
		if !r.redirectsOnly() {
			continue
		}
		for _, p := range r.parents(o) {
			g := w.mesh.gateways[namespaceName{string(*p.Namespace), string(p.Name)}]
			if g == nil {
				continue
			}
			section := gateway.SectionName("")
			if p.SectionName != nil {
				section = *p.SectionName
			}
			g.redirects = append(g.redirects, section)
		}
	}
	return nil
}

func (w *world) exposeRoute(o *object) error {
	var r route
	if err := o.decode(&r); err != nil {
		return err
	}
	t, scope, parents := terms{tls: model.Unknown}, "internal", r.parents(o)
	for _, p := range parents {
		g := w.mesh.gateways[namespaceName{string(*p.Namespace), string(p.Name)}]
		if g.scope() == "all" {
			scope = "all"
		}
		if found := g.terms(p.SectionName); t.tls != model.No && found.tls != model.Unknown {
			t = found
		}
	}
	if len(parents) == 0 || slices.ContainsFunc(parents, func(p gateway.ParentReference) bool {
		return w.mesh.gateways[namespaceName{string(*p.Namespace), string(p.Name)}].waypoint()
	}) {
		return nil
	}
	for _, rule := range r.Spec.Rules {
		for _, b := range rule.BackendRefs {
			namespace := o.namespace
			if b.Namespace != nil {
				namespace = string(*b.Namespace)
			}
			w.exposeHost(string(b.Name), namespace, t.exposure("gateway", o.name, strings.Join(r.Spec.Hostnames, ", "), scope, o.at()))
		}
	}
	return nil
}

// waypoint reports whether a gateway is a proxy inside the mesh.
func (g *apiGateway) waypoint() bool {
	return g != nil && strings.Contains(string(g.spec.GatewayClassName), "waypoint")
}

// scope is internal where the gateway's class or its load balancer is.
func (g *apiGateway) scope() string {
	if g == nil {
		return "all"
	}
	class := string(g.spec.GatewayClassName)
	internal := strings.Contains(class, "internal") || strings.HasPrefix(class, "gke-l7-rilb") || isInternal(g.annotations)
	if g.spec.Infrastructure != nil {
		annotations := map[string]string{}
		for k, v := range g.spec.Infrastructure.Annotations {
			annotations[string(k)] = string(v)
		}
		internal = internal || isInternal(annotations) || annotations["networking.istio.io/service-type"] == "ClusterIP"
	}
	if internal || g.annotations["networking.istio.io/service-type"] == "ClusterIP" {
		return "internal"
	}
	return "all"
}

// terms says no when a listener that the route may use takes plain HTTP for more than a redirect.
func (g *apiGateway) terms(section *gateway.SectionName) terms {
	t := terms{tls: model.Unknown}
	if g == nil {
		return t
	}
	for _, l := range g.spec.Listeners {
		switch l.Protocol {
		case gateway.HTTPProtocolType:
			if slices.Contains(g.redirects, l.Name) || (slices.Contains(g.redirects, "") && section != nil && *section != l.Name) {
				t.redirects = true
				continue
			}
			if section == nil || *section == l.Name {
				return terms{tls: model.No}
			}
		case gateway.HTTPSProtocolType, gateway.TLSProtocolType:
			if section == nil || *section == l.Name {
				t.tls = model.Yes
			}
		}
	}
	return t
}
