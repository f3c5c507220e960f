package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"muster/internal/fault"
	"muster/internal/house"
	"muster/internal/imports/model"
	"muster/internal/scan"
)

// reports gives the reports of muster probe among the paths; they are imported as evidence, and by themselves.
func reports(paths []string) (map[string][]byte, error) {
	found := map[string][]byte{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() || info.Size() > scan.MaxReport {
			continue // whatever reads files says what is wrong with it
		}
		data, err := os.ReadFile(path)
		if err == nil && scan.IsReport(data) {
			found[path] = data
		}
	}
	if len(found) > 0 && len(found) < len(paths) {
		return nil, fault.New(fault.Invalid, "Some of these are reports of muster probe and some are not; import the reports by themselves.")
	}
	return found, nil
}

// hear imports reports of probes as evidence, in the order given.
func (c importCmd) hear(ctx context.Context, h *house.House, o output, environment int64, found map[string][]byte) error {
	start := time.Now()
	result := imported{DryRun: c.DryRun, Inputs: []model.Input{}, Warnings: []model.Problem{}}
	words := ""
	for _, path := range c.Paths {
		report, err := scan.ReadReport(path, found[path])
		if err != nil {
			return err
		}
		told, err := h.Scans.Hear(ctx, system, report, scan.Hearing{Environment: environment, DryRun: c.DryRun})
		if err != nil {
			return err
		}
		result.Inputs = append(result.Inputs, model.Input{Path: path, Format: "muster-probe", Version: report.Version, Kind: model.KindReport, Bytes: int64(len(found[path])), Note: "seen from " + told.SeenFrom})
		for _, address := range told.Unmatched {
			result.Warnings = append(result.Warnings, model.Problem{Path: path, At: address, Message: "No service has this address as an endpoint, so nothing was kept of it."})
		}
		result.Evidence += told.Outcome.Evidence
		words += told.Sentence() + "\n"
	}
	result.Duration = time.Since(start).Milliseconds()
	if c.JSON {
		return printJSON(o.out, result)
	}
	fmt.Fprint(o.out, words)
	for _, p := range result.Warnings {
		fmt.Fprintf(o.err, "muster: %s %s: %s\n", p.Path, p.At, p.Message)
	}
	return nil
}
