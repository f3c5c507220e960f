package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"muster/internal/access"
	"muster/internal/activity"
	rules "muster/internal/control"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/identity"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/secret"
	"muster/internal/topology"
)

const shop = `apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: example.com/web:1.4.0
        env:
        - {name: ORDERS_URL, value: "http://orders:8080"}
        - {name: STRIPE_API_KEY, value: "CANARY-sk-live-81733"}
        - {name: MAIL_HOST, value: "mail.partner.example:25"}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders-v1, namespace: shop}
spec:
  template:
    metadata: {labels: {app: orders, version: v1}}
    spec:
      containers: [{name: orders, image: "example.com/orders:2"}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders-v2, namespace: shop}
spec:
  template:
    metadata: {labels: {app: orders, version: v2}}
    spec:
      containers: [{name: orders, image: "example.com/orders:3"}]
---
apiVersion: v1
kind: Service
metadata: {name: orders, namespace: shop}
spec: {selector: {app: orders}, ports: [{port: 8080}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: orders-db, namespace: shop}
spec:
  template:
    metadata: {labels: {app: orders-db}}
    spec:
      containers: [{name: db, image: "postgres:17"}]
`

type desk struct {
	*intake.Workflow
	book  *inventory.Book
	finds *finding.Service
	rules *rules.Service
	judge *posture.Service
	last  int64
	log   *activity.Service
	clock *databasetest.Clock
	ctx   context.Context
	actor access.Actor
	env   int64
	db    *database.DB
}

