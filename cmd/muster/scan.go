package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/config"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/house"
	"muster/internal/jobs"
	"muster/internal/scan"
)

type scanCmd struct {
	config.Store
	config.Reach
	Workspace string `required:"" help:"The workspace's name in addresses."`
	Service   string `help:"Only this service, by its name in addresses."`
	Endpoint  string `help:"Only this address of the service."`
	Control   string `help:"Only the services that this control applies to."`
	Kind      string `default:"probe" enum:"probe" help:"What kind of scan: probe."`
	Ports     bool   `help:"Also look for open ports that were not declared."`
	Malformed bool   `help:"Also send bodies that are not JSON."`
	Unsafe    bool   `help:"Also call operations that change things, with bodies that cannot succeed."`
	Burst     int    `help:"Requests of the rate limit test, at most 200 (default: no test)." placeholder:"N"`
	JSON      bool   `name:"json" help:"Print one JSON document."`
}

// scanned is what `muster scan --json` prints.
type scanned struct {
	RunID  int64           `json:"run_id"`
	State  jobs.State      `json:"state"`
	Words  string          `json:"words"`
	Result json.RawMessage `json:"result"`
}

// Run starts the scan and waits for its end. It does the work itself, unless a server works on the same data already.
func (c scanCmd) Run(ctx context.Context, o output) error {
	if err := c.Check(); err != nil {
		return fault.New(fault.Invalid, "%s.", err.Error())
	}
	h, err := house.Open(ctx, c.Store)
	if err != nil {
		return err
	}
	defer h.Close()
	h.Reach(c.Reach)
	w, err := h.Identity.WorkspaceBySlug(ctx, c.Workspace)
	if err != nil {
		return err
	}
	inside := database.WithWorkspace(ctx, w.ID)
	run, err := h.Scans.Start(inside, system, scan.Scope{Service: c.Service, Endpoint: c.Endpoint, Control: c.Control,
		Options: scan.Options{Ports: c.Ports, Malformed: c.Malformed, Unsafe: c.Unsafe, Burst: c.Burst}})
	if err != nil {
		return err
	}
	defer help(ctx, h)()
	run, err = c.wait(inside, h, o, run)
	if err != nil {
		return err
	}
	return c.report(o, &run)
}

// help works on the runs while this process waits, and gives what ends that. Beside a server on the embedded database it
// does nothing: the server works.
func help(ctx context.Context, h *house.House) func() {
	if h.DB.LockFolder() != nil {
		return func() {}
	}
	working, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Jobs.Work(working, jobs.Options{Alone: h.DB.Engine == database.SQLite})
	}()
	return func() { stop(); <-done }
}

func (c scanCmd) wait(ctx context.Context, h *house.House, o output, run jobs.Run) (jobs.Run, error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	said := -1
	for {
		now, err := h.Jobs.Look(ctx, system, run.ID)
		if err != nil || !now.State.Open() {
			return now, err
		}
		if now.ProgressDone != said && now.ProgressTotal > 0 {
			said = now.ProgressDone
			fmt.Fprintf(o.err, "%d of %d\n", now.ProgressDone, now.ProgressTotal)
		}
		select {
		case <-ctx.Done():
			return now, fault.New(fault.Unavailable, "Stopped waiting; run %d goes on where Muster runs.", run.ID)
		case <-tick.C:
		}
	}
}

func (c scanCmd) report(o output, run *jobs.Run) error {
	if c.JSON {
		result := json.RawMessage(run.Result)
		if len(result) == 0 {
			result = json.RawMessage("null")
		}
		if err := printJSON(o.out, scanned{RunID: run.ID, State: run.State, Words: run.ResultWords, Result: result}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(o.out, "%s: %s. %s\n", run.Name, run.State, run.ResultWords)
	}
	if run.State != jobs.Done {
		return errNo
	}
	return nil
}
