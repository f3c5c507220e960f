package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/exception"
)

// Counts is the difference that reports make, as `muster import --json` prints it.
type Counts struct {
	Created   int `json:"created"`
	Reopened  int `json:"reopened"`
	Unchanged int `json:"unchanged"`
	Ended     int `json:"ended"`
	Updated   int `json:"updated"`
}

// Any reports whether something changes.
func (c Counts) Any() bool { return c.Created+c.Reopened+c.Ended+c.Updated > 0 }

// Runs are the reports as they will be noted.
func (p *Plan) Runs() []ReportRun { return p.runs }

func (c *Counts) add(o Counts) {
	c.Created += o.Created
	c.Reopened += o.Reopened
	c.Unchanged += o.Unchanged
	c.Ended += o.Ended
	c.Updated += o.Updated
}

// Sample is one change of a plan, for people.
type Sample struct {
	Action    Action
	ID        int64 // 0 for a new one
	Title     string
	Severity  Severity
	ServiceID int64
	Label     string
	Words     string
}

// maxSamples is how many changes of one kind a plan shows.
const maxSamples = 8

// Plan is what reports will do. The preview shows it, confirm runs it.
type Plan struct {
	Counts  Counts
	Samples []Sample
	Held    bool   // waits for a word: too much would be gone
	Why     string // why it waits
	Same    bool   // every report was read before, word for word

	runs    []ReportRun
	entries []*entry
	seen    []int64 // sources that see again what they saw
}

// scope is what one tool looks at.
type scope struct {
	tool                 string
	source, scopeService int64
}

func (r *Report) scope() scope { return scope{r.Tool, r.SourceID, r.ScopeService} }

// scopeRow is what a scope said of a finding before, and where the finding stands.
type scopeRow struct {
	ID         int64
	FindingID  int64
	Facts      string
	GoneAt     *time.Time
	GoneImport int64
	State      State
	Live       int
	ServiceID  int64
	Label      string
}

// entry is one finding while a plan is made.
type entry struct {
	before        *Finding // nil for a new one
	now           Finding
	sources       []Source
	sourcesBefore []Source
	closure       int64 // the event that closed it last
	keys          []fact
	took          []int64 // findings that became part of it: their keys are its own now
	events        []Event
	changed       bool
}

// past is everything recorded that a plan needs.
type past struct {
	scopes   map[scope][]scopeRow
	newest   map[scope]ReportRun
	keys     map[string]int64
	findings map[int64]*entry
}

// planner computes a plan: a function of what is recorded, what the reports say, and the time.
type planner struct {
	past    *past
	place   func(service int64) Place
	policy  Policy
	cover   *exception.Cover // the rules that accept what comes
	now     time.Time
	plan    *Plan
	fresh   int64           // the last id given to a new finding; they count down from 0
	merged  map[int64]int64 // findings that became part of another
	samples map[Action]int
}

// sift is a report after the rows were put together and those were set aside that say nothing new.
type sift struct {
	report *Report
	rows   []Row
	same   bool // the very report was read before
	seen   map[int64]bool
	quiet  map[int64]quiet // what says nothing new, by its finding
	own    map[int64]bool  // findings that an export of this workspace brought back: it says nothing of them
	gone   []scopeRow      // what a complete report no longer sees
	clean  []scopeRow      // what it does not see for the second time
	before int             // what the scope saw before
	covers func(*scopeRow) bool
	counts Counts
}

// quiet is a row that says what was known.
type quiet struct {
	row    Row
	source int64
}

// wake takes quiet rows back in whose finding is met by another row as well, and puts the rows of one finding together.
func (s *sift) wake(findings map[string]int64) {
	for _, r := range s.rows {
		for _, k := range r.keys {
			id, known := findings[k.key]
			if !known {
				continue
			}
			if q, sleeps := s.quiet[id]; sleeps {
				delete(s.quiet, id)
				delete(s.seen, q.source)
				s.counts.Unchanged--
				s.rows = append(s.rows, q.row)
				for _, own := range q.row.keys { // it is known by them, or it would not be quiet
					findings[own.key] = id
				}
			}
		}
	}
	s.rows = rejoin(s.rows, findings)
}

