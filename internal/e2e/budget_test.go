package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/database/databasetest"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/static"
)

// manifests is a made-up company of n deployments, each of which calls the next ones.
func manifests(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: svc-%04[1]d, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: svc-%04[1]d}}
  template:
    metadata: {labels: {app: svc-%04[1]d}}
    spec:
      containers:
        - name: main
          image: registry.example/svc-%04[1]d:1.%[1]d
          ports: [{containerPort: 8080}]
          env: [{name: NEXT_URL, value: "http://svc-%04[2]d:80"}, {name: OTHER_URL, value: "http://svc-%04[3]d:80"}]
---
apiVersion: v1
kind: Service
metadata: {name: svc-%04[1]d, namespace: shop}
spec: {selector: {app: svc-%04[1]d}, ports: [{port: 80, targetPort: 8080}]}
`, i, (i+1)%n, (i+7)%n)
	}
	return b.Bytes()
}

// grow imports n services into the workspace and says how long reading, preview and confirming took.
func (s *site) grow(t testing.TB, n int) time.Duration {
	t.Helper()
	start := time.Now()
	file := model.File{Path: "company.yaml", Data: manifests(n)}
	found := check[*model.Inspection](t)(imports.Inspect([]model.File{file}, imports.Options{Explicit: map[string]bool{file.Path: true}}))
	environments := check[[]inventory.Environment](t)(s.Inventory.Environments(s.ctx, s.owner))
	id := check[int64](t)(s.Intake.Propose(s.ctx, s.owner, intake.Proposal{EnvironmentID: environments[0].ID, SourceName: "company", Inspection: found}))
	check[*intake.Plan](t)(s.Intake.Confirm(s.ctx, s.owner, id, intake.Choices{}))
	return time.Since(start)
}

func zipped(t testing.TB, body []byte) int {
	t.Helper()
	var b bytes.Buffer
	z := check[*gzip.Writer](t)(gzip.NewWriterLevel(&b, gzip.DefaultCompression))
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// counter counts the statements of each request, by the request's context.
type counter struct {
	mu   sync.Mutex
	by   map[any]int
	seen map[string]databasetest.Statement
}

type requestKey struct{}

func (s *site) count(t testing.TB) *counter {
	c := &counter{by: map[any]int{}, seen: map[string]databasetest.Statement{}}
	databasetest.Watch(t, s.DB, func(ctx context.Context, st databasetest.Statement) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if key := ctx.Value(requestKey{}); key != nil {
			c.by[key]++
			c.seen[st.SQL] = st
		}
	})
	return c
}

// spent asks for a page and gives how many statements it took.
func (c *counter) spent(s *site, path, token string) (queries int, took time.Duration, code int, body []byte) {
	key := new(int)
	start := time.Now()
	answer := s.askIn(context.WithValue(context.Background(), requestKey{}, key), http.MethodGet, path, token, nil, func(http.Header) {})
	took = time.Since(start)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[key], took, answer.Code, answer.Body.Bytes()
}

// The most statements that a page may take, at a thousand services. What is not named takes usual; five of
// each read the session, the person, the workspace, the membership and the list of the switcher.
const usual = 12

var mostQueries = map[string]int{
	"/services/:slug": 20, "/services/:slug/posture": 18, "/services/:slug/controls/:id": 16, "/imports/:id": 20, "/governance/:id": 13, "/map": 17, "/map.svg": 17, "/map/arcs": 17,
}

// The most compressed HTML of a page; every page is later than the first one somewhere.
const mostHTML = 25_000

func TestEveryPageKeepsItsBudgetAtAThousandServices(t *testing.T) {
	t.Parallel()
	s := open(t)
	took := s.grow(t, 1000)
	token := s.token(t, "owner")
	c := s.count(t)
	t.Logf("an import of 1,000 workloads took %v", took.Round(time.Millisecond))
	measure := func(pattern, path string, most int) {
		c.spent(s, path, token) // what is read once is read now
		queries, _, code, body := c.spent(s, path, token)
		weight := zipped(t, body)
		t.Logf("%-45s %3d queries, %6d bytes compressed", pattern, queries, weight)
		if code >= 500 || queries > most || weight > mostHTML {
			t.Errorf("%s answers %d, takes %d queries, at most %d, and weighs %d bytes compressed, at most %d", pattern, code, queries, most, weight, mostHTML)
		}
		if strings.Contains(string(body), " style=") || strings.Contains(string(body), "<script>") {
			t.Errorf("%s holds inline style or script", pattern)
		}
	}
	for _, r := range s.web.Echo().Routes() {
		if pattern, inside := strings.CutPrefix(r.Path, "/w/:workspace"); r.Method == http.MethodGet && inside {
			measure(pattern, s.path(r.Path), cmp.Or(mostQueries[pattern], usual))
		}
	}
	for _, path := range s.walk() { // the same pages with tabs, filters and searches
		measure(path, path, 26)
	}
	s.planScans(t, c)
}

// planScans asks SQLite how it would run each statement that the pages sent. A whole table may be read only where it is
// small by nature.
func (s *site) planScans(t *testing.T, c *counter) {
	t.Helper()
	pool := databasetest.Pool(t, s.DB)
	small := regexp.MustCompile(`^SCAN (workspaces|environments|teams|team_members|sources|imports|exceptions|goose_db_version|ending|newly|cards[1-4]|held[12]|late|exploited)\b`) // the last are bounded lists of the overview, the board, my work and debt
	scans := map[string]string{}
	for text, st := range c.seen {
		if !strings.HasPrefix(text, "SELECT") {
			continue
		}
		rows, err := pool.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, st.Vars...)
		if err != nil {
			t.Errorf("explain %s: %v", text, err)
			continue
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(detail, "SCAN ") && !strings.Contains(detail, "USING INDEX") && !strings.Contains(detail, "USING COVERING INDEX") && !small.MatchString(detail) && !strings.HasPrefix(detail, "SCAN CONSTANT") && !strings.Contains(detail, "VIRTUAL TABLE INDEX 0:M") && !strings.HasPrefix(detail, "SCAN (subquery") {
				scans[detail] = text
			}
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
	for detail, text := range scans {
		t.Errorf("%s: %s", detail, text)
	}
	if len(c.seen) < 30 {
		t.Errorf("only %d statements were seen", len(c.seen))
	}
}

// The same services on PostgreSQL: with sequential scans priced out of reach, none may be left in the plan of a page's statement.
func TestNoPageNeedsASequentialScanOnPostgres(t *testing.T) {
	t.Parallel()
	s := openAt(t, postgresOf(t))
	s.grow(t, 300)
	c := s.count(t)
	token := s.token(t, "owner")
	for _, r := range s.web.Echo().Routes() {
		if r.Method == http.MethodGet && strings.HasPrefix(r.Path, "/w/:workspace") {
			c.spent(s, s.path(r.Path), token)
		}
	}
	conn, err := databasetest.Pool(t, s.DB).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "SET enable_seqscan = off"); err != nil {
		t.Fatal(err)
	}
	big := regexp.MustCompile(`Seq Scan on (services|facts|dependencies|bindings|endpoints|operations|unresolved|activities|evidence|states|findings|finding_keys|finding_sources|finding_events|finding_reports|tasks|task_items|task_events|sessions|members|users)\b`)
	for text, st := range c.seen {
		if !strings.HasPrefix(text, "SELECT") {
			continue
		}
		rows, err := conn.QueryContext(t.Context(), "EXPLAIN "+text, st.Vars...)
		if err != nil {
			t.Errorf("explain %s: %v", text, err)
			continue
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			if big.MatchString(line) {
				t.Errorf("%s: %s", strings.TrimSpace(line), text)
			}
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A first visit loads the page and everything it names; what a later page loads is its HTML alone.
func TestAFirstVisitIsLight(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.token(t, "owner")
	for _, path := range []string{"/login", "/w/" + s.home.Slug + "/overview", "/w/" + s.home.Slug + "/services"} {
		body := s.ask(http.MethodGet, path, token, nil).Body.Bytes()
		if path == "/login" {
			body = s.ask(http.MethodGet, path, "", nil).Body.Bytes()
		}
		total, css, js := zipped(t, body), 0, 0
		wanted := regexp.MustCompile(`(?:href|src)="/static/([^"?#]+)`).FindAllSubmatch(body, -1)
		var names []string
		for _, m := range wanted {
			names = append(names, string(m[1]))
		}
		sheet, _ := static.Get("app.css")
		for _, m := range regexp.MustCompile(`url\("?/static/([^")?]+)`).FindAllSubmatch(sheet.Data, -1) {
			names = append(names, string(m[1]))
		}
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			a, ok := static.Get(name)
			if !ok {
				t.Errorf("%s names %s, which is not there", path, name)
			}
			weight := len(a.Data)
			if a.Gzip != nil {
				weight = len(a.Gzip)
			}
			total += weight
			switch filepath.Ext(name) {
			case ".css":
				css += weight
			case ".js":
				js += weight
			}
		}
		t.Logf("%s: %d bytes in all, style %d, scripts %d", path, total, css, js)
		if total > 130_000 || css > 20_000 || js > 30_000 || css == 0 {
			t.Errorf("%s: a first visit weighs %d bytes, style %d, scripts %d", path, total, css, js)
		}
	}
}

