package posture

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"muster/internal/control"
	"muster/internal/control/catalogue"
)

// Recompute makes the stored states, scores and the day's snapshot of the named services true again, in the caller's
// transaction. It touches nothing else but the workspace's own score. nil means everything.
func (s *Service) Recompute(ctx context.Context, services []int64, cause Cause) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if services != nil {
			if services = unique(services); len(services) == 0 {
				return nil
			}
		}
		if err := s.controls.Meet(ctx); err != nil {
			return err
		}
		before, err := s.standing(ctx)
		if err != nil {
			return err
		}
		if !cause.Said {
			if services, err = s.look(ctx, services); err != nil {
				return err
			}
		}
		return s.judge(ctx, services, before, cause)
	})
}

// look takes down what inventory, findings and map say of services, and adds those of which the map says something new.
func (s *Service) look(ctx context.Context, services []int64) ([]int64, error) {
	services, own, err := s.withOwn(ctx, services)
	if err != nil {
		return nil, err
	}
	seen, err := s.observe(ctx, services, own)
	if err != nil {
		return nil, err
	}
	if _, err := s.lookAtFindings(ctx, seen); err != nil {
		return nil, err
	}
	more, err := s.lookAtMap(ctx)
	if err != nil || services == nil {
		return nil, err
	}
	return unique(append(services, more...)), nil
}

// judge stores the states and scores of services, by what was taken down.
func (s *Service) judge(ctx context.Context, services []int64, before *standing, cause Cause) error {
	w, err := s.load(ctx, services)
	if err != nil {
		return err
	}
	all, err := w.judge()
	if err != nil {
		return err
	}
	if err := s.saveStates(ctx, w, services, all); err != nil {
		return err
	}
	if err := s.saveScores(ctx, w, all, before, cause); err != nil {
		return err
	}
	return s.followTasks(ctx, services)
}

// followTasks lets the tasks that cover findings or controls of the services follow what became of them.
func (s *Service) followTasks(ctx context.Context, services []int64) error {
	if s.tasks == nil {
		return nil
	}
	return s.tasks.Follow(ctx, services)
}

// withOwn adds the workspace to the services that are judged when what is known of it changed: a service went public,
// or an address of a public one came or went.
func (s *Service) withOwn(ctx context.Context, services []int64) ([]int64, []control.Subject, error) {
	public, addresses, err := s.book.PublicFace(ctx)
	if err != nil {
		return nil, nil, err
	}
	f := &control.Facts{Live: true, Is: map[string]bool{}}
	if public {
		f.Is["public_service"] = true
		f.Parts = map[catalogue.Part][]string{catalogue.Endpoint: append([]string{}, addresses...)}
	}
	own, err := control.NewSubject(0, 0, f)
	if err != nil || services == nil || slices.Contains(services, 0) {
		return services, []control.Subject{own}, err
	}
	known, err := s.controls.Subjects(ctx, []int64{0})
	if err != nil || (len(known) == 1 && known[0].Facts == own.Facts) {
		return services, nil, err
	}
	return append(services, 0), []control.Subject{own}, nil
}

// observe writes down what the inventory knows of the services now, and what is known of the workspace. It gives the
// services that there are.
func (s *Service) observe(ctx context.Context, services []int64, own []control.Subject) ([]int64, error) {
	standings, err := s.book.Standings(ctx, services)
	if err != nil {
		return nil, err
	}
	now := own
	for id, byEnvironment := range standings {
		for e, st := range byEnvironment {
			subject, err := control.NewSubject(id, e, factsOf(st))
			if err != nil {
				return nil, err
			}
			now = append(now, subject)
		}
	}
	return slices.Collect(maps.Keys(standings)), s.controls.Observe(ctx, now)
}

// saveStates stores what differs from what is stored. A control about which nothing is known has no row.
func (s *Service) saveStates(ctx context.Context, w *world, services []int64, all []judged) error {
	stored, err := s.controls.States(ctx, services)
	if err != nil {
		return err
	}
	type key struct {
		place
		control string
	}
	have := map[key]control.State{}
	for _, row := range stored {
		have[key{place{row.ServiceID, row.EnvironmentID}, row.Control}] = row
	}
	var fresh, changed []control.State
	for i := range all {
		j := &all[i]
		for id, v := range j.verdicts {
			row, err := stateRow(j, id, &v)
			if err != nil {
				return err
			}
			k := key{j.place, id}
			old, known := have[k]
			delete(have, k)
			row.Since = w.now
			switch {
			case !known && worthless(&row):
			case !known:
				fresh = append(fresh, row)
			case worthless(&row):
				have[k] = old // dropped below
			case same(&old, &row):
			default:
				if old.State == row.State && old.Contradicted == row.Contradicted {
					row.Since = old.Since
				}
				row.ID, row.WorkspaceID = old.ID, old.WorkspaceID
				changed = append(changed, row)
			}
		}
	}
	var gone []int64
	for _, row := range have {
		gone = append(gone, row.ID)
	}
	return s.controls.SaveStates(ctx, fresh, changed, gone)
}

