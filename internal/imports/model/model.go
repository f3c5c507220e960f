// Package model holds the values that importers make of files: what `muster inspect` prints
// and what an import stores. It knows no file format and no database.
package model

import (
	"fmt"
	"strings"
	"time"
)

// File is one file of an import, already within the size caps.
type File struct {
	Path string // as the person gave it, with forward slashes; inside a zip "archive.zip/inner/path"
	Data []byte
}

// Kind says what sort of document an input is.
type Kind string

// The kinds of input.
const (
	KindManifest Kind = "manifest"
	KindSBOM     Kind = "sbom"
	KindLockfile Kind = "lockfile"
	KindReport   Kind = "report"
	KindOpenAPI  Kind = "openapi"
	KindVEX      Kind = "vex"
	KindDotenv   Kind = "dotenv"
)

// Input is one file as Muster recognised it.
type Input struct {
	Path    string     `json:"path"`
	Format  string     `json:"format"`
	Version string     `json:"version"`
	Kind    Kind       `json:"kind"`
	SHA256  string     `json:"sha256"`
	Bytes   int64      `json:"bytes"`
	Note    string     `json:"note"`
	Tool    string     `json:"tool"`           // what wrote a report
	Partial bool       `json:"partial"`        // the report says or shows that it does not cover everything: a failed part, a cut-off end
	Made    *time.Time `json:"made,omitempty"` // when, as a parts list says itself
}

// Problem is something in the files that a person should know: a skipped row, a duplicate object,
// a file of no known format. It never stops an import.
type Problem struct {
	Path    string `json:"path"`
	At      string `json:"at"` // "line 12" or "line 12, column 3", or a document path; empty when the whole file is meant
	Message string `json:"message"`
}

// Error is a file that cannot be used: it names the file, the place and the reason.
type Error struct {
	Path   string
	At     string
	Reason string // a full sentence
}

func (e *Error) Error() string {
	place := e.Path
	if e.At != "" {
		place += ", " + e.At
	}
	return fmt.Sprintf("%s: %s", place, e.Reason)
}

// Fail makes an *Error; line 0 means that the whole file is meant.
func Fail(path string, line int, format string, args ...any) *Error {
	e := &Error{Path: path, Reason: fmt.Sprintf(format, args...)}
	if line > 0 {
		e.At = fmt.Sprintf("line %d", line)
	}
	return e
}

// At formats "path:line", the place of a fact.
func At(path string, line int) string {
	if line <= 0 {
		return path
	}
	return fmt.Sprintf("%s:%d", path, line)
}

// SplitAt splits "path:line"; the line is 0 where there is none.
func SplitAt(at string) (path string, line int) {
	i := strings.LastIndexByte(at, ':')
	if i < 0 {
		return at, 0
	}
	if _, err := fmt.Sscanf(at[i+1:], "%d", &line); err != nil || line <= 0 {
		return at, 0
	}
	return at[:i], line
}

// Truth is a fact that may be unknown. The zero value is not valid; say Unknown.
type Truth string

// The three values of a fact.
const (
	Yes     Truth = "yes"
	No      Truth = "no"
	Unknown Truth = "unknown"
)

// Of turns a bool into Yes or No.
func Of(b bool) Truth {
	if b {
		return Yes
	}
	return No
}

// ImagePin says how exactly an image is named.
type ImagePin string

// The ways an image can be pinned, worst first.
const (
	PinMoving ImagePin = "moving" // latest, no tag, or a family tag that moves
	PinNone   ImagePin = "none"   // no image: built from source
	PinTag    ImagePin = "tag"
	PinDigest ImagePin = "digest"
)

// MTLS is the mode that a mesh demands of callers.
type MTLS string

// The mTLS modes.
const (
	MTLSStrict      MTLS = "strict"
	MTLSPermissive  MTLS = "permissive"
	MTLSDisable     MTLS = "disable"
	MTLSNotDeclared MTLS = "not_declared"
)

