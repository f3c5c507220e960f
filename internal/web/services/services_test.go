package services_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"muster/internal/access"
	"muster/internal/config"
	"muster/internal/database"
	"muster/internal/house"
	"muster/internal/identity"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/web"
)

// desk is a running app with one owner in one workspace.
type desk struct {
	*house.House
	web   *web.Server
	ctx   context.Context
	owner access.Actor
	token string
	root  string
}

func open(t testing.TB) *desk {
	t.Helper()
	cfg := config.Config{Store: config.Store{Data: t.TempDir()}, Addr: "127.0.0.1:0"}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h, err := house.Open(t.Context(), cfg.Store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	d := &desk{House: h}
	if d.web, err = web.New(h, &cfg); err != nil {
		t.Fatal(err)
	}
	system := access.SystemActor("test")
	w, err := h.Identity.CreateWorkspace(t.Context(), system, "Kente Pay")
	if err != nil {
		t.Fatal(err)
	}
	user, err := h.Identity.CreateUser(t.Context(), system, identity.Account{Name: "Ama Mensah", Email: "ama@kente.example", Password: "copper lantern tuesdays"}, w.Slug, access.Owner)
	if err != nil {
		t.Fatal(err)
	}
	place, err := h.Identity.Enter(t.Context(), user, w.Slug)
	if err != nil {
		t.Fatal(err)
	}
	d.owner, d.ctx, d.root = place.Actor(user, identity.From{}), database.WithWorkspace(t.Context(), w.ID), "/w/"+w.Slug
	if d.token, err = h.Identity.Begin(t.Context(), user, identity.From{IP: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) propose(t testing.TB, text string) int64 {
	t.Helper()
	found, err := imports.Inspect([]model.File{{Path: "shop/all.yaml", Data: []byte(text)}}, imports.Options{})
	if err != nil {
		t.Fatal(err)
	}
	environments, err := d.Inventory.Environments(d.ctx, d.owner)
	if err != nil {
		t.Fatal(err)
	}
	id, err := d.Intake.Propose(d.ctx, d.owner, intake.Proposal{EnvironmentID: environments[0].ID, Inspection: found})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (d *desk) apply(t testing.TB, text string) {
	t.Helper()
	if _, err := d.Intake.Confirm(d.ctx, d.owner, d.propose(t, text), intake.Choices{}); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) ask(method, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://muster.example"+d.root+path, strings.NewReader(form.Encode()))
	r.Header.Set("Origin", "http://muster.example")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "muster", Value: d.token})
	w := httptest.NewRecorder()
	d.web.Echo().ServeHTTP(w, r)
	return w
}

// system writes the manifests of n services, each calling the next.
func system(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: service-%d, namespace: shop}\nspec:\n  template:\n    metadata: {labels: {app: service-%d}}\n    spec:\n      containers:\n      - name: c\n        image: example.com/s:%d\n        env: [{name: NEXT_URL, value: 'http://service-%d:80'}, {name: API_SECRET, value: 'CANARY-%d'}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: service-%d, namespace: shop}\nspec: {selector: {app: service-%d}, ports: [{port: 80}]}\n---\n", i, i, i, (i+1)%n, i, i, i)
	}
	return b.String()
}

