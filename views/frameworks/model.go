// Package frameworks holds the pages that say which requirements of standards and laws hold, as far as Muster looks.
package frameworks

import (
	"fmt"

	"muster/views/layout"
	"muster/views/ui"
)

// Bar is a small bar with the words that say the same.
type Bar struct {
	Parts []ui.Part
	Words string
}

// Line is a framework in the list.
type Line struct {
	Name, Version, Publisher, Href string
	Answered                       string
	Bar                            Bar
	NumbersOnly                    bool
}

// List is every framework.
type List struct {
	*layout.Page
	Lines   []Line
	Limited bool
}

// Answer is a control that answers a requirement.
type Answer struct {
	ID, Title, Href string
	Strength        string // "full", "partly", "supports"
	Why             string
	Off             bool
}

// Requirement is one line of a framework.
type Requirement struct {
	ID, Words, Level string
	Answers          []Answer
	Supports         []Answer // more that only support it, folded away
	State            ui.State
	Word             string // the state in words
	Bar              *Bar   // nil where nothing is judged
	Text             []string
	TextHref         string // where the whole text stands, when it is cut here
}

// Framework is one framework with its requirements.
type Framework struct {
	*layout.Page
	Name, Lead, Address  string
	NumbersOnly, Limited bool
	Text                 string
	States               []ui.Option
	Tally                Bar
	Answered             string
	Rows                 []Requirement
	Pages                ui.Pages
	Filtered             bool
	Clear                string
	HasTexts             bool
	Texts                string   // how many there are
	Unknown              []string // imported ids that the framework does not have
	MayImport            bool
	Action               string
	Message, FileError   string
}

// By says who publishes the framework, and how much of it may be shown.
func (l Line) By() string {
	if l.NumbersOnly {
		return l.Publisher + ", numbers only"
	}
	return l.Publisher
}

// More says how many controls are folded away.
func (r Requirement) More() string {
	if len(r.Supports) == 1 {
		return "1 more supports it"
	}
	return fmt.Sprintf("%d more support it", len(r.Supports))
}
