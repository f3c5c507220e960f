package scan

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/control/predicate"
	"muster/internal/database"
	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/inventory"
	"muster/internal/jobs"
	"muster/internal/posture"
	"muster/internal/probe"
	"muster/internal/topology"
)

// Parts are what a scan works with.
type Parts struct {
	DB      *database.DB
	Access  *access.Control
	Log     *activity.Service
	Book    *inventory.Book
	Ledger  *evidence.Ledger
	Posture *posture.Service
	Map     *topology.Service
	Dialer  probe.Dialer // the address guard
}

// Service runs scans and tells what they saw.
type Service struct {
	db       *database.DB
	access   *access.Control
	log      *activity.Service
	book     *inventory.Book
	ledger   *evidence.Ledger
	posture  *posture.Service
	topology *topology.Service
	dialer   probe.Dialer
	jobs     *jobs.Service
}

// New makes the service.
func New(p Parts) *Service {
	return &Service{db: p.DB, access: p.Access, log: p.Log, book: p.Book, ledger: p.Ledger, posture: p.Posture, topology: p.Map, dialer: p.Dialer}
}

// Through sets the way to the outside, before anything is scanned.
func (s *Service) Through(d probe.Dialer) { s.dialer = d }

// Plan lists the services that a scan of the scope visits: those with an endpoint that something could visit.
func (s *Service) Plan(ctx context.Context, actor access.Actor, scope Scope) ([]inventory.Service, error) {
	if err := scope.Check(); err != nil {
		return nil, err
	}
	all, err := s.chosen(ctx, actor, scope)
	if err != nil {
		return nil, err
	}
	standings, err := s.standings(ctx, all)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(v inventory.Service) bool {
		for _, st := range standings[v.ID] {
			for _, p := range placesOf(&st.Service, st.Endpoints) {
				if p.Expected && (scope.Endpoint == "" || p.Address == scope.Endpoint) {
					return false
				}
			}
		}
		return true
	}), nil
}

// chosen are the services in use that a scope names.
func (s *Service) chosen(ctx context.Context, actor access.Actor, scope Scope) ([]inventory.Service, error) {
	if scope.Service != "" {
		v, err := s.book.Get(ctx, actor, scope.Service)
		if err != nil {
			return nil, err
		}
		if v.RetiredAt != nil {
			return nil, fault.New(fault.Conflict, "%s is retired; what is not in use is not scanned.", v.Name)
		}
		return []inventory.Service{v}, nil
	}
	all, err := s.book.Roster(ctx, actor)
	if err != nil || scope.Control == "" {
		return all, err
	}
	return s.concerned(ctx, actor, scope.Control, all)
}

// concerned are the services that a control applies to, if a probe has anything to say about it.
func (s *Service) concerned(ctx context.Context, actor access.Actor, id string, all []inventory.Service) ([]inventory.Service, error) {
	board, err := s.posture.Board(ctx, actor)
	if err != nil {
		return nil, err
	}
	c, known := board.Rules.Find(id)
	if !known {
		return nil, fault.Missing("control")
	}
	if !slices.ContainsFunc(c.Sources, func(x catalogue.Source) bool { return x.Kind == catalogue.Probe }) {
		return nil, fault.New(fault.Invalid, "No probe can tell anything about %s.", id)
	}
	applies := map[int64]bool{}
	for i := range board.Rows {
		r := &board.Rows[i]
		applies[r.Service.ID] = c.Subject == catalogue.Workspace || r.Cell(id).State != control.NotApplicable
	}
	return slices.DeleteFunc(all, func(v inventory.Service) bool { return !applies[v.ID] }), nil
}

func (s *Service) standings(ctx context.Context, services []inventory.Service) (map[int64]map[int64]*inventory.Standing, error) {
	if len(services) == 0 {
		return nil, nil
	}
	return s.book.Standings(ctx, ids(services))
}

func ids(services []inventory.Service) []int64 {
	list := make([]int64, 0, len(services))
	for i := range services {
		list = append(list, services[i].ID)
	}
	return list
}

func unique(list []int64) []int64 {
	slices.Sort(list)
	return slices.Compact(list)
}

// Step tells how far the scan of a service is.
type Step func(done, total int, words string)

// look visits the endpoints of one service. It stores nothing.
func (s *Service) look(ctx context.Context, service int64, scope Scope, step Step) ([]Seen, error) {
	standings, err := s.book.Standings(ctx, []int64{service})
	if err != nil {
		return nil, err
	}
	stops, err := s.journey(ctx, standings[service], scope)
	if err != nil {
		return nil, err
	}
	seen := make([]Seen, len(stops))
	var mu sync.Mutex
	var all sync.WaitGroup
	done, slots := 0, make(chan struct{}, atOnce)
	for i, v := range stops {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			seen[i] = s.visit(ctx, v)
			mu.Lock()
			defer mu.Unlock()
			done++
			step(done, len(stops), v.place.Address)
		})
	}
	all.Wait()
	return seen, ctx.Err() // told to stop, or the lease was lost: a visit that was cut short proves nothing
}

// atOnce is how many endpoints of one service are visited at the same time.
const atOnce = 8

// stop is one place of a journey and how it is looked at.
type stop struct {
	place   Place
	options probe.Options
}

