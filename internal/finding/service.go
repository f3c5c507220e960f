package finding

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/exception"
	"muster/internal/inventory"
)

// Service is the one door to findings.
type Service struct {
	db     *database.DB
	access *access.Control
	log    *activity.Service
	book   *inventory.Book
	accept *exception.Service
	most   int // rows of a report at a time
}

// New makes the service.
func New(db *database.DB, control *access.Control, log *activity.Service, book *inventory.Book, exceptions *exception.Service) *Service {
	return &Service{db: db, access: control, log: log, book: book, accept: exceptions, most: atOnce}
}

// placeOf says what a service adds to the weight of its findings.
func placeOf(s *inventory.Service) Place {
	return Place{Name: s.Name, Tier: s.Tier, Exposure: string(s.Exposure), DataClasses: s.Classes(), Exists: true}
}

// places loads what the services add to the weight of their findings.
func (s *Service) places(ctx context.Context) (func(int64) Place, error) {
	list, err := s.book.RosterAt(ctx, access.SystemActor("finding"))
	if err != nil {
		return nil, fmt.Errorf("load services of findings: %w", err)
	}
	byID := make(map[int64]Place, len(list))
	for i := range list {
		byID[list[i].ID] = placeOf(&list[i])
	}
	return func(id int64) Place { return byID[id] }, nil
}

// Plan computes what reports and vendors' statements would do now. Nothing is stored.
func (s *Service) Plan(ctx context.Context, reports []Report, statements ...Statement) (*Plan, error) {
	return s.PlanOf(ctx, reports, streamOf(reports), statements...)
}

// PlanOf does as Plan, for reports whose rows a stream tells.
func (s *Service) PlanOf(ctx context.Context, reports []Report, told Stream, statements ...Statement) (*Plan, error) {
	if _, err := s.Lapse(ctx); err != nil { // what ran out is open before anything is met with it
		return nil, err
	}
	place, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	w := &work{service: s, told: told, statements: statements, place: place, now: s.db.Now(ctx), most: s.most}
	if len(statements) > 0 {
		w.most = 1 << 30 // they may speak of any finding that the reports meet
	}
	if err := w.sift(ctx, reports); err != nil {
		return nil, err
	}
	if w.cover, err = s.accept.Cover(ctx, w.now, nil); err != nil {
		return nil, err
	}
	return w.plan(ctx)
}

// Apply stores what a plan says, in the caller's transaction, and gives the services whose findings changed.
func (s *Service) Apply(ctx context.Context, actor access.Actor, importID int64, p *Plan) ([]int64, error) {
	if err := s.access.Require(actor, access.Write, access.Imports); err != nil {
		return nil, err
	}
	touched := map[int64]bool{}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		err := p.each(ctx, func(entries []*entry) error {
			for _, e := range entries {
				touched[e.now.ServiceID] = true
				if e.before != nil {
					touched[e.before.ServiceID] = true
				}
			}
			return s.save(ctx, actor, importID, entries)
		})
		if err != nil {
			return err
		}
		if err := s.saw(ctx, p.seen); err != nil {
			return err
		}
		for i := range p.runs {
			p.runs[i].ImportID = importID
			for _, id := range splitNumbers(p.runs[i].Services) {
				touched[int64(id)] = true
			}
		}
		return database.InsertAll(ctx, s.db, "report", p.runs)
	})
	return slices.Sorted(maps.Keys(touched)), err
}

// undoData is what an undo puts back.
type undoData struct {
	Finding *Finding `json:"finding"`
	Sources []Source `json:"sources"`
	Keys    []string `json:"keys"` // that came with this change
	Took    []int64  `json:"took"` // findings whose keys it took over
	Had     []string `json:"had"`  // keys that another finding took
}

// save stores entries: new findings, changed ones, their sources, keys and events, and the counters.
func (s *Service) save(ctx context.Context, actor access.Actor, importID int64, entries []*entry) error {
	now := s.db.Now(ctx)
	fresh := 0
	for _, e := range entries {
		if e.before == nil {
			fresh++
		}
	}
	ids, err := s.db.Reserve(ctx, "findings", fresh)
	if err != nil {
		return err
	}
	real := make(map[int64]int64, fresh)
	for _, e := range entries {
		if e.before == nil {
			real[e.now.ID] = ids[len(real)]
			e.now.ID = real[e.now.ID]
		}
	}
	w := &writing{tally: tally{}, debts: debts{}, now: now, actor: actor, importID: importID}
	if w.had, err = s.keysTaken(ctx, entries); err != nil {
		return err
	}
	for _, e := range entries {
		if id, isNew := real[e.now.DuplicateOf]; isNew {
			e.now.DuplicateOf = id
		}
		if err := w.entry(e); err != nil {
			return err
		}
	}
	return s.write(ctx, w)
}
