package e2e

import (
	"context"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"muster/internal/config"
	"muster/internal/house"
	"muster/internal/web"
)

// person drives a browser like somebody at the keyboard.
type person struct {
	t    *testing.T
	ctx  context.Context
	base string
}

// newcomer opens an app that nobody has set up, in a browser without scripts, and gives the set-up link.
func newcomer(t *testing.T) (*person, string) {
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
	p := &person{t, browser(t), server.URL}
	// The first step opens the tab, which lives as long as its context; so none with a limit.
	if _, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	return p, server.URL + "/setup/" + token
}

func (p *person) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// open types an address.
func (p *person) open(address string) {
	p.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = p.base + address
	}
	ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
	defer cancel()
	response, err := chromedp.Run(ctx, chromedp.NavigateResponse(address))
	p.arrived(address, response, err)
}

// press clicks and waits for the page that follows.
func (p *person) press(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, chromedp.Click(selector))
	p.arrived(selector, response, err)
}

func (p *person) arrived(what string, response *network.Response, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
	if response == nil || response.Status >= 400 {
		p.t.Fatalf("%s led to %+v: %s", what, response, p.read("main"))
	}
}

// fill types into the empty fields of a form, by their names.
func (p *person) fill(values ...string) {
	p.t.Helper()
	for i := 0; i+1 < len(values); i += 2 {
		field := `main form [name="` + values[i] + `"]`
		p.do(chromedp.SendKeys(field, values[i+1]))
	}
}

// read gives the text of a part of the page.
func (p *person) read(selector string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.TextContent(selector))
	if err != nil {
		p.t.Fatalf("read %s: %v", selector, err)
	}
	return strings.Join(strings.Fields(text), " ")
}

// see wants words on the page, and the address to begin like this.
func (p *person) see(path string, words ...string) {
	p.t.Helper()
	here, err := chromedp.Run(p.ctx, chromedp.Location())
	if err != nil {
		p.t.Fatal(err)
	}
	u := check[*url.URL](p.t)(url.Parse(here))
	text := p.read("body")
	if !strings.HasPrefix(u.Path, path) {
		p.t.Fatalf("at %s, want %s: %s", u.Path, path, text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			p.t.Errorf("%s does not say %q: %s", u.Path, w, text)
		}
	}
}

const submit = `main form.form button[type="submit"]`

// From the link that the first start prints to a retired service, and back in with two factors, without a script.
func TestTheCoreFlowsWithScriptsOff(t *testing.T) {
	t.Parallel()
	p, link := newcomer(t)
	p.open(link)
	p.fill("workspace", "Kente Pay", "name", "Ama Mensah", "email", "ama@kente.example", "password", password)
	p.press(submit)
	p.see("/account/mfa")
	key := strings.ReplaceAll(p.read(".key2t"), " ", "")
	p.fill("code", check[string](t)(totp.GenerateCode(key, time.Now())))
	p.press(submit)
	p.see("/account/mfa", "I have kept them")
	p.press(`main a.btn.pri`)

	p.see("/w/kente-pay/overview")
	p.open("/w/kente-pay/imports/new")
	p.do(chromedp.SetUploadFiles(`input[name="files"]`, []string{absolute(t, "kubernetes.yaml"), absolute(t, "api.yaml")}))
	p.press(submit)
	p.see("/w/kente-pay/imports/", "orders")
	p.press(`form[action$="/confirm"] button[type="submit"]`)
	p.open("/w/kente-pay/services")
	p.see("/w/kente-pay/services", "orders", "web")
	p.press(`main a[href="/w/kente-pay/services/orders"]`)
	p.see("/w/kente-pay/services/orders", "kubernetes.yaml")

	p.open("/w/kente-pay/services/orders/edit")
	p.fill("description", "Takes orders")
	p.press(submit)
	p.see("/w/kente-pay/services/orders", "Takes orders")
	p.open("/w/kente-pay/services/web")
	p.press(`form[action$="/web/confirm"] button[type="submit"]`)
	p.see("/w/kente-pay/services/web", "confirmed")
	p.open("/w/kente-pay/services/web/retire")
	p.fill("reason", "Nobody uses it")
	p.press(submit)
	p.see("/w/kente-pay/services/web", "retired")
	p.open("/w/kente-pay/services")
	if strings.Contains(p.read("main table"), "web ") {
		t.Error("the retired service is listed")
	}

	p.open("/account")
	p.press(`form[action="/logout"] button`)
	p.see("/login")
	p.fill("email", "ama@kente.example", "password", password)
	p.press(submit)
	p.see("/login/code")
	p.fill("code", check[string](t)(totp.GenerateCode(key, time.Now().Add(30*time.Second)))) // this step was used to turn it on
	p.press(submit)
	p.see("/w/kente-pay/overview")
	p.open("/w/kente-pay/activity")
	p.see("/w/kente-pay/activity", "orders")
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	return check[string](t)(filepath.Abs(filepath.Join("testdata", name)))
}
