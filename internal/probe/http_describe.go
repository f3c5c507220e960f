package probe

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

const (
	maxHeaders = 100
	maxCookies = 100
	maxValue   = 1000 // characters of one header's value
)

// describe writes down what was seen of the page, in a size and in characters that a report can bear.
func describe(s *sight) *HTTP {
	h := &HTTP{Headers: map[string]string{}, Cookies: []Cookie{}, Anonymous: "unknown", CORS: corsOf(s)}
	first, end := s.page.steps[0], s.page.end()
	if to := leadsTo(first); to != nil {
		h.RedirectsTo = printable(to.String(), maxValue)
	} else if first.status >= 300 && first.status <= 399 {
		h.RedirectsTo = printable(first.header.Get("Location"), maxValue)
	}
	h.Status, h.Problem = first.status, first.problem
	if !end.answered() {
		h.Problem = end.why()
		return h
	}
	if s.page.halt != "" {
		h.Problem = "The redirect to " + printable(end.header.Get("Location"), 200) + " was not followed: " + s.page.halt + "."
	}
	h.FinalURL, h.FinalStatus = printable(end.url.String(), maxValue), end.status
	h.ContentType, h.Server = printable(end.header.Get("Content-Type"), 200), printable(end.header.Get("Server"), 200)
	h.Headers = headersOf(end.header)
	for _, c := range cookiesOf(s.page) {
		if h.CookiesTotal++; len(h.Cookies) < maxCookies {
			h.Cookies = append(h.Cookies, c.Cookie)
		}
	}
	return h
}

// headersOf copies headers without Set-Cookie, whose values are nobody's business.
func headersOf(from http.Header) map[string]string {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if name == "Set-Cookie" {
			continue
		}
		if len(out) == maxHeaders {
			break
		}
		out[printable(name, 100)] = printable(strings.Join(from[name], ", "), maxValue)
	}
	return out
}

// setCookie is a cookie as it was set; a value is never kept.
type setCookie struct {
	Cookie
	removes bool // it takes an old cookie away, so its attributes protect nothing
}

// cookiesOf reads the cookies of every answer on the way; those of the last answer win over earlier ones of the same name.
func cookiesOf(j *journey) []setCookie {
	var out []setCookie
	at := map[string]int{}
	for _, step := range j.steps {
		for _, line := range step.header["Set-Cookie"] {
			c, ok := parseSetCookie(line)
			if !ok {
				continue
			}
			if i, known := at[c.Name]; known {
				out[i] = c
				continue
			}
			at[c.Name] = len(out)
			out = append(out, c)
		}
	}
	return out
}

// parseSetCookie reads one Set-Cookie line.
func parseSetCookie(line string) (setCookie, bool) {
	parsed, err := http.ParseSetCookie(line)
	if err != nil {
		return setCookie{}, false
	}
	c := setCookie{Cookie: Cookie{Name: printable(parsed.Name, 100), Secure: parsed.Secure, HTTPOnly: parsed.HttpOnly}}
	switch parsed.SameSite {
	case http.SameSiteStrictMode:
		c.SameSite = "Strict"
	case http.SameSiteLaxMode:
		c.SameSite = "Lax"
	case http.SameSiteNoneMode:
		c.SameSite = "None"
	}
	c.removes = parsed.MaxAge < 0 || (parsed.Value == "" && !parsed.Expires.IsZero() && parsed.MaxAge == 0)
	return c, true
}

// corsOf says how foreign origins are answered; the worst of the answers speaks.
func corsOf(s *sight) CORS {
	worst := CORS{}
	for _, e := range []*exchange{s.foreign, s.null, s.data} {
		if c := corsIn(e); c.danger() > worst.danger() {
			worst = c
		}
	}
	return worst
}

func (c CORS) danger() int {
	switch {
	case c.Reflects && c.AllowCredentials:
		return 3
	case c.Reflects:
		return 2
	case c.AllowOrigin != "":
		return 1
	}
	return 0
}

func corsIn(e *exchange) CORS {
	if !e.answered() {
		return CORS{}
	}
	allow := strings.TrimSpace(e.header.Get("Access-Control-Allow-Origin"))
	asked := foreignOrigin
	if e.origin == nullOrigin {
		asked = nullOrigin
	}
	return CORS{
		AllowOrigin:      printable(allow, 200),
		AllowCredentials: strings.TrimSpace(e.header.Get("Access-Control-Allow-Credentials")) == "true",
		Reflects:         allow == asked,
	}
}

// isPage says whether an answer is a page for browsers.
func isPage(e *exchange) bool { return e.answered() && e.status >= 200 && e.status <= 299 && isHTML(e) }

func isHTML(e *exchange) bool {
	kind := mediaType(e)
	return kind == "text/html" || kind == "application/xhtml+xml"
}

// mediaType is the type of an answer without its parameters.
func mediaType(e *exchange) string {
	kind, _, _ := strings.Cut(e.header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}
