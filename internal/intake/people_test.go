package intake_test

import (
	"slices"
	"strings"
	"testing"

	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/fault"
	"muster/internal/intake"
	"muster/internal/inventory"
)

// bindings names the workloads of a service.
func (d *desk) bindings(t testing.TB, slug string) []string {
	t.Helper()
	s := d.service(t, slug)
	detail, err := d.book.Detail(d.ctx, d.actor, &s, 1)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range detail.Bindings {
		if b.GoneAt == nil {
			names = append(names, b.Name)
		}
	}
	return names
}

func (d *desk) actions(t testing.TB, s inventory.Service) []string {
	t.Helper()
	rows, err := d.book.History(d.ctx, d.actor, &s)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, r := range rows {
		list = append(list, r.Action)
	}
	return list
}

func TestWhatPeopleDecideSurvivesTheNextImport(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(t, shop, false)
		orders := d.service(t, "orders")
		detail, err := d.book.Detail(d.ctx, d.actor, &orders, 1)
		if err != nil || len(detail.Bindings) != 2 {
			t.Fatal(detail.Bindings, err)
		}
		t.Run("a split stays split, and what the files say follows its workload", func(t *testing.T) {
			if _, err := d.book.Split(d.ctx, d.actor, "orders", "orders-next", []int64{detail.Bindings[1].ID}); err != nil {
				t.Fatal(err)
			}
			d.apply(t, shop, false)
			if a, b := d.bindings(t, "orders"), d.bindings(t, "orders-next"); !slices.Equal(a, []string{"orders-v1"}) || !slices.Equal(b, []string{"orders-v2"}) {
				t.Errorf("%v and %v", a, b)
			}
			plan := d.apply(t, shop, false)
			if !plan.Nothing() {
				t.Errorf("the third import changes something: %+v", plan.Lines)
			}
		})
		t.Run("a merge stays merged and takes over what is stricter", func(t *testing.T) {
			db := d.service(t, "orders-db")
			if _, err := d.book.Save(d.ctx, d.actor, "orders-db", inventory.Edit{Name: db.Name, Kind: db.Kind, Tier: 1, Exposure: inventory.Internal, DataClasses: []string{"payment"}, Version: db.Version}); err != nil {
				t.Fatal(err)
			}
			into := d.service(t, "orders")
			merged, err := d.book.Merge(d.ctx, d.actor, "orders-db", into.ID)
			if err != nil || merged.Tier != 1 || merged.DataClasses != "payment" {
				t.Fatalf("%+v %v", merged, err)
			}
			plan := d.apply(t, shop, false)
			if plan.Services.Created != 0 || d.service(t, "orders-db").ID != into.ID {
				t.Errorf("the merged service came again: %+v", plan.Services)
			}
			if got := d.bindings(t, "orders"); len(got) != 2 {
				t.Errorf("%v", got)
			}
		})
		t.Run("a retired service that the files still name comes back with its history", func(t *testing.T) {
			if _, err := d.book.Retire(d.ctx, d.actor, "web", "We thought it was gone."); err != nil {
				t.Fatal(err)
			}
			d.apply(t, shop, false)
			web := d.service(t, "web")
			if web.RetiredAt != nil || !slices.Contains(d.actions(t, web), "service.retire") || !slices.Contains(d.actions(t, web), "service.import") {
				t.Errorf("%+v %v", web.RetiredAt, d.actions(t, web))
			}
		})
		t.Run("undo after a person's edit keeps the edit", func(t *testing.T) {
			d.apply(t, strings.Replace(shop, "web:1.4.0", "web:9", 1), false)
			web := d.service(t, "web")
			if _, err := d.book.Save(d.ctx, d.actor, "web", inventory.Edit{Name: "web", Description: "The shop window.", Kind: web.Kind, Tier: 1, Exposure: inventory.Partner, Version: web.Version}); err != nil {
				t.Fatal(err)
			}
			rows, _, err := d.book.Imports(d.ctx, d.actor, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Undo(d.ctx, d.actor, rows[0].ID); err != nil {
				t.Fatal(err)
			}
			web = d.service(t, "web")
			if web.Description != "The shop window." || web.Exposure != inventory.Partner || web.Tier != 1 || !strings.Contains(d.state(t), "web:1.4.0") {
				t.Errorf("%+v", web)
			}
		})
	})
}

func TestAnImportAndAPersonAtOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		inside := strings.Replace(shop, "type: LoadBalancer, ", "", 1)
		d.apply(t, inside, false)
		form := d.service(t, "web") // somebody opens the form
		d.apply(t, shop, false)     // and an import finds a way in from outside
		_, err := d.book.Save(d.ctx, d.actor, "web", inventory.Edit{Name: "web", Kind: form.Kind, Tier: form.Tier, Exposure: form.Exposure, Version: form.Version})
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("the old exposure was saved over the new: %v", err)
		}
		if s := d.service(t, "web"); s.Exposure != inventory.Public {
			t.Errorf("%s", s.Exposure)
		}
		before := d.service(t, "orders").Version
		d.apply(t, shop, false)
		if after := d.service(t, "orders").Version; after != before {
			t.Error("an import that changed nothing disturbs who is editing")
		}
	})
}

func TestTwoServicesOfOneNameHaveTheirOwnHistory(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		twice := shop + "---\n" + strings.ReplaceAll(shop, "shop", "stage")
		d.apply(t, twice, false)
		d.apply(t, strings.Replace(twice, "web:1.4.0", "web:1.5.0", 1), false)
		first, second := d.service(t, "web"), d.service(t, "web-2")
		if a, b := d.actions(t, first), d.actions(t, second); len(a) != 1 || len(b) != 0 {
			t.Errorf("%v and %v", a, b)
		}
		names, err := d.book.SourceNames(d.ctx, d.actor, []inventory.Service{first, second})
		if err != nil || len(names[first.ID]) != 1 || names[second.ID][0] != "shop" {
			t.Error(names, err)
		}
		born, source, found, err := d.book.Born(d.ctx, d.actor, &second)
		if err != nil || !found || source.Name != "shop" || born.ActorName != "Ama" {
			t.Error(born.ActorName, source.Name, found, err)
		}
	})
}

func TestThePersonsWordAboutNetworkPolicies(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(t, shop, false)
		id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, NamespacesComplete: true, Inspection: read(t, map[string]string{"shop/all.yaml": shop})})
		if err != nil {
			t.Fatal(err)
		}
		preview, err := d.Preview(d.ctx, d.actor, id, intake.Choices{})
		if err != nil || preview.SameBefore || !preview.Import.NamespacesComplete {
			t.Errorf("the word is new, so the import is not the same: %v %v", preview.SameBefore, err)
		}
		if _, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{}); err != nil {
			t.Fatal(err)
		}
		rows, _, err := d.book.Imports(d.ctx, d.actor, 1)
		if err != nil || !rows[0].NamespacesComplete || rows[1].NamespacesComplete {
			t.Errorf("%+v %v", rows, err)
		}
	})
}

func TestTheSameWordTwice(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(t, shop, false)
		call := inventory.Call{EnvironmentID: d.env, To: d.service(t, "web").ID, Transport: "tls", Authentication: "jwt", Authorization: "policy"}
		if err := d.book.AddCall(d.ctx, d.actor, "orders", call); err != nil {
			t.Fatal(err)
		}
		if err := d.book.AddCall(d.ctx, d.actor, "orders", call); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		if err := d.book.AddEndpoint(d.ctx, d.actor, "orders", d.env, "orders.example:443", "internal"); err != nil {
			t.Fatal(err)
		}
		if err := d.book.AddEndpoint(d.ctx, d.actor, "orders", d.env, "orders.example:443", "all"); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}

func TestTheLogNamesTeams(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(t, shop, false)
		team, err := d.book.SaveTeam(d.ctx, d.actor, 0, "Payments", nil)
		if err != nil {
			t.Fatal(err)
		}
		web := d.service(t, "web")
		n, err := d.book.Assign(d.ctx, d.actor, inventory.Bulk{IDs: []int64{web.ID, web.ID}, TeamID: &team.ID})
		if err != nil || n != 1 {
			t.Fatal(n, err)
		}
		rows, err := d.log.Search(d.ctx, d.actor, activity.Filter{ActorID: d.actor.UserID, ObjectKind: "service"})
		if err != nil || len(rows) != 1 || rows[0].Before != `{"team":""}` || rows[0].After != `{"team":"Payments"}` || !activity.Intact(rows) {
			t.Errorf("%+v %v", rows, err)
		}
		people, err := d.log.People(d.ctx, d.actor)
		if err != nil || len(people) != 1 || people[0].Name != "Ama" {
			t.Error(people, err)
		}
		rows[0].ActorName = "Somebody"
		if activity.Intact(rows) {
			t.Error("an altered entry looks intact")
		}
	})
}
