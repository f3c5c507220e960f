package scan_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/evidence"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/guard"
	"muster/internal/identity"
	"muster/internal/inventory"
	"muster/internal/jobs"
	"muster/internal/posture"
	"muster/internal/probe"
	"muster/internal/scan"
	"muster/internal/secret"
	"muster/internal/topology"
)

// desk is a workspace with everything that a scan needs.
type desk struct {
	*scan.Service
	t       *testing.T
	ctx     context.Context
	clock   *databasetest.Clock
	book    *inventory.Book
	posture *posture.Service
	ledger  *evidence.Ledger
	jobs    *jobs.Service
	ama     access.Actor
	place   int64 // production
}

func open(t *testing.T, db *database.DB, clock *databasetest.Clock) *desk {
	t.Helper()
	rights, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.NewBox([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	activities := activity.New(db, rights)
	people := identity.New(db, rights, activities, box)
	w, err := people.CreateWorkspace(t.Context(), access.SystemActor("test"), "Kente")
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, clock: clock, ctx: database.WithWorkspace(t.Context(), w.ID), book: inventory.New(db, rights, activities), ledger: evidence.New(db, rights, activities),
		ama: access.Actor{UserID: 1, Name: "Ama", Role: access.Engineer}, jobs: jobs.NewService(db, rights, activities, people.WorkspaceIDs)}
	roads := topology.New(db, rights, activities, d.book, d.ledger)
	d.posture = posture.New(posture.Parts{DB: db, Access: rights, Log: activities, People: people, Book: d.book, Ledger: d.ledger, Controls: control.New(db, rights, activities), Exceptions: exception.New(db, rights, activities), Topology: roads})
	d.Service = scan.New(scan.Parts{DB: db, Access: rights, Log: activities, Book: d.book, Ledger: d.ledger, Posture: d.posture, Map: roads,
		Dialer: guard.New(guard.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})})
	d.Work(d.jobs)
	if d.place, err = d.book.Production(d.ctx); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// service adds a service with addresses that everybody reaches.
func (d *desk) service(name string, addresses ...string) inventory.Service {
	d.t.Helper()
	v, err := d.book.Create(d.ctx, d.ama, inventory.Edit{Kind: inventory.KindService, Name: name, Tier: 1, Exposure: inventory.Public})
	d.must(err)
	for _, a := range addresses {
		d.must(d.book.AddEndpoint(d.ctx, d.ama, v.Slug, d.place, a, "all"))
	}
	d.must(d.posture.Recompute(d.ctx, []int64{v.ID, 0}, posture.Cause{}))
	return v
}

// run scans and waits until the run has ended.
func (d *desk) run(scope scan.Scope) jobs.Run {
	d.t.Helper()
	r, err := d.Start(d.ctx, d.ama, scope)
	d.must(err)
	working, stop := context.WithCancel(d.ctx)
	done := make(chan struct{})
	go func() { defer close(done); d.jobs.Work(working, jobs.Options{}) }()
	defer func() { stop(); <-done }()
	for deadline := time.Now().Add(time.Minute); ; {
		r, err = d.jobs.Look(d.ctx, d.ama, r.ID)
		d.must(err)
		if !r.State.Open() {
			return r
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("the run is still %s", r.State)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (d *desk) state(v *inventory.Service, id string) *posture.CellView {
	d.t.Helper()
	slug := ""
	if v != nil {
		slug = v.Slug
	}
	x, err := d.posture.Cell(d.ctx, d.ama, slug, id, 0)
	d.must(err)
	return x
}

// shop is a real server behind real TLS, with a certificate that no authority signed.
func shop(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/security.txt":
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write([]byte("Contact: mailto:security@example.com\nExpires: 2030-01-01T00:00:00Z\n"))
		case "/":
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
			_, _ = w.Write([]byte("<!doctype html><title>Shop</title>"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of every suite that the probe tries
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestAScanMakesEvidenceAndContradictsAnAttestation(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		pay := d.service("pay", shop(t).URL)
		_, err := d.posture.Attest(d.ctx, d.ama, pay.Slug, evidence.Attestation{Control: "TLS-4", Outcome: evidence.Pass, Note: "I looked at the certificate myself."})
		d.must(err)
		if x := d.state(&pay, "TLS-4"); x.Verdict.State != control.Attested {
			t.Fatalf("before the scan TLS-4 is %s", x.Verdict.State)
		}
		clock.Move(time.Hour)
		r := d.run(scan.Scope{})
		if r.State != jobs.Done || !strings.HasPrefix(r.ResultWords, "1 service: 1 endpoint visited;") {
			t.Fatalf("the run is %s: %s", r.State, r.ResultWords)
		}
		if x := d.state(&pay, "TLS-4"); x.Verdict.State != control.Failing || !x.Verdict.Contradicted {
			t.Errorf("a certificate that nobody signed is %s, contradicted %v", x.Verdict.State, x.Verdict.Contradicted)
		}
		for id, want := range map[string]control.Word{"TLS-2": control.Verified, "TLS-3": control.Verified, "TLS-5": control.Verified} {
			if x := d.state(&pay, id); x.Verdict.State != want {
				t.Errorf("%s is %s, not %s: %+v", id, x.Verdict.State, want, x.Spots)
			}
		}
		if x := d.state(nil, "GOV-11"); x.Verdict.State != control.Verified {
			t.Errorf("security.txt is served by every public endpoint, and GOV-11 is %s", x.Verdict.State)
		}
		d.wasSeen(&pay, r.ID)
	})
}

// wasSeen checks what is kept of the visit beside the evidence.
func (d *desk) wasSeen(v *inventory.Service, run int64) {
	d.t.Helper()
	visits, waiting, err := d.Visits(d.ctx, d.ama, v)
	d.must(err)
	if len(visits) != 1 || len(waiting) != 0 || !visits[0].Reached || visits[0].RunID <= run || visits[0].Passed == 0 || visits[0].Failed == 0 {
		d.t.Fatalf("got %d visits, %d waiting: %+v", len(visits), len(waiting), visits)
	}
	var t probe.Target
	d.must(json.Unmarshal([]byte(visits[0].Report), &t))
	if t.TLS == nil || !slices.Contains(t.TLS.Offered, "TLS1.3") {
		d.t.Errorf("the report was not kept: %+v", t.TLS)
	}
}

func TestWhatIsNotReachedGrowsStaleWithItsReason(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		server := shop(t)
		pay := d.service("pay", server.URL, ":443", "10.11.12.13:443")
		d.run(scan.Scope{})
		before := d.state(&pay, "TLS-2")
		missing, err := d.Missing(d.ctx, d.ama, 10)
		d.must(err)
		var reasons []string
		for _, m := range missing {
			reasons = append(reasons, m.Address+": "+m.Reason)
		}
		slices.Sort(reasons)
		if len(missing) != 2 || !strings.Contains(reasons[0], "10.11.12.13") || !strings.Contains(reasons[1], "No host name is known") {
			t.Fatalf("missing are %q", reasons)
		}
		server.Close()
		clock.Move(36 * 24 * time.Hour)
		if r := d.run(scan.Scope{}); !strings.Contains(r.ResultWords, "did not answer") {
			t.Errorf("the run says %q", r.ResultWords)
		}
		after := d.state(&pay, "TLS-2")
		spot := func(x *posture.CellView) control.Word {
			for _, s := range x.Spots {
				if s.Part == "endpoint:"+server.URL {
					return s.State
				}
			}
			return ""
		}
		if spot(before) != control.Verified || spot(after) != control.Stale {
			t.Errorf("the endpoint was %s and is %s", spot(before), spot(after))
		}
		visits, _, err := d.Visits(d.ctx, d.ama, &pay)
		d.must(err)
		for _, v := range visits {
			if v.Address == server.URL && (v.Reached || v.Reason == "" || v.ReachedAt == nil || !v.ReachedAt.Before(v.VisitedAt)) {
				t.Errorf("the visit says %+v", v)
			}
		}
	})
}

func TestAReportFromElsewhereIsItsOwnWitness(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		d := open(t, db, clock)
		pay := d.service("pay", "https://pay.example.com")
		at := clock.Now().UTC()
		report := &probe.Report{SeenFrom: "cluster", Targets: []probe.Target{
			{Target: "pay.example.com:443", StartedAt: at, Reachable: true, Checks: []probe.Check{{Control: "TLS-2", Clause: "modern_versions", Part: "endpoint", Outcome: probe.Fail, Observed: "TLS 1.0 is accepted"}}},
			{Target: "nobody.example.com:443", StartedAt: at, Reachable: true},
		}}
		dry, err := d.Hear(d.ctx, d.ama, report, scan.Hearing{Environment: d.place, DryRun: true})
		d.must(err)
		if x := d.state(&pay, "TLS-2"); dry.Outcome.Evidence != 1 || x.Verdict.State != control.NotKnown {
			t.Fatalf("a dry run stored something: %+v, TLS-2 is %s", dry, x.Verdict.State)
		}
		told, err := d.Hear(d.ctx, d.ama, report, scan.Hearing{Environment: d.place})
		d.must(err)
		if told.Services != 1 || !slices.Equal(told.Unmatched, []string{"nobody.example.com:443"}) {
			t.Fatalf("got %+v", told)
		}
		x := d.state(&pay, "TLS-2")
		if x.Verdict.State != control.Failing || len(x.Said) != 1 || x.Said[0].Source != "probe:cluster" || x.Said[0].ActorName != "Ama" || x.Said[0].Kind != catalogue.Probe {
			t.Fatalf("TLS-2 is %s: %+v", x.Verdict.State, x.Said)
		}
		// The same report again says nothing new, and one from the future nothing at all.
		_, err = d.Hear(d.ctx, d.ama, report, scan.Hearing{Environment: d.place})
		d.must(err)
		if x := d.state(&pay, "TLS-2"); x.Verdict.State != control.Failing {
			t.Errorf("heard twice it is %s", x.Verdict.State)
		}
		report.Targets[0].StartedAt = at.Add(time.Hour)
		if _, err = d.Hear(d.ctx, d.ama, report, scan.Hearing{Environment: d.place}); err == nil || !strings.Contains(err.Error(), "in the future") {
			t.Errorf("a report from the future: %v", err)
		}
		viewer := access.Actor{UserID: 2, Name: "Vi", Role: access.Viewer}
		if _, err = d.Hear(d.ctx, viewer, report, scan.Hearing{Environment: d.place}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a viewer brought a report: %v", err)
		}
	})
}

func TestScopesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	clock := databasetest.NewClock()
	d := open(t, databasetest.SQLite(t, clock), clock)
	for name, scope := range map[string]scan.Scope{
		"no endpoint at all":         {},
		"an endpoint of nobody":      {Endpoint: "a:1"},
		"more than a bounded burst":  {Options: scan.Options{Burst: 201}},
		"a burst of less than none":  {Options: scan.Options{Burst: -1}},
		"a service that is not here": {Service: "nobody"},
		"a control that is not here": {Control: "NO-1"},
		"a control without a probe":  {Control: "LOG-1"},
	} {
		if _, err := d.Start(d.ctx, d.ama, scope); err == nil {
			t.Errorf("%s: was started", name)
		} else if _, expected := fault.As(err); !expected {
			t.Errorf("%s: %v", name, err)
		}
	}
}
