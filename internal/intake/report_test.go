package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/intake"
)

// trivyReport is a report of Trivy with some packages, in which a target is scanned.
func trivyReport(target string, packages ...string) string {
	var rows []string
	for _, p := range packages {
		rows = append(rows, fmt.Sprintf(`{"VulnerabilityID":"CVE-2026-%s","PkgName":"%s","PkgIdentifier":{"PURL":"pkg:npm/%s@1.0.0"},"InstalledVersion":"1.0.0","FixedVersion":"1.0.1","Severity":"CRITICAL","Title":"Flaw in %s"}`, p, p, p, p))
	}
	return fmt.Sprintf(`{"SchemaVersion":2,"ArtifactName":"%s","ArtifactType":"filesystem","Results":[{"Target":"package-lock.json","Class":"lang-pkgs","Type":"npm","Vulnerabilities":[%s]}]}`, target, strings.Join(rows, ","))
}

const leak = `[{"RuleID":"aws","Description":"AWS key","File":"app/.env","StartLine":3,"EndLine":3,"Secret":"CANARY-AKIA12345","Match":"key=CANARY-AKIA12345","Commit":"","Fingerprint":"app/.env:aws:3"}]`

// bring imports files and gives the plan that ran.
func (d *desk) bring(t testing.TB, source string, c intake.Choices, files map[string]string) *intake.Plan {
	t.Helper()
	id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, SourceName: source, Inspection: read(t, files)})
	if err != nil {
		t.Fatal(err)
	}
	preview, err := d.Preview(d.ctx, d.actor, id, c)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := d.Confirm(d.ctx, d.actor, id, c)
	if err != nil {
		t.Fatal(err)
	}
	if preview.Plan.Findings != nil && preview.Plan.Findings.Counts != plan.Findings.Counts && len(c.Labels) == 0 {
		t.Errorf("the preview said %+v, done was %+v", preview.Plan.Findings.Counts, plan.Findings.Counts)
	}
	d.last = id
	return plan
}

func (d *desk) findings(t testing.TB, f finding.Filter) []finding.Finding {
	t.Helper()
	f.Limit = 1000
	page, err := d.finds.List(d.ctx, d.actor, f)
	if err != nil {
		t.Fatal(err)
	}
	return page.Rows
}

