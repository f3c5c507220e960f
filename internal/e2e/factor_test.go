package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// The workspace demands a second factor, and the owner has none: every page inside leads to turning it on, and nothing
// is changed on the way.
func TestWithoutTheRequiredFactor(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *site) {
		if err := s.Identity.ChangeWorkspace(s.ctx, s.owner, s.home.Name, true); err != nil {
			t.Fatal(err)
		}
		token, before := s.token(t, "owner"), s.rows(t)
		for _, r := range matrix {
			method, pattern, _ := strings.Cut(r.route, " ")
			if !strings.HasPrefix(pattern, "/w/") {
				continue
			}
			answer := s.ask(method, s.path(pattern), token, r.form)
			if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/account/mfa" {
				t.Errorf("%s: %d to %q", r.route, answer.Code, answer.Header().Get("Location"))
			}
		}
		if now := s.rows(t); now != before {
			t.Errorf("something was stored:\n%s", difference(before, now))
		}
	})
}

// The matrix itself must notice a hole: a route without a row, and a row that expects too much.
func TestTheMatrixNoticesAHole(t *testing.T) {
	t.Parallel()
	s := open(t)
	planted := row{route: "GET /w/:workspace/members", want: answers(403, 200, 403, 200)}
	method, pattern, _ := strings.Cut(planted.route, " ")
	wrong := 0
	for i, kind := range kinds {
		token := ""
		if kind != "anonymous" {
			token = s.token(t, kind)
		}
		if s.ask(method, s.path(pattern), token, nil).Code != planted.want[i] {
			wrong++
		}
	}
	if wrong != 2 {
		t.Errorf("%d of the two planted mistakes were noticed", wrong)
	}
}
