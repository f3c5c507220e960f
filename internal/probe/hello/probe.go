package hello

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"net"
	"slices"
	"sync"
	"time"
)

// Config says whom to ask, and how.
type Config struct {
	Dial       func(context.Context) (net.Conn, error)
	ServerName string        // for SNI; "" for addresses
	Timeout    time.Duration // of one hello and its answer; 0 is 5 s
}

// Offer is one suite that the server picked.
type Offer struct {
	Name  string // the IANA name
	Group string // of the key exchange, where the server showed it
	Bits  int    // of that group: the length of the prime or of the curve's field; 0 where it did not show
	DH    bool   // the group is a prime's
}

// Protocol is what is known of one version.
type Protocol struct {
	Version  Version
	State    State
	Reason   string // how the server refused, or why nothing is known
	Complete bool   // the list of suites ended in a clear refusal of the rest
	Offers   []Offer
}

// Result is what the server let out.
type Result struct {
	Protocols   []Protocol // one per version, oldest first
	Groups      []string   // of TLS 1.3, in the order that the server picked them
	Chain       [][]byte   // as the server sent it first, below TLS 1.3
	Leaves      [][]byte   // every different certificate that it showed
	HTTP        bool       // it answers hellos in plain HTTP
	Connections int
}

// Offered reports whether some version was accepted.
func (r *Result) Offered() bool {
	return slices.ContainsFunc(r.Protocols, func(p Protocol) bool { return p.State == Offered })
}

// Of gives what is known of one version.
func (r *Result) Of(v Version) Protocol {
	for _, p := range r.Protocols {
		if p.Version == v {
			return p
		}
	}
	return Protocol{Version: v, State: Unknown}
}

const (
	batch       = 100 // some servers read no more suites than this
	maxSilences = 3   // after so many hellos without an answer, the rest stays unknown
	maxLeaves   = 8
)

// prober is the state of one probe.
type prober struct {
	Config
	mu       sync.Mutex
	result   Result
	silences int
	control  *ask // a hello that was answered
}

// Probe asks for every version and lists the suites of those that are offered. It ends with the context.
func Probe(ctx context.Context, c Config) *Result {
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	p := &prober{Config: c}
	found := make([]Protocol, len(Versions))
	byClose := make([]bool, len(Versions))
	var all sync.WaitGroup
	for i, v := range Versions {
		all.Go(func() { found[i], byClose[i] = p.version(ctx, v) })
	}
	all.Wait()
	p.result.Protocols = found
	p.confirm(ctx, byClose)
	return &p.result
}

// confirm asks once more what was answered before, where a closed connection was the only refusal: a server or a firewall that
// has had enough of us closes connections too, and that says nothing about versions.
func (p *prober) confirm(ctx context.Context, byClose []bool) {
	if !slices.Contains(byClose, true) || p.control == nil || p.try(ctx, *p.control).kind == greeted {
		return
	}
	for i := range p.result.Protocols {
		if !byClose[i] {
			continue
		}
		one := &p.result.Protocols[i]
		one.Complete, one.Reason = false, "it closed connections, and in the end also one that it had accepted before"
		if one.State == Refused {
			one.State = Unknown
		}
	}
}

func (p *prober) version(ctx context.Context, v Version) (Protocol, bool) {
	switch v {
	case SSLv2:
		return p.old(ctx)
	case TLS13:
		return p.modern(ctx)
	}
	return p.classic(ctx, v)
}

// try sends one hello and reads the answer.
func (p *prober) try(ctx context.Context, a ask) answer {
	return p.exchange(ctx, a.version, a.message(), func() {
		a.suites = slices.Clone(a.suites) // the list that it came from shrinks
		p.control = &a
	})
}

func (p *prober) exchange(ctx context.Context, v Version, message []byte, greetedOnce func()) answer {
	p.mu.Lock()
	enough := p.silences >= maxSilences
	p.result.Connections++
	p.mu.Unlock()
	if enough || ctx.Err() != nil {
		return answer{kind: silent, reason: "it was asked no further, because it stopped answering or the time ran out"}
	}
	got := p.talk(ctx, v, message)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch got.kind {
	case silent:
		p.silences++
	case greeted:
		if p.control == nil {
			greetedOnce()
		}
		p.keep(got.chain)
	}
	p.result.HTTP = p.result.HTTP || got.http
	return got
}

func (p *prober) talk(ctx context.Context, v Version, message []byte) answer {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	conn, err := p.Dial(ctx)
	if err != nil {
		return answer{kind: silent, reason: "it could not be reached again: " + err.Error()}
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return answer{kind: silent, reason: err.Error()}
		}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := conn.Write(message); err != nil {
		return (&parser{in: &bytes.Buffer{}}).broken(err, nil)
	}
	if v == SSLv2 {
		return parseV2(conn)
	}
	return parse(conn)
}

// keep notes the certificates that a server hello brought along.
func (p *prober) keep(chain [][]byte) {
	if len(chain) == 0 {
		return
	}
	if p.result.Chain == nil {
		p.result.Chain = chain
	}
	if len(p.result.Leaves) < maxLeaves && !slices.ContainsFunc(p.result.Leaves, func(leaf []byte) bool { return bytes.Equal(leaf, chain[0]) }) {
		p.result.Leaves = append(p.result.Leaves, chain[0])
	}
}

