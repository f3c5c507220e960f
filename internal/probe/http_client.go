package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of one HTTP visit. They hold for every target, whatever it answers.
const (
	userAgent     = "Muster-probe (+security check by the owner of this service)"
	maxBody       = 256 << 10 // bytes read of one answer
	maxGlance     = 8 << 10   // bytes read where only the kind of the answer matters
	maxHead       = 64 << 10  // bytes of one answer's headers
	maxRedirects  = 5
	maxOperations = 200 // of one OpenAPI document that are judged
	maxMalformed  = 50  // operations that get a malformed body, at most twice each
	maxBurst      = 200
	maxSilence    = 3 // time-outs or broken answers in a row after which an address is left alone

	// fixedRequests is what a visit sends at most besides operations, malformed bodies and the burst: the page and its redirects,
	// three with a foreign origin, security.txt and its redirects, discovery and keys, one made-up path, fourteen tries of tokens.
	fixedRequests = (1 + maxRedirects) + 3 + (1 + maxRedirects) + 3 + 1 + 14
)

var (
	errRequests = errors.New("the visit sent as many requests as it may")
	errSilent   = errors.New("the address stopped answering, so the visit left it alone")
)

// requestLimit is how many requests a visit with these options may send. Each operation may be followed through one redirect.
func requestLimit(o *Options) int {
	limit := fixedRequests + 2*min(len(o.Operations), maxOperations)
	if o.Malformed {
		limit += 2 * maxMalformed
	}
	return limit + min(max(o.Burst, 0), maxBurst)
}

// client sends the requests of one visit. It follows nothing by itself and keeps to the bounds above.
type client struct {
	transport *http.Transport
	timeout   time.Duration
	left      atomic.Int64 // requests that may still be sent
	sent      atomic.Int64
	silent    atomic.Int64 // broken answers in a row
	demanded  atomic.Bool  // the peer asked for a client certificate in the handshake
}

func newClient(o *Options) *client {
	c := &client{timeout: o.Timeout}
	if c.timeout <= 0 {
		c.timeout = 5 * time.Second
	}
	c.left.Store(int64(requestLimit(o)))
	c.transport = &http.Transport{
		DialContext: o.Dialer.DialContext,
		// What the certificate is worth is judged by the TLS part of the visit; here even a bad one must not hide the answer.
		TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true,
			MinVersion:         tls.VersionTLS10,
			CipherSuites:       suitesToOffer(),
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				c.demanded.Store(true)
				return &tls.Certificate{}, nil
			},
		},
		TLSHandshakeTimeout:    c.timeout,
		ResponseHeaderTimeout:  c.timeout,
		MaxResponseHeaderBytes: maxHead,
		MaxConnsPerHost:        4,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        c.timeout,
		DisableCompression:     true, // a small answer must not unpack into a large one
		ForceAttemptHTTP2:      true,
	}
	return c
}

// suitesToOffer lists what a visitor may offer; an old server's answer is still worth reading.
func suitesToOffer() []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}

func (c *client) close() { c.transport.CloseIdleConnections() }

// call is one request to send.
type call struct {
	method  string
	url     *url.URL
	headers map[string]string
	body    []byte
	limit   int64 // bytes of the answer that are read; 0 is maxBody
}

// exchange is one request and what came back. It is raw: nothing in it is judged.
type exchange struct {
	method   string
	url      *url.URL
	origin   string // the foreign origin that was named, if any
	status   int    // 0 when no head of an answer arrived
	header   http.Header
	body     []byte
	whole    bool   // the body was read to its end
	problem  string // why there is no answer, or no whole body, in words
	demanded bool   // the handshake failed at a demand for a client certificate
}

// answered says whether the head of an answer arrived.
func (e *exchange) answered() bool { return e != nil && e.status != 0 }

// why says why nothing arrived, for a check that stays unknown.
func (e *exchange) why() string {
	if e == nil {
		return "it was not asked, because the visit had ended"
	}
	return e.problem
}

// do sends one request. It never fails: what went wrong is part of what was seen.
func (c *client) do(ctx context.Context, r call) *exchange {
	e := &exchange{method: r.method, url: r.url, origin: r.headers["Origin"]}
	switch {
	case ctx.Err() != nil:
		e.problem = "the time of the visit was over"
		return e
	case c.silent.Load() >= maxSilence:
		e.problem = errSilent.Error()
		return e
	case c.left.Add(-1) < 0:
		e.problem = errRequests.Error()
		return e
	}
	c.sent.Add(1)
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	c.demanded.Store(false)
	answer, err := c.send(limited, r)
	if err != nil {
		c.silent.Add(1)
		e.problem, e.demanded = c.explain(err), c.demanded.Load() && isRemoteAlert(err)
		return e
	}
	e.status, e.header = answer.StatusCode, answer.Header
	c.read(e, answer.Body, r.limit)
	return e
}

func (c *client) send(ctx context.Context, r call) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if len(r.body) == 0 {
		request.Body = http.NoBody
	}
	request.Header.Set("User-Agent", userAgent)
	// Without it an honest server may choose; a body that is packed is never unpacked here.
	request.Header.Set("Accept-Encoding", "identity")
	for name, value := range r.headers {
		request.Header.Set(name, value)
	}
	return c.transport.RoundTrip(request)
}

// read takes the body up to its limit. One byte more is asked for, to know whether the limit cut something off.
func (c *client) read(e *exchange, body io.ReadCloser, limit int64) {
	defer body.Close()
	if limit == 0 {
		limit = maxBody
	}
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		c.silent.Add(1)
		e.problem = c.explain(err)
	} else {
		c.silent.Store(0)
	}
	e.whole = err == nil && int64(len(data)) <= limit
	if packed := e.header.Get("Content-Encoding"); err == nil && packed != "" && packed != "identity" {
		e.whole, e.problem = false, "its body is packed ("+printable(packed, 40)+"), which was not asked for"
	}
	e.body = data[:min(int64(len(data)), limit)]
}

// explain turns an error into words for a report. It holds nothing that was sent, so no token can appear in it.
func (c *client) explain(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no whole answer within %s", c.timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was whole"
	}
	return printable(err.Error(), 200)
}

// isRemoteAlert says whether the peer ended the handshake with a TLS alert of its own.
func isRemoteAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// printable makes foreign text fit for a report: one line, printable characters only, not longer than most characters.
func printable(s string, most int) string {
	var b strings.Builder
	count := 0
	for _, r := range s {
		if count++; count > most {
			b.WriteString("…")
			break
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}
