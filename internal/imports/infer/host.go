package infer

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Host is an address inside a value.
type Host struct {
	Name   string
	Port   int    // 0 when the value names none
	Scheme string // "" when the value names none
	Weak   bool   // a bare word under a key that says nothing of hosts: only a service of this very name makes it one
}

var (
	urlPattern   = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.\-]*)://([^/\s?#"'<>|\\;]+)`)
	nextURL      = regexp.MustCompile(`[,;]([A-Za-z][A-Za-z0-9+.\-]*://)`)
	resolverPart = regexp.MustCompile(`\b(dns|passthrough|xds|kubernetes|static):///`)
	dialPattern  = regexp.MustCompile(`\b(?:tcp|udp)\(([^)]+)\)`)
	pairPattern  = regexp.MustCompile(`(?i)(?:^|[;\s{,\['"_])(?:host|server|data source|addr|address|endpoint)(?:\s*=\s*["']?|["']?\]\s*=\s*["']?|["']\s*:\s*["'])(?:tcp:)?([A-Za-z0-9._\-]+)(?:[:,](\d+))?`)
	tokenPattern = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._\-]*[A-Za-z0-9])?):(\d{2,5})(?:(?::\w+)+)?(?:/.*)?$`)
	svcPattern   = regexp.MustCompile(`^[a-z0-9\-]+\.[a-z0-9\-]+\.svc(?:\.[a-z0-9.\-]+)?$`)
	barePattern  = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9_\-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9_\-]+)*$`)

	hostKey = regexp.MustCompile(`(?i)(^|[_.\-])(host|hosts|hostname|addr|addrs|address|addresses|url|urls|uri|uris|endpoint|endpoints|server|servers|broker|brokers|bootstrap|upstream|backend|target|connection|conn|dsn|seeds?|contact_?points|peers?|nodes?|master|replica_?of|authority)([_.\-]?\d*)$|(?i)(host|hostname|addr|address|url|uri|endpoint|server|servers|brokers|connection|connectionstring)$`)
	// notHostKey are names whose value may equal a service's name without being its address.
	notHostKey = regexp.MustCompile(`(?i)(_SERVICE_NAME|USERNAME|_USER|PASSWORD|_DATABASE|_DB|_NAME|_PATH|_FILE|_TOPIC)$|^OTEL_RESOURCE_ATTRIBUTES$|LISTEN|BIND|SERVER_NAME`)
	// notWeakKey are those that speak of something else when the value is a bare word.
	notWeakKey = regexp.MustCompile(`(?i)(^|[_.\-])(GROUP|TOPIC|QUEUE|CLIENT|REALM|BUCKET|ROLE|ID|INDEX|SCHEMA|TABLE|VHOST|PROFILES?|USER|NAMESPACE|COLLECTION|KEYSPACE|PROJECT|APP|APPLICATION|COMPONENT|MODE|TYPE|DRIVER|CHANNEL|STREAM|PREFIX|SUFFIX|LABELS?|TAGS?|IMAGE|VERSION|SECRET|TOKEN|KEY|PASS|NAME|ACTIVE|DB|DATABASE|SERVICE)$|(?i)(name|group|user|password|database|secret|token)$`)
	neverHosts = regexp.MustCompile(`(?i)^(OTEL_RESOURCE_ATTRIBUTES|OTEL_SERVICE_NAME|.*_SERVICE_NAME|NO_PROXY|.*LISTEN_ADDR(ESS)?|.*BIND_ADDR(ESS)?)$|ALLOWED_HOSTS|ALLOWED_ORIGIN|TRUSTED_(HOSTS|PROXIES|DOMAINS)|(^|_)CORS|VIRTUAL_HOST|LETSENCRYPT|ADVERTISED|LISTENERS|(^|_)IMAGE$`)

	noHostSchemes = map[string]bool{
		"file": true, "unix": true, "s3": true, "gs": true, "arn": true, "classpath": true, "data": true, "spiffe": true, "npipe": true,
		"sqlite": true, "sqlite3": true, "mem": true, "memory": true, "inmemory": true, "oci": true, "urn": true,
	}
)

// Hosts finds the addresses in the value of an environment variable or configuration key. A bare word counts only
// under a key that speaks of hosts; under another it is weak.
func Hosts(key, value string) []Host {
	value = strings.TrimSpace(value)
	if value == "" || len(value) > 16<<10 || neverHosts.MatchString(key) {
		return nil
	}
	found := embedded(value)
	switch {
	case len(found) > 0 || notHostKey.MatchString(key):
	case hostKey.MatchString(key):
		for _, word := range strings.FieldsFunc(value, separator) {
			if barePattern.MatchString(word) {
				found = append(found, Host{Name: word})
			}
		}
	case compound(value) && !notWeakKey.MatchString(key):
		found = append(found, Host{Name: value, Weak: true})
	}
	return keepHosts(found)
}

