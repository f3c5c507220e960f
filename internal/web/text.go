package web

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/web/kit"
)

// isText reports what a database can keep as text: PostgreSQL takes neither NUL nor broken UTF-8.
func isText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

const noText = "This holds characters that are no text, such as a NUL byte. Type it again instead of pasting it."

// isUpload names the routes that take files.
func isUpload(c echo.Context) bool {
	path := c.Path()
	return c.Request().Method == http.MethodPost && (path == "/w/:workspace/imports" || path == "/w/:workspace/scans/report" || strings.HasSuffix(path, "/attest") || strings.HasSuffix(path, "/attach") || strings.HasSuffix(path, "/texts"))
}

// plainText refuses what is no text before a handler sees it: in the path it leads nowhere, elsewhere it is named.
func plainText(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		for _, value := range c.ParamValues() {
			if !isText(value) {
				return fault.Missing("page")
			}
		}
		if err := checkValues(c.QueryParams()); err != nil {
			return err
		}
		if isUpload(c) {
			return next(c)
		}
		if err := checkForm(c.Request()); err != nil {
			return err
		}
		return next(c)
	}
}

func checkValues(values map[string][]string) error {
	for name, list := range values {
		for _, value := range append(list, name) {
			if !isText(value) {
				return fault.Field(strings.ToValidUTF8(name, "?"), noText)
			}
		}
	}
	return nil
}

// checkForm reads a posted form. Pages take forms and nothing else, so that no other reader of bodies can be chosen from outside.
func checkForm(r *http.Request) error {
	if r.Method != http.MethodPost || r.ContentLength == 0 {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != echo.MIMEApplicationForm {
		return fault.New(fault.Invalid, "This page takes forms only.")
	}
	if err := r.ParseForm(); err != nil {
		var tooLarge *echo.HTTPError
		if errors.As(err, &tooLarge) {
			return fault.New(fault.TooLarge, "The form is larger than this page takes. Nothing was stored.")
		}
		return fault.New(fault.Invalid, "The form was cut off or damaged on its way. Send it again; nothing was stored.")
	}
	return checkValues(r.PostForm)
}

// uploads asks for the right first, so that nobody's files are read in vain, and checks the names that come with files.
func uploads(limit string, object access.Object) echo.MiddlewareFunc {
	return uploadsBy(limit, access.Write, object)
}

// uploadsBy is uploads for a form that asks for another right than to write.
func uploadsBy(limit string, action access.Action, object access.Object) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc { return upload(limit, action, object, next) }
}

// uploadMemory is how much of an upload is held in memory; the rest waits in a temporary file. While it is received the
// memory grows to some times as much.
const uploadMemory = 4 << 20

func upload(limit string, action access.Action, object access.Object, next echo.HandlerFunc) echo.HandlerFunc {
	limited := middleware.BodyLimit(limit)(func(c echo.Context) error {
		err := c.Request().ParseMultipartForm(uploadMemory)
		form := c.Request().MultipartForm
		if tooLarge := new(echo.HTTPError); errors.As(err, &tooLarge) {
			return fault.New(fault.TooLarge, "The files are larger than this page takes. Nothing was stored.")
		}
		if err != nil { // the page says what was wrong with the upload, or it is a form without a file
			if err := checkValues(c.Request().PostForm); err != nil {
				return err
			}
			return next(c)
		}
		if err := checkValues(form.Value); err != nil {
			return err
		}
		for _, files := range form.File {
			for _, f := range files {
				if !isText(f.Filename) {
					return fault.Field("files", "The name of a file holds characters that are no text.")
				}
			}
		}
		return next(c)
	})
	return func(c echo.Context) error {
		if err := kit.Require(c, action, object); err != nil {
			return err
		}
		return limited(c)
	}
}
