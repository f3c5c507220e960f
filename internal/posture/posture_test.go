package posture_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/identity"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/secret"
	"muster/internal/steward"
)

// desk is a workspace with everything that judges.
type desk struct {
	*posture.Service
	intake     *intake.Workflow
	steward    *steward.Service
	book       *inventory.Book
	controls   *control.Service
	ledger     *evidence.Ledger
	clock      *databasetest.Clock
	ctx        context.Context
	owner, eng access.Actor
	env        []inventory.Environment
}

func open(t testing.TB, db *database.DB, clock *databasetest.Clock) *desk {
	t.Helper()
	rights, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.NewBox([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	log := activity.New(db, rights)
	people := identity.New(db, rights, log, box)
	w, err := people.CreateWorkspace(t.Context(), access.SystemActor("test"), "Kente")
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{book: inventory.New(db, rights, log), controls: control.New(db, rights, log), ledger: evidence.New(db, rights, log), clock: clock, ctx: database.WithWorkspace(t.Context(), w.ID),
		owner: access.Actor{UserID: 1, Name: "Ama", Role: access.Owner}, eng: access.Actor{UserID: 2, Name: "Kofi", Role: access.Engineer}}
	d.Service = posture.New(posture.Parts{DB: db, Access: rights, Log: log, People: people, Book: d.book, Ledger: d.ledger, Controls: d.controls, Exceptions: exception.New(db, rights, log)})
	d.intake = intake.New(db, rights, log, d.book, d.ledger, d.Service)
	d.steward = steward.New(db, d.book, d.intake, d.Service)
	if d.env, err = d.book.Environments(d.ctx, d.owner); err != nil || len(d.env) < 2 {
		t.Fatal(len(d.env), err)
	}
	return d
}

// files are the manifests of a small mesh; what is drawn varies from one import to the next.
func files(draw func(n int) int) string {
	pick := func(list ...string) string { return list[draw(len(list))] }
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: enabled}}\n---\n")
	fmt.Fprintf(&b, "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: shop}\nspec: {mtls: {mode: %s}}\n---\n", pick("STRICT", "PERMISSIVE"))
	for _, name := range []string{"web", "orders", "pay"} {
		fmt.Fprintf(&b, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: shop}\nspec:\n  replicas: %s\n  template:\n    metadata: {labels: {app: %s}}\n    spec:\n      containers:\n      - name: c\n        image: %s\n        ports: [{containerPort: 8080}]\n        securityContext: {%s}\n        env: [{name: %s, value: hunter2hunter2}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: shop}\nspec: {type: %s, selector: {app: %s}, ports: [{port: 80}]}\n---\n",
			name, pick("1", "2"), name, pick("shop/x:1.2", "shop/x:latest"), pick("runAsNonRoot: true, allowPrivilegeEscalation: false", "runAsUser: 0", "privileged: true", "readOnlyRootFilesystem: true"), pick("API_SECRET", "GREETING"), name, pick("ClusterIP", "LoadBalancer"), name)
	}
	if draw(2) == 0 {
		b.WriteString("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: none, namespace: shop}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n")
	}
	return b.String()
}