// old asks in the language of SSLv2, which lists its kinds by itself.
func (p *prober) old(ctx context.Context) (Protocol, bool) {
	out := Protocol{Version: SSLv2, State: Unknown}
	a := p.exchange(ctx, SSLv2, v2Message(), func() {})
	out.Reason = a.reason
	switch {
	case a.kind == greeted && a.version == SSLv2:
		out.State, out.Complete, out.Reason = Offered, true, ""
		for _, name := range a.v2 {
			out.Offers = append(out.Offers, Offer{Name: name})
		}
	case a.kind == greeted: // a server may read our hello as one of a later version
		out.State, out.Reason = Refused, "it answers with "+a.version.String()
	case a.refused():
		out.State = Refused
	}
	return out, out.State == Refused && a.kind == closed
}

// classic lists the suites of SSLv3 to TLS 1.2: each hello offers what was not picked yet.
func (p *prober) classic(ctx context.Context, v Version) (Protocol, bool) {
	out := Protocol{Version: v, State: Refused, Complete: true}
	byClose := false
	all, _ := registry()
	ids := make([]uint16, 0, len(all))
	for _, s := range all {
		if fits(s.Name, v) {
			ids = append(ids, s.ID)
		}
	}
	for part := range slices.Chunk(ids, batch) {
		l := listing{ask: ask{version: v, name: p.ServerName, groups: classicGroups, suites: slices.Clone(part)}}
		p.list(ctx, &l)
		out.Offers = append(out.Offers, l.offers...)
		byClose = byClose || l.last.kind == closed
		if !l.ended { // silence or garbage
			out.State, out.Complete, out.Reason = Unknown, false, l.last.reason
			break
		}
		if len(l.ask.suites) > 0 {
			out.Reason = l.last.reason
		}
		if l.whole { // it was about the version, not about the suites
			break
		}
	}
	if len(out.Offers) > 0 {
		out.State = Offered
		if out.Complete {
			out.Reason = ""
		}
	}
	return out, byClose
}

// listing is the course of one list: hellos go out until the server picks nothing more.
type listing struct {
	ask    ask
	offers []Offer
	groups []uint16 // as they were picked, repeated
	last   answer
	ended  bool // in a clear refusal, or because everything was picked
	whole  bool // the refusal is about the whole version
}

func (p *prober) list(ctx context.Context, l *listing) {
	again := true
	for len(l.ask.suites) > 0 {
		a := p.try(ctx, l.ask)
		l.last = a
		switch {
		case a.kind == greeted && a.version != l.ask.version:
			l.ended, l.whole = true, true
			l.last.reason = "it answers with " + a.version.String()
			return
		case a.kind == greeted && slices.Contains(l.ask.suites, a.suite):
			l.take(a)
		case a.kind == greeted:
			l.last.reason = "it picked a suite that was not offered"
			return
		case a.refused():
			l.ended, l.whole = true, a.kind == alerted && a.alert == alertProtocolVersion
			return
		case again && a.kind == silent && len(l.offers) > 0: // one lost answer shall not cost the list
			again = false
		default:
			return
		}
	}
	l.ended = true
}

func (l *listing) take(a answer) {
	offer := Offer{Name: Name(a.suite), Group: groupNames[a.group], Bits: groupBits[a.group]}
	if a.dhBits > 0 {
		offer.Bits, offer.DH = a.dhBits, true
	}
	l.offers = append(l.offers, offer)
	l.groups = append(l.groups, a.group)
	l.ask.suites = slices.DeleteFunc(l.ask.suites, func(id uint16) bool { return id == a.suite })
}

// modern lists the suites and the groups of TLS 1.3.
func (p *prober) modern(ctx context.Context) (Protocol, bool) {
	_, all := registry()
	l := listing{ask: ask{version: TLS13, name: p.ServerName, groups: modernGroups}}
	for _, s := range all {
		l.ask.suites = append(l.ask.suites, s.ID)
	}
	full := slices.Clone(l.ask.suites)
	p.list(ctx, &l)
	if len(l.offers) == 0 && l.ended && !l.whole { // a few servers do not ask for a key that is missing
		if key, err := ecdh.X25519().GenerateKey(rand.Reader); err == nil {
			l = listing{ask: ask{version: TLS13, name: p.ServerName, groups: modernGroups, suites: full, share: &share{29, key.PublicKey().Bytes()}}}
			full = slices.Clone(full)
			p.list(ctx, &l)
		}
	}
	out := Protocol{Version: TLS13, State: Unknown, Complete: l.ended, Offers: l.offers, Reason: l.last.reason}
	switch {
	case len(l.offers) > 0:
		out.State = Offered
		if l.ended {
			out.Reason = ""
		}
		p.groups(ctx, ask{version: TLS13, name: p.ServerName, suites: full})
	case l.ended:
		out.State = Refused
	}
	return out, l.last.kind == closed
}

// groups lists the groups of TLS 1.3 as the server picks them, until it refuses the rest.
func (p *prober) groups(ctx context.Context, a ask) {
	left := slices.Clone(modernGroups)
	for len(left) > 0 {
		a.groups = left
		got := p.try(ctx, a)
		if got.kind != greeted || !slices.Contains(left, got.group) {
			return
		}
		p.result.Groups = append(p.result.Groups, groupNames[got.group]) // only this goroutine writes it
		left = slices.DeleteFunc(slices.Clone(left), func(id uint16) bool { return id == got.group })
	}
}
