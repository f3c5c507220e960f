package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/internal/fault"
)

// recorder notes every connection that would have been made and makes none.
type recorder struct {
	mu    sync.Mutex
	seen  []string
	reply func() net.Conn
}

var errRecorded = errors.New("recorded, not dialled")

func (r *recorder) dial(_ context.Context, _, address string) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, address)
	if r.reply != nil {
		return r.reply(), nil
	}
	return nil, errRecorded
}

// script is a resolver that gives its answers one after the other; the last one stays.
type script map[string][][]string

func (s script) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	answers := s[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(answers) > 1 {
		s[host] = answers[1:]
	}
	var out []netip.Addr
	for _, text := range answers[0] {
		out = append(out, netip.MustParseAddr(text))
	}
	return out, nil
}

func try(t *testing.T, allow []string, answers script, address string) ([]string, error) {
	t.Helper()
	prefixes, bad := Prefixes(allow)
	if bad != "" {
		t.Fatal(bad)
	}
	r := &recorder{}
	if answers == nil {
		answers = script{}
	}
	_, err := New(Policy{Allow: prefixes, Resolver: answers, Dial: r.dial}).DialContext(t.Context(), "tcp", address)
	return r.seen, err
}

func TestSpecialAddressesNeedAnOperatorsWord(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "0.0.0.0", "0.1.2.3", "198.18.0.1", "192.0.2.1",
		"198.51.100.7", "203.0.113.9", "192.0.0.8", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
		"::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1",
		"2002:7f00:1::", "2002:808:808::1", "2001:0:1:2::3", "2001:db8::1", "2001:10::1", "2001:2::1", "3fff::1", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "100::1", "5f00::1", "4000::1", "8000::1",
	} {
		seen, err := try(t, nil, nil, net.JoinHostPort(text, "443"))
		var r *Refused
		if !errors.As(err, &r) || r.Never || len(seen) > 0 {
			t.Errorf("%s: got %v, dialled %v", text, err, seen)
			continue
		}
		a := plain(netip.MustParseAddr(text)).String()
		if !strings.Contains(err.Error(), a) || !strings.Contains(err.Error(), "--insecure-targets") || !strings.Contains(err.Error(), "MUSTER_PROBE_NETWORKS") || !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: the sentence does not help: %v", text, err)
		}
		if seen, err := try(t, []string{a}, nil, net.JoinHostPort(text, "443")); !errors.Is(err, errRecorded) || !slices.Equal(seen, []string{net.JoinHostPort(a, "443")}) {
			t.Errorf("%s, when it is allowed: got %v, dialled %v", text, err, seen)
		}
	}
}

func TestMetadataIsNeverVisited(t *testing.T) {
	t.Parallel()
	everything := []string{"0.0.0.0/0", "::/0", "169.254.169.254", "fd00:ec2::254", "100.100.100.200", "::ffff:169.254.0.0/112"}
	for _, text := range []string{
		"169.254.169.254", "169.254.170.2", "169.254.0.1", "100.100.100.200", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fe80::1%25eth0", "168.63.129.16", "192.0.0.192", "fd20:ce::254", "fd00:42::42",
		"::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::ffff:a9fe:a9fe%1", "::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::",
		"2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1", "2001:0:1:2:3:4:5601:5601", "2600::5efe:a9fe:a9fe", "::ffff:100.100.100.200", "2002:6464:64c8::",
	} {
		seen, err := try(t, everything, nil, net.JoinHostPort(text, "80"))
		var r *Refused
		if !errors.As(err, &r) || !r.Never || len(seen) > 0 || !strings.Contains(err.Error(), "never") || strings.Contains(err.Error(), "--insecure-targets") {
			t.Errorf("%s: got %v, dialled %v", text, err, seen)
		}
	}
}

func TestPublicAddressesAreVisited(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8"} {
		seen, err := try(t, nil, nil, net.JoinHostPort(text, "443"))
		if want := net.JoinHostPort(plain(netip.MustParseAddr(text)).String(), "443"); !errors.Is(err, errRecorded) || !slices.Equal(seen, []string{want}) {
			t.Errorf("%s: got %v, dialled %v", text, err, seen)
		}
	}
}

