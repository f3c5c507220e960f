package e2e

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/internal/identity"
	"muster/internal/inventory"
)

// upload makes the body of the import form.
func upload(t *testing.T, fields map[string]string, files map[string]string) (body []byte, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		part := check[io.Writer](t)(w.CreateFormFile("files", name))
		if _, err := io.WriteString(part, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// send posts any body, in process.
func (s *site) send(path, token, kind string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, s.server.URL+path, body)
	r.Host = strings.TrimPrefix(s.server.URL, "http://")
	r.Header.Set("Origin", s.server.URL)
	r.Header.Set("Content-Type", kind)
	r.AddCookie(&http.Cookie{Name: "muster", Value: token})
	w := httptest.NewRecorder()
	s.web.ServeHTTP(w, r)
	return w
}

func TestUploadsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *site) {
		token, path := s.token(t, "engineer"), "/w/"+s.home.Slug+"/imports"
		good, kind := upload(t, map[string]string{"environment": "1", "source": "x"}, map[string]string{"web.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"})
		_, boundary, _ := strings.Cut(kind, "boundary=")
		nul, nulKind := upload(t, map[string]string{"environment": "1", "source": "a\x00b"}, map[string]string{"web.yaml": "a: b"})
		odd, oddKind := upload(t, map[string]string{"environment": "1"}, map[string]string{"we\xffb.yaml": "a: b"})
		empty, emptyKind := upload(t, map[string]string{"environment": "1"}, nil)
		nowhere, nowhereKind := upload(t, map[string]string{"environment": "999999"}, map[string]string{"web.yaml": string(check[[]byte](t)(os.ReadFile(filepath.Join("testdata", "kubernetes.yaml"))))})
		for name, c := range map[string]struct {
			kind string
			body io.Reader
			want int
		}{
			"cut off in the middle":             {kind, bytes.NewReader(good[:len(good)/2]), 422},
			"cut off before the end mark":       {kind, bytes.NewReader(good[:len(good)-len(boundary)]), 422},
			"another boundary":                  {"multipart/form-data; boundary=other", bytes.NewReader(good), 422},
			"no boundary":                       {"multipart/form-data", bytes.NewReader(good), 422},
			"a form instead of files":           {"application/x-www-form-urlencoded", strings.NewReader("source=x"), 422},
			"no type":                           {"", bytes.NewReader(good), 422},
			"a NUL byte in a field":             {nulKind, bytes.NewReader(nul), 422},
			"a file's name that is no text":     {oddKind, bytes.NewReader(odd), 422},
			"no file":                           {emptyKind, bytes.NewReader(empty), 422},
			"an environment that is not there":  {nowhereKind, bytes.NewReader(nowhere), 422},
			"larger than the page takes":        {kind, io.MultiReader(bytes.NewReader(good[:len(good)-len(boundary)-20]), io.LimitReader(endless{}, 200<<20)), 413},
			"a million parts":                   {"multipart/form-data; boundary=b", strings.NewReader(strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n", 200_000) + "--b--"), 422},
			"headers without an end":            {"multipart/form-data; boundary=b", strings.NewReader("--b\r\n" + strings.Repeat("X-A: b\r\n", 50_000)), 422},
			"the boundary as long as a message": {"multipart/form-data; boundary=" + strings.Repeat("b", 5000), bytes.NewReader(good), 422},
		} {
			before := s.rows(t)
			start := time.Now()
			answer := s.send(path, token, c.kind, c.body)
			if answer.Code != c.want || time.Since(start) > time.Minute { // a hang; speed is what benchmarks measure
				t.Errorf("%s: %d, want %d, after %v", name, answer.Code, c.want, time.Since(start))
			}
			if now := s.rows(t); now != before {
				t.Errorf("%s: something was stored:\n%s", name, difference(before, now))
			}
		}
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestStringsInFilesThatNoDatabaseTakes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *site) {
		token := s.token(t, "engineer")
		body, kind := upload(t, map[string]string{"environment": "1", "source": "odd"}, map[string]string{
			"odd.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: \"we\\0b\", namespace: \"n\\0s\"}\nspec:\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      serviceAccountName: \"s\\0a\"\n      containers: [{name: \"c\\0\", image: \"ngi\\0nx:1\", env: [{name: \"A\\0PI_URL\", value: \"http://or\\0ders:80\"}]}]\n"})
		answer := s.send("/w/"+s.home.Slug+"/imports", token, kind, bytes.NewReader(body))
		if answer.Code >= 500 {
			t.Fatalf("preview: %d", answer.Code)
		}
		if answer.Code == http.StatusSeeOther {
			here := answer.Header().Get("Location")
			for _, step := range []struct{ method, path string }{{http.MethodGet, here}, {http.MethodPost, here + "/confirm"}, {http.MethodGet, "/w/" + s.home.Slug + "/services"}} {
				if got := s.ask(step.method, step.path, token, nil); got.Code >= 500 {
					t.Errorf("%s %s: %d", step.method, step.path, got.Code)
				}
			}
		}
	})
}

