package exceptions_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/exception"
	"muster/internal/finding"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/web/exceptions"
	"muster/internal/web/webtest"
)

var kofi = access.Actor{UserID: 4711, Name: "Kofi Boateng", Role: access.Admin}

// scanned imports what Trivy says of two services.
func scanned(t *testing.T, d *webtest.Desk, services ...string) {
	t.Helper()
	for _, service := range services {
		text := fmt.Sprintf(`{"SchemaVersion":2,"ArtifactName":"%s","ArtifactType":"filesystem","Results":[{"Target":"package-lock.json","Class":"lang-pkgs","Type":"npm","Vulnerabilities":[
{"VulnerabilityID":"CVE-2026-0001","PkgName":"lodash","PkgIdentifier":{"PURL":"pkg:npm/lodash@1.0.0"},"InstalledVersion":"1.0.0","Severity":"HIGH","Title":"Flaw in lodash <b>"},
{"VulnerabilityID":"CVE-2026-0002","PkgName":"react","PkgIdentifier":{"PURL":"pkg:npm/react@1.0.0"},"InstalledVersion":"1.0.0","Severity":"CRITICAL","Title":"Flaw in react"}]}]}`, service)
		found, err := imports.Inspect([]model.File{{Path: "trivy.json", Data: []byte(text)}}, imports.Options{})
		if err != nil {
			t.Fatal(err)
		}
		id, err := d.Intake.Propose(d.Ctx, d.Owner, intake.Proposal{EnvironmentID: d.Environment(t).ID, SourceName: "ci " + service, Inspection: found})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Intake.Confirm(d.Ctx, d.Owner, id, intake.Choices{}); err != nil {
			t.Fatal(err)
		}
	}
}

// named finds a finding by its package and service.
func named(t *testing.T, d *webtest.Desk, pkg string, service int) int64 {
	t.Helper()
	page, err := d.Findings.List(d.Ctx, d.Owner, finding.Filter{Everything: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range page.Rows {
		if f.Package == pkg && f.ServiceID == int64(service) {
			return f.ID
		}
	}
	t.Fatalf("no finding in %s on %d: %+v", pkg, service, page.Rows)
	return 0
}

func serviceID(t *testing.T, d *webtest.Desk, slug string) int {
	t.Helper()
	s, err := d.Inventory.Get(d.Ctx, d.Owner, slug)
	if err != nil {
		t.Fatal(err)
	}
	return int(s.ID)
}

// post sends a form and gives where it leads.
func post(t *testing.T, d *webtest.Desk, path string, form url.Values) string {
	t.Helper()
	answer := d.Ask(http.MethodPost, path, form)
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("%s: %d", path, answer.Code)
	}
	return strings.TrimPrefix(answer.Header().Get("Location"), d.Root)
}

func TestAFindingIsAcceptedByTwoPeople(t *testing.T) {
	t.Parallel()
	d := open(t)
	scanned(t, d, "service-1", "service-2")
	id := named(t, d, "lodash", serviceID(t, d, "service-1"))
	at := fmt.Sprintf("/findings/%d", id)
	want(t, d, at, "Accept for now", fmt.Sprintf("/exceptions/new?finding=%d", id))
	ask := fmt.Sprintf("/exceptions/new?finding=%d", id)
	want(t, d, ask, "This finding only", "CVE-2026-0001, wherever it shows", "The package lodash, wherever it shows", "From 1 to 90, because the worst of it is high", "1 finding now", "Flaw in lodash &lt;b&gt;")
	want(t, d, ask+"&scope=vulnerability", "CVE-2026-0001 on every service", "2 findings now, and those that come", `name="where" value="service-2"`)
	want(t, d, ask+"&scope=vulnerability&where=service-2", "CVE-2026-0001 on service-2", "1 finding now, and those that come")

	form := url.Values{"subject": {"findings"}, "finding": {fmt.Sprint(id)}, "reason": {""}, "compensating": {"A firewall."}, "days": {"91"}}
	answer := d.Ask(http.MethodPost, "/exceptions", form)
	for _, w := range []string{"Say why this has to be accepted for now.", "Choose from 1 to 90 days: that is the most for severity high.", "A firewall."} {
		if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), w) {
			t.Errorf("%d, it does not say %q", answer.Code, w)
		}
	}
	form.Set("reason", "The vendor ships a fix in May.")
	form.Set("days", "20")
	form.Set("owner", "99")
	if answer = d.Ask(http.MethodPost, "/exceptions", form); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "Choose a member of this workspace.") {
		t.Error(answer.Code)
	}
	form.Del("owner")
	request := post(t, d, "/exceptions", form)
	want(t, d, request, "Waits for a decision", "What it would cover", "You asked for this exception, so somebody else has to decide")
	want(t, d, at, "An exception waits for a decision", "Nothing is accepted yet")
	if answer = d.Ask(http.MethodPost, request+"/decide", url.Values{"verdict": {"approve"}}); answer.Code != http.StatusForbidden || !strings.Contains(answer.Body.String(), "somebody else has to decide") {
		t.Error(answer.Code)
	}
	if err := d.Posture.Decide(d.Ctx, kofi, 1, true, ""); err != nil {
		t.Fatal(err)
	}
	want(t, d, request, "What it accepts", "1 finding", "20 days left", "open again from then on")
	want(t, d, at, "Accepted for 20 more days", "Kofi Boateng approved", "The vendor ships a fix in May.", "accepted it under exception 1")
	want(t, d, "/findings?state=accepted", "Flaw in lodash", "accepted until")
	want(t, d, "/exceptions?show=in_force", "Flaw in lodash", "findings", "service-1")
	want(t, d, "/exceptions?show=waiting", "No exception stands like this.")
	want(t, d, "/overview", "Exception for Flaw in lodash", "then it counts as open again")
	post(t, d, request+"/end", url.Values{"note": {"It is fixed."}})
	want(t, d, at, "ended exception 1, which accepted it")
	want(t, d, "/exceptions?show=ended", "Ended early")
}

