package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// muster runs one command line in a data folder.
func muster(t *testing.T, data, stdin string, args ...string) (code int, out, problems string) {
	t.Helper()
	var o, e bytes.Buffer
	t.Setenv("MUSTER_DATA", data)
	code = run(t.Context(), args, output{out: &o, err: &e, in: strings.NewReader(stdin)})
	return code, o.String(), e.String()
}

const manifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "nginx:1.29", env: [{name: API_TOKEN, value: CANARY-9321}]}]
`

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExitCodes(t *testing.T) {
	good := write(t, "web.yaml", manifest)
	broken := write(t, "broken.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: [\n")
	other := write(t, "notes.txt", "buy milk")
	data := t.TempDir()
	if code, _, problems := muster(t, data, "", "workspace", "create", "Kente"); code != exitDone {
		t.Fatal(problems)
	}
	for name, c := range map[string]struct {
		args []string
		want int
		says string
	}{
		"a good file":                  {[]string{"inspect", good}, exitDone, ""},
		"no such file":                 {[]string{"inspect", "nowhere.yaml"}, exitUnusable, "nowhere.yaml: There is no such file"},
		"a broken file names its line": {[]string{"inspect", broken}, exitUnusable, "line "},
		"a file of no known format":    {[]string{"inspect", other}, exitUnusable, "of no format that Muster reads"},
		"an unknown format":            {[]string{"inspect", "--format", "xyz", good}, exitUnusable, `no format "xyz"`},
		"an unknown command":           {[]string{"dance"}, exitUnusable, "dance"},
		"no such workspace":            {[]string{"import", "--workspace", "nobody", good}, exitUnusable, `no workspace "nobody"`},
		"no such environment":          {[]string{"import", "--workspace", "kente", "--environment", "moon", good}, exitUnusable, `no environment "moon"`},
		"a password on no input":       {[]string{"user", "create", "--email", "a@b.example", "--workspace", "kente", "--password-stdin"}, exitUnusable, "no password"},
		"a database that is not there": {[]string{"verify", "--database", "postgres://nobody@127.0.0.1:1/x"}, exitUnreachable, "cannot be opened"},
		"a server that is not there":   {[]string{"healthcheck", "--addr", "127.0.0.1:1"}, exitUnreachable, "No server answers"},
		"http for strangers":           {[]string{"serve", "--addr", "127.0.0.1:0", "--base-url", "http://muster.example"}, exitUnusable, "must be https"},
		"the version":                  {[]string{"version"}, exitDone, ""},
	} {
		code, _, problems := muster(t, data, "", c.args...)
		if code != c.want || !strings.Contains(problems, c.says) {
			t.Errorf("%s: exit %d, want %d: %s", name, code, c.want, problems)
		}
	}
}

func TestImportFromTheCommandLine(t *testing.T) {
	file, data := write(t, "web.yaml", manifest), t.TempDir()
	muster(t, data, "", "workspace", "create", "Kente")
	counts := func(args ...string) map[string]any {
		code, out, problems := muster(t, data, "", append([]string{"import", "--json", "--workspace", "kente", file}, args...)...)
		if code != exitDone {
			t.Fatal(problems)
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatal(err, out)
		}
		if strings.Contains(out+problems, "CANARY") {
			t.Error("the secret's value was printed")
		}
		return v["services"].(map[string]any)
	}
	for _, step := range []struct {
		args               []string
		created, unchanged float64
	}{{[]string{"--dry-run"}, 1, 0}, {[]string{"--dry-run"}, 1, 0}, {nil, 1, 0}, {nil, 0, 1}} {
		if got := counts(step.args...); got["created"] != step.created || got["unchanged"] != step.unchanged {
			t.Errorf("%v: %v", step.args, got)
		}
	}
	stored, err := os.ReadFile(filepath.Join(data, "muster.db"))
	if err != nil || bytes.Contains(stored, []byte("CANARY")) {
		t.Error("the secret's value was stored", err)
	}
}

func TestInspectKeepsItsContract(t *testing.T) {
	code, out, problems := muster(t, t.TempDir(), "", "inspect", "--json", write(t, "web.yaml", manifest))
	if code != exitDone {
		t.Fatal(problems)
	}
	var v map[string][]map[string]any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"inputs", "services", "dependencies", "unresolved", "components", "operations", "findings", "problems"} {
		if v[list] == nil {
			t.Errorf("%s is missing or null", list)
		}
	}
	for _, field := range strings.Fields("name namespace workload_kind group service_names replicas profiles containers images build_only ports service_ports language datastore datastore_kind exposed exposures runs_as_root privileged has_security_context cpu_limit memory_limit liveness readiness read_only_root image_pin host_network host_pid host_ipc host_paths docker_socket service_account automount_token mesh mtls authorization_policies network_policies ingress_isolated egress_isolated literal_secrets at") {
		if _, ok := v["services"][0][field]; !ok {
			t.Errorf("a service lacks %s", field)
		}
	}
	if strings.Contains(out, "CANARY") || !strings.Contains(out, "API_TOKEN") {
		t.Error("the secret's name is missing, or its value was printed")
	}
}

// The README's commands run one after the other, in a folder of the test.
func TestReadmeCommands(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Symlink(filepath.Join(root, "internal"), "internal"); err != nil {
		t.Fatal(err)
	}
	ran := 0
	word := regexp.MustCompile(`"([^"]*)"|(\S+)`)
	for line := range strings.Lines(string(text)) {
		stdin, command, piped := strings.Cut(strings.TrimSpace(line), " | ")
		if !piped {
			command = strings.TrimSpace(line)
		}
		rest, ours := strings.CutPrefix(command, "bin/muster ")
		if !ours {
			continue
		}
		var args []string
		for _, m := range word.FindAllStringSubmatch(rest, -1) {
			args = append(args, m[1]+m[2])
		}
		code, out, problems := muster(t, "data", strings.Trim(strings.TrimPrefix(stdin, "echo "), `"`)+"\n", args...)
		if code != exitDone {
			t.Errorf("%s: exit %d: %s%s", command, code, out, problems)
		}
		ran++
	}
	if ran < 8 {
		t.Errorf("only %d commands were found", ran)
	}
}