func open(t testing.TB, db *database.DB, clock *databasetest.Clock) *desk {
	t.Helper()
	control, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.NewBox([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	log := activity.New(db, control)
	people := identity.New(db, control, log, box)
	w, err := people.CreateWorkspace(t.Context(), access.SystemActor("test"), "Kente")
	if err != nil {
		t.Fatal(err)
	}
	book := inventory.New(db, control, log)
	ledger := evidence.New(db, control, log)
	accepts := exception.New(db, control, log)
	findings := finding.New(db, control, log, book, accepts)
	controls := rules.New(db, control, log)
	judge := posture.New(posture.Parts{DB: db, Access: control, Log: log, People: people, Book: book, Ledger: ledger, Controls: controls, Exceptions: accepts, Findings: findings, Topology: topology.New(db, control, log, book, ledger)})
	d := &desk{Workflow: intake.New(db, control, log, book, findings, ledger, judge), book: book, finds: findings, rules: controls, judge: judge, log: log, clock: clock, db: db,
		ctx: database.WithWorkspace(t.Context(), w.ID), actor: access.Actor{UserID: 1, Name: "Ama", Role: access.Admin}}
	environments, err := book.Environments(d.ctx, d.actor)
	if err != nil || len(environments) != 2 {
		t.Fatal(len(environments), err)
	}
	d.env = environments[0].ID
	return d
}

func read(t testing.TB, files map[string]string) *model.Inspection {
	t.Helper()
	var list []model.File
	for name, text := range files {
		list = append(list, model.File{Path: name, Data: []byte(text)})
	}
	found, err := imports.Inspect(list, imports.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (d *desk) propose(t testing.TB, text string, partial bool) int64 {
	t.Helper()
	id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, Partial: partial, Inspection: read(t, map[string]string{"shop/all.yaml": text})})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (d *desk) apply(t testing.TB, text string, partial bool) *intake.Plan {
	t.Helper()
	plan, err := d.Confirm(d.ctx, d.actor, d.propose(t, text, partial), intake.Choices{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// state writes down everything live that a reader could see, without ids and times.
func (d *desk) state(t testing.TB) string {
	t.Helper()
	page, err := d.book.List(d.ctx, d.actor, inventory.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range page.Rows {
		fmt.Fprintln(&b, s.Name, s.Kind, s.Tier, s.Exposure, s.Authentication, s.Encryption, s.Callers, s.Callees)
		detail, err := d.book.Detail(d.ctx, d.actor, &s, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range detail.Facts {
			fmt.Fprintln(&b, "  fact", f.Workload, f.Key, f.Part, f.Value, f.Path, f.Line)
		}
		for _, e := range detail.Endpoints {
			fmt.Fprintln(&b, "  endpoint", e.Address, e.Scope, e.TLS)
		}
		for _, u := range detail.Unresolved {
			fmt.Fprintln(&b, "  unresolved", u.Host)
		}
		calls, err := d.book.Callees(d.ctx, d.actor, &s)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range calls {
			fmt.Fprintln(&b, "  calls", c.Other.Name, c.Basis, c.Transport, c.Authorization)
		}
	}
	return b.String()
}

func (d *desk) service(t testing.TB, slug string) inventory.Service {
	t.Helper()
	s, err := d.book.Get(d.ctx, d.actor, slug)
	if err != nil {
		t.Fatal(slug, err)
	}
	return s
}

func TestImport(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		id := d.propose(t, shop, false)
		preview, err := d.Preview(d.ctx, d.actor, id, intake.Choices{})
		if err != nil {
			t.Fatal(err)
		}
		if preview.Source.Name != "shop" || preview.Plan.Services.Created != 3 || d.state(t) != "" {
			t.Fatalf("the preview stored something, or is wrong: %+v", preview.Plan.Services)
		}
		if _, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{}); err != nil {
			t.Fatal(err)
		}
		first := d.state(t)
		for _, want := range []string{"web service 2 public unknown none 0 1", "orders service 2 unknown unknown unknown 1 0", "orders-db datastore 2 unknown", "unresolved mail.partner.example", "calls orders declared", "literal_secret STRIPE_API_KEY env"} {
			if !strings.Contains(first, want) {
				t.Errorf("%q is missing in\n%s", want, first)
			}
		}

		t.Run("the same files again change nothing", func(t *testing.T) {
			clock.Move(1)
			again := d.propose(t, shop, false)
			p, err := d.Preview(d.ctx, d.actor, again, intake.Choices{})
			if err != nil || !p.Plan.Nothing() || !p.SameBefore {
				t.Fatalf("%+v %v", p.Plan.Lines, err)
			}
			d.apply(t, shop, false)
			if d.state(t) != first {
				t.Error("the state moved")
			}
		})
		t.Run("no value of a secret is stored anywhere", func(t *testing.T) {
			rows, err := d.log.Search(d.ctx, d.actor, activity.Filter{Limit: 200})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(rows)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text)+d.state(t), "CANARY") {
				t.Error("the canary was kept")
			}
		})
		t.Run("what a person set survives, and a changed fact is dated", func(t *testing.T) {
			web := d.service(t, "web")
			_, err := d.book.Save(d.ctx, d.actor, "web", inventory.Edit{Name: "storefront", Kind: inventory.KindService, Tier: 1, Exposure: inventory.Partner, Language: "Go", Version: web.Version})
			if err != nil {
				t.Fatal(err)
			}
			plan := d.apply(t, strings.Replace(shop, "web:1.4.0", "web:1.5.0", 1), false)
			if plan.Facts.Changed != 1 || plan.Services.Changed != 1 || plan.Services.Created != 0 {
				t.Errorf("%+v %+v", plan.Facts, plan.Services)
			}
			web = d.service(t, "web") // its old address
			if web.Name != "storefront" || web.Exposure != inventory.Partner || web.Tier != 1 || web.Slug != "storefront" {
				t.Errorf("%+v", web)
			}
		})
		t.Run("a partial import ends nothing", func(t *testing.T) {
			before := d.state(t)
			plan := d.apply(t, shop[strings.LastIndex(shop, "---"):], true)
			if plan.Services.Gone != 0 || plan.Facts.Gone != 0 || plan.Dependencies.Gone != 0 {
				t.Errorf("%+v", plan.Lines)
			}
			if got := d.state(t); strings.Count(got, "\n") != strings.Count(before, "\n") {
				t.Errorf("before\n%s\nafter\n%s", before, got)
			}
		})
		t.Run("a great loss waits for a word", func(t *testing.T) {
			id := d.propose(t, shop[:strings.Index(shop, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders-v1")], false)
			_, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{})
			if !fault.Is(err, fault.Conflict) {
				t.Fatal(err)
			}
			if _, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{AcceptBig: true}); err != nil {
				t.Fatal(err)
			}
			if s := d.service(t, "orders"); s.RetiredAt != nil {
				t.Error("a service was retired because files no longer name it")
			}
		})
		t.Run("undo brings back what was, and keeps people's words", func(t *testing.T) {
			d2 := d.service(t, "storefront")
			imports, _, err := d.book.Imports(d.ctx, d.actor, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Undo(d.ctx, d.actor, imports[len(imports)-1].ID); !fault.Is(err, fault.Conflict) {
				t.Fatalf("an old import was undone: %v", err)
			}
			for _, i := range imports {
				if i.State == inventory.ImportApplied {
					if err := d.Undo(d.ctx, d.actor, i.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
			left := d.state(t)
			if d2.Name != "storefront" || !strings.HasPrefix(left, "storefront service 1 partner") || strings.Contains(left, "fact") || strings.Contains(left, "orders") {
				t.Errorf("after undoing everything:\n%s", left)
			}
			d.apply(t, shop, false)
			if s := d.service(t, "orders"); s.RetiredAt != nil || s.Slug != "orders" {
				t.Errorf("it did not come back as it was: %+v", s)
			}
		})
	})
}

func TestTwoConfirmsAtOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		id := d.propose(t, shop, false)
		var won atomic.Int32
		var wait sync.WaitGroup
		for range 6 {
			wait.Go(func() {
				if _, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{}); err == nil {
					won.Add(1)
				}
			})
		}
		wait.Wait()
		page, err := d.book.List(d.ctx, d.actor, inventory.Filter{})
		if won.Load() != 1 || err != nil || page.Total != 3 {
			t.Errorf("%d confirms won, %d services, %v", won.Load(), page.Total, err)
		}
	})
}

func TestSourcesAndWorkspacesStayApart(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.apply(t, shop, false)
		other := "services:\n  web:\n    image: nginx:1.29\n    ports: [\"8080:80\"]\n  cache:\n    image: redis:8\n"
		id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, Inspection: read(t, map[string]string{"edge/compose.yaml": other})})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := d.Confirm(d.ctx, d.actor, id, intake.Choices{})
		if err != nil || plan.Services.Created != 2 || plan.Services.Gone != 0 {
			t.Fatalf("%+v %v", plan, err)
		}
		if s := d.service(t, "web-2"); s.Name != "web" {
			t.Errorf("%+v", s)
		}
		twin := open(t, db, clock)
		if twin.state(t) != "" {
			t.Error("another workspace sees the services")
		}
		_, err = twin.Preview(twin.ctx, twin.actor, id, intake.Choices{})
		if !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		viewer := access.Actor{Role: access.Viewer}
		if _, err := d.Propose(d.ctx, viewer, intake.Proposal{Inspection: model.New()}); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
	})
}

