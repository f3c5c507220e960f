// Package guard decides where Muster may connect: to public addresses, to what an operator listed, never to cloud metadata. It checks
// after resolution and again when the socket connects, so that no name, redirect or rebinding leads elsewhere.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"muster/internal/fault"
)

// Resolver turns names into addresses; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Policy says where connections may go and how politely. The zero value allows public addresses.
type Policy struct {
	Allow      []netip.Prefix // what an operator listed, besides public addresses
	Resolver   Resolver       // nil is the machine's
	PerAddress int            // connections to one address and port at a time; 0 is 4
	PerHost    int            // connections to one address over all its ports; 0 is 64
	Gap        time.Duration  // between two connections to one address and port; 0 is 1 ms, negative is none
	Timeout    time.Duration  // of one connection attempt; 0 is 5 s

	// Dial makes the connection to an address that was checked; nil is the machine's network. Tests record here.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Guard opens connections as its policy allows.
type Guard struct {
	policy Policy
	pace   *pace
}

// New makes a guard.
func New(p Policy) *Guard {
	if p.Resolver == nil {
		p.Resolver = net.DefaultResolver
	}
	if p.Timeout <= 0 {
		p.Timeout = 5 * time.Second
	}
	allow := make([]netip.Prefix, 0, len(p.Allow))
	for _, prefix := range p.Allow {
		allow = append(allow, normal(prefix))
	}
	p.Allow = allow
	g := &Guard{policy: p, pace: newPace(p)}
	if g.policy.Dial == nil {
		d := &net.Dialer{Timeout: p.Timeout, KeepAlive: -1, Control: g.control}
		g.policy.Dial = d.DialContext
	}
	return g
}

// Refused is the error for an address that may not be visited.
type Refused struct {
	Host  string // as it was asked for
	Addr  netip.Addr
	Words string // what the address is
	Never bool   // no list opens it
}

// Error is a sentence that names the address and what an operator can do.
func (r *Refused) Error() string {
	what := "The address " + r.Addr.String()
	if !r.Addr.IsValid() {
		return fmt.Sprintf("The host %q is %s, so it is not visited.", r.Host, r.Words)
	}
	if r.Host != "" && r.Host != r.Addr.String() {
		what += fmt.Sprintf(" (of %q)", r.Host)
	}
	if r.Never {
		return fmt.Sprintf("%s is never visited, whatever is allowed: it is %s.", what, r.Words)
	}
	one := netip.PrefixFrom(r.Addr, r.Addr.BitLen())
	return fmt.Sprintf("%s is not visited because it is %s. An operator can allow it: `muster probe --insecure-targets %s` or, for the server, MUSTER_PROBE_NETWORKS=%s.", what, r.Words, one, one)
}

// Unwrap makes it an expected failure.
func (r *Refused) Unwrap() error { return &fault.Error{Kind: fault.Forbidden, Message: r.Error()} }

// Check says whether an address may be visited.
func (g *Guard) Check(a netip.Addr) error { return g.check("", a) }

func (g *Guard) check(host string, a netip.Addr) error {
	a = plain(a)
	if !a.IsValid() {
		return &Refused{Host: host, Words: "no address"}
	}
	if words := forbidden(a); words != "" {
		return &Refused{Host: host, Addr: a, Words: words, Never: true}
	}
	words := private(a)
	if words == "" {
		return nil
	}
	for _, p := range g.policy.Allow {
		if p.Contains(a) {
			return nil
		}
	}
	return &Refused{Host: host, Addr: a, Words: words}
}

// Resolve gives the addresses of a host that may be visited. Addresses that may not are left out; when none is left, or one is
// never allowed, it is refused.
func (g *Guard) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return g.resolve(ctx, "ip", host)
}

func (g *Guard) resolve(ctx context.Context, network, host string) ([]netip.Addr, error) {
	name := strings.TrimSuffix(host, ".")
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{plain(a)}, g.check(host, a)
	}
	if words := disguised(name); words != "" {
		return nil, &Refused{Host: host, Words: words}
	}
	found, err := g.policy.Resolver.LookupNetIP(ctx, network, name)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", host, err)
	}
	var good []netip.Addr
	var refused error
	for _, a := range found {
		err := g.check(host, a)
		var r *Refused
		if errors.As(err, &r) && r.Never {
			return nil, err
		}
		if err == nil {
			good = append(good, plain(a))
		} else if refused == nil {
			refused = err
		}
	}
	if len(good) == 0 && refused == nil {
		refused = &Refused{Host: host, Words: "a name without an address"}
	}
	if len(good) > 0 {
		return good, nil
	}
	return nil, refused
}

// disguised finds addresses in forms that some resolvers read and others do not: 2130706433, 0x7f000001, 0177.1, 127.1. A name whose
// last label is a number is none (WHATWG URL, "ends in a number").
func disguised(name string) string {
	if name == "" {
		return "no name"
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "" {
		return "no name"
	}
	if _, err := strconv.ParseUint(last, 0, 64); err == nil || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(strings.ToLower(last), "0x") {
		return "an address in an unusual form"
	}
	for _, c := range name {
		if c <= ' ' || c > 126 || strings.ContainsRune(`/\@?#%[]:,;"'<>^`+"`{|}", c) {
			return "no name in ASCII"
		}
	}
	return ""
}

// DialContext resolves, checks each address and connects to one that was checked. It has the signature of net.Dialer's.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	family, ok := map[string]string{"tcp": "ip", "tcp4": "ip4", "tcp6": "ip6"}[network]
	if !ok {
		return nil, fault.New(fault.Forbidden, "Connections over %q are not made.", network)
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The address %q is not HOST:PORT.", address)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return nil, fault.New(fault.Invalid, "The port of %q is not between 1 and 65535.", address)
	}
	list, err := g.resolve(ctx, family, host)
	if err != nil {
		return nil, err
	}
	var failed error
	for i, a := range list {
		conn, err := g.dial(ctx, network, netip.AddrPortFrom(a, uint16(port)), len(list)-i)
		if err == nil {
			return conn, nil
		}
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// dial connects to one checked address; a share of the time is kept for the others that may follow.
func (g *Guard) dial(ctx context.Context, network string, to netip.AddrPort, left int) (net.Conn, error) {
	release, err := g.pace.enter(ctx, to)
	if err != nil {
		return nil, err
	}
	limit := g.policy.Timeout
	if deadline, set := ctx.Deadline(); set && left > 1 {
		limit = min(limit, time.Until(deadline)/time.Duration(left))
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := g.policy.Dial(ctx, network, to.String())
	if err != nil {
		release()
		return nil, err
	}
	return &held{Conn: conn, release: release}, nil
}

// control is asked by the dialer with the address that the socket will really connect to.
func (g *Guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fault.New(fault.Forbidden, "The address %q cannot be checked, so it is not visited.", address)
	}
	return g.check("", to.Addr())
}
