package demo

import (
	"context"
	"slices"

	"muster/internal/access"
	"muster/internal/evidence"
	"muster/internal/inventory"
)

// habit is something that people look at again and again, and say so.
type habit struct {
	control string
	on      []string // services; "" is the workspace
	who     string   // "" is who answers for the service's team
	from    float64
	every   int // days
	note    string
	file    string // title of the report that goes with it
}

// Groups of services.
var (
	path     = []string{"payment-api", "ledger", "payout-worker", "fraud-scoring"}
	stores   = []string{"payments-db", "accounts-db"}
	accounts = []string{"accounts-api", "kyc-checks"}
	product  = []string{"merchant-portal", "notifications"}
	doors    = []string{"edge-gateway", "payment-api", "accounts-api", "merchant-portal"}
	critical = []string{"payment-api", "ledger", "accounts-api"}
	personal = []string{"payment-api", "fraud-scoring", "payments-db", "accounts-api", "accounts-db", "kyc-checks"}
	programs = slices.Concat(path, accounts, product)
	most     = slices.Concat(programs, stores, []string{"edge-gateway"})
	rest     = []string{"session-cache", "rates", "backoffice", "backoffice-db"}
	watched  = slices.Concat(path, stores, []string{"accounts-api", "merchant-portal"})
)

// habits begin one after the other over the year. In the weeks of the incident nobody had time for them.
var habits = []habit{
	{control: "IAM-6", on: most, from: 0.10, every: 85, note: "Went through the list of administrators: everybody signs in with a second factor."},
	{control: "DAT-3", on: slices.Concat(path, accounts), from: 0.16, every: 33, note: "Secrets come from the secret manager; looked at the mounts of the running pods."},
	{control: "DAT-3", on: slices.Concat(product, stores), from: 0.60, every: 33, note: "Secrets come from the secret manager; looked at the mounts of the running pods."},
	{control: "DEV-3", on: programs, from: 0.18, every: 90, note: "The main branch needs a second pair of eyes; checked the repository's settings."},
	{control: "DAT-2", on: stores, from: 0.20, every: 90, note: "Restored last night's encrypted backup into an empty cluster and compared the totals.", file: "Restore test"},
	{control: "IAM-7", on: []string{"accounts-api"}, from: 0.22, every: 365, note: "Twelve characters at least, checked against breached passwords, no forced change."},
	{control: "IAM-10", on: []string{"accounts-api", "merchant-portal"}, from: 0.24, every: 170, note: "Merchants may turn on a second factor; owners of an account must."},
	{control: "IAM-12", on: []string{"accounts-api"}, from: 0.24, every: 90, note: "Ten wrong passwords lock for a quarter of an hour; saw it in the log."},
	{control: "TLS-1", on: doors, from: 0.62, every: 33, note: "Called each host over plain HTTP: redirected or refused."},
	{control: "TLS-2", on: doors, from: 0.26, every: 33, note: "Only TLS 1.2 and 1.3 are answered.", file: "TLS test"},
	{control: "TLS-3", on: doors, from: 0.64, every: 33, note: "Modern ciphers with forward secrecy only."},
	{control: "PAT-6", on: critical, from: 0.27, every: 29, note: "Ran the vulnerability scanner by hand over the image.", file: "Vulnerability scan"},
	{control: "PAT-6", on: []string{"payout-worker", "fraud-scoring", "merchant-portal", "edge-gateway"}, from: 0.66, every: 29, note: "Ran the vulnerability scanner by hand over the image.", file: "Vulnerability scan"},
	{control: "PAT-1", on: critical, from: 0.34, every: 28, note: "The build writes a parts list; it is kept with the release."},
	{control: "PAT-4", on: path, from: 0.63, every: 33, note: "Runtime and base image are in support; compared with the makers' pages."},
	{control: "LOG-5", on: most, from: 0.36, every: 170, note: "Logs go to the central store with thirteen months' retention; nobody but the platform team can delete."},
	{control: "DAT-4", on: personal, from: 0.38, every: 170, note: "Test systems use made-up people; looked at a dump."},
	{control: "DAT-7", on: personal, from: 0.40, every: 365, note: "The nightly job deletes what is past its time; read last month's run."},
	{control: "IAM-9", on: slices.Concat(path, accounts), from: 0.42, every: 90, note: "Workloads get short-lived tokens from the platform; no static keys are left."},
	{control: "NET-6", on: most, from: 0.44, every: 90, note: "Staging is another cluster with other accounts, and no route leads across."},
	{control: "IAM-13", on: []string{""}, who: "kofi", from: 0.20, every: 90, note: "Went through all accounts with the team leads; two leavers had been removed on their last day.", file: "Account review"},
	{control: "LOG-4", on: critical, from: 0.46, every: 90, note: "Fired a test alarm at night; the one on call answered in four minutes."},
	{control: "RUN-4", on: doors, from: 0.47, every: 170, note: "The provider's shield is in front, and the limit per address was tried out."},
	{control: "IAM-1", on: []string{"ledger", "fraud-scoring", "payout-worker", "kyc-checks", "notifications"}, from: 0.82, every: 33, note: "Called it without a token from a debug pod: refused."},
	{control: "DEV-1", on: programs, from: 0.70, every: 33, note: "Ran a secret scanner over the repository and its history.", file: "Secret scan"},
	{control: "LOG-2", on: most, from: 0.76, every: 33, note: "Every change of settings shows up in the audit log, with who and when."},
	{control: "DAT-8", on: stores, from: 0.74, every: 33, note: "Storage has no public address; tried from outside."},
	{control: "PAT-5", on: slices.Concat(path, accounts), from: 0.88, every: 33, note: "Images are built anew every week."},
	{control: "DEV-2", on: programs, from: 0.86, every: 28, note: "The analyser runs on every change; read the week's results.", file: "Code analysis"},
	{control: "API-6", on: []string{"payment-api", "accounts-api", "merchant-portal"}, from: 0.70, every: 90, note: "Input is checked against the schema; sent malformed requests to every operation."},
	{control: "IAM-2", on: tested, from: 0.84, every: 33, note: "Sent tokens that were expired, unsigned and for somebody else: all refused."},
	{control: "RUN-6", on: slices.Concat(accounts, product, stores), from: 0.67, every: 170, note: "The runtime sensor runs on the node and reported a test shell within a minute."},
	{control: "IAM-6", on: rest, from: 0.68, every: 85, note: "Went through the list of administrators: everybody signs in with a second factor."},
	{control: "LOG-5", on: rest, from: 0.70, every: 170, note: "Joined to the central log store."},
	{control: "NET-6", on: rest, from: 0.70, every: 90, note: "Staging is another cluster with other accounts, and no route leads across."},
	{control: "PAT-4", on: slices.Concat(stores, accounts, product), from: 0.80, every: 33, note: "Runtime and base image are in support; compared with the makers' pages."},
	{control: "PAT-6", on: stores, from: 0.72, every: 29, note: "Ran the vulnerability scanner by hand over the image.", file: "Vulnerability scan"},
	{control: "DAT-6", on: []string{"accounts-api", "payment-api"}, from: 0.72, every: 90, note: "Keys are of the strength that the policy asks for and were rotated this quarter."},
	{control: "RUN-7", on: slices.Concat(path, accounts), from: 0.80, every: 90, note: "Stopped the database in staging: calls end after three seconds and the service answers in a degraded way."},
	{control: "GOV-11", on: []string{""}, who: "kofi", from: 0.80, every: 33, note: "security.txt is served on all public hosts."},
	{control: "GOV-13", on: []string{""}, who: "ama", from: 0.82, every: 365, note: "Assessed ourselves against the baseline with the consultant; the gaps are in the plan.", file: "Self-assessment"},
	{control: "DEV-6", on: tested, who: "marie", from: 0.74, every: 365, note: "Penetration test over five days; two medium findings were fixed and tested again.", file: "Penetration test"},
	{control: "IAM-11", on: tested, who: "marie", from: 0.74, every: 365, note: "Tried every role against every operation, and other merchants' objects.", file: "Penetration test"},
	{control: "DEV-4", on: critical, from: 0.78, every: 365, note: "Drew the flows with the team and went through them threat by threat.", file: "Threat model"},
}

