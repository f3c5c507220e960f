package overview

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	view "muster/views/overview"
)

// maxHits is how many services a search shows.
const maxHits = 30

func (h *Handlers) search(c echo.Context) error {
	p := view.Search{Page: kit.Page(c, "", "Search"), Text: strings.TrimSpace(c.QueryParam("q"))}
	if runes := []rune(p.Text); len(runes) > 200 {
		p.Text = string(runes[:200])
	}
	if err := kit.Require(c, access.Read, access.Inventory); err != nil {
		return err
	}
	if p.Text != "" {
		found, err := h.book.Search(kit.Ctx(c), kit.Of(c).Actor, p.Text)
		if err != nil {
			return err
		}
		sources, err := h.book.SourceNames(kit.Ctx(c), kit.Of(c).Actor, found)
		if err != nil {
			return err
		}
		p.More = len(found) > maxHits
		for i := range found[:min(len(found), maxHits)] {
			s := &found[i]
			icon := "box"
			if s.Kind == inventory.KindDatastore {
				icon = "db"
			}
			words := append(sources[s.ID], inventory.EncryptionPhrase(s.Encryption).Text)
			if s.Description != "" {
				words = append(words, s.Description)
			}
			p.Hits = append(p.Hits, view.Hit{Name: s.Name, Href: kit.In(c, "/services/"+s.Slug), Text: strings.Join(words, " · "), Icon: icon})
		}
		p.Hits = append(p.Hits, pages(c, p.Text)...)
	}
	return kit.Render(c, http.StatusOK, view.Results(p))
}

// pages are those of the side bar, and a few that no line leads to, whose name holds the text.
func pages(c echo.Context, text string) []view.Hit {
	var list []view.Hit
	add := func(label, href, icon, note string) {
		if strings.Contains(strings.ToLower(label), strings.ToLower(text)) {
			list = append(list, view.Hit{Name: label, Href: href, Text: note, Icon: icon})
		}
	}
	for _, n := range kit.Page(c, "", "").Nav {
		add(n.Label, n.Href, n.Icon, "Page")
	}
	if kit.Can(c, access.Write, access.Imports) {
		add("Import files", kit.In(c, "/imports/new"), "import", "Bring Kubernetes, Istio, Compose or OpenAPI files")
	}
	if kit.Can(c, access.Write, access.Inventory) {
		add("Add service", kit.In(c, "/services/new"), "plus", "One that no file names yet")
	}
	add("What the roles may do", kit.In(c, "/settings/roles"), "auth", "Page")
	add("Your account", "/account", "user", "Name, password, second factor, sessions")
	return list
}
