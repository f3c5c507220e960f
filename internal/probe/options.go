package probe

import (
	"context"
	"crypto/x509"
	"net"
	"time"
)

// Dialer opens connections. In production it is the address guard; nothing in this package dials around it.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Options says how far a visit goes. The zero value is polite: safe methods, no bursts, no other port.
type Options struct {
	Dialer   Dialer
	Timeout  time.Duration  // of one connection attempt or request; 0 is 5 s
	Budget   time.Duration  // of the whole visit of one target; 0 is 30 s
	Roots    *x509.CertPool // nil is the machine's
	SeenFrom string
	Now      func() time.Time

	Operations    []Operation // of the target's OpenAPI document, with the paths below its server address
	Unsafe        bool        // also call operations that change things, with bodies that cannot succeed
	Malformed     bool        // send bodies that are not JSON and expect 4xx
	Burst         int         // requests of the opt-in rate limit test; 0 is off; at most 200
	Ports         bool        // look for open ports that were not declared
	DeclaredPorts []int       // of the target's host
	Token         string      // a valid bearer token; without it refused tokens prove nothing
	ExpiredToken  string      // one that was like Token and has expired; without it the check of expiry proves nothing
	OtherAudience string      // a valid token of the same issuer for another audience
	OtherIssuer   string      // a valid token of another issuer
	Issuer        string      // where the OpenID Connect discovery document is; "" tries the target itself
	Inside        bool        // it runs inside the segment, so that a refused plain call speaks about mutual TLS (TLS-6)
	PublicWeb     bool        // the target is a public web endpoint (HSTS, headers, security.txt are demanded)
}

// Operation is one operation of an OpenAPI document.
type Operation struct {
	Method   string
	Path     string // as the document has it: /orders/{id}
	Security string // required, optional, none: what the document says, "none" being a statement; "" where it says nothing
	Example  string // the path with its parameters filled in from the document's examples; "" where it has none
	Bodyless bool   // it takes no request body, so that no body can keep an unsafe call of it from succeeding
}
