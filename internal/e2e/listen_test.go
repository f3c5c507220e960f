package e2e

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// recorder notes every policy violation and every error of a script, from before the page's own scripts run.
const recorder = `window.__violations = [];
addEventListener("securitypolicyviolation", e => __violations.push("policy: " + e.violatedDirective + " " + e.blockedURI));
addEventListener("error", e => __violations.push("error: " + (e.message || (e.target && (e.target.src || e.target.href)))), true);
const say = console.error; console.error = (...a) => { __violations.push("console: " + a.join(" ")); say(...a); };`

func listen() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: recorder})
		return err
	})
}
