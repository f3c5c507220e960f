package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"muster/internal/config"
	"muster/internal/database/databasetest"
)

var update = flag.Bool("update", false, "write the golden files again")

// golden compares a text with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o750), os.WriteFile(path, []byte(got), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s differs (%v); run with -update when that is meant. Got:\n%s", path, err, got)
	}
}

func TestServeHelpListsEveryVariableWithItsDefault(t *testing.T) {
	_, out, _ := muster(t, "data", "", "serve", "--help")
	golden(t, "serve-help.golden", out)
	flat := strings.Join(strings.Fields(out), " ")
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		for i := range of.NumField() {
			f := of.Field(i)
			if f.Anonymous {
				walk(f.Type)
				continue
			}
			if name := f.Tag.Get("env"); !strings.Contains(flat, "$"+name) || !strings.Contains(flat, "default: "+f.Tag.Get("default")) {
				t.Errorf("%s, default %q, is not in the help", name, f.Tag.Get("default"))
			}
		}
	}
	walk(reflect.TypeFor[config.Config]())
}

func TestOutputForPeople(t *testing.T) {
	file := write(t, "web.yaml", manifest)
	_, out, _ := muster(t, t.TempDir(), "", "inspect", file)
	golden(t, "inspect.golden", strings.ReplaceAll(out, filepath.Dir(file)+"/", ""))
	data := t.TempDir()
	muster(t, data, "", "workspace", "create", "Kente")
	_, out, _ = muster(t, data, "", "import", "--workspace", "kente", "--source", "shop", file)
	golden(t, "import.golden", regexp.MustCompile(`\d+ ms`).ReplaceAllString(out, "N ms"))
	_, out, _ = muster(t, data, "", "migrate", "status")
	if regexp.MustCompile(`(?m)^1 +0001_house\.sql +applied \d{4}-\d\d-\d\d \d\d:\d\d UTC$`).FindString(out) == "" {
		t.Errorf("migrate status: %s", out)
	}
	if _, out, _ = muster(t, data, "", "version"); out != "muster "+version+"\n" {
		t.Errorf("version: %q", out)
	}
}

// --json prints one document and nothing else, whatever has to be said besides.
func TestJSONIsOneDocument(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"web.yaml": manifest, "notes.txt": "buy milk"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data := t.TempDir()
	muster(t, data, "", "workspace", "create", "Kente")
	for _, args := range [][]string{{"inspect", "--json", folder}, {"import", "--json", "--workspace", "kente", folder}, {"import", "--json", "--dry-run", "--workspace", "kente", folder}} {
		code, out, problems := muster(t, data, "", args...)
		d := json.NewDecoder(strings.NewReader(out))
		var first, second any
		if err := d.Decode(&first); code != exitDone || err != nil {
			t.Fatalf("%v: exit %d %v %s", args, code, err, problems)
		}
		if err := d.Decode(&second); !errors.Is(err, io.EOF) {
			t.Errorf("%v: more than one document: %v", args, second)
		}
	}
	code, out, problems := muster(t, data, "", "inspect", "--json", filepath.Join(folder, "nowhere.yaml"))
	if code != exitUnusable || out != "" || !strings.Contains(problems, "nowhere.yaml") {
		t.Errorf("a failure: exit %d, %q, %q", code, out, problems)
	}
}

func TestPeopleWithoutTheBrowser(t *testing.T) {
	data := t.TempDir()
	muster(t, data, "", "workspace", "create", "Kente")
	const good = "copper lantern tuesdays\n"
	for _, step := range []struct {
		name, stdin string
		args        []string
		want        int
		says        string
	}{
		{"a weak password", "short\n", []string{"create", "--email", "ama@kente.example", "--workspace", "kente", "--password-stdin"}, exitUnusable, "at least 12"},
		{"no workspace", good, []string{"create", "--email", "ama@kente.example", "--workspace", "nobody", "--password-stdin"}, exitUnusable, `no workspace "nobody"`},
		{"no role", good, []string{"create", "--email", "ama@kente.example", "--workspace", "kente", "--role", "king", "--password-stdin"}, exitUnusable, "is no role"},
		{"no address", good, []string{"create", "--email", "ama", "--workspace", "kente", "--password-stdin"}, exitUnusable, "e-mail address"},
		{"a password on the command line", good, []string{"create", "--email", "ama@kente.example", "--workspace", "kente"}, exitUnusable, "--password-stdin"},
		{"the first person", good, []string{"create", "--email", "ama@kente.example", "--workspace", "kente", "--password-stdin"}, exitDone, ""},
		{"the same again", good, []string{"create", "--email", "AMA@kente.example", "--workspace", "kente", "--password-stdin"}, exitUnusable, "here already"},
		{"off", "", []string{"disable", "--email", "ama@kente.example"}, exitDone, ""},
		{"on", "", []string{"enable", "--email", "ama@kente.example"}, exitDone, ""},
		{"without a second factor", "", []string{"reset-mfa", "--email", "ama@kente.example"}, exitDone, ""},
		{"somebody unknown", "", []string{"disable", "--email", "eve@kente.example"}, exitUnusable, "no user"},
	} {
		if code, _, problems := muster(t, data, step.stdin, append([]string{"user"}, step.args...)...); code != step.want || !strings.Contains(problems, step.says) {
			t.Errorf("%s: exit %d, want %d: %s", step.name, code, step.want, problems)
		}
	}
}

