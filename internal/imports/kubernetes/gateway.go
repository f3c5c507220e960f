package kubernetes

import (
	"path"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1"
	corev1 "k8s.io/api/core/v1"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"muster/internal/imports/infer"
	"muster/internal/imports/model"
)

// apiGateway is a Gateway of the Gateway API.
type apiGateway struct {
	*object
	spec      gateway.GatewaySpec
	redirects []gateway.SectionName // listeners whose only routes send on to HTTPS; "" is all of them
}

// exposeVirtualService exposes only through gateways; "mesh" alone is traffic inside.
func (w *world) exposeVirtualService(v virtualService) {
	var outside []string
	for _, g := range v.spec.GetGateways() {
		if g != "mesh" {
			outside = append(outside, g)
		}
	}
	if len(outside) == 0 {
		return
	}
	e := w.istioTerms(outside, v).exposure("gateway", v.name, strings.Join(v.spec.GetHosts(), ", "), "all", v.at())
	for _, host := range destinations(v.spec) {
		w.exposeHost(host, v.namespace, e)
	}
}

// destinations lists every host that a VirtualService sends requests to.
func destinations(vs *networking.VirtualService) []string {
	var hosts []string
	for _, r := range vs.GetHttp() {
		for _, d := range r.GetRoute() {
			hosts = append(hosts, d.GetDestination().GetHost())
		}
	}
	for _, r := range vs.GetTls() {
		for _, d := range r.GetRoute() {
			hosts = append(hosts, d.GetDestination().GetHost())
		}
	}
	for _, r := range vs.GetTcp() {
		for _, d := range r.GetRoute() {
			hosts = append(hosts, d.GetDestination().GetHost())
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// place splits Istio's "namespace/name" of a gateway.
func place(name, namespace string) namespaceName {
	if ns, rest, full := strings.Cut(name, "/"); full && ns != "." {
		return namespaceName{ns, rest}
	} else if full {
		name = rest
	}
	return namespaceName{namespace, name}
}

var istioVersions = map[networking.ServerTLSSettings_TLSProtocol]string{
	networking.ServerTLSSettings_TLSV1_0: "TLS1.0", networking.ServerTLSSettings_TLSV1_1: "TLS1.1",
	networking.ServerTLSSettings_TLSV1_2: "TLS1.2", networking.ServerTLSSettings_TLSV1_3: "TLS1.3",
}

// istioTerms says no when a server for these hosts takes plain HTTP without sending the caller on to HTTPS.
func (w *world) istioTerms(names []string, v virtualService) terms {
	t := terms{tls: model.Unknown}
	for _, name := range names {
		g := w.mesh.edges[place(name, v.namespace)]
		for _, s := range serversFor(g, v.spec.GetHosts()) {
			protocol := strings.ToUpper(s.GetPort().GetProtocol())
			switch {
			case s.GetTls().GetHttpsRedirect():
				t.redirects = true
				if t.tls == model.Unknown {
					t.tls = model.Yes
				}
			case strings.HasPrefix(protocol, "HTTP") && protocol != "HTTPS" || strings.HasPrefix(protocol, "GRPC") && s.GetTls() == nil:
				return terms{tls: model.No}
			case s.GetTls() != nil:
				t.tls = model.Yes
				if version := istioVersions[s.GetTls().GetMinProtocolVersion()]; version != "" && (t.minTLS == "" || version < t.minTLS) {
					t.minTLS = version
				}
			}
		}
	}
	return t
}

// serversFor lists the servers of a gateway that take these hosts; all of them where none fits by name.
func serversFor(g *networking.Gateway, hosts []string) []*networking.Server {
	var fit []*networking.Server
	for _, s := range g.GetServers() {
		if slices.ContainsFunc(s.GetHosts(), func(own string) bool {
			own = own[strings.IndexByte(own, '/')+1:]
			return slices.ContainsFunc(hosts, func(h string) bool { return overlap(own, h) })
		}) {
			fit = append(fit, s)
		}
	}
	if len(fit) == 0 {
		return g.GetServers()
	}
	return fit
}

// overlap reports whether two host patterns have a host in common.
func overlap(a, b string) bool {
	if strings.HasPrefix(b, "*") && !strings.HasPrefix(a, "*") {
		a, b = b, a
	}
	if rest, wild := strings.CutPrefix(a, "*"); wild {
		return strings.HasSuffix(b, rest) || strings.HasSuffix(rest, strings.TrimPrefix(b, "*"))
	}
	return strings.EqualFold(a, b)
}

// gatewayPods are the workloads that run an Istio gateway.
func (w *world) gatewayPods(name, namespace string) []*workload {
	g := w.mesh.edges[place(name, namespace)]
	if len(g.GetSelector()) == 0 {
		return nil
	}
	var pods []*workload
	for _, l := range w.workloads {
		if matches(g.GetSelector(), l.labels) {
			pods = append(pods, l)
		}
	}
	return pods
}

// markGateways finds the workloads that are the way in themselves.
func (w *world) markGateways() {
	for at := range w.mesh.edges {
		for _, l := range w.gatewayPods(at.name, at.namespace) {
			l.out.Gateway = l.out.Gateway || !isEgress(l)
		}
	}
	for _, l := range w.workloads {
		l.out.Gateway = l.out.Gateway || l.edgeProxy()
	}
}

func isEgress(l *workload) bool {
	return strings.Contains(l.name, "egress") || strings.Contains(l.labels["istio"], "egress")
}

// edgeProxy knows ingress controllers by their image. Istio's proxy is one only where it is no sidecar.
func (l *workload) edgeProxy() bool {
	main := slices.DeleteFunc(slices.Clone(l.spec.Containers), func(c corev1.Container) bool { return c.Name == "istio-proxy" })
	if len(main) == 0 && len(l.spec.Containers) > 0 {
		return !isEgress(l)
	}
	contour := l.labels["app"] == "envoy" || slices.ContainsFunc(l.spec.Containers, func(c corev1.Container) bool { return strings.Contains(c.Image, "contour") })
	return slices.ContainsFunc(main, func(c corev1.Container) bool {
		return infer.EdgeProxy(c.Image) || (contour && strings.HasPrefix(path.Base(c.Image), "envoy"))
	})
}
