// Package exception holds approved, expiring acceptances: they stop the nagging, and never make anything better than it is.
package exception

import (
	"fmt"
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

// Exception accepts a failing or unknown control on one service, or on all, until a day.
type Exception struct {
	ID            int64 `gorm:"primaryKey"`
	WorkspaceID   int64
	Control       string
	ServiceID     int64 // 0 is every service
	Reason        string
	Compensating  string // what protects in the meantime
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
}

// MaxDays is the longest that a control may be accepted at a time.
const MaxDays = 365

// InForce reports whether the exception counts at a moment. It ends at the instant of its expiry, whatever the local
// clocks of that day do.
func (e *Exception) InForce(at time.Time) bool {
	return e.DecidedAt != nil && !e.DecidedAt.After(at) && at.Before(e.ExpiresAt) && (e.State == Approved || e.State == Ended) && (e.EndedAt == nil || e.EndedAt.After(at))
}

// Covers reports whether it speaks about a control on a service.
func (e *Exception) Covers(service int64, control string) bool {
	return e.Control == control && (e.ServiceID == 0 || e.ServiceID == service)
}

// Request is what somebody asks for.
type Request struct {
	Control      string
	ServiceID    int64
	ServiceName  string // for the log; "" with ServiceID 0
	Reason       string
	Compensating string
	Days         int
	Renews       int64
}

// Check tidies a request and says what is wrong with it.
func (r *Request) Check() error {
	fields := fault.Fields{}
	r.Reason, r.Compensating = strings.TrimSpace(r.Reason), strings.TrimSpace(r.Compensating)
	if r.Reason == "" {
		fields.Add("reason", "Say why this has to be accepted for now.")
	}
	for name, text := range map[string]string{"reason": r.Reason, "compensating": r.Compensating} {
		if utf8.RuneCountInString(text) > 2000 {
			fields.Add(name, "Keep it under 2000 characters.")
		}
	}
	if r.Days < 1 || r.Days > MaxDays {
		fields.Add("days", fmt.Sprintf("Choose from 1 to %d days; every exception ends.", MaxDays))
	}
	return fields.Err()
}
