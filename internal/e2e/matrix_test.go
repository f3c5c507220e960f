package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/activity"
)

// The credential kinds that each route is tried with.
var kinds = []string{"anonymous", "owner", "admin", "engineer", "consultant", "viewer", "stranger", "disabled"}

// row says what a route answers to each kind, in the order of kinds. 303 is the way to the sign-in page, to the second
// factor that consultants need first, or, after a post, to the page that shows what was done.
type row struct {
	route string // method and pattern, as registered
	form  url.Values
	want  [8]int
}

// pattern of answers that recur: anonymous and disabled are led to sign in, a consultant without a second factor is led
// to turn it on, a stranger finds nothing.
func answers(owner, admin, engineer, viewer int) [8]int {
	return [8]int{303, owner, admin, engineer, 303, viewer, 404, 303}
}

var matrix = []row{
	{route: "GET /healthz", want: [8]int{200, 200, 200, 200, 200, 200, 200, 200}},
	{route: "GET /readyz", want: [8]int{200, 200, 200, 200, 200, 200, 200, 200}},
	{route: "GET /static/*", want: [8]int{200, 200, 200, 200, 200, 200, 200, 200}},
	{route: "GET /setup/:token", want: [8]int{404, 404, 404, 404, 404, 404, 404, 404}}, // the workspace exists already
	{route: "POST /setup/:token", form: url.Values{"workspace": {"X"}, "name": {"X"}, "email": {"x@x.example"}, "password": {password}}, want: [8]int{404, 404, 404, 404, 404, 404, 404, 404}},
	{route: "GET /login", want: [8]int{200, 303, 303, 303, 303, 303, 303, 200}},
	{route: "POST /login", form: url.Values{"email": {"nobody@kente.example"}, "password": {"wrong"}}, want: [8]int{422, 422, 422, 422, 422, 422, 429, 429}},
	{route: "GET /login/code", want: [8]int{303, 303, 303, 303, 303, 303, 303, 303}},
	{route: "POST /login/code", want: [8]int{303, 303, 303, 303, 303, 303, 303, 303}},
	{route: "GET /invite/:token", want: [8]int{200, 200, 200, 200, 200, 200, 200, 200}},
	{route: "POST /invite/:token", form: url.Values{"name": {""}, "password": {"short"}}, want: [8]int{422, 422, 422, 422, 422, 422, 422, 422}},
	{route: "GET /reset/:token", want: [8]int{200, 200, 200, 200, 200, 200, 200, 200}},
	{route: "POST /reset/:token", form: url.Values{"password": {"short"}}, want: [8]int{422, 422, 422, 422, 422, 422, 422, 422}},
	{route: "POST /theme", form: url.Values{"theme": {"dark"}, "back": {"//evil.example"}}, want: [8]int{303, 303, 303, 303, 303, 303, 303, 303}},
	{route: "GET /", want: [8]int{303, 303, 303, 303, 303, 303, 303, 303}},
	{route: "GET /account", want: [8]int{303, 200, 200, 200, 200, 200, 200, 303}},
	{route: "POST /account/name", form: url.Values{"name": {""}}, want: [8]int{303, 422, 422, 422, 422, 422, 422, 303}},
	{route: "POST /account/password", form: url.Values{"current": {password}, "password": {"short"}}, want: [8]int{303, 422, 422, 422, 422, 422, 422, 303}},
	{route: "POST /account/sessions", form: url.Values{"id": {"not-mine"}}, want: [8]int{303, 404, 404, 404, 404, 404, 404, 303}},
	{route: "GET /account/mfa", want: [8]int{303, 200, 200, 200, 200, 200, 200, 303}},
	{route: "POST /account/mfa", form: url.Values{"code": {"x"}}, want: [8]int{303, 422, 422, 422, 422, 422, 422, 303}},
	{route: "POST /account/mfa/off", form: url.Values{"current": {"wrong"}}, want: [8]int{303, 422, 422, 422, 422, 422, 422, 303}},
	{route: "GET /w/:workspace/overview", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/inventory", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/posture", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/posture/sum", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/controls/:id", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/governance/:id", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/governance/:id/attest", form: url.Values{"note": {""}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/governance/:id/applies", form: url.Values{"reason": {""}}, want: answers(422, 422, 403, 403)},
	{route: "POST /w/:workspace/governance/:id/evidence/:evidence/back", form: url.Values{"reason": {"x"}}, want: answers(404, 404, 404, 403)},
	{route: "GET /w/:workspace/services/:slug/posture", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/services/:slug/posture/sum", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/services/:slug/controls/:id", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/services/:slug/controls/:id/attest", form: url.Values{"note": {""}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/services/:slug/controls/:id/applies", form: url.Values{"reason": {""}}, want: answers(422, 422, 403, 403)},
	{route: "POST /w/:workspace/services/:slug/controls/:id/evidence/:evidence/back", form: url.Values{"reason": {"x"}}, want: answers(404, 404, 404, 403)},
	{route: "GET /w/:workspace/files/:id", want: answers(404, 404, 404, 404)},
	{route: "GET /w/:workspace/findings", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/findings/export", form: url.Values{"format": {"csv"}}, want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/findings/views", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/findings/views", form: url.Values{"severity": {"high"}, "name": {""}}, want: answers(422, 422, 422, 422)}, // everybody keeps their own
	{route: "POST /w/:workspace/findings/views/:id", form: url.Values{"name": {"x"}}, want: answers(404, 404, 404, 404)},
	{route: "POST /w/:workspace/findings/views/:id/delete", want: answers(404, 404, 404, 404)},
	{route: "GET /w/:workspace/findings/unassigned", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/findings/unassigned", want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/findings/rules", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/findings/rules", want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/findings/rules/:rule/end", want: answers(404, 404, 404, 403)},
	{route: "GET /w/:workspace/findings/move", want: answers(303, 303, 303, 403)}, // nothing was chosen
	{route: "POST /w/:workspace/findings/move", form: url.Values{"id": {"999999"}, "to": {"confirmed"}}, want: answers(404, 404, 404, 403)},
	{route: "GET /w/:workspace/findings/:id", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/findings/:id/move", form: url.Values{"to": {"nowhere"}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/findings/:id/assess", form: url.Values{"severity": {"awful"}}, want: answers(422, 422, 403, 403)},
	{route: "POST /w/:workspace/findings/:id/comment", form: url.Values{"comment": {""}}, want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/my-work", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/tasks", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/tasks", want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/tasks/new", want: answers(303, 303, 303, 403)}, // nothing was chosen
	{route: "GET /w/:workspace/tasks/board", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/tasks/bundles", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/tasks/bundles", form: url.Values{"bundle": {"none"}}, want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/tasks/:id", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/tasks/:id/move", form: url.Values{"to": {"verified"}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/tasks/:id/edit", form: url.Values{"title": {""}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/tasks/:id/block", form: url.Values{"block": {"1"}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/tasks/:id/cover", form: url.Values{"covers": {"x"}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/tasks/:id/uncover", form: url.Values{"item": {"999999"}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/tasks/:id/comment", form: url.Values{"comment": {""}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/findings/:id/attach", want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/findings/:id/files/:file", want: answers(404, 404, 404, 404)},
	{route: "POST /w/:workspace/findings/:id/watch", form: url.Values{"watch": {"no"}}, want: answers(303, 303, 303, 303)},
	{route: "GET /w/:workspace/services/:slug/findings", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/map", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/map.svg", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/map/arcs", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/exceptions", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/exceptions/new", want: answers(200, 200, 200, 403)},
	{route: "POST /w/:workspace/exceptions", form: url.Values{"reason": {""}}, want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/exceptions/:id", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/exceptions/:id/decide", form: url.Values{"verdict": {"decline"}}, want: answers(422, 422, 403, 403)},
	{route: "POST /w/:workspace/exceptions/:id/end", form: url.Values{"note": {""}}, want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/registers", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/registers/:id", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/registers/:id", form: url.Values{"name": {""}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/registers/:id/:entry/strike", want: answers(303, 404, 404, 403)}, // the owner was first
	{route: "GET /w/:workspace/frameworks", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/frameworks/:id", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/frameworks/:id/texts", want: answers(422, 422, 403, 403)},
	{route: "GET /w/:workspace/settings/scoring", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/settings/scoring/new", want: answers(200, 200, 403, 403)},
	{route: "POST /w/:workspace/settings/scoring/new", form: url.Values{"definition": {"nonsense"}}, want: answers(422, 422, 403, 403)},
	{route: "GET /w/:workspace/settings/scoring/:id", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/settings/scoring/:id", form: url.Values{"weight": {"99"}}, want: answers(422, 422, 403, 403)},
	{route: "GET /w/:workspace/search", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/activity", want: answers(200, 200, 403, 403)},
	{route: "GET /w/:workspace/services", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/services/assign", form: url.Values{"id": {"999999"}, "tier": {"1"}}, want: answers(404, 404, 404, 403)},
	{route: "GET /w/:workspace/services/new", want: answers(200, 200, 200, 403)},
	{route: "POST /w/:workspace/services/new", form: url.Values{"name": {""}}, want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/services/:slug", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/services/:slug/components", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/services/:slug/edit", want: answers(200, 200, 200, 403)},
	{route: "POST /w/:workspace/services/:slug/edit", form: url.Values{"name": {""}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/services/:slug/confirm", want: answers(303, 303, 303, 403)},
	{route: "GET /w/:workspace/services/:slug/retire", want: answers(200, 200, 200, 403)},
	{route: "POST /w/:workspace/services/:slug/retire", form: url.Values{"reason": {""}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/services/:slug/restore", want: answers(409, 409, 409, 403)},
	{route: "GET /w/:workspace/services/:slug/merge", want: answers(200, 200, 200, 403)},
	{route: "POST /w/:workspace/services/:slug/merge", form: url.Values{"into": {"999999"}}, want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/services/:slug/split", want: answers(200, 200, 200, 403)},
	{route: "POST /w/:workspace/services/:slug/split", form: url.Values{"name": {"x"}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/services/:slug/calls", form: url.Values{"to": {"999999"}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/services/:slug/calls/:id/remove", want: answers(404, 404, 404, 403)},
	{route: "POST /w/:workspace/services/:slug/endpoints", form: url.Values{"address": {"a b"}}, want: answers(422, 422, 422, 403)},
	{route: "POST /w/:workspace/services/:slug/endpoints/:id/remove", want: answers(404, 404, 404, 403)},
	{route: "GET /w/:workspace/services/:slug/probes", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/scans/new", want: answers(200, 200, 200, 403)},
	{route: "POST /w/:workspace/scans/new", form: url.Values{"burst": {"-1"}}, want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/scans/report", want: answers(200, 200, 200, 403)},
	{route: "POST /w/:workspace/scans/report", want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/imports", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/imports/new", want: answers(200, 200, 200, 403)},
	{route: "POST /w/:workspace/imports", want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/imports/:id", want: answers(200, 200, 200, 403)}, // a preview is for those who may import
	{route: "POST /w/:workspace/imports/:id/undo", want: answers(409, 409, 409, 403)},
	{route: "POST /w/:workspace/imports/:id/confirm", want: answers(303, 409, 409, 403)}, // the owner was first
	{route: "POST /w/:workspace/imports/:id/cancel", want: answers(409, 409, 409, 403)},
	{route: "GET /w/:workspace/scans", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/scans/:id", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/scans/:id/events", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/scans/:id/cancel", want: answers(409, 409, 409, 403)}, // it has ended
	{route: "POST /w/:workspace/scans/:id/retry", want: answers(409, 409, 409, 403)},
	{route: "POST /w/:workspace/scans/:id/discard", want: answers(409, 409, 409, 403)},
	{route: "POST /w/:workspace/scans/:id/done", form: url.Values{"note": {""}}, want: answers(422, 422, 422, 403)},
	{route: "GET /w/:workspace/schedules", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/schedules/new", want: answers(200, 200, 403, 403)},
	{route: "POST /w/:workspace/schedules", form: url.Values{"name": {""}}, want: answers(422, 422, 403, 403)},
	{route: "GET /w/:workspace/schedules/:id", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/schedules/:id", form: url.Values{"spec": {"@every 1ns"}}, want: answers(422, 422, 403, 403)},
	{route: "POST /w/:workspace/schedules/:id/run", want: answers(303, 303, 303, 403)}, // whoever is not first is told that it runs
	{route: "POST /w/:workspace/schedules/:id/pause", want: answers(303, 303, 403, 403)},
	{route: "POST /w/:workspace/schedules/:id/resume", want: answers(303, 303, 403, 403)},
	{route: "GET /w/:workspace/schedules/:id/delete", want: answers(200, 200, 403, 403)},
	{route: "POST /w/:workspace/schedules/:id/delete", want: answers(303, 404, 403, 403)},
	{route: "GET /w/:workspace/members", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/members", form: url.Values{"email": {"x"}, "role": {"viewer"}}, want: answers(422, 422, 403, 403)},
	{route: "POST /w/:workspace/members/invitations/:id/cancel", want: answers(404, 404, 403, 403)},
	{route: "GET /w/:workspace/members/:id", want: answers(200, 200, 403, 403)},
	{route: "POST /w/:workspace/members/:id", form: url.Values{"role": {"king"}}, want: answers(422, 422, 403, 403)},
	{route: "POST /w/:workspace/members/:id/reset", want: answers(200, 200, 403, 403)},
	{route: "GET /w/:workspace/teams", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/teams", form: url.Values{"name": {""}}, want: answers(422, 422, 403, 403)},
	{route: "GET /w/:workspace/teams/:id", want: answers(200, 200, 403, 403)},
	{route: "POST /w/:workspace/teams/:id", form: url.Values{"name": {""}}, want: answers(422, 422, 403, 403)},
	{route: "GET /w/:workspace/settings", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/settings", form: url.Values{"name": {""}}, want: answers(422, 422, 403, 403)},
	{route: "POST /w/:workspace/settings/environments", form: url.Values{"name": {""}}, want: answers(422, 422, 403, 403)},
	{route: "GET /w/:workspace/settings/roles", want: answers(200, 200, 200, 200)},
	{route: "GET /w/:workspace/settings/components", want: answers(200, 200, 200, 200)},
	{route: "POST /w/:workspace/members/:id/remove", want: answers(303, 404, 403, 404)}, // the owner removed the viewer just before
	{route: "POST /logout", want: [8]int{303, 303, 303, 303, 303, 303, 303, 303}},
}

// path fills a pattern with the seeded ids.
func (s *site) path(pattern string) string {
	id := s.ids["id"]
	switch {
	case strings.Contains(pattern, "/governance/"):
		id = "GOV-10"
	case strings.Contains(pattern, "/controls/"):
		id = "TLS-6"
	case strings.Contains(pattern, "/findings/"):
		id = s.ids["finding"]
	case strings.Contains(pattern, "/tasks/"):
		id = s.ids["task"]
	case strings.HasSuffix(pattern, "/schedules/:id/delete"):
		id = s.ids["doomed"]
	case strings.Contains(pattern, "/schedules/"):
		id = s.ids["schedule"]
	case strings.HasSuffix(pattern, "/scans/:id/done"):
		id = s.ids["due"]
	case strings.Contains(pattern, "/scans/"):
		id = s.ids["run"]
	case strings.Contains(pattern, "/exceptions/"):
		id = s.ids["exception"]
	case strings.Contains(pattern, "/frameworks/"):
		id = "mvsp-3.0"
	case strings.Contains(pattern, "/scoring/"):
		id = "TLS-6"
	case strings.Contains(pattern, "/registers/"):
		id = "credentials"
	case strings.Contains(pattern, "/files/"):
		id = "999999"
	case strings.Contains(pattern, "/teams/"):
		id = s.ids["team"]
	case strings.Contains(pattern, "/members/:id"):
		id = s.ids["member"]
	case strings.Contains(pattern, "/calls/"), strings.Contains(pattern, "/endpoints/"), strings.Contains(pattern, "/invitations/"):
		id = "999999"
	}
	token := "void"
	if strings.HasPrefix(pattern, "/invite") {
		token = s.ids["invite"]
	} else if strings.HasPrefix(pattern, "/reset") {
		token = s.ids["reset"]
	} else if strings.HasPrefix(pattern, "/setup") {
		token = s.setup
	}
	return strings.NewReplacer(":workspace", s.home.Slug, ":slug", s.ids["slug"], ":id", id, ":evidence", "999999", ":entry", s.ids["entry"], ":file", "999999", ":rule", "999999", ":token", token, "*", "app.css").Replace(pattern)
}

func TestAccessMatrix(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, r := range matrix {
		for _, v := range s.judge(t, r) {
			t.Error(v)
		}
	}
}

// touches names the refused write that stores something all the same: a wrong first code shows a new key.
const touches = "POST /account/mfa"

// judge tries one row as everybody and lists what is wrong.
func (s *site) judge(t testing.TB, r row) []string {
	t.Helper()
	var found []string
	wrong := func(format string, args ...any) { found = append(found, r.route+" "+fmt.Sprintf(format, args...)) }
	method, pattern, _ := strings.Cut(r.route, " ")
	tokens := map[string]string{"anonymous": ""}
	for _, kind := range kinds[1:] {
		if tokens[kind] = s.disabledToken; kind != "disabled" {
			tokens[kind] = s.token(t, kind)
		}
	}
	before := ""
	for i, kind := range kinds {
		if method == http.MethodPost && before == "" {
			before = s.rows(t)
		}
		answer := s.ask(method, s.path(pattern), tokens[kind], r.form)
		body := answer.Body.String()
		if answer.Code != r.want[i] {
			wrong("as %s: %d, want %d", kind, answer.Code, r.want[i])
		}
		if answer.Code >= 500 {
			wrong("as %s fails: %d", kind, answer.Code)
		}
		if kind != "stranger" && (strings.Contains(body, "zanzibar") || strings.Contains(body, s.other.Name)) {
			wrong("shows %s a name of another workspace", kind)
		}
		if kind == "stranger" && strings.HasPrefix(pattern, "/w/") && (strings.Contains(body, "orders") || strings.Contains(body, s.home.Name)) {
			wrong("shows a stranger what is inside")
		}
		if method == http.MethodPost {
			now := s.rows(t)
			if refused := answer.Code >= 400 || kind == "anonymous" || kind == "disabled"; refused && now != before && r.route != touches {
				wrong("as %s was refused (%d) and stored something: %s", kind, answer.Code, difference(before, now))
			}
			before = now
		}
		if answer.Header().Get("Content-Security-Policy") == "" || answer.Header().Get("X-Content-Type-Options") != "nosniff" {
			wrong("lacks the security headers")
		}
	}
	return found
}

// log counts what the workspace's activity log holds: each change writes one entry or more.
func (s *site) log(t testing.TB) int64 {
	t.Helper()
	rows := check[[]activity.Activity](t)(s.Activity.Search(s.ctx, access.Actor{Role: access.Owner}, activity.Filter{Limit: 1}))
	if len(rows) == 0 {
		return 0
	}
	return rows[0].Seq
}

func TestEveryRouteHasARow(t *testing.T) {
	t.Parallel()
	for _, v := range open(t).unmatched() {
		t.Error(v)
	}
}

// unmatched lists routes without a row, and rows without a route.
func (s *site) unmatched() []string {
	known, registered := map[string]bool{}, map[string]bool{}
	for _, r := range matrix {
		known[r.route] = true
	}
	var found []string
	for _, r := range s.web.Echo().Routes() {
		if strings.HasPrefix(r.Method, "echo_") {
			continue
		}
		route := r.Method + " " + r.Path
		registered[route] = true
		if !known[route] {
			found = append(found, route+" has no row in the access matrix")
		}
	}
	for route := range known {
		if !registered[route] {
			found = append(found, route+" is in the matrix and not registered")
		}
	}
	return found
}

func TestOtherSitesCannotWrite(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.token(t, "owner")
	for name, change := range map[string]func(h http.Header){
		"no header at all":     func(h http.Header) { h.Del("Origin") },
		"another origin":       func(h http.Header) { h.Set("Origin", "https://evil.example") },
		"a cross-site request": func(h http.Header) { h.Del("Origin"); h.Set("Sec-Fetch-Site", "cross-site") },
	} {
		before := s.log(t)
		answer := s.askWith(http.MethodPost, "/w/"+s.home.Slug+"/services/orders/confirm", token, nil, change)
		if answer.Code != http.StatusForbidden || s.log(t) != before {
			t.Errorf("%s: %d", name, answer.Code)
		}
	}
}

func TestDisabledPeopleAreOutAtTheNextRequest(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.token(t, "admin")
	if got := s.ask(http.MethodGet, "/w/"+s.home.Slug+"/overview", token, nil).Code; got != 200 {
		t.Fatal(got)
	}
	if err := s.Identity.SetDisabled(t.Context(), system, s.people["admin"].Email, true); err != nil {
		t.Fatal(err)
	}
	before := s.log(t)
	answer := s.ask(http.MethodPost, "/w/"+s.home.Slug+"/services/orders/confirm", token, nil)
	if answer.Code != 303 || !strings.HasPrefix(answer.Header().Get("Location"), "/login") || s.log(t) != before {
		t.Errorf("%d %s", answer.Code, answer.Header().Get("Location"))
	}
}
