package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"muster/internal/imports/model"
)

// JSON is a report of JSON while it is read: member by member, row by row, never as a whole.
type JSON struct {
	r    *Report
	d    *jsontext.Decoder
	base int // where in the file the decoder began

	under          string // the pointer to what is read as a document of its own
	counted, lines int    // the line numbers so far, to count each line once
}

// options: real reports repeat keys and hold broken letters.
var options = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// JSON begins to read the file as JSON.
func (r *Report) JSON() *JSON {
	return &JSON{r: r, d: jsontext.NewDecoder(bytes.NewBuffer(r.File.Data), options...)}
}

// Kind is what comes next: '{', '[', '"', '0', 't', 'f', 'n', or 0 at the end.
func (j *JSON) Kind() byte { return byte(j.d.PeekKind()) }

// Skip passes over the next value.
func (j *JSON) Skip() error { return j.d.SkipValue() }

// Object calls fn for every member of the object that comes next. What fn does not read is passed over; so is what is no object.
func (j *JSON) Object(fn func(key string) error) error {
	if j.Kind() != '{' {
		return j.Skip()
	}
	return j.inside(func() error {
		token, err := j.d.ReadToken()
		if err != nil {
			return err
		}
		key := token.String()
		before := j.d.InputOffset()
		if err := fn(key); err != nil {
			return err
		}
		if j.d.InputOffset() == before {
			return j.Skip()
		}
		return nil
	})
}

// List calls fn for every element of the list that comes next; what is no list is passed over.
func (j *JSON) List(fn func() error) error {
	if j.Kind() != '[' {
		return j.Skip()
	}
	return j.inside(func() error {
		before := j.d.InputOffset()
		if err := fn(); err != nil {
			return err
		}
		if j.d.InputOffset() == before {
			return j.Skip()
		}
		return nil
	})
}

// inside reads the opening bracket, calls fn for what is in it, and reads the closing one.
func (j *JSON) inside(fn func() error) error {
	if _, err := j.d.ReadToken(); err != nil {
		return err
	}
	for {
		switch j.Kind() {
		case '}', ']':
			_, err := j.d.ReadToken()
			return err
		case 0:
			_, err := j.d.ReadToken() // to say what is wrong
			return orEnd(err)
		}
		if err := fn(); err != nil {
			return err
		}
	}
}

func orEnd(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Read decodes the next value into v. Members of another type than v wants are taken over as far as they can be.
func (j *JSON) Read(v any) error {
	value, err := j.d.ReadValue()
	if err != nil {
		return err
	}
	return decode(value, v)
}

func decode(value jsontext.Value, v any) error {
	err := json.Unmarshal(value, v, lenient)
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		return nil // what could be read of it is there
	}
	return err
}

// Rows reads a list of rows, one at a time; null is an empty list, and an object that stands alone is a list of one.
// A row that is no object becomes a problem.
func Rows[T any](j *JSON, fn func(*T)) error {
	if j.Kind() == '{' {
		return Row(j, fn)
	}
	if k := j.Kind(); k != '[' {
		if k != 'n' {
			j.r.Problem("%s is not a list, so it was left out.", j.place())
		}
		return j.Skip()
	}
	return j.List(func() error { return Row(j, fn) })
}

// Each reads a list of objects that are no rows themselves; what is no list or no object is passed over.
func Each[T any](j *JSON, fn func(*T)) error {
	return j.List(func() error {
		var v T
		err := j.Read(&v)
		if err == nil {
			fn(&v)
		}
		return err
	})
}

// Row reads one row.
func Row[T any](j *JSON, fn func(*T)) error {
	j.r.rows++
	if j.Kind() != '{' {
		err := j.Skip()
		if err == nil {
			j.r.at = j.place()
			j.r.Skip("This row is not an object, so it was left out.")
		}
		return err
	}
	var row T
	err := j.Read(&row)
	if err != nil {
		return err
	}
	j.r.at = j.place()
	fn(&row)
	return nil
}

// place names where the reader is: by a pointer into the document, in a stream by the line.
func (j *JSON) place() string {
	if p := j.d.StackPointer(); p != "" {
		return j.under + string(p)
	}
	end := min(j.base+int(j.d.InputOffset()), len(j.r.File.Data))
	if end > j.counted {
		j.lines += bytes.Count(j.r.File.Data[j.counted:end], []byte("\n"))
		j.counted = end
	}
	return fmt.Sprintf("line %d", j.lines+1)
}

