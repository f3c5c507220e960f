package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"muster/internal/control/catalogue"
	"muster/internal/guard"
	"muster/internal/probe/probetest"
)

// visited visits with short times, on this machine only.
func visited(t *testing.T, raw string, o Options) Target {
	t.Helper()
	if o.Dialer == nil {
		o.Dialer = probetest.Loopback{}
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	return Visit(t.Context(), raw, o)
}

// answers gives the outcomes as "TLS-4 trusted fail", without those of the HTTP checks.
func answers(got Target, controls ...string) map[string]Outcome {
	out := map[string]Outcome{}
	for _, c := range got.Checks {
		if len(controls) == 0 || slices.Contains(controls, c.Control) {
			out[c.Control+" "+c.Clause] = c.Outcome
		}
	}
	return out
}

func answerOf(t *testing.T, got Target, control, clause string) Check {
	t.Helper()
	for _, c := range got.Checks {
		if c.Control == control && c.Clause == clause {
			return c
		}
	}
	t.Fatalf("%s %s was not answered: %+v", control, clause, got)
	return Check{}
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	authority := probetest.NewAuthority(t)
	leaf := authority.Issue(t, probetest.Leaf{Key: probetest.RSAKey(t, 2048)})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for kind, want := range map[tls.ClientAuthType]struct {
			word   string
			mutual Outcome
		}{
			tls.NoClientCert: {"none", Fail}, tls.RequestClientCert: {"requested", Fail}, tls.VerifyClientCertIfGiven: {"requested", Fail}, tls.RequireAnyClientCert: {"required", Pass},
			tls.RequireAndVerifyClientCert: {"required", Pass},
		} {
			t.Run(fmt.Sprintf("%s %v", tls.VersionName(version), kind), func(t *testing.T) {
				t.Parallel()
				address := probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: version, MaxVersion: version, ClientAuth: kind, ClientCAs: authority.Pool, NextProtos: []string{"http/1.1"}})
				got := visited(t, address, Options{Roots: authority.Pool, Inside: true})
				if got.TLS == nil || got.TLS.ClientCertificate != want.word {
					t.Fatalf("got %+v", got.TLS)
				}
				if c := answerOf(t, got, "TLS-6", "mutual_tls"); c.Outcome != want.mutual {
					t.Errorf("got %+v", c)
				}
				if c := answerOf(t, got, "TLS-4", "trusted"); c.Outcome != Pass {
					t.Errorf("got %+v", c)
				}
			})
		}
	}
	t.Run("outside nothing is said", func(t *testing.T) {
		t.Parallel()
		got := visited(t, probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}}), Options{})
		if _, said := answers(got)["TLS-6 mutual_tls"]; said {
			t.Error("TLS-6 was answered from outside")
		}
	})
	t.Run("plain HTTP inside", func(t *testing.T) {
		t.Parallel()
		got := visited(t, "http://"+probetest.Script(t, probetest.AnswerPage), Options{Inside: true})
		if c := answerOf(t, got, "TLS-6", "mutual_tls"); c.Outcome != Fail {
			t.Errorf("got %+v", c)
		}
	})
}

func respond(text string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := c.Read(make([]byte, 4096)); err != nil {
			return
		}
		io.WriteString(c, text)
	}
}

