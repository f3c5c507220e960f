package probe

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"muster/internal/fault"
)

// target is one address of a visit, taken apart.
type target struct {
	raw    string
	scheme string // https, http; "" for host:port, where both are tried
	host   string // a name in lower case without its trailing dot, or an address without brackets
	port   int
	path   string   // "/" where the address has none
	url    *url.URL // nil for host:port until a protocol answered
	tls    bool     // a TLS handshake worked
}

// Valid says in a sentence why an address cannot be visited; nil when it can.
func Valid(raw string) error {
	_, err := parseTarget(raw)
	return err
}

// HostPort gives the host and the port of an address that is valid.
func HostPort(raw string) (host string, port int, err error) {
	t, err := parseTarget(raw)
	if err != nil {
		return "", 0, err
	}
	return t.host, t.port, nil
}

func parseTarget(raw string) (*target, error) {
	text := strings.TrimSpace(raw)
	if text == "" {
		return nil, fault.New(fault.Invalid, "A target is empty; write https://shop.example.com or db.example.com:5432.")
	}
	if len(text) > 2000 {
		return nil, fault.New(fault.Invalid, "The target %.60q… is longer than 2,000 characters.", text)
	}
	t := &target{raw: raw, path: "/"}
	var err error
	if strings.Contains(text, "://") {
		err = t.fromURL(text)
	} else {
		err = t.fromHostPort(text)
	}
	if err != nil {
		return nil, err
	}
	if reason := badHost(t.host); reason != "" {
		return nil, fault.New(fault.Invalid, "The target %q cannot be visited: %s.", raw, reason)
	}
	return t, nil
}

func (t *target) fromURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return fault.New(fault.Invalid, "The target %q is not a URL.", text)
	}
	t.scheme = strings.ToLower(u.Scheme)
	if t.scheme != "https" && t.scheme != "http" {
		return fault.New(fault.Invalid, "The target %q begins with %s://; a probe visits https://, http:// and host:port.", text, u.Scheme)
	}
	if u.User != nil {
		return fault.New(fault.Invalid, "The target %q has a user name in it; a probe brings no credentials in an address.", u.Redacted())
	}
	t.port = 443
	if t.scheme == "http" {
		t.port = 80
	}
	if text := u.Port(); text != "" {
		if t.port, err = portOf(text); err != nil {
			return fault.New(fault.Invalid, "The port of the target %q is not between 1 and 65535.", t.raw)
		}
	}
	t.host = cleanHost(u.Hostname())
	if p := u.EscapedPath(); p != "" {
		t.path = p
	}
	u.Fragment = ""
	t.url = u
	return nil
}

func (t *target) fromHostPort(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return fault.New(fault.Invalid, "The target %q is neither a URL nor HOST:PORT.", text)
	}
	if t.port, err = portOf(port); err != nil {
		return fault.New(fault.Invalid, "The port of the target %q is not between 1 and 65535.", text)
	}
	t.host = cleanHost(host)
	return nil
}

func portOf(text string) (int, error) {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, strconv.ErrRange
	}
	return int(port), nil
}

func cleanHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// badHost says what is wrong with a name; what it leads to is the guard's matter.
func badHost(host string) string {
	if host == "" {
		return "it names no host"
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	if len(host) > 253 {
		return "its host name is longer than 253 characters"
	}
	for _, c := range host {
		switch {
		case c > 126:
			return "its host name is not in ASCII; write it in the form that begins with xn--"
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
		default:
			return "its host name holds the character " + strconv.QuoteRune(c)
		}
	}
	return ""
}

// address is where the target listens.
func (t *target) address() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

// base is the URL of the target without a path, for the protocol that answered.
func (t *target) base() *url.URL {
	scheme := t.scheme
	if scheme == "" {
		scheme = "http"
		if t.tls {
			scheme = "https"
		}
	}
	host := t.address()
	if (scheme == "https" && t.port == 443) || (scheme == "http" && t.port == 80) {
		host = strings.TrimSuffix(host, ":"+strconv.Itoa(t.port))
	}
	return &url.URL{Scheme: scheme, Host: host, Path: "/"}
}
