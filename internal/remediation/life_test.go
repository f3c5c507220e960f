package remediation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/control"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/remediation"
)

const day = 24 * time.Hour

func TestATaskTurnsVerifiedByItself(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		both := []finding.Row{row(d.pay, "lodash", finding.High, "1.0.1"), row(d.pay, "react", finding.Low, "1.0.1"), row(d.pay, "vue", finding.Low, "")}
		d.read(both...)
		task := d.task("lodash", "react")
		if task.State != remediation.Todo || task.Items != 2 || task.Live != 2 || task.Severity != finding.High || task.TeamID != d.payments || task.DueAt == nil || task.Title != "Fix 2 findings in pay" {
			d.t.Errorf("%+v", task)
		}
		d.clock.Move(day)
		d.read(both[1], both[2]) // lodash is gone from one report
		if got := d.want(task.ID, remediation.Todo, "is fixed", "trivy", "import 2"); got.Live != 1 {
			d.t.Errorf("%d live", got.Live)
		}
		d.read(both[2])
		d.want(task.ID, remediation.Fixed, "at least fixed", "import 3")
		d.read(both[2], row(d.pay, "left-pad", finding.Low, "1.0.1"))
		got := d.want(task.ID, remediation.Verified, "proven gone", "import 4")
		if got.DueAt != nil || got.Live != 0 {
			d.t.Errorf("%+v", got.Task)
		}
		d.clock.Move(day)
		d.read(both...)
		d.want(task.ID, remediation.Todo, "It came back: finding", "Flaw in", "trivy sees it again", "import 5")
	})
}

func TestUndoTakesAProofBack(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"))
		task := d.task("lodash")
		d.read(row(d.pay, "react", finding.Low, ""))
		d.read(row(d.pay, "react", finding.Low, ""), row(d.pay, "vue", finding.Low, ""))
		d.want(task.ID, remediation.Verified)
		d.undo()
		d.want(task.ID, remediation.Fixed)
	})
}

func TestAnUndoneFindingSettlesItsTask(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"))
		task := d.task("lodash")
		d.undo()
		d.want(task.ID, remediation.Ended, "nothing was proven", "never there")
	})
}

func TestAPersonMovesATaskAndItsFindings(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"), row(d.pay, "react", finding.Low, "1.0.1"))
		task := d.task("lodash", "react")
		go1, _, err := d.Move(d.ctx, d.kofi, task.ID, remediation.Step{To: remediation.Doing, Version: task.Version})
		if err != nil || go1.State != remediation.Doing {
			d.t.Fatal(go1.State, err)
		}
		if err := d.decide(d.ama, d.ids("react")[0], finding.Move{To: finding.FalsePositive, Note: "We do not use it."}); err != nil {
			d.t.Fatal(err)
		}
		_, touched, err := d.Move(d.ctx, d.kofi, task.ID, remediation.Step{To: remediation.Fixed, Note: "Released in 4.2."})
		if err != nil || len(touched) != 1 {
			d.t.Fatal(touched, err)
		}
		d.want(task.ID, remediation.Fixed, "said that it is fixed", "Released in 4.2.")
		if all := d.all(); all["lodash"].State != finding.Fixed || all["react"].State != finding.FalsePositive {
			d.t.Errorf("lodash is %s, react %s", all["lodash"].State, all["react"].State)
		}
		if _, _, err := d.Move(d.ctx, d.kofi, task.ID, remediation.Step{To: remediation.Doing}); err != nil {
			d.t.Fatal(err)
		}
		if all := d.all(); all["lodash"].State != finding.Open {
			d.t.Errorf("lodash is %s, though nobody says that it is fixed any more", all["lodash"].State)
		}
		d.want(task.ID, remediation.Doing)
		if _, _, err := d.Move(d.ctx, d.kofi, task.ID, remediation.Step{To: remediation.Fixed}); err != nil {
			d.t.Fatal(err)
		}
		if err := d.decide(d.ama, d.ids("lodash")[0], finding.Move{To: finding.Closed}); err != nil { // a second person verifies
			d.t.Fatal(err)
		}
		d.want(task.ID, remediation.Verified, "Ama verified that it is gone", "1 of them was decided otherwise")
	})
}

func TestWhatIsOnlyDecidedProvesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"))
		task, id := d.task("lodash"), d.ids("lodash")[0]
		if err := d.decide(d.ama, id, finding.Move{To: finding.NotAffected, Justification: finding.NotExecuted, Note: "Never called."}); err != nil {
			d.t.Fatal(err)
		}
		d.want(task.ID, remediation.Ended, "nothing was proven", "judged that the service is not affected")
		if err := d.decide(d.ama, id, finding.Move{To: finding.Open}); err != nil {
			d.t.Fatal(err)
		}
		d.want(task.ID, remediation.Todo, "It came back", "Ama opened it again")
	})
}

func TestWhoEndsATaskIsNotOverruled(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"))
		task := d.task("lodash")
		if _, _, err := d.Move(d.ctx, d.kofi, task.ID, remediation.Step{To: remediation.Ended}); fieldOf(err, "note") == "" {
			d.t.Error(err)
		}
		if _, _, err := d.Move(d.ctx, d.kofi, task.ID, remediation.Step{To: remediation.Ended, Note: "Another task has it."}); err != nil {
			d.t.Fatal(err)
		}
		d.read()
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"))
		d.want(task.ID, remediation.Ended)
		if _, _, err := d.Move(d.ctx, d.kofi, task.ID, remediation.Step{To: remediation.Todo}); err != nil {
			d.t.Fatal(err)
		}
		d.want(task.ID, remediation.Todo)
	})
}

func TestACopyBringsItsOriginal(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"), row(d.pay, "react", finding.Low, "1.0.1"))
		task := d.task("lodash")
		if err := d.decide(d.ama, d.ids("lodash")[0], finding.Move{To: finding.Duplicate, DuplicateOf: d.ids("react")[0], Note: "The same."}); err != nil {
			d.t.Fatal(err)
		}
		if got := d.want(task.ID, remediation.Todo); got.Items != 2 || got.Live != 1 {
			d.t.Errorf("%d items, %d live", got.Items, got.Live)
		}
	})
}

func TestControlsAreWaitedFor(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		production := must(d.book.Production(d.ctx))
		say := func(w control.Word) {
			d.t.Helper()
			err := d.db.InTx(d.ctx, func(ctx context.Context) error {
				old := must(d.controls.States(ctx, []int64{d.pay}))
				var gone []int64
				for _, st := range old {
					gone = append(gone, st.ID)
				}
				fresh := []control.State{{ServiceID: d.pay, EnvironmentID: production, Control: "TLS-1", State: w, Since: d.db.Now(ctx)}}
				if err := d.controls.SaveStates(ctx, fresh, nil, gone); err != nil {
					return err
				}
				return d.Follow(ctx, []int64{d.pay})
			})
			if err != nil {
				d.t.Fatal(err)
			}
		}
		say(control.Failing)
		task, err := d.Create(d.ctx, d.kofi, remediation.Draft{Cells: []remediation.Cell{{Service: d.pay, Control: "TLS-1"}}})
		if err != nil || task.Items != 1 || !strings.HasSuffix(task.Title, " in pay") {
			d.t.Fatal(task, err)
		}
		if _, _, err := d.Move(d.ctx, d.kofi, task.ID, remediation.Step{To: remediation.Fixed}); err != nil {
			d.t.Fatal(err)
		}
		say(control.NotKnown)
		d.want(task.ID, remediation.Fixed) // a machine has not looked yet
		say(control.Verified)
		d.want(task.ID, remediation.Verified, "TLS-1", "is verified")
		say(control.Stale)
		d.want(task.ID, remediation.Verified) // that time passed is no regression
		say(control.Failing)
		d.want(task.ID, remediation.Todo, "TLS-1", "fails")
		for _, c := range []remediation.Cell{{Service: d.pay, Control: "XXX-9"}, {Service: 0, Control: "TLS-1"}, {Service: 4711, Control: "TLS-1"}} {
			if _, err := d.Create(d.ctx, d.kofi, remediation.Draft{Cells: []remediation.Cell{c}}); kindOf(err) != fault.NotFound {
				d.t.Errorf("%+v: %v", c, err)
			}
		}
		if _, err := d.Create(d.ctx, d.kofi, remediation.Draft{Cells: []remediation.Cell{{Control: "GOV-10"}}}); err != nil {
			d.t.Errorf("a control of the workspace: %v", err)
		}
	})
}