func (d *desk) bring(t testing.TB, text string, env int64) int64 {
	t.Helper()
	found, err := imports.Inspect([]model.File{{Path: "shop/all.yaml", Data: []byte(text)}}, imports.Options{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := d.intake.Propose(d.ctx, d.owner, intake.Proposal{EnvironmentID: env, SourceName: "shop", Inspection: found})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.intake.Confirm(d.ctx, d.owner, id, intake.Choices{AcceptBig: true}); err != nil {
		t.Fatal(err)
	}
	return id
}

// truth fails when what is stored differs from what is judged from scratch, or an explanation from its score.
func (d *desk) truth(t testing.TB, after string) {
	t.Helper()
	wrong, err := d.Rebuild(d.ctx)
	if err != nil {
		t.Fatal(after, err)
	}
	if len(wrong) > 0 {
		t.Fatalf("after %s:\n%s", after, strings.Join(wrong[:min(len(wrong), 8)], "\n"))
	}
	b, err := d.Board(d.ctx, d.owner)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.Rows {
		x, err := d.Explain(d.ctx, d.owner, b.Rows[i].Service.Slug)
		if err != nil {
			t.Fatal(err)
		}
		if x.Result.Score != b.Rows[i].Detail.Result.Score {
			t.Fatalf("after %s: %s is explained as %v and stored as %v", after, x.Service.Name, x.Result.Score, b.Rows[i].Detail.Result.Score)
		}
	}
}

// allowed passes over refusals that a random order of steps brings.
func allowed(t testing.TB, what string, err error) {
	t.Helper()
	if _, expected := fault.As(err); err != nil && !expected {
		t.Fatal(what, err)
	}
}

func TestWhatIsStoredIsWhatIsTrue(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		const steps = 45
		random := rand.New(rand.NewPCG(7, 11)) //nolint:gosec // a test wants the same numbers again
		last := d.bring(t, files(random.IntN), d.env[0].ID)
		d.truth(t, "the first import")
		slugs := []string{"web", "orders", "pay"}
		ids := []string{"RUN-1", "RUN-2", "TLS-6", "DAT-2", "IAM-6", "PAT-5", "DEV-1"}
		for n := range steps {
			slug, id := slugs[random.IntN(3)], ids[random.IntN(len(ids))]
			what := d.step(t, random, slug, id, &last)
			clock.Move(time.Duration(random.IntN(60)) * time.Hour)
			if random.IntN(3) == 0 {
				clock.Move(time.Duration(random.IntN(30)) * 24 * time.Hour)
			}
			// Time alone moves states: what is judged now equals what is stored only after a sweep.
			if err := d.Sweep(d.ctx); err != nil {
				t.Fatal(err)
			}
			d.truth(t, fmt.Sprintf("step %d: %s", n, what))
		}
	})
}

// step does one thing that people or files do.
func (d *desk) step(t testing.TB, random *rand.Rand, slug, id string, last *int64) string {
	t.Helper()
	switch random.IntN(10) {
	case 0, 1:
		*last = d.bring(t, files(random.IntN), d.env[random.IntN(2)].ID)
		d.truth(t, "an import")
		return "an import"
	case 2:
		allowed(t, "undo", d.intake.Undo(d.ctx, d.owner, *last))
		d.truth(t, "an undo")
		return "an undo"
	case 3, 4:
		outcome := []evidence.Outcome{evidence.Pass, evidence.Fail}[random.IntN(2)]
		_, err := d.Attest(d.ctx, d.eng, slug, evidence.Attestation{Control: id, Outcome: outcome, Note: "looked"})
		allowed(t, "attest", err)
		return "a word on " + id
	case 5:
		cell, err := d.Cell(d.ctx, d.owner, slug, id, 0)
		if err != nil {
			return "nothing: " + err.Error()
		}
		for _, e := range cell.Timeline {
			if e.Human() && e.RetractedAt == nil {
				allowed(t, "take back", d.TakeBack(d.ctx, d.owner, slug, e.ID, "mistaken"))
				break
			}
		}
		return "a word taken back"
	case 6:
		e, err := d.Ask(d.ctx, d.eng, slug, exception.Request{Control: id, Reason: "until March", Days: 1 + random.IntN(60)})
		allowed(t, "ask", err)
		if err == nil {
			before := d.score(t)
			allowed(t, "decide", d.Decide(d.ctx, d.owner, e.ID, true, ""))
			if after := d.score(t); after != before {
				t.Fatalf("accepting %s moved the score from %v to %v", id, before, after)
			}
		}
		return "an exception"
	case 7:
		weight := random.IntN(20)
		allowed(t, "choose", d.Choose(d.ctx, d.owner, control.Choice{Control: id, Weight: &weight, Off: random.IntN(4) == 0, Reason: "it matters"}))
		return "another weight"
	case 8:
		allowed(t, "applies", d.Applies(d.ctx, d.owner, slug, id, random.IntN(2) == 0, "we know it"))
		return "a word on what applies"
	}
	_, err := d.steward.Confirm(d.ctx, d.owner, slug)
	allowed(t, "confirm", err)
	return "a confirmation"
}

func (d *desk) score(t testing.TB) float64 {
	t.Helper()
	b, err := d.Board(d.ctx, d.owner)
	if err != nil {
		t.Fatal(err)
	}
	return b.Whole.Result.Score
}

