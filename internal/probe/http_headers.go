package probe

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// hstsYear is what TLS-5 asks for: a year in seconds.
const hstsYear = 31536000

// hsts is a Strict-Transport-Security header (RFC 6797).
type hsts struct {
	present    bool
	maxAge     int64
	subdomains bool
	invalid    string // what is wrong with it; a browser ignores such a header
}

// parseHSTS reads the first such header, as a browser does.
func parseHSTS(h http.Header) hsts {
	lines := h["Strict-Transport-Security"]
	if len(lines) == 0 {
		return hsts{}
	}
	out := hsts{present: true, maxAge: -1}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(lines[0], ";") {
		name, value, _ := strings.Cut(part, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `"`)
		if name == "" {
			continue
		}
		if seen[name] {
			out.invalid = "it names " + printable(name, 40) + " twice"
			return out
		}
		seen[name] = true
		switch name {
		case "max-age":
			if value == "" || strings.Trim(value, "0123456789") != "" {
				out.invalid = "its max-age is not a number"
				return out
			}
			// Digits that do not fit are an age beyond every bound.
			if age, err := strconv.ParseInt(value, 10, 64); err == nil {
				out.maxAge = age
			} else {
				out.maxAge = 1<<63 - 1
			}
		case "includesubdomains":
			out.subdomains = true
		}
	}
	if out.maxAge < 0 {
		out.invalid = "it has no max-age"
	}
	return out
}

// policy is the union of what a page's enforced content security policies forbid: each of them holds.
type policy struct {
	present  bool
	reported bool // there is one that only reports
	scripts  bool // at least one restricts where scripts come from, so that injected ones do not run
	loose    string
	framing  bool // at least one restricts who may frame the page
}

// metaPolicy finds a policy written into the page. Browsers heed it, except for frame-ancestors.
var metaPolicy = regexp.MustCompile(`(?is)<meta[^>]*http-equiv\s*=\s*["']?content-security-policy["'\s][^>]*`)

var metaContent = regexp.MustCompile(`(?is)content\s*=\s*(?:"([^"]*)"|'([^']*)')`)

// parsePolicies reads the Content-Security-Policy headers and the policies of the page itself.
func parsePolicies(h http.Header, body []byte) policy {
	var p policy
	p.reported = h.Get("Content-Security-Policy-Report-Only") != ""
	for _, line := range h["Content-Security-Policy"] {
		for one := range strings.SplitSeq(line, ",") {
			p.add(one, true)
		}
	}
	for _, tag := range metaPolicy.FindAll(body, 5) {
		if m := metaContent.FindSubmatch(tag); m != nil {
			p.add(string(m[1])+string(m[2]), false)
		}
	}
	return p
}

func (p *policy) add(text string, header bool) {
	directives := map[string][]string{}
	for part := range strings.SplitSeq(text, ";") {
		words := strings.Fields(strings.ToLower(part))
		if len(words) == 0 {
			continue
		}
		// The first of a name holds; the others are ignored.
		if _, known := directives[words[0]]; !known {
			directives[words[0]] = words[1:]
		}
	}
	if len(directives) == 0 {
		return
	}
	p.present = true
	if ancestors, ok := directives["frame-ancestors"]; ok && header && !slices.Contains(ancestors, "*") {
		p.framing = true
	}
	sources, ok := directives["script-src"]
	if !ok {
		sources, ok = directives["default-src"]
	}
	switch reason := looseScripts(sources); {
	case !ok:
	case reason == "":
		p.scripts = true
	default:
		p.loose = reason
	}
}

// looseScripts says why a list of script sources lets an injected script run; these are the faults for which MDN's Observatory
// takes 20 points or more. unsafe-eval (10 points) is not among them.
func looseScripts(sources []string) string {
	strict := slices.ContainsFunc(sources, func(s string) bool {
		return strings.HasPrefix(s, "'nonce-") || strings.HasPrefix(s, "'sha256-") || strings.HasPrefix(s, "'sha384-") || strings.HasPrefix(s, "'sha512-")
	})
	dynamic := strict && slices.Contains(sources, "'strict-dynamic'")
	for _, s := range sources {
		switch {
		case s == "'unsafe-inline'" && !strict:
			return "allows 'unsafe-inline' scripts"
		case dynamic: // host and scheme sources are ignored beside it
		case s == "*" || s == "http:" || s == "https:" || s == "data:" || s == "http://*" || s == "https://*":
			return "allows scripts from " + s
		}
	}
	return ""
}

