// Package webtest is a running app with one owner in one workspace, for tests of pages.
package webtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/config"
	"muster/internal/database"
	"muster/internal/house"
	"muster/internal/identity"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/web"
)

// Desk is the app and the owner who asks.
type Desk struct {
	*house.House
	Ctx   context.Context
	Owner access.Actor
	Root  string // the address of the workspace
	web   *web.Server
	token string
}

// Open starts the app on a database of its own.
func Open(t testing.TB) *Desk {
	t.Helper()
	cfg := config.Config{Store: config.Store{Data: t.TempDir()}, Addr: "127.0.0.1:0"}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h, err := house.Open(t.Context(), cfg.Store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	d := &Desk{House: h}
	if d.web, err = web.New(h, &cfg); err != nil {
		t.Fatal(err)
	}
	system := access.SystemActor("test")
	w, err := h.Identity.CreateWorkspace(t.Context(), system, "Kente Pay")
	if err != nil {
		t.Fatal(err)
	}
	user, err := h.Identity.CreateUser(t.Context(), system, identity.Account{Name: "Ama Mensah", Email: "ama@kente.example", Password: "copper lantern tuesdays"}, w.Slug, access.Owner)
	if err != nil {
		t.Fatal(err)
	}
	place, err := h.Identity.Enter(t.Context(), user, w.Slug)
	if err != nil {
		t.Fatal(err)
	}
	d.Owner, d.Ctx, d.Root = place.Actor(user, identity.From{}), database.WithWorkspace(t.Context(), w.ID), "/w/"+w.Slug
	if d.token, err = h.Identity.Begin(t.Context(), user, identity.From{IP: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	return d
}

// Environment is the first environment, production.
func (d *Desk) Environment(t testing.TB) inventory.Environment {
	t.Helper()
	environments, err := d.Inventory.Environments(d.Ctx, d.Owner)
	if err != nil {
		t.Fatal(err)
	}
	return environments[0]
}

// Propose makes a preview of manifests.
func (d *Desk) Propose(t testing.TB, text string) int64 {
	t.Helper()
	found, err := imports.Inspect([]model.File{{Path: "shop/all.yaml", Data: []byte(text)}}, imports.Options{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := d.Intake.Propose(d.Ctx, d.Owner, intake.Proposal{EnvironmentID: d.Environment(t).ID, Inspection: found})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Apply imports manifests.
func (d *Desk) Apply(t testing.TB, text string) {
	t.Helper()
	if _, err := d.Intake.Confirm(d.Ctx, d.Owner, d.Propose(t, text), intake.Choices{}); err != nil {
		t.Fatal(err)
	}
}

// Ask sends a form as the owner, to an address inside the workspace.
func (d *Desk) Ask(method, path string, form url.Values) *httptest.ResponseRecorder {
	return d.Send(method, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// Send sends any body.
func (d *Desk) Send(method, path, kind string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://muster.example"+d.Root+path, body)
	r.Header.Set("Origin", "http://muster.example")
	r.Header.Set("Content-Type", kind)
	r.AddCookie(&http.Cookie{Name: "muster", Value: d.token})
	w := httptest.NewRecorder()
	d.web.Echo().ServeHTTP(w, r)
	return w
}

// Serve answers on a port of this machine until the test ends, and gives the server, the app and the owner's cookie.
func (d *Desk) Serve(t testing.TB) (*httptest.Server, *web.Server, *http.Cookie) {
	t.Helper()
	server := httptest.NewServer(d.web)
	t.Cleanup(server.Close)
	t.Cleanup(d.web.Stop)
	return server, d.web, &http.Cookie{Name: "muster", Value: d.token}
}

// System writes the manifests of n services, each calling the next, each with a secret in clear.
func System(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: service-%d, namespace: shop}\nspec:\n  template:\n    metadata: {labels: {app: service-%d}}\n    spec:\n      containers:\n      - name: c\n        image: example.com/s:%d\n        env: [{name: NEXT_URL, value: 'http://service-%d:80'}, {name: API_SECRET, value: 'CANARY-%d'}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: service-%d, namespace: shop}\nspec: {selector: {app: service-%d}, ports: [{port: 80}]}\n---\n", i, i, i, (i+1)%n, i, i, i)
	}
	return b.String()
}

// Gzipped is how much a body weighs on the wire.
func Gzipped(t testing.TB, body []byte) int {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}
