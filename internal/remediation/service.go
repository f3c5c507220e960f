package remediation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/finding"
	"muster/internal/identity"
	"muster/internal/inventory"
)

// Service is the one door to tasks.
type Service struct {
	db       *database.DB
	access   *access.Control
	log      *activity.Service
	people   *identity.Service
	book     *inventory.Book
	controls *control.Service
	findings *finding.Service
}

// Parts are what the service stands on.
type Parts struct {
	DB       *database.DB
	Access   *access.Control
	Log      *activity.Service
	People   *identity.Service
	Book     *inventory.Book
	Controls *control.Service
	Findings *finding.Service
}

// New makes the service.
func New(p Parts) *Service {
	return &Service{db: p.DB, access: p.Access, log: p.Log, people: p.People, book: p.Book, controls: p.Controls, findings: p.Findings}
}

// The bounds of what people write and choose.
const (
	MaxItems = 2000
	maxTitle = 200
	maxNote  = 2000
)

// Draft is a task that somebody is about to make.
type Draft struct {
	Title    string // "" takes the one that what it covers proposes
	Note     string
	Who      string // "owner", "user:7", "team:3"; "" is the owner of the services
	Planned  string // a day such as 2026-11-30; "" is none
	Findings []int64
	Cells    []Cell
	Fix      string // the key of a bundle
}

// Preview is what a draft would become.
type Preview struct {
	Title   string
	Items   []Item
	TeamID  int64
	DueAt   *time.Time
	Covered map[int64]Task // open tasks that cover some of it already, by finding
}

// Preview says what a task would cover, and stores nothing.
func (s *Service) Preview(ctx context.Context, actor access.Actor, d Draft) (Preview, error) {
	var p Preview
	if err := s.access.Require(actor, access.Write, access.Tasks); err != nil {
		return p, err
	}
	items, proposed, err := s.gather(ctx, d)
	if err != nil {
		return p, err
	}
	t := Task{ByOwner: true}
	tally(&t, items)
	p = Preview{Title: proposed, Items: items, TeamID: t.TeamID, DueAt: t.DueAt}
	p.Covered, err = s.Covering(ctx, actor, d.Findings)
	return p, err
}

// Create makes a task.
func (s *Service) Create(ctx context.Context, actor access.Actor, d Draft) (Task, error) {
	var t Task
	if err := s.access.Require(actor, access.Write, access.Tasks); err != nil {
		return t, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		items, proposed, err := s.gather(ctx, d)
		if err != nil {
			return err
		}
		now := s.db.Now(ctx)
		t = Task{Fix: d.Fix, State: Todo, StateLayer: ByPerson, Since: now, CreatedBy: actor.UserID, CreatedName: actor.Name, CreatedAt: now, UpdatedAt: now, Version: 1}
		wrong := fault.Fields{}
		if strings.TrimSpace(d.Title) == "" {
			d.Title = proposed
		}
		t.Title, t.Note, t.PlannedAt = cleanTitle(wrong, d.Title), cleanNote(wrong, "note", d.Note), cleanDay(wrong, "planned", d.Planned)
		if err := wrong.Err(); err != nil {
			return err
		}
		if err := s.choose(ctx, &t, d.Who); err != nil {
			return err
		}
		tally(&t, items)
		if err := database.Insert(ctx, s.db, "task", &t); err != nil {
			return err
		}
		for i := range items {
			items[i].TaskID, items[i].AddedAt = t.ID, now
		}
		if err := database.BulkInsert(ctx, s.db, items); err != nil {
			return err
		}
		if err := s.note(ctx, actor, &t, Event{Action: Created, ToState: Todo, Words: "made the task; it covers " + counted(items)}); err != nil {
			return err
		}
		if err := s.record(ctx, actor, "task.create", &t, nil, map[string]any{"covers": counted(items), "assignee": t.AssigneeName}); err != nil {
			return err
		}
		return s.refresh(ctx, []int64{t.ID}) // what is at its end already
	})
	if err != nil {
		return t, err
	}
	fresh, _, err := s.byID(ctx, t.ID)
	return fresh, err
}

