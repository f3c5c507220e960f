package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/fault"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
)

func TestTextThatNoDatabaseStores(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		x := model.New()
		x.Inputs = []model.Input{{Path: "a\x00b/\xff.yaml", Format: "kubernetes"}}
		long := strings.Repeat("ä", 300)
		for i, name := range []string{"nul\x00name", "bad\xffbyte", long, " "} {
			x.Services = append(x.Services, model.Service{Name: fmt.Sprintf("w%d", i), Group: name, WorkloadKind: "Deployment", Namespace: "n",
				Facts: []model.Fact{{Key: model.FactImage, Part: "c\x00", Value: "x\x00\xfe:1", At: "a\x00b/\xff.yaml:3"}}})
		}
		id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, Inspection: x})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{}); err != nil {
			t.Fatal(err)
		}
		page, err := d.book.List(d.ctx, d.actor, inventory.Filter{})
		if err != nil || page.Total != 4 {
			t.Fatal(page.Total, err)
		}
		for _, s := range page.Rows {
			if !utf8.ValidString(s.Name) || utf8.RuneCountInString(s.Name) > 100 || strings.ContainsRune(s.Name, 0) {
				t.Errorf("%q", s.Name)
			}
		}
		for name, text := range map[string]string{"a NUL": "pay\x00", "broken UTF-8": "pay\xff", "an escape": "pay\x1b[31m", "too long": long} {
			_, err := d.book.Create(d.ctx, d.actor, inventory.Edit{Name: text, Kind: inventory.KindService, Tier: 2, Exposure: inventory.Internal})
			if f, ok := fault.As(err); !ok || f.Fields["name"] == "" {
				t.Errorf("%s: %v", name, err)
			}
			_, err = d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, SourceName: text, Inspection: read(t, map[string]string{"a.yaml": shop})})
			if f, ok := fault.As(err); !ok || f.Fields["source"] == "" {
				t.Errorf("source with %s: %v", name, err)
			}
		}
		if _, err := d.book.List(d.ctx, d.actor, inventory.Filter{Text: "pay\x00", Sort: "name; DROP TABLE services", Page: 1 << 40}); err != nil {
			t.Error(err)
		}
	})
}

func TestHundredsOfServicesOfOneName(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		var text strings.Builder
		for i := range 300 {
			fmt.Fprintf(&text, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: n%d}\nspec:\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers: [{name: c, image: 'x:1'}]\n---\n", i)
		}
		plan := d.apply(t, text.String(), false)
		if plan.Services.Created != 300 {
			t.Errorf("%d services", plan.Services.Created)
		}
		if s := d.service(t, "web-300"); s.Name != "web" {
			t.Errorf("%+v", s)
		}
		another, err := d.book.Create(d.ctx, d.actor, inventory.Edit{Name: "web", Kind: inventory.KindService, Tier: 2, Exposure: inventory.Internal})
		if err != nil || another.Slug != "web-301" {
			t.Error(another.Slug, err)
		}
	})
}

func TestListsHaveTheSameOrderOnBothEngines(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(t, shop, false)
		for _, s := range []struct {
			name string
			e    inventory.Exposure
		}{{"Alpha", inventory.Internal}, {"beta", inventory.Partner}, {"Zeta", inventory.Public}} {
			if _, err := d.book.Create(d.ctx, d.actor, inventory.Edit{Name: s.name, Kind: inventory.KindService, Tier: 2, Exposure: s.e}); err != nil {
				t.Fatal(err)
			}
		}
		for sort, want := range map[string]string{
			"name": "Alpha beta orders orders-db web Zeta", "-name": "Zeta web orders-db orders beta Alpha", "exposure": "web Zeta beta orders orders-db Alpha", "-exposure": "Alpha orders orders-db beta web Zeta",
			"seen": "orders orders-db web Alpha beta Zeta", "-seen": "orders orders-db web Alpha beta Zeta", "-callers": "orders web Alpha beta orders-db Zeta", "nonsense": "Alpha beta orders orders-db web Zeta",
		} {
			page, err := d.book.List(d.ctx, d.actor, inventory.Filter{Sort: sort})
			var names []string
			for _, s := range page.Rows {
				names = append(names, s.Name)
			}
			if got := strings.Join(names, " "); err != nil || got != want {
				t.Errorf("%s: %s, want %s %v", sort, got, want, err)
			}
		}
		tally, err := d.book.Tally(d.ctx, d.actor)
		if err != nil || tally.All != 6 || tally.Unconfirmed != 6 {
			t.Errorf("%+v %v", tally, err)
		}
	})
}
