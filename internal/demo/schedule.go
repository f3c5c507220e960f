package demo

import (
	"context"
	"math"
	"time"
)

// event is one piece of work on a day.
type event struct {
	what string // for errors
	do   func(context.Context) error
}

// agenda collects what happens on which day.
type agenda struct {
	clock *Clock
	days  map[int][]event
}

// day turns a part of the story into a day: 0 is the first, 1 the last.
func (a *agenda) day(part float64) int {
	return min(max(int(math.Round(part*float64(a.clock.days()))), 0), a.clock.days())
}

// workday is the day, or the Monday after it, for people who do not work at weekends. The story's end does not wait.
func (a *agenda) workday(day int) int {
	for d := day; d <= a.clock.days(); d++ {
		if w := a.clock.morning(d).Weekday(); w != time.Saturday && w != time.Sunday {
			return d
		}
	}
	return min(day, a.clock.days())
}

// importDay reports whether the cluster's files are imported on a day.
func (a *agenda) importDay(day int) bool {
	return day == 0 || a.clock.morning(day).Weekday() == time.Tuesday
}

// shown is the part of the story at which an import first holds what the files show from a part on.
func (a *agenda) shown(from float64) float64 {
	for day := range a.clock.days() {
		if part := float64(day) / float64(a.clock.days()); part >= from && a.importDay(day) {
			return part
		}
	}
	return 1
}

// at adds work that people do once at a part of the story.
func (a *agenda) at(part float64, what string, do func(context.Context) error) {
	a.on(a.workday(a.day(part)), what, do)
}

// on adds work to a day.
func (a *agenda) on(day int, what string, do func(context.Context) error) {
	a.days[day] = append(a.days[day], event{what, do})
}

// schedule lays out the whole story.
func (r *run) schedule() map[int][]event {
	a := &agenda{r.clock, map[int][]event{}}
	r.planImports(a)
	r.planPeople(a)
	r.planRegisters(a)
	r.planDecisions(a)
	r.planHabits(a)
	r.planReports(a)
	r.planEnd(a)
	r.planProbe(a)
	return a.days
}
