package probe

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// readHead takes a request off a connection, so that closing it afterwards loses nothing.
func readHead(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return
		}
	}
}

// hostile are peers that misbehave on every connection.
var hostile = map[string]func(net.Conn){
	"never answers":           func(conn net.Conn) { io.Copy(io.Discard, conn) },
	"closes at once":          func(net.Conn) {},
	"garbage instead of HTTP": func(conn net.Conn) { readHead(conn); conn.Write(bytes.Repeat([]byte("\x00\xff\x1b[31m"), 5000)) },
	"HTTP/0.9":                func(conn net.Conn) { readHead(conn); io.WriteString(conn, "<html>hello</html>") },
	"endless headers": func(conn net.Conn) {
		readHead(conn)
		endless(conn, "HTTP/1.1 200 OK\r\n", "X-A: "+strings.Repeat("a", 500)+"\r\n")
	},
	"an endless status line": func(conn net.Conn) { readHead(conn); endless(conn, "HTTP/1.1 200 ", "aaaaaaaaaaaaaaaa") },
	"endless 100 Continue":   func(conn net.Conn) { readHead(conn); endless(conn, "", "HTTP/1.1 100 Continue\r\n\r\n") },
	"10,000 cookies": func(conn net.Conn) {
		readHead(conn)
		endlessN(conn, "HTTP/1.1 200 OK\r\n", 10000, "Set-Cookie: c%d=v\r\n")
		io.WriteString(conn, "Content-Length: 0\r\n\r\n")
	},
	"a slow drip of headers":     func(conn net.Conn) { readHead(conn); drip(conn, "HTTP/1.1 200 OK\r\nX-A: b\r\nX-C: d\r\nX-E: f\r\n") },
	"a status that is no number": func(conn net.Conn) { readHead(conn); io.WriteString(conn, "HTTP/1.1 abc OK\r\n\r\n") },
	"a negative length": func(conn net.Conn) {
		readHead(conn)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n")
	},
}

func endless(conn net.Conn, first, again string) { endlessN(conn, first, 1<<30, again) }

func endlessN(conn net.Conn, first string, times int, again string) {
	w := bufio.NewWriterSize(conn, 64<<10)
	w.WriteString(first)
	for i := range times {
		line := again
		if strings.Contains(again, "%d") {
			line = fmt.Sprintf(again, i)
		}
		if _, err := w.WriteString(line); err != nil {
			return
		}
	}
	w.Flush()
}

func drip(conn net.Conn, text string) {
	for i := range text {
		if _, err := conn.Write([]byte(text[i : i+1])); err != nil {
			return
		}
		time.Sleep(40 * time.Millisecond)
	}
}

func TestHostilePeersGiveUnknownWithAReasonInTime(t *testing.T) {
	t.Parallel()
	for name, write := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			report, checks := visitOf(t, serveRaw(t, write), Options{PublicWeb: true, Malformed: true, Burst: 20, Unsafe: true, Timeout: 300 * time.Millisecond, Budget: 3 * time.Second,
				Operations: []Operation{{Method: "GET", Path: "/a", Security: "required"}, {Method: "POST", Path: "/a", Security: "required"}}})
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			if report.Status != 0 || report.Problem == "" {
				t.Errorf("the report says status %d, problem %q", report.Status, report.Problem)
			}
			for _, c := range checks {
				if c.Outcome == Pass || c.Outcome == Fail {
					t.Errorf("%s %s is %s: %s", c.Control, c.Clause, c.Outcome, c.Observed)
				}
			}
			agrees(t, checks)
			isPlain(t, report, checks)
		})
	}
}

// isPlain wants every text of a report to be short and printable.
func isPlain(t *testing.T, report *HTTP, checks []Check) {
	t.Helper()
	texts := []string{report.Server, report.RedirectsTo, report.Problem, report.ContentType, report.FinalURL, report.CORS.AllowOrigin}
	for k, v := range report.Headers {
		texts = append(texts, k, v)
	}
	for _, c := range report.Cookies {
		texts = append(texts, c.Name, c.SameSite)
	}
	for _, c := range checks {
		texts = append(texts, c.Part, c.Observed, c.Detail)
	}
	for _, text := range texts {
		if len(text) > 5000 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("not fit for a page: %.200q", text)
		}
	}
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
}

