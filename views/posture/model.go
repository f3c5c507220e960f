// Package posture holds the pages that say how secure the services are, why we believe that, and what to do next.
package posture

import (
	"fmt"
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Glyph is the sign of a state: colour, shape and word say the same.
type Glyph struct {
	Class string // ver att sta unk fail con exc na
	Icon  string
	Word  string
	Part  string // "3/5" when only some is known
}

// Step is one thing to do, with what it gains.
type Step struct {
	Gain, Text, Note, Href string
}

// Domain is a card of one domain.
type Domain struct {
	ID, Name, Icon, Href string
	Score                string // "–" when nothing applies
	Delta                string // "+4", "−3", "" when there is nothing to compare
	Better               bool
	Shares               []Share
	Words                string
}

// Column is the head of a column of the matrix.
type Column struct{ ID, Title, Href string }

// Square is one state in the matrix.
type Square struct {
	Glyph
	Href, Label string
}

// Line is one service in the matrix.
type Line struct {
	Name, Href, Tier, Score string
	Cells                   []Square
}

// Notice is one line of a list of what to look at.
type Notice struct {
	Text, Note, Href, When string
	At                     time.Time
	Bad                    bool
}

// Overview is the first page.
type Overview struct {
	*layout.Page
	Empty, MayImport, Limited, Past bool
	Lead, Sentence                  string
	Score                           float64
	Judged, Rated                   bool
	Grade                           string
	Coverage                        int
	Shipped                         string // the score by shipped weights, "" when they are not changed
	Caps                            []string
	Worst, WorstHref                string
	Trend                           *Trend
	ForecastWords                   string
	Debt                            *ui.Debt // nil on a past day
	Steps                           []Step
	Together                        string
	Domains                         []Domain
	Columns                         []Column
	Lines                           []Line
	Totals                          []string
	MatrixNote, MatrixHref          string
	Newly, Ending, Waiting          []Notice
	Missed, Open                    []Notice // endpoints that no probe reached; what other areas know
	Since                           time.Time
	AsOf, Today                     string // days for the form
	Decide, Confirm                 ui.Pages
	Buttons                         []Button
}

// Button is a link that looks like one.
type Button struct{ Text, Href, Icon string }

// Matrix is every control on every service.
type Matrix struct {
	*layout.Page
	Columns      []Column
	Lines        []Line
	Totals       []string
	Domains      []ui.Option
	Differ       bool
	AsOf, Today  string
	Pages        ui.Pages
	Lead, Domain string
	Text         string
}

// Control is one line of a service's posture, or one service of a control.
type Control struct {
	Glyph
	ID, Title, Href string
	Detail          string // what the evidence says in a few words
	Source          string
	At              *time.Time
}

// Group is the controls of one domain.
type Group struct {
	Name, Icon, Score string
	Shares            []Share
	Open              []Control // to look at
	Dark              []Control // folded: nobody has said anything
	Fine              []Control // folded: verified
	Out               []Control // folded: not applicable
}

// Tally is a state with how many there are.
type Tally struct{ Name, Text string }

// Service is the posture of one service.
type Service struct {
	*layout.Page
	Name, Href    string
	Tabs          []ui.Tab
	Score         float64
	Judged, Rated bool
	Grade         string
	Coverage      int
	Lead          string
	Groups        []Group
	Applied, Out  int
	Worst         bool // sorted by what is worst
	Steps         []Step
	Together      string
	Shares        []Share
	Tallies       []Tally
	Caps          []string
	Shipped       string
	ForecastWords string
	Trend         *Trend
	Explain       string   // where the sum is
	Environments  []ui.Tab // where else it runs; nil when only in production
	Retired       bool
}

// Term is one line of the sum.
type Term struct {
	Glyph
	ID, Title, Href            string
	Weight, Value, Points, Why string
}

// Sum is the explanation of a score down to the last term.
type Sum struct {
	*layout.Page
	Name, Back    string
	Terms         []Term
	Left          []Term // what does not count, with the reason
	Weight        string
	Points        string
	Raw, Score    string
	Shown, Grade  string
	Caps          []string
	Coverage      string
	Formula       string
	Services      []ServiceTerm // for the workspace
	ServicesShare string
	Governance    string
	Shipped       string
}

// ServiceTerm is one service in the workspace's sum.
type ServiceTerm struct{ Name, Href, Tier, Weight, Score, Points string }

// ControlPage is one control over all services.
type ControlPage struct {
	ScanHref string // "" where no probe can tell anything, or for those who may not
	*layout.Page
	ID, Statement, Why, Checks string
	Tags                       []string
	Fix                        []string
	Example                    string
	Rows                       []Control
	Shares                     []Share
	Clauses                    []string
	Mappings                   []Mapping
	Pages                      ui.Pages
	Filter                     []ui.Option
	Changed                    string
}

// Mapping is a requirement that a control answers.
type Mapping struct{ Framework, Requirement, Strength, Why, Href string }

// Say is what one source says.
type Say struct {
	Glyph
	Who, What, Where string
	At               time.Time
}

// Spot is one clause on one part.
type Spot struct {
	Clause, Part string
	Glyph
	Seen  string // what was observed
	Place string // file:line
	At    *time.Time
}

// Piece is one piece of evidence in the timeline.
type Piece struct {
	Glyph
	ID                               int64
	Who, What, Clause, Place, Expect string
	Note                             string
	At, Received                     time.Time
	Until                            *time.Time
	Ended                            string // "taken back", "replaced by newer evidence"
	Files                            []File
	TakeBack                         string // the address of the form, "" when it may not be
	Retest                           int64  // may be tested again by a person
}

// File is an attached file.
type File struct{ Name, Href, Size string }

// Accepted is an exception beside a cell.
type Accepted struct {
	Words, Href string
	Glyph
}

// Knock is how the newest probe of an endpoint went.
type Knock struct {
	Address, Words string
	Bad            bool
	At             time.Time
}

// Cell is one control on one service.
type Cell struct {
	Knocks     []Knock // of the probes that may speak about it
	ScanHref   string
	ProbesHref string
	*layout.Page
	ID, Statement, Service, ServiceHref, ControlHref string
	Action                                           string // where its forms are sent
	Tags                                             []string
	Why                                              string // why a founder should care
	State                                            Glyph
	Reason                                           string // why this state
	Yes, No                                          *Say
	Fix                                              []string
	Example                                          string
	Checks                                           string
	Spots                                            []Spot
	SpotNote                                         string
	Pieces                                           []Piece
	Says                                             []Say
	Mappings                                         []Mapping
	Exceptions                                       []Accepted
	AskHref                                          string
	Tasks                                            []Accepted
	TaskHref                                         string
	MayAttest, MayScore                              bool
	AttestNote                                       string
	Clauses                                          []ui.Option
	Applies                                          string // in words
	AppliesNow                                       bool
	Gain                                             string
	Form                                             Form
	Days                                             int
}

// Form is what was typed and what is wrong with it.
type Form struct {
	Kind     string // attest, applies, back
	Message  string
	Values   map[string]string
	Errors   map[string]string
	Problems []ui.Problem
}

func (f Form) of(kind, name, id, label, hint string, rows int) ui.Input {
	in := ui.Input{ID: id, Name: name, Label: label, Hint: hint, Rows: rows}
	if f.Kind == kind {
		in.Value, in.Error = f.Values[name], f.Errors[name]
	}
	return in
}

func (f Form) problems(kind string) []ui.Problem {
	if f.Kind != kind {
		return nil
	}
	return f.Problems
}

func number(n int) string { return fmt.Sprint(n) }

func gradeWords(judged, rated bool, grade string) string {
	switch {
	case !judged:
		return "nothing to judge"
	case !rated:
		return "not rated yet"
	}
	return "of 100 · grade " + grade
}

func scoreText(judged bool, score float64) string {
	if !judged {
		return "–"
	}
	return fmt.Sprintf("%.0f", float64(int(score)))
}
