package demo_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/config"
	"muster/internal/control"
	"muster/internal/database"
	"muster/internal/demo"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/house"
	"muster/internal/identity"
)

var end = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)

// told is a company after its story, and everybody who reads it.
type told struct {
	*house.House
	ctx    context.Context
	result *demo.Result
	reader access.Actor
	names  map[string]int64
}

// tell lets the company live so many days.
func tell(t *testing.T, days int, seed uint64) *told {
	t.Helper()
	clock := demo.NewClock(end, days)
	h, err := house.OpenAt(t.Context(), config.Store{Data: t.TempDir()}, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	doors := demo.Doors{Identity: h.Identity, Inventory: h.Inventory, Intake: h.Intake, Posture: h.Posture, Steward: h.Steward, Scans: h.Scans, Findings: h.Findings}
	result, err := demo.Make(t.Context(), doors, clock, seed, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	w, err := h.Identity.WorkspaceBySlug(t.Context(), result.Workspace)
	if err != nil {
		t.Fatal(err)
	}
	s := &told{House: h, ctx: database.WithWorkspace(t.Context(), w.ID), result: result, reader: access.SystemActor("test"), names: map[string]int64{}}
	everyone, err := h.Inventory.Everyone(s.ctx, s.reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range everyone {
		s.names[v.Name] = v.ID
	}
	return s
}

const short = 60

func TestTheStory(t *testing.T) {
	t.Parallel()
	s := tell(t, short, 1)
	t.Run("people", s.people)
	t.Run("services", s.services)
	t.Run("words and files disagree", s.contradiction)
	t.Run("a hidden fail", s.hidden)
	t.Run("exceptions", s.accepted)
	t.Run("what has run out", s.stale)
	t.Run("findings", s.findings)
	t.Run("the trend", s.trend)
	t.Run("the log", s.log)
	t.Run("every score is explained", s.explained)
}

func (s *told) people(t *testing.T) {
	var roles []string
	for _, p := range s.result.SignIns {
		roles = append(roles, p.Role)
		if _, code, err := s.Identity.SignIn(t.Context(), p.Email, p.Password, identity.From{}); err != nil || code {
			t.Errorf("%s cannot sign in with the printed password: %v", p.Email, err)
		}
	}
	for _, r := range access.Roles() {
		if !slices.Contains(roles, string(r)) {
			t.Errorf("nobody is %s", r)
		}
	}
}

func (s *told) services(t *testing.T) {
	if n := len(s.names); n < 14 {
		t.Errorf("only %d services: %v", n, s.names)
	}
	for _, gone := range []string{"rates-legacy", "load-generator"} {
		if v, err := s.Inventory.Get(s.ctx, s.reader, gone); err != nil || v.RetiredAt == nil {
			t.Errorf("%s is not retired: %v", gone, err)
		}
	}
}

func (s *told) state(t *testing.T, service, id string) control.State {
	t.Helper()
	production, err := s.Inventory.Production(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	state, known, err := s.Controls.StateOf(s.ctx, s.names[service], production, id)
	if err != nil || !known {
		t.Fatalf("%s on %s has no state: %v", id, service, err)
	}
	return state
}

func (s *told) contradiction(t *testing.T) {
	if st := s.state(t, "notifications", "TLS-6"); st.State != control.Failing || !st.Contradicted {
		t.Errorf("mutual TLS of notifications is %s, contradicted %t", st.State, st.Contradicted)
	}
	if st := s.state(t, "merchant-portal", "TLS-2"); st.State != control.Failing || !st.Contradicted {
		t.Errorf("the portal takes TLS 1.1 and reads %s, contradicted %t", st.State, st.Contradicted)
	}
	if st := s.state(t, "edge-gateway", "TLS-2"); st.State == control.Failing {
		t.Errorf("the gateway reads %s", st.State)
	}
}

func (s *told) hidden(t *testing.T) {
	st := s.state(t, "payments-db", "RUN-1")
	if st.State != control.Failing || st.ExceptedUntil == nil || !st.ExceptedUntil.After(end) || st.Value != 0 {
		t.Errorf("the accepted weakness of payments-db reads %+v", st)
	}
	if st := s.state(t, "payout-worker", "IAM-8"); st.State != control.Failing {
		t.Errorf("the key past its date reads %s", st.State)
	}
	if st := s.state(t, "session-cache", "DAT-2"); st.State != control.NotApplicable {
		t.Errorf("what a person said does not apply reads %s", st.State)
	}
}

func (s *told) accepted(t *testing.T) {
	page, err := s.Exceptions.List(s.ctx, s.reader, exception.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	past, force, waiting, declined := 0, 0, 0, 0
	for i := range page.Rows {
		e := &page.Rows[i]
		switch {
		case e.InForce(end):
			force++
		case e.State == exception.Approved:
			past++
		case e.State == exception.Requested:
			waiting++
		case e.State == exception.Declined:
			declined++
		}
		if e.State == exception.Approved && e.DecidedBy == e.RequestedBy {
			t.Errorf("%s was approved by who asked", e.Control)
		}
	}
	if past != 1 || force != 2 || waiting != 1 || declined != 1 {
		t.Errorf("past %d, in force %d, waiting %d, declined %d", past, force, waiting, declined)
	}
}

func (s *told) stale(t *testing.T) {
	for _, name := range []string{"fraud-scoring", "ledger", "payout-worker"} {
		if st := s.state(t, name, "RUN-6"); st.State != control.Stale {
			t.Errorf("RUN-6 of %s is %s, want stale", name, st.State)
		}
	}
}

func (s *told) trend(t *testing.T) {
	o, err := s.Posture.Overview(s.ctx, s.reader)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Trend) != short+1 {
		t.Errorf("the trend has %d days, want %d", len(o.Trend), short+1)
	}
	if last := o.Trend[len(o.Trend)-1].Day; last != end.Format(time.DateOnly) {
		t.Errorf("the trend ends on %s", last)
	}
	at := func(part float64) float64 { return o.Trend[int(part*short)].Score }
	if at(0.02) >= at(0.48) || at(0.56) >= at(0.48) || at(1) <= at(0.48) {
		t.Errorf("the trend tells no story: start %.2f, before the incident %.2f, in it %.2f, end %.2f", at(0.02), at(0.48), at(0.56), at(1))
	}
	if !slices.ContainsFunc(o.Trend, func(n control.Snapshot) bool { return n.ScopeChange != 0 }) {
		t.Error("no change of scope shows in the trend")
	}
	changes, err := s.Controls.ScopeChanges(s.ctx, 200)
	if err != nil || len(changes) == 0 {
		t.Error("no change of scope was kept", err)
	}
	if len(o.Waiting) != 1 {
		t.Errorf("%d exceptions wait on the overview", len(o.Waiting))
	}
}

func (s *told) log(t *testing.T) {
	n, err := s.Activity.Verify(database.Across(t.Context(), "test"))
	if err != nil || n < 100 {
		t.Errorf("the log holds %d entries: %v", n, err)
	}
	v, err := house.Verify(t.Context(), s.DB)
	if err != nil || len(v.Problems) > 0 {
		t.Error(v.Problems, err)
	}
}

func (s *told) explained(t *testing.T) {
	roster, err := s.Inventory.Roster(s.ctx, s.reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range roster {
		if v.RetiredAt != nil {
			continue
		}
		stored, known, err := s.Controls.ScoreOf(s.ctx, v.ID)
		if err != nil || !known {
			t.Errorf("%s has no score: %v", v.Name, err)
			continue
		}
		x, err := s.Posture.Explain(s.ctx, s.reader, v.Slug)
		if err != nil {
			t.Fatal(err)
		}
		if x.Result.Score != stored.Score || x.Result.Coverage != stored.Coverage {
			t.Errorf("%s: explained %v, stored %v", v.Name, x.Result.Score, stored.Score)
		}
	}
}

// TestTheSameSeed makes the same company twice and another once. People and files keep different hours, so forty days are
// enough to see it.
func TestTheSameSeed(t *testing.T) {
	t.Parallel()
	const days = 40
	one, same, other := tell(t, days, 7).result.Points, tell(t, days, 7).result.Points, tell(t, days, 8).result.Points
	if !slices.Equal(one, same) {
		t.Errorf("the same seed gave %v and %v", one, same)
	}
	if slices.Equal(one, other) {
		t.Error("another seed gave the same year")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	if err := (&demo.Options{Size: "small", Years: 1}).Check(); err != nil {
		t.Error(err)
	}
	for name, o := range map[string]demo.Options{
		"medium": {Size: "medium", Years: 1}, "large": {Size: "large", Years: 1}, "no size": {Years: 1}, "unknown": {Size: "huge", Years: 1},
		"findings": {Size: "small", Years: 1, Findings: 1}, "services": {Size: "small", Years: 1, Services: 20}, "years": {Size: "small", Years: 3}, "no years": {Size: "small"},
	} {
		var f *fault.Error
		if err := o.Check(); !errors.As(err, &f) || f.Kind != fault.Invalid {
			t.Errorf("%s is not refused: %v", name, err)
		}
	}
}
