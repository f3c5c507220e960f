package catalogue

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of an imported framework.
const (
	maxRequirements   = 5000
	maxFrameworkBytes = 8 << 20
	maxTextBytes      = 32 << 10
	maxColumns        = 50
	frameworkFile     = "framework.csv"
)

// columns are the names that publishers give to what we read, best first.
var columns = map[string][]string{
	"id":         {"req_id", "requirement", "id"},
	"title":      {"title", "name"},
	"text":       {"text", "statement", "req_description", "description", "is_vulnerable"},
	"more":       {"prevention"},
	"level":      {"level", "l", "maturity"},
	"assessable": {"assessable"},
	"low":        {"low"},
	"moderate":   {"moderate"},
	"high":       {"high"},
}

// sheet is a CSV file while it is read.
type sheet struct {
	r       *reader
	at      map[string]int
	numbers bool // an assessable row has an id, so that rows that are not are headings
	seen    map[string]bool
	last    int // the requirement that rows without an id continue, or -1
	found   []Requirement
}

type row struct {
	line  int
	cells []string
}

// ParseFramework reads the requirements of a framework from CSV with a header: an id, and a title or a text; also a level, a maturity, or the columns low,
// moderate and high. Rows without an id continue the one before. The error joins Problems, each with line and reason.
func ParseFramework(data []byte) ([]Requirement, error) {
	s := &sheet{r: &reader{file: frameworkFile}, seen: map[string]bool{}, last: -1}
	rows := s.rows(data)
	if s.r.err() != nil || !s.header(rows) {
		return nil, s.r.err()
	}
	for _, row := range rows[1:] {
		s.numbers = s.numbers || s.cell(row, "id") != "" && strings.EqualFold(s.cell(row, "assessable"), "true")
	}
	for _, row := range rows[1:] {
		s.add(row)
	}
	if len(s.found) == 0 {
		s.r.fail(0, "the file has no requirement")
	}
	if err := s.r.err(); err != nil {
		return nil, err
	}
	return s.found, nil
}

func (s *sheet) rows(data []byte) []row {
	if len(data) > maxFrameworkBytes {
		s.r.fail(0, "the file is larger than %d MiB", maxFrameworkBytes>>20)
		return nil
	}
	if !utf8.Valid(data) {
		s.r.fail(0, "the file is not UTF-8 text")
		return nil
	}
	from := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	var rows []row
	for {
		cells, err := from.Read()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			line := 0
			if broken, is := errors.AsType[*csv.ParseError](err); is {
				line, err = broken.Line, broken.Err
			}
			s.r.fail(line, "it is not CSV: %v", err)
			return nil
		}
		line, _ := from.FieldPos(0)
		if len(rows) > maxRequirements {
			s.r.fail(line, "the file has more than %d rows", maxRequirements)
			return nil
		}
		rows = append(rows, row{line, cells})
	}
}

func (s *sheet) header(rows []row) bool {
	if len(rows) == 0 {
		s.r.fail(1, "the file is empty")
		return false
	}
	if len(rows[0].cells) > maxColumns {
		s.r.fail(1, "the file has more than %d columns", maxColumns)
		return false
	}
	names := make([]string, len(rows[0].cells))
	for i, name := range rows[0].cells {
		names[i] = strings.ToLower(strings.TrimSpace(name))
	}
	s.at = map[string]int{}
	for what, candidates := range columns {
		for _, name := range candidates {
			if i := slices.Index(names, name); i >= 0 {
				s.at[what] = i
				break
			}
		}
	}
	_, id := s.at["id"]
	_, title := s.at["title"]
	_, text := s.at["text"]
	if !id {
		s.r.fail(1, "the header has no column for the id: id, req_id or requirement")
	}
	if !title && !text {
		s.r.fail(1, "the header has no column for the wording: title, name, text, statement or description")
	}
	return s.r.err() == nil
}

func (s *sheet) cell(from row, what string) string {
	i, known := s.at[what]
	if !known {
		return ""
	}
	return strings.TrimSpace(from.cells[i])
}

func (s *sheet) add(from row) {
	id, title, text := s.cell(from, "id"), s.cell(from, "title"), s.cell(from, "text")
	if more := s.cell(from, "more"); more != "" {
		text = strings.TrimSpace(text + "\n\n" + more)
	}
	if id == "" {
		s.proceed(from, strings.TrimSpace(title+" "+text))
		return
	}
	s.last = -1
	if s.numbers && strings.EqualFold(s.cell(from, "assessable"), "false") {
		return
	}
	switch {
	case utf8.RuneCountInString(id) > 60 || strings.ContainsFunc(id, unicode.IsControl):
		s.r.fail(from.line, "the id %q is longer than 60 characters or holds a control character", clip(id))
	case s.seen[id]:
		s.r.fail(from.line, "the requirement %q stands in the file twice", id)
	case title == "" && text == "":
		s.r.fail(from.line, "the requirement %q has neither title nor text", id)
	case len(title)+len(text) > maxTextBytes:
		s.r.fail(from.line, "the text of %q is longer than %d KiB", id, maxTextBytes>>10)
	default:
		s.seen[id] = true
		s.last = len(s.found)
		s.found = append(s.found, Requirement{ID: id, Words: shorten(title, text), Level: s.level(from), Title: title, Text: text})
	}
}

// proceed adds the words of a row without an id to the requirement before it.
func (s *sheet) proceed(from row, words string) {
	if words == "" || s.last < 0 {
		return
	}
	q := &s.found[s.last]
	if len(q.Text)+len(words) > maxTextBytes {
		s.r.fail(from.line, "the text of %q is longer than %d KiB", q.ID, maxTextBytes>>10)
		return
	}
	q.Text = strings.TrimSpace(q.Text + "\n" + words)
}

func (s *sheet) level(from row) string {
	for _, name := range []string{"low", "moderate", "high"} {
		if strings.EqualFold(s.cell(from, name), "true") {
			return name
		}
	}
	level, _, _ := strings.Cut(s.cell(from, "level"), ";")
	return clip(strings.TrimPrefix(level, "maturity-"))
}

// shorten makes a wording for lists: the title, else the beginning of the text.
func shorten(title, text string) string {
	words := strings.Join(strings.Fields(title), " ")
	if words == "" {
		words = strings.Join(strings.Fields(text), " ")
	}
	if runes := []rune(words); len(runes) > 200 {
		words = strings.TrimSpace(string(runes[:199])) + "…"
	}
	return words
}

// WithTexts gives a copy of the framework that carries imported titles and texts; unknown lists the imported ids that the framework does not have.
func (f *Framework) WithTexts(imported []Requirement) (with *Framework, unknown []string) {
	filled := *f
	filled.Requirements = slices.Clone(f.Requirements)
	at := map[string]int{}
	for i, q := range filled.Requirements {
		at[q.ID] = i
	}
	for _, q := range imported {
		i, known := at[q.ID]
		if !known {
			unknown = append(unknown, q.ID)
			continue
		}
		filled.Requirements[i].Title, filled.Requirements[i].Text = q.Title, q.Text
	}
	return &filled, unknown
}
