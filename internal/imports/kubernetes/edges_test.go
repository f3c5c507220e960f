package kubernetes_test

import (
	"fmt"
	"testing"

	"muster/internal/imports/model"
)

func TestTermsOfGateways(t *testing.T) {
	t.Parallel()
	web := deployment("web", "") + service("web", "")
	istio := "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {servers: [%s]}\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r}\nspec: {hosts: [a.example], gateways: [default/g], http: [{route: [{destination: {host: web}}]}]}\n"
	plain := "{port: {number: 80, protocol: HTTP, name: h}, hosts: ['*']}"
	redirect := "{port: {number: 80, protocol: HTTP, name: h}, hosts: ['*'], tls: {httpsRedirect: true}}"
	secure := "{port: {number: 443, protocol: HTTPS, name: s}, hosts: ['*.example'], tls: {mode: SIMPLE, credentialName: c, minProtocolVersion: TLSV1_2}}"
	alien := "{port: {number: 81, protocol: HTTP, name: x}, hosts: [b.other]}"
	ingress := "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i%s}\nspec: {%s rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}\n"
	tls := "tls: [{hosts: [%s]}],"
	api := "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {gatewayClassName: c, listeners: [{name: http, port: 80, protocol: HTTP}, {name: https, port: 443, protocol: HTTPS}]}\n"
	route := "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec: {parentRefs: [{name: g%s}], rules: [{backendRefs: [{name: web, port: 80}]}]}\n"
	sendOn := "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: q}\nspec: {parentRefs: [{name: g, sectionName: http}], rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]}\n"
	for name, c := range map[string]struct {
		text      string
		tls       model.Truth
		redirects bool
		min       string
	}{
		"a plain server beside a secure one":       {fmt.Sprintf(istio, plain+", "+secure), model.No, false, ""},
		"a server that sends on":                   {fmt.Sprintf(istio, redirect+", "+secure), model.Yes, true, "TLS1.2"},
		"a secure server alone":                    {fmt.Sprintf(istio, secure), model.Yes, false, "TLS1.2"},
		"a plain server for another host":          {fmt.Sprintf(istio, secure+", "+alien), model.Yes, false, "TLS1.2"},
		"a gateway that is not here":               {fmt.Sprintf(istio, "") + "", model.Unknown, false, ""},
		"an ingress without a certificate":         {fmt.Sprintf(ingress, "", ""), model.No, false, ""},
		"an ingress that must redirect":            {fmt.Sprintf(ingress, ", annotations: {nginx.ingress.kubernetes.io/force-ssl-redirect: 'true'}", fmt.Sprintf(tls, "a.example")), model.Yes, true, ""},
		"an ingress that must not":                 {fmt.Sprintf(ingress, ", annotations: {nginx.ingress.kubernetes.io/ssl-redirect: 'false'}", "ingressClassName: nginx, "+fmt.Sprintf(tls, "a.example")), model.Yes, false, ""},
		"nginx redirects where it has a key":       {fmt.Sprintf(ingress, "", "ingressClassName: nginx, "+fmt.Sprintf(tls, "a.example")), model.Yes, true, ""},
		"a certificate for all names":              {fmt.Sprintf(ingress, "", fmt.Sprintf(tls, "'*.example'")), model.Yes, false, ""},
		"a certificate for another name":           {fmt.Sprintf(ingress, "", fmt.Sprintf(tls, "b.example")), model.No, false, ""},
		"a certificate of the cloud":               {fmt.Sprintf(ingress, ", annotations: {alb.ingress.kubernetes.io/certificate-arn: 'arn:x', alb.ingress.kubernetes.io/ssl-redirect: '443', alb.ingress.kubernetes.io/ssl-policy: ELBSecurityPolicy-TLS13-1-2-2021-06}", ""), model.Yes, true, "TLS1.2"},
		"a route on both listeners":                {api + fmt.Sprintf(route, ""), model.No, false, ""},
		"a route on the secure listener":           {api + fmt.Sprintf(route, ", sectionName: https"), model.Yes, false, ""},
		"a route whose plain listener sends on":    {api + fmt.Sprintf(route, ", sectionName: https") + sendOn, model.Yes, true, ""},
		"a route on both while the plain one does": {api + fmt.Sprintf(route, "") + sendOn, model.Yes, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := find(t, read(t, web+c.text), "web")
			if len(s.Exposures) != 1 {
				t.Fatalf("%+v", s.Exposures)
			}
			if e := s.Exposures[0]; e.TLS != c.tls || e.Redirects != c.redirects || e.MinTLS != c.min || !s.Exposed {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestGatewayWorkloads(t *testing.T) {
	t.Parallel()
	pod := func(image string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: edge}\nspec: {template: {metadata: {labels: {istio: ingressgateway}}, spec: {containers: [{name: istio-proxy, image: '" + image + "'}]}}}\n"
	}
	named := func(image string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: edge}\nspec: {template: {metadata: {labels: {app: edge}}, spec: {containers: [{name: c, image: '" + image + "'}]}}}\n"
	}
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"Istio's proxy alone":                            {pod("docker.io/istio/proxyv2:1.24.0"), true},
		"Istio's proxy of an image that is put in later": {pod("auto"), true},
		"the community's nginx":                          {named("registry.k8s.io/ingress-nginx/controller:v1.11.2@sha256:aa"), true},
		"traefik":                                        {named("traefik:v3.1"), true},
		"traefik's example":                              {named("traefik/whoami"), false},
		"kong":                                           {named("kong/kong-gateway:3.8"), true},
		"emissary":                                       {named("docker.io/emissaryingress/emissary:3.9"), true},
		"contour's envoy":                                {"apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: edge}\nspec: {template: {spec: {containers: [{name: a, image: 'ghcr.io/projectcontour/contour:v1'}, {name: envoy, image: 'docker.io/envoyproxy/envoy:v1.31'}]}}}\n", true},
		"a web server":                                   {named("nginx:1.27"), false},
		"an application":                                 {named("shop/web:1"), false},
		"what a gateway's selector picks":                {named("mesh/own-envoy:1") + "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {selector: {app: edge}, servers: []}\n", true},
		"the way out is no way in":                       {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: edge}\nspec: {template: {metadata: {labels: {istio: egressgateway}}, spec: {containers: [{name: istio-proxy, image: auto}]}}}\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := find(t, read(t, c.text), "edge"); s.Gateway != c.want {
				t.Errorf("%v", s.Gateway)
			}
		})
	}
}

