// Package exception holds approved, expiring acceptances: they stop the nagging, and never make anything better than it is.
package exception

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"muster/internal/fault"
)

// State is where an exception stands.
type State string

// The states.
const (
	Requested State = "requested"
	Approved  State = "approved"
	Declined  State = "declined"
	Ended     State = "ended" // withdrawn, or taken back before its time
)

// Subject is what an exception accepts.
type Subject string

// The subjects.
const (
	OfControl  Subject = "control"  // a failing or unknown control
	OfFindings Subject = "findings" // chosen findings
	OfRule     Subject = "rule"     // every finding that a rule names, those that come later too
)

// Match is what a rule looks at.
type Match string

// What rules look at.
const (
	ByVulnerability Match = "vulnerability"
	ByRule          Match = "rule" // of a tool that names no vulnerability
	ByPackage       Match = "package"
)

// Matches lists them.
func Matches() []Match { return []Match{ByVulnerability, ByRule, ByPackage} }

// Several in place of a service says that the exception names more than one.
const Several int64 = -1

// Exception accepts a control, findings, or what a rule names, until a day.
type Exception struct {
	ID            int64 `gorm:"primaryKey"`
	WorkspaceID   int64
	Subject       Subject
	Control       string // of a control
	ServiceID     int64  // 0 is every service, Several is those of Services
	MatchBy       Match  // of a rule
	MatchValue    string
	Severity      string // of findings: the worst that it covers
	Title         string // of findings: what it is about, in words
	Reason        string
	Compensating  string // what protects in the meantime
	OwnerID       int64  // who sees to it that it ends
	OwnerName     string
	State         State
	RequestedBy   int64
	RequesterName string
	RequestedAt   time.Time
	DecidedBy     int64
	DeciderName   string
	DecidedAt     *time.Time
	DecisionNote  string
	ExpiresAt     time.Time
	EndedAt       *time.Time
	Renews        int64 // the exception that this one goes on from

	Findings []int64 `gorm:"-"` // the chosen ones; read by Get
	Services []int64 `gorm:"-"` // where there are several; read by Get
}

// MaxDays is the longest that anything may be accepted at a time.
const MaxDays = 365

// maxDays is the longest for what is worse.
var maxDays = map[string]int{"critical": 30, "high": 90, "medium": 180}

// severities, worst first.
var severities = []string{"critical", "high", "medium", "low", "info"}

// LimitOf is how many days a finding of a severity may be accepted at a time; "" is a control.
func LimitOf(severity string) int { return cmp.Or(maxDays[severity], MaxDays) }

// The days before its end on which an exception says that it ends.
const (
	FarWarning  = 30
	NearWarning = 7
	LastWarning = 1
)

// Name is what the exception is about, in a few words.
func (e *Exception) Name() string { return cmp.Or(e.Control, e.Title) }

// InForce reports whether the exception counts at a moment. It ends at the instant of its expiry, whatever the local
// clocks of that day do.
func (e *Exception) InForce(at time.Time) bool {
	return e.DecidedAt != nil && !e.DecidedAt.After(at) && at.Before(e.ExpiresAt) && (e.State == Approved || e.State == Ended) && (e.EndedAt == nil || e.EndedAt.After(at))
}

// Covers reports whether it speaks about a control on a service.
func (e *Exception) Covers(service int64, control string) bool {
	return e.Subject == OfControl && e.Control == control && (e.ServiceID == 0 || e.ServiceID == service)
}

// Weakness is what an exception has to know of a finding.
type Weakness struct {
	ID, ServiceID                          int64
	Vulnerability, Rule, Package, Severity string
}

// bears reports whether a severity is no worse than what was looked at when the exception was asked for.
func (e *Exception) bears(severity string) bool {
	return slices.Index(severities, severity) >= slices.Index(severities, e.Severity)
}

// Takes reports whether it speaks about a finding.
func (e *Exception) Takes(w *Weakness) bool {
	if !e.bears(w.Severity) {
		return false
	}
	if e.Subject == OfFindings {
		return slices.Contains(e.Findings, w.ID)
	}
	return e.Subject == OfRule && e.matches(w) && e.at(w.ServiceID)
}

func (e *Exception) at(service int64) bool {
	return e.ServiceID == 0 || e.ServiceID == service || e.ServiceID == Several && slices.Contains(e.Services, service)
}

