package probe

import (
	"net/http"
	"strings"
	"testing"
)

const page = "text/html; charset=utf-8"

func TestOnlyARefusalProvesThatStrangersAreRefused(t *testing.T) {
	t.Parallel()
	words := "<h1>Report</h1><p>" + strings.Repeat("All our customers are listed here. ", 20) + "</p>"
	tests := map[string]struct {
		status   int
		headers  []string
		body     string
		security string
		want     Outcome
	}{
		"401":                               {401, nil, "", "required", Pass},
		"403":                               {403, nil, "", "required", Pass},
		"403 of a robot check":              {403, []string{"Cf-Mitigated", "challenge"}, "", "required", Unknown},
		"a sign-in page elsewhere":          {302, []string{"Location", "/login?next=/a"}, "", "required", Pass},
		"the authorization endpoint":        {302, []string{"Location", "https://id.test/x?client_id=a&redirect_uri=b"}, "", "required", Pass},
		"a sign-in host":                    {303, []string{"Location", "https://login.example.com/"}, "", "required", Pass},
		"a redirect to anywhere":            {302, []string{"Location", "/welcome"}, "", "required", Unknown},
		"a page about authors":              {302, []string{"Location", "/authors"}, "", "required", Unknown},
		"a redirect without a place":        {302, nil, "", "required", Unknown},
		"data":                              {200, []string{"Content-Type", "application/json"}, "[]", "required", Fail},
		"data where nothing is documented":  {200, []string{"Content-Type", "application/json"}, "[]", "", Fail},
		"nothing, politely":                 {204, nil, "", "required", Fail},
		"data that is documented as public": {200, nil, "[]", "none", NotApplicable},
		"data that may be read either way":  {200, nil, "[]", "optional", NotApplicable},
		"a sign-in page in place":           {200, []string{"Content-Type", page}, `<form><input name=p type="password"></form>`, "required", Unknown},
		"the empty frame of a page":         {200, []string{"Content-Type", page}, `<head><title>App</title></head><div id=app></div><script src=a.js></script>`, "required", Unknown},
		"a page with data":                  {200, []string{"Content-Type", page}, words, "required", Fail},
		"nothing there":                     {404, nil, "", "required", Unknown},
		"badly formed":                      {400, nil, "", "required", Unknown},
		"another method":                    {405, nil, "", "required", Unknown},
		"too many":                          {429, nil, "", "required", Unknown},
		"a failure":                         {500, nil, "", "required", Unknown},
		"a status of no kind":               {418, nil, "", "required", Unknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/a" {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				for i := 0; i < len(test.headers); i += 2 {
					w.Header().Set(test.headers[i], test.headers[i+1])
				}
				w.WriteHeader(test.status)
				if test.body != "" {
					w.Write([]byte(test.body))
				}
			}))
			_, checks := visitOf(t, address, Options{Operations: []Operation{{Method: "GET", Path: "/a", Security: test.security}}})
			if c := find(t, checks, "IAM-1", "refuses_anonymous", onOperation+"GET /a"); c.Outcome != test.want {
				t.Errorf("%s: %s. %s", c.Outcome, c.Observed, c.Detail)
			}
			agrees(t, checks)
		})
	}
}

func TestOnePageForEveryPathShowsNothing(t *testing.T) {
	t.Parallel()
	address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("<html>" + strings.Repeat("Our shop opens soon. ", 50)))
	}))
	report, checks := visitOf(t, address, Options{Operations: []Operation{{Method: "GET", Path: "/orders", Security: "required"}}})
	if c := find(t, checks, "IAM-1", "refuses_anonymous", ""); c.Outcome != Unknown || report.Anonymous != "unknown" {
		t.Errorf("%s: %s; anonymous %s", c.Outcome, c.Detail, report.Anonymous)
	}
}

// Where even what is public is refused with 403, something in front refuses the prober.
func TestARefusalOfEverythingIsNotAboutCredentials(t *testing.T) {
	t.Parallel()
	address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	report, checks := visitOf(t, address, Options{Operations: []Operation{{Method: "GET", Path: "/health", Security: "none"}, {Method: "GET", Path: "/orders", Security: "required"}}})
	if c := find(t, checks, "IAM-1", "refuses_anonymous", onOperation+"GET /orders"); c.Outcome != Unknown || report.Anonymous != "unknown" {
		t.Errorf("%s: %s; anonymous %s", c.Outcome, c.Detail, report.Anonymous)
	}
}

