package probe

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

var safe = []string{"Content-Type", "text/html; charset=utf-8", "Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'", "X-Content-Type-Options", "nosniff", "Referrer-Policy", "strict-origin-when-cross-origin"}

func TestHSTSIsReadAsABrowserReadsIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		values []string
		age    int64
		valid  bool
	}{
		"a year":                      {[]string{"max-age=31536000"}, 31536000, true},
		"quoted, in capitals":         {[]string{`MAX-AGE="63072000" ; includeSubDomains; preload`}, 63072000, true},
		"only the first header holds": {[]string{"max-age=60", "max-age=63072000"}, 60, true},
		"no age":                      {[]string{"includeSubDomains"}, -1, false},
		"not a number":                {[]string{"max-age=1y"}, -1, false},
		"negative":                    {[]string{"max-age=-1"}, -1, false},
		"twice":                       {[]string{"max-age=1; max-age=31536000"}, 1, false},
		"beyond every number":         {[]string{"max-age=99999999999999999999"}, 1<<63 - 1, true},
		"empty":                       {[]string{""}, -1, false},
	}
	for name, test := range tests {
		h := parseHSTS(http.Header{"Strict-Transport-Security": test.values})
		if h.maxAge != test.age || (h.invalid == "") != test.valid || !h.present {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if parseHSTS(http.Header{}).present {
		t.Error("a missing header is present")
	}
}

func TestHeaderFaultsFollowTheGuidance(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change []string // replaces headers of a safe page; "" removes
		body   string
		want   string // of the first fault; "" for none
	}{
		"all are there":                     {nil, "", ""},
		"no policy":                         {[]string{"Content-Security-Policy", "", "X-Frame-Options", "DENY"}, "", "no Content-Security-Policy"},
		"a policy in the page":              {[]string{"Content-Security-Policy", "", "X-Frame-Options", "DENY"}, `<meta http-equiv="Content-Security-Policy" content="script-src 'self'">`, ""},
		"frame-ancestors in the page":       {[]string{"Content-Security-Policy", ""}, `<meta http-equiv=Content-Security-Policy content="default-src 'self'; frame-ancestors 'none'">`, "neither frame-ancestors"},
		"a policy that only reports":        {[]string{"Content-Security-Policy", "", "X-Frame-Options", "DENY", "Content-Security-Policy-Report-Only", "default-src 'self'"}, "", "Content-Security-Policy only reports"},
		"inline scripts":                    {[]string{"Content-Security-Policy", "script-src 'self' 'unsafe-inline'; frame-ancestors 'none'"}, "", "Content-Security-Policy allows 'unsafe-inline'"},
		"inline scripts beside a nonce":     {[]string{"Content-Security-Policy", "script-src 'nonce-abc' 'unsafe-inline' 'strict-dynamic' https:; frame-ancestors 'self'"}, "", ""},
		"scripts from everywhere":           {[]string{"Content-Security-Policy", "default-src *; frame-ancestors 'none'"}, "", "Content-Security-Policy allows scripts from *"},
		"no word about scripts":             {[]string{"Content-Security-Policy", "frame-ancestors 'none'"}, "", "Content-Security-Policy does not restrict scripts"},
		"a second policy that is strict":    {[]string{"Content-Security-Policy", "default-src *, default-src 'none'; frame-ancestors 'none'"}, "", ""},
		"unsafe-eval is not held against":   {[]string{"Content-Security-Policy", "script-src 'self' 'unsafe-eval'; frame-ancestors 'none'"}, "", ""},
		"framing by the old header":         {[]string{"Content-Security-Policy", "default-src 'self'", "X-Frame-Options", "sameorigin"}, "", ""},
		"framing by everybody":              {[]string{"Content-Security-Policy", "default-src 'self'; frame-ancestors *"}, "", "neither frame-ancestors"},
		"an old header without sense":       {[]string{"Content-Security-Policy", "default-src 'self'", "X-Frame-Options", "ALLOW-FROM https://a.test"}, "", "X-Frame-Options has no valid value"},
		"sniffing":                          {[]string{"X-Content-Type-Options", ""}, "", "no X-Content-Type-Options"},
		"no referrer policy":                {[]string{"Referrer-Policy", ""}, "", "no Referrer-Policy"},
		"the last known policy holds":       {[]string{"Referrer-Policy", "unsafe-url, strict-origin, new-value"}, "", ""},
		"whole addresses to everybody":      {[]string{"Referrer-Policy", "unsafe-url"}, "", "Referrer-Policy unsafe-url"},
		"a referrer policy that nobody has": {[]string{"Referrer-Policy", "none"}, "", "Referrer-Policy has no valid value"},
	}
	for name, test := range tests {
		h := header(safe...)
		for i := 0; i < len(test.change); i += 2 {
			if h.Del(test.change[i]); test.change[i+1] != "" {
				h.Set(test.change[i], test.change[i+1])
			}
		}
		faults := headerFaults(&exchange{status: 200, header: h, body: []byte(test.body), whole: true})
		switch {
		case test.want == "" && len(faults) > 0:
			t.Errorf("%s: %v", name, faults)
		case test.want != "" && (len(faults) != 1 || !strings.HasPrefix(faults[0], test.want)):
			t.Errorf("%s: %v, want only %s", name, faults, test.want)
		}
	}
}

func TestCookiesAreJudgedByWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"__Host-session=x; Secure; HttpOnly; SameSite=Lax; Path=/": "",
		"session=x; Secure; SameSite=Lax":                          "session lacks HttpOnly",
		"JSESSIONID=x; HttpOnly":                                   "JSESSIONID lacks Secure, SameSite",
		"connect.sid=x; Secure; SameSite=Strict":                   "connect.sid lacks HttpOnly",
		"XSRF-TOKEN=x; Secure; SameSite=Strict":                    "",
		"csrftoken=x; Secure":                                      "csrftoken lacks SameSite",
		"theme=dark; Secure; SameSite=None":                        "",
		"theme=dark; SameSite=None":                                "theme lacks Secure",
		"session=; Max-Age=0":                                      "",
		"session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT":          "",
	}
	for line, want := range tests {
		c, ok := parseSetCookie(line)
		if !ok {
			t.Errorf("%s is not read", line)
			continue
		}
		if faults, _ := cookieFaults([]setCookie{c}); strings.Join(faults, ";") != want {
			t.Errorf("%s: %v, want %q", line, faults, want)
		}
	}
}

func TestSecurityTxtIsHeldToTheStandard(t *testing.T) {
	t.Parallel()
	good := "# ours\r\nContact: mailto:security@example.com\r\nExpires: 2027-06-30T00:00:00.000Z\r\nPreferred-Languages: en\r\n"
	tests := map[string]struct {
		text, kind string
		status     int
		want       Outcome
		says       string
	}{
		"valid":                   {good, "text/plain; charset=utf-8", 200, Pass, "valid until 2027-06-30"},
		"signed":                  {"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + good + "- - dashed: x\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n", "text/plain", 200, Pass, "valid"},
		"expired":                 {strings.Replace(good, "2027", "2026", 1), "text/plain", 200, Fail, "expired on 2026-06-30"},
		"no contact":              {"Expires: 2027-06-30T00:00:00Z", "text/plain", 200, Fail, "no valid Contact"},
		"a contact that is none":  {strings.Replace(good, "mailto:", "", 1), "text/plain", 200, Fail, "neither mailto"},
		"a contact over HTTP":     {strings.Replace(good, "mailto:security@example.com", "http://example.com/c", 1), "text/plain", 200, Fail, "neither mailto"},
		"no expiry":               {"Contact: tel:+1-201-555-0123", "text/plain", 200, Fail, "0 fields Expires"},
		"two expiries":            {good + "Expires: 2028-01-01T00:00:00Z", "text/plain", 200, Fail, "2 fields Expires"},
		"an expiry in words":      {"Contact: https://example.com/c\nExpires: next year", "text/plain", 200, Fail, "RFC 3339"},
		"a line that is no field": {good + "hello", "text/plain", 200, Fail, "1 lines that are no field"},
		"another type":            {good, "application/octet-stream", 200, Fail, "served as application/octet-stream"},
		"a page for every path":   {"<html>", "text/html", 200, Fail, "a page instead"},
		"nothing there":           {"", "text/plain", 404, Fail, "no file"},
		"behind a password":       {"", "text/plain", 401, Unknown, "status 401"},
		"a failure":               {"", "text/plain", 503, Unknown, "status 503"},
	}
	for name, test := range tests {
		j := &journey{steps: []*exchange{{url: mustURL(t, "https://a.test/.well-known/security.txt"), status: test.status, header: header("Content-Type", test.kind), body: []byte(test.text), whole: true}}}
		c, valid := judgeContact(j, testNow)
		if c.Outcome != test.want || !strings.Contains(c.Observed, test.says) || valid != (test.want == Pass) {
			t.Errorf("%s: %s, %s", name, c.Outcome, c.Observed)
		}
		if (c.GoodUntil != nil) != (c.Outcome == Pass) {
			t.Errorf("%s: good until %v", name, c.GoodUntil)
		}
	}
}

// shop is a public web site with everything in place; broken takes it away.
func shop(broken bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "s", Secure: !broken, HttpOnly: !broken, SameSite: http.SameSiteLaxMode})
			http.Redirect(w, r, "/home", http.StatusSeeOther)
		case "/home":
			if broken {
				w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
				w.Header().Set("Access-Control-Allow-Credentials", "true")
				w.Header().Set("Content-Type", "text/html")
			} else {
				for i := 0; i < len(safe); i += 2 {
					w.Header().Set(safe[i], safe[i+1])
				}
				w.Header().Set("Strict-Transport-Security", "max-age=31536000")
			}
			w.Write([]byte("<h1>Welcome to the shop</h1>"))
		case "/.well-known/security.txt":
			if broken {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.Header().Set("Content-Type", "text/plain")
			w.Write([]byte("Contact: mailto:security@example.com\nExpires: " + testNow.AddDate(0, 6, 0).Format(time.RFC3339)))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

func TestAPublicSiteIsJudgedByItsLastPage(t *testing.T) {
	t.Parallel()
	want := map[bool][]string{
		false: {"TLS-5 hsts pass", "API-7 safe_headers pass", "API-7 safe_cookies pass", "API-7 no_reflected_origin pass", "GOV-11 published pass", "IAM-1 refuses_anonymous not_applicable GET /", "API-2 rate_limited unknown"},
		true:  {"TLS-5 hsts fail", "API-7 safe_headers fail", "API-7 safe_cookies fail", "API-7 no_reflected_origin fail", "GOV-11 published fail", "IAM-1 refuses_anonymous not_applicable GET /", "API-2 rate_limited unknown"},
	}
	for broken, want := range want {
		report, checks := visitOf(t, serveTLS(t, shop(broken)), Options{PublicWeb: true})
		if got := lines(checks); !slices.Equal(got, want) {
			t.Errorf("broken %v:\n%s", broken, strings.Join(got, "\n"))
		}
		agrees(t, checks)
		if report.Status != 303 || report.FinalStatus != 200 || !strings.HasSuffix(report.RedirectsTo, "/home") || report.SecurityTxt == broken || report.CORS.Reflects != broken || report.Anonymous != "yes" {
			t.Errorf("the report says %+v", report)
		}
		if len(report.Cookies) != 1 || report.Headers["Set-Cookie"] != "" {
			t.Errorf("cookies %v, headers %v", report.Cookies, report.Headers)
		}
	}
}

func TestPlainHTTPIsFollowedUpToHTTPS(t *testing.T) {
	t.Parallel()
	secure := serveTLS(t, shop(false))
	address := servePlain(t, http.RedirectHandler(secure+"/home", http.StatusMovedPermanently))
	report, checks := visitOf(t, address, Options{PublicWeb: true})
	if report.Status != 301 || report.FinalStatus != 200 || find(t, checks, "TLS-5", "hsts", "").Outcome != Pass {
		t.Errorf("%+v", report)
	}
	_, checks = visitOf(t, servePlain(t, shop(false)), Options{PublicWeb: true})
	if c := find(t, checks, "TLS-5", "hsts", ""); c.Outcome != Unknown {
		t.Errorf("HSTS over plain HTTP is %s", c.Outcome)
	}
	if c := find(t, checks, "GOV-11", "published", ""); c.Outcome != Fail {
		t.Errorf("security.txt over plain HTTP is %s", c.Outcome)
	}
}

func TestTheNullOriginIsAForeignOne(t *testing.T) {
	t.Parallel()
	_, checks := visitOf(t, serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "null")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	})), Options{})
	if c := find(t, checks, "API-7", "no_reflected_origin", ""); c.Outcome != Fail {
		t.Errorf("%s: %s", c.Outcome, c.Observed)
	}
}

// A handshake that demands a certificate is a refusal in so many words, in both versions of TLS.
func TestADemandedClientCertificateIsARefusal(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: version}
		s.StartTLS()
		t.Cleanup(s.Close)
		report, checks := visitOf(t, s.URL, Options{})
		if c := find(t, checks, "IAM-1", "refuses_anonymous", ""); c.Outcome != Pass || report.Anonymous != "no" {
			t.Errorf("%x: %s, %s, anonymous %s", version, c.Outcome, c.Detail, report.Anonymous)
		}
	}
}
