package servicemap

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"muster/internal/topology"
	"muster/internal/web/kit"
	view "muster/views/servicemap"
	"muster/views/ui"
)

var stateWords = map[topology.State]ui.Word{
	topology.Open:     {Text: "open", Tone: ui.Bad},
	topology.Granted:  {Text: "granted", Tone: ui.Info},
	topology.Unproven: {Text: "unknown", Tone: ui.Unk},
	topology.Closed:   {Text: "closed", Tone: ui.OK},
}

// pageSize is how many arcs the table shows at once.
const pageSize = 50

// slowFrom is from how many services on choke points are looked for only around a focus.
const slowFrom = 2000

func (s *scene) page() view.Map {
	m := view.Map{Page: kit.Page(s.c, "map", "Map"), Action: s.base, Empty: len(s.Ours()) == 0, Protections: protections(s.with), Protect: s.protect, Title: "Who calls whom in " + s.Environment.Name}
	s.options(&m)
	m.Lead = s.lead()
	m.Note = s.note()
	if m.Empty {
		return m
	}
	m.Export = s.href(s.base + ".svg")
	m.Drawing = s.drawing()
	if s.focus >= 0 {
		m.Focus, m.FocusHref = s.Nodes[s.focus].Name, kit.In(s.c, "/services/"+s.Nodes[s.focus].Slug)
		m.Phone, m.More = s.phone()
		m.Strip = s.strip()
	} else {
		m.Reaches = s.reaches()
		if n, found := s.worst(); found {
			// A narrow screen cannot hold the whole; it shows the service whose fall spreads furthest.
			small := *s
			small.focus = n
			small.fall()
			m.Phone, m.More = small.phone()
			m.More = strings.TrimSpace("Shown is " + s.Nodes[n].Name + ", whose fall spreads furthest. " + m.More)
		}
	}
	if len(s.Ours()) <= slowFrom {
		s.chokes(&m)
	}
	s.table(&m)
	m.Segments = s.segments()
	return m
}

// fall looks up what the focus reaches.
func (s *scene) fall() {
	s.proven, s.maybe = map[int]topology.Hop{}, map[int]topology.Hop{}
	for _, hop := range s.Reached(s.focus, true) {
		s.maybe[hop.Node] = hop
	}
	for _, hop := range s.Reached(s.focus, false) {
		s.proven[hop.Node] = hop
	}
}

func (s *scene) worst() (int, bool) {
	best, found := topology.Radius{}, false
	for _, r := range s.Radii() {
		if s.visible[r.Node] && (!found || cmp.Or(r.Proven.Count-best.Proven.Count, r.Possible.Count-best.Possible.Count) > 0) {
			best, found = r, true
		}
	}
	return best.Node, found
}

func (s *scene) options(m *view.Map) {
	for _, e := range s.Environments {
		m.Environments = append(m.Environments, ui.Option{Value: e.Slug, Label: e.Name, Chosen: e.ID == s.Environment.ID})
	}
	m.Services = append(m.Services, ui.Option{Label: "No service chosen", Chosen: s.focus < 0})
	ours := slices.Clone(s.Ours())
	slices.SortStableFunc(ours, func(x, y int) int { return cmp.Compare(s.Nodes[x].Name, s.Nodes[y].Name) })
	for _, n := range ours {
		m.Services = append(m.Services, ui.Option{Value: s.Nodes[n].Slug, Label: s.Nodes[n].Name, Chosen: n == s.focus})
	}
	for d, label := range []string{"Everything", "1 step around", "2 steps around", "3 steps around"} {
		o := ui.Option{Label: label, Chosen: d == s.depth}
		if d > 0 {
			o.Value = strconv.Itoa(d)
		}
		m.Depths = append(m.Depths, o)
	}
	m.Views = []ui.Option{{Label: "By service", Chosen: !s.teams}, {Value: "teams", Label: "By team", Chosen: s.teams}}
}

func (s *scene) lead() string {
	if s.KnownCalls() == 0 {
		return counted(len(s.Ours()), "service", "services") + ". Nobody told us who calls whom."
	}
	return fmt.Sprintf("%s, %s known. From files, probes and what people say.", counted(len(s.Ours()), "service", "services"), counted(s.KnownCalls(), "call", "calls"))
}

