package probe

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	maxToken      = 16 << 10
	maxCandidates = 5           // operations that the valid token is tried on
	clockSkew     = time.Minute // within which an expiry is nobody's fault
)

var errToken = errors.New("it is not a signed JWT")

// jsonToken is a JSON Web Token taken apart. Nothing in it is verified.
type jsonToken struct {
	head, claims map[string]any
	payload      string // as it was written
	signature    []byte
}

// parseToken takes a compact JWT (RFC 7519) apart.
func parseToken(text string) (*jsonToken, error) {
	parts := strings.Split(text, ".")
	if len(text) > maxToken || len(parts) != 3 {
		return nil, errToken
	}
	t := &jsonToken{payload: parts[1]}
	for i, into := range []*map[string]any{&t.head, &t.claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, errToken
		}
		// Numbers keep their digits, so that a claim is written back as it was.
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if d.Decode(into) != nil || *into == nil {
			return nil, errToken
		}
	}
	var err error
	if t.signature, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil || len(t.signature) == 0 && !t.bare() {
		return nil, errToken
	}
	return t, nil
}

// bare says whether the token itself claims to need no signature.
func (t *jsonToken) bare() bool {
	algorithm, _ := t.head["alg"].(string)
	return strings.EqualFold(algorithm, "none")
}

// compact writes a token from its pieces.
func compact(head map[string]any, payload string, signature []byte) (string, error) {
	data, err := json.Marshal(head)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(data) + "." + payload + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// forged are tokens that only a server that does not verify signatures accepts: another signature under the same claims, and other
// claims under the same signature. The added claim means nothing, so nothing but the signature can be why the token is refused.
func (t *jsonToken) forged() ([]string, error) {
	other := append(slices.Clone(t.signature), 0)[:max(1, len(t.signature))]
	other[0] ^= 0x55
	resigned, err := compact(t.head, t.payload, other)
	if err != nil {
		return nil, err
	}
	claims := maps.Clone(t.claims)
	claims["muster_probe"] = true
	data, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	reworded, err := compact(t.head, base64.RawURLEncoding.EncodeToString(data), t.signature)
	return []string{resigned, reworded}, err
}

// unsigned are tokens of the algorithm "none" (RFC 8725, section 2.1), in another case too, which naive comparisons let through,
// and with the old signature, for servers that only look whether there is one.
func (t *jsonToken) unsigned() ([]string, error) {
	var out []string
	for _, form := range []struct {
		algorithm string
		signature []byte
	}{{"none", nil}, {"nOnE", nil}, {"none", t.signature}} {
		head := maps.Clone(t.head)
		head["alg"] = form.algorithm
		text, err := compact(head, t.payload, form.signature)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// claim is a claim that is text; "" where it is not.
func (t *jsonToken) claim(name string) string {
	text, _ := t.claims[name].(string)
	return text
}

// audiences reads the claim aud, which is one text or a list of them.
func (t *jsonToken) audiences() []string {
	switch aud := t.claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		var out []string
		for _, one := range aud {
			if text, ok := one.(string); ok {
				out = append(out, text)
			}
		}
		return out
	}
	return nil
}

// expiry reads the claim exp.
func (t *jsonToken) expiry() (time.Time, bool) {
	number, ok := t.claims["exp"].(json.Number)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := number.Float64()
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// tokenSight is how an operation answered to a valid token and to others.
type tokenSight struct {
	problem  string     // why nothing could be tried
	token    *jsonToken // nil when the valid token is not a JWT
	on       string     // the operation
	valid    *exchange
	forged   []*exchange
	unsigned []*exchange
	others   map[string]*otherToken // by clause
	again    *exchange              // the valid token once more, after all the others
}

// otherToken is a token that was given in order to be refused.
type otherToken struct {
	given  bool
	token  *jsonToken
	answer *exchange
}

// lookTokens tries the valid token, and if it is accepted where strangers are refused, the ones that must not be.
func lookTokens(ctx context.Context, c *client, s *sight, o *Options) *tokenSight {
	if o.Token == "" {
		return nil
	}
	seen := &tokenSight{others: map[string]*otherToken{}}
	for clause, text := range map[string]string{"expiry": o.ExpiredToken, "audience": o.OtherAudience, "issuer": o.OtherIssuer} {
		seen.others[clause] = &otherToken{given: text != ""}
	}
	a := seen.accepted(ctx, c, s, o.Token)
	if a == nil {
		return seen
	}
	token, err := parseToken(o.Token)
	if err != nil {
		return seen
	}
	seen.token = token
	try := func(text string) *exchange { return withToken(ctx, c, a, text) }
	forged, err := token.forged()
	unsigned, err2 := token.unsigned()
	if err != nil || err2 != nil {
		seen.problem = "the token could not be changed"
		return seen
	}
	for _, text := range forged {
		seen.forged = append(seen.forged, try(text))
	}
	for _, text := range unsigned {
		seen.unsigned = append(seen.unsigned, try(text))
	}
	for clause, text := range map[string]string{"expiry": o.ExpiredToken, "audience": o.OtherAudience, "issuer": o.OtherIssuer} {
		if other, err := parseToken(text); err == nil {
			seen.others[clause].token, seen.others[clause].answer = other, try(text)
		}
	}
	seen.again = try(o.Token)
	return seen
}

// accepted finds an operation that refuses strangers and accepts the token. On one that lets everybody in, refusals would prove nothing.
func (seen *tokenSight) accepted(ctx context.Context, c *client, s *sight, token string) *opAnswer {
	tried := 0
	for i := range s.access.answers {
		a := &s.access.answers[i]
		end := a.end()
		if !end.answered() || !refuses(end) || a.op.Method != "GET" && a.op.Method != "HEAD" || a.op.Security == "none" || a.op.Security == "optional" {
			continue
		}
		if tried++; tried > maxCandidates {
			break
		}
		seen.on, seen.valid = a.op.Method+" "+a.op.Path, withToken(ctx, c, a, token)
		if letIn(seen.valid) {
			return a
		}
	}
	switch {
	case tried == 0:
		seen.problem = "no operation that can be called without harm refuses a caller without credentials, so what it answers to tokens proves nothing"
	default:
		seen.problem = "the given token was accepted nowhere, so refusals prove nothing"
	}
	return nil
}

// withToken calls the operation that a stranger was refused at, at the address that refused.
func withToken(ctx context.Context, c *client, a *opAnswer, token string) *exchange {
	return c.do(ctx, call{method: a.op.Method, url: a.end().url, headers: map[string]string{"Accept": acceptData, "Authorization": "Bearer " + token}, limit: maxGlance})
}

// refuses says whether an answer refuses a caller: in plain words, or by leading to a place to sign in.
func refuses(e *exchange) bool {
	return e.status == 401 || e.status == 403 || leadsToSignIn(e)
}
