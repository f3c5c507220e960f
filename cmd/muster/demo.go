package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"muster/internal/config"
	"muster/internal/demo"
	"muster/internal/fault"
	"muster/internal/house"
)

type demoCmd struct {
	Data     string `default:"demo-data" help:"Folder for the company; it must not hold a database yet." placeholder:"DIR"`
	Size     string `default:"small" help:"small; medium and large come with findings."`
	Services int    `help:"How many services (not for the small size)." placeholder:"N"`
	Findings int    `help:"How many findings (not in this version)." placeholder:"M"`
	Years    int    `default:"1" help:"How many years of history." placeholder:"Y"`
	Seed     uint64 `default:"1" help:"Another seed, another year."`

	days int // of history, for tests, at least 40; 0 is the full story
}

// Run invents the company and says how to look at it.
func (c demoCmd) Run(ctx context.Context, o output) error {
	options := demo.Options{Size: c.Size, Services: c.Services, Findings: c.Findings, Years: c.Years, Seed: c.Seed}
	if err := options.Check(); err != nil {
		return err
	}
	store := config.Store{Data: c.Data}
	taken := func(path string) bool { _, err := os.Lstat(path); return !errors.Is(err, os.ErrNotExist) }
	if taken(store.SQLitePath()) {
		return fault.New(fault.Conflict, "There is a database in %s already. Choose another folder with --data, or remove that one yourself.", c.Data)
	}
	hadKey := taken(store.KeyPath())
	result, err := c.make(ctx, store, o)
	if err != nil {
		// Half a company is of no use to anybody, and would stand in the way of the next attempt.
		made := []string{store.SQLitePath(), store.SQLitePath() + "-wal", store.SQLitePath() + "-shm"}
		if !hadKey {
			made = append(made, store.KeyPath())
		}
		for _, path := range made {
			if gone := os.Remove(path); gone != nil && !errors.Is(gone, os.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
		return err
	}
	return c.report(o, result)
}

func (c demoCmd) make(ctx context.Context, store config.Store, o output) (*demo.Result, error) {
	if c.days == 0 {
		c.days = demo.Days
	}
	clock := demo.NewClock(time.Now(), c.days)
	h, err := house.OpenAt(ctx, store, clock.Now)
	if err != nil {
		return nil, err
	}
	debug.SetGCPercent(800) // this process does one thing and ends: memory is cheaper than time
	fmt.Fprintf(o.err, "Inventing a company with %d days behind it; this takes a moment.\n", c.days)
	doors := demo.Doors{Identity: h.Identity, Inventory: h.Inventory, Intake: h.Intake, Posture: h.Posture, Steward: h.Steward, Scans: h.Scans, Findings: h.Findings}
	result, err := demo.Make(ctx, doors, clock, c.Seed, func(line string) { fmt.Fprintln(o.err, line) })
	return result, errors.Join(err, h.Close())
}

func (c demoCmd) report(o output, r *demo.Result) error {
	fmt.Fprintf(o.out, "Made the workspace %s in %s.\nThe passwords are shown this once:\n\n", r.Workspace, filepath.Clean(c.Data))
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, s := range r.SignIns {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", s.Role, s.Email, s.Password, s.Name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.out, "\nNobody has a second factor yet; consultants are asked to set one up when they sign in.\nLook at it with:\n\n  muster serve --data %s\n", c.Data)
	return err
}
