package infer

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	secretName = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|API_?KEY|CREDENTIALS?|PRIVATE_?KEY|ACCESS_?KEY)|(^|[_.\-])(KEY|PASS|PWD)($|[_.\-])`)
	// notSecret are names that speak about a secret, or about another kind of key.
	notSecret = regexp.MustCompile(`(?i)([_.\-](NAME|FILE|PATH|DIR|URL|URI|HOST|PORT|TTL|EXPIRY|EXPIRES(_IN)?|EXPIRATION|LIFETIME|DURATION|TIMEOUT|INTERVAL|SECONDS|LENGTH|TYPE|ALGORITHM|ALG|METHOD|PROVIDER|HEADER|ISSUER|AUDIENCE|ENDPOINT|PREFIX|CONVERTER|SERIALIZER|DESERIALIZER|FORMAT|SPACE|POLICY|ENABLED)|PUBLIC_?KEY|PUB_?KEY|KEY_ID)$|TOKENIZER`)

	urlSecret  = regexp.MustCompile(`://[^/\s:@]*:([^@\s/]+)@`)
	dialSecret = regexp.MustCompile(`^[^:@/\s]+:([^@\s]+)@(?:tcp|unix)?\(`)
	dsnSecret  = regexp.MustCompile(`(?i)(?:^|[;\s?&.\-])(?:password|passwd|pwd|accountkey|sharedaccesskey)\s*=\s*["']?([^;\s&"']+)|--requirepass\s+([^\s;&]+)`)
	reference  = regexp.MustCompile(`^\$[({]|^\$[A-Za-z_]|^\{\{|^<.*>$|^ENC[(\[]|^\{cipher\}|^(vault|secretref|ssm|op|sm|file|env|arn|ref\+\w*):`)
	preset     = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([^${}]*))?\}`)
	noSecret   = regexp.MustCompile(`^\d+(ms|s|m|h|d)$|^https?://[^@]*$|^[a-z]\w*(\.[a-z]\w*)+\.[A-Z]\w+$`)
)

// LiteralSecret reports whether a value written in clear under this name is a secret.
// It never keeps or returns the value.
func LiteralSecret(name, value string) bool {
	value = strings.TrimSpace(defaults(value))
	if secretName.MatchString(name) && !notSecret.MatchString(name) && secretValue(value) {
		return true
	}
	for _, pattern := range []*regexp.Regexp{urlSecret, dialSecret, dsnSecret} {
		for _, m := range pattern.FindAllStringSubmatch(value, 10) {
			if secretValue(m[1]) || (len(m) > 2 && secretValue(m[2])) {
				return true
			}
		}
	}
	return false
}

// defaults puts in what stands in the file for a variable that is not set: of ${A:-b} it leaves b, of ${A} it leaves $A.
func defaults(value string) string {
	for range 5 { // a default may hold another variable
		if !strings.Contains(value, "${") {
			break
		}
		value = preset.ReplaceAllStringFunc(value, func(m string) string {
			parts := preset.FindStringSubmatch(m)
			if strings.HasSuffix(parts[2], "-") {
				return parts[3]
			}
			return "$" + parts[1]
		})
	}
	return value
}

// secretValue leaves out what cannot be a secret: switches, numbers, paths and references to elsewhere.
func secretValue(value string) bool {
	switch strings.ToLower(value) {
	case "", "true", "false", "yes", "no", "on", "off", "null", "none", "enabled", "disabled":
		return false
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return false
	}
	return !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "./") && !strings.HasPrefix(value, "../") && !reference.MatchString(value) && !noSecret.MatchString(value)
}