// review is the week before the story ends: the central bank comes by, and what nobody looks at otherwise is looked at.
var review = []habit{
	{control: "PAT-2", on: watched, note: "Compared the parts list with the list of exploited vulnerabilities: none."},
	{control: "PAT-3", on: watched, note: "Nothing high or critical is past its date in the scanner's list."},
	{control: "LOG-1", on: watched, note: "Sign-ins and refusals of this week are in the central log."},
	{control: "LOG-3", on: watched, note: "Traffic is on the dashboard, and its alarm was tried."},
	{control: "TLS-4", on: doors, note: "Certificates are trusted, fit the names and hold for more than a month."},
}

// planHabits spreads each habit over the days from when it began.
func (r *run) planHabits(a *agenda) {
	for _, h := range review {
		for _, name := range h.on {
			a.on(a.workday(a.clock.days()-4), "review "+h.control+" on "+name, func(ctx context.Context) error { return r.keep(ctx, &h, name) })
		}
	}
	busyFrom, busyUntil := a.day(incident-0.02), a.day(recovered)
	for _, h := range habits {
		for _, name := range h.on {
			first := a.day(h.from) + r.rng.IntN(4)
			for day := first; day < a.clock.days(); day += h.every {
				if day < busyFrom || day >= busyUntil {
					a.on(a.workday(day), h.control+" on "+name, func(ctx context.Context) error { return r.keep(ctx, &h, name) })
				}
			}
		}
	}
}

// keep is one round of a habit.
func (r *run) keep(ctx context.Context, h *habit, name string) error {
	who := h.who
	if who == "" {
		who = speaker[serviceNamed(name).team]
	}
	a := evidence.Attestation{Control: h.control, Outcome: evidence.Pass, Note: h.note}
	if h.file != "" {
		subject := name
		if subject == "" {
			subject = "kente-pay"
		}
		a.File = report(h.file, subject, r.clock.Now())
	}
	return r.attest(ctx, who, name, a)
}

// as limits a consultant to what was given to them, as the web does.
func (r *run) as(ctx context.Context, who string) (context.Context, error) {
	actor := r.people[who]
	if actor.Role != access.Consultant {
		return ctx, nil
	}
	ids, err := r.Identity.ServicesOf(ctx, r.people["ama"], actor.MemberID)
	return inventory.WithVisible(ctx, ids), err
}
