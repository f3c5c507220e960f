package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	istio "istio.io/client-go/pkg/apis/networking/v1"
	corev1 "k8s.io/api/core/v1"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"muster/internal/imports/model"
)

// expose finds every way in from outside.
func (w *world) expose() error {
	for _, s := range w.services {
		w.exposeService(s)
	}
	for _, l := range w.workloads {
		l.exposeHostPorts()
	}
	for _, o := range w.objects {
		var err error
		switch o.group + "/" + o.kind {
		case "networking.k8s.io/Ingress":
			err = w.exposeIngress(o)
		case "networking.istio.io/VirtualService":
			err = w.exposeVirtualService(o)
		case "gateway.networking.k8s.io/HTTPRoute", "gateway.networking.k8s.io/GRPCRoute", "gateway.networking.k8s.io/TLSRoute", "gateway.networking.k8s.io/TCPRoute", "gateway.networking.k8s.io/UDPRoute":
			err = w.exposeRoute(o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *workload) expose(e model.Exposure) {
	if !slices.Contains(l.out.Exposures, e) {
		l.out.Exposures = append(l.out.Exposures, e)
	}
	l.out.Exposed = l.out.Exposed || (e.Scope == "all" && !e.Ephemeral)
}

// internalBalancer are the annotations by which clouds keep a load balancer inside the company's network.
var internalBalancer = map[string][]string{
	"networking.gke.io/load-balancer-type":                               {"internal"},
	"cloud.google.com/load-balancer-type":                                {"internal"},
	"service.beta.kubernetes.io/azure-load-balancer-internal":            {"true"},
	"service.beta.kubernetes.io/aws-load-balancer-internal":              {"true", "0.0.0.0/0"},
	"service.beta.kubernetes.io/aws-load-balancer-scheme":                {"internal"},
	"service.beta.kubernetes.io/oci-load-balancer-internal":              {"true"},
	"service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type":     {"private"},
	"service.beta.kubernetes.io/openstack-internal-load-balancer":        {"true"},
	"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": {"intranet"},
}

func isInternal(annotations map[string]string) bool {
	for key, words := range internalBalancer {
		if slices.Contains(words, strings.ToLower(annotations[key])) {
			return true
		}
	}
	return false
}

func (w *world) exposeService(s *service) {
	via := map[corev1.ServiceType]string{corev1.ServiceTypeLoadBalancer: "load_balancer", corev1.ServiceTypeNodePort: "node_port"}[s.spec.Type]
	if via == "" && len(s.spec.ExternalIPs) > 0 {
		via = "load_balancer"
	}
	if via == "" {
		return
	}
	scope := "all"
	if via == "load_balancer" && isInternal(s.annotations) {
		scope = "internal"
	}
	for _, l := range s.workloads {
		for _, p := range s.spec.Ports {
			port := p.Port
			if via == "node_port" && p.NodePort != 0 {
				port = p.NodePort
			}
			tls := model.Unknown
			if p.Name == "http" || strings.HasPrefix(p.Name, "http-") || p.Port == 80 {
				tls = model.No
			}
			l.expose(model.Exposure{Via: via, Name: s.name, Address: fmt.Sprintf(":%d", port), Scope: scope, TLS: tls, At: s.at()})
		}
	}
}

func (l *workload) exposeHostPorts() {
	node := child(l.pod, "containers")
	for i, c := range l.spec.Containers {
		for j, p := range c.Ports {
			port := p.HostPort
			if port == 0 && l.spec.HostNetwork {
				port = p.ContainerPort
			}
			if port == 0 {
				continue
			}
			scope := "all"
			if strings.HasPrefix(p.HostIP, "127.") || p.HostIP == "::1" {
				scope = "loopback"
			}
			at := model.At(l.path, itemLine(child(nodeItem(node, i), "ports"), j))
			l.expose(model.Exposure{Via: "host_port", Name: l.name, Address: fmt.Sprintf("%s:%d", p.HostIP, port), Scope: scope, TLS: model.Unknown, At: at})
		}
	}
}

// exposeIngress reads the form of today and the v1beta1 one, whose backends name the service directly.
func (w *world) exposeIngress(o *object) error {
	type backend struct {
		ServiceName string
		Service     *struct{ Name string }
	}
	var in struct {
		Spec struct {
			TLS            []struct{ Hosts []string }
			Backend        *backend
			DefaultBackend *backend
			Rules          []struct {
				Host string
				HTTP struct{ Paths []struct{ Backend backend } }
			}
		}
	}
	if err := o.decode(&in); err != nil {
		return err
	}
	add := func(b *backend, host string) {
		if b == nil {
			return
		}
		name := b.ServiceName
		if b.Service != nil {
			name = b.Service.Name
		}
		covered := slices.ContainsFunc(in.Spec.TLS, func(t struct{ Hosts []string }) bool { return len(t.Hosts) == 0 || slices.Contains(t.Hosts, host) })
		scope := "all"
		if o.annotations["alb.ingress.kubernetes.io/scheme"] == "internal" || strings.Contains(o.annotations["kubernetes.io/ingress.class"], "internal") {
			scope = "internal"
		}
		e := model.Exposure{Via: "ingress", Name: o.name, Address: host, Scope: scope, TLS: model.Of(covered), At: o.at()}
		w.exposeHost(name, o.namespace, e)
	}
	add(in.Spec.Backend, "")
	add(in.Spec.DefaultBackend, "")
	for _, r := range in.Spec.Rules {
		for i := range r.HTTP.Paths {
			add(&r.HTTP.Paths[i].Backend, r.Host)
		}
	}
	return nil
}

// exposeHost opens the way to every workload behind a service's name.
func (w *world) exposeHost(host, namespace string, e model.Exposure) {
	for _, l := range w.behind(host, namespace) {
		l.expose(e)
	}
}

// exposeVirtualService exposes only through gateways; "mesh" alone is traffic inside.
func (w *world) exposeVirtualService(o *object) error {
	var vs istio.VirtualService
	if err := o.decode(&vs); err != nil {
		return err
	}
	var outside []string
	for _, g := range vs.Spec.Gateways {
		if g != "mesh" {
			outside = append(outside, g)
		}
	}
	if len(outside) == 0 {
		return nil
	}
	e := model.Exposure{Via: "gateway", Name: o.name, Address: strings.Join(vs.Spec.Hosts, ", "), Scope: "all", TLS: w.gatewayTLS(outside, o.namespace), At: o.at()}
	for _, host := range destinations(&vs) {
		w.exposeHost(host, o.namespace, e)
	}
	return nil
}

// destinations lists every host that a VirtualService sends requests to.
func destinations(vs *istio.VirtualService) []string {
	var hosts []string
	for _, r := range vs.Spec.Http {
		for _, d := range r.Route {
			hosts = append(hosts, d.GetDestination().GetHost())
		}
	}
	for _, r := range vs.Spec.Tls {
		for _, d := range r.Route {
			hosts = append(hosts, d.GetDestination().GetHost())
		}
	}
	for _, r := range vs.Spec.Tcp {
		for _, d := range r.Route {
			hosts = append(hosts, d.GetDestination().GetHost())
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// gatewayTLS says no when any listener takes plain HTTP without sending the caller on to HTTPS.
func (w *world) gatewayTLS(names []string, namespace string) model.Truth {
	answer := model.Unknown
	for _, name := range names {
		place := namespaceName{namespace, name}
		if ns, rest, full := strings.Cut(name, "/"); full {
			place = namespaceName{ns, rest}
		}
		for _, o := range w.objects {
			if o.group != "networking.istio.io" || o.kind != "Gateway" || o.namespace != place.namespace || o.name != place.name {
				continue
			}
			var g istio.Gateway
			if o.decode(&g) != nil {
				continue // reported where gateways are read for themselves
			}
			for _, s := range g.Spec.Servers {
				plain := strings.HasPrefix(strings.ToUpper(s.GetPort().GetProtocol()), "HTTP") && !strings.EqualFold(s.GetPort().GetProtocol(), "HTTPS")
				if plain && !s.GetTls().GetHttpsRedirect() {
					return model.No
				}
				if s.GetTls() != nil {
					answer = model.Yes
				}
			}
		}
	}
	return answer
}

// route is what HTTPRoute, GRPCRoute, TLSRoute and TCPRoute share.
type route struct {
	Spec struct {
		ParentRefs []gateway.ParentReference
		Hostnames  []string
		Rules      []struct{ BackendRefs []gateway.BackendRef }
	}
}

func (w *world) exposeRoute(o *object) error {
	var r route
	if err := o.decode(&r); err != nil {
		return err
	}
	tls, toGateway := model.Unknown, false
	for _, p := range r.Spec.ParentRefs {
		if p.Kind != nil && *p.Kind != "Gateway" {
			continue // a Service as parent is traffic inside the mesh
		}
		toGateway = true
		namespace := o.namespace
		if p.Namespace != nil {
			namespace = string(*p.Namespace)
		}
		if found := w.listenerTLS(namespaceName{namespace, string(p.Name)}, p.SectionName); tls != model.No && found != model.Unknown {
			tls = found
		}
	}
	if !toGateway {
		return nil
	}
	for _, rule := range r.Spec.Rules {
		for _, b := range rule.BackendRefs {
			namespace := o.namespace
			if b.Namespace != nil {
				namespace = string(*b.Namespace)
			}
			w.exposeHost(string(b.Name), namespace, model.Exposure{Via: "gateway", Name: o.name, Address: strings.Join(r.Spec.Hostnames, ", "), Scope: "all", TLS: tls, At: o.at()})
		}
	}
	return nil
}

func (w *world) listenerTLS(place namespaceName, section *gateway.SectionName) model.Truth {
	answer := model.Unknown
	for _, o := range w.objects {
		if o.group != "gateway.networking.k8s.io" || o.kind != "Gateway" || o.namespace != place.namespace || o.name != place.name {
			continue
		}
		var g gateway.Gateway
		if o.decode(&g) != nil {
			continue
		}
		for _, l := range g.Spec.Listeners {
			if section != nil && l.Name != *section {
				continue
			}
			if l.Protocol == gateway.HTTPProtocolType {
				return model.No
			}
			if l.Protocol == gateway.HTTPSProtocolType || l.Protocol == gateway.TLSProtocolType {
				answer = model.Yes
			}
		}
	}
	return answer
}
