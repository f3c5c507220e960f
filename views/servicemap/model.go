// Package servicemap draws the map: who can reach whom, and what falls if one service falls.
package servicemap

import (
	"fmt"

	"muster/views/layout"
	"muster/views/ui"
)

// Map is the page.
type Map struct {
	Page         *layout.Page
	Lead         string
	Note         string // what the reader has to know about what is drawn
	Action       string
	Environments []ui.Option
	Services     []ui.Option
	Depths       []ui.Option
	Views        []ui.Option
	Export       string // the address of the drawing as a file
	Title        string
	Focus        string // the chosen service's name
	FocusHref    string
	Drawing      *Drawing // nil where there is nothing to draw
	Phone        *Drawing
	More         string // beside the small drawing: how many neighbours it leaves out
	Strip        *Strip
	Chokes       []Choke
	ChokesNote   string
	Rows         []Arc
	RowsTitle    string
	RowsNote     string
	Pages        ui.Pages
	Reaches      []Reach
	Segments     []Segment
	What         *What
	Protections  []ui.Option
	Protect      string // the service that a protection is tried on
	Empty        bool
}

// Drawing is a picture in the coordinates of its view box.
type Drawing struct {
	Width, Height float64
	Label         string
	Boxes         []Box
	Lines         []Line
	Frames        []Frame
	Texts         []Text
	Phone         bool
}

// Box is a service.
type Box struct {
	X, Y, W, H float64
	Href       string
	Name       string // as it fits
	Title      string // as it is, with everything that is known
	Sub        string
	Data       string
	Class      string // sel, hit, may, dim
	State      string // the same in words
	Hop        string // of what is reached
	May        bool   // possibly reached
	Round      bool   // a datastore
}

// Line is an arrow.
type Line struct {
	Path, Class, Marker, Title string
}

// Frame is one segment.
type Frame struct {
	X, Y, W, H float64
	Label      string
	Unknown    bool // calls inside are not known to be closed
}

// Text stands on the drawing by itself.
type Text struct {
	X, Y float64
	Text string
}

// Strip is what the fall of the chosen service means.
type Strip struct {
	Proven, Possible, Others, Unknown int
	Sentence                          string
	Classes                           []string
	Unclassified                      string
	Direct                            []Hop // one step away
	Later                             []Hop
	Path                              []Step
	PathTitle                         string
	Test                              string
	TestHref                          string
}

// Hop is a service that is reached.
type Hop struct {
	Name, Href string
	Sure       bool
}

// Step is one step of a way.
type Step struct {
	N          string
	Name, Href string
	Note       string
	State      ui.Word
	First      bool
}

// Choke is one change worth making.
type Choke struct {
	Words, Note   string
	Look          bool // it finds out, it does not change
	Proven, Maybe int
	Href          string
}

// Arc is one line of the table that says the same as the drawing.
type Arc struct {
	From, FromHref, To, ToHref string
	State                      ui.Word
	Gates                      string
	Protection                 ui.Word
	Step                       string
	Known                      string
}

// Reach is how far the fall of one service spreads.
type Reach struct {
	Name, Href       string
	Proven, Possible int
	Data             string
}

// Segment is a network whose unknown arcs can be tried.
type Segment struct {
	Name, Href, OnlyHref, OnlyName string
	Count                          int
	Skipped                        int
	Manifest, ManifestTitle        string
}

// What is the answer to "what if".
type What struct {
	Words  string
	Error  string
	Rows   []Versus
	Lost   string
	Stored string
}

// Versus is one number before and after.
type Versus struct{ Label, Before, After string }

// viewBox is the drawing's own coordinates.
func (d *Drawing) viewBox() string { return fmt.Sprintf("0 0 %.0f %.0f", d.Width, d.Height) }

func (d *Drawing) class() string {
	if d.Phone {
		return "graph phone"
	}
	return "graph"
}

// id keeps the marks of two drawings on one page apart.
func (d *Drawing) id(name string) string {
	if d.Phone {
		return name + "-p"
	}
	return name
}

func (d *Drawing) url(name string) string { return "url(#" + d.id(name) + ")" }

func num(v float64) string { return fmt.Sprintf("%.0f", v) }

// middle is where a box's hop stands.
func (b *Box) right() float64 { return b.X + b.W }

func radius(b *Box) string {
	if b.Round {
		return "18"
	}
	return "8"
}

// labelWidth is about as wide as a frame's label in its size.
func (f *Frame) labelWidth() float64 { return min(f.W-24, 14+6.3*float64(len([]rune(f.Label)))) }

// heads are the arrow heads by the line they end.
var heads = map[string]string{"open": "h-open", "granted": "h-granted", "call": "h-call", "mtls": "m-mtls", "tls": "m-tls", "plain": "m-plain", "unk": "m-unk"}

func frameClass(f Frame) string {
	if f.Unknown {
		return "seg-may"
	}
	return "seg-may known"
}

// protectable are the services as the second form offers them.
func protectable(m Map) []ui.Option {
	list := make([]ui.Option, 0, len(m.Services))
	for _, o := range m.Services {
		if o.Value != "" {
			list = append(list, ui.Option{Value: o.Value, Label: o.Label, Chosen: o.Value == m.Protect})
		}
	}
	return list
}

// badge is the gain in a word: what is proven, else what is only possible.
func (c Choke) badge() string {
	switch {
	case c.Look:
		return "find out"
	case c.Proven == 0:
		return fmt.Sprintf("up to −%d", c.Maybe)
	}
	return fmt.Sprintf("−%d", c.Proven)
}

// fits reports whether the drawing may shrink to the page's width and still be read.
func (d *Drawing) fits() bool { return d.Width <= 1400 }