// coverage says what a report speaks about. Without a service that a person chose, that is what its rows name: the
// report of one service, imported beside that of another, must not end what the other saw. One without any row speaks
// about everything of its scope, and is held where that is much.
func coverage(rep *Report) func(*scopeRow) bool {
	if rep.ScopeService != 0 || len(rep.Rows) == 0 {
		return func(*scopeRow) bool { return true }
	}
	services, labels := map[int64]bool{}, map[string]bool{}
	for i := range rep.Rows {
		if r := &rep.Rows[i]; r.ServiceID != 0 {
			services[r.ServiceID] = true
		} else {
			labels[strings.ToLower(r.Label)] = true
		}
	}
	return func(r *scopeRow) bool {
		return services[r.ServiceID] || r.ServiceID == 0 && labels[strings.ToLower(r.Label)]
	}
}

// siftReport sets aside what says nothing new.
func siftReport(rep *Report, told []Row, rows []scopeRow, newest ReportRun) *sift {
	s := &sift{report: rep, seen: map[int64]bool{}, quiet: map[int64]quiet{}}
	joined := join(told)
	s.covers = coverage(rep)
	for i := range rows {
		if rows[i].GoneAt == nil && s.covers(&rows[i]) {
			s.before++
		}
	}
	if newest.ID != 0 && newest.Digest == rep.Digest && newest.Complete == rep.Complete {
		s.same = true
		s.counts.Unchanged = len(joined)
		return s
	}
	byFacts := make(map[string]*scopeRow, len(rows))
	for i := range rows {
		byFacts[rows[i].Facts] = &rows[i]
	}
	for i := range joined {
		r := &joined[i]
		old := byFacts[factsOf(r)]
		if old == nil || (r.Status == Reported) != (old.GoneAt == nil) || old.State == Fixed || old.State == Closed {
			s.rows = append(s.rows, *r)
			continue
		}
		s.seen[old.ID] = true
		s.quiet[old.FindingID] = quiet{*r, old.ID}
		s.counts.Unchanged++
	}
	return s
}

// leave finds what a complete report no longer sees, once its rows are known by their findings.
func (s *sift) leave(rows []scopeRow, named map[int64]bool) {
	if !s.report.Complete || s.same {
		return
	}
	for _, r := range rows {
		switch {
		case s.seen[r.ID] || named[r.FindingID] || !s.covers(&r):
		case r.GoneAt == nil:
			s.gone = append(s.gone, r)
		case r.State == Fixed && r.Live == 0:
			s.clean = append(s.clean, r)
		}
	}
}

// run meets the reports.
func (p *planner) run(sifts []*sift) {
	p.plan = &Plan{Same: len(sifts) > 0}
	p.merged, p.samples = map[int64]int64{}, map[Action]int{}
	for _, s := range sifts {
		p.report(s)
	}
}

// done gives the plan, with what changed in an order of its own.
func (p *planner) done() *Plan {
	for _, e := range p.past.findings {
		if e.changed {
			p.plan.entries = append(p.plan.entries, e)
		}
	}
	slices.SortFunc(p.plan.entries, func(a, b *entry) int {
		if (a.now.ID < 0) != (b.now.ID < 0) {
			return cmp.Compare(b.now.ID, a.now.ID) // known ones first
		}
		if a.now.ID < 0 {
			return cmp.Compare(b.now.ID, a.now.ID) // new ones in the order of the report
		}
		return cmp.Compare(a.now.ID, b.now.ID)
	})
	for _, e := range p.plan.entries {
		p.acceptByRule(e)
	}
	return p.plan
}

