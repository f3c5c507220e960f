package tasks_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/finding"
	"muster/internal/identity"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/web/tasks"
	"muster/internal/web/webtest"
)

func open(t *testing.T) *webtest.Desk {
	d := webtest.Open(t)
	d.Apply(t, webtest.System(3))
	return d
}

// report imports what Trivy says of a service now; what it said before and does not say any more is gone.
func report(t *testing.T, d *webtest.Desk, service string, packages ...string) {
	t.Helper()
	var rows []string
	for _, p := range packages {
		rows = append(rows, fmt.Sprintf(`{"VulnerabilityID":"CVE-2026-%[1]s","PkgName":"%[1]s","PkgIdentifier":{"PURL":"pkg:npm/%[1]s@1.0.0"},"InstalledVersion":"1.0.0","FixedVersion":"1.0.1","Severity":"HIGH","Title":"Flaw in %[1]s <b>"}`, p))
	}
	text := fmt.Sprintf(`{"SchemaVersion":2,"ArtifactName":"%s","ArtifactType":"filesystem","Results":[{"Target":"package-lock.json","Class":"lang-pkgs","Type":"npm","Vulnerabilities":[%s]}]}`, service, strings.Join(rows, ","))
	found, err := imports.Inspect([]model.File{{Path: "trivy.json", Data: []byte(text)}}, imports.Options{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := d.Intake.Propose(d.Ctx, d.Owner, intake.Proposal{EnvironmentID: d.Environment(t).ID, SourceName: "ci", Inspection: found})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Intake.Confirm(d.Ctx, d.Owner, id, intake.Choices{AcceptBig: true}); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, d *webtest.Desk, path string, words ...string) string {
	t.Helper()
	answer := d.Ask(http.MethodGet, path, nil)
	body := answer.Body.String()
	if answer.Code != http.StatusOK {
		t.Fatalf("%s: %d", path, answer.Code)
	}
	for _, w := range words {
		if !strings.Contains(body, w) {
			t.Errorf("%s does not say %q", path, w)
		}
	}
	return body
}

func send(t *testing.T, d *webtest.Desk, path string, form url.Values) {
	t.Helper()
	if answer := d.Ask(http.MethodPost, path, form); answer.Code != http.StatusSeeOther {
		t.Fatalf("%s %v: %d", path, form, answer.Code)
	}
}

func TestNoTasksYet(t *testing.T) {
	t.Parallel()
	d := open(t)
	want(t, d, "/tasks", "No tasks yet", "See proposed bundles", "Choose findings")
	want(t, d, "/tasks/board", "No tasks yet")
	want(t, d, "/tasks/bundles", "Nothing to bundle")
	want(t, d, "/my-work", "You are in no team")
}

// From an import to a bundle, to its task, to the proof, and back.
func TestFromABundleToTheProofAndBack(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash", "react")
	body := want(t, d, "/tasks/bundles", "Upgrade lodash to 1.0.1", "closes 1 finding", "Make the task")
	key := strings.Split(strings.Split(body, `name="bundle" value="`)[1], `"`)[0]
	send(t, d, "/tasks/bundles", url.Values{"bundle": {key}})
	want(t, d, "/tasks/1", "Upgrade lodash to 1.0.1", "To do", "Flaw in lodash &lt;b&gt;", "made the task; it covers 1 finding", "the earliest date of what it covers")
	want(t, d, "/tasks", "1 waits for work", "Upgrade lodash")
	want(t, d, "/findings/1", "Covered by the task", "Upgrade lodash")
	want(t, d, "/findings/2", "/tasks/new?id=2")
	if body := want(t, d, "/tasks/bundles", "Upgrade react"); strings.Contains(body, "Upgrade lodash") {
		t.Error("a covered bundle is proposed again")
	}
	report(t, d, "service-1", "react")
	want(t, d, "/tasks/1", "Fixed", "no longer sees it", "(import 3)", "/imports/3")
	report(t, d, "service-1", "react")
	want(t, d, "/tasks/1", "Fixed") // the same file says nothing new
	report(t, d, "service-1", "react", "vue")
	want(t, d, "/tasks/1", "Verified", "proven gone")
	want(t, d, "/tasks/board", "proven gone, the newest first", "Upgrade lodash")
	report(t, d, "service-1", "react", "vue", "lodash")
	want(t, d, "/tasks/1", "To do", "It came back: finding 1", "(import 6)")
}

func TestChosenFindingsBecomeATask(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash", "react")
	want(t, d, "/findings", `formaction="`+d.Root+`/tasks/new"`)
	want(t, d, "/tasks/new?to=fixed&id=1&id=2", "It will cover", "Flaw in lodash", "Fix 2 findings in service-1", "Nobody owns these services yet.")
	send(t, d, "/tasks", url.Values{"id": {"1", "2"}, "title": {"<script>alert(1)</script>"}, "note": {"a <img src=x onerror=y>\nb"}, "who": {"user:" + fmt.Sprint(d.Owner.UserID)}, "planned": {"2026-12-24"}})
	body := want(t, d, "/tasks/1", "&lt;script&gt;alert(1)", "&lt;img src=x", "Ama Mensah", "24 December 2026")
	for _, path := range []string{"/tasks", "/tasks/board", "/my-work", "/tasks/1", "/findings/1"} {
		if body := want(t, d, path); strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") {
			t.Errorf("%s: hostile text is live", path)
		}
	}
	if !strings.Contains(body, "0 of 2 done") {
		t.Error("it does not say how far it is")
	}
	want(t, d, "/my-work", "Later", "1 task", "To do")
	want(t, d, "/tasks/new?id=1", "Some of it is covered already")
	send(t, d, "/tasks", url.Values{"cell": {"service-1/TLS-1"}})
	want(t, d, "/services/service-1/controls/TLS-1", "Who works on it?", "/tasks/2")
	want(t, d, "/tasks/2", "TLS-1", "Control")
	want(t, d, "/services/service-1/controls/TLS-2", "/tasks/new?cell=service-1%2FTLS-2")
	for _, path := range []string{"/tasks/new", "/tasks/new?id=x"} {
		if answer := d.Ask(http.MethodGet, path, nil); answer.Code != http.StatusSeeOther {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	for _, path := range []string{"/tasks/new?id=99", "/tasks/new?cell=nowhere%2FTLS-1", "/tasks/new?cell=service-1%2FXXX", "/tasks/99", "/tasks/x"} {
		if answer := d.Ask(http.MethodGet, path, nil); answer.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
}

func TestFormsAndTheirInvalidCases(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash", "react")
	send(t, d, "/tasks", url.Values{"id": {"1"}})
	for _, c := range []struct {
		path string
		form url.Values
		want string
	}{
		{"/tasks", url.Values{}, "Choose at least one finding or control"},
		{"/tasks", url.Values{"id": {"2"}, "title": {strings.Repeat("x", 300)}, "note": {"<i>kept"}}, "Keep it under 200 characters."},
		{"/tasks", url.Values{"id": {"2"}, "who": {"user:4711"}}, "Choose somebody of this workspace who may work on tasks."},
		{"/tasks", url.Values{"id": {"2"}, "planned": {"soon"}}, "Enter a day such as"},
		{"/tasks/bundles", url.Values{"bundle": {"nonsense"}}, "Nothing of this bundle is left"},
		{"/tasks/1/move", url.Values{"to": {"verified"}, "note": {"<i>kept"}}, "A task is verified by itself"},
		{"/tasks/1/move", url.Values{"to": {""}}, "Choose where the task goes."},
		{"/tasks/1/move", url.Values{"to": {"todo"}}, "cannot go to"},
		{"/tasks/1/move", url.Values{"to": {"ended"}}, "Say why nothing more is to be done"},
		{"/tasks/1/move", url.Values{"to": {"todo"}, "back": {"board"}}, "cannot go to"},
		{"/tasks/1/edit", url.Values{"title": {""}, "note": {"<i>kept"}}, "Say in a few words what is to be done."},
		{"/tasks/1/edit", url.Values{"title": {"x"}, "who": {"team:99"}}, "Choose a person or a team of this workspace."},
		{"/tasks/1/block", url.Values{"block": {"1"}, "blocked": {" "}}, "Say what the task waits for."},
		{"/tasks/1/cover", url.Values{"covers": {"x"}}, "Choose at least one finding or control"},
		{"/tasks/1/cover", url.Values{"covers": {"#77"}}, "There is no finding of that number"},
		{"/tasks/1/uncover", url.Values{"item": {"1"}}, "A task covers at least one thing."},
		{"/tasks/1/comment", url.Values{"comment": {" "}}, "Write a comment"},
	} {
		answer := d.Ask(http.MethodPost, c.path, c.form)
		body := answer.Body.String()
		if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(body, c.want) {
			t.Errorf("%s %v: %d, without %q", c.path, c.form, answer.Code, c.want)
		} else if strings.Contains(c.form.Get("note"), "kept") && !strings.Contains(body, "&lt;i&gt;kept") {
			t.Errorf("%s %v: what was typed is lost", c.path, c.form)
		}
	}
	send(t, d, "/tasks/1/block", url.Values{"block": {"1"}, "blocked": {"The vendor is asleep."}})
	want(t, d, "/tasks/1", "Nobody can go on", "The vendor is asleep.")
	want(t, d, "/tasks?blocked=1", "Blocked: The vendor is asleep.")
	want(t, d, "/tasks/board", "Blocked", "The vendor is asleep.")
	send(t, d, "/tasks/1/block", url.Values{})
	send(t, d, "/tasks/1/cover", url.Values{"covers": {"#2"}})
	send(t, d, "/tasks/1/uncover", url.Values{"item": {"1"}})
	send(t, d, "/tasks/1/comment", url.Values{"comment": {"Nearly there."}})
	send(t, d, "/tasks/1/edit", url.Values{"title": {"React, at last"}, "who": {"owner"}})
	want(t, d, "/tasks/1", "Nearly there.", "took finding 1", "React, at last")
	send(t, d, "/tasks/1/move", url.Values{"to": {"doing"}, "back": {"board"}})
	send(t, d, "/tasks/1/move", url.Values{"to": {"fixed"}})
	want(t, d, "/findings/2", "Fixed, not yet proven", "With task 1, “React, at last”.")
	want(t, d, "/tasks?state=verified", "Nothing here")
	want(t, d, "/tasks?after=nonsense&mine=1&team=1&overdue=1", "Nothing here")
}

func TestTwoPeopleMoveOneCard(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash")
	send(t, d, "/tasks", url.Values{"id": {"1"}})
	send(t, d, "/tasks/1/move", url.Values{"to": {"doing"}, "version": {"1"}})
	for _, back := range []string{"", "board"} {
		answer := d.Ask(http.MethodPost, "/tasks/1/move", url.Values{"to": {"fixed"}, "version": {"1"}, "note": {"I had it ready."}, "back": {back}})
		body := answer.Body.String()
		if answer.Code != http.StatusConflict || !strings.Contains(body, "Ama Mensah was faster") || !strings.Contains(body, "moved it to “Doing”") {
			t.Errorf("%d, back to %q", answer.Code, back)
		}
		if back == "" && !strings.Contains(body, "I had it ready.") {
			t.Error("what was typed is lost")
		}
	}
}

func TestTasksOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash")
	send(t, d, "/tasks", url.Values{"id": {"1"}})
	s, err := d.Inventory.Get(d.Ctx, d.Owner, "service-2")
	if err != nil {
		t.Fatal(err)
	}
	for _, ids := range [][]int64{{s.ID}, {}} {
		ask := d.Limited(ids, tasks.New(d.Tasks, d.Inventory, d.Steward).Routes)
		for _, path := range []string{"/tasks", "/tasks/board", "/tasks/bundles", "/my-work", "/tasks?state=todo"} {
			if answer := ask(http.MethodGet, path, nil); answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), "lodash") {
				t.Errorf("%s: %d, or shows what is not theirs", path, answer.Code)
			}
		}
		if got := ask(http.MethodGet, "/tasks/1", nil).Code; got != http.StatusNotFound {
			t.Errorf("a task: %d", got)
		}
		if got := ask(http.MethodPost, "/tasks/1/comment", url.Values{"comment": {"x"}}).Code; got != http.StatusNotFound {
			t.Errorf("a comment: %d", got)
		}
		for _, path := range []string{"/tasks/1/move", "/tasks/bundles", "/tasks"} {
			if got := ask(http.MethodPost, path, url.Values{"to": {"doing"}, "id": {"1"}}).Code; got != http.StatusForbidden {
				t.Errorf("%s: %d", path, got)
			}
		}
	}
}

func TestAttestedAndVerifiedControlsMoveTheirTasks(t *testing.T) {
	t.Parallel()
	d := open(t)
	send(t, d, "/tasks", url.Values{"cell": {"service-1/DAT-7"}})
	answer := d.Ask(http.MethodPost, "/services/service-1/controls/DAT-7/attest", url.Values{"note": {"Deletion was tried with a test customer."}, "outcome": {"pass"}})
	if answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code, answer.Body)
	}
	want(t, d, "/tasks/1", "Fixed", "DAT-7", "is attested")
}

