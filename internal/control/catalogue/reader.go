package catalogue

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits of what one file may hold.
const (
	maxBytes    = 2 << 20
	maxControls = 500
	maxProblems = 20
)

// Problem is one mistake in a file, told so that a person can find and mend it.
type Problem struct {
	File   string
	Line   int
	Reason string
}

func (p *Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Reason
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason)
}

// reader walks a YAML tree by hand, so that every mistake has a line and unknown words are refused.
type reader struct {
	file     string
	shipped  bool
	domain   Domain
	problems []error
}

type fields map[string]func(*yaml.Node)

func (r *reader) fail(line int, format string, args ...any) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, &Problem{File: r.file, Line: line, Reason: fmt.Sprintf(format, args...)})
	}
}

func (r *reader) err() error { return errors.Join(r.problems...) }

// tree reads the one document of a file.
func (r *reader) tree(data []byte) *yaml.Node {
	if len(data) > maxBytes {
		r.fail(0, "the file is larger than %d MiB", maxBytes>>20)
		return nil
	}
	if !utf8.Valid(data) {
		r.fail(0, "the file is not UTF-8 text")
		return nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		r.fail(lineOf(err), "it is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	if len(document.Content) != 1 {
		r.fail(1, "the file is empty")
		return nil
	}
	return document.Content[0]
}

// lineOf finds the line in a message such as "yaml: line 3: did not find expected key".
func lineOf(err error) int {
	_, rest, found := strings.Cut(err.Error(), "line ")
	if !found {
		return 0
	}
	digits, _, _ := strings.Cut(rest, ":")
	line, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return line
}

// mapping calls the function of each key; unknown, repeated and missing keys are mistakes.
func (r *reader) mapping(n *yaml.Node, what string, known fields, required ...string) bool {
	if n.Kind != yaml.MappingNode {
		r.fail(n.Line, "%s must be a mapping of names to values", what)
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || read == nil:
			r.fail(key.Line, "%s has no field %q", what, clip(key.Value))
		case seen[key.Value]:
			r.fail(key.Line, "%s has the field %q twice", what, key.Value)
		default:
			seen[key.Value] = true
			read(value)
		}
	}
	for _, name := range required {
		if !seen[name] {
			r.fail(n.Line, "%s lacks the field %q", what, name)
		}
	}
	return true
}

func (r *reader) each(what string, most int, item func(*yaml.Node)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			r.fail(n.Line, "%s must be a list", what)
			return
		}
		if len(n.Content) > most {
			r.fail(n.Line, "%s has %d entries; at most %d are allowed", what, len(n.Content), most)
			return
		}
		for _, entry := range n.Content {
			item(entry)
		}
	}
}

// text reads a string of at least one and at most so many characters.
func (r *reader) text(into *string, what string, most int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		value := strings.TrimRight(n.Value, " \t\n")
		length := utf8.RuneCountInString(value)
		switch {
		case n.Kind != yaml.ScalarNode || n.Tag != "!!str":
			r.fail(n.Line, "%s must be a text", what)
		case length == 0:
			r.fail(n.Line, "%s is empty", what)
		case length > most:
			r.fail(n.Line, "%s has %d characters; at most %d are allowed", what, length, most)
		case strings.ContainsFunc(value, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }):
			r.fail(n.Line, "%s holds a control character", what)
		default:
			*into = value
		}
	}
}

func (r *reader) number(into *int, what string, least, most int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		value, err := strconv.Atoi(n.Value)
		if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || value < least || value > most {
			r.fail(n.Line, "%s must be a whole number from %d to %d", what, least, most)
			return
		}
		*into = value
	}
}

func (r *reader) truth(into *bool, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || !slices.Contains([]string{"true", "false"}, n.Value) {
			r.fail(n.Line, "%s must be true or false", what)
			return
		}
		*into = n.Value == "true"
	}
}

// word reads one of a closed set of words.
func word[T interface {
	~string
	Valid() bool
}](r *reader, into *T, what string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		value := T(n.Value)
		if n.Kind != yaml.ScalarNode || !value.Valid() {
			r.fail(n.Line, "%s %q is not known", what, clip(n.Value))
			return
		}
		*into = value
	}
}

func clip(s string) string {
	if len(s) <= 40 {
		return s
	}
	return strings.ToValidUTF8(s[:40], "") + "…"
}
