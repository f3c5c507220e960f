// Package ui holds the parts that every page is made of: small, typed, and without any knowledge of the product's rules.
package ui

import (
	"fmt"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// Tone is how a word is coloured. Colour is never the only sign.
type Tone string

// The tones.
const (
	OK   Tone = "ok"
	Warn Tone = "warn"
	Bad  Tone = "bad"
	Unk  Tone = "unk"
	Info Tone = "info"
)

// toneIcons give each tone a shape.
var toneIcons = map[Tone]string{OK: "check", Warn: "flag", Bad: "x", Unk: "help", Info: "info"}

// Word is a phrase with its tone.
type Word struct {
	Text string
	Tone Tone
}

// Option is one choice of a select.
type Option struct {
	Value, Label string
	Chosen       bool
}

// Input is a labelled text field.
type Input struct {
	ID, Name, Label, Value string
	Type                   string // text when empty
	Hint, Error            string
	Autocomplete, Mode     string
	Placeholder            string
	Required, Focus        bool
	Rows                   int      // more than 0 makes it a text area
	Suggest                []string // offered while typing
}

func (i Input) kind() string {
	if i.Type == "" {
		return "text"
	}
	return i.Type
}

// describedBy names the hint and the error of a field, for screen readers.
func describedBy(id, hint, problem string) string {
	switch {
	case problem != "" && hint != "":
		return id + "-e " + id + "-h"
	case problem != "":
		return id + "-e"
	case hint != "":
		return id + "-h"
	}
	return ""
}

// Choice is a labelled select.
type Choice struct {
	ID, Name, Label string
	Hint, Error     string
	Options         []Option
	Quiet           bool // the label is for screen readers only
}

// Check is a labelled checkbox or radio button.
type Check struct {
	ID, Name, Value, Label, Hint string
	On, Radio                    bool
}

// Problem is a field's error, for the list above a form.
type Problem struct{ Field, Text string }

// Tab is one tab of a page; tabs are links.
type Tab struct {
	Label, Count, Href string
	Current            bool
}

// Pages leads to the pages of a list.
type Pages struct {
	Page, Of   int
	Total      int64
	What       string // "services"
	Prev, Next string // addresses; "" when there is none
}

// Bar is one row of a small chart: the same numbers stand beside it as text.
type Bar struct {
	Label, Href string
	N, Of       int
	Tone        Tone
}

func (b Bar) width() string {
	if b.Of == 0 {
		return "0"
	}
	return strconv.FormatFloat(200*float64(b.N)/float64(b.Of), 'f', 1, 64)
}

// Ago says how long ago a time was, in words.
func Ago(at, now time.Time) string {
	d := now.Sub(at)
	switch {
	case d < 0:
		return at.UTC().Format("2 Jan 2006")
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	case d < 48*time.Hour:
		return "yesterday"
	case d < 60*24*time.Hour:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
	return at.UTC().Format("2 Jan 2006")
}

// Ahead says how far in the future a time is, in words.
func Ahead(at, now time.Time) string {
	d := at.Sub(now)
	switch {
	case d < time.Minute:
		return "in a moment"
	case d < time.Hour:
		return fmt.Sprintf("in %d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("in %d h", int(d.Hours()))
	case d < 60*24*time.Hour:
		return fmt.Sprintf("in %d days", int(d.Hours()/24))
	case d < 2*365*24*time.Hour:
		return fmt.Sprintf("in %d months", int(d.Hours()/24/30))
	}
	return "on " + at.UTC().Format("2 Jan 2006")
}

func full(at time.Time) string { return at.UTC().Format("2 January 2006, 15:04:05 UTC") }
func iso(at time.Time) string  { return at.UTC().Format(time.RFC3339) }

// Plural writes a number with its noun.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func pageOf(p Pages) string {
	if p.Of < 2 {
		return ""
	}
	return fmt.Sprintf(", page %d of %d", p.Page, p.Of)
}

// Level is a severity with its word.
type Level struct{ Key, Word string }

// LevelOf is a severity as pages say it.
func LevelOf(severity string) Level {
	words := map[string]string{"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low", "info": "Info"}
	return Level{Key: severity, Word: words[severity]}
}

// bar is one of the four bars of a severity; the worse it is, the more are lit.
func (l Level) bar(i int) (x, y, height, class string) {
	lit := map[string]int{"critical": 4, "high": 3, "medium": 2, "low": 1}[l.Key]
	class = "off"
	if i < lit {
		class = "on"
	}
	return fmt.Sprintf("%.1f", 3.6*float64(i)), fmt.Sprint(9 - 3*i), fmt.Sprint(4 + 3*i), class
}

// Capital begins a phrase with a capital letter.
func Capital(phrase string) string {
	first, size := utf8.DecodeRuneInString(phrase)
	if size == 0 {
		return phrase
	}
	return string(unicode.ToUpper(first)) + phrase[size:]
}