func TestReports(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.bring(t, "shop", intake.Choices{}, map[string]string{"shop/all.yaml": shop})
		manifests := d.state(t)
		web := d.service(t, "web")

		t.Run("a report finds its service by name, and leaves the manifests alone", func(t *testing.T) {
			p := d.bring(t, "shop", intake.Choices{}, map[string]string{"trivy.json": trivyReport("web", "a", "b", "c")})
			if p.Findings.Counts != (finding.Counts{Created: 3}) || p.Services.Gone != 0 || len(p.Owners) == 0 || p.Owners[0].Service != web.ID {
				t.Errorf("%+v %+v %+v", p.Findings.Counts, p.Services, p.Owners)
			}
			if d.state(t) != manifests {
				t.Error("the report changed the inventory")
			}
		})
		t.Run("the same again changes nothing", func(t *testing.T) {
			p := d.bring(t, "shop", intake.Choices{}, map[string]string{"trivy.json": trivyReport("web", "a", "b", "c")})
			if p.Findings.Counts != (finding.Counts{Unchanged: 3}) || !p.Nothing() {
				t.Errorf("%+v", p.Findings.Counts)
			}
		})
		t.Run("sudden emptiness waits for a person", func(t *testing.T) {
			id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, SourceName: "shop", Inspection: read(t, map[string]string{"trivy.json": trivyReport("web")})})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "Did the scanner fail?") {
				t.Errorf("%v", err)
			}
			if n := len(d.findings(t, finding.Filter{})); n != 3 {
				t.Errorf("%d are open", n)
			}
			if _, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{AcceptBig: true}); err != nil {
				t.Fatal(err)
			}
			if n := len(d.findings(t, finding.Filter{States: []finding.State{finding.Fixed}})); n != 3 {
				t.Errorf("%d are fixed", n)
			}
			if err := d.Undo(d.ctx, d.actor, id); err != nil {
				t.Fatal(err)
			}
			if n := len(d.findings(t, finding.Filter{})); n != 3 {
				t.Errorf("%d are open after the undo", n)
			}
		})
		t.Run("a newer manifest keeps the findings", func(t *testing.T) {
			d.bring(t, "shop", intake.Choices{}, map[string]string{"shop/all.yaml": shop})
			if n := len(d.findings(t, finding.Filter{})); n != 3 {
				t.Errorf("%d are open", n)
			}
		})
		t.Run("what is nobody's waits in the inbox until a person says whose it is", func(t *testing.T) {
			p := d.bring(t, "elsewhere", intake.Choices{}, map[string]string{"trivy.json": trivyReport("registry.example.com/team/mystery:1.2", "a", "x")})
			if p.Findings.Counts.Created != 2 {
				t.Errorf("%+v", p.Findings.Counts)
			}
			inbox, err := d.finds.Inbox(d.ctx, d.actor)
			if err != nil || len(inbox) != 1 || inbox[0].N != 2 {
				t.Fatalf("%+v %v", inbox, err)
			}
			if _, err := d.finds.Assign(d.ctx, d.actor, inbox[0].Label, &web); err != nil {
				t.Fatal(err)
			}
			if got := d.findings(t, finding.Filter{Service: web.ID}); len(got) != 4 { // a was known, x is new
				t.Errorf("%d findings", len(got))
			}
			p = d.bring(t, "elsewhere", intake.Choices{}, map[string]string{"trivy.json": trivyReport("registry.example.com/team/mystery:1.3", "a", "x")})
			if c := p.Findings.Counts; c.Created != 0 || c.Ended != 0 {
				t.Errorf("%+v", c)
			}
			if wrong, err := d.finds.Recount(d.ctx); err != nil || len(wrong) > 0 {
				t.Error(wrong, err)
			}
		})
		t.Run("a secret is a hash", func(t *testing.T) {
			d.bring(t, "leaks", intake.Choices{Service: web.ID}, map[string]string{"gitleaks.json": leak})
			for _, f := range d.findings(t, finding.Filter{Kinds: []finding.Kind{finding.Secret}}) {
				full, err := d.finds.Get(d.ctx, d.actor, f.ID)
				if err != nil || strings.Contains(fmt.Sprintf("%+v", full), "CANARY") {
					t.Errorf("%+v %v", full, err)
				}
			}
			if dumped := databasetest.Contains(t, db, "CANARY-AKIA12345"); dumped != "" {
				t.Errorf("the secret stands in %s", dumped)
			}
		})
		t.Run("a vendor's word changes what matches and opens nothing", func(t *testing.T) {
			vex := `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"Vendor","timestamp":"2026-11-01T00:00:00Z","version":1,"statements":[
{"vulnerability":{"name":"CVE-2026-b"},"products":[{"@id":"pkg:oci/web","subcomponents":[{"@id":"pkg:npm/b@1.0.0"}]}],"status":"not_affected","justification":"vulnerable_code_not_in_execute_path"},
{"vulnerability":{"name":"CVE-2026-none"},"products":[{"@id":"pkg:npm/none@1"}],"status":"affected"}]}`
			before := len(d.findings(t, finding.Filter{Everything: true}))
			p := d.bring(t, "vendor", intake.Choices{}, map[string]string{"vex.json": vex})
			got := d.findings(t, finding.Filter{States: []finding.State{finding.NotAffected}})
			if len(got) != 1 || got[0].Package != "b" || p.Findings.Counts.Updated != 1 || len(d.findings(t, finding.Filter{Everything: true})) != before {
				t.Errorf("%+v %+v", got, p.Findings.Counts)
			}
		})
	})
}

func TestFindingsLimitTheScore(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.bring(t, "shop", intake.Choices{}, map[string]string{"shop/all.yaml": shop})
		state := func(control string) string {
			t.Helper()
			states, err := d.rules.States(d.ctx, []int64{d.service(t, "web").ID})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range states {
				if s.Control == control {
					return string(s.State)
				}
			}
			return "unknown"
		}
		want := func(what string, states map[string]string) {
			t.Helper()
			for c, w := range states {
				if got := state(c); got != w {
					t.Errorf("%s: %s is %s, not %s", what, c, got, w)
				}
			}
		}
		web := d.service(t, "web").ID
		d.bring(t, "ci", intake.Choices{Service: web}, map[string]string{"trivy.json": trivyReport("web", "a")})
		want("just found", map[string]string{"PAT-6": "verified", "PAT-3": "verified", "DEV-1": "failing"}) // the manifest holds a secret in clear
		clock.Move(8 * 24 * time.Hour)
		if err := d.judge.Sweep(d.ctx); err != nil {
			t.Fatal(err)
		}
		want("a week later", map[string]string{"PAT-3": "failing"})
		detail, err := d.finds.List(d.ctx, d.actor, finding.Filter{Service: web})
		if err != nil || len(detail.Rows) != 1 {
			t.Fatal(detail, err)
		}
		// a person's word that it is fixed lifts nothing; a report that no longer sees it does
		if _, err := d.finds.Move(d.ctx, access.Actor{UserID: 9, Name: "Yaw", Role: access.Engineer}, detail.Rows[0].ID, finding.Move{To: finding.Fixed}); err != nil {
			t.Fatal(err)
		}
		if err := d.judge.Sweep(d.ctx); err != nil {
			t.Fatal(err)
		}
		want("someone says fixed", map[string]string{"PAT-3": "failing"})
		d.bring(t, "ci", intake.Choices{Service: web, AcceptBig: true}, map[string]string{"trivy.json": trivyReport("web")})
		want("a clean report", map[string]string{"PAT-3": "verified", "PAT-6": "verified"})
		if err := d.Undo(d.ctx, d.actor, d.last); err != nil {
			t.Fatal(err)
		}
		want("undone", map[string]string{"PAT-3": "failing"})
	})
}