// worthless is a state that says no more than its absence.
func worthless(s *control.State) bool {
	return s.State == control.NotKnown && s.Known == 0 && s.ExceptedUntil == nil
}

func stateRow(j *judged, id string, v *control.Verdict) (control.State, error) {
	row := control.State{ServiceID: j.service, EnvironmentID: j.environment, Control: id, State: v.State, Value: v.Value, Contradicted: v.Contradicted, Known: v.Known, Total: v.Total}
	if until := v.GoodUntil(); !until.IsZero() {
		row.GoodUntil = &until
	}
	if until, excepted := j.excepted[id]; excepted {
		row.ExceptedUntil = &until
		if row.GoodUntil == nil || until.Before(*row.GoodUntil) {
			row.GoodUntil = &until // what is shown changes then, though not the state
		}
	}
	if len(v.Later) > 0 {
		later, err := encode(v.Later)
		if err != nil {
			return row, err
		}
		row.Later = later
	}
	return row, nil
}

func same(a, b *control.State) bool {
	return a.State == b.State && a.Value == b.Value && a.Contradicted == b.Contradicted && a.Known == b.Known && a.Total == b.Total && a.Later == b.Later && sameTime(a.GoodUntil, b.GoodUntil) && sameTime(a.ExceptedUntil, b.ExceptedUntil)
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// standing is the workspace's score and what it was made of.
type standing struct {
	rows     map[int64]control.Score
	details  map[int64]Detail
	judged   bool
	previous float64
}

func (s *Service) standing(ctx context.Context) (*standing, error) {
	rows, err := s.controls.Scores(ctx)
	if err != nil {
		return nil, err
	}
	st := &standing{rows: map[int64]control.Score{}, details: map[int64]Detail{}}
	for _, r := range rows {
		d, err := s.recall(ctx, &r, len(rows))
		if err != nil {
			return nil, err
		}
		st.rows[r.ServiceID], st.details[r.ServiceID] = r, d
		if r.ServiceID == 0 {
			st.judged, st.previous = d.Result.Judged, r.Score
		}
	}
	return st, nil
}

// saveScores stores the scores of what was judged, the workspace's score, the day's snapshots, and what of the
// difference came from another scope.
func (s *Service) saveScores(ctx context.Context, w *world, all []judged, before *standing, cause Cause) error {
	var shipped *control.Ruleset
	if w.rules.Custom() {
		shipped = w.rules.Shipped()
	}
	after := &standing{rows: map[int64]control.Score{}, details: map[int64]Detail{}}
	for id, r := range before.rows {
		after.rows[id], after.details[id] = r, before.details[id]
	}
	var rows []control.Score
	var gone []int64
	next := nextOf(all, w.now)
	governance := before.rows[0].Cells
	for i := range all {
		j := &all[i]
		switch {
		case j.service == 0:
			governance = packCells(j.cells())
		case j.environment != w.production:
		case !j.facts.Live:
			gone = append(gone, j.service)
			delete(after.rows, j.service)
			delete(after.details, j.service)
		default:
			d := detailOf(j, w.rules, shipped, w.now)
			d.Next = next[j.service]
			row, err := scoreRow(j.service, d, packCells(j.cells()), w.now)
			if err != nil {
				return err
			}
			rows = append(rows, row)
			after.rows[j.service], after.details[j.service] = row, d
		}
	}
	whole, d, err := workspaceRow(w, after.details, governance, shipped)
	if err != nil {
		return err
	}
	after.rows[0], after.details[0] = whole, d
	rows = append(rows, whole)
	if err := s.controls.DropScores(ctx, gone); err != nil {
		return err
	}
	if err := s.controls.SaveScores(ctx, rows); err != nil {
		return err
	}
	for i := range rows {
		s.remember(ctx, &rows[i], after.details[rows[i].ServiceID], len(after.rows))
	}
	if err := s.splitScope(ctx, w, before, after, whole, governance, cause); err != nil {
		return err
	}
	if cause.aged {
		rows = slices.Collect(maps.Values(after.rows)) // a day has a row of every service, touched or not
	}
	return s.snapshot(ctx, w.now, rows, after.details)
}

func scoreRow(service int64, d Detail, cells string, now time.Time) (control.Score, error) {
	text, err := encode(d)
	return control.Score{ServiceID: service, Score: d.Result.Score, Rated: d.Result.Rated(), Coverage: d.Result.Coverage, Detail: text, Cells: cells, Formula: Formula, ComputedAt: now}, err
}

// governanceTerms are the lines of the workspace's own controls.
func governanceTerms(rules *control.Ruleset, cells string) []Term {
	known := unpackCells(cells)
	return terms(rules.For(catalogue.Workspace), func(id string) cell {
		if c, ok := known[id]; ok {
			return c
		}
		return cell{State: control.NotKnown}
	})
}

// workspaceRow joins all services and the workspace's own controls.
func workspaceRow(w *world, details map[int64]Detail, governance string, shipped *control.Ruleset) (control.Score, Detail, error) {
	d := wholeOf(details, w.rules, governance)
	if shipped != nil {
		r := wholeResult(details, governanceTerms(shipped, governance), func(d Detail) Result {
			if d.Shipped != nil {
				return *d.Shipped
			}
			return d.Result
		})
		d.Shipped = &r
	}
	row, err := scoreRow(0, d, governance, w.now)
	return row, d, err
}

// wholeResult is the workspace's score by one score of each service.
func wholeResult(details map[int64]Detail, governance []Term, score func(Detail) Result) Result {
	list := make([]ServiceScore, 0, len(details))
	for id, d := range details {
		if id != 0 {
			list = append(list, ServiceScore{ID: id, Tier: d.Tier, Result: score(d)})
		}
	}
	sortServices(list)
	return workspaceScore(list, governance)
}

// wholeOf adds services and the workspace's own controls up.
func wholeOf(details map[int64]Detail, rules *control.Ruleset, governance string) Detail {
	own := governanceTerms(rules, governance)
	future := func(score func(Detail) float64) float64 {
		return wholeResult(details, own, func(d Detail) Result { d.Result.Score = score(d); return d.Result }).Score
	}
	d := Detail{Result: wholeResult(details, own, func(d Detail) Result { return d.Result }), Domains: map[string]DomainResult{}, Counts: map[string]int{}}
	d.In30, d.In90 = future(func(d Detail) float64 { return d.In30 }), future(func(d Detail) float64 { return d.In90 })
	for _, id := range slices.Sorted(maps.Keys(details)) {
		if id == 0 {
			continue
		}
		for domain, r := range details[id].Domains {
			d.Domains[domain] = d.Domains[domain].join(r, tierWeight(details[id].Tier))
		}
		for word, n := range details[id].Counts {
			d.Counts[word] += n
		}
	}
	cells := unpackCells(governance)
	for _, e := range rules.For(catalogue.Workspace) {
		c, ok := cells[e.ID]
		if !ok {
			c = cell{State: control.NotKnown}
		}
		if e.Scored && c.State != control.NotApplicable {
			d.Domains[string(e.Domain)] = d.Domains[string(e.Domain)].add(e.Points, &c)
		}
	}
	return d
}

func (d DomainResult) join(o DomainResult, weight float64) DomainResult {
	d.Points += weight * o.Points
	d.Weight += weight * o.Weight
	d.Known += weight * o.Known
	d.Failing += o.Failing
	d.Unknown += o.Unknown
	d.Controls += o.Controls
	return d
}

// splitScope keeps what of a difference came from another scope: services that came or went, other tiers, or all of it
// where the cause says so.
func (s *Service) splitScope(ctx context.Context, w *world, before, after *standing, whole control.Score, governance string, cause Cause) error {
	if !before.judged || !after.details[0].Result.Judged && len(after.details) < 2 {
		return nil
	}
	difference := 0.0
	if cause.Scope {
		difference = whole.Score - before.previous
	} else {
		// The same services with their tiers of before: what is left of the difference is another scope.
		kept := map[int64]Detail{}
		for id, d := range after.details {
			if old, was := before.details[id]; was {
				d.Tier = old.Tier
				kept[id] = d
			}
		}
		if r := wholeResult(kept, governanceTerms(w.rules, governance), func(d Detail) Result { return d.Result }); r.Judged {
			difference = whole.Score - r.Score
		}
	}
	if !differs(difference, 0) {
		return nil
	}
	words := cause.Words
	if words == "" {
		words = scopeWords(before, after)
	}
	return s.controls.SaveScopeChange(ctx, control.ScopeChange{Words: words, Reason: cause.Reason, Difference: difference, ActorName: cause.Actor})
}

func scopeWords(before, after *standing) string {
	came, went := 0, 0
	for id := range after.details {
		if _, was := before.details[id]; !was && id != 0 {
			came++
		}
	}
	for id := range before.details {
		if _, is := after.details[id]; !is && id != 0 {
			went++
		}
	}
	return fmt.Sprintf("%d services came, %d went", came, went)
}

// snapshot keeps the scores of the day.
func (s *Service) snapshot(ctx context.Context, now time.Time, rows []control.Score, details map[int64]Detail) error {
	start := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	scope, err := s.controls.ScopeDifference(ctx, start)
	if err != nil {
		return err
	}
	list := make([]control.Snapshot, 0, len(rows))
	for _, r := range rows {
		d := details[r.ServiceID]
		short, err := encode(map[string]any{"domains": shares(d.Domains), "counts": d.Counts, "judged": d.Result.Judged})
		if err != nil {
			return err
		}
		n := control.Snapshot{ServiceID: r.ServiceID, Day: now.Format(time.DateOnly), Score: r.Score, Rated: r.Rated, Coverage: r.Coverage, Detail: short, Formula: Formula, CreatedAt: now}
		if r.ServiceID == 0 {
			n.ScopeChange = scope
		}
		list = append(list, n)
	}
	return s.controls.SaveSnapshots(ctx, list)
}

func shares(domains map[string]DomainResult) map[string]int {
	list := map[string]int{}
	for id, d := range domains {
		if share, ok := d.Share(); ok {
			list[id] = Shown(share)
		}
	}
	return list
}
