package probe

import (
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/probe/hello"
	"muster/internal/probe/probetest"
)

const (
	gcm    = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
	cbc    = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
	noFS   = "TLS_RSA_WITH_AES_128_GCM_SHA256"
	rc4Old = "TLS_RSA_WITH_RC4_128_SHA"
	des3   = "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"
	null   = "TLS_RSA_WITH_NULL_SHA"
	dhe    = "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"
)

// server describes a server by its versions: "TLS1.2" with suites, and "?TLS1.0" for one that stayed unknown.
func server(t *testing.T, versions map[string][]string, change func(*facts)) *facts {
	t.Helper()
	authority := probetest.NewAuthority(t)
	f := &facts{target: &target{raw: "https://localhost", scheme: "https", host: "localhost", port: 443}, session: &session{}, roots: authority.Pool, now: time.Now(), hello: &hello.Result{},
		plain: map[int]plainAnswer{80: {closed: true}}, plainPort: 80}
	leaf := authority.Issue(t, probetest.Leaf{})
	f.hello.Chain = leaf.Certificate
	for _, v := range hello.Versions {
		p := hello.Protocol{Version: v, State: hello.Refused, Complete: true}
		if names, offered := versions[v.String()]; offered {
			p.State = hello.Offered
			for _, name := range names {
				p.Offers = append(p.Offers, hello.Offer{Name: name, Group: "x25519", Bits: 255})
			}
		}
		if _, unknown := versions["?"+v.String()]; unknown {
			p.State, p.Complete, p.Reason = hello.Unknown, false, "it gave no answer in time"
		}
		f.hello.Protocols = append(f.hello.Protocols, p)
	}
	if change != nil {
		change(f)
	}
	f.assemble()
	return f
}

func TestJudgesOfTLS(t *testing.T) {
	t.Parallel()
	dh := func(bits int) func(*facts) {
		return func(f *facts) {
			f.hello.Protocols[4].Offers[0] = hello.Offer{Name: dhe, Bits: bits, DH: true}
		}
	}
	tests := []struct {
		name                            string
		versions                        map[string][]string
		change                          func(*facts)
		version, ciphers, keys, forward Outcome
		grade                           string
	}{
		{"modern", map[string][]string{"TLS1.2": {gcm}, "TLS1.3": {"TLS_AES_128_GCM_SHA256"}}, nil, Pass, Pass, Pass, Pass, "A"},
		{"TLS 1.3 alone", map[string][]string{"TLS1.3": {"TLS_AES_128_GCM_SHA256"}}, nil, Pass, Pass, Pass, Pass, "A"},
		{"one old version is not known", map[string][]string{"TLS1.2": {gcm}, "?SSLv2": nil}, nil, Unknown, Pass, Pass, Pass, "A"},
		{"an old version outweighs an unknown one", map[string][]string{"TLS1.0": {cbc}, "TLS1.2": {gcm}, "?SSLv2": nil}, nil, Fail, Fail, Pass, Pass, "B"},
		{"CBC in TLS 1.2", map[string][]string{"TLS1.2": {gcm, cbc}}, nil, Pass, Fail, Pass, Pass, "A"},
		{"nothing but CBC", map[string][]string{"TLS1.2": {cbc}}, nil, Pass, Fail, Pass, Pass, "B"},
		{"no forward secrecy", map[string][]string{"TLS1.2": {noFS}}, nil, Pass, Fail, Pass, Fail, "B"},
		{"RC4", map[string][]string{"TLS1.2": {gcm, rc4Old}}, nil, Pass, Fail, Pass, Fail, "C"},
		{"3DES in TLS 1.2", map[string][]string{"TLS1.2": {gcm, des3}}, nil, Pass, Fail, Pass, Pass, "C"},
		{"NULL", map[string][]string{"TLS1.2": {gcm, null}}, nil, Pass, Fail, Pass, Fail, "F"},
		{"no TLS 1.2", map[string][]string{"TLS1.1": {cbc}}, nil, Fail, Fail, Pass, Pass, "C"},
		{"SSLv3 alone", map[string][]string{"SSLv3": {rc4Old}}, nil, Fail, Fail, Pass, Fail, "F"},
		{"SSLv2 besides", map[string][]string{"SSLv2": {"SSL_CK_RC4_128_WITH_MD5"}, "TLS1.2": {gcm}}, nil, Fail, Fail, Pass, Fail, "F"},
		{"a small DH group", map[string][]string{"TLS1.2": {dhe}}, dh(1024), Pass, Fail, Fail, Pass, "B"},
		{"a tiny DH group", map[string][]string{"TLS1.2": {dhe}}, dh(512), Pass, Fail, Fail, Pass, "F"},
		{"a sound DH group", map[string][]string{"TLS1.2": {dhe}}, dh(2048), Pass, Pass, Pass, Pass, "A"},
		{"the list broke off", map[string][]string{"TLS1.2": {gcm}}, func(f *facts) { f.hello.Protocols[4].Complete = false }, Pass, Unknown, Unknown, Unknown, "A"},
		{"the list broke off after a weak suite", map[string][]string{"TLS1.2": {cbc}}, func(f *facts) { f.hello.Protocols[4].Complete = false }, Pass, Fail, Unknown, Unknown, "B"},
		{"only the handshake worked", map[string][]string{"?SSLv2": nil, "?SSLv3": nil, "?TLS1.0": nil, "?TLS1.1": nil, "?TLS1.2": nil, "?TLS1.3": nil},
			func(f *facts) { f.session.ok, f.session.version = true, 0x0304 }, Unknown, Unknown, Unknown, Unknown, ""},
		{"a certificate that cannot be read", map[string][]string{"TLS1.3": {"TLS_AES_128_GCM_SHA256"}}, func(f *facts) { f.hello.Chain = nil }, Pass, Pass, Unknown, Pass, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := server(t, tt.versions, tt.change)
			got := map[string]Outcome{}
			for _, c := range judge(f) {
				got[c.Clause] = c.Outcome
				if c.Outcome == Unknown && c.Detail == "" {
					t.Errorf("no reason: %+v", c)
				}
			}
			want := map[string]Outcome{"modern_versions": tt.version, "ciphers": tt.ciphers, "keys": tt.keys, "forward_secrecy": tt.forward}
			for clause, outcome := range want {
				if got[clause] != outcome {
					t.Errorf("%s is %s, want %s", clause, got[clause], outcome)
				}
			}
			if f.tls.Grade != tt.grade {
				t.Errorf("the grade is %s, want %s", f.tls.Grade, tt.grade)
			}
		})
	}
}

func TestTheWorstSuiteIsNamedFirst(t *testing.T) {
	t.Parallel()
	c := judgeCiphers(server(t, map[string][]string{"TLS1.2": {cbc, noFS, des3, rc4Old, null}}, nil))
	var at []int
	for _, name := range []string{null, rc4Old, des3, noFS, cbc} {
		at = append(at, strings.Index(c.Detail, name))
	}
	if !slices.IsSorted(at) || at[0] != 0 {
		t.Errorf("got %s", c.Detail)
	}
}
