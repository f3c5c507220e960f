package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
)

// scan imports what Trivy says of the service web now; nothing else of it is left.
func (s *site) scan(t testing.TB, packages ...string) {
	t.Helper()
	var rows []string
	for _, p := range packages {
		rows = append(rows, fmt.Sprintf(`{"VulnerabilityID":"CVE-2026-%[1]s","PkgName":"%[1]s","PkgIdentifier":{"PURL":"pkg:npm/%[1]s@1.0.0"},"InstalledVersion":"1.0.0","FixedVersion":"1.0.1","Severity":"CRITICAL","Title":"Flaw in %[1]s"}`, p))
	}
	text := fmt.Sprintf(`{"SchemaVersion":2,"ArtifactName":"web","ArtifactType":"filesystem","Results":[{"Target":"package-lock.json","Class":"lang-pkgs","Type":"npm","Vulnerabilities":[%s]}]}`, strings.Join(rows, ","))
	file := model.File{Path: "trivy.json", Data: []byte(text)}
	found := check[*model.Inspection](t)(imports.Inspect([]model.File{file}, imports.Options{}))
	environments := check[[]inventory.Environment](t)(s.Inventory.Environments(s.ctx, s.owner))
	id := check[int64](t)(s.Intake.Propose(s.ctx, s.owner, intake.Proposal{EnvironmentID: environments[0].ID, SourceName: "web-ci", Inspection: found}))
	check[*intake.Plan](t)(s.Intake.Confirm(s.ctx, s.owner, id, intake.Choices{AcceptBig: true}))
}

// A bundle becomes a task, and reports take it to the proof and back, in a browser without scripts.
func TestATaskFromABundleToTheProofAndBack(t *testing.T) {
	s := open(t)
	s.scan(t, "leftpad", "rightpad")
	p := &person{t, browser(t), s.server.URL}
	// The first step opens the tab, which lives as long as its context; so none with a limit.
	if err := chromedp.Do(p.ctx, chromedp.Navigate(s.server.URL+"/login")); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(p.ctx, chromedp.Evaluate[int](fmt.Sprintf(`document.cookie="muster=%s;path=/"; 1`, s.token(t, "owner")))); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	w := "/w/" + s.home.Slug
	p.open(w + "/tasks/bundles")
	p.press(`button[aria-label="Make the task “Upgrade leftpad to 1.0.1”"]`)
	p.see(w+"/tasks/", "Upgrade leftpad to 1.0.1", "To do", "Flaw in leftpad", "made the task")
	here := check[string](t)(chromedp.Run(p.ctx, chromedp.Location()))
	p.open(w + "/tasks/board")
	p.press(`button[aria-label="Move “Upgrade leftpad to 1.0.1”"]`)
	p.see(w+"/tasks/board", "Moved.")
	for _, step := range []struct {
		packages []string
		words    []string
	}{
		{[]string{"rightpad"}, []string{"Fixed", "Everything it covers is at least fixed", "no longer sees it"}},
		{[]string{"rightpad", "newpad"}, []string{"Verified", "Everything it covers is proven gone"}},
		{[]string{"rightpad", "newpad", "leftpad"}, []string{"To do", "It came back", "sees it again"}},
	} {
		s.scan(t, step.packages...)
		p.open(here)
		p.see(w+"/tasks/", step.words...)
	}
}