func TestTwoPeopleMoveOneCard(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"))
		task := d.task("lodash")
		if _, _, err := d.Move(d.ctx, d.ama, task.ID, remediation.Step{To: remediation.Doing, Version: task.Version}); err != nil {
			d.t.Fatal(err)
		}
		_, _, err := d.Move(d.ctx, d.kofi, task.ID, remediation.Step{To: remediation.Fixed, Version: task.Version})
		if kindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "Ama was faster") || !strings.Contains(err.Error(), "moved it to “Doing”") {
			d.t.Error(err)
		}
		if all := d.all(); all["lodash"].State != finding.Open {
			d.t.Errorf("the second move changed the finding to %s", all["lodash"].State)
		}
		d.want(task.ID, remediation.Doing)
	})
}

func TestWhoAndWhen(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"))
		task := d.task("lodash")
		edit := remediation.Edit{Title: "Upgrade it", Note: "Mind the lock file.", Who: who(d.kofi), Planned: "2026-12-01", Version: task.Version}
		saved, err := d.Save(d.ctx, d.ama, task.ID, edit)
		if err != nil || saved.AssigneeName != "Kofi" || saved.PlannedAt.Format("2006-01-02") != "2026-12-01" || saved.TeamID != d.payments {
			d.t.Fatalf("%+v %v", saved, err)
		}
		d.want(task.ID, remediation.Todo, "gave it to Kofi", "planned it for 1 December 2026", "called it “Upgrade it”")
		for name, c := range map[string]struct {
			change func(*remediation.Edit)
			field  string
		}{
			"somebody of another workspace": {func(e *remediation.Edit) { e.Who = who(d.stranger) }, "who"},
			"a viewer":                      {func(e *remediation.Edit) { e.Who = who(d.yaw) }, "who"},
			"a team that is none":           {func(e *remediation.Edit) { e.Who = "team:4711" }, "who"},
			"nonsense":                      {func(e *remediation.Edit) { e.Who = "root" }, "who"},
			"no day":                        {func(e *remediation.Edit) { e.Planned = "soon" }, "planned"},
			"no title":                      {func(e *remediation.Edit) { e.Title = " " }, "title"},
			"a long title":                  {func(e *remediation.Edit) { e.Title = strings.Repeat("x", 201) }, "title"},
			"a NUL byte":                    {func(e *remediation.Edit) { e.Note = "a\x00b" }, "note"},
		} {
			e := edit
			e.Version = 0
			c.change(&e)
			if _, err := d.Save(d.ctx, d.ama, task.ID, e); fieldOf(err, c.field) == "" {
				d.t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := d.Save(d.ctx, d.ama, task.ID, edit); kindOf(err) != fault.Conflict {
			d.t.Errorf("an old version: %v", err)
		}
		edit.Who, edit.Version = "team:"+itoa(d.payments), 0
		if saved, err := d.Save(d.ctx, d.ama, task.ID, edit); err != nil || saved.AssigneeID != 0 || saved.TeamID != d.payments {
			d.t.Errorf("%+v %v", saved, err)
		}
	})
}

func TestBlocked(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"))
		task := d.task("lodash")
		if b, err := d.Block(d.ctx, d.kofi, task.ID, "The vendor has no release.", 0); err != nil || !b.IsBlocked() {
			d.t.Fatal(err)
		}
		d.want(task.ID, remediation.Todo, "cannot go on", "The vendor has no release.")
		if p := must(d.List(d.ctx, d.ama, remediation.Filter{Blocked: true})); len(p.Rows) != 1 {
			d.t.Errorf("%d blocked", len(p.Rows))
		}
		if b, err := d.Block(d.ctx, d.kofi, task.ID, "", 0); err != nil || b.IsBlocked() {
			d.t.Fatal(err)
		}
		if _, err := d.Block(d.ctx, d.kofi, task.ID, "Again.", 0); err != nil {
			d.t.Fatal(err)
		}
		d.read()
		if got := d.want(task.ID, remediation.Fixed); got.IsBlocked() {
			d.t.Error("what is fixed is not blocked")
		}
		if _, err := d.Block(d.ctx, d.kofi, task.ID, "Again.", 0); fieldOf(err, "blocked") == "" {
			d.t.Error(err)
		}
	})
}

