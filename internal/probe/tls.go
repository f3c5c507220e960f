package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// session is what one real handshake showed.
type session struct {
	dialErr   error // nobody could be reached
	err       error // the handshake failed
	ok        bool
	foreign   bool // what came back is not TLS
	silent    bool // nothing came back in time
	version   uint16
	alpn      string
	chain     []*x509.Certificate
	requested bool // a client certificate was asked for
	required  bool // and without one nothing goes on
	remote    string
}

// askFurther reports whether more hellos can bring anything.
func (s *session) askFurther() bool { return !s.foreign && !s.silent }

func (s *session) clientCertificate() string {
	switch {
	case s.required:
		return "required"
	case s.requested:
		return "requested"
	case !s.ok:
		return "unknown"
	}
	return "none"
}

// handshake connects as a tolerant client would; what it shows is judged elsewhere, so that a bad chain hides nothing.
func (o *Options) handshake(ctx context.Context, t *target) session {
	s := o.connect(ctx, t, "h2", "http/1.1")
	if s.ok && s.requested && !s.required && s.alpn == "h2" { // whether the demand is meant shows in HTTP/1.1 alone
		s.required = o.connect(ctx, t, "http/1.1").required
	}
	return s
}

func (o *Options) connect(ctx context.Context, t *target, protocols ...string) session {
	var s session
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	raw, err := o.Dialer.DialContext(ctx, "tcp", t.address())
	if err != nil {
		s.dialErr = err
		return s
	}
	defer raw.Close()
	if tcp, ok := raw.RemoteAddr().(*net.TCPAddr); ok {
		s.remote = tcp.IP.String()
	}
	// Without the large keys of the hybrid groups the hello fits into one packet; some servers wait forever for a second one.
	config := &tls.Config{
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
		ServerName:       serverName(t.host), InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, CipherSuites: everySuite(), NextProtos: protocols, // judged, not believed
		VerifyConnection: func(state tls.ConnectionState) error {
			s.chain, s.version = state.PeerCertificates, state.Version
			return nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			s.requested = true
			return &tls.Certificate{}, nil
		},
	}
	conn := tls.Client(raw, config)
	s.err = conn.HandshakeContext(ctx)
	s.ok = s.err == nil
	s.classify()
	if s.ok {
		s.version, s.alpn = conn.ConnectionState().Version, conn.ConnectionState().NegotiatedProtocol
		if s.requested {
			s.required = o.refusedWithout(ctx, conn, t)
		}
	}
	return s
}

func (s *session) classify() {
	var record tls.RecordHeaderError
	switch {
	case s.err == nil:
	case errors.As(s.err, &record):
		s.foreign = true
	case isTimeout(s.err):
		s.silent = true
	case s.requested: // it had our empty answer and went away
		s.required = true
	}
}

// refusedWithout finds out whether the demand is meant: with TLS 1.3 the server speaks after our handshake is done, and nginx only
// over HTTP.
func (o *Options) refusedWithout(ctx context.Context, conn *tls.Conn, t *target) bool {
	deadline := time.Now().Add(min(o.Timeout, 3*time.Second))
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return false
	}
	request := fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", t.address())
	if conn.ConnectionState().NegotiatedProtocol == "h2" {
		request = http2Preface
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return !isTimeout(err)
	}
	answer := make([]byte, 4096)
	n, err := io.ReadAtLeast(conn, answer, 256)
	if n == 0 {
		return err != nil && !isTimeout(err)
	}
	return bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 400")) && bytes.Contains(answer[:n], []byte("SSL certificate"))
}

// http2Preface is the shortest beginning of HTTP/2 that a server answers.
const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"

func everySuite() []uint16 {
	var ids []uint16
	for _, list := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range list {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &n) && n.Timeout())
}

// reasonOf says in a few words why a connection failed, without the noise of the layers.
func reasonOf(err error) string {
	var dns *net.DNSError
	switch {
	case err == nil:
		return ""
	case isRefused(err):
		return sentence(err)
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return fmt.Sprintf("The name %s leads to no address.", dns.Name)
		}
		return fmt.Sprintf("The name %s could not be resolved.", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nothing listens there: the connection was refused."
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF):
		return "It closed the connection."
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "There is no route to it from here."
	case isTimeout(err):
		return "It gave no answer in time."
	case errors.Is(err, context.Canceled):
		return "The visit was stopped."
	}
	return fmt.Sprintf("The connection failed: %v.", err)
}
