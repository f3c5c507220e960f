package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"muster/internal/control/catalogue"
	"muster/internal/fault"
	"muster/internal/guard"
	"muster/internal/imports/model"
	"muster/internal/imports/openapi"
	"muster/internal/probe"
	"muster/internal/secret"
)

const (
	maxTargets     = 10_000
	maxTargetsFile = 4 << 20
	maxOpenAPIFile = 32 << 20
	highWeight     = 6 // from here on a control counts as high for --fail-on
)

type probeCmd struct {
	Targets         []string      `arg:"" optional:"" name:"target" help:"URL or HOST:PORT; @FILE reads more of them, one a line."`
	TargetFiles     []string      `name:"targets" help:"File with targets, one a line; # begins a comment." placeholder:"FILE"`
	InsecureTargets []string      `name:"insecure-targets" help:"Networks besides public addresses that may be visited; cloud metadata stays closed whatever stands here." placeholder:"CIDR"`
	OpenAPI         string        `name:"openapi" help:"OpenAPI document of the targets: each of its operations is called without credentials." placeholder:"FILE"`
	Arcs            string        `help:"File with arcs that the map offers for a segment: each is tried from here, once." placeholder:"FILE"`
	CA              string        `name:"ca" help:"PEM file with the authorities to trust instead of the machine's." placeholder:"FILE"`
	JSON            bool          `name:"json" help:"Print one JSON document."`
	FailOn          []string      `name:"fail-on" help:"Exit with 1 when checks fail: any, high (controls of weight 6 and more), or controls such as TLS-2,TLS-4." placeholder:"WHAT"`
	SeenFrom        string        `name:"seen-from" help:"Name of the place that this runs in; the report carries it." placeholder:"NAME"`
	Unsafe          bool          `help:"Also call operations that change things, with bodies that cannot succeed."`
	Malformed       bool          `help:"Send bodies that are not JSON and expect them to be refused."`
	Burst           int           `help:"Requests of the rate limit test, at most 200 (default: no test)." placeholder:"N"`
	Ports           bool          `help:"Look for open ports that were not declared."`
	DeclaredPorts   []int         `name:"declared-ports" help:"Ports of the targets' hosts that are meant to be open, besides the targets' own." placeholder:"PORT"`
	Token           secret.Text   `env:"MUSTER_PROBE_TOKEN" help:"A valid bearer token, to tell refused tokens from a service that refuses all; give it by the variable, because other users can read command lines." placeholder:"TOKEN"`
	Issuer          string        `help:"OpenID Connect issuer (default: the target itself)." placeholder:"URL"`
	Inside          bool          `help:"This runs inside the segment, so it can speak about mutual TLS."`
	PublicWeb       bool          `name:"public-web" help:"The targets are web pages for the public: demand HSTS, safe headers and security.txt."`
	Timeout         time.Duration `default:"5s" help:"Of one connection or request (default: ${default})." placeholder:"5s"`
	Budget          time.Duration `default:"30s" help:"Of the whole visit of one target (default: ${default})." placeholder:"30s"`
	Concurrency     int           `default:"32" help:"Targets at a time (default: ${default})." placeholder:"N"`
}

