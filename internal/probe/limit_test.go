package probe

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestOnlyACompleteBurstSaysThatThereIsNoLimit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		burst  int
		answer func(n int64, w http.ResponseWriter)
		want   Outcome
		says   string
	}{
		"no limit":                       {50, func(int64, http.ResponseWriter) {}, Fail, "50 of 50 requests answered"},
		"a limit":                        {200, func(n int64, w http.ResponseWriter) { limitAt(n, 30, w) }, Pass, "429 after"},
		"not opted in":                   {0, func(int64, http.ResponseWriter) {}, Unknown, "not tried"},
		"a promise is no proof":          {0, func(_ int64, w http.ResponseWriter) { w.Header().Set("X-RateLimit-Limit", "100") }, Unknown, "X-Ratelimit-Limit: 100"},
		"a promise beyond the burst":     {50, func(_ int64, w http.ResponseWriter) { w.Header().Set("RateLimit-Policy", `"a";q=1000;w=60`) }, Unknown, "50 of 50"},
		"a promise that is not kept":     {50, func(_ int64, w http.ResponseWriter) { w.Header().Set("RateLimit-Limit", "20, 20;w=60") }, Fail, "50 of 50"},
		"the server breaks":              {50, func(n int64, w http.ResponseWriter) { breakAt(n, 20, w) }, Unknown, "no 429"},
		"an ordinary request is limited": {0, func(n int64, w http.ResponseWriter) { limitAt(n, 1, w) }, Pass, "status 429"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var count atomic.Int64
			address := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { test.answer(count.Add(1), w) }))
			_, checks := visitOf(t, address, Options{Burst: test.burst})
			if c := find(t, checks, "API-2", "rate_limited", ""); c.Outcome != test.want || !strings.Contains(c.Observed, test.says) {
				t.Errorf("%s: %s. %s", c.Outcome, c.Observed, c.Detail)
			}
			if n := count.Load(); n > 100 {
				t.Errorf("%d requests were sent", n)
			}
			agrees(t, checks)
		})
	}
}

func limitAt(n, limit int64, w http.ResponseWriter) {
	if n > limit {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

func breakAt(n, limit int64, w http.ResponseWriter) {
	if n > limit {
		w.WriteHeader(http.StatusBadGateway)
	}
}

func TestStatedLimitsAreReadInAllTheirForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, value string
		want        int
	}{
		{"X-RateLimit-Limit", "60", 60}, {"RateLimit-Limit", "100, 100;w=60", 100}, {"RateLimit", "limit=30, remaining=5, reset=10", 30},
		{"RateLimit-Policy", `"burst";q=100;w=60`, 100}, {"RateLimit-Policy", "nonsense", 0}, {"RateLimit", `"default";r=50;t=30`, 0}, {"X-RateLimit-Limit", "-5", 0},
	}
	for _, test := range tests {
		if got := statedLimit(header(test.name, test.value)); got != test.want {
			t.Errorf("%s: %s is read as %d, want %d", test.name, test.value, got, test.want)
		}
	}
}
