// Package servicemap serves the map: who can reach whom, and what falls if one service falls.
package servicemap

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/posture"
	"muster/internal/topology"
	"muster/internal/web/kit"
	view "muster/views/servicemap"
	"muster/views/ui"
)

// Handlers serve the pages.
type Handlers struct {
	maps    *topology.Service
	posture *posture.Service
}

// New makes the handlers.
func New(maps *topology.Service, p *posture.Service) *Handlers {
	return &Handlers{maps: maps, posture: p}
}

// Routes registers the pages under a workspace.
func (h *Handlers) Routes(g *echo.Group) {
	g.GET("/map", h.show)
	g.GET("/map.svg", h.export)
	g.GET("/map/arcs", h.arcs)
}

// asked is what the address asks for.
type asked struct {
	environment, focus string
	depth              int // 0 is all
	teams              bool
	page               int
	protect            string
	with               topology.Protection
}

func read(c echo.Context) asked {
	a := asked{environment: c.QueryParam("environment"), focus: c.QueryParam("focus"), depth: min(max(kit.Number(c.QueryParam("depth")), 0), deepest), teams: c.QueryParam("view") == "teams", page: max(1, kit.Number(c.QueryParam("page"))),
		protect: c.QueryParam("protect"), with: topology.Protection(c.QueryParam("with"))}
	return a
}

// deepest is how many steps around a service can be chosen.
const deepest = 3

// href is the map's address with what is asked for.
func (a asked) href(path string) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("environment", a.environment)
	set("focus", a.focus)
	if a.depth > 0 {
		q.Set("depth", strconv.Itoa(a.depth))
	}
	if a.teams {
		q.Set("view", "teams")
	}
	if a.page > 1 {
		q.Set("page", strconv.Itoa(a.page))
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// on is the same question about another service.
func (a asked) on(slug string) asked {
	a.focus, a.page, a.teams = slug, 1, false
	return a
}

// scene is one map and the service in its middle.
type scene struct {
	*topology.Picture
	asked
	c       echo.Context
	focus   int // -1 is none
	base    string
	drawn   []int
	proven  map[int]topology.Hop // what the focus reaches
	maybe   map[int]topology.Hop
	visible map[int]bool
}

func (h *Handlers) scene(c echo.Context) (*scene, error) {
	s := &scene{asked: read(c), c: c, focus: -1, base: kit.In(c, "/map"), proven: map[int]topology.Hop{}, maybe: map[int]topology.Hop{}, visible: map[int]bool{}}
	var err error
	if s.Picture, err = h.maps.Picture(kit.Ctx(c), kit.Of(c).Actor, s.environment); err != nil {
		return nil, err
	}
	if s.asked.focus != "" {
		n, found := s.Find(s.asked.focus)
		if !found {
			return nil, fault.Missing("service")
		}
		s.focus = n
		for _, hop := range s.Reached(n, true) {
			s.maybe[hop.Node] = hop
		}
		for _, hop := range s.Reached(n, false) {
			s.proven[hop.Node] = hop
		}
	}
	s.choose()
	return s, nil
}

// mostDrawn is how many services a drawing holds before it says nothing any more.
const mostDrawn = 150

// choose says which nodes are drawn: all, or those within the asked steps of the focus.
func (s *scene) choose() {
	switch {
	case s.focus < 0:
		for n := range s.Nodes {
			s.drawn = append(s.drawn, n)
		}
	default:
		depth := s.depth
		if depth == 0 && len(s.Nodes) > mostDrawn {
			depth = 2
		}
		s.drawn = s.around(depth)
	}
	if len(s.drawn) > mostDrawn && !s.teams {
		if s.focus < 0 {
			s.drawn = nil
		} else {
			s.drawn = s.drawn[:mostDrawn]
		}
	}
	for _, n := range s.drawn {
		s.visible[n] = true
	}
}

// around lists the nodes within some steps of the focus, along calls in either direction and along what its fall reaches.
func (s *scene) around(depth int) []int {
	distance := map[int]int{s.focus: 0}
	queue := []int{s.focus}
	next := map[int][]int{}
	for _, c := range s.Calls {
		next[c.From], next[c.To] = append(next[c.From], c.To), append(next[c.To], c.From)
	}
	for _, hop := range s.proven {
		next[hop.Via] = append(next[hop.Via], hop.Node)
	}
	for i := 0; i < len(queue); i++ {
		for _, m := range next[queue[i]] {
			if _, seen := distance[m]; !seen {
				distance[m] = distance[queue[i]] + 1
				queue = append(queue, m)
			}
		}
	}
	var list []int
	for _, n := range queue {
		if depth == 0 || distance[n] <= depth {
			list = append(list, n)
		}
	}
	if depth == 0 {
		for n := range s.Nodes {
			if _, seen := distance[n]; !seen {
				list = append(list, n)
			}
		}
	}
	return list
}

func (h *Handlers) show(c echo.Context) error {
	s, err := h.scene(c)
	if err != nil {
		return err
	}
	m := s.page()
	if s.protect != "" {
		if m.What, err = h.whatIf(c, s); err != nil {
			return err
		}
	}
	return kit.Render(c, http.StatusOK, view.Index(m))
}

// export gives the drawing as a file that stands alone: it carries its own colours, those of the light theme.
func (h *Handlers) export(c echo.Context) error {
	s, err := h.scene(c)
	if err != nil {
		return err
	}
	d := s.drawing()
	if d == nil {
		return fault.Missing("drawing")
	}
	for i := range d.Boxes {
		d.Boxes[i].Href = ""
	}
	file, err := standalone(c.Request().Context(), d)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="map.svg"`)
	return c.Blob(http.StatusOK, "image/svg+xml", file)
}

// arcs gives the file that a prober inside a segment reads.
func (h *Handlers) arcs(c echo.Context) error {
	s, err := h.scene(c)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.Segments, func(x topology.Segment) bool {
		return x.Key == c.QueryParam("segment") || c.QueryParam("segment") == ""
	})
	if i < 0 {
		return fault.Missing("segment")
	}
	from := -1
	if slug := c.QueryParam("from"); slug != "" {
		var found bool
		if from, found = s.Find(slug); !found {
			return fault.Missing("service")
		}
	}
	f := s.Wanted(i, from)
	f.Environment = s.Environment.Slug
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="arcs.json"`)
	return c.JSONPretty(http.StatusOK, f, "  ")
}

