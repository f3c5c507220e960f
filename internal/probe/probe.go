package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"muster/internal/fault"
	"muster/internal/guard"
	"muster/internal/probe/hello"
)

// resolver is a Dialer that also says where a name leads and whether one may go there; the guard is one.
type resolver interface {
	Resolve(ctx context.Context, host string) ([]netip.Addr, error)
}

// VisitAll visits targets, some at a time, and gives what it saw in their order.
func VisitAll(ctx context.Context, raws []string, o Options, parallel int) []Target {
	out := make([]Target, len(raws))
	next := make(chan int)
	var all sync.WaitGroup
	for range min(max(parallel, 1), len(raws)) {
		all.Go(func() {
			for i := range next {
				out[i] = Visit(ctx, raws[i], o)
			}
		})
	}
	for i := range raws {
		next <- i
	}
	close(next)
	all.Wait()
	return out
}

// Visit visits one target and judges what it saw. It never takes longer than the budget.
func Visit(ctx context.Context, raw string, o Options) Target {
	o.fill()
	began := o.Now()
	out := Target{Target: raw, Resolved: []string{}, StartedAt: began.UTC(), Checks: []Check{}}
	t, err := parseTarget(raw)
	if err != nil {
		out.Reason = sentence(err)
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, o.Budget)
	defer cancel()
	if err := o.pin(ctx, t, &out); err != nil {
		out.Reason, out.Refused = sentence(err), isRefused(err)
		if !out.Refused {
			out.Checks = unknownChecks(t, &o, out.Reason)
		}
	} else {
		o.visit(ctx, t, &out)
	}
	out.DurationMS = o.Now().Sub(began).Milliseconds()
	return out
}

