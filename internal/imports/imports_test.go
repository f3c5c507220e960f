package imports_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"muster/internal/imports"
	"muster/internal/imports/model"
)

// inspect reads files that are given as pairs of name and text, each named by a person.
func inspect(parts ...string) (*model.Inspection, error) {
	var files []model.File
	explicit := map[string]bool{}
	for i := 0; i+1 < len(parts); i += 2 {
		files = append(files, model.File{Path: parts[i], Data: []byte(parts[i+1])})
		explicit[parts[i]] = true
	}
	return imports.Inspect(files, imports.Options{Explicit: explicit})
}

func pod(name string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\nspec: {containers: [{name: c, image: 'x:1'}]}\n"
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		compose:                                  "compose",
		pod("a"):                                 "kubernetes",
		"---\n# Source: chart\n---\n" + pod("a"): "kubernetes",
		"openapi: 3.0.0\npaths: {}\n":            "openapi",
		`{"swagger": "2.0", "paths": {}}`:        "openapi",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  api.yaml: |\n    openapi: 3.0.0\n":      "kubernetes",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  c.yml: |\n    services:\n      a: {}\n": "kubernetes",
		"apiVersion: v2\nname: chart\nversion: 1.0.0\n":                                                         "",
		"on: push\njobs:\n  a:\n    services: {db: {image: x}}\n":                                               "",
		"replicaCount: 1\nimage: {repository: x}\n":                                                             "",
		"hello": "", "": "", "{}": "", "null": "", "[]": "",
	} {
		if got, _ := imports.Detect(model.File{Data: []byte(text)}); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func utf16le(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

// hostile are inputs that must be refused with a sentence, soon and in little memory.
func hostile() map[string][2]string {
	kube := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nx: "
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	deep := 100_000
	return map[string][2]string{
		"brackets, Kubernetes":       {kube + strings.Repeat("[", deep), "nested deeper"},
		"brackets on lines":          {kube + strings.Repeat("[\n", deep), "nested deeper"},
		"braces, Compose":            {"services: " + strings.Repeat("{a: ", deep), "nested deeper"},
		"braces, OpenAPI":            {"openapi: 3.0.0\npaths: " + strings.Repeat("{a: ", deep), "nested deeper"},
		"JSON":                       {`{"openapi": "3.0.0", "paths": ` + strings.Repeat("[", deep), "nested deeper"},
		"sequences, Kubernetes":      {kube + "\n  " + strings.Repeat("- ", deep) + "a\n", "nested deeper"},
		"sequences, Compose":         {"services:\n  " + strings.Repeat("- ", deep) + "a\n", "max depth"},
		"sequences, OpenAPI":         {"openapi: 3.0.0\npaths:\n  " + strings.Repeat("- ", deep) + "a\n", "max depth"},
		"keys of keys":               {kube + "\n  " + strings.Repeat("? ", deep) + "a\n", "nested deeper"},
		"aliases, Kubernetes":        {kube + "1\n" + bomb, "aliases expand"},
		"aliases, Compose":           {"services: {}\n" + bomb, "aliases expand"},
		"a million values":           {kube + "\n" + strings.Repeat("- a\n", 1_000_000), "values"},
		"a million values on a line": {kube + "[" + strings.Repeat("a,", 1_000_000) + "a]\n", "values"},
		"a million objects":          {strings.Repeat("---\napiVersion: v1\nkind: X\n", 100_000), "objects"},
		"over the cap":               {kube + "|\n" + strings.Repeat("  text that goes on and on and on and on\n", 450_000), "larger than 16 MB"},
		"a template of Helm":         {"apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n", "Helm template"},
		"cut-off JSON":               {`{"apiVersion": "v1", "kind": "Pod", "metadata": {"na`, "cut-off"},
		"cut-off YAML":               {"services:\n  web: {image: \"x", "line "},
		"bytes that are no text":     {"services:\n  web:\n    image: x\x00\n", "line 3"},
		"another encoding":           {"services:\n  web:\n    image: caf\xe9\n", "line 3"},
		"nothing":                    {"", "empty"},
		"only remarks":               {"# services:\n#   web: {}\n---\n", "empty"},
		"something else":             {"<html><body>Sign in</body></html>", "no format"},
		"a report":                   {`{"csaf_version": "SPDX-2.3", "packages": []}`, "scanner report"},
	}
}

func TestHostileInput(t *testing.T) {
	t.Parallel()
	for name, c := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, err := inspect("in/file.yaml", c[0])
			took := time.Since(start)
			var bad *model.Error
			if !errors.As(err, &bad) || bad.Path != "in/file.yaml" || !strings.Contains(err.Error(), c[1]) {
				t.Errorf("got %.200v, want %q", err, c[1])
			}
			if took > time.Minute { // a hang; speed is what benchmarks measure
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestOddButGoodInput(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"UTF-16":               utf16le(compose),
		"a byte order mark":    "\xef\xbb\xbf" + compose,
		"Windows line ends":    strings.ReplaceAll(compose, "\n", "\r\n"),
		"a key written twice":  compose + "services: {web: {image: y}, db: {image: z}}\n",
		"brackets in a text":   pod("web") + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  t: |\n" + strings.Repeat("    the range [0, 1) is half open\n", 3000),
		"two thousand objects": strings.Repeat("---\n"+pod("web"), 2000),
		"a remark before it":   "# apiVersion: v1\n---\n" + pod("web"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := inspect("c.yml", text)
			if err != nil || len(found.Services) == 0 || len(found.Inputs) != 1 {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestInputsOfOneImport(t *testing.T) {
	t.Parallel()
	found, err := inspect("k.yaml", pod("web"), "compose.yml", compose, "web.yaml", "openapi: 3.0.0\ninfo: {title: Web API}\npaths: {/a: {get: {}}}\n", "lone.env", "A=1\n")
	if err != nil {
		t.Fatal(err)
	}
	var inputs []string
	for _, in := range found.Inputs {
		inputs = append(inputs, fmt.Sprintf("%s %s", in.Path, in.Format))
		if in.SHA256 == "" || in.Bytes == 0 {
			t.Errorf("%+v", in)
		}
	}
	if got := strings.Join(inputs, ", "); got != "k.yaml kubernetes, compose.yml compose, web.yaml openapi, lone.env dotenv" {
		t.Error(got)
	}
	if len(found.Services) != 2 || found.Services[0].Name == found.Services[1].Name {
		t.Errorf("%+v", found.Services)
	}
	if found.Operations[0].Service != "web" {
		t.Errorf("%+v", found.Operations)
	}
}

func TestFoldersAreProjects(t *testing.T) {
	t.Parallel()
	root := write(t, "a/docker-compose.yml", "services: {web: {extends: {file: base.yml, service: base}}}\n", "a/base.yml", "services: {base: {image: 'b:1'}}\n",
		"a/docker-compose.override.yml", "services: {web: {ports: ['80:80']}}\n", "b/compose.yaml", "services: {web: {image: 'c:1'}}\n", "notes.yaml", "a: 1\n")
	g, err := imports.Gather([]string{root})
	if err != nil {
		t.Fatal(err)
	}
	found, err := imports.Inspect(g.Files, imports.Options{Explicit: g.Explicit})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Services) != 2 || found.Services[0].Images[0] != "b:1" || !found.Services[0].Exposed || found.Services[1].Name != "b/web" || len(found.Problems) != 1 {
		t.Errorf("%+v\n%+v", found.Services, found.Problems)
	}
}

const canary = "hunter2-c4n4ry"

// canaries write one secret in every place that a file has for one.
func canaries() map[string][]string {
	kube := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: c, image: 'x:1', %s}], volumes: [{name: v, configMap: {name: m}}]}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  PW: %s\n  f.properties: |\n    db.password=%s\n    url=http://u:%s@gone.example:80\n"
	fill := func(text string) string { return strings.ReplaceAll(text, "%s", canary) }
	return map[string][]string{
		"env":            {"k.yaml", fill(fmt.Sprintf(strings.Replace(kube, "%s", "env: [{name: DB_PASSWORD, value: %[1]s}, {name: URL, value: 'amqp://u:%[1]s@gone.example:5672'}, {name: DSN, value: 'u:%[1]s@tcp(gone:1)/x'}], envFrom: [{configMapRef: {name: m}}]", 1), canary, canary, canary, canary))},
		"arguments":      {"k.yaml", fill(strings.Replace(kube, "%s", "args: ['--password=%s', '--url=http://u:%s@gone.example', '%s'], command: [sh, -c, 'psql -h gone postgres://u:%s@gone.example:1/x']", 1))},
		"a Secret":       {"k.yaml", fill("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {PW: %s}\n---\n" + pod("web"))},
		"Compose":        {"c.yml", fill("services:\n  web:\n    image: x\n    command: --requirepass %s\n    environment: {DB_PASSWORD: %s, URL: 'mongodb://u:%s@gone.example:27017,u:%s@other.example:1/x', C: 'Server=gone.example,1;Password=%s'}\n    labels: {x: %s}\n    healthcheck: {test: 'redis-cli -a %s ping'}\n"), ".env", fill("DB_PASSWORD=%s\n")},
		"a list":         {"c.yml", fill("services:\n  web:\n    image: x\n    env_file: w.env\n    environment: ['DB_PASSWORD=%s', 'PW=${PW:-%s}', X]\n"), "w.env", fill("SECRET_KEY=%s\nURL=redis://:%s@gone.example:1\n"), ".env", fill("X=http://u:%s@gone.example\n")},
		"a bad variable": {"c.yml", "services: {web: {image: x, env_file: w.env}}\n", "w.env", fill("A=1\n%s and more\n")},
		"OpenAPI":        {"o.yaml", fill("openapi: 3.0.0\npaths: {/a: {get: {description: %s, security: [{k: [%s]}]}}}\nservers: [{url: 'http://u:%s@h'}]\n")},
		"broken YAML":    {"c.yml", fill("services:\n  web: *%s\n")},
		"broken YAML 2":  {"k.yaml", fill("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: *%s\n")},
		"broken YAML 3":  {"c.yml", fill("services:\n  web:\n    environment:\n      A: \"%s\n")},
		"a wrong type":   {"k.yaml", fill("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: x, env: [{name: A, value: {b: %s}}], ports: [{containerPort: %s}]}]}\n")},
		"a wrong type 2": {"k.yaml", fill("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: x, resources: {limits: {cpu: %s}}}]}\n")},
		"a wrong type 3": {"k.yaml", fill(pod("web") + "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a}\nspec: {mtls: {mode: %s}}\n")},
		"broken JSON":    {"k.json", fill(`{"apiVersion": "v1", "kind": "Pod", "spec": {"x": "%s" %s`)},
	}
}

func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	for name, files := range canaries() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := inspect(files...)
			text, jsonErr := json.Marshal(found)
			if jsonErr != nil {
				t.Fatal(jsonErr)
			}
			if i := strings.Index(string(text), canary); i >= 0 {
				t.Errorf("it is kept: …%s…", text[max(0, i-150):min(len(text), i+50)])
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("it is told: %v", err)
			}
		})
	}
}

