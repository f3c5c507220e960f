package probe

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"muster/internal/guard"
	"muster/internal/probe/probetest"
)

// BenchmarkVisitThousand visits 1,000 endpoints of one host through the guard, 40 of which hang or are gone: at most 60 s.
func BenchmarkVisitThousand(b *testing.B) {
	authority := probetest.NewAuthority(b)
	certificates := []tls.Certificate{authority.Issue(b, probetest.Leaf{}), authority.Issue(b, probetest.Leaf{Key: probetest.RSAKey(b, 2048)})}
	targets := make([]string, 1000)
	for i := range targets {
		switch {
		case i%50 == 7:
			targets[i] = "https://" + probetest.Script(b, func(c net.Conn) { io.Copy(io.Discard, c) })
		case i%50 == 8:
			targets[i] = "https://127.0.0.1:1"
		default:
			targets[i] = "https://" + probetest.ServeTLS(b, &tls.Config{Certificates: certificates[i%2 : i%2+1]})
		}
	}
	g := guard.New(guard.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	for b.Loop() {
		seen := 0
		for _, got := range VisitAll(b.Context(), targets, Options{Dialer: g, Roots: authority.Pool}, 32) {
			if got.TLS != nil && len(got.TLS.Ciphers) > 0 && got.TLS.Certificate.ChainTrusted {
				seen++
			}
		}
		if seen != 960 {
			b.Fatalf("%d of 960 servers were seen", seen)
		}
	}
	each := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(each.Seconds()/60, "of-limit")
	if each > time.Minute {
		b.Errorf("%v, and the limit is 60 s", each)
	}
}
