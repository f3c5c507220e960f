package demo

import (
	"context"
	"fmt"
	"time"

	"muster/internal/probe"
	"muster/internal/scan"
)

// planProbe has somebody run the probe from the office in the last week and bring what it saw: the portal still takes
// TLS 1.1, though its people said otherwise.
func (r *run) planProbe(a *agenda) {
	a.on(a.workday(a.clock.days()-3), "bring the report of a probe", func(ctx context.Context) error {
		report := &probe.Report{SeenFrom: "office", At: r.clock.Now().Format(time.RFC3339)}
		for _, name := range doors {
			targets, err := r.knock(ctx, name)
			if err != nil {
				return err
			}
			report.Targets = append(report.Targets, targets...)
		}
		production, err := r.Inventory.Production(ctx)
		if err != nil {
			return err
		}
		_, err = r.Scans.Hear(ctx, r.people["zanele"], report, scan.Hearing{Environment: production})
		return err
	})
}

// knock is what the probe saw at the public addresses of a service.
func (r *run) knock(ctx context.Context, name string) ([]probe.Target, error) {
	v, err := r.Inventory.Get(ctx, r.people["zanele"], name)
	if err != nil {
		return nil, fmt.Errorf("probe %s: %w", name, err)
	}
	endpoints, err := r.Inventory.EndpointsOf(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	host := serviceNamed(name).host
	var list []probe.Target
	for i := range endpoints {
		if e := &endpoints[i]; host != "" && e.Scope == "all" && scan.HostOf(e.Address) == host {
			list = append(list, r.answer(e.Address, name == "merchant-portal"))
		}
	}
	return list, nil
}

// answer is one address that answers soundly, but for its age.
func (r *run) answer(address string, old bool) probe.Target {
	now := r.clock.Now()
	host := scan.HostOf(address)
	ends := now.AddDate(0, 0, 61).Truncate(24 * time.Hour)
	renew := ends.AddDate(0, 0, -21)
	t := probe.Target{Target: address, Resolved: []string{"198.51.100.7"}, StartedAt: now, DurationMS: 184, Reachable: true,
		TLS: &probe.TLS{Offered: []string{"TLS1.2", "TLS1.3"}, ForwardSecrecy: true, ClientCertificate: "none", Grade: "A", ALPN: []string{"h2", "http/1.1"},
			Ciphers: []probe.Cipher{{Protocol: "TLS1.3", Name: "TLS_AES_128_GCM_SHA256"}, {Protocol: "TLS1.3", Name: "TLS_AES_256_GCM_SHA384"}, {Protocol: "TLS1.2", Name: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}},
			Certificate: &probe.Certificate{Subject: "CN=" + host, Issuer: "CN=Example Trust Services", Names: []string{host}, NamesTotal: 1, NotBefore: now.AddDate(0, 0, -29).Truncate(24 * time.Hour), NotAfter: ends, DaysLeft: 61, Key: "EC-256",
				Signature: "ECDSA-SHA256", ChainTrusted: true, NameMatches: true}},
		HTTP: &probe.HTTP{Status: 200, Headers: map[string]string{"Strict-Transport-Security": "max-age=31536000"}, Anonymous: "unknown"}}
	versions := probe.Check{Control: "TLS-2", Clause: "modern_versions", Outcome: probe.Pass, Observed: "accepts TLS1.2, TLS1.3", Expected: "only TLS 1.2 and TLS 1.3"}
	if old {
		t.TLS.Offered, t.TLS.Grade = []string{"TLS1.1", "TLS1.2", "TLS1.3"}, "B"
		versions.Outcome, versions.Observed = probe.Fail, "accepts TLS1.1, TLS1.2, TLS1.3"
	}
	pass := func(id, clause, observed string, until *time.Time) probe.Check {
		return probe.Check{Control: id, Clause: clause, Part: "endpoint", Outcome: probe.Pass, Observed: observed, GoodUntil: until}
	}
	t.Checks = []probe.Check{versions, pass("TLS-3", "ciphers", "3 suites, none of them weak", nil), pass("TLS-3", "keys", "EC-256", nil), pass("TLS-3", "forward_secrecy", "every suite gives it", nil),
		pass("TLS-4", "trusted", "the chain leads to a trusted authority", &ends), pass("TLS-4", "names_match", "the certificate names "+host, &ends), pass("TLS-4", "time_left", "61 days left", &renew),
		pass("IAM-8", "certificates", "valid until "+ends.Format(time.DateOnly), &ends), pass("TLS-5", "hsts", "max-age=31536000", nil)}
	return t
}
