package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// plainAnswer is what came back to one request without TLS.
type plainAnswer struct {
	closed       bool // the port, or the connection after the request
	refusedByTLS bool // closed by something that answered, not by an empty port
	status       int
	location     string
	unknown      string // why nothing is known
}

// redirects reports a redirect to HTTPS.
func (a plainAnswer) redirects() bool {
	if a.status < 300 || a.status > 399 || a.status == http.StatusNotModified {
		return false
	}
	u, err := url.Parse(a.location)
	return err == nil && strings.EqualFold(u.Scheme, "https") && u.Host != ""
}

// serves reports that a caller without TLS was answered by more than a refusal of plain HTTP.
func (a plainAnswer) serves() bool {
	return a.status > 0 && a.status < 500 && !a.redirects() && a.status != 400 && a.status != 421 && a.status != 426 && a.status != 497
}

func (a plainAnswer) words(port int) string {
	switch {
	case a.unknown != "":
		return fmt.Sprintf("no usable answer to plain HTTP on port %d", port)
	case a.closed && a.refusedByTLS:
		return fmt.Sprintf("port %d answers no plain HTTP", port)
	case a.closed:
		return fmt.Sprintf("port %d is closed", port)
	case a.redirects():
		return fmt.Sprintf("plain HTTP on port %d redirects to HTTPS", port)
	case a.location != "":
		return fmt.Sprintf("answers %d over plain HTTP on port %d and leads to %.100s", a.status, port, a.location)
	}
	return fmt.Sprintf("answers %d over plain HTTP on port %d", a.status, port)
}

// tryPlain sends one request for the target's path without TLS.
func (o *Options) tryPlain(ctx context.Context, t *target, port int) plainAnswer {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	conn, err := o.Dialer.DialContext(ctx, "tcp", net.JoinHostPort(t.host, strconv.Itoa(port)))
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return plainAnswer{closed: true}
		}
		return plainAnswer{unknown: reasonOf(err)}
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return plainAnswer{unknown: reasonOf(err)}
	}
	host := t.base().Host
	if port != t.port {
		host = strings.TrimSuffix(host, ":"+strconv.Itoa(t.port))
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Muster-Probe\r\nAccept: */*\r\nConnection: close\r\n\r\n", t.path, host); err != nil {
		return brokenPlain(err)
	}
	return readPlain(conn)
}

func readPlain(conn io.Reader) plainAnswer {
	in := bufio.NewReader(io.LimitReader(conn, 64<<10))
	first, err := in.Peek(5)
	switch {
	case len(first) >= 2 && (first[0] == 21 || first[0] == 22) && first[1] == 3: // an alert of TLS
		return plainAnswer{closed: true, refusedByTLS: true}
	case err != nil && len(first) == 0:
		return brokenPlain(err)
	case string(first) != "HTTP/":
		return plainAnswer{unknown: "It answers without TLS, but not in HTTP."}
	}
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		if isTimeout(err) {
			return plainAnswer{unknown: "Its answer did not end in time."}
		}
		return plainAnswer{unknown: "Its answer is not readable HTTP."}
	}
	answer.Body.Close()
	return plainAnswer{status: answer.StatusCode, location: answer.Header.Get("Location")}
}

// brokenPlain tells a clear refusal from silence.
func brokenPlain(err error) plainAnswer {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return plainAnswer{closed: true, refusedByTLS: true}
	}
	return plainAnswer{unknown: reasonOf(err)}
}

// pause waits, or gives up with the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
