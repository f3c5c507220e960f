package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/fault"
	"muster/internal/intake"
	"muster/internal/inventory"
)

// npm is a package-lock.json with packages of the form name@version.
func npm(packages ...string) string {
	var rows []string
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "@")
		rows = append(rows, fmt.Sprintf(`"node_modules/%s": {"version": "%s", "license": "MIT"}`, name, version))
	}
	return `{"name": "x", "lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "*"}}` + strings.Join(append([]string{""}, rows...), ", ") + `}}`
}

// parts writes down the components of a service.
func (d *desk) parts(t testing.TB, slug string) string {
	t.Helper()
	s := d.service(t, slug)
	p, err := d.book.Parts(d.ctx, d.actor, &s, inventory.PartFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range p.Rows {
		out = append(out, r.Name+"@"+r.Version)
	}
	if int64(len(out)) != p.Total {
		t.Errorf("%d rows of %d", len(out), p.Total)
	}
	return strings.Join(out, " ")
}

func TestPartsLists(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.bring(t, "shop", intake.Choices{}, map[string]string{"shop/all.yaml": shop})
		want := func(slug, parts string) {
			t.Helper()
			if got := d.parts(t, slug); got != parts {
				t.Errorf("%s is made of %s, not %s", slug, got, parts)
			}
		}
		t.Run("a lock file finds its service by its folder", func(t *testing.T) {
			p := d.bring(t, "code", intake.Choices{}, map[string]string{"src/web/package-lock.json": npm("a@1", "b@1", "c@1", "d@1")})
			if p.Components != (intake.Counts{Created: 4}) || p.Nothing() || len(p.Parts) != 4 || p.Services.Gone != 0 {
				t.Errorf("%+v", p.Components)
			}
			want("web", "a@1 b@1 c@1 d@1")
		})
		t.Run("the same again changes nothing", func(t *testing.T) {
			clock.Move(time.Hour)
			p := d.bring(t, "code", intake.Choices{}, map[string]string{"src/web/package-lock.json": npm("a@1", "b@1", "c@1", "d@1")})
			if p.Components != (intake.Counts{Unchanged: 4}) || !p.Nothing() {
				t.Errorf("%+v", p.Components)
			}
			web := d.service(t, "web")
			parts, err := d.book.Parts(d.ctx, d.actor, &web, inventory.PartFilter{Show: "direct"})
			if err != nil || len(parts.Rows) != 1 || parts.Rows[0].Name != "a" || parts.Rows[0].Licenses != "MIT" || !parts.Rows[0].FirstSeen.Before(parts.Rows[0].LastSeen) || len(parts.Lists) != 1 || parts.Lists[0].N != 4 || parts.Lists[0].Source != "code" || !parts.Lists[0].LastSeen.Equal(parts.Rows[0].LastSeen) {
				t.Errorf("%+v %v", parts, err)
			}
		})
		t.Run("another version, a new one and one that is gone; a list of another kind stays", func(t *testing.T) {
			d.bring(t, "code", intake.Choices{}, map[string]string{"sbom.json": `{"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": {"timestamp": "2020-01-01T00:00:00Z", "component": {"name": "web"}}, "components": [{"type": "library", "name": "z", "version": "9", "purl": "pkg:npm/z@9"}]}`})
			p := d.bring(t, "code", intake.Choices{}, map[string]string{"src/web/package-lock.json": npm("a@2", "b@1", "c@1", "e@1")})
			if p.Components != (intake.Counts{Created: 1, Changed: 1, Unchanged: 2, Gone: 1}) {
				t.Errorf("%+v", p.Components)
			}
			want("web", "a@2 b@1 c@1 e@1 z@9")
			if err := d.Undo(d.ctx, d.actor, d.last); err != nil {
				t.Fatal(err)
			}
			want("web", "a@1 b@1 c@1 d@1 z@9")
		})
		t.Run("a part ends nothing, and neither does the list of another service", func(t *testing.T) {
			id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, SourceName: "code", Partial: true, Inspection: read(t, map[string]string{"src/web/package-lock.json": npm("f@1")})})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{}); err != nil {
				t.Fatal(err)
			}
			d.bring(t, "code", intake.Choices{}, map[string]string{"src/orders/go.mod": "module x\n\nrequire example.com/y v1.0.0\n"})
			want("web", "a@1 b@1 c@1 d@1 f@1 z@9")
			want("orders", "example.com/y@v1.0.0")
		})
		t.Run("a list that came out empty waits for a person", func(t *testing.T) {
			id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, SourceName: "code", Inspection: read(t, map[string]string{"src/web/package-lock.json": npm()})})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "no longer name 5 of 5 components") {
				t.Errorf("%v", err)
			}
			want("web", "a@1 b@1 c@1 d@1 f@1 z@9")
		})
		t.Run("what is nobody's waits, and goes to whom a person says", func(t *testing.T) {
			d.bring(t, "elsewhere", intake.Choices{}, map[string]string{"src/billing/package-lock.json": npm("q@1")})
			id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, SourceName: "elsewhere", Inspection: read(t, map[string]string{"src/billing/package-lock.json": npm("q@1")})})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{Labels: map[string]int64{"billing": d.service(t, "orders").ID}}); err != nil {
				t.Fatal(err)
			}
			want("orders", "example.com/y@v1.0.0 q@1")
		})
	})
}

func (d *desk) stateOf(t testing.TB, service int64, control string) string {
	t.Helper()
	states, err := d.rules.States(d.ctx, []int64{service})
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

func TestAPartsListProvesThatItIsFresh(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		// files and a list of one repository: the service is new in the same import
		d.bring(t, "shop", intake.Choices{}, map[string]string{"shop/all.yaml": shop, "shop/src/web/package-lock.json": npm("a@1")})
		if got := d.parts(t, "web"); got != "a@1" {
			t.Errorf("web is made of %q", got)
		}
		want := func(what, slug, state string) {
			t.Helper()
			if err := d.judge.Sweep(d.ctx); err != nil {
				t.Fatal(err)
			}
			if got := d.stateOf(t, d.service(t, slug).ID, "PAT-1"); got != state {
				t.Errorf("%s: PAT-1 of %s is %s, not %s", what, slug, got, state)
			}
		}
		want("just listed", "web", "verified")
		want("never listed", "orders", "unknown")
		d.bring(t, "old", intake.Choices{Service: d.service(t, "orders").ID}, map[string]string{"sbom.json": fmt.Sprintf(`{"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": {"timestamp": "%s"}, "components": [{"type": "library", "name": "z", "version": "9"}]}`, clock.Now().AddDate(0, 0, -40).Format(time.RFC3339))})
		want("a list of forty days ago", "orders", "stale")
		clock.Move(31 * 24 * time.Hour)
		want("a month later", "web", "stale")
		d.bring(t, "shop", intake.Choices{}, map[string]string{"shop/src/web/package-lock.json": npm("a@1")})
		want("listed again", "web", "verified")
		if err := d.Undo(d.ctx, d.actor, d.last); err != nil {
			t.Fatal(err)
		}
		want("undone", "web", "stale")
	})
}