func TestBackupRestoreVerify(t *testing.T) {
	data, folder := t.TempDir(), t.TempDir()
	muster(t, data, "", "workspace", "create", "Kente")
	backup := filepath.Join(folder, "backup.db")
	step := func(name string, want int, says string, args ...string) {
		t.Helper()
		if code, out, problems := muster(t, data, "", args...); code != want || !strings.Contains(out+problems, says) {
			t.Errorf("%s: exit %d, want %d: %s%s", name, code, want, out, problems)
		}
	}
	step("a backup", exitDone, "checked it", "backup", backup)
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the backup: %v %v", info.Mode(), err)
	}
	step("over an older one", exitUnusable, "exists already", "backup", backup)
	step("into no folder", exitUnusable, "cannot be written", "backup", filepath.Join(folder, "none", "b.db"))
	step("of nothing", exitUnreachable, "no database", "backup", "--data", t.TempDir(), filepath.Join(folder, "other.db"))
	step("restore over a database", exitUnusable, "already", "restore", backup)

	left := t.TempDir()
	if err := os.WriteFile(filepath.Join(left, "muster.db-wal"), []byte("of another database"), 0o600); err != nil {
		t.Fatal(err)
	}
	step("restore beside the log of another", exitUnusable, "already", "restore", "--data", left, backup)
	fresh := filepath.Join(folder, "fresh")
	step("restore", exitDone, "Restored", "restore", "--data", fresh, backup)
	step("verify", exitDone, "whole", "verify", "--data", fresh)

	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"cut":             func(b []byte) []byte { return b[:len(b)/2] },
		"a page of zeros": func(b []byte) []byte { copy(b[4096*3:], make([]byte, 4096)); return b },
		"no database":     func([]byte) []byte { return []byte("hello") },
	} {
		bad := filepath.Join(t.TempDir(), "bad.db")
		if err := os.WriteFile(bad, damage(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		into := filepath.Join(t.TempDir(), "into")
		step("restore of "+name, exitUnusable, "not a whole backup", "restore", "--data", into, bad)
		if _, err := os.Stat(filepath.Join(into, "muster.db")); err == nil {
			t.Errorf("%s: a database was left", name)
		}
	}

	forge(t, filepath.Join(fresh, "muster.db"))
	step("verify of a forged log", exitNo, "activity log was changed", "verify", "--data", fresh)
}

// forge changes one entry of the log, past the trigger, as somebody with the file could.
func forge(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{"DROP TRIGGER activities_no_update", "UPDATE activities SET actor_name = 'somebody else' WHERE seq = 1"} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
}

// server runs `muster serve` and gives its address once it is ready.
func server(t *testing.T, data string, args ...string) (address string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	var problems bytes.Buffer
	done := make(chan int, 1)
	t.Setenv("MUSTER_DATA", data)
	go func() {
		code := run(ctx, append([]string{"serve"}, args...), output{out: writer, err: &problems, in: strings.NewReader("")})
		_ = writer.Close()
		done <- code
	}()
	line := make([]byte, 512)
	n, err := reader.Read(line)
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	found := regexp.MustCompile(`http://[^\s]+`).FindString(string(line[:n]))
	if err != nil || found == "" {
		t.Fatalf("serve: %v %s", err, problems.String())
	}
	return found, func() int { cancel(); return <-done }
}

func TestServeOnBothEngines(t *testing.T) {
	for name, extra := range map[string][]string{"sqlite": nil, "postgres": {"--database", databasetest.PostgresURL(t)}} {
		port := free(t)
		data := t.TempDir()
		start := time.Now()
		address, stop := server(t, data, append(extra, "--addr", port)...)
		t.Logf("%s: started in %v", name, time.Since(start).Round(time.Millisecond))
		if code, out, problems := muster(t, data, "", "healthcheck", "--addr", port); code != exitDone || out != "ok\n" {
			t.Errorf("%s: healthcheck: exit %d %s", name, code, problems)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: not ready: %d", name, answer.StatusCode)
		}
		if name == "sqlite" {
			code, _, problems := muster(t, data, "", "serve", "--addr", "127.0.0.1:0")
			if code != exitUnusable || !strings.Contains(problems, "Another muster serve or muster worker uses") {
				t.Errorf("a second server in one folder: exit %d %s", code, problems)
			}
			if code, _, problems := muster(t, data, "", "worker"); code != exitUnusable || !strings.Contains(problems, "several processes at once need PostgreSQL") {
				t.Errorf("a worker beside the server: exit %d %s", code, problems)
			}
			if code, _, problems := muster(t, data, "", "workspace", "create", "Beside"); code != exitDone {
				t.Errorf("a command beside the server: %s", problems)
			}
		}
		if code, _, problems := muster(t, t.TempDir(), "", "serve", "--addr", port); code != exitUnreachable || !strings.Contains(problems, "cannot be used") {
			t.Errorf("%s: an address in use: exit %d %s", name, code, problems)
		}
		if code := stop(); code != exitDone {
			t.Errorf("%s: stopped with %d", name, code)
		}
		if code, _, problems := muster(t, data, "", append([]string{"verify"}, extra...)...); code != exitDone {
			t.Errorf("%s: verify afterwards: %s", name, problems)
		}
		address, stop = server(t, data, append(extra, "--addr", port)...) // the lock went with the process
		if code, _, problems := muster(t, data, "", "healthcheck", "--addr", port); code != exitDone {
			t.Errorf("%s: a second start at %s: %s", name, address, problems)
		}
		if code := stop(); code != exitDone {
			t.Errorf("%s: a second start stopped with %d", name, code)
		}
	}
}

// free is a loopback address that nobody uses.
func free(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
