package compose_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster/internal/imports/compose"
	"muster/internal/imports/model"
)

// project reads files that are given as pairs of name and text; .env and *.part are only referred to.
func project(files ...string) (*model.Inspection, error) {
	var set compose.Set
	for i := 0; i+1 < len(files); i += 2 {
		f := model.File{Path: files[i], Data: []byte(files[i+1])}
		if strings.HasSuffix(f.Path, ".env") || strings.HasSuffix(f.Path, ".part") {
			set.Others = append(set.Others, f)
			continue
		}
		set.Files = append(set.Files, f)
	}
	return compose.Read(set)
}

func read(t testing.TB, files ...string) *model.Inspection {
	t.Helper()
	found, err := project(files...)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func find(t testing.TB, found *model.Inspection, name string) model.Service {
	t.Helper()
	i := slices.IndexFunc(found.Services, func(s model.Service) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return found.Services[i]
}

func edges(found *model.Inspection) string {
	var list []string
	for _, d := range found.Dependencies {
		list = append(list, d.From+">"+d.To+" "+d.Basis)
	}
	return strings.Join(list, ", ")
}

func TestPorts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		port      string
		exposed   bool
		scope     string
		ephemeral bool
		address   string
	}{
		"all interfaces":         {"'8080:80'", true, "all", false, ":8080"},
		"all, spelled out":       {"'0.0.0.0:8080:80'", true, "all", false, "0.0.0.0:8080"},
		"this host":              {"'127.0.0.1:8080:80'", false, "loopback", false, "127.0.0.1:8080"},
		"this host, any port":    {"'127.0.0.1::80'", false, "loopback", true, ""},
		"this host in IPv6":      {"'[::1]:8080:80'", false, "loopback", false, "[::1]:8080"},
		"all in IPv6":            {"'[::]:8080:80'", true, "all", false, "[::]:8080"},
		"any port":               {"'80'", false, "all", true, ""},
		"a number":               {"80", false, "all", true, ""},
		"a port of a variable":   {"'${P}'", false, "all", true, ""},
		"a default":              {"'${P:-8080}:80'", true, "all", false, ":8080"},
		"a range":                {"'3000-3005:3000-3005'", true, "all", false, ":3000-3005"},
		"datagrams":              {"'53:53/udp'", true, "all", false, ":53"},
		"the long form":          {"{target: 80, published: 8080}", true, "all", false, ":8080"},
		"long and for this host": {"{target: 80, published: '8080', host_ip: 127.0.0.1, mode: host}", false, "loopback", false, "127.0.0.1:8080"},
		"long and of any port":   {"{target: 80}", false, "all", true, ""},
		"sixty-based by YAML":    {"22:22", true, "all", false, ":22"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := find(t, read(t, "c.yml", "services: {web: {image: 'x:1', ports: ["+c.port+"]}}\n"), "web")
			if len(s.Exposures) != 1 || s.Exposed != c.exposed || s.Exposures[0].Scope != c.scope || s.Exposures[0].Ephemeral != c.ephemeral || s.Exposures[0].Address != c.address {
				t.Errorf("%v %+v", s.Exposed, s.Exposures)
			}
		})
	}
	if s := find(t, read(t, "c.yml", "services: {web: {image: x, expose: ['80'], network_mode: host, labels: ['traefik.http.routers.r.rule=Host(`a`)']}}\n"), "web"); s.Exposed || !s.HostNetwork || len(s.Ports) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestFactsOfServices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		good func(s model.Service) bool
	}{
		"nothing said": {"{image: x}", func(s model.Service) bool {
			return s.RunsAsRoot == model.Unknown && !s.HasSecurityContext && s.ImagePin == model.PinMoving
		}},
		"root by name":              {"{image: x, user: root}", func(s model.Service) bool { return s.RunsAsRoot == model.Yes && s.HasSecurityContext }},
		"root by number":            {"{image: x, user: '0:0'}", func(s model.Service) bool { return s.RunsAsRoot == model.Yes }},
		"another user":              {"{image: x, user: 1000}", func(s model.Service) bool { return s.RunsAsRoot == model.No }},
		"a user of variables":       {"{image: x, user: '${UID}:${GID}'}", func(s model.Service) bool { return s.RunsAsRoot == model.Unknown }},
		"a variable without braces": {"{image: x, user: $UID}", func(s model.Service) bool { return s.RunsAsRoot == model.Unknown }},
		"a user by default":         {"{image: x, user: '${UID:-50000}:0'}", func(s model.Service) bool { return s.RunsAsRoot == model.No }},
		"old limits":                {"{image: x, mem_limit: 1g, cpus: 0.5}", func(s model.Service) bool { return s.CPULimit && s.MemoryLimit }},
		"limits of a deployment":    {"{image: x, deploy: {resources: {limits: {memory: 50M}, reservations: {cpus: '1'}}}}", func(s model.Service) bool { return !s.CPULimit && s.MemoryLimit }},
		"a health check":            {"{image: x, healthcheck: {test: curl -f http://localhost || exit 1}}", func(s model.Service) bool { return s.Liveness && !s.Readiness }},
		"a check switched off":      {"{image: x, healthcheck: {disable: true}}", func(s model.Service) bool { return !s.Liveness }},
		"a check of none":           {"{image: x, healthcheck: {test: [NONE]}}", func(s model.Service) bool { return !s.Liveness }},
		"built here":                {"{build: {context: ., target: prod}}", func(s model.Service) bool { return s.BuildOnly && s.ImagePin == model.PinNone }},
		"built and named":           {"{build: ., image: 'x:1'}", func(s model.Service) bool { return !s.BuildOnly && s.ImagePin == model.PinTag }},
		"the engine's socket":       {"{image: x, volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']}", func(s model.Service) bool { return s.DockerSocket && len(s.HostPaths) == 1 }},
		"the socket by a variable":  {"{image: x, volumes: ['${SOCK}:/var/run/docker.sock:ro']}", func(s model.Service) bool { return s.DockerSocket }},
		"a named volume":            {"{image: x, volumes: ['data:/data', {type: bind, source: /etc, target: /e}]}", func(s model.Service) bool { return slices.Equal(s.HostPaths, []string{"/etc"}) }},
		"all rights": {"{image: x, privileged: true, cap_add: [NET_ADMIN], cap_drop: [ALL], read_only: true}", func(s model.Service) bool {
			return s.Privileged && s.ReadOnlyRoot && s.Containers[0].DropsAllCaps && s.Containers[0].CapAdd[0] == "NET_ADMIN"
		}},
		"options of security": {"{image: x, security_opt: ['no-new-privileges:true', 'seccomp=unconfined']}", func(s model.Service) bool {
			return s.Containers[0].AllowPrivilegeEscalation != nil && s.Containers[0].Seccomp == "Unconfined"
		}},
		"replicas and profiles": {"{image: x, deploy: {replicas: 3}, profiles: [dev]}", func(s model.Service) bool { return *s.Replicas == 3 && s.Profiles[0] == "dev" }},
		"a published proxy":     {"{image: 'nginx:1.27', ports: ['80:80']}", func(s model.Service) bool { return s.Gateway }},
		"a hidden proxy":        {"{image: 'nginx:1.27'}", func(s model.Service) bool { return !s.Gateway }},
		"an edge by its image":  {"{image: 'traefik:v3'}", func(s model.Service) bool { return s.Gateway }},
		"lists are never null": {"{image: x}", func(s model.Service) bool {
			return s.PortMTLS != nil && s.Rights != nil && s.Storage != nil && s.Admission.DemandsToken == model.Unknown
		}},
		"nothing at all": {"", func(s model.Service) bool { return s.ImagePin == model.PinNone && !s.BuildOnly }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := find(t, read(t, "c.yml", "services:\n  web: "+c.text+"\n"), "web"); !c.good(s) {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ web, cart, want, unresolved string }{
		"an address":                    {"environment: {A: 'http://cart:80'}", "", "web>cart declared", ""},
		"a list of settings":            {"environment: [A=cart:80, B]", "", "web>cart declared", ""},
		"a bare host":                   {"environment: {CART_HOST: cart}", "", "web>cart declared", ""},
		"a bare word":                   {"environment: {THEME: cart}", "", "", ""},
		"a default":                     {"environment: {A: '${A:-${B:-http://cart:80}}'}", "", "web>cart declared", ""},
		"a value if set, and it is not": {"environment: {A: '${A:+http://cart:80}'}", "", "", ""},
		"dollars that are meant":        {"environment: {A: '$$cart'}", "", "", ""},
		"a start order":                 {"depends_on: [cart]", "", "web>cart ordering", ""},
		"a start order with conditions": {"depends_on: {cart: {condition: service_healthy}}", "", "web>cart ordering", ""},
		"both":                          {"depends_on: [cart], environment: {A: 'http://cart'}", "", "web>cart declared", ""},
		"a link":                        {"links: ['cart:basket']", "", "web>cart ordering", ""},
		"a link's other name":           {"links: ['cart:basket'], environment: {A: 'http://basket:80'}", "", "web>cart declared", ""},
		"the name of its container":     {"environment: {A: 'http://shop_cart:80'}", "container_name: shop_cart", "web>cart declared", ""},
		"its host name":                 {"environment: {A: 'http://cart.local:80'}", "hostname: cart.local", "web>cart declared", ""},
		"its name in a network":         {"environment: {A: 'http://basket:80'}", "networks: {n: {aliases: [basket]}}", "web>cart declared", ""},
		"a word of a command":           {"command: cart", "", "", ""},
		"an address in a command":       {"command: [serve, --cart, 'cart:80']", "", "web>cart declared", ""},
		"a flag in a command":           {"command: serve --cart-host cart", "", "web>cart declared", ""},
		"a wait in an entry point":      {"entrypoint: ['sh', '-c', 'until nc -z cart 80; do sleep 1; done']", "", "web>cart declared", ""},
		"a wait for it":                 {"command: ./wait-for-it.sh cart:80 -- serve", "", "web>cart declared", ""},
		"a check of itself":             {"healthcheck: {test: curl http://localhost:80}", "", "", ""},
		"a link outside":                {"external_links: ['cart_1:cart']", "", "", ""},
		"an outside host":               {"environment: {MAIL: 'smtp.mail.example:587'}", "", "", "smtp.mail.example"},
		"a variable that is not here":   {"environment: {A: 'http://${HOST}:80'}", "", "", ""},
		"a list of brokers":             {"environment: {BROKERS: 'cart:9092,other:9092'}", "", "web>cart declared", "other"},
		"another case":                  {"environment: {A: 'http://Cart:80'}", "", "web>cart declared", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := read(t, "c.yml", fmt.Sprintf("services:\n  web: {image: x, %s}\n  cart: {image: y, %s}\n", c.web, c.cart))
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

func TestSecrets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setting string
		want    bool
	}{
		"in clear":                   {"DB_PASSWORD: hunter2", true},
		"a variable":                 {"DB_PASSWORD: '${DB_PASSWORD}'", false},
		"a variable's default":       {"DB_PASSWORD: '${DB_PASSWORD:-hunter2}'", true},
		"a name alone, from .env":    {"DB_PASSWORD: ", true},
		"a file":                     {"DB_PASSWORD_FILE: /run/secrets/pw", false},
		"in an address":              {"URL: 'amqp://a:hunter2@mq:5672'", true},
		"in a pair":                  {"ConnectionString: 'Server=db;Password=hunter2'", true},
		"in an address by variables": {"URL: 'postgres://${U:-a}:${PW}@db/x'", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := find(t, read(t, ".env", "DB_PASSWORD=hunter2\n", "c.yml", "services:\n  web:\n    image: x\n    environment:\n      "+c.setting+"\n"), "web")
			if (len(s.LiteralSecrets) == 1) != c.want {
				t.Errorf("%+v", s.LiteralSecrets)
			}
			if c.want && s.LiteralSecrets[0].At != "c.yml:5" {
				t.Errorf("%+v", s.LiteralSecrets)
			}
		})
	}
	s := find(t, read(t, "web.env", "A=1\nexport DB_PASSWORD=hunter2\n", "c.yml", "services: {web: {image: x, env_file: web.env}}\n"), "web")
	if len(s.LiteralSecrets) != 1 || s.LiteralSecrets[0].At != "web.env:2" {
		t.Errorf("%+v", s.LiteralSecrets)
	}
}

func TestFilesOfOneProject(t *testing.T) {
	t.Parallel()
	base := "x-common: &common\n  image: base:1\n  environment: &env {A: 'http://cart:80'}\nservices:\n  web:\n    <<: *common\n    ports: ['80:80']\n    command: [old]\n  cart: {image: y}\n"
	for name, c := range map[string]struct {
		files []string
		good  func(f *model.Inspection, web model.Service) bool
	}{
		"a scalar wins, lists add up": {[]string{"c.yml", base, "o.yml", "services: {web: {image: 'over:2', ports: ['81:81', '80:80']}}\n"}, func(f *model.Inspection, s model.Service) bool {
			return s.Images[0] == "over:2" && len(s.Exposures) == 2
		}},
		"settings merge by key": {[]string{"c.yml", base, "o.yml", "services: {web: {environment: ['B=http://cart:81']}}\n"}, func(f *model.Inspection, s model.Service) bool {
			return len(f.Dependencies) == 1 && len(f.Dependencies[0].Evidence) == 2
		}},
		"a command is stated anew": {[]string{"c.yml", base, "o.yml", "services: {web: {command: [serve, 'cart:8099']}}\n"}, func(f *model.Inspection, s model.Service) bool { return len(f.Dependencies[0].Evidence) == 2 }},
		"a list is taken away":     {[]string{"c.yml", base, "o.yml", "services: {web: {ports: !reset []}}\n"}, func(f *model.Inspection, s model.Service) bool { return !s.Exposed }},
		"a list is replaced": {[]string{"c.yml", base, "o.yml", "services:\n  web:\n    ports: !override ['81:81']\n"}, func(f *model.Inspection, s model.Service) bool {
			return len(s.Exposures) == 1 && s.Exposures[0].Address == ":81"
		}},
		"a merge key with more": {[]string{"c.yml", "x-a: &a {user: '5'}\nx-b: &b {user: '0', image: 'b:1'}\nservices: {web: {<<: [*a, *b]}}\n"}, func(f *model.Inspection, s model.Service) bool {
			return s.RunsAsRoot == model.No && s.Images[0] == "b:1"
		}},
		"extended here": {[]string{"c.yml", "services: {base: {image: 'b:1', user: '0'}, web: {extends: base, depends_on: [base]}}\n"}, func(f *model.Inspection, s model.Service) bool {
			return s.RunsAsRoot == model.Yes && s.Images[0] == "b:1"
		}},
		"extended from a file": {[]string{"c.yml", "services: {web: {extends: {file: b.part, service: base}}}\n", "b.part", "services: {base: {image: 'b:1'}}\n"}, func(f *model.Inspection, s model.Service) bool {
			return s.Images[0] == "b:1" && len(f.Inputs) == 2 && len(f.Services) == 1
		}},
		"extended from nowhere": {[]string{"c.yml", "services: {web: {image: 'x:1', extends: {file: gone.yml, service: base}}}\n"}, func(f *model.Inspection, s model.Service) bool { return len(f.Problems) == 1 }},
		"included": {[]string{"c.yml", "include: [b.part]\nservices: {web: {image: x, depends_on: [cart]}}\n", "b.part", "services: {cart: {image: y}}\n"}, func(f *model.Inspection, s model.Service) bool {
			return len(f.Services) == 2 && len(f.Dependencies) == 1 && len(f.Inputs) == 2
		}},
		"included with a path":    {[]string{"c.yml", "include:\n- path: [b.part]\nservices: {web: {image: x}}\n", "b.part", "services: {cart: {image: y}}\n"}, func(f *model.Inspection, s model.Service) bool { return len(f.Services) == 2 }},
		"included from nowhere":   {[]string{"c.yml", "include: [gone.yml]\nservices: {web: {image: x}}\n"}, func(f *model.Inspection, s model.Service) bool { return len(f.Problems) == 1 }},
		"variables of a file":     {[]string{"c.yml", "services: {web: {image: x, env_file: [{path: w.env}]}, cart: {image: y}}\n", "w.env", "CART_HOST=cart\n"}, func(f *model.Inspection, s model.Service) bool { return edges(f) == "web>cart declared" }},
		"settings beat a file":    {[]string{"c.yml", "services: {web: {image: x, env_file: w.env, environment: {CART_HOST: elsewhere}}, cart: {image: y}}\n", "w.env", "CART_HOST=cart\n"}, func(f *model.Inspection, s model.Service) bool { return edges(f) == "" }},
		"a file that is not here": {[]string{"c.yml", "services: {web: {image: x, env_file: w.env}}\n"}, func(f *model.Inspection, s model.Service) bool { return len(f.Problems) == 1 }},
		"one that may be missing": {[]string{"c.yml", "services: {web: {image: x, env_file: [{path: w.env, required: false}]}}\n"}, func(f *model.Inspection, s model.Service) bool { return len(f.Problems) == 0 }},
		"values of .env": {[]string{".env", "TAG=1.2 # the tag\nCART='http://cart:80'\n", "c.yml", "services: {web: {image: 'x:$TAG', environment: [CART]}, cart: {image: y}}\n"}, func(f *model.Inspection, s model.Service) bool {
			return s.Images[0] == "x:1.2" && edges(f) == "web>cart declared"
		}},
		"the first version": {[]string{"c.yml", "web:\n  image: x:1\n  links: [cart]\ncart:\n  build: .\n"}, func(f *model.Inspection, s model.Service) bool {
			return len(f.Services) == 2 && edges(f) == "web>cart ordering"
		}},
		"a file of something else": {[]string{"c.yml", "services: {web: {image: x, env_file: w.env}}\n", "w.env", "A=1\nnot a setting\n"}, func(f *model.Inspection, s model.Service) bool {
			return len(f.Problems) == 1 && f.Problems[0].At == "line 2"
		}},
		"a name and a version": {[]string{"c.yml", "name: shop\nversion: '3.9'\nservices: {web: {image: 'x:1'}}\nconfigs: {c: {file: ./c}}\nsecrets: {s: {external: true}}\n"}, func(f *model.Inspection, s model.Service) bool { return len(f.Services) == 1 }},
		"JSON":                 {[]string{"c.json", `{"services": {"web": {"image": "x:1", "ports": ["80:80"]}}}`}, func(f *model.Inspection, s model.Service) bool { return s.Exposed }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := read(t, c.files...)
			if !c.good(found, find(t, found, "web")) {
				t.Errorf("%+v\n%+v\n%+v", found.Services, found.Dependencies, found.Problems)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"$SET": "v", "${SET}": "v", "a${SET}b": "avb", "${SET:-d}": "v", "${NONE:-d}": "d", "${NONE-d}": "d", "${EMPTY:-d}": "d", "${EMPTY-d}": "",
		"${SET:+x}": "x", "${NONE:+x}": "", "${NONE:-${SET}}": "v", "${NONE:-${NONE:-d}}": "d", "${NONE:?must}": "${NONE:?must}", "${SET:?must}": "v",
		"${NONE}": "${NONE}", "$NONE": "$NONE", "$$SET": "$SET", "$": "$", "${": "${", "a$": "a$", "${NONE:-http://h:1/{x}}": "http://h:1/{x}", "$1": "$1", "${1}": "${1}", "${NONE:-}": "",
	} {
		s := find(t, read(t, ".env", "SET=v\nEMPTY=\n", "c.yml", "services: {web: {image: '"+text+"'}}\n"), "web")
		if s.Containers[0].Image != want {
			t.Errorf("%s: got %q, want %q", text, s.Containers[0].Image, want)
		}
	}
}

func TestOneFileForThousandsOfServices(t *testing.T) {
	t.Parallel()
	var env, services strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&env, "K%d=v\n", i)
	}
	services.WriteString("services:\n")
	for i := range 3_000 {
		fmt.Fprintf(&services, "  s%d: {image: x, env_file: w.env}\n", i)
	}
	if found := read(t, "c.yml", services.String(), "w.env", env.String()); len(found.Services) != 3_000 || len(found.Problems) != 1 {
		t.Errorf("%d services, %v", len(found.Services), found.Problems)
	}
}

func TestSniff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"services:\n  web: {image: x}\n":                     true,
		"version: '3'\nservices: {}\n":                       true,
		"web:\n  image: x\ndb:\n  build: .\n":                true,
		"include:\n- a.yml\n":                                true,
		"{\"services\": {\"a\": {}}}":                        true,
		"apiVersion: v1\nkind: Service\nservices: 1\n":       false,
		"build:\n  image: golang\n  script: [make]\n":        false,
		"web:\n  image:\n    repository: x\n":                false,
		"replicas: 1\nweb:\n  image: x\n":                    false,
		"jobs:\n  a:\n    services:\n      db: {image: x}\n": false,
		"openapi: 3.0.0\npaths: {}\nservices: 1\n":           false,
	} {
		if got := compose.Sniff([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", 'b'+i, 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 9), ","))
	}
	for name, c := range map[string]struct{ text, says string }{
		"broken YAML":            {"services:\n  web: [\n", "c.yml, line "},
		"a list":                 {"- services\n", "top level is not a mapping"},
		"services that are none": {"services: [a]\n", "services must be a mapping"},
		"a service that is none": {"services: {web: hunter2}\n", "The service web is not a mapping"},
		"aliases that multiply":  {"services: {}\n" + bomb, "million values"},
		"deep nesting":           {"services: {web: " + strings.Repeat("{a: ", 500) + strings.Repeat("}", 500) + "}", "nested deeper"},
		"a circle of extends":    {"services: {a: {extends: b}, b: {extends: a}}\n", "extends itself"},
		"an alias of itself":     {"services: &s {a: *s}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := project("c.yml", c.text)
			var bad *model.Error
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
	if _, err := project("a.part", "include: [b.part]\n", "b.part", "include: [a.part]\n", "c.yml", "include: [a.part]\n"); err == nil || !strings.Contains(err.Error(), "includes itself") {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("services:\n  web: &w {image: 'x:${A:-1}', ports: ['80:80', {target: 1}], environment: [A=http://db:1], depends_on: {db: {condition: x}}}\n  db: {<<: *w, extends: web}\n"), []byte("A=1\n"))
	f.Add([]byte("web:\n  image: x\n  links: [db]\ndb:\n  build: .\n"), []byte("A='x"))
	f.Add([]byte("include: [c.yml]\nservices: {a: {env_file: [.env], ports: !reset []}}\n"), []byte("A=$A$A"))
	f.Add([]byte(`{"services": {"a": {"command": ["nc", "-z", "b", "80"]}, "b": null}}`), []byte(""))
	f.Fuzz(func(t *testing.T, text, env []byte) {
		found, err := compose.Read(compose.Set{Files: []model.File{{Path: "c.yml", Data: text}}, Others: []model.File{{Path: ".env", Data: env}}})
		if (found == nil) == (err == nil) {
			t.Error("neither an answer nor an error")
		}
	})
}
