package probe

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzSecurityTxt(f *testing.F) {
	for _, seed := range []string{"", "Contact: mailto:a@b.c\nExpires: 2027-01-01T00:00:00Z", "-----BEGIN PGP SIGNED MESSAGE-----\n\nContact: x", "-----BEGIN PGP SIGNED MESSAGE-----", ":\n::\n\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		j := &journey{steps: []*exchange{{url: mustURL(t, "https://a.test/"), status: 200, header: header("Content-Type", "text/plain"), body: []byte(text), whole: true}}}
		c, valid := judgeContact(j, testNow)
		if valid && (c.GoodUntil == nil || !c.GoodUntil.After(testNow) || len(parseSecurityTxt(text).contacts) == 0) {
			t.Errorf("valid without a contact or an end: %+v", c)
		}
		if !utf8.ValidString(c.Observed) {
			t.Errorf("%q", c.Observed)
		}
	})
}

func FuzzHSTS(f *testing.F) {
	for _, seed := range []string{"", "max-age=31536000", `max-age="1";;=;includeSubDomains`, "max-age", "max-age=9999999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		h := parseHSTS(http.Header{"Strict-Transport-Security": {value}})
		if h.invalid == "" && (h.maxAge < 0 || !strings.Contains(strings.ToLower(value), "max-age")) {
			t.Errorf("%q is read as %+v", value, h)
		}
	})
}

func FuzzSetCookie(f *testing.F) {
	for _, seed := range []string{"a=b", "a=b; Secure; HttpOnly; SameSite=None", "=; ", "\x00=\xff", "a=secretvalue; Expires=x; Max-Age=0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, ok := parseSetCookie(line)
		if faults, judged := cookieFaults([]setCookie{c}); ok && len(faults) > judged {
			t.Errorf("%q: %v", line, faults)
		}
		if len(c.Name) > 500 || !utf8.ValidString(c.Name) {
			t.Errorf("%q", c.Name)
		}
	})
}

func FuzzPolicy(f *testing.F) {
	f.Add("default-src 'self'; frame-ancestors 'none'", "<meta http-equiv=content-security-policy content='script-src *'>")
	f.Add(";,; ,", "<meta http-equiv=content-security-policy ")
	f.Fuzz(func(t *testing.T, value, body string) {
		p := parsePolicies(http.Header{"Content-Security-Policy": {value}}, []byte(body))
		if (p.scripts || p.framing) && !p.present {
			t.Errorf("%q gives %+v", value, p)
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA")
	f.Add("..")
	f.Add("e30.e30.AA")
	f.Add("bnVsbA.bnVsbA.AA")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := parseToken(text)
		if err != nil {
			return
		}
		token.audiences()
		token.expiry()
		forged, err := token.forged()
		unsigned, err2 := token.unsigned()
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		for _, other := range append(forged, unsigned...) {
			if other == text && !token.bare() || strings.Count(other, ".") != 2 {
				t.Errorf("%q becomes %q", text, other)
			}
		}
	})
}

func FuzzKeys(f *testing.F) {
	for _, seed := range []string{`{"keys":[]}`, `{"keys":[` + goodKey + "," + rsaKey(1024) + `]}`, `{"keys":[{"kty":"RSA","n":"AAAA"}]}`, `{"keys":[null]}`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parseKeys(data)
		if err == nil && len(keys) > maxKeys {
			t.Errorf("%d keys", len(keys))
		}
		judgePublished(&issuerSight{document: &discovery{}, keys: keys})
	})
}

func FuzzOperationPath(f *testing.F) {
	f.Add("GET", "/orders/{id}", "")
	f.Add("GET", "//evil.test", "?a=\r\n")
	f.Fuzz(func(t *testing.T, method, path, example string) {
		op := Operation{Method: method, Path: path, Example: example}
		u, _ := addressOf(mustURL(t, "https://api.test/v1"), &op)
		if again, err := u.Parse(u.String()); err == nil && again.Host != "api.test" {
			t.Errorf("%q leads to %s", path, again.Host)
		}
	})
}