// framingFault says why other sites may put the page into a frame; "" when they may not.
func framingFault(h http.Header, p policy) string {
	if p.framing {
		return ""
	}
	switch value := strings.ToUpper(strings.TrimSpace(h.Get("X-Frame-Options"))); value {
	case "DENY", "SAMEORIGIN":
		return ""
	case "":
		return "neither frame-ancestors nor X-Frame-Options"
	default:
		return "X-Frame-Options has no valid value"
	}
}

// referrerPolicies are the valid values, and whether they keep paths from other sites.
var referrerPolicies = map[string]bool{
	"no-referrer": true, "same-origin": true, "origin": true, "strict-origin": true, "origin-when-cross-origin": true,
	"strict-origin-when-cross-origin": true, "no-referrer-when-downgrade": false, "unsafe-url": false,
}

// referrerFault judges the last value that a browser knows, as browsers do.
func referrerFault(h http.Header) string {
	if len(h["Referrer-Policy"]) == 0 {
		return "no Referrer-Policy"
	}
	last := ""
	for value := range strings.SplitSeq(strings.Join(h["Referrer-Policy"], ","), ",") {
		value = strings.ToLower(strings.TrimSpace(value))
		if _, known := referrerPolicies[value]; known {
			last = value
		}
	}
	switch {
	case last == "":
		return "Referrer-Policy has no valid value"
	case !referrerPolicies[last]:
		return "Referrer-Policy " + last + " tells other sites whole addresses"
	}
	return ""
}

// headerFaults lists what a page's headers lack, in the order of their weight.
func headerFaults(e *exchange) []string {
	var faults []string
	p := parsePolicies(e.header, e.body)
	switch {
	case !p.present && p.reported:
		faults = append(faults, "Content-Security-Policy only reports")
	case !p.present:
		faults = append(faults, "no Content-Security-Policy")
	case !p.scripts && p.loose != "":
		faults = append(faults, "Content-Security-Policy "+printable(p.loose, 80))
	case !p.scripts:
		faults = append(faults, "Content-Security-Policy does not restrict scripts")
	}
	if fault := framingFault(e.header, p); fault != "" {
		faults = append(faults, fault)
	}
	if !strings.EqualFold(strings.TrimSpace(e.header.Get("X-Content-Type-Options")), "nosniff") {
		faults = append(faults, "no X-Content-Type-Options: nosniff")
	}
	if fault := referrerFault(e.header); fault != "" {
		faults = append(faults, fault)
	}
	return faults
}

var (
	sessionName = regexp.MustCompile(`(?i)(^|[^a-z])(sid|jwt)([^a-z]|$)|sess|token|auth|login|remember|identity|credential`)
	csrfName    = regexp.MustCompile(`(?i)[cx]srf|forgery`)
)

// cookieFaults lists what is wrong with the cookies that were set. A cookie against forged requests is read by scripts, so it alone
// may go without HttpOnly though its name looks like a session's.
func cookieFaults(cookies []setCookie) (faults []string, judged int) {
	for _, c := range cookies {
		if c.removes {
			continue
		}
		judged++
		var lacks []string
		if !c.Secure {
			lacks = append(lacks, "Secure")
		}
		if !c.HTTPOnly && sessionName.MatchString(c.Name) && !csrfName.MatchString(c.Name) {
			lacks = append(lacks, "HttpOnly")
		}
		if c.SameSite == "" {
			lacks = append(lacks, "SameSite")
		}
		if len(lacks) > 0 {
			faults = append(faults, c.Name+" lacks "+strings.Join(lacks, ", "))
		}
	}
	return faults, judged
}
