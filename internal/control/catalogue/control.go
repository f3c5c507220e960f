package catalogue

import (
	"regexp"
	"slices"
)

// Domain is the field of security a control belongs to.
type Domain string

// The domains, in the order of the catalogue.
const (
	Inventory    Domain = "inv"
	Access       Domain = "iam"
	Transit      Domain = "tls"
	Data         Domain = "dat"
	Patching     Domain = "pat"
	Logging      Domain = "log"
	API          Domain = "api"
	Network      Domain = "net"
	Runtime      Domain = "run"
	Development  Domain = "dev"
	Organization Domain = "gov"
)

// Valid says whether the catalogue knows the domain.
func (d Domain) Valid() bool { return d.Name() != "" }

// Name is the domain in plain English, for headings.
func (d Domain) Name() string {
	for _, known := range domains {
		if known.ID == d {
			return known.Name
		}
	}
	return ""
}

// DomainName is a domain with its heading.
type DomainName struct {
	ID   Domain
	Name string
}

var domains = []DomainName{
	{Inventory, "Inventory and ownership"},
	{Access, "Authentication and authorization"},
	{Transit, "Encryption in transit"},
	{Data, "Data protection and privacy"},
	{Patching, "Patching and vulnerabilities"},
	{Logging, "Logging and monitoring"},
	{API, "Gateway and API security"},
	{Network, "Isolation and zero trust"},
	{Runtime, "Containers and resilience"},
	{Development, "Secure development"},
	{Organization, "Governance"},
}

// Subject is what a control is judged on.
type Subject string

// The subjects.
const (
	Service   Subject = "service"
	Workspace Subject = "workspace"
)

// Valid says whether a control can be judged on the subject.
func (s Subject) Valid() bool { return s == Service || s == Workspace }

// Part is the piece of a subject that one observation of a clause speaks about.
type Part string

// The parts. Whole stands for the service, or the workspace, as one.
const (
	Whole     Part = "service"
	Workload  Part = "workload"
	Endpoint  Part = "endpoint"
	Operation Part = "operation"
	Document  Part = "document"
)

// Valid says whether the part is known.
func (p Part) Valid() bool {
	return slices.Contains([]Part{Whole, Workload, Endpoint, Operation, Document}, p)
}

// Effort is our estimate of putting a control right for one service, an hour, a day or more.
type Effort string

// The efforts.
const (
	Small  Effort = "small"
	Medium Effort = "medium"
	Large  Effort = "large"
)

// Valid says whether the effort is known.
func (e Effort) Valid() bool { return e == Small || e == Medium || e == Large }

// SourceKind is where evidence comes from.
type SourceKind string

// The kinds of source.
const (
	File            SourceKind = "file"            // a declared manifest: intent
	Mesh            SourceKind = "mesh"            // objects of a service mesh
	Probe           SourceKind = "probe"           // a visit of an endpoint
	SBOM            SourceKind = "sbom"            // a parts list or lock file
	Report          SourceKind = "report"          // an imported report of another tool
	Log             SourceKind = "log"             // events of a log source
	Register        SourceKind = "register"        // a register kept in Muster
	Map             SourceKind = "map"             // the service map and what is computed from it
	OpenAPI         SourceKind = "openapi"         // the description of an API
	Scan            SourceKind = "scan"            // a scan run by Muster
	Push            SourceKind = "push"            // a result pushed from CI
	Finding         SourceKind = "finding"         // the open findings of a service
	Support         SourceKind = "support"         // the table of support dates
	Alert           SourceKind = "alert"           // a test alert confirmed by a person
	ThreatModel     SourceKind = "threat_model"    // the threat model of a service
	PolicySource    SourceKind = "policy"          // approved policies
	Acknowledgement SourceKind = "acknowledgement" // who has read which policy
	Training        SourceKind = "training"        // courses and completions
	Audit           SourceKind = "audit"           // audits and their sign-off
	Recommendation  SourceKind = "recommendation"  // recommendations and their dates
	Incident        SourceKind = "incident"        // incidents and their reviews
	Risk            SourceKind = "risk"            // the risk register
	AccessReview    SourceKind = "access_review"   // reviews of access to Muster
	Identity        SourceKind = "identity"        // the members of Muster and their factors
	Person          SourceKind = "person"          // a word of a person, with a note or a file
)

// SourceKinds lists every kind of source.
func SourceKinds() []SourceKind {
	return []SourceKind{File, Mesh, Probe, SBOM, Report, Log, Register, Map, OpenAPI, Scan, Push, Finding, Support, Alert, ThreatModel, PolicySource,
		Acknowledgement, Training, Audit, Recommendation, Incident, Risk, AccessReview, Identity, Person}
}

// Valid says whether the kind of source is known.
func (k SourceKind) Valid() bool { return slices.Contains(SourceKinds(), k) }

