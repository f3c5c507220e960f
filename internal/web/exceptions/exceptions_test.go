package exceptions_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/exception"
	"muster/internal/web/exceptions"
	"muster/internal/web/webtest"
)

func open(t *testing.T) *webtest.Desk {
	d := webtest.Open(t)
	d.Apply(t, webtest.System(3))
	return d
}

// asked has somebody else ask for an exception.
func asked(t *testing.T, d *webtest.Desk, slug string) exception.Exception {
	t.Helper()
	other := access.Actor{UserID: 4711, Name: "Kofi Boateng", Role: access.Engineer}
	e, err := d.Posture.Ask(d.Ctx, other, slug, exception.Request{Control: "TLS-6", Reason: "The partner's client has no certificate before March.", Compensating: "Only their network reaches it.", Days: 20})
	if err != nil {
		t.Fatal(err)
	}
	return e
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

func TestNoExceptionsYet(t *testing.T) {
	t.Parallel()
	want(t, open(t), "/exceptions", "Nothing is accepted", "never raises the score", "Ask for an exception")
}

func TestWhoAsksDoesNotDecide(t *testing.T) {
	t.Parallel()
	d := open(t)
	form := url.Values{"control": {"TLS-6"}, "service": {"service-1"}, "reason": {"The partner waits for <a> certificate."}, "compensating": {"A firewall."}, "days": {"90"}}
	answer := d.Ask(http.MethodPost, "/exceptions", form)
	at := strings.TrimPrefix(answer.Header().Get("Location"), d.Root)
	if answer.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/exceptions/") {
		t.Fatalf("%d %s", answer.Code, at)
	}
	body := want(t, d, at, "Waits for a decision", "&lt;a&gt; certificate", "You asked for this exception, so somebody else has to decide", "service-1", "Withdraw the request")
	if strings.Contains(body, "Approve") {
		t.Error("it offers to approve what the person asked for")
	}
	answer = d.Ask(http.MethodPost, at+"/decide", url.Values{"verdict": {"approve"}})
	if answer.Code != http.StatusForbidden || !strings.Contains(answer.Body.String(), "somebody else has to decide") {
		t.Errorf("%d", answer.Code)
	}
	want(t, d, at, "Waits for a decision")
	want(t, d, "/exceptions", "1 waits for a decision, 0 in force", "The partner waits")
}

func TestARefusedRequestKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	d := open(t)
	answer := d.Ask(http.MethodPost, "/exceptions", url.Values{"compensating": {"A firewall in front."}, "days": {"400"}})
	if answer.Code != http.StatusUnprocessableEntity {
		t.Fatal(answer.Code)
	}
	for _, w := range []string{"A firewall in front.", `value="400"`, "Choose a control.", "Choose a service, or every service.", "Say why this has to be accepted for now.", "Choose from 1 to 365 days"} {
		if !strings.Contains(answer.Body.String(), w) {
			t.Errorf("it does not say %q", w)
		}
	}
	answer = d.Ask(http.MethodPost, "/exceptions", url.Values{"control": {"GOV-1"}, "service": {"*"}, "reason": {"Because."}, "days": {"9"}})
	if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "Choose a control of services.") || !strings.Contains(answer.Body.String(), "Because.") {
		t.Error(answer.Code)
	}
	answer = d.Ask(http.MethodPost, "/exceptions", url.Values{"control": {"TLS-6"}, "service": {"not-there"}, "reason": {"Because."}, "days": {"9"}})
	if answer.Code != http.StatusNotFound {
		t.Error(answer.Code)
	}
}

func TestTheFormKnowsWhatTheAddressChose(t *testing.T) {
	t.Parallel()
	d := open(t)
	body := want(t, d, "/exceptions/new?control=TLS-6&service=service-2", `name="control" value="TLS-6"`, `name="service" value="service-2"`, `value="90"`, "ends on its day, and never raises the score")
	if strings.Contains(body, "Choose a control") {
		t.Error("it asks for the control again")
	}
	want(t, d, "/exceptions/new?control=NONE-1&service=nowhere", "Choose a control", "Choose a service", "Every service")
	e := asked(t, d, "")
	want(t, d, fmt.Sprintf("/exceptions/new?renew=%d", e.ID), fmt.Sprintf(`name="renews" value="%d"`, e.ID), `name="service" value="*"`, "no certificate before March", "Only their network", "Kofi Boateng")
	if got := d.Ask(http.MethodGet, "/exceptions/new?renew=999", nil).Code; got != http.StatusNotFound {
		t.Error(got)
	}
}

