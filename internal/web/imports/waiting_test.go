package imports_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"muster/internal/web/webtest"
)

// trivy is a report with so many flaws, each with a text that does not pack well.
func trivy(flaws int) string {
	var rows []string
	for i := range flaws {
		text := sha256.Sum256(fmt.Append(nil, i))
		rows = append(rows, fmt.Sprintf(`{"VulnerabilityID":"CVE-2026-%05d","PkgName":"p%d","InstalledVersion":"1.0.0","Severity":"HIGH","Title":"Flaw %d","Description":"%x %x"}`, i, i, i, text, sha256.Sum256(text[:])))
	}
	return fmt.Sprintf(`{"SchemaVersion":2,"ArtifactName":"billing","ArtifactType":"filesystem","Results":[{"Target":"a","Class":"lang-pkgs","Type":"npm","Vulnerabilities":[%s]}]}`, strings.Join(rows, ","))
}

// bring uploads a file and gives the address of its preview.
func bring(t *testing.T, d *webtest.Desk, name, text string, fields map[string]string) string {
	t.Helper()
	all := map[string]string{"environment": fmt.Sprint(d.Environment(t).ID), "source": "shop"}
	for k, v := range fields {
		all[k] = v
	}
	answer := upload(t, d, map[string]string{name: text}, all)
	if answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code, answer.Body.String())
	}
	return strings.TrimPrefix(answer.Header().Get("Location"), d.Root)
}

func post(t *testing.T, d *webtest.Desk, path, form string) (int, string) {
	t.Helper()
	answer := d.Send(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form))
	return answer.Code, answer.Body.String()
}

func TestALargeImportIsCarriedOutByARun(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	path := bring(t, d, "trivy.json", trivy(4000), nil)
	if code, body := post(t, d, path+"/confirm", ""); code != http.StatusSeeOther {
		t.Fatal(code, body)
	}
	page := d.Ask(http.MethodGet, path, nil).Body.String()
	says(t, page, "You may leave this page", "It starts as soon as", "data-live=", `<noscript><meta http-equiv="refresh"`, "Cancel the import")
	_, rest, _ := strings.Cut(page, d.Root+"/scans/")
	run, _, _ := strings.Cut(rest, `/`)
	run, _, _ = strings.Cut(run, `"`)
	if code, body := post(t, d, "/scans/"+run+"/cancel", ""); code != http.StatusSeeOther {
		t.Fatal(code, body)
	}
	says(t, d.Ask(http.MethodGet, path, nil).Body.String(), "canceled while it ran. Nothing was stored.", "Check before importing")
}

func TestASuddenlyEmptyUploadWaitsOnThePages(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	d.Apply(t, webtest.System(1))
	if code, body := post(t, d, bring(t, d, "trivy.json", trivy(6), nil)+"/confirm", ""); code != http.StatusSeeOther {
		t.Fatal(code, body)
	}
	path := bring(t, d, "trivy.json", trivy(0), nil)
	says(t, d.Ask(http.MethodGet, "/imports", nil).Body.String(), "waits for your word", "Did the scanner fail?")
	says(t, d.Ask(http.MethodGet, "/overview", nil).Body.String(), "An import waits for your word")
	code, body := post(t, d, path+"/confirm", "")
	if code != http.StatusConflict && code != http.StatusUnprocessableEntity {
		t.Error(code)
	}
	says(t, body, "Your word is needed")
	if code, _ := post(t, d, path+"/cancel", ""); code != http.StatusSeeOther {
		t.Error(code)
	}
	if page := d.Ask(http.MethodGet, "/overview", nil).Body.String(); strings.Contains(page, "An import waits") {
		t.Error("what was discarded still waits")
	}
}

func TestAPreviewThatIsNoLongerTrueIsShownAgain(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	path := bring(t, d, "trivy.json", trivy(6), nil)
	_, rest, _ := strings.Cut(d.Ask(http.MethodGet, path, nil).Body.String(), `name="seen" value="`)
	mark, _, _ := strings.Cut(rest, `"`)
	if code, body := post(t, d, bring(t, d, "trivy.json", trivy(3), nil)+"/confirm", ""); code != http.StatusSeeOther {
		t.Fatal(code, body)
	}
	code, body := post(t, d, path+"/confirm", "seen="+mark)
	if code != http.StatusConflict {
		t.Error(code)
	}
	says(t, body, "Something changed since you looked", `name="seen" value="`)
	if strings.Contains(body, mark) {
		t.Error("the page that is shown again has the mark of the old one")
	}
}

func TestAnUploadAboutOneService(t *testing.T) {
	t.Parallel()
	d := webtest.Open(t)
	d.Apply(t, webtest.System(3))
	answer := upload(t, d, map[string]string{"go.mod": "module x\n\nrequire example.com/y v1.2.3\n"}, map[string]string{"environment": fmt.Sprint(d.Environment(t).ID), "service": "nobody"})
	if answer.Code != http.StatusUnprocessableEntity {
		t.Error(answer.Code)
	}
	says(t, answer.Body.String(), "There is no service of this name", `value="nobody"`)
	path := bring(t, d, "go.mod", "module x\n\nrequire example.com/y v1.2.3\n", map[string]string{"service": "service-1"})
	says(t, d.Ask(http.MethodGet, path, nil).Body.String(), "What the parts lists change", "example.com/y", "service-1")
	if code, body := post(t, d, path+"/confirm", ""); code != http.StatusSeeOther {
		t.Fatal(code, body)
	}
	says(t, d.Ask(http.MethodGet, "/services/service-1/components", nil).Body.String(), "example.com/y", "v1.2.3", "lock file of shop", "asked for")
	says(t, d.Ask(http.MethodGet, "/services/service-2/components", nil).Body.String(), "No parts list yet")
}