// shop writes a Compose project whose services have other names.
func shop(web, cart, db string) []string {
	return []string{
		"  " + web + ":\n    image: x:1\n    ports: ['80:80']\n    environment:\n      A_URL: 'http://" + cart + ":80'\n      API_KEY: s3cr3t\n    depends_on: [" + db + "]\n",
		"  " + cart + ":\n    image: y\n    user: '0'\n    command: ['--store-host', '" + db + "']\n    links: ['" + db + ":store']\n",
		"  " + db + ":\n    image: redis:7\n    mem_limit: 1g\n    healthcheck: {test: redis-cli ping}\n",
	}
}

// shape is what an inspection says, without places and with numbers for names.
func shape(t *testing.T, found *model.Inspection, names ...string) string {
	t.Helper()
	for i := range found.Services {
		s := &found.Services[i]
		s.At, s.Facts = "", nil
		for j := range s.Containers {
			s.Containers[j].At = ""
		}
		for j := range s.Exposures {
			s.Exposures[j].At = ""
		}
		for j := range s.LiteralSecrets {
			s.LiteralSecrets[j].At = ""
		}
	}
	for i := range found.Dependencies {
		for j := range found.Dependencies[i].Evidence {
			found.Dependencies[i].Evidence[j].At = ""
		}
	}
	text, err := json.Marshal([]any{found.Services, found.Dependencies, found.Unresolved})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range names {
		text = []byte(strings.ReplaceAll(string(text), `"`+n+`"`, fmt.Sprintf("<%d>", i)))
	}
	return string(text)
}

