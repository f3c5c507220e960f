package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
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
var (
	options = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	quick   = json.JoinOptions(options...)
)

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

// decode takes the quick way for values that are as the importer describes them, and the lenient one for others.
func decode(value jsontext.Value, v any) error {
	err := json.Unmarshal(value, v, quick)
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		return err
	}
	reflect.ValueOf(v).Elem().SetZero()
	err = json.Unmarshal(value, v, lenient)
	if errors.As(err, &semantic) {
		return nil // what could be read of it is there
	}
	return err
}

// Rows reads a list of rows, one at a time; null is an empty list, and an object that stands alone is a list of one.
// A row that is no object becomes a problem.
func Rows[T any](j *JSON, fn func(*T)) error {
	return j.rows(func() error { return Row(j, fn) })
}

// rows calls fn for each of the values that come next. What is neither a list, nor null, nor one row, is an error: it
// must not look as if nothing was found.
func (j *JSON) rows(fn func() error) error {
	switch j.Kind() {
	case '[':
		return j.List(fn)
	case '{':
		return fn()
	case 'n', 0:
		return j.Skip()
	}
	return &model.Error{Path: j.r.File.Path, At: j.place(), Reason: fmt.Sprintf("This should be a list, so the file is no %s report.", j.r.Format.Name)}
}

// Each reads a list of objects that are no rows themselves.
func Each[T any](j *JSON, fn func(*T)) error {
	return j.rows(func() error {
		var v T
		err := j.Read(&v)
		if err == nil {
			j.r.at = j.place()
			fn(&v)
		}
		return err
	})
}

// Odd passes over a row that is no object, and says so.
func (j *JSON) Odd() error {
	err := j.Skip()
	if err == nil {
		j.r.rows++
		j.r.at = j.place()
		j.r.Skip("This row is not an object, so it was left out.")
	}
	return err
}

// Row reads one row.
func Row[T any](j *JSON, fn func(*T)) error {
	if j.Kind() != '{' {
		return j.Odd()
	}
	j.r.rows++
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
	if j.under != "" {
		return j.under
	}
	return j.lineAt(min(j.base+int(j.d.InputOffset()), len(j.r.File.Data)))
}

// lineAt names the line of a place further on than all before.
func (j *JSON) lineAt(end int) string {
	if end > j.counted {
		j.lines += bytes.Count(j.r.File.Data[j.counted:end], []byte("\n"))
		j.counted = end
	}
	return fmt.Sprintf("line %d", j.lines+1)
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
		inner := &JSON{r: j.r, d: jsontext.NewDecoder(bytes.NewBuffer(value), options...), under: j.under + string(j.d.StackPointer())}
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