func (s *scene) note() string {
	switch {
	case s.Limited:
		return "You see only some services. What lies outside your view is neither drawn nor counted."
	case len(s.Ours()) > 0 && len(s.drawn) == 0 && !s.teams:
		return fmt.Sprintf("%d services are too many for one drawing. Choose a service to see what lies around it, or draw by team.", len(s.Nodes))
	case s.focus >= 0 && len(s.drawn) == mostDrawn && len(s.Nodes) > mostDrawn:
		return fmt.Sprintf("Drawn are the %d nearest of %d services.", mostDrawn, len(s.Nodes))
	}
	return ""
}

func (s *scene) strip() *view.Strip {
	r, between := s.Radius(s.focus), s.Between(s.focus)
	p := &view.Strip{Proven: r.Proven.Count, Possible: r.Possible.Count, Others: len(s.Ours()) - 1, Unknown: between.Unknown, Classes: r.Possible.Classes}
	p.Sentence = fmt.Sprintf("At least %d, at most %d of %d; %s", p.Proven, p.Possible, p.Others, risk(r.Possible))
	if between.Unknown > 0 {
		p.Sentence += fmt.Sprintf("; %s between", counted(between.Unknown, "unknown arc stands", "unknown arcs stand"))
		if between.First >= 0 {
			p.Sentence += ": test " + s.Nodes[between.First].Name + " first"
		}
	}
	p.Sentence += "."
	if s.KnownCalls() == 0 {
		p.Sentence += " Nobody told us who calls whom."
	}
	if r.Possible.Unclassified > 0 {
		p.Unclassified = fmt.Sprintf("%d not classified", r.Possible.Unclassified)
	}
	s.hops(p)
	s.path(p)
	return p
}

// risk says which data is at risk. What nobody classified is not nothing.
func risk(r topology.Reach) string {
	words := strings.Join(r.Classes, ", ")
	switch {
	case r.Unclassified > 0 && words == "":
		return "data not classified"
	case r.Unclassified > 0:
		return fmt.Sprintf("%s, and %d not classified", words, r.Unclassified)
	case words == "":
		return "no sensitive data"
	}
	return words
}

// mostNamed is how many services one line names.
const mostNamed = 12

func (s *scene) hops(p *view.Strip) {
	for _, h := range s.Reached(s.focus, true) {
		sure, proven := s.proven[h.Node]
		if proven {
			h.Hop = sure.Hop
		}
		x := view.Hop{Name: s.Nodes[h.Node].Name, Href: s.on(s.Nodes[h.Node].Slug).href(s.base), Sure: proven}
		if h.Hop == 1 {
			p.Direct = append(p.Direct, x)
		} else {
			p.Later = append(p.Later, x)
		}
	}
	p.Direct, p.Later = p.Direct[:min(len(p.Direct), mostNamed)], p.Later[:min(len(p.Later), mostNamed)]
}

func (s *scene) path(p *view.Strip) {
	way, proven := s.WorstPath(s.focus)
	p.PathTitle = "Worst path, possible"
	if proven || len(way) == 0 {
		p.PathTitle = "Worst path, proven"
	}
	for i, n := range way {
		step := view.Step{N: strconv.Itoa(i), Name: s.Nodes[n].Name, Href: s.on(s.Nodes[n].Slug).href(s.base), First: i == 0, Note: fmt.Sprintf("tier %d, %s", s.Nodes[n].Tier, cmp.Or(strings.Join(s.Classes(n), ", "), "data not classified"))}
		if i > 0 {
			x := s.Arc(way[i-1], n)
			step.State, step.Note = stateWords[x.State], why(&x)+"; "+step.Note
		}
		p.Path = append(p.Path, step)
	}
}

// why says in words what an arc rests on.
func why(x *topology.Arc) string {
	switch {
	case x.Power != "":
		return x.Power
	case x.State == topology.Open:
		return "answers anyone there"
	case x.Contradicts:
		return "the files say closed, and it was seen"
	case x.Known():
		return "a known caller"
	case x.Named:
		return "a policy names the caller"
	case x.Shared != topology.Alone:
		return "shares a known caller's identity"
	case x.Conflict:
		return "declared, though a policy refuses it"
	}
	return "nobody has ruled it out"
}

// gain says what a change would take out of reach, and what it would break. A pair that falls for certain is one that
// may fall, too.
func gain(c *topology.Choke) string {
	words := fmt.Sprintf("%s fewer may fall", pairs(c.GainPossible))
	switch {
	case c.Change == topology.FindOut:
		words = "if it refuses, " + words
	case c.GainProven > 0:
		words += fmt.Sprintf(", %d of them for certain now", c.GainProven)
	}
	if c.Sensitive > 0 {
		words += fmt.Sprintf("; %d with sensitive data", c.Sensitive)
	}
	if c.CallersLost > 0 {
		words += fmt.Sprintf("; %d known callers would have to be let in first", c.CallersLost)
	}
	return words
}

