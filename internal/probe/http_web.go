package probe

import (
	"fmt"
	"strings"
	"time"
)

// webVerdict is what was judged about an endpoint as a place for browsers.
type webVerdict struct {
	checks       []Check
	contactValid bool
}

// with fills the answer into a check whose question is set.
func with(c Check, o Outcome, observed, detail string) Check {
	c.Outcome, c.Observed, c.Detail = o, observed, detail
	return c
}

// judgeWeb judges HSTS, headers, cookies, foreign origins and security.txt. It does no I/O.
func judgeWeb(s *sight, o *Options, now time.Time) webVerdict {
	v := webVerdict{checks: []Check{judgeHSTS(s, o), judgeHeaders(s, o), judgeCookies(s, o), judgeOrigins(s, o)}}
	if s.contact != nil {
		check, valid := judgeContact(s.contact, now)
		v.contactValid = valid
		if o.PublicWeb {
			v.checks = append(v.checks, check)
		}
	} else if o.PublicWeb {
		check, _ := judgeContact(&journey{steps: []*exchange{{problem: s.page.end().why()}}}, now)
		v.checks = append(v.checks, check)
	}
	return v
}

// noPage says why there is no page of this endpoint to judge, and whether that is unknown or means that the question is not put.
func noPage(s *sight, o *Options) (outcome Outcome, observed, detail string) {
	end := s.page.end()
	switch {
	case !end.answered():
		return Unknown, "no answer", "The page could not be fetched: " + end.why() + "."
	case s.page.halt != "":
		return Unknown, fmt.Sprintf("a redirect (%d)", end.status), "No page of this endpoint was seen: " + s.page.halt + "."
	case isPage(end):
		return "", "", ""
	}
	observed = fmt.Sprintf("status %d", end.status)
	if kind := mediaType(end); kind != "" {
		observed += ", " + printable(kind, 60)
	}
	switch {
	case end.status >= 500:
		return Unknown, observed, "The server failed, so its usual answer was not seen."
	case isHTML(end) && o.PublicWeb:
		return Unknown, observed, "Only an error page was seen; give the address of a real page."
	}
	return NotApplicable, observed, "It answers no page for browsers here, so what protects pages is not demanded."
}

// judgeHSTS looks at the last HTTPS answer of the endpoint. A browser ignores the header over plain HTTP.
func judgeHSTS(s *sight, o *Options) Check {
	c := Check{Control: "TLS-5", Clause: "hsts", Part: onEndpoint, Expected: fmt.Sprintf("Strict-Transport-Security with max-age of %d or more", hstsYear)}
	var secure *exchange
	for _, step := range s.page.steps {
		if step.answered() && step.url.Scheme == "https" {
			secure = step
		}
	}
	end := s.page.end()
	switch {
	case !o.PublicWeb && !(isPage(end) && end.url.Scheme == "https"):
		if !end.answered() {
			return with(c, Unknown, "no answer", "The page could not be fetched: "+end.why()+".")
		}
		return with(c, NotApplicable, fmt.Sprintf("status %d", end.status), "It is not known as a public web endpoint and answers no page over HTTPS.")
	case secure == nil && !end.answered():
		return with(c, Unknown, "no answer", "The page could not be fetched: "+end.why()+".")
	case secure == nil:
		return with(c, Unknown, "no answer over HTTPS", "Browsers ignore the header over plain HTTP, and this address did not lead to HTTPS of the same host.")
	case secure.status >= 500:
		return with(c, Unknown, fmt.Sprintf("status %d", secure.status), "The server failed, so its usual headers were not seen.")
	}
	h := parseHSTS(secure.header)
	line := printable(secure.header.Get("Strict-Transport-Security"), 120)
	switch {
	case !h.present:
		return with(c, Fail, "no Strict-Transport-Security", "The header is missing from "+printable(secure.url.String(), 200)+".")
	case h.invalid != "":
		return with(c, Fail, line, "Browsers ignore the header: "+h.invalid+".")
	case h.maxAge < hstsYear:
		return with(c, Fail, line, "")
	}
	return with(c, Pass, line, "")
}