func (o *Options) fill() {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Budget <= 0 {
		o.Budget = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// pin resolves the target once and lets every connection of the visit go where that led.
func (o *Options) pin(ctx context.Context, t *target, out *Target) error {
	r, ok := o.Dialer.(resolver)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	found, err := r.Resolve(ctx, t.host)
	if err != nil {
		return err
	}
	for _, a := range found {
		out.Resolved = append(out.Resolved, a.String())
	}
	o.Dialer = &pinned{to: o.Dialer, host: t.host, addresses: found}
	return nil
}

// pinned leads one host to the addresses that it was resolved to at the beginning of the visit; they are checked again when dialled.
type pinned struct {
	to        Dialer
	host      string
	addresses []netip.Addr
	mu        sync.Mutex
	good      netip.Addr // the one that answered first
}

// DialContext dials the pinned addresses for the host of the visit, and leaves other hosts to the guard.
func (p *pinned) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || cleanHost(host) != p.host {
		return p.to.DialContext(ctx, network, address)
	}
	p.mu.Lock()
	list := p.addresses
	if p.good.IsValid() {
		list = []netip.Addr{p.good}
	}
	p.mu.Unlock()
	var failed error
	for _, a := range list {
		conn, err := p.to.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			p.mu.Lock()
			p.good = a
			p.mu.Unlock()
			return conn, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

// visit looks at TLS, at plain HTTP, at what HTTP answers and, when it is asked to, at other ports.
func (o *Options) visit(ctx context.Context, t *target, out *Target) {
	var s session
	if t.scheme != "http" || o.Inside {
		s = o.handshake(ctx, t)
	} else {
		s.dialErr = o.touch(ctx, t)
	}
	if s.dialErr != nil {
		out.Reason, out.Refused = reasonOf(s.dialErr), isRefused(s.dialErr)
		if !out.Refused {
			out.Checks = unknownChecks(t, o, out.Reason)
		}
		return
	}
	out.Reachable = true
	if len(out.Resolved) == 0 && s.remote != "" {
		out.Resolved = []string{s.remote}
	}
	t.tls = s.ok && t.scheme != "http"
	facts := o.collect(ctx, t, &s)
	if facts.tls != nil && t.scheme != "http" {
		out.TLS = facts.tls
	}
	out.Checks = append(out.Checks, judge(facts)...)
	if o.Ports {
		out.Checks = append(out.Checks, o.ports(ctx, t))
	}
	if t.tls || facts.speaksHTTP() {
		if t.url == nil {
			t.url = t.base()
		}
		http, checks := visitHTTP(ctx, t, o)
		out.HTTP = http
		out.Checks = append(out.Checks, checks...)
	}
}

// collect gathers what the judges need: the suites of every version and the answer to plain HTTP.
func (o *Options) collect(ctx context.Context, t *target, s *session) *facts {
	f := &facts{target: t, session: s, now: o.Now(), inside: o.Inside, roots: o.Roots, plain: map[int]plainAnswer{}}
	ctx, cancel := context.WithTimeout(ctx, o.Budget*2/3) // the rest is for HTTP
	defer cancel()
	var all sync.WaitGroup
	if s.askFurther() {
		all.Go(func() {
			f.hello = hello.Probe(ctx, hello.Config{
				Dial:       func(ctx context.Context) (net.Conn, error) { return o.Dialer.DialContext(ctx, "tcp", t.address()) },
				ServerName: serverName(t.host), Timeout: o.Timeout,
			})
		})
	}
	port := t.port
	if t.scheme == "https" && t.port == 443 {
		port = 80
	}
	all.Go(func() { f.plain[port] = o.tryPlain(ctx, t, port) })
	all.Wait()
	f.plainPort = port
	f.assemble()
	return f
}

// touch opens one connection, to know whether anybody is there.
func (o *Options) touch(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	conn, err := o.Dialer.DialContext(ctx, "tcp", t.address())
	if err != nil {
		return err
	}
	return conn.Close()
}

func serverName(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	return host
}

func isRefused(err error) bool {
	var r *guard.Refused
	return errors.As(err, &r)
}

// sentence is what a person may read of an error.
func sentence(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Message
	}
	return reasonOf(err)
}

// unknownChecks says of what could not be looked at that it is unknown, and why.
func unknownChecks(t *target, o *Options, reason string) []Check {
	var out []Check
	for _, k := range knownChecks {
		if (k.inside && !o.Inside) || k.refutesOnly || (t.scheme == "http" && !k.plain) {
			continue
		}
		out = append(out, k.check(Unknown, "nothing", reason))
	}
	if o.Ports {
		out = append(out, portCheck.check(Unknown, "nothing", reason))
	}
	return out
}

// knownCheck is one row of the table of checks.
type knownCheck struct {
	control, clause, expected string
	plain                     bool // also of targets without TLS
	inside                    bool // only from inside the segment
	refutesOnly               bool // a pass would prove nothing
}

var (
	checkPlain   = knownCheck{control: "TLS-1", clause: "no_plain_http", expected: "plain HTTP is closed or redirects to HTTPS", plain: true}
	checkVersion = knownCheck{control: "TLS-2", clause: "modern_versions", expected: "only TLS 1.2 and TLS 1.3"}
	checkCiphers = knownCheck{control: "TLS-3", clause: "ciphers", expected: "only suites with authenticated encryption and an ephemeral key exchange"}
	checkKeys    = knownCheck{control: "TLS-3", clause: "keys", expected: "RSA and DH of 2048 bits or more, EC of 256 or more"}
	checkForward = knownCheck{control: "TLS-3", clause: "forward_secrecy", expected: "an ephemeral key exchange in every suite"}
	checkTrusted = knownCheck{control: "TLS-4", clause: "trusted", expected: "a chain to a trusted authority"}
	checkNames   = knownCheck{control: "TLS-4", clause: "names_match", expected: "a certificate for this host"}
	checkTime    = knownCheck{control: "TLS-4", clause: "time_left", expected: "more than 21 days or a third of its life, whichever is less"}
	checkExpired = knownCheck{control: "IAM-8", clause: "certificates", expected: "a certificate that has not expired"}
	checkMutual  = knownCheck{control: "TLS-6", clause: "mutual_tls", expected: "a client certificate is demanded", plain: true, inside: true}
	checkKeyKind = knownCheck{control: "DAT-6", clause: "strength", expected: "RSA of 2048 bits or more, EC P-256 or better", refutesOnly: true}
	portCheck    = knownCheck{control: "NET-3", clause: "no_undeclared_port", expected: "no open port besides the declared ones"}

	knownChecks = []knownCheck{checkPlain, checkVersion, checkCiphers, checkKeys, checkForward, checkTrusted, checkNames, checkTime, checkExpired, checkMutual, checkKeyKind}
)

func (k knownCheck) check(outcome Outcome, observed, detail string) Check {
	return Check{Control: k.control, Clause: k.clause, Part: "endpoint", Outcome: outcome, Observed: observed, Expected: k.expected, Detail: detail}
}

// until is a pass that ends by itself.
func (k knownCheck) until(end time.Time, observed string) Check {
	c := k.check(Pass, observed, "")
	end = end.UTC()
	c.GoodUntil = &end
	return c
}

// declared reports whether a port of the target's host is expected to be open.
func (o *Options) declared(t *target, port int) bool {
	return port == t.port || slices.Contains(o.DeclaredPorts, port)
}

func portList(ports []int) string {
	text := ""
	for i, p := range ports {
		if i == 10 {
			return text + " and " + strconv.Itoa(len(ports)-i) + " more"
		}
		if i > 0 {
			text += ", "
		}
		text += strconv.Itoa(p)
	}
	return text
}
