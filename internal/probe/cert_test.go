package probe

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"muster/internal/probe/probetest"
)

func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("n%05d.example.com", i)
	}
	return names
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	authority, other := probetest.NewAuthority(t), probetest.NewAuthority(t)
	now := time.Now()
	many := append(manyNames(9_999), "localhost")
	tests := []struct {
		name                          string
		leaf                          probetest.Leaf
		by                            *probetest.Authority
		trusted, names, time, expired Outcome
		keys                          Outcome
		grade, problem, key           string
		days                          int
	}{
		{"sound", probetest.Leaf{}, authority, Pass, Pass, Pass, Pass, Pass, "A", "", "EC-256", 59},
		{"by its address", probetest.Leaf{IPs: []net.IP{net.IPv4(127, 0, 0, 1)}, Names: []string{"localhost"}}, authority, Pass, Pass, Pass, Pass, Pass, "A", "", "EC-256", 59},
		{"expired", probetest.Leaf{From: now.AddDate(0, 0, -100), To: now.AddDate(0, 0, -3)}, authority, Pass, Pass, Fail, Fail, Pass, "T", "has expired", "EC-256", -4},
		{"not valid yet", probetest.Leaf{From: now.AddDate(0, 0, 3), To: now.AddDate(0, 0, 90)}, authority, Pass, Pass, Fail, Pass, Pass, "T", "not valid yet", "EC-256", 89},
		{"another name", probetest.Leaf{Names: []string{"example.com"}}, authority, Pass, Fail, Pass, Pass, Pass, "M", "", "EC-256", 59},
		{"self-signed", probetest.Leaf{SelfSigned: true}, authority, Fail, Pass, Pass, Pass, Pass, "T", "signed by itself", "EC-256", 59},
		{"an unknown authority", probetest.Leaf{}, other, Fail, Pass, Pass, Pass, Pass, "T", "unknown issuer", "EC-256", 59},
		{"20 of 90 days left", probetest.Leaf{From: now.AddDate(0, 0, -70), To: now.Add(20*24*time.Hour + time.Hour)}, authority, Pass, Pass, Fail, Pass, Pass, "A", "", "EC-256", 20},
		{"22 of 90 days left", probetest.Leaf{From: now.AddDate(0, 0, -68), To: now.Add(22*24*time.Hour + time.Hour)}, authority, Pass, Pass, Pass, Pass, Pass, "A", "", "EC-256", 22},
		{"3 of 6 days left", probetest.Leaf{From: now.AddDate(0, 0, -3), To: now.Add(3*24*time.Hour + time.Hour)}, authority, Pass, Pass, Pass, Pass, Pass, "A", "", "EC-256", 3},
		{"1 of 6 days left", probetest.Leaf{From: now.AddDate(0, 0, -5), To: now.Add(25 * time.Hour)}, authority, Pass, Pass, Fail, Pass, Pass, "A", "", "EC-256", 1},
		{"RSA of 1024 bits", probetest.Leaf{Key: probetest.RSAKey(t, 1024)}, authority, Pass, Pass, Pass, Pass, Fail, "B", "", "RSA-1024", 59},
		{"10,000 names", probetest.Leaf{Names: many}, authority, Pass, Pass, Pass, Pass, Pass, "A", "", "EC-256", 59},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := &tls.Config{Certificates: []tls.Certificate{tt.by.Issue(t, tt.leaf)}, MinVersion: tls.VersionTLS12,
				CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}
			_, port, _ := net.SplitHostPort(probetest.ServeTLS(t, config))
			began := time.Now()
			got := visited(t, "https://localhost:"+port, Options{Roots: authority.Pool, Dialer: probetest.Loopback{Ports: map[string]string{port: "127.0.0.1:" + port}}})
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			want := map[string]Outcome{"TLS-4 trusted": tt.trusted, "TLS-4 names_match": tt.names, "TLS-4 time_left": tt.time, "IAM-8 certificates": tt.expired, "TLS-3 keys": tt.keys}
			seen := answers(got)
			for clause, outcome := range want {
				if seen[clause] != outcome {
					t.Errorf("%s is %s: %+v", clause, seen[clause], got.Checks)
				}
			}
			if _, refuted := seen["DAT-6 strength"]; refuted != (tt.keys == Fail) {
				t.Errorf("DAT-6: %v", refuted)
			}
			if got.TLS == nil || got.TLS.Certificate == nil {
				t.Fatalf("no certificate: %+v", got)
			}
			c := got.TLS.Certificate
			if got.TLS.Grade != tt.grade || !strings.Contains(c.Problem, tt.problem) || (tt.problem == "") != (c.Problem == "") || c.Key != tt.key || c.DaysLeft != tt.days || len(c.Names) > 100 {
				t.Errorf("got grade %s, %d days, %+v", got.TLS.Grade, c.DaysLeft, c)
			}
		})
	}
}

