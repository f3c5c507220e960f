package frameworks_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"muster/internal/web/webtest"
)

func upload(t *testing.T, d *webtest.Desk, path, text string) *httptest.ResponseRecorder {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	f, err := w.CreateFormFile("file", "texts.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return d.Send(http.MethodPost, path, w.FormDataContentType(), &b)
}

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

func TestFrameworks(t *testing.T) {
	d := webtest.Open(t)
	d.Apply(t, webtest.System(60))
	list := d.Ask(http.MethodGet, "/frameworks", nil)
	has(t, list, 200, "Minimum Viable Secure Product", "ISO/IEC 27001", "numbers only", "0 hold", "unknown")
	if n := strings.Count(list.Body.String(), `<tr>`); n != 16 {
		t.Errorf("%d rows", n)
	}
	asvs := d.Ask(http.MethodGet, "/frameworks/owasp-asvs-5.0.0", nil)
	has(t, asvs, 200, "Muster does not look at this", "page 1 of 7", "level 1", "Next")
	for _, r := range []*httptest.ResponseRecorder{list, asvs} {
		if n := webtest.Gzipped(t, r.Body.Bytes()); n > 25_000 {
			t.Errorf("the page weighs %d bytes", n)
		}
	}
	none := d.Ask(http.MethodGet, "/frameworks/owasp-asvs-5.0.0?state=none&text=V1.3.4", nil)
	has(t, none, 200, "Scripts in uploaded SVG files", "1 requirement<")
	has(t, d.Ask(http.MethodGet, "/frameworks/owasp-asvs-5.0.0?text=nothing-like-it", nil), 200, "Nothing matches")
	has(t, d.Ask(http.MethodGet, "/frameworks/gdpr", nil), 200, "Its text is not open")
	has(t, d.Ask(http.MethodGet, "/frameworks/magna-carta", nil), 404)
}

func TestTexts(t *testing.T) {
	d := webtest.Open(t)
	path := "/frameworks/owasp-asvs-5.0.0"
	has(t, upload(t, d, path+"/texts", "req_id,req_description\nV1.3.4,Verify that <b>it</b> is so.\nV99.1,Stranger\n"), 303)
	has(t, d.Ask(http.MethodGet, path+"?text=V1.3.4", nil), 200, "Official text", "Verify that &lt;b&gt;it&lt;/b&gt; is so.", "V99.1", "1 of 345 imported")
	has(t, upload(t, d, path+"/texts", "req_id,req_description\nV1.3.5,Another\n"), 303)
	again := d.Ask(http.MethodGet, path+"?text=V1.3.", nil)
	has(t, again, 200, "Another")
	if strings.Contains(again.Body.String(), "V99.1") {
		t.Error("the texts of before are still there")
	}
	has(t, upload(t, d, path+"/texts", "req_id,req_description\nV1.3.4,\nV1.3.5,a\nV1.3.5,b\n"), 422, "Line 2: the requirement", "Line 4: the requirement", `id="f-file-e"`)
	has(t, upload(t, d, path+"/texts", "wrong,header\n"), 422, "Line 1: the header has no column for the id")
	has(t, upload(t, d, path+"/texts", "id,text\nX1,a\n"), 422, "None of the 1 ids in the file")
	has(t, upload(t, d, path+"/texts", "id,text\nV1.3.4,"+strings.Repeat("a", 8<<20)), 422, "larger than 8 MiB")
	has(t, d.Ask(http.MethodPost, path+"/texts", nil), 422, "Choose a CSV file.")
	has(t, d.Ask(http.MethodGet, path+"?text=V1.3.5", nil), 200, "Another")
}

func TestWhatIsOffShowsNothing(t *testing.T) {
	d := webtest.Open(t)
	d.Apply(t, webtest.System(3))
	has(t, d.Ask(http.MethodPost, "/settings/scoring/GOV-11", url.Values{"off": {"1"}, "reason": {"Later"}}), 303)
	has(t, d.Ask(http.MethodGet, "/frameworks/mvsp-3.0?text=GOV-11", nil), 200, "switched off", "Not judged: the control that shows it is switched off")
}
