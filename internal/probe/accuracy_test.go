package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/internal/probe/hello"
	"muster/internal/probe/probetest"
)

// view is what one tool says of one server, in the same words for all of them.
type view struct {
	versions []string
	ciphers  []string // "TLS1.2 TLS_…"
	faults   []string // of the certificate: expired, self-signed, name, and its key and signature
	took     time.Duration
}

// TestAccuracy compares what we say of servers with what sslscan and testssl.sh say, and prints every difference: make probe-accuracy.
func TestAccuracy(t *testing.T) {
	if os.Getenv("MUSTER_PROBE_ACCURACY") == "" {
		t.Skip("it needs sslscan, testssl.sh and nginx: make probe-accuracy")
	}
	var ours, theirs time.Duration
	differences := 0
	only := regexp.MustCompile(os.Getenv("MUSTER_PROBE_SERVERS"))
	for _, s := range subjects(t) {
		if !only.MatchString(s.name) {
			continue
		}
		address := s.start(t)
		if address == "" {
			fmt.Printf("%-42s not installed\n", s.name)
			continue
		}
		us, scan := viewOurs(t, address), viewSSLScan(t, address)
		ours, theirs = ours+us.took, theirs+scan.took
		found := us.against("sslscan", scan)
		if os.Getenv("MUSTER_PROBE_TESTSSL") != "no" {
			found = append(found, us.against("testssl.sh", viewTestSSL(t, address, s.deep))...)
		}
		fmt.Printf("%-42s %-30s %3d suites  %5d ms, sslscan %5d ms  %d differences\n", s.name, strings.Join(us.versions, " "), len(us.ciphers), us.took.Milliseconds(), scan.took.Milliseconds(), len(found))
		for _, d := range found {
			fmt.Println("    " + d)
		}
		differences += len(found)
	}
	fmt.Printf("%d differences; %d ms for all servers, sslscan %d ms: %.2f times as long\n", differences, ours.Milliseconds(), theirs.Milliseconds(), float64(ours)/float64(theirs))
	if ours > 2*theirs {
		t.Error("our probes took more than twice the time of sslscan")
	}
}

// subject is one server of the comparison.
type subject struct {
	name  string
	start func(t *testing.T) string
	deep  bool // testssl.sh lists its suites too, which takes it minutes
}

