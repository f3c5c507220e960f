package scoring

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/web/kit"
	view "muster/views/scoring"
)

// example is a control that works as it stands, to start from.
const example = `controls:
- id: ACME-1
  title: Payments are compared with the bank
  statement: What was paid is compared with the bank's account every day.
  subject: service
  domain: gov
  age: 30
  weight: 4
  applies: "'payment' in data"
  clauses:
  - id: daily
    words: is compared with the bank every day
  - id: alarmed
    words: a difference raises an alarm
  sources:
  - {kind: push, proves: true, refutes: true, clauses: [daily]}
  why: A difference that nobody sees is money that is gone.
  fix:
  - Write a job that compares both, and push its result to Muster.
  mappings:
  - {framework: mvsp-3.0, requirement: "2.7", strength: supports}
`

func (h *Handlers) newForm(c echo.Context) error {
	return h.newPage(c, http.StatusOK, url.Values{"definition": {example}}, nil)
}

func (h *Handlers) newPage(c echo.Context, status int, values url.Values, failure error) error {
	if err := kit.Require(c, access.Write, access.Scoring); err != nil {
		return err
	}
	f, ok := formOf(kit.In(c, "/settings/scoring/new"), values, failure)
	if !ok {
		return failure
	}
	p := view.New{Page: kit.Page(c, "settings", "Add your own control", crumbs(c)...), Form: f, Flags: strings.Join(control.Flags(), ", ")}
	return kit.Render(c, status, view.Add(p))
}

// create adds a control of the workspace's own.
func (h *Handlers) create(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	id, err := h.posture.AddOwn(kit.Ctx(c), kit.Of(c).Actor, values.Get("definition"), values.Get("reason"))
	if err != nil {
		return h.newPage(c, kit.Status(err), values, err)
	}
	return kit.Done(c, "/settings/scoring/"+id, id+" is added. The trend shows it as a change of scope.")
}
