package demo

import (
	"fmt"
	"strings"

	"muster/internal/imports/model"
)

// meshOf writes what the mesh demands in a namespace.
func (p *plan) meshOf(d *doc, namespace string, at float64) {
	z := p.zones[namespace]
	if namespace == "edge" {
		p.gateway(d, at)
		return
	}
	if at >= z.mesh {
		mode := "PERMISSIVE"
		if p.strict(namespace, at) {
			mode = "STRICT"
		}
		d.add("apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: %s}\nspec: {mtls: {mode: %s}}\n", namespace, mode)
	}
	if namespace == "shop" && at >= z.strict {
		// The exception that nobody remembers: an old mail relay speaks plain text to it.
		d.add("apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: mail-relay, namespace: shop}\nspec:\n  selector: {matchLabels: {app: notifications}}\n  mtls: {mode: STRICT}\n  portLevelMtls: {8080: {mode: PERMISSIVE}}\n")
	}
	switch {
	case p.open(namespace, at):
		d.add("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: open-for-now, namespace: %s}\nspec: {action: ALLOW, rules: [{}]}\n", namespace)
	case at >= z.named:
		d.add("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: refuse-the-rest, namespace: %s}\nspec: {}\n", namespace)
		p.policies(d, namespace, at)
	}
	for i := range cast {
		if s := &cast[i]; s.namespace == namespace && s.shown(at) {
			p.routes(d, s, at)
		}
	}
}

// policies name the callers of each service of a namespace.
func (p *plan) policies(d *doc, namespace string, at float64) {
	for i := range cast {
		s := &cast[i]
		if s.namespace != namespace || !s.shown(at) {
			continue
		}
		var who []string
		for _, c := range callers(s, at) {
			who = append(who, fmt.Sprintf("cluster.local/ns/%s/sa/%s", c.namespace, c.name))
		}
		if len(who) > 0 {
			d.add("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: %s-callers, namespace: %s}\nspec:\n  selector: {matchLabels: {app: %s}}\n  action: ALLOW\n  rules: [{from: [{source: {principals: [%s]}}]}]\n", s.name, namespace, s.name, strings.Join(who, ", "))
		}
		if s.host != "" && at >= p.tokens && s.name != "instant-loans" {
			d.add("apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: %s-tokens, namespace: %s}\nspec:\n  selector: {matchLabels: {app: %s}}\n  jwtRules: [{issuer: \"https://accounts.kente.example\", jwksUri: \"https://accounts.kente.example/keys\", audiences: [%s]}]\n", s.name, namespace, s.name, s.name)
			d.add("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: %s-needs-token, namespace: %s}\nspec:\n  selector: {matchLabels: {app: %s}}\n  action: DENY\n  rules: [{from: [{source: {notRequestPrincipals: [\"*\"]}}]}]\n", s.name, namespace, s.name)
		}
	}
}

// routes say how a service is reached from outside, and how long others wait for it.
func (p *plan) routes(d *doc, s *service, at float64) {
	if s.host != "" && s.name != "instant-loans" || s.name == "instant-loans" && at >= 0.74 {
		d.add("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: %s-public, namespace: %s}\nspec:\n  hosts: [%s]\n  gateways: [edge/public]\n  http: [{route: [{destination: {host: %s, port: {number: %d}}}], timeout: 10s}]\n", s.name, s.namespace, s.host, s.name, s.port)
	}
	if at < p.resilience {
		return
	}
	d.add("apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: %s, namespace: %s}\nspec: {host: %s, trafficPolicy: {outlierDetection: {consecutive5xxErrors: 5}}}\n", s.name, s.namespace, s.name)
	if !s.store {
		d.add("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: %s, namespace: %s}\nspec:\n  hosts: [%s]\n  http: [{route: [{destination: {host: %s, port: {number: %d}}}], timeout: 3s}]\n", s.name, s.namespace, s.name, s.name, s.port)
	}
}

// gateway opens the hosts to the Internet. The portal was plain for the first months.
func (p *plan) gateway(d *doc, at float64) {
	d.add("apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: public, namespace: edge}\nspec:\n  selector: {istio: ingressgateway}\n  servers:\n")
	for i := range cast {
		s := &cast[i]
		switch {
		case s.host == "" || !s.shown(at) || s.name == "instant-loans" && at < 0.74:
		case s.name == "merchant-portal" && at < p.portalTLS:
			fmt.Fprintf(d, "  - {port: {number: 80, name: http-%s, protocol: HTTP}, hosts: [%s]}\n", s.name, s.host)
		default:
			fmt.Fprintf(d, "  - {port: {number: 443, name: https-%s, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: %s, minProtocolVersion: TLSV1_2}, hosts: [%s]}\n", s.name, s.name, s.host)
		}
	}
}

// office is the Compose project of the back office.
func (p *plan) office(at float64) []model.File {
	safe, port := "", `"8081:8080"`
	if at >= p.compose {
		port = `"127.0.0.1:8081:8080"`
		safe = "    user: \"10001\"\n    read_only: true\n    security_opt: [\"no-new-privileges:true\"]\n    cap_drop: [ALL]\n    mem_limit: 512m\n    cpus: 1\n"
	}
	o, db := serviceNamed("backoffice"), serviceNamed("backoffice-db")
	text := fmt.Sprintf("name: office\nservices:\n  backoffice:\n    image: %s:%s\n    ports: [%s]\n    environment: {DATABASE_URL: \"postgres://backoffice-db:5432/office\"}\n    depends_on: [backoffice-db]\n%s  backoffice-db:\n    image: %s:%s\n    volumes: [\"office-data:/var/lib/postgresql/data\"]\nvolumes: {office-data: {}}\n",
		o.image, p.tag(o, at), port, safe, db.image, p.tag(db, at))
	return []model.File{{Path: "office/compose.yaml", Data: []byte(text)}}
}

// documents are the two OpenAPI documents. At first one of them forgets to say what some operations ask of callers.
func (p *plan) documents(at float64) []model.File {
	gap := ""
	if at >= 0.34 {
		gap = ", security: [{bearer: []}]"
	}
	head := "openapi: 3.0.3\ninfo: {title: %s, version: \"%s\"}\nservers: [{url: \"https://%s\"}]\ncomponents: {securitySchemes: {bearer: {type: http, scheme: bearer, bearerFormat: JWT}}}\npaths:\n"
	ok := "responses: {\"200\": {description: done}}"
	op := func(path, method, security string) string {
		return fmt.Sprintf("  %s:\n    %s: {%s%s}\n", path, method, ok, security)
	}
	need, free := ", security: [{bearer: []}]", ", security: []"
	month := itoa(1 + min(int(12*at), 11))
	pay := fmt.Sprintf(head, "Kente Pay payments", "4."+month, "pay.kente.example") + op("/v1/payments", "post", need) + op("/v1/payments/{id}", "get", need) + op("/v1/refunds", "post", gap) + op("/v1/status", "get", free)
	if at >= 0.45 {
		pay += op("/v1/payouts", "get", need)
	}
	accounts := fmt.Sprintf(head, "Kente Pay accounts", "5."+month, "accounts.kente.example") + op("/v1/merchants", "get", need) + op("/v1/merchants/{id}", "get", need) + op("/v1/sign-in", "post", free) + op("/v1/keys", "get", free)
	return []model.File{{Path: "apis/accounts.yaml", Data: []byte(accounts)}, {Path: "apis/payments.yaml", Data: []byte(pay)}}
}
