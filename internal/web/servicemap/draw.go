package servicemap

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"muster/internal/topology"
	view "muster/views/servicemap"
)

// sketch is what is drawn, before it has places.
type sketch struct {
	boxes []topology.Box
	lines []topology.Line
	nodes []int // of each box; -1 is the Internet
	looks []look
	at    map[int]int // box of each node
}

// look is how a line is shown.
type look struct{ class, marker, title string }

// internet is the number of the Internet among drawn nodes.
const internet = -1

// drawing draws the map, or its part around the focus.
func (s *scene) drawing() *view.Drawing {
	if len(s.drawn) == 0 {
		return nil
	}
	if s.teams && s.focus < 0 {
		return s.byTeam()
	}
	k := &sketch{at: map[int]int{}}
	if s.anyPublic() {
		k.box(internet, "", true)
	}
	for _, n := range slices.Sorted(slices.Values(s.drawn)) {
		k.box(n, s.band(n), false)
	}
	s.addLines(k)
	d := &view.Drawing{Label: "Map of " + s.Environment.Name + ". The table below says the same."}
	width, height, frames := topology.Arrange(k.boxes, k.lines)
	d.Width, d.Height = width, height
	for i, b := range k.boxes {
		d.Boxes = append(d.Boxes, s.viewBox(k.nodes[i], b.X, b.Y))
	}
	for i, l := range k.lines {
		d.Lines = append(d.Lines, view.Line{Path: l.Path, Class: k.looks[i].class, Marker: k.looks[i].marker, Title: k.looks[i].title})
	}
	s.addFrames(d, frames)
	return d
}

func (k *sketch) box(n int, band string, first bool) {
	k.at[n] = len(k.boxes)
	k.boxes = append(k.boxes, topology.Box{Band: band, First: first})
	k.nodes = append(k.nodes, n)
}

func (k *sketch) line(from, to int, l look) {
	a, known := k.at[from]
	b, also := k.at[to]
	if known && also && a != b {
		k.lines, k.looks = append(k.lines, topology.Line{From: a, To: b}), append(k.looks, l)
	}
}

func (s *scene) anyPublic() bool {
	return slices.ContainsFunc(s.drawn, func(n int) bool { return s.FromOutside(n).State != topology.Closed })
}

// band is what a node is framed with: its cluster or its Compose project.
func (s *scene) band(n int) string { return s.Band(n) }

// addLines adds the ways in, the calls that are known, what policies allow, and the steps of what is proven to fall.
func (s *scene) addLines(k *sketch) {
	for _, n := range slices.Sorted(slices.Values(s.drawn)) {
		if x := s.FromOutside(n); x.State != topology.Closed {
			k.line(internet, n, s.wayIn(n, &x))
		}
	}
	done := map[[2]int]bool{}
	for _, key := range s.Pairs() {
		if s.visible[key[0]] && s.visible[key[1]] {
			x := s.Arc(key[0], key[1])
			k.line(key[0], key[1], s.lookOf(&x))
			done[key] = true
		}
	}
	hops := make([]topology.Hop, 0, len(s.proven))
	for _, h := range s.proven {
		hops = append(hops, h)
	}
	slices.SortFunc(hops, func(x, y topology.Hop) int { return cmp.Or(x.Via-y.Via, x.Node-y.Node) })
	for _, h := range hops {
		if key := [2]int{h.Via, h.Node}; s.visible[h.Via] && s.visible[h.Node] && !done[key] {
			x := s.Arc(h.Via, h.Node)
			k.line(h.Via, h.Node, s.lookOf(&x))
		}
	}
}

func (s *scene) wayIn(n int, x *topology.Arc) look {
	title := "From the Internet to " + s.Nodes[n].Name + ": " + stateWords[x.State].Text
	switch {
	case s.focus >= 0:
		return look{"a-call", "call", title}
	case x.State == topology.Open:
		return look{"e-plain", "plain", title}
	case x.Application == topology.Refused:
		return look{"e-tls", "tls", title}
	}
	return look{"e-unk", "unk", title}
}

