package posture_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/finding"
	"muster/internal/identity"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/secret"
	"muster/internal/steward"
	"muster/internal/topology"
)

// desk is a whole house with one workspace of two people.
type desk struct {
	*posture.Service
	t                   testing.TB
	db                  *database.DB
	clock               *databasetest.Clock
	ctx                 context.Context
	book                *inventory.Book
	ledger              *evidence.Ledger
	controls            *control.Service
	intake              *intake.Workflow
	steward             *steward.Service
	ama, kofi           access.Actor
	production, staging int64
}

func open(t testing.TB, db *database.DB, clock *databasetest.Clock) *desk {
	t.Helper()
	policy, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.NewBox([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	log := activity.New(db, policy)
	people := identity.New(db, policy, log, box)
	w, err := people.CreateWorkspace(t.Context(), access.SystemActor("test"), "Kente")
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, db: db, clock: clock, ctx: database.WithWorkspace(t.Context(), w.ID), book: inventory.New(db, policy, log), ledger: evidence.New(db, policy, log), controls: control.New(db, policy, log),
		ama: access.Actor{UserID: 1, Name: "Ama", Role: access.Admin}, kofi: access.Actor{UserID: 2, Name: "Kofi", Role: access.Admin}}
	exceptions := exception.New(db, policy, log)
	findings := finding.New(db, policy, log, d.book, exceptions)
	d.Service = posture.New(posture.Parts{DB: db, Access: policy, Log: log, People: people, Book: d.book, Ledger: d.ledger, Controls: d.controls, Exceptions: exceptions, Findings: findings, Topology: topology.New(db, policy, log, d.book, d.ledger)})
	d.intake = intake.New(db, policy, log, d.book, findings, d.ledger, d.Service)
	d.steward = steward.New(db, d.book, d.intake, findings, nil, d.Service)
	environments, err := d.book.Environments(d.ctx, d.ama)
	if err != nil || len(environments) != 2 {
		t.Fatal(len(environments), err)
	}
	d.production, d.staging = environments[0].ID, environments[1].ID
	return d
}

// must ends the test when something that has to work does not.
func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// deployment is the manifest of one workload; hard says whether its container is hardened.
func deployment(name string, hard bool) string {
	text := fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: shop}\nspec:\n  template:\n    metadata: {labels: {app: %s}}\n    spec:\n      containers:\n      - name: c\n        image: example.com/%s:1.2.3\n", name, name, name)
	if hard {
		text += "        resources: {limits: {cpu: 1, memory: 1Gi}}\n        securityContext: {runAsNonRoot: true, runAsUser: 1000, privileged: false, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, seccompProfile: {type: RuntimeDefault}}\n"
	}
	return text + "---\n"
}

// way is an Ingress to a Service of a workload.
func way(name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: shop}\nspec: {selector: {app: %s}, ports: [{port: 80}]}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: %s, namespace: shop}\nspec:\n  rules:\n  - host: %s.example\n    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: %s, port: {number: 80}}}}]}\n---\n", name, name, name, name, name)
}

// apply imports manifests and gives the number of the import.
func (d *desk) apply(environment int64, text string) int64 {
	d.t.Helper()
	return d.applyAs(environment, "", text)
}

// applyAs imports manifests of a source; "" is the source of all files of their folder.
func (d *desk) applyAs(environment int64, source, text string) int64 {
	d.t.Helper()
	found, err := imports.Inspect([]model.File{{Path: "shop/all.yaml", Data: []byte(text)}}, imports.Options{})
	d.must(err)
	id, err := d.intake.Propose(d.ctx, d.ama, intake.Proposal{EnvironmentID: environment, SourceName: source, Inspection: found})
	d.must(err)
	_, err = d.intake.Confirm(d.ctx, d.ama, id, intake.Choices{})
	d.must(err)
	return id
}

// services are those in use.
func (d *desk) services() []inventory.Service {
	d.t.Helper()
	list, err := d.book.Roster(d.ctx, d.ama)
	d.must(err)
	return list
}

// stored writes down every stored state and score that counts, without numbers of rows and times of writing.
func (d *desk) stored() string {
	d.t.Helper()
	states, err := d.controls.States(d.ctx, nil)
	d.must(err)
	var lines []string
	for _, s := range states {
		lines = append(lines, fmt.Sprintln("state", s.ServiceID, s.EnvironmentID, s.Control, s.State, s.Value, s.Contradicted, s.Known, s.Total, s.GoodUntil, s.ExceptedUntil, s.Later))
	}
	scores, err := d.controls.Scores(d.ctx)
	d.must(err)
	for _, s := range scores {
		lines = append(lines, fmt.Sprintln("score", s.ServiceID, s.Score, s.Rated, s.Coverage, s.Detail, s.Cells, s.Formula))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// state is the stored state of a control, "unknown" where there is none.
func (d *desk) state(service, environment int64, id string) control.State {
	d.t.Helper()
	s, found, err := d.controls.StateOf(d.ctx, service, environment, id)
	d.must(err)
	if !found {
		s.State = control.NotKnown
	}
	return s
}

func (d *desk) score(service int64) control.Score {
	d.t.Helper()
	s, _, err := d.controls.ScoreOf(d.ctx, service)
	d.must(err)
	return s
}

// rebuilt checks that nothing stored differs from what is judged from scratch, and that the explanation of each
// service adds up to its stored score.
func (d *desk) rebuilt(after string) {
	d.t.Helper()
	have := d.stored()
	d.must(d.db.InTx(d.ctx, func(ctx context.Context) error {
		for _, table := range []string{"states", "scores"} {
			if err := d.db.Conn(ctx).Exec("DELETE FROM " + table).Error; err != nil {
				return err
			}
		}
		return nil
	}))
	d.must(d.Recompute(d.ctx, nil, posture.Cause{}))
	if want := d.stored(); want != have {
		d.t.Fatalf("after %s what is stored differs from a rebuild:\n%s", after, difference(have, want))
	}
	for _, s := range d.services() {
		x, err := d.Explain(d.ctx, d.ama, s.Slug)
		d.must(err)
		row := d.score(s.ID)
		if x.Result.Score != row.Score || x.Result.Coverage != row.Coverage || total(x) != row.Score {
			d.t.Fatalf("after %s: %s is stored as %v, explained as %v, adds up to %v", after, s.Slug, row.Score, x.Result.Score, total(x))
		}
	}
}

// total adds up what an explanation lists, as a person with a calculator would.
func total(x *posture.Explanation) float64 {
	points, weight := 0.0, 0.0
	for _, l := range x.Lines {
		if l.Term.Scored && l.Term.State != control.NotApplicable {
			points, weight = points+float64(l.Term.Weight)*l.Term.Value, weight+float64(l.Term.Weight)
		}
	}
	if weight == 0 {
		return 0
	}
	sum := 100 * points / weight
	for _, c := range x.Result.Caps {
		sum = min(sum, c.Limit)
	}
	return sum
}

func difference(have, want string) string {
	a, b := strings.Split(have, "\n"), strings.Split(want, "\n")
	var out []string
	for _, line := range a {
		if !slices.Contains(b, line) {
			out = append(out, "stored:  "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			out = append(out, "rebuilt: "+line)
		}
	}
	return strings.Join(out[:min(len(out), 8)], "\n")
}
