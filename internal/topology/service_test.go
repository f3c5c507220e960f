package topology_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/config"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/evidence"
	"muster/internal/fault"
	"muster/internal/house"
	"muster/internal/imports"
	"muster/internal/imports/model"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/probe"
	"muster/internal/topology"
)

// town is a house with one workspace, and the worked example imported as files.
type town struct {
	*house.House
	t    *testing.T
	ctx  context.Context
	ama  access.Actor
	prod int64
	now  time.Time
}

func open(t *testing.T, files ...string) *town {
	t.Helper()
	s := &town{t: t, now: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC), ama: access.Actor{UserID: 1, Name: "Ama", Role: access.Admin}}
	h, err := house.OpenAt(t.Context(), config.Store{Data: t.TempDir()}, func() time.Time { return s.now })
	s.must(err)
	s.House = h
	t.Cleanup(func() { s.must(h.Close()) })
	w, err := h.Identity.CreateWorkspace(t.Context(), access.SystemActor("test"), "Kente")
	s.must(err)
	s.ctx = database.WithWorkspace(t.Context(), w.ID)
	s.prod, err = h.Inventory.Production(s.ctx)
	s.must(err)
	for _, f := range files {
		s.bring(f)
	}
	return s
}

func (s *town) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// bring imports one file, of which it is said that it is everything.
func (s *town) bring(text string) {
	s.t.Helper()
	found, err := imports.Inspect([]model.File{{Path: "files.yaml", Data: []byte(text)}}, imports.Options{Explicit: map[string]bool{"files.yaml": true}})
	s.must(err)
	id, err := s.Intake.Propose(s.ctx, s.ama, intake.Proposal{EnvironmentID: s.prod, SourceName: "shop", NamespacesComplete: true, Inspection: found})
	s.must(err)
	_, err = s.Intake.Confirm(s.ctx, s.ama, id, intake.Choices{AcceptBig: true})
	s.must(err)
}