func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	leaf := probetest.NewAuthority(t).Issue(t, probetest.Leaf{})
	secure := probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}})
	refused := "127.0.0.1:1"
	page := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	tests := []struct {
		name, target, plain string
		each                func(net.Conn)
		want                Outcome
		observed            string
	}{
		{"closed", "https://shop.example.com", refused, nil, Pass, "port 80 is closed"},
		{"a page", "https://shop.example.com", "", respond(page), Fail, "answers 200 over plain HTTP on port 80"},
		{"a redirect to HTTPS", "https://shop.example.com", "", respond("HTTP/1.1 301 Moved\r\nLocation: https://shop.example.com/\r\nContent-Length: 0\r\n\r\n"), Pass, "redirects to HTTPS"},
		{"a redirect to HTTP", "https://shop.example.com", "", respond("HTTP/1.1 302 Found\r\nLocation: http://shop.example.com/login\r\nContent-Length: 0\r\n\r\n"), Fail, "leads to http://shop.example.com/login"},
		{"a redirect inside", "https://shop.example.com", "", respond("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"), Fail, "leads to /login"},
		{"not found is still served", "https://shop.example.com", "", respond("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), Fail, "answers 404"},
		{"it asks for a password in clear", "https://shop.example.com", "", respond("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), Fail, "answers 401"},
		{"a failing server", "https://shop.example.com", "", respond("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), Unknown, "answers 503"},
		{"silence", "https://shop.example.com", "", func(c net.Conn) { io.Copy(io.Discard, c) }, Unknown, "no usable answer"},
		{"garbage", "https://shop.example.com", "", respond("220 mail.example.com ESMTP\r\n"), Unknown, "no usable answer"},
		{"endless headers", "https://shop.example.com", "", func(c net.Conn) {
			respond("HTTP/1.1 200 OK\r\n")(c)
			for {
				if _, err := io.WriteString(c, "X: "+strings.Repeat("y", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}, Unknown, "no usable answer"},
		{"it hangs up", "https://shop.example.com", "", respond(""), Pass, "answers no plain HTTP"},
		{"another port than 443 is tried itself", "https://shop.example.com:8443", "", nil, Pass, "port 8443 answers no plain HTTP"},
		{"a URL of HTTP", "http://shop.example.com", "", respond(page), Fail, "answers 200"},
		{"a URL of HTTP that redirects", "http://shop.example.com", "", respond("HTTP/1.1 308 Permanent Redirect\r\nLocation: https://shop.example.com/\r\nContent-Length: 0\r\n\r\n"), Pass, "redirects"},
		{"nothing there", "http://shop.example.com", refused, nil, Unknown, "nothing"},
		{"a port alone that speaks HTTP", "shop.example.com:80", "", respond(page), Fail, "answers 200"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plain := tt.plain
			if tt.each != nil {
				plain = probetest.Script(t, tt.each)
			}
			o := Options{Timeout: time.Second, Dialer: probetest.Loopback{Ports: map[string]string{"80": plain, "443": secure, "8443": secure}}}
			if c := answerOf(t, visited(t, tt.target, o), "TLS-1", "no_plain_http"); c.Outcome != tt.want || !strings.Contains(c.Observed, tt.observed) {
				t.Errorf("got %+v", c)
			}
		})
	}
}

func TestHostilePeersGiveNoEvidence(t *testing.T) {
	t.Parallel()
	tests := map[string]func(net.Conn){
		"it never answers":  func(c net.Conn) { io.Copy(io.Discard, c) },
		"it answers bytes":  respond("\x16\x03\x03\x7f\xff garbage"),
		"it closes at once": func(net.Conn) {},
		"endless noise": func(c net.Conn) {
			for {
				if _, err := c.Write(make([]byte, 1000)); err != nil {
					return
				}
			}
		},
		"one byte at a time": func(c net.Conn) {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := c.Write([]byte{0x16}); err != nil {
					return
				}
			}
		},
	}
	for name, peer := range tests {
		for _, scheme := range []string{"https://", ""} {
			t.Run(scheme+name, func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				got := visited(t, scheme+probetest.Script(t, peer), Options{Timeout: 300 * time.Millisecond, Budget: 3 * time.Second, Inside: true})
				if took := time.Since(began); took > 4*time.Second {
					t.Errorf("it took %v", took)
				}
				for _, c := range got.Checks {
					if c.Control == "TLS-1" && c.Outcome == Pass && strings.Contains(c.Observed, "answers no plain HTTP") {
						continue // it hung up, which is a refusal of plain HTTP
					}
					if c.Outcome == Pass || c.Outcome == Fail {
						t.Errorf("evidence out of noise: %+v", c)
					}
					if c.Outcome == Unknown && c.Detail == "" {
						t.Errorf("no reason: %+v", c)
					}
				}
				if got.TLS != nil {
					t.Errorf("got %+v", got.TLS)
				}
			})
		}
	}
}

func TestUnreachableTargetsAreUnknownWithAReason(t *testing.T) {
	t.Parallel()
	failing := func(err error) Dialer {
		return dialFunc(func(context.Context, string, string) (net.Conn, error) { return nil, err })
	}
	for reason, err := range map[string]error{
		"leads to no address":   &net.DNSError{Err: "no such host", Name: "gone.example.com", IsNotFound: true},
		"could not be resolved": &net.DNSError{Err: "server misbehaving", Name: "gone.example.com"},
		"Nothing listens there": fmt.Errorf("dial: %w", syscall.ECONNREFUSED),
		"no route":              fmt.Errorf("dial: %w", syscall.EHOSTUNREACH),
		"no answer in time":     context.DeadlineExceeded,
		"The connection failed": errors.New("odd"),
	} {
		got := visited(t, "https://gone.example.com", Options{Dialer: failing(err)})
		if got.Reachable || got.Refused || !strings.Contains(got.Reason, reason) || len(got.Checks) == 0 {
			t.Errorf("%s: got %+v", reason, got)
		}
		for _, c := range got.Checks {
			if c.Outcome != Unknown || c.Detail != got.Reason {
				t.Errorf("%s: got %+v", reason, c)
			}
		}
	}
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func (f dialFunc) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

// names is a resolver of a few names.
type names map[string]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if ip, known := n[host]; known {
		return []netip.Addr{netip.MustParseAddr(ip)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func TestTheGuardDecides(t *testing.T) {
	t.Parallel()
	var dialled atomic.Int64
	g := guard.New(guard.Policy{
		Resolver: names{"inside.example.com": "10.1.2.3", "meta.example.com": "169.254.169.254", "public.example.com": "93.184.215.14"}, Allow: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")},
		Dial: func(context.Context, string, string) (net.Conn, error) {
			dialled.Add(1)
			return nil, syscall.ECONNREFUSED
		},
	})
	for _, raw := range []string{"https://inside.example.com", "http://meta.example.com/latest", "http://169.254.169.254/", "127.0.0.1:80", "https://[::1]/", "http://2130706433/"} {
		got := visited(t, raw, Options{Dialer: g, Ports: true, Inside: true})
		if !got.Refused || got.Reason == "" || len(got.Checks) > 0 || got.Reachable {
			t.Errorf("%s: got %+v", raw, got)
		}
	}
	if n := dialled.Load(); n > 0 {
		t.Errorf("%d connections were made", n)
	}
	got := visited(t, "https://public.example.com", Options{Dialer: g})
	if got.Refused || got.Reachable || !slices.Equal(got.Resolved, []string{"93.184.215.14"}) || dialled.Load() == 0 {
		t.Errorf("got %+v", got)
	}
	if got := visited(t, "nonsense", Options{Dialer: g}); got.Reason == "" || len(got.Checks) > 0 {
		t.Errorf("got %+v", got)
	}
}

func TestOneVisitResolvesOnce(t *testing.T) {
	t.Parallel()
	leaf := probetest.NewAuthority(t).Issue(t, probetest.Leaf{})
	address := netip.MustParseAddrPort(probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}}))
	var lookups atomic.Int64
	g := guard.New(guard.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Resolver: lookupFunc(func(host string) ([]netip.Addr, error) {
		if lookups.Add(1) > 1 {
			return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
		}
		return []netip.Addr{address.Addr()}, nil
	})})
	got := visited(t, fmt.Sprintf("https://rebind.example.com:%d", address.Port()), Options{Dialer: g})
	if lookups.Load() != 1 || got.TLS == nil || !slices.Equal(got.Resolved, []string{"127.0.0.1"}) {
		t.Errorf("%d lookups: %+v", lookups.Load(), got)
	}
}

type lookupFunc func(host string) ([]netip.Addr, error)

func (f lookupFunc) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return f(host)
}

func TestPorts(t *testing.T) {
	t.Parallel()
	leaf := probetest.NewAuthority(t).Issue(t, probetest.Leaf{})
	secure := probetest.ServeTLS(t, &tls.Config{Certificates: []tls.Certificate{leaf}})
	tests := []struct {
		name     string
		open     []string
		silent   []string
		gone     bool // the target itself stops answering
		declared []int
		want     Outcome
		observed string
	}{
		{"all closed", nil, nil, false, nil, Pass, "no undeclared port"},
		{"a database", []string{"5432", "6379"}, nil, false, nil, Fail, "5432, 6379"},
		{"a declared port", []string{"8080"}, nil, false, []int{8080}, Pass, "no undeclared port"},
		{"a firewall drops", nil, []string{"22", "23"}, false, nil, Pass, "no undeclared port"},
		{"the target is gone", nil, []string{"22", "23"}, true, nil, Unknown, "no answer from 22, 23"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var tried atomic.Int64
			dial := dialFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(address)
				switch {
				case port == "443" && tt.gone && tried.Load() > 50:
					return nil, context.DeadlineExceeded
				case port == "443", slices.Contains(tt.open, port):
					return probetest.Loopback{Ports: map[string]string{port: secure}}.DialContext(ctx, network, address)
				case slices.Contains(tt.silent, port):
					return nil, context.DeadlineExceeded
				}
				tried.Add(1)
				return nil, syscall.ECONNREFUSED
			})
			got := visited(t, "https://shop.example.com", Options{Dialer: dial, Ports: true, DeclaredPorts: tt.declared})
			if c := answerOf(t, got, "NET-3", "no_undeclared_port"); c.Outcome != tt.want || !strings.Contains(c.Observed, tt.observed) {
				t.Errorf("got %+v", c)
			}
		})
	}
}

