package probe

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	burstTime    = 10 * time.Second
	burstWorkers = 4
)

// burstSight is what a bounded burst of requests got.
type burstSight struct {
	wanted   int
	answered int
	limited  *exchange // the first 429
	broken   string    // why it ended early, without a 429
	took     time.Duration
	stated   int // the limit that the answers state; 0 when they state none
}

// lookBurst sends a burst, if it was opted in, and stops at the first 429, at the first failure of the server and after ten seconds.
func lookBurst(ctx context.Context, c *client, s *sight, o *Options) *burstSight {
	wanted := min(o.Burst, maxBurst)
	end := s.page.end()
	if wanted <= 0 {
		return nil
	}
	seen := &burstSight{wanted: wanted}
	if !end.answered() {
		seen.broken = end.why()
		return seen
	}
	ctx, cancel := context.WithTimeout(ctx, burstTime)
	defer cancel()
	start := time.Now()
	var next atomic.Int64
	var lock sync.Mutex
	var workers sync.WaitGroup
	for range burstWorkers {
		workers.Go(func() {
			for next.Add(1) <= int64(wanted) {
				e := c.do(ctx, call{method: "GET", url: end.url, headers: map[string]string{"Accept": acceptPage}, limit: maxGlance})
				lock.Lock()
				seen.add(e)
				over := seen.limited != nil || seen.broken != ""
				lock.Unlock()
				if over {
					cancel()
					return
				}
			}
		})
	}
	workers.Wait()
	seen.took = time.Since(start)
	return seen
}

func (b *burstSight) add(e *exchange) {
	switch {
	case b.limited != nil || b.broken != "": // what comes after the end was cut off by it
	case !e.answered():
		b.broken = e.why()
	case e.status == http.StatusTooManyRequests:
		b.limited = e
	case e.status >= 500:
		b.broken = fmt.Sprintf("the server answered with the status %d, so the burst was stopped", e.status)
	default:
		b.answered++
	}
	if e.answered() {
		if stated := statedLimit(e.header); stated > 0 {
			b.stated = stated
		}
	}
}

// statedLimit reads how many requests an answer says are allowed: the IETF drafts of RateLimit in their three forms, and the X- form.
func statedLimit(h http.Header) int {
	for _, name := range []string{"Ratelimit-Policy", "Ratelimit-Limit", "X-Ratelimit-Limit", "X-Rate-Limit-Limit", "Ratelimit"} {
		value := h.Get(name)
		for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			key, number, paired := strings.Cut(part, "=")
			if !paired {
				number = key
			} else if key != "q" && key != "limit" {
				continue
			}
			if n, err := strconv.Atoi(number); err == nil && n > 0 {
				return n
			}
		}
	}
	return 0
}

// limitHeaders names the headers of an answer that speak of a limit.
func limitHeaders(h http.Header) []string {
	var found []string
	for _, name := range []string{"Ratelimit", "Ratelimit-Policy", "Ratelimit-Limit", "Ratelimit-Remaining", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Rate-Limit-Limit", "Retry-After"} {
		if value := h.Get(name); value != "" {
			found = append(found, name+": "+printable(value, 80))
		}
	}
	return found
}

// judgeRate answers API-2. Only a 429 proves a limit: a header is a promise, and its absence says nothing.
func judgeRate(s *sight, o *Options) []Check {
	c := Check{Control: "API-2", Clause: "rate_limited", Part: onEndpoint, Expected: "429 before a bounded burst ends"}
	if e := firstLimited(s); e != nil {
		return []Check{with(c, Pass, "status 429 from "+printable(e.url.String(), 200), strings.Join(limitHeaders(e.header), "; "))}
	}
	b := s.burst
	if b == nil {
		end := s.page.end()
		if !end.answered() {
			return nil
		}
		if found := limitHeaders(end.header); len(found) > 0 {
			return []Check{with(c, Unknown, strings.Join(found, "; "), "A header promises a limit; only a burst, which was not opted in, shows whether it is kept.")}
		}
		return []Check{with(c, Unknown, "not tried", "A burst of requests was not opted in.")}
	}
	seen := fmt.Sprintf("%d of %d requests answered in %s, no 429", b.answered, b.wanted, b.took.Round(10*time.Millisecond))
	switch {
	case b.limited != nil:
		detail := strings.Join(limitHeaders(b.limited.header), "; ")
		return []Check{with(c, Pass, fmt.Sprintf("429 after %d requests in %s", b.answered, b.took.Round(10*time.Millisecond)), detail)}
	case b.broken != "":
		return []Check{with(c, Unknown, seen, "The burst is not complete: "+b.broken+".")}
	case b.answered < b.wanted:
		return []Check{with(c, Unknown, seen, "The burst is not complete: its time was over.")}
	case b.stated >= b.wanted:
		return []Check{with(c, Unknown, seen, fmt.Sprintf("The answers state a limit of %d, which the burst did not reach.", b.stated))}
	}
	return []Check{with(c, Fail, seen, "")}
}

// firstLimited is a 429 that came to an ordinary request of the visit.
func firstLimited(s *sight) *exchange {
	all := append([]*exchange{s.foreign, s.null, s.data}, s.page.steps...)
	for i := range s.access.answers {
		all = append(all, s.access.answers[i].end())
	}
	for _, e := range all {
		if e.answered() && e.status == http.StatusTooManyRequests {
			return e
		}
	}
	return nil
}
