// Package probe visits addresses as a stranger would and reports what it saw: which TLS is offered, what HTTP answers, who is let in
// without credentials. It knows no database; what it says becomes evidence elsewhere.
package probe

import "time"

// Report is the result of one call of `muster probe`: what `--json` prints, and what can be imported again.
type Report struct {
	Version  string   `json:"version"`   // of the Muster that probed
	SeenFrom string   `json:"seen_from"` // a name of the place that the probe ran in: a host, a segment
	At       string   `json:"at"`        // when it began, RFC 3339 UTC
	Targets  []Target `json:"targets"`
	Arcs     []Arc    `json:"arcs,omitempty"` // what --arcs tried
}

// Target is everything that one visit of one address saw.
type Target struct {
	Target     string    `json:"target"`   // as it was given: a URL or host:port
	Resolved   []string  `json:"resolved"` // the addresses that the name led to
	StartedAt  time.Time `json:"started_at"`
	DurationMS int64     `json:"duration_ms"`
	Reachable  bool      `json:"reachable"`
	Reason     string    `json:"reason"`  // a sentence, when it was not reachable or not visited
	Refused    bool      `json:"refused"` // the address guard did not allow the visit
	TLS        *TLS      `json:"tls"`
	HTTP       *HTTP     `json:"http"`
	Checks     []Check   `json:"checks"`
}

// TLS is what an address offers to a client that tries everything.
type TLS struct {
	Offered           []string     `json:"offered"` // "SSLv2", "SSLv3", "TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3", oldest first
	Ciphers           []Cipher     `json:"ciphers"`
	Certificate       *Certificate `json:"certificate"`
	ForwardSecrecy    bool         `json:"forward_secrecy"`    // every suite that is offered gives it
	ClientCertificate string       `json:"client_certificate"` // required, requested, none; unknown where no handshake could be finished
	Grade             string       `json:"grade"`              // as SSL Labs would rate it: A to F, T (not trusted), M (another name); "" without knowledge
	ALPN              []string     `json:"alpn"`
	Groups            []string     `json:"groups"` // of TLS 1.3, as the server prefers them
}

// Cipher is one suite that an address accepts in one protocol.
type Cipher struct {
	Protocol string `json:"protocol"`
	Name     string `json:"name"` // the IANA name
	Weak     bool   `json:"weak"`
	Reason   string `json:"reason,omitempty"` // why it is weak
	Group    string `json:"group,omitempty"`  // of the key exchange, where it was seen: x25519, DH-2048
}

// Certificate is the leaf that an address shows, and whether a stranger should believe it.
type Certificate struct {
	Subject      string    `json:"subject"`
	Issuer       string    `json:"issuer"`
	Names        []string  `json:"names"`       // at most 100 of them
	NamesTotal   int       `json:"names_total"` // how many there are
	NotBefore    time.Time `json:"not_before"`
	NotAfter     time.Time `json:"not_after"`
	DaysLeft     int       `json:"days_left"` // negative when it has expired
	Key          string    `json:"key"`       // "EC-256", "RSA-2048", "Ed25519"
	Signature    string    `json:"signature"`
	ChainTrusted bool      `json:"chain_trusted"`
	NameMatches  bool      `json:"name_matches"`
	SelfSigned   bool      `json:"self_signed"`
	Problem      string    `json:"problem,omitempty"` // what a verifier says of it
	Fingerprint  string    `json:"fingerprint"`       // SHA-256 of the certificate, hex
	Chain        []string  `json:"chain"`             // subjects of what was sent after the leaf
}

// HTTP is what an address answers to a plain request. Headers, cookies and content type are those of the page that was looked at
// in the end: redirects within the endpoint are followed, others are not.
type HTTP struct {
	Status       int               `json:"status"` // of the first answer; 0 when none was HTTP
	RedirectsTo  string            `json:"redirects_to"`
	FinalURL     string            `json:"final_url"` // the page that was looked at
	FinalStatus  int               `json:"final_status"`
	Headers      map[string]string `json:"headers"` // at most 100, without Set-Cookie
	ContentType  string            `json:"content_type"`
	Cookies      []Cookie          `json:"cookies"`       // at most 100, of all answers on the way to the page
	CookiesTotal int               `json:"cookies_total"` // how many there were
	CORS         CORS              `json:"cors"`
	SecurityTxt  bool              `json:"security_txt"` // a valid one is served
	Server       string            `json:"server"`
	Problem      string            `json:"problem,omitempty"` // why there was no answer, or why a redirect was not followed

	// Anonymous says whether a caller without credentials gets in: "yes" when an operation that is not documented as public answered
	// one, "no" when every such operation that was called refused, "unknown" otherwise. The map reads it as anonymous, refused, unknown.
	Anonymous       string `json:"anonymous"`
	OperationsTried int    `json:"operations_tried"` // called without credentials
	OperationsLeft  int    `json:"operations_left"`  // beyond the 200 that one visit judges
	Requests        int    `json:"requests"`         // sent in this visit
}

// Cookie is a cookie that was set, without its value.
type Cookie struct {
	Name     string `json:"name"`
	Secure   bool   `json:"secure"`
	HTTPOnly bool   `json:"http_only"`
	SameSite string `json:"same_site"` // Strict, Lax, None; "" where it does not say
}

// CORS is how an address answers a foreign origin.
type CORS struct {
	AllowOrigin      string `json:"allow_origin"`
	AllowCredentials bool   `json:"allow_credentials"`
	Reflects         bool   `json:"reflects"` // it allows whatever origin asks
}

// Outcome is the answer of one check.
type Outcome string

// The outcomes. Unknown and NotApplicable are no evidence.
const (
	Pass          Outcome = "pass"
	Fail          Outcome = "fail"
	Unknown       Outcome = "unknown"
	NotApplicable Outcome = "not_applicable"
)

// Check is one answer about one clause of one control of the catalogue.
type Check struct {
	Control   string     `json:"control"` // "TLS-2"
	Clause    string     `json:"clause"`  // of the catalogue: "modern_versions"
	Part      string     `json:"part"`    // "endpoint", or "operation:GET /orders" where it is about one operation
	Outcome   Outcome    `json:"outcome"`
	Observed  string     `json:"observed"` // a sentence or a few words: what was seen
	Expected  string     `json:"expected"`
	Detail    string     `json:"detail"`
	GoodUntil *time.Time `json:"good_until,omitempty"` // the physical end of a pass: a certificate's last day
}

// Arc is one try of `--arcs`: may this place call that address?
type Arc struct {
	From      string    `json:"from"` // the service on whose behalf it was tried
	To        string    `json:"to"`
	Address   string    `json:"address"` // host:port
	StartedAt time.Time `json:"started_at"`
	Result    string    `json:"result"` // connected, blocked (no answer, or told that the network does not let it through), unclear
	Connected bool      `json:"connected"`
	Answer    string    `json:"answer"` // anonymous, refused, none: what one request without credentials got
	Observed  string    `json:"observed"`
}
