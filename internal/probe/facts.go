package probe

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/probe/hello"
)

// facts are everything that the judges may look at. They do no I/O, so that a table can test them.
type facts struct {
	target    *target
	session   *session
	hello     *hello.Result // nil when there was no sense in asking
	roots     *x509.CertPool
	plain     map[int]plainAnswer // by port
	plainPort int                 // where plain HTTP counts
	inside    bool
	now       time.Time

	tls  *TLS      // nil without TLS
	leaf *examined // nil when no certificate was seen
	more []*x509.Certificate
	all  bool // the suites of every offered version are known
}

// assemble makes the report's view of TLS out of what was collected.
func (f *facts) assemble() {
	if !f.session.ok && (f.hello == nil || !f.hello.Offered()) && !f.session.required {
		return
	}
	f.tls = &TLS{Offered: []string{}, Ciphers: []Cipher{}, ClientCertificate: f.session.clientCertificate(), ALPN: []string{}, Groups: []string{}}
	if f.session.alpn != "" {
		f.tls.ALPN = []string{f.session.alpn}
	}
	f.protocols()
	f.certificates()
	f.tls.Grade = f.grade()
}

// protocols lists versions and suites. A version that a real handshake used is offered, whatever the hellos brought.
func (f *facts) protocols() {
	f.all = f.hello != nil
	f.tls.ForwardSecrecy = true
	for _, v := range hello.Versions {
		p := f.protocol(v)
		if p.State != hello.Offered {
			continue
		}
		f.tls.Offered = append(f.tls.Offered, v.String())
		f.all = f.all && p.Complete
		for _, offer := range p.Offers {
			c := Cipher{Protocol: v.String(), Name: offer.Name, Reason: weakness(offer), Group: groupOf(offer)}
			c.Weak = c.Reason != ""
			f.tls.Ciphers = append(f.tls.Ciphers, c)
			f.tls.ForwardSecrecy = f.tls.ForwardSecrecy && hello.Describe(offer.Name).ForwardSecret
		}
	}
	f.tls.ForwardSecrecy = f.tls.ForwardSecrecy && len(f.tls.Ciphers) > 0
	if f.hello != nil {
		f.tls.Groups = append(f.tls.Groups, f.hello.Groups...)
	}
}

// protocol is what is known of a version from both kinds of asking.
func (f *facts) protocol(v hello.Version) hello.Protocol {
	p := hello.Protocol{Version: v, State: hello.Unknown, Reason: "it was not asked"}
	if f.hello != nil {
		p = f.hello.Of(v)
	}
	if f.session.ok && f.session.version == uint16(v) && p.State != hello.Offered {
		p = hello.Protocol{Version: v, State: hello.Offered, Reason: p.Reason}
	}
	return p
}

func (f *facts) certificates() {
	chain := f.session.chain
	if f.hello != nil {
		if len(chain) == 0 {
			chain = parseChain(f.hello.Chain)
		}
		f.more = parseLeaves(f.hello.Leaves)
	}
	if len(chain) == 0 {
		return
	}
	f.leaf = examine(chain, f.target.host, f.roots, f.now)
	f.tls.Certificate = f.leaf.report
	f.more = slices.DeleteFunc(f.more, func(c *x509.Certificate) bool { return c.Equal(f.leaf.leaf) })
}

func parseLeaves(raw [][]byte) []*x509.Certificate {
	var out []*x509.Certificate
	for _, der := range raw {
		if c, err := x509.ParseCertificate(der); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// The reasons why a suite should not be offered, the worst first.
const (
	encryptsNothing = "it encrypts nothing"
	provesNothing   = "the server proves no identity"
	exportSuite     = "an export suite"
	rc4             = "RC4"
	shortKey        = "a key of %d bits"
	smallBlocks     = "blocks of 64 bits (SWEET32)"
	md5             = "MD5"
	noSecrecy       = "no forward secrecy"
	smallGroup      = "a DH group of %d bits"
	unusual         = "a suite outside of every common profile"
	noAEAD          = "no authenticated encryption"
)

var weaknesses = []string{encryptsNothing, provesNothing, exportSuite, rc4, shortKey, smallBlocks, md5, noSecrecy, smallGroup, unusual, noAEAD}

// weakness says why a suite should not be offered; "" when nothing is wrong with it.
func weakness(o hello.Offer) string {
	t := hello.Describe(o.Name)
	switch {
	case t.Bits == 0:
		return encryptsNothing
	case t.Anonymous:
		return provesNothing
	case t.Export:
		return exportSuite
	case t.RC4:
		return rc4
	case t.Bits < 112:
		return fmt.Sprintf(shortKey, t.Bits)
	case t.Block64:
		return smallBlocks
	case t.MD5:
		return md5
	case !t.ForwardSecret:
		return noSecrecy
	case o.DH && o.Bits < minRSA:
		return fmt.Sprintf(smallGroup, o.Bits)
	case t.Unusual:
		return unusual
	case !t.AEAD:
		return noAEAD
	}
	return ""
}

// badness orders reasons, the worst first.
func badness(reason string) int {
	return slices.IndexFunc(weaknesses, func(w string) bool {
		before, _, _ := strings.Cut(w, "%d")
		return strings.HasPrefix(reason, before)
	})
}

func groupOf(o hello.Offer) string {
	if o.DH {
		return fmt.Sprintf("DH-%d", o.Bits)
	}
	return o.Group
}

// smallGroups lists the groups of the key exchange that are too small.
func (f *facts) smallGroups() []string {
	var out []string
	if f.hello == nil {
		return nil
	}
	for _, p := range f.hello.Protocols {
		for _, o := range p.Offers {
			text := ""
			switch {
			case o.DH && o.Bits < minRSA:
				text = fmt.Sprintf(smallGroup, o.Bits)
			case !o.DH && o.Bits > 0 && o.Bits < 255: // x25519 has 255
				text = "the group " + o.Group
			}
			if text != "" && !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out
}

func (f *facts) speaksHTTP() bool {
	a, asked := f.plain[f.target.port]
	return asked && a.status > 0 && f.target.scheme != "https"
}

// noTLS says why nothing is known of TLS.
func (f *facts) noTLS() string {
	switch {
	case f.session.silent:
		return "It gave no answer to a TLS hello in time."
	case f.session.foreign:
		return "What it answers to a TLS hello is not TLS."
	}
	return strings.TrimSpace("No TLS handshake was possible. " + reasonOf(f.session.err))
}
