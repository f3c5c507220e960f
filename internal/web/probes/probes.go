// Package probes serves what probes saw of a service, and starts scans.
package probes

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/scan"
	"muster/internal/web/kit"
	"muster/views/layout"
	view "muster/views/probes"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	scans   *scan.Service
	book    *inventory.Book
	posture *posture.Service
}

// New makes the handlers.
func New(s *scan.Service, book *inventory.Book, p *posture.Service) *Handlers {
	return &Handlers{scans: s, book: book, posture: p}
}

// Routes registers the pages; upload is what the route passes that takes a file.
func (h *Handlers) Routes(g *echo.Group, upload echo.MiddlewareFunc) {
	g.GET("/services/:slug/probes", h.service)
	g.GET("/scans/new", h.newScan)
	g.POST("/scans/new", h.start)
	g.GET("/scans/report", h.elsewhere)
	g.POST("/scans/report", h.bring, upload)
}

// newScan shows the form; the address says what is scanned.
func (h *Handlers) newScan(c echo.Context) error {
	return h.scanPage(c, http.StatusOK, scan.Scope{Service: c.QueryParam("service"), Endpoint: c.QueryParam("endpoint"), Control: c.QueryParam("control")}, "0", nil)
}

func (h *Handlers) scanPage(c echo.Context, status int, scope scan.Scope, burst string, failure error) error {
	if err := kit.Require(c, access.Write, access.Scans); err != nil {
		return err
	}
	p := view.Scan{Page: kit.Page(c, "scans", "Scan now", layout.Crumb{Label: "Scans", Href: kit.In(c, "/scans")}), Action: kit.In(c, "/scans/new"), Cancel: kit.In(c, "/scans"),
		Lead: "A probe visits the addresses of services as a stranger would, and what it sees becomes evidence.", Values: map[string]string{"burst": burst, "ports": mark(scope.Ports), "malformed": mark(scope.Malformed), "unsafe": mark(scope.Unsafe)}}
	if failure != nil {
		var ok bool
		if p.Message, p.Errors, p.Problems, ok = kit.Invalid(failure, "service", "ports", "burst"); !ok {
			return failure
		}
	}
	if err := h.fix(c, &p, scope); err != nil {
		return err
	}
	return kit.Render(c, status, view.New(p))
}

func mark(on bool) string {
	if on {
		return "1"
	}
	return ""
}

