package findings

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/fault"
	"muster/internal/finding/file"
	"muster/internal/web/kit"
	"muster/views/ui"
)

// narrowing are the members of a list's address that narrow or order it.
var narrowing = []string{"q", "state", "severity", "kind", "service", "overdue", "due", "exploited", "watching", "sort"}

func formats() []ui.Option {
	var list []ui.Option
	for _, f := range file.Formats() {
		list = append(list, ui.Option{Value: string(f), Label: f.Name()})
	}
	return list
}

// export writes everything that the list shows as a file, while it is read.
func (h *Handlers) export(c echo.Context) error {
	values, err := kit.Form(c)
	if err != nil {
		return err
	}
	format := file.Format(values.Get("format"))
	if !format.Known() {
		return fault.Field("format", "Choose one of the formats: CSV, JSON, SARIF or OpenVEX.")
	}
	names, err := h.names(c)
	if err != nil {
		return err
	}
	v := kit.Of(c)
	x := h.chosen(values, names, v.Actor.UserID)
	x.filter.After = ""
	filters := map[string]string{}
	for _, key := range narrowing {
		if value := values.Get(key); value != "" && key != "sort" {
			filters[key] = value
		}
	}
	slow := &download{c: c, format: format, name: fmt.Sprintf("findings-%s-%s", v.Place.Workspace.Slug, v.Now.UTC().Format("2006-01-02"))}
	out := bufio.NewWriterSize(slow, 64<<10)
	w := file.New(format, out, file.About{Workspace: v.Place.Workspace.Slug, At: v.Now, Filters: filters, Root: h.base + kit.In(c, ""), Service: func(id int64) string { s := names[id]; return s.Slug }})
	err = h.findings.Export(kit.Ctx(c), v.Actor, x.filter, format.Name(), described(filters), w.Add)
	said := true
	if err == nil {
		said, err = w.End()
	}
	if err == nil && !said {
		return fault.New(fault.Invalid, "Nothing in this list says anything in OpenVEX: only packages with a package URL and a vulnerability do. Choose other filters or another format.")
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil && c.Response().Committed {
		panic(http.ErrAbortHandler) // a half file must not look like a whole one
	}
	return err
}

// described says in one line what a list was narrowed to.
func described(filters map[string]string) string {
	q := url.Values{}
	for key, value := range filters {
		q.Set(key, value)
	}
	if len(q) == 0 {
		return "what waits for work"
	}
	return strings.ReplaceAll(q.Encode(), "&", ", ")
}

// download answers with a file; the answer begins with its first bytes, so that what fails before is told on a page.
type download struct {
	c      echo.Context
	format file.Format
	name   string
}

// patience is how long a browser may take for one piece of a file.
const patience = 2 * time.Minute

// Write sends a piece of the file. However long the file is, only a browser that takes no more of it is given up.
func (d *download) Write(p []byte) (int, error) {
	r := d.c.Response()
	if !r.Committed {
		r.Header().Set(echo.HeaderContentType, d.format.Kind())
		r.Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+d.name+d.format.Ending()+`"`)
		r.WriteHeader(http.StatusOK)
	}
	_ = http.NewResponseController(r.Writer).SetWriteDeadline(time.Now().Add(patience)) // which a test's recorder does not have
	n, err := r.Write(p)
	if err != nil {
		return n, fmt.Errorf("send the file: %w", err)
	}
	return n, nil
}
