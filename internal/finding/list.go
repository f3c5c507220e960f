package finding

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/internal/access"
	"muster/internal/fault"
	"muster/internal/inventory"
)

// Filter chooses findings. Empty lists choose all; States empty chooses what waits for work.
type Filter struct {
	Text       string
	States     []State
	Everything bool // whatever its state
	Severities []Severity
	Kinds      []Kind
	Service    int64 // 0 is any
	Unassigned bool  // nobody's yet
	Overdue    bool
	DueWithin  time.Duration // 0 is whenever; what is overdue is due too
	Exploited  bool
	Exception  int64 // accepted under it
	Watcher    int64 // watched by this person
	Sort       Sort
	After      string // the place of the last row of the page before
	Limit      int

	hits hits // of Text
}

// Sort is the order of a list.
type Sort string

// The orders.
const (
	ByPriority Sort = ""
	ByDue      Sort = "due"    // what is due first; what has no date is left out
	ByNewest   Sort = "newest" // what was found last
)

// PageSize is how many findings a page shows.
const PageSize = 50

// Page is one page of findings, the most urgent first.
type Page struct {
	Rows  []Finding
	Next  string // the place to go on from; "" at the end
	Total int64
	More  bool // Total is only the least: a search counts no further
}

// Facets are how many findings there are by what a list can be narrowed to, whatever it is narrowed to now.
type Facets struct {
	Todo       int64
	States     map[State]int64
	Severities map[Severity]int64 // of what waits for work
	Kinds      map[Kind]int64
	Services   map[int64]int64
}

// List gives one page.
func (s *Service) List(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return Page{}, err
	}
	if _, err := s.Lapse(ctx); err != nil {
		return Page{}, err
	}
	if len(f.States) == 0 && !f.Everything {
		f.States = todo()
	}
	return s.list(ctx, f)
}

func todo() []State { return []State{Open, Confirmed, InProgress, ReReview} }

// Facets counts from the kept counters.
func (s *Service) Facets(ctx context.Context, actor access.Actor, service int64) (Facets, error) {
	out := Facets{States: map[State]int64{}, Severities: map[Severity]int64{}, Kinds: map[Kind]int64{}, Services: map[int64]int64{}}
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return out, err
	}
	if _, err := s.Lapse(ctx); err != nil {
		return out, err
	}
	rows, err := s.counts(ctx, only(service)...)
	for _, c := range rows {
		out.States[c.State] += c.N
		if !c.State.Todo() {
			continue
		}
		out.Todo += c.N
		out.Severities[c.Severity] += c.N
		out.Kinds[c.Kind] += c.N
		out.Services[c.ServiceID] += c.N
	}
	return out, err
}

// only is one service, or none where all are meant.
func only(service int64) []int64 {
	if service == 0 {
		return nil
	}
	return []int64{service}
}

// Tally is what waits for work on one service, by severity.
type Tally map[Severity]int64

// Tallies counts what waits for work on some services, of those that the person may see.
func (s *Service) Tallies(ctx context.Context, services []int64) (map[int64]Tally, error) {
	if len(services) == 0 {
		return nil, nil
	}
	out := map[int64]Tally{}
	if _, err := s.Lapse(ctx); err != nil {
		return out, err
	}
	rows, err := s.counts(ctx, services...)
	for _, c := range rows {
		if c.State.Todo() {
			if out[c.ServiceID] == nil {
				out[c.ServiceID] = Tally{}
			}
			out[c.ServiceID][c.Severity] += c.N
		}
	}
	return out, err
}

// Detail is one finding with everything that explains it.
type Detail struct {
	Finding
	Sources []Source
	Events  []Event
}

// Get gives one finding.
func (s *Service) Get(ctx context.Context, actor access.Actor, id int64) (Detail, error) {
	var d Detail
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return d, err
	}
	f, found, err := s.byID(ctx, id)
	if err == nil && f.State == Accepted && !f.Excused(s.db.Now(ctx)) {
		if _, err = s.Lapse(ctx); err == nil {
			f, found, err = s.byID(ctx, id)
		}
	}
	if err != nil {
		return d, err
	}
	if !found || unseen(ctx, &f) {
		return d, fault.Missing("finding")
	}
	d.Finding = f
	if d.Sources, err = s.sourcesOf(ctx, id); err != nil {
		return d, err
	}
	d.Events, err = s.eventsOf(ctx, id)
	return d, err
}

// similar is how many findings of the same weakness a page names.
const similar = 10

// Similar lists the same vulnerability, or the same rule where there is none, on other services or elsewhere on this one.
func (s *Service) Similar(ctx context.Context, f *Finding) ([]Finding, error) {
	if f.Vulnerability == "" && f.Rule == "" {
		return nil, nil
	}
	return s.sameWeakness(ctx, f, similar)
}

// place names where a page ends.
func (f *Finding) place() string { return f.placeIn(ByPriority) }

// placeIn is place in another order.
func (f *Finding) placeIn(s Sort) string {
	first := int64(f.Priority)
	if s == ByDue && f.DueAt != nil {
		first = f.DueAt.UnixMicro()
	}
	return strconv.FormatInt(first, 10) + "." + strconv.FormatInt(f.ID, 10)
}

// after reads the place of a page's end; ok is false for nonsense, which begins at the top.
func after(text string) (first, id int64, ok bool) {
	left, right, found := strings.Cut(text, ".")
	first, err := strconv.ParseInt(left, 10, 64)
	if err != nil || !found {
		return 0, 0, false
	}
	id, err = strconv.ParseInt(right, 10, 64)
	return first, id, err == nil
}

// limitedTo are the services that the person may see; limited is false where it is all of them.
func limitedTo(ctx context.Context) (ids []int64, limited bool) {
	ids, limited = inventory.VisibleIDs(ctx)
	if limited && len(ids) == 0 {
		ids = []int64{-1}
	}
	return slices.Clone(ids), limited
}
