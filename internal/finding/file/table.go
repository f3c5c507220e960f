package file

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"muster/internal/finding"
)

// columns are those of a spreadsheet.
var columns = []string{"number", "title", "severity", "state", "priority", "due", "overdue", "service", "kind", "vulnerability", "aliases", "package", "version", "fix_version", "rule", "cwes", "path", "line", "endpoint", "resource",
	"known_exploited", "epss", "opened", "reopened", "times_reopened", "fixed", "closed", "detected", "justification", "note", "link"}

// table is CSV as RFC 4180 says it: for spreadsheets, which take a cell that begins like a formula for one.
type table struct {
	w     *csv.Writer
	about About
	begun bool
}

func newTable(w io.Writer, about About) *table {
	t := &table{w: csv.NewWriter(w), about: about}
	t.w.UseCRLF = true
	return t
}

// inert is a cell that no spreadsheet runs: text that begins like a formula gets an apostrophe in front.
func inert(cell string) string {
	cell = strings.ReplaceAll(cell, "\x00", "")
	if strings.TrimLeft(cell, "=+-@\t\r\n") != cell {
		return "'" + cell
	}
	if rest := strings.TrimLeft(cell, " \u00a0"); rest != cell && strings.TrimLeft(rest, "=+-@\t\r\n") != rest {
		return "'" + cell
	}
	return cell
}

func (t *table) row(cells []string) error {
	for i := range cells {
		cells[i] = inert(cells[i])
	}
	return t.w.Write(cells)
}

func (t *table) begin() error {
	if t.begun {
		return nil
	}
	t.begun = true
	return t.w.Write(columns)
}

func (t *table) Add(list []finding.Exported) error {
	if err := t.begin(); err != nil {
		return err
	}
	for i := range list {
		if err := t.row(t.cells(&list[i])); err != nil {
			return err
		}
	}
	t.w.Flush()
	return t.w.Error()
}

func (t *table) End() (bool, error) {
	if err := t.begin(); err != nil {
		return true, err
	}
	t.w.Flush()
	return true, t.w.Error()
}

func (t *table) cells(x *finding.Exported) []string {
	owner := x.Label
	if x.ServiceID != 0 {
		owner = t.about.Service(x.ServiceID)
	}
	line, epss := "", ""
	if x.Line > 0 {
		line = strconv.Itoa(x.Line)
	}
	if x.EPSS != nil {
		epss = strconv.FormatFloat(*x.EPSS, 'f', -1, 64)
	}
	return []string{
		strconv.FormatInt(x.ID, 10), x.Title, string(x.Severity), string(x.State), strconv.Itoa(x.Priority), day(x.DueAt), yes(x.Overdue(t.about.At)), owner, string(x.Kind), x.Vulnerability, x.Aliases, x.Package, x.Installed, x.FixVersion, x.Rule, x.CWEs,
		x.Path, line, x.Endpoint, x.Resource, yes(x.Exploited), epss, day(&x.OpenedAt), day(x.ReopenedAt), strconv.Itoa(x.ReopenCount), day(x.FixedAt), day(x.ClosedAt), yes(x.Detected()), string(x.Justification), x.Note, t.about.link(x.ID),
	}
}

func day(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
