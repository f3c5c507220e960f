package probes

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/probe"
	"muster/internal/scan"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/probes"
	"muster/views/ui"
)

// service shows the newest visits of each endpoint.
func (h *Handlers) service(c echo.Context) error {
	ctx, actor := kit.Ctx(c), kit.Of(c).Actor
	v, err := h.book.Get(ctx, actor, c.Param("slug"))
	if err != nil {
		return err
	}
	if v.Slug != c.Param("slug") {
		return c.Redirect(http.StatusMovedPermanently, kit.In(c, "/services/"+v.Slug+"/probes"))
	}
	visits, waiting, err := h.scans.Visits(ctx, actor, &v)
	if err != nil {
		return err
	}
	rules, err := h.posture.Ruleset(ctx)
	if err != nil {
		return err
	}
	environments, err := h.book.Environments(ctx, actor)
	if err != nil {
		return err
	}
	names := map[int64]string{}
	for _, e := range environments {
		names[e.ID] = e.Name
	}
	base := kit.In(c, "/services/"+v.Slug)
	p := view.Service{Page: kit.Page(c, "services", "Probes", layout.Crumb{Label: "Services", Href: kit.In(c, "/services")}, layout.Crumb{Label: v.Name, Href: base + "/posture"}), Name: v.Name, Slug: v.Slug, Href: base,
		Tabs: kit.ServiceTabs(c, v.Slug, "probes", nil), AddHref: base + "?tab=endpoints"}
	may := kit.Can(c, access.Write, access.Scans) && v.RetiredAt == nil
	if may && len(visits)+len(waiting) > 0 {
		p.ScanHref = kit.In(c, "/scans/new?service="+v.Slug)
	}
	for i := range visits {
		x, err := visit(c, rules, v.Slug, &visits[i])
		if err != nil {
			return err
		}
		x.Environment = names[visits[i].EnvironmentID]
		if may && visits[i].Own() && visits[i].Target != "" {
			x.ScanHref = kit.In(c, "/scans/new?service="+v.Slug+"&endpoint="+url.QueryEscape(visits[i].Address))
		}
		p.Visits = append(p.Visits, x)
	}
	for _, w := range waiting {
		p.Waiting = append(p.Waiting, view.Waiting{Address: w.Address, Environment: names[w.EnvironmentID], Why: w.Why()})
	}
	return kit.Render(c, http.StatusOK, view.One(p))
}

// visit is one visit for its card.
func visit(c echo.Context, rules *control.Ruleset, slug string, v *scan.Visit) (view.Visit, error) {
	var t probe.Target
	if err := json.Unmarshal([]byte(v.Report), &t); err != nil {
		return view.Visit{}, fmt.Errorf("read the visit of %s: %w", v.Address, err)
	}
	x := view.Visit{Address: v.Address, From: v.From(), At: v.VisitedAt, Reached: ui.Word{Text: "It answered", Tone: ui.OK}}
	if !v.Reached {
		x.Reached, x.Reason = ui.Word{Text: "Not reached", Tone: ui.Warn}, v.Reason
		if v.ReachedAt != nil {
			x.LastReached = *v.ReachedAt
		}
	}
	if v.RunID > 0 && kit.Can(c, access.Read, access.Scans) {
		x.RunHref = kit.In(c, fmt.Sprintf("/scans/%d", v.RunID))
	}
	x.Facts = append(tlsFacts(t.TLS, v.VisitedAt), httpFacts(t.HTTP)...)
	if t.TLS != nil {
		for _, s := range t.TLS.Ciphers {
			cipher := view.Cipher{Protocol: s.Protocol, Name: s.Name}
			if s.Weak {
				cipher.Weak = cmp.Or(s.Reason, "weak")
			}
			x.Ciphers = append(x.Ciphers, cipher)
		}
	}
	fillChecks(c, rules, slug, &x, t.Checks)
	return x, nil
}

// answers are how the outcomes are said, the worst first.
var answers = []struct {
	outcome probe.Outcome
	word    ui.Word
}{
	{probe.Fail, ui.Word{Text: "no", Tone: ui.Bad}},
	{probe.Unknown, ui.Word{Text: "unclear", Tone: ui.Unk}},
	{probe.Pass, ui.Word{Text: "yes", Tone: ui.OK}},
}

