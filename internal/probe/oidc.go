package probe

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const maxKeys = 100

// issuerSight is what an issuer of tokens says about itself.
type issuerSight struct {
	asked    bool // an issuer was named; otherwise the target itself was tried
	issuer   string
	problem  string // why there is no document
	document *discovery
	keys     []publicKey
	unread   string // why the keys could not be read
}

// discovery is the part of an OpenID Connect discovery document, or of OAuth 2 server metadata (RFC 8414), that matters here.
type discovery struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	Keys          string   `json:"jwks_uri"`
	Responses     []string `json:"response_types_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
}

// publicKey is one key of a JWK set, by kind and size.
type publicKey struct {
	name  string // RSA-2048, EC P-256, Ed25519
	fault string // why it is not sound
}

// lookIssuer fetches the discovery document and the keys that it names. Nothing is followed: the standards allow no redirect here.
func lookIssuer(ctx context.Context, c *client, s *sight, o *Options) *issuerSight {
	seen := &issuerSight{asked: o.Issuer != "", issuer: strings.TrimSuffix(s.start.Scheme+"://"+s.start.Host+s.start.Path, "/")}
	if seen.asked {
		seen.issuer = o.Issuer
	} else if !s.page.end().answered() {
		return nil
	}
	base, err := url.Parse(seen.issuer)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		seen.problem = "the issuer is not a URL"
		return seen
	}
	for _, place := range discoveryPlaces(base) {
		e := c.do(ctx, call{method: "GET", url: place, headers: map[string]string{"Accept": "application/json"}})
		if seen.document, err = readDiscovery(e); err == nil {
			break
		}
		if seen.problem == "" {
			seen.problem = err.Error()
		}
	}
	if seen.document == nil {
		if seen.asked || o.Token != "" {
			return seen
		}
		return nil
	}
	seen.problem = ""
	seen.keys, seen.unread = fetchKeys(ctx, c, base, seen.document.Keys)
	return seen
}

// discoveryPlaces are the addresses of the document: OpenID Connect puts it behind the issuer's path, RFC 8414 before it.
func discoveryPlaces(issuer *url.URL) []*url.URL {
	path := strings.TrimSuffix(issuer.Path, "/")
	return []*url.URL{
		{Scheme: issuer.Scheme, Host: issuer.Host, Path: path + "/.well-known/openid-configuration"},
		{Scheme: issuer.Scheme, Host: issuer.Host, Path: "/.well-known/oauth-authorization-server" + path},
	}
}

func readDiscovery(e *exchange) (*discovery, error) {
	if err := readable(e); err != nil {
		return nil, err
	}
	d := &discovery{}
	if json.Unmarshal(e.body, d) != nil || d.Issuer == "" {
		return nil, errors.New("the answer is not a discovery document")
	}
	return d, nil
}

// readable says why an answer is not a document to read.
func readable(e *exchange) error {
	switch {
	case !e.answered():
		return errors.New(e.why())
	case e.status != 200:
		return fmt.Errorf("the answer has the status %d", e.status)
	case !e.whole && e.problem != "":
		return errors.New(e.problem)
	case !e.whole:
		return errors.New("the answer is too long")
	}
	return nil
}

func fetchKeys(ctx context.Context, c *client, issuer *url.URL, address string) (keys []publicKey, unread string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, "the document names no address of keys"
	}
	if reason := published(issuer, u); reason != "" {
		return nil, "the address of the keys was not visited: " + reason
	}
	u.User = nil
	e := c.do(ctx, call{method: "GET", url: u, headers: map[string]string{"Accept": "application/json"}})
	if err := readable(e); err != nil {
		return nil, err.Error()
	}
	if keys, err = parseKeys(e.body); err != nil {
		return nil, err.Error()
	}
	return keys, ""
}

// parseKeys reads a JWK set (RFC 7517). Values are only measured; a private part is never kept.
func parseKeys(data []byte) ([]publicKey, error) {
	var set struct {
		Keys []struct {
			Kind  string          `json:"kty"`
			Curve string          `json:"crv"`
			N     string          `json:"n"`
			D     json.RawMessage `json:"d"`
			K     json.RawMessage `json:"k"`
		} `json:"keys"`
	}
	if json.Unmarshal(data, &set) != nil || set.Keys == nil {
		return nil, errors.New("the answer is not a set of keys")
	}
	if len(set.Keys) > maxKeys {
		set.Keys = set.Keys[:maxKeys]
	}
	var keys []publicKey
	for _, k := range set.Keys {
		key := publicKey{name: printable(k.Kind, 20)}
		switch k.Kind {
		case "RSA":
			bits := bitsOf(k.N)
			key.name = fmt.Sprintf("RSA-%d", bits)
			if bits > 0 && bits < 2048 {
				key.fault = "RSA below 2048 bits"
			}
		case "EC":
			key.name = "EC " + printable(k.Curve, 20)
			if slices.Contains([]string{"P-192", "P-224"}, k.Curve) {
				key.fault = "a curve below P-256"
			}
		case "OKP":
			key.name = printable(k.Curve, 20)
		case "oct":
			if len(k.K) > 0 {
				key.fault = "a symmetric key is published, with which anybody can sign"
			}
		}
		if len(k.D) > 0 && string(k.D) != "null" && k.Kind != "oct" {
			key.fault = "the private part is published"
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// bitsOf measures a modulus in base64url; 0 when it is none.
func bitsOf(modulus string) int {
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(modulus, "="))
	if err != nil {
		return 0
	}
	for i, b := range data {
		if b == 0 {
			continue
		}
		bits := (len(data) - i) * 8
		for mask := byte(0x80); b&mask == 0; mask >>= 1 {
			bits--
		}
		return bits
	}
	return 0
}

// judgeIssuer answers whether tokens follow a standard (IAM-2), and whether the keys behind them can be trusted (DAT-6).
func judgeIssuer(s *issuerSight, o *Options) []Check {
	if s == nil {
		return nil
	}
	standard := Check{Control: "IAM-2", Clause: "standard", Part: onEndpoint, Expected: "a discovery document of the issuer itself, with addresses over HTTPS and the code flow with S256"}
	if s.document == nil {
		return []Check{with(standard, Unknown, "no discovery document", asSentence(printable(s.problem, 200)))}
	}
	standard.Outcome, standard.Observed, standard.Detail = judgeDiscovery(s, o)
	strength := Check{Control: "DAT-6", Clause: "strength", Part: onEndpoint, Expected: "RSA of 2048 bits or more, EC P-256 or better, no key and no algorithm that lets anybody sign"}
	strength.Outcome, strength.Observed, strength.Detail = judgePublished(s)
	return []Check{standard, strength}
}

func judgeDiscovery(s *issuerSight, o *Options) (Outcome, string, string) {
	d := s.document
	named := printable(d.Issuer, 200)
	if strings.TrimSuffix(d.Issuer, "/") != strings.TrimSuffix(s.issuer, "/") {
		if !s.asked {
			return Unknown, "a document of the issuer " + named, "It was found at the target, which may be another way to that issuer; name the issuer to have it tried."
		}
		return Fail, "the document says issuer " + named, "OpenID Connect Discovery 1.0, section 4.3: it must be the very issuer that was asked, " + printable(s.issuer, 200) + "."
	}
	for _, address := range []struct{ name, value string }{{"authorization_endpoint", d.Authorization}, {"token_endpoint", d.Token}, {"userinfo_endpoint", d.UserInfo}, {"jwks_uri", d.Keys}} {
		if address.value != "" && !strings.HasPrefix(strings.ToLower(address.value), "https://") {
			return Fail, address.name + " is not HTTPS", printable(address.value, 200)
		}
	}
	if t, err := parseToken(o.Token); err == nil && strings.TrimSuffix(t.claim("iss"), "/") != strings.TrimSuffix(d.Issuer, "/") {
		return Unknown, "the given token is of another issuer", "The document is sound, but it is not about this token."
	}
	var lacks []string
	if d.Token == "" {
		lacks = append(lacks, "token_endpoint")
	}
	if d.Authorization == "" || !slices.Contains(d.Responses, "code") {
		lacks = append(lacks, "the code flow")
	}
	if !slices.Contains(d.Challenges, "S256") {
		lacks = append(lacks, "S256")
	}
	if s.unread != "" {
		lacks = append(lacks, "readable keys ("+printable(s.unread, 100)+")")
	}
	if len(lacks) > 0 {
		return Unknown, "without " + strings.Join(lacks, ", "), "The document of " + named + " is genuine, but does not show all that is expected."
	}
	return Pass, "issuer " + named + ", code flow with S256", ""
}

// judgePublished can only refute: sound keys of one issuer do not speak for all the keys of a service.
func judgePublished(s *issuerSight) (Outcome, string, string) {
	if slices.Contains(s.document.Algorithms, "none") {
		return Fail, "the issuer supports the algorithm none", "id_token_signing_alg_values_supported names it, so tokens without any key may be issued."
	}
	if s.unread != "" {
		return Unknown, "no keys seen", asSentence(printable(s.unread, 200))
	}
	var names []string
	for _, k := range s.keys {
		if k.fault != "" {
			return Fail, k.name, asSentence(k.fault)
		}
		if !slices.Contains(names, k.name) && len(names) < 10 {
			names = append(names, k.name)
		}
	}
	return Unknown, cmp.Or(strings.Join(names, ", "), "no keys"), "Nothing speaks against the keys; a probe sees only the published ones, so it proves nothing."
}
