package topology

import (
	"fmt"
	"math"
	"strings"
)

// draw makes the lines' paths.
func (a *arranger) draw() {
	for i := range a.lines {
		l := &a.lines[i]
		if chain := a.chains[i]; chain != nil {
			a.forward(l, chain)
		} else {
			a.backwards(l)
		}
	}
}

func (a *arranger) left(s *slot) float64 { return margin + inset + float64(s.col)*column }

func (a *arranger) forward(l *Line, chain []*slot) {
	var p strings.Builder
	x, y := a.left(chain[0])+BoxW, chain[0].y+chain[0].size/2
	fmt.Fprintf(&p, "M%.0f %.0f", x, y)
	for k, s := range chain[1:] {
		toX, toY := a.left(s), s.y+s.size/2
		if s.box >= 0 {
			toX -= 7
		}
		half := (toX - x) / 2
		fmt.Fprintf(&p, "C%.0f %.0f %.0f %.0f %.0f %.0f", x+half, y, toX-half, toY, toX, toY)
		if k == (len(chain)-2)/2 {
			l.MidX, l.MidY = (x+toX)/2, (y+toY)/2
		}
		x, y = toX, toY
		if s.box < 0 {
			x += BoxW
			fmt.Fprintf(&p, "H%.0f", x)
		}
	}
	l.Path = p.String()
}

// backwards draws a line that leads to the same column or an earlier one: out on the right and in again from below.
func (a *arranger) backwards(l *Line) {
	from, to := &a.boxes[l.From], &a.boxes[l.To]
	x1, y1 := from.X+BoxW, from.Y+BoxH*0.7
	if from.X == to.X {
		x2, y2 := to.X+BoxW+7, to.Y+BoxH*0.3
		l.Path = fmt.Sprintf("M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f", x1, y1, x1+36, y1, x2+30, y2, x2, y2)
		l.MidX, l.MidY = x1+26, (y1+y2)/2
		return
	}
	x2, y2 := to.X+BoxW*0.75, to.Y+BoxH+7
	low := max(y1, y2) + 16
	l.Path = fmt.Sprintf("M%.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0fC%.0f %.0f %.0f %.0f %.0f %.0f", x1, y1, x1+30, y1, x1+30, low, x1-10, low, (x1+x2)/2, low, x2, low, x2, y2)
	l.MidX, l.MidY = (x1+x2)/2, low
}

// frames surround the bands that have a name.
func (a *arranger) frames() map[string]Frame {
	frames := map[string]Frame{}
	for b, name := range a.bands {
		if name == "" {
			continue
		}
		left, right := math.MaxFloat64, 0.0
		for v := range a.boxes {
			if a.of[v].band == b {
				left, right = min(left, a.boxes[v].X), max(right, a.boxes[v].X+BoxW)
			}
		}
		frames[name] = Frame{X: left - inset + 4, Y: a.tops[b] + 6, W: right - left + 2*inset - 8, H: a.downs[b] - a.tops[b] - 6}
	}
	return frames
}
