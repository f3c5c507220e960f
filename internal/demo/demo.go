// Package demo invents a company with a year behind it, so that people can click through Muster before they bring
// anything of their own. Everything is done through the same services that people and their files use.
package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/identity"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/scan"
	"muster/internal/steward"
)

// The company.
const (
	company = "Kente Pay"
	domain  = "kente.example"
)

// Days is how long the story of a full demo is.
const Days = 365

// Options say what to invent.
type Options struct {
	Size     string
	Services int // 0 is what the size says
	Findings int
	Years    int
	Seed     uint64
}

// Check refuses what cannot be made yet.
func (o *Options) Check() error {
	switch o.Size {
	case "small":
	case "medium", "large":
		return fault.New(fault.Invalid, "The %s demo is made of findings, and there are none in this version yet. Use --size small.", o.Size)
	default:
		return fault.New(fault.Invalid, "There is no size %q; the sizes are small, medium and large, and so far only small can be made.", o.Size)
	}
	switch {
	case o.Findings != 0:
		return fault.New(fault.Invalid, "There are no findings in this version yet; leave --findings out.")
	case o.Services != 0:
		return fault.New(fault.Invalid, "The small demo is one company of %d services; leave --services out.", len(cast))
	case o.Years != 1:
		return fault.New(fault.Invalid, "The small demo is one year; leave --years out.")
	}
	return nil
}

// Doors are the services that the company's people and machines use.
type Doors struct {
	Identity  *identity.Service
	Inventory *inventory.Book
	Intake    *intake.Workflow
	Posture   *posture.Service
	Steward   *steward.Service
	Scans     *scan.Service
	Findings  *finding.Service
}

// SignIn is how one person of the company comes in.
type SignIn struct {
	Name, Role, Email, Password string
}

// Point is the company's score on a day.
type Point struct {
	Day      time.Time
	Score    float64
	Coverage float64
}

// Result is what was made.
type Result struct {
	Workspace string // its name in addresses
	SignIns   []SignIn
	Points    []Point // about one a month, and the end
}

// run is a story being told.
type run struct {
	Doors
	clock      *Clock
	rng        *rand.Rand
	system     access.Actor
	plan       *plan
	production int64
	workspace  identity.Workspace
	people     map[string]access.Actor
	signIns    []SignIn
	teams      map[string]int64
	exceptions map[string]int64 // by the name that the story gives them
	mistaken   int64            // the import that is undone
}

// Make lets the company live from the clock's start to its end. The services must go by the same clock. tell is told how
// far it is.
func Make(ctx context.Context, doors Doors, clock *Clock, seed uint64, tell func(string)) (*Result, error) {
	r := &run{Doors: doors, clock: clock, rng: rand.New(rand.NewPCG(seed, 0)), system: access.SystemActor("demo"), people: map[string]access.Actor{}, teams: map[string]int64{}, exceptions: map[string]int64{}} //nolint:gosec // a story, not a secret
	r.plan = newPlan(r.rng)
	var err error
	if r.workspace, err = r.Identity.CreateWorkspace(ctx, r.system, company); err != nil {
		return nil, err
	}
	ctx = database.WithWorkspace(ctx, r.workspace.ID)
	if r.production, err = r.Inventory.Production(ctx); err != nil {
		return nil, err
	}
	if err := r.found(ctx); err != nil {
		return nil, err
	}
	result := &Result{Workspace: r.workspace.Slug}
	days := r.schedule()
	for day := 0; day <= clock.days(); day++ {
		if err := r.live(ctx, day, days[day]); err != nil {
			return nil, err
		}
		if day%30 == 0 || day == clock.days() {
			p, err := r.point(ctx)
			if err != nil {
				return nil, err
			}
			result.Points = append(result.Points, p)
			tell(fmt.Sprintf("%s: score %d, %d %% known", p.Day.Format(time.DateOnly), posture.Shown(p.Score), posture.Shown(100*p.Coverage)))
		}
	}
	result.SignIns = r.signIns
	return result, nil
}

// live is one day: the nightly sweep, then the day's work. The last day ends with a look at everything as it is now.
func (r *run) live(ctx context.Context, day int, work []event) error {
	morning := r.clock.morning(day)
	r.clock.to(morning.Add(-4 * time.Hour))
	if err := r.Posture.Sweep(ctx); err != nil {
		return fmt.Errorf("sweep day %d: %w", day, err)
	}
	r.clock.to(morning)
	for i := range work {
		r.clock.tick(2 * time.Minute)
		if err := work[i].do(ctx); err != nil {
			return fmt.Errorf("day %d, %s: %w", day, work[i].what, err)
		}
	}
	if day < r.clock.days() {
		return nil
	}
	r.clock.to(r.clock.end)
	return r.Posture.Sweep(ctx)
}

func (r *run) point(ctx context.Context) (Point, error) {
	board, err := r.Posture.Board(ctx, r.people["ama"])
	if err != nil {
		return Point{}, err
	}
	return Point{Day: r.clock.Now(), Score: board.Whole.Result.Score, Coverage: board.Whole.Result.Coverage}, nil
}