// Strength says how much of a requirement a control covers.
type Strength string

// The strengths.
const (
	Full     Strength = "full"     // the control being met shows the requirement to be met
	Partial  Strength = "partial"  // it shows a part of the requirement
	Supports Strength = "supports" // it helps and shows nothing by itself
)

// Valid says whether the strength is known.
func (s Strength) Valid() bool { return s == Full || s == Partial || s == Supports }

// Clause is one thing of a statement that is judged by itself.
type Clause struct {
	ID    string // a stable slug such as not_root
	Words string // a short sentence such as "does not run as root"
	Part  Part
	// Applies narrows the clause in the same language as Control.Applies; empty means wherever the control applies.
	Applies string
	// PeopleOnly says that no machine can show the clause to be met, so a person's word is the best there is.
	PeopleOnly bool
}

// Source says which evidence may speak about a control.
type Source struct {
	Kind    SourceKind
	Proves  bool
	Refutes bool
	Human   bool     // what it says was typed in by a person: it attests and does not verify
	Clauses []string // the clauses it may speak about; empty means all
}

// Mapping ties a control to a requirement of a framework.
type Mapping struct {
	Framework   string
	Requirement string
	Strength    Strength
	Why         string
}

// Control is one thing that should be true. Values handed out by the catalogue are shared and must not be changed.
type Control struct {
	ID        string
	Title     string // at most 40 characters, for table heads
	Statement string // a full sentence
	Subject   Subject
	Domain    Domain
	Since     int // the version of the catalogue that brought it
	Age       int // days for which a pass holds
	Weight    int
	// Applies is a CEL expression over the facts of a subject; the control applies unless it is known to be false.
	Applies string
	// PeopleOnly says that no machine can show any clause to be met.
	PeopleOnly bool
	Effort     Effort
	Clauses    []Clause
	Sources    []Source
	Why        string   // why a founder should care
	Fix        []string // steps
	Example    string   // may hold {{namespace}}, {{workload}} and {{service}}
	ExampleIn  string   // the language of the example, such as yaml
	Checks     string   // how Muster checks it
	Mappings   []Mapping
}

// Clause finds a clause by its id.
func (c *Control) Clause(id string) (Clause, bool) {
	for _, clause := range c.Clauses {
		if clause.ID == id {
			return clause, true
		}
	}
	return Clause{}, false
}

// Proves says whether evidence of this kind may show the clause to be met. A person may always speak, but only attests.
func (c *Control) Proves(kind SourceKind, clause string) bool {
	return c.speaks(kind, clause, func(s Source) bool { return s.Proves })
}

// Refutes says whether evidence of this kind may show the clause to be broken. A person always may.
func (c *Control) Refutes(kind SourceKind, clause string) bool {
	return c.speaks(kind, clause, func(s Source) bool { return s.Refutes })
}

func (c *Control) speaks(kind SourceKind, clause string, may func(Source) bool) bool {
	if _, known := c.Clause(clause); !known {
		return false
	}
	if kind == Person {
		return true
	}
	for _, s := range c.Sources {
		if s.Kind == kind && may(s) && s.covers(clause) {
			return true
		}
	}
	return false
}

// Machine says whether what this kind says of the clause is an observation and not a person's word.
func (c *Control) Machine(kind SourceKind, clause string) bool {
	_, known := c.Clause(clause)
	return known && slices.ContainsFunc(c.Sources, func(s Source) bool { return s.Kind == kind && s.machine() && s.covers(clause) })
}

func (s Source) machine() bool { return !s.Human && s.Kind != Person }

func (s Source) covers(clause string) bool {
	return len(s.Clauses) == 0 || slices.Contains(s.Clauses, clause)
}

// settle derives what follows from the sources.
func (c *Control) settle() {
	c.PeopleOnly = true
	for i := range c.Clauses {
		clause := &c.Clauses[i]
		clause.PeopleOnly = !slices.ContainsFunc(c.Sources, func(s Source) bool {
			return s.Proves && s.machine() && s.covers(clause.ID)
		})
		c.PeopleOnly = c.PeopleOnly && clause.PeopleOnly
	}
}

var placeholder = regexp.MustCompile(`\{\{([a-z_]*)\}\}`)

// ExampleFor is the example with the names of a real workload; what is not known keeps the name of the guidance.
func (c *Control) ExampleFor(namespace, workload, service string) string {
	names := map[string]string{"namespace": namespace, "workload": workload, "service": service}
	standIns := map[string]string{"namespace": "shop", "workload": "orders", "service": "orders"}
	return placeholder.ReplaceAllStringFunc(c.Example, func(found string) string {
		key := placeholder.FindStringSubmatch(found)[1]
		if names[key] != "" {
			return names[key]
		}
		if standIns[key] != "" {
			return standIns[key]
		}
		return found
	})
}
