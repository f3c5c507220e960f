package probe

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

func rsaKey(bits int) string {
	n := make([]byte, bits/8)
	n[0] = 0x80
	return fmt.Sprintf(`{"kty":"RSA","n":"%s","e":"AQAB"}`, base64.RawURLEncoding.EncodeToString(n))
}

const goodKey = `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`

// issuerOf serves a discovery document with changes, and keys.
func issuerOf(t *testing.T, change map[string]any, keys string) string {
	t.Helper()
	var address string
	address = serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			d := map[string]any{"issuer": address, "authorization_endpoint": address + "/authorize", "token_endpoint": address + "/token", "jwks_uri": address + "/keys",
				"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"}, "id_token_signing_alg_values_supported": []string{"ES256"}}
			maps.Copy(d, change)
			json.NewEncoder(w).Encode(d)
		case "/keys":
			w.Write([]byte(`{"keys":[` + keys + `]}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	return address
}

func TestADiscoveryDocumentShowsTheStandard(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change map[string]any
		want   Outcome
		says   string
	}{
		"as it should be":            {nil, Pass, "code flow with S256"},
		"of another issuer":          {map[string]any{"issuer": "https://elsewhere.test"}, Fail, "elsewhere.test"},
		"an address over plain HTTP": {map[string]any{"token_endpoint": "http://a.test/token"}, Fail, "token_endpoint is not HTTPS"},
		"no S256":                    {map[string]any{"code_challenge_methods_supported": []string{"plain"}}, Unknown, "without S256"},
		"only implicit":              {map[string]any{"response_types_supported": []string{"token"}}, Unknown, "without the code flow"},
		"keys at another port":       {map[string]any{"jwks_uri": "https://127.0.0.1:22/keys"}, Unknown, "another port"},
		"keys at the metadata":       {map[string]any{"jwks_uri": "https://169.254.169.254/keys"}, Unknown, "is not allowed"},
		"another type of issuer":     {map[string]any{"issuer": 5}, Unknown, "no discovery document"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := issuerOf(t, test.change, goodKey)
			_, checks := visitOf(t, servePlain(t, http.NotFoundHandler()), Options{Issuer: issuer})
			if c := find(t, checks, "IAM-2", "standard", ""); c.Outcome != test.want || !strings.Contains(c.Observed, test.says) {
				t.Errorf("%s: %s. %s", c.Outcome, c.Observed, c.Detail)
			}
			agrees(t, checks)
		})
	}
}

func TestTheTargetItselfMayBeTheIssuer(t *testing.T) {
	t.Parallel()
	_, checks := visitOf(t, issuerOf(t, nil, goodKey), Options{})
	if c := find(t, checks, "IAM-2", "standard", ""); c.Outcome != Pass {
		t.Errorf("%s: %s", c.Outcome, c.Observed)
	}
	// Found by chance and of another name, it may be a way around to an issuer that is in order.
	_, checks = visitOf(t, issuerOf(t, map[string]any{"issuer": "https://login.test"}, goodKey), Options{})
	if c := find(t, checks, "IAM-2", "standard", ""); c.Outcome != Unknown {
		t.Errorf("%s: %s", c.Outcome, c.Observed)
	}
}

func TestPublishedKeysCanOnlyRefute(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		keys string
		alg  string
		want Outcome
		says string
	}{
		"sound":              {goodKey + "," + rsaKey(2048), "ES256", Unknown, "EC P-256, RSA-2048"},
		"short":              {goodKey + "," + rsaKey(1024), "RS256", Fail, "RSA-1024"},
		"a small curve":      {`{"kty":"EC","crv":"P-224"}`, "ES256", Fail, "P-224"},
		"symmetric":          {`{"kty":"oct","k":"c2VjcmV0"}`, "HS256", Fail, "oct"},
		"with its secret":    {`{"kty":"EC","crv":"P-256","d":"AA"}`, "ES256", Fail, "EC P-256"},
		"the algorithm none": {goodKey, "none", Fail, "algorithm none"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, checks := visitOf(t, servePlain(t, http.NotFoundHandler()), Options{Issuer: issuerOf(t, map[string]any{"id_token_signing_alg_values_supported": []string{test.alg}}, test.keys)})
			if c := find(t, checks, "DAT-6", "strength", ""); c.Outcome != test.want || !strings.Contains(c.Observed, test.says) {
				t.Errorf("%s: %s. %s", c.Outcome, c.Observed, c.Detail)
			}
			agrees(t, checks)
		})
	}
}