// BenchmarkServicesPage asks for the list of a thousand services; the limit stands in the same run.
func BenchmarkServicesPage(b *testing.B) {
	s := open(b)
	s.grow(b, 1000)
	token := s.token(b, "owner")
	path := "/w/" + url.PathEscape(s.home.Slug) + "/services?sort=-callers&page=3"
	for b.Loop() {
		if got := s.ask(http.MethodGet, path, token, nil).Code; got != http.StatusOK {
			b.Fatal(got)
		}
	}
	within(b, 50*time.Millisecond)
}

// BenchmarkImport500 reads, previews and confirms five hundred manifests.
func BenchmarkImport500(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := open(b)
		b.StartTimer()
		s.grow(b, 500)
	}
	within(b, 3*time.Second)
}

// within fails a benchmark that took longer than its limit, and reports the share of the limit that it used.
func within(b *testing.B, limit time.Duration) {
	b.Helper()
	each := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(each)/float64(limit), "of-limit")
	if each > limit {
		b.Errorf("took %v, at most %v", each, limit)
	}
}

// BenchmarkIdleMemory is what a server holds that has answered a few pages and rests.
func BenchmarkIdleMemory(b *testing.B) {
	s := open(b)
	token := s.token(b, "owner")
	for b.Loop() {
		for _, path := range s.walk() {
			s.ask(http.MethodGet, path, token, nil)
		}
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapInuse+m.StackInuse)/1e6, "MB-in-use")
	if m.HeapInuse > 100e6 {
		b.Errorf("%d bytes of heap at rest", m.HeapInuse)
	}
}