func TestApproveEndAndAskAgain(t *testing.T) {
	t.Parallel()
	d := open(t)
	e := asked(t, d, "service-1")
	at := fmt.Sprintf("/exceptions/%d", e.ID)
	want(t, d, at, "Kofi Boateng asked; you are the second person", "Approve", "Decline")
	for verdict, sentence := range map[string]string{"": "Approve it or decline it.", "decline": "Say why it is declined."} {
		answer := d.Ask(http.MethodPost, at+"/decide", url.Values{"verdict": {verdict}})
		if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), sentence) {
			t.Errorf("%q: %d", verdict, answer.Code)
		}
	}
	if got := d.Ask(http.MethodPost, at+"/decide", url.Values{"verdict": {"approve"}, "note": {"Until March, no longer."}}).Code; got != http.StatusSeeOther {
		t.Fatal(got)
	}
	want(t, d, at, "Accepted", "20 days left", "Until March, no longer.", "approved it", "End the exception", "Ask again")
	want(t, d, "/exceptions", "0 wait for a decision, 1 in force", "20 days left")
	want(t, d, "/services/service-1/controls/TLS-6", d.Root+at)
	answer := d.Ask(http.MethodPost, at+"/decide", url.Values{"verdict": {"decline"}, "note": {"Too late, but kept"}})
	if answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "decided already") {
		t.Error(answer.Code)
	}
	answer = d.Ask(http.MethodPost, at+"/end", url.Values{"note": {" "}})
	if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "Say in a sentence why it ends.") {
		t.Error(answer.Code)
	}
	if got := d.Ask(http.MethodPost, at+"/end", url.Values{"note": {"The certificate is there."}}).Code; got != http.StatusSeeOther {
		t.Fatal(got)
	}
	body := want(t, d, at, "Ended early", "The certificate is there.", "?renew=")
	if strings.Contains(body, "End the exception") {
		t.Error("it can be ended twice")
	}
	form := url.Values{"control": {"TLS-6"}, "service": {"service-1"}, "reason": {"Again."}, "days": {"30"}, "renews": {fmt.Sprint(e.ID)}}
	answer = d.Ask(http.MethodPost, "/exceptions", form)
	want(t, d, strings.TrimPrefix(answer.Header().Get("Location"), d.Root), d.Root+at, "the exception before it")
}

func TestExceptionsOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	d := open(t)
	mine, theirs, all := asked(t, d, "service-1"), asked(t, d, "service-2"), asked(t, d, "")
	for _, ids := range [][]int64{{mine.ServiceID}, {}} {
		ask := d.Limited(ids, exceptions.New(d.Posture, d.Exceptions, d.Inventory, d.Findings, d.Identity).Routes)
		body := ask(http.MethodGet, "/exceptions", nil).Body.String()
		if strings.Contains(body, "service-2") || !strings.Contains(body, fmt.Sprintf("/exceptions/%d\"", all.ID)) || strings.Contains(body, "service-1") != (len(ids) == 1) {
			t.Errorf("limited to %v", ids)
		}
		if strings.Contains(body, "/exceptions/new") {
			t.Error("it offers a consultant to ask")
		}
		at := fmt.Sprintf("/exceptions/%d", theirs.ID)
		for _, got := range []int{ask(http.MethodGet, at, nil).Code, ask(http.MethodPost, at+"/decide", url.Values{"verdict": {"approve"}}).Code, ask(http.MethodPost, at+"/end", url.Values{"note": {"x"}}).Code} {
			if got != http.StatusNotFound {
				t.Error(got)
			}
		}
	}
	ask := d.Limited([]int64{mine.ServiceID}, exceptions.New(d.Posture, d.Exceptions, d.Inventory, d.Findings, d.Identity).Routes)
	answer := ask(http.MethodGet, fmt.Sprintf("/exceptions/%d", mine.ID), nil)
	if body := answer.Body.String(); answer.Code != http.StatusOK || strings.Contains(body, "Approve") || strings.Contains(body, "Withdraw") || !strings.Contains(body, "An owner or an admin") {
		t.Error(answer.Code)
	}
	for path, want := range map[string]int{"/exceptions/new": http.StatusForbidden, "/exceptions/new?renew=" + fmt.Sprint(theirs.ID): http.StatusForbidden} {
		if got := ask(http.MethodGet, path, nil).Code; got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}

func TestFiftyToAPage(t *testing.T) {
	t.Parallel()
	d := open(t)
	for range 51 {
		e := asked(t, d, "service-1")
		if err := d.Posture.End(d.Ctx, d.Owner, e.ID, "no"); err != nil {
			t.Fatal(err)
		}
	}
	body := want(t, d, "/exceptions", "51 exceptions, page 1 of 2", "?page=2", "Withdrawn")
	if n := strings.Count(body, `scope="row"`); n != 50 {
		t.Error(n)
	}
	want(t, d, "/exceptions?page=2", "page 2 of 2", `rel="prev"`)
}
