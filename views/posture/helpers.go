package posture

import (
	"strings"
	"time"

	"muster/views/ui"
)

// clock is the time that relative times count from.
type clock struct{ now time.Time }

// Legend lists the signs of the matrix.
func Legend() []Glyph {
	return []Glyph{
		{Class: "ver", Icon: "check", Word: "Verified"}, {Class: "att", Icon: "usercheck", Word: "Attested"}, {Class: "sta", Icon: "clock", Word: "Stale"}, {Class: "unk", Icon: "help", Word: "Unknown"},
		{Class: "fail", Icon: "x", Word: "Failing"}, {Class: "con", Icon: "x", Word: "Contradicted"}, {Class: "exc", Icon: "contrast", Word: "Accepted"},
	}
}

func comma(text string) string {
	if text == "" {
		return ""
	}
	return ", " + text
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func withType(in ui.Input, kind string) ui.Input {
	in.Type = kind
	return in
}

func (f Form) message(kind string) string {
	if f.Kind != kind {
		return ""
	}
	return f.Message
}

func (f Form) err(kind, name string) string {
	if f.Kind != kind {
		return ""
	}
	return f.Errors[name]
}

// ControlAction is where the forms of a cell are sent.
func (c *Cell) ControlAction(rest string) string { return c.Action + rest }

// codeLines gives the lines of an example; an empty one keeps its height.
func codeLines(text string) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		if l == "" {
			lines[i] = " "
		}
	}
	return lines
}