func TestWhatATaskCoversChanges(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"), row(d.pay, "react", finding.Low, "1.0.1"))
		task := d.task("react")
		late := *task.DueAt
		got, err := d.Cover(d.ctx, d.kofi, task.ID, remediation.Draft{Findings: d.ids("lodash")}, 0)
		if err != nil || got.Items != 2 || !got.DueAt.Before(late) {
			d.t.Fatalf("%+v %v", got, err)
		}
		if _, err := d.Cover(d.ctx, d.kofi, task.ID, remediation.Draft{Findings: d.ids("lodash")}, 0); fieldOf(err, "covers") == "" {
			d.t.Error(err)
		}
		items := d.get(task.ID).Covers
		if got, err = d.Uncover(d.ctx, d.kofi, task.ID, items[1].ID, 0); err != nil || got.Items != 1 {
			d.t.Fatalf("%+v %v", got, err)
		}
		if _, err := d.Uncover(d.ctx, d.kofi, task.ID, items[0].ID, 0); fieldOf(err, "item") == "" {
			d.t.Error(err)
		}
		if _, err := d.Create(d.ctx, d.kofi, remediation.Draft{}); fieldOf(err, "covers") == "" {
			d.t.Error(err)
		}
		d.want(task.ID, remediation.Todo)
	})
}

func TestOtherWorkspacesAndRightsAreKept(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"), row(d.pay, "react", finding.Low, "1.0.1"))
		ids, task := d.ids("lodash", "react"), d.task("lodash")
		if _, err := d.Create(d.other, d.stranger, remediation.Draft{Findings: ids}); kindOf(err) != fault.NotFound {
			d.t.Errorf("a task covers a finding of another workspace: %v", err)
		}
		if _, err := d.Get(d.other, d.stranger, task.ID, 0); kindOf(err) != fault.NotFound {
			d.t.Error(err)
		}
		if _, err := d.Gather(d.other, d.stranger, "upgrade\x1fpkg:npm/lodash\x1flodash\x1f1.0.1"); fieldOf(err, "bundle") == "" {
			d.t.Error(err)
		}
		if _, err := d.Create(d.ctx, d.yaw, remediation.Draft{Findings: ids}); kindOf(err) != fault.Forbidden {
			d.t.Error(err)
		}
		if _, _, err := d.Move(d.ctx, d.yaw, task.ID, remediation.Step{To: remediation.Doing}); kindOf(err) != fault.Forbidden {
			d.t.Error(err)
		}
		consultant := access.Actor{UserID: 99, Name: "Esi", Role: access.Consultant}
		if _, err := d.Get(inventory.WithVisible(d.ctx, []int64{d.web}), consultant, task.ID, 0); kindOf(err) != fault.NotFound {
			d.t.Errorf("a consultant sees a task of another service: %v", err)
		}
		for visible, want := range map[int64]int{d.web: 0, d.pay: 1} {
			ctx := inventory.WithVisible(d.ctx, []int64{visible})
			p := must(d.List(ctx, consultant, remediation.Filter{}))
			lanes := must(d.Board(ctx, consultant, remediation.Filter{}))
			counts := must(d.Counts(ctx, consultant))
			bundles, _, err := d.Bundles(ctx, consultant)
			if err != nil || len(p.Rows) != want || len(lanes[0].Rows) != want || int(counts[remediation.Todo]) != want || len(bundles) != want {
				d.t.Errorf("service %d: %d, %d, %v, %d, want %d", visible, len(p.Rows), len(lanes[0].Rows), counts, len(bundles), want)
			}
		}
		if err := d.Comment(d.ctx, consultant, task.ID, "Seen."); err != nil {
			d.t.Error(err)
		}
		if err := d.Comment(inventory.WithVisible(d.ctx, []int64{d.web}), consultant, task.ID, "Seen."); kindOf(err) != fault.NotFound {
			d.t.Error(err)
		}
	})
}

func TestTheOwnerFollowsTheService(t *testing.T) {
	t.Parallel()
	each(t, func(d *desk) {
		d.read(row(d.pay, "lodash", finding.High, "1.0.1"))
		task := d.task("lodash")
		web := must(d.book.SaveTeam(d.ctx, d.ama, 0, "Web", []int64{d.ama.MemberID}))
		if _, err := d.book.Assign(d.ctx, d.ama, inventory.Bulk{IDs: []int64{d.pay}, TeamID: &web.ID}); err != nil {
			d.t.Fatal(err)
		}
		if err := d.db.InTx(d.ctx, func(ctx context.Context) error { return d.Follow(ctx, nil) }); err != nil {
			d.t.Fatal(err)
		}
		if got := d.get(task.ID); got.TeamID != web.ID {
			d.t.Errorf("the team is %d, not %d", got.TeamID, web.ID)
		}
	})
}