// Documents calls fn for every value of a stream: of a list at the top, of JSON lines, or of objects that follow each
// other. A broken line is a problem, and the next is read; a cut-off end makes the report a part.
func (j *JSON) Documents(fn func() error) error {
	if j.Kind() == '[' {
		if err := j.List(fn); err != nil {
			return err
		}
		return j.End()
	}
	if j.Kind() != '{' {
		if k := j.Kind(); k == 0 {
			_, err := j.d.ReadToken()
			return orEnd(err)
		}
		return j.r.Wrong()
	}
	for {
		if j.Kind() == 0 && len(bytes.TrimSpace(j.d.UnreadBuffer())) == 0 {
			return nil
		}
		err := fn()
		if err != nil && !j.resume(err) {
			return err
		}
	}
}

// resume goes on after a broken line, and reports whether it is one.
func (j *JSON) resume(err error) bool {
	var syntax *jsontext.SyntacticError
	cut := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	if !errors.As(err, &syntax) && !cut {
		return false
	}
	data, from := j.r.File.Data, j.base+int(j.d.InputOffset())
	if syntax != nil {
		from = max(from, j.base+int(syntax.ByteOffset))
	}
	if !bytes.Contains(data[:min(from, len(data))], []byte("\n")) && !bytes.Contains(data, []byte("\n{")) {
		return false // one document, not a stream of lines
	}
	from = min(from, len(data))
	j.r.at = fmt.Sprintf("line %d", 1+bytes.Count(data[:from], []byte("\n")))
	j.r.rows++
	next := bytes.Index(data[max(from-1, 0):], []byte("\n{"))
	j.r.Partial = true
	if cut || next < 0 {
		j.r.Skip("The file ends in the middle of this row: probably a cut-off upload. What came before it was read.")
		next = len(data)
	} else {
		j.r.Skip("This line is not valid JSON, so it was left out.")
		next += max(from-1, 0) + 1
	}
	j.base = next
	j.d = jsontext.NewDecoder(bytes.NewBuffer(data[next:]), options...)
	return true
}

// End demands that nothing follows.
func (j *JSON) End() error {
	if rest := bytes.TrimSpace(j.d.UnreadBuffer()); len(rest) > 0 {
		return model.Fail(j.r.File.Path, j.r.line(j.base+int(j.d.InputOffset())), "There is more text after the end of the JSON document.")
	}
	return nil
}

// Top reads the object that the whole file is. The members that need say which format it is; one of them must be there.
func (j *JSON) Top(need []string, fn func(key string) error) error {
	found := false
	if k := j.Kind(); k != '{' {
		if k == 0 {
			_, err := j.d.ReadToken()
			return orEnd(err)
		}
		return j.r.Wrong()
	}
	err := j.Object(func(key string) error {
		for _, n := range need {
			found = found || n == key
		}
		return fn(key)
	})
	if err != nil {
		return err
	}
	if !found {
		return j.r.Wrong()
	}
	return j.End()
}

// failure turns an error of a decoder into one that names the file, the line and the reason. It quotes nothing of the file.
func (r *Report) failure(err error) error {
	var bad *model.Error
	if errors.As(err, &bad) {
		return bad
	}
	at := len(r.File.Data)
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at = int(syntax.ByteOffset)
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return model.Fail(r.File.Path, r.line(len(r.File.Data)), "It ends in the middle of the document (byte %d): probably a cut-off upload.", len(r.File.Data))
	case syntax != nil && strings.Contains(err.Error(), "max depth"):
		return model.Fail(r.File.Path, r.line(at), "It is nested deeper than any %s report.", r.Format.Name)
	case syntax != nil && at == 0:
		return r.Wrong()
	case syntax != nil:
		return model.Fail(r.File.Path, r.line(at), "This is not valid JSON from here on (byte %d).", at)
	}
	return model.Fail(r.File.Path, 0, "It could not be read as a %s report.", r.Format.Name)
}

func (r *Report) line(offset int) int {
	return 1 + bytes.Count(r.File.Data[:min(max(offset, 0), len(r.File.Data))], []byte("\n"))
}

// Twice reads the object that comes next two times: first what its rows refer to, which may stand after them, then the rows.
func (j *JSON) Twice(first, then func(*JSON, string) error) error {
	if j.Kind() != '{' {
		return j.Skip()
	}
	value, err := j.d.ReadValue()
	if err != nil {
		return err
	}
	for _, fn := range []func(*JSON, string) error{first, then} {
		inner := &JSON{r: j.r, d: jsontext.NewDecoder(bytes.NewBuffer(value), options...), under: j.place()}
		if err := inner.Object(func(key string) error { return fn(inner, key) }); err != nil {
			return err
		}
	}
	return nil
}

// Members gives the names of the members of an object.
func Members(object jsontext.Value) map[string]bool {
	names := map[string]bool{}
	if len(object) == 0 {
		return names
	}
	d := jsontext.NewDecoder(bytes.NewReader(object), options...)
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return names
	}
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return names
		}
		names[token.String()] = true
		if d.SkipValue() != nil {
			return names
		}
	}
	return names
}
