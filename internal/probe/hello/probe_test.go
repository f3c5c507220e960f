package hello

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster/internal/probe/probetest"
)

// ask1 probes an address on loopback.
func ask1(t *testing.T, address string, timeout time.Duration) *Result {
	t.Helper()
	return Probe(t.Context(), Config{
		ServerName: "localhost", Timeout: timeout,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return probetest.Loopback{}.DialContext(ctx, "tcp", address)
		},
	})
}

// offered is what was accepted, as "TLS1.2 NAME" in the registry's order of versions and sorted within.
func offered(r *Result) []string {
	var out []string
	for _, p := range r.Protocols {
		var names []string
		for _, o := range p.Offers {
			names = append(names, p.Version.String()+" "+o.Name)
		}
		slices.Sort(names)
		out = append(out, names...)
	}
	return out
}

func suites(version string, names ...string) []string {
	slices.Sort(names)
	for i := range names {
		names[i] = version + " " + names[i]
	}
	return names
}

var modernThree = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}

func states(r *Result) string {
	var out []string
	for _, p := range r.Protocols {
		out = append(out, p.Version.String()+" "+string(p.State))
	}
	return strings.Join(out, ", ")
}

func TestGoServers(t *testing.T) {
	t.Parallel()
	authority := probetest.NewAuthority(t)
	ec := authority.Issue(t, probetest.Leaf{})
	rsa := authority.Issue(t, probetest.Leaf{Key: probetest.RSAKey(t, 2048)})
	old := []string{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"}
	tests := []struct {
		name   string
		config *tls.Config
		states string
		want   []string
		leaves int
	}{
		{
			"only TLS 1.3", &tls.Config{Certificates: []tls.Certificate{ec}, MinVersion: tls.VersionTLS13},
			"SSLv2 refused, SSLv3 refused, TLS1.0 refused, TLS1.1 refused, TLS1.2 refused, TLS1.3 offered", suites("TLS1.3", slices.Clone(modernThree)...), 0,
		},
		{
			"TLS 1.2 with two suites", &tls.Config{Certificates: []tls.Certificate{rsa}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}},
			"SSLv2 refused, SSLv3 refused, TLS1.0 refused, TLS1.1 refused, TLS1.2 offered, TLS1.3 refused", suites("TLS1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"), 1,
		},
		{
			"everything old", &tls.Config{Certificates: []tls.Certificate{rsa}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
				tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA}},
			"SSLv2 refused, SSLv3 refused, TLS1.0 offered, TLS1.1 offered, TLS1.2 refused, TLS1.3 refused",
			append(suites("TLS1.0", append([]string{"TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"}, old...)...), suites("TLS1.1", append([]string{"TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"}, old...)...)...), 1,
		},
		{
			"two certificates", &tls.Config{Certificates: []tls.Certificate{ec, rsa}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
			"SSLv2 refused, SSLv3 refused, TLS1.0 refused, TLS1.1 refused, TLS1.2 offered, TLS1.3 refused", suites("TLS1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), 2,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ask1(t, probetest.ServeTLS(t, tt.config), 0)
			if states(got) != tt.states || !slices.Equal(offered(got), tt.want) || len(got.Leaves) != tt.leaves {
				t.Errorf("got %s with %q and %d certificates", states(got), offered(got), len(got.Leaves))
			}
		})
	}
}

