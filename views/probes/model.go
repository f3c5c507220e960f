// Package probes draws what probes saw, and the forms that send them.
package probes

import (
	"github.com/a-h/templ"
	"time"

	"muster/views/layout"
	"muster/views/ui"
)

// Service is what probes saw of one service.
type Service struct {
	*layout.Page
	Name, Slug, Href string
	Tabs             []ui.Tab
	Visits           []Visit
	Waiting          []Waiting
	ScanHref         string // "" for those who may not
	AddHref          string
}

// Waiting is an endpoint that was not visited yet, or that nothing can visit.
type Waiting struct {
	Address, Environment, Why string
}

// Visit is the newest visit of an endpoint from one place.
type Visit struct {
	Address, Environment, From string
	At                         time.Time
	Reached                    ui.Word
	Reason                     string
	LastReached                time.Time // zero when never, or when it was reached now
	Facts                      []Fact
	Ciphers                    []Cipher
	Checks                     []Check
	Quiet                      string // what did not apply, in words
	ScanHref, RunHref          string
}

// Fact is one thing that was seen.
type Fact struct {
	Label, Text string
	Tone        ui.Tone // "" for no sign
}

// Cipher is one suite that was accepted.
type Cipher struct {
	Protocol, Name string
	Weak           string // why it is weak; "" when it is sound
}

// Check is one answer about a control.
type Check struct {
	Control, Title, Href       string
	Part                       string
	Word                       ui.Word
	Observed, Expected, Detail string
}

// Scan is the form that starts a scan.
type Scan struct {
	*layout.Page
	Action, Cancel string
	Lead           string
	Message        string
	Problems       []ui.Problem
	Errors         map[string]string
	Values         map[string]string
	Services       []ui.Option
	Service        string // fixed
	ServiceName    string
	Endpoint       string // fixed
	Control        string // fixed
	ControlTitle   string
}

func (s *Scan) on(name string) bool { return s.Values[name] != "" }

func (s *Scan) burst() ui.Input {
	return ui.Input{ID: "f-burst", Name: "burst", Label: "Requests in a rate limit test", Hint: "Sent within ten seconds, until one is answered 429. 0 sends none; at most 200.", Value: s.Values["burst"], Error: s.Errors["burst"], Mode: "numeric"}
}

// Upload is the form that takes a report from elsewhere, and what came of it.
type Upload struct {
	*layout.Page
	Action       string
	Message      string
	Problems     []ui.Problem
	Errors       map[string]string
	Environments []ui.Option
	Command      string
	Result       *Result
}

// Result is what a report from elsewhere came to.
type Result struct {
	From      string
	Sentence  string
	Unmatched []string
	More      int
	Arcs      string
	Contrary  []string // what the files say otherwise
}

func described(problem string) templ.Attributes {
	if problem == "" {
		return nil
	}
	return templ.Attributes{"aria-describedby": "f-file-e", "aria-invalid": "true"}
}