// A browser that loses its network in the middle of an upload.
func TestAnUploadWhoseConnectionBreaks(t *testing.T) {
	t.Parallel()
	s := open(t)
	body, kind := upload(t, map[string]string{"environment": "1"}, map[string]string{"web.yaml": strings.Repeat("# a long file\n", 10_000)})
	token := s.token(t, "engineer")
	before := s.rows(t)
	conn := check[net.Conn](t)((&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.server.URL, "http://")))
	fmt.Fprintf(conn, "POST /w/%s/imports HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nCookie: muster=%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		s.home.Slug, strings.TrimPrefix(s.server.URL, "http://"), s.server.URL, token, kind, len(body))
	if _, err := conn.Write(body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	s.server.Close() // waits for the handler
	if now := s.rows(t); now != before {
		t.Errorf("something was stored:\n%s", difference(before, now))
	}
}

func TestFormsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *site) {
		token, path := s.token(t, "engineer"), "/w/"+s.home.Slug+"/services/new"
		const plain = "application/x-www-form-urlencoded"
		multi, multiKind := upload(t, map[string]string{"name": "by-multipart"}, nil)
		for name, c := range map[string]struct {
			kind, body string
			want       int
		}{
			"a NUL byte":                     {plain, "name=a%00b", 422},
			"broken UTF-8":                   {plain, "name=%ff%fe", 422},
			"a NUL byte in a field's name":   {plain, "name=x&a%00b=1", 422},
			"a percent sign that means none": {plain, "name=50%", 422},
			"a name of a megabyte":           {plain, "name=" + strings.Repeat("a", 900_000), 422},
			"larger than the page takes":     {plain, "name=" + strings.Repeat("a", 2<<20), 413},
			"JSON":                           {"application/json", `{"name":"x","id":1}`, 422},
			"a multipart form":               {multiKind, string(multi), 422},
			"no type":                        {"", "name=x", 422},
			"a description past its length":  {plain, "name=ok&tier=2&exposure=internal&kind=service&description=" + strings.Repeat("a", 500_000), 422},
			"a tier that is none":            {plain, "name=ok&tier=9&exposure=internal&kind=service", 422},
			"an exposure that is none":       {plain, "name=ok&tier=2&exposure=everyone&kind=service", 422},
			"a team of nobody":               {plain, "name=ok&tier=2&exposure=internal&kind=service&team=99999", 422},
			"a data class that is none":      {plain, "name=ok&tier=2&exposure=internal&kind=service&data_classes=gold", 422},
			"a kind that is none":            {plain, "name=ok&tier=2&exposure=internal&kind=outside", 422},
		} {
			before := s.rows(t)
			answer := s.send(path, token, c.kind, strings.NewReader(c.body))
			if answer.Code != c.want {
				t.Errorf("%s: %d, want %d", name, answer.Code, c.want)
			}
			if now := s.rows(t); now != before {
				t.Errorf("%s: something was stored:\n%s", name, difference(before, now))
			}
		}
	})
}

func TestTwoPeopleEditOneService(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *site) {
		path := "/w/" + s.home.Slug + "/services/orders/edit"
		form := url.Values{"name": {"orders"}, "tier": {"1"}, "exposure": {"internal"}, "kind": {"service"}, "version": {strconv.Itoa(s.service.Version)}, "description": {"what the first one typed"}}
		if got := s.ask(http.MethodPost, path, s.token(t, "owner"), form); got.Code != http.StatusSeeOther {
			t.Fatalf("the first: %d %s", got.Code, got.Body.String())
		}
		form.Set("description", "what the second one typed")
		got := s.ask(http.MethodPost, path, s.token(t, "engineer"), form)
		if got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "what the second one typed") {
			t.Errorf("the second: %d, and the text that was typed must still be in the form", got.Code)
		}
		if now := check[inventory.Service](t)(s.Inventory.Get(s.ctx, s.owner, "orders")); now.Description != "what the first one typed" {
			t.Errorf("stored: %q", now.Description)
		}
	})
}

// The session ends while somebody fills in a form: by revoking it, by disabling the person, by ending the membership.
func TestTheRightEndsInTheMiddleOfAForm(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *site) {
		path := "/w/" + s.home.Slug + "/services/orders/edit"
		form := url.Values{"name": {"orders"}, "tier": {"1"}, "exposure": {"public"}, "kind": {"service"}, "version": {strconv.Itoa(s.service.Version)}, "description": {"typed in vain"}}
		for name, end := range map[string]struct {
			who  string
			do   func() error
			want int
		}{
			"revoked elsewhere":  {"admin", func() error { return s.Identity.Revoke(t.Context(), s.people["admin"], "", "", identity.From{}) }, 303},
			"membership removed": {"engineer", func() error { return s.Identity.RemoveMember(s.ctx, s.owner, s.memberID(t, "engineer")) }, 404},
			"person disabled":    {"owner", func() error { return s.Identity.SetDisabled(t.Context(), system, s.people["owner"].Email, true) }, 303},
		} {
			token := s.token(t, end.who)
			if got := s.ask(http.MethodGet, path, token, nil); got.Code != 200 {
				t.Fatalf("%s: the form: %d", name, got.Code)
			}
			if err := end.do(); err != nil {
				t.Fatal(err)
			}
			before := s.rows(t)
			got := s.ask(http.MethodPost, path, token, form)
			if got.Code != end.want || s.rows(t) != before {
				t.Errorf("%s: %d, want %d, or something was stored", name, got.Code, end.want)
			}
			if end.want == 303 && !strings.HasPrefix(got.Header().Get("Location"), "/login") {
				t.Errorf("%s: led to %s", name, got.Header().Get("Location"))
			}
		}
	})
}
