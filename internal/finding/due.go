package finding

import (
	"fmt"
	"strings"
	"time"
)

// Policy says how many days a finding may stay, by the tier of its service and its severity. A finding keeps the
// version that it opened under: a later one makes nothing overdue in hindsight.
type Policy struct {
	Version   int
	Days      map[int]map[Severity]int // by tier, 1 to 3
	Exploited int                      // known to be exploited, on a service that is public or of which nobody said who reaches it
}

// Shipped is the policy that Muster comes with: 7, 30, 90 and 180 days in every tier, 3 where exploitation is known.
func Shipped() Policy {
	days := map[Severity]int{Critical: 7, High: 30, Medium: 90, Low: 180}
	return Policy{Version: 1, Days: map[int]map[Severity]int{1: days, 2: days, 3: days}, Exploited: 3}
}

// Segment is a stretch of time on a finding's clock.
type Segment struct {
	Kind  SegmentKind `json:"kind"`
	From  time.Time   `json:"from"`
	Until *time.Time  `json:"until,omitempty"` // nil while it lasts
	Why   string      `json:"why,omitempty"`
}

// SegmentKind is what the clock did.
type SegmentKind string

// The kinds of segment.
const (
	Running   SegmentKind = "running"
	Paused    SegmentKind = "paused"    // by an exception
	Restarted SegmentKind = "restarted" // it came back: the days begin again
	Stopped   SegmentKind = "stopped"   // nothing was to be done
)

// turn ends what the clock does and begins another segment.
func turn(clock []Segment, kind SegmentKind, now time.Time, why string) []Segment {
	if n := len(clock); n > 0 {
		if clock[n-1].Kind == kind && kind != Restarted {
			return clock
		}
		last := clock[n-1]
		last.Until = &now
		clock = append(append([]Segment{}, clock[:n-1]...), last)
	}
	return append(clock, Segment{Kind: kind, From: now, Why: why})
}

// allowance is how many days there are, and the words for it. ok is false where nothing is ever due.
func (p Policy) allowance(f *Finding, at Place) (days int, words string, ok bool) {
	exposed := at.Exposure != "internal" && at.Exposure != "partner"
	if f.Exploited && exposed {
		return p.Exploited, fmt.Sprintf("%s, because it is known to be exploited and its service is not known to be internal", dayWords(p.Exploited)), true
	}
	tier := at.Tier
	if !at.Exists {
		tier = 2
	}
	days, ok = p.Days[tier][f.Severity]
	if !ok {
		return 0, "", false
	}
	words = fmt.Sprintf("%s for severity %s", dayWords(days), f.Severity)
	if at.Exists {
		words += fmt.Sprintf(" in tier %d", tier)
	}
	return days, words, true
}

func dayWords(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

const dueDay = "2 January 2006"

// Due computes by when a finding is to be fixed, by the same clock without pauses, and says why it is due then.
func (p Policy) Due(f *Finding, at Place, now time.Time) (due, hard *time.Time, words string) {
	days, why, ok := p.allowance(f, at)
	clock := list[Segment](f.Clock)
	if !ok || len(clock) == 0 {
		return nil, nil, "Nothing of severity " + string(f.Severity) + " is ever overdue."
	}
	var anchor time.Time
	var paused time.Duration
	restarted := false
	for _, s := range clock {
		switch s.Kind {
		case Running:
			if anchor.IsZero() {
				anchor = s.From
			}
		case Restarted:
			anchor, paused, restarted = s.From, 0, true
		case Paused, Stopped: // what nobody was to work on costs no time
			until := now
			if s.Until != nil {
				until = *s.Until
			}
			paused += until.Sub(s.From)
		}
	}
	if anchor.IsZero() {
		anchor = clock[0].From
	}
	allowed := time.Duration(days) * 24 * time.Hour
	plain, moved := anchor.Add(allowed), anchor.Add(allowed+paused)
	var b strings.Builder
	begun := "It was first seen on "
	if restarted {
		begun = "It came back on "
	}
	fmt.Fprintf(&b, "%s%s; the policy (version %d) gives %s.", begun, anchor.UTC().Format(dueDay), p.Version, why)
	if n := int(paused.Hours() / 24); n > 0 {
		fmt.Fprintf(&b, " The clock stood still for %s, while nothing was to be done.", dayWords(n))
	}
	return &moved, &plain, b.String()
}
