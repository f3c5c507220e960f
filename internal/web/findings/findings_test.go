package findings_test

import (
	"bytes"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"muster/internal/finding"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/web/findings"
	"muster/internal/web/webtest"
)

func open(t *testing.T) *webtest.Desk {
	d := webtest.Open(t)
	d.Apply(t, webtest.System(3))
	return d
}

// report imports what Trivy says of a service.
func report(t *testing.T, d *webtest.Desk, service string, packages ...string) {
	t.Helper()
	var rows []string
	for _, p := range packages {
		rows = append(rows, fmt.Sprintf(`{"VulnerabilityID":"CVE-2026-%[1]s","PkgName":"%[1]s","PkgIdentifier":{"PURL":"pkg:npm/%[1]s@1.0.0"},"InstalledVersion":"1.0.0","FixedVersion":"1.0.1","Severity":"HIGH","Title":"Flaw in %[1]s <b>","References":["https://example.com/a","javascript:alert(1)"]}`, p))
	}
	text := fmt.Sprintf(`{"SchemaVersion":2,"ArtifactName":"%s","ArtifactType":"filesystem","Results":[{"Target":"package-lock.json","Class":"lang-pkgs","Type":"npm","Vulnerabilities":[%s]}]}`, service, strings.Join(rows, ","))
	bring(t, d, "trivy.json", text)
}

