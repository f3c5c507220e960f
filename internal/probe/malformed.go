package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// brokenBody is JSON that ends in the middle: no reader of JSON can make a value of it.
var brokenBody = []byte(`{"muster-probe": [1, {"unfinished": `)

// brokenTry is what one operation answered to a body that is not JSON.
type brokenTry struct {
	op     Operation
	first  *exchange
	second *exchange // the same again, only after a failure: one may be chance
}

// lookBroken sends malformed bodies to the operations that take one, if that was opted in. Path parameters get names that cannot exist.
func lookBroken(ctx context.Context, c *client, s *sight, o *Options) []brokenTry {
	if !o.Malformed {
		return nil
	}
	var tries []brokenTry
	for _, op := range o.Operations {
		op.Method = strings.ToUpper(op.Method)
		if op.Bodyless || !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, op.Method) {
			continue
		}
		if len(tries) == maxMalformed {
			break
		}
		u, _ := addressOf(s.start, &op)
		r := call{method: op.Method, url: u, body: brokenBody, headers: map[string]string{"Accept": acceptData, "Content-Type": "application/json"}, limit: maxGlance}
		if o.Token != "" {
			r.headers["Authorization"] = "Bearer " + o.Token
		}
		try := brokenTry{op: op, first: c.do(ctx, r)}
		if failed(try.first) {
			try.second = c.do(ctx, r)
		}
		tries = append(tries, try)
	}
	return tries
}

// failed says whether the server broke over a request. 501 is a statement and 503 a lack of capacity.
func failed(e *exchange) bool {
	return e.answered() && e.status >= 500 && e.status != http.StatusNotImplemented && e.status != http.StatusServiceUnavailable
}

// judgeBroken answers API-6, which malformed bodies can only refute: a polite refusal of one says nothing about all other input.
func judgeBroken(tries []brokenTry, page *exchange) []Check {
	var checks []Check
	for i := range tries {
		t := &tries[i]
		c := Check{Control: "API-6", Clause: "input_validated", Part: operationPart(&t.op), Expected: "a refusal (4xx) of a body that is not JSON"}
		switch {
		case !t.first.answered():
			c = with(c, Unknown, "no answer", asSentence(t.first.why()))
		case !failed(t.first):
			c = with(c, Unknown, fmt.Sprintf("status %d", t.first.status), "One malformed body did not break it; that proves nothing about other input.")
		case !failed(t.second):
			c = with(c, Unknown, fmt.Sprintf("status %d, once", t.first.status), "The same request did not fail a second time.")
		case !page.answered() || page.status >= 500:
			c = with(c, Unknown, fmt.Sprintf("status %d", t.first.status), "The server fails elsewhere too, so the body need not be the reason.")
		default:
			c = with(c, Fail, fmt.Sprintf("status %d, twice", t.first.status), "The server broke over a body that is not JSON instead of refusing it.")
		}
		checks = append(checks, c)
	}
	return checks
}
