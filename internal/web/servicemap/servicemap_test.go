package servicemap_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"muster/internal/topology"
	"muster/internal/web/servicemap"
	"muster/internal/web/webtest"
)

func open(t testing.TB) *webtest.Desk {
	t.Helper()
	d := webtest.Open(t)
	b, err := os.ReadFile("../../topology/testdata/worked.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d.Apply(t, string(b))
	return d
}

func want(t testing.TB, d *webtest.Desk, path string, words ...string) string {
	t.Helper()
	answer := d.Ask(http.MethodGet, path, nil)
	body := answer.Body.String()
	if answer.Code != http.StatusOK {
		t.Fatalf("%s: %d", path, answer.Code)
	}
	for _, w := range words {
		if !strings.Contains(body, w) {
			t.Errorf("%s does not say %q", path, w)
		}
	}
	if strings.Contains(body, " style=") || strings.Contains(body, "<style") {
		t.Errorf("%s holds styles of its own", path)
	}
	return body
}

func TestTheMapSaysWhatItDraws(t *testing.T) {
	t.Parallel()
	d := open(t)
	want(t, d, "/map", "6 services, 4 calls known", `class="graph"`, "Mutual TLS", "Unauthenticated", "What falls with each service", "What shrinks it most", "The same in words", "declared by", "A Kubernetes job that tries them", "Internet")
	want(t, d, "/map?focus=web", "is taken over", "At least", "of 5", "test admin first", "Calls directly", "If one of those falls too", "Worst path, proven", "find out", "a known caller", "1, proven", "possible")
}

func TestNobodyToldUs(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	want(t, d, "/map", "Nothing to draw yet", "Import files")
	d.Apply(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: c, image: x}]}}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}\nspec: {template: {spec: {containers: [{name: c, image: x}]}}}\n")
	want(t, d, "/map", "2 services. Nobody told us who calls whom.")
	want(t, d, "/map?focus=a", "Nobody told us who calls whom.", "At least 0, at most 1 of 1; data not classified")
	for path, code := range map[string]int{"/map?focus=nobody": 404, "/map?environment=moon": 404, "/map/arcs?segment=x": 404, "/map?focus=a&depth=99999999999&page=-7&view=x": 200, "/map.svg?focus=a": 200} {
		if got := d.Ask(http.MethodGet, path, nil).Code; got != code {
			t.Errorf("%s: %d, want %d", path, got, code)
		}
	}
}

func TestWhatIfOnThePage(t *testing.T) {
	t.Parallel()
	d := open(t)
	want(t, d, "/map?focus=web&protect=mail&with=known_callers", "Admit only known callers: mail", "Score of the workspace", "Score of mail", "Known callers lost: none", "What falls with web")
	want(t, d, "/map?protect=mail&with=magic", "Choose a protection of the list.")
	want(t, d, "/map?environment=staging&protect=mail&with=mtls", "Nothing to draw yet")
}

func TestTheDrawingAsAFile(t *testing.T) {
	t.Parallel()
	d := open(t)
	answer := d.Ask(http.MethodGet, "/map.svg?focus=web", nil)
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(answer.Header().Get("Content-Disposition"), "attachment") {
		t.Fatal(answer.Code, answer.Header())
	}
	if strings.Contains(answer.Body.String(), "href=") {
		t.Error("a file that stands alone leads nowhere")
	}
	reader := xml.NewDecoder(answer.Body)
	for {
		if _, err := reader.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheFileOfArcs(t *testing.T) {
	t.Parallel()
	d := open(t)
	var f topology.WantedFile
	if err := json.Unmarshal(d.Ask(http.MethodGet, "/map/arcs?from=batch", nil).Body.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	if f.Environment != "production" || len(f.Arcs) == 0 {
		t.Fatalf("%+v", f)
	}
	for _, a := range f.Arcs {
		if a.From != "batch" || len(a.Addresses) == 0 || a.State != topology.Closed && a.State != topology.Unproven {
			t.Errorf("%+v", a)
		}
	}
}

// TestWhoSeesSomeServicesSeesOnlyThose holds the map to what a person may see: names, arcs and counts.
func TestWhoSeesSomeServicesSeesOnlyThose(t *testing.T) {
	t.Parallel()
	d := open(t)
	ids := []int64{}
	for _, slug := range []string{"web", "orders"} {
		v, err := d.Inventory.Get(d.Ctx, d.Owner, slug)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, v.ID)
	}
	ask := d.Limited(ids, servicemap.New(d.Topology, d.Posture).Routes)
	for _, path := range []string{"/map", "/map?focus=web", "/map?focus=web&protect=orders&with=token", "/map.svg", "/map/arcs"} {
		body := ask(http.MethodGet, path, nil)
		if body.Code != http.StatusOK {
			t.Errorf("%s: %d", path, body.Code)
		}
		for _, hidden := range []string{"admin<", "batch<", ">pay", "Score of the workspace", "of 5"} {
			if strings.Contains(body.Body.String(), hidden) {
				t.Errorf("%s says %q", path, hidden)
			}
		}
	}
	if got := ask(http.MethodGet, "/map?focus=pay", nil).Code; got != http.StatusNotFound {
		t.Errorf("a hidden focus: %d", got)
	}
}

// seventy writes the manifests of seventy services with a hundred and fifty calls.
func seventy() string {
	var b strings.Builder
	for i := range 70 {
		var env []string
		for k := range 3 {
			if to := i + 1 + (i*7+k*11)%13; to < 70 && k < 3 && (i*3+k)%7 < 5 {
				env = append(env, fmt.Sprintf("{name: A%d_URL, value: 'http://s%02d:80'}", to, to))
			}
		}
		fmt.Fprintf(&b, "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: s%02[1]d}\nspec: {template: {metadata: {labels: {app: s%02[1]d}}, spec: {containers: [{name: c, image: 'x/s%02[1]d:1', env: [%[2]s]}]}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s%02[1]d}\nspec: {selector: {app: s%02[1]d}, ports: [{port: 80}]}\n", i, strings.Join(env, ", "))
	}
	return b.String()
}

// BenchmarkMapPage asks for the map of seventy services, whole and around one: at most 150 ms each.
func BenchmarkMapPage(b *testing.B) {
	d := webtest.Open(b)
	d.Apply(b, seventy())
	for _, path := range []string{"/map", "/map?focus=s03"} {
		b.Run(path, func(b *testing.B) {
			body := ""
			for b.Loop() {
				answer := d.Ask(http.MethodGet, path, nil)
				if answer.Code != http.StatusOK {
					b.Fatal(answer.Code)
				}
				body = answer.Body.String()
			}
			if !strings.Contains(body, "70 services") {
				b.Error("this is another map")
			}
			each := b.Elapsed() / time.Duration(b.N)
			b.ReportMetric(float64(each)/float64(150*time.Millisecond), "of-limit")
			if each > 150*time.Millisecond {
				b.Errorf("took %v", each)
			}
		})
	}
}