func worked(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "worked.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// probed records what a probe saw of a service: whether it answers a caller without credentials.
func (s *town) probed(slug string, outcome evidence.Outcome) {
	s.t.Helper()
	v, err := s.Inventory.Get(s.ctx, s.ama, slug)
	s.must(err)
	rules, err := s.Posture.Ruleset(s.ctx)
	s.must(err)
	row := evidence.Evidence{ServiceID: v.ID, EnvironmentID: s.prod, Control: "IAM-1", Clause: "refuses_anonymous", Kind: catalogue.Probe, Source: "probe:test", Outcome: outcome, Observed: "200", ObservedAt: s.now}
	s.must(s.Ledger.Record(s.ctx, rules.Find, []evidence.Evidence{row}))
	s.must(s.Posture.Recompute(s.ctx, []int64{v.ID}, posture.Cause{}))
}

// example is the worked example as it stands in files, probes and what a person says.
func example(t *testing.T) *town {
	s := open(t, worked(t))
	s.probed("web", evidence.Fail)
	s.probed("mail", evidence.Fail)
	for slug, class := range map[string]string{"pay": "payment", "orders": "personal"} {
		v, err := s.Inventory.Get(s.ctx, s.ama, slug)
		s.must(err)
		_, err = s.Steward.Save(s.ctx, s.ama, slug, inventory.Edit{Name: v.Name, Tier: 1, Exposure: inventory.Internal, DataClasses: []string{class}, Kind: v.Kind, Version: v.Version})
		s.must(err)
	}
	return s
}

func (s *town) picture() *topology.Picture {
	s.t.Helper()
	p, err := s.Topology.Picture(s.ctx, s.ama, "")
	s.must(err)
	return p
}

func (s *town) sound() {
	s.t.Helper()
	wrong, err := s.Posture.Rebuild(s.ctx)
	s.must(err)
	if len(wrong) > 0 {
		s.t.Error(strings.Join(wrong, "\n"))
	}
}

// TestWorkedExampleFromFiles holds the whole way, from manifests and probes to the numbers of the design.
func TestWorkedExampleFromFiles(t *testing.T) {
	t.Parallel()
	s := example(t)
	d := s.picture().Document()
	want := map[string]string{"web": "3 4", "orders": "2 3", "pay": "1 3", "mail": "0 3", "admin": "2 3", "batch": "1 4"}
	for _, l := range d.Services {
		if got := fmt.Sprint(l.Proven.Count, l.Possible.Count); got != want[l.Name] {
			t.Errorf("%s reaches %s, want %s", l.Name, got, want[l.Name])
		}
		if l.Name == "web" && (fmt.Sprint(l.Proven.DataClasses) != "[payment personal]" || l.Between.Unknown != 7 || l.Between.TestFirst != "admin" || l.Internet != topology.Open) {
			t.Errorf("web: %+v", l)
		}
	}
	var gains []string
	for _, c := range d.ChokePoints {
		gains = append(gains, fmt.Sprintf("%s %d %d", c.Words, c.GainProven, c.GainPossible))
	}
	for _, g := range []string{"only orders may call mail 3 0", "nobody inside calls admin 0 9", "only web may call orders 0 4"} {
		if !slices.Contains(gains, g) {
			t.Errorf("%q is not among %q", g, gains)
		}
	}
	if !d.Exact || !d.ArcsAll || d.KnownCalls != 4 {
		t.Errorf("exact %v, all arcs %v, %d known calls", d.Exact, d.ArcsAll, d.KnownCalls)
	}
	s.sound()
}

// TestTheMapJudges looks at what is recorded and at what follows when the map changes.
func TestTheMapJudges(t *testing.T) {
	t.Parallel()
	s := example(t)
	state := func(slug, control string) string {
		v, err := s.Inventory.Get(s.ctx, s.ama, slug)
		s.must(err)
		states, err := s.Controls.States(s.ctx, []int64{v.ID})
		s.must(err)
		for _, row := range states {
			if row.Control == control && row.EnvironmentID == s.prod {
				return string(row.State)
			}
		}
		return "unknown"
	}
	// web reaches payment data that it does not need; nobody outside gets to pay without a certificate, for all that is known.
	if got := state("web", "NET-2"); got != "failing" {
		t.Errorf("NET-2 of web is %s", got)
	}
	if got := state("pay", "NET-4"); got == "failing" {
		t.Errorf("NET-4 of pay is %s", got)
	}
	s.sound()
	// mail is moved into the mesh, strictly: what anybody could call, nobody does any more but whom it knows.
	s.bring(strings.ReplaceAll(worked(t), "app: orders}}, mtls", "none: none}}, mtls"))
	s.sound()
	s.now = s.now.Add(30 * time.Hour)
	s.must(s.Posture.Sweep(s.ctx))
	if got := state("web", "NET-2"); got != "failing" {
		t.Errorf("after a day and a sweep NET-2 of web is %s", got)
	}
	s.sound()
	imports, _, err := s.Inventory.Imports(s.ctx, s.ama, 0)
	s.must(err)
	s.must(s.Intake.Undo(s.ctx, s.ama, imports[0].ID))
	s.sound()
	if got := s.picture().Document(); got.Services[0].Proven.Count != 2 {
		t.Errorf("after the undo %+v", got.Services[0])
	}
}

// TestWhatIfStoresNothing tries every protection on every service.
func TestWhatIfStoresNothing(t *testing.T) {
	t.Parallel()
	s := example(t)
	before := s.rows()
	p := s.picture()
	for _, n := range p.Ours() {
		for _, with := range topology.Protections() {
			x, err := s.Posture.WhatIf(s.ctx, s.ama, p, p.Nodes[n].Slug, with)
			s.must(err)
			if x.ProvenAfter > x.ProvenPairs && len(x.Lost) == 0 || x.WholeAfter.Score < x.Whole.Score {
				t.Errorf("%s on %s makes %d proven pairs of %d, and a score of %v of %v", with, p.Nodes[n].Name, x.ProvenAfter, x.ProvenPairs, x.WholeAfter.Score, x.Whole.Score)
			}
		}
	}
	mail, err := s.Posture.WhatIf(s.ctx, s.ama, p, "mail", topology.OnlyKnownCallers)
	s.must(err)
	if mail.ProvenPairs-mail.ProvenAfter != 3 || len(mail.Lost) != 0 {
		t.Errorf("only orders may call mail: %d → %d, lost %v", mail.ProvenPairs, mail.ProvenAfter, mail.Lost)
	}
	strict, err := s.Posture.WhatIf(s.ctx, s.ama, p, "mail", topology.StrictMTLS)
	s.must(err)
	if r := strict.After.Radius(strict.After.Ours()[0]); len(strict.Lost) != 0 || r.Proven.Count > 3 {
		t.Errorf("orders is in the mesh and keeps its way: lost %v", strict.Lost)
	}
	if after := s.rows(); after != before {
		t.Errorf("rows before:\n%s\nafter:\n%s", before, after)
	}
	if _, err := s.Posture.WhatIf(s.ctx, s.ama, p, "nobody", topology.DemandToken); !fault.Is(err, fault.NotFound) {
		t.Errorf("of a service that is not there: %v", err)
	}
}

// rows counts every table and sums up what changes without a new row.
func (s *town) rows() string {
	s.t.Helper()
	var tables []string
	conn := s.DB.Conn(database.Across(s.ctx, "test"))
	s.must(conn.Raw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").Scan(&tables).Error)
	var b strings.Builder
	for _, table := range tables {
		var n int64
		s.must(conn.Table(table).Count(&n).Error)
		fmt.Fprintf(&b, "%s %d\n", table, n)
	}
	return b.String()
}

func TestTriesFromInside(t *testing.T) {
	t.Parallel()
	s := example(t)
	try := func(from, to string, connected bool, answer string) probe.Arc {
		return probe.Arc{From: from, To: to, Address: to + ".shop:80", StartedAt: s.now, Connected: connected, Answer: answer, Observed: "seen"}
	}
	tried, err := s.Posture.RecordArcs(s.ctx, s.ama, topology.ArcReport{SeenFrom: "the cluster", Arcs: []probe.Arc{
		try("web", "batch", true, "anonymous"), try("mail", "batch", false, "none"), try("web", "admin", true, "refused"), try("nobody", "admin", true, "none"),
	}})
	s.must(err)
	var got []string
	for _, x := range tried {
		got = append(got, string(x.Finding)+": "+x.Words)
	}
	want := []string{
		"contradicted: The files say that web cannot reach batch, and it does: your network plug-in ignores this policy.",
		"verified: mail does not get through to batch, as the files say.",
		"known: admin asks web for credentials.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	p := s.picture()
	n := func(slug string) int { i, _ := p.Find(slug); return i }
	if x := p.Arc(n("web"), n("batch")); x.State != topology.Open || !x.Contradicts || !x.Tested {
		t.Errorf("web → batch: %+v", x)
	}
	if x := p.Arc(n("web"), n("admin")); x.State != topology.Closed || !x.Tested {
		t.Errorf("web → admin: %+v", x)
	}
	// A pass ages and a failure stands.
	s.now = s.now.Add(40 * 24 * time.Hour)
	p = s.picture()
	if x := p.Arc(n("mail"), n("batch")); x.Tested {
		t.Errorf("mail → batch was closed forty days ago: %+v", x)
	}
	if x := p.Arc(n("web"), n("batch")); x.State != topology.Open {
		t.Errorf("web → batch was open forty days ago: %+v", x)
	}
	s.must(s.Posture.Sweep(s.ctx))
	s.sound()
	for name, r := range map[string]topology.ArcReport{
		"nothing":          {SeenFrom: "x"},
		"in the future":    {Arcs: []probe.Arc{{From: "web", To: "pay", StartedAt: s.now.Add(time.Hour)}}},
		"between nobodies": {Arcs: []probe.Arc{{From: "a", To: "b", StartedAt: s.now}}},
	} {
		if _, err := s.Posture.RecordArcs(s.ctx, s.ama, r); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Posture.RecordArcs(s.ctx, access.Actor{UserID: 2, Role: access.Viewer}, topology.ArcReport{}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a viewer records: %v", err)
	}
}

func TestComposeNetworksAreSegments(t *testing.T) {
	t.Parallel()
	s := open(t, `services:
  web: {image: "shop/web:1", ports: ["8080:80"], networks: [front], environment: {API_URL: "http://api:80"}}
  api: {image: "shop/api:1", expose: ["80"], networks: [front, back], environment: {DB_URL: "postgres://db:5432/x"}}
  db: {image: "postgres:16", networks: [back]}
  tool: {image: "shop/tool:1", networks: [front], volumes: ["/var/run/docker.sock:/var/run/docker.sock"]}
networks: {front: {}, back: {}}
`)
	p := s.picture()
	n := func(slug string) int { i, _ := p.Find(slug); return i }
	if x := p.Arc(n("web"), n("db")); x.State != topology.Closed || x.Network != topology.No {
		t.Errorf("web and db share no network: %+v", x)
	}
	if x := p.Arc(n("api"), n("db")); x.State != topology.Granted || x.MeshWord() != "absent" {
		t.Errorf("api calls db: %+v", x)
	}
	if x := p.Arc(n("tool"), n("db")); !x.Sure || x.State != topology.Granted || x.Power == "" {
		t.Errorf("tool holds the host: %+v", x)
	}
	if r := p.Radius(n("tool")); r.Proven.Count != 3 {
		t.Errorf("the fall of tool reaches %+v", r)
	}
	change := slices.ContainsFunc(p.Chokes().Best, func(c topology.Choke) bool { return c.Change == topology.RemoveEscape && c.Target == "tool" })
	if !change {
		t.Errorf("the socket is not among the choke points: %+v", p.Chokes().Best)
	}
}

// TestAnOlderImportLeavesUnknown reads an import of a Muster that did not look at peers.
func TestAnOlderImportLeavesUnknown(t *testing.T) {
	t.Parallel()
	s := open(t)
	found, err := imports.Inspect([]model.File{{Path: "files.yaml", Data: []byte(worked(t))}}, imports.Options{Explicit: map[string]bool{"files.yaml": true}})
	s.must(err)
	for i := range found.Services {
		found.Services[i].Gates = nil
	}
	id, err := s.Intake.Propose(s.ctx, s.ama, intake.Proposal{EnvironmentID: s.prod, SourceName: "shop", NamespacesComplete: true, Inspection: found})
	s.must(err)
	_, err = s.Intake.Confirm(s.ctx, s.ama, id, intake.Choices{})
	s.must(err)
	p := s.picture()
	n := func(slug string) int { i, _ := p.Find(slug); return i }
	if x := p.Arc(n("web"), n("batch")); x.Network != topology.Unknown || x.State != topology.Unproven {
		t.Errorf("web → batch: %+v", x)
	}
	if x := p.Arc(n("web"), n("pay")); x.Mesh != topology.Unknown {
		t.Errorf("web → pay: %+v", x)
	}
}
