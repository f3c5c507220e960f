package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func browser(t *testing.T) context.Context {
	t.Helper()
	program := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		t.Fatal("The browser tests need Chromium: install the chromium package, or set CHROMIUM.")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1366, 900))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	return ctx
}

// walk lists what a signed-in owner can look at.
func (s *site) walk() []string {
	w := "/w/" + s.home.Slug
	return []string{
		w + "/overview", w + "/overview?as_of=2026-11-20", w + "/inventory", w + "/posture", w + "/posture?domain=run", w + "/posture/sum", w + "/controls/TLS-6", w + "/controls/RUN-1?state=failing", w + "/governance/GOV-10", w + "/services/orders/posture",
		w + "/services/orders/posture?by=worst", w + "/services/orders/posture/sum", w + "/services/web/controls/TLS-1", w + "/services/web/controls/RUN-1", w + "/services/web/controls/DAT-2", w + "/services", w + "/services?text=nothing-like-it", w + "/services?unconfirmed=1&sort=-callers", w + "/services/new", w + "/services/orders", w + "/services/orders?tab=calls",
		w + "/services/orders?tab=endpoints", w + "/services/orders?tab=operations", w + "/services/orders?tab=history", w + "/services/web", w + "/services/web?tab=calls", w + "/services/orders/edit",
		w + "/services/orders/retire", w + "/services/orders/merge", w + "/services/orders/split", w + "/imports", w + "/imports/new", w + "/imports/1", w + "/imports/" + s.ids["id"],
		w + "/settings/scoring", w + "/settings/scoring?domain=run", w + "/settings/scoring/new", w + "/settings/scoring/TLS-6", w + "/settings/scoring/GOV-10", w + "/frameworks", w + "/frameworks/mvsp-3.0", w + "/frameworks/owasp-api-top10-2023", w + "/frameworks/owasp-asvs-5.0.0?state=none", w + "/frameworks/iso-27001-2022?text=nothing-like-it",
		w + "/search", w + "/search?q=orders", w + "/activity", w + "/members", w + "/members/" + s.ids["member"], w + "/teams", w + "/teams/" + s.ids["team"], w + "/settings", w + "/settings/roles",
		w + "/findings", w + "/findings?q=lodash&severity=high", w + "/findings?q=nothing-like-it", w + "/findings?state=not_affected", w + "/findings?overdue=1", w + "/findings?service=none", w + "/findings?due=week&sort=due", w + "/findings?sort=newest&severity=high", w + "/findings/views", w + "/findings/views?severity=high&sort=due", w + "/findings/unassigned",
		w + "/findings/" + s.ids["finding"], w + "/findings/move?to=confirmed&id=" + s.ids["finding"] + "&id=3&id=4", w + "/services/orders/findings", w + "/imports/" + s.ids["report"],
		w + "/tasks", w + "/tasks?blocked=1", w + "/tasks?state=verified", w + "/tasks/board", w + "/tasks/board?mine=1", w + "/tasks/bundles", w + "/tasks/" + s.ids["task"], w + "/tasks/new?id=" + s.ids["finding"] + "&id=3", w + "/tasks/new?cell=orders%2FTLS-1", w + "/my-work",
		w + "/map", w + "/map?focus=orders", w + "/map?focus=orders&depth=1&protect=orders&with=token", w + "/map?view=teams", w + "/map?environment=staging&with=mtls&protect=orders",
		w + "/exceptions", w + "/exceptions/1", w + "/exceptions/" + s.ids["exception"], w + "/exceptions/new", w + "/exceptions/new?control=TLS-6&service=orders", w + "/exceptions/new?renew=1",
		w + "/exceptions?show=ending", w + "/exceptions?show=ended", w + "/exceptions/" + s.ids["rule"], w + "/exceptions/" + s.ids["asked"], w + "/exceptions/new?renew=" + s.ids["rule"], w + "/exceptions/new?finding=" + s.ids["finding"] + "&scope=package", w + "/findings/" + s.ids["accepted"], w + "/findings?state=accepted", w + "/findings?watching=1", w + "/findings/rules", w + "/findings/rules?edit=1",
		w + "/registers", w + "/registers/credentials", w + "/registers/credentials?edit=" + s.ids["entry"], w + "/registers/obligations", w + "/registers/processing?text=x",
		w + "/services/orders/components", w + "/services/orders/components?text=nothing-like-it", w + "/services/web/components", w + "/services/orders/probes", w + "/services/web/probes", w + "/services/orders-db/probes", w + "/services/orders/controls/TLS-2", w + "/scans/new", w + "/scans/new?service=orders&endpoint=https%3A%2F%2Forders.example.com", w + "/scans/new?control=TLS-2", w + "/scans/report",
		w + "/scans", w + "/scans?state=dead", w + "/scans?state=missed&kind=reminder", w + "/scans/" + s.ids["run"], w + "/scans/" + s.ids["dead"], w + "/scans/" + s.ids["open"], w + "/scans/" + s.ids["due"],
		w + "/schedules", w + "/schedules/new", w + "/schedules/" + s.ids["schedule"], w + "/schedules/" + s.ids["schedule"] + "/delete",
		w + "/settings/components", "/account", "/account/mfa?first=1", w + "/not-there",
	}
}