// compound reports whether a bare word is made of several, as names of services are and other words seldom.
func compound(value string) bool {
	return strings.ContainsAny(value, "-_") && barePattern.MatchString(value)
}

var (
	waitPattern    = regexp.MustCompile(`\b(?:nc|ncat|netcat|telnet)\b(?:\s+-\w+(?:\s+\d+)?)*\s+([A-Za-z0-9][A-Za-z0-9._\-]*)\s+(\d{2,5})\b|\bnslookup\s+([A-Za-z0-9][A-Za-z0-9._\-]*)|\b(?:pg_isready|mysqladmin|redis-cli|mongo(?:sh)?|psql|mysql)\b[^|;&\n]*?\s(?:-h|--host)[ =]?\s*([A-Za-z0-9][A-Za-z0-9._\-]*)|--(?:slaveof|replicaof)\s+([A-Za-z0-9][A-Za-z0-9._\-]*)|/dev/tcp/([A-Za-z0-9][A-Za-z0-9._\-]*)/`)
	flagPattern    = regexp.MustCompile(`^--?([A-Za-z][A-Za-z0-9._\-]*)=(\S+)$`)
	flagOnly       = regexp.MustCompile(`^--?([A-Za-z][A-Za-z0-9._\-]+)$`)
	printedPattern = regexp.MustCompile(`(?m)\b(?:echo|printf)\b[^;&|\n]*`)
)

// CommandHosts finds the addresses in a command line: those with a port or a scheme, what the usual commands wait
// for, and the value of a flag that speaks of hosts. Any other bare word is none, nor is what a script only prints.
func CommandHosts(words []string) []Host {
	var found []Host
	for i, word := range words {
		word = printedPattern.ReplaceAllString(word, " ")
		found = append(found, embedded(word)...)
		for _, m := range waitPattern.FindAllStringSubmatch(word, -1) {
			port, _ := strconv.Atoi(m[2]) // none is 0
			found = append(found, Host{Name: cmp.Or(m[1], m[3], m[4], m[5], m[6]), Port: port})
		}
		if m := flagPattern.FindStringSubmatch(word); m != nil {
			found = append(found, strong(Hosts(strings.ReplaceAll(m[1], "-", "_"), m[2]))...)
		}
		if m := flagOnly.FindStringSubmatch(word); m != nil && i+1 < len(words) && !strings.HasPrefix(words[i+1], "-") {
			found = append(found, strong(Hosts(strings.ReplaceAll(m[1], "-", "_"), words[i+1]))...)
		}
	}
	if len(words) > 1 { // a command that was written as a list of words
		if line := strings.Join(words, " "); len(line) < 16<<10 {
			for _, m := range waitPattern.FindAllStringSubmatch(line, -1) {
				port, _ := strconv.Atoi(m[2])
				found = append(found, Host{Name: cmp.Or(m[1], m[3], m[4], m[5], m[6]), Port: port})
			}
		}
	}
	return keepHosts(found)
}

func strong(found []Host) []Host {
	return slices.DeleteFunc(found, func(h Host) bool { return h.Weak })
}

// TextHosts finds the addresses in running text, such as a line of a configuration file.
func TextHosts(text string) []Host { return keepHosts(embedded(text)) }

func separator(r rune) bool { return strings.ContainsRune(", ;|\n\t\"'=", r) }

func embedded(value string) []Host {
	var found []Host
	value = nextURL.ReplaceAllString(resolverPart.ReplaceAllString(value, "$1://"), " $1")
	for _, m := range urlPattern.FindAllStringSubmatch(value, -1) {
		scheme := strings.ToLower(m[1])
		if noHostSchemes[scheme] {
			continue
		}
		authority := m[2]
		if strings.Count(authority, "@") == 1 {
			authority = authority[strings.IndexByte(authority, '@')+1:] // a password may hold a comma
		}
		for _, part := range strings.Split(authority, ",") {
			found = append(found, hostPort(part[strings.LastIndexByte(part, '@')+1:], scheme))
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
		if m := tokenPattern.FindStringSubmatch(word); m != nil && !imageTag(m[2]) {
			found = append(found, hostPort(m[1]+":"+m[2], ""))
		} else if svcPattern.MatchString(word) {
			found = append(found, Host{Name: word})
		}
	}
	return found
}

// imageTag tells the version of an image (postgres:16) from a port.
func imageTag(port string) bool {
	return len(port) == 2 && !slices.Contains([]string{"21", "22", "23", "25", "53", "80", "81", "82", "88"}, port)
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
	if slices.Contains([]string{"host.docker.internal", "gateway.docker.internal", "host-gateway"}, name) || name == "localhost" || name == "true" || name == "false" || name == "none" || strings.HasSuffix(name, ".localhost") {
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
