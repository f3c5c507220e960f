package infer

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	secretName = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|API_?KEY|CREDENTIALS?|PRIVATE_?KEY|ACCESS_?KEY)|(^|[_.\-])(KEY|PASS|PWD)($|[_.\-])`)
	notSecret  = regexp.MustCompile(`(?i)([_.\-](NAME|FILE|PATH|DIR|URL|URI|HOST|PORT|TTL|EXPIRY|SECONDS|TYPE|ALGORITHM|ISSUER|AUDIENCE)|PUBLIC_?KEY|PUB_?KEY)$`)
	urlSecret  = regexp.MustCompile(`://[^/\s:@]*:([^@\s/]+)@`)
	dsnSecret  = regexp.MustCompile(`(?i)(?:^|[;\s?&])(?:password|pwd)=([^;\s&]+)`)
	reference  = regexp.MustCompile(`^\$[({]|^\$[A-Za-z_]|^\{\{|^<.*>$|^vault:|^secretref:`)
)

// LiteralSecret reports whether a value written in clear under this name is a secret.
// It never keeps or returns the value.
func LiteralSecret(name, value string) bool {
	value = strings.TrimSpace(value)
	if secretName.MatchString(name) && !notSecret.MatchString(name) && secretValue(value) {
		return true
	}
	for _, pattern := range []*regexp.Regexp{urlSecret, dsnSecret} {
		if m := pattern.FindStringSubmatch(value); m != nil && secretValue(m[1]) {
			return true
		}
	}
	return false
}

// secretValue leaves out what cannot be a secret: switches, numbers, paths and references to elsewhere.
func secretValue(value string) bool {
	switch strings.ToLower(value) {
	case "", "true", "false", "yes", "no", "on", "off", "null", "none":
		return false
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return false
	}
	return !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "./") && !reference.MatchString(value)
}
