package kit

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/evidence"
	"muster/internal/fault"
)

// Attached reads the file of a form; none is nil.
func Attached(c echo.Context) (*evidence.Upload, error) {
	header, err := c.FormFile("file")
	tooLarge := (*echo.HTTPError)(nil)
	switch {
	case errors.As(err, &tooLarge):
		return nil, err
	case errors.Is(err, http.ErrMissingFile), errors.Is(err, http.ErrNotMultipart), err == nil && header.Filename == "":
		return nil, nil // no file was chosen
	case err != nil:
		return nil, fault.Field("file", "The file did not arrive whole. Send it again.")
	}
	f, err := header.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, evidence.MaxAttachment+1))
	return &evidence.Upload{Name: header.Filename, Data: data}, err
}

// Download sends a file that a person attached: as bytes to be saved, never as something to be shown.
func Download(c echo.Context, name string, data []byte) error {
	head := c.Response().Header()
	head.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", ascii(name)))
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	return c.Blob(http.StatusOK, "application/octet-stream", data)
}

// ascii keeps a file name within what every browser reads the same way.
func ascii(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, name)
}