// Run visits the targets and prints what it saw.
func (c probeCmd) Run(ctx context.Context, o output) error {
	targets, err := c.targets()
	if err != nil {
		return err
	}
	fails, err := c.failing()
	if err != nil {
		return err
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	arcs, err := c.arcs()
	if err != nil {
		return err
	}
	report := probe.Report{Version: version, SeenFrom: options.SeenFrom, At: time.Now().UTC().Format(time.RFC3339)}
	report.Targets = probe.VisitAll(ctx, targets, options, c.Concurrency)
	probe.TryAll(ctx, arcs, &options, c.Concurrency)
	report.Arcs = arcs
	if c.JSON {
		err = printJSON(o.out, report)
	} else {
		err = printProbe(o.out, report)
	}
	if err != nil {
		return err
	}
	return c.verdict(report, fails)
}

// verdict is the exit code: everything refused, failing checks, or done.
func (c probeCmd) verdict(report probe.Report, fails func(probe.Check) bool) error {
	refused := func(t probe.Target) bool { return t.Refused }
	if len(report.Targets) > 0 && !slices.ContainsFunc(report.Targets, func(t probe.Target) bool { return !refused(t) }) {
		if n := len(report.Targets); n > 1 {
			return fault.New(fault.Forbidden, "None of the %d targets was visited. %s", n, report.Targets[0].Reason)
		}
		return fault.New(fault.Forbidden, "%s", report.Targets[0].Reason)
	}
	for _, t := range report.Targets {
		if slices.ContainsFunc(t.Checks, fails) {
			return errNo
		}
	}
	return nil
}

// targets are those of the command line and of its files, each of them usable.
func (c probeCmd) targets() ([]string, error) {
	var all []string
	files := slices.Clone(c.TargetFiles)
	for _, t := range c.Targets {
		if name, file := strings.CutPrefix(t, "@"); file {
			files = append(files, name)
		} else {
			all = append(all, t)
		}
	}
	for _, name := range files {
		data, err := readBounded(name, maxTargetsFile)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(data)) {
			line, _, _ = strings.Cut(line, "#")
			all = append(all, strings.Fields(line)...)
		}
	}
	if len(all) == 0 && c.Arcs == "" {
		return nil, fault.New(fault.Invalid, "Nothing to visit: name a URL or HOST:PORT.")
	}
	if len(all) > maxTargets {
		return nil, fault.New(fault.Invalid, "%d targets are more than the %d that one call visits.", len(all), maxTargets)
	}
	for _, t := range all {
		if err := probe.Valid(t); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// arcs are those of the file that the map offers.
func (c probeCmd) arcs() ([]probe.Arc, error) {
	if c.Arcs == "" {
		return nil, nil
	}
	data, err := readBounded(c.Arcs, maxTargetsFile)
	if err != nil {
		return nil, err
	}
	arcs, err := probe.ReadArcs(data)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: %v.", c.Arcs, err)
	}
	return arcs, nil
}

func (c probeCmd) options() (probe.Options, error) {
	allow, bad := guard.Prefixes(c.InsecureTargets)
	if bad != "" {
		return probe.Options{}, fault.New(fault.Invalid, "The network %q of --insecure-targets is not like 10.0.0.0/8.", bad)
	}
	if c.Burst < 0 || c.Burst > 200 {
		return probe.Options{}, fault.New(fault.Invalid, "--burst %d is not between 0 and 200.", c.Burst)
	}
	if c.Timeout <= 0 || c.Budget < c.Timeout || c.Concurrency < 1 {
		return probe.Options{}, fault.New(fault.Invalid, "--timeout and --concurrency must be above zero, and --budget no shorter than --timeout.")
	}
	o := probe.Options{
		Dialer: newGuard(allow, c.Timeout), Timeout: c.Timeout, Budget: c.Budget, SeenFrom: c.SeenFrom, Unsafe: c.Unsafe, Malformed: c.Malformed, Burst: c.Burst, Ports: c.Ports,
		DeclaredPorts: c.DeclaredPorts, Token: c.Token.Reveal(), Issuer: c.Issuer, Inside: c.Inside, PublicWeb: c.PublicWeb,
	}
	if c.CA != "" {
		data, err := readBounded(c.CA, maxTargetsFile)
		if err != nil {
			return o, err
		}
		o.Roots = x509.NewCertPool()
		if !o.Roots.AppendCertsFromPEM(data) {
			return o, fault.New(fault.Invalid, "%s holds no certificate in PEM form.", c.CA)
		}
	}
	var err error
	if c.OpenAPI != "" {
		o.Operations, err = operationsOf(c.OpenAPI)
	}
	return o, err
}

func newGuard(allow []netip.Prefix, timeout time.Duration) *guard.Guard {
	return guard.New(guard.Policy{Allow: allow, Timeout: timeout})
}

// operationsOf reads the operations of an OpenAPI document.
func operationsOf(path string) ([]probe.Operation, error) {
	data, err := readBounded(path, maxOpenAPIFile)
	if err != nil {
		return nil, err
	}
	if !openapi.Sniff(data) {
		return nil, fault.New(fault.Invalid, "%s is no OpenAPI document.", path)
	}
	found, err := openapi.Read(model.File{Path: filepath.ToSlash(path), Data: data})
	if err != nil {
		return nil, err
	}
	var out []probe.Operation
	for _, op := range found.Operations {
		security := op.Security
		if !op.Stated && security == "none" {
			security = "" // silence is no word that it is meant to be public
		}
		out = append(out, probe.Operation{Method: op.Method, Path: op.Path, Security: security, Bodyless: !op.Body})
	}
	return out, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Invalid, "There is no file %s.", path)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s cannot be read.", path)
	}
	defer f.Close()
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s cannot be read.", path)
	}
	if n > limit {
		return nil, fault.New(fault.TooLarge, "%s is larger than %d MB.", path, limit>>20)
	}
	return b.Bytes(), nil
}

