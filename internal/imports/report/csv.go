package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"muster/internal/imports/model"
)

// Line is one row of a table.
type Line struct {
	columns map[string]int
	cells   []string
}

// Get is the first of these columns that is there and not empty. Case and marks of the names do not matter.
func (l *Line) Get(names ...string) string {
	for _, n := range names {
		if i, ok := l.columns[Column(n)]; ok && i < len(l.cells) {
			if s := strings.TrimSpace(l.cells[i]); s != "" {
				return s
			}
		}
	}
	return ""
}

// Table reads a CSV file with a header: commas, semicolons, tabs or bars; need are the columns without which it is
// another format.
func (r *Report) Table(need []string, fn func(*Line)) error {
	data := bytes.TrimLeft(r.File.Data, "\ufeff \r\n")
	first, _, _ := bytes.Cut(data, []byte("\n"))
	c := csv.NewReader(bytes.NewReader(data))
	c.Comma, c.LazyQuotes, c.FieldsPerRecord, c.ReuseRecord = delimiter(first), true, -1, true
	header, err := c.Read()
	if err != nil {
		return r.Wrong()
	}
	columns := map[string]int{}
	for i, name := range header {
		if key := Column(name); key != "" {
			if _, ok := columns[key]; !ok {
				columns[key] = i
			}
		}
	}
	var missing []string
	for _, n := range need {
		if _, ok := columns[Column(n)]; !ok {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		return model.Fail(r.File.Path, 1, "This is not a %s report: the column %s is missing.", r.Format.Name, strings.Join(missing, " and "))
	}
	if bytes.Count(data, []byte(`"`))%2 != 0 {
		r.Incomplete("Its quotation marks are not in pairs: the file may be cut off.")
	}
	return r.lines(c, columns, fn)
}

func (r *Report) lines(c *csv.Reader, columns map[string]int, fn func(*Line)) error {
	width, before, cut := 0, 0, !bytes.HasSuffix(r.File.Data, []byte("\n"))
	for n := 0; ; n++ {
		if n > maxRows {
			return model.Fail(r.File.Path, 0, "It holds more than %d rows; split the report.", maxRows)
		}
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			if cut && width < before {
				r.Incomplete("Its last row is shorter than the others and ends without a line end: the file may be cut off.")
			}
			return nil
		}
		row, _ := c.FieldPos(0)
		r.at = fmt.Sprintf("line %d", row)
		if err != nil {
			return model.Fail(r.File.Path, row, "This is not valid CSV from here on.")
		}
		if len(strings.TrimSpace(strings.Join(cells, ""))) == 0 {
			continue
		}
		r.rows++
		before, width = max(before, width), len(cells)
		fn(&Line{columns: columns, cells: cells})
	}
}
