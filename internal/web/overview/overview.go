// Package overview serves the pages that look at the whole workspace.
package overview

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/overview"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	book *inventory.Book
	log  *activity.Service
}

// New makes the handlers.
func New(book *inventory.Book, log *activity.Service) *Handlers {
	return &Handlers{book: book, log: log}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/inventory", h.overview)
	g.GET("/search", h.search)
	g.GET("/activity", h.activity)
}

func (h *Handlers) overview(c echo.Context) error {
	o, err := h.book.Overview(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	t := total(o.Groups)
	p := view.Overview{Page: kit.Page(c, "services", "At a glance", layout.Crumb{Label: "Services", Href: kit.In(c, "/services")}), MayImport: kit.Can(c, access.Write, access.Imports), Empty: t.all == 0}
	services := kit.In(c, "/services")
	p.Sentence = sentence(t, &o)
	p.Cells = []view.Cell{{N: t.all - t.stores, Label: "services", Href: services + "?kind=service"}, {N: t.stores, Label: "datastores", Href: services + "?kind=datastore"},
		{N: t.exposure[inventory.Public], Label: "reachable from outside", Href: services + "?exposure=public"}, {N: t.unconfirmed, Label: "not confirmed by a person", Href: services + "?unconfirmed=1"}, {N: int(o.Calls), Label: "known calls", Href: services + "?sort=-callers"}}
	bar := func(label string, n int, tone ui.Tone, query string) ui.Bar {
		b := ui.Bar{Label: label, N: n, Of: t.all, Tone: tone}
		if query != "" {
			b.Href = services + "?" + query
		}
		return b
	}
	for _, e := range []inventory.Exposure{inventory.Public, inventory.Partner, inventory.Internal, inventory.ExposureUnknown} {
		word := inventory.ExposurePhrase(e)
		p.Exposure = append(p.Exposure, bar(capital(strings.TrimPrefix(word.Text, "exposure ")), t.exposure[e], ui.Tone(word.Tone), "exposure="+string(e)))
	}
	for _, d := range append(inventory.DataClasses(), "none") {
		label, tone := capital(d), ui.Tone("done")
		if d == "none" {
			label, tone = "Not classified", ui.Unk
		}
		p.Data = append(p.Data, bar(label, t.data[d], tone, "data="+d))
	}
	for _, w := range []string{inventory.EncryptionMTLS, inventory.EncryptionTLS, inventory.EncryptionPermissive, inventory.EncryptionPlainEdge, inventory.EncryptionNone, inventory.EncryptionUnknown} {
		phrase := inventory.EncryptionPhrase(w)
		p.Proven = append(p.Proven, bar(phrase.Text, t.encryption[w], ui.Tone(phrase.Tone), "encryption="+w))
	}
	for _, w := range []string{inventory.AuthNamed, inventory.AuthToken, inventory.AuthMTLS, inventory.AuthDocumented, inventory.AuthPartly, inventory.AuthNone, inventory.AuthUnknown} {
		phrase := inventory.AuthenticationPhrase(w)
		p.Open = append(p.Open, bar(phrase.Text, t.authentication[w], ui.Tone(phrase.Tone), "authentication="+w))
	}
	for _, w := range []struct {
		key, label string
		tone       ui.Tone
	}{{"mtls", "Mutual TLS", ui.OK}, {"tls", "TLS", ui.OK}, {"none", "Plain text", ui.Bad}, {"unknown", "Not known", ui.Unk}} {
		p.Calls = append(p.Calls, ui.Bar{Label: w.label, N: o.Transports[w.key], Of: int(o.Calls), Tone: w.tone})
	}
	for _, rows := range []*[]ui.Bar{&p.Data, &p.Proven, &p.Open, &p.Calls} {
		*rows = slices.DeleteFunc(*rows, func(b ui.Bar) bool { return b.N == 0 }) // what there is none of needs no line
	}
	p.Steps = steps(t, &o, services)
	return kit.Render(c, http.StatusOK, view.Index(p))
}

func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// totals are the counts of the whole inventory.
type totals struct {
	all, stores, unconfirmed, unowned, publicUnclassified int
	exposure                                              map[inventory.Exposure]int
	data, encryption, authentication                      map[string]int
}

func total(groups []inventory.Group) *totals {
	t := &totals{exposure: map[inventory.Exposure]int{}, data: map[string]int{}, encryption: map[string]int{}, authentication: map[string]int{}}
	for _, g := range groups {
		t.all += g.N
		t.exposure[g.Exposure] += g.N
		t.encryption[g.Encryption] += g.N
		t.authentication[g.Authentication] += g.N
		classes := strings.Fields(g.DataClasses)
		if len(classes) == 0 {
			classes = []string{"none"}
		}
		for _, d := range classes {
			t.data[d] += g.N
		}
		if g.Kind == inventory.KindDatastore {
			t.stores += g.N
		}
		if !g.Confirmed {
			t.unconfirmed += g.N
		}
		if !g.Owned {
			t.unowned += g.N
		}
		if g.Exposure == inventory.Public && g.DataClasses == "" {
			t.publicUnclassified += g.N
		}
	}
	return t
}

// sentence is what a founder reads on the first day.
func sentence(t *totals, o *inventory.Overview) string {
	if t.all == 0 {
		return "Nothing yet."
	}
	known := t.all - t.encryption[inventory.EncryptionUnknown]
	return fmt.Sprintf("We know %s and %s. For %d of %d we know how calls are encrypted; for the rest the files prove nothing.",
		ui.Plural(t.all, "service or datastore", "services and datastores"), ui.Plural(int(o.Calls), "call between them", "calls between them"), known, t.all)
}

func steps(t *totals, o *inventory.Overview, services string) []view.Step {
	var list []view.Step
	add := func(n int, text, note, href, action string) {
		if n > 0 {
			list = append(list, view.Step{Text: text, Note: note, Href: services + href, Action: action})
		}
	}
	add(t.publicUnclassified, ui.Plural(t.publicUnclassified, "public service has", "public services have")+" no data class", "What they hold decides how critical they are.", "?exposure=public&data=none", "Classify")
	add(t.encryption[inventory.EncryptionNone]+t.encryption[inventory.EncryptionPlainEdge], ui.Plural(t.encryption[inventory.EncryptionNone]+t.encryption[inventory.EncryptionPlainEdge], "service accepts", "services accept")+" plain text", "The files show a way in without TLS, or mutual TLS switched off.", "?encryption="+plainWord(t), "Look")
	add(t.exposure[inventory.ExposureUnknown], ui.Plural(t.exposure[inventory.ExposureUnknown], "service has", "services have")+" an unknown exposure", "No way in was found in the files; only a person knows whether there is another.", "?exposure=unknown", "Decide")
	add(t.unowned, ui.Plural(t.unowned, "service has", "services have")+" no owner", "A weakness without an owner stays.", "?team=-1", "Assign")
	add(t.unconfirmed, ui.Plural(t.unconfirmed, "service is", "services are")+" not confirmed by a person", "Tier, exposure and data are guesses until somebody looks.", "?unconfirmed=1", "Confirm")
	add(int(o.Unresolved), ui.Plural(int(o.Unresolved), "name in the files matches", "names in the files match")+" no service", "They are outside services, or missing from the files.", "?sort=-callers", "Look")
	return list
}

func plainWord(t *totals) string {
	if t.encryption[inventory.EncryptionNone] > 0 {
		return inventory.EncryptionNone
	}
	return inventory.EncryptionPlainEdge
}
