package kubernetes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster/internal/imports/model"
)

func TestRoutesOfIngressControllers(t *testing.T) {
	t.Parallel()
	route := func(api, kind, spec string) string {
		return fmt.Sprintf("---\napiVersion: %s\nkind: %s\nmetadata: {name: r}\nspec: %s\n", api, kind, spec)
	}
	for name, c := range map[string]struct {
		text      string
		tls       model.Truth
		redirects bool
	}{
		"traefik":                     {route("traefik.io/v1alpha1", "IngressRoute", "{entryPoints: [web], routes: [{match: Host(`a`), kind: Rule, services: [{name: web, port: 80}]}]}"), model.No, false},
		"traefik of old":              {route("traefik.containo.us/v1alpha1", "IngressRoute", "{entryPoints: [websecure], routes: [{services: [{name: web, port: 80}]}], tls: {}}"), model.Yes, false},
		"contour":                     {route("projectcontour.io/v1", "HTTPProxy", "{virtualhost: {fqdn: a.example, tls: {secretName: s}}, routes: [{services: [{name: web, port: 80}]}]}"), model.Yes, true},
		"contour, plain permitted":    {route("projectcontour.io/v1", "HTTPProxy", "{virtualhost: {fqdn: a.example, tls: {secretName: s}}, routes: [{permitInsecure: true, services: [{name: web, port: 80}]}]}"), model.No, false},
		"OpenShift":                   {route("route.openshift.io/v1", "Route", "{host: a, to: {kind: Service, name: web}}"), model.No, false},
		"OpenShift with a redirect":   {route("route.openshift.io/v1", "Route", "{to: {kind: Service, name: web}, tls: {termination: edge, insecureEdgeTerminationPolicy: Redirect}}"), model.Yes, true},
		"OpenShift's second choice":   {route("route.openshift.io/v1", "Route", "{to: {kind: Service, name: x}, alternateBackends: [{kind: Service, name: web}]}"), model.No, false},
		"emissary":                    {route("getambassador.io/v3alpha1", "Mapping", "{hostname: '*', prefix: /, service: 'http://web.default:80'}"), model.Unknown, false},
		"the company's nginx":         {route("k8s.nginx.org/v1", "VirtualServer", "{host: a, upstreams: [{name: u, service: web, port: 80}], tls: {secret: s, redirect: {enable: true}}}"), model.Yes, true},
		"apisix":                      {route("apisix.apache.org/v2", "ApisixRoute", "{http: [{name: a, backends: [{serviceName: web, servicePort: 80}]}]}"), model.Unknown, false},
		"an ingress's default":        {"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n", model.No, false},
		"a balancer for some":         {strings.Replace(service("web", ", type: LoadBalancer, loadBalancerSourceRanges: [203.0.113.0/24]"), "{name: web}", "{name: more}", 1), model.No, false},
		"a Gateway API route of TLS":  {"---\napiVersion: gateway.networking.k8s.io/v1alpha2\nkind: TLSRoute\nmetadata: {name: r}\nspec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: web, port: 80}]}]}\n", model.Unknown, false},
		"a port of an old style node": {strings.Replace(service("web", ", externalIPs: [192.0.2.1]"), "{name: web}", "{name: more}", 1), model.No, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := find(t, read(t, deployment("web", "")+service("web", "")+c.text), "web")
			if !s.Exposed || len(s.Exposures) != 1 || s.Exposures[0].TLS != c.tls || s.Exposures[0].Redirects != c.redirects {
				t.Errorf("%v %+v", s.Exposed, s.Exposures)
			}
		})
	}
}

func TestNotExposed(t *testing.T) {
	t.Parallel()
	route := "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: web, port: 80}]}]}\n"
	gateway := "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {gatewayClassName: %s, listeners: [{name: h, port: 80, protocol: HTTP}]}\n"
	for name, text := range map[string]string{
		"an internal gateway":             service("web", "") + fmt.Sprintf(gateway, "gke-l7-rilb") + route,
		"a waypoint":                      service("web", "") + fmt.Sprintf(gateway, "istio-waypoint") + route,
		"a balancer for private networks": service("web", ", type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8, 192.168.0.0/16]"),
		"a headless service":              service("web", ", clusterIP: None"),
		"an internal ingress":             service("web", "") + "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, annotations: {alb.ingress.kubernetes.io/scheme: internal}}\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n",
		"a port of the loopback":          "",
		"another namespace's ingress":     service("web", "") + "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: far}\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := ""
			if text == "" {
				more = "        ports: [{containerPort: 80, hostPort: 80, hostIP: 127.0.0.1}]\n"
			}
			if s := find(t, read(t, deployment("web", more)+text), "web"); s.Exposed {
				t.Errorf("%+v", s.Exposures)
			}
		})
	}
}

