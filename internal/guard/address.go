package guard

import (
	"net/netip"
	"strings"
)

// network is a range with the words for it.
type network struct {
	prefix netip.Prefix
	words  string
}

func networks(list ...string) []network {
	out := make([]network, 0, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		out = append(out, network{netip.MustParsePrefix(list[i]), list[i+1]})
	}
	return out
}

// never are the addresses where clouds hand out credentials to whoever asks from the machine itself, and what only the own link
// reaches. No list opens them: a Muster that visits them for a stranger gives its own identity away.
var never = networks(
	"169.254.0.0/16", "link-local: cloud metadata and credentials live there",
	"fe80::/10", "link-local",
	"fd00:ec2::/32", "Amazon's metadata service",
	"fd20:ce::254/128", "Google's metadata service",
	"fd00:42::42/128", "Scaleway's metadata service",
	"100.100.100.200/32", "Alibaba's metadata service",
	"192.0.0.192/32", "Oracle's metadata service",
	"168.63.129.16/32", "Azure's platform service",
)

// special are the ranges that are not the public internet (IANA special-purpose registries), the narrower first.
var special = networks(
	"0.0.0.0/8", "unspecified", "10.0.0.0/8", "private (RFC 1918)", "100.64.0.0/10", "shared address space of carriers", "127.0.0.0/8", "loopback",
	"172.16.0.0/12", "private (RFC 1918)", "192.0.0.0/24", "reserved for protocols", "192.0.2.0/24", "for documentation", "192.31.196.0/24", "a sink of name servers",
	"192.52.193.0/24", "a multicast relay", "192.88.99.0/24", "a 6to4 relay", "192.168.0.0/16", "private (RFC 1918)", "192.175.48.0/24", "a sink of name servers",
	"198.18.0.0/15", "for benchmarks", "198.51.100.0/24", "for documentation", "203.0.113.0/24", "for documentation", "224.0.0.0/4", "multicast",
	"255.255.255.255/32", "broadcast", "240.0.0.0/4", "reserved",
	"::/128", "unspecified", "::1/128", "loopback", "::/96", "an IPv4 address in an old IPv6 form", "::ffff:0:0:0/96", "a translated IPv4 address",
	"64:ff9b::/96", "a translated IPv4 address (NAT64)", "64:ff9b:1::/48", "a translated IPv4 address (NAT64)", "100::/64", "a black hole",
	"2001::/32", "a Teredo tunnel", "2001::/23", "reserved for protocols", "2001:db8::/32", "for documentation", "2002::/16", "a 6to4 tunnel",
	"2620:4f:8000::/48", "a sink of name servers", "3fff::/20", "for documentation", "fc00::/7", "private (a unique local address)", "fec0::/10", "site-local", "ff00::/8", "multicast",
)

// global is where public IPv6 addresses are given out; everything else of IPv6 is not public.
var global = netip.MustParsePrefix("2000::/3")

// plain undoes the two disguises of an address: IPv4 inside IPv6, and a zone, with which netip's Contains is always false.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// inside lists the IPv4 addresses that an IPv6 address carries for a translator or a tunnel.
func inside(a netip.Addr) []netip.Addr {
	if !a.Is6() {
		return nil
	}
	b := a.As16()
	at := func(i, j, k, l int) netip.Addr { return netip.AddrFrom4([4]byte{b[i], b[j], b[k], b[l]}) }
	out := []netip.Addr{at(12, 13, 14, 15)} // compatible, translated, NAT64 /96, ISATAP
	switch {
	case b[0] == 0x00 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b: // RFC 6052, 2.2: lengths 32 to 64 skip byte 8
		out = append(out, at(4, 5, 6, 7), at(5, 6, 7, 9), at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12))
	case b[0] == 0x20 && b[1] == 0x02: // 6to4
		out = append(out, at(2, 3, 4, 5))
	case b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0: // Teredo: its server, and the client with flipped bits
		out = append(out, at(4, 5, 6, 7), netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}))
	default:
		isatap := (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
		if !isatap && !carries4(a) {
			return nil
		}
	}
	return out
}

var carriers = networks("::/96", "", "::ffff:0:0:0/96", "")

func carries4(a netip.Addr) bool { return contains(carriers, a) }

func contains(list []network, a netip.Addr) bool {
	for _, n := range list {
		if n.prefix.Contains(a) {
			return true
		}
	}
	return false
}

func find(list []network, a netip.Addr) string {
	for _, n := range list {
		if n.prefix.Contains(a) {
			return n.words
		}
	}
	return ""
}

// forbidden says why no list may open an address; "" when one may.
func forbidden(a netip.Addr) string {
	if words := find(never, a); words != "" {
		return words
	}
	for _, v4 := range inside(a) {
		if words := find(never, v4); words != "" {
			return words + ", as " + v4.String() + " inside it"
		}
	}
	return ""
}

// private says why an address is not the public internet; "" when it is.
func private(a netip.Addr) string {
	if words := find(special, a); words != "" {
		return words
	}
	if a.Is6() && !global.Contains(a) {
		return "not a public address"
	}
	return ""
}

// Prefixes reads networks such as 10.0.0.0/8; an address alone is a network of one. Entries may be joined by commas.
func Prefixes(list []string) ([]netip.Prefix, string) {
	var out []netip.Prefix
	for _, entry := range list {
		for text := range strings.SplitSeq(entry, ",") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			p, err := netip.ParsePrefix(text)
			if a, alone := netip.ParseAddr(text); err != nil && alone == nil {
				a = plain(a)
				p, err = netip.PrefixFrom(a, a.BitLen()), nil
			}
			if err != nil {
				return nil, text
			}
			out = append(out, p)
		}
	}
	return out, ""
}

// normal gives a prefix of mapped addresses as the IPv4 prefix that it means.
func normal(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(a.Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}
