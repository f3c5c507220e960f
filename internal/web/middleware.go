package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/identity"
	"muster/internal/inventory"
	"muster/internal/web/kit"
	"muster/views/layout"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"

// headers are on every answer.
func (s *Server) headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		if !strings.HasPrefix(c.Request().URL.Path, "/static/") {
			h.Set("Cache-Control", "no-store")
		}
		return next(c)
	}
}

// requestID names the request in the log and on the error page.
func (s *Server) requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := make([]byte, 8)
		rand.Read(id)
		kit.SetVisit(c, &kit.Visit{RequestID: hex.EncodeToString(id), Now: s.house.DB.Now(kit.Ctx(c))})
		c.Response().Header().Set("X-Request-ID", kit.Of(c).RequestID)
		return next(c)
	}
}

// recovered turns a panic into an error with its stack in the log.
func (s *Server) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if r == http.ErrAbortHandler { // a file that broke off midway has to look broken
					panic(r)
				}
				err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
			}
		}()
		return next(c)
	}
}

// sameOrigin refuses writes that another site started. The library's check lets requests without any of the headers
// pass, for programs; a browser with a cookie always sends one, so here one is demanded.
func (s *Server) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	var check http.CrossOriginProtection
	return func(c echo.Context) error {
		r := c.Request()
		if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
			return next(c)
		}
		if err := check.Check(r); err != nil || (r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "") {
			return fault.Denied("This form was sent from another site, so it was not carried out.")
		}
		return next(c)
	}
}

// session finds out who asks.
func (s *Server) session(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		cookie, err := c.Cookie(s.cookieName())
		if err != nil {
			return next(c)
		}
		v, visit := kit.Of(c), s.house.Identity.Visit
		if strings.HasSuffix(c.Path(), "/events") { // a page that is open is nobody at work
			visit = s.house.Identity.Peek
		}
		row, user, ok, err := visit(kit.Ctx(c), cookie.Value)
		if err != nil {
			return err
		}
		if ok {
			v.Token, v.Session, v.User = cookie.Value, row, user
			v.SignedIn = row.Stage() == identity.StageFull
		}
		return next(c)
	}
}

// signedIn sends others to the sign-in page, and back afterwards.
func (s *Server) signedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if kit.Of(c).SignedIn {
			return next(c)
		}
		back := "/"
		if c.Request().Method == http.MethodGet {
			back = c.Request().URL.RequestURI()
		} else {
			kit.Say(c, layout.Flash{Text: "Your session ended before the form was sent. Sign in; nothing was stored.", Bad: true})
		}
		return c.Redirect(http.StatusSeeOther, "/login?to="+url.QueryEscape(back))
	}
}

// workspace finds the membership; no membership and no workspace look the same.
func (s *Server) workspace(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := kit.Of(c)
		place, err := s.house.Identity.Enter(kit.Ctx(c), v.User, c.Param("workspace"))
		if err != nil {
			return err
		}
		if place.NeedsMFA(v.User) {
			kit.Say(c, layout.Flash{Text: place.Workspace.Name + " asks for a second factor. Turn it on to go in."})
			return c.Redirect(http.StatusSeeOther, "/account/mfa")
		}
		v.Place, v.Actor = &place, place.Actor(v.User, v.From(c))
		if c.Request().Method == http.MethodGet {
			if v.Others, err = s.house.Identity.Others(kit.Ctx(c), &place); err != nil {
				return err
			}
		}
		ctx := database.WithWorkspace(kit.Ctx(c), place.Workspace.ID)
		c.SetRequest(c.Request().WithContext(inventory.WithVisible(ctx, place.Visible)))
		return next(c)
	}
}

// still asks again, long after a request began, whether its person may be in the workspace.
func (s *Server) still(ctx context.Context, v *kit.Visit) (access.Actor, bool) {
	row, user, ok, err := s.house.Identity.Peek(ctx, v.Token)
	if err != nil || !ok || row.Stage() != identity.StageFull || v.Place == nil {
		return access.Actor{}, false
	}
	place, err := s.house.Identity.Enter(ctx, user, v.Place.Workspace.Slug)
	if err != nil || place.NeedsMFA(user) {
		return access.Actor{}, false
	}
	return place.Actor(user, identity.From{IP: v.Actor.IP, RequestID: v.RequestID}), true
}

// fail is the one place where errors become pages.
func (s *Server) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	v := kit.Of(c)
	title, message, status, id := "Something went wrong", "The page could not be made. Try again; if it happens again, tell the operator the request's id.", http.StatusInternalServerError, v.RequestID
	var web *echo.HTTPError
	if f, ok := fault.As(err); ok {
		title, message, status, id = titles[f.Kind], f.Message, kit.Status(err), ""
	} else if errors.As(err, &web) && web.Code < 500 {
		title, message, status, id = "There is no such page", "The address may be mistyped, or what was here is gone.", web.Code, ""
		if web.Code == http.StatusRequestEntityTooLarge {
			title, message = titles[fault.TooLarge], "What was sent is larger than this page takes."
		}
	} else {
		slog.ErrorContext(kit.Ctx(c), "request failed", "request", v.RequestID, "method", c.Request().Method, "route", c.Path(), "error", err)
	}
	if renderErr := kit.Render(c, status, layout.Failure(title, kit.Theme(c), message, id, "/")); renderErr != nil {
		slog.ErrorContext(kit.Ctx(c), "error page failed", "request", v.RequestID, "error", renderErr)
	}
}

var titles = map[fault.Kind]string{
	fault.NotFound: "Not found", fault.Invalid: "That does not work", fault.Conflict: "That is not possible now", fault.Forbidden: "You may not do this", fault.Unauthenticated: "Sign in first",
	fault.TooLarge: "Too large", fault.TooMany: "Too many attempts", fault.Unavailable: "Not available now",
}
