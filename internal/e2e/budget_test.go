package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"muster/internal/database/databasetest"
)

// What one page may weigh on the wire and ask of the database. The overview's own limit is the lowest: it is opened most.
const (
	maxHTML    = 25_000
	maxQueries = 26
)

var tighter = map[string]int64{"/overview": 12, "/services": 12, "/posture": 12}

func gzipped(t *testing.T, body []byte) int {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

func TestEveryPageKeepsItsBudget(t *testing.T) {
	t.Parallel()
	s := open(t)
	token := s.token(t, "owner")
	var queries atomic.Int64
	databasetest.Watch(t, s.DB, func(context.Context, databasetest.Statement) { queries.Add(1) })
	for _, path := range s.walk() {
		s.ask(http.MethodGet, path, token, nil) // what is read once is read now
		queries.Store(0)
		answer := s.ask(http.MethodGet, path, token, nil)
		most := int64(maxQueries)
		if limit, known := tighter[strings.TrimPrefix(path, "/w/"+s.home.Slug)]; known {
			most = limit
		}
		if n := queries.Load(); n > most {
			t.Errorf("%s asks the database %d times, at most %d", path, n, most)
		}
		if n := gzipped(t, answer.Body.Bytes()); n > maxHTML {
			t.Errorf("%s weighs %d bytes, at most %d", path, n, maxHTML)
		}
		if strings.Contains(answer.Body.String(), " style=") || strings.Contains(answer.Body.String(), "<script>") {
			t.Errorf("%s holds inline style or script", path)
		}
	}
}
