package demo

import (
	"context"
	"fmt"
	"time"

	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
)

func secondsOf(n int) time.Duration { return time.Duration(n) * time.Second }

// planImports brings the files in: the cluster every week, the office and the API documents every fourth.
func (r *run) planImports(a *agenda) {
	last := float64(a.clock.days())
	week := 0
	for day := 0; day <= a.clock.days(); day++ {
		if !a.importDay(day) {
			continue
		}
		at := float64(day) / last
		a.on(day, "import the cluster", func(ctx context.Context) error {
			return r.bring(ctx, "yaw", "cluster", r.plan.cluster(at), nil)
		})
		if week%4 == 2 || day == 0 {
			a.on(day, "import the office", func(ctx context.Context) error { return r.bring(ctx, "kofi", "office", r.plan.office(at), nil) })
		}
		if week%4 == 0 {
			a.on(day, "import the API documents", func(ctx context.Context) error { return r.bringDocuments(ctx, at) })
		}
		week++
	}
	day := a.day(0.26)
	for a.clock.morning(day).Weekday() != time.Wednesday {
		day++
	}
	a.on(day, "import by mistake", r.mistake)
	a.on(day, "undo the mistake", func(ctx context.Context) error {
		r.clock.tick(20 * time.Minute)
		return r.Intake.Undo(ctx, r.people["zanele"], r.mistaken)
	})
}

// bring is a person uploading files and confirming the preview.
func (r *run) bring(ctx context.Context, who, source string, files []model.File, documents map[string]int64) error {
	id, err := r.propose(ctx, who, source, files, false)
	if err != nil {
		return err
	}
	_, err = r.Intake.Confirm(ctx, r.people[who], id, intake.Choices{Documents: documents})
	return err
}

func (r *run) propose(ctx context.Context, who, source string, files []model.File, partial bool) (int64, error) {
	found, err := imports.Inspect(files, imports.Options{})
	if err != nil {
		return 0, fmt.Errorf("read the files of %s: %w", source, err)
	}
	return r.Intake.Propose(ctx, r.people[who], intake.Proposal{EnvironmentID: r.production, SourceName: source, Partial: partial, Inspection: found})
}

func (r *run) bringDocuments(ctx context.Context, at float64) error {
	ids, err := r.idsOf(ctx, "accounts-api", "payment-api")
	if err != nil {
		return err
	}
	return r.bring(ctx, "efua", "apis", r.plan.documents(at), map[string]int64{"apis/accounts.yaml": ids[0], "apis/payments.yaml": ids[1]})
}

// mistake imports the load test of another cluster as if it ran in production.
func (r *run) mistake(ctx context.Context) error {
	text := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: load-generator, namespace: shop}\nspec:\n  template:\n    metadata: {labels: {app: load-generator}}\n    spec:\n      hostNetwork: true\n      containers: [{name: load, image: registry.kente.example/tools/load, securityContext: {privileged: true}}]\n"
	id, err := r.propose(ctx, "zanele", "cluster", []model.File{{Path: "cluster/load-test.yaml", Data: []byte(text)}}, true)
	if err != nil {
		return err
	}
	r.mistaken = id
	_, err = r.Intake.Confirm(ctx, r.people["zanele"], id, intake.Choices{})
	return err
}
