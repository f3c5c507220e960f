package probe

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// journey is a request and the redirects that were followed.
type journey struct {
	steps []*exchange
	halt  string // why the last redirect was not followed; "" when the end was reached
}

// end is the last exchange of the journey.
func (j *journey) end() *exchange {
	if j == nil || len(j.steps) == 0 {
		return nil
	}
	return j.steps[len(j.steps)-1]
}

// follow sends a request and goes where it is led, as long as may says "" to the next step. Every step is dialled through the guard.
func (c *client) follow(ctx context.Context, r call, most int, may func(from, to *url.URL) string) *journey {
	j := &journey{}
	seen := map[string]bool{}
	for {
		e := c.do(ctx, r)
		j.steps = append(j.steps, e)
		seen[r.url.String()] = true
		to := leadsTo(e)
		if to == nil {
			return j
		}
		reason := may(r.url, to)
		switch {
		case reason != "":
			j.halt = reason
		case seen[to.String()]:
			j.halt = "it is a redirect loop"
		case len(j.steps) > most:
			j.halt = fmt.Sprintf("more than %d redirects", most)
		}
		if j.halt != "" {
			return j
		}
		r.url = to
	}
}

// leadsTo is where a redirect leads; nil when the answer is none, or leads nowhere that HTTP can go.
func leadsTo(e *exchange) *url.URL {
	if !e.answered() || e.status < 300 || e.status > 399 || e.header.Get("Location") == "" {
		return nil
	}
	to, err := e.url.Parse(e.header.Get("Location"))
	if err != nil || to.Host == "" || (to.Scheme != "http" && to.Scheme != "https") {
		return nil
	}
	to.Fragment, to.RawFragment, to.User = "", "", nil
	return to
}

// sameEndpoint allows a redirect within one origin, or from plain HTTP up to HTTPS of the same host. Anything else is the
// address of something else, and what stands there would say nothing about this endpoint.
func sameEndpoint(from, to *url.URL) string {
	switch {
	case !strings.EqualFold(from.Hostname(), to.Hostname()):
		return "it leads to another host, " + printable(to.Host, 100)
	case from.Scheme == "https" && to.Scheme == "http":
		return "it leads back to plain HTTP"
	case from.Scheme == to.Scheme && wirePort(from) != wirePort(to):
		return "it leads to another port, " + printable(to.Host, 100)
	}
	return ""
}

// published allows what documents for the public may be led to: the same endpoint, or the usual port of HTTPS on any host. The
// guard decides about the address; the port keeps a hostile peer from aiming the prober at other services.
func published(from, to *url.URL) string {
	reason := sameEndpoint(from, to)
	if reason != "" && to.Scheme == "https" && wirePort(to) == "443" {
		return ""
	}
	return reason
}

func wirePort(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}
