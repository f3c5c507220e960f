package finding

import (
	"cmp"
	"fmt"
	"slices"
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

	runs []ReportRun
	seen []int64 // sources that see again what they saw
	work *work

	// entries are what changes, where that is little; what a large report changes is computed again, part by part, when it
	// is stored.
	entries []*entry
	large   bool
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

// past is everything recorded that some rows meet.
type past struct {
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

// meet makes the planner forget the findings before, for those that come.
func (p *planner) meet() {
	p.past, p.merged = &past{keys: map[string]int64{}, findings: map[int64]*entry{}}, map[int64]int64{}
}

// done gives what changed, in an order of its own.
func (p *planner) done() []*entry {
	var entries []*entry
	for _, e := range p.past.findings {
		if e.changed {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b *entry) int {
		if (a.now.ID < 0) != (b.now.ID < 0) {
			return cmp.Compare(b.now.ID, a.now.ID) // known ones first
		}
		if a.now.ID < 0 {
			return cmp.Compare(b.now.ID, a.now.ID) // new ones in the order of the report
		}
		return cmp.Compare(a.now.ID, b.now.ID)
	})
	for _, e := range entries {
		p.acceptByRule(e)
	}
	return entries
}

// piece meets what one report says of some findings.
func (p *planner) piece(c *piece) {
	rep := c.report
	for i := range c.rows {
		p.row(c, &c.rows[i])
	}
	for _, r := range c.gone {
		if e := p.at(r.FindingID); e != nil && p.end(e, rep, "") {
			c.counts.Ended++
			c.counts.gone++
		}
	}
	for _, r := range c.clean {
		if e := p.at(r.FindingID); e != nil && e.now.State == Fixed && e.now.Live == 0 {
			p.close(e, rep)
			c.counts.Updated++
		}
	}
}

// conclude says of a report as a whole what came of it.
func (p *planner) conclude(s *sift, counts *counted) {
	rep := s.report
	p.plan.Same = p.plan.Same && s.same
	for id := range s.seen {
		p.plan.seen = append(p.plan.seen, id)
	}
	if counts.gone*2 > s.before {
		p.plan.Held = true
		p.plan.Why = fmt.Sprintf("%s saw %s here before, and this report no longer shows %d of them. Did the scanner fail? Say that they are really gone, or import the report as a part.", rep.Tool, many(s.before, "finding"), counts.gone)
	}
	sum := counts.Counts
	sum.Unchanged += s.unchanged
	p.plan.Counts.add(sum)
	run := ReportRun{ImportID: rep.ImportID, Tool: rep.Tool, SourceID: rep.SourceID, EnvironmentID: rep.EnvironmentID, ScopeService: rep.ScopeService, Digest: rep.Digest, Complete: rep.Complete,
		Aspects: joinWords(rep.Aspects), Services: s.servicesOf(), SeenAt: rep.SeenAt, RowCount: s.n, Created: sum.Created, Reopened: sum.Reopened, Unchanged: sum.Unchanged, Ended: sum.Ended, Updated: sum.Updated, CreatedAt: p.now}
	if run.SeenAt.IsZero() || run.SeenAt.After(p.now) {
		run.SeenAt = p.now
	}
	if s.same {
		run.SeenAt = s.newest.SeenAt // the same words are no younger for being said again
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
func (p *planner) row(s *piece, r *Row) {
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