// lookOf shows a call by what protects it; around a focus by whether its fall leads along it.
func (s *scene) lookOf(x *topology.Arc) look {
	title := fmt.Sprintf("%s calls %s: %s, %s", s.Nodes[x.From].Name, s.Nodes[x.To].Name, protectionOf(x).Text, stateWords[x.State].Text)
	if !x.Known() {
		title = fmt.Sprintf("%s may call %s: %s; no call is known", s.Nodes[x.From].Name, s.Nodes[x.To].Name, stateWords[x.State].Text)
	}
	if s.focus >= 0 {
		_, begins := s.proven[x.From]
		if _, ends := s.proven[x.To]; ends && (begins || x.From == s.focus) && x.Proven() {
			if x.State == topology.Open {
				return look{"a-open", "open", title}
			}
			return look{"a-granted", "granted", title}
		}
		return look{"a-call", "call", title}
	}
	if !x.Known() {
		return look{"a-call", "call", title}
	}
	l := protectionLooks[x.Words]
	return look{l.class, l.marker, title}
}

var protectionLooks = map[string]look{
	"":                       {"e-unk", "unk", ""},
	topology.NotKnown:        {"e-unk", "unk", ""},
	topology.ProtectedMTLS:   {"e-mtls", "mtls", ""},
	topology.ProtectedToken:  {"e-tls", "tls", ""},
	topology.Unauthenticated: {"e-plain", "plain", ""},
}

// viewBox shows a node.
func (s *scene) viewBox(n int, x, y float64) view.Box {
	b := view.Box{X: x, Y: y, W: topology.BoxW, H: topology.BoxH}
	if n == internet {
		b.Name, b.Title, b.Sub, b.Class = "Internet", "The Internet", "anybody", "dim"
		return b
	}
	v := &s.Nodes[n]
	b.Name, b.Href = fit(v.Name, 19), s.on(v.Slug).href(s.base)
	b.Round = v.Kind == topology.KindDatastore
	b.Sub = fmt.Sprintf("tier %d, %s", v.Tier, exposure(v))
	b.Data = fit(strings.Join(s.Classes(n), ", "), 25)
	if v.Kind == topology.KindOutside {
		b.Sub, b.Data = "third party", ""
	} else if b.Data == "" {
		b.Data = "data not classified"
	}
	b.Title = v.Name + ", " + b.Sub + ", " + cmp.Or(strings.Join(s.Classes(n), ", "), "data not classified")
	if s.focus < 0 {
		return b
	}
	hop, sure := s.proven[n]
	_, may := s.maybe[n]
	switch {
	case n == s.focus:
		b.Class, b.State = "sel", "chosen"
	case sure:
		b.Class, b.Hop, b.State = "hit", fmt.Sprint(hop.Hop), fmt.Sprintf("falls at step %d", hop.Hop)
	case may:
		b.Class, b.May, b.State = "may", true, "may fall"
	default:
		b.Class = "dim"
	}
	return b
}

func exposure(v *topology.Node) string {
	if v.Kind == topology.KindDatastore && v.Exposure == "unknown" {
		return "datastore"
	}
	if v.Exposure == "unknown" {
		return "exposure unknown"
	}
	return v.Exposure
}

