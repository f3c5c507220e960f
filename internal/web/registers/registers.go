// Package registers serves the pages of the lists that people keep.
package registers

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/control"
	"muster/internal/evidence"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/web/kit"
	view "muster/views/registers"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	posture *posture.Service
	ledger  *evidence.Ledger
	book    *inventory.Book
}

// New makes the handlers.
func New(p *posture.Service, ledger *evidence.Ledger, book *inventory.Book) *Handlers {
	return &Handlers{posture: p, ledger: ledger, book: book}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/registers", h.list)
	g.GET("/registers/:id", h.show)
	g.POST("/registers/:id", h.enter)
	g.POST("/registers/:id/:entry/strike", h.strike)
}

// sights are the services that the person is limited to; nil is no limit.
func sights(c echo.Context) []int64 {
	ids, limited := inventory.VisibleIDs(kit.Ctx(c))
	if limited && ids == nil {
		return []int64{}
	}
	return ids
}

// hidden reports whether a register is not for somebody who is limited to some services.
func hidden(c echo.Context, r *evidence.Register) bool { return r.Workspace && sights(c) != nil }

func (h *Handlers) list(c echo.Context) error {
	rules, err := h.posture.Ruleset(kit.Ctx(c))
	if err != nil {
		return err
	}
	l := view.List{Page: kit.Page(c, "registers", "Registers")}
	now := kit.Of(c).Now
	for _, r := range evidence.Registers() {
		if hidden(c, &r) {
			continue
		}
		rows, err := h.ledger.Entries(kit.Ctx(c), kit.Of(c).Actor, r.ID, sights(c))
		if err != nil {
			return err
		}
		late := 0
		for i := range rows {
			if rows[i].DueAt != nil && !rows[i].DueAt.After(now) {
				late++
			}
		}
		k := view.Card{Title: r.Title, Lead: r.Lead, Href: kit.In(c, "/registers/"+r.ID), Entries: ui.Plural(len(rows), "entry", "entries"), Action: "Open the register"}
		k.Control, k.Feeds, k.FeedsHref = r.Control, feeds(rules, r.Control), controlHref(c, &r)
		if late > 0 {
			k.Late = fmt.Sprintf("%d past due", late)
		}
		l.Cards = append(l.Cards, k)
	}
	facts, err := h.book.List(kit.Ctx(c), kit.Of(c).Actor, inventory.Filter{Unconfirmed: true})
	if err != nil {
		return err
	}
	l.Cards = append(l.Cards, view.Card{Title: "Owner, tier, exposure and data", Lead: "Who owns a service, how much depends on it, who can reach it and what data it holds. They decide what applies to a service and what weighs most.",
		Href: kit.In(c, "/services?unconfirmed=1"), Entries: unconfirmed(facts.Total), Feeds: "Decides which controls apply, and how much each service weighs.", Action: "Confirm what is known"})
	return kit.Render(c, http.StatusOK, view.Index(l))
}

func unconfirmed(n int64) string {
	if n == 0 {
		return "all confirmed"
	}
	return fmt.Sprintf("%d not confirmed by a person", n)
}

func feeds(rules *control.Ruleset, id string) string {
	if e, known := rules.Get(id); known {
		return e.Statement
	}
	return "a control that is no longer known"
}

func controlHref(c echo.Context, r *evidence.Register) string {
	if r.Workspace {
		return kit.In(c, "/governance/"+r.Control)
	}
	return kit.In(c, "/controls/"+r.Control)
}

// register finds the register of the address.
func register(c echo.Context) (*evidence.Register, error) {
	r, known := evidence.RegisterOf(c.Param("id"))
	if !known || hidden(c, r) {
		return nil, echo.ErrNotFound
	}
	return r, nil
}

// due marks a day that is near or past.
func due(at *time.Time, now time.Time) ui.Word {
	if at == nil {
		return ui.Word{}
	}
	days := int(at.Sub(now).Hours() / 24)
	switch {
	case !at.After(now):
		return ui.Word{Text: "Past due", Tone: ui.Bad}
	case days < 1:
		return ui.Word{Text: "Due within a day", Tone: ui.Bad}
	case days <= 30:
		return ui.Word{Text: "Due in " + ui.Plural(days, "day", "days"), Tone: ui.Warn}
	}
	return ui.Word{}
}

// chosen keeps the entries whose name or service holds a text, what is due first in front.
func chosen(rows []evidence.Entry, names map[int64]inventory.Service, text string) []evidence.Entry {
	text = strings.ToLower(text)
	rows = slices.DeleteFunc(slices.Clone(rows), func(e evidence.Entry) bool {
		return !strings.Contains(strings.ToLower(e.Name), text) && !strings.Contains(strings.ToLower(names[e.ServiceID].Name), text)
	})
	slices.SortStableFunc(rows, func(x, y evidence.Entry) int {
		switch {
		case x.DueAt == nil && y.DueAt == nil:
			return cmp.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name))
		case x.DueAt == nil:
			return 1
		case y.DueAt == nil:
			return -1
		}
		return x.DueAt.Compare(*y.DueAt)
	})
	return rows
}
