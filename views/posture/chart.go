package posture

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Day is one day of a trend.
type Day struct {
	At    time.Time
	Score float64
	Scope float64 // what of the day's change came from another scope
}

// Trend is a score over time, and what becomes of it when nobody acts.
type Trend struct {
	Days     []Day
	Forecast float64
	ForeAt   time.Time
	Fixed    string // "+8 from fixes, −2 from scope", "" when there is nothing to compare
}

// chart is a trend drawn into a box; every number is ready for an attribute.
type chart struct {
	box        string
	label      string
	lines      []gridLine
	months     []tick
	area, path string
	dots       []dot
	marks      []mark
	last, fore *dot
	foreLine   string
}

type gridLine struct{ d, y, text string }
type tick struct{ x, y, text string }
type dot struct{ x, y, text, title string }
type mark struct{ d, title string }

func num(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }

const (
	padLeft, padRight = 26.0, 66.0
	padTop, padBottom = 14.0, 24.0
)

// draw lays a trend out in a box of w by h.
func (t Trend) draw(w, h float64) *chart {
	c := &chart{box: fmt.Sprintf("0 0 %s %s", num(w), num(h))}
	low, high := 100.0, 0.0
	for _, d := range t.Days {
		low, high = math.Min(low, d.Score), math.Max(high, d.Score)
	}
	low, high = math.Min(low, t.Forecast), math.Max(high, t.Forecast)
	low = math.Max(0, 20*math.Floor(low/20))
	high = math.Min(100, math.Max(low+20, 20*math.Ceil(high/20)))
	first, last := t.Days[0], t.Days[len(t.Days)-1]
	span := math.Max(1, last.At.Sub(first.At).Hours())
	x := func(at time.Time) float64 { return padLeft + (w-padLeft-padRight)*at.Sub(first.At).Hours()/span }
	y := func(v float64) float64 { return padTop + (h-padTop-padBottom)*(high-v)/(high-low) }
	for v := low; v <= high; v += 20 {
		c.lines = append(c.lines, gridLine{fmt.Sprintf("M%s %sH%s", num(padLeft), num(y(v)), num(w-padRight)), num(y(v) + 4), num(v)})
	}
	var path strings.Builder
	for i, d := range t.Days {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&path, "%s%s %s", letter, num(x(d.At)), num(y(d.Score)))
		if math.Abs(d.Scope) >= 0.5 {
			c.marks = append(c.marks, mark{fmt.Sprintf("M%s %sl5 5l-5 5l-5 -5Z", num(x(d.At)), num(h-padBottom-12)), fmt.Sprintf("%s: the scope changed, %+.1f", d.At.Format("2 January 2006"), d.Scope)})
		}
	}
	c.path = path.String()
	c.area = fmt.Sprintf("%sV%sH%sZ", c.path, num(y(low)), num(x(first.At)))
	c.monthly(t.Days, x, y, w, h)
	c.last = &dot{num(x(last.At)), num(y(last.Score)), fmt.Sprintf("%.0f", math.Floor(last.Score)), "today"}
	if !t.ForeAt.IsZero() {
		fx := w - padRight + 26
		c.fore = &dot{num(fx), num(y(t.Forecast)), fmt.Sprintf("%.0f", math.Floor(t.Forecast)), t.ForeAt.Format("2 Jan")}
		c.foreLine = fmt.Sprintf("M%s %sL%s %s", c.last.x, c.last.y, num(fx), num(y(t.Forecast)))
	}
	c.label = fmt.Sprintf("Score from %.0f on %s to %.0f on %s.", math.Floor(first.Score), first.At.Format("2 January 2006"), math.Floor(last.Score), last.At.Format("2 January 2006"))
	if c.fore != nil {
		c.label += fmt.Sprintf(" If nobody acts, %s by %s.", c.fore.text, t.ForeAt.Format("2 January"))
	}
	return c
}

// monthly puts a dot and a name at the first day of each month.
func (c *chart) monthly(days []Day, x func(time.Time) float64, y func(float64) float64, w, h float64) {
	every, n := 1, 0
	if w < 500 {
		every = 3
	}
	if len(days) < 50 {
		c.months = append(c.months, tick{num(x(days[0].At)), num(h - 4), days[0].At.Format("2 Jan")})
		return
	}
	for i, d := range days {
		if i == 0 || d.At.Month() == days[i-1].At.Month() {
			continue
		}
		c.dots = append(c.dots, dot{num(x(d.At)), num(y(d.Score)), "", fmt.Sprintf("%s: %.0f", d.At.Format("January 2006"), math.Floor(d.Score))})
		if n%every == 0 {
			c.months = append(c.months, tick{num(x(d.At)), num(h - 4), d.At.Format("Jan")})
		}
		n++
	}
}

// gauge is a score as an arc of three quarters of a circle.
type gauge struct{ track, value string }

func newGauge(score float64) gauge {
	const r, cx, cy = 78.0, 95.0, 92.0
	from, to := 0.75*math.Pi, 2.25*math.Pi
	point := func(a float64) string { return num(cx+r*math.Cos(a)) + " " + num(cy+r*math.Sin(a)) }
	arc := func(end float64) string {
		large := 0
		if end-from > math.Pi {
			large = 1
		}
		return fmt.Sprintf("M%sA78 78 0 %d 1 %s", point(from), large, point(end))
	}
	return gauge{track: arc(to), value: arc(from + (to-from)*math.Max(0.4, score)/100)}
}

// tone colours a score: the letter beside it says the same.
func tone(score float64, rated bool) string {
	switch {
	case !rated:
		return "unk"
	case score >= 80:
		return "ok"
	case score >= 60:
		return "warn"
	}
	return "bad"
}

// ringDash is how much of a small ring a score fills.
func ringDash(score float64) string {
	const circumference = 2 * math.Pi * 20
	return fmt.Sprintf("%s %s", num(circumference*score/100), num(circumference))
}

// Share is one part of a stacked bar.
type Share struct {
	Class, Word string
	N           int
}

// segment is a share laid out in a bar of 200.
type segment struct{ class, x, w string }

func segments(shares []Share) []segment {
	total := 0
	for _, s := range shares {
		total += s.N
	}
	if total == 0 {
		return nil
	}
	var list []segment
	x := 0.0
	for _, s := range shares {
		if s.N == 0 {
			continue
		}
		w := 200 * float64(s.N) / float64(total)
		list = append(list, segment{"f-" + s.Class, num(x), num(math.Max(1, w-1.5))})
		x += w
	}
	return list
}

func shareWords(shares []Share) string {
	var words []string
	for _, s := range shares {
		if s.N > 0 {
			words = append(words, fmt.Sprintf("%d %s", s.N, s.Word))
		}
	}
	if len(words) == 0 {
		return "nothing applies"
	}
	return strings.Join(words, ", ")
}
