package imports_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"muster/internal/inventory"
	"muster/internal/web/webtest"
)

// upload sends files with the other fields of the form.
func upload(t *testing.T, d *webtest.Desk, files, fields map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		part, err := w.CreateFormFile("files", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return d.Send(http.MethodPost, "/imports", w.FormDataContentType(), &b)
}

func says(t *testing.T, body string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestAFileThatFailsLosesNoChoice(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	environment := fmt.Sprint(d.Environment(t).ID + 1)
	answer := upload(t, d, map[string]string{"broken.yaml": "apiVersion: v1\nkind: [unclosed\n"}, map[string]string{"environment": environment, "source": "edge-files", "partial": "1", "namespaces_complete": "1"})
	body := answer.Body.String()
	if answer.Code != http.StatusUnprocessableEntity {
		t.Fatal(answer.Code)
	}
	says(t, body, "broken.yaml", "line 1", "not valid YAML", `value="edge-files"`, `value="`+environment+`" selected`, `name="partial" value="1" checked`, `name="namespaces_complete" value="1" checked`)
}

func TestAnUploadFromFilesToServices(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	answer := upload(t, d, map[string]string{"all.yaml": webtest.System(3)}, map[string]string{"environment": fmt.Sprint(d.Environment(t).ID), "source": "shop", "namespaces_complete": "1"})
	if answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code, answer.Body.String())
	}
	path := strings.TrimPrefix(answer.Header().Get("Location"), d.Root)
	body := d.Ask(http.MethodGet, path, nil).Body.String()
	says(t, body, "every network policy of its namespaces", "Secrets written in clear", "API_SECRET", "all.yaml:11", "source shop", "3 services", "calls service-1")
	if strings.Contains(body, "CANARY") {
		t.Error("the value of a secret is shown")
	}
	if answer = d.Ask(http.MethodPost, path+"/confirm", url.Values{}); answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code)
	}
	says(t, d.Ask(http.MethodGet, "/imports", nil).Body.String(), "in use", "every network policy", "New: 3 services")
	if answer = d.Ask(http.MethodPost, path+"/confirm", url.Values{}); answer.Code != http.StatusConflict {
		t.Errorf("confirmed twice: %d", answer.Code)
	}
}

func TestALossOfMoreThanHalfWaitsForAWord(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	d.Apply(t, webtest.System(8))
	path := fmt.Sprintf("/imports/%d", d.Propose(t, webtest.System(2)))
	says(t, d.Ask(http.MethodGet, path, nil).Body.String(), "Your word is needed", "They are really gone")
	refused := d.Ask(http.MethodPost, path+"/confirm", url.Values{})
	if refused.Code != http.StatusConflict {
		t.Fatal(refused.Code)
	}
	says(t, refused.Body.String(), "6 workloads", `role="alert"`)
	if done := d.Ask(http.MethodPost, path+"/confirm", url.Values{"accept": {"1"}}); done.Code != http.StatusSeeOther {
		t.Error(done.Code)
	}
	if undone := d.Ask(http.MethodPost, path+"/undo", nil); undone.Code != http.StatusSeeOther {
		t.Error(undone.Code)
	}
}

func TestServicesAreNamedWhereThereAreTooManyToChooseFrom(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	d.Apply(t, webtest.System(200))
	path := fmt.Sprintf("/imports/%d", d.Propose(t, strings.ReplaceAll(webtest.System(20), "service-", "other-")))
	says(t, d.Ask(http.MethodGet, path, nil).Body.String(), `<datalist id="names">`, `name="groupname:shop/other-3"`)
	wrong := d.Ask(http.MethodPost, path+"/confirm", url.Values{"groupname:shop/other-3": {"nobody-knows-me"}})
	if wrong.Code != http.StatusUnprocessableEntity {
		t.Fatal(wrong.Code)
	}
	says(t, wrong.Body.String(), "There is no service of this name", `value="nobody-knows-me"`)
	if done := d.Ask(http.MethodPost, path+"/confirm", url.Values{"groupname:shop/other-3": {"Service-7"}, "groupname:shop/other-4": {""}, "accept": {"1"}}); done.Code != http.StatusSeeOther {
		t.Fatal(done.Code)
	}
	s, err := d.Inventory.Get(d.Ctx, d.Owner, "service-7")
	if err != nil {
		t.Fatal(err)
	}
	detail, err := d.Inventory.Detail(d.Ctx, d.Owner, &s, 1)
	if err != nil || len(detail.Bindings) != 2 {
		t.Errorf("%+v %v", detail.Bindings, err)
	}
	page, err := d.Inventory.List(d.Ctx, d.Owner, inventory.Filter{Text: "other-"})
	if err != nil || page.Total != 19 {
		t.Error(page.Total, err)
	}
}
