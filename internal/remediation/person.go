package remediation

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/identity"
)

// Step is what a person does to a task: a move, with what the person saw.
type Step struct {
	To      State
	Note    string
	Version int // what the person saw; 0 does not matter
}

// change runs a person's change of one task in a transaction: asked for, loaded, not changed by somebody else meanwhile.
func (s *Service) change(ctx context.Context, actor access.Actor, id int64, version int, f func(context.Context, *Task) error) (Task, error) {
	var t Task
	if err := s.access.Require(actor, access.Write, access.Tasks); err != nil {
		return t, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		rows, err := s.locked(ctx, []int64{id})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fault.Missing("task")
		}
		t = rows[0]
		if seen, err := s.visible(ctx, &t); err != nil || !seen {
			return orMissing(err)
		}
		if version != 0 && version != t.Version {
			return s.outrun(ctx, &t)
		}
		return f(ctx, &t)
	})
	return t, err
}

func orMissing(err error) error {
	if err != nil {
		return err
	}
	return fault.Missing("task")
}

// outrun says who was faster, and with what.
func (s *Service) outrun(ctx context.Context, t *Task) error {
	e, err := s.newestMove(ctx, t.ID)
	if err != nil {
		return err
	}
	who, did := e.ActorName, "changed it"
	if e.Action == Moved {
		did = "moved it to “" + Word(e.ToState) + "”"
	}
	return fault.New(fault.Conflict, "%s was faster with “%s” and %s. Nothing of yours is stored, and nothing of it is lost: look at it again, and send it once more if it still holds.", who, t.Title, did)
}

// Word is a state as a sentence says it.
func Word(st State) string {
	switch st {
	case Todo:
		return "To do"
	case Doing:
		return "Doing"
	case Fixed:
		return "Fixed"
	case Verified:
		return "Verified"
	case Ended:
		return "Ended without proof"
	}
	return string(st)
}

// Move takes a task to another state, and gives the services whose findings moved with it: what is said to be fixed is
// said of its findings too, and taken back for those of which only a person had said it.
func (s *Service) Move(ctx context.Context, actor access.Actor, id int64, step Step) (Task, []int64, error) {
	var touched []int64
	t, err := s.change(ctx, actor, id, step.Version, func(ctx context.Context, t *Task) error {
		wrong := fault.Fields{}
		step.Note = cleanNote(wrong, "note", step.Note)
		switch {
		case !step.To.Valid():
			wrong.Add("to", "Choose where the task goes.")
		case step.To == Verified:
			wrong.Add("to", "A task is verified by itself, when everything it covers is proven gone.")
		case !MayMove(t.State, step.To, ByPerson):
			wrong.Add("to", fmt.Sprintf("A task that stands at “%s” cannot go to “%s”.", Word(t.State), Word(step.To)))
		case step.To == Ended && step.Note == "":
			wrong.Add("note", "Say why nothing more is to be done, in a sentence that still convinces next year.")
		}
		if err := wrong.Err(); err != nil {
			return err
		}
		var err error
		if touched, err = s.moveFindings(ctx, actor, t, step); err != nil {
			return err
		}
		from := t.State
		t.enter(step.To, ByPerson, s.db.Now(ctx))
		if err := s.save(ctx, t); err != nil {
			return err
		}
		if err := s.note(ctx, actor, t, Event{Action: Moved, FromState: from, ToState: step.To, Words: moveWords(from, step.To), Note: step.Note}); err != nil {
			return err
		}
		if err := s.record(ctx, actor, "task."+string(step.To), t, map[string]any{"state": from}, map[string]any{"state": step.To, "note": step.Note}); err != nil {
			return err
		}
		if err := s.refresh(ctx, []int64{t.ID}); err != nil || len(touched) == 0 {
			return err
		}
		return s.Follow(ctx, touched) // other tasks may cover the same findings
	})
	if err != nil {
		return t, nil, err
	}
	fresh, _, err := s.byID(ctx, id)
	return fresh, touched, err
}