func TestWorkloadsOfEveryKind(t *testing.T) {
	t.Parallel()
	pod := "{metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: 'x:1', securityContext: {runAsUser: 7}}]}}"
	for name, c := range map[string]struct {
		text, kind string
		exposed    bool
	}{
		"a CronJob of before":        {"apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: web}\nspec: {jobTemplate: {spec: {template: " + pod + "}}}\n", "CronJob", false},
		"a Deployment of before":     {"apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: " + pod + "}\n", "Deployment", false},
		"a Job without a fixed name": {"apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: web-}\nspec: {template: " + pod + "}\n", "Job", false},
		"Argo's Rollout":             {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\nspec: {template: " + pod + "}\n", "Rollout", false},
		"OpenShift's":                {"apiVersion: apps.openshift.io/v1\nkind: DeploymentConfig\nmetadata: {name: web}\nspec: {template: " + pod + "}\n", "DeploymentConfig", false},
		"Knative's":                  {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{image: 'x:1', securityContext: {runAsUser: 7}}]}}}\n", "KnativeService", true},
		"Knative's inside":           {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web, labels: {networking.knative.dev/visibility: cluster-local}}\nspec: {template: {spec: {containers: [{image: 'x:1', securityContext: {runAsUser: 7}}]}}}\n", "KnativeService", false},
		"a Rollout of a Deployment":  {deployment("web", "        securityContext: {runAsUser: 7}\n") + "---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n", "Deployment", false},
		"a Pod of a ReplicaSet":      {"apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web}\nspec: {template: " + pod + "}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web-x, ownerReferences: [{kind: ReplicaSet, name: web}]}\nspec: {containers: [{name: c, image: 'x:1'}]}\n", "ReplicaSet", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := read(t, c.text)
			s := find(t, found, "web")
			if len(found.Services) != 1 || s.WorkloadKind != c.kind || s.RunsAsRoot != model.No || s.Exposed != c.exposed {
				t.Errorf("%+v", found.Services)
			}
		})
	}
}