func pairs(n int) string {
	if n == 1 {
		return "1 pair"
	}
	return fmt.Sprintf("%d pairs", n)
}

func (s *scene) chokes(m *view.Map) {
	list := s.Chokes()
	for _, c := range list.Best {
		x := view.Choke{Words: sentence(c.Words), Look: c.Change == topology.FindOut, Proven: c.GainProven, Maybe: c.GainPossible}
		x.Note = gain(&c)
		if len(c.Nodes) == 1 {
			x.Href = s.on(s.Nodes[c.Nodes[0]].Slug).href(s.base)
		}
		m.Chokes = append(m.Chokes, x)
	}
	if len(list.Best) > 0 {
		m.ChokesNote = "Counted are pairs of a service and what falls with it, over the whole environment."
		if !list.Exact {
			m.ChokesNote += fmt.Sprintf(" The best of %d tried.", list.Tried)
		}
	}
}

func sentence(words string) string { return strings.ToUpper(words[:1]) + words[1:] }

// reaches lists the services whose fall spreads furthest.
func (s *scene) reaches() []view.Reach {
	radii := s.Radii()
	slices.SortStableFunc(radii, func(x, y topology.Radius) int {
		return cmp.Or(y.Proven.Count-x.Proven.Count, y.Possible.Count-x.Possible.Count, cmp.Compare(s.Nodes[x.Node].Name, s.Nodes[y.Node].Name))
	})
	var list []view.Reach
	for _, r := range radii[:min(len(radii), mostDrawn)] {
		list = append(list, view.Reach{Name: s.Nodes[r.Node].Name, Href: s.on(s.Nodes[r.Node].Slug).href(s.base), Proven: r.Proven.Count, Possible: r.Possible.Count, Data: risk(r.Possible)})
	}
	return list
}

// table says in words what the drawing shows: around a focus every arc of its fall, else every call that is known of.
func (s *scene) table(m *view.Map) {
	var rows []view.Arc
	if s.focus >= 0 {
		m.RowsTitle, m.RowsNote = "The same in words", "What "+s.Nodes[s.focus].Name+" reaches, and why we think so"
		rows = s.fallRows()
	} else {
		m.RowsTitle, m.RowsNote = "The same in words", "Every call that somebody told us of, and what policies allow by name"
		for _, n := range s.Ours() {
			if x := s.FromOutside(n); x.State != topology.Closed {
				rows = append(rows, s.row(&x, "–"))
			}
		}
		for _, key := range s.Pairs() {
			x := s.Arc(key[0], key[1])
			rows = append(rows, s.row(&x, "–"))
		}
	}
	total := len(rows)
	of := max(1, (total+pageSize-1)/pageSize)
	page := min(s.asked.page, of)
	m.Pages = ui.Pages{Page: page, Of: of, Total: int64(total), What: "arcs"}
	if total == 1 {
		m.Pages.What = "arc"
	}
	turn := func(to int) string { a := s.asked; a.page = to; return a.href(s.base) }
	if page > 1 {
		m.Pages.Prev = turn(page - 1)
	}
	if page < of {
		m.Pages.Next = turn(page + 1)
	}
	m.Rows = rows[(page-1)*pageSize : min(total, page*pageSize)]
}

// fallRows are the last steps to everything that may fall, the proven ones first, and then what is closed.
func (s *scene) fallRows() []view.Arc {
	var rows []view.Arc
	for _, h := range s.Reached(s.focus, true) {
		if sure, proven := s.proven[h.Node]; proven {
			x := s.Arc(sure.Via, h.Node)
			rows = append(rows, s.row(&x, fmt.Sprintf("%d, proven", sure.Hop)))
		}
	}
	for _, h := range s.Reached(s.focus, true) {
		if _, proven := s.proven[h.Node]; !proven {
			x := s.Arc(h.Via, h.Node)
			rows = append(rows, s.row(&x, fmt.Sprintf("%d, possible", h.Hop)))
		}
	}
	for _, n := range s.Ours() {
		if _, may := s.maybe[n]; n != s.focus && !may {
			x := s.Arc(s.focus, n)
			rows = append(rows, s.row(&x, "–"))
		}
	}
	return rows
}

