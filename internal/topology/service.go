package topology

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/imports/model"
	"muster/internal/inventory"
)

// Service is the one door to the map.
type Service struct {
	db     *database.DB
	access *access.Control
	log    *activity.Service
	book   *inventory.Book
	ledger *evidence.Ledger

	read cache
}

// New makes the service.
func New(db *database.DB, control *access.Control, log *activity.Service, book *inventory.Book, ledger *evidence.Ledger) *Service {
	return &Service{db: db, access: control, log: log, book: book, ledger: ledger, read: cache{files: map[cacheKey][]Seen{}}}
}

// cache keeps what the files of imports say, which never changes once an import counts.
type cache struct {
	mu    sync.Mutex
	files map[cacheKey][]Seen
	order []cacheKey
	size  int
}

type cacheKey struct{ workspace, id int64 }

// mostCached is how many workloads are kept read.
const mostCached = 20_000

func (c *cache) get(k cacheKey) ([]Seen, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, known := c.files[k]
	return list, known
}

func (c *cache) put(k cacheKey, list []Seen) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.files[k]; known {
		return
	}
	c.files[k], c.order, c.size = list, append(c.order, k), c.size+len(list)
	for c.size > mostCached && len(c.order) > 1 {
		c.size -= len(c.files[c.order[0]])
		delete(c.files, c.order[0])
		c.order = c.order[1:]
	}
}

// workloads reads what an import's files say, without what no gate asks for.
func (s *Service) workloads(ctx context.Context, importID int64) ([]Seen, error) {
	key := cacheKey{database.Workspace(ctx), importID}
	if list, known := s.read.get(key); known {
		return list, nil
	}
	data, err := s.book.Effective(ctx, importID)
	if err != nil {
		return nil, err
	}
	found, err := model.Unpack(data)
	if err != nil {
		return nil, err
	}
	for i := range found.Services {
		w := &found.Services[i]
		w.Facts, w.Containers, w.LiteralSecrets, w.Images, w.Storage = nil, nil, nil, nil, nil
	}
	s.read.put(key, found.Services)
	return found.Services, nil
}

// scene reads everything that decides maps, as it is now.
func (s *Service) scene(ctx context.Context) (*inventory.Landscape, Sightings, error) {
	seen := Sightings{Workloads: map[int64][]Seen{}, Now: s.db.Now(ctx)}
	var err error
	if seen.Age, err = answerAge(); err != nil {
		return nil, seen, err
	}
	l, err := s.book.Landscape(ctx)
	if err != nil {
		return nil, seen, err
	}
	for source, i := range l.Imports {
		if seen.Workloads[source], err = s.workloads(ctx, i.ID); err != nil {
			return nil, seen, err
		}
	}
	if seen.Probes, err = s.ledger.Said(ctx, anonymousControl, catalogue.Probe); err != nil {
		return nil, seen, err
	}
	seen.Tests, err = s.tests(ctx)
	return l, seen, err
}

// anonymousControl is the control that says whether a caller without credentials is refused.
const anonymousControl = "IAM-1"

// answerAge is for how long a refusal is believed: as long as evidence of the control holds.
func answerAge() (time.Duration, error) {
	all, err := catalogue.Load()
	if err != nil {
		return 0, err
	}
	c, known := all.Get(anonymousControl)
	if !known {
		return 0, fmt.Errorf("the catalogue lacks %s", anonymousControl)
	}
	return time.Duration(c.Age) * 24 * time.Hour, nil
}

// Picture is the map of one environment, ready for questions.
type Picture struct {
	*Atlas
	Environment  inventory.Environment
	Environments []inventory.Environment
	Limited      bool // the person sees only some services, and only those are drawn and counted

	landscape *inventory.Landscape
	seen      Sightings
}

// Picture draws the map of an environment; "" is production.
func (s *Service) Picture(ctx context.Context, actor access.Actor, environment string) (*Picture, error) {
	if err := s.access.Require(actor, access.Read, access.Inventory); err != nil {
		return nil, err
	}
	l, seen, err := s.scene(ctx)
	if err != nil {
		return nil, err
	}
	p := &Picture{Environments: l.Environments, landscape: l, seen: seen}
	_, p.Limited = inventory.VisibleIDs(ctx)
	l.Limit(ctx)
	found := false
	for _, e := range l.Environments {
		if environment == "" && e.Production || environment != "" && strings.EqualFold(e.Slug, environment) {
			p.Environment, found = e, true
		}
	}
	if !found {
		return nil, fault.Missing("environment")
	}
	p.Atlas = Survey(Draw(l, seen, p.Environment.ID, false))
	return p, nil
}

// Find gives the node of a service's slug.
func (a *Atlas) Find(slug string) (int, bool) {
	for i := range a.Nodes {
		if a.Nodes[i].Slug == slug {
			return i, true
		}
	}
	return 0, false
}

// Verdicts judges every service of an environment by the map, for the workflow that records what it says.
func (s *Service) Verdicts(ctx context.Context, environment int64) ([]Verdict, error) {
	l, seen, err := s.scene(ctx)
	if err != nil {
		return nil, err
	}
	a := Survey(Draw(l, seen, environment, false))
	var whole *Atlas
	if all := Draw(l, seen, environment, true); len(all.Nodes) > len(a.Nodes) {
		whole = Survey(all)
	}
	return a.Verdicts(whole), nil
}