func TestAnEndlessBodyIsCutOff(t *testing.T) {
	t.Parallel()
	sent := make(chan int, 100)
	address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, chunk := 0, bytes.Repeat([]byte("x"), 32<<10)
		for n < 64<<20 {
			k, err := w.Write(chunk)
			if n += k; err != nil {
				break
			}
		}
		sent <- n
	}))
	start := time.Now()
	report, _ := visitOf(t, address, Options{})
	if report.Status != 200 || time.Since(start) > 5*time.Second {
		t.Errorf("status %d after %s", report.Status, time.Since(start))
	}
	if n := <-sent; n > 16<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

func TestABodyThatDripsEndsWithTheBudget(t *testing.T) {
	t.Parallel()
	address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusOK)
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte("<p>")); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	}))
	start := time.Now()
	report, checks := visitOf(t, address, Options{Timeout: 200 * time.Millisecond, Budget: time.Second})
	if took := time.Since(start); took > 3*time.Second || report.Status != 200 {
		t.Errorf("status %d after %s", report.Status, took)
	}
	if c := find(t, checks, "IAM-1", "refuses_anonymous", ""); c.Outcome != Unknown {
		t.Errorf("half a page is judged: %s, %s", c.Outcome, c.Detail)
	}
	if c := find(t, checks, "API-7", "safe_headers", ""); c.Outcome != Unknown {
		t.Errorf("half a page is judged: %s, %s", c.Outcome, c.Observed)
	}
}

func TestAPackedBodyIsNeverUnpacked(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 640 {
		z.Write(make([]byte, 64<<10))
	}
	z.Close()
	address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	}))
	report, checks := visitOf(t, address, Options{})
	if report.Status != 200 {
		t.Errorf("status %d", report.Status)
	}
	if c := find(t, checks, "IAM-1", "refuses_anonymous", ""); c.Outcome != Unknown || !strings.Contains(c.Detail, "packed") {
		t.Errorf("%s: %s", c.Outcome, c.Detail)
	}
}

func TestHeaderBytesAreMadePrintable(t *testing.T) {
	t.Parallel()
	address := serveRaw(t, func(conn net.Conn) {
		readHead(conn)
		io.WriteString(conn, "HTTP/1.1 401 Nope\r\nServer: evil\x1b[31m\xff\xfe\u202e"+strings.Repeat("z", 9000)+"\r\nSet-Cookie: a\x01b=secret\r\nSet-Cookie: ok=secret; SameSite=Odd\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	})
	report, checks := visitOf(t, address, Options{PublicWeb: true})
	isPlain(t, report, checks)
	if report.Status != 401 && report.Problem == "" {
		t.Errorf("status %d, problem %q", report.Status, report.Problem)
	}
	if data, _ := json.Marshal(report); strings.Contains(string(data), "secret") {
		t.Errorf("a cookie's value is in %s", data)
	}
}

func TestManyCookiesAreCountedAndCapped(t *testing.T) {
	t.Parallel()
	address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 1500 {
			w.Header().Add("Set-Cookie", fmt.Sprintf("c%d=v; Secure", i))
		}
	}))
	report, checks := visitOf(t, address, Options{PublicWeb: true})
	if report.CookiesTotal != 1500 || len(report.Cookies) != maxCookies {
		t.Errorf("%d cookies of %d", len(report.Cookies), report.CookiesTotal)
	}
	if c := find(t, checks, "API-7", "safe_cookies", ""); c.Outcome != Fail || !strings.HasSuffix(c.Observed, "and 1495 more") {
		t.Errorf("%s: %s", c.Outcome, c.Observed)
	}
}

