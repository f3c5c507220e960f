package main

import (
	"crypto/tls"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/probe/probetest"
)

func TestScanAndReportsOfProbes(t *testing.T) {
	authority := probetest.NewAuthority(t)
	address := probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, probetest.Leaf{})}})
	data := t.TempDir()
	mustRun := func(args ...string) string {
		t.Helper()
		code, out, problems := muster(t, data, "", args...)
		if code != exitDone {
			t.Fatalf("%v: exit %d: %s%s", args, code, out, problems)
		}
		return out
	}
	mustRun("workspace", "create", "Kente", "--data", data)
	compose := filepath.Join(t.TempDir(), "compose.yaml")
	if err := os.WriteFile(compose, []byte("services:\n  pay:\n    image: example.com/pay:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun("import", compose, "--workspace", "kente", "--data", data)
	if code, _, problems := muster(t, data, "", "scan", "--workspace", "kente", "--data", data); code != exitUnusable || !strings.Contains(problems, "no address to visit") {
		t.Fatalf("without an address: exit %d: %s", code, problems)
	}
	report := mustRun("probe", address, "--insecure-targets", "127.0.0.0/8", "--json", "--seen-from", "shop")
	file := filepath.Join(t.TempDir(), "probe.json")
	if err := os.WriteFile(file, []byte(report), 0o600); err != nil {
		t.Fatal(err)
	}
	var result imported
	if err := json.Unmarshal([]byte(mustRun("import", file, "--workspace", "kente", "--data", data, "--json")), &result); err != nil {
		t.Fatal(err)
	}
	if result.Evidence != 0 || len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0].Message, "No service has this address") {
		t.Errorf("got %+v", result)
	}
	if code, _, problems := muster(t, data, "", "import", file, compose, "--workspace", "kente", "--data", data); code != exitUnusable || !strings.Contains(problems, "by themselves") {
		t.Errorf("a report among other files: exit %d: %s", code, problems)
	}
}
