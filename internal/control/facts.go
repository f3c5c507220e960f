package control

import (
	"slices"

	"muster/internal/control/catalogue"
)

// Facts are what is known of a subject when its controls are judged. What is not known is absent, never guessed.
type Facts struct {
	Live     bool                        `json:"live"`               // in use: a retired service is not judged
	Tier     int                         `json:"tier,omitempty"`     // 1 critical … 3 minor
	Exposure string                      `json:"exposure,omitempty"` // public, partner, internal; "" is unknown
	Data     []string                    `json:"data,omitempty"`     // classes of data; nil is "not classified"
	Is       map[string]bool             `json:"is,omitempty"`       // "interface", "kubernetes", … known to be so or not
	Count    map[string]int              `json:"count,omitempty"`    // "environments"
	Parts    map[catalogue.Part][]string `json:"parts,omitempty"`    // the live parts of each kind; a kind that is absent was not looked at
	Inside   []string                    `json:"inside,omitempty"`   // endpoints that only the inside can reach: evidence may speak about them, and none is demanded
	Place    Place                       `json:"place,omitzero"`     // for examples in guidance
}

// Place is where a service's main workload runs.
type Place struct {
	Namespace string `json:"namespace,omitempty"`
	Workload  string `json:"workload,omitempty"`
}

// has reports whether a part is among the live ones. A kind that is not listed at all proves nothing gone; one that is
// listed as empty does.
func (f *Facts) has(kind catalogue.Part, name string) bool {
	live, listed := f.Parts[kind]
	return !listed || kind == catalogue.Whole || slices.Contains(live, name) || (kind == catalogue.Endpoint && slices.Contains(f.Inside, name))
}

// Truth is an answer that may be unknown.
type Truth string

// The answers.
const (
	No      Truth = "no"
	Unknown Truth = "unknown"
	Yes     Truth = "yes"
)
