// Package scan lets Muster look for itself: it visits the endpoints of services, turns what was seen into evidence and judges again.
package scan

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"muster/internal/inventory"
	"muster/internal/probe"
)

// Place is one endpoint of a service, as a scan sees it.
type Place struct {
	ServiceID     int64
	EnvironmentID int64
	Address       string // as the inventory names it: the part that evidence speaks about
	Target        string // what the probe is told to visit; "" when there is nothing to visit
	Expected      bool   // a scan that does not reach it has missed something
	Public        bool
	Reason        string // why it is not visited, a sentence
}

// placesOf lists the endpoints of a service, each address of an environment once. What the files say is open to
// everybody, and what a person added, is expected to answer; addresses inside a cluster answer only inside it.
func placesOf(v *inventory.Service, endpoints []inventory.Endpoint) []Place {
	var list []Place
	for i := range endpoints {
		e := &endpoints[i]
		if e.Scope == "loopback" || slices.ContainsFunc(list, func(p Place) bool { return p.Address == e.Address && p.EnvironmentID == e.EnvironmentID }) {
			continue
		}
		p := Place{ServiceID: e.ServiceID, EnvironmentID: e.EnvironmentID, Address: e.Address, Expected: e.Scope == "all" || e.SourceID == nil,
			Public: e.Scope == "all" && v.Exposure == inventory.Public}
		p.Target, p.Reason = targetOf(e.Address, e.TLS)
		list = append(list, p)
	}
	return list
}

// targetOf turns an address of the inventory into one that can be visited, or says why it cannot.
func targetOf(address, tls string) (target, reason string) {
	if u, err := url.Parse(address); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		if !nameable(u.Hostname()) {
			return "", "No host name is known for it. Add the address that people use."
		}
		return address, ""
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), ""
	}
	if !nameable(host) {
		return "", "No host name is known for it. Add the address that people use."
	}
	at := address
	if port == "" && strings.Contains(host, ":") {
		at = "[" + host + "]"
	}
	switch {
	case tls == "yes" || port == "443" || (port == "" && tls != "no"):
		return "https://" + at, ""
	case tls == "no" || port == "80":
		return "http://" + at, ""
	}
	return address, ""
}

// nameable reports whether a host can be visited: a wildcard and "every address of this machine" cannot.
func nameable(host string) bool {
	if host == "" || strings.ContainsAny(host, "*{}$ /") {
		return false
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsUnspecified()
}

// HostOf is the host of an address, in lower case; "" when there is none.
func HostOf(address string) string {
	host, _ := hostPort(address)
	return host
}

func hostPort(address string) (host string, port int) {
	if u, err := url.Parse(address); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		port = map[string]int{"http": 80, "https": 443}[u.Scheme]
		if n, err := strconv.Atoi(u.Port()); err == nil {
			port = n
		}
		return strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), port
	}
	h, p, err := net.SplitHostPort(address)
	if err != nil {
		return strings.ToLower(strings.TrimSuffix(strings.Trim(address, "[]"), ".")), 0
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		n = 0
	}
	return strings.ToLower(strings.TrimSuffix(h, ".")), n
}

// declaredPorts are the ports that the inventory knows of a host, whoever's they are.
func declaredPorts(host string, places []Place) []int {
	var ports []int
	for _, p := range places {
		h, port := hostPort(p.Address)
		switch {
		case h != host:
		case port != 0:
			ports = append(ports, port)
		default:
			ports = append(ports, 80, 443)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// operationsOf are the operations that the documents of a service name.
func operationsOf(s *inventory.Standing) []probe.Operation {
	var list []probe.Operation
	for _, o := range s.Operations {
		security := o.Security
		if security == "none" && !o.Stated {
			security = "" // nobody said that it is meant to be public
		}
		// Whether it takes a body is not kept, so it is treated as one that none could keep from succeeding.
		list = append(list, probe.Operation{Method: o.Method, Path: o.Route, Security: security, Bodyless: true})
	}
	return list
}
