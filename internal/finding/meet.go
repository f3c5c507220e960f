package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// sourceOf finds what the scope of a report said before.
func (e *entry) sourceOf(rep *Report) *Source {
	for i := range e.sources {
		s := &e.sources[i]
		if s.Tool == rep.Tool && s.SourceID == rep.SourceID && s.ScopeService == rep.ScopeService {
			return s
		}
	}
	return nil
}

func (e *entry) liveOf(rep *Report) bool {
	s := e.sourceOf(rep)
	return s != nil && s.GoneAt == nil
}

// recount makes the number of live sources and the reported severity follow from the sources.
func (e *entry) recount() {
	e.now.Live = 0
	var worst Severity
	for i := range e.sources {
		s := &e.sources[i]
		if s.GoneAt != nil {
			continue
		}
		e.now.Live++
		if worst == "" || s.Severity.Worse(worst) {
			worst = s.Severity
		}
	}
	e.now.ReportedSeverity = cmp.Or(worst, e.now.ReportedSeverity)
}

// see meets a finding with a row, and reports whether anything changed.
func (p *planner) see(e *entry, r *Row, rep *Report) bool {
	added := p.learn(e, r)
	s := e.sourceOf(rep)
	fresh := p.source(r, rep)
	if r.Status != Reported {
		return p.hear(e, s, fresh, rep)
	}
	said, before := s != nil && s.GoneAt == nil && s.Facts == fresh.Facts, e.now
	switch {
	case s == nil:
		e.sources = append(e.sources, fresh)
	default:
		fresh.ID, fresh.WorkspaceID, fresh.FindingID, fresh.FirstSeen = s.ID, s.WorkspaceID, s.FindingID, s.FirstSeen
		*s = fresh
	}
	if !said {
		absorb(&e.now, r)
	}
	e.recount()
	p.refresh(e, false)
	switch {
	case e.now.State == Fixed || e.now.State == Closed:
		return p.move(e, Open, ByReport, Reopened, rep.Tool+" sees it again.", "")
	case e.now.State.Decided() && e.now.DecidedLayer == ByReport && e.now.State != Duplicate:
		return p.move(e, Open, ByReport, Moved, rep.Tool+" no longer says that it is closed.", "")
	case e.now.State.Decided():
		if why := changedSince(&e.now); why != "" {
			return p.move(e, ReReview, ByReport, Moved, "The decision has to be looked at again: "+why+".", "")
		}
	}
	if !said || added {
		p.note(e, Event{Action: Updated, FromState: e.now.State, ToState: e.now.State, Layer: ByReport, Words: difference(&before, &e.now, s == nil, rep.Tool)})
	}
	return !said || added
}

// difference says in words what a report changed.
func difference(before, after *Finding, first bool, tool string) string {
	var words []string
	put := func(what, from, to string) {
		if from != to && to != "" {
			words = append(words, fmt.Sprintf("%s %s, was %s", what, to, cmp.Or(from, "not known")))
		}
	}
	put("severity", string(before.Severity), string(after.Severity))
	put("version", before.Installed, after.Installed)
	put("fixed in", before.FixVersion, after.FixVersion)
	if a, b := len(after.PlaceList()), len(before.PlaceList()); a > b {
		words = append(words, many(a-b, "place")+" more")
	}
	if a, b := len(after.AliasList()), len(before.AliasList()); a > b {
		words = append(words, "also known as "+strings.Join(after.AliasList(), ", "))
	}
	begin := "What " + tool + " says of it changed"
	if first {
		begin = tool + " sees it too"
	}
	if len(words) == 0 {
		return begin + "."
	}
	return begin + ": " + strings.Join(words, "; ") + "."
}

// learn takes over keys by which the finding was not known yet.
func (p *planner) learn(e *entry, r *Row) bool {
	added := false
	for _, k := range r.keys {
		if _, known := p.past.keys[k.key]; known {
			continue
		}
		p.past.keys[k.key] = e.now.ID
		e.keys = append(e.keys, k)
		added = true
	}
	return added
}

// hear takes a row that the report itself calls closed: it ends this source, and can close the finding with that
// reason. It never accepts, and never overrides a person.
func (p *planner) hear(e *entry, s *Source, fresh Source, rep *Report) bool {
	if s != nil && s.GoneAt != nil && s.Facts == fresh.Facts {
		return false
	}
	fresh.GoneAt, fresh.GoneImport = &p.now, rep.ImportID
	if s == nil {
		e.sources = append(e.sources, fresh)
	} else {
		fresh.ID, fresh.WorkspaceID, fresh.FindingID, fresh.FirstSeen = s.ID, s.WorkspaceID, s.FindingID, s.FirstSeen
		*s = fresh
	}
	e.recount()
	words := fmt.Sprintf("%s says that it is %s.", rep.Tool, strings.ReplaceAll(string(fresh.Status), "_", " "))
	mine := e.now.DecidedLayer.Yields(ByReport)
	if e.now.Live == 0 && e.now.State.Todo() {
		to := ReReview
		switch {
		case fresh.Status == ReportedFixed:
			to = Fixed
		case fresh.Status == ReportedFalse && mine:
			to = FalsePositive
		case fresh.Status == ReportedNot && mine:
			to = NotAffected
		}
		if p.move(e, to, ByReport, Moved, words, fresh.StatusReason) {
			return true
		}
	}
	p.refresh(e, false)
	p.note(e, Event{Action: Ended, FromState: e.now.State, ToState: e.now.State, Layer: ByReport, Words: words, Note: fresh.StatusReason})
	return true
}