func TestPeopleOfTheTeamSeeTheirWork(t *testing.T) {
	t.Parallel()
	d := open(t)
	system := access.SystemActor("test")
	user, err := d.Identity.CreateUser(d.Ctx, system, identity.Account{Name: "Kofi Boateng", Email: "kofi@kente.example", Password: "copper lantern tuesdays"}, strings.TrimPrefix(d.Root, "/w/"), access.Engineer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Inventory.SaveTeam(d.Ctx, d.Owner, 0, "Payments", []int64{d.Owner.MemberID}); err != nil {
		t.Fatal(err)
	}
	s, err := d.Inventory.Get(d.Ctx, d.Owner, "service-1")
	if err != nil {
		t.Fatal(err)
	}
	send(t, d, "/services/assign", url.Values{"id": {fmt.Sprint(s.ID)}, "team": {"1"}})
	report(t, d, "service-1", "lodash", "react")
	want(t, d, "/my-work", "Later", "Flaw in react", "Make a task", "of 1 service your teams own")
	send(t, d, "/tasks", url.Values{"id": {"1"}})
	want(t, d, "/my-work", "1 task and 1 finding", "To do · service-1 · covers 1 · Payments")
	want(t, d, "/tasks?team=1", "Payments")
	send(t, d, "/tasks/1/edit", url.Values{"title": {"x"}, "who": {fmt.Sprintf("user:%d", user.ID)}})
	want(t, d, "/tasks/1", "Kofi Boateng", "of the team Payments")
	if body := want(t, d, "/my-work"); strings.Contains(body, "/tasks/1") {
		t.Error("somebody else's task is in my work")
	}
	if _, err := d.Steward.MoveFinding(d.Ctx, d.Owner, 2, finding.Move{To: finding.Fixed}); err != nil {
		t.Fatal(err)
	}
	want(t, d, "/my-work", "Nothing waits for you")
}
