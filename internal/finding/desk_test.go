package finding_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/identity"
	"muster/internal/inventory"
	"muster/internal/secret"
)

var (
	ama  = access.Actor{UserID: 1, Name: "Ama", Role: access.Admin}
	kofi = access.Actor{UserID: 2, Name: "Kofi", Role: access.Admin}
	yaw  = access.Actor{UserID: 3, Name: "Yaw", Role: access.Engineer}
)

type desk struct {
	*finding.Service
	t       testing.TB
	db      *database.DB
	clock   *databasetest.Clock
	book    *inventory.Book
	people  *identity.Service
	accepts *exception.Service
	ctx     context.Context
	other   context.Context
	pay     int64
	web     int64
	imports int64
}

func open(t testing.TB, db *database.DB, clock *databasetest.Clock) *desk {
	t.Helper()
	policy, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.NewBox([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	log := activity.New(db, policy)
	people := identity.New(db, policy, log, box)
	book := inventory.New(db, policy, log)
	accepts := exception.New(db, policy, log)
	d := &desk{Service: finding.New(db, policy, log, book, accepts), accepts: accepts, t: t, db: db, clock: clock, book: book, people: people}
	for name, place := range map[string]*context.Context{"Kente": &d.ctx, "Adinkra": &d.other} {
		w, err := people.CreateWorkspace(context.Background(), access.SystemActor("test"), name)
		if err != nil {
			t.Fatal(err)
		}
		*place = database.WithWorkspace(context.Background(), w.ID)
	}
	d.pay, d.web = d.service("pay", 1, inventory.Public), d.service("web", 2, inventory.Internal)
	return d
}

func each(t *testing.T, f func(d *desk)) {
	t.Helper()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) { f(open(t, db, clock)) })
}

func (d *desk) service(name string, tier int, e inventory.Exposure) int64 {
	d.t.Helper()
	s, err := d.book.Create(d.ctx, ama, inventory.Edit{Name: name, Kind: inventory.KindService, Tier: tier, Exposure: e, DataClasses: []string{"payment"}})
	if err != nil {
		d.t.Fatal(err)
	}
	return s.ID
}

// vulnerable is a row of a scanner of packages.
func vulnerable(service int64, pkg string, severity finding.Severity, ids ...string) finding.Row {
	return finding.Row{ServiceID: service, Kind: finding.Dependency, Status: finding.Reported, Title: pkg + " " + ids[0], IDs: ids, Package: pkg, PURL: "pkg:npm/" + pkg + "@1.2.3", Installed: "1.2.3", FixVersion: "1.2.4", Severity: severity, Path: "package-lock.json"}
}

func report(tool, digest string, rows ...finding.Row) finding.Report {
	return finding.Report{Tool: tool, SourceID: 1, EnvironmentID: 1, Complete: true, Digest: digest, Rows: rows}
}

// read imports reports as the workflow does: one plan, one transaction.
func (d *desk) read(reports ...finding.Report) *finding.Plan {
	d.t.Helper()
	d.imports++
	var p *finding.Plan
	err := d.db.InTx(d.ctx, func(ctx context.Context) error {
		for i := range reports {
			reports[i].ImportID = d.imports
		}
		var err error
		if p, err = d.Plan(ctx, reports); err != nil {
			return err
		}
		_, err = d.Apply(ctx, ama, d.imports, p)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

func (d *desk) all() []finding.Finding {
	d.t.Helper()
	page, err := d.List(d.ctx, ama, finding.Filter{Everything: true, Limit: 1000})
	if err != nil {
		d.t.Fatal(err)
	}
	return page.Rows
}

func (d *desk) only() finding.Detail {
	d.t.Helper()
	list := d.all()
	if len(list) != 1 {
		d.t.Fatalf("%d findings", len(list))
	}
	return d.get(list[0].ID)
}

func (d *desk) get(id int64) finding.Detail {
	d.t.Helper()
	f, err := d.Get(d.ctx, ama, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return f
}

func (d *desk) move(actor access.Actor, id int64, m finding.Move) {
	d.t.Helper()
	if _, err := d.Move(d.ctx, actor, id, m); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) want(id int64, state finding.State) finding.Detail {
	d.t.Helper()
	f := d.get(id)
	if f.State != state {
		d.t.Errorf("finding %d is %s, not %s:\n%s", id, f.State, state, story(f.Events))
	}
	return f
}

func story(events []finding.Event) string {
	var lines []string
	for _, v := range slices.Backward(events) {
		lines = append(lines, fmt.Sprintf("  %s %s→%s %s %s", v.Action, v.FromState, v.ToState, v.ActorName, v.Words))
	}
	return strings.Join(lines, "\n")
}

func (d *desk) counts(p *finding.Plan, want finding.Counts) {
	d.t.Helper()
	if p.Counts != want {
		d.t.Errorf("%+v, want %+v", p.Counts, want)
	}
}

// sound checks what always holds: one state that the history explains, live sources as counted, counters as recounted.
func (d *desk) sound() {
	d.t.Helper()
	for _, f := range d.all() {
		full := d.get(f.ID)
		state, live := finding.State(""), 0
		for _, v := range slices.Backward(full.Events) {
			if v.FromState != state && v.Action != finding.Opened {
				d.t.Errorf("finding %d: %s begins at %s, where it was %s\n%s", f.ID, v.Action, v.FromState, state, story(full.Events))
			}
			state = v.ToState
		}
		if state != full.State {
			d.t.Errorf("finding %d is %s, its history ends at %s", f.ID, full.State, state)
		}
		for _, s := range full.Sources {
			if s.GoneAt == nil {
				live++
			}
		}
		if live != full.Live {
			d.t.Errorf("finding %d: %d live sources, stored %d", f.ID, live, full.Live)
		}
	}
	wrong, err := d.Recount(d.ctx)
	if err != nil || len(wrong) > 0 {
		d.t.Errorf("counters: %v %v", wrong, err)
	}
}

func kindOf(err error) fault.Kind {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return ""
}

// snapshot is everything about findings that a reader sees, but for history and times.
func (d *desk) snapshot() string {
	var lines []string
	for _, f := range d.all() {
		full := d.get(f.ID)
		line := fmt.Sprintf("%d %s %s %s %s %s %s %v due %v", f.ID, f.State, full.Severity, full.Vulnerability, full.Aliases, full.Installed, full.Places, full.Priority, full.DueAt)
		for _, s := range full.Sources {
			line += fmt.Sprintf(" [%s %s %v]", s.Tool, s.Severity, s.GoneAt == nil)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (d *desk) undo() {
	d.t.Helper()
	if _, err := d.Undo(d.ctx, ama, d.imports); err != nil {
		d.t.Fatal(err)
	}
}