// end says that the scope of a report no longer sees a finding.
func (p *planner) end(e *entry, rep *Report, words string) bool {
	s := e.sourceOf(rep)
	if s == nil || s.GoneAt != nil {
		return false
	}
	s.GoneAt, s.GoneImport = &p.now, rep.ImportID
	e.recount()
	words = cmp.Or(words, "A complete report of "+rep.Tool+" no longer sees it.")
	switch {
	case e.now.Live > 0 || e.now.State.Decided() || e.now.State == Closed:
	case e.now.State == Fixed:
		return p.move(e, Closed, ByReport, Ended, words+" That proves what somebody said.", "")
	default:
		return p.move(e, Fixed, ByReport, Ended, words, "")
	}
	p.refresh(e, false)
	p.note(e, Event{Action: Ended, FromState: e.now.State, ToState: e.now.State, Layer: ByReport, Words: words})
	return true
}

func (p *planner) close(e *entry, rep *Report) {
	p.move(e, Closed, ByReport, Moved, "A second complete report of "+rep.Tool+" does not see it: that proves it.", "")
}

// unite makes one finding of those that turn out to be the same: the older one stays, both histories stay.
func (p *planner) unite(found []*entry, rep *Report) *entry {
	slices.SortFunc(found, func(a, b *entry) int { return older(&a.now, &b.now) })
	keep := found[0]
	for _, e := range found[1:] {
		p.mergeInto(keep, e, rep)
	}
	return keep
}

// older orders findings by which of two stays: one that is a copy already never does.
func older(a, b *Finding) int {
	copyOf := func(f *Finding) int {
		if f.State == Duplicate {
			return 1
		}
		return 0
	}
	age := func(f *Finding) int64 {
		if f.ID < 0 {
			return 1<<62 - f.ID
		}
		return f.ID
	}
	return cmp.Or(copyOf(a)-copyOf(b), cmp.Compare(age(a), age(b)))
}

func (p *planner) mergeInto(keep, e *entry, rep *Report) {
	was, layer := e.now.State, e.now.DecidedLayer
	var left []Source
	for _, s := range e.sources {
		mine := keep.sourceOf(&Report{Tool: s.Tool, SourceID: s.SourceID, ScopeService: s.ScopeService})
		if mine == nil {
			s.FindingID = keep.now.ID
			keep.sources = append(keep.sources, s)
			continue
		}
		if s.GoneAt == nil {
			if mine.GoneAt != nil {
				mine.GoneAt, mine.GoneImport, mine.Facts, mine.Severity, mine.Status = nil, 0, s.Facts, s.Severity, s.Status
			}
			s.GoneAt, s.GoneImport = &p.now, rep.ImportID
		}
		left = append(left, s)
	}
	e.sources = left
	for key, id := range p.past.keys {
		if id == e.now.ID {
			p.past.keys[key] = keep.now.ID
		}
	}
	keep.took = append(keep.took, e.now.ID)
	keep.keys = append(keep.keys, e.keys...)
	e.keys = nil
	keep.now.FirstSeen = earlier(keep.now.FirstSeen, e.now.FirstSeen)
	absorbFinding(&keep.now, &e.now)
	keep.recount()
	e.recount()
	p.refresh(keep, false)
	p.merged[e.now.ID] = keep.now.ID
	p.note(keep, Event{Action: Merged, FromState: keep.now.State, ToState: keep.now.State, Layer: ByReport, Words: fmt.Sprintf("%s shows that %s is the same; it became part of this one. It was %s.", rep.Tool, named(e), words(was))})
	switch {
	case was.Decided() && was != Duplicate && layer == ByPerson && keep.now.State.Todo():
		p.move(keep, ReReview, ByReport, Moved, fmt.Sprintf("A person had called %s %s; look again whether that holds for both.", named(e), words(was)), "")
	case keep.now.State == Open && (was == Confirmed || was == InProgress):
		enter(&keep.now, was, layer, e.now.DecidedBy, p.now)
		p.note(keep, Event{Action: Moved, FromState: Open, ToState: was, Layer: layer, Words: "As a person had said of " + named(e) + "."})
	}
	if e.now.ID < 0 { // it was new a moment ago: it never was a finding of its own
		delete(p.past.findings, e.now.ID)
		p.plan.Counts.Created--
		return
	}
	p.move(e, Duplicate, ByReport, Merged, fmt.Sprintf("%s shows that it is the same as %s.", rep.Tool, named(keep)), "")
	e.now.DuplicateOf = keep.now.ID
	e.changed = true
}

// named is a finding's number, or its title while it has none.
func named(e *entry) string {
	if e.now.ID > 0 {
		return "finding " + strconv.FormatInt(e.now.ID, 10)
	}
	return "“" + e.now.Title + "”"
}

func words(s State) string { return strings.ReplaceAll(string(s), "_", " ") }

// absorbFinding keeps of two findings what both know.
func absorbFinding(keep, other *Finding) {
	r := Row{IDs: other.AliasList(), CWEs: other.CWEList(), places: other.PlaceList(), References: other.RefList(), Exploited: other.Exploited, FixVersion: keep.FixVersion}
	if r.FixVersion == "" {
		r.FixVersion = other.FixVersion
	}
	if keep.EPSS == nil {
		r.EPSS = other.EPSS
	}
	absorb(keep, &r)
}