func subjects(t *testing.T) []subject {
	t.Helper()
	authority := probetest.NewAuthority(t)
	now := time.Now()
	rsa := authority.Issue(t, probetest.Leaf{Key: probetest.RSAKey(t, 2048)})
	small := authority.Issue(t, probetest.Leaf{Key: probetest.RSAKey(t, 1024)})
	ec := authority.Issue(t, probetest.Leaf{})
	openssl := func(c tls.Certificate, args ...string) func(*testing.T) string {
		return func(t *testing.T) string { return probetest.OpenSSL(t, c, append(args, "-www")...) }
	}
	golang := func(c *tls.Config) func(*testing.T) string {
		return func(t *testing.T) string { return probetest.ServeTLS(t, c) }
	}
	const all = "ALL:eNULL:COMPLEMENTOFALL:@SECLEVEL=0"
	return []subject{
		{"Go, as it comes", golang(&tls.Config{Certificates: []tls.Certificate{ec}}), true},
		{"Go, everything it can", golang(&tls.Config{Certificates: []tls.Certificate{rsa}, MinVersion: tls.VersionTLS10, CipherSuites: everySuite()}), false},
		{"OpenSSL, as it comes", openssl(rsa), false},
		{"OpenSSL, everything it can", openssl(rsa, "-cipher", all), false},
		{"OpenSSL, TLS 1.0 alone", openssl(rsa, "-tls1", "-cipher", all), true},
		{"OpenSSL, TLS 1.3 alone with CCM", openssl(ec, "-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256:TLS_AES_128_GCM_SHA256:@SECLEVEL=0"), true},
		{"OpenSSL, an RSA key of 1024 bits", openssl(small, "-cipher", "DEFAULT:@SECLEVEL=0"), false},
		{"OpenSSL, ECDSA with AECDH", openssl(ec, "-tls1_2", "-cipher", all), false},
		{"OpenSSL, an expired certificate", openssl(authority.Issue(t, probetest.Leaf{From: now.AddDate(0, 0, -90), To: now.AddDate(0, 0, -1)})), false},
		{"OpenSSL, another name", openssl(authority.Issue(t, probetest.Leaf{Names: []string{"example.com"}})), false},
		{"OpenSSL, self-signed", openssl(authority.Issue(t, probetest.Leaf{SelfSigned: true, Key: probetest.RSAKey(t, 3072)})), false},
		{"OpenSSL, signed with SHA-1", openssl(authority.Issue(t, probetest.Leaf{Signature: x509.ECDSAWithSHA1}), "-cipher", "DEFAULT:@SECLEVEL=0"), false},
		{"nginx, intermediate", nginx(`ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305;`, rsa), true},
		{"nginx, old with two certificates", nginx(`ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers "`+all+`"; ssl_prefer_server_ciphers on;`, rsa, ec), false},
		{"nginx, client certificates", nginx(`ssl_protocols TLSv1.2 TLSv1.3; ssl_verify_client on; ssl_client_certificate CHAIN;`, rsa), false},
		{"GnuTLS, much of what it can", gnutls(rsa, "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+ANON-DH:+ANON-ECDH:+ARCFOUR-128:+3DES-CBC:+NULL:+MD5:+SHA1:+RSA:+DHE-RSA:+AES-128-CCM:+AES-256-CCM-8:+CAMELLIA-128-GCM:+CAMELLIA-256-CBC"), false},
		{"Java, everything it can, SSLv3 too", java(rsa), false},
	}
}

// freePort asks the machine for a port that nobody uses.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// program starts a server and waits until it accepts; "" when it is not installed.
func program(t *testing.T, port, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	cmd := exec.Command(path, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	address := "127.0.0.1:" + port
	for range 1200 { // a Java server compiles itself first
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			c.Close()
			return address
		}
		if pause(context.Background(), 50*time.Millisecond) != nil {
			break
		}
	}
	t.Fatalf("%s does not serve: %s", name, said.String())
	return ""
}

func nginx(settings string, certs ...tls.Certificate) func(*testing.T) string {
	return func(t *testing.T) string {
		dir, port := t.TempDir(), freePort(t)
		text := "daemon off; master_process off; error_log " + dir + "/log; pid " + dir + "/pid; events {} http { access_log off; client_body_temp_path " + dir + "; proxy_temp_path " + dir +
			"; fastcgi_temp_path " + dir + "; uwsgi_temp_path " + dir + "; scgi_temp_path " + dir + "; server { listen 127.0.0.1:" + port + " ssl; return 200; "
		for _, c := range certs {
			chain, key := probetest.Files(t, c)
			text += "ssl_certificate " + chain + "; ssl_certificate_key " + key + "; "
			settings = strings.ReplaceAll(settings, "CHAIN", chain)
		}
		file := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(file, []byte(text+settings+" } }"), 0o600); err != nil {
			t.Fatal(err)
		}
		return program(t, port, "nginx", "-c", file)
	}
}

func gnutls(c tls.Certificate, priority string) func(*testing.T) string {
	return func(t *testing.T) string {
		port := freePort(t)
		chain, key := probetest.Files(t, c)
		return program(t, port, "gnutls-serv", "-p", port, "--x509certfile", chain, "--x509keyfile", key, "--http", "--priority", priority)
	}
}

// java runs a server of the Java standard library, the one that still speaks SSLv3.
func java(c tls.Certificate) func(*testing.T) string {
	return func(t *testing.T) string {
		port, store := freePort(t), filepath.Join(t.TempDir(), "store.p12")
		chain, key := probetest.Files(t, c)
		if out, err := exec.Command("openssl", "pkcs12", "-export", "-in", chain, "-inkey", key, "-out", store, "-passout", "pass:secret").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return program(t, port, "java", "testdata/OldServer.java", port, store)
	}
}

