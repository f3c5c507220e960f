package scoring_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"muster/internal/web/webtest"
)

func has(t *testing.T, r *httptest.ResponseRecorder, status int, words ...string) {
	t.Helper()
	if r.Code != status {
		t.Fatalf("%d, want %d: %s", r.Code, status, r.Body)
	}
	for _, w := range words {
		if !strings.Contains(r.Body.String(), w) {
			t.Errorf("the page lacks %q", w)
		}
	}
}

func TestTheListExplainsTheScore(t *testing.T) {
	d := webtest.Open(t)
	d.Apply(t, webtest.System(5))
	list := d.Ask(http.MethodGet, "/settings/scoring", nil)
	has(t, list, 200, "all as shipped", "TLS-6", "formula version 1", "4 : 2 : 1", "Services make 80 %", "governance) 20 %", "less than 40 %", "a high finding is overdue", "a tier 1 service is limited to 39", "from 90", "the same")
	if n := webtest.Gzipped(t, list.Body.Bytes()); n > 25_000 {
		t.Errorf("the page weighs %d bytes", n)
	}
	some := d.Ask(http.MethodGet, "/settings/scoring?domain=tls&text=TLS-6", nil)
	has(t, some, 200, "TLS-6", "Show all")
	if strings.Contains(some.Body.String(), "RUN-1") {
		t.Error("the filter lets others through")
	}
	has(t, d.Ask(http.MethodGet, "/settings/scoring?text=nothing-like-it", nil), 200, "Nothing matches")
}

func TestAControlIsWeighedOtherwise(t *testing.T) {
	d := webtest.Open(t)
	d.Apply(t, webtest.System(5))
	const path = "/settings/scoring/RUN-1"
	has(t, d.Ask(http.MethodGet, path, nil), 200, "Does not run as root", "The files that deploy it can show that it holds", "container", "Nobody has weighed it otherwise")
	has(t, d.Ask(http.MethodPost, path, url.Values{"weight": {"many"}, "age": {"0"}, "reason": {""}}), 422, `value="many"`, "Choose a weight from 0 to 20.", "Choose an age from 1 to 3650 days.", "Say why", `id="f-weight-e"`)
	has(t, d.Ask(http.MethodPost, path, url.Values{"weight": {"11"}, "age": {"35"}, "reason": {"It <b>matters</b> here"}}), 303)
	has(t, d.Ask(http.MethodGet, path, nil), 200, "11 (shipped with 6)", "changed the weight from 6 to 11", "It &lt;b&gt;matters&lt;/b&gt; here", "Back to shipped values")
	has(t, d.Ask(http.MethodGet, "/settings/scoring", nil), 200, "1 weighed otherwise", "shipped 6", "By shipped weights")
	has(t, d.Ask(http.MethodPost, path, url.Values{"off": {"1"}, "weight": {""}, "age": {""}, "reason": {"Not here"}}), 303)
	has(t, d.Ask(http.MethodGet, path, nil), 200, "switched it off", "changed the weight from 11 to 6", `checked`)
	has(t, d.Ask(http.MethodPost, path, url.Values{"shipped": {"1"}, "reason": {""}, "off": {"1"}}), 422, "Say why")
	has(t, d.Ask(http.MethodPost, path, url.Values{"shipped": {"1"}, "reason": {"Enough"}, "off": {"1"}}), 303)
	has(t, d.Ask(http.MethodGet, path, nil), 200, "switched it on again")
	has(t, d.Ask(http.MethodGet, "/settings/scoring", nil), 200, "all as shipped")
	has(t, d.Ask(http.MethodGet, "/settings/scoring/ACME-9", nil), 404)
	has(t, d.Ask(http.MethodPost, "/settings/scoring/ACME-9", url.Values{"reason": {"x"}}), 404)
}

func TestAnOwnControlIsAdded(t *testing.T) {
	d := webtest.Open(t)
	d.Apply(t, webtest.System(5))
	page := d.Ask(http.MethodGet, "/settings/scoring/new", nil)
	has(t, page, 200, "ACME-1", "public_service")
	text := page.Body.String()
	text = text[strings.Index(text, "controls:\n"):]
	text = strings.NewReplacer("&#39;", "'", "&#34;", `"`).Replace(text[:strings.Index(text, "</textarea>")])
	const path = "/settings/scoring/new"
	has(t, d.Ask(http.MethodPost, path, url.Values{"definition": {strings.Replace(text, "age: 30", "age: soon", 1)}, "reason": {"We need it"}}), 422, "Line 7: the age in days must be a whole number", "age: soon", "We need it", `id="f-definition-e"`)
	has(t, d.Ask(http.MethodPost, path, url.Values{"definition": {strings.Replace(text, "'payment' in data", "payment in data", 1)}, "reason": {"We need it"}}), 422, "The rule is wrong at line 1, column 1")
	has(t, d.Ask(http.MethodPost, path, url.Values{"definition": {text}, "reason": {""}}), 422, "Say why this control is needed.", "ACME-1")
	has(t, d.Ask(http.MethodPost, path, url.Values{"definition": {text}, "reason": {"We need it"}}), 303)
	has(t, d.Ask(http.MethodGet, "/settings/scoring/ACME-1", nil), 200, "Is compared with the bank every day.", "your own", "added this control", "&#39;payment&#39; in data")
	has(t, d.Ask(http.MethodPost, path, url.Values{"definition": {text}, "reason": {"Again"}}), 422, "There is a control ACME-1 already.")
	has(t, d.Ask(http.MethodPost, "/settings/scoring/ACME-1", url.Values{"weight": {"9"}, "age": {""}, "reason": {"More"}}), 303)
	has(t, d.Ask(http.MethodGet, "/settings/scoring/ACME-1", nil), 200, "9 (defined with 4)")
	has(t, d.Ask(http.MethodGet, "/settings/scoring", nil), 200, "1 of your own", "ACME-1", "your own")
	has(t, d.Ask(http.MethodGet, "/controls/ACME-1", nil), 200, "How it is weighed")
}
