package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// smallAPI is a service with faults to choose.
type smallAPI struct {
	key         *ecdsa.PrivateKey
	anyoneSigns bool // signatures are not verified
	takesNone   bool // the algorithm none is believed
	neverEnds   bool // the expiry is not looked at
	anyAudience bool
	anyIssuer   bool
	lock        sync.Mutex
	called      []string
}

func newAPI(t *testing.T) *smallAPI {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &smallAPI{key: key}
}

func (a *smallAPI) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"k1","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, a.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// admits verifies a token as a careful service does, but for its faults.
func (a *smallAPI) admits(r *http.Request) bool {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(text, ".")
	if !ok || len(parts) != 3 {
		return false
	}
	var head struct{ Alg string }
	var claims struct {
		Iss, Aud string
		Exp      int64
	}
	for i, into := range []any{&head, &claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(data, into) != nil {
			return false
		}
	}
	return a.signed(parts, head.Alg) && (a.neverEnds || claims.Exp > testNow.Unix()) &&
		(a.anyAudience || claims.Aud == "shop") && (a.anyIssuer || claims.Iss == "https://login.test")
}

func (a *smallAPI) signed(parts []string, algorithm string) bool {
	if strings.EqualFold(algorithm, "none") {
		return a.takesNone
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if a.anyoneSigns {
		return true
	}
	if err != nil || len(signature) != 64 {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return ecdsa.Verify(&a.key.PublicKey, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

func (a *smallAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.lock.Lock()
	a.called = append(a.called, r.Method+" "+r.URL.Path)
	a.lock.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/v1/health", r.URL.Path == "/v1/export":
		w.Write([]byte(`{"ok":true}`))
	case strings.HasPrefix(r.URL.Path, "/v1/orders"):
		if !a.admits(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var body any
		if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&body) != nil {
			w.WriteHeader(http.StatusInternalServerError) // the fault that a malformed body brings to light
			return
		}
		w.Write([]byte(`[]`))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (a *smallAPI) operations() []Operation {
	return []Operation{
		{Method: "GET", Path: "/health", Security: "none"},
		{Method: "GET", Path: "/orders", Security: "required"},
		{Method: "GET", Path: "/orders/{id}", Security: "required"},
		{Method: "POST", Path: "/orders", Security: "required"},
		{Method: "DELETE", Path: "/orders/{id}", Security: "required"},
		{Method: "GET", Path: "/export", Security: "required"},
		{Method: "GET", Path: "/gone/{id}", Security: "required"},
		{Method: "OPTIONS", Path: "/orders", Security: "none"},
	}
}

func claimsOf(change map[string]any) map[string]any {
	claims := map[string]any{"iss": "https://login.test", "aud": "shop", "sub": "u1", "exp": testNow.Add(time.Hour).Unix()}
	for k, v := range change {
		claims[k] = v
	}
	return claims
}

func TestASmallAPIGivesExactlyItsChecks(t *testing.T) {
	t.Parallel()
	api := newAPI(t)
	report, checks := visitOf(t, serveTLS(t, api)+"/v1", Options{Operations: api.operations(), Token: api.sign(t, claimsOf(nil)),
		ExpiredToken:  api.sign(t, claimsOf(map[string]any{"exp": testNow.Add(-time.Hour).Unix()})),
		OtherAudience: api.sign(t, claimsOf(map[string]any{"aud": "bank"})),
		OtherIssuer:   newAPI(t).sign(t, claimsOf(map[string]any{"iss": "https://elsewhere.test"}))})
	want := []string{
		"TLS-5 hsts not_applicable",
		"API-7 safe_headers not_applicable",
		"API-7 safe_cookies not_applicable",
		"API-7 no_reflected_origin pass",
		"IAM-1 refuses_anonymous not_applicable GET /health",
		"IAM-1 refuses_anonymous pass GET /orders",
		"IAM-1 refuses_anonymous pass GET /orders/{id}",
		"IAM-1 refuses_anonymous unknown POST /orders",
		"IAM-1 refuses_anonymous unknown DELETE /orders/{id}",
		"IAM-1 refuses_anonymous fail GET /export",
		"IAM-1 refuses_anonymous unknown GET /gone/{id}",
		"IAM-1 refuses_anonymous not_applicable OPTIONS /orders",
		"IAM-2 signature pass",
		"IAM-2 issuer pass",
		"IAM-2 audience pass",
		"IAM-2 expiry pass",
		"IAM-2 no_unsigned pass",
		"IAM-2 standard unknown",
		"API-2 rate_limited unknown",
	}
	if got := lines(checks); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	agrees(t, checks)
	if report.Anonymous != "yes" || report.OperationsTried != 5 || report.Status != 404 {
		t.Errorf("the report says %+v", report)
	}
	for _, call := range api.called {
		if !strings.HasPrefix(call, "GET ") {
			t.Errorf("a visit that was not told to called %s", call)
		}
	}
}

func TestTokenFaultsAreFound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault  func(*smallAPI)
		clause string
	}{
		"signatures are not verified":   {func(a *smallAPI) { a.anyoneSigns = true }, "signature"},
		"the algorithm none is taken":   {func(a *smallAPI) { a.takesNone = true }, "no_unsigned"},
		"the expiry is not looked at":   {func(a *smallAPI) { a.neverEnds = true }, "expiry"},
		"the audience is not looked at": {func(a *smallAPI) { a.anyAudience = true }, "audience"},
		"the issuer is not looked at":   {func(a *smallAPI) { a.anyIssuer = true }, "issuer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newAPI(t)
			test.fault(api)
			_, checks := visitOf(t, serveTLS(t, api)+"/v1", Options{Operations: api.operations(), Token: api.sign(t, claimsOf(nil)),
				ExpiredToken:  api.sign(t, claimsOf(map[string]any{"exp": testNow.Add(-time.Hour).Unix()})),
				OtherAudience: api.sign(t, claimsOf(map[string]any{"aud": "bank"})),
				OtherIssuer:   api.sign(t, claimsOf(map[string]any{"iss": "https://elsewhere.test"}))})
			for _, w := range tokenWords {
				want := Pass
				if w.clause == test.clause {
					want = Fail
				}
				if got := find(t, checks, "IAM-2", w.clause, ""); got.Outcome != want {
					t.Errorf("%s is %s, want %s: %s. %s", w.clause, got.Outcome, want, got.Observed, got.Detail)
				}
			}
		})
	}
}

func TestRefusedTokensProveNothingWithoutAnAcceptedOne(t *testing.T) {
	t.Parallel()
	api := newAPI(t)
	address := serveTLS(t, api) + "/v1"
	for name, o := range map[string]Options{
		"a token that nobody accepts":        {Operations: api.operations(), Token: newAPI(t).sign(t, claimsOf(nil))},
		"an operation that is open":          {Operations: []Operation{{Method: "GET", Path: "/export", Security: "required"}}, Token: api.sign(t, claimsOf(nil))},
		"no operation, and nothing is there": {Token: api.sign(t, claimsOf(nil))},
	} {
		_, checks := visitOf(t, address, o)
		for _, w := range tokenWords {
			if got := find(t, checks, "IAM-2", w.clause, ""); got.Outcome != Unknown {
				t.Errorf("%s: %s is %s", name, w.clause, got.Outcome)
			}
		}
	}
}

func TestWithoutTokensOfTheIssuerTheirClausesStayUnknown(t *testing.T) {
	t.Parallel()
	api := newAPI(t)
	_, checks := visitOf(t, serveTLS(t, api)+"/v1", Options{Operations: api.operations(), Token: api.sign(t, claimsOf(nil)),
		ExpiredToken: api.sign(t, claimsOf(nil)), OtherAudience: "opaque"})
	for clause, want := range map[string]Outcome{"signature": Pass, "no_unsigned": Pass, "issuer": Unknown, "audience": Unknown, "expiry": Unknown} {
		if got := find(t, checks, "IAM-2", clause, ""); got.Outcome != want {
			t.Errorf("%s is %s, want %s: %s", clause, got.Outcome, want, got.Detail)
		}
	}
}

func TestAnAcceptedExpiredTokenFailsByItself(t *testing.T) {
	t.Parallel()
	api := newAPI(t)
	api.neverEnds = true
	_, checks := visitOf(t, serveTLS(t, api)+"/v1", Options{Operations: api.operations(), Token: api.sign(t, claimsOf(map[string]any{"exp": testNow.Add(-time.Hour).Unix()}))})
	if got := find(t, checks, "IAM-2", "expiry", ""); got.Outcome != Fail {
		t.Errorf("expiry is %s: %s", got.Outcome, got.Detail)
	}
}

func TestATokenIsNeverInAReport(t *testing.T) {
	t.Parallel()
	api := newAPI(t)
	token := api.sign(t, claimsOf(nil))
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.Header().Set("Location", "/?"+r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	report, checks := visitOf(t, serveTLS(t, echo), Options{Token: token})
	data, err := json.Marshal(map[string]any{"http": report, "checks": checks})
	if err != nil || strings.Contains(string(data), token) {
		t.Errorf("the token is in %s (%v)", data, err)
	}
}

func TestUnsafeOperationsAreCalledOnlyInWaysThatCannotSucceed(t *testing.T) {
	t.Parallel()
	api := newAPI(t)
	operations := append(api.operations(), Operation{Method: "DELETE", Path: "/orders", Security: "required"},
		Operation{Method: "POST", Path: "/orders/flush", Security: "required", Bodyless: true},
		Operation{Method: "PUT", Path: "/orders/{id}", Example: "/orders/7", Security: "required"})
	_, checks := visitOf(t, serveTLS(t, api)+"/v1", Options{Operations: operations, Unsafe: true})
	for part, want := range map[string]Outcome{"POST /orders": Pass, "DELETE /orders/{id}": Pass, "PUT /orders/{id}": Pass, "DELETE /orders": Unknown, "POST /orders/flush": Unknown} {
		if got := find(t, checks, "IAM-1", "refuses_anonymous", onOperation+part); got.Outcome != want {
			t.Errorf("%s is %s, want %s", part, got.Outcome, want)
		}
	}
	for _, call := range api.called {
		if call == "DELETE /v1/orders" || call == "POST /v1/orders/flush" || call == "PUT /v1/orders/7" {
			t.Errorf("%s was called", call)
		}
	}
}

func TestAMalformedBodyThatBreaksTheServerRefutesValidation(t *testing.T) {
	t.Parallel()
	api := newAPI(t)
	operations := append(api.operations(), Operation{Method: "POST", Path: "/health"})
	_, checks := visitOf(t, serveTLS(t, api)+"/v1", Options{Operations: operations, Malformed: true, Token: api.sign(t, claimsOf(nil))})
	for part, want := range map[string]Outcome{"POST /orders": Fail, "POST /health": Unknown} {
		if got := find(t, checks, "API-6", "input_validated", onOperation+part); got.Outcome != want {
			t.Errorf("%s is %s, want %s", part, got.Outcome, want)
		}
	}
}

func TestAnAcceptedTokenWithoutASignatureFailsByItself(t *testing.T) {
	t.Parallel()
	api := newAPI(t)
	api.takesNone = true
	token := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(api.sign(t, claimsOf(nil)), ".")[1] + "."
	_, checks := visitOf(t, serveTLS(t, api)+"/v1", Options{Operations: api.operations(), Token: token})
	for clause, want := range map[string]Outcome{"signature": Fail, "no_unsigned": Fail, "issuer": Unknown} {
		if got := find(t, checks, "IAM-2", clause, ""); got.Outcome != want {
			t.Errorf("%s is %s, want %s", clause, got.Outcome, want)
		}
	}
}
