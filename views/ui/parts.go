package ui

import (
	"strconv"
	"strings"
)

// State is how one thing that should be true is known. Shape and fill tell the states apart; colour comes third.
type State string

// The states, best first.
const (
	Verified      State = "ver"
	Attested      State = "att"
	Excepted      State = "exc"
	Stale         State = "sta"
	Unknown       State = "unk"
	Failing       State = "fail"
	Contradicted  State = "con"
	NotApplicable State = "na"
)

// stateIcons give each state a shape.
var stateIcons = map[State]string{Verified: "check", Attested: "usercheck", Excepted: "contrast", Stale: "clock", Unknown: "help", Failing: "x", Contradicted: "x", NotApplicable: "dot"}

// toneStates let a phrase be drawn like a state.
var toneStates = map[Tone]State{OK: Verified, Warn: Stale, Bad: Failing, Unk: Unknown}

// Part is one piece of a stacked bar; its number stands in the words beside the bar.
type Part struct {
	State State
	N     int
}

// segment is a part with its place in the bar.
type segment struct {
	class, x, width string
}

// segments lay the parts side by side on 200 units, with a hair between them.
func segments(parts []Part) []segment {
	total := 0
	for _, p := range parts {
		total += p.N
	}
	if total == 0 {
		return []segment{{"f-unk", "0", "200"}}
	}
	var list []segment
	at := 0.0
	for _, p := range parts {
		width := 200 * float64(p.N) / float64(total)
		if p.N > 0 {
			list = append(list, segment{"f-" + string(p.State), decimal(at), decimal(max(width-1, 1))})
		}
		at += width
	}
	return list
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// Chip is one active filter, with the address of the list without it.
type Chip struct{ Label, Without string }

// Near is the end of a path that tells files apart; the whole stands in the title.
func Near(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) <= 2 {
		return path
	}
	return "…/" + strings.Join(parts[len(parts)-2:], "/")
}

// at writes a line as editors do.
func at(line int) string {
	if line <= 0 {
		return ""
	}
	return ":" + strconv.Itoa(line)
}

// InitialsOf are the first letters of a name's first and last word.
func InitialsOf(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	first := []rune(words[0])[:1]
	if len(words) > 1 {
		first = append(first, []rune(words[len(words)-1])[0])
	}
	return strings.ToUpper(string(first))
}