// bring imports one file.
func bring(t *testing.T, d *webtest.Desk, name, text string) {
	t.Helper()
	found, err := imports.Inspect([]model.File{{Path: name, Data: []byte(text)}}, imports.Options{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := d.Intake.Propose(d.Ctx, d.Owner, intake.Proposal{EnvironmentID: d.Environment(t).ID, SourceName: "ci", Inspection: found})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Intake.Confirm(d.Ctx, d.Owner, id, intake.Choices{}); err != nil {
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

func TestNoFindingsYet(t *testing.T) {
	t.Parallel()
	d := open(t)
	want(t, d, "/findings", "No findings yet", "Nobody looked yet, which is not the same as being safe", "Import a report")
	want(t, d, "/findings/unassigned", "Nothing waits")
	want(t, d, "/services/service-1/findings", "No findings yet")
}

func TestTheListNarrows(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash", "react")
	body := want(t, d, "/findings", "2 wait for work, in 1 service", "Flaw in lodash &lt;b&gt;", "CVE-2026-LODASH", "in 30 days", `name="id" value="1"`, "High", "service-1")
	if strings.Contains(body, "javascript:") {
		t.Error("a script stands in the page")
	}
	body = want(t, d, "/findings?q=react&severity=high", "Flaw in react", "“react”", "1 finding, the most urgent first")
	if strings.Contains(body, "Flaw in lodash") {
		t.Error("the search finds what was not searched for")
	}
	want(t, d, "/findings?severity=low", "Nothing here")
	want(t, d, "/findings?service=nowhere", "Nothing here")
	want(t, d, "/findings?after=nonsense", "Flaw in lodash")
	want(t, d, "/services/service-1/findings", "2 wait for work", "Flaw in react", "aria-current")
	want(t, d, "/services/service-2/findings", "No findings yet")
	want(t, d, "/imports/2", "Back again", "New")
}

func TestAFindingsPageExplainsIt(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash")
	body := want(t, d, "/findings/1", "Why it comes where it does", "severity high", "the policy (version 1) gives 30 days", "Upgrade lodash to 1.0.1, from 1.0.0.", "Trivy reported it", "1 of 1 still do", "https://example.com/a", "closes by itself", "pkg:npm/lodash")
	if strings.Contains(body, `href="javascript:`) || strings.Contains(body, "<b>\"") {
		t.Error("hostile text is live")
	}
	if got := d.Ask(http.MethodGet, "/findings/999", nil).Code; got != http.StatusNotFound {
		t.Error(got)
	}
}

func TestDecisionsAndTheirInvalidCases(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash", "react")
	for _, c := range []struct {
		path string
		form url.Values
		want string
	}{
		{"/findings/1/move", url.Values{"to": {""}}, "Choose what becomes of it."},
		{"/findings/1/move", url.Values{"to": {"false_positive"}}, "Say why, in a sentence that still convinces next year."},
		{"/findings/1/move", url.Values{"to": {"not_affected"}, "note": {"It is <i>off</i>."}}, "Choose why it does not affect the service."},
		{"/findings/1/move", url.Values{"to": {"duplicate"}, "note": {"x"}, "duplicate_of": {"1"}}, "Name the finding that stays, not a copy."},
		{"/findings/1/move", url.Values{"to": {"duplicate"}, "note": {"x"}, "duplicate_of": {"77"}}, "There is no such finding."},
		{"/findings/1/move", url.Values{"to": {"closed"}}, "cannot become closed"},
		{"/findings/1/move", url.Values{"to": {"accepted"}, "note": {"x"}}, "Only an exception accepts a finding"},
		{"/findings/1/assess", url.Values{"severity": {"low"}}, "Say in a sentence why it is more or less severe here."},
		{"/findings/1/comment", url.Values{"comment": {" "}}, "Write a comment"},
		{"/findings/unassigned", url.Values{}, "Choose the service that it belongs to."},
	} {
		answer := d.Ask(http.MethodPost, c.path, c.form)
		if body := answer.Body.String(); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(body, c.want) {
			t.Errorf("%s %v: %d, without %q", c.path, c.form, answer.Code, c.want)
		} else if note := c.form.Get("note"); strings.Contains(note, "<i>") && !strings.Contains(body, "It is &lt;i&gt;off") {
			t.Errorf("%v: what was typed is lost", c.form)
		}
	}
	for _, c := range []struct {
		path string
		form url.Values
		then []string
	}{
		{"/findings/1/move", url.Values{"to": {"confirmed"}, "version": {"1"}}, []string{"Confirmed", "confirmed that it is real"}},
		{"/findings/1/comment", url.Values{"comment": {"Wait for the release."}}, []string{"Wait for the release."}},
		{"/findings/1/assess", url.Values{"severity": {"low"}, "note": {"Only admins reach it."}}, []string{"Only admins reach it.", "the reports say high", "180 days for severity low"}},
		{"/findings/1/move", url.Values{"to": {"not_affected"}, "justification": {"component_not_present"}, "note": {"Gone."}}, []string{"Not affected", "component not present"}},
		{"/findings/2/move", url.Values{"to": {"duplicate"}, "duplicate_of": {"1"}, "note": {"Same."}}, []string{"It repeats another finding", d.Root + "/findings/1"}},
	} {
		answer := d.Ask(http.MethodPost, c.path, c.form)
		if answer.Code != http.StatusSeeOther {
			t.Errorf("%s %v: %d", c.path, c.form, answer.Code)
			continue
		}
		want(t, d, strings.TrimPrefix(answer.Header().Get("Location"), d.Root), c.then...)
	}
	if answer := d.Ask(http.MethodPost, "/findings/1/move", url.Values{"to": {"open"}, "version": {"1"}}); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "Look at it again") {
		t.Errorf("two people at once: %d", answer.Code)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash", "react", "vue")
	if _, err := d.Findings.Move(d.Ctx, d.Owner, 3, finding.Move{To: finding.Fixed}); err != nil {
		t.Fatal(err)
	}
	body := want(t, d, "/findings/move?to=in_progress&id=1&id=2&id=3", "2 findings become In progress", "1 stays as it is", `name="id" value="1"`)
	if strings.Contains(body, `name="id" value="3"`) {
		t.Error("it would move what cannot move")
	}
	if answer := d.Ask(http.MethodPost, "/findings/move", url.Values{"to": {"false_positive"}, "id": {"1"}}); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "Say why") {
		t.Error(answer.Code)
	}
	if answer := d.Ask(http.MethodPost, "/findings/move", url.Values{"to": {"in_progress"}, "id": {"1", "2", "3"}}); answer.Code != http.StatusSeeOther {
		t.Error(answer.Code)
	}
	want(t, d, "/findings?state=in_progress", "2 findings")
	if answer := d.Ask(http.MethodGet, "/findings/move?to=in_progress", nil); answer.Code != http.StatusSeeOther {
		t.Error(answer.Code)
	}
}

func TestWhatIsNobodysFindsAnOwner(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "registry.example/mystery:1", "lodash")
	want(t, d, "/findings", "nobody’s: registry.example/mystery", "Nobody’s")
	want(t, d, "/findings/unassigned", "registry.example/mystery", "1 finding")
	if answer := d.Ask(http.MethodPost, "/findings/unassigned", url.Values{"label": {"registry.example/mystery"}, "service": {"service-2"}}); answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code)
	}
	want(t, d, "/services/service-2/findings", "Flaw in lodash")
	want(t, d, "/findings/unassigned", "Nothing waits")
	want(t, d, "/findings/1", "said that it belongs to service-2")
}

func TestFindingsOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash")
	report(t, d, "registry.example/mystery:1", "react")
	s, err := d.Inventory.Get(d.Ctx, d.Owner, "service-2")
	if err != nil {
		t.Fatal(err)
	}
	for _, ids := range [][]int64{{s.ID}, {}} {
		ask := d.Limited(ids, func(g *echo.Group) {
			findings.New(d.Findings, d.Inventory, d.Steward, d.Tasks, "").Routes(g, func(next echo.HandlerFunc) echo.HandlerFunc { return next })
		})
		for _, path := range []string{"/findings", "/findings?q=lodash", "/findings?service=none", "/findings/unassigned"} {
			if body := ask(http.MethodGet, path, nil).Body.String(); strings.Contains(body, "Flaw in") || strings.Contains(body, "mystery") {
				t.Errorf("%s shows what is not theirs", path)
			}
		}
		for _, path := range []string{"/findings/1", "/findings/2"} {
			if got := ask(http.MethodGet, path, nil).Code; got != http.StatusNotFound {
				t.Errorf("%s: %d", path, got)
			}
			if got := ask(http.MethodPost, path+"/comment", url.Values{"comment": {"x"}}).Code; got != http.StatusNotFound {
				t.Errorf("%s: %d", path, got)
			}
		}
	}
}

// attach sends a file as a browser does.
func attach(d *webtest.Desk, path, name string, data []byte) *httptest.ResponseRecorder {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		panic(err)
	}
	return d.Send(http.MethodPost, path, form.FormDataContentType(), &b)
}

func TestFilesAreKeptAndSentAsFiles(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash")
	for name, test := range map[string]struct{ data, want string }{
		"a.exe":  {"MZ", "Attach a PDF"},
		"a.png":  {"no picture", "but its content is something else"},
		"a.txt":  {"", "The file is empty."},
		"a.html": {"<script>", "Attach a PDF"},
	} {
		if answer := attach(d, "/findings/1/attach", name, []byte(test.data)); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), test.want) {
			t.Errorf("%s: %d", name, answer.Code)
		}
	}
	if answer := d.Ask(http.MethodPost, "/findings/1/attach", nil); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "Choose a file.") {
		t.Error(answer.Code)
	}
	if answer := attach(d, "/findings/1/attach", `../<b>“why”.txt`, []byte("seen: <script>alert(1)</script>")); answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code)
	}
	want(t, d, "/findings/1", "attached a file", "&lt;b&gt;“why”.txt", d.Root+"/findings/1/files/1")
	answer := d.Ask(http.MethodGet, "/findings/1/files/1", nil)
	if head := answer.Header(); answer.Code != http.StatusOK || answer.Body.String() != "seen: <script>alert(1)</script>" || head.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(head.Get("Content-Disposition"), "attachment") || !strings.Contains(head.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
	if got := d.Ask(http.MethodGet, "/findings/999/files/1", nil).Code; got != http.StatusNotFound {
		t.Error(got)
	}
}

func TestWatchingIsAList(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash", "react")
	want(t, d, "/findings/1", "Nobody yet.", "Watch it", "Nothing is mailed")
	want(t, d, "/findings?watching=1", "Nothing here")
	for range 2 { // twice is once
		if got := d.Ask(http.MethodPost, "/findings/1/watch", url.Values{"watch": {"yes"}}).Code; got != http.StatusSeeOther {
			t.Fatal(got)
		}
	}
	want(t, d, "/findings/1", "Stop watching", "Ama Mensah")
	if _, err := d.Steward.MoveFinding(d.Ctx, d.Owner, 1, finding.Move{To: finding.Fixed, Note: "Upgraded."}); err != nil {
		t.Fatal(err)
	}
	if body := want(t, d, "/findings?watching=1", "Watched by you", "/findings/1\"", "1 finding, the most urgent first"); strings.Contains(body, "/findings/2\"") {
		t.Error("what nobody watches is listed")
	}
	d.Ask(http.MethodPost, "/findings/1/watch", url.Values{"watch": {"no"}})
	want(t, d, "/findings?watching=1", "Nothing here")
}

