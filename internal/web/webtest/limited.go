package webtest

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/identity"
	"muster/internal/inventory"
	"muster/internal/web/kit"
)

// Limited serves some pages to a consultant who sees only the named services.
func (d *Desk) Limited(services []int64, routes func(*echo.Group)) func(method, path string, form url.Values) *httptest.ResponseRecorder {
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		status := kit.Status(err)
		if known := (*echo.HTTPError)(nil); errors.As(err, &known) {
			status = known.Code
		}
		_ = c.NoContent(status)
	}
	slug := strings.TrimPrefix(d.Root, "/w/")
	routes(e.Group("/w/:workspace", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			place := &identity.Place{Workspace: identity.Workspace{Slug: slug, Name: slug}}
			kit.SetVisit(c, &kit.Visit{Now: time.Now(), Place: place, Actor: access.Actor{UserID: 4712, Name: "Efua Addo", Role: access.Consultant}})
			c.SetRequest(c.Request().WithContext(inventory.WithVisible(d.Ctx, services)))
			return next(c)
		}
	}))
	return func(method, path string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://muster.example"+d.Root+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w
	}
}