// maxChecks is how many checks of a visit are shown.
const maxChecks = 100

func fillChecks(c echo.Context, rules *control.Ruleset, slug string, x *view.Visit, checks []probe.Check) {
	quiet := map[string]bool{}
	for _, a := range answers {
		for _, k := range checks {
			if k.Outcome != a.outcome || len(x.Checks) == maxChecks {
				continue
			}
			row := view.Check{Control: k.Control, Title: k.Control, Word: a.word, Observed: k.Observed, Expected: k.Expected, Detail: k.Detail, Href: kit.In(c, "/services/"+slug+"/controls/"+url.PathEscape(k.Control))}
			if e, known := rules.Get(k.Control); known {
				row.Title = e.Title
				if clause, known := e.Clause(k.Clause); known {
					row.Part = " · " + clause.Words
				}
				if e.Subject == "workspace" {
					row.Href = kit.In(c, "/governance/"+e.ID)
				}
			}
			if name, operation := strings.CutPrefix(k.Part, "operation:"); operation {
				row.Part = " · " + name
			}
			x.Checks = append(x.Checks, row)
		}
	}
	for _, k := range checks {
		if k.Outcome == probe.NotApplicable {
			quiet[k.Control] = true
		}
	}
	var names []string
	for id := range quiet {
		names = append(names, id)
	}
	if len(names) > 0 {
		slices.Sort(names)
		x.Quiet = "Does not apply here: " + strings.Join(names, ", ") + "."
	}
	if n := len(checks); n > maxChecks {
		x.Quiet = strings.TrimSpace(fmt.Sprintf("The worst %d of %d checks are shown. %s", maxChecks, n, x.Quiet))
	}
}

func tlsFacts(t *probe.TLS, at time.Time) []view.Fact {
	if t == nil {
		return nil
	}
	old := slices.ContainsFunc(t.Offered, func(v string) bool { return v != "TLS1.2" && v != "TLS1.3" })
	list := []view.Fact{{Label: "Protocols", Text: strings.Join(t.Offered, ", "), Tone: tone(!old)}}
	if k := t.Certificate; k != nil {
		left := int(k.NotAfter.Sub(at).Hours() / 24)
		words := fmt.Sprintf("until %s, %s left", k.NotAfter.UTC().Format("2 January 2006"), ui.Plural(left, "day", "days"))
		if left < 0 {
			words = "expired on " + k.NotAfter.UTC().Format("2 January 2006")
		}
		list = append(list, view.Fact{Label: "Certificate", Text: strings.TrimSpace(cmp.Or(k.Subject, "without a name")), Tone: tone(k.ChainTrusted && k.NameMatches)},
			view.Fact{Label: "Issued by", Text: k.Issuer}, view.Fact{Label: "In date", Text: words, Tone: tone(left >= 0)}, view.Fact{Label: "Key", Text: k.Key})
		if k.Problem != "" {
			list = append(list, view.Fact{Label: "A browser says", Text: k.Problem})
		}
	}
	client := map[string]string{"required": "demanded", "requested": "asked for, not demanded", "none": "not asked for"}[t.ClientCertificate]
	list = append(list, view.Fact{Label: "Client certificate", Text: cmp.Or(client, "not known")})
	if t.Grade != "" {
		list = append(list, view.Fact{Label: "Grade", Text: t.Grade})
	}
	return list
}

func tone(good bool) ui.Tone {
	if good {
		return ui.OK
	}
	return ui.Bad
}

func httpFacts(t *probe.HTTP) []view.Fact {
	if t == nil {
		return nil
	}
	var list []view.Fact
	if t.Status > 0 {
		text := fmt.Sprintf("%d %s", t.Status, http.StatusText(t.Status))
		if t.RedirectsTo != "" {
			text += ", leads to " + t.RedirectsTo
		}
		list = append(list, view.Fact{Label: "Answers", Text: text})
	}
	if t.Server != "" {
		list = append(list, view.Fact{Label: "Calls itself", Text: t.Server})
	}
	if word := map[string]string{"yes": "are let in", "no": "are refused"}[t.Anonymous]; word != "" {
		list = append(list, view.Fact{Label: "Callers without credentials", Text: word, Tone: tone(t.Anonymous == "no")})
	}
	return list
}
