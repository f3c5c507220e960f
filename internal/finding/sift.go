package finding

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// mark is a key in the form that takes least room while a plan is made.
type mark [16]byte

func markOf(key string) mark {
	var m mark
	_, _ = hex.Decode(m[:], []byte(key[:min(len(key), 2*len(m))])) // every key is written by keyFor
	return m
}

func (m mark) key() string { return hex.EncodeToString(m[:]) }

// markOfID puts a finding among the marks, so that rows meet that it knows under different keys.
func markOfID(id int64) mark {
	var m mark
	binary.BigEndian.PutUint64(m[8:], uint64(id))
	return m
}

// sift is a report after those rows were set aside that say nothing new. It holds no text of its rows.
type sift struct {
	report    *Report
	n         int     // rows
	rows      []int32 // their numbers in the stream
	scope     []scopeRow
	newest    ReportRun
	same      bool // the very report was read before
	services  map[int64]bool
	labels    map[string]bool // of what is nobody's, in lower case
	claims    []claim
	own       map[int64]bool // findings that an export of this workspace brought back: it says nothing of them
	seen      map[int64]bool // sources that see again what they saw
	quiet     map[int64]calm // what says nothing new, by its finding
	loud      [][]int        // numbers of rows that are one, where they say something new
	gone      []scopeRow     // what a complete report no longer sees
	clean     []scopeRow     // what it does not see for the second time
	before    int            // what the scope saw before
	unchanged int
}

// claim is a row that says of itself which finding of this workspace it is.
type claim struct {
	row      int32
	identity string
	service  int64
	label    string
}

// calm is a group of rows that says what was known, to a source.
type calm struct {
	rows   []int
	source int64
}

// marks are the keys of all rows, one after another.
type marks struct {
	first []int32 // where those of a row begin
	all   []mark
	facts []mark // a hash of all that a row says, where it can be compared with what was said before
	shut  []bool // the row calls itself closed
}

func (m *marks) of(row int) []mark { return m.all[m.first[row]:m.first[row+1]] }

// covers reports whether a report speaks about what its scope said. Without a service that a person chose, that is what its rows name: the
// report of one service, imported beside that of another, must not end what the other saw. One without any row speaks
// about everything of its scope, and is held where that is much.
func (s *sift) covers(r *scopeRow) bool {
	if s.report.ScopeService != 0 || s.n == 0 {
		return true
	}
	return s.services[r.ServiceID] || r.ServiceID == 0 && s.labels[strings.ToLower(r.Label)]
}

// servicesOf lists the services that a report spoke about.
func (s *sift) servicesOf() string {
	ids := maps.Clone(s.services)
	if s.report.ScopeService != 0 {
		ids[s.report.ScopeService] = true
	}
	var l []int
	for id := range ids {
		l = append(l, int(id))
	}
	return joinNumbers(l)
}

// sift reads all rows once, loads what is recorded of the reports' scopes, sets aside what says nothing new, and finds
// out which rows have to be met together.
func (w *work) sift(ctx context.Context, reports []Report) error {
	for i := range reports {
		rep := &reports[i]
		s := &sift{report: rep, services: map[int64]bool{}, labels: map[string]bool{}, seen: map[int64]bool{}, quiet: map[int64]calm{}}
		var err error
		if s.scope, err = w.service.scopeRows(ctx, rep.scope()); err != nil {
			return err
		}
		if s.newest, err = w.service.newestRun(ctx, rep.scope()); err != nil {
			return err
		}
		s.same = s.newest.ID != 0 && s.newest.Digest == rep.Digest && s.newest.Complete == rep.Complete
		w.sifts = append(w.sifts, s)
	}
	m := &marks{first: []int32{0}}
	if err := w.read(m); err != nil {
		return err
	}
	var wanted []mark
	for _, s := range w.sifts {
		if err := w.hush(ctx, s, m); err != nil {
			return err
		}
		for _, g := range s.loud {
			for _, row := range g {
				wanted = append(wanted, m.of(row)...)
			}
		}
	}
	w.known = map[mark]int64{}
	if err := w.service.byMarks(ctx, wanted, w.known); err != nil {
		return err
	}
	for _, s := range w.sifts {
		s.wake(m, w.known)
		s.leave(m, w.known)
	}
	w.divide(m)
	for _, s := range w.sifts { // which is not needed any more
		s.rows, s.scope, s.claims, s.quiet, s.loud, s.gone, s.clean = nil, nil, nil, nil, nil, nil, nil
	}
	return nil
}

// read keeps of each row what it is recognised by.
func (w *work) read(m *marks) error {
	return w.told(func(report int, r *Row) error {
		s, n := w.sifts[report], int32(len(m.shut))
		s.n++
		s.rows = append(s.rows, n)
		if r.ServiceID != 0 {
			s.services[r.ServiceID] = true
		} else {
			s.labels[strings.ToLower(r.Label)] = true
		}
		if r.Identity != "" {
			s.claims = append(s.claims, claim{n, r.Identity, r.ServiceID, r.Label})
		}
		r.keys = keysOf(r)
		for _, k := range r.keys {
			m.all = append(m.all, markOf(k.key))
		}
		m.first = append(m.first, int32(len(m.all)))
		m.shut = append(m.shut, r.Status != Reported)
		var facts mark
		if len(s.scope) > 0 && !s.same {
			one := joined([]Row{*r}, []int{0})
			facts = markOf(factsOf(&one))
		}
		m.facts = append(m.facts, facts)
		return nil
	})
}

