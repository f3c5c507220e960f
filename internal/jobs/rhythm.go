package jobs

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // the image holds no time zones of its own

	"github.com/robfig/cron/v3"

	"muster/internal/fault"
)

// Rhythm is when a schedule runs: five cron fields read as a wall clock of one time zone.
type Rhythm struct {
	Spec, Zone string
	fields     *cron.SpecSchedule
	location   *time.Location
}

// The limits of a rhythm.
const (
	MinInterval = 5 * time.Minute
	maxSpec     = 100
	maxZone     = 64
	measured    = 200 // times between which the interval is measured
)

// parser knows no seconds and no descriptors: "@every 1ns" is one.
var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

var (
	plainSpec = regexp.MustCompile(`^[0-9A-Za-z*/,\- ]+$`)
	plainZone = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*$`)
)

const shape = "Write five fields with spaces between: minute, hour, day of the month, month, day of the week. 0 3 * * 1 is every Monday at 03:00."

// ParseRhythm reads a rhythm and refuses what would never run, run too often, or surprise.
func ParseRhythm(spec, zone string) (Rhythm, error) {
	fields := fault.Fields{}
	r := Rhythm{Spec: strings.Join(strings.Fields(spec), " "), Zone: strings.TrimSpace(zone)}
	var message string
	if r.location, message = loadZone(r.Zone); message != "" {
		fields.Add("zone", message)
	}
	if message := r.read(spec); message != "" {
		fields.Add("spec", message)
	}
	return r, fields.Err()
}

// loadZone finds a time zone; the message is for the person.
func loadZone(name string) (location *time.Location, message string) {
	if name == "" || len(name) > maxZone || name == "Local" || !plainZone.MatchString(name) {
		return nil, "Name a time zone such as UTC, Europe/Berlin or Africa/Accra."
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, "There is no time zone of this name. Europe/Berlin and Africa/Accra are such names."
	}
	return location, ""
}

// read parses the fields; the message is for the person.
func (r *Rhythm) read(spec string) (message string) {
	switch {
	case strings.TrimSpace(spec) == "":
		return shape
	case len(spec) > maxSpec:
		return fmt.Sprintf("Keep it under %d characters. ", maxSpec) + shape
	case strings.Contains(spec, "TZ="):
		return "Leave TZ= out; the time zone has a field of its own."
	case strings.Contains(spec, "@"):
		return "Names such as @daily or @every are not taken. " + shape
	case !plainSpec.MatchString(r.Spec):
		return "It holds characters that no rhythm has. " + shape
	case len(strings.Fields(spec)) != 5:
		return fmt.Sprintf("It has %d fields. ", len(strings.Fields(spec))) + shape
	}
	schedule, err := parse(r.Spec)
	if err != nil {
		return "It cannot be read: " + err.Error() + ". " + shape
	}
	r.fields = schedule
	return r.measure()
}

// parse is the library's, which panics on some texts.
func parse(spec string) (s *cron.SpecSchedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the parser broke off: %v", r)
		}
	}()
	parsed, err := parser.Parse(spec)
	if err != nil {
		return nil, err
	}
	s, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("it is no list of fields")
	}
	s.Location = time.UTC // fields are matched against a wall clock; which instant that is, at decides
	return s, nil
}

// measure looks at the next times: there must be one, and none too near to another.
func (r *Rhythm) measure() string {
	last := r.fields.Next(time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC).Add(-time.Minute)) // a leap year follows at once
	if last.IsZero() {
		return "This day never comes: no such month has it."
	}
	for range measured {
		next := r.fields.Next(last)
		if next.IsZero() {
			break
		}
		if between := next.Sub(last); between < MinInterval {
			return fmt.Sprintf("It would run twice within %s; leave at least %d minutes between two runs.", minutes(between), int(MinInterval.Minutes()))
		}
		last = next
	}
	return ""
}

func minutes(d time.Duration) string {
	if d == time.Minute {
		return "a minute"
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

// Next is the first moment after another at which the schedule runs; zero when there is none.
//
// A wall time that the clocks skip runs once, when they have skipped it; one that they show twice runs the first time.
func (r Rhythm) Next(after time.Time) time.Time {
	local := after.In(r.location)
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
	for {
		wall = r.fields.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		if moment := r.at(wall); moment.After(after) {
			return moment.UTC()
		}
	}
}

// at is the instant at which the zone's clocks first show a wall time, or have skipped it.
func (r Rhythm) at(wall time.Time) time.Time {
	guess := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, r.location)
	start, end := guess.ZoneBounds()
	var first time.Time
	offsets := []time.Time{guess}
	if !start.IsZero() {
		offsets = append(offsets, start.Add(-time.Second))
	}
	if !end.IsZero() {
		offsets = append(offsets, end)
	}
	for _, near := range offsets { // of the zone now, before its last change and after its next
		_, offset := near.Zone()
		candidate := wall.Add(-time.Duration(offset) * time.Second).In(r.location)
		if shows(candidate, wall) && (first.IsZero() || candidate.Before(first)) {
			first = candidate
		}
	}
	if !first.IsZero() {
		return first
	}
	for _, change := range []time.Time{start, end} {
		if !change.IsZero() && clock(change.Add(-time.Second)).Before(wall) && clock(change).After(wall) {
			return change
		}
	}
	return guess
}

// clock is what a moment's clocks show, as if it were UTC.
func clock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func shows(t, wall time.Time) bool { return clock(t).Equal(wall) }

// In shows a moment by the clocks of the rhythm's zone.
func (r Rhythm) In(t time.Time) time.Time { return t.In(r.location) }

// Coming lists the next moments.
func (r Rhythm) Coming(after time.Time, n int) []time.Time {
	var list []time.Time
	for range n {
		if after = r.Next(after); after.IsZero() {
			break
		}
		list = append(list, after)
	}
	return list
}

// newest is the last moment of the rhythm up to now, at or after from, which is one itself; more says whether it is
// another one. After a long silence only its end is looked at.
func (r Rhythm) newest(from, now time.Time) (last time.Time, more bool) {
	last = from
	for _, back := range []time.Duration{time.Hour, 25 * time.Hour, 40 * 24 * time.Hour, 370 * 24 * time.Hour, 6 * 366 * 24 * time.Hour} {
		start := now.Add(-back)
		if start.Before(from) {
			break
		}
		if next := r.Next(start); !next.IsZero() && !next.After(now) {
			last = next
			break
		}
	}
	for {
		next := r.Next(last)
		if next.IsZero() || next.After(now) {
			return last, last.After(from)
		}
		last = next
	}
}