func viewOurs(t *testing.T, address string) view {
	t.Helper()
	began := time.Now()
	got := Visit(t.Context(), "https://"+address, Options{Dialer: probetest.Loopback{}, Timeout: 30 * time.Second, Budget: 3 * time.Minute}) // a cold server on a busy machine
	v := view{took: time.Since(began)}
	if got.TLS == nil {
		t.Fatalf("%s: no TLS: %+v", address, got)
	}
	v.versions = got.TLS.Offered
	for _, c := range got.TLS.Ciphers {
		v.ciphers = append(v.ciphers, c.Protocol+" "+c.Name)
	}
	if c := got.TLS.Certificate; c != nil {
		v.faults = append(v.faults, c.Key, "expired "+strconv.FormatBool(c.DaysLeft < 0), "self-signed "+strconv.FormatBool(c.SelfSigned), hash(c.Signature), "name "+strconv.FormatBool(c.NameMatches))
	}
	return v
}

// hash is the digest of a signature algorithm in anybody's spelling.
func hash(signature string) string {
	flat := strings.ToUpper(strings.ReplaceAll(signature, "-", ""))
	for _, h := range []string{"SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "MD5"} {
		if strings.Contains(flat, h) && !strings.Contains(flat, h+"0") {
			return h
		}
	}
	return signature
}

func viewSSLScan(t *testing.T, address string) view {
	t.Helper()
	began := time.Now()
	out, err := exec.CommandContext(t.Context(), "sslscan", "--xml=-", "--no-colour", address).Output()
	v := view{took: time.Since(began)}
	if err != nil {
		t.Fatalf("sslscan: %v", err)
	}
	var doc struct {
		Tests []struct {
			Protocols []struct {
				Type, Version string `xml:",attr"`
				T             string `xml:"type,attr"`
				V             string `xml:"version,attr"`
				Enabled       string `xml:"enabled,attr"`
			} `xml:"protocol"`
			Ciphers []struct {
				Version string `xml:"sslversion,attr"`
				ID      string `xml:"id,attr"`
			} `xml:"cipher"`
			Certificates []struct {
				Signature string `xml:"signature-algorithm"`
				Key       struct {
					Type string `xml:"type,attr"`
					Bits string `xml:"bits,attr"`
				} `xml:"pk"`
				SelfSigned string `xml:"self-signed"`
				Expired    string `xml:"expired"`
			} `xml:"certificates>certificate"`
		} `xml:"ssltest"`
	}
	if err := xml.Unmarshal(out, &doc); err != nil || len(doc.Tests) == 0 {
		t.Fatalf("sslscan: %v in %s", err, out)
	}
	for _, p := range doc.Tests[0].Protocols {
		if p.Enabled == "1" {
			v.versions = append(v.versions, map[string]string{"ssl": "SSLv", "tls": "TLS"}[p.T]+p.V)
		}
	}
	for _, c := range doc.Tests[0].Ciphers {
		id, err := strconv.ParseUint(strings.TrimPrefix(c.ID, "0x"), 16, 16)
		if err == nil {
			v.ciphers = append(v.ciphers, strings.Replace(c.Version, "TLSv", "TLS", 1)+" "+hello.Name(uint16(id)))
		}
	}
	for _, c := range doc.Tests[0].Certificates[:min(1, len(doc.Tests[0].Certificates))] {
		if bits, err := strconv.Atoi(c.Key.Bits); err == nil && c.Key.Type == "EC" { // it tells the strength, which is half of the size
			c.Key.Bits = strconv.Itoa(2 * bits)
		}
		v.faults = append(v.faults, c.Key.Type+"-"+c.Key.Bits, "expired "+strings.TrimSpace(c.Expired), "self-signed "+strings.TrimSpace(c.SelfSigned), hash(c.Signature))
	}
	return v
}