func TestAddressesOfRealSystems(t *testing.T) {
	t.Parallel()
	cart := deployment("cart", "") + service("cart", "")
	env := func(key, value string) string {
		return deployment("web", fmt.Sprintf("        env: [{name: %s, value: '%s'}]\n", key, value)) + cart
	}
	file := func(name, content string) string {
		return deployment("web", "      volumes: [{name: v, configMap: {name: m}}]\n") + cart + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  " + name + ": |\n    " + strings.ReplaceAll(content, "\n", "\n    ") + "\n"
	}
	for name, c := range map[string]struct{ text, want, unresolved string }{
		"nginx passes on":                  {file("nginx.conf", "location / {\n  proxy_pass http://cart:8080;\n}"), "web>cart declared", ""},
		"nginx's list of upstreams":        {file("nginx.conf", "upstream u {\n  server cart:8080;\n}"), "web>cart declared", ""},
		"envoy's clusters":                 {file("envoy.yaml", "address:\n  socket_address: {address: cart, port_value: 80}"), "web>cart declared", ""},
		"haproxy":                          {file("haproxy.cfg", "backend b\n  server s1 cart:8080 check"), "web>cart declared", ""},
		"Spring's file":                    {file("application.yml", "spring:\n  datasource:\n    url: jdbc:mysql://cart:3306/x"), "web>cart declared", ""},
		"Spring's gateway":                 {file("application.yml", "routes:\n- id: c\n  uri: lb://cart"), "web>cart declared", ""},
		"a property":                       {file("app.properties", "cart.host=cart"), "web>cart declared", ""},
		"a comment":                        {file("app.properties", "# cart.host=cart"), "", ""},
		"a word that is no address":        {file("app.properties", "theme=cart"), "", ""},
		"a service that Kubernetes names":  {deployment("web", "        args: ['--cart=$(CART_SERVICE_HOST):$(CART_SERVICE_PORT)']\n") + cart, "web>cart declared", ""},
		"a flag and its value":             {deployment("web", "        args: [--cart-host, cart]\n") + cart, "web>cart declared", ""},
		"an init container that waits":     {deployment("web", "      initContainers: [{name: w, image: busybox, command: [sh, -c, 'until nc -z cart 80; do sleep 1; done']}]\n") + cart, "web>cart declared", ""},
		"a pod of a headless service":      {env("A", "cart-0.cart:6379"), "web>cart declared", ""},
		"a pod by its full name":           {env("A", "cart-0.cart.default.svc.cluster.local:6379"), "web>cart declared", ""},
		"a name with a final dot":          {env("A", "http://cart.default.svc.cluster.local.:80"), "web>cart declared", ""},
		"a secret's value is not known":    {deployment("web", "        env: [{name: CART_URL, valueFrom: {secretKeyRef: {name: s, key: k}}}]\n") + cart, "", ""},
		"its own field":                    {deployment("web", "        env: [{name: HOST, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]\n") + cart, "", ""},
		"who may call":                     {env("ALLOWED_ORIGINS", "http://cart"), "", ""},
		"an outside name behind a Service": {env("DB", "http://ext:80") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: ext}\nspec: {type: ExternalName, externalName: db.vendor.example}\n", "", "db.vendor.example"},
		"a Service that is another's name": {env("DB", "http://ext:80") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: ext}\nspec: {type: ExternalName, externalName: cart.default.svc.cluster.local}\n", "web>cart declared", ""},
		"a Service with its own endpoints": {env("DB", "http://ext:80") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: ext}\nspec: {ports: [{port: 80}]}\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: ext-1}\naddressType: IPv4\nendpoints: [{addresses: [192.0.2.7]}]\n", "", ""},
		"a Knative service":                {env("A", "http://kn.default.svc.cluster.local") + "---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: kn}\nspec: {template: {spec: {containers: [{image: x}]}}}\n", "web>kn declared", ""},
		"a variable that comes later":      {deployment("web", "        env: [{name: U, value: 'http://$(H):80'}, {name: H, value: cart}]\n") + cart, "", ""},
		"an ephemeral sidecar calls too":   {deployment("web", "      initContainers: [{name: s, image: x, restartPolicy: Always, args: ['cart:80']}]\n") + cart, "web>cart declared", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := read(t, c.text)
			var hosts []string
			for _, u := range found.Unresolved {
				hosts = append(hosts, u.Host)
			}
			if edges(found) != c.want || strings.Join(hosts, " ") != c.unresolved {
				t.Errorf("edges %q, want %q; unresolved %q", edges(found), c.want, hosts)
			}
		})
	}
}

func TestWhatIsWatchedIsNoCall(t *testing.T) {
	t.Parallel()
	scrape := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  prometheus.yml: |\n    scrape_configs:\n    - job_name: cart\n      static_configs:\n      - targets: ['cart:8080']\n"
	mount := "      volumes: [{name: v, configMap: {name: m}}]\n"
	found := read(t, deployment("prometheus", mount)+deployment("web", mount)+deployment("cart", "")+service("cart", "")+scrape)
	kinds := map[string]string{}
	for _, d := range found.Dependencies {
		kinds[d.From] = d.Kind
		if d.Evidence[0].Type != "config_map" {
			t.Errorf("%+v", d.Evidence)
		}
	}
	if kinds["prometheus"] != "telemetry" || kinds["web"] != "call" {
		t.Error(kinds)
	}
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	in := func(ns, text string) string {
		return strings.ReplaceAll(text, "metadata: {name: ", "metadata: {namespace: "+ns+", name: ")
	}
	call := "        env: [{name: A, value: 'http://cart:80'}, {name: B, value: 'http://cart.b:80'}]\n"
	found := read(t, in("a", deployment("web", call)+deployment("cart", "")+service("cart", ""))+in("b", deployment("cart", "")+service("cart", "")))
	if got := edges(found); got != "web>a/cart declared, web>b/cart declared" {
		t.Error(got)
	}
	// A policy speaks for its own namespace, a peer without a namespace too.
	policy := "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {namespace: a, name: p}\nspec: {podSelector: {}, ingress: [{from: [%s]}]}\n"
	for peer, want := range map[string]string{
		"{podSelector: {matchLabels: {app: web}}}": "web>cart allowed",
		"{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: b}}, podSelector: {matchLabels: {app: far}}}": "far>cart allowed, far>web allowed",
		"{ipBlock: {cidr: 10.0.0.0/8}}": "",
	} {
		found := read(t, in("a", deployment("web", "")+deployment("cart", ""))+in("b", deployment("far", ""))+fmt.Sprintf(policy, peer))
		if got := edges(found); got != want {
			t.Errorf("%s: %q", peer, got)
		}
		if s := find(t, found, "far"); s.IngressIsolated || !find(t, found, "cart").IngressIsolated {
			t.Errorf("%s isolates the wrong ones", peer)
		}
	}
}

