package e2e

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"muster/internal/config"
	"muster/internal/house"
	"muster/internal/web"
)

func scriptsOff() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
}

// fresh starts an app that nobody has set up, and gives its first-run link.
func fresh(t *testing.T) (address, link string) {
	t.Helper()
	cfg := config.Config{Store: config.Store{Data: t.TempDir()}, Addr: "127.0.0.1:0"}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h := check[*house.House](t)(house.Open(t.Context(), cfg.Store))
	t.Cleanup(func() { _ = h.Close() })
	server := httptest.NewServer(check[*web.Server](t)(web.New(h, &cfg)))
	t.Cleanup(server.Close)
	token, needed, err := h.Identity.NewSetupLink(t.Context())
	if err != nil || !needed {
		t.Fatal(needed, err)
	}
	return server.URL, server.URL + "/setup/" + token
}

// A newcomer without scripts: from the printed link to the first import, a service, its reasons, and a word about it.
func TestANewcomerWithoutScripts(t *testing.T) {
	address, link := fresh(t)
	ctx, cancel := context.WithTimeout(browser(t), 90*time.Second)
	defer cancel()
	files := check[string](t)(filepath.Abs(filepath.Join("testdata", "kubernetes.yaml")))
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			here, _ := chromedp.Run(ctx, chromedp.Location())
			t.Fatalf("%s: %v, at %s", what, err, here)
		}
	}
	shows := func(what string, words ...string) {
		t.Helper()
		html := check[string](t)(chromedp.Run(ctx, chromedp.OuterHTML("body")))
		for _, w := range words {
			if !strings.Contains(html, w) {
				t.Errorf("%s does not show %q", what, w)
			}
		}
	}
	do("set up", scriptsOff(), chromedp.Navigate(link),
		chromedp.SendKeys(`input[name="workspace"]`, "Kente Pay"), chromedp.SendKeys(`input[name="name"]`, "Ama Mensah"), chromedp.SendKeys(`input[name="email"]`, "ama@kente.example"),
		chromedp.SendKeys(`input[name="password"]`, password), chromedp.Click(`main button[type="submit"], form button[type="submit"]`), chromedp.WaitVisible(`input[name="code"]`))
	do("go on without a second factor, to the first import", chromedp.Navigate(address+"/w/kente-pay/imports/new"),
		chromedp.SetUploadFiles(`input[type="file"]`, []string{files}), chromedp.Click(`form[enctype] button[type="submit"]`), chromedp.WaitVisible(`form[action$="/confirm"]`))
	shows("the preview", "orders", "web")
	do("import", chromedp.Click(`form[action$="/confirm"] button.pri`), chromedp.WaitNotPresent(`form[action$="/confirm"]`), chromedp.WaitVisible(`main`), chromedp.Navigate(address+"/w/kente-pay/services"), chromedp.WaitVisible(`table`))
	shows("the list", "orders", "web")
	do("ask why", chromedp.Navigate(address+"/w/kente-pay/services/orders/controls/DAT-7"), chromedp.WaitVisible(`#attest`))
	shows("the cell", "Unknown", "Nobody has said anything yet")
	do("attest", chromedp.SendKeys(`#attest textarea`, "Deletion was tried with a test customer."), chromedp.Click(`#attest button[type="submit"]`), chromedp.WaitVisible(`.tl`))
	shows("the cell after a word", "Attested", "Deletion was tried with a test customer.")
	do("look at the overview", chromedp.Navigate(address+"/w/kente-pay/overview"), chromedp.WaitVisible(`.gauge`))
	shows("the overview", "We know", "What to do next")
}