func TestOpenSSLServers(t *testing.T) {
	t.Parallel()
	authority := probetest.NewAuthority(t)
	rsa := authority.Issue(t, probetest.Leaf{Key: probetest.RSAKey(t, 2048)})
	const level0 = ":@SECLEVEL=0"
	tests := []struct {
		name   string
		args   []string
		states string
		want   []string
	}{
		{
			"TLS 1.0 alone", []string{"-tls1", "-cipher", "AES128-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA:NULL-MD5:AECDH-AES128-SHA" + level0},
			"SSLv2 refused, SSLv3 refused, TLS1.0 offered, TLS1.1 refused, TLS1.2 refused, TLS1.3 refused",
			suites("TLS1.0", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_NULL_MD5", "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"),
		},
		{
			"TLS 1.2 with what no library offers", []string{"-tls1_2", "-cipher", "NULL-SHA256:ADH-AES256-GCM-SHA384:AES256-CCM8:DHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-CAMELLIA128-SHA256:ECDHE-ARIA256-GCM-SHA384" + level0},
			"SSLv2 refused, SSLv3 refused, TLS1.0 refused, TLS1.1 refused, TLS1.2 offered, TLS1.3 refused",
			suites("TLS1.2", "TLS_RSA_WITH_NULL_SHA256", "TLS_DH_anon_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_256_CCM_8", "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384"),
		},
		{
			"TLS 1.3 with other suites", []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256:TLS_AES_256_GCM_SHA384" + level0},
			"SSLv2 refused, SSLv3 refused, TLS1.0 refused, TLS1.1 refused, TLS1.2 refused, TLS1.3 offered",
			suites("TLS1.3", "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256", "TLS_AES_256_GCM_SHA384"),
		},
		{
			"TLS 1.1 to 1.3", []string{"-no_tls1", "-cipher", "AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256" + level0, "-ciphersuites", "TLS_AES_128_GCM_SHA256"},
			"SSLv2 refused, SSLv3 refused, TLS1.0 refused, TLS1.1 offered, TLS1.2 offered, TLS1.3 offered",
			slices.Concat(suites("TLS1.1", "TLS_RSA_WITH_AES_128_CBC_SHA"), suites("TLS1.2", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), suites("TLS1.3", "TLS_AES_128_GCM_SHA256")),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ask1(t, probetest.OpenSSL(t, rsa, tt.args...), 0)
			if states(got) != tt.states || !slices.Equal(offered(got), tt.want) {
				t.Errorf("got %s with %q", states(got), offered(got))
			}
			for _, p := range got.Protocols {
				for _, o := range p.Offers {
					if strings.Contains(o.Name, "_DHE_") && (!o.DH || o.Bits != 2048) {
						t.Errorf("%s: the DH group is %d bits", o.Name, o.Bits)
					}
				}
			}
		})
	}
}

func TestGroupsOfTLS13AreListedAsTheServerPrefersThem(t *testing.T) {
	t.Parallel()
	rsa := probetest.NewAuthority(t).Issue(t, probetest.Leaf{Key: probetest.RSAKey(t, 2048)})
	got := ask1(t, probetest.OpenSSL(t, rsa, "-tls1_3", "-groups", "P-384:X25519:ffdhe2048", "-serverpref"), 0)
	slices.Sort(got.Groups)
	if !slices.Equal(got.Groups, []string{"ffdhe2048", "secp384r1", "x25519"}) {
		t.Errorf("got %v", got.Groups)
	}
}