// fix settles what the address chose already, and offers the rest.
func (h *Handlers) fix(c echo.Context, p *view.Scan, scope scan.Scope) error {
	if scope.Control != "" {
		rules, err := h.posture.Ruleset(kit.Ctx(c))
		if err != nil {
			return err
		}
		e, known := rules.Get(scope.Control)
		if !known {
			return fault.Missing("control")
		}
		p.Control, p.ControlTitle, p.Cancel = e.ID, e.ID+" "+e.Title+", on every service that it applies to", kit.In(c, "/controls/"+e.ID)
	}
	if scope.Service != "" {
		v, err := h.book.Get(kit.Ctx(c), kit.Of(c).Actor, scope.Service)
		if err != nil {
			return err
		}
		p.Service, p.ServiceName, p.Endpoint, p.Cancel = v.Slug, v.Name, scope.Endpoint, kit.In(c, "/services/"+v.Slug+"/probes")
		return nil
	}
	roster, err := h.book.Roster(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	p.Services = append(p.Services, ui.Option{Label: "Every service"})
	for i := range roster {
		p.Services = append(p.Services, ui.Option{Value: roster[i].Slug, Label: roster[i].Name})
	}
	return nil
}

// start asks for the scan and leads to its run.
func (h *Handlers) start(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	burst := strings.TrimSpace(values.Get("burst"))
	scope := scan.Scope{Service: values.Get("service"), Endpoint: values.Get("endpoint"), Control: values.Get("control"),
		Options: scan.Options{Ports: values.Get("ports") != "", Malformed: values.Get("malformed") != "", Unsafe: values.Get("unsafe") != ""}}
	if burst != "" {
		n, wrong := strconv.Atoi(burst)
		if wrong != nil {
			n = -1 // refused below, with the sentence of the field
		}
		scope.Burst = n
	}
	run, err := h.scans.Start(kit.Ctx(c), kit.Of(c).Actor, scope)
	if err != nil {
		if _, _, _, ok := kit.Invalid(err); !ok {
			return err
		}
		return h.scanPage(c, kit.Status(err), scope, burst, err)
	}
	return c.Redirect(http.StatusSeeOther, kit.In(c, fmt.Sprintf("/scans/%d", run.ID)))
}

// maxNamed is how many addresses without a service are named.
const maxNamed = 20

func (h *Handlers) elsewhere(c echo.Context) error { return h.uploadPage(c, http.StatusOK, nil, nil) }

func (h *Handlers) uploadPage(c echo.Context, status int, failure error, told *scan.Told) error {
	if err := kit.Require(c, access.Write, access.Imports); err != nil {
		return err
	}
	u := view.Upload{Page: kit.Page(c, "scans", "Report of a probe elsewhere", layout.Crumb{Label: "Scans", Href: kit.In(c, "/scans")}), Action: kit.In(c, "/scans/report"),
		Command: "muster probe --json --seen-from cluster --insecure-targets 10.0.0.0/8 https://pay:8443 > probe.json"}
	if failure != nil {
		var ok bool
		if u.Message, u.Errors, u.Problems, ok = kit.Invalid(failure, "file", "environment"); !ok {
			return failure
		}
		if u.Errors == nil {
			u.Errors = map[string]string{}
		}
	}
	environments, err := h.book.Environments(kit.Ctx(c), kit.Of(c).Actor)
	if err != nil {
		return err
	}
	for _, e := range environments {
		id := strconv.FormatInt(e.ID, 10)
		u.Environments = append(u.Environments, ui.Option{Value: id, Label: e.Name, Chosen: id == c.FormValue("environment")})
	}
	if told != nil {
		u.Result = &view.Result{From: told.SeenFrom, Sentence: told.Sentence(), Unmatched: told.Unmatched[:min(len(told.Unmatched), maxNamed)], More: max(0, len(told.Unmatched)-maxNamed), Contrary: told.Contrary[:min(len(told.Contrary), maxNamed)]}
		if told.Services > 0 {
			u.Result.Arcs = told.ArcSentence()
		}
	}
	return kit.Render(c, status, view.Elsewhere(u))
}

// bring takes the report as evidence.
func (h *Handlers) bring(c echo.Context) error {
	if err := kit.Require(c, access.Write, access.Imports); err != nil {
		return err
	}
	name, data, err := uploaded(c)
	if err == nil {
		err = h.hear(c, name, data)
		if err == nil {
			return nil
		}
	}
	return h.uploadPage(c, kit.Status(err), err, nil)
}

func (h *Handlers) hear(c echo.Context, name string, data []byte) error {
	report, err := scan.ReadReport(name, data)
	if err != nil {
		return field(err)
	}
	told, err := h.scans.Hear(kit.Ctx(c), kit.Of(c).Actor, report, scan.Hearing{Environment: kit.Number64(c.FormValue("environment"))})
	if err != nil {
		return field(err)
	}
	return h.uploadPage(c, http.StatusOK, nil, &told)
}

// field ties an expected failure to the file that it is about.
func field(err error) error {
	if f, expected := fault.As(err); expected && f.Kind == fault.Invalid && len(f.Fields) == 0 {
		return fault.Field("file", f.Message)
	}
	return err
}

// uploaded reads the one file of the form.
func uploaded(c echo.Context) (name string, data []byte, err error) {
	header, err := c.FormFile("file")
	if err != nil {
		return "", nil, fault.Field("file", "Choose the file that muster probe printed.")
	}
	data, err = kit.Content(header, scan.MaxReport+1)
	switch {
	case err != nil:
		return "", nil, fault.Field("file", "The upload was cut off or is too large. Send it again; nothing was stored.")
	case len(data) == 0:
		return "", nil, fault.Field("file", "The file is empty. Choose the file that muster probe printed.")
	}
	return header.Filename, data, nil
}