func TestChoicesBindDocumentsAndGroups(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		s, err := d.book.Create(d.ctx, d.actor, inventory.Edit{Name: "Storefront", Kind: inventory.KindService, Tier: 1, Exposure: inventory.Public})
		if err != nil {
			t.Fatal(err)
		}
		document := "openapi: 3.1.0\ninfo: {title: Shop, version: '1'}\npaths:\n  /carts:\n    get: {responses: {'200': {description: ok}}}\n"
		id, err := d.Propose(d.ctx, d.actor, intake.Proposal{EnvironmentID: d.env, Inspection: read(t, map[string]string{"shop/all.yaml": shop, "shop/api.yaml": document})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Confirm(d.ctx, d.actor, id, intake.Choices{Groups: map[string]int64{"shop/web": s.ID}, Documents: map[string]int64{"shop/api.yaml": s.ID}})
		if err != nil {
			t.Fatal(err)
		}
		s = d.service(t, "storefront")
		detail, err := d.book.Detail(d.ctx, d.actor, &s, 1)
		if err != nil || len(detail.Operations) != 1 || len(detail.Bindings) != 1 || s.Authentication != inventory.AuthNone {
			t.Errorf("%+v %s %v", detail.Operations, s.Authentication, err)
		}
	})
}

func BenchmarkImportOf500Workloads(b *testing.B) {
	clock := databasetest.NewClock()
	d := open(b, databasetest.SQLite(b, clock), clock)
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: s%d}\nspec:\n  template:\n    metadata: {labels: {app: s%d}}\n    spec:\n      containers:\n      - name: c\n        image: x:%d\n        env: [{name: NEXT_URL, value: 'http://s%d:80'}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s%d}\nspec: {selector: {app: s%d}, ports: [{port: 80}]}\n---\n", i, i, i, (i+1)%500, i, i)
	}
	b.ResetTimer()
	for b.Loop() {
		d.apply(b, text.String(), false)
	}
}
