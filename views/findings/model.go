// Package findings holds the pages on which engineers live: what is weak, why it comes first, by when it is due, and what became of it.
package findings

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/a-h/templ"

	"muster/views/layout"
	"muster/views/ui"
)

// Level is a severity with its word.
type Level = ui.Level

// Row is one finding in a list.
type Row struct {
	ID                     string
	Href, Title, Sub       string
	Level                  Level
	State                  ui.Word
	Due                    ui.Word // "in 3 days"
	DueDay                 *time.Time
	Service, ServiceHref   string
	Exploited, Unseen      bool
	Priority               int
	Seen                   time.Time
	Came                   int // how often it came back
	Fix                    string
	Overdue, SelectedByAll bool
}

// Facet is one way to narrow a list.
type Facet struct {
	Label, Href string
	Level       Level
	N           int64
	On          bool
}

// FacetGroup is facets of one sort.
type FacetGroup struct {
	Title string
	List  []Facet
}

// View is a list that people ask for often.
type View struct {
	Label, Href, Count string
	On                 bool
}

// Pair is a filter that stays.
type Pair struct{ Key, Value string }

// List is the page of findings.
type List struct {
	*layout.Page
	Lead      string
	Views     []View
	Facets    []FacetGroup
	Chips     []ui.Chip
	Clear     string
	Text      string
	Keep      []Pair // the other filters, for the search form
	Action    string // the address of the list itself
	Rows      []Row
	Total     string
	First     string // an address; "" on the first page
	Next      string
	Moves     []ui.Option // what may become of many at once; none where the person may not
	MoveTo    string
	TaskTo    string // where chosen findings become a task; "" where the person may not
	MayImport bool
	Nothing   bool // there are none at all
	Message   string
	Service   *Service
	Debt      *ui.Debt // of a service

	KeepHref   string      // the page of kept lists; "" on a service
	Sorts      []ui.Option // the addresses of the orders
	ExportTo   string
	Formats    []ui.Option
	ExportKeep []Pair // what the list is narrowed to by its place
}

// Service is the head of a service's own page of findings.
type Service struct {
	Name, Href, Sub string
	Tabs            []ui.Tab
}

// KeptList is a list that somebody keeps.
type KeptList struct {
	ID, Name, Href string
	Shared, May    bool
	Rename, Drop   string // addresses
	Value, Error   string
}

// Kept is the page of kept lists.
type Kept struct {
	*layout.Page
	Message, Action string
	Address         string // of the list to keep, "" is none
	Name, Error     string
	Shared          bool
	MayShare        bool
	Lists           []KeptList
}

// pairs are the filters of the list to keep.
func (k Kept) pairs() []Pair {
	values, err := url.ParseQuery(k.Address)
	if err != nil {
		return nil
	}
	var list []Pair
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list = append(list, Pair{key, values.Get(key)})
	}
	return list
}

// Bulk is the page before many findings move.
type Bulk struct {
	*layout.Page
	Action, Cancel string
	To, ToWord     string
	Move, Stay     []Row
	Note, NoteHint string
	Form           Form
}

// Form is what was typed, and what is wrong with it.
type Form struct {
	Kind, Message string
	Values        map[string]string
	Errors        map[string]string
	Problems      []ui.Problem
}

func (f Form) only(kind string) Form {
	if f.Kind == kind {
		return f
	}
	return Form{}
}

// Reason is one line of a priority.
type Reason struct {
	Points int
	Words  string
}

// Event is one line of the story.
type Event struct {
	Icon, Tone, Who, What, Note string
	At                          time.Time
	Contradicts                 bool
	File, FileHref              string
}

// Source is one tool that reports it.
type Source struct {
	Tool, Place, Said, Why string
	Live                   bool
	First, Last            time.Time
	Gone                   *time.Time
	Times                  int
}

// Fact is one line of the side.
type Fact struct {
	Label, Text, Href string
	Mono              bool
}

// Rating is one CVSS rating.
type Rating struct{ Version, Score, Vector string }

// Accepted is an exception that accepts a finding, or waits to.
type Accepted struct {
	Tone                             ui.Tone
	Title, Words, Reason, Href, Link string
}

// One is the page of one finding.
type One struct {
	*layout.Page
	Number               string
	Level                Level
	State                ui.Word
	StateNote            string
	Exploited            bool
	Name                 string // CVE or rule
	Service, ServiceHref string
	Title                string
	Priority             int
	Reasons              []Reason
	Due                  ui.Word
	DueDay               *time.Time
	DueWords             string
	Closes               string
	Fix                  []string
	FixText              string
	Description          string
	Places               []string
	Refs                 []string
	Ratings              []Rating
	Facts                []Fact
	Sources              []Source
	Live                 string
	Events               []Event
	Similar              []Row
	DuplicateOf          string
	DuplicateHref        string
	Accepted             []Accepted
	AcceptHref           string // asks for an exception; "" where the person may not, or there is nothing to accept

	Version        string
	Ways           []ui.Option
	Justifications []ui.Option
	MoveTo         string
	Severities     []ui.Option
	AssessTo       string
	CommentTo      string
	Task           string // the title of the open task that covers it
	TaskHref       string // of that task, or where one is made; "" where there is neither
	AttachTo       string
	WatchTo        string
	Watching       bool
	Watchers       []string
	Form           Form
}

// Label is a word of the reports for a thing that is nobody's.
type Label struct {
	Word, Field string
	N           int64
	Href        string
}

// Inbox is the page of what is nobody's yet.
type Inbox struct {
	*layout.Page
	Action   string
	Labels   []Label
	Services []ui.Option
	May      bool
	Form     Form

	RulesHref string
}

// Rule says whose rows are.
type Rule struct {
	By, Pattern          string
	Service, ServiceHref string
	Who                  string
	At                   time.Time
	EndTo, EditHref      string
}

// Rules is the page of the rules in use.
type Rules struct {
	*layout.Page
	Action   string
	Rows     []Rule
	Pages    ui.Pages
	Sorts    []ui.Option
	Services []ui.Option
	Replaces string // the rule that is changed; "" adds one
	May      bool
	Form     Form
}

func (r *Rules) pattern() ui.Input {
	return ui.Input{ID: "f-pattern", Name: "pattern", Label: "What it is called", Hint: "An image such as registry.example/pay-*, a repository such as github.com/you/pay, or a folder such as services/pay. A * stands for anything.", Value: r.Form.Values["pattern"], Error: r.Form.Errors["pattern"], Required: true}
}

func now(on bool) templ.Attributes {
	if on {
		return templ.Attributes{"aria-current": "true"}
	}
	return nil
}

func page(on bool) templ.Attributes {
	if on {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}

func points(n int) string { return fmt.Sprintf("+%d", n) }

func (o One) note(kind, name, id, label, hint string, rows int) ui.Input {
	f := o.Form.only(kind)
	return ui.Input{ID: id, Name: name, Label: label, Hint: hint, Rows: rows, Value: f.Values[name], Error: f.Errors[name]}
}

func (b Bulk) note() ui.Input {
	return ui.Input{ID: "f-note", Name: "note", Label: "Why", Hint: b.NoteHint, Rows: 3, Value: b.Note, Error: b.Form.Errors["note"]}
}

func (o One) duplicate() ui.Input {
	f := o.Form.only("move")
	return ui.Input{ID: "f-duplicate_of", Name: "duplicate_of", Label: "Repeats finding number", Mode: "numeric", Hint: "Only for “repeats another”.", Value: f.Values["duplicate_of"], Error: f.Errors["duplicate_of"]}
}