// counted says in words how much a task covers.
func counted(items []Item) string {
	findings, controls := 0, 0
	for i := range items {
		if items[i].FindingID != 0 {
			findings++
		} else {
			controls++
		}
	}
	var words []string
	if findings > 0 {
		words = append(words, many(findings, "finding"))
	}
	if controls > 0 {
		words = append(words, many(controls, "control"))
	}
	return strings.Join(words, " and ")
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// gather reads what a draft covers, and proposes a title. What the person may not see is missing.
func (s *Service) gather(ctx context.Context, d Draft) ([]Item, string, error) {
	ids := unique(d.Findings)
	switch n := len(ids) + len(d.Cells); {
	case n == 0:
		return nil, "", fault.Field("covers", "Choose at least one finding or control for the task.")
	case n > MaxItems:
		return nil, "", fault.Field("covers", fmt.Sprintf("A task covers at most %d things.", MaxItems))
	}
	facts, err := s.findings.Facts(ctx, ids)
	if err != nil {
		return nil, "", err
	}
	visible, limited := inventory.VisibleIDs(ctx)
	var items []Item
	var list []finding.Finding
	var services []int64
	for _, id := range ids {
		f, known := facts[id]
		if !known || !f.Counted() || limited && !slices.Contains(visible, f.ServiceID) {
			return nil, "", fault.Missing("finding")
		}
		if f.ServiceID == 0 {
			return nil, "", fault.Field("covers", fmt.Sprintf("Finding %d belongs to no service yet. Say whose it is first.", f.ID))
		}
		it := Item{FindingID: f.ID}
		it.learn(&f)
		items, list, services = append(items, it), append(list, f), append(services, f.ServiceID)
	}
	cells, err := s.cells(ctx, d.Cells)
	if err != nil {
		return nil, "", err
	}
	for i := range cells {
		services = append(services, cells[i].ServiceID)
	}
	items = append(items, cells...)
	owners, err := s.servicesOf(ctx, services)
	if err != nil {
		return nil, "", err
	}
	for i := range items {
		items[i].own(owners)
	}
	return items, title(list, items, owners), nil
}

// cells reads the controls of a draft.
func (s *Service) cells(ctx context.Context, list []Cell) ([]Item, error) {
	if len(list) == 0 {
		return nil, nil
	}
	rules, err := s.controls.Ruleset(ctx)
	if err != nil {
		return nil, err
	}
	visible, limited := inventory.VisibleIDs(ctx)
	var items []Item
	var services []int64
	for _, c := range list {
		e, known := rules.Get(c.Control)
		if !known || (e.Subject == catalogue.Workspace) != (c.Service == 0) || limited && !slices.Contains(visible, c.Service) {
			return nil, fault.Missing("control")
		}
		if slices.ContainsFunc(items, func(i Item) bool { return i.ServiceID == c.Service && i.Control == c.Control }) {
			continue
		}
		items = append(items, Item{ServiceID: c.Service, Control: e.ID, Title: cut(e.Title, maxTitle)})
		if c.Service != 0 {
			services = append(services, c.Service)
		}
	}
	known, err := s.servicesOf(ctx, services)
	if err != nil {
		return nil, err
	}
	for i := range items {
		if _, ours := known[items[i].ServiceID]; !ours && items[i].ServiceID != 0 {
			return nil, fault.Missing("service")
		}
	}
	states, err := s.statesOf(ctx, items)
	for i := range items {
		items[i].judge(states[Cell{items[i].ServiceID, items[i].Control}], s.db.Now(ctx))
	}
	return items, err
}

// learn takes over what is known of a finding.
func (i *Item) learn(f *finding.Finding) {
	i.ServiceID, i.Title, i.Severity, i.Priority, i.DueAt = f.ServiceID, f.Title, f.Severity, f.Priority, f.DueAt
	i.Word, i.Standing = ofFinding(f)
}

// judge takes over what is known of a control; the zero state is one that nobody knows anything of.
func (i *Item) judge(st control.State, now time.Time) {
	word := st.State
	if word == "" {
		word = control.NotKnown
	}
	i.Word, i.Standing = ofControl(word, st.ExceptedUntil != nil && st.ExceptedUntil.After(now), i.Standing)
}

// own takes over who owns the item's service.
func (i *Item) own(owners map[int64]service) {
	i.TeamID = 0
	if o := owners[i.ServiceID]; o.TeamID != nil {
		i.TeamID = *o.TeamID
	}
}

// statesOf reads the states of the controls among items, in the environment that scores.
func (s *Service) statesOf(ctx context.Context, items []Item) (map[Cell]control.State, error) {
	var services []int64
	for i := range items {
		if items[i].FindingID == 0 {
			services = append(services, items[i].ServiceID)
		}
	}
	if len(services) == 0 {
		return nil, nil
	}
	production, err := s.book.Production(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.controls.States(ctx, unique(services))
	out := map[Cell]control.State{}
	for _, st := range rows {
		if st.ServiceID == 0 || st.EnvironmentID == production {
			out[Cell{st.ServiceID, st.Control}] = st
		}
	}
	return out, err
}

// note adds a line to a task's history.
func (s *Service) note(ctx context.Context, actor access.Actor, t *Task, e Event) error {
	e.TaskID, e.At, e.Layer, e.ActorID, e.ActorName = t.ID, s.db.Now(ctx), ByPerson, actor.UserID, actor.Name
	if e.ToState == "" {
		e.FromState, e.ToState = t.State, t.State
	}
	return database.Insert(ctx, s.db, "history", &e)
}

func (s *Service) record(ctx context.Context, actor access.Actor, action string, t *Task, before, after any) error {
	return s.log.Record(ctx, actor, activity.Change{Action: action, Kind: "task", ID: t.ID, Name: t.Title, Before: before, After: after})
}

func cleanTitle(wrong fault.Fields, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	switch {
	case text == "":
		wrong.Add("title", "Say in a few words what is to be done.")
	case !sound(text):
		wrong.Add("title", "The title holds characters that are no text.")
	case utf8.RuneCountInString(text) > maxTitle:
		wrong.Add("title", fmt.Sprintf("Keep it under %d characters.", maxTitle))
	}
	return text
}

func cleanNote(wrong fault.Fields, field, text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch {
	case !sound(strings.ReplaceAll(strings.ReplaceAll(text, "\n", " "), "\t", " ")):
		wrong.Add(field, "The text holds characters that are no text.")
	case utf8.RuneCountInString(text) > maxNote:
		wrong.Add(field, fmt.Sprintf("Keep it under %d characters.", maxNote))
	}
	return text
}

func sound(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func cleanDay(wrong fault.Fields, field, text string) *time.Time {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || day.Year() < 2000 || day.Year() > 2200 {
		wrong.Add(field, "Enter a day such as 2026-11-30, or leave it empty.")
		return nil
	}
	return &day
}

func unique(ids []int64) []int64 {
	out := slices.Clone(ids)
	slices.Sort(out)
	return slices.Compact(out)
}
