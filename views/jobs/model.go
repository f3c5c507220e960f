// Package jobs holds the pages about what runs by itself: scans, schedules and reminders.
package jobs

import (
	"fmt"
	"strconv"
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Row is one run in a list.
type Row struct {
	Href, Name, Kind   string
	State              ui.Word
	Icon               string
	Says               string // what came out, how far it is, or why not
	By                 string
	At                 time.Time
	Took               string
	Late               bool
	RetryTo, DiscardTo string // for those that gave up
}

func (p Progress) line() string {
	if p.Words == "" {
		return p.text()
	}
	return p.text() + ", " + p.Words
}

// List is the page of runs.
type List struct {
	*layout.Page
	Lead         string
	Rows         []Row
	States       []ui.Option
	Kinds        []ui.Option
	Chips        []ui.Chip
	Clear        string
	Dead         bool // the list of those that gave up
	May          bool
	Pages        ui.Pages
	SchedulesTo  string
	ScanTo       string // "" for those who may not
	ReportTo     string
	WhatEmpty    string
	WhatToDo     string
	MaySchedules bool
}

// Number is one line of the difference to the run before.
type Number struct {
	Name, Was, Now, Diff string
}

// Line is one line of a log.
type Line struct {
	At    time.Time
	Clock string
	Text  string
	Bad   bool
}

// Progress is how far a run is.
type Progress struct {
	Done, Total int
	Words       string
}

func (p Progress) percent() int {
	if p.Total <= 0 {
		return 0
	}
	return min(100, 100*p.Done/p.Total)
}

func (p Progress) width() string { return strconv.Itoa(2 * p.percent()) }

func (p Progress) text() string { return fmt.Sprintf("%d of %d", p.Done, p.Total) }

// Live is what of a run's page changes while it runs.
type Live struct {
	Now        time.Time
	State      ui.Word
	Icon       string
	Sentence   string
	Failure    string
	Progress   Progress
	Parts      []ui.Part
	PartWords  string
	Children   []Row
	ChildPages ui.Pages
	Lines      []Line
	LinePages  ui.Pages
	Open       bool
}

// Fact is a line of what is known of a run.
type Fact struct {
	Label, Text, Href string
	At                time.Time
}

// Form is what was typed and what is wrong with it.
type Form struct {
	Message string
	Values  map[string]string
	Errors  map[string]string
}

// One is the page of one run.
type One struct {
	*layout.Page
	Live
	Name, Kind                           string
	Late                                 bool
	Facts                                []Fact
	Numbers                              []Number
	BeforeHref                           string
	BeforeAt                             time.Time
	EventsTo                             string // "" when it has ended
	CancelTo, RetryTo, DiscardTo, DoneTo string // "" when the person may not, or it makes no sense
	Form                                 Form
}

func (o *One) note() ui.Input {
	return ui.Input{ID: "f-note", Name: "note", Label: "What was done?", Hint: "An auditor reads this.", Rows: 3, Value: o.Form.Values["note"], Error: o.Form.Errors["note"], Required: true}
}

// Next is one of the next moments of a schedule, as its zone's clocks show it.
type Next struct {
	At   time.Time
	Text string
}

// Planned is a schedule in the list.
type Planned struct {
	Name, Kind, Words      string
	Missed                 string // what happens with a time that was missed
	Next                   []Next
	Paused                 bool
	Last                   *Row
	EditTo                 string
	RunTo, PauseTo, GoOnTo string // "" when the person may not
}

// Schedules is the page of schedules.
type Schedules struct {
	*layout.Page
	Rows    []Planned
	Due     []Row
	Pages   ui.Pages
	MayPlan bool
	NewTo   string
	RunsTo  string
}

// Edit is the form of a schedule.
type Edit struct {
	*layout.Page
	Form
	Title, Lead    string
	Action, Cancel string
	DeleteTo       string
	Kinds          []ui.Option
	CatchUps       []ui.Check
	Problems       []ui.Problem
	Words          string
	Next           []Next
	May            bool   // otherwise the page is for reading
	Kind, Missed   string // in words, for reading
}

// Zones are offered while typing; any other may be written.
var zones = []string{"UTC", "Africa/Accra", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Bogota", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Sao_Paulo", "America/Toronto", "Asia/Bangkok", "Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Kolkata", "Asia/Manila", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "Australia/Perth", "Australia/Sydney", "Europe/Amsterdam", "Europe/Berlin", "Europe/Istanbul", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Paris", "Europe/Rome", "Europe/Stockholm", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland"}

// rhythms are examples that say what the fields mean.
var rhythms = []string{"0 3 * * *", "0 3 * * 1", "0 3 1 * *", "0 8 1 1,4,7,10 *", "0 */6 * * *", "30 8 * * 1-5"}

func (e *Edit) text(name, label, hint string, suggest []string) ui.Input {
	return ui.Input{ID: "f-" + name, Name: name, Label: label, Hint: hint, Value: e.Values[name], Error: e.Errors[name], Suggest: suggest, Required: true}
}

// Remove is the page that asks before a schedule is deleted.
type Remove struct {
	*layout.Page
	Name, Words    string
	Action, Cancel string
}
