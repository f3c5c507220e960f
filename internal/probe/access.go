package probe

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	madeUpValue = "muster-probe-no-such-id" // stands for a path parameter; nothing is called so
	madeUpPath  = "/muster-probe-no-such-page"
)

// impossibleBody belongs to no media type that a handler reads, so a handler that reads its body cannot succeed with it.
var impossibleBody = []byte("\x00muster-probe: no handler can read this\x00")

// impossibleType is sent with it.
const impossibleType = "application/x-muster-probe"

// accessSight is what callers without credentials got.
type accessSight struct {
	answers  []opAnswer
	declared bool      // the operations come from a document; otherwise the one answer is the endpoint itself
	left     int       // operations beyond the bound
	anyPath  *exchange // a path that cannot exist; asked only where a page came instead of data
}

// opAnswer is what one operation answered to a caller without credentials.
type opAnswer struct {
	op      Operation
	url     *url.URL
	madeUp  bool // a path parameter was filled with a value that cannot exist
	skipped string
	aside   bool // it was left out because the question is not put, not because the answer is missing
	journey *journey
}

func (a *opAnswer) end() *exchange { return a.journey.end() }

// lookAccess calls every operation without credentials, or the endpoint itself where no operation is known.
func lookAccess(ctx context.Context, c *client, s *sight, o *Options) accessSight {
	var seen accessSight
	if len(o.Operations) == 0 {
		path := s.start.EscapedPath()
		seen.answers = []opAnswer{{op: Operation{Method: "GET", Path: path}, url: s.start, journey: s.page}}
	} else {
		seen.declared = true
		seen.left = max(0, len(o.Operations)-maxOperations)
		for _, op := range o.Operations[:min(len(o.Operations), maxOperations)] {
			seen.answers = append(seen.answers, tryAnonymous(ctx, c, s.start, op, o.Unsafe))
		}
	}
	for i := range seen.answers {
		// A server that gives one page for every path has shown nothing of the operation by giving it here, and one that says 403 of
		// "/" and 404 of other paths may only refuse to list a directory.
		if a := &seen.answers[i]; isPage(a.end()) || !seen.declared && s.start.Path == "/" && a.end().answered() && a.end().status == 403 {
			seen.anyPath = c.do(ctx, call{method: "GET", url: underBase(s.start, madeUpPath), headers: map[string]string{"Accept": acceptData}})
			break
		}
	}
	return seen
}

// tryAnonymous calls one operation, if calling it can do no harm.
func tryAnonymous(ctx context.Context, c *client, start *url.URL, op Operation, unsafe bool) opAnswer {
	op.Method = strings.ToUpper(op.Method)
	a := opAnswer{op: op}
	a.url, a.madeUp = addressOf(start, &op)
	r := call{method: op.Method, url: a.url, headers: map[string]string{"Accept": acceptData}, limit: maxBody}
	switch op.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions, http.MethodTrace, http.MethodConnect:
		a.skipped, a.aside = op.Method+" is about the connection and not about data", true
		return a
	default:
		if op.Security == "none" || op.Security == "optional" {
			a.skipped, a.aside = "it is documented as public, so a call could only change something", true
			return a
		}
		if a.skipped = harm(&a, unsafe); a.skipped != "" {
			return a
		}
		r.body, r.headers["Content-Type"] = impossibleBody, impossibleType
	}
	// A missing slash or a step up to HTTPS is followed once; a redirect to a sign-in page is itself the answer.
	a.journey = c.follow(ctx, r, 1, sameOperation)
	return a
}

// harm says why an operation that changes things is not called; "" when a call can do no harm.
func harm(a *opAnswer, unsafe bool) string {
	switch {
	case !unsafe:
		return "it changes things, and calling such operations was not opted in"
	case a.op.Method == http.MethodDelete && !a.madeUp:
		return "it deletes without naming one thing by its path, so a call could do harm"
	case a.op.Bodyless && !a.madeUp:
		return "it takes neither a body nor a name in its path, so a call could do harm"
	}
	return ""
}