func TestMembershipOfMeshes(t *testing.T) {
	t.Parallel()
	space := func(more string) string {
		return "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default, " + more + "}\n"
	}
	istio := "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec: {}\n"
	label := func(more string) string { return strings.Replace(deployment("web", ""), "labels: {app: web}", more, 1) }
	for name, c := range map[string]struct {
		text string
		mesh model.Truth
		mtls model.MTLS
	}{
		"ambient by the namespace":      {deployment("web", "") + space("labels: {istio.io/dataplane-mode: ambient}"), model.Yes, model.MTLSNotDeclared},
		"ambient, but not this pod":     {label("labels: {app: web, istio.io/dataplane-mode: none}") + space("labels: {istio.io/dataplane-mode: ambient}"), model.No, model.MTLSNotDeclared},
		"a revision":                    {deployment("web", "") + space("labels: {istio.io/rev: asm-managed}"), model.Yes, model.MTLSNotDeclared},
		"a namespace that says nothing": {deployment("web", "") + space("labels: {a: b}") + istio, model.No, model.MTLSNotDeclared},
		"a namespace that is not here":  {deployment("web", "") + istio, model.Unknown, model.MTLSNotDeclared},
		"Linkerd by the namespace":      {deployment("web", "") + space("annotations: {linkerd.io/inject: enabled}"), model.Yes, model.MTLSNotDeclared},
		"Linkerd by the pod":            {label("labels: {app: web}, annotations: {linkerd.io/inject: enabled, config.linkerd.io/default-inbound-policy: all-authenticated}"), model.Yes, model.MTLSStrict},
		"Linkerd kept out":              {label("labels: {app: web}, annotations: {linkerd.io/inject: disabled}"), model.No, model.MTLSNotDeclared},
		"Linkerd kept out, Istio in":    {label("labels: {app: web, sidecar.istio.io/inject: 'true'}, annotations: {linkerd.io/inject: disabled}") + istio, model.Yes, model.MTLSNotDeclared},
		"on the host's network":         {deployment("web", "      hostNetwork: true\n") + space("labels: {istio-injection: enabled}"), model.No, model.MTLSNotDeclared},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := find(t, read(t, c.text), "web"); s.Mesh != c.mesh || s.MTLS != c.mtls {
				t.Errorf("mesh %s, mTLS %s", s.Mesh, s.MTLS)
			}
		})
	}
}

