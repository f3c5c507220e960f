package house

import (
	"muster/internal/config"
	"muster/internal/guard"
	"muster/internal/jobs"
	"muster/internal/scan"
)

// works says what runs by itself. A kind without a handler is neither offered nor seeded.
func (h *House) works() {
	h.Jobs = jobs.NewService(h.DB, h.Access, h.Activity, h.Identity.WorkspaceIDs)
	h.Scans = scan.New(scan.Parts{DB: h.DB, Access: h.Access, Log: h.Activity, Book: h.Inventory, Ledger: h.Ledger, Posture: h.Posture, Map: h.Topology, Dialer: guard.New(guard.Policy{})})
	h.Scans.Work(h.Jobs)
	h.Intake.Work(h.Jobs)
	h.Jobs.Offer([]jobs.Kind{
		{ID: scan.Probe, Title: "Probe scan", What: "Looks at every declared endpoint from outside, and records what it sees as evidence."},
		{ID: jobs.Reminder, Title: "Reminder", What: "Asks a person to do something, until somebody says that it is done."},
	}, []jobs.Seed{
		{Name: "probe", Kind: scan.Probe, Title: "Probe scan", Spec: "30 3 * * *"},
		{Name: "vulnerability-scan", Kind: jobs.Reminder, Title: "Vulnerability scan: bring a fresh report of every service", Spec: "0 8 1 * *"},
		{Name: "posture-report", Kind: jobs.Reminder, Title: "Posture report: look at the month together", Spec: "0 8 2 * *"},
		{Name: "audit", Kind: jobs.Reminder, Title: "Security audit", Spec: "0 8 1 1,4,7,10 *"},
		{Name: "access-review", Kind: jobs.Reminder, Title: "Access review", Spec: "0 8 15 1,4,7,10 *"},
		{Name: "restore-test", Kind: jobs.Reminder, Title: "Restore test", Spec: "0 8 15 2,5,8,11 *"},
		{Name: "policy-review", Kind: jobs.Reminder, Title: "Policy review", Spec: "0 8 10 1 *"},
		{Name: "training", Kind: jobs.Reminder, Title: "Security training", Spec: "0 8 1 9 *"},
	})
}

// Reach says where probes may go besides public addresses.
func (h *House) Reach(r config.Reach) { h.Scans.Through(guard.New(guard.Policy{Allow: r.Allow()})) }