func TestVisitAllKeepsTheOrder(t *testing.T) {
	t.Parallel()
	var raws []string
	for i := range 50 {
		raws = append(raws, fmt.Sprintf("https://h%d.example.com", i))
	}
	for i, got := range VisitAll(t.Context(), raws, Options{Dialer: dialFunc(func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED })}, 7) {
		if got.Target != raws[i] {
			t.Errorf("%d is %s", i, got.Target)
		}
	}
}

func TestEveryCheckIsOneThatTheCatalogueTakesFromProbes(t *testing.T) {
	t.Parallel()
	known, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range append(slices.Clone(knownChecks), portCheck) {
		control, found := known.Get(k.control)
		if !found || !slices.ContainsFunc(control.Clauses, func(c catalogue.Clause) bool { return c.ID == k.clause }) || k.expected == "" {
			t.Errorf("%s %s is not in the catalogue", k.control, k.clause)
			continue
		}
		takes := slices.ContainsFunc(control.Sources, func(s catalogue.Source) bool {
			return s.Kind == "probe" && (s.Proves || k.refutesOnly) && s.Refutes && (len(s.Clauses) == 0 || slices.Contains(s.Clauses, k.clause))
		})
		if !takes {
			t.Errorf("%s %s takes no word of a probe", k.control, k.clause)
		}
	}
}