func (s *scene) row(x *topology.Arc, step string) view.Arc {
	r := view.Arc{From: "Internet", To: s.Nodes[x.To].Name, ToHref: s.on(s.Nodes[x.To].Slug).href(s.base), State: stateWords[x.State], Step: step, Protection: protectionOf(x), Known: s.known(x)}
	if x.From != topology.Internet {
		r.From, r.FromHref = s.Nodes[x.From].Name, s.on(s.Nodes[x.From].Slug).href(s.base)
	}
	mesh := map[string]string{"yes": "admits", "no": "refuses", "unknown": "unknown", "absent": "outside"}[x.MeshWord()]
	network := map[topology.Truth]string{topology.Yes: "open", topology.No: "closed", topology.Unknown: "unknown"}[x.Network]
	application := map[topology.Answer]string{topology.Anonymous: "answers anyone", topology.Refused: "asks for credentials", topology.Untested: "not tested"}[x.Application]
	r.Gates = fmt.Sprintf("%s, %s, %s", network, mesh, application)
	if s.Nodes[x.To].Kind == topology.KindOutside {
		r.Gates = "a third party"
	}
	if x.Skipped {
		r.Step = "the Internet may call it anyway"
	}
	return r
}

// protectionOf says what protects a call, in the words of the legend.
func protectionOf(x *topology.Arc) ui.Word {
	switch x.Words {
	case topology.ProtectedMTLS:
		return ui.Word{Text: "mutual TLS", Tone: ui.OK}
	case topology.ProtectedToken:
		return ui.Word{Text: "TLS and a token", Tone: ui.OK}
	case topology.Unauthenticated:
		return ui.Word{Text: "unauthenticated", Tone: ui.Bad}
	}
	if x.State == topology.Open {
		return ui.Word{Text: "unauthenticated", Tone: ui.Bad}
	}
	return ui.Word{Text: "unknown", Tone: ui.Unk}
}

func (s *scene) known(x *topology.Arc) string {
	var words []string
	switch x.Basis {
	case topology.Observed:
		words = append(words, "seen")
	case topology.Declared:
		words = append(words, "declared by "+cmp.Or(x.Source, "files"))
	case topology.Allowed:
		words = append(words, "allowed by a policy, no call known")
	}
	if x.Contradicts {
		words = append(words, "contradicted")
	}
	if x.Conflict {
		words = append(words, "a policy refuses it")
	}
	if x.Tested {
		words = append(words, "tested from inside")
	}
	if x.Power != "" && x.From != topology.Internet {
		words = append(words, s.Nodes[x.From].Name+" "+x.Power)
	}
	if x.Shared != topology.Alone && !x.Known() {
		words = append(words, "shares a known caller's identity")
	}
	if len(words) == 0 && x.Named {
		words = append(words, "named by a policy")
	}
	return cmp.Or(strings.Join(words, ", "), "–")
}

// mostSegments is how many segments the page offers to try.
const mostSegments = 20

// segments lists where arcs can be tried from inside.
func (s *scene) segments() []view.Segment {
	var list []view.Segment
	if len(s.Ours()) > 400 {
		return nil // counting pairs would take longer than the page may
	}
	for i := range s.Segments {
		g := &s.Segments[i]
		f := s.Wanted(i, -1)
		if len(f.Arcs) == 0 || len(list) == mostSegments {
			continue
		}
		x := view.Segment{Name: sentence(g.Name), Count: len(f.Arcs), Skipped: f.Skipped, Href: s.arcsHref(g.Key, "")}
		if s.focus >= 0 && len(s.Wanted(i, s.focus).Arcs) > 0 {
			x.OnlyName, x.OnlyHref = s.Nodes[s.focus].Name, s.arcsHref(g.Key, s.Nodes[s.focus].Slug)
		}
		if g.Cluster {
			x.ManifestTitle, x.Manifest = "A Kubernetes job that tries them", job(g, s.namespaceOf(i))
		} else {
			x.ManifestTitle, x.Manifest = "A Compose service that tries them", composeService(g)
		}
		list = append(list, x)
	}
	return list
}

func (s *scene) arcsHref(segment, from string) string {
	q := "?environment=" + s.Environment.Slug + "&segment=" + escape(segment)
	if from != "" {
		q += "&from=" + escape(from)
	}
	return s.base + "/arcs" + q
}
