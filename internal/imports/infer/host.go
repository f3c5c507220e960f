package infer

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// Host is an address inside a value.
type Host struct {
	Name   string
	Port   int    // 0 when the value names none
	Scheme string // "" when the value names none
}

var (
	urlPattern    = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.\-]*)://([^/\s?#"'<>|\\]+)`)
	dialPattern   = regexp.MustCompile(`\b(?:tcp|udp)\(([^)]+)\)`)
	pairPattern   = regexp.MustCompile(`(?i)(?:^|[;\s])(?:host|server|data source|addr|address|endpoint)\s*=\s*([A-Za-z0-9._\-]+)(?:[:,](\d+))?`)
	tokenPattern  = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._\-]*[A-Za-z0-9])?):(\d{2,5})(?:/.*)?$`)
	svcPattern    = regexp.MustCompile(`^[a-z0-9\-]+\.[a-z0-9\-]+\.svc(?:\.[a-z0-9.\-]+)?$`)
	barePattern   = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9\-]+)*$`)
	hostKey       = regexp.MustCompile(`(?i)(^|[_.\-])(host|hosts|hostname|addr|addrs|address|addresses|url|urls|uri|uris|endpoint|endpoints|server|servers|broker|brokers|bootstrap|upstream|backend)([_.\-]?\d*)$|(?i)(host|addr|address|url|uri|endpoint|server|servers|brokers)$`)
	notHostKey    = regexp.MustCompile(`(?i)(_SERVICE_NAME|USERNAME|_USER|PASSWORD|_DATABASE|_DB|_NAME|_PATH|_FILE|_TOPIC)$|^OTEL_RESOURCE_ATTRIBUTES$|LISTEN|BIND|SERVER_NAME`)
	neverHosts    = regexp.MustCompile(`(?i)^(OTEL_RESOURCE_ATTRIBUTES|OTEL_SERVICE_NAME|.*_SERVICE_NAME|NO_PROXY|.*LISTEN_ADDR(ESS)?|.*BIND_ADDR(ESS)?)$`)
	noHostSchemes = map[string]bool{"file": true, "unix": true, "s3": true, "gs": true, "arn": true, "classpath": true, "data": true, "spiffe": true, "npipe": true}
)

// Hosts finds the addresses in the value of an environment variable or configuration key.
// A bare word counts only under a key that speaks of hosts.
func Hosts(key, value string) []Host {
	value = strings.TrimSpace(value)
	if value == "" || len(value) > 16<<10 || neverHosts.MatchString(key) {
		return nil
	}
	found := embedded(value)
	if len(found) == 0 && !notHostKey.MatchString(key) && hostKey.MatchString(key) {
		for _, word := range strings.FieldsFunc(value, separator) {
			if barePattern.MatchString(word) {
				found = append(found, Host{Name: word})
			}
		}
	}
	return keepHosts(found)
}

// ArgumentHosts finds the addresses in a command line; a bare word is never one.
func ArgumentHosts(argument string) []Host { return keepHosts(embedded(argument)) }

func separator(r rune) bool { return strings.ContainsRune(", ;|\n\t\"'=", r) }

func embedded(value string) []Host {
	var found []Host
	for _, m := range urlPattern.FindAllStringSubmatch(value, -1) {
		scheme := strings.ToLower(m[1])
		if noHostSchemes[scheme] {
			continue
		}
		authority := m[2][strings.LastIndexByte(m[2], '@')+1:]
		for _, part := range strings.Split(authority, ",") {
			found = append(found, hostPort(part, scheme))
		}
	}
	rest := urlPattern.ReplaceAllString(value, " ")
	for _, m := range dialPattern.FindAllStringSubmatch(rest, -1) {
		found = append(found, hostPort(m[1], ""))
	}
	for _, m := range pairPattern.FindAllStringSubmatch(rest, -1) {
		port, _ := strconv.Atoi(m[2]) // no port is 0
		found = append(found, Host{Name: m[1], Port: port})
	}
	for _, word := range strings.FieldsFunc(rest, separator) {
		word = word[strings.LastIndexByte(word, '@')+1:]
		if m := tokenPattern.FindStringSubmatch(word); m != nil {
			found = append(found, hostPort(m[1]+":"+m[2], ""))
		} else if svcPattern.MatchString(word) {
			found = append(found, Host{Name: word})
		}
	}
	return found
}

func hostPort(text, scheme string) Host {
	name, portText, hasPort := strings.Cut(text, ":")
	if !hasPort {
		return Host{Name: name, Scheme: scheme}
	}
	port, _ := strconv.Atoi(portText) // a port that is a variable is 0
	return Host{Name: name, Port: port, Scheme: scheme}
}

func keepHosts(found []Host) []Host {
	seen := map[Host]bool{}
	var kept []Host
	for _, h := range found {
		h.Name = strings.TrimSuffix(strings.ToLower(h.Name), ".")
		if seen[h] || !barePattern.MatchString(h.Name) || nobody(h.Name) {
			continue
		}
		seen[h] = true
		kept = append(kept, h)
	}
	return kept
}

func nobody(name string) bool {
	if name == "localhost" || name == "true" || name == "false" || name == "none" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if _, err := strconv.ParseFloat(name, 64); err == nil {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// Plain reports whether a scheme sends its bytes in clear, and Encrypted whether it does not.
func Plain(scheme string) bool {
	switch strings.TrimPrefix(scheme, "jdbc:") {
	case "http", "redis", "amqp", "ws", "ldap", "mqtt":
		return true
	}
	return false
}

// Encrypted reports whether a scheme says TLS.
func Encrypted(scheme string) bool {
	switch scheme {
	case "https", "grpcs", "rediss", "amqps", "wss", "ldaps", "mqtts", "mongodb+srv":
		return true
	}
	return false
}
