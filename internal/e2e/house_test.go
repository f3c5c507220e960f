// Package e2e tries the whole app from outside: with a browser, and as everybody who may or may not come in.
package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/config"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/finding"
	"muster/internal/house"
	"muster/internal/identity"
	"muster/internal/imports"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/probe"
	"muster/internal/remediation"
	"muster/internal/scan"
	"muster/internal/secret"
	"muster/internal/web"
)

const password = "copper lantern tuesdays"

// site is a running app with a seeded workspace.
type site struct {
	*house.House
	server  *httptest.Server
	web     *web.Server
	home    identity.Workspace
	other   identity.Workspace
	people  map[string]identity.User // by role, and a few others
	service inventory.Service        // one with everything
	ids     map[string]string        // for path parameters
	ctx     context.Context
	owner   access.Actor
	setup   string

	disabledToken string // of a session from before the person was switched off
}

var system = access.SystemActor("test")

// open starts the app on the embedded database.
func open(t testing.TB) *site { return openAt(t, "") }

// both runs a test on the app on either engine.
func both(t *testing.T, f func(t *testing.T, s *site)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, open(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, openAt(t, postgresOf(t)))
	})
}

// postgresOf is an empty database on PostgreSQL.
func postgresOf(t testing.TB) secret.Text { return secret.Text(databasetest.PostgresURL(t)) }

