// Package topology answers what falls if one service falls: who may call whom as far as files, probes and people show, how far a
// break-in would spread, and which one change would shrink that most.
package topology

import "slices"

// Truth is a fact that may be unknown.
type Truth int8

// The values of a fact. Nothing said is unknown.
const (
	Unknown Truth = iota
	No
	Yes
)

// String gives the word of tables and JSON.
func (t Truth) String() string {
	switch t {
	case Yes:
		return "yes"
	case No:
		return "no"
	case Unknown:
	}
	return "unknown"
}

// and is what two conditions allow together.
func and(a, b Truth) Truth {
	switch {
	case a == No || b == No:
		return No
	case a == Yes && b == Yes:
		return Yes
	}
	return Unknown
}

// or is what either of two ways allows.
func or(a, b Truth) Truth {
	switch {
	case a == Yes || b == Yes:
		return Yes
	case a == No && b == No:
		return No
	}
	return Unknown
}

// Answer is what a caller without credentials got from a service.
type Answer int8

// The answers.
const (
	Untested Answer = iota
	Anonymous
	Refused
)

// String gives the word of tables and JSON.
func (a Answer) String() string {
	switch a {
	case Anonymous:
		return "anonymous"
	case Refused:
		return "refused"
	case Untested:
	}
	return "unknown"
}

// Kind says what a node is.
type Kind string

// The kinds of node.
const (
	KindService   Kind = "service"
	KindDatastore Kind = "datastore"
	KindOutside   Kind = "outside" // a third party: things call it, nothing is reached through it
)

// Node is a service, a datastore or an outside host in one environment.
type Node struct {
	ID          int64
	Slug, Name  string
	Kind        Kind
	Tier        int
	Exposure    string
	Team        string
	Classes     []string // of data; none is "not classified"
	Application Answer
	Foreign     bool // of another environment than the map's own
	Inside      bool // a person says that nobody outside can reach it, and no file disagrees
}

// Segment is where the network lets anyone talk to anyone: a cluster, or one network of a Compose project.
type Segment struct {
	Key     string
	Name    string
	Band    string // what it is drawn in: its cluster, or its Compose project
	Cluster bool   // two sources of one environment may show the same cluster, so whether two of these meet is not known
}

// Workload is one thing that runs for a node. A node may have several: versions, or the same service in two files.
type Workload struct {
	Node        int
	Namespace   string // with its segment's key, so that equal names of two clusters stay apart
	Host        string // where everything runs on one machine: its key
	Segments    []int  // none: nobody told us where it runs
	HostNetwork bool   // network policies do not rule it reliably
	Exposed     bool   // can be called from outside its segments
	Entry       bool   // through an ingress or a gateway, not by itself
	Ingress     Isolation
	Egress      Isolation
	Mesh        Mesh
	Account     string   // of its service account, "" where none is known
	Secrets     []string // that it mounts
	Addresses   []string // by which the segment reaches it, host:port
	Powers      []Power
}

// Isolation is what network policies make of one direction.
type Isolation struct {
	Isolated bool
	Complete bool // every policy that could select it was read; without that, no isolation is only unknown
	Unread   bool // policies of kinds that cannot be read may select it
	Unclear  bool // a rule may admit more than is listed
	Peers
}

// Peers are the other ends that rules admit.
type Peers struct {
	Everyone   bool     // anybody in the segment, on certain ports
	Outside    bool     // addresses outside the segment
	Namespaces []string // everything in these
	Workloads  []int    // sorted
	Named      []int    // sorted: those that a rule names
}

// Mode is the encryption that a mesh demands of callers.
type Mode int8

// The modes.
const (
	NotDeclared Mode = iota
	Permissive       // plain text is accepted, on some port at least
	Strict
)

// Mesh is what the service mesh makes of calls to a workload.
type Mesh struct {
	Member   Truth
	Mode     Mode
	Complete bool // every policy of the mesh was read, so a mode that nobody declared is the mesh's default
	Token    bool // a signed token is demanded of every request
	Allow    Rules
	Deny     Rules
}

// Rules are the sources that authorization policies of one kind match.
type Rules struct {
	Any        bool // there is such a policy
	Everyone   bool // it matches whoever calls
	Unclear    bool // it also asks for what files cannot show
	Others     bool // it matches everybody but the listed
	Namespaces []string
	Workloads  []int // sorted
}

func (r *Rules) lists(w *Workload, index int, explicit bool) bool {
	return slices.Contains(r.Namespaces, w.Namespace) || explicit && contains(r.Workloads, index)
}

// Power is a way past every gate.
type Power struct {
	Words  string // "mounts the Docker socket"
	Scope  Scope
	Space  string // of InNamespace: the namespace, where it is not its own
	Sure   bool   // it certainly reaches all of the scope
	Escape bool   // out of the container; otherwise by rights in the cluster
}

// Scope is how far a power reaches.
type Scope string

// The scopes.
const (
	OnHost      Scope = "host"
	InNamespace Scope = "namespace"
	InSegment   Scope = "segment"
)

// Basis says how a known relation is known, strongest first.
type Basis string

// The bases.
const (
	Observed Basis = "observed"
	Declared Basis = "declared"
	Allowed  Basis = "allowed"
)

// Call is a relation between two nodes that somebody or something told us.
type Call struct {
	From, To int
	Basis    Basis
	Unused   bool   // allowed, and not seen for 30 observed days
	Words    string // what protects it, in words, for people: never decides
	Policy   string // that allows it
	Source   string // where it is known from
}

// Test is one try to call from a place inside.
type Test struct {
	From, To  int
	Connected bool
	Answer    Answer
}

// Map is what is known of one environment.
type Map struct {
	Whole     bool // whoever brought the files says that they are all: nothing runs and no policy exists that is not in them
	Nodes     []Node
	Segments  []Segment
	Workloads []Workload
	Calls     []Call
	Tests     []Test
}

func contains(sorted []int, v int) bool {
	_, found := slices.BinarySearch(sorted, v)
	return found
}

// sensitive are the classes whose loss is a disaster, worst first.
var sensitive = []string{"payment", "health", "credentials", "personal"}

// Sensitive reports whether a class of data is among those at risk.
func Sensitive(class string) bool { return slices.Contains(sensitive, class) }
