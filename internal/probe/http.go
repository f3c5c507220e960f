package probe

import (
	"context"
	"net/url"
	"time"
)

const (
	foreignOrigin = "https://muster-probe.invalid" // RFC 2606: nobody can own it
	nullOrigin    = "null"                         // what sandboxed frames and data: pages send
	acceptPage    = "text/html,application/xhtml+xml;q=0.9,application/json;q=0.8,*/*;q=0.5"
	acceptData    = "application/json,*/*;q=0.1"
	onEndpoint    = "endpoint"
	onOperation   = "operation:"
)

// sight is everything that one HTTP visit saw, before anybody judges it.
type sight struct {
	start   *url.URL
	page    *journey
	foreign *exchange // the page, asked from a foreign origin
	null    *exchange // the page, asked from the origin "null"
	data    *exchange // a documented operation, asked from a foreign origin
	contact *journey  // security.txt
	access  accessSight
	tokens  *tokenSight  // nil without a token
	issuer  *issuerSight // nil when there was nothing to ask
	burst   *burstSight  // nil unless opted in
	broken  []brokenTry
}

// visitHTTP looks at what the target answers over HTTP. It sends at most requestLimit(o) requests and ends within the budget.
func visitHTTP(ctx context.Context, t *target, o *Options) (*HTTP, []Check) {
	budget := o.Budget
	if budget <= 0 {
		budget = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	c := newClient(o)
	defer c.close()
	s := look(ctx, c, startOf(t), o)
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	report, checks := judgeSight(s, o, now())
	report.Requests = int(c.sent.Load())
	return report, checks
}

// startOf is the URL that the visit begins with.
func startOf(t *target) *url.URL {
	start := t.base()
	if t.url != nil {
		start.Path, start.RawPath, start.RawQuery = t.url.Path, t.url.RawPath, t.url.RawQuery
	}
	if start.Path == "" {
		start.Path = "/"
	}
	return start
}

// look does all that needs the network. What may get the prober locked out, the burst, comes last.
func look(ctx context.Context, c *client, start *url.URL, o *Options) *sight {
	s := &sight{start: start}
	s.page = c.follow(ctx, call{method: "GET", url: start, headers: map[string]string{"Accept": acceptPage}}, maxRedirects, sameEndpoint)
	s.lookAbroad(ctx, c, o)
	if end := s.page.end(); end.answered() && (o.PublicWeb || isPage(end)) {
		s.contact = c.follow(ctx, call{method: "GET", url: wellKnown(end.url, "security.txt")}, maxRedirects, published)
	}
	s.access = lookAccess(ctx, c, s, o)
	s.tokens = lookTokens(ctx, c, s, o)
	s.issuer = lookIssuer(ctx, c, s, o)
	s.broken = lookBroken(ctx, c, s, o)
	s.burst = lookBurst(ctx, c, s, o)
	return s
}

// lookAbroad asks the page, and one operation that anybody may read the headers of, as a script of a foreign site would.
func (s *sight) lookAbroad(ctx context.Context, c *client, o *Options) {
	end := s.page.end()
	if !end.answered() {
		return
	}
	ask := func(u *url.URL, origin string) *exchange {
		return c.do(ctx, call{method: "GET", url: u, headers: map[string]string{"Origin": origin, "Accept": acceptPage}, limit: maxGlance})
	}
	s.foreign, s.null = ask(end.url, foreignOrigin), ask(end.url, nullOrigin)
	for i := range o.Operations[:min(len(o.Operations), maxOperations)] {
		if op := &o.Operations[i]; op.Method == "GET" {
			u, _ := addressOf(s.start, op)
			s.data = ask(u, foreignOrigin)
			return
		}
	}
}

func wellKnown(u *url.URL, name string) *url.URL {
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/.well-known/" + name}
}

// judgeSight turns what was seen into a report and its checks. It does no I/O.
func judgeSight(s *sight, o *Options, now time.Time) (*HTTP, []Check) {
	report := describe(s)
	web := judgeWeb(s, o, now)
	report.SecurityTxt = web.contactValid
	checks := web.checks
	access, verdict := judgeAccess(&s.access, o)
	report.Anonymous, report.OperationsTried, report.OperationsLeft = verdict.anonymous, verdict.tried, s.access.left
	checks = append(checks, access...)
	checks = append(checks, judgeTokens(s.tokens, now)...)
	checks = append(checks, judgeIssuer(s.issuer, o)...)
	checks = append(checks, judgeRate(s, o)...)
	checks = append(checks, judgeBroken(s.broken, s.page.end())...)
	return report, checks
}
