package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"muster/internal/imports/model"
)

// XML is a report of XML while it is read: element by element.
type XML struct {
	r *Report
	d *xml.Decoder
	g *guarded
}

// XML begins to read the file as XML.
func (r *Report) XML() *XML {
	raw := xml.NewDecoder(bytes.NewReader(r.File.Data))
	raw.CharsetReader = charset
	g := &guarded{r: r, raw: raw}
	return &XML{r: r, d: xml.NewTokenDecoder(g), g: g}
}

// charset takes the encodings that the text had before it was brought to UTF-8.
func charset(name string, in io.Reader) (io.Reader, error) { return in, nil }

// guarded hands on the tokens of a decoder within limits. Declarations of entities are refused, and the decoder
// itself refuses entities that nobody declared.
type guarded struct {
	r     *Report
	raw   *xml.Decoder
	depth int
	count int
}

// Token gives the next raw token.
func (g *guarded) Token() (xml.Token, error) {
	token, err := g.raw.RawToken()
	if err != nil {
		return token, g.failure(err)
	}
	if g.count++; g.count > maxTokens {
		return nil, g.fail("It holds more than %d elements and texts; split the report.", maxTokens)
	}
	switch t := token.(type) {
	case xml.StartElement:
		if g.depth++; g.depth > maxDepth {
			return nil, g.fail("It is nested deeper than %d levels.", maxDepth)
		}
	case xml.EndElement:
		g.depth--
	case xml.Directive:
		if upper := strings.ToUpper(string(t)); strings.Contains(upper, "ENTITY") || strings.Contains(upper, "%") {
			return nil, g.fail("It declares entities in its DOCTYPE, which no report needs and which Muster refuses.")
		}
	}
	return token, nil
}

func (g *guarded) fail(format string, args ...any) error {
	line, _ := g.raw.InputPos()
	return model.Fail(g.r.File.Path, line, format, args...)
}

func (g *guarded) place() string {
	line, _ := g.raw.InputPos()
	return "line " + strconv.Itoa(line)
}

func (g *guarded) failure(err error) error {
	if errors.Is(err, io.EOF) {
		if g.depth > 0 {
			return g.cut()
		}
		return io.EOF
	}
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		if strings.Contains(syntax.Msg, "EOF") {
			return g.cut()
		}
		return model.Fail(g.r.File.Path, syntax.Line, "This is not valid XML from here on.")
	}
	return g.fail("This is not valid XML from here on.")
}

func (g *guarded) cut() error {
	return g.fail("It ends in the middle of the document (byte %d): probably a cut-off upload.", len(g.r.File.Data))
}

// Element is one element at which the reader stands.
type Element struct {
	xml.StartElement
	Path string // the local names from the root, joined by "/"
	x    *XML
}

// Attr is the value of an attribute.
func (e *Element) Attr(name string) string {
	for _, a := range e.StartElement.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// Walk calls fn for each element in the order of the file; an element that fn reads is not gone into. The root must be
// one of those named.
func (x *XML) Walk(roots []string, fn func(*Element) error) error {
	var stack []string
	began := false
	for {
		token, err := x.d.Token()
		if errors.Is(err, io.EOF) {
			if !began {
				return x.r.Wrong()
			}
			return nil
		}
		if err != nil {
			return x.failure(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if !began && !slices.Contains(roots, t.Name.Local) {
				return x.r.Wrong()
			}
			began = true
			stack = append(stack, t.Name.Local)
			e := &Element{StartElement: t, Path: strings.Join(stack, "/"), x: x}
			depth := x.g.depth
			x.r.at = x.g.place()
			if err := fn(e); err != nil {
				return x.failure(err)
			}
			if x.g.depth < depth { // it was read to its end
				stack = stack[:len(stack)-1]
			}
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		}
	}
}

// failure names the line of an error of the outer decoder, which only sees tokens.
func (x *XML) failure(err error) error {
	var bad *model.Error
	if errors.As(err, &bad) {
		return err
	}
	return x.g.fail("This is not valid XML from here on.")
}

// Read decodes the element into v. Values that do not fit are an error of the whole file, so structs hold texts.
func (e *Element) Read(v any) error { return e.x.d.DecodeElement(v, &e.StartElement) }

// Skip passes over the element.
func (e *Element) Skip() error { return e.x.d.Skip() }

// Row reads an element that is a row of the report.
func (e *Element) Row(v any) error {
	e.x.r.rows++
	return e.Read(v)
}
