package report

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"path"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"muster/internal/imports/model"
)

// Head is what the top of a file shows: enough to tell formats apart, without reading the file.
type Head struct {
	XML     string // the local name of the root element; "" where the file is no XML
	Space   string // and its namespace
	Base    string // the file's name without its folder, in lower case: some formats show nothing else
	Columns map[string]bool
	paths   map[string]string
	data    []byte
	whole   bool
}

// Whole reports whether all of the file was looked at.
func (h *Head) Whole() bool { return h.whole }

// The parts of a file that are looked at.
const (
	headBytes    = 256 << 10
	headElements = 4  // of each list
	headDocs     = 50 // of a stream
	headDepth    = 4
	headNames    = 4000
)

// NewHead looks at the first bytes of a file. whole looks at all of it: for objects whose telling member comes late.
func NewHead(f model.File, whole bool) *Head {
	h := &Head{paths: map[string]string{}, Columns: map[string]bool{}, data: f.Data, Base: strings.ToLower(path.Base(f.Path))}
	if !whole {
		h.data = f.Data[:min(len(f.Data), headBytes)]
	}
	h.whole = len(h.data) == len(f.Data)
	switch trimmed := bytes.TrimLeft(h.data, " \t\r\n"); {
	case len(trimmed) == 0:
	case trimmed[0] == '{' || trimmed[0] == '[':
		h.json()
	case trimmed[0] == '<':
		h.xml()
	default:
		h.csv(trimmed)
	}
	return h
}

// Has reports whether the file has all these members: "runs", "runs[].tool", "[].RuleID".
func (h *Head) Has(paths ...string) bool {
	for _, p := range paths {
		if _, ok := h.paths[p]; !ok {
			return false
		}
	}
	return true
}

// Line reports whether a line begins with this text.
func (h *Head) Line(text string) bool {
	return bytes.HasPrefix(h.data, []byte(text)) || bytes.Contains(h.data, []byte("\n"+text))
}

// Mark reports whether the text stands anywhere.
func (h *Head) Mark(text string) bool { return bytes.Contains(h.data, []byte(text)) }

// Any reports whether the file has one of these members.
func (h *Head) Any(paths ...string) bool {
	for _, p := range paths {
		if _, ok := h.paths[p]; ok {
			return true
		}
	}
	return false
}

// Text is the value of a member that is a short text or number.
func (h *Head) Text(path string) string {
	if v := h.paths[path]; v != "{" && v != "[" {
		return v
	}
	return ""
}

// Is reports whether a member is an object ('{') or a list ('[').
func (h *Head) Is(path string, kind byte) bool { return h.paths[path] == string(kind) }

// Table reports whether the file is CSV with all these columns.
func (h *Head) Table(columns ...string) bool {
	for _, c := range columns {
		if !h.Columns[Column(c)] {
			return false
		}
	}
	return len(columns) > 0
}

func (h *Head) json() {
	d := jsontext.NewDecoder(bytes.NewBuffer(h.data), options...)
	for range headDocs {
		if h.value(d, "", 0) != nil {
			return
		}
	}
}

func (h *Head) note(path, value string) {
	if _, ok := h.paths[path]; !ok && len(h.paths) < headNames && len(path) < 200 {
		h.paths[path] = value
	}
}

// value notes the next value and what is in it.
func (h *Head) value(d *jsontext.Decoder, path string, depth int) error {
	switch kind := d.PeekKind(); kind {
	case '{', '[':
		h.note(path, string(kind))
		if depth >= headDepth {
			return d.SkipValue()
		}
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		if kind == '[' {
			return h.elements(d, path, depth)
		}
		return h.members(d, path, depth)
	}
	token, err := d.ReadToken()
	if err == nil {
		text := token.String()
		h.note(path, text[:min(len(text), 200)])
	}
	return err
}

func (h *Head) elements(d *jsontext.Decoder, path string, depth int) error {
	for n := 0; d.PeekKind() != ']'; n++ {
		var err error
		if n < headElements {
			err = h.value(d, path+"[]", depth+1)
		} else {
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func (h *Head) members(d *jsontext.Decoder, path string, depth int) error {
	if path != "" {
		path += "."
	}
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := h.value(d, path+token.String(), depth+1); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// xml notes the root element, its attributes and the names of what is in it.
func (h *Head) xml() {
	d := xml.NewDecoder(bytes.NewReader(h.data))
	d.Strict, d.CharsetReader = false, charset
	var stack []string
	for range 2000 {
		token, err := d.Token()
		if err != nil {
			return
		}
		switch t := token.(type) {
		case xml.StartElement:
			if h.XML == "" {
				h.XML, h.Space = t.Name.Local, t.Name.Space
				for _, a := range t.Attr {
					h.note("@"+a.Name.Local, a.Value)
				}
			}
			stack = append(stack, t.Name.Local)
			h.note(strings.Join(stack, "."), t.Name.Space)
		case xml.EndElement:
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
		}
		if len(stack) > 20 {
			return
		}
	}
}

// csv notes the columns of the first line.
func (h *Head) csv(data []byte) {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	if len(line) > 16<<10 {
		return
	}
	r := csv.NewReader(bytes.NewReader(line))
	r.Comma, r.LazyQuotes = delimiter(line), true
	columns, err := r.Read()
	if err != nil || len(columns) < 2 {
		return
	}
	for _, c := range columns {
		h.Columns[Column(c)] = true
	}
}

// Column compares names of columns without case and marks.
func Column(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r > 0x7f:
			return r
		}
		return -1
	}, strings.TrimPrefix(name, "\ufeff"))
}

// delimiter is the mark that parts the columns of a header.
func delimiter(line []byte) rune {
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t', '|'} {
		if n := bytes.Count(line, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}