func TestRedirectsAreFollowedOnlyWhereTheyMayBe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		to      func(r *http.Request) string
		problem string
	}{
		"a loop":                  {func(*http.Request) string { return "/" }, "redirect loop"},
		"an endless path":         {func(r *http.Request) string { return r.URL.Path + "x" }, "more than 5 redirects"},
		"metadata":                {func(*http.Request) string { return "http://169.254.169.254/latest/meta-data/" }, "another host, 169.254.169.254"},
		"another port":            {func(*http.Request) string { return "http://127.0.0.1:22/" }, "another port, 127.0.0.1:22"},
		"a host without a scheme": {func(*http.Request) string { return "//169.254.169.254/" }, "another host, 169.254.169.254"},
		"another host":            {func(*http.Request) string { return "https://elsewhere.test/" }, "another host, elsewhere.test"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dialer := &watchedDialer{}
			address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/.well-known/") {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				w.Header().Set("Location", test.to(r))
				w.WriteHeader(http.StatusFound)
			}))
			report, checks := visitOf(t, address, Options{Dialer: dialer, PublicWeb: true})
			if !strings.Contains(report.Problem, test.problem) || report.Status != 302 {
				t.Errorf("status %d, problem %q", report.Status, report.Problem)
			}
			if report.Requests > requestLimit(&Options{}) {
				t.Errorf("%d requests", report.Requests)
			}
			own := strings.TrimPrefix(address, "http://")
			if slices.ContainsFunc(dialer.asked, func(a string) bool { return a != own }) {
				t.Errorf("it dialled %v", dialer.asked)
			}
			agrees(t, checks)
		})
	}
}

// security.txt may lie elsewhere, so its redirects are followed; the guard has the last word.
func TestAForbiddenRedirectOfSecurityTxtSaysSo(t *testing.T) {
	t.Parallel()
	address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			http.Redirect(w, r, "https://169.254.169.254/", http.StatusFound)
		}
	}))
	_, checks := visitOf(t, address, Options{PublicWeb: true})
	c := find(t, checks, "GOV-11", "published", "")
	if c.Outcome != Unknown || !strings.Contains(c.Detail, "169.254.169.254 is not allowed") {
		t.Errorf("%s: %s", c.Outcome, c.Detail)
	}
}

func TestAVisitNeverSendsMoreThanItMay(t *testing.T) {
	t.Parallel()
	var operations []Operation
	for i := range 300 {
		operations = append(operations, Operation{Method: "POST", Path: fmt.Sprintf("/o%d", i), Security: "required"})
	}
	o := Options{Operations: operations, Unsafe: true, Malformed: true, Burst: 5000, PublicWeb: true, Budget: time.Minute}
	report, checks := visitOf(t, servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") != userAgent {
			w.WriteHeader(http.StatusTeapot)
		}
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})), o)
	if limit := requestLimit(&o); report.Requests > limit || limit > fixedRequests+2*maxOperations+2*maxMalformed+maxBurst {
		t.Errorf("%d requests of at most %d", report.Requests, limit)
	}
	if report.OperationsTried != maxOperations || report.OperationsLeft != 100 {
		t.Errorf("%d tried, %d left", report.OperationsTried, report.OperationsLeft)
	}
	if c := find(t, checks, "API-2", "rate_limited", ""); c.Outcome != Fail || !strings.HasPrefix(c.Observed, "200 of 200") {
		t.Errorf("%s: %s", c.Outcome, c.Observed)
	}
}

// HTTP/2 counts headers in another way; the bound holds there too.
func TestEndlessHeadersEndOverHTTP2(t *testing.T) {
	t.Parallel()
	address := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 10000 {
			w.Header().Add("Set-Cookie", fmt.Sprintf("c%d=v", i))
		}
	}))
	report, checks := visitOf(t, address, Options{PublicWeb: true, Timeout: time.Second, Budget: 5 * time.Second})
	if report.Status != 0 || report.Problem == "" {
		t.Errorf("status %d, %d cookies, problem %q", report.Status, report.CookiesTotal, report.Problem)
	}
	agrees(t, checks)
}

// A page may be built to make its reader slow.
func TestHostilePagesAreReadInOnePass(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"<script>", "<", "<input ", "<meta http-equiv=content-security-policy ", "<head ", "<p>", "<noscript>a</noscript>", "</script><script"} {
		body := []byte(strings.Repeat(piece, maxBody/len(piece)))
		e := &exchange{method: "GET", status: 200, header: header("Content-Type", "text/html"), body: body, whole: true}
		start := time.Now()
		pageKind(e, nil)
		headerFaults(e)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s took %s", piece, took)
		}
	}
}

func TestVisibleTextIsWhatAReaderSees(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"<head><title>Shop</title></head><body> hello \n <b>you</b>": 10, "<script>var a</script>": 0, "<script>never closed": 0, "plain": 6, "<": 0, "": 0,
		"<header>top</header>": 4, "<STYLE>p{}</STYLE>x": 2,
	} {
		if got := visible([]byte(text)); got != want {
			t.Errorf("%q shows %d characters, want %d", text, got, want)
		}
	}
}
