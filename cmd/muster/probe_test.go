package main

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"muster/internal/probe"
	"muster/internal/probe/probetest"
)

const loopback = "127.0.0.0/8"

// serveProbed starts a sound server and one with an old protocol, and gives their addresses with the file of their authority.
func serveProbed(t *testing.T) (sound, old, ca string) {
	t.Helper()
	authority := probetest.NewAuthority(t)
	leaf := authority.Issue(t, probetest.Leaf{})
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	sound = probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS13})
	return sound, probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), ca
}

func TestProbeExitCodes(t *testing.T) {
	sound, old, ca := serveProbed(t)
	list := write(t, "targets.txt", "# our endpoints\nhttps://"+sound+"  # the shop\n\n"+old+"\n")
	notes := write(t, "notes.txt", "buy milk")
	for name, c := range map[string]struct {
		args []string
		want int
		says string
	}{
		"a visit":                          {[]string{"https://" + sound, "--insecure-targets", loopback}, exitDone, ""},
		"failing checks are no failure":    {[]string{old, "--insecure-targets", loopback}, exitDone, ""},
		"unless they are meant to be":      {[]string{old, "--insecure-targets", loopback, "--fail-on", "any"}, exitNo, ""},
		"high ones":                        {[]string{old, "--insecure-targets", loopback, "--fail-on", "high"}, exitNo, ""},
		"one control":                      {[]string{old, "--insecure-targets", loopback, "--fail-on", "tls-9,TLS-2"}, exitUnusable, `"tls-9" is neither any nor high nor a control`},
		"a control that fails":             {[]string{old, "--insecure-targets", loopback, "--fail-on", "IAM-8,tls-2"}, exitNo, ""},
		"a control that passes":            {[]string{old, "--insecure-targets", loopback, "--fail-on", "IAM-8"}, exitDone, ""},
		"refused by the guard":             {[]string{old}, exitNotAllowed, "127.0.0.1 is not visited because it is loopback"},
		"all of them refused":              {[]string{old, sound}, exitNotAllowed, "None of the 2 targets was visited"},
		"metadata is refused with a list":  {[]string{"http://169.254.169.254/", "--insecure-targets", "0.0.0.0/0"}, exitNotAllowed, "never visited"},
		"one refused, one visited":         {[]string{"10.0.0.1:443", old, "--insecure-targets", loopback}, exitDone, ""},
		"targets of a file":                {[]string{"@" + list, "--insecure-targets", "10.0.0.0/8,127.0.0.1"}, exitDone, ""},
		"and by its flag":                  {[]string{"--targets", list, "--insecure-targets", "10.0.0.0/8", "--insecure-targets", loopback}, exitDone, ""},
		"nothing listens":                  {[]string{"127.0.0.1:1", "--insecure-targets", loopback, "--fail-on", "any"}, exitDone, ""},
		"no target":                        {nil, exitUnusable, "Nothing to visit"},
		"an unusable target is named":      {[]string{"https://" + sound, "shop"}, exitUnusable, `"shop" is neither a URL nor HOST:PORT`},
		"an unusable line of a file":       {[]string{"@" + notes}, exitUnusable, `"buy" is neither`},
		"no such file":                     {[]string{"@nowhere.txt"}, exitUnusable, "There is no file nowhere.txt"},
		"an unusable network":              {[]string{sound, "--insecure-targets", "localhost"}, exitUnusable, `"localhost" of --insecure-targets`},
		"a document that is none":          {[]string{sound, "--openapi", notes}, exitUnusable, "is no OpenAPI document"},
		"an authority that is none":        {[]string{sound, "--ca", notes}, exitUnusable, "holds no certificate"},
		"an authority":                     {[]string{"https://" + sound, "--ca", ca, "--insecure-targets", loopback, "--fail-on", "TLS-2,TLS-3,TLS-4,IAM-8"}, exitDone, ""},
		"a burst out of bounds":            {[]string{sound, "--burst", "1000"}, exitUnusable, "--burst 1000"},
		"a budget shorter than one moment": {[]string{sound, "--budget", "1s"}, exitUnusable, "--budget no shorter"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, problems := muster(t, t.TempDir(), "", append([]string{"probe"}, c.args...)...)
			if code != c.want || !strings.Contains(problems, c.says) {
				t.Errorf("exit %d, want %d: %s %s", code, c.want, out, problems)
			}
		})
	}
}

