package intake_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/finding"
	"muster/internal/finding/file"
	"muster/internal/intake"
	"muster/internal/inventory"
)

const codeReport = `{"version":"1.99.0","results":[{"check_id":"go.sql","path":"api/db.go","start":{"line":7,"col":1},"end":{"line":7,"col":9},"extra":{"message":"SQL is put together","severity":"ERROR","lines":"db.Query(\"a\" + b)","fingerprint":"x1","metadata":{"cwe":["CWE-89"]}}}],"errors":[],"paths":{"scanned":["api/db.go"]}}`

const webReport = `{"@version":"2.15","@generated":"Mon, 2 Nov 2026 09:00:00","site":[{"@name":"https://web.example.com","@host":"web.example.com","@port":"443","@ssl":"true","alerts":[{"pluginid":"10038","alertRef":"10038-1","alert":"CSP not set","name":"CSP not set","riskcode":"2","confidence":"3","desc":"<p>none</p>","instances":[{"uri":"https://web.example.com/a","method":"GET","param":"","attack":"","evidence":""},{"uri":"https://web.example.com/b/17","method":"POST","param":"","attack":"","evidence":""}],"count":"2","solution":"","reference":"","cweid":"693","wascid":"15","sourceid":"3"}]}]}`

// taken exports everything that a workspace holds.
func (d *desk) taken(t testing.TB, format file.Format, workspace string) string {
	t.Helper()
	services, err := d.book.Roster(d.ctx, d.actor)
	if err != nil {
		t.Fatal(err)
	}
	slug := func(id int64) string {
		i := slices.IndexFunc(services, func(s inventory.Service) bool { return s.ID == id })
		if i < 0 {
			return ""
		}
		return services[i].Slug
	}
	var b bytes.Buffer
	w := file.New(format, &b, file.About{Workspace: workspace, At: d.clock.Now(), Service: slug})
	if err := d.finds.Export(d.ctx, d.actor, finding.Filter{Everything: true}, format.Name(), "everything", w.Add); err != nil {
		t.Fatal(err)
	}
	if said, err := w.End(); err != nil || !said {
		t.Fatal(said, err)
	}
	return b.String()
}

// standing is what must not change.
func standing(list []finding.Finding) []string {
	var out []string
	for i := range list {
		f := &list[i]
		out = append(out, strings.Join([]string{f.Title, string(f.State), string(f.Severity), f.Vulnerability, string(f.Kind), string(rune('0' + f.Live))}, "|"))
	}
	slices.Sort(out)
	return out
}

