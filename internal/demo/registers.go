package demo

import (
	"context"
	"time"

	"muster/internal/evidence"
)

// entry is a line that somebody writes into a register.
type entry struct {
	part           float64
	who, service   string // service "" is the workspace
	register, name string
	fields         map[string]string
	days           map[string]int // fields that are dates, in days from the day of writing
}

func processing(part float64, who, service, name, purpose, basis, retention, processors string) entry {
	return entry{part: part, who: who, service: service, register: "processing", name: name, fields: map[string]string{"purpose": purpose, "lawful_basis": basis, "retention": retention, "processors": processors}}
}

// credential is rotated so many days before it is written down, and due again after a period; 0 has none.
func credential(part float64, who, service, name, kind, consumer string, rotated int, period string, expires int) entry {
	e := entry{part: part, who: who, service: service, register: "credentials", name: name, fields: map[string]string{"kind": kind, "consumer": consumer, "period": period}, days: map[string]int{"rotated": -rotated}}
	if expires != 0 {
		e.days["expires"] = expires
	}
	return e
}

func apiKey(part float64, consumer, scope string) entry {
	return entry{part: part, who: "efua", service: "payment-api", register: "api-keys", name: consumer, fields: map[string]string{"scope": scope, "revocable": "yes"}, days: map[string]int{"expires": 365}}
}

func obligation(part float64, name, source, asks string) entry {
	return entry{part: part, who: "ama", register: "obligations", name: name, fields: map[string]string{"source": source, "asks": asks}, days: map[string]int{"review": 365}}
}

var entries = []entry{
	obligation(0.08, "Payment licence", "law", "Report outages and breaches to the central bank within a day."),
	obligation(0.10, "Data protection law", "law", "Know why personal data is held, and delete it on request."),
	obligation(0.45, "Card scheme rules", "customer contract", "Card numbers never reach our own systems in clear."),
	processing(0.615, "efua", "payment-api", "Taking payments", "carry out payments for merchants", "contract", "ten years, as the tax law asks", "card processor"),
	processing(0.630, "efua", "fraud-scoring", "Scoring payments", "find fraud before money leaves", "legitimate interests", "thirteen months", "none"),
	processing(0.645, "efua", "payments-db", "Books of payments", "keep the books", "legal obligation", "ten years", "none"),
	processing(0.660, "yaw", "accounts-api", "Merchant accounts", "let merchants sign in", "contract", "two years after the account is closed", "none"),
	processing(0.675, "yaw", "accounts-db", "Merchant accounts", "store merchant accounts", "contract", "two years after the account is closed", "none"),
	processing(0.690, "yaw", "kyc-checks", "Identity checks", "know the merchant, as the licence asks", "legal obligation", "five years", "identity checker"),
	processing(0.705, "zanele", "notifications", "Messages to merchants", "tell merchants about their payments", "contract", "ninety days", "text message carrier"),
	processing(0.720, "zanele", "merchant-portal", "Portal", "show merchants their own sales", "contract", "one year", "none"),
	credential(0.20, "efua", "payment-api", "card-processor-certificate", "certificate", "card processor", 20, "", 800),
	credential(0.20, "efua", "payment-api", "webhook-signing-key", "signing key", "merchants", 40, "500", 0),
	credential(0.22, "efua", "ledger", "ledger-database-account", "service account", "ledger", 10, "500", 0),
	credential(0.24, "yaw", "accounts-api", "token-signing-key", "signing key", "every service", 5, "500", 0),
	credential(0.30, "yaw", "accounts-db", "backup-account", "service account", "nightly backup", 5, "500", 0),
	credential(0.55, "zanele", "notifications", "text-message-key", "API key", "text message carrier", 2, "400", 0),
	apiKey(0.25, "Bolga Baskets", "create and read payments"),
	apiKey(0.31, "Tamale Tools", "create and read payments"),
	apiKey(0.52, "Volta Fish", "read payments"),
}

// planRegisters writes the registers, and leaves one key past its date.
func (r *run) planRegisters(a *agenda) {
	for _, e := range entries {
		a.at(e.part, "register "+e.name, func(ctx context.Context) error { return r.enter(ctx, &e) })
	}
	part := 0.60
	due := a.clock.days() - a.workday(a.day(part)) - 9 // nine days before the end
	late := credential(part, "efua", "payout-worker", "bank-api-key", "API key", "payout bank", 0, "", due)
	a.at(part, "register the bank's key", func(ctx context.Context) error { return r.enter(ctx, &late) })
}

func (r *run) enter(ctx context.Context, e *entry) error {
	values := map[string]string{}
	for k, v := range e.fields {
		values[k] = v
	}
	for k, days := range e.days {
		values[k] = r.clock.Now().AddDate(0, 0, days).Format(time.DateOnly)
	}
	register, _ := evidence.RegisterOf(e.register)
	return r.Posture.Enter(ctx, r.people[e.who], e.service, evidence.Line{Register: register.ID, Name: e.name, Values: values})
}
