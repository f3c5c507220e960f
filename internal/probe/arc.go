package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The results of trying an arc.
const (
	Connected = "connected"
	Blocked   = "blocked" // no answer at all, or the network said that it lets nothing through
	Unclear   = "unclear" // nothing listens there, the name is not known, or our own side failed
)

// The answers to a request without credentials.
const (
	AnswerAnonymous = "anonymous"
	AnswerRefused   = "refused"
	AnswerNone      = "none"
)

// Try calls the address of one arc once: it connects and, when somebody answers, sends one safe request without
// credentials. A port on which nothing listens proves nothing about the network in between.
func (a *Arc) Try(ctx context.Context, o *Options) {
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = 5 * time.Second
	}
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	a.StartedAt = now().UTC()
	ctx, cancel := context.WithTimeout(ctx, 3*timeout)
	defer cancel()
	dialing, stop := context.WithTimeout(ctx, timeout)
	conn, err := o.Dialer.DialContext(dialing, "tcp", a.Address)
	stop()
	if err != nil {
		a.Result, a.Observed = unconnected(err, timeout)
		a.Answer = AnswerNone
		return
	}
	_ = conn.Close() // only the connection was asked for
	a.Result, a.Connected = Connected, true
	a.ask(ctx, o, timeout)
}

// unconnected says what a failed connection means.
func unconnected(err error, timeout time.Duration) (result, words string) {
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown):
		return Unclear, "the name leads to no address from here"
	case errors.Is(err, syscall.ECONNREFUSED):
		return Unclear, "nothing listens on that port"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return Blocked, "the network answers that it lets nothing through"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return Blocked, fmt.Sprintf("no answer within %s", timeout)
	}
	return Unclear, printable(err.Error(), 300)
}

// ask sends one GET without credentials, over TLS first and plainly when nobody speaks TLS there.
func (a *Arc) ask(ctx context.Context, o *Options, timeout time.Duration) {
	transport := &http.Transport{DialContext: o.Dialer.DialContext, DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: timeout, TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // whether it answers is asked, not who it is
	client := &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var last error
	for _, scheme := range []string{"https", "http"} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+a.Address+"/", nil)
		if err != nil {
			a.Answer, a.Observed = AnswerNone, "the address is not one to send a request to"
			return
		}
		request.Header.Set("User-Agent", userAgent)
		response, err := client.Do(request)
		if err != nil {
			last = err
			if wantsCertificate(err) {
				a.Answer, a.Observed = AnswerRefused, "it demands a client certificate"
				return
			}
			continue
		}
		_, _ = io.CopyN(io.Discard, response.Body, 1<<10) // its words do not matter
		_ = response.Body.Close()
		a.Answer, a.Observed = meaningOf(response.StatusCode), fmt.Sprintf("%s answers %d to a caller without credentials", scheme, response.StatusCode)
		return
	}
	a.Answer, a.Observed = AnswerNone, "it accepts connections and answers no HTTP: "+printable(last.Error(), 300)
}

func wantsCertificate(err error) bool {
	words := err.Error()
	return strings.Contains(words, "certificate required") || strings.Contains(words, "bad certificate") || strings.Contains(words, "handshake failure")
}

// meaningOf says what a status means for a caller without credentials: not found and broken tell nothing.
func meaningOf(status int) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusProxyAuthRequired:
		return AnswerRefused
	case status < 300:
		return AnswerAnonymous
	}
	return AnswerNone
}

// maxArcs is how many arcs one file may list.
const maxArcs = 5000

// ReadArcs reads the list of arcs that the map offers for a segment. Its errors name the place and the reason.
func ReadArcs(data []byte) ([]Arc, error) {
	var file struct {
		Arcs []struct {
			Arc
			Addresses []string `json:"addresses"` // as the map lists them, beside a single one
		} `json:"arcs"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("it is not a list of arcs (byte %d: %w)", d.InputOffset(), err)
	}
	switch {
	case len(file.Arcs) == 0:
		return nil, errors.New(`it lists no arcs; the map offers such a file for a segment: {"arcs":[{"from":"orders","to":"pay","address":"pay:8443"}]}`)
	case len(file.Arcs) > maxArcs:
		return nil, fmt.Errorf("it lists %d arcs; at most %d are tried at once", len(file.Arcs), maxArcs)
	}
	var arcs []Arc
	for i := range file.Arcs {
		a := &file.Arcs[i]
		if a.From == "" || a.To == "" {
			return nil, fmt.Errorf("arc %d: it does not say from which service to which", i+1)
		}
		if a.Address != "" || len(a.Addresses) == 0 {
			a.Addresses = append(a.Addresses, a.Address)
		}
		for _, address := range a.Addresses {
			host, port, err := net.SplitHostPort(address)
			if n, wrong := strconv.Atoi(port); err != nil || host == "" || wrong != nil || n < 1 || n > 65535 {
				return nil, fmt.Errorf("arc %d: the address %q is not HOST:PORT", i+1, address)
			}
			arcs = append(arcs, Arc{From: a.From, To: a.To, Address: address}) // results of an older try are not believed
		}
	}
	if len(arcs) > maxArcs {
		return nil, fmt.Errorf("it lists %d addresses; at most %d are tried at once", len(arcs), maxArcs)
	}
	return arcs, nil
}

// TryAll tries arcs, some at a time, in place.
func TryAll(ctx context.Context, arcs []Arc, o *Options, parallel int) {
	slots := make(chan struct{}, max(parallel, 1))
	var all sync.WaitGroup
	for i := range arcs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			arcs[i].Try(ctx, o)
		})
	}
	all.Wait()
}