func TestTheMapLearnsWhoGetsIn(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/shut", "/shut2":
			w.WriteHeader(http.StatusUnauthorized)
		case "/open", "/public", "/":
			w.Write([]byte("{}"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	operation := func(path, security string) Operation { return Operation{Method: "GET", Path: path, Security: security} }
	tests := map[string]struct {
		o    Options
		path string
		want string
	}{
		"one is open":                           {Options{Operations: []Operation{operation("/shut", "required"), operation("/open", "required")}}, "", "yes"},
		"all refuse":                            {Options{Operations: []Operation{operation("/shut", "required"), operation("/shut2", "")}}, "", "no"},
		"all refuse but what is public":         {Options{Operations: []Operation{operation("/shut", "required"), operation("/public", "none")}}, "", "no"},
		"there are only public ones":            {Options{Operations: []Operation{operation("/public", "none")}}, "", "yes"},
		"one did not say":                       {Options{Operations: []Operation{operation("/shut", "required"), operation("/gone", "required")}}, "", "unknown"},
		"nothing is known, its address refuses": {Options{}, "/shut", "no"},
		"nothing is known, its address answers": {Options{}, "/open", "yes"},
		"nothing is known, nothing is there":    {Options{}, "/gone", "unknown"},
	}
	address := servePlain(t, handler)
	for name, test := range tests {
		report, checks := visitOf(t, address+test.path, test.o)
		if report.Anonymous != test.want {
			t.Errorf("%s: %s, want %s: %v", name, report.Anonymous, test.want, lines(checks))
		}
	}
}

func TestAnEndpointIsJudgedByItsOwnAddressWhereNoOperationIsKnown(t *testing.T) {
	t.Parallel()
	address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok")) }))
	tests := map[string]Outcome{"/api?x=1": Fail, "/healthz": Unknown}
	for path, want := range tests {
		_, checks := visitOf(t, address+path, Options{})
		part, _, _ := strings.Cut(path, "?")
		if c := find(t, checks, "IAM-1", "refuses_anonymous", onOperation+"GET "+part); c.Outcome != want {
			t.Errorf("%s: %s. %s", path, c.Outcome, c.Detail)
		}
	}
}

func TestOperationsStayOnTheEndpoint(t *testing.T) {
	t.Parallel()
	start := mustURL(t, "https://api.test:8443/v1/")
	tests := map[Operation]string{
		{Method: "GET", Path: "/orders/{id}"}:                              "https://api.test:8443/v1/orders/" + madeUpValue,
		{Method: "GET", Path: "/orders/{id}", Example: "/orders/7?full=1"}: "https://api.test:8443/v1/orders/7?full=1",
		{Method: "DELETE", Path: "/orders/{id}", Example: "/orders/7"}:     "https://api.test:8443/v1/orders/" + madeUpValue,
		{Method: "GET", Path: "/a/{x}", Example: "/a/{x}"}:                 "https://api.test:8443/v1/a/" + madeUpValue,
		{Method: "GET", Path: "//evil.test/x"}:                             "https://api.test:8443/v1/evil.test/x",
		{Method: "GET", Path: "http://evil.test/"}:                         "https://api.test:8443/v1/http://evil.test/",
		{Method: "GET", Path: "@evil.test"}:                                "https://api.test:8443/v1/@evil.test",
		{Method: "GET", Path: "/a\r\nHost: evil.test"}:                     "https://api.test:8443/v1/a%0D%0AHost:%20evil.test",
		{Method: "GET", Path: ""}:                                          "https://api.test:8443/v1/",
	}
	for op, want := range tests {
		if u, _ := addressOf(start, &op); u.String() != want || u.Host != "api.test:8443" {
			t.Errorf("%+v becomes %s, want %s", op, u, want)
		}
	}
}

func TestASlashMoreIsTheSameOperation(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/orders/", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	_, checks := visitOf(t, servePlain(t, mux), Options{Operations: []Operation{{Method: "GET", Path: "/orders", Security: "required"}}})
	if c := find(t, checks, "IAM-1", "refuses_anonymous", ""); c.Outcome != Pass {
		t.Errorf("%s: %s", c.Outcome, c.Observed)
	}
}

func TestADirectoryThatIsNotListedIsNoRefusal(t *testing.T) {
	t.Parallel()
	answer := func(elsewhere int) string {
		return servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			w.WriteHeader(elsewhere)
		}))
	}
	for elsewhere, want := range map[int]Outcome{404: Unknown, 403: Pass, 401: Pass} {
		_, checks := visitOf(t, answer(elsewhere), Options{})
		if c := find(t, checks, "IAM-1", "refuses_anonymous", ""); c.Outcome != want {
			t.Errorf("%d elsewhere: %s. %s", elsewhere, c.Outcome, c.Detail)
		}
	}
}

func TestACallThatIsTakenForAForgedOneIsNotRefusedForItsCaller(t *testing.T) {
	t.Parallel()
	address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte("CSRF verification failed. Request aborted."))
	}))
	_, checks := visitOf(t, address, Options{Unsafe: true, Operations: []Operation{{Method: "POST", Path: "/a", Security: "required"}, {Method: "GET", Path: "/a", Security: "required"}}})
	for part, want := range map[string]Outcome{"POST /a": Unknown, "GET /a": Pass} {
		if c := find(t, checks, "IAM-1", "refuses_anonymous", onOperation+part); c.Outcome != want {
			t.Errorf("%s: %s", part, c.Outcome)
		}
	}
}