func TestContainersOfRealSystems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more string
		good func(s model.Service) bool
	}{
		"user 0 who must not be root":      {"        securityContext: {runAsUser: 0, runAsNonRoot: true}\n", func(s model.Service) bool { return s.RunsAsRoot == model.Yes }},
		"the container's no beats the pod": {"        securityContext: {runAsNonRoot: false}\n      securityContext: {runAsNonRoot: true}\n", func(s model.Service) bool { return s.RunsAsRoot == model.Unknown }},
		"a sidecar without limits":         {"        resources: {limits: {cpu: 1, memory: 1Gi}}\n      - {name: d, image: 'y:1'}\n", func(s model.Service) bool { return !s.CPULimit && !s.MemoryLimit }},
		"a native sidecar counts":          {"        livenessProbe: {exec: {command: [a]}}\n      initContainers: [{name: d, image: y, restartPolicy: Always}]\n", func(s model.Service) bool { return !s.Liveness && s.ImagePin == model.PinMoving }},
		"an init container does not": {"        livenessProbe: {exec: {command: [a]}}\n        readinessProbe: {grpc: {port: 1}}\n      initContainers: [{name: d, image: y, securityContext: {privileged: true}}]\n", func(s model.Service) bool {
			return s.Liveness && s.Readiness && s.ImagePin == model.PinTag && !s.Privileged
		}},
		"a startup probe is neither":         {"        startupProbe: {httpGet: {port: 1}}\n", func(s model.Service) bool { return !s.Liveness && !s.Readiness }},
		"limits that are numbers":            {"        resources: {limits: {cpu: 1, memory: 134217728}}\n", func(s model.Service) bool { return s.CPULimit && s.MemoryLimit }},
		"capabilities of old spelling":       {"        securityContext: {capabilities: {drop: [all], add: [NET_BIND_SERVICE]}}\n", func(s model.Service) bool { return s.Containers[0].DropsAllCaps && len(s.Containers[0].CapAdd) == 1 }},
		"a value that is a bool":             {"        env: [{name: DEBUG_TOKEN, value: true}]\n", func(s model.Service) bool { return len(s.LiteralSecrets) == 0 }},
		"a secret by reference":              {"        env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: s, key: k}}}]\n", func(s model.Service) bool { return len(s.LiteralSecrets) == 0 }},
		"a secret in an argument is not env": {"        args: ['--password=hunter2']\n", func(s model.Service) bool { return len(s.LiteralSecrets) == 0 }},
		"a secret in an init container":      {"      initContainers: [{name: d, image: y, env: [{name: DB_PASSWORD, value: hunter2}]}]\n", func(s model.Service) bool { return len(s.LiteralSecrets) == 1 }},
		"an octal that is a number":          {"      terminationGracePeriodSeconds: 010\n", func(s model.Service) bool { return s.Name == "web" }},
		"a key written twice":                {"        image: 'z:2'\n", func(s model.Service) bool { return s.Images[0] == "z:2" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := find(t, read(t, deployment("web", c.more)), "web"); !c.good(s) {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestSecretsInConfigMaps(t *testing.T) {
	t.Parallel()
	m := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  DB_PASSWORD: hunter2\n  conf: |\n    user=a\n    db.password=hunter2\n  n: 5\n"
	for name, more := range map[string]string{
		"all of it":      "        envFrom: [{configMapRef: {name: m}}]\n",
		"one key":        "        env: [{name: PW, valueFrom: {configMapKeyRef: {name: m, key: DB_PASSWORD}}}]\n",
		"a file":         "      volumes: [{name: v, configMap: {name: m}}]\n",
		"a mixed volume": "      volumes: [{name: v, projected: {sources: [{configMap: {name: m}}]}}]\n",
	} {
		s := find(t, read(t, deployment("web", more)+m), "web")
		if len(s.LiteralSecrets) == 0 || slices.ContainsFunc(s.LiteralSecrets, func(l model.LiteralSecret) bool {
			return l.Source != "config_map" || !strings.HasPrefix(l.At, "k.yaml:")
		}) {
			t.Errorf("%s: %+v", name, s.LiteralSecrets)
		}
	}
	if s := find(t, read(t, deployment("web", "")+m+"---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {DB_PASSWORD: hunter2}\n"), "web"); len(s.LiteralSecrets) != 0 {
		t.Errorf("what nobody uses is no secret of anybody: %+v", s.LiteralSecrets)
	}
}

func TestWhatUnfoldsIsBounded(t *testing.T) {
	t.Parallel()
	env := "        env:\n        - {name: A, value: xxxxxxxx}\n" + strings.Repeat("        - {name: A, value: '$(A)$(A)'}\n", 200)
	if s := find(t, read(t, deployment("web", env)), "web"); s.Name != "web" {
		t.Error(s)
	}
	var text, data strings.Builder
	for i := range 2_000 {
		text.WriteString(deployment(fmt.Sprintf("w%d", i), "        envFrom: [{configMapRef: {name: m}}]\n"))
	}
	for i := range 10_000 {
		fmt.Fprintf(&data, "  K%d: v\n", i)
	}
	found := read(t, text.String()+"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n"+data.String())
	if len(found.Services) != 2_000 || len(found.Problems) != 1 {
		t.Errorf("%d services, %v", len(found.Services), found.Problems)
	}
}