// greet builds the answer of a server that speaks one version and takes one suite.
func greet(v Version, suite uint16) []byte {
	body := binary.BigEndian.AppendUint16(nil, uint16(v))
	body = append(append(body, make([]byte, 32)...), 0)
	body = append(binary.BigEndian.AppendUint16(body, suite), 0)
	message := append([]byte{typeServerHello, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	message = append(message, typeServerHelloDone, 0, 0, 0)
	return appendBlock16(binary.BigEndian.AppendUint16([]byte{recordHandshake}, uint16(v)), message)
}

var handshakeFailure = []byte{recordAlert, 3, 0, 0, 2, 2, 40}

// readHello reads one hello and says its version; 0 is one of SSLv2.
func readHello(c net.Conn) (Version, []byte) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(c, head); err != nil || head[0] != recordHandshake {
		return 0, nil
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(c, body); err != nil || len(body) < 6 {
		return 0, nil
	}
	if strings.Contains(string(body), "\x00\x2b\x00\x03\x02\x03\x04") {
		return TLS13, body
	}
	return Version(binary.BigEndian.Uint16(body[4:])), body
}

func offers(body []byte, suite uint16) bool {
	at := 4 + 2 + 32
	at += 1 + int(body[at])
	size := int(binary.BigEndian.Uint16(body[at:]))
	for list := body[at+2 : at+2+size]; len(list) >= 2; list = list[2:] {
		if binary.BigEndian.Uint16(list) == suite {
			return true
		}
	}
	return false
}

func TestSSLv3IsFoundAndItsEndIsARefusal(t *testing.T) {
	t.Parallel()
	got := ask1(t, probetest.Script(t, func(c net.Conn) {
		if v, body := readHello(c); v == SSLv3 && offers(body, 0x0003) {
			c.Write(greet(SSLv3, 0x0003))
			return
		}
		c.Write(handshakeFailure)
	}), 0)
	if want := "SSLv2 refused, SSLv3 offered, TLS1.0 refused, TLS1.1 refused, TLS1.2 refused, TLS1.3 refused"; states(got) != want || !slices.Equal(offered(got), []string{"SSLv3 TLS_RSA_EXPORT_WITH_RC4_40_MD5"}) || !got.Of(SSLv3).Complete {
		t.Errorf("got %s, %q", states(got), offered(got))
	}
}

func TestAServerThatAnswersWithALowerVersionRefusesTheOthers(t *testing.T) {
	t.Parallel()
	got := ask1(t, probetest.Script(t, func(c net.Conn) {
		if v, body := readHello(c); v >= TLS10 && offers(body, 0x002f) {
			c.Write(greet(TLS10, 0x002f))
			return
		}
		c.Write(handshakeFailure)
	}), 0)
	if want := "SSLv2 refused, SSLv3 refused, TLS1.0 offered, TLS1.1 refused, TLS1.2 refused, TLS1.3 refused"; states(got) != want {
		t.Errorf("got %s", states(got))
	}
	if got := got.Of(TLS12).Reason; got != "it answers with TLS1.0" {
		t.Errorf("the reason is %q", got)
	}
}

func TestSSLv2IsFound(t *testing.T) {
	t.Parallel()
	got := ask1(t, probetest.Script(t, func(c net.Conn) {
		head := make([]byte, 2)
		if _, err := io.ReadFull(c, head); err != nil || head[0]&0x80 == 0 {
			c.Write(handshakeFailure)
			return
		}
		body := []byte{4, 0, 1, 0, 2, 0, 3, 0, 6, 0, 1, 'c', 'r', 't', 0x01, 0x00, 0x80, 0x07, 0x00, 0xC0, 'x'}
		c.Write(append([]byte{0x80, byte(len(body))}, body...))
	}), 0)
	if !slices.Equal(offered(got), []string{"SSLv2 SSL_CK_DES_192_EDE3_CBC_WITH_MD5", "SSLv2 SSL_CK_RC4_128_WITH_MD5"}) || got.Of(SSLv3).State != Refused {
		t.Errorf("got %s, %q", states(got), offered(got))
	}
}

func TestPeersThatAreNoServersAreUnknown(t *testing.T) {
	t.Parallel()
	tests := map[string]func(net.Conn){
		"silence":            func(c net.Conn) { io.Copy(io.Discard, c) },
		"garbage":            func(c net.Conn) { c.Write([]byte("\x00\x01\x02\x03 what do you want from me")) },
		"plain HTTP":         func(c net.Conn) { c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) },
		"an endless answer":  func(c net.Conn) { endless(c, []byte{recordHandshake, 3, 3, 0, 4, 99, 0, 0, 0}) },
		"endless heartbeats": func(c net.Conn) { endless(c, []byte{24, 3, 3, 0, 1, 0}) },
		"a huge message":     func(c net.Conn) { endless(c, []byte{recordHandshake, 3, 3, 0, 4, 2, 255, 255, 255}) },
		"a broken hello":     func(c net.Conn) { c.Write([]byte{recordHandshake, 3, 3, 0, 8, 2, 0, 0, 4, 3, 3, 0, 0}) },
		"half a record":      func(c net.Conn) { c.Write([]byte{recordHandshake, 3, 3, 0, 200, 2, 0}) },
		"one byte a second":  tarpit,
	}
	for name, peer := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			got := ask1(t, probetest.Script(t, func(c net.Conn) {
				c.Read(make([]byte, 4096)) // a close with unread bytes would be a reset
				peer(c)
			}), 300*time.Millisecond)
			if got.Offered() || strings.Contains(states(got), "offered") || strings.Count(states(got), "unknown") < 5 {
				t.Errorf("got %s", states(got))
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if got.HTTP != (name == "plain HTTP") {
				t.Errorf("plain HTTP: %v", got.HTTP)
			}
		})
	}
}