func TestComponentsGoWhereTheirNameIsAssigned(t *testing.T) {
	t.Parallel()
	d := open(t)
	bring(t, d, "sbom.json", `{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"bom-ref":"m","type":"application","name":"mystery"}},
"components":[{"bom-ref":"z","type":"library","name":"zlib-of-mystery","version":"9.0.0","purl":"pkg:npm/zlib-of-mystery@9.0.0"}],
"vulnerabilities":[{"id":"CVE-2026-77","ratings":[{"severity":"high"}],"affects":[{"ref":"z"}]}]}`)
	want(t, d, "/findings/unassigned", "mystery")
	if body := want(t, d, "/services/service-2/components"); strings.Contains(body, "zlib-of-mystery") {
		t.Error("it is nobody's yet")
	}
	if answer := d.Ask(http.MethodPost, "/findings/unassigned", url.Values{"label": {"mystery"}, "service": {"service-2"}}); answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code)
	}
	want(t, d, "/services/service-2/findings", "CVE-2026-77")
	want(t, d, "/services/service-2/components", "zlib-of-mystery")
}

func TestRulesSayWhoseRowsAre(t *testing.T) {
	t.Parallel()
	d := open(t)
	want(t, d, "/findings/rules", "No rules yet", "Add a rule")
	answer := d.Ask(http.MethodPost, "/findings/rules", url.Values{"by": {"colour"}, "pattern": {" * "}})
	for _, w := range []string{"Choose what the rule looks at.", "Name what the rows have in common", "Choose the service that they belong to."} {
		if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), w) {
			t.Errorf("%d, it does not say %q", answer.Code, w)
		}
	}
	report(t, d, "registry.example/team/pay-api:1.2", "lodash")
	want(t, d, "/findings/unassigned", "registry.example/team/pay-api", "/findings/rules")
	rule := url.Values{"by": {"image"}, "pattern": {"registry.example/*/pay-api"}, "service": {"service-1"}}
	if got := d.Ask(http.MethodPost, "/findings/rules", rule).Code; got != http.StatusSeeOther {
		t.Fatal(got)
	}
	want(t, d, "/findings/1", "service-1", "by the rule image registry.example/*/pay-api")
	report(t, d, "registry.example/other/pay-api:9", "lodash", "react") // a report that comes later follows it
	want(t, d, "/services/service-1/findings", "Flaw in react", "Flaw in lodash")
	want(t, d, "/findings/rules", "registry.example/*/pay-api", "1 rule", "service-1", "Ama Mensah")
	want(t, d, "/findings/rules?edit=1", `value="registry.example/*/pay-api"`, `name="replaces" value="1"`, "Change the rule")
	rule.Set("replaces", "1")
	rule.Set("service", "service-2")
	if got := d.Ask(http.MethodPost, "/findings/rules", rule).Code; got != http.StatusSeeOther {
		t.Fatal(got)
	}
	want(t, d, "/findings/rules", "service-2", "1 rule")
	if got := d.Ask(http.MethodPost, "/findings/rules/2/end", nil).Code; got != http.StatusSeeOther {
		t.Fatal(got)
	}
	want(t, d, "/findings/rules", "No rules yet")
	want(t, d, "/findings/1", "service-1")
}

func TestNumbersLeadToTheirLists(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash", "react")
	want(t, d, "/overview", "Findings over time", "<b class=\"\">2</b><small>wait for work", `href="`+d.Root+`/findings?overdue=1"`, `href="`+d.Root+`/findings?exploited=1"`, "In 12 weeks 2 findings were opened or came back, 0 were closed.", "The same in numbers", "Half of what waits is 0 days old or older")
	want(t, d, "/services/service-1/findings", "Findings over time", `href="`+d.Root+`/services/service-1/findings?overdue=1"`)
	want(t, d, "/services", `aria-label="2 findings of service-1: 2 high"`, d.Root+"/services/service-1/findings")
	if body := want(t, d, "/services/service-2/findings", "No findings yet"); strings.Contains(body, "Findings over time") {
		t.Error("nothing is drawn as a chart")
	}
}
