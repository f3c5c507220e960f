package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var testNow = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// watchedDialer lets only loopback through and remembers what was asked of it.
type watchedDialer struct {
	lock  sync.Mutex
	asked []string
}

func (d *watchedDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.lock.Lock()
	d.asked = append(d.asked, address)
	d.lock.Unlock()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("the address %s is not allowed", host)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// visitOf visits an address with a short patience.
func visitOf(t *testing.T, address string, o Options) (*HTTP, []Check) {
	t.Helper()
	if o.Dialer == nil {
		o.Dialer = &watchedDialer{}
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	o.Now = func() time.Time { return testNow }
	at, err := parseTarget(address)
	if err != nil {
		t.Fatal(err)
	}
	return visitHTTP(t.Context(), at, &o)
}

// serveTLS serves over HTTPS, with HTTP/1.1 and HTTP/2.
func serveTLS(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func servePlain(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// serveRaw answers each connection with whatever write does.
func serveRaw(t *testing.T, write func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				write(conn)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// lines shows checks in short: control clause outcome, and the operation where it is about one.
func lines(checks []Check) []string {
	var out []string
	for _, c := range checks {
		line := fmt.Sprintf("%s %s %s", c.Control, c.Clause, c.Outcome)
		if op, ok := strings.CutPrefix(c.Part, onOperation); ok {
			line += " " + op
		}
		out = append(out, line)
	}
	return out
}

// find gives the check of a clause.
func find(t *testing.T, checks []Check, control, clause, part string) Check {
	t.Helper()
	i := slices.IndexFunc(checks, func(c Check) bool {
		return c.Control == control && c.Clause == clause && (part == "" || c.Part == part)
	})
	if i < 0 {
		t.Fatalf("no check %s %s %s among %v", control, clause, part, lines(checks))
	}
	return checks[i]
}

func mustURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