var testSSLCipher = regexp.MustCompile(`^cipher-(\S+)_x([0-9a-f]+)$`)

func viewTestSSL(t *testing.T, address string, deep bool) view {
	t.Helper()
	file := filepath.Join(t.TempDir(), "out.json")
	began := time.Now()
	args := []string{"--quiet", "--color", "0", "--warnings", "off", "--jsonfile", file, "-p", "-S"}
	if deep {
		args = append(args, "-E")
	}
	cmd := exec.CommandContext(t.Context(), "testssl", append(args, address)...)
	cmd.Stdin = strings.NewReader("yes\n")
	said, _ := cmd.CombinedOutput() // its exit code counts findings
	v := view{took: time.Since(began)}
	data, err := os.ReadFile(file)
	var rows []struct{ ID, Finding string }
	if err != nil || json.Unmarshal(data, &rows) != nil {
		t.Fatalf("testssl.sh: %v: %s", err, said)
	}
	words := map[string]string{"SSLv2": "SSLv2", "SSLv3": "SSLv3", "TLS1": "TLS1.0", "TLS1_1": "TLS1.1", "TLS1_2": "TLS1.2", "TLS1_3": "TLS1.3"}
	short := map[string]string{"ssl2": "SSLv2", "ssl3": "SSLv3", "tls1": "TLS1.0", "tls1_1": "TLS1.1", "tls1_2": "TLS1.2", "tls1_3": "TLS1.3"}
	facts := map[string]string{}
	for _, r := range rows {
		if name, is := words[r.ID]; is && strings.HasPrefix(r.Finding, "offered") {
			v.versions = append(v.versions, name)
		}
		if m := testSSLCipher.FindStringSubmatch(r.ID); m != nil {
			if id, err := strconv.ParseUint(m[2], 16, 16); err == nil {
				v.ciphers = append(v.ciphers, short[m[1]]+" "+hello.Name(uint16(id)))
			}
		}
		facts[strings.Fields(r.ID + " ")[0]] = r.Finding
	}
	if key := facts["cert_keySize"]; key != "" {
		v.faults = testSSLFaults(facts, key)
	}
	return v
}

func testSSLFaults(facts map[string]string, key string) []string {
	words := strings.Fields(key) // "RSA 2048 bits", "EC 256 bits"
	expired := strings.Contains(facts["cert_expirationStatus"], "expired") && !strings.Contains(facts["cert_expirationStatus"], "expires")
	return []string{words[0] + "-" + words[1], fmt.Sprintf("expired %v", expired), fmt.Sprintf("self-signed %v", strings.Contains(facts["cert_chain_of_trust"], "self signed")), hash(facts["cert_signatureAlgorithm"]),
		fmt.Sprintf("name %v", !strings.Contains(facts["cert_trust"], "does not match"))}
}

// against lists where two views differ. A tool that says nothing of a certificate's fault does not differ in it.
func (v view) against(tool string, other view) []string {
	var out []string
	compare := func(what string, a, b []string) {
		for _, x := range a {
			if !slices.Contains(b, x) {
				out = append(out, fmt.Sprintf("%s: only we see %s", what, x))
			}
		}
		for _, x := range b {
			if !slices.Contains(a, x) {
				out = append(out, fmt.Sprintf("%s: only %s sees %s", what, tool, x))
			}
		}
	}
	compare("version", v.versions, other.versions)
	if len(other.ciphers) > 0 {
		mine := v.ciphers
		if tool == "sslscan" { // it tells whether SSLv3 is there, and lists none of its suites
			mine = slices.DeleteFunc(slices.Clone(mine), func(c string) bool { return strings.HasPrefix(c, "SSLv3 ") })
		}
		compare("suite", mine, other.ciphers)
	}
	if len(other.faults) > 0 {
		compare("certificate", v.faults[:min(len(v.faults), len(other.faults))], other.faults)
	}
	return out
}