func (p *planner) report(s *sift) {
	rep := s.report
	p.plan.Same = p.plan.Same && s.same
	for i := range s.rows {
		p.row(s, &s.rows[i])
	}
	ended := 0
	for _, r := range s.gone {
		e := p.at(r.FindingID)
		if e == nil || !p.end(e, rep, "") {
			continue
		}
		ended++
	}
	s.counts.Ended += ended
	for _, r := range s.clean {
		if e := p.at(r.FindingID); e != nil && e.now.State == Fixed && e.now.Live == 0 {
			p.close(e, rep)
			s.counts.Updated++
		}
	}
	for id := range s.seen {
		p.plan.seen = append(p.plan.seen, id)
	}
	if ended*2 > s.before {
		p.plan.Held = true
		p.plan.Why = fmt.Sprintf("%s saw %s here before, and this report no longer shows %d of them. Did the scanner fail? Say that they are really gone, or import the report as a part.", rep.Tool, many(s.before, "finding"), ended)
	}
	p.plan.Counts.add(s.counts)
	run := ReportRun{ImportID: rep.ImportID, Tool: rep.Tool, SourceID: rep.SourceID, EnvironmentID: rep.EnvironmentID, ScopeService: rep.ScopeService, Digest: rep.Digest, Complete: rep.Complete,
		Aspects: joinWords(rep.Aspects), Services: servicesOf(rep), SeenAt: rep.SeenAt, RowCount: len(rep.Rows), Created: s.counts.Created, Reopened: s.counts.Reopened, Unchanged: s.counts.Unchanged, Ended: s.counts.Ended, Updated: s.counts.Updated, CreatedAt: p.now}
	if run.SeenAt.IsZero() || run.SeenAt.After(p.now) {
		run.SeenAt = p.now
	}
	if s.same {
		run.SeenAt = p.past.newest[rep.scope()].SeenAt // the same words are no younger for being said again
	}
	p.plan.runs = append(p.plan.runs, run)
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// at gives a finding by the id that it had before this plan.
func (p *planner) at(id int64) *entry {
	for {
		to, moved := p.merged[id]
		if !moved {
			return p.past.findings[id]
		}
		id = to
	}
}

// row meets one row with the findings that share a key with it.
func (p *planner) row(s *sift, r *Row) {
	var found []*entry
	for _, k := range r.keys {
		if id, known := p.past.keys[k.key]; known {
			if e := p.at(id); e != nil && !slices.Contains(found, e) {
				found = append(found, e)
			}
		}
	}
	if len(found) == 0 {
		if r.Status != Reported {
			return // a closed row opens nothing
		}
		p.create(r, s.report)
		s.counts.Created++
		return
	}
	e := p.unite(found, s.report)
	was := e.now.State
	live := e.liveOf(s.report)
	changed := p.see(e, r, s.report)
	switch {
	case was != e.now.State && (was == Fixed || was == Closed) && e.now.State == Open:
		s.counts.Reopened++
	case live && r.Status != Reported:
		s.counts.Ended++
	case changed:
		s.counts.Updated++
	default:
		s.counts.Unchanged++
	}
}

func (p *planner) create(r *Row, rep *Report) {
	p.fresh--
	f := opened(r, p.now)
	f.ID = p.fresh
	e := &entry{now: f, changed: true, keys: r.keys}
	e.sources = []Source{p.source(r, rep)}
	e.now.Live = 1
	settle(&e.now, p.place(f.ServiceID), p.policy, p.now, false)
	words := rep.Tool + " reported it."
	e.events = append(e.events, Event{Action: Opened, ToState: Open, Layer: ByReport, Words: words})
	p.sample(Opened, e, words)
	for _, k := range r.keys {
		p.past.keys[k.key] = f.ID
	}
	p.past.findings[f.ID] = e
}

func (p *planner) source(r *Row, rep *Report) Source {
	return Source{Tool: rep.Tool, SourceID: rep.SourceID, ScopeService: rep.ScopeService, Rule: r.Rule, Severity: r.Severity, SeverityFrom: r.SeverityFrom, ToolWord: r.ToolWord,
		Status: r.Status, StatusReason: r.StatusReason, Occurrences: r.Occurrences, Facts: factsOf(r), FirstSeen: p.now, LastSeen: p.now}
}

func (p *planner) sample(a Action, e *entry, words string) {
	if p.samples[a]++; p.samples[a] > maxSamples {
		return
	}
	p.plan.Samples = append(p.plan.Samples, Sample{Action: a, ID: max(e.now.ID, 0), Title: e.now.Title, Severity: e.now.Severity, ServiceID: e.now.ServiceID, Label: e.now.Label, Words: words})
}

// note adds a line of history; the first one of a plan keeps what an undo puts back.
func (p *planner) note(e *entry, v Event) {
	e.changed = true
	e.events = append(e.events, v)
	if e.now.ID > 0 {
		p.sample(v.Action, e, v.Words)
	}
}

// move takes a finding to another state, if the table leads there.
func (p *planner) move(e *entry, to State, by Layer, action Action, words, note string) bool {
	from := e.now.State
	if from == to || !MayMove(from, to, by) {
		return false
	}
	v := Event{Action: action, FromState: from, ToState: to, Layer: by, Words: words, Note: note}
	if action == Reopened {
		v.Contradicts = e.closure
	}
	enter(&e.now, to, by, 0, p.now)
	if to == NotAffected {
		e.now.Justification = justified(note)
	}
	p.refresh(e, to == Open && action == Reopened)
	p.note(e, v)
	return true
}

// refresh makes what follows from the facts true. again says that the clock began anew.
func (p *planner) refresh(e *entry, again bool) {
	settle(&e.now, p.place(e.now.ServiceID), p.policy, p.now, !again)
}
