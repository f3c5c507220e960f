package model

import (
	"slices"
	"strconv"
	"time"
)

// Severity is how bad a finding is, on the one scale that all tools are brought to.
type Severity string

// The severities, worst first.
const (
	SeverityCritical Severity = "critical"
	SeverityHigh     Severity = "high"
	SeverityMedium   Severity = "medium"
	SeverityLow      Severity = "low"
	SeverityInfo     Severity = "info"
)

// Valid reports whether the severity is one of the scale.
func (s Severity) Valid() bool {
	switch s {
	case SeverityCritical, SeverityHigh, SeverityMedium, SeverityLow, SeverityInfo:
		return true
	}
	return false
}

// The sources of a severity. A default is followed by the reason: "default: the format has no severity".
const (
	SeverityFromTool    = "tool"
	SeverityFromCVSS    = "cvss"
	SeverityFromDefault = "default"
)

// Status is what a report itself says about a finding; all but open are closed.
type Status string

// The statuses, open first.
const (
	StatusOpen          Status = "open"
	StatusSuppressed    Status = "suppressed"
	StatusFixed         Status = "fixed"
	StatusFalsePositive Status = "false_positive"
	StatusNotAffected   Status = "not_affected"
	StatusAccepted      Status = "accepted"
)

// Valid reports whether the status is one that reports can have.
func (s Status) Valid() bool {
	switch s {
	case StatusOpen, StatusSuppressed, StatusFixed, StatusFalsePositive, StatusNotAffected, StatusAccepted:
		return true
	}
	return false
}

// FindingKind is the sort of weakness, which decides how a finding is recognised again.
type FindingKind string

// The kinds of finding.
const (
	FindingDependency    FindingKind = "dependency"
	FindingCode          FindingKind = "code"
	FindingSecret        FindingKind = "secret"
	FindingConfiguration FindingKind = "configuration"
	FindingWeb           FindingKind = "web"
	FindingNetwork       FindingKind = "network"
	FindingLicense       FindingKind = "license"
	FindingManual        FindingKind = "manual"
)

// Valid reports whether the kind is one that Muster knows.
func (k FindingKind) Valid() bool {
	switch k {
	case FindingDependency, FindingCode, FindingSecret, FindingConfiguration, FindingWeb, FindingNetwork, FindingLicense, FindingManual:
		return true
	}
	return false
}

// Finding is one weakness that a report tells of. Lists are never nil, so that JSON shows [].
type Finding struct {
	Title          string      `json:"title"`
	Severity       Severity    `json:"severity"`
	SeveritySource string      `json:"severity_source"` // tool, cvss, or "default: why"
	ToolSeverity   string      `json:"tool_severity"`   // the tool's own word
	Confidence     string      `json:"confidence"`      // the tool's own word
	Verified       *bool       `json:"verified"`        // the tool proved it, or proved it wrong; null where it does not say
	Status         Status      `json:"status"`
	StatusReason   string      `json:"status_reason"` // the justification or comment that closed it
	Kind           FindingKind `json:"kind"`
	Tool           string      `json:"tool"`
	RuleID         string      `json:"rule_id"` // the tool's rule, check or template
	ToolID         string      `json:"tool_id"` // the tool's own name for this one row

	VulnerabilityIDs []string `json:"vulnerability_ids"` // the tool's first, then aliases
	CWEs             []int    `json:"cwes"`
	CVSS             []CVSS   `json:"cvss"` // newest version first
	EPSS             *float64 `json:"epss"`
	EPSSPercentile   *float64 `json:"epss_percentile"`

	Component    Package    `json:"component"`
	FixAvailable *bool      `json:"fix_available"`
	Location     Location   `json:"location"`
	SourceLine   string     `json:"source_line"`
	Endpoints    []Endpoint `json:"endpoints"`
	Resource     string     `json:"resource"` // the cloud or cluster object, image or host that is meant
	Service      string     `json:"service"`  // the workload, project or target that the report itself names

	Date        *time.Time `json:"date"`         // when the tool saw it
	PublishedAt *time.Time `json:"published_at"` // when the weakness became known
	Occurrences int        `json:"occurrences"`  // rows of the file that say the same
	Fingerprint string     `json:"fingerprint"`  // within a service it stays the same when lines, versions and words change
	Identity    string     `json:"identity"`     // what an export of Muster calls the finding
	SecretHash  string     `json:"secret_hash"`  // SHA-256 of a leaked secret; the secret itself is never kept

	References  []string `json:"references"`
	Description string   `json:"description"`
	Remediation string   `json:"remediation"`
	Input       string   `json:"input"` // the path of the file
	At          string   `json:"at"`    // the place in the file

	Row RowKey `json:"-"` // in a stream: rows of one file with the same Row say the same, and Merge joins them
}

// RowKey is what makes rows of one file the same.
type RowKey [16]byte

// CVSS is one rating of a finding.
type CVSS struct {
	Version string  `json:"version"` // 2.0, 3.0, 3.1, 4.0
	Vector  string  `json:"vector"`
	Score   float64 `json:"score"`
}

// Package is the software that a finding is in.
type Package struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	PURL       string `json:"purl"`
	FixVersion string `json:"fix_version"`
}

// Location is the place in a file.
type Location struct {
	Path    string `json:"path"`
	Line    Number `json:"line"`
	EndLine Number `json:"end_line"`
}

// Endpoint is an address at which a finding shows.
type Endpoint struct {
	URL      string `json:"url"`
	Protocol string `json:"protocol"`
	Host     string `json:"host"`
	Port     Number `json:"port"`
	Path     string `json:"path"`
	Method   string `json:"method"`
	Param    string `json:"param"`
}

// Number is a positive number that a file may leave out; JSON shows null for zero.
type Number int

// MarshalJSON writes null for zero.
func (n Number) MarshalJSON() ([]byte, error) {
	if n <= 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(n), 10), nil
}

// UnmarshalJSON reads null as zero.
func (n *Number) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = 0
		return nil
	}
	v, err := strconv.Atoi(string(data))
	*n = Number(v)
	return err
}

// The most that one finding holds.
const (
	MaxEndpoints  = 5000
	MaxReferences = 50
)

// Merge joins a row that says the same. Where one is open and the other closed the open one counts: a doubt must not hide it.
func (f *Finding) Merge(o *Finding) {
	switch {
	case f.Status == StatusOpen && o.Status != StatusOpen:
		return
	case f.Status != StatusOpen && o.Status == StatusOpen:
		*f = *o
		return
	}
	f.Occurrences += o.Occurrences
	for _, e := range o.Endpoints {
		if len(f.Endpoints) < MaxEndpoints && !slices.Contains(f.Endpoints, e) {
			f.Endpoints = append(f.Endpoints, e)
		}
	}
	f.VulnerabilityIDs = add(f.VulnerabilityIDs, o.VulnerabilityIDs, 200)
	f.References = add(f.References, o.References, MaxReferences)
	f.CWEs = add(f.CWEs, o.CWEs, 50)
}

func add[T comparable](list, more []T, most int) []T {
	for _, v := range more {
		if len(list) < most && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}