// fit cuts a name to what a box holds; the whole stands in its title.
func fit(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// addFrames draws one outline around each segment, and says what is unknown inside: never a line per pair.
func (s *scene) addFrames(d *view.Drawing, frames map[string]topology.Frame) {
	bands := make([]string, 0, len(frames))
	for band := range frames {
		bands = append(bands, band)
	}
	slices.Sort(bands)
	for _, band := range bands {
		f := frames[band]
		unknown, reached := s.unknownIn(band)
		label := strings.ToUpper(band[:1]) + band[1:]
		switch {
		case s.focus >= 0 && reached > 0:
			label += fmt.Sprintf(": %d more are possible, nobody has ruled them out", reached)
		case s.focus < 0 && unknown > 0:
			label += fmt.Sprintf(": %s unknown", counted(unknown, "arc is", "arcs are"))
		}
		d.Frames = append(d.Frames, view.Frame{X: f.X, Y: f.Y, W: f.W, H: f.H, Label: label, Unknown: unknown > 0})
	}
}

// unknownIn counts the unknown arcs into what stands in a band, and what of it the focus may reach and is not proven to.
func (s *scene) unknownIn(band string) (unknown, reached int) {
	into := s.UnknownInto()
	for _, n := range s.Ours() {
		if s.band(n) != band {
			continue
		}
		unknown += into(n)
		_, may := s.maybe[n]
		if _, sure := s.proven[n]; may && !sure {
			reached++
		}
	}
	return unknown, reached
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// byTeam draws one box per team, with what its services call of other teams'.
func (s *scene) byTeam() *view.Drawing {
	teams := map[string][]int{}
	for _, n := range s.Ours() {
		team := cmp.Or(s.Nodes[n].Team, "no team")
		teams[team] = append(teams[team], n)
	}
	names := make([]string, 0, len(teams))
	for name := range teams {
		names = append(names, name)
	}
	slices.Sort(names)
	boxes := make([]topology.Box, len(names))
	calls := map[[2]int]map[string]int{}
	for _, key := range s.Pairs() {
		from, to := cmp.Or(s.Nodes[key[0]].Team, "no team"), cmp.Or(s.Nodes[key[1]].Team, "no team")
		x := s.Arc(key[0], key[1])
		if from == to || !x.Known() || s.Nodes[key[1]].Kind == topology.KindOutside || s.Nodes[key[0]].Kind == topology.KindOutside {
			continue
		}
		k := [2]int{slices.Index(names, from), slices.Index(names, to)}
		if calls[k] == nil {
			calls[k] = map[string]int{}
		}
		calls[k][x.Words]++
	}
	var lines []topology.Line
	var looks []look
	for _, k := range sortedPairs(calls) {
		worst, total := "", 0
		for _, words := range []string{topology.ProtectedMTLS, topology.ProtectedToken, topology.NotKnown, topology.Unauthenticated} {
			if n := calls[k][words]; n > 0 {
				worst, total = words, total+n
			}
		}
		l := protectionLooks[worst]
		l.title = fmt.Sprintf("%s calls %s: %s, the weakest %s", names[k[0]], names[k[1]], counted(total, "call", "calls"), worst)
		lines, looks = append(lines, topology.Line{From: k[0], To: k[1]}), append(looks, l)
	}
	width, height, _ := topology.Arrange(boxes, lines)
	d := &view.Drawing{Width: width, Height: height, Label: "Map of " + s.Environment.Name + " by team. The table below says the same."}
	for i, name := range names {
		worst := 3
		var bits []string
		for _, n := range teams[name] {
			worst = min(worst, s.Nodes[n].Tier)
			for _, c := range s.Classes(n) {
				if topology.Sensitive(c) && !slices.Contains(bits, c) {
					bits = append(bits, c)
				}
			}
		}
		b := view.Box{X: boxes[i].X, Y: boxes[i].Y, W: topology.BoxW, H: topology.BoxH, Name: fit(name, 19), Sub: fmt.Sprintf("%s, tier %d at best", counted(len(teams[name]), "service", "services"), worst), Data: fit(strings.Join(bits, ", "), 25)}
		b.Title = name + ", " + b.Sub
		d.Boxes = append(d.Boxes, b)
	}
	for i, l := range lines {
		d.Lines = append(d.Lines, view.Line{Path: l.Path, Class: looks[i].class, Marker: looks[i].marker, Title: looks[i].title})
	}
	return d
}

func sortedPairs[V any](m map[[2]int]V) [][2]int {
	keys := make([][2]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y [2]int) int { return cmp.Or(x[0]-y[0], x[1]-y[1]) })
	return keys
}

// The measures of the drawing for narrow screens.
const (
	phoneW    = 340.0
	phoneStep = 74.0
	mostAbove = 4
	mostBelow = 6
)

// phone draws the focus between who calls it and what falls with it, one below the other.
func (s *scene) phone() (*view.Drawing, string) {
	if s.focus < 0 {
		return nil, ""
	}
	var above, below []int
	for _, key := range s.Pairs() {
		if key[1] == s.focus {
			above = append(above, key[0])
		}
	}
	next := append([]topology.Hop{}, s.Reached(s.focus, false)...)
	for _, h := range next {
		if h.Hop == 1 {
			below = append(below, h.Node)
		}
	}
	for _, key := range s.Pairs() {
		if key[0] == s.focus && !slices.Contains(below, key[1]) {
			below = append(below, key[1])
		}
	}
	left := max(0, len(above)-mostAbove) + max(0, len(below)-mostBelow)
	above, below = above[:min(len(above), mostAbove)], below[:min(len(below), mostBelow)]
	d := &view.Drawing{Width: phoneW, Phone: true, Label: s.Nodes[s.focus].Name + " between its callers and what it reaches. The table below says the same."}
	y := 12.0
	y = s.rows(d, above, y)
	mid := view.Box{}
	mid = s.viewBox(s.focus, (phoneW-topology.BoxW)/2, y)
	for _, n := range above {
		x := s.Arc(n, s.focus)
		l := s.lookOf(&x)
		b := find(d, s.Nodes[n].Slug, s)
		d.Lines = append(d.Lines, view.Line{Path: fmt.Sprintf("M%.0f %.0fL%.0f %.0f", b.X+b.W/2, b.Y+b.H, mid.X+mid.W/2, mid.Y-7), Class: l.class, Marker: l.marker, Title: l.title})
	}
	d.Boxes = append(d.Boxes, mid)
	y = s.rows(d, below, y+phoneStep+14)
	for _, n := range below {
		x := s.Arc(s.focus, n)
		l := s.lookOf(&x)
		b := find(d, s.Nodes[n].Slug, s)
		d.Lines = append(d.Lines, view.Line{Path: fmt.Sprintf("M%.0f %.0fL%.0f %.0f", mid.X+mid.W/2, mid.Y+mid.H, b.X+b.W/2, b.Y-7), Class: l.class, Marker: l.marker, Title: l.title})
	}
	d.Height = y
	more := ""
	if left > 0 {
		more = fmt.Sprintf("%s not drawn here; the table lists them.", counted(left, "neighbour is", "neighbours are"))
	}
	return d, more
}

// rows puts boxes in rows of two.
func (s *scene) rows(d *view.Drawing, nodes []int, y float64) float64 {
	for i, n := range nodes {
		x := 10.0
		switch {
		case i == len(nodes)-1 && i%2 == 0:
			x = (phoneW - topology.BoxW) / 2
		case i%2 == 1:
			x = phoneW - topology.BoxW - 10
		}
		d.Boxes = append(d.Boxes, s.viewBox(n, x, y+float64(i/2)*phoneStep))
	}
	if len(nodes) == 0 {
		return y
	}
	return y + float64((len(nodes)+1)/2)*phoneStep + 14
}

func find(d *view.Drawing, slug string, s *scene) *view.Box {
	href := s.on(slug).href(s.base)
	for i := range d.Boxes {
		if d.Boxes[i].Href == href {
			return &d.Boxes[i]
		}
	}
	return &d.Boxes[0]
}

// sheet are the colours of a drawing that stands alone.
const sheet = `<style>.sr-t{display:none}text{font-family:system-ui,sans-serif;font-size:12.5px;fill:#11151c}text.s,.lane-t,.seg-l text{font-size:10.5px;fill:#454d5b}.node rect.b{fill:#fff;stroke:#c9d0da}.node.sel rect.b{stroke:#3d4ee0;stroke-width:2;fill:#eef0ff}.node.hit rect.b{stroke:#8c0d49;fill:#fdeef5}.node.dim text{fill:#5f6878}.hop circle{fill:#8c0d49}.hop text{fill:#fff;text-anchor:middle;font-size:10.5px}.mayb circle{fill:#fff;stroke:#8a93a1}.mayb text{text-anchor:middle;font-size:10.5px}.edge{fill:none;stroke-width:1.6}.e-mtls{stroke:#0a7568}.e-tls{stroke:#2b78dd}.e-plain{stroke:#d5402c;stroke-dasharray:7 4;stroke-width:2}.e-unk{stroke:#8a93a1;stroke-dasharray:1.5 4.5;stroke-linecap:round;stroke-width:2}.a-open{stroke:#d5402c;stroke-width:2.8}.a-granted{stroke:#2b78dd;stroke-width:2.2}.a-call{stroke:#c9d0da;stroke-width:1.4}.seg-may{fill:none;stroke:#8a93a1;stroke-dasharray:6 5}.seg-may.known{stroke-dasharray:none;stroke:#c9d0da}.seg-l rect{fill:#fff}.h-open,.m-plain{fill:#d5402c}.h-granted,.m-tls{fill:#2b78dd}.h-call,.m-unk{fill:#8a93a1}.m-mtls{fill:#0a7568}</style>`

// standalone renders a drawing as a file of its own.
func standalone(ctx context.Context, d *view.Drawing) ([]byte, error) {
	var b bytes.Buffer
	if err := view.Picture(d).Render(ctx, &b); err != nil {
		return nil, err
	}
	head, rest, _ := bytes.Cut(b.Bytes(), []byte("<defs>"))
	return slices.Concat([]byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"), head, []byte(sheet), []byte("<defs>"), rest), nil
}