func TestPassesEndWithTheCertificate(t *testing.T) {
	t.Parallel()
	authority := probetest.NewAuthority(t)
	leaf := authority.Issue(t, probetest.Leaf{})
	address := probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}})
	got := visited(t, "https://"+address, Options{Roots: authority.Pool})
	for clause, end := range map[string]time.Time{"trusted": leaf.Leaf.NotAfter, "names_match": leaf.Leaf.NotAfter, "time_left": leaf.Leaf.NotAfter.AddDate(0, 0, -21)} {
		if c := answerOf(t, got, "TLS-4", clause); c.Outcome != Pass || c.GoodUntil == nil || !c.GoodUntil.Equal(end) {
			t.Errorf("%s: got %+v, want until %v", clause, c, end)
		}
	}
	if c := answerOf(t, got, "IAM-8", "certificates"); c.GoodUntil == nil || !c.GoodUntil.Equal(leaf.Leaf.NotAfter) {
		t.Errorf("got %+v", c)
	}
}

func TestAMissingIntermediateIsNotTrusted(t *testing.T) {
	t.Parallel()
	root := probetest.NewAuthority(t)
	between := probetest.Under(t, root)
	leaf := between.Issue(t, probetest.Leaf{})
	got := visited(t, "https://"+probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}}), Options{Roots: root.Pool})
	if c := answerOf(t, got, "TLS-4", "trusted"); c.Outcome != Fail || !strings.Contains(c.Observed, "was not sent") {
		t.Errorf("got %+v", c)
	}
	leaf.Certificate = append(leaf.Certificate, between.Cert.Raw)
	got = visited(t, "https://"+probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}}), Options{Roots: root.Pool})
	if c := answerOf(t, got, "TLS-4", "trusted"); c.Outcome != Pass || len(got.TLS.Certificate.Chain) != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestSelfSignedByOldSignatures(t *testing.T) {
	t.Parallel()
	authority := probetest.NewAuthority(t)
	leaf := authority.Issue(t, probetest.Leaf{Key: probetest.RSAKey(t, 2048), SelfSigned: true}).Leaf
	leaf.SignatureAlgorithm = x509.MD5WithRSA // as if it were; Go makes no such certificates any more
	if !selfSigned(leaf) || signedWeakly(leaf) != "MD5" {
		t.Error("it is not seen")
	}
}

func TestACertificateThatNoLibraryTakesIsReadAllTheSame(t *testing.T) {
	t.Parallel()
	authority := probetest.NewAuthority(t)
	leaf := authority.Issue(t, probetest.Leaf{Names: manyNames(30_000), IPs: []net.IP{net.IPv4(127, 0, 0, 1)}})
	got := visited(t, "https://"+probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}, MaxVersion: tls.VersionTLS12}), Options{Roots: authority.Pool})
	if got.TLS == nil || got.TLS.Certificate == nil || got.TLS.Certificate.NamesTotal != 30_001 || !got.TLS.Certificate.NameMatches || !got.TLS.Certificate.ChainTrusted {
		t.Fatalf("got %+v", got.TLS)
	}
}
