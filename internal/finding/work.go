package finding

import (
	"cmp"
	"context"
	"slices"
	"time"

	"muster/internal/exception"
)

// atOnce is how many rows are met, and stored, at a time. A finding with all that belongs to it takes some kilobytes
// while it is planned and written, so a large report is never in memory as a whole.
const atOnce = 1000

// work is what a plan is made of: where its rows can be heard again, and which of them have to be met together. Rows
// that share no key and no finding do not know of each other, so the plan of all is that of its parts.
type work struct {
	service    *Service
	told       Stream
	statements []Statement
	place      func(service int64) Place
	cover      *exception.Cover
	now        time.Time
	most       int // rows at a time

	sifts []*sift
	known map[mark]int64     // the keys of these rows that findings have
	set   []int32            // the part of each row; apart are those that say nothing new
	sizes []int32            // the rows of each part
	left  map[int32][]leaver // what reports no longer see, by the part that is about the same finding
}

// heard is one row of a stream.
type heard struct {
	n, report int
	row       Row
}

// leaver is what a report no longer sees.
type leaver struct {
	report int
	row    scopeRow
	clean  bool // for the second time
}

// piece is what one report says of some findings.
type piece struct {
	report *Report
	told   []Row
	rows   []Row
	gone   []scopeRow
	clean  []scopeRow
	counts *counted
}

// counted is what came of a report.
type counted struct {
	Counts
	gone int // no longer seen
}

// planner begins a plan.
func (w *work) planner() *planner {
	return &planner{place: w.place, policy: Shipped(), cover: w.cover, now: w.now, plan: &Plan{}, samples: map[Action]int{}}
}

// plan computes what the reports do.
func (w *work) plan(ctx context.Context) (*Plan, error) {
	p := w.planner()
	p.plan.work, p.plan.Same = w, len(w.sifts) > 0
	counts := make([]counted, len(w.sifts))
	n := 0
	err := w.each(ctx, p, counts, func(entries []*entry) error {
		if n++; n == 1 {
			p.plan.entries = entries
		} else {
			p.plan.entries, p.plan.large = nil, true
		}
		return nil
	})
	for i, s := range w.sifts {
		p.conclude(s, &counts[i])
	}
	return p.plan, err
}

// each gives what changes, part by part.
func (p *Plan) each(ctx context.Context, take func([]*entry) error) error {
	if !p.large {
		return take(p.entries)
	}
	w := p.work
	return w.each(ctx, w.planner(), make([]counted, len(w.sifts)), take)
}

// each meets the rows, some at a time, and gives what changes by them.
func (w *work) each(ctx context.Context, p *planner, counts []counted, take func([]*entry) error) error {
	var rows []heard
	var left []leaver
	flush := func(end bool) error {
		if len(rows)+len(left) == 0 && !end {
			return nil
		}
		entries, err := w.meet(ctx, p, counts, rows, left, end)
		rows, left = rows[:0], left[:0]
		if err != nil || len(entries) == 0 {
			return err
		}
		return take(entries)
	}
	err := w.together(w.set, w.sizes, func(part int32, heard []heard) error {
		rows, left = append(rows, heard...), append(left, w.left[part]...)
		if len(rows) < w.most {
			return nil
		}
		return flush(false)
	})
	if err != nil {
		return err
	}
	for i, l := range w.left[apart] {
		if len(rows)+len(left) >= w.most && (i == 0 || l.row.FindingID != w.left[apart][i-1].row.FindingID) {
			if err := flush(false); err != nil {
				return err
			}
		}
		left = append(left, l)
	}
	return flush(len(w.statements) > 0)
}

// together tells the rows of each set at once, when the last of them was heard.
func (w *work) together(set, sizes []int32, each func(n int32, rows []heard) error) error {
	if len(sizes) == 0 {
		return nil
	}
	waiting := map[int32][]heard{}
	row := -1
	return w.told(func(report int, r *Row) error {
		row++
		n := set[row]
		if n == apart {
			return nil
		}
		all := append(waiting[n], heard{row, report, *r})
		if len(all) < int(sizes[n]) {
			waiting[n] = all
			return nil
		}
		delete(waiting, n)
		return each(n, all)
	})
}

// meet meets some rows with the findings that they are about, and gives those that change. The statements come last.
func (w *work) meet(ctx context.Context, p *planner, counts []counted, rows []heard, left []leaver, last bool) ([]*entry, error) {
	p.meet()
	pieces := make([]piece, len(w.sifts))
	slices.SortFunc(rows, func(a, b heard) int { return cmp.Compare(a.n, b.n) })
	for i := range rows {
		h := &rows[i]
		pieces[h.report].told = append(pieces[h.report].told, h.row)
	}
	var ids []int64
	for i := range left {
		l := &left[i]
		ids = append(ids, l.row.FindingID)
		if to := &pieces[l.report]; l.clean {
			to.clean = append(to.clean, l.row)
		} else {
			to.gone = append(to.gone, l.row)
		}
	}
	for i := range pieces {
		pieces[i].rows = join(pieces[i].told)
		for k := range pieces[i].rows {
			for _, f := range pieces[i].rows[k].keys {
				if id, known := w.known[markOf(f.key)]; known {
					p.past.keys[f.key] = id
					ids = append(ids, id)
				}
			}
		}
	}
	if err := w.service.load(ctx, ids, p.past.findings); err != nil {
		return nil, err
	}
	for i := range pieces {
		c := &pieces[i]
		c.report, c.counts = w.sifts[i].report, &counts[i]
		c.rows = rejoin(c.rows, p.past.keys)
		p.piece(c)
	}
	if last {
		if err := w.service.statements(ctx, p, w.statements); err != nil {
			return nil, err
		}
	}
	return p.done(), nil
}
