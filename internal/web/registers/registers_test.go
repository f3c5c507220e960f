package registers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/inventory"
	"muster/internal/web/registers"
	"muster/internal/web/webtest"
)

func open(t *testing.T) *webtest.Desk {
	d := webtest.Open(t)
	d.Apply(t, webtest.System(3))
	return d
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

func post(t *testing.T, d *webtest.Desk, path string, form url.Values, status int, words ...string) {
	t.Helper()
	answer := d.Ask(http.MethodPost, path, form)
	if answer.Code != status {
		t.Fatalf("%s: %d", path, answer.Code)
	}
	for _, w := range words {
		if !strings.Contains(answer.Body.String(), w) {
			t.Errorf("%s does not say %q", path, w)
		}
	}
}

func in(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }

// entries lists what a register holds.
func entries(t *testing.T, d *webtest.Desk, register string) []evidence.Entry {
	t.Helper()
	rows, err := d.Ledger.Entries(d.Ctx, d.Owner, register, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestACardForEachRegister(t *testing.T) {
	t.Parallel()
	d := open(t)
	body := want(t, d, "/registers", "/services?unconfirmed=1", "3 not confirmed by a person", "0 entries")
	for _, r := range evidence.Registers() {
		if !strings.Contains(body, r.Title) || !strings.Contains(body, d.Root+"/registers/"+r.ID) || !strings.Contains(body, r.Control) {
			t.Errorf("%s is missing", r.ID)
		}
		want(t, d, "/registers/"+r.ID, "No entries yet", "counts as a person's word")
	}
	if got := d.Ask(http.MethodGet, "/registers/nothing", nil).Code; got != http.StatusNotFound {
		t.Error(got)
	}
}

func TestACredentialFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	d := open(t)
	form := url.Values{"name": {"partner <key>"}, "service": {"service-1"}, "kind": {"API key"}, "consumer": {"the partner"}, "rotated": {in(-400)}, "period": {"365"}}
	post(t, d, "/registers/credentials", form, http.StatusSeeOther)
	form.Set("name", "gateway certificate")
	form.Set("service", "service-2")
	form.Set("expires", in(10))
	form.Set("period", "")
	post(t, d, "/registers/credentials", form, http.StatusSeeOther)
	body := want(t, d, "/registers/credentials", "partner &lt;key&gt;", "Past due", "Due in 9 days", "Ama Mensah", "2 entries")
	if strings.Index(body, "partner &lt;key&gt;") > strings.Index(body, "gateway certificate") {
		t.Error("what is past due is not first")
	}
	want(t, d, "/registers", "1 past due", "2 entries")
	for text, n := range map[string]int{"SERVICE-2": 1, "partner": 1, "e": 2, "zebra": 0} {
		if got := strings.Count(want(t, d, "/registers/credentials?text="+text), `scope="row"`); got != n {
			t.Errorf("%s: %d", text, got)
		}
	}
	old := entries(t, d, "credentials")[1]
	want(t, d, fmt.Sprintf("/registers/credentials?edit=%d", old.ID), "Correct “partner &lt;key&gt;”", "Save the correction", `value="365"`, "being corrected")
	form = url.Values{"name": {"partner key"}, "kind": {"API key"}, "rotated": {in(-1)}, "period": {"90"}, "replaces": {fmt.Sprint(old.ID)}}
	post(t, d, "/registers/credentials", form, http.StatusSeeOther)
	now := entries(t, d, "credentials")
	if len(now) != 2 || now[1].Name != "partner key" || now[1].Replaces != old.ID || now[1].ServiceID != old.ServiceID {
		t.Fatalf("%+v", now)
	}
	if got := d.Ask(http.MethodGet, fmt.Sprintf("/registers/credentials?edit=%d", old.ID), nil).Code; got != http.StatusNotFound {
		t.Error("an entry that was replaced can be corrected:", got)
	}
	post(t, d, "/registers/credentials", form, http.StatusConflict, `value="partner key"`, "Somebody else changed this entry")
	post(t, d, fmt.Sprintf("/registers/obligations/%d/strike", now[1].ID), nil, http.StatusNotFound)
	post(t, d, fmt.Sprintf("/registers/credentials/%d/strike", now[1].ID), nil, http.StatusSeeOther)
	if rest := entries(t, d, "credentials"); len(rest) != 1 {
		t.Error(rest)
	}
}

func TestARefusedEntryKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	d := open(t)
	form := url.Values{"consumer": {"a batch job"}, "kind": {"a spell"}, "rotated": {"yesterday"}, "period": {"0"}}
	post(t, d, "/registers/credentials", form, http.StatusUnprocessableEntity, `value="a batch job"`, `value="yesterday"`, "Give it a name.", "Choose the service that it belongs to.", "Choose one of the listed values.", "Write the day as year-month-day", "Write a whole number of days from 1 to 3650.")
	post(t, d, "/registers/credentials", url.Values{"name": {"x"}, "service": {"nowhere"}, "kind": {"password"}, "rotated": {in(-1)}}, http.StatusNotFound)
	post(t, d, "/registers/processing", url.Values{"name": {"Newsletter"}, "service": {"service-0"}, "lawful_basis": {"consent"}}, http.StatusUnprocessableEntity, `value="Newsletter"`, `<option value="service-0" selected>`, `<option value="consent" selected>`, "Fill this in.")
	if rows := entries(t, d, "processing"); len(rows) != 0 {
		t.Error(rows)
	}
}

func TestTheWorkspacesOwnRegister(t *testing.T) {
	t.Parallel()
	d := open(t)
	post(t, d, "/registers/obligations", url.Values{"name": {"GDPR"}, "source": {"law"}, "asks": {"A record of processing."}, "review": {in(-2)}}, http.StatusSeeOther)
	body := want(t, d, "/registers/obligations", "GDPR", "Past due", d.Root+"/governance/GOV-12")
	if strings.Contains(body, `name="service"`) {
		t.Error("it asks for a service")
	}
	want(t, d, "/governance/GOV-12", "1 registered")
}

func TestFiftyEntriesToAPage(t *testing.T) {
	t.Parallel()
	d := open(t)
	for i := range 51 {
		if _, err := d.Ledger.Enter(d.Ctx, d.Owner, evidence.Line{Register: "obligations", Name: fmt.Sprintf("duty %02d", i), Values: map[string]string{"source": "law", "asks": "Something."}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(want(t, d, "/registers/obligations?text=duty", "51 entries, page 1 of 2", "page=2&amp;text=duty"), `scope="row"`); n != 50 {
		t.Error(n)
	}
	if n := strings.Count(want(t, d, "/registers/obligations?page=2", "page 2 of 2"), `scope="row"`); n != 1 {
		t.Error(n)
	}
}

func TestALimitedViewOfTheRegisters(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, slug := range []string{"service-1", "service-2"} {
		if err := d.Posture.Enter(d.Ctx, d.Owner, slug, evidence.Line{Register: "credentials", Name: "key of " + slug, Values: map[string]string{"kind": "password", "rotated": in(-400), "period": "30"}}); err != nil {
			t.Fatal(err)
		}
	}
	post(t, d, "/registers/obligations", url.Values{"name": {"GDPR"}, "source": {"law"}, "asks": {"Much."}}, http.StatusSeeOther)
	rows := entries(t, d, "credentials")
	mine, theirs := rows[0], rows[1]
	ask := d.Limited([]int64{mine.ServiceID}, registers.New(d.Posture, d.Ledger, d.Inventory).Routes)
	body := ask(http.MethodGet, "/registers", nil).Body.String()
	if !strings.Contains(body, "1 entry") || strings.Contains(body, "2 entries") || strings.Contains(body, "obligations") {
		t.Error("the cards show what others hold")
	}
	body = ask(http.MethodGet, "/registers/credentials?text=service", nil).Body.String()
	if !strings.Contains(body, "key of service-1") || strings.Contains(body, "service-2") {
		t.Error("the entries of others are shown")
	}
	form := url.Values{"name": {"x"}, "service": {"service-2"}, "kind": {"password"}, "rotated": {in(-1)}}
	for path, values := range map[string]url.Values{"/registers/credentials": form, fmt.Sprintf("/registers/credentials/%d/strike", theirs.ID): nil, "/registers/obligations": {"name": {"x"}}} {
		if got := ask(http.MethodPost, path, values).Code; got != http.StatusNotFound {
			t.Errorf("%s: %d", path, got)
		}
	}
	if got := ask(http.MethodGet, fmt.Sprintf("/registers/credentials?edit=%d", theirs.ID), nil).Code; got != http.StatusNotFound {
		t.Error(got)
	}
	form.Set("replaces", fmt.Sprint(theirs.ID))
	if got := ask(http.MethodPost, "/registers/credentials", form).Code; got != http.StatusNotFound {
		t.Error("a correction of what others hold:", got)
	}
	line := evidence.Line{Register: "credentials", Name: "x", Values: map[string]string{"kind": "password", "rotated": in(-1)}, Replaces: theirs.ID}
	if err := d.Posture.Enter(inventory.WithVisible(d.Ctx, []int64{mine.ServiceID}), d.Owner, "service-1", line); !fault.Is(err, fault.NotFound) {
		t.Error("the domain lets what others hold be replaced:", err)
	}
	if now := entries(t, d, "credentials"); len(now) != 2 || now[1].ID != theirs.ID {
		t.Errorf("%+v", now)
	}
	if got := ask(http.MethodPost, fmt.Sprintf("/registers/credentials/%d/strike", mine.ID), nil).Code; got != http.StatusSeeOther {
		t.Error("a consultant keeps the register of their services:", got)
	}
}
