package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"muster/internal/config"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/house"
	"muster/internal/topology"
)

type mapCmd struct {
	config.Store
	Workspace   string `required:"" help:"The workspace's name in addresses."`
	Environment string `default:"production" help:"The environment's name in addresses."`
	JSON        bool   `name:"json" help:"Print one JSON document."`
}

// Run prints who can reach whom, what falls with each service, and what would shrink that most.
func (c mapCmd) Run(ctx context.Context, o output) error {
	h, err := house.Open(ctx, c.Store)
	if err != nil {
		return err
	}
	defer h.Close()
	w, err := h.Identity.WorkspaceBySlug(ctx, c.Workspace)
	if err != nil {
		return err
	}
	p, err := h.Topology.Picture(database.WithWorkspace(ctx, w.ID), system, c.Environment)
	if e, missing := errors.AsType[*fault.Error](err); missing && e.Kind == fault.NotFound {
		return fault.New(fault.Invalid, "The workspace has no environment %q.", c.Environment)
	}
	if err != nil {
		return err
	}
	d := p.Document()
	if c.JSON {
		return printJSON(o.out, d)
	}
	return printMap(o.out, &d)
}

// printMap prints the map for people: how far each fall spreads, then what to do about it.
func printMap(out io.Writer, d *topology.Document) error {
	if len(d.Services) == 0 {
		fmt.Fprintln(out, "There are no services in this environment yet.")
		return nil
	}
	if d.KnownCalls == 0 {
		fmt.Fprint(out, "Nobody told us who calls whom. What follows is what the network alone would allow.\n\n")
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "IF THIS FALLS\tAT LEAST\tAT MOST\tDATA AT RISK\tUNKNOWN ARCS\tTEST FIRST\n")
	for _, s := range d.Services {
		test := s.Between.TestFirst
		if test == "" {
			test = "-"
		}
		fmt.Fprintf(w, "%s\t%d\t%d of %d\t%s\t%d\t%s\n", s.Name, s.Proven.Count, s.Possible.Count, len(d.Services)-1, atRisk(&s.Possible), s.Between.Unknown, test)
	}
	if len(d.ChokePoints) > 0 {
		fmt.Fprint(w, "\nWHAT SHRINKS IT MOST\tPROVEN\tPOSSIBLE\tTO SENSITIVE DATA\n")
	}
	for _, c := range d.ChokePoints {
		fmt.Fprintf(w, "%s\t-%d\t-%d\t%d\n", c.Words, c.GainProven, c.GainPossible, c.Sensitive)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if !d.Exact {
		fmt.Fprintf(out, "The best of %d changes tried.\n", d.Tried)
	}
	return nil
}

// atRisk says which data a fall reaches. What nobody classified is not nothing.
func atRisk(r *topology.ReachLine) string {
	words := strings.Join(r.DataClasses, ", ")
	switch {
	case r.Unclassified > 0 && words == "":
		return "not classified"
	case r.Unclassified > 0:
		return fmt.Sprintf("%s and %d not classified", words, r.Unclassified)
	case words == "":
		return "none that is sensitive"
	}
	return words
}