func endless(c net.Conn, message []byte) {
	for {
		if _, err := c.Write(message); err != nil {
			return
		}
	}
}

func tarpit(c net.Conn) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, b := range greet(TLS12, 0x002f) {
		<-tick.C
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
	}
}

func TestClosedConnectionsAreNoRefusalOnceEvenGoodHellosAreClosed(t *testing.T) {
	t.Parallel()
	var answers atomic.Int64
	got := ask1(t, probetest.Script(t, func(c net.Conn) {
		v, body := readHello(c)
		switch {
		case v == TLS12 && offers(body, 0xc02f) && answers.Add(1) == 1:
			c.Write(greet(TLS12, 0xc02f))
		case v == TLS10:
			c.Write(handshakeFailure)
		}
	}), 0)
	if want := "SSLv2 unknown, SSLv3 unknown, TLS1.0 refused, TLS1.1 unknown, TLS1.2 offered, TLS1.3 unknown"; states(got) != want || got.Of(TLS12).Complete {
		t.Errorf("got %s", states(got))
	}
}

func TestClosedConnectionsAreARefusalWhileGoodHellosAreAnswered(t *testing.T) {
	t.Parallel()
	got := ask1(t, probetest.Script(t, func(c net.Conn) {
		if v, body := readHello(c); v == TLS12 && offers(body, 0xc02f) {
			c.Write(greet(TLS12, 0xc02f))
		}
	}), 0)
	if want := "SSLv2 refused, SSLv3 refused, TLS1.0 refused, TLS1.1 refused, TLS1.2 offered, TLS1.3 refused"; states(got) != want || !got.Of(TLS12).Complete {
		t.Errorf("got %s", states(got))
	}
}

func TestASuiteThatWasNotOfferedIsNoAnswer(t *testing.T) {
	t.Parallel()
	got := ask1(t, probetest.Script(t, func(c net.Conn) {
		v, _ := readHello(c)
		c.Write(greet(min(v, TLS12), 0xfffe))
	}), 0)
	if got.Offered() {
		t.Errorf("got %s, %q", states(got), offered(got))
	}
}

func TestItEndsWithTheContext(t *testing.T) {
	t.Parallel()
	address := probetest.Script(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	got := Probe(ctx, Config{Timeout: time.Minute, Dial: func(ctx context.Context) (net.Conn, error) {
		return probetest.Loopback{}.DialContext(ctx, "tcp", address)
	}})
	if time.Since(began) > 3*time.Second || got.Offered() {
		t.Errorf("it took %v and found %s", time.Since(began), states(got))
	}
}

func FuzzParse(f *testing.F) {
	f.Add(greet(TLS12, 0xc02f))
	f.Add(handshakeFailure)
	f.Add([]byte{recordHandshake, 3, 3, 0, 17, 11, 0, 0, 9, 0, 0, 6, 0, 0, 3, 1, 2, 3, 12, 0, 0, 0})
	f.Add([]byte{0x80, 21, 4, 0, 1, 0, 2, 0, 3, 0, 6, 0, 1, 'c', 'r', 't', 0x01, 0x00, 0x80, 0x07, 0x00, 0xC0, 'x'})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, a := range []answer{parse(strings.NewReader(string(data))), parseV2(strings.NewReader(string(data)))} {
			if a.kind == greeted && a.version == 0 && len(data) < 11 {
				t.Errorf("%x is a server hello", data)
			}
			if a.kind != greeted && a.reason == "" {
				t.Errorf("%x has no reason", data)
			}
		}
	})
}
