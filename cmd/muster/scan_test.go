package main

import (
	"crypto/tls"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

const closed = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "example.com/web:1"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: pay, namespace: shop}
spec: {template: {metadata: {labels: {app: pay}}, spec: {containers: [{name: pay, image: "example.com/pay:1", ports: [{containerPort: 8443}]}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: pay, namespace: shop}
spec: {selector: {app: pay}, ports: [{port: 8443}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: nobody, namespace: shop}
spec: {podSelector: {matchLabels: {app: pay}}, policyTypes: [Ingress]}
`

// A policy that the network ignores is found out by trying, and the map believes what was tried.
func TestAnArcThatTheFilesCloseAndTheNetworkDoesNot(t *testing.T) {
	data := t.TempDir()
	out := func(args ...string) string {
		t.Helper()
		code, out, problems := muster(t, data, "", append(args, "--data", data)...)
		if code != exitDone {
			t.Fatalf("%v: exit %d: %s%s", args, code, out, problems)
		}
		return out
	}
	out("workspace", "create", "Kente")
	out("import", write(t, "shop.yaml", closed), "--workspace", "kente", "--namespaces-complete")
	state := func() string {
		t.Helper()
		var document struct {
			Arcs []struct{ From, To, State string } `json:"arcs"`
		}
		if err := json.Unmarshal([]byte(out("map", "--json", "--workspace", "kente")), &document); err != nil {
			t.Fatal(err)
		}
		for _, a := range document.Arcs {
			if a.From == "web" && a.To == "pay" {
				return a.State
			}
		}
		return "none"
	}
	if before := state(); before != "closed" {
		t.Fatalf("by the files the arc is %s", before)
	}
	now := time.Now().UTC().Format(time.RFC3339)
	blocked := write(t, "blocked.json", `{"version":"v1","seen_from":"web pod","targets":[],"arcs":[{"from":"web","to":"pay","address":"pay:8443","started_at":"`+now+`","result":"unclear","connected":false,"answer":"none","observed":"nothing listens"}]}`)
	if words := out("import", blocked, "--workspace", "kente"); !strings.Contains(words, "No arc that was tried gave an answer") {
		t.Errorf("a try without an answer: %s", words)
	}
	open := write(t, "open.json", `{"version":"v1","seen_from":"web pod","targets":[],"arcs":[{"from":"web","to":"pay","address":"pay:8443","started_at":"`+now+`","result":"connected","connected":true,"answer":"anonymous","observed":"http answers 200"}]}`)
	if words := out("import", open, "--workspace", "kente"); !strings.Contains(words, "1 contradict the files") {
		t.Errorf("a policy that is ignored: %s", words)
	}
	if after := state(); after != "open" {
		t.Errorf("after the try the arc is %s", after)
	}
}
