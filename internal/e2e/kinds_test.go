package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/pquerna/otp/totp"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/identity"
)

// factor turns a person's second factor on and gives the session that did it, and the key.
func (s *site) factor(t testing.TB, key string) (token, secret string) {
	t.Helper()
	row, u, _, err := s.Identity.Visit(t.Context(), s.token(t, key))
	if err != nil {
		t.Fatal(err)
	}
	e := check[identity.Enrolment](t)(s.Identity.Enrol(t.Context(), u, row))
	secret = strings.ReplaceAll(e.Key, " ", "")
	u = s.visitor(t, u)
	_, token, err = s.Identity.Confirm(t.Context(), u, row, check[string](t)(totp.GenerateCode(secret, time.Now())), identity.From{})
	if err != nil {
		t.Fatal(err)
	}
	return token, secret
}

// visitor loads a person again.
func (s *site) visitor(t testing.TB, u identity.User) identity.User {
	t.Helper()
	_, again, _, err := s.Identity.Visit(t.Context(), check[string](t)(s.Identity.Begin(t.Context(), u, identity.From{})))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// Credentials that are not enough, whatever the role: each is tried at every route inside a workspace.
func TestCredentialsThatAreNotEnough(t *testing.T) {
	t.Parallel()
	s := open(t)
	strict := check[identity.Workspace](t)(s.Identity.CreateWorkspace(t.Context(), system, "Strict Harbour"))
	s.people["plain"] = check[identity.User](t)(s.Identity.CreateUser(t.Context(), system, identity.Account{Email: "plain@kente.example", Password: password}, strict.Slug, access.Owner))
	place := check[identity.Place](t)(s.Identity.Enter(t.Context(), s.people["plain"], strict.Slug))
	if err := s.Identity.ChangeWorkspace(database.WithWorkspace(t.Context(), strict.ID), place.Actor(s.people["plain"], identity.From{}), strict.Name, true); err != nil {
		t.Fatal(err)
	}
	s.factor(t, "admin")
	half, needsCode, err := s.Identity.SignIn(t.Context(), s.people["admin"].Email, password, identity.From{IP: "192.0.2.9"})
	if err != nil || !needsCode {
		t.Fatal(needsCode, err)
	}
	past := time.Now().Add(-time.Hour)
	ended := s.token(t, "engineer")
	if err := s.Identity.ChangeMember(s.ctx, s.owner, s.memberID(t, "engineer"), identity.Change{Role: access.Engineer, ExpiresAt: &past}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		token, workspace string
		want             int
		leads            string
	}{
		"an owner without the second factor that the workspace requires": {s.token(t, "plain"), strict.Slug, 303, "/account/mfa"},
		"a password without its second factor":                           {half, s.home.Slug, 303, "/login"},
		"an expired membership":                                          {ended, s.home.Slug, 404, ""},
		"a token that is cut":                                            {s.token(t, "owner")[:42], s.home.Slug, 303, "/login"},
		"the hash of a token":                                            {strings.Repeat("a", 64), s.home.Slug, 303, "/login"},
	} {
		before := s.rows(t)
		for _, r := range matrix {
			method, pattern, _ := strings.Cut(r.route, " ")
			if !strings.HasPrefix(pattern, "/w/") {
				continue
			}
			answer := s.ask(method, strings.Replace(s.path(pattern), s.home.Slug, c.workspace, 1), c.token, r.form)
			if answer.Code != c.want || !strings.HasPrefix(answer.Header().Get("Location"), c.leads) || strings.Contains(answer.Body.String(), "orders") {
				t.Errorf("%s at %s: %d %s", name, r.route, answer.Code, answer.Header().Get("Location"))
			}
		}
		if now := s.rows(t); now != before {
			t.Errorf("%s: something was stored: %s", name, difference(before, now))
		}
	}
}

// A consultant with every factor sees the services named in the membership, and none by default: no name, no count, no search hit.
func TestAConsultantSeesWhatWasGiven(t *testing.T) {
	t.Parallel()
	s := open(t)
	token, _ := s.factor(t, "consultant")
	look := func(hidden ...string) {
		t.Helper()
		for _, r := range matrix {
			method, pattern, _ := strings.Cut(r.route, " ")
			if method != http.MethodGet || !strings.HasPrefix(pattern, "/w/") || strings.HasSuffix(pattern, "/components") { // the sheet shows made-up services
				continue
			}
			answer := s.ask(method, s.path(pattern)+"?q=e&tab=calls", token, nil)
			if answer.Code >= 500 {
				t.Errorf("%s: %d", r.route, answer.Code)
			}
			for _, name := range hidden {
				// the search field repeats what was asked and links keep the address, so only what stands between tags counts
				if regexp.MustCompile(`>[^<]*\b` + name + `\b[^<]*<`).MatchString(answer.Body.String()) {
					t.Errorf("%s shows a consultant %s", r.route, name)
				}
			}
		}
	}
	look("orders", "orders-db")
	if err := s.Identity.ChangeMember(s.ctx, s.owner, s.memberID(t, "consultant"), identity.Change{Role: access.Consultant, Services: []int64{s.service.ID}}); err != nil {
		t.Fatal(err)
	}
	if got := s.ask(http.MethodGet, "/w/"+s.home.Slug+"/services/orders", token, nil).Code; got != 200 {
		t.Errorf("the service that was given: %d", got)
	}
	look("orders-db")
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, r := range matrix {
		method, pattern, _ := strings.Cut(r.route, " ")
		for _, kind := range []string{"anonymous", "owner", "viewer", "stranger"} {
			token := ""
			if kind != "anonymous" {
				token = s.token(t, kind)
			}
			if method == http.MethodGet {
				get, head := s.ask(http.MethodGet, s.path(pattern), token, nil), s.ask(http.MethodHead, s.path(pattern), token, nil)
				if head.Code != get.Code || head.Body.Len() != 0 {
					t.Errorf("HEAD %s as %s: %d with %d bytes, GET %d", pattern, kind, head.Code, head.Body.Len(), get.Code)
				}
			}
			before := s.rows(t)
			for _, other := range []string{http.MethodTrace, http.MethodPut, http.MethodDelete, http.MethodPatch, "PROPFIND"} {
				answer := s.askWith(other, s.path(pattern), token, nil, func(h http.Header) { h.Set("X-Canary", "echo-me-9931") })
				led := answer.Code == 303 && strings.HasPrefix(answer.Header().Get("Location"), "/login")
				if (!led && !slices.Contains([]int{403, 404, 405}, answer.Code)) || strings.Contains(answer.Body.String(), "echo-me-9931") {
					t.Errorf("%s %s as %s: %d", other, pattern, kind, answer.Code)
				}
			}
			if now := s.rows(t); now != before {
				t.Errorf("%s: another method stored something", pattern)
			}
		}
	}
}

// The test of the test: each planted violation must turn the matrix red.
func TestPlantedViolationsTurnTheMatrixRed(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := s.web.Echo()
	e.GET("/w/:workspace/open", func(c echo.Context) error { return c.String(http.StatusOK, "for everybody") })
	e.GET("/w/:workspace/leak", func(c echo.Context) error { return c.String(http.StatusForbidden, "zanzibar-ledger") })
	e.GET("/w/:workspace/broken", func(echo.Context) error { panic("planted") })
	e.POST("/w/:workspace/sly", func(c echo.Context) error {
		if err := s.Inventory.SaveEnvironment(s.ctx, s.owner, 0, fmt.Sprintf("Sly %d", time.Now().UnixNano())); err != nil {
			return err
		}
		return echo.ErrForbidden
	})
	all := func(code int) [8]int { return [8]int{code, code, code, code, code, code, code, code} }
	for name, c := range map[string]struct {
		row  row
		says string
	}{
		"a wrong expectation":                  {row{route: "GET /w/:workspace/activity", want: answers(200, 200, 200, 403)}, "as engineer: 403, want 200"},
		"a route that asks nobody":             {row{route: "GET /w/:workspace/open", want: answers(200, 200, 200, 200)}, "as anonymous: 200, want 303"},
		"a name of another workspace":          {row{route: "GET /w/:workspace/leak", want: all(403)}, "a name of another workspace"},
		"a failure that the row even expects":  {row{route: "GET /w/:workspace/broken", want: all(500)}, "fails: 500"},
		"a refused write that stores a change": {row{route: "POST /w/:workspace/sly", want: all(403)}, "stored something: activities"},
	} {
		if found := strings.Join(s.judge(t, c.row), "\n"); !strings.Contains(found, c.says) {
			t.Errorf("%s was not noticed: %q", name, found)
		}
	}
	if missing := strings.Join(s.unmatched(), "\n"); !strings.Contains(missing, "GET /w/:workspace/open has no row") {
		t.Errorf("a route without a row was not noticed: %s", missing)
	}
}

// Every form that is filled in wrongly comes back with a sentence at the field, or at the top where no one field is wrong.
func TestWrongFormsSayWhere(t *testing.T) {
	t.Parallel()
	s := open(t)
	described := regexp.MustCompile(`aria-describedby="([^"]+)"`)
	for _, r := range matrix {
		method, pattern, _ := strings.Cut(r.route, " ")
		if method != http.MethodPost || r.want[1] != http.StatusUnprocessableEntity || r.form == nil {
			continue
		}
		body := s.ask(method, s.path(pattern), s.token(t, "owner"), r.form).Body.String()
		if !strings.Contains(body, `aria-invalid="true"`) && !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: nothing says what is wrong", r.route)
		}
		for _, d := range described.FindAllStringSubmatch(body, -1) {
			for _, id := range strings.Fields(d[1]) {
				if !strings.Contains(body, `id="`+id+`"`) {
					t.Errorf("%s: a field is described by %q, which is not on the page", r.route, id)
				}
			}
		}
		if strings.Contains(body, `<main`) && !strings.Contains(body, "<form") {
			t.Errorf("%s: the form is gone, and what was typed with it", r.route)
		}
	}
}
