package kubernetes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"muster/internal/imports/kubernetes"
	"muster/internal/imports/model"
)

func read(t testing.TB, text string) *model.Inspection {
	t.Helper()
	found, err := kubernetes.Read([]model.File{{Path: "k.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func find(t testing.TB, found *model.Inspection, name string) model.Service {
	t.Helper()
	for _, s := range found.Services {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no %s", name)
	return model.Service{}
}

// deployment writes a workload; more is indented under its container.
func deployment(name, more string) string {
	return fmt.Sprintf("---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %[1]s}\nspec:\n  template:\n    metadata: {labels: {app: %[1]s}}\n    spec:\n      containers:\n      - name: c\n        image: x:1\n%[2]s", name, more)
}

func service(name, more string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: Service\nmetadata: {name: %[1]s}\nspec: {selector: {app: %[1]s}, ports: [{port: 80}]%[2]s}\n", name, more)
}

func edges(found *model.Inspection) string {
	var list []string
	for _, d := range found.Dependencies {
		list = append(list, d.From+">"+d.To+" "+d.Basis)
	}
	return strings.Join(list, ", ")
}

func TestCalls(t *testing.T) {
	t.Parallel()
	target := deployment("cart", "") + service("cart", "")
	for name, c := range map[string]struct{ text, want, unresolved string }{
		"a URL in a variable":                 {deployment("web", "        env: [{name: CART, value: 'http://cart:80/x'}]\n") + target, "web>cart declared", ""},
		"a bare host under a host's key":      {deployment("web", "        env: [{name: CART_HOST, value: cart}]\n") + target, "web>cart declared", ""},
		"a bare word under another key":       {deployment("web", "        env: [{name: THEME, value: cart}]\n") + target, "", ""},
		"a service's name is not a call":      {deployment("web", "        env: [{name: OTEL_SERVICE_NAME, value: cart}]\n") + target, "", ""},
		"the full name in the cluster":        {deployment("web", "        env: [{name: A, value: 'cart.default.svc.cluster.local:80'}]\n") + target, "web>cart declared", ""},
		"another namespace's is unresolved":   {deployment("web", "        env: [{name: A, value: 'cart.other.svc:80'}]\n") + target, "", "cart.other.svc"},
		"a variable of a variable":            {deployment("web", "        env: [{name: H, value: cart}, {name: U, value: 'http://$(H):80'}]\n") + target, "web>cart declared", ""},
		"an argument with a port":             {deployment("web", "        args: ['--cart=cart:80']\n") + target, "web>cart declared", ""},
		"an argument that is only a word":     {deployment("web", "        args: [cart]\n") + target, "", ""},
		"a whole ConfigMap":                   {deployment("web", "        envFrom: [{configMapRef: {name: m}}]\n") + target + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {CART_ADDR: 'cart:80'}\n", "web>cart declared", ""},
		"one key of a ConfigMap":              {deployment("web", "        env: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: k}}}]\n") + target + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {k: 'http://cart'}\n", "web>cart declared", ""},
		"an outside host is unresolved":       {deployment("web", "        env: [{name: MAIL_HOST, value: smtp.mail.example}]\n") + target, "", "smtp.mail.example"},
		"a workload does not call itself":     {deployment("cart", "        env: [{name: SELF, value: 'http://cart:80'}]\n") + service("cart", ""), "", ""},
		"a service of several versions":       {deployment("web", "        env: [{name: A, value: 'http://two:80'}]\n") + strings.ReplaceAll(deployment("two-v1", "")+deployment("two-v2", ""), "app: two-v", "app: two, v: ") + service("two", ""), "web>two-v1 declared, web>two-v2 declared", ""},
		"a policy that names a caller allows": {deployment("web", "") + target + "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {matchLabels: {app: cart}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}\n", "web>cart allowed", ""},
		"a principal is found by its account": {deployment("web", "      serviceAccountName: shopper\n") + target + "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}\nspec: {selector: {matchLabels: {app: cart}}, rules: [{from: [{source: {principals: ['cluster.local/ns/default/sa/shopper']}}]}]}\n", "web>cart allowed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := read(t, c.text)
			unresolved := ""
			for _, u := range found.Unresolved {
				unresolved += u.Host
			}
			if edges(found) != c.want || unresolved != c.unresolved {
				t.Errorf("edges %q, want %q; unresolved %q, want %q", edges(found), c.want, unresolved, c.unresolved)
			}
		})
	}
}

func TestFactsOfContainers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more string
		good func(s model.Service) bool
	}{
		"no user is unknown":           {"", func(s model.Service) bool { return s.RunsAsRoot == model.Unknown && !s.HasSecurityContext }},
		"user 0 is root":               {"        securityContext: {runAsUser: 0}\n", func(s model.Service) bool { return s.RunsAsRoot == model.Yes }},
		"another user is not":          {"        securityContext: {runAsUser: 10}\n", func(s model.Service) bool { return s.RunsAsRoot == model.No }},
		"the container beats the pod":  {"        securityContext: {runAsUser: 0}\n      securityContext: {runAsUser: 9}\n", func(s model.Service) bool { return s.RunsAsRoot == model.Yes }},
		"runAsNonRoot is enough":       {"      securityContext: {runAsNonRoot: true}\n", func(s model.Service) bool { return s.RunsAsRoot == model.No && s.HasSecurityContext }},
		"limits are counted apart":     {"        resources: {limits: {memory: 64Mi}}\n", func(s model.Service) bool { return s.MemoryLimit && !s.CPULimit }},
		"one of two containers is bad": {"      - {name: d, image: 'y', securityContext: {privileged: true}}\n", func(s model.Service) bool { return s.Privileged && s.ImagePin == model.PinMoving }},
		"the engine's socket":          {"      volumes: [{name: v, hostPath: {path: /var/run/docker.sock}}]\n", func(s model.Service) bool { return s.DockerSocket && len(s.HostPaths) == 1 }},
		"a secret by name, not by word": {"        env: [{name: DB_PASSWORD, value: hunter2}, {name: PASSWORD_FILE, value: /run/p}, {name: TOKEN_TTL, value: '60'}]\n", func(s model.Service) bool {
			return len(s.LiteralSecrets) == 1 && s.LiteralSecrets[0].Name == "DB_PASSWORD"
		}},
		"a number without quotes": {"        env: [{name: PORT, value: 8080}]\n", func(s model.Service) bool { return s.Name == "web" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := find(t, read(t, deployment("web", c.more)), "web"); !c.good(s) {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestExposure(t *testing.T) {
	t.Parallel()
	web := deployment("web", "")
	gateway := "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {servers: [{port: {number: 80, protocol: HTTP, name: h}, hosts: ['*']%s}]}\n"
	route := "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r}\nspec: {hosts: ['*'], gateways: [%s], http: [{route: [{destination: {host: web}}]}]}\n"
	for name, c := range map[string]struct {
		text    string
		exposed bool
		tls     model.Truth
	}{
		"a plain Service is not exposed":    {service("web", ""), false, ""},
		"a load balancer is":                {service("web", ", type: LoadBalancer"), true, model.No},
		"an internal load balancer is not":  {strings.Replace(service("web", ", type: LoadBalancer"), "{name: web}", "{name: web, annotations: {networking.gke.io/load-balancer-type: Internal}}", 1), false, model.No},
		"a node port is":                    {service("web", ", type: NodePort"), true, model.No},
		"an ingress with TLS":               {service("web", "") + "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {tls: [{hosts: [a.example]}], rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}\n", true, model.Yes},
		"an ingress of the old form":        {service("web", "") + "---\napiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: i}\nspec: {rules: [{http: {paths: [{backend: {serviceName: web, servicePort: 80}}]}}]}\n", true, model.No},
		"a gateway that is plain":           {service("web", "") + fmt.Sprintf(gateway, "") + fmt.Sprintf(route, "g"), true, model.No},
		"a gateway that sends on to TLS":    {service("web", "") + fmt.Sprintf(gateway, ", tls: {httpsRedirect: true}") + fmt.Sprintf(route, "g"), true, model.Yes},
		"a route inside the mesh":           {service("web", "") + fmt.Sprintf(route, "mesh"), false, ""},
		"a route without gateways":          {service("web", "") + fmt.Sprintf(route, ""), false, ""},
		"a route of the Gateway API":        {service("web", "") + "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: web, port: 80}]}]}\n", true, model.Unknown},
		"a route whose parent is a Service": {service("web", "") + "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec: {parentRefs: [{kind: Service, name: web}], rules: [{backendRefs: [{name: web, port: 80}]}]}\n", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := find(t, read(t, web+c.text), "web")
			tls := model.Truth("")
			if len(s.Exposures) > 0 {
				tls = s.Exposures[0].TLS
			}
			if s.Exposed != c.exposed || tls != c.tls {
				t.Errorf("exposed %v with TLS %q: %+v", s.Exposed, tls, s.Exposures)
			}
		})
	}
}

func TestMesh(t *testing.T) {
	t.Parallel()
	space := "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {istio-injection: enabled}}\n"
	peer := func(ns, selector, mode string) string {
		return fmt.Sprintf("---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: p%s, namespace: %s}\nspec: {%s mtls: {mode: %s}}\n", mode, ns, selector, mode)
	}
	own := "selector: {matchLabels: {app: web}},"
	for name, c := range map[string]struct {
		text string
		mtls model.MTLS
		mesh model.Truth
	}{
		"nothing said":                         {"", model.MTLSNotDeclared, model.Unknown},
		"the mesh is strict":                   {space + peer("istio-system", "", "STRICT"), model.MTLSStrict, model.Yes},
		"the namespace beats the mesh":         {space + peer("istio-system", "", "STRICT") + peer("default", "", "PERMISSIVE"), model.MTLSPermissive, model.Yes},
		"the workload beats the namespace":     {space + peer("default", "", "PERMISSIVE") + peer("default", own, "STRICT"), model.MTLSStrict, model.Yes},
		"unset inherits":                       {space + peer("istio-system", "", "STRICT") + peer("default", "", "UNSET"), model.MTLSStrict, model.Yes},
		"another namespace's says nothing":     {space + peer("other", "", "STRICT"), model.MTLSNotDeclared, model.Yes},
		"outside the mesh nothing is demanded": {strings.Replace(space, "enabled", "disabled", 1) + peer("istio-system", "", "STRICT"), model.MTLSNotDeclared, model.No},
		"the client's side forces nothing":     {space + "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\nspec: {host: web, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}\n", model.MTLSNotDeclared, model.Yes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := find(t, read(t, deployment("web", "")+c.text), "web"); s.MTLS != c.mtls || s.Mesh != c.mesh {
				t.Errorf("%s, mesh %s", s.MTLS, s.Mesh)
			}
		})
	}
}

func TestIsolation(t *testing.T) {
	t.Parallel()
	policy := "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {%s}\n"
	for name, c := range map[string]struct {
		spec            string
		ingress, egress bool
		problems        int
	}{
		"an empty selector means every pod": {"podSelector: {}", true, false, 0},
		"labels of null too":                {"podSelector: {matchLabels: null}", true, false, 0},
		"a rule for everyone isolates not":  {"podSelector: {}, ingress: [{}]", false, false, 0},
		"egress only when it is there":      {"podSelector: {}, egress: [{to: [{podSelector: {}}]}]", true, true, 0},
		"types decide":                      {"podSelector: {}, policyTypes: [Egress]", false, true, 0},
		"a policy that selects nobody":      {"podSelector: {matchLabels: {app: nobody}}", false, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := read(t, deployment("web", "")+fmt.Sprintf(policy, c.spec))
			if s := find(t, found, "web"); s.IngressIsolated != c.ingress || s.EgressIsolated != c.egress || len(found.Problems) != c.problems {
				t.Errorf("in %v, out %v, %v", s.IngressIsolated, s.EgressIsolated, found.Problems)
			}
		})
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", 'b'+i, 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 9), ","))
	}
	for name, c := range map[string]struct{ text, says string }{
		"broken YAML names its line":      {"apiVersion: v1\nkind: Pod\nmetadata: [\n", "k.yaml, line "},
		"a template of Helm":              {"apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n", "Helm template"},
		"a template around a whole block": {"apiVersion: v1\nkind: Service\n{{- if .Values.on }}\nmetadata: {name: x}\n{{- end }}\n", "line 3: This is a Helm template"},
		"a field of the wrong type":       {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicas: many}\n", "line 1: The Deployment x cannot be read"},
		"aliases that multiply":           {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n" + bomb, "aliases"},
		"a document that is no object":    {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\njust text\n", "line 5"},
		"deep nesting":                    {"apiVersion: v1\nkind: Pod\nx: " + strings.Repeat("{a: ", 500) + strings.Repeat("}", 500), "nested deeper"},
		"an error quotes no secret":       {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: hunter2\n", "field spec"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := kubernetes.Read([]model.File{{Path: "k.yaml", Data: []byte(c.text)}})
			var bad *model.Error
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestOddButGoodInput(t *testing.T) {
	t.Parallel()
	plain := read(t, deployment("web", ""))
	for name, text := range map[string]string{
		"Windows line ends":       strings.ReplaceAll(deployment("web", ""), "\n", "\r\n"),
		"a byte order mark":       "\xef\xbb\xbf" + deployment("web", ""),
		"empty documents":         "---\n---\n# nothing\n" + deployment("web", "") + "---\n",
		"a commented document":    "# apiVersion: v1\n# kind: Pod\n---\n" + deployment("web", ""),
		"a List":                  "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: 'x:1'}]}}}}\n",
		"JSON":                    `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"x:1"}]}}}}`,
		"unknown kinds beside it": deployment("web", "") + "---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := read(t, text)
			if len(found.Services) != 1 || found.Services[0].Images[0] != plain.Services[0].Images[0] || !kubernetes.Sniff([]byte(text)) {
				t.Errorf("%+v", found.Services)
			}
		})
	}
	found := read(t, deployment("web", "")+deployment("web", "        args: [a]\n"))
	if len(found.Services) != 1 || len(found.Problems) != 1 {
		t.Errorf("the same object twice: %d services, %v", len(found.Services), found.Problems)
	}
}

const system = "web cart pay"

// build writes a small system whose services have other names.
func build(names ...string) []string {
	web, cart, pay := names[0], names[1], names[2]
	return []string{
		deployment(web, "        env: [{name: A_URL, value: 'http://"+cart+":80'}, {name: API_KEY, value: s3cr3t}]\n"), service(web, ", type: LoadBalancer"),
		deployment(cart, "        env: [{name: B_HOST, value: "+pay+"}]\n"), service(cart, ""), deployment(pay, "        securityContext: {runAsUser: 0}\n"), service(pay, ""),
	}
}

func TestRenamedAndShuffledSystemsMeanTheSame(t *testing.T) {
	t.Parallel()
	shape := func(parts []string, names []string) string {
		found := read(t, strings.Join(parts, ""))
		text, err := json.Marshal(map[string]any{"services": strip(found.Services), "edges": edges(found)})
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range names {
			text = []byte(strings.ReplaceAll(string(text), n, fmt.Sprintf("<%d>", i)))
		}
		return string(text)
	}
	first := strings.Fields(system)
	want := shape(build(first...), first)
	other := []string{"zebra", "aardvark", "mongoose"} // in the same order, since lists are sorted by name
	if got := shape(build(other...), other); got != want {
		t.Errorf("renamed:\n%s\n%s", got, want)
	}
	for range 20 {
		parts := build(first...)
		rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		if got := shape(parts, first); got != want {
			t.Errorf("shuffled:\n%s\n%s", got, want)
		}
	}
}

// strip takes away the places, which move when documents do.
func strip(services []model.Service) []model.Service {
	out := []model.Service{}
	for _, s := range services {
		s.At, s.Facts = "", nil
		for i := range s.Containers {
			s.Containers[i].At = ""
		}
		for i := range s.Exposures {
			s.Exposures[i].At = ""
		}
		for i := range s.LiteralSecrets {
			s.LiteralSecrets[i].At = ""
		}
		out = append(out, s)
	}
	return out
}

func FuzzRead(f *testing.F) {
	for _, part := range build(strings.Fields(system)...) {
		f.Add([]byte(part))
	}
	f.Add([]byte("apiVersion: v1\nkind: List\nitems: [{}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := kubernetes.Read([]model.File{{Path: "f", Data: data}})
		if (found == nil) == (err == nil) {
			t.Error("neither an answer nor an error")
		}
	})
}

func BenchmarkRead500(b *testing.B) {
	var text strings.Builder
	for i := range 500 {
		name, next := fmt.Sprintf("s%d", i), fmt.Sprintf("s%d", (i+1)%500)
		text.WriteString(deployment(name, "        env: [{name: N, value: 'http://"+next+":80'}]\n") + service(name, ""))
	}
	for b.Loop() {
		if found := read(b, text.String()); len(found.Dependencies) != 500 {
			b.Fatal(len(found.Dependencies))
		}
	}
}