func TestProbeJSONKeepsItsContract(t *testing.T) {
	sound, _, ca := serveProbed(t)
	t.Setenv("MUSTER_PROBE_TOKEN", "CANARY-5521")
	code, out, problems := muster(t, t.TempDir(), "", "probe", "https://"+sound, "--json", "--ca", ca, "--insecure-targets", loopback, "--seen-from", "the DMZ")
	if code != exitDone || problems != "" || strings.Contains(out, "CANARY") {
		t.Fatalf("exit %d: %s", code, problems)
	}
	var doc struct {
		Version, SeenFrom, At string
		Targets               []map[string]any
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || len(doc.Targets) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	has := func(of any, keys ...string) {
		t.Helper()
		object, _ := of.(map[string]any)
		for _, k := range keys {
			if _, there := object[k]; !there {
				t.Errorf("%s is missing in %v", k, of)
			}
		}
	}
	target := doc.Targets[0]
	has(target, "target", "resolved", "started_at", "duration_ms", "reachable", "tls", "http", "checks")
	has(target["tls"], "offered", "ciphers", "certificate", "forward_secrecy", "client_certificate", "grade")
	side := target["tls"].(map[string]any)
	has(side["ciphers"].([]any)[0], "protocol", "name", "weak")
	has(side["certificate"], "subject", "issuer", "names", "not_before", "not_after", "days_left", "key", "signature", "chain_trusted", "name_matches", "self_signed")
	has(target["checks"].([]any)[0], "control", "outcome", "observed", "expected", "detail")
	if side["grade"] != "A" || !slices.Equal(side["offered"].([]any), []any{"TLS1.3"}) || !strings.Contains(out, `"seen_from": "the DMZ"`) {
		t.Errorf("got %s", out)
	}
}

func TestProbeForPeople(t *testing.T) {
	sound, old, ca := serveProbed(t)
	_, out, _ := muster(t, t.TempDir(), "", "probe", old, "10.1.2.3:443", "127.0.0.1:1", "--ca", ca, "--insecure-targets", loopback)
	out = strings.NewReplacer(old, "127.0.0.1:PORT", sound, "127.0.0.1:PORT").Replace(out)
	out = regexp.MustCompile(`port \d{4,}`).ReplaceAllString(out, "port PORT")
	out = regexp.MustCompile(`\d+ ms`).ReplaceAllString(out, "N ms")
	out = regexp.MustCompile(`20\d\d-\d\d-\d\d`).ReplaceAllString(out, "DATE")
	out = regexp.MustCompile(`(?m)^  (API-|GOV-|IAM-1|IAM-2|TLS-5).*\n`).ReplaceAllString(out, "") // what HTTP answers has tests of its own
	golden(t, "probe.golden", regexp.MustCompile(`(\S)   +`).ReplaceAllString(out, "$1  "))
}

func TestProbeTriesArcs(t *testing.T) {
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(open.Close)
	file := filepath.Join(t.TempDir(), "arcs.json")
	text := fmt.Sprintf(`{"arcs":[{"from":"web","to":"pay","address":%q}]}`, strings.TrimPrefix(open.URL, "http://"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := muster(t, t.TempDir(), "", "probe", "--arcs", file, "--insecure-targets", "127.0.0.0/8", "--seen-from", "shop", "--json")
	var report probe.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitDone {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	if len(report.Arcs) != 1 || report.Arcs[0].Result != probe.Connected || report.Arcs[0].Answer != probe.AnswerRefused || report.SeenFrom != "shop" || report.Targets == nil {
		t.Errorf("got %+v", report)
	}
	if code, _, words := muster(t, t.TempDir(), "", "probe", "--arcs", filepath.Join(t.TempDir(), "none.json")); code != exitUnusable || !strings.Contains(words, "There is no file") {
		t.Errorf("a missing file: %d %s", code, words)
	}
}