func TestResilience(t *testing.T) {
	t.Parallel()
	base := deployment("web", "        env: [{name: A, value: 'http://cart:80'}]\n") + deployment("cart", "") + service("cart", "") + meshed
	route := func(spec string) string {
		return "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r}\nspec: {hosts: [cart], " + spec + "}\n"
	}
	rule := func(host, spec string) string {
		return "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\nspec: {host: '" + host + "', " + spec + "}\n"
	}
	eject := "trafficPolicy: {outlierDetection: {consecutive5xxErrors: 5}}"
	for name, c := range map[string]struct {
		text             string
		timeout, breaker bool
	}{
		"nothing":                             {"", false, false},
		"a time limit":                        {route("http: [{timeout: 3s, route: [{destination: {host: cart}}]}]"), true, false},
		"a limit on one of two routes":        {route("http: [{timeout: 3s, match: [{uri: {prefix: /a}}], route: [{destination: {host: cart}}]}, {route: [{destination: {host: cart}}]}]"), false, false},
		"a limit of zero":                     {route("http: [{timeout: 0s, route: [{destination: {host: cart}}]}]"), false, false},
		"a limit at the edge only":            {route("gateways: [g], http: [{timeout: 3s, route: [{destination: {host: cart}}]}]"), false, false},
		"a limit at the edge and in the mesh": {route("gateways: [g, mesh], http: [{timeout: 3s, route: [{destination: {host: cart}}]}]"), true, false},
		"a breaker":                           {rule("cart", eject), false, true},
		"a breaker by the full name":          {rule("cart.default.svc.cluster.local", eject), false, true},
		"a breaker for the namespace":         {rule("*.default.svc.cluster.local", eject), false, true},
		"a breaker for another":               {rule("pay", eject), false, false},
		"a breaker in every subset":           {rule("cart", "subsets: [{name: a, "+eject+"}]"), false, true},
		"a breaker in one subset":             {rule("cart", "subsets: [{name: a, "+eject+"}, {name: b}]"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := read(t, base+c.text)
			if len(found.Dependencies) != 1 {
				t.Fatalf("%+v", found.Dependencies)
			}
			if d := found.Dependencies[0]; (d.TimeoutAt != "") != c.timeout || (d.BreakerAt != "") != c.breaker {
				t.Errorf("%+v", d)
			}
		})
	}
}
