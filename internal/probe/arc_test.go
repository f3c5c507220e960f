package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fixedDialer fails as it is told.
type fixedDialer struct{ err error }

// DialContext fails.
func (d fixedDialer) DialContext(context.Context, string, string) (net.Conn, error) {
	return nil, d.err
}

func TestArcs(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	address := func(u string) string { return mustURL(t, u).Host }
	tests := []struct {
		name, address, result, answer string
	}{
		{"plain and open", address(servePlain(t, status(200))), Connected, AnswerAnonymous},
		{"TLS and open", address(serveTLS(t, status(204))), Connected, AnswerAnonymous},
		{"a mesh that refuses", address(servePlain(t, status(403))), Connected, AnswerRefused},
		{"an application that refuses", address(serveTLS(t, status(401))), Connected, AnswerRefused},
		{"not found proves nothing", address(servePlain(t, status(404))), Connected, AnswerNone},
		{"a failure proves nothing", address(servePlain(t, status(500))), Connected, AnswerNone},
		{"another protocol", serveRaw(t, func(c net.Conn) { _, _ = c.Write([]byte("\x00\x01garbage\n")); _ = c.Close() }), Connected, AnswerNone},
		{"nothing listens", nobody, Unclear, AnswerNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := strings.TrimPrefix(tt.address, "http://")
			a := Arc{From: "a", To: "b", Address: at}
			a.Try(t.Context(), &Options{Dialer: &net.Dialer{}, Timeout: 2 * time.Second})
			if a.Result != tt.result || a.Answer != tt.answer || a.Connected != (tt.result == Connected) || a.Observed == "" || a.StartedAt.IsZero() {
				t.Errorf("got %+v", a)
			}
		})
	}
}

func TestAnArcThatDoesNotConnect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		result string
	}{
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, Unclear},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, Blocked},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, Blocked},
		{fmt.Errorf("dial: %w", context.DeadlineExceeded), Blocked},
		{&net.DNSError{Err: "no such host", Name: "pay"}, Unclear},
		{&net.DNSError{Err: "i/o timeout", Name: "pay", IsTimeout: true}, Unclear}, // the resolver did not answer, not the target
		{fmt.Errorf("this address is not allowed"), Unclear},
	} {
		a := Arc{Address: "pay:80"}
		a.Try(t.Context(), &Options{Dialer: fixedDialer{tt.err}, Timeout: time.Second})
		if a.Result != tt.result || a.Connected {
			t.Errorf("%v: got %s (%s)", tt.err, a.Result, a.Observed)
		}
	}
}

func TestArcFilesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:            "byte 0",
		`{"arcs":[]}`: "lists no arcs",
		`{"arcs":[{"from":"a","to":"b","address":"pay"}]}`:       "arc 1: the address",
		`{"arcs":[{"from":"a","to":"b","address":"pay:0"}]}`:     "arc 1: the address",
		`{"arcs":[{"from":"a","to":"b","address":":80"}]}`:       "arc 1: the address",
		`{"arcs":[{"from":"a","to":"b","address":"pay:99999"}]}`: "arc 1: the address",
		`{"arcs":[{"from":"a","address":"pay:80"}]}`:             "from which service",
	} {
		if _, err := ReadArcs([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	arcs, err := ReadArcs([]byte(`{"arcs":[{"from":"a","to":"b","address":"[::1]:80","connected":true,"answer":"anonymous"}]}`))
	if err != nil || len(arcs) != 1 || arcs[0].Connected || arcs[0].Answer != "" {
		t.Errorf("got %+v, %v", arcs, err)
	}
	arcs, err = ReadArcs([]byte(`{"environment":"production","segment":"shop","arcs":[{"from":"a","to":"b","state":"closed","addresses":["b:80","b:443"]}],"without_address":2}`))
	if err != nil || len(arcs) != 2 || arcs[1].Address != "b:443" || arcs[1].From != "a" {
		t.Errorf("a file of the map: %+v, %v", arcs, err)
	}
}