// Inspection is everything that one set of files says. Slices are never nil, so that JSON shows [].
type Inspection struct {
	Inputs       []Input      `json:"inputs"`
	Services     []Service    `json:"services"`
	Dependencies []Dependency `json:"dependencies"`
	Unresolved   []Unresolved `json:"unresolved"`
	Components   []Component  `json:"components"`
	Operations   []Operation  `json:"operations"`
	Findings     []Finding    `json:"findings"`
	Problems     []Problem    `json:"problems"`
}

// New returns an Inspection whose lists are empty, not nil.
func New() *Inspection {
	return &Inspection{
		Inputs: []Input{}, Services: []Service{}, Dependencies: []Dependency{}, Unresolved: []Unresolved{},
		Components: []Component{}, Operations: []Operation{}, Findings: []Finding{}, Problems: []Problem{},
	}
}

// Add appends what another inspection holds.
func (i *Inspection) Add(o *Inspection) {
	i.Inputs = append(i.Inputs, o.Inputs...)
	i.Services = append(i.Services, o.Services...)
	i.Dependencies = append(i.Dependencies, o.Dependencies...)
	i.Unresolved = append(i.Unresolved, o.Unresolved...)
	i.Components = append(i.Components, o.Components...)
	i.Operations = append(i.Operations, o.Operations...)
	if len(i.Findings) == 0 && len(o.Findings) > 0 {
		i.Findings = o.Findings // many and large: not copied
	} else {
		i.Findings = append(i.Findings, o.Findings...)
	}
	i.Problems = append(i.Problems, o.Problems...)
}

// Service is one workload of the files (Deployment, StatefulSet, DaemonSet, Job, CronJob, Pod, compose service).
type Service struct {
	Name         string   `json:"name"`      // as in the file; "namespace/name" only when two would clash
	Namespace    string   `json:"namespace"` // "default" where the file names none; "" for compose
	WorkloadKind string   `json:"workload_kind"`
	Group        string   `json:"group"` // the service it is a version of (reviews-v1 -> reviews); its own name otherwise
	ServiceNames []string `json:"service_names"`
	Replicas     *int     `json:"replicas"`
	Profiles     []string `json:"profiles"`

	Containers []Container `json:"containers"`
	Images     []string    `json:"images"`
	BuildOnly  bool        `json:"build_only"`

	Ports        []Port `json:"ports"`
	ServicePorts []Port `json:"service_ports"`

	Language      *string `json:"language"`
	Datastore     bool    `json:"datastore"`
	DatastoreKind string  `json:"datastore_kind"`

	Exposed   bool       `json:"exposed"`
	Exposures []Exposure `json:"exposures"`

	RunsAsRoot         Truth    `json:"runs_as_root"`
	Privileged         bool     `json:"privileged"`
	HasSecurityContext bool     `json:"has_security_context"`
	CPULimit           bool     `json:"cpu_limit"`
	MemoryLimit        bool     `json:"memory_limit"`
	Liveness           bool     `json:"liveness"`
	Readiness          bool     `json:"readiness"`
	ReadOnlyRoot       bool     `json:"read_only_root"`
	ImagePin           ImagePin `json:"image_pin"`

	HostNetwork    bool     `json:"host_network"`
	HostPID        bool     `json:"host_pid"`
	HostIPC        bool     `json:"host_ipc"`
	HostPaths      []string `json:"host_paths"`
	DockerSocket   bool     `json:"docker_socket"`
	ServiceAccount string   `json:"service_account"`
	AutomountToken *bool    `json:"automount_token"`

	Mesh                  Truth    `json:"mesh"`
	MTLS                  MTLS     `json:"mtls"`
	MTLSAt                string   `json:"mtls_at,omitempty"` // the PeerAuthentication that decides
	AuthorizationPolicies []string `json:"authorization_policies"`
	NetworkPolicies       []string `json:"network_policies"`
	IngressIsolated       bool     `json:"ingress_isolated"`
	EgressIsolated        bool     `json:"egress_isolated"`

	PortMTLS   []PortMTLS `json:"port_mtls"`   // ports whose mode differs from MTLS
	Admission  Admission  `json:"admission"`   // what the mesh's authorization policies let in
	Gateway    bool       `json:"gateway"`     // it is itself the way in: an ingress gateway or edge proxy
	Autoscaled string     `json:"autoscaled"`  // the HorizontalPodAutoscaler's place; "" when none names it
	RightsSeen bool       `json:"rights_seen"` // some RoleBinding of these files names its service account
	Rights     []Right    `json:"rights"`      // what its service account may do in the cluster
	Storage    []Storage  `json:"storage"`     // the volumes that it claims

	LiteralSecrets []LiteralSecret `json:"literal_secrets"`
	Facts          []Fact          `json:"facts"`
	Gates          *Gates          `json:"gates,omitempty"` // nil where an older Muster read the files and did not look
	At             string          `json:"at"`              // "path:line"
}

