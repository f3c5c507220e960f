package inventory

import (
	"slices"

	"muster/internal/imports/model"
)

// Known is what decides the words of one service.
type Known struct {
	Facts      []Fact
	Endpoints  []Endpoint
	CallsIn    []Dependency
	Operations int // documented, in all
	Open       int // documented as callable without credentials
}

// DeriveEncryption says what is known of encryption in transit. Unknown stays unknown.
func DeriveEncryption(k Known) string {
	mode := k.mesh()
	plain, tls := k.ways()
	switch {
	case mode == string(model.MTLSStrict) && plain:
		return EncryptionPlainEdge
	case mode == string(model.MTLSStrict):
		return EncryptionMTLS
	case plain, mode == string(model.MTLSDisable):
		return EncryptionNone
	case mode == string(model.MTLSPermissive):
		return EncryptionPermissive
	case tls:
		return EncryptionTLS
	}
	return EncryptionUnknown
}

// DeriveAuthentication says what is known of how callers prove who they are.
func DeriveAuthentication(k Known) string {
	strict := k.mesh() == string(model.MTLSStrict)
	token := slices.ContainsFunc(k.CallsIn, func(d Dependency) bool { return d.Authentication == "jwt" || d.Authentication == "oidc" })
	named := len(k.CallsIn) > 0 && !slices.ContainsFunc(k.CallsIn, func(d Dependency) bool { return d.Authorization != "policy" && d.Authorization != "denied" })
	policies := slices.ContainsFunc(k.Facts, func(f Fact) bool { return f.Key == model.FactAuthorization })
	switch {
	case token:
		return AuthToken
	case strict && policies && named:
		return AuthNamed
	case strict:
		return AuthMTLS
	case k.Operations > 0 && k.Open == k.Operations:
		return AuthNone
	case k.Open > 0:
		return AuthPartly
	case k.Operations > 0:
		return AuthDocumented
	}
	return AuthUnknown
}

// mesh is the weakest mode that every workload of the service is known to demand; "" when any is not known to be in the mesh.
func (k Known) mesh() string {
	member, mode := map[string]string{}, map[string]string{}
	workloads := map[string]bool{}
	for _, f := range k.Facts {
		workloads[f.Workload] = true
		switch f.Key {
		case model.FactMesh:
			member[f.Workload] = f.Value
		case model.FactMTLS:
			mode[f.Workload] = f.Value
		}
	}
	order := []string{string(model.MTLSDisable), string(model.MTLSPermissive), string(model.MTLSStrict)}
	weakest := len(order)
	for w := range workloads {
		i := slices.Index(order, mode[w])
		if member[w] != "yes" || i < 0 {
			return ""
		}
		weakest = min(weakest, i)
	}
	if weakest == len(order) {
		return ""
	}
	return order[weakest]
}

// ways says whether a way in from outside is plain, and whether one has TLS.
func (k Known) ways() (plain, tls bool) {
	for _, e := range k.Endpoints {
		if e.Scope == "all" && e.Via != "service" {
			plain, tls = plain || e.TLS == "no", tls || e.TLS == "yes"
		}
	}
	return plain, tls
}

// Tone says how a word is shown: ok, warn, bad or unk. Colour is never the only sign.
type Tone string

// The tones.
const (
	ToneOK   Tone = "ok"
	ToneWarn Tone = "warn"
	ToneBad  Tone = "bad"
	ToneUnk  Tone = "unk"
)

// Phrase is a word of the database in plain English.
type Phrase struct {
	Text string
	Tone Tone
}

var authenticationWords = map[string]Phrase{
	AuthUnknown:    {"Nobody told us how callers prove who they are", ToneUnk},
	AuthNone:       {"Its API document asks for no credentials", ToneBad},
	AuthPartly:     {"Its API document leaves some operations open", ToneWarn},
	AuthDocumented: {"Its API document asks for credentials; not proven", ToneWarn},
	AuthMTLS:       {"Any member of the mesh may call", ToneWarn},
	AuthNamed:      {"Only named callers may call", ToneOK},
	AuthToken:      {"A signed token is demanded", ToneOK},
}

var encryptionWords = map[string]Phrase{
	EncryptionUnknown:    {"Nobody told us whether calls are encrypted", ToneUnk},
	EncryptionNone:       {"Plain text is accepted", ToneBad},
	EncryptionPermissive: {"Mutual TLS is offered, plain text still accepted", ToneWarn},
	EncryptionPlainEdge:  {"Mutual TLS inside, plain HTTP on the way in", ToneBad},
	EncryptionTLS:        {"TLS on the way in; inside is not known", ToneWarn},
	EncryptionMTLS:       {"Mutual TLS", ToneOK},
}

var exposureWords = map[Exposure]Phrase{
	Public:          {"Public", ToneWarn},
	Partner:         {"Partners", ToneWarn},
	Internal:        {"Internal", ToneOK},
	ExposureUnknown: {"exposure unknown", ToneUnk},
}

// AuthenticationPhrase says a service's authentication in words.
func AuthenticationPhrase(word string) Phrase { return authenticationWords[word] }

// EncryptionPhrase says a service's encryption in transit in words.
func EncryptionPhrase(word string) Phrase { return encryptionWords[word] }

// ExposurePhrase says who can reach a service in words.
func ExposurePhrase(e Exposure) Phrase { return exposureWords[e] }

// EdgePhrase says what protects a call.
func EdgePhrase(d *Dependency) Phrase {
	transport := map[string]string{"none": "plain text", "tls": "TLS", "mtls": "mutual TLS", "unknown": "encryption unknown"}[d.Transport]
	rights := map[string]string{"policy": "named by a policy", "default_allow": "anyone may call", "denied": "refused by a policy"}[d.Authorization]
	if rights == "" {
		rights = "rights unknown"
	}
	tone := ToneUnk
	switch {
	case d.Transport == "none":
		tone = ToneBad
	case d.Authorization == "denied", d.Transport == "tls" || d.Authorization == "default_allow":
		tone = ToneWarn
	case d.Transport == "mtls" && d.Authorization == "policy":
		tone = ToneOK
	}
	return Phrase{transport + ", " + rights, tone}
}