func moveWords(from, to State) string {
	switch to {
	case Doing:
		if from == Fixed {
			return "took it up again: it is not fixed"
		}
		return "began to work on it"
	case Fixed:
		return "said that it is fixed"
	case Ended:
		return "ended it without proof"
	case Todo:
		if from == Fixed {
			return "took it back: it is not fixed"
		}
		if from == Ended {
			return "opened it again"
		}
		return "put it back"
	case Verified:
	}
	return "moved it to “" + Word(to) + "”"
}

// moveFindings says of the findings what is said of the task.
func (s *Service) moveFindings(ctx context.Context, actor access.Actor, t *Task, step Step) ([]int64, error) {
	to := finding.Fixed
	if t.State == Fixed && step.To.ToWork() {
		to = finding.Open
	} else if step.To != Fixed {
		return nil, nil
	}
	items, err := s.itemsOf(ctx, []int64{t.ID})
	if err != nil {
		return nil, err
	}
	var ids, touched []int64
	for i := range items {
		if items[i].FindingID != 0 {
			ids = append(ids, items[i].FindingID)
		}
	}
	facts, err := s.findings.Facts(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range unique(ids) {
		f := facts[id]
		switch {
		case to == finding.Open && (f.State != finding.Fixed || f.DecidedLayer != finding.ByPerson):
			continue
		case to == finding.Fixed && !f.State.Todo() || !f.Counted():
			continue
		}
		note := fmt.Sprintf("With task %d, “%s”.", t.ID, t.Title)
		if step.Note != "" {
			note = cut(note+" "+step.Note, maxNote)
		}
		if _, err := s.findings.Move(ctx, actor, id, finding.Move{To: to, Note: note}); err != nil {
			if fault.Is(err, fault.Forbidden) {
				return nil, fault.Field("to", fmt.Sprintf("Finding %d, “%s”, wants a second look by an admin first: its facts changed since somebody decided about it.", id, f.Title))
			}
			return nil, err
		}
		touched = append(touched, f.ServiceID)
	}
	return unique(touched), nil
}

// Edit is what a person says of a task, all of it at once.
type Edit struct {
	Title, Note  string
	Who, Planned string
	Version      int
}

// Save stores what a person says of a task.
func (s *Service) Save(ctx context.Context, actor access.Actor, id int64, e Edit) (Task, error) {
	return s.change(ctx, actor, id, e.Version, func(ctx context.Context, t *Task) error {
		was := *t
		wrong := fault.Fields{}
		t.Title, t.Note, t.PlannedAt = cleanTitle(wrong, e.Title), cleanNote(wrong, "note", e.Note), cleanDay(wrong, "planned", e.Planned)
		if err := wrong.Err(); err != nil {
			return err
		}
		if err := s.choose(ctx, t, e.Who); err != nil {
			return err
		}
		items, err := s.itemsOf(ctx, []int64{t.ID})
		if err != nil {
			return err
		}
		tally(t, items)
		words := s.differences(ctx, &was, t)
		if len(words) == 0 {
			return nil
		}
		if err := s.save(ctx, t); err != nil {
			return err
		}
		if err := s.note(ctx, actor, t, Event{Action: Changed, Words: strings.Join(words, "; ")}); err != nil {
			return err
		}
		return s.record(ctx, actor, "task.change", t, said(&was), said(t))
	})
}

// said is what people say of a task, for the activity log.
func said(t *Task) map[string]any {
	m := map[string]any{"title": t.Title, "assignee": t.AssigneeName, "team": t.TeamID, "note": t.Note}
	if t.PlannedAt != nil {
		m["planned"] = t.PlannedAt.Format("2006-01-02")
	}
	return m
}

// differences say in words what an edit changed.
func (s *Service) differences(ctx context.Context, was, is *Task) []string {
	var words []string
	if was.Title != is.Title {
		words = append(words, "called it “"+is.Title+"”, it was “"+was.Title+"”")
	}
	if was.Note != is.Note {
		words = append(words, "changed what is to be done")
	}
	switch {
	case was.AssigneeID != is.AssigneeID && is.AssigneeID != 0:
		words = append(words, "gave it to "+is.AssigneeName)
	case was.AssigneeID != is.AssigneeID:
		words = append(words, "took it from "+was.AssigneeName)
	}
	if was.TeamID != is.TeamID && is.TeamID != 0 {
		words = append(words, "gave it to the team "+s.teamName(ctx, is.TeamID))
	}
	switch {
	case is.PlannedAt == nil && was.PlannedAt != nil:
		words = append(words, "planned it for no day")
	case is.PlannedAt != nil && (was.PlannedAt == nil || !was.PlannedAt.Equal(*is.PlannedAt)):
		words = append(words, "planned it for "+is.PlannedAt.Format("2 January 2006"))
	}
	return words
}

func (s *Service) teamName(ctx context.Context, id int64) string {
	teams, err := s.book.Teams(ctx, muster)
	if err != nil {
		return strconv.FormatInt(id, 10)
	}
	for i := range teams {
		if teams[i].ID == id {
			return teams[i].Name
		}
	}
	return strconv.FormatInt(id, 10)
}

// The words for who works on a task, as forms send them.
const (
	byOwner = "owner"
	toUser  = "user:"
	toTeam  = "team:"
)

// choose says who works on a task. Only people of the workspace who may work on tasks can be chosen.
func (s *Service) choose(ctx context.Context, t *Task, who string) error {
	kind, number, _ := strings.Cut(who, ":")
	id, err := strconv.ParseInt(number, 10, 64)
	switch {
	case who == "" || who == byOwner:
		t.AssigneeID, t.AssigneeName, t.ByOwner = 0, "", true
		return nil
	case err != nil || kind != "user" && kind != "team":
		return fault.Field("who", "Choose a person or a team of this workspace.")
	case kind == "team":
		return s.chooseTeam(ctx, t, id)
	}
	people, err := s.Workers(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(people, func(p identity.Person) bool { return p.UserID == id })
	if at < 0 {
		if t.AssigneeID == id && id != 0 {
			return nil // who left meanwhile keeps it, until somebody else is chosen
		}
		return fault.Field("who", "Choose somebody of this workspace who may work on tasks.")
	}
	if !t.ByOwner && t.AssigneeID == 0 && t.TeamID == 0 {
		t.ByOwner = true // beside the person, the team stays the owner of the services
	}
	t.AssigneeID, t.AssigneeName = id, people[at].User.Name
	return nil
}

func (s *Service) chooseTeam(ctx context.Context, t *Task, id int64) error {
	teams, err := s.book.Teams(ctx, muster)
	if err != nil {
		return err
	}
	for i := range teams {
		if teams[i].ID == id {
			t.AssigneeID, t.AssigneeName, t.TeamID, t.ByOwner = 0, "", id, false
			return nil
		}
	}
	return fault.Field("who", "Choose a person or a team of this workspace.")
}

// Workers are the people of the workspace who may work on tasks.
func (s *Service) Workers(ctx context.Context) ([]identity.Person, error) {
	people, err := s.people.Members(ctx, muster)
	if err != nil {
		return nil, err
	}
	now := s.db.Now(ctx)
	return slices.DeleteFunc(people, func(p identity.Person) bool {
		return p.Expired(now) || p.User.DisabledAt != nil || !s.access.Can(access.Actor{Role: p.Role}, access.Write, access.Tasks)
	}), nil
}

// Block says why nobody can go on with a task; "" says that somebody can again.
func (s *Service) Block(ctx context.Context, actor access.Actor, id int64, why string, version int) (Task, error) {
	return s.change(ctx, actor, id, version, func(ctx context.Context, t *Task) error {
		wrong := fault.Fields{}
		why = cleanNote(wrong, "blocked", why)
		if !t.State.ToWork() && why != "" {
			wrong.Add("blocked", "Only a task that waits for work can be blocked.")
		}
		if err := wrong.Err(); err != nil {
			return err
		}
		was := t.Blocked
		if was == why {
			return nil
		}
		e := Event{Action: Blocked, Words: "cannot go on", Note: why}
		if t.Blocked, t.BlockedAt = why, nil; why == "" {
			e = Event{Action: Unblocked, Words: "can go on again"}
		} else {
			now := s.db.Now(ctx)
			t.BlockedAt = &now
		}
		if err := s.save(ctx, t); err != nil {
			return err
		}
		if err := s.note(ctx, actor, t, e); err != nil {
			return err
		}
		return s.record(ctx, actor, "task."+string(e.Action), t, map[string]any{"blocked": was}, map[string]any{"blocked": why})
	})
}

// Cover adds findings and controls to a task. One that was done wants work again where they do.
func (s *Service) Cover(ctx context.Context, actor access.Actor, id int64, d Draft, version int) (Task, error) {
	t, err := s.change(ctx, actor, id, version, func(ctx context.Context, t *Task) error {
		items, _, err := s.gather(ctx, d)
		if err != nil {
			return err
		}
		have, err := s.itemsOf(ctx, []int64{t.ID})
		if err != nil {
			return err
		}
		items = slices.DeleteFunc(items, func(n Item) bool {
			return slices.ContainsFunc(have, func(o Item) bool {
				return o.FindingID == n.FindingID && o.Control == n.Control && (n.FindingID != 0 || o.ServiceID == n.ServiceID)
			})
		})
		switch {
		case len(items) == 0:
			return fault.Field("covers", "The task covers that already.")
		case len(have)+len(items) > MaxItems:
			return fault.Field("covers", fmt.Sprintf("A task covers at most %d things.", MaxItems))
		}
		for i := range items {
			items[i].TaskID, items[i].AddedAt = t.ID, s.db.Now(ctx)
		}
		if err := database.BulkInsert(ctx, s.db, items); err != nil {
			return err
		}
		words := "added " + counted(items)
		if len(items) == 1 {
			words = "added " + strings.TrimSuffix(items[0].Name(), ",")
		}
		return s.resettle(ctx, actor, t, append(have, items...), Event{Action: Covered, Words: words}, sumOf(items).live > 0)
	})
	return t, err
}

// Uncover takes one item off a task; the last one stays.
func (s *Service) Uncover(ctx context.Context, actor access.Actor, id, item int64, version int) (Task, error) {
	return s.change(ctx, actor, id, version, func(ctx context.Context, t *Task) error {
		items, err := s.itemsOf(ctx, []int64{t.ID})
		if err != nil {
			return err
		}
		at := slices.IndexFunc(items, func(i Item) bool { return i.ID == item })
		switch {
		case at < 0:
			return fault.Field("item", "The task does not cover that any more.")
		case len(items) == 1:
			return fault.Field("item", "A task covers at least one thing. End the task instead.")
		}
		gone := items[at]
		if err := s.dropItem(ctx, gone.ID); err != nil {
			return err
		}
		return s.resettle(ctx, actor, t, slices.Delete(items, at, at+1), Event{Action: Uncovered, Words: "took " + strings.TrimSuffix(gone.Name(), ",") + " off the task"}, false)
	})
}

// resettle stores a task that covers something else than before, and takes it where its items ask for.
func (s *Service) resettle(ctx context.Context, actor access.Actor, t *Task, items []Item, e Event, wants bool) error {
	tally(t, items)
	if err := s.note(ctx, actor, t, e); err != nil {
		return err
	}
	if to := next(t, sumOf(items), wants); to != t.State {
		from := t.State
		t.enter(to, ByProof, s.db.Now(ctx))
		if err := s.note(ctx, muster, t, Event{Action: Moved, FromState: from, ToState: to, Words: "What it covers is another thing now."}); err != nil {
			return err
		}
	}
	if err := s.save(ctx, t); err != nil {
		return err
	}
	return s.record(ctx, actor, "task."+string(e.Action), t, nil, map[string]any{"what": e.Words})
}

// Comment adds a person's note to the history.
func (s *Service) Comment(ctx context.Context, actor access.Actor, id int64, text string) error {
	if err := s.access.Require(actor, access.Comment, access.Tasks); err != nil {
		return err
	}
	wrong := fault.Fields{}
	if text = cleanNote(wrong, "comment", text); text == "" {
		wrong.Add("comment", "Write a comment of at most 2000 characters.")
	}
	if err := wrong.Err(); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		t, found, err := s.byID(ctx, id)
		if err != nil || !found {
			return orMissing(err)
		}
		if seen, err := s.visible(ctx, &t); err != nil || !seen {
			return orMissing(err)
		}
		if err := s.note(ctx, actor, &t, Event{Action: Commented, Words: "wrote", Note: text}); err != nil {
			return err
		}
		return s.record(ctx, actor, "task.comment", &t, nil, map[string]any{"comment": text})
	})
}