// Gates is what the files say about who may talk to a workload and to whom it may talk. Other workloads are named as Service.Name is.
type Gates struct {
	Ingress  Direction `json:"ingress"`
	Egress   Direction `json:"egress"`
	Allow    Callers   `json:"allow"`              // of ALLOW policies of the mesh
	Deny     Callers   `json:"deny"`               // of DENY policies that hold whatever is asked for
	Token    bool      `json:"token,omitempty"`    // a signed token, or another service's word, is demanded of every request
	Secrets  []string  `json:"secrets,omitempty"`  // that its containers are given, with their namespace
	Networks []string  `json:"networks,omitempty"` // of Compose; none at all where network_mode says so
}

// Direction is what the network policies that select a workload make of one direction, seen together.
type Direction struct {
	Isolated   bool     `json:"isolated,omitempty"`   // some policy selects it
	Everyone   bool     `json:"everyone,omitempty"`   // a rule admits anybody
	Outside    bool     `json:"outside,omitempty"`    // a rule admits addresses outside the cluster
	Unclear    bool     `json:"unclear,omitempty"`    // a rule may admit more than can be read from the files
	Unread     bool     `json:"unread,omitempty"`     // policies of kinds that are not read may select it
	Namespaces []string `json:"namespaces,omitempty"` // admitted as a whole
	Workloads  []string `json:"workloads,omitempty"`  // admitted
	Named      bool     `json:"named,omitempty"`      // what is admitted as a workload is named by its labels
}

// Callers are the sources that authorization policies of one action match.
type Callers struct {
	Any        bool     `json:"any,omitempty"`      // there is such a policy
	Everyone   bool     `json:"everyone,omitempty"` // it matches whoever calls
	Members    bool     `json:"members,omitempty"`  // it matches every member of the mesh
	Unclear    bool     `json:"unclear,omitempty"`  // it asks for what files cannot show
	Others     bool     `json:"others,omitempty"`   // it matches everybody but the listed
	Namespaces []string `json:"namespaces,omitempty"`
	Workloads  []string `json:"workloads,omitempty"`
}

// Container is one container of a workload.
type Container struct {
	Name                     string   `json:"name"`
	Init                     bool     `json:"init"`
	Image                    string   `json:"image"`
	ImagePin                 ImagePin `json:"image_pin"`
	RunsAsRoot               Truth    `json:"runs_as_root"`
	Privileged               bool     `json:"privileged"`
	HasSecurityContext       bool     `json:"has_security_context"`
	CPULimit                 bool     `json:"cpu_limit"`
	MemoryLimit              bool     `json:"memory_limit"`
	Liveness                 bool     `json:"liveness"`
	Readiness                bool     `json:"readiness"`
	ReadOnlyRoot             bool     `json:"read_only_root"`
	AllowPrivilegeEscalation *bool    `json:"allow_privilege_escalation"`
	DropsAllCaps             bool     `json:"drops_all_caps"`
	Seccomp                  string   `json:"seccomp"` // RuntimeDefault, Localhost, Unconfined; "" where neither pod nor container says
	CapAdd                   []string `json:"cap_add"`
	At                       string   `json:"at"`
}

