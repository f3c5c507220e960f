package imports

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/jobs"
	"muster/internal/web/kit"
	view "muster/views/imports"
	"muster/views/ui"
)

// Attention is what of the imports needs a person, for the overview.
func (h *Handlers) Attention(c echo.Context) ([]kit.Notice, error) {
	if !kit.Can(c, access.Write, access.Imports) {
		return nil, nil
	}
	held, err := h.book.HeldImports(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return nil, err
	}
	list := make([]kit.Notice, 0, len(held))
	for i := range held {
		list = append(list, kit.Notice{Text: "An import waits for your word", Note: held[i].Held, Href: address(c, held[i].ID), When: ui.Ago(held[i].CreatedAt, kit.Of(c).Now), Bad: true})
	}
	return list, nil
}

func address(c echo.Context, id int64) string {
	return kit.In(c, "/imports/"+strconv.FormatInt(id, 10))
}

// weigh notes that an upload that would end much waits for a person, so that it is found again by who did not stay.
func (h *Handlers) weigh(c echo.Context, id int64) error {
	p, err := h.flow.Preview(kit.Ctx(c), kit.Of(c).Actor, id, intake.Choices{})
	if err != nil || !p.Plan.Held {
		return err
	}
	return h.flow.Hold(kit.Ctx(c), kit.Of(c).Actor, id, p.Plan.HeldWhy)
}

// start lets a run carry out a large import.
func (h *Handlers) start(c echo.Context, id int64, choices intake.Choices) error {
	if _, err := h.flow.Start(kit.Ctx(c), kit.Of(c).Actor, id, choices); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, address(c, id))
}

// underway shows an import that a run carries out; shown is false where none does. said is why the last one did not go through.
func (h *Handlers) underway(c echo.Context, i *inventory.Import, source *inventory.Source) (shown bool, said string, err error) {
	r, found, err := h.flow.Run(kit.Ctx(c), kit.Of(c).Actor, i)
	if err != nil || !found {
		return false, "", err
	}
	run := kit.In(c, fmt.Sprintf("/scans/%d", r.ID))
	if !r.State.Open() {
		switch r.State {
		case jobs.Canceled:
			said = "The import was canceled while it ran. Nothing was stored."
		case jobs.Dead:
			said = "The import did not go through, and nothing was stored. " + r.Failure
		}
		return false, said, nil
	}
	p := view.Underway{Page: kit.Page(c, "imports", "Import of "+source.Name, crumb(c)), Source: source.Name, Words: r.ProgressWords, Run: run, Events: run + "/events", Who: i.ActorName, At: i.CreatedAt}
	p.Page.Refresh = 5
	if kit.Can(c, access.Write, access.Scans) && !r.CancelRequested {
		p.Cancel = run + "/cancel"
	}
	return true, "", kit.Render(c, http.StatusOK, view.UnderwayPage(p))
}
