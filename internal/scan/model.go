package scan

import (
	"time"

	"muster/internal/fault"
)

// Visit is the newest visit of one endpoint of a service from one place.
type Visit struct {
	ID            int64 `gorm:"primaryKey"`
	WorkspaceID   int64
	ServiceID     int64
	EnvironmentID int64
	Address       string
	Target        string // what was visited; "" when nothing could be
	SeenFrom      string // "muster" is the server itself
	RunID         int64
	Reached       bool
	Expected      bool   // the scan has missed something when it is not reached
	Reason        string // why it was not reached, a sentence
	Anonymous     string // yes, no, unknown: whether it answered a caller without credentials
	Passed        int    // checks
	Failed        int
	Report        string // JSON of probe.Target
	DurationMS    int64  `gorm:"column:duration_ms"`
	VisitedAt     time.Time
	ReachedAt     *time.Time // the last time that it was reached
}

// TableName says what was visited.
func (Visit) TableName() string { return "probe_visits" }

// Own reports whether the server itself was the visitor.
func (v *Visit) Own() bool { return v.SeenFrom == here }

// Scope is what a scan looks at. The zero value is everything.
type Scope struct {
	Service  string `json:"service,omitempty"`  // its name in addresses
	Endpoint string `json:"endpoint,omitempty"` // an address of that service
	Control  string `json:"control,omitempty"`  // the services that this control applies to
	Options
}

// Options say how far a scan goes. The zero value sends safe requests only.
type Options struct {
	Ports     bool `json:"ports,omitempty"`     // look for open ports that were not declared
	Malformed bool `json:"malformed,omitempty"` // send bodies that are not JSON
	Unsafe    bool `json:"unsafe,omitempty"`    // call operations that change things, with bodies that cannot succeed
	Burst     int  `json:"burst,omitempty"`     // requests in a rate limit test; 0 is none
}

// MaxBurst is the most requests that a rate limit test may send.
const MaxBurst = 200

// Check refuses what makes no sense, a sentence by each field.
func (s *Scope) Check() error {
	fields := fault.Fields{}
	if s.Endpoint != "" && s.Service == "" {
		fields.Add("service", "Say which service the endpoint belongs to.")
	}
	if s.Burst < 0 || s.Burst > MaxBurst {
		fields.Add("burst", "Between 0 and 200 requests.")
	}
	return fields.Err()
}

// Outcome is what a scan of one service came to.
type Outcome struct {
	Endpoints int `json:"endpoints"` // that could be visited
	Reached   int `json:"reached"`
	Missed    int `json:"missed"` // expected and not reached
	Passed    int `json:"passed"` // checks
	Failed    int `json:"failed"`
	Evidence  int `json:"evidence"` // rows recorded
}

// Add sums outcomes.
func (o *Outcome) Add(other Outcome) {
	o.Endpoints += other.Endpoints
	o.Reached += other.Reached
	o.Missed += other.Missed
	o.Passed += other.Passed
	o.Failed += other.Failed
	o.Evidence += other.Evidence
}
