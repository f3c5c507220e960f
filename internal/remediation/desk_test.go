package remediation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/exception"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/identity"
	"muster/internal/inventory"
	"muster/internal/remediation"
	"muster/internal/secret"
)

// desk is tasks with everything that they stand on, and three people.
type desk struct {
	*remediation.Service
	t        testing.TB
	db       *database.DB
	clock    *databasetest.Clock
	people   *identity.Service
	book     *inventory.Book
	controls *control.Service
	findings *finding.Service

	ctx, other     context.Context
	ama, kofi, yaw access.Actor // an owner, an engineer, a viewer
	stranger       access.Actor // of the other workspace
	pay, web       int64
	payments       int64 // the team that owns pay
	imports        int64
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
	d := &desk{t: t, db: db, clock: clock, people: identity.New(db, policy, log, box), book: inventory.New(db, policy, log), controls: control.New(db, policy, log)}
	d.findings = finding.New(db, policy, log, d.book, exception.New(db, policy, log))
	d.Service = remediation.New(remediation.Parts{DB: db, Access: policy, Log: log, People: d.people, Book: d.book, Controls: d.controls, Findings: d.findings})
	d.room("Kente")
	return d
}

// room begins a workspace with people, a team and two services.
func (d *desk) room(name string) *desk {
	d.t.Helper()
	n := *d
	system := access.SystemActor("test")
	w := must(n.people.CreateWorkspace(context.Background(), system, name))
	elsewhere := must(n.people.CreateWorkspace(context.Background(), system, name+" elsewhere"))
	join := func(w identity.Workspace, who string, role access.Role) access.Actor {
		email := strings.ToLower(who) + fmt.Sprint(w.ID) + "@kente.example"
		u := must(n.people.CreateUser(context.Background(), system, identity.Account{Name: who, Email: email, Password: "copper lantern tuesdays"}, w.Slug, role))
		p := must(n.people.Enter(context.Background(), u, w.Slug))
		return p.Actor(u, identity.From{})
	}
	n.ama, n.kofi, n.yaw = join(w, "Ama", access.Owner), join(w, "Kofi", access.Engineer), join(w, "Yaw", access.Viewer)
	n.stranger = join(elsewhere, "Efua", access.Owner)
	n.ctx, n.other, n.imports = database.WithWorkspace(context.Background(), w.ID), database.WithWorkspace(context.Background(), elsewhere.ID), 0
	n.payments = must(n.book.SaveTeam(n.ctx, n.ama, 0, "Payments", []int64{n.kofi.MemberID})).ID
	n.pay, n.web = n.service("pay", &n.payments), n.service("web", nil)
	*d = n
	return &n
}

// must ends the test when something that has to work does not.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func each(t *testing.T, f func(d *desk)) {
	t.Helper()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) { f(open(t, db, clock)) })
}

func (d *desk) service(name string, team *int64) int64 {
	d.t.Helper()
	return must(d.book.Create(d.ctx, d.ama, inventory.Edit{Name: name, Kind: inventory.KindService, Tier: 2, Exposure: inventory.Internal, DataClasses: []string{"payment"}, TeamID: team})).ID
}

// row is what a scanner of packages says.
func row(service int64, pkg string, severity finding.Severity, fix string) finding.Row {
	return finding.Row{ServiceID: service, Kind: finding.Dependency, Status: finding.Reported, Title: "Flaw in " + pkg, IDs: []string{"CVE-2026-" + pkg + fix}, Package: pkg, PURL: "pkg:npm/" + pkg + "@1.0.0", Installed: "1.0.0", FixVersion: fix, Severity: severity, Path: "package-lock.json"}
}

