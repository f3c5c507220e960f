// Package inventory knows what a company runs and who calls whom, and where each piece of that knowledge comes from.
package inventory

import (
	"slices"
	"strings"
	"time"
)

// Kind says what a node of the map is.
type Kind string

// The kinds of node.
const (
	KindService   Kind = "service"
	KindDatastore Kind = "datastore"
	KindOutside   Kind = "outside" // the Internet and third parties: subjects of edges only
)

// Exposure says who can reach a service, worst first.
type Exposure string

// The exposures.
const (
	Public          Exposure = "public"
	Partner         Exposure = "partner"
	Internal        Exposure = "internal"
	ExposureUnknown Exposure = "unknown"
)

// Valid reports whether the word is an exposure.
func (e Exposure) Valid() bool {
	return slices.Contains([]Exposure{Public, Partner, Internal, ExposureUnknown}, e)
}

// DataClasses are the words for the data a service holds, most sensitive first.
func DataClasses() []string {
	return []string{"payment", "health", "credentials", "personal", "internal", "public"}
}

// The words of Service.Authentication: what the files prove of how callers are authenticated. "unknown" unless proven.
const (
	AuthUnknown    = "unknown"
	AuthNone       = "none"       // the files show that anyone who reaches it may call (allow-all, operations without security)
	AuthPartly     = "partly"     // some operations or ports demand it, others do not
	AuthDocumented = "documented" // an OpenAPI document says so; a document proves nothing
	AuthMTLS       = "mtls"       // STRICT and member of the mesh: any mesh member
	AuthNamed      = "named"      // only callers that a policy names
	AuthToken      = "token"      // a signed token is demanded
)

// The words of Service.Encryption: what the files prove of encryption in transit.
const (
	EncryptionUnknown    = "unknown"
	EncryptionNone       = "none"       // plain text: mTLS disabled, or exposed without TLS
	EncryptionPermissive = "permissive" // mTLS is offered and plain text still accepted
	EncryptionPlainEdge  = "plain_edge" // strict inside, but the way in from outside is plain HTTP
	EncryptionTLS        = "tls"        // the way in from outside is TLS; inside is not known
	EncryptionMTLS       = "mtls"       // STRICT mutual TLS and known member of the mesh
)

// Service is a deployable unit, a datastore, or an outside node.
type Service struct {
	ID             int64 `gorm:"primaryKey"`
	WorkspaceID    int64
	Slug           string
	Kind           Kind
	Name           string
	Description    string
	Tier           int
	Exposure       Exposure
	DataClasses    string // space separated, in the order of DataClasses(); "" is "not classified"
	Runtime        string
	Language       string
	Repository     string
	Labels         string // "team=pay zone=eu"
	DatastoreKind  string
	TeamID         *int64
	SetByPerson    string // space separated names of the fields that a person set; imports leave those alone
	ConfirmedAt    *time.Time
	ConfirmedBy    int64
	RetiredAt      *time.Time
	RetireReason   string
	MergedInto     int64
	Authentication string
	Encryption     string
	Callers        int // known calls in; 0 means that nobody told us, not that there are none
	Callees        int
	LastSeenAt     *time.Time // in files; nil when a person made it
	Version        int        // for two people editing
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Classes lists the data classes.
func (s *Service) Classes() []string { return strings.Fields(s.DataClasses) }

// PersonSet reports whether a person set the field, so that an import leaves it alone.
func (s *Service) PersonSet(field string) bool {
	return slices.Contains(strings.Fields(s.SetByPerson), field)
}

// Team owns services.
type Team struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Slug        string
	Name        string
	CreatedAt   time.Time
}

// TeamMember is one member in one team.
type TeamMember struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	TeamID      int64
	MemberID    int64
}

// Environment is a place where services run. Production is what scores.
type Environment struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Slug        string
	Name        string
	Production  bool
	Position    int
	CreatedAt   time.Time
}

// Endpoint is an address of a service in an environment.
type Endpoint struct {
	ID            int64 `gorm:"primaryKey"`
	WorkspaceID   int64
	ServiceID     int64
	EnvironmentID int64
	SourceID      *int64 // nil when a person added it
	Address       string // host:port or URL
	Scope         string // all, internal, loopback
	TLS           string `gorm:"column:tls"` // yes, no, unknown
	Via           string // load_balancer, node_port, ingress, gateway, host_port, published_port, service, person
	Path          string
	Line          int
	FirstSeen     time.Time
	LastSeen      time.Time
	GoneAt        *time.Time
}

// Operation is one operation of a service's OpenAPI document.
type Operation struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	ServiceID   *int64 // nil until somebody says whose document it is
	SourceID    int64
	Document    string
	Method      string
	Route       string
	Security    string // required, optional, none
	Stated      bool   // the document itself says so; silence is no word that it is meant to be public
	Path        string
	Line        int
	FirstSeen   time.Time
	LastSeen    time.Time
	GoneAt      *time.Time
}

// Dependency is an edge caller -> callee of one source (or of a person, when SourceID is nil).
type Dependency struct {
	ID             int64 `gorm:"primaryKey"`
	WorkspaceID    int64
	EnvironmentID  int64
	SourceID       *int64
	FromID         int64
	ToID           int64
	Kind           string // call, telemetry
	Basis          string // observed, declared, allowed, ordering
	Protocol       string
	Port           int
	Transport      string // none, tls, mtls, unknown
	Authentication string // none, api_key, jwt, oidc, mtls, unknown
	Authorization  string // default_allow, policy, denied, unknown
	Evidence       string // JSON list of model.Evidence
	FirstSeen      time.Time
	LastSeen       time.Time
	GoneAt         *time.Time
}

// Unresolved is a name in the files that matches nothing we know.
type Unresolved struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	SourceID    int64
	ServiceID   int64
	Host        string
	Kind        string // host, principal
	Path        string
	Line        int
	ResolvedTo  int64 // a person's word: the service it is
	FirstSeen   time.Time
	LastSeen    time.Time
	GoneAt      *time.Time
}

// TableName keeps the noun as it is.
func (Unresolved) TableName() string { return "unresolved" }
