package guard

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// pace keeps us polite: few connections to one place at a time, and a breath between them.
type pace struct {
	mu         sync.Mutex
	places     map[netip.AddrPort]*place
	perAddress int
	perHost    int
	gap        time.Duration
}

// place is one address and port, or with port 0 an address over all its ports.
type place struct {
	slots chan struct{}
	users int // who holds or waits; the last one out removes the place
	next  time.Time
}

func newPace(p Policy) *pace {
	out := &pace{places: map[netip.AddrPort]*place{}, perAddress: p.PerAddress, perHost: p.PerHost, gap: p.Gap}
	if out.perAddress <= 0 {
		out.perAddress = 4
	}
	if out.perHost <= 0 {
		out.perHost = 64
	}
	switch {
	case out.gap == 0:
		out.gap = time.Millisecond
	case out.gap < 0:
		out.gap = 0
	}
	return out
}

// enter waits for a turn at an address. The function that it gives ends the turn and must be called once.
func (p *pace) enter(ctx context.Context, to netip.AddrPort) (func(), error) {
	host := netip.AddrPortFrom(to.Addr(), 0)
	outer, inner := p.join(host, p.perHost), p.join(to, p.perAddress)
	leave := func() { p.leave(host, outer); p.leave(to, inner) }
	// The narrow turn first: who waits for a busy port must not keep others from the host's free ports.
	if err := take(ctx, inner); err != nil {
		leave()
		return nil, err
	}
	if err := take(ctx, outer); err != nil {
		<-inner.slots
		leave()
		return nil, err
	}
	release := func() {
		<-outer.slots
		<-inner.slots
		leave()
	}
	if err := p.breathe(ctx, inner); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func take(ctx context.Context, at *place) error {
	select {
	case at.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// breathe keeps the gap between two connections.
func (p *pace) breathe(ctx context.Context, at *place) error {
	if p.gap == 0 {
		return nil
	}
	p.mu.Lock()
	now := time.Now()
	start := at.next
	if start.Before(now) {
		start = now
	}
	at.next = start.Add(p.gap)
	p.mu.Unlock()
	wait := time.Until(start)
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pace) join(to netip.AddrPort, slots int) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.places[to]
	if at == nil {
		at = &place{slots: make(chan struct{}, slots)}
		p.places[to] = at
	}
	at.users++
	return at
}

func (p *pace) leave(to netip.AddrPort, at *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.users--; at.users > 0 {
		return
	}
	rest := time.Until(at.next)
	if rest <= 0 {
		delete(p.places, to)
		return
	}
	at.users++ // the place remembers its gap for as long as it lasts
	time.AfterFunc(rest, func() { p.leave(to, at) })
}

// held is a connection that ends its turn when it is closed.
type held struct {
	net.Conn
	once    sync.Once
	release func()
}

// Close closes the connection and lets the next one in.
func (h *held) Close() error {
	err := h.Conn.Close()
	h.once.Do(h.release)
	return err
}