func TestAddressesInDisguiseAreRefused(t *testing.T) {
	t.Parallel()
	// The resolver would even answer for some of them, as a C library does.
	answers := script{"2130706433": {{"127.0.0.1"}}, "127.1": {{"8.8.8.8"}}, "0x7f000001": {{"127.0.0.1"}}}
	for _, address := range []string{
		"2130706433:80", "0x7f000001:80", "0X7F.1:80", "017700000001:80", "0177.0.0.1:80", "127.1:80", "127.0.1:80", "0x7f.0.0.0x1:80", "127.0.0.1.:80", "127.0.0.01:80", "[::1]:80", "[0:0:0:0:0:0:0:1]:80",
		"[::ffff:7f00:1]:80", "1.2.3.4.5:80", ".:80", "..:80", "a..:80", "user@8.8.8.8:80", "8.8.8.8#@127.0.0.1:80", "8.8.8.8/..:80", "127。0。0。1:80", "ｌocalhost:80", "a b:80", "%31%32%37.0.0.1:80", "localhost\x00.example.com:80",
		":80", "[]:80",
	} {
		if seen, err := try(t, []string{"10.0.0.0/8"}, answers, address); err == nil || errors.Is(err, errRecorded) || len(seen) > 0 {
			t.Errorf("%s: got %v, dialled %v", address, err, seen)
		}
	}
}

func TestUnusableCallsAreRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"8.8.8.8", "8.8.8.8:0", "8.8.8.8:65536", "8.8.8.8:-1", "8.8.8.8:http", "8.8.8.8:+80", "8.8.8.8:", "::1:80"} {
		if seen, err := try(t, nil, nil, address); !fault.Is(err, fault.Invalid) || len(seen) > 0 {
			t.Errorf("%s: got %v, dialled %v", address, err, seen)
		}
	}
	r := &recorder{}
	for _, network := range []string{"udp", "unix", "ip:icmp", ""} {
		if _, err := New(Policy{Dial: r.dial}).DialContext(t.Context(), network, "8.8.8.8:53"); !fault.Is(err, fault.Forbidden) || len(r.seen) > 0 {
			t.Errorf("%s: got %v", network, err)
		}
	}
}

func TestNamesAreJudgedByWhereTheyLead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, address string
		allow         []string
		answers       []string
		seen          []string
		refused       bool
	}{
		{"a public name", "shop.example.com:443", nil, []string{"93.184.215.14"}, []string{"93.184.215.14:443"}, false},
		{"a trailing dot changes nothing", "shop.example.com.:443", nil, []string{"127.0.0.1"}, nil, true},
		{"punycode is a name like others", "xn--mnchen-3ya.example:443", nil, []string{"10.1.1.1"}, nil, true},
		{"a private name", "shop.example.com:443", nil, []string{"10.0.0.5"}, nil, true},
		{"one public and one private answer: only the public one is visited", "shop.example.com:443", nil, []string{"10.0.0.5", "93.184.215.14"}, []string{"93.184.215.14:443"}, false},
		{"one public and one metadata answer: the name is not visited at all", "shop.example.com:443", []string{"0.0.0.0/0"}, []string{"93.184.215.14", "169.254.169.254"}, nil, true},
		{"a mapped answer", "shop.example.com:443", nil, []string{"::ffff:192.168.0.1"}, nil, true},
		{"a zoned answer", "shop.example.com:443", []string{"::/0"}, []string{"fe80::1%lo"}, nil, true},
		{"a listed private answer", "shop.example.com:443", []string{"10.0.0.0/24"}, []string{"10.0.0.5", "10.0.1.5"}, []string{"10.0.0.5:443"}, false},
		{"no answer", "shop.example.com:443", nil, []string{}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			host, _, _ := strings.Cut(tt.address, ":")
			seen, err := try(t, tt.allow, script{strings.TrimSuffix(host, "."): {tt.answers}}, tt.address)
			var r *Refused
			if errors.As(err, &r) != tt.refused || !slices.Equal(seen, tt.seen) {
				t.Errorf("got %v, dialled %v", err, seen)
			}
		})
	}
}

func TestRebindingLeadsNowhere(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	g := New(Policy{Dial: r.dial, Resolver: script{"rebind.example.com": {{"93.184.215.14"}, {"169.254.169.254"}}}})
	if _, err := g.Resolve(t.Context(), "rebind.example.com"); err != nil {
		t.Fatal(err)
	}
	_, err := g.DialContext(t.Context(), "tcp", "rebind.example.com:80")
	var refused *Refused
	if !errors.As(err, &refused) || len(r.seen) > 0 {
		t.Errorf("the second answer was not checked: %v, dialled %v", err, r.seen)
	}
	// One call resolves once, and dials the address that it checked, not the name.
	g = New(Policy{Dial: r.dial, Resolver: script{"rebind.example.com": {{"93.184.215.14"}, {"127.0.0.1"}}}})
	if _, err := g.DialContext(t.Context(), "tcp", "rebind.example.com:80"); !errors.Is(err, errRecorded) || !slices.Equal(r.seen, []string{"93.184.215.14:80"}) {
		t.Errorf("got %v, dialled %v", err, r.seen)
	}
}

