package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"muster/internal/config"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/house"
	"muster/internal/imports/model"
	"muster/internal/intake"
)

type importCmd struct {
	config.Store
	Paths       []string `arg:"" name:"path" help:"Files, folders and zip archives; together they are one import."`
	Workspace   string   `required:"" help:"The workspace's name in addresses."`
	Environment string   `default:"production" help:"The environment's name in addresses."`
	Source      string   `aliases:"scope" help:"Where the files come from, also --scope; found or suggested when left out."`
	Service     string   `help:"The service, by its name in addresses, that the reports and API documents among the files are about."`
	Format      string   `help:"Take every file as this format." placeholder:"F"`
	Partial     bool     `help:"What the files do not name stays as it was."`
	DryRun      bool     `help:"Print the difference and store nothing."`
	Namespaces  bool     `name:"namespaces-complete" help:"The files hold every network policy of their namespaces."`
	AcceptDrop  bool     `help:"More than half of what the source or the tool showed is really gone."`
	JSON        bool     `name:"json" help:"Print one JSON document."`
}

// imported is what `muster import --json` prints.
type imported struct {
	ImportID     string          `json:"import_id"`
	DryRun       bool            `json:"dry_run"`
	Held         bool            `json:"held"`
	Reason       string          `json:"reason"`
	Inputs       []model.Input   `json:"inputs"`
	Warnings     []model.Problem `json:"warnings"`
	Duration     int64           `json:"duration_ms"`
	Services     intake.Counts   `json:"services"`
	Dependencies intake.Counts   `json:"dependencies"`
	Components   intake.Counts   `json:"components"`
	Findings     finding.Counts  `json:"findings"`
	Evidence     int             `json:"evidence"` // pieces that reports of probes brought
}

// Run imports the files, or says what that would change.
func (c importCmd) Run(ctx context.Context, o output) error {
	start := time.Now()
	told, err := reports(c.Paths)
	if err != nil {
		return err
	}
	found, findings := model.New(), model.NewPacker()
	if len(told) == 0 {
		if found, err = inspect(c.Paths, c.Format, findings.Add); err != nil {
			return err
		}
	}
	h, err := house.Open(ctx, c.Store)
	if err != nil {
		return err
	}
	defer h.Close()
	w, err := h.Identity.WorkspaceBySlug(ctx, c.Workspace)
	if err != nil {
		return err
	}
	ctx = database.WithWorkspace(ctx, w.ID)
	environment, err := c.environment(ctx, h)
	if err != nil {
		return err
	}
	if len(told) > 0 {
		return c.hear(ctx, h, o, environment, told)
	}
	choices, err := c.choices(ctx, h)
	if err != nil {
		return err
	}
	id, err := h.Intake.Propose(ctx, system, intake.Proposal{EnvironmentID: environment, ServiceID: choices.Service, SourceName: c.Source, Partial: c.Partial, NamespacesComplete: c.Namespaces, Inspection: found, Findings: findings})
	if err != nil {
		return err
	}
	found.Components = nil // they are stored; a large list must not be held twice
	preview, err := h.Intake.Preview(ctx, system, id, choices)
	if err != nil {
		return err
	}
	result := imported{ImportID: strconv.FormatInt(id, 10), DryRun: c.DryRun, Held: preview.Plan.Held, Inputs: found.Inputs, Warnings: found.Problems}
	plan := preview.Plan
	switch {
	case c.DryRun:
		err = h.Intake.Cancel(ctx, system, id)
	case plan.Held:
		err = h.Intake.Hold(ctx, system, id, plan.HeldWhy)
	default:
		plan, err = h.Intake.Confirm(ctx, system, id, choices)
	}
	if err != nil {
		return err
	}
	if result.Held {
		result.Reason = strings.TrimSpace(plan.HeldWhy + " It waits on the page of imports until a person confirms or discards it. If that is right, say --accept-drop; if these files are a part, say --partial.")
	}
	if plan.Findings != nil {
		result.Findings = plan.Findings.Counts
	}
	result.Services, result.Dependencies, result.Components, result.Duration = plan.Services, plan.Dependencies, plan.Components, time.Since(start).Milliseconds()
	return c.report(o, &result, preview.Source.Name)
}

// choices says what a person would choose in the preview.
func (c importCmd) choices(ctx context.Context, h *house.House) (intake.Choices, error) {
	choices := intake.Choices{AcceptBig: c.AcceptDrop}
	if c.Service == "" {
		return choices, nil
	}
	service, err := h.Inventory.Get(ctx, system, c.Service)
	choices.Service = service.ID
	return choices, err
}

func (c importCmd) environment(ctx context.Context, h *house.House) (int64, error) {
	all, err := h.Inventory.Environments(ctx, system)
	if err != nil {
		return 0, err
	}
	for _, e := range all {
		if e.Slug == c.Environment {
			return e.ID, nil
		}
	}
	return 0, fault.New(fault.Invalid, "The workspace has no environment %q.", c.Environment)
}

func (c importCmd) report(o output, r *imported, source string) error {
	if c.JSON {
		if err := printJSON(o.out, r); err != nil {
			return err
		}
	} else {
		word := "Imported"
		if c.DryRun {
			word = "Would import"
		}
		if r.Held {
			word = "Held, nothing stored"
		}
		fmt.Fprintf(o.out, "%s %s as source %s in %d ms.\nServices: %s.\nCalls: %s.\nComponents: %s.\n", word, files(len(r.Inputs)), source, r.Duration, counted(r.Services), counted(r.Dependencies), counted(r.Components))
		f := r.Findings
		fmt.Fprintf(o.out, "Findings: %d new, %d reopened, %d changed, %d unchanged, %d no longer seen.\n", f.Created, f.Reopened, f.Updated, f.Unchanged, f.Ended)
	}
	for _, p := range r.Warnings {
		fmt.Fprintf(o.err, "muster: %s %s: %s\n", p.Path, p.At, p.Message)
	}
	if r.Held {
		fmt.Fprintln(o.err, "muster:", r.Reason)
		return errNo
	}
	return nil
}

func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

func counted(c intake.Counts) string {
	return fmt.Sprintf("%d new, %d changed, %d unchanged, %d gone", c.Created, c.Changed, c.Unchanged, c.Gone)
}
