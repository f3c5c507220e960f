package services_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"muster/internal/inventory"
	"muster/internal/web/webtest"
)

func TestPagesOfAThousandServices(t *testing.T) {
	d := webtest.Open(t)
	d.Apply(t, webtest.System(1000))
	preview := d.Propose(t, strings.ReplaceAll(webtest.System(300), "service-", "other-"))
	var queries atomic.Int64
	count := func(*gorm.DB) { queries.Add(1) }
	conn := d.DB.Conn(d.Ctx)
	for _, err := range []error{conn.Callback().Query().After("gorm:query").Register("test:count", count), conn.Callback().Row().After("gorm:row").Register("test:count", count)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, most := range map[string]int64{
		"/services":                              12,
		"/services?text=service-9&sort=-callers": 12,
		"/services/service-7":                    24,
		"/services/service-7?tab=calls":          25,
		"/services/service-7?tab=history":        25,
		"/services/service-7/components":         12,
		"/services/service-7/components?text=a":  12,
		"/overview":                              14, // with what is due and what gave up
		"/search?q=service":                      12,
		"/imports":                               12,
		fmt.Sprintf("/imports/%d", preview):      25,
	} {
		best := time.Hour
		for range 2 { // the second knows what is read once
			queries.Store(0)
			began := time.Now()
			answer := d.Ask(http.MethodGet, path, nil)
			best = min(best, time.Since(began))
			if answer.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, answer.Code)
			}
			if n := queries.Load(); n > most {
				t.Errorf("%s: %d queries, at most %d", path, n, most)
				break
			}
			if n := webtest.Gzipped(t, answer.Body.Bytes()); n > 25_000 {
				t.Errorf("%s weighs %d bytes", path, n)
				break
			}
			if strings.Contains(answer.Body.String(), "CANARY") {
				t.Fatalf("%s shows the value of a secret", path)
			}
		}
		t.Logf("%-44s %3d queries, %7s, %6d bytes", path, queries.Load(), best.Round(100*time.Microsecond), webtest.Gzipped(t, d.Ask(http.MethodGet, path, nil).Body.Bytes()))
	}
}

func edit(s *inventory.Service, tier, description string) url.Values {
	return url.Values{"name": {s.Name}, "description": {description}, "tier": {tier}, "exposure": {string(s.Exposure)}, "kind": {string(s.Kind)}, "version": {fmt.Sprint(s.Version)}}
}

func TestTwoPeopleEditOneService(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	d.Apply(t, webtest.System(2))
	s, err := d.Inventory.Get(d.Ctx, d.Owner, "service-0")
	if err != nil {
		t.Fatal(err)
	}
	if answer := d.Ask(http.MethodPost, "/services/service-0/edit", edit(&s, "1", "Kofi's words")); answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code)
	}
	refused := d.Ask(http.MethodPost, "/services/service-0/edit", edit(&s, "9", "Ama's words"))
	if refused.Code != http.StatusUnprocessableEntity || !strings.Contains(refused.Body.String(), fmt.Sprintf(`name="version" value="%d"`, s.Version)) {
		t.Errorf("a refused form took the newest version over, so the next save would win silently: %d", refused.Code)
	}
	answer := d.Ask(http.MethodPost, "/services/service-0/edit", edit(&s, "3", "Ama's words"))
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
	if again := d.Ask(http.MethodPost, "/services/service-0/edit", edit(&s, "3", "Ama's words")); again.Code != http.StatusSeeOther {
		t.Errorf("%d", again.Code)
	}
}

func TestFiltersComeOffOneByOne(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	d.Apply(t, webtest.System(3))
	body := d.Ask(http.MethodGet, "/services?text=service&exposure=unknown&tier=2&sort=-name", nil).Body.String()
	for _, want := range []string{`/services?exposure=unknown&amp;sort=-name&amp;tier=2"`, `/services?sort=-name&amp;text=service&amp;tier=2"`, `/services?exposure=unknown&amp;sort=-name&amp;text=service"`, `aria-sort="descending"`, "shop · Kubernetes"} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if body := d.Ask(http.MethodGet, "/services?text=nothing", nil).Body.String(); !strings.Contains(body, "Nothing matches") || !strings.Contains(body, "Show all services") {
		t.Error("an empty list does not say what to do")
	}
	if answer := d.Ask(http.MethodGet, "/services/%00", nil); answer.Code != http.StatusNotFound {
		t.Error(answer.Code)
	}
}