func TestRenamedAndShuffledProjectsMeanTheSame(t *testing.T) {
	t.Parallel()
	read := func(parts ...string) *model.Inspection {
		found, err := inspect(parts...)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	whole := func(parts []string) string { return "services:\n" + strings.Join(parts, "") }
	first := []string{"api", "basket", "cache"}
	want := shape(t, read("c.yml", whole(shop(first[0], first[1], first[2]))), first...)
	for _, other := range [][]string{{"zebra", "zoo", "zulu"}, {"a_b", "b-c", "c1"}} { // in the same order, since lists are sorted by name
		if got := shape(t, read("c.yml", whole(shop(other[0], other[1], other[2]))), other...); got != want {
			t.Errorf("renamed:\n%s\n%s", got, want)
		}
	}
	for range 20 {
		parts := shop(first[0], first[1], first[2])
		rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		if got := shape(t, read("c.yml", whole(parts)), first...); got != want {
			t.Errorf("shuffled:\n%s\n%s", got, want)
		}
		if got := shape(t, read("1.yml", whole(parts[:1]), "2.yml", whole(parts[1:2]), "3.yml", whole(parts[2:])), first...); got != want {
			t.Errorf("in several files:\n%s\n%s", got, want)
		}
	}
}

func FuzzInspect(f *testing.F) {
	for _, files := range canaries() {
		f.Add(files[0], []byte(files[1]))
	}
	f.Add("c.yml", []byte(utf16le(compose)))
	f.Add("k.yaml", []byte(pod("a")+"---\n"+pod("b")))
	f.Add("o.json", []byte(`{"openapi":"3.1.0","paths":{"/a":{"get":{}}}}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		start := time.Now()
		found, err := imports.Inspect([]model.File{{Path: name, Data: data}}, imports.Options{})
		if (found == nil) == (err == nil) {
			t.Error("neither an answer nor an error")
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// BenchmarkHostileInput refuses each hostile file: at most 5 s and 256 MB.
func BenchmarkHostileInput(b *testing.B) {
	for name, c := range hostile() {
		b.Run(name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				if _, err := inspect("in/file.yaml", c[0]); err == nil {
					b.Fatal("it was read")
				}
			}
			runtime.ReadMemStats(&after)
			each, bytes := b.Elapsed()/time.Duration(b.N), (after.HeapSys-min(before.HeapSys, after.HeapSys))>>20
			b.ReportMetric(each.Seconds()/5, "of-limit")
			b.ReportMetric(float64(bytes), "MB-grown")
			if each > 5*time.Second || bytes > 256 {
				b.Errorf("%s and %d MB, and the limit is 5 s and 256 MB", each, bytes)
			}
		})
	}
}
