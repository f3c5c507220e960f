package guard

import (
	"crypto/tls"
	"io"
	"net/http"
	"time"
)

// ClientOptions bounds an HTTP client.
type ClientOptions struct {
	Timeout time.Duration // of one request with its answer; 0 is 10 s
	Body    int64         // bytes of an answer that are read; 0 is 1 MB
	Headers int64         // bytes of an answer's headers; 0 is 64 KB
	TLS     *tls.Config   // nil is the usual one
}

// Client makes an HTTP client that connects through the guard: no proxy from the environment, no redirects followed by itself, one
// connection per request, answers cut at a limit. Whoever follows a redirect sends a new request, which is checked again.
func (g *Guard) Client(o ClientOptions) *http.Client {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Body <= 0 {
		o.Body = 1 << 20
	}
	if o.Headers <= 0 {
		o.Headers = 64 << 10
	}
	transport := &http.Transport{
		DialContext: g.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: o.Headers, TLSClientConfig: o.TLS,
		TLSHandshakeTimeout: o.Timeout, ResponseHeaderTimeout: o.Timeout, ForceAttemptHTTP2: true,
	}
	return &http.Client{
		Transport: capped{transport, o.Body}, Timeout: o.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// capped cuts bodies.
type capped struct {
	to    http.RoundTripper
	limit int64
}

// RoundTrip sends the request and cuts the answer's body.
func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.to.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, c.limit), answer.Body}
	return answer, nil
}