func TestTheSocketIsCheckedAgain(t *testing.T) {
	t.Parallel()
	g := New(Policy{})
	for _, address := range []string{"127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "169.254.169.254:80", "[::ffff:10.0.0.1]:80", "nonsense"} {
		if err := g.control("tcp", address, nil); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: got %v", address, err)
		}
	}
	if err := g.control("tcp", "93.184.215.14:443", nil); err != nil {
		t.Error(err)
	}
	// The real dialer asks it: a dial around the first check ends there.
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if _, err := g.policy.Dial(t.Context(), "tcp", server.Listener.Addr().String()); !fault.Is(err, fault.Forbidden) {
		t.Errorf("got %v", err)
	}
}

func TestARedirectToMetadataIsNotFollowed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
	}))
	defer server.Close()
	g := New(Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	client := g.Client(ClientOptions{})
	answer, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusFound {
		t.Fatalf("the redirect was followed: %s", answer.Status)
	}
	next, err := answer.Location()
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Get(next.String())
	if err == nil {
		got.Body.Close()
	}
	var refused *Refused
	if !errors.As(err, &refused) || !refused.Never {
		t.Errorf("got %v", err)
	}
}

func TestTheClientIsBounded(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:3128")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/headers" {
			w.Header().Set("X-Long", strings.Repeat("x", 100<<10))
		}
		for range 64 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	client := New(Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}).Client(ClientOptions{Body: 1000})
	answer, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || len(body) != 1000 {
		t.Errorf("read %d bytes, %v", len(body), err)
	}
	if answer, err := client.Get(server.URL + "/headers"); err == nil {
		answer.Body.Close()
		t.Error("100 KB of headers were taken")
	}
}

func TestFewConnectionsToOnePlaceAtATime(t *testing.T) {
	t.Parallel()
	var open, most atomic.Int64
	ours := func(context.Context, string, string) (net.Conn, error) {
		if n := open.Add(1); n > most.Load() {
			most.Store(n)
		}
		a, b := net.Pipe()
		b.Close()
		return &counted{Conn: a, open: &open}, nil
	}
	g := New(Policy{PerAddress: 3, Dial: ours, Gap: -1})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			conn, err := g.DialContext(t.Context(), "tcp", "8.8.8.8:443")
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
			conn.Close() // a second close gives no second turn
		})
	}
	all.Wait()
	if most.Load() > 3 || most.Load() == 0 {
		t.Errorf("%d connections at a time", most.Load())
	}
	if n := len(g.pace.places); n != 0 {
		t.Errorf("%d places are remembered", n)
	}
	held := make([]net.Conn, 3)
	for i := range held {
		conn, err := g.DialContext(t.Context(), "tcp", "8.8.8.8:443")
		if err != nil {
			t.Fatal(err)
		}
		held[i] = conn
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := g.DialContext(short, "tcp", "8.8.8.8:443"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a fourth did not wait: %v", err)
	}
	conn, err := g.DialContext(t.Context(), "tcp", "8.8.8.8:444")
	if err != nil {
		t.Fatalf("another port had to wait: %v", err)
	}
	for _, c := range append(held, conn) {
		c.Close()
	}
}

type counted struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

func TestConnectionsToOnePlaceKeepAGap(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	g := New(Policy{Dial: r.dial, Gap: 5 * time.Millisecond})
	began := time.Now()
	for i := range 5 {
		if _, err := g.DialContext(t.Context(), "tcp", fmt.Sprintf("8.8.8.8:%d", 100+i)); !errors.Is(err, errRecorded) {
			t.Fatal(err)
		}
	}
	for range 5 {
		if _, err := g.DialContext(t.Context(), "tcp", "8.8.8.8:443"); !errors.Is(err, errRecorded) {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("five connections took %v", took)
	}
}

func TestPrefixes(t *testing.T) {
	t.Parallel()
	got, bad := Prefixes([]string{"10.0.0.0/8, 127.0.0.1", "", "fd00::/8"})
	if bad != "" || fmt.Sprint(got) != "[10.0.0.0/8 127.0.0.1/32 fd00::/8]" {
		t.Errorf("got %v, %q", got, bad)
	}
	for _, text := range []string{"10.0.0.0/33", "localhost", "10.0.0", "10.0.0.0-10.0.0.9", "*"} {
		if _, bad := Prefixes([]string{text}); bad != text {
			t.Errorf("%q was taken", text)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, text := range []string{"169.254.169.254", "2002:a9fe:a9fe::", "::1", "8.8.8.8"} {
		f.Add(netip.MustParseAddr(text).AsSlice())
	}
	g := New(Policy{})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		plainly := plain(a)
		if g.Check(a) == nil && (plainly.IsPrivate() || plainly.IsLoopback() || plainly.IsLinkLocalUnicast() || plainly.IsMulticast() || plainly.IsUnspecified()) {
			t.Errorf("%s is allowed", a)
		}
	})
}
