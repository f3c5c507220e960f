package ui

import (
	"fmt"
	"strconv"
	"time"
)

// DebtWeek is how findings moved in one week.
type DebtWeek struct {
	Monday                   time.Time
	Opened, Reopened, Closed int64
}

// Figure is a number that leads to the list behind it.
type Figure struct {
	N, Label, Href string
	Tone           Tone
}

// Debt is what waits, how old it is, and how that moves.
type Debt struct {
	Figures []Figure
	Weeks   []DebtWeek
	Words   string // ages and time to fix, in a sentence
}

// moved reports whether anything happened in these weeks.
func (d Debt) moved() bool {
	for _, w := range d.Weeks {
		if w.Opened+w.Reopened+w.Closed != 0 {
			return true
		}
	}
	return false
}

// debtBar is one bar, ready for attributes.
type debtBar struct{ x, y, w, h, class, title string }

type debtMark struct{ x, y, text string }

type debtChart struct {
	box, label string
	lines      []string
	marks      []debtMark
	weeks      []debtMark
	bars       []debtBar
}

func digits(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// nice is the smallest round number that is not smaller.
func nice(n int64) int64 {
	for step := int64(1); ; step *= 10 {
		for _, m := range []int64{2, 4, 10} {
			if step*m >= n {
				return step * m
			}
		}
	}
}

// draw lays the weeks out in a box of w by h: what came beside what went.
func (d Debt) draw(w, h float64) *debtChart {
	const left, top, bottom = 30.0, 8.0, 22.0
	c := &debtChart{box: "0 0 " + digits(w) + " " + digits(h)}
	var most, came, went int64
	for _, v := range d.Weeks {
		most = max(most, v.Opened+v.Reopened, v.Closed)
		came, went = came+v.Opened+v.Reopened, went+v.Closed
	}
	high := float64(nice(most))
	y := func(n int64) float64 { return top + (h-top-bottom)*(1-float64(max(n, 0))/high) }
	for _, n := range []int64{0, nice(most) / 2, nice(most)} {
		c.lines = append(c.lines, "M"+digits(left)+" "+digits(y(n))+"H"+digits(w))
		c.marks = append(c.marks, debtMark{"0", digits(y(n) + 4), strconv.FormatInt(n, 10)})
	}
	step := (w - left) / float64(len(d.Weeks))
	bar := func(x float64, from, n int64, class, title string) {
		if n > 0 {
			c.bars = append(c.bars, debtBar{digits(x), digits(y(from + n)), digits(step * 0.34), digits(y(from) - y(from+n)), class, title})
		}
	}
	for i, v := range d.Weeks {
		x := left + step*float64(i) + step*0.13
		on := "week of " + v.Monday.Format("2 January 2006") + ": "
		bar(x, 0, v.Opened, "f-bad", fmt.Sprintf("%s%d opened", on, v.Opened))
		bar(x, v.Opened, v.Reopened, "f-warn", fmt.Sprintf("%s%d came back", on, v.Reopened))
		bar(x+step*0.38, 0, v.Closed, "f-ok", fmt.Sprintf("%s%d closed", on, v.Closed))
		if every := 2 + 2*btoi(w < 500); i%every == 0 {
			c.weeks = append(c.weeks, debtMark{digits(x), digits(h - 4), v.Monday.Format("2 Jan")})
		}
	}
	c.label = fmt.Sprintf("In %d weeks %d findings were opened or came back, %d were closed.", len(d.Weeks), came, went)
	return c
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