func gzipped(t testing.TB, body []byte) int {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

func TestPagesOfAThousandServices(t *testing.T) {
	d := open(t)
	d.apply(t, system(1000))
	preview := d.propose(t, strings.ReplaceAll(system(300), "service-", "other-"))
	var queries atomic.Int64
	count := func(*gorm.DB) { queries.Add(1) }
	conn := d.DB.Conn(d.ctx)
	for _, err := range []error{conn.Callback().Query().After("gorm:query").Register("test:count", count), conn.Callback().Row().After("gorm:row").Register("test:count", count)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, most := range map[string]struct {
		queries int64
		time    time.Duration
	}{
		"/services":                              {12, 50 * time.Millisecond},
		"/services?text=service-9&sort=-callers": {12, 50 * time.Millisecond},
		"/services/service-7":                    {24, 50 * time.Millisecond},
		"/services/service-7?tab=calls":          {25, 80 * time.Millisecond},
		"/services/service-7?tab=history":        {25, 50 * time.Millisecond},
		"/overview":                              {12, 50 * time.Millisecond},
		"/search?q=service":                      {12, 50 * time.Millisecond},
		"/imports":                               {12, 50 * time.Millisecond},
		fmt.Sprintf("/imports/%d", preview):      {25, 600 * time.Millisecond},
	} {
		best := time.Hour
		for range 8 { // the best of several: other work on the machine is not the page's
			queries.Store(0)
			began := time.Now()
			answer := d.ask(http.MethodGet, path, nil)
			best = min(best, time.Since(began))
			if answer.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, answer.Code)
			}
			if n := queries.Load(); n > most.queries {
				t.Errorf("%s: %d queries, at most %d", path, n, most.queries)
				break
			}
			if n := gzipped(t, answer.Body.Bytes()); n > 25_000 {
				t.Errorf("%s weighs %d bytes", path, n)
				break
			}
			if strings.Contains(answer.Body.String(), "CANARY") {
				t.Fatalf("%s shows the value of a secret", path)
			}
		}
		if best > most.time {
			t.Errorf("%s took %s, at most %s", path, best, most.time)
		}
		t.Logf("%-44s %3d queries, %7s, %6d bytes", path, queries.Load(), best.Round(100*time.Microsecond), gzipped(t, d.ask(http.MethodGet, path, nil).Body.Bytes()))
	}
}

func edit(s *inventory.Service, tier, description string) url.Values {
	return url.Values{"name": {s.Name}, "description": {description}, "tier": {tier}, "exposure": {string(s.Exposure)}, "kind": {string(s.Kind)}, "version": {fmt.Sprint(s.Version)}}
}

func TestTwoPeopleEditOneService(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.apply(t, system(2))
	s, err := d.Inventory.Get(d.ctx, d.owner, "service-0")
	if err != nil {
		t.Fatal(err)
	}
	if answer := d.ask(http.MethodPost, "/services/service-0/edit", edit(&s, "1", "Kofi's words")); answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code)
	}
	refused := d.ask(http.MethodPost, "/services/service-0/edit", edit(&s, "9", "Ama's words"))
	if refused.Code != http.StatusUnprocessableEntity || !strings.Contains(refused.Body.String(), fmt.Sprintf(`name="version" value="%d"`, s.Version)) {
		t.Errorf("a refused form took the newest version over, so the next save would win silently: %d", refused.Code)
	}
	answer := d.ask(http.MethodPost, "/services/service-0/edit", edit(&s, "3", "Ama's words"))
	body := answer.Body.String()
	if answer.Code != http.StatusConflict {
		t.Fatal(answer.Code)
	}
	for _, want := range []string{"Ama Mensah changed service-0", "Ama&#39;s words", "Kofi&#39;s words", "1, critical", "Save mine", fmt.Sprintf(`name="version" value="%d"`, s.Version+1)} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	s.Version++
	if again := d.ask(http.MethodPost, "/services/service-0/edit", edit(&s, "3", "Ama's words")); again.Code != http.StatusSeeOther {
		t.Errorf("%d", again.Code)
	}
}

func TestFiltersComeOffOneByOne(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.apply(t, system(3))
	body := d.ask(http.MethodGet, "/services?text=service&exposure=unknown&tier=2&sort=-name", nil).Body.String()
	for _, want := range []string{`/services?exposure=unknown&amp;sort=-name&amp;tier=2"`, `/services?sort=-name&amp;text=service&amp;tier=2"`, `/services?exposure=unknown&amp;sort=-name&amp;text=service"`, `aria-sort="descending"`, "shop · Kubernetes"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if body := d.ask(http.MethodGet, "/services?text=nothing", nil).Body.String(); !strings.Contains(body, "Nothing matches") || !strings.Contains(body, "Show all services") {
		t.Error("an empty list does not say what to do")
	}
	if answer := d.ask(http.MethodGet, "/services/%00", nil); answer.Code != http.StatusNotFound {
		t.Error(answer.Code)
	}
}