// sameOperation allows the redirects that lead to the same operation: one slash more or less, or a step up to HTTPS.
func sameOperation(from, to *url.URL) string {
	if reason := sameEndpoint(from, to); reason != "" {
		return reason
	}
	if strings.TrimSuffix(from.Path, "/") != strings.TrimSuffix(to.Path, "/") {
		return "it leads to another path, " + printable(to.Path, 200)
	}
	return ""
}

var parameter = regexp.MustCompile(`\{[^{}/]*\}`)

// addressOf fills an operation's path below the endpoint's. Examples serve reading only: an operation that changes things gets names
// that cannot exist. The host is always the endpoint's, whatever the path holds.
func addressOf(start *url.URL, op *Operation) (u *url.URL, madeUp bool) {
	path, query := op.Path, ""
	safe := op.Method == http.MethodGet || op.Method == http.MethodHead
	if safe && op.Example != "" && !parameter.MatchString(op.Example) {
		path, query, _ = strings.Cut(op.Example, "?")
	} else if parameter.MatchString(path) {
		path, madeUp = parameter.ReplaceAllString(path, madeUpValue), true
	}
	u = underBase(start, path)
	u.RawQuery = query
	return u, madeUp
}

// underBase is a path of the endpoint, below the path that its own address has.
func underBase(start *url.URL, path string) *url.URL {
	u := &url.URL{Scheme: start.Scheme, Host: start.Host}
	u.Path = strings.TrimSuffix(start.Path, "/") + "/" + strings.TrimLeft(path, "/")
	return u
}

var (
	signInWords = regexp.MustCompile(`(?i)(^|[^a-z])(log-?_?[io]n|sign-?_?[io]n|auth|oauth2?|oidc|openid|saml2?|sso|cas|authori[sz]e|authenticate|session/new|login\w*|signin\w*)([^a-z]|$)`)
	password    = regexp.MustCompile(`(?i)<input[^>]*type\s*=\s*["']?password`)
	script      = regexp.MustCompile(`(?i)<script[\s>]`)
	healthPath  = regexp.MustCompile(`(?i)/(healthz?|livez?|readyz?|liveness|readiness|ping|status|up)/?$`)
)

// leadsToSignIn says whether a redirect leads to a place where one signs in: by the words of its path, or as OAuth and SAML ask.
func leadsToSignIn(e *exchange) bool {
	to := leadsTo(e)
	if to == nil || to.Host == e.url.Host && to.Path == e.url.Path {
		return false
	}
	q := to.Query()
	return signInWords.MatchString(to.Path) || q.Has("SAMLRequest") || q.Has("client_id") && (q.Has("redirect_uri") || q.Has("response_type")) ||
		to.Hostname() != e.url.Hostname() && signInWords.MatchString(to.Hostname())
}

// pageKind says what an HTML answer is, when it is not what it seems.
func pageKind(e, anyPath *exchange) string {
	switch {
	case password.Match(e.body):
		return "it is a page for signing in"
	case anyPath != nil && anyPath != e && isPage(anyPath) && bytes.Equal(anyPath.body, e.body):
		return "the same page is given for a path that cannot exist"
	case script.Match(e.body) && visible(e.body) < 200:
		return "it is the empty frame of a page that scripts fill"
	}
	return ""
}

// hidden are the elements whose content is no text of the page.
var hidden = []string{"head", "script", "style", "noscript", "template"}

// visible counts the characters of a page that a reader sees, in one pass: the page may be built to make that slow.
func visible(body []byte) int {
	text, count := bytes.ToLower(body), 0
	for len(text) > 0 {
		open := bytes.IndexByte(text, '<')
		if open < 0 {
			open = len(text)
		}
		for _, word := range bytes.Fields(text[:open]) {
			count += len(word) + 1
		}
		if open == len(text) {
			break
		}
		text = afterElement(text[open:])
	}
	return count
}

// afterElement skips a tag, and what is inside it where that is hidden.
func afterElement(text []byte) []byte {
	end := bytes.IndexByte(text, '>')
	if end < 0 {
		return nil
	}
	words, rest := bytes.Fields(text[1:end]), text[end+1:]
	if len(words) == 0 || !slices.Contains(hidden, string(words[0])) {
		return rest
	}
	_, after, _ := bytes.Cut(rest, []byte("</"+string(words[0])+">"))
	return after
}
