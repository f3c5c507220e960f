package demo

import (
	"context"
	"fmt"
	"time"

	"muster/internal/control"
	"muster/internal/evidence"
	"muster/internal/exception"
)

// request is an exception that somebody asks for, and what becomes of it.
type request struct {
	key, who, service, control string
	asked, until               float64 // parts of the story; until may lie after its end
	reason, compensating       string
	decider                    string // "" leaves it waiting
	approve                    bool
	note                       string
}

var requests = []request{
	{key: "declined", who: "zanele", service: "merchant-portal", control: "TLS-1", asked: 0.08, until: 0.60, reason: "The portal's certificate can wait until the redesign.",
		decider: "ama", note: "Merchants sign in there. This cannot wait; do it first."},
	{key: "past", who: "zanele", service: "merchant-portal", control: "RUN-1", asked: 0.30, until: 0.60, reason: "The portal writes its template cache to the root file system.", compensating: "It runs as its own user and cannot gain rights.",
		decider: "kofi", approve: true, note: "Until the template engine is replaced, and not longer."},
	{key: "hidden", who: "efua", service: "payments-db", control: "RUN-1", asked: 0.64, until: 1.40, reason: "The database image starts as root to own its data folder. Moving the data needs a night without payments.", compensating: "Nobody but the ledger, the payment API and the payout worker may connect, by policy.",
		decider: "kofi", approve: true, note: "Planned for the quiet week in January."},
	{key: "in force", who: "efua", service: "fraud-scoring", control: "IAM-11", asked: 0.72, until: 1.20, reason: "The penetration test covers the public services first.",
		decider: "ama", approve: true, note: "It goes into the next test."},
}

// planDecisions asks for exceptions, decides on them, and settles what is judged.
func (r *run) planDecisions(a *agenda) {
	for _, q := range requests {
		days := max(int((q.until-q.asked)*float64(a.clock.days())), 2)
		a.at(q.asked, "ask for "+q.key, func(ctx context.Context) error { return r.ask(ctx, &q, days) })
		a.on(min(a.workday(a.day(q.asked)+1), a.clock.days()), "decide on "+q.key, func(ctx context.Context) error {
			return r.Posture.Decide(ctx, r.people[q.decider], r.exceptions[q.key], q.approve, q.note)
		})
	}
	a.at(0.35, "weigh central logs more", func(ctx context.Context) error {
		weight := 6
		return r.Posture.Choose(ctx, r.people["kofi"], control.Choice{Control: "LOG-5", Weight: &weight, Reason: "The central bank asked for our logs twice this year; without them we could not answer."})
	})
	a.at(0.44, "restore does not apply to the cache", func(ctx context.Context) error {
		return r.Posture.Applies(ctx, r.people["kofi"], "session-cache", "DAT-2", false, "It holds sessions and counters in memory; after a loss people sign in again and nothing has to be restored.")
	})
}

func (r *run) ask(ctx context.Context, q *request, days int) error {
	e, err := r.Posture.Ask(ctx, r.people[q.who], q.service, exception.Request{Control: q.control, Reason: q.reason, Compensating: q.compensating, Days: min(days, exception.MaxDays)})
	r.exceptions[q.key] = e.ID
	return err
}

// planEnd is how things stand on the last days: a request that waits, a word that the files contradict, and words that
// have run out.
func (r *run) planEnd(a *agenda) {
	end := a.clock.days()
	waiting := request{key: "waiting", who: "zanele", service: "instant-loans", control: "RUN-1", reason: "The loan service starts as root until its base image is replaced.", compensating: "It is behind the gateway, and its namespace is closed."}
	a.on(a.workday(end-4), "ask for an exception that waits", func(ctx context.Context) error { return r.ask(ctx, &waiting, 90) })
	a.on(a.workday(end-12), "claim mutual TLS", func(ctx context.Context) error {
		return r.attest(ctx, "zanele", "notifications", evidence.Attestation{Control: "TLS-6", Outcome: evidence.Pass, Note: "The whole namespace is on strict mutual TLS since the roll-out; I checked the policy."})
	})
	out := a.clock.end.AddDate(0, 0, -10)
	for _, name := range []string{"fraud-scoring", "ledger", "payout-worker"} {
		a.on(a.workday(end-35), "runtime watch on "+name, func(ctx context.Context) error {
			return r.attest(ctx, "efua", name, evidence.Attestation{Control: "RUN-6", Outcome: evidence.Pass, Until: &out, Note: "The runtime sensor's trial licence covers these nodes until it ends."})
		})
	}
}

func (r *run) attest(ctx context.Context, who, service string, a evidence.Attestation) error {
	ctx, err := r.as(ctx, who)
	if err != nil {
		return err
	}
	if _, err := r.Posture.Attest(ctx, r.people[who], service, a); err != nil {
		return fmt.Errorf("%s attests %s on %s: %w", who, a.Control, service, err)
	}
	return nil
}

// report is a file that somebody attaches.
func report(title, service string, at time.Time) *evidence.Upload {
	text := fmt.Sprintf("%s\nSubject: %s\nDate: %s\n\nNothing open above low. Details are kept by the team.\n", title, service, at.Format(time.DateOnly))
	return &evidence.Upload{Name: service + "-" + at.Format(time.DateOnly) + ".txt", Data: []byte(text)}
}
