package model

import "time"

// OwnTool is how Muster names itself in what it exports.
const OwnTool = "Muster"

// ProductPrefix begins the name of a service in a VEX document of Muster; the workspace and the service's own name follow.
const ProductPrefix = "urn:muster:service:"

// Exported is a finding in the JSON that Muster exports, and beside a result of its SARIF. Empty members are left out.
type Exported struct {
	Number        int64      `json:"number"`
	Identity      string     `json:"identity,omitempty"`
	Title         string     `json:"title,omitempty"`
	Kind          string     `json:"kind"`
	State         string     `json:"state"`
	Service       string     `json:"service,omitempty"` // its name in addresses
	Label         string     `json:"label,omitempty"`   // what the report calls the thing that is nobody's yet
	Severity      string     `json:"severity"`
	Reported      string     `json:"reported_severity,omitempty"`
	Priority      int        `json:"priority"`
	Reasons       []string   `json:"priority_reasons,omitempty"`
	Vulnerability string     `json:"vulnerability,omitempty"`
	Aliases       []string   `json:"aliases,omitempty"`
	CWEs          []int      `json:"cwes,omitempty"`
	CVSS          []CVSS     `json:"cvss,omitempty"`
	EPSS          *float64   `json:"epss,omitempty"`
	Exploited     bool       `json:"known_exploited,omitempty"`
	Package       string     `json:"package,omitempty"`
	PURL          string     `json:"purl,omitempty"` // without version
	Version       string     `json:"version,omitempty"`
	FixVersion    string     `json:"fix_version,omitempty"`
	Rule          string     `json:"rule,omitempty"`
	Path          string     `json:"path,omitempty"`
	Line          int        `json:"line,omitempty"`
	Endpoint      string     `json:"endpoint,omitempty"`
	Resource      string     `json:"resource,omitempty"`
	Places        []string   `json:"places,omitempty"`
	Description   string     `json:"description,omitempty"`
	Remediation   string     `json:"remediation,omitempty"`
	References    []string   `json:"references,omitempty"`
	PublishedAt   *time.Time `json:"published_at,omitempty"`
	FirstSeen     *time.Time `json:"first_seen,omitempty"`
	OpenedAt      *time.Time `json:"opened_at,omitempty"`
	ReopenedAt    *time.Time `json:"reopened_at,omitempty"`
	ReopenCount   int        `json:"reopen_count,omitempty"`
	FixedAt       *time.Time `json:"fixed_at,omitempty"`
	ClosedAt      *time.Time `json:"closed_at,omitempty"`
	DueAt         *time.Time `json:"due_at,omitempty"`
	DueWhy        string     `json:"due_why,omitempty"`
	Overdue       bool       `json:"overdue,omitempty"`
	Detected      bool       `json:"detected"` // some report still sees it
	DecidedBy     string     `json:"decided_by,omitempty"`
	Justification string     `json:"justification,omitempty"`
	Note          string     `json:"note,omitempty"`
	DuplicateOf   int64      `json:"duplicate_of,omitempty"`
}
