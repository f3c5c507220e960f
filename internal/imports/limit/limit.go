// Package limit guards every parser of files: size, encoding, nesting and cut-off uploads are refused here, in a sentence, before a parser sees them.
package limit

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"muster/internal/imports/model"
)

// The size caps of product files, in bytes.
const (
	Manifest = 16 << 20
	OpenAPI  = 32 << 20
	Dotenv   = 1 << 20
	Total    = 128 << 20 // of all files of one import together
)

// MaxDepth is how deep brackets may nest in JSON and YAML.
const MaxDepth = 1000

// Text gives the file's bytes as UTF-8 without a byte order mark, or says why they are not text.
func Text(f model.File) (model.File, error) {
	data := bytes.TrimPrefix(f.Data, []byte("\xef\xbb\xbf"))
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		data = fromUTF16(data[2:], 1, 0)
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		data = fromUTF16(data[2:], 0, 1)
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return f, model.Fail(f.Path, line(data, i), "This is not a text file: it holds bytes that text never has.")
	}
	if !utf8.Valid(data) {
		return f, model.Fail(f.Path, line(data, invalidAt(data)), "The text is not UTF-8 from here on; save the file as UTF-8.")
	}
	return model.File{Path: f.Path, Data: data}, nil
}

func fromUTF16(data []byte, high, low int) []byte {
	units := make([]uint16, 0, len(data)/2)
	for i := 0; i+1 < len(data); i += 2 {
		units = append(units, uint16(data[i+high])<<8|uint16(data[i+low]))
	}
	return []byte(string(utf16.Decode(units)))
}

func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

func line(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(offset, len(data))], []byte("\n"))
}

// Depth refuses brackets that nest deeper than any real document, before a recursive parser sees them.
// Brackets in double-quoted strings do not count. In YAML most brackets are words of a text ("[0, 1)"): there a line
// that begins like a text or a key starts anew; what gets past that meets the parser's own bound.
func Depth(f model.File) error {
	depth, quoted, lines := 0, false, !JSON(f.Data)
	for i := 0; i < len(f.Data); i++ {
		switch c := f.Data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '\n' && lines:
			quoted = false // an apostrophe or inch mark in a comment must not hide the rest
			if !goesOn(f.Data[i+1:]) {
				depth = 0
			}
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > MaxDepth {
				return model.Fail(f.Path, line(f.Data, i), "It is nested deeper than %d levels.", MaxDepth)
			}
		case (c == ']' || c == '}') && depth > 0:
			depth--
		}
	}
	return nil
}

// goesOn reports whether a line of YAML can only continue what is in brackets.
func goesOn(rest []byte) bool {
	for _, c := range rest[:min(len(rest), 256)] {
		switch c {
		case ' ', '\t', '\r':
			continue
		}
		return bytes.IndexByte([]byte("[{]},\"'\n"), c) >= 0
	}
	return true
}

// The values that one document of a format may hold: each takes far more memory than its text.
const (
	KubernetesValues = 400_000
	ComposeValues    = 200_000
	OpenAPIValues    = 600_000 // of YAML; JSON is read as a stream
)

// Values refuses a document with more values than memory is for. It counts what separates them.
func Values(f model.File, most int) error {
	n, start := 0, true
	for i, c := range f.Data {
		if start && c == '-' && bytes.HasPrefix(f.Data[i:], []byte("---")) {
			n = 0
		}
		start = c == '\n'
		switch c {
		case '\n', ',', '[', '{':
			if n++; n > most {
				return model.Fail(f.Path, line(f.Data, i), "One document holds more than %d values; import it in parts.", most)
			}
		}
	}
	return nil
}

// JSON reports whether the bytes begin like a JSON document.
func JSON(data []byte) bool {
	trimmed := bytes.TrimLeft(data[:min(len(data), 4096)], " \t\r\n")
	return len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
}

// WholeJSON checks that the file is one whole JSON document and says where it is not.
func WholeJSON(f model.File) error {
	d := json.NewDecoder(bytes.NewReader(f.Data))
	var whole json.RawMessage
	if err := d.Decode(&whole); err != nil {
		return jsonError(f, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return model.Fail(f.Path, line(f.Data, int(d.InputOffset())), "There is more text after the end of the JSON document.")
	}
	return nil
}

func jsonError(f model.File, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return model.Fail(f.Path, line(f.Data, len(f.Data)), "It ends in the middle of the document: probably a cut-off upload.")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return model.Fail(f.Path, line(f.Data, int(syntax.Offset)), "This is not valid JSON from here on.")
	}
	return model.Fail(f.Path, 0, "This is not valid JSON.")
}