// journey lists the places of a service that a scan visits, in every environment.
func (s *Service) journey(ctx context.Context, standings map[int64]*inventory.Standing, scope Scope) ([]stop, error) {
	var stops []stop
	for _, st := range standings {
		places := placesOf(&st.Service, st.Endpoints)
		for _, p := range places {
			if (scope.Endpoint == "" && !p.Expected) || (scope.Endpoint != "" && p.Address != scope.Endpoint) {
				continue
			}
			o := probe.Options{Dialer: s.dialer, SeenFrom: here, Operations: operationsOf(st), PublicWeb: p.Public, Ports: scope.Ports, Malformed: scope.Malformed, Unsafe: scope.Unsafe, Burst: scope.Burst}
			if o.Ports {
				ports, err := s.declared(ctx, HostOf(p.Address))
				if err != nil {
					return nil, err
				}
				o.DeclaredPorts = ports
			}
			stops = append(stops, stop{p, o})
		}
	}
	slices.SortFunc(stops, func(a, b stop) int {
		return cmp.Or(cmp.Compare(a.place.Address, b.place.Address), cmp.Compare(a.place.EnvironmentID, b.place.EnvironmentID))
	})
	return stops, nil
}

// declared are the ports of a host that any service of the workspace declares.
func (s *Service) declared(ctx context.Context, host string) ([]int, error) {
	all, err := s.book.Standings(ctx, nil)
	if err != nil {
		return nil, err
	}
	var places []Place
	for _, byEnvironment := range all {
		for _, st := range byEnvironment {
			places = append(places, placesOf(&st.Service, st.Endpoints)...)
		}
	}
	return declaredPorts(host, places), nil
}

func (s *Service) visit(ctx context.Context, v stop) Seen {
	if v.place.Target == "" {
		return Seen{Place: v.place, Visit: probe.Target{Target: v.place.Address, StartedAt: s.db.Now(ctx), Reason: v.place.Reason}}
	}
	t := probe.Visit(ctx, v.place.Target, v.options)
	t.StartedAt = s.db.Now(ctx) // what is stored keeps to the one clock
	return Seen{Place: v.place, Visit: t}
}

// record keeps what was seen of a service, as visits and as evidence, and judges it again: all of it or nothing.
func (s *Service) record(ctx context.Context, run, service int64, seen []Seen) (Outcome, error) {
	var out Outcome
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		rules, err := s.posture.Ruleset(ctx)
		if err != nil {
			return err
		}
		standings, err := s.book.Standings(ctx, []int64{service})
		if err != nil {
			return err
		}
		rows := witnessed(rules.Find, standings[service], seen)
		visits, sum, err := visitsOf(run, seen)
		if err != nil {
			return err
		}
		out = sum
		out.Evidence = len(rows)
		if err := s.keep(ctx, visits); err != nil {
			return err
		}
		if err := s.ledger.Record(ctx, rules.Find, rows); err != nil {
			return err
		}
		if err := s.prune(ctx, service); err != nil {
			return err
		}
		return s.posture.Recompute(ctx, judged(service, rows), posture.Cause{Words: "a probe looked"})
	})
	return out, err
}

// judged are the subjects that evidence speaks about: the service, and the workspace where its own controls do.
func judged(service int64, rows []evidence.Evidence) []int64 {
	if slices.ContainsFunc(rows, func(e evidence.Evidence) bool { return e.ServiceID == 0 }) {
		return []int64{service, 0}
	}
	return []int64{service}
}

// witnessed turns what was seen into evidence, environment by environment.
func witnessed(find evidence.Find, standings map[int64]*inventory.Standing, seen []Seen) []evidence.Evidence {
	var rows []evidence.Evidence
	for environment, st := range standings {
		var operations, workloads []string
		for _, o := range st.Operations {
			operations = append(operations, predicate.OperationName(o.Method, o.Route))
		}
		for _, b := range st.Bindings {
			workloads = append(workloads, b.Workload())
		}
		slices.Sort(workloads)
		there := slices.DeleteFunc(slices.Clone(seen), func(x Seen) bool { return x.Place.EnvironmentID != environment })
		rows = append(rows, witness(find, operations, slices.Compact(workloads), there)...)
	}
	return rows
}

// visitsOf makes the rows of visits, and counts.
func visitsOf(run int64, seen []Seen) ([]Visit, Outcome, error) {
	var out Outcome
	var list []Visit
	for i := range seen {
		x := &seen[i]
		text, err := json.Marshal(&x.Visit)
		if err != nil {
			return nil, out, fmt.Errorf("pack a visit: %w", err)
		}
		from := x.From
		if from == "" {
			from = here
		}
		passed, failed := tally(seen[i : i+1])
		v := Visit{ServiceID: x.Place.ServiceID, EnvironmentID: x.Place.EnvironmentID, Address: x.Place.Address, Target: x.Place.Target, SeenFrom: from, RunID: run, Reached: x.Visit.Reachable, Expected: x.Place.Expected,
			Reason: x.Visit.Reason, Anonymous: anonymous(&x.Visit), Passed: passed, Failed: failed, Report: string(text), DurationMS: x.Visit.DurationMS, VisitedAt: x.Visit.StartedAt}
		out.Passed, out.Failed = out.Passed+passed, out.Failed+failed
		if v.Target != "" {
			out.Endpoints++
		}
		switch {
		case v.Reached:
			v.ReachedAt = &v.VisitedAt
			out.Reached++
		case v.Expected:
			out.Missed++
		}
		list = append(list, v)
	}
	return list, out, nil
}
