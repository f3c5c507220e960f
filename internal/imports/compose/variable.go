package compose

import (
	"slices"
	"strings"
)

// maxNesting is how deep defaults may hold variables that have defaults.
const maxNesting = 20

// maxGrowth is how many bytes variables may put in altogether: they may double at each line.
const maxGrowth = 4 << 20

// interpolate puts variables in. One that nobody sets, and that has no default, stays as it was written, so that a
// reader sees what is unknown.
func (p *project) interpolate(text string) string { return p.substitute(text, 0) }

func (p *project) substitute(text string, depth int) string {
	if depth > maxNesting || p.grown > maxGrowth || !strings.Contains(text, "$") {
		return text
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		value, used := p.variable(rest, depth)
		if p.grown += len(value); p.grown > maxGrowth {
			return text
		}
		out.WriteString(value)
		text = rest[used:]
	}
}

// variable reads what follows a dollar sign, and says how much of it that was.
func (p *project) variable(rest string, depth int) (value string, used int) {
	switch {
	case strings.HasPrefix(rest, "$"):
		return "$", 1
	case strings.HasPrefix(rest, "{"):
		end := closing(rest)
		if end < 0 {
			return "$", 0
		}
		return p.braced(rest[1:end], depth), end + 1
	}
	n := nameLength(rest)
	if v, set := p.env[rest[:n]]; set && n > 0 {
		return v, n
	}
	return "$" + rest[:n], n
}

// closing is where the brace that opens at the start is closed.
func closing(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func nameLength(text string) int {
	n := 0
	for n < len(text) && (text[n] == '_' || text[n] >= 'a' && text[n] <= 'z' || text[n] >= 'A' && text[n] <= 'Z' || n > 0 && text[n] >= '0' && text[n] <= '9') {
		n++
	}
	return n
}

var operators = []string{":-", "-", ":+", "+", ":?", "?"}

// braced is the value of ${inner}: a name, and perhaps what to take where it is set or not.
func (p *project) braced(inner string, depth int) string {
	n := nameLength(inner)
	v, set := p.env[inner[:n]]
	i := slices.IndexFunc(operators, func(o string) bool { return strings.HasPrefix(inner[n:], o) })
	if n == 0 || (i < 0 && n < len(inner)) {
		return "${" + inner + "}"
	}
	if i < 0 {
		if set {
			return v
		}
		return "${" + inner + "}"
	}
	operator := operators[i]
	other := inner[n+len(operator):]
	if strings.HasPrefix(operator, ":") {
		set = set && v != "" // the colon takes empty for not set
	}
	switch {
	case strings.HasSuffix(operator, "+") && set, strings.HasSuffix(operator, "-") && !set:
		return p.substitute(other, depth+1)
	case strings.HasSuffix(operator, "+"):
		return ""
	case set:
		return v
	}
	return "${" + inner + "}" // it must be set, and is not
}