// Port is a port that a workload or its Service opens.
type Port struct {
	Port     int    `json:"port"`
	Protocol string `json:"protocol"` // "tcp", "udp", "sctp"
	Name     string `json:"name"`
}

// Exposure is one way in from outside.
type Exposure struct {
	Via       string `json:"via"`     // load_balancer, node_port, ingress, gateway, host_port, published_port
	Name      string `json:"name"`    // the object that opens it
	Address   string `json:"address"` // host, host:port or URL as far as the file says; "" where it does not
	Scope     string `json:"scope"`   // all, internal, loopback
	Ephemeral bool   `json:"ephemeral"`
	TLS       Truth  `json:"tls"`
	Redirects bool   `json:"redirects"`         // plain HTTP is answered only by a redirect to HTTPS
	MinTLS    string `json:"min_tls,omitempty"` // the oldest protocol that the object states, as "TLS1.2"
	At        string `json:"at"`
}

// PortMTLS is a port that the mesh treats otherwise than the rest of the workload.
type PortMTLS struct {
	Port int    `json:"port"`
	Mode MTLS   `json:"mode"`
	At   string `json:"at"`
}

// Admission is what the authorization policies that cover a workload let in, seen together. Where no policy covers it,
// all is zero but DemandsToken, which is unknown.
type Admission struct {
	Allows       int    `json:"allows"`        // ALLOW policies that cover it
	DenyAll      bool   `json:"deny_all"`      // one of them has no rules, so nothing gets in but what others name
	AllowAll     bool   `json:"allow_all"`     // a rule lets everybody in ({} or a bare "*")
	Named        bool   `json:"named"`         // every rule of every ALLOW names principals or namespaces
	RequestAuth  bool   `json:"request_auth"`  // a RequestAuthentication selects it
	DemandsToken Truth  `json:"demands_token"` // no request gets in without a signed token
	At           string `json:"at"`            // the policy that decides: the allow-all, else the deny-all, else the first
}

// Right is one rule of a role that is bound to a service account.
type Right struct {
	Role        string   `json:"role"` // "ClusterRole/cluster-admin"
	Verbs       []string `json:"verbs"`
	Resources   []string `json:"resources"`
	ClusterWide bool     `json:"cluster_wide"`        // bound by a ClusterRoleBinding
	Namespace   string   `json:"namespace,omitempty"` // of the RoleBinding: where it holds
	At          string   `json:"at"`
}

// Storage is a volume that a workload claims.
type Storage struct {
	Claim     string `json:"claim"`
	Class     string `json:"class"`
	Encrypted Truth  `json:"encrypted"` // by the class's parameters; unknown where the class is not in the files
	At        string `json:"at"`
}

// LiteralSecret names a secret written in clear. The value is never kept.
type LiteralSecret struct {
	Name   string `json:"name"`
	Source string `json:"source"` // env, config_map
	At     string `json:"at"`
}

// Fact is one thing that a file states about a service, for people to read: "image", "redis:7", "k8s/redis.yaml:14".
// It is how the inventory shows where each value comes from.
type Fact struct {
	Key   string `json:"key"`  // one of the FactXxx keys
	Part  string `json:"part"` // the container, port or policy it speaks about; "" for the whole service
	Value string `json:"value"`
	At    string `json:"at"`
}