func first(int) int { return 0 }

func TestPosture(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		o, err := d.Overview(d.ctx, d.owner)
		if err != nil || o.Whole.Result.Judged || o.Sentence() != "Nothing is known yet." {
			t.Fatalf("a workspace with no services: %+v, %v", o, err)
		}
		d.bring(t, files(first), d.env[1].ID)
		b, err := d.Board(d.ctx, d.owner)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Rows {
			if c := b.Rows[i].Cell("TLS-6"); c.State != control.NotKnown {
				t.Errorf("staging verified %s in production: %s", b.Rows[i].Service.Name, c.State)
			}
		}
		id := d.bring(t, files(first), d.env[0].ID)
		before := d.score(t)
		day := clock.Now()

		t.Run("a person who disagrees with the mesh makes a contradiction", func(t *testing.T) {
			if _, err := d.Attest(d.ctx, d.eng, "web", evidence.Attestation{Control: "TLS-6", Outcome: evidence.Fail, Note: "curl got an answer in clear"}); err != nil {
				t.Fatal(err)
			}
			c, err := d.Cell(d.ctx, d.owner, "web", "TLS-6", 0)
			if err != nil || c.Verdict.State != control.Failing || !c.Verdict.Contradicted || d.score(t) >= before {
				t.Errorf("%+v %v", c.Verdict, err)
			}
		})
		t.Run("a past day looks as it was known then", func(t *testing.T) {
			if err := d.Sweep(d.ctx); err != nil {
				t.Fatal(err)
			}
			kept := d.score(t)
			clock.Move(48 * time.Hour)
			d.bring(t, strings.Replace(files(first), "STRICT", "PERMISSIVE", 1), d.env[0].ID)
			past, err := d.BoardAt(d.ctx, d.owner, day)
			if err != nil || past.Whole.Result.Score != kept {
				t.Errorf("%v, kept %v, %v", past.Whole.Result.Score, kept, err)
			}
			if _, err := d.BoardAt(d.ctx, d.owner, clock.Now().AddDate(0, 0, 3)); !fault.Is(err, fault.Invalid) {
				t.Error("a day to come was shown", err)
			}
		})
		t.Run("an old import cannot be undone, a new one takes its evidence with it", func(t *testing.T) {
			if err := d.intake.Undo(d.ctx, d.owner, id); !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
		t.Run("weights of zero for all leave nothing to judge", func(t *testing.T) {
			rules, err := d.Ruleset(d.ctx)
			if err != nil {
				t.Fatal(err)
			}
			zero := 0
			for _, e := range rules.All {
				if err := d.Choose(d.ctx, d.owner, control.Choice{Control: e.ID, Weight: &zero, Reason: "a test"}); err != nil {
					t.Fatal(err)
				}
			}
			b, err := d.Board(d.ctx, d.owner)
			if err != nil || b.Whole.Result.Judged || b.Whole.Result.Score != 0 {
				t.Errorf("%+v %v", b.Whole.Result, err)
			}
			d.truth(t, "weights of zero")
		})
	})
}

func TestOnlyWhatIsTouchedIsWritten(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		d.bring(t, files(first), d.env[0].ID)
		clock.Move(time.Hour)
		if _, err := d.Attest(d.ctx, d.eng, "web", evidence.Attestation{Control: "DAT-7", Outcome: evidence.Pass, Note: "looked"}); err != nil {
			t.Fatal(err)
		}
		states, err := d.controls.States(d.ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		moved := 0
		for _, s := range states {
			if s.Since.Equal(clock.Now().UTC().Truncate(time.Microsecond)) {
				moved++
			}
		}
		scores, err := d.controls.Scores(d.ctx)
		if err != nil {
			t.Fatal(err)
		}
		fresh := 0
		for _, s := range scores {
			if s.ComputedAt.Equal(clock.Now().UTC().Truncate(time.Microsecond)) {
				fresh++
			}
		}
		if moved != 1 || fresh != 2 {
			t.Errorf("%d states and %d scores were written after one word; want 1 and 2 (the service and the whole)", moved, fresh)
		}
	})
}
