package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// signedInBrowser is a browser whose cookie is the owner's.
func signedInBrowser(t *testing.T, s *site) context.Context {
	t.Helper()
	ctx := browser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(s.server.URL+"/login"), chromedp.EmulateViewport(1366, 900)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](fmt.Sprintf(`document.cookie="muster=%s;path=/"; 1`, s.token(t, "owner")))); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// focused says what is wrong with the element that has the focus: nothing focused, outside the window, or not to be seen.
const focused = `(() => {
  const e = document.activeElement;
  if (!e || e === document.body) return "end";
  const s = getComputedStyle(e), r = e.getBoundingClientRect(), name = e.tagName + "." + e.className + " " + (e.textContent || e.name || "").trim().slice(0, 40);
  if (r.width === 0 || r.height === 0) return "invisible: " + name;
  if (r.bottom < 0 || r.right < 0 || r.left > innerWidth || r.top > innerHeight) return "outside the window: " + name;
  if (e.type === "date") return ""; // its parts are inside, and the browser draws their focus
  // a field that lies over what it is drawn as (a switch, a chip) shows the focus on its label
  const shown = [e, e.parentElement, e.nextElementSibling].filter(Boolean).some(x => { const c = getComputedStyle(x); return (c.outlineStyle !== "none" && parseFloat(c.outlineWidth) > 0) || c.boxShadow !== "none"; });
  return shown ? "" : "no visible focus: " + name;
})()`

func TestTheKeyboardGetsEverywhere(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := signedInBrowser(t, s)
	w := "/w/" + s.home.Slug
	for _, path := range []string{w + "/overview", w + "/services", w + "/services/orders", w + "/services/orders/edit", w + "/imports/new", w + "/members", "/account"} {
		page, cancel := context.WithTimeout(ctx, 60*time.Second)
		if err := chromedp.Do(page, chromedp.Navigate(s.server.URL+path), chromedp.KeyEvent(kb.Tab)); err != nil {
			t.Fatal(err)
		}
		first, err := chromedp.Run(page, chromedp.Evaluate[string](`document.activeElement.className + " " + document.activeElement.getAttribute("href")`))
		if err != nil || first != "skip #main" {
			t.Errorf("%s: the first stop is %q, not the link past the navigation (%v)", path, first, err)
		}
		for range 80 {
			state, err := chromedp.Run(page, chromedp.Evaluate[string](focused))
			if err != nil {
				t.Fatal(err)
			}
			if state == "end" {
				break
			}
			if state != "" {
				t.Errorf("%s: %s", path, state)
			}
			if err := chromedp.Do(page, chromedp.KeyEvent(kb.Tab)); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
	}
}

const overflow = `(() => {
  if (document.documentElement.scrollWidth <= innerWidth) return "";
  const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map(e => e.tagName + "." + e.className);
  return document.documentElement.scrollWidth + " > " + innerWidth + ": " + wide.join(", ");
})()`

// On paper, and in the system's own colours, nothing is cut off at the side.
func TestPaperAndForcedColours(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx := signedInBrowser(t, s)
	media := []struct {
		name  string
		width int64
		media emulation.SetEmulatedMediaParams
	}{
		{"paper", 794, emulation.SetEmulatedMediaParams{Media: "print"}},
		{"forced colours", 1366, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}}}},
		{"no motion, more contrast", 390, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "prefers-contrast", Value: "more"}}}},
	}
	for _, path := range s.walk() {
		page, cancel := context.WithTimeout(ctx, 60*time.Second)
		if err := chromedp.Do(page, chromedp.Navigate(s.server.URL+path)); err != nil {
			t.Fatal(err)
		}
		for _, m := range media { // one page is laid out anew for each
			if err := chromedp.Do(page, chromedp.EmulateViewport(m.width, 1123)); err != nil {
				t.Fatal(err)
			}
			if _, err := chromedp.Call(page, emulation.SetEmulatedMedia, m.media); err != nil {
				t.Fatal(err)
			}
			if found, err := chromedp.Run(page, chromedp.Evaluate[string](overflow)); err != nil || found != "" {
				t.Errorf("%s, %s: %s %v", path, m.name, found, err)
			}
		}
		cancel()
	}
}
