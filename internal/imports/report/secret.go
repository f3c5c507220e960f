package report

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"muster/internal/imports/model"
)

// Hide puts the hash of a leaked secret into a finding, and its mask wherever the texts show it. A secret that the
// tool itself has masked has no hash.
func Hide(f *model.Finding, secret string) {
	f.Kind = model.FindingSecret
	secret = strings.TrimSpace(secret)
	if secret == "" {
		return
	}
	mask := Mask(secret)
	if !masked(secret) {
		f.SecretHash = HashSecret(secret)
	}
	for _, text := range []*string{&f.Title, &f.Description, &f.SourceLine, &f.ToolID, &f.Remediation} {
		*text = hide(*text, secret, mask)
	}
	for i := range f.References {
		f.References[i] = hide(f.References[i], secret, mask)
	}
}

func hide(text, secret, mask string) string {
	if text == "" {
		return text
	}
	text = strings.ReplaceAll(text, secret, mask)
	for line := range strings.Lines(secret) { // a key of many lines, of which the text shows one
		if line = strings.TrimSpace(line); len(line) >= 8 && line != secret {
			text = strings.ReplaceAll(text, line, mask)
		}
	}
	return text
}

// HashSecret is what is kept of a secret, to recognise it again.
func HashSecret(secret string) string {
	sum := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	return hex.EncodeToString(sum[:])
}

// Mask shows so much of a secret that its owner knows which one it is.
func Mask(secret string) string {
	switch {
	case masked(secret):
		return "********"
	case len(secret) >= 16 && isASCII(secret[:4]):
		return secret[:4] + "********"
	}
	return "********"
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

var maskPattern = regexp.MustCompile(`(?i)^(redacted|\[redacted\]|<redacted>|removed|hidden|\*+|x{4,}|\.{3,})$|\*{4,}`)

func masked(secret string) bool { return maskPattern.MatchString(strings.TrimSpace(secret)) }

// known are secrets that show by their form.
var known = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)` +
	`|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[0-9A-Za-z]{36,}|\bgithub_pat_[0-9A-Za-z_]{50,}|\bglpat-[0-9A-Za-z_-]{20,}|\bxox[abprs]-[0-9A-Za-z-]{10,}` +
	`|\bsk_live_[0-9A-Za-z]{16,}|\bAIza[0-9A-Za-z_-]{35}|\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}`)

var login = regexp.MustCompile(`(://[^/\s:@"']{0,100}:)([^@\s/"']{1,200})(@)`)

var (
	literal  = regexp.MustCompile(`"[^"\n]{3,}"|'[^'\n]{3,}'|` + "`[^`\\n]{3,}`")
	assigned = regexp.MustCompile(`(?i)((?:password|passwd|pwd|secret|token|api_?key|credential)\w*["']?\s*(?:[:=]|is)+\s*)["']?([^\s"',;)]{3,})`)
)

// hardcoded are the weaknesses of credentials that stand in code; their source line is one.
var hardcoded = []int{259, 321, 798}

// blind masks what may be the credential in a finding that says that one stands in the code.
func blind(f *model.Finding) {
	if f.Kind == model.FindingSecret || !slices.ContainsFunc(f.CWEs, func(n int) bool { return slices.Contains(hardcoded, n) }) {
		return
	}
	f.SourceLine = literal.ReplaceAllString(f.SourceLine, `"********"`)
	for _, text := range []*string{&f.SourceLine, &f.Title, &f.Description} {
		*text = assigned.ReplaceAllString(*text, "${1}********")
	}
}

// triggers must stand in a text before the patterns are tried, which is slow.
var triggers = []string{"PRIVATE KEY", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "sk_live_", "AIza", "eyJ"}

// Redact masks the secrets in a text that show by their form: keys, tokens of the large services, logins in addresses.
func Redact(text string) string {
	for _, t := range triggers {
		if strings.Contains(text, t) {
			text = known.ReplaceAllStringFunc(text, func(m string) string { return m[:4] + "********" })
			break
		}
	}
	if strings.Contains(text, "://") && strings.Contains(text, "@") {
		text = login.ReplaceAllString(text, "${1}********${3}")
	}
	return text
}