// openAt starts the app on a PostgreSQL, or on the embedded database when there is none.
func openAt(t testing.TB, address secret.Text) *site {
	t.Helper()
	cfg := config.Config{Store: config.Store{Data: t.TempDir(), Database: address}, Addr: "127.0.0.1:0"}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	h, err := house.Open(t.Context(), cfg.Store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	s := &site{House: h, people: map[string]identity.User{}, ids: map[string]string{}}
	if s.web, err = web.New(h, &cfg); err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewServer(s.web)
	t.Cleanup(s.server.Close)
	s.seed(t)
	return s
}

func check[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (s *site) seed(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	s.setup, _, _ = s.Identity.NewSetupLink(ctx)
	s.home = check[identity.Workspace](t)(s.Identity.CreateWorkspace(ctx, system, "Kente Pay"))
	s.other = check[identity.Workspace](t)(s.Identity.CreateWorkspace(ctx, system, "Foreign Works"))
	user := func(key string, w identity.Workspace, role access.Role) {
		s.people[key] = check[identity.User](t)(s.Identity.CreateUser(ctx, system, identity.Account{Name: "Person " + key, Email: key + "@kente.example", Password: password}, w.Slug, role))
	}
	for _, r := range access.Roles() {
		user(string(r), s.home, r)
	}
	user("stranger", s.other, access.Owner)
	user("disabled", s.home, access.Owner)
	place := check[identity.Place](t)(s.Identity.Enter(ctx, s.people["owner"], s.home.Slug))
	s.owner = place.Actor(s.people["owner"], identity.From{})
	s.ctx = database.WithWorkspace(ctx, s.home.ID)
	s.apply(t, "kubernetes.yaml", "api.yaml")
	team := check[inventory.Team](t)(s.Inventory.SaveTeam(s.ctx, s.owner, 0, "Payments", []int64{place.Member.ID}))
	s.service = check[inventory.Service](t)(s.Inventory.Get(s.ctx, s.owner, "orders"))
	preview := s.propose(t, "kubernetes.yaml")
	token := check[string](t)(s.Identity.Invite(s.ctx, s.owner, "new@kente.example", access.Viewer))
	reset := check[string](t)(s.Identity.ResetLink(s.ctx, s.owner, s.memberID(t, "viewer")))
	foreign := database.WithWorkspace(ctx, s.other.ID)
	check[inventory.Service](t)(s.Inventory.Create(foreign, system, inventory.Edit{Name: "zanzibar-ledger", Kind: inventory.KindService, Tier: 1, Exposure: inventory.Public}))
	s.ids = map[string]string{"slug": "orders", "id": strconv.FormatInt(preview, 10), "team": strconv.FormatInt(team.ID, 10), "member": strconv.FormatInt(s.memberID(t, "viewer"), 10), "invite": token, "reset": reset}
	s.ids["finding"], s.ids["report"] = s.find(t)
	s.ids["task"] = strconv.FormatInt(s.plan(t), 10)
	s.ids["exception"] = strconv.FormatInt(s.except(t), 10)
	s.ids["entry"] = strconv.FormatInt(s.keep(t), 10)
	s.look(t)
	s.works(t)
	s.ids["disabled"] = s.token(t, "disabled") // from before: nobody can begin a session afterwards
	s.disabledToken = s.token(t, "disabled")
	if err := s.Identity.SetDisabled(ctx, system, s.people["disabled"].Email, true); err != nil {
		t.Fatal(err)
	}
}

// find brings the report of a scanner: some of its findings are of orders, some nobody's, and one was decided. It gives
// a finding with a story, and a report that waits for a word.
func (s *site) find(t testing.TB) (id, waiting string) {
	t.Helper()
	s.apply(t, "trivy.json")
	s.applyAs(t, "elsewhere", "stray.json")
	list := check[finding.Page](t)(s.Findings.List(s.ctx, s.owner, finding.Filter{Service: s.service.ID}))
	first := list.Rows[0].ID
	engineer := s.as(t, "engineer")
	for _, to := range []finding.State{finding.Confirmed, finding.InProgress} {
		check[finding.Finding](t)(s.Steward.MoveFinding(s.ctx, engineer, first, finding.Move{To: to, Note: "The new base image has it."}))
	}
	for by, pattern := range map[finding.TraitKind]string{finding.ByImage: "registry.example/orders-*", finding.ByPath: "services/orders"} {
		if err := s.Steward.AddFindingRule(s.ctx, engineer, finding.NewRule{By: by, Pattern: pattern}, "orders"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Findings.Attach(s.ctx, engineer, first, &evidence.Upload{Name: "proof.txt", Data: []byte("The new image starts.")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Findings.Watch(s.ctx, s.owner, first, true); err != nil {
		t.Fatal(err)
	}
	check[finding.Finding](t)(s.Steward.MoveFinding(s.ctx, s.owner, list.Rows[1].ID, finding.Move{To: finding.NotAffected, Justification: finding.NotExecuted, Note: "We never call template()."}))
	return strconv.FormatInt(first, 10), strconv.FormatInt(s.propose(t, "trivy.json"), 10)
}

// plan makes tasks: of a person and blocked, of a team, and of a control. It gives the one with a story.
func (s *site) plan(t testing.TB) int64 {
	t.Helper()
	engineer := s.as(t, "engineer")
	number := kit64(t, s.ids["finding"])
	all := check[finding.Page](t)(s.Findings.List(s.ctx, s.owner, finding.Filter{Everything: true, Service: s.service.ID}))
	ids := []int64{number}
	for i := range all.Rows {
		ids = append(ids, all.Rows[i].ID)
	}
	first := check[remediation.Task](t)(s.Tasks.Create(s.ctx, engineer, remediation.Draft{Title: "Move orders to the new base image", Note: "It has them all.", Who: fmt.Sprintf("user:%d", engineer.UserID), Planned: "2026-12-24", Findings: ids, Cells: []remediation.Cell{{Service: s.service.ID, Control: "TLS-6"}}}))
	check[remediation.Task](t)(s.Steward.MoveTask(s.ctx, engineer, first.ID, remediation.Step{To: remediation.Doing, Note: "Today."}))
	check[remediation.Task](t)(s.Tasks.Block(s.ctx, engineer, first.ID, "The registry has no image yet.", 0))
	check[remediation.Task](t)(s.Tasks.Create(s.ctx, s.owner, remediation.Draft{Cells: []remediation.Cell{{Control: "GOV-10"}}, Who: "team:" + s.ids["team"]}))
	other := check[remediation.Task](t)(s.Tasks.Create(s.ctx, s.owner, remediation.Draft{Cells: []remediation.Cell{{Service: s.service.ID, Control: "RUN-1"}}, Who: fmt.Sprintf("user:%d", s.owner.UserID)}))
	check[remediation.Task](t)(s.Steward.MoveTask(s.ctx, s.owner, other.ID, remediation.Step{To: remediation.Fixed}))
	return first.ID
}

func kit64(t testing.TB, text string) int64 {
	t.Helper()
	return check[int64](t)(strconv.ParseInt(text, 10, 64))
}

// except has the engineer ask for exceptions: one waits, one was approved and ends soon.
func (s *site) except(t testing.TB) int64 {
	t.Helper()
	engineer := s.as(t, "engineer")
	ask := func(slug string, r exception.Request) int64 {
		return check[exception.Exception](t)(s.Posture.Ask(s.ctx, engineer, slug, r)).ID
	}
	near := ask("", exception.Request{Control: "RUN-1", Reason: "The base images need an init process that runs as root; the new ones come next week.", Days: 6})
	if err := s.Posture.Decide(s.ctx, s.owner, near, true, "Not a day longer."); err != nil {
		t.Fatal(err)
	}
	s.acceptFindings(t, engineer)
	return ask("orders", exception.Request{Control: "TLS-6", Reason: "The partner's client cannot present a certificate before March.", Compensating: "Only the partner's network reaches the port.", Days: 90})
}

// acceptFindings has the engineer ask for time for findings: one is accepted by a rule, another waits for a decision.
func (s *site) acceptFindings(t testing.TB, engineer access.Actor) {
	t.Helper()
	rows := check[finding.Page](t)(s.Findings.List(s.ctx, s.owner, finding.Filter{Service: s.service.ID})).Rows
	last := rows[len(rows)-1]
	for _, r := range []exception.Request{
		{Subject: exception.OfRule, MatchBy: exception.ByPackage, MatchValue: last.Package, Services: []int64{s.service.ID}, Reason: "The vendor ships a fix in the next release.", Compensating: "The feature is switched off.", Days: 7},
		{Subject: exception.OfFindings, Findings: []int64{rows[0].ID}, Reason: "It takes another sprint.", Days: 20},
	} {
		e := check[exception.Exception](t)(s.Posture.AskForFindings(s.ctx, engineer, r))
		if r.Subject == exception.OfFindings {
			s.ids["asked"] = strconv.FormatInt(e.ID, 10)
			continue
		}
		if err := s.Posture.Decide(s.ctx, s.owner, e.ID, true, ""); err != nil {
			t.Fatal(err)
		}
		s.ids["rule"], s.ids["accepted"] = strconv.FormatInt(e.ID, 10), strconv.FormatInt(last.ID, 10)
	}
}

// keep writes down credentials: one is past its day, one is due soon.
func (s *site) keep(t testing.TB) int64 {
	t.Helper()
	day := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	for _, line := range []evidence.Line{
		{Name: "Key of the card processor", Values: map[string]string{"kind": "API key", "consumer": "orders", "rotated": day(-400), "period": "365"}},
		{Name: "Certificate of the partner gateway", Values: map[string]string{"kind": "certificate", "consumer": "web and orders, behind the partner's gateway", "rotated": day(-80), "expires": day(10)}},
	} {
		line.Register = "credentials"
		if err := s.Posture.Enter(s.ctx, s.owner, "orders", line); err != nil {
			t.Fatal(err)
		}
	}
	return check[[]evidence.Entry](t)(s.Ledger.Entries(s.ctx, s.owner, "credentials", nil))[0].ID
}

// look brings what a probe saw elsewhere: one address answered, another did not.
func (s *site) look(t testing.TB) {
	t.Helper()
	environments := check[[]inventory.Environment](t)(s.Inventory.Environments(s.ctx, s.owner))
	for _, address := range []string{"https://orders.example.com", "admin.orders.example.com:8443"} {
		if err := s.Steward.AddEndpoint(s.ctx, s.owner, "orders", environments[0].ID, address, "all"); err != nil {
			t.Fatal(err)
		}
	}
	report := check[*probe.Report](t)(scan.ReadReport("probe.json", check[[]byte](t)(os.ReadFile(filepath.Join("testdata", "probe.json")))))
	now := time.Now().UTC()
	for i := range report.Targets {
		report.Targets[i].StartedAt = now.Add(-3 * time.Hour)
	}
	told := check[scan.Told](t)(s.Scans.Hear(s.ctx, s.owner, report, scan.Hearing{Environment: environments[0].ID}))
	if told.Services != 1 || len(told.Unmatched) != 1 {
		t.Fatalf("the report came to %+v", told)
	}
}

// as is the actor of a person in the home workspace.
func (s *site) as(t testing.TB, key string) access.Actor {
	t.Helper()
	place := check[identity.Place](t)(s.Identity.Enter(t.Context(), s.people[key], s.home.Slug))
	return place.Actor(s.people[key], identity.From{})
}

func (s *site) memberID(t testing.TB, key string) int64 {
	t.Helper()
	return check[identity.Place](t)(s.Identity.Enter(t.Context(), s.people[key], s.home.Slug)).Member.ID
}

func (s *site) propose(t testing.TB, names ...string) int64 {
	t.Helper()
	return s.proposeAs(t, "shop", names...)
}

func (s *site) proposeAs(t testing.TB, source string, names ...string) int64 {
	t.Helper()
	var paths []string
	for _, n := range names {
		paths = append(paths, filepath.Join("testdata", n))
	}
	gathered := check[*imports.Gathered](t)(imports.Gather(paths))
	found, err := imports.Inspect(gathered.Files, imports.Options{Explicit: gathered.Explicit})
	if err != nil {
		t.Fatal(err)
	}
	environments := check[[]inventory.Environment](t)(s.Inventory.Environments(s.ctx, s.owner))
	return check[int64](t)(s.Intake.Propose(s.ctx, s.owner, intake.Proposal{EnvironmentID: environments[0].ID, SourceName: source, Inspection: found}))
}

func (s *site) apply(t testing.TB, names ...string) {
	t.Helper()
	s.applyAs(t, "shop", names...)
}

func (s *site) applyAs(t testing.TB, source string, names ...string) {
	t.Helper()
	check[*intake.Plan](t)(s.Intake.Confirm(s.ctx, s.owner, s.proposeAs(t, source, names...), intake.Choices{}))
}

// token signs a person in without the form.
func (s *site) token(t testing.TB, key string) string {
	t.Helper()
	if old := s.ids[key]; old != "" {
		return old
	}
	return check[string](t)(s.Identity.Begin(t.Context(), s.people[key], identity.From{IP: "127.0.0.1"}))
}

// ask sends one request, in process, as somebody.
func (s *site) ask(method, path, token string, form url.Values) *httptest.ResponseRecorder {
	return s.askWith(method, path, token, form, func(http.Header) {})
}

// askWith changes the headers first.
func (s *site) askWith(method, path, token string, form url.Values, change func(http.Header)) *httptest.ResponseRecorder {
	return s.askIn(context.Background(), method, path, token, form, change)
}

// askIn sends the request with a context of the test's.
func (s *site) askIn(ctx context.Context, method, path, token string, form url.Values, change func(http.Header)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, s.server.URL+path, strings.NewReader(form.Encode()))
	r.Host = strings.TrimPrefix(s.server.URL, "http://")
	r.Header.Set("Origin", s.server.URL)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "muster", Value: token})
	}
	change(r.Header)
	w := httptest.NewRecorder()
	s.web.ServeHTTP(w, r)
	return w
}

// shots is a folder for screenshots; empty in usual runs.
var shots = os.Getenv("MUSTER_SHOTS")
