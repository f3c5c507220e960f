package demo

import (
	"sync"
	"time"
)

// Clock is the time that the company lives by: it only moves forward, and never past the end of the story.
type Clock struct {
	mu       sync.Mutex
	now, end time.Time
	start    time.Time
}

// NewClock makes a clock that stands at the beginning of a story of so many days which ends at a moment.
func NewClock(end time.Time, days int) *Clock {
	end = end.UTC().Truncate(time.Second)
	start := end.AddDate(0, 0, -days)
	return &Clock{now: start, start: start, end: end}
}

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// to moves the clock forward to a moment; the end of the story is the most.
func (c *Clock) to(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.end) {
		t = c.end
	}
	if t.After(c.now) {
		c.now = t
	}
}

// tick lets the time pass that a piece of work takes.
func (c *Clock) tick(by time.Duration) { c.to(c.Now().Add(by)) }

// morning is when the day's work begins, so many days after the start. Of the last day it is early enough for all of it
// to lie in the past.
func (c *Clock) morning(day int) time.Time {
	d := c.start.AddDate(0, 0, day)
	t := time.Date(d.Year(), d.Month(), d.Day(), 9, 0, 0, 0, time.UTC)
	if latest := c.end.Add(-2 * time.Hour); t.After(latest) {
		return latest
	}
	return t
}

// days is how long the story is.
func (c *Clock) days() int { return int(c.end.Sub(c.start).Hours() / 24) }
