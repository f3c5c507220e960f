package finding

import (
	"context"
	"slices"
	"time"

	"muster/internal/access"
)

// The movements of debt that are kept, and what is open now.
const (
	debtOpened   = "opened"   // began to wait for work for the first time
	debtReopened = "reopened" // waits again, after it was closed or decided
	debtClosed   = "closed"   // stopped to wait, for whatever reason
	debtFixed    = "fixed"    // of those: mended, with the days that it took
	debtOpen     = "open"     // waits now, with the day since which it does
)

// everyService stands for the whole workspace in the counters of debt.
const everyService = -1

// debtKey is a place in the counters of debt.
type debtKey struct {
	service int64
	what    string
	day     string
	days    int
}

// debts is how the counters of debt move.
type debts map[debtKey]int64

func (d debts) add(service int64, what, day string, days int, n int64) {
	d[debtKey{service, what, day, days}] += n
	d[debtKey{everyService, what, day, days}] += n
}

// monday is the first day of a moment's week, in UTC.
func monday(t time.Time) string {
	t = t.UTC()
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7).Format(time.DateOnly)
}

// born is since when a finding waits: since it was opened, or came back.
func (f *Finding) born() time.Time {
	if f.ReopenedAt != nil {
		return *f.ReopenedAt
	}
	return f.OpenedAt
}

// stopped is when a finding stopped to wait, as its clock says.
func (f *Finding) stopped() time.Time {
	clock := list[Segment](f.Clock)
	if n := len(clock); n > 0 && (clock[n-1].Kind == Stopped || clock[n-1].Kind == Paused) {
		return clock[n-1].From
	}
	return f.UpdatedAt
}

func (f *Finding) waits() bool { return f != nil && f.Counted() && f.State.Todo() }

// mended counts a finding among the fixed ones, or takes it out again.
func (d debts) mended(f *Finding, n int64) {
	if f.FixedAt != nil && (f.State == Fixed || f.State == Closed) {
		d.add(f.ServiceID, debtFixed, monday(*f.FixedAt), max(0, int(f.FixedAt.Sub(f.born()).Hours()/24)), n)
	}
}

// move counts what a change of one finding means. An undo takes back what was counted in the week when it was.
func (d debts) move(before, now *Finding, undone bool) {
	if before.waits() {
		d.add(before.ServiceID, debtOpen, before.born().UTC().Format(time.DateOnly), 0, -1)
	}
	if now.waits() {
		d.add(now.ServiceID, debtOpen, now.born().UTC().Format(time.DateOnly), 0, 1)
	}
	if before == nil || !before.Counted() {
		d.whole(now, 1)
		return
	}
	if !now.Counted() {
		d.whole(before, -1)
		return
	}
	if before.ServiceID != now.ServiceID { // its past goes with it
		moved := *before
		moved.ServiceID = now.ServiceID
		d.whole(before, -1)
		d.whole(&moved, 1)
		before = &moved
	}
	switch was, is := before.State.Todo(), now.State.Todo(); {
	case was && !is && undone:
		d.add(now.ServiceID, debtReopened, monday(before.born()), 0, -1)
	case was && !is:
		d.add(now.ServiceID, debtClosed, monday(now.stopped()), 0, 1)
		d.mended(now, 1)
	case !was && is && undone:
		d.add(now.ServiceID, debtClosed, monday(before.stopped()), 0, -1)
		d.mended(before, -1)
	case !was && is:
		d.add(now.ServiceID, debtReopened, monday(now.UpdatedAt), 0, 1)
	}
}

// whole counts a finding with what became of it, or takes all of that out.
func (d debts) whole(f *Finding, n int64) {
	if !f.Counted() {
		return
	}
	d.add(f.ServiceID, debtOpened, monday(f.OpenedAt), 0, n)
	if !f.State.Todo() {
		d.add(f.ServiceID, debtClosed, monday(f.stopped()), 0, n)
		d.mended(f, n)
	}
}

// Week is how debt moved in one week.
type Week struct {
	Monday                   time.Time
	Opened, Reopened, Closed int64
}

// Debt is how many findings wait, how old they are, and how that moves.
type Debt struct {
	Weeks     []Week // the oldest first; the last is this week, so far
	Open      int64
	MedianAge int // of what waits, in days
	OldestAge int
	Fixed     int64 // in these weeks
	MedianFix int   // days that it took

	Overdue, Exploited int64 // of what waits; neither is counted beyond CountedTo
}

// CountedTo is how far is counted what has no kept counter.
const CountedTo = searchCount

// DebtWeeks is how many weeks are shown.
const DebtWeeks = 12

// Debt reads the kept movements of one service, or of everything that the person may see.
func (s *Service) Debt(ctx context.Context, actor access.Actor, service int64) (Debt, error) {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return Debt{}, err
	}
	now := s.db.Now(ctx).UTC()
	this, err := time.Parse(time.DateOnly, monday(now))
	if err != nil {
		return Debt{}, err
	}
	first := this.AddDate(0, 0, -7*(DebtWeeks-1))
	rows, err := s.debtRows(ctx, service, first.Format(time.DateOnly))
	if err != nil {
		return Debt{}, err
	}
	d := Debt{Weeks: make([]Week, DebtWeeks)}
	for i := range d.Weeks {
		d.Weeks[i].Monday = first.AddDate(0, 0, 7*i)
	}
	ages, fixes := map[int]int64{}, map[int]int64{}
	for _, r := range rows {
		switch r.What {
		case debtOverdue:
			d.Overdue = r.N
		case debtExploited:
			d.Exploited = r.N
		}
		day, err := time.Parse(time.DateOnly, r.Day)
		if err != nil {
			continue
		}
		if r.What == debtOpen {
			d.Open += r.N
			ages[max(0, int(now.Sub(day).Hours()/24))] += r.N
			continue
		}
		i := int(day.Sub(first).Hours() / 24 / 7)
		if i < 0 || i >= DebtWeeks {
			continue
		}
		switch w := &d.Weeks[i]; r.What {
		case debtOpened:
			w.Opened += r.N
		case debtReopened:
			w.Reopened += r.N
		case debtClosed:
			w.Closed += r.N
		case debtFixed:
			d.Fixed += r.N
			fixes[r.Days] += r.N
		}
	}
	d.MedianAge, d.OldestAge = spread(ages)
	d.MedianFix, _ = spread(fixes)
	return d, nil
}

// spread gives the median and the largest of counted numbers; of an even count the median is the lower of the two in
// the middle.
func spread(of map[int]int64) (median, largest int) {
	var values []int
	var all int64
	for v, n := range of {
		if n > 0 {
			values, all = append(values, v), all+n
		}
	}
	if all == 0 {
		return 0, 0
	}
	slices.Sort(values)
	left := (all + 1) / 2
	for _, v := range values {
		if left -= of[v]; left <= 0 {
			return v, values[len(values)-1]
		}
	}
	return 0, values[len(values)-1]
}
