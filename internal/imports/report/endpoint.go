package report

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"muster/internal/imports/model"
)

// Endpoint reads an address: a URL, host:port/path or a bare host. A login in it is masked.
func Endpoint(address string) model.Endpoint {
	address = Clip(strings.TrimSpace(address), maxName)
	e := model.Endpoint{URL: Redact(address)}
	if address == "" {
		return e
	}
	full := address
	if !strings.Contains(address, "://") {
		full = "//" + address
		if ip := net.ParseIP(address); ip != nil && ip.To4() == nil {
			full = "//[" + address + "]"
		}
	}
	u, err := url.Parse(full)
	if err != nil {
		return roughly(e, address)
	}
	e.Protocol, e.Host, e.Path = strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.EscapedPath()
	if port, err := strconv.Atoi(u.Port()); err == nil && port > 0 && port < 65536 {
		e.Port = model.Number(port)
	}
	return e
}

// roughly takes an address apart that no parser takes: scanners put anything into a path.
func roughly(e model.Endpoint, address string) model.Endpoint {
	rest := address
	if scheme, after, ok := strings.Cut(address, "://"); ok {
		e.Protocol, rest = strings.ToLower(scheme), after
	}
	host := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, e.Path = rest[:i], rest[i:]
	}
	host = host[strings.LastIndexByte(host, '@')+1:]
	e.Host = strings.ToLower(host)
	if name, port, err := net.SplitHostPort(host); err == nil {
		e.Host, e.Port = strings.ToLower(name), model.Number(Int(port))
	}
	return e
}

// Site is an address up to its path.
func Site(e model.Endpoint) string {
	host := e.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if e.Port > 0 {
		host += ":" + strconv.Itoa(int(e.Port))
	}
	if e.Protocol == "" {
		return host
	}
	return e.Protocol + "://" + host
}
