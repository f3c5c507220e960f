package kubernetes

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"muster/internal/imports/model"
)

// otherRoute is a kind of route that an ingress controller brought along.
type otherRoute struct {
	lists   []string // keys of lists that name Services, at any depth under spec
	name    string   // the key of an item, or of spec itself, that is the Service's name
	address []string // where the host stands under spec
	terms   func(spec *yaml.Node) terms
}

// otherRoutes are known by group and kind; the group's makers renamed some.
var otherRoutes = map[string]otherRoute{
	"traefik.io/IngressRoute":             {[]string{"services"}, "name", nil, traefikTerms},
	"traefik.containo.us/IngressRoute":    {[]string{"services"}, "name", nil, traefikTerms},
	"traefik.io/IngressRouteTCP":          {[]string{"services"}, "name", nil, traefikTerms},
	"traefik.containo.us/IngressRouteTCP": {[]string{"services"}, "name", nil, traefikTerms},
	"traefik.io/IngressRouteUDP":          {[]string{"services"}, "name", nil, unknownTerms},
	"projectcontour.io/HTTPProxy":         {[]string{"services"}, "name", []string{"virtualhost", "fqdn"}, contourTerms},
	"route.openshift.io/Route":            {[]string{"to", "alternateBackends"}, "name", []string{"host"}, openshiftTerms},
	"getambassador.io/Mapping":            {nil, "service", []string{"hostname"}, unknownTerms},
	"getambassador.io/TCPMapping":         {nil, "service", []string{"host"}, unknownTerms},
	"k8s.nginx.org/VirtualServer":         {[]string{"upstreams"}, "service", []string{"host"}, nginxTerms},
	"k8s.nginx.org/VirtualServerRoute":    {[]string{"upstreams"}, "service", []string{"host"}, unknownTerms},
	"k8s.nginx.org/TransportServer":       {[]string{"upstreams"}, "service", []string{"host"}, unknownTerms},
	"apisix.apache.org/ApisixRoute":       {[]string{"backends"}, "serviceName", nil, unknownTerms},
	"configuration.konghq.com/TCPIngress": {[]string{"backend"}, "serviceName", nil, unknownTerms},
	"configuration.konghq.com/UDPIngress": {[]string{"backend"}, "serviceName", nil, unknownTerms},
	"zalando.org/RouteGroup":              {[]string{"backends"}, "serviceName", nil, unknownTerms},
	"elbv2.k8s.aws/TargetGroupBinding":    {[]string{"serviceRef"}, "name", nil, unknownTerms},
}

func (w *world) exposeOther(o *object) {
	r, known := otherRoutes[strings.TrimPrefix(o.group, "x.")+"/"+o.kind]
	if !known {
		return
	}
	spec := child(o.node, "spec")
	address := ""
	if len(r.address) > 0 {
		if n := child(spec, r.address...); n != nil && n.Kind == yaml.ScalarNode {
			address = n.Value
		}
	}
	e := r.terms(spec).exposure("ingress", o.name, address, "all", o.at())
	budget := 10_000
	for _, b := range r.backends(spec, &budget) {
		b.namespace = strings.TrimSpace(b.namespace)
		if b.namespace == "" {
			b.namespace = o.namespace
		}
		w.exposeHost(b.name, b.namespace, e)
	}
}

// backends finds the Services that a route names.
func (r otherRoute) backends(n *yaml.Node, budget *int) []namespaceName {
	var found []namespaceName
	take := func(n *yaml.Node) {
		if name := text(n, r.name); name != "" && text(n, "kind") != "TraefikService" {
			_, host, scheme := strings.Cut(name, "://")
			if !scheme {
				host = name
			}
			host, _, _ = strings.Cut(host, ":")
			found = append(found, namespaceName{text(n, "namespace"), host})
		}
	}
	if r.lists == nil {
		take(resolve(n))
		return found
	}
	n = resolve(n)
	if *budget--; *budget < 0 || n == nil {
		return nil
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		if n.Kind == yaml.MappingNode && slices.Contains(r.lists, n.Content[i-1].Value) {
			if c = resolve(c); c != nil && c.Kind == yaml.SequenceNode {
				for _, item := range c.Content {
					take(resolve(item))
				}
				continue
			}
			take(c)
			continue
		}
		found = append(found, r.backends(c, budget)...)
	}
	return found
}

func unknownTerms(*yaml.Node) terms { return terms{tls: model.Unknown} }

// traefikTerms follow the section tls; the entry point "websecure" is encrypted by custom.
func traefikTerms(spec *yaml.Node) terms {
	for i := 0; spec != nil && i+1 < len(spec.Content); i += 2 {
		if spec.Content[i].Value == "tls" {
			return terms{tls: model.Yes}
		}
	}
	if points := child(spec, "entryPoints"); points != nil && len(points.Content) == 1 && points.Content[0].Value == "websecure" {
		return terms{tls: model.Yes}
	}
	return terms{tls: model.No}
}

// contourTerms redirect plain HTTP unless a route permits it.
func contourTerms(spec *yaml.Node) terms {
	if child(spec, "virtualhost", "tls") == nil {
		return terms{tls: model.No}
	}
	t := terms{tls: model.Yes, redirects: true}
	if version := text(child(spec, "virtualhost", "tls"), "minimumProtocolVersion"); version != "" {
		t.minTLS = "TLS" + version
	}
	if routes := child(spec, "routes"); routes != nil && routes.Kind == yaml.SequenceNode {
		for _, r := range routes.Content {
			if text(resolve(r), "permitInsecure") == "true" {
				return terms{tls: model.No}
			}
		}
	}
	return t
}

func openshiftTerms(spec *yaml.Node) terms {
	tls := child(spec, "tls")
	if text(tls, "termination") == "" || text(tls, "insecureEdgeTerminationPolicy") == "Allow" {
		return terms{tls: model.No}
	}
	return terms{tls: model.Yes, redirects: text(tls, "insecureEdgeTerminationPolicy") == "Redirect"}
}

func nginxTerms(spec *yaml.Node) terms {
	if child(spec, "tls") == nil {
		return terms{tls: model.No}
	}
	return terms{tls: model.Yes, redirects: text(child(spec, "tls", "redirect"), "enable") == "true"}
}

var privateRange = regexp.MustCompile(`^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|127\.|fd|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)`)

// onlyPrivate reports whether all ranges lie in private networks.
func onlyPrivate(ranges []string) bool {
	return len(ranges) > 0 && !slices.ContainsFunc(ranges, func(r string) bool { return !privateRange.MatchString(strings.ToLower(r)) })
}
