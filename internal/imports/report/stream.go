package report

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"muster/internal/imports/model"
)

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
			if j.base > 0 {
				return model.Fail(j.r.File.Path, j.lines+1, "More than %d of the rows before this one cannot be read: this is no %s report.", maxBroken, j.r.Format.Name)
			}
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
	from = min(from, len(data))
	if j.base == 0 && !bytes.Contains(data[:from], []byte("\n")) && !bytes.Contains(data, []byte("\n{")) || j.r.skipped > maxBroken {
		return false // one document, not a stream of lines; or nothing that was meant to be one
	}
	j.r.at = j.lineAt(from)
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