// The keys of facts that importers state.
const (
	FactImage          = "image"          // part = container
	FactPort           = "port"           // value "8080/tcp"
	FactRunsAsRoot     = "runs_as_root"   // part = container; yes, no (unknown is not stated)
	FactPrivileged     = "privileged"     // part = container; yes
	FactReadOnlyRoot   = "read_only_root" // part = container; yes, no
	FactEscalation     = "allow_privilege_escalation"
	FactCapabilities   = "capabilities" // part = container; "drop ALL", "add NET_ADMIN"
	FactLimits         = "limits"       // part = container; "cpu 200m, memory 128Mi"
	FactProbes         = "probes"       // part = container; "liveness, readiness"
	FactReplicas       = "replicas"
	FactServiceAccount = "service_account"
	FactHostAccess     = "host_access"            // "host network", "host path /var/run/docker.sock"
	FactExposure       = "exposure"               // "load balancer frontend-external, port 80, no TLS stated"
	FactMesh           = "mesh"                   // yes, no
	FactMTLS           = "mtls"                   // strict, permissive, disable
	FactAuthorization  = "authorization_policy"   // part = policy; "allows frontend", "denies all", "allows everyone"
	FactRequestAuth    = "request_authentication" // part = policy; the issuers, comma separated
	FactNetworkPolicy  = "network_policy"         // part = policy; "in from a, b", "default deny in"
	FactLiteralSecret  = "literal_secret"         // part = env name; value = source (env, config_map); never the secret
	FactDatastore      = "datastore"              // the kind
	FactLanguage       = "language"
	FactStorage        = "storage"    // part = claim; "class fast, encrypted"
	FactOperations     = "operations" // "31 operations, 2 without security"
)

// Dependency is an edge caller -> callee.
type Dependency struct {
	From           string     `json:"from"`
	To             string     `json:"to"`
	Kind           string     `json:"kind"`  // call, telemetry
	Basis          string     `json:"basis"` // declared, allowed, ordering, observed
	Evidence       []Evidence `json:"evidence"`
	Protocol       string     `json:"protocol,omitempty"` // http, https, grpc, redis, postgres, … where the file says
	Port           int        `json:"port,omitempty"`
	Transport      string     `json:"transport"`            // none, tls, mtls, unknown
	Authentication string     `json:"authentication"`       // none, api_key, jwt, oidc, mtls, unknown
	Authorization  string     `json:"authorization"`        // default_allow, policy, denied, unknown
	TimeoutAt      string     `json:"timeout_at,omitempty"` // the VirtualService that limits how long the caller waits
	BreakerAt      string     `json:"breaker_at,omitempty"` // the DestinationRule that stops calling what keeps failing
}

// Evidence is one place in the files that says so.
type Evidence struct {
	Type string `json:"type"` // env, config_map, argument, depends_on, links, network_policy, authorization_policy, route, init_container
	Key  string `json:"key"`
	At   string `json:"at"`
}

// Unresolved is a name in the files that matches no service or workload.
type Unresolved struct {
	From string `json:"from"`
	Host string `json:"host"`
	Kind string `json:"kind"` // host, principal
	At   string `json:"at"`
}

// Component is one package of an SBOM or lock file.
type Component struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Ecosystem string   `json:"ecosystem"`
	PURL      string   `json:"purl"`
	Licenses  []string `json:"licenses"`
	Direct    *bool    `json:"direct"`
	Dev       bool     `json:"dev"`
	Service   string   `json:"service"`
	Input     string   `json:"input"`
	At        string   `json:"at"`
}

// Operation is one operation of an OpenAPI document.
type Operation struct {
	Method   string `json:"method"`
	Path     string `json:"path"`
	Security string `json:"security"` // required, optional, none
	Stated   bool   `json:"stated"`   // the operation or the whole document says so itself, be it "none"
	Body     bool   `json:"body"`     // it takes a request body
	Document string `json:"document"` // the title of the document
	Input    string `json:"input"`    // the path of the file
	Service  string `json:"service"`  // the service the document belongs to, where the files say
	At       string `json:"at"`
}
