package finding

import (
	"context"
	"fmt"

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
}

// New makes the service.
func New(db *database.DB, control *access.Control, log *activity.Service, book *inventory.Book, exceptions *exception.Service) *Service {
	return &Service{db: db, access: control, log: log, book: book, accept: exceptions}
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
	if _, err := s.Lapse(ctx); err != nil { // what ran out is open before anything is met with it
		return nil, err
	}
	place, err := s.places(ctx)
	if err != nil {
		return nil, err
	}
	p := &planner{past: &past{scopes: map[scope][]scopeRow{}, newest: map[scope]ReportRun{}, keys: map[string]int64{}, findings: map[int64]*entry{}}, place: place, policy: Shipped(), now: s.db.Now(ctx)}
	sifts, err := s.sift(ctx, p.past, reports)
	if err != nil {
		return nil, err
	}
	if p.cover, err = s.accept.Cover(ctx, p.now, nil); err != nil {
		return nil, err
	}
	p.run(sifts)
	if err := s.statements(ctx, p, statements); err != nil {
		return nil, err
	}
	return p.done(), nil
}

// sift loads what is recorded of the reports' scopes and sets aside what says nothing new.
func (s *Service) sift(ctx context.Context, past *past, reports []Report) ([]*sift, error) {
	var sifts []*sift
	var keys []string
	for i := range reports {
		rep := &reports[i]
		sc := rep.scope()
		rows, err := s.scopeRows(ctx, sc)
		if err != nil {
			return nil, err
		}
		newest, err := s.newestRun(ctx, sc)
		if err != nil {
			return nil, err
		}
		past.scopes[sc], past.newest[sc] = rows, newest
		left, own, err := s.recognise(ctx, rep)
		if err != nil {
			return nil, err
		}
		one := siftReport(rep, left, rows, newest)
		one.own = own
		one.counts.Unchanged += len(own)
		sifts = append(sifts, one)
		for k := range one.rows {
			for _, f := range one.rows[k].keys {
				keys = append(keys, f.key)
			}
		}
	}
	if err := s.byKeys(ctx, keys, past.keys); err != nil {
		return nil, err
	}
	var ids []int64
	for _, id := range past.keys {
		ids = append(ids, id)
	}
	for _, one := range sifts {
		one.wake(past.keys)
		named := map[int64]bool{}
		for id := range one.own {
			named[id] = true
		}
		for k := range one.rows {
			for _, f := range one.rows[k].keys {
				if id, known := past.keys[f.key]; known {
					named[id] = true
				}
			}
		}
		one.leave(past.scopes[one.report.scope()], named)
		for _, r := range append(append([]scopeRow{}, one.gone...), one.clean...) {
			ids = append(ids, r.FindingID)
		}
	}
	return sifts, s.load(ctx, ids, past.findings)
}

// Apply stores what a plan says, in the caller's transaction, and gives the services whose findings changed.
func (s *Service) Apply(ctx context.Context, actor access.Actor, importID int64, p *Plan) ([]int64, error) {
	if err := s.access.Require(actor, access.Write, access.Imports); err != nil {
		return nil, err
	}
	var touched []int64
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.save(ctx, actor, importID, p.entries); err != nil {
			return err
		}
		if err := s.saw(ctx, p.seen); err != nil {
			return err
		}
		for i := range p.runs {
			p.runs[i].ImportID = importID
			for _, id := range splitNumbers(p.runs[i].Services) {
				touched = append(touched, int64(id))
			}
		}
		return database.InsertAll(ctx, s.db, "report", p.runs)
	})
	for _, e := range p.entries {
		touched = append(touched, e.now.ServiceID)
		if e.before != nil {
			touched = append(touched, e.before.ServiceID)
		}
	}
	return set(touched), err
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
