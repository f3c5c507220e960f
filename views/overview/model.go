// Package overview holds the pages that look at the whole: the overview, the search, the activity log.
package overview

import (
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Step is one thing to do next.
type Step struct{ Text, Note, Href, Action string }

// Overview is the first page of a workspace.
type Overview struct {
	*layout.Page
	Sentence       string
	Empty          bool
	MayImport      bool
	Cells          []Cell
	Exposure, Data []ui.Bar
	Proven, Open   []ui.Bar
	Calls          []ui.Bar
	Steps          []Step
}

// Cell is one number with its words.
type Cell struct {
	N           int
	Label, Href string
}

// Hit is one service or page that a search found.
type Hit struct{ Name, Href, Text, Icon string }

// Search is the page of results.
type Search struct {
	*layout.Page
	Text string
	Hits []Hit
	More bool // there are more services than are shown
}

// Entry is one line of the activity log.
type Entry struct {
	Seq                     int64
	Who, What, Object, From string
	Details                 []string // a field before and after, each
	At                      time.Time
}

// Activity is the page of the log.
type Activity struct {
	*layout.Page
	Text          string
	Kinds, People []ui.Option
	Chips         []ui.Chip
	Clear         string
	Entries       []Entry
	Intact        bool   // the hashes of these entries hold
	Older, Newest string // addresses; "" where there is nothing
}