// failing reads --fail-on.
func (c probeCmd) failing() (func(probe.Check) bool, error) {
	known, err := catalogue.Load()
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, word := range c.FailOn {
		switch lower := strings.ToLower(strings.TrimSpace(word)); lower {
		case "any", "high":
			wanted[lower] = true
		default:
			id := strings.ToUpper(lower)
			if _, exists := known.Get(id); !exists {
				return nil, fault.New(fault.Invalid, "--fail-on %q is neither any nor high nor a control.", word)
			}
			wanted[id] = true
		}
	}
	return func(check probe.Check) bool {
		if check.Outcome != probe.Fail {
			return false
		}
		one, exists := known.Get(check.Control)
		return wanted["any"] || wanted[check.Control] || (wanted["high"] && exists && one.Weight >= highWeight)
	}, nil
}

// printProbe prints for people: what each address is, and every answer with what was seen.
func printProbe(out io.Writer, report probe.Report) error {
	for i, t := range report.Targets {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, strings.Join(headline(t), ", "))
		if !t.Reachable {
			continue // every answer is unknown, for the reason that was just said
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, c := range t.Checks {
			what := c.Observed
			if c.Detail != "" && c.Outcome != probe.Pass {
				what += ": " + c.Detail
			}
			part := strings.TrimPrefix(c.Part, "operation:")
			if part == "endpoint" {
				part = ""
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", c.Control, strings.ReplaceAll(c.Clause, "_", " "), strings.ReplaceAll(string(c.Outcome), "_", " "), strings.TrimSpace(part+" "+what))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return printArcs(out, report.Arcs)
}

func printArcs(out io.Writer, arcs []probe.Arc) error {
	if len(arcs) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "FROM\tTO\tADDRESS\tCONNECTED\tWITHOUT CREDENTIALS\tSEEN\n")
	for _, a := range arcs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", a.From, a.To, a.Address, a.Result, a.Answer, a.Observed)
	}
	return w.Flush()
}

func headline(t probe.Target) []string {
	words := []string{t.Target}
	if len(t.Resolved) > 0 && !strings.Contains(t.Target, t.Resolved[0]) {
		words = append(words, "at "+t.Resolved[0])
	}
	switch {
	case t.Refused:
		return append(words, "not visited. "+t.Reason)
	case !t.Reachable:
		return append(words, "not reached. "+t.Reason)
	}
	if t.TLS != nil {
		words = append(words, strings.Join(t.TLS.Offered, " "))
		if t.TLS.Grade != "" {
			words = append(words, "grade "+t.TLS.Grade)
		}
	}
	return append(words, fmt.Sprintf("%d ms", t.DurationMS))
}