var protectionWords = map[topology.Protection]string{
	topology.OnlyKnownCallers: "Admit only known callers",
	topology.StrictMTLS:       "Demand mutual TLS",
	topology.DemandToken:      "Refuse callers without credentials",
}

func protections(chosen topology.Protection) []ui.Option {
	var list []ui.Option
	for _, p := range topology.Protections() {
		list = append(list, ui.Option{Value: string(p), Label: protectionWords[p], Chosen: p == chosen})
	}
	return list
}

// whatIf evaluates a protection. It is for those who may see scores; others see the map alone.
func (h *Handlers) whatIf(c echo.Context, s *scene) (*view.What, error) {
	if !kit.Can(c, access.Read, access.Posture) || !s.Environment.Production {
		return &view.What{Error: "This can be tried on the map of production."}, nil
	}
	if !s.with.Valid() {
		return &view.What{Error: "Choose a protection of the list."}, nil
	}
	x, err := h.posture.WhatIf(kit.Ctx(c), kit.Of(c).Actor, s.Picture, s.protect, s.with)
	if err != nil {
		return nil, err
	}
	name := x.Before.Nodes[x.Node].Name
	w := &view.What{Words: protectionWords[s.with] + ": " + name}
	span := func(a *topology.Atlas, n int) string {
		r := a.Radius(n)
		return fmt.Sprintf("at least %d, at most %d", r.Proven.Count, r.Possible.Count)
	}
	if s.focus >= 0 {
		if n, found := x.Before.Find(s.asked.focus); found {
			w.Rows = append(w.Rows, view.Versus{Label: "What falls with " + s.Nodes[s.focus].Name, Before: span(x.Before, n), After: span(x.After, n)})
		}
	}
	w.Rows = append(w.Rows,
		view.Versus{Label: "Pairs of a service and what falls with it", Before: fmt.Sprintf("%d proven, %d possible", x.ProvenPairs, x.PossiblePairs), After: fmt.Sprintf("%d proven, %d possible", x.ProvenAfter, x.PossibleThen)},
		view.Versus{Label: "Services that fail what the map judges", Before: strconv.Itoa(x.Failing), After: strconv.Itoa(x.FailingAfter)},
		view.Versus{Label: "Score of " + name, Before: shown(x.Own), After: shown(x.OwnAfter)})
	if x.Judged {
		w.Rows = append(w.Rows, view.Versus{Label: "Score of the workspace", Before: shown(x.Whole), After: shown(x.WholeAfter)})
	}
	w.Lost = lost(x)
	return w, nil
}

// lost says what the protection would break.
func lost(x *posture.WhatIf) string {
	if len(x.Lost) == 0 {
		return "Known callers lost: none. The score assumes that " + x.Control + " then is proven on it."
	}
	names := ""
	for i, n := range x.Lost {
		if i > 0 {
			names += ", "
		}
		names += x.Before.Nodes[n].Name
	}
	return fmt.Sprintf("Known callers lost: %d (%s). They would have to be let in first.", len(x.Lost), names)
}

func shown(r posture.Result) string {
	if !r.Judged {
		return "–"
	}
	return strconv.FormatFloat(r.Score, 'f', 1, 64)
}
