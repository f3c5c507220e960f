// Package web is the router: which address leads to which handler, and what every request passes on its way there.
package web

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"muster/internal/access"
	"muster/internal/config"
	"muster/internal/house"
	"muster/internal/web/account"
	"muster/internal/web/exceptions"
	"muster/internal/web/findings"
	"muster/internal/web/frameworks"
	"muster/internal/web/imports"
	"muster/internal/web/jobs"
	"muster/internal/web/kit"
	"muster/internal/web/overview"
	"muster/internal/web/posture"
	"muster/internal/web/probes"
	"muster/internal/web/registers"
	"muster/internal/web/scoring"
	"muster/internal/web/servicemap"
	"muster/internal/web/services"
	"muster/internal/web/settings"
	"muster/internal/web/tasks"
	"muster/static"
)

// Server answers requests.
type Server struct {
	house    *house.House
	secure   bool
	echo     *echo.Echo
	stopping chan struct{}
	stop     sync.Once
}

// The largest bodies that routes take.
const (
	formLimit   = "1M"
	uploadLimit = "130M"
	attachLimit = "11M"
	reportLimit = "33M"
)

// New makes the server with all its routes.
func New(h *house.House, cfg *config.Config) (*Server, error) {
	s := &Server{house: h, secure: cfg.Secure(), echo: echo.New(), stopping: make(chan struct{})}
	e := s.echo
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.fail
	e.IPExtractor = echo.ExtractIPDirect()
	if len(cfg.TrustedProxies) > 0 {
		e.IPExtractor = echo.ExtractIPFromXFFHeader(trusted(cfg.TrustedProxies)...)
	}
	e.Use(s.requestID, s.headers, s.recovered, s.sameOrigin,
		middleware.BodyLimitWithConfig(middleware.BodyLimitConfig{Limit: formLimit, Skipper: isUpload}), plainText, s.session)
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", s.ready)
	e.GET("/static/*", serveStatic)
	a := account.New(h.Identity, s.cookieName(), s.secure)
	a.Public(e)
	private := e.Group("", s.signedIn)
	a.Private(private)
	w := e.Group("/w/:workspace", s.signedIn, s.workspace)
	overview.New(h.Inventory, h.Activity).Routes(w)
	work := jobs.New(h.Jobs, s.still, s.stopping)
	work.Routes(w)
	brought := imports.New(h.Inventory, h.Intake)
	brought.Routes(w, uploads(uploadLimit, access.Imports))
	posture.New(h.Posture, h.Ledger, h.Inventory, h.Scans, h.Findings).Covered(h.Tasks).Attend(work.Attention).Attend(brought.Attention).Routes(w, uploads(attachLimit, access.Posture))
	probes.New(h.Scans, h.Inventory, h.Posture).Routes(w, uploads(reportLimit, access.Imports))
	services.New(h.Inventory, h.Steward, h.Posture, h.Findings).Routes(w)
	findings.New(h.Findings, h.Inventory, h.Steward, h.Tasks, cfg.BaseURL).Routes(w, uploadsBy(attachLimit, access.Comment, access.Findings))
	tasks.New(h.Tasks, h.Inventory, h.Steward).Routes(w)
	servicemap.New(h.Topology, h.Posture).Routes(w)
	exceptions.New(h.Posture, h.Exceptions, h.Inventory, h.Findings, h.Identity).Routes(w)
	registers.New(h.Posture, h.Ledger, h.Inventory).Routes(w)
	frameworks.New(h.Posture, h.Controls).Routes(w, uploads(attachLimit, access.Scoring))
	scoring.New(h.Posture, h.Activity).Routes(w)
	settings.New(h.Identity, h.Inventory, cfg.BaseURL).Routes(w)
	return s, nil
}

// ServeHTTP answers HEAD like GET without the body, which the router by itself would refuse.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		get := *r
		get.Method = http.MethodGet
		w, r = headWriter{w}, &get
	}
	s.echo.ServeHTTP(w, r)
}

type headWriter struct{ http.ResponseWriter }

// Write drops the body.
func (headWriter) Write(b []byte) (int, error) { return len(b), nil }

// Stop ends what streams, so that a server that shuts down does not wait for it.
func (s *Server) Stop() { s.stop.Do(func() { close(s.stopping) }) }

// Echo is the router, for the access matrix.
func (s *Server) Echo() *echo.Echo { return s.echo }

func (s *Server) cookieName() string {
	if s.secure {
		return "__Host-muster"
	}
	return "muster"
}

func trusted(networks []string) []echo.TrustOption {
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, n := range networks {
		p := netip.MustParsePrefix(n) // checked by the configuration
		_, ipnet, err := net.ParseCIDR(p.String())
		if err != nil {
			continue
		}
		options = append(options, echo.TrustIPRange(ipnet))
	}
	return options
}

func (s *Server) ready(c echo.Context) error {
	migrated, err := s.house.DB.Migrated(kit.Ctx(c))
	if err != nil || !migrated {
		slog.WarnContext(kit.Ctx(c), "not ready", "migrated", migrated, "error", err)
		return c.String(http.StatusServiceUnavailable, "the database cannot be reached, or its schema is not up to date\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

// serveStatic serves embedded files; their addresses change with their content, so browsers keep them.
func serveStatic(c echo.Context) error {
	a, ok := static.Get(c.Param("*"))
	if !ok {
		return echo.ErrNotFound
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	data := a.Data
	if a.Gzip != nil && strings.Contains(c.Request().Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		data = a.Gzip
	}
	return c.Blob(http.StatusOK, a.Type, data)
}