func judgeHeaders(s *sight, o *Options) Check {
	c := Check{Control: "API-7", Clause: "safe_headers", Part: onEndpoint,
		Expected: "a Content-Security-Policy that restricts scripts, frame-ancestors or X-Frame-Options, nosniff, a Referrer-Policy"}
	if outcome, observed, detail := noPage(s, o); outcome != "" {
		return with(c, outcome, observed, detail)
	}
	// A policy may stand in the page itself, so its absence is known only of a page that was read.
	if end := s.page.end(); !end.whole && end.problem != "" && end.header.Get("Content-Security-Policy") == "" {
		return with(c, Unknown, "half an answer", "The page could not be read: "+end.problem+".")
	}
	if faults := headerFaults(s.page.end()); len(faults) > 0 {
		return with(c, Fail, strings.Join(faults, "; "), "")
	}
	return with(c, Pass, "all of them", "")
}

// judgeCookies judges what was set on the way to the page, of whatever kind the last answer is: a cookie is a browser's matter.
func judgeCookies(s *sight, o *Options) Check {
	c := Check{Control: "API-7", Clause: "safe_cookies", Part: onEndpoint, Expected: "cookies with Secure and SameSite, those of sessions with HttpOnly too"}
	faults, judged := cookieFaults(cookiesOf(s.page))
	switch {
	case len(faults) > 0:
		more := ""
		if len(faults) > 5 {
			more = fmt.Sprintf("; and %d more", len(faults)-5)
		}
		return with(c, Fail, strings.Join(faults[:min(len(faults), 5)], "; ")+more, "")
	case judged > 0:
		return with(c, Pass, fmt.Sprintf("%d cookies, all safe", judged), "Cookies that are set only after signing in were not seen.")
	}
	if outcome, observed, detail := noPage(s, o); outcome != "" {
		return with(c, outcome, observed, detail)
	}
	return with(c, NotApplicable, "no cookie", "The page sets no cookie for a stranger; cookies that are set after signing in were not seen.")
}

// judgeOrigins fails wherever a foreign origin is reflected with credentials, page or not; that it is not proves something only
// where the endpoint gave a real answer.
func judgeOrigins(s *sight, o *Options) Check {
	c := Check{Control: "API-7", Clause: "no_reflected_origin", Part: onEndpoint, Expected: "a foreign origin is never allowed with credentials"}
	real := false
	for _, e := range []*exchange{s.foreign, s.null, s.data} {
		if seen := corsIn(e); seen.Reflects && seen.AllowCredentials {
			return with(c, Fail, "allows "+seen.AllowOrigin+" with credentials", "Asked at "+printable(e.url.String(), 200)+": a script of any site can read what the visitor of that site may read here.")
		}
		real = real || e.answered() && (e.status < 400 || e.status == 401 || e.status == 403) && e != s.null
	}
	switch {
	case !s.foreign.answered() || !s.null.answered():
		end := s.page.end()
		if end.answered() {
			end = s.foreign
			if end.answered() {
				end = s.null
			}
		}
		return with(c, Unknown, "no answer", "The question of a foreign origin was not answered: "+end.why()+".")
	case !real:
		return with(c, Unknown, fmt.Sprintf("status %d", s.foreign.status), "There is nothing at this address whose answer would tell.")
	}
	if seen := corsOf(s); seen.Reflects {
		return with(c, Pass, "allows "+seen.AllowOrigin+", without credentials", "Any site may read what a stranger may read here.")
	} else if seen.AllowOrigin != "" {
		return with(c, Pass, "allows "+seen.AllowOrigin, "")
	}
	return with(c, Pass, "allows no foreign origin", "")
}