// hush sets aside the rows of a report that say nothing new.
func (w *work) hush(ctx context.Context, s *sift, m *marks) error {
	mine, own, err := w.service.recognise(ctx, s.claims)
	if err != nil {
		return err
	}
	s.own, s.unchanged = own, len(own)
	if len(mine) > 0 {
		s.rows = slices.DeleteFunc(s.rows, func(n int32) bool { _, found := slices.BinarySearch(mine, n); return found })
	}
	for i := range s.scope {
		if s.scope[i].GoneAt == nil && s.covers(&s.scope[i]) {
			s.before++
		}
	}
	groups := group(len(s.rows), func(i int) []mark { return m.of(int(s.rows[i])) })
	if s.same {
		s.unchanged += len(groups)
		return nil
	}
	for _, g := range groups {
		for i := range g {
			g[i] = int(s.rows[g[i]])
		}
	}
	if len(s.scope) == 0 {
		s.loud = groups
		return nil
	}
	if err := w.weigh(groups, m); err != nil {
		return err
	}
	byFacts := make(map[mark]*scopeRow, len(s.scope))
	for i := range s.scope {
		byFacts[markOf(s.scope[i].Facts)] = &s.scope[i]
	}
	for _, g := range groups {
		old := byFacts[m.facts[g[0]]]
		if old == nil || m.shut[g[0]] != (old.GoneAt != nil) || old.State == Fixed || old.State == Closed {
			s.loud = append(s.loud, g)
			continue
		}
		s.seen[old.ID] = true
		s.quiet[old.FindingID] = calm{g, old.ID}
		s.unchanged++
	}
	return nil
}

// weigh finds what rows say together, where several are one.
func (w *work) weigh(groups [][]int, m *marks) error {
	set, sizes := none(len(m.shut)), []int32{}
	var heads []int
	for _, g := range groups {
		if len(g) == 1 {
			continue
		}
		for _, row := range g {
			set[row] = int32(len(sizes))
		}
		sizes, heads = append(sizes, int32(len(g))), append(heads, g[0])
	}
	if len(sizes) == 0 {
		return nil
	}
	return w.together(set, sizes, func(n int32, heard []heard) error {
		rows, all := make([]Row, len(heard)), make([]int, len(heard))
		for i := range heard {
			rows[i], all[i] = heard[i].row, i
			rows[i].keys = keysOf(&rows[i])
		}
		one := joined(rows, all)
		m.facts[heads[n]], m.shut[heads[n]] = markOf(factsOf(&one)), one.Status != Reported
		return nil
	})
}

// wake takes quiet rows back in whose finding is met by another row as well.
func (s *sift) wake(m *marks, known map[mark]int64) {
	if len(s.quiet) == 0 {
		return
	}
	for _, g := range s.loud {
		for _, row := range g {
			for _, k := range m.of(row) {
				id, met := known[k]
				q, sleeps := s.quiet[id]
				if !met || !sleeps {
					continue
				}
				delete(s.quiet, id)
				delete(s.seen, q.source)
				s.unchanged--
				s.loud = append(s.loud, q.rows)
				for _, other := range q.rows { // it is known by them, or it would not be quiet
					for _, own := range m.of(other) {
						known[own] = id
					}
				}
			}
		}
	}
}

// leave finds what a complete report no longer sees, once its rows are known by their findings.
func (s *sift) leave(m *marks, known map[mark]int64) {
	if !s.report.Complete || s.same {
		return
	}
	named := maps.Clone(s.own)
	if named == nil {
		named = map[int64]bool{}
	}
	for _, g := range s.loud {
		for _, row := range g {
			for _, k := range m.of(row) {
				if id, met := known[k]; met {
					named[id] = true
				}
			}
		}
	}
	for _, r := range s.scope {
		switch {
		case s.seen[r.ID] || named[r.FindingID] || !s.covers(&r):
		case r.GoneAt == nil:
			s.gone = append(s.gone, r)
		case r.State == Fixed && r.Live == 0:
			s.clean = append(s.clean, r)
		}
	}
}

// divide finds out which rows have to be met together: those that share a key or a finding. What a report no longer sees
// belongs to them where another row is about the same finding.
func (w *work) divide(m *marks) {
	var loud [][]int
	for _, s := range w.sifts {
		loud = append(loud, s.loud...)
	}
	w.set = none(len(m.shut))
	parts := map[int64]int32{}
	for n, p := range group(len(loud), func(i int) []mark { return w.meets(m, loud[i]) }) {
		size := int32(0)
		for _, g := range p {
			for _, row := range loud[g] {
				w.set[row] = int32(n)
				size++
				for _, k := range m.of(row) {
					if id, met := w.known[k]; met {
						parts[id] = int32(n)
					}
				}
			}
		}
		w.sizes = append(w.sizes, size)
	}
	w.left = map[int32][]leaver{}
	for i, s := range w.sifts {
		for _, l := range [][]scopeRow{s.gone, s.clean} {
			for k := range l {
				part, met := parts[l[k].FindingID]
				if !met {
					part = apart
				}
				w.left[part] = append(w.left[part], leaver{i, l[k], l[k].GoneAt != nil})
			}
		}
	}
	slices.SortStableFunc(w.left[apart], func(a, b leaver) int { return cmp.Compare(a.row.FindingID, b.row.FindingID) }) // together what is of one finding
}

// meets are the keys by which a group meets others: its own, and the findings that they are known by.
func (w *work) meets(m *marks, rows []int) []mark {
	var all []mark
	for _, row := range rows {
		for _, k := range m.of(row) {
			all = append(all, k)
			if id, met := w.known[k]; met {
				all = append(all, markOfID(id))
			}
		}
	}
	return all
}

// none is a set for each row: none.
func none(rows int) []int32 {
	set := make([]int32, rows)
	for i := range set {
		set[i] = apart
	}
	return set
}

// apart is the number of no set.
const apart = -1