// outside lists what anybody can look at.
func (s *site) outside() []string {
	return []string{"/login", "/invite/" + s.ids["invite"], "/reset/" + s.ids["reset"], "/setup/void"}
}

const examine = `(async () => {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push("sideways scroll: " + document.documentElement.scrollWidth + " > " + innerWidth);
  found.push(...(window.__violations || []));
  if (window.axe) {
    const r = await axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}});
    for (const v of r.violations) found.push(v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " — " + (n.any[0] || n.all[0] || n.none[0] || {message: ""}).message).join(" | "));
  }
  return found.join("\n");
})()`

func TestEveryPageInTheBrowser(t *testing.T) {
	s := open(t)
	ctx := browser(t)
	axe, err := os.ReadFile(filepath.Join("testdata", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(s.server.URL+"/login"), listen()); err != nil {
		t.Fatal(err)
	}
	token := s.token(t, "owner")
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1366, 390} {
			cookie := fmt.Sprintf(`document.cookie="theme=%s;path=/"; document.cookie="muster=;path=/;max-age=0"; 1`, theme)
			look(t, ctx, s, string(axe), theme, width, cookie, s.outside())
			look(t, ctx, s, string(axe), theme, width, fmt.Sprintf(`document.cookie="theme=%s;path=/"; document.cookie="muster=%s;path=/"; 1`, theme, token), s.walk())
		}
	}
}

// look visits addresses at one width and in one theme.
func look(t *testing.T, ctx context.Context, s *site, axe, theme string, width int64, cookie string, paths []string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](cookie)); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		page, cancel := context.WithTimeout(ctx, 30*time.Second)
		response, err := chromedp.Run(page, chromedp.NavigateResponse(s.server.URL+path))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			cancel()
			continue
		}
		if want := statusOf(path); response == nil || response.Status != want {
			t.Errorf("%s: %+v, want status %d", path, response, want)
		}
		if width > 820 || theme == "light" { // a phone's template differs, its colours do not
			if _, err := chromedp.Run(page, chromedp.Evaluate[int](axe+";1")); err != nil {
				t.Errorf("%s: load axe: %v", path, err)
			}
		}
		found, err := chromedp.Run(page, chromedp.Evaluate[string](examine, chromedp.EvalAwaitPromise))
		if err != nil || found != "" {
			t.Errorf("%s, %s, %d px: %v\n%s", path, theme, width, err, found)
		}
		if shots != "" {
			save(t, page, fmt.Sprintf("%s-%s-%d.png", strings.NewReplacer("/", "_", "?", "_", "=", "_", "&", "_").Replace(strings.TrimPrefix(path, "/")), theme, width))
		}
		cancel()
	}
}

// statusOf is what a page of the walk answers.
func statusOf(path string) int64 {
	if strings.HasSuffix(path, "/not-there") || path == "/setup/void" {
		return 404
	}
	return 200
}

func save(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Error(err)
		return
	}
	if err := os.WriteFile(filepath.Join(shots, name), picture, 0o600); err != nil {
		t.Error(err)
	}
}