// read imports a complete report and lets the tasks follow, as the workflow does, in one transaction.
func (d *desk) read(rows ...finding.Row) {
	d.t.Helper()
	d.imports++
	err := d.db.InTx(d.ctx, func(ctx context.Context) error {
		rep := finding.Report{Tool: "trivy", SourceID: 1, EnvironmentID: 1, Complete: true, ImportID: d.imports, Digest: fmt.Sprint("d", d.imports), ScopeService: d.pay, Rows: rows}
		p, err := d.findings.Plan(ctx, []finding.Report{rep})
		if err != nil {
			return err
		}
		touched, err := d.findings.Apply(ctx, d.ama, d.imports, p)
		if err != nil {
			return err
		}
		return d.Follow(ctx, touched)
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// undo takes the newest import back.
func (d *desk) undo() {
	d.t.Helper()
	err := d.db.InTx(d.ctx, func(ctx context.Context) error {
		touched, err := d.findings.Undo(ctx, d.ama, d.imports)
		if err != nil {
			return err
		}
		return d.Follow(ctx, touched)
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.imports++
}

// decide moves a finding as the steward does.
func (d *desk) decide(who access.Actor, id int64, m finding.Move) error {
	return d.db.InTx(d.ctx, func(ctx context.Context) error {
		f, err := d.findings.Move(ctx, who, id, m)
		if err != nil {
			return err
		}
		return d.Follow(ctx, []int64{f.ServiceID})
	})
}

// all gives the findings by package.
func (d *desk) all() map[string]finding.Finding {
	d.t.Helper()
	page := must(d.findings.List(d.ctx, d.ama, finding.Filter{Everything: true, Limit: 1000}))
	out := map[string]finding.Finding{}
	for _, f := range page.Rows {
		out[f.Package] = f
	}
	return out
}

func (d *desk) ids(packages ...string) []int64 {
	d.t.Helper()
	all := d.all()
	var ids []int64
	for _, p := range packages {
		if all[p].ID == 0 {
			d.t.Fatalf("no finding of %s", p)
		}
		ids = append(ids, all[p].ID)
	}
	return ids
}

// task makes a task of the findings of packages.
func (d *desk) task(packages ...string) remediation.Task {
	d.t.Helper()
	return must(d.Create(d.ctx, d.kofi, remediation.Draft{Findings: d.ids(packages...)}))
}

func (d *desk) get(id int64) remediation.Detail {
	d.t.Helper()
	return must(d.Get(d.ctx, d.ama, id, 0))
}

func (d *desk) want(id int64, state remediation.State, words ...string) remediation.Detail {
	d.t.Helper()
	got := d.get(id)
	if got.State != state {
		d.t.Errorf("task %d is %s, not %s:\n%s", id, got.State, state, story(got.Events))
	}
	for _, w := range words {
		if !strings.Contains(story(got.Events[:min(len(got.Events), 2)]), w) {
			d.t.Errorf("the last events do not say %q:\n%s", w, story(got.Events))
		}
	}
	d.sound(got)
	return got
}

func story(events []remediation.Event) string {
	var lines []string
	for _, e := range slices.Backward(events) {
		lines = append(lines, fmt.Sprintf("  %s %s→%s %s %s %s", e.Action, e.FromState, e.ToState, e.ActorName, e.Words, e.Note))
	}
	return strings.Join(lines, "\n")
}

// sound checks what always holds of a task: the history explains the state, what is kept follows from the items, and a
// verified one covers nothing that wants work.
func (d *desk) sound(t remediation.Detail) {
	d.t.Helper()
	state := remediation.State("")
	for _, e := range slices.Backward(t.Events) {
		if e.FromState != state {
			d.t.Errorf("task %d: %s begins at %s, where it was %s\n%s", t.ID, e.Action, e.FromState, state, story(t.Events))
		}
		if e.FromState != e.ToState && e.Action != remediation.Created && !remediation.MayMove(e.FromState, e.ToState, e.Layer) {
			d.t.Errorf("task %d: the table does not know %s→%s by %s", t.ID, e.FromState, e.ToState, e.Layer)
		}
		state = e.ToState
	}
	if state != t.State {
		d.t.Errorf("task %d is %s, its history ends at %s", t.ID, t.State, state)
	}
	if t.Items != len(t.Covers) || t.Live != t.Sum[remediation.Live] {
		d.t.Errorf("task %d keeps %d items, %d live; it has %d, %d", t.ID, t.Items, t.Live, len(t.Covers), t.Sum[remediation.Live])
	}
	facts := must(d.findings.Facts(d.ctx, findingsOf(t.Covers)))
	for _, i := range t.Covers {
		f := facts[i.FindingID]
		if i.FindingID != 0 && f.Counted() && i.Word != string(f.State) {
			d.t.Errorf("task %d says that finding %d is %s, it is %s", t.ID, f.ID, i.Word, f.State)
		}
		if t.State == remediation.Verified && f.Counted() && f.State.Todo() {
			d.t.Errorf("task %d is verified, and finding %d is %s\n%s", t.ID, f.ID, f.State, story(t.Events))
		}
	}
	if t.State == remediation.Verified && t.Sum[remediation.Proven]+t.Sum[remediation.Lapsed] == 0 {
		d.t.Errorf("task %d is verified without any proof", t.ID)
	}
}

func findingsOf(items []remediation.Item) []int64 {
	var ids []int64
	for _, i := range items {
		if i.FindingID != 0 {
			ids = append(ids, i.FindingID)
		}
	}
	return ids
}

func kindOf(err error) fault.Kind {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return ""
}

func fieldOf(err error, name string) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Fields[name]
	}
	return ""
}
