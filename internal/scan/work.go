package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/jobs"
)

// The kinds of run.
const (
	Probe        = "scan.probe"         // visits what the scope names: a run per service
	ProbeService = "scan.probe.service" // visits one service
)

// Work registers the kinds with the jobs.
func (s *Service) Work(j *jobs.Service) {
	s.jobs = j
	j.Handle(Probe, workspaceWork{s})
	j.Handle(ProbeService, jobs.Func(s.serviceWork))
}

// Start asks for a scan now and gives its run. The same scan, asked for twice, is one.
func (s *Service) Start(ctx context.Context, actor access.Actor, scope Scope) (jobs.Run, error) {
	services, err := s.Plan(ctx, actor, scope)
	if err != nil {
		return jobs.Run{}, err
	}
	if len(services) == 0 {
		return jobs.Run{}, fault.Field("service", "There is no address to visit. Add an endpoint to a service first.")
	}
	key, err := json.Marshal(scope)
	if err != nil {
		return jobs.Run{}, fmt.Errorf("name a scan: %w", err)
	}
	return s.jobs.Enqueue(ctx, actor, jobs.New{Kind: Probe, Name: title(&scope), Key: string(key), Payload: scope})
}

// title names a scan in lists.
func title(scope *Scope) string {
	switch {
	case scope.Endpoint != "":
		return "Probe of " + scope.Endpoint
	case scope.Service != "":
		return "Probe of " + scope.Service
	case scope.Control != "":
		return "Probe for " + scope.Control
	}
	return "Probe of every service"
}

// job is what one run of a service is told.
type job struct {
	ServiceID int64 `json:"service_id"`
	Scope
}

// workspaceWork spreads a scan over its services and sums up what they came to.
type workspaceWork struct{ s *Service }

// Run plans the scan: one child per service, so that replicas share the work.
func (w workspaceWork) Run(ctx context.Context, j *jobs.Job) error {
	var scope Scope
	if err := j.Payload(&scope); err != nil {
		return err
	}
	services, err := w.s.Plan(ctx, j.Actor(), scope)
	if err != nil {
		return permanent(err)
	}
	if len(services) == 0 {
		j.Result("No service has an address to visit.", Outcome{})
		return nil
	}
	children := make([]jobs.New, 0, len(services))
	for i := range services {
		v := &services[i]
		children = append(children, jobs.New{Kind: ProbeService, Name: "Probe of " + v.Name, Key: fmt.Sprintf("%d of %d", v.ID, j.Run.ID), Payload: job{ServiceID: v.ID, Scope: scope}})
	}
	j.Fan(children)
	return nil
}

// Finish sums up.
func (w workspaceWork) Finish(_ context.Context, j *jobs.Job, children []jobs.Run) error {
	var sum Outcome
	ended := 0
	for i := range children {
		var o Outcome
		if children[i].State != jobs.Done || json.Unmarshal([]byte(children[i].Result), &o) != nil {
			continue
		}
		ended++
		sum.Add(o)
	}
	words := fmt.Sprintf("%s: %s", plural(ended, "service", "services"), sum.Sentence())
	if left := len(children) - ended; left > 0 {
		words += " " + plural(left, "service was", "services were") + " not finished."
	}
	j.Result(words, sum)
	return nil
}

// serviceWork visits one service. What it saw is stored only while the run is still this process's.
func (s *Service) serviceWork(ctx context.Context, j *jobs.Job) error {
	var what job
	if err := j.Payload(&what); err != nil {
		return err
	}
	seen, err := s.look(ctx, what.ServiceID, what.Scope, j.Progress)
	if err != nil {
		return permanent(err)
	}
	for i := range seen {
		j.Log("%s", line(&seen[i]))
	}
	return j.Complete(ctx, func(ctx context.Context) error {
		out, err := s.record(ctx, j.Run.ID, what.ServiceID, seen)
		if err == nil {
			j.Result(out.Sentence(), out)
		}
		return err
	})
}

// permanent marks failures that another attempt cannot mend.
func permanent(err error) error {
	if f, expected := fault.As(err); expected && f.Kind != fault.Unavailable {
		return jobs.Permanent(errors.New(f.Message))
	}
	return err
}

// line is what the log says of a visit.
func line(x *Seen) string {
	if !x.Visit.Reachable {
		return fmt.Sprintf("%s: not reached. %s", x.Place.Address, x.Visit.Reason)
	}
	passed, failed := tally([]Seen{*x})
	var broken []string
	for _, c := range x.Visit.Checks {
		if c.Outcome == "fail" {
			broken = append(broken, c.Control+" "+c.Observed)
		}
	}
	text := fmt.Sprintf("%s: answered; %d checks hold, %d do not", x.Place.Address, passed, failed)
	if len(broken) > 0 {
		text += ": " + strings.Join(broken, "; ")
	}
	return text + "."
}

// Sentence says what a scan came to.
func (o Outcome) Sentence() string {
	if o.Endpoints == 0 {
		return "no address could be visited."
	}
	text := fmt.Sprintf("%s visited", plural(o.Endpoints, "endpoint", "endpoints"))
	if o.Missed > 0 {
		text += fmt.Sprintf(", %d did not answer", o.Missed)
	}
	return text + fmt.Sprintf("; %d checks hold, %d do not.", o.Passed, o.Failed)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
