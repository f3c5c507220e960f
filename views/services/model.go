// Package services holds the pages of services: the list, one service, and the forms that change it.
package services

import (
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Row is one service in the list.
type Row struct {
	ID                                   int64
	Name, Href, Sub                      string
	Exposure, Authentication, Encryption ui.Word
	AuthShort, EncShort                  ui.Word // the same in a word or two
	Tier                                 int
	Classes                              string // "" is not classified
	Owner                                string // "" is nobody
	Confirmed                            bool
	Score, Coverage, PostureHref         string // "" is nothing to judge
	Findings, Severities, FindingsHref   string // what waits for work: how many, and how bad; "" is none
	Calls                                string // "2 in, 5 out"; "" is none known
	Seen                                 *time.Time
}

// List is the page of all services.
type List struct {
	*layout.Page
	Lead                                               string
	Waiting                                            string // how many wait to be confirmed, "" when none
	WaitingHref                                        string
	Chips                                              []ui.Chip
	More                                               bool // a filter of the second row is active
	Sorts                                              []ui.Option
	Rows                                               []Row
	Tiers, Exposures, Owners, Data, Auths, Encs, Kinds []ui.Option
	Text, Sort, Clear                                  string
	SortBy                                             func(column string) string // the address that sorts by it
	Unconfirmed, Retired, Empty, MayWrite, MayImport   bool
	Pages                                              ui.Pages
	Teams                                              []ui.Option
	Message                                            string
}

// Fact is one thing that a file says.
type Fact struct {
	Name, Part, Value, Path string
	Line                    int
	Source                  string
	Seen                    time.Time
	Bad                     bool
}

// FactGroup is the facts about one question.
type FactGroup struct {
	Title string
	Facts []Fact
}

// Workload groups the facts of one workload.
type Workload struct {
	Name   string
	Count  int
	Groups []FactGroup
}

// Item is one line of the column beside the facts.
type Item struct {
	Label, Text string
	Unknown     bool
	At          *time.Time // shown instead of the text
}

// Call is one edge of a service.
type Call struct {
	ID             int64
	Other, Href    string
	Kind, Basis    string
	Protection     ui.Word
	Authentication string
	Places         []Place
	Seen           time.Time
	Removable      bool
}

// Place is a line of a file that shows a call, and the name that stands there.
type Place struct {
	Key, Path string
	Line      int
}

// Endpoint is one address.
type Endpoint struct {
	ID                  int64
	Address, Scope, Via string
	TLS                 ui.Word
	Path                string
	Line                int
	Seen                time.Time
	Removable           bool
}

// Operation is one operation of an API document.
type Operation struct {
	Method, Route, Path string
	Security            ui.Word
	Line                int
}

// Entry is one line of a history.
type Entry struct {
	Who, What string
	Icon      string
	Details   []string
	Href      string // of the import that it was
	At        time.Time
}

// Clash is a field that somebody else changed while this person was editing.
type Clash struct{ Label, Now, Yours string }

// Name is a host in the files that matches no service.
type Name struct {
	Host, Path string
	Line       int
}

// Service is the page of one service.
type Service struct {
	*layout.Page
	Row
	Slug, Description, Repository, Labels, Tab string
	Kind, Retired                              string
	Tags                                       []string
	Tabs                                       []ui.Tab
	Confirmed                                  *time.Time
	Glance                                     []Item
	Workloads                                  []Workload
	CallsNote                                  string // how far the calls can be trusted
	In, Out                                    []Call
	Endpoints                                  []Endpoint
	Operations                                 []Operation
	OperationPages                             ui.Pages
	History                                    []Entry
	Unresolved                                 []Name
	MayWrite, MayDelete                        bool
	Form                                       Form
}

// Form is a form about a service.
type Form struct {
	Action, Message string
	Errors          map[string]string
	Problems        []ui.Problem
	Values          map[string]string
	Version         int
	Choices         map[string][]ui.Option
	Checks          map[string][]ui.Check
}

// Edit is the page that adds or changes a service.
type Edit struct {
	*layout.Page
	Form
	New     bool
	Cancel  string
	Clashes []Clash
}

// Small is a page with one small form: retire, merge, split.
type Small struct {
	*layout.Page
	Form
	Kind, Name, Lead, Button, Cancel string
	Cannot, Instead                  string // why it is not possible, and what to do
	Danger                           bool
}

func (f Form) text(name, label, hint string) ui.Input {
	return ui.Input{ID: "f-" + name, Name: name, Label: label, Value: f.Values[name], Hint: hint, Error: f.Errors[name]}
}

func (f Form) choose(name, label, hint string) ui.Choice {
	return ui.Choice{ID: "f-" + name, Name: name, Label: label, Hint: hint, Error: f.Errors[name], Options: f.Choices[name]}
}

// Component is one package of a service.
type Component struct {
	Name, Version, Ecosystem, PURL, Licenses string
	Need                                     string // "" is not known
	Path                                     string
	Line                                     int
	More                                     int // documents besides this one that name it
	First, Seen                              time.Time
}

// PartsList is a document that names components.
type PartsList struct {
	Document, Kind, Source, Href string
	N                            int
	Seen                         time.Time
}

// Components is the page of what a service is made of.
type Components struct {
	*layout.Page
	Name, Href, Control, Import string
	Tabs                        []ui.Tab
	Rows                        []Component
	Lists                       []PartsList
	Text                        string
	Shows                       []ui.Option
	Filtered, MayImport         bool
	Pages                       ui.Pages
}