func (e *Exception) matches(w *Weakness) bool {
	switch e.MatchBy {
	case ByVulnerability:
		return w.Vulnerability == e.MatchValue
	case ByRule:
		return w.Rule == e.MatchValue && w.Vulnerability == ""
	case ByPackage:
		return w.Package == e.MatchValue
	}
	return false
}

// Request is what somebody asks for.
type Request struct {
	Subject      Subject // "" is a control
	Control      string
	ServiceID    int64
	ServiceName  string // for the log; "" with ServiceID 0
	MatchBy      Match
	MatchValue   string
	Findings     []int64 // the chosen ones
	Services     []int64 // of a rule; none is every service
	Severity     string  // the worst of what it would cover
	Title        string
	Reason       string
	Compensating string
	OwnerID      int64 // 0 is who asks
	OwnerName    string
	Days         int
	Renews       int64
}

// MaxFindings is how many findings may be chosen for one exception; a rule covers more.
const MaxFindings = 200

// Check tidies a request and says what is wrong with it.
func (r *Request) Check() error {
	fields := fault.Fields{}
	r.Subject = cmp.Or(r.Subject, OfControl)
	r.Reason, r.Compensating = strings.TrimSpace(r.Reason), strings.TrimSpace(r.Compensating)
	if r.Reason == "" {
		fields.Add("reason", "Say why this has to be accepted for now.")
	}
	for name, text := range map[string]string{"reason": r.Reason, "compensating": r.Compensating} {
		if utf8.RuneCountInString(text) > 2000 {
			fields.Add(name, "Keep it under 2000 characters.")
		}
	}
	if most := LimitOf(r.Severity); r.Days < 1 || r.Days > most {
		text := fmt.Sprintf("Choose from 1 to %d days; every exception ends.", most)
		if r.Severity != "" {
			text = fmt.Sprintf("Choose from 1 to %d days: that is the most for severity %s.", most, r.Severity)
		}
		fields.Add("days", text)
	}
	r.scope(fields)
	return fields.Err()
}

// Scope tidies what a request would cover and says what is wrong with it, before the rest of the form is filled in.
func (r *Request) Scope() error {
	fields := fault.Fields{}
	r.scope(fields)
	return fields.Err()
}

// AsException is a request as it would be kept, without who and when.
func (r *Request) AsException() Exception {
	return Exception{Subject: r.Subject, Control: r.Control, ServiceID: r.ServiceID, MatchBy: r.MatchBy, MatchValue: r.MatchValue, Severity: r.Severity, Title: r.Title, Reason: r.Reason, Compensating: r.Compensating,
		OwnerID: r.OwnerID, OwnerName: r.OwnerName, Renews: r.Renews, Findings: r.Findings, Services: r.Services}
}

func (r *Request) scope(fields fault.Fields) {
	switch r.Subject {
	case OfControl:
	case OfFindings:
		r.Findings = unique(r.Findings)
		if len(r.Findings) == 0 || len(r.Findings) > MaxFindings {
			fields.Add("scope", fmt.Sprintf("Choose 1 to %d findings; a rule covers more.", MaxFindings))
		}
	case OfRule:
		r.Services = unique(r.Services)
		if !slices.Contains(Matches(), r.MatchBy) || r.MatchValue == "" {
			fields.Add("scope", "Choose what is accepted.")
		}
		if len(r.Services) == 1 {
			r.ServiceID, r.Services = r.Services[0], nil
		} else if len(r.Services) > 1 {
			r.ServiceID = Several
		}
	default:
		fields.Add("scope", "Choose what is accepted.")
	}
}

func unique(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// follows reports whether a request is about the same as the exception that it renews. Of chosen findings some may be
// fixed by then, so that fewer are chosen again.
func (r *Request) follows(old *Exception) bool {
	if old.Subject != r.Subject {
		return false
	}
	if r.Subject == OfFindings {
		return !slices.ContainsFunc(r.Findings, func(id int64) bool { return !slices.Contains(old.Findings, id) })
	}
	return old.Control == r.Control && old.ServiceID == r.ServiceID && old.MatchBy == r.MatchBy && old.MatchValue == r.MatchValue && slices.Equal(old.Services, r.Services)
}
