package findings_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestListsAreKeptRenamedAndDeleted(t *testing.T) {
	t.Parallel()
	d := open(t)
	report(t, d, "service-1", "lodash", "react")
	want(t, d, "/findings", "Due this week", "Known exploited", "Waiting for re-review", "due first", "newest first")
	want(t, d, "/findings?sort=due", "2 findings with a date, what is due first", "Flaw in react")
	want(t, d, "/findings?sort=newest", "2 findings, the newest first")
	want(t, d, "/findings?due=week&sort=due", "Due within a week", "Nothing here")
	want(t, d, "/findings?severity=high&sort=due", d.Root+"/findings/views?severity=high&amp;sort=due")
	want(t, d, "/findings/views", "No list is kept yet")
	want(t, d, "/findings/views?severity=high&sort=due&after=1.2", `name="severity" value="high"`, `name="sort" value="due"`)
	keep := func(name, shared string, more ...string) (int, string) {
		form := url.Values{"name": {name}, "severity": {"high"}, "sort": {"due"}}
		if shared != "" {
			form.Set("shared", shared)
		}
		for i := 0; i+1 < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		answer := d.Ask(http.MethodPost, "/findings/views", form)
		return answer.Code, answer.Body.String()
	}
	if code, body := keep("", ""); code != http.StatusUnprocessableEntity || !strings.Contains(body, "Give the list a name") || !strings.Contains(body, `name="severity" value="high"`) {
		t.Errorf("without a name: %d", code)
	}
	if code, body := keep("All", "", "severity", "", "sort", ""); code != http.StatusUnprocessableEntity || !strings.Contains(body, "Narrow the list down first") {
		t.Errorf("without filters: %d", code)
	}
	if code, _ := keep("High <b>ones</b>", ""); code != http.StatusSeeOther {
		t.Errorf("%d", code)
	}
	if code, _ := keep("For all", "1"); code != http.StatusSeeOther {
		t.Errorf("%d", code)
	}
	if code, body := keep("high <B>ones</b>", ""); code != http.StatusUnprocessableEntity || !strings.Contains(body, "There is a list of this name already.") {
		t.Errorf("the same name: %d", code)
	}
	want(t, d, "/findings", "High &lt;b&gt;ones&lt;/b&gt;", "For all", d.Root+"/findings?severity=high&amp;sort=due")
	want(t, d, "/activity", "For all")
	if answer := d.Ask(http.MethodPost, "/findings/views/1", url.Values{"name": {" "}}); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), "Give the list a name") {
		t.Errorf("%d", answer.Code)
	}
	if answer := d.Ask(http.MethodPost, "/findings/views/1", url.Values{"name": {"Urgent"}}); answer.Code != http.StatusSeeOther {
		t.Errorf("%d", answer.Code)
	}
	want(t, d, "/findings/views", "Urgent", "for everybody", "Delete For all")
	if answer := d.Ask(http.MethodPost, "/findings/views/2/delete", nil); answer.Code != http.StatusSeeOther {
		t.Errorf("%d", answer.Code)
	}
	if body := want(t, d, "/findings/views", "Urgent"); strings.Contains(body, "Delete For all") {
		t.Error("it is still there")
	}
	for i := range 19 {
		if code, _ := keep("List "+string(rune('a'+i)), ""); code != http.StatusSeeOther {
			t.Fatalf("list %d: %d", i, code)
		}
	}
	if code, body := keep("One more", ""); code != http.StatusUnprocessableEntity || !strings.Contains(body, "There are 20 lists already") {
		t.Errorf("the 21st: %d", code)
	}
}
