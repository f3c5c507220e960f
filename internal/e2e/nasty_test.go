package e2e

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// nasty is what a parameter or a field may hold when somebody means harm, or a clipboard does.
var nasty = map[string]string{
	"empty": "", "a NUL byte": "a\x00b", "broken UTF-8": "\xff\xfe\xc3(", "minus one": "-1", "a number past 64 bits": "99999999999999999999", "a number past 32 bits": "99999999999",
	"no number": "NaN", "a quote": "' OR 1=1 --", "two quotes": `"); DROP TABLE services; --`, "a pattern": `%_\\%`, "markup": "<script>alert(1)</script>", "a template": "{{.}}${7*7}",
	"a path": "../../etc/passwd", "a line break": "a\r\nSet-Cookie: x=1", "right to left": "\u202egnp.exe", "a very long text": strings.Repeat("long ", 100_000), "only spaces": "   ", "a smile": "\U0001F600",
}

// queries are the parameters that some page reads.
var queries = []string{"page", "sort", "text", "kind", "tier", "team", "exposure", "data", "authentication", "encryption", "unconfirmed", "retired", "tab", "q", "to", "first", "actor", "action", "object", "kind", "before", "after", "unknown"}

// fields are the names of every field of every form, and two that none has.
var fields = []string{"workspace", "name", "email", "password", "current", "code", "to", "theme", "back", "id", "tier", "team", "exposure", "description", "data_classes", "runtime", "language", "repository", "labels", "kind", "version",
	"reason", "into", "binding", "environment", "transport", "authentication", "authorization", "address", "scope", "role", "expires", "service", "member", "mfa", "group", "document", "big", "workspace_id", "ID"}

// alone are the values that are tried in one field among good ones too.
var alone = []string{"minus one", "a number past 64 bits", "a number past 32 bits", "a pattern"}

// failures lists what no answer may be: a failure of ours, or somebody's words taken for markup or a header.
func failures(t *testing.T, what string, code int, body string, h http.Header) {
	t.Helper()
	if code >= 500 {
		t.Errorf("%s: %d", what, code)
	}
	if strings.Contains(body, "<script>alert") {
		t.Errorf("%s: markup of a stranger is on the page", what)
	}
	if slices.Contains(h.Values("Set-Cookie"), "x=1") {
		t.Errorf("%s: a stranger's header was sent", what)
	}
}

func TestNastyAddresses(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *site) {
		token := s.token(t, "owner")
		for _, r := range s.web.Echo().Routes() {
			if r.Method != http.MethodGet {
				continue
			}
			for name, value := range nasty {
				if len(value) > 20_000 {
					value = value[:20_000] // the server takes no longer address
				}
				for at := range strings.Count(r.Path, ":") {
					answer := s.ask(http.MethodGet, s.replaced(r.Path, at, value), token, nil)
					failures(t, "GET "+r.Path+" with "+name, answer.Code, answer.Body.String(), answer.Header())
				}
				q := url.Values{}
				for _, k := range queries {
					q.Set(k, value)
				}
				// All at once, and each alone where one could hide behind the refusal of another.
				answer := s.ask(http.MethodGet, s.path(r.Path)+"?"+q.Encode(), token, nil)
				failures(t, "GET "+r.Path+" with every parameter "+name, answer.Code, answer.Body.String(), answer.Header())
				if strings.HasSuffix(r.Path, "/services") || strings.HasSuffix(r.Path, "/activity") || strings.HasSuffix(r.Path, "/imports") || strings.HasSuffix(r.Path, "/search") || strings.HasSuffix(r.Path, ":slug") {
					for _, k := range queries {
						answer := s.ask(http.MethodGet, s.path(r.Path)+"?"+url.Values{k: {value}}.Encode(), token, nil)
						failures(t, "GET "+r.Path+" with "+k+" "+name, answer.Code, answer.Body.String(), answer.Header())
					}
				}
			}
		}
	})
}

// replaced fills a pattern, with a value of the test's in place of one of the parameters.
func (s *site) replaced(pattern string, at int, value string) string {
	parts := strings.Split(pattern, "/")
	for i, p := range parts {
		if !strings.HasPrefix(p, ":") {
			continue
		}
		if at == 0 {
			parts[i] = url.PathEscape(value)
		}
		at--
	}
	return s.path(strings.Join(parts, "/"))
}

func TestNastyForms(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *site) {
		for _, r := range s.web.Echo().Routes() {
			if r.Method != http.MethodPost || r.Path == "/logout" || strings.HasSuffix(r.Path, "/members/:id/remove") {
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(nasty)) {
				token := s.token(t, "owner")
				form := url.Values{}
				for _, f := range fields {
					form.Set(f, nasty[name])
				}
				answer := s.ask(http.MethodPost, s.path(r.Path), token, form)
				failures(t, "POST "+r.Path+" with every field "+name, answer.Code, answer.Body.String(), answer.Header())
				if !slices.Contains(alone, name) {
					continue
				}
				for _, f := range fields { // one bad field among good ones gets further
					form := s.goodForm()
					form.Set(f, nasty[name])
					answer := s.ask(http.MethodPost, s.path(r.Path), token, form)
					failures(t, "POST "+r.Path+" with "+f+" "+name, answer.Code, answer.Body.String(), answer.Header())
				}
			}
		}
	})
}

// goodForm fills every field with something that could be right.
func (s *site) goodForm() url.Values {
	return url.Values{"name": {"Some name"}, "email": {"some@kente.example"}, "role": {"viewer"}, "tier": {"2"}, "exposure": {"internal"}, "kind": {"service"}, "version": {"1"}, "reason": {"because"},
		"address": {"https://some.example"}, "scope": {"internal"}, "environment": {"1"}, "transport": {"tls"}, "authentication": {"jwt"}, "authorization": {"policy"}, "to": {"1"}, "id": {"1"}, "theme": {"dark"}, "back": {"/"}}
}