func TestWhatIsExportedComesBackAsTheSame(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.bring(t, "shop", intake.Choices{}, map[string]string{"shop/all.yaml": shop})
		web, orders := d.service(t, "web"), d.service(t, "orders")
		d.bring(t, "ci", intake.Choices{}, map[string]string{"trivy.json": trivyReport("web", "a", "b", "c", "d", "e", "f")})
		d.bring(t, "code", intake.Choices{Service: orders.ID}, map[string]string{"semgrep.json": codeReport, "gitleaks.json": leak})
		d.bring(t, "zap", intake.Choices{Service: web.ID}, map[string]string{"zap.json": webReport})
		d.bring(t, "elsewhere", intake.Choices{}, map[string]string{"trivy.json": trivyReport("registry.example.com/team/mystery:1.2", "a", "x")})
		all := d.findings(t, finding.Filter{Everything: true})
		by := map[string]finding.Finding{}
		for _, f := range all {
			if f.ServiceID == web.ID {
				by[f.Package] = f
			}
		}
		for name, m := range map[string]finding.Move{"a": {To: finding.FalsePositive, Note: "Never built in."}, "b": {To: finding.NotAffected, Justification: finding.NotExecuted, Note: "Off."}, "c": {To: finding.Fixed}, "d": {To: finding.Duplicate, DuplicateOf: by["e"].ID, Note: "Same."}, "f": {To: finding.Confirmed}} {
			if _, err := d.finds.Move(d.ctx, d.actor, by[name].ID, m); err != nil {
				t.Fatal(name, err)
			}
		}
		all = d.findings(t, finding.Filter{Everything: true})
		before := standing(all)
		texts := map[file.Format]string{}
		for _, format := range []file.Format{file.JSON, file.SARIF, file.OpenVEX} {
			texts[format] = d.taken(t, format, "kente")
			if strings.Contains(texts[format], "CANARY") {
				t.Errorf("%s holds a secret", format)
			}
			clock.Move(time.Hour)
			p := d.bring(t, "back", intake.Choices{}, map[string]string{"back" + format.Ending(): texts[format]})
			want := finding.Counts{}
			if format != file.OpenVEX {
				want.Unchanged = len(all)
			}
			if p.Findings.Counts != want {
				t.Errorf("%s brought back: %+v, want %+v", format, p.Findings.Counts, want)
			}
			if after := standing(d.findings(t, finding.Filter{Everything: true})); !slices.Equal(before, after) {
				t.Errorf("%s changed\n%s\nto\n%s", format, strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
		}
		t.Run("VEX overrules no person, and speaks of its own service alone", func(t *testing.T) {
			if _, err := d.finds.Move(d.ctx, d.actor, by["b"].ID, finding.Move{To: finding.Open}); err != nil {
				t.Fatal(err)
			}
			d.bring(t, "back", intake.Choices{}, map[string]string{"again.vex.json": texts[file.OpenVEX]})
			f, err := d.finds.Get(d.ctx, d.actor, by["b"].ID)
			if err != nil || f.State != finding.Open {
				t.Errorf("VEX overruled a person: %s %v", f.State, err)
			}
			other := strings.ReplaceAll(texts[file.OpenVEX], "kente:web", "kente:orders")
			if p := d.bring(t, "back", intake.Choices{}, map[string]string{"other.vex.json": other}); p.Findings != nil && p.Findings.Counts.Any() {
				t.Errorf("what is said of one service changed another: %+v", p.Findings.Counts)
			}
		})
		t.Run("an identity of another service is not heard", func(t *testing.T) {
			stolen := strings.ReplaceAll(texts[file.JSON], `"service":"web"`, `"service":"orders"`)
			p := d.bring(t, "stolen", intake.Choices{}, map[string]string{"stolen.json": stolen})
			if p.Findings.Counts.Created == 0 || p.Findings.Counts.Ended != 0 {
				t.Errorf("%+v", p.Findings.Counts)
			}
			for _, f := range d.findings(t, finding.Filter{Everything: true, Service: web.ID}) {
				if f.State == finding.Duplicate && f.ID != by["d"].ID {
					t.Errorf("a foreign row took over %q", f.Title)
				}
			}
		})
	})
}

func TestAnotherWorkspaceReadsAnExportOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		from := open(t, db, clock)
		from.bring(t, "shop", intake.Choices{}, map[string]string{"shop/all.yaml": shop})
		from.bring(t, "ci", intake.Choices{}, map[string]string{"trivy.json": trivyReport("web", "a", "b", "c")})
		for _, f := range from.findings(t, finding.Filter{}) {
			if f.Package == "b" {
				if _, err := from.finds.Move(from.ctx, from.actor, f.ID, finding.Move{To: finding.NotAffected, Justification: finding.NotControlled, Note: "Behind the gate."}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, format := range []file.Format{file.JSON, file.SARIF} {
			text := from.taken(t, format, "kente")
			to := open(t, databasetest.SQLite(t, clock), clock)
			to.bring(t, "shop", intake.Choices{}, map[string]string{"shop/all.yaml": shop})
			web := to.service(t, "web")
			if web.ID == 0 {
				t.Fatal("no service")
			}
			first := to.bring(t, "kente", intake.Choices{}, map[string]string{"x" + format.Ending(): text})
			// what the scanner itself says meets the same findings
			own := to.bring(t, "ci", intake.Choices{}, map[string]string{"trivy.json": trivyReport("web", "a", "b", "c")})
			if first.Findings.Counts != (finding.Counts{Created: 2}) || own.Findings.Counts.Created != 1 { // what is closed opens nothing
				t.Errorf("%s: %+v, then %+v", format, first.Findings.Counts, own.Findings.Counts)
			}
			if n := len(to.findings(t, finding.Filter{})); n != 3 {
				t.Errorf("%s: %d findings", format, n)
			}
			heard := to.bring(t, "kente", intake.Choices{}, map[string]string{"x.vex.json": from.taken(t, file.OpenVEX, "kente")})
			not := to.findings(t, finding.Filter{States: []finding.State{finding.NotAffected}})
			if heard.Findings.Counts != (finding.Counts{Updated: 1}) || len(not) != 1 || not[0].Package != "b" {
				t.Fatalf("%+v, %d are not affected", heard.Findings.Counts, len(not))
			}
			if f, err := to.finds.Get(to.ctx, to.actor, not[0].ID); err != nil || f.Justification != finding.NotControlled || f.ServiceID != web.ID {
				t.Errorf("%q of %d, %v", f.Justification, f.ServiceID, err)
			}
		}
	})
}