func TestSeveralFindingsAreAcceptedTogether(t *testing.T) {
	t.Parallel()
	d := open(t)
	scanned(t, d, "service-1", "service-2")
	one, two := named(t, d, "lodash", serviceID(t, d, "service-1")), named(t, d, "react", serviceID(t, d, "service-2"))
	answer := d.Ask(http.MethodGet, fmt.Sprintf("/findings/move?to=accepted&id=%d&id=%d", one, two), nil)
	next := strings.TrimPrefix(answer.Header().Get("Location"), d.Root)
	want(t, d, next, "2 findings, such as", "From 1 to 30, because the worst of it is critical", "Flaw in react", "Flaw in lodash")
	if _, err := d.Steward.MoveFinding(d.Ctx, d.Owner, two, finding.Move{To: finding.FalsePositive, Note: "It is not in it."}); err != nil {
		t.Fatal(err)
	}
	want(t, d, next, "1 stays as it is", "From 1 to 90")
	form := url.Values{"subject": {"findings"}, "finding": {fmt.Sprint(one), fmt.Sprint(two)}, "reason": {"Later."}, "days": {"90"}}
	at := post(t, d, "/exceptions", form)
	if answer := d.Ask(http.MethodPost, "/exceptions", form); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "A request for one of these findings waits already.") {
		t.Error(answer.Code)
	}
	if err := d.Posture.Decide(d.Ctx, kofi, 1, false, "No."); err != nil {
		t.Fatal(err)
	}
	want(t, d, at, "Declined", "nothing now")
	want(t, d, at[:len(at)-1]+"new?renew=1", "It goes on from the exception", "Later.", `name="renews" value="1"`)
	form.Set("renews", "1")
	want(t, d, post(t, d, "/exceptions", form), "the exception before it")
	if got := d.Ask(http.MethodGet, "/exceptions/new?finding=999999", nil).Code; got != http.StatusNotFound {
		t.Error(got)
	}
	if got := d.Ask(http.MethodGet, fmt.Sprintf("/exceptions/new?finding=%d", two), nil); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "somebody judged it already") {
		t.Error(got.Code)
	}
}

func TestARuleIsRenewedAndSeenByThoseWhoMay(t *testing.T) {
	t.Parallel()
	d := open(t)
	scanned(t, d, "service-1", "service-2")
	id := named(t, d, "lodash", serviceID(t, d, "service-1"))
	form := url.Values{"subject": {"rule"}, "finding": {fmt.Sprint(id)}, "scope": {"vulnerability"}, "value": {"CVE-2026-0001"}, "where": {"service-1", "service-2"}, "reason": {"Later."}, "days": {"10"}}
	at := post(t, d, "/exceptions", form)
	if err := d.Posture.Decide(d.Ctx, kofi, 1, true, ""); err != nil {
		t.Fatal(err)
	}
	want(t, d, at, "CVE-2026-0001 on 2 services", "service-1, service-2", "2 findings", "vulnerability")
	want(t, d, at, "What an exception does", "The findings wait for nobody")
	form.Set("renews", "1")
	want(t, d, post(t, d, "/exceptions", form), "What it would cover", "2 findings now, and those that come")
	ask := d.Limited([]int64{int64(serviceID(t, d, "service-1"))}, exceptions.New(d.Posture, d.Exceptions, d.Inventory, d.Findings, d.Identity).Routes)
	if got := ask(http.MethodGet, at, nil).Code; got != http.StatusNotFound {
		t.Errorf("an exception over others' services too: %d", got)
	}
	page, err := d.Exceptions.List(d.Ctx, d.Owner, exception.Filter{Show: exception.ShowEnding})
	if err != nil || len(page.Rows) != 1 || page.Counts.Waiting != 1 || page.Counts.InForce != 1 {
		t.Errorf("%+v %v", page, err)
	}
}
