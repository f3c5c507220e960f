package evidence

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"muster/internal/control/catalogue"
	"muster/internal/fault"
)

// Entry is one line of a register. A change ends the line and begins another.
type Entry struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Control     string // the control that the register speaks for
	ServiceID   int64  // 0 in registers of the workspace
	Name        string
	Fields      string // JSON, by the register's field names
	DueAt       *time.Time
	ActorID     int64
	ActorName   string
	CreatedAt   time.Time
	Replaces    int64
	EndedAt     *time.Time
}

// TableName says whose entries they are.
func (Entry) TableName() string { return "register_entries" }

// Values decodes the fields.
func (e *Entry) Values() map[string]string {
	values := map[string]string{}
	if json.Unmarshal([]byte(e.Fields), &values) != nil {
		return map[string]string{}
	}
	return values
}

// Field is one field of a register's form.
type Field struct {
	Name, Label, Hint string
	Kind              string // text, date, number, choice
	Choices           []string
	Required          bool
}

// Register is a list that people keep, and the control that it speaks for.
type Register struct {
	ID, Control, Title, Lead string
	NameLabel                string
	Workspace                bool // kept for the workspace, not per service
	Fields                   []Field
	judge                    func(entries []Entry, now time.Time) map[string]Judgement // by clause
	due                      func(values map[string]string) *time.Time
}

// Judgement is what a register says about one clause.
type Judgement struct {
	Outcome  Outcome
	Observed string
	Until    *time.Time
}

var registers = []Register{
	{ID: "processing", Control: "DAT-5", Title: "Processing of personal data", Lead: "What personal data is used for, on what basis, how long it is kept and who else handles it (GDPR article 30).", NameLabel: "Activity",
		Fields: []Field{{Name: "purpose", Label: "Purpose", Kind: "text", Required: true}, {Name: "lawful_basis", Label: "Lawful basis", Kind: "choice", Choices: []string{"consent", "contract", "legal obligation", "vital interests", "public task", "legitimate interests"}, Required: true},
			{Name: "retention", Label: "Kept for", Hint: "For example: two years after the account is closed", Kind: "text", Required: true}, {Name: "processors", Label: "Processors", Hint: "Companies that handle it for you; write none if there are none", Kind: "text", Required: true}},
		judge: everyField("purpose", "lawful_basis", "retention", "processors")},
	{ID: "credentials", Control: "IAM-8", Title: "Credentials", Lead: "Keys, certificates and accounts of services: never the secret itself, only who uses it and when it has to be renewed.", NameLabel: "Credential",
		Fields: []Field{{Name: "kind", Label: "Kind", Kind: "choice", Choices: []string{"API key", "certificate", "signing key", "service account", "password"}, Required: true}, {Name: "consumer", Label: "Used by", Kind: "text"},
			{Name: "rotated", Label: "Last rotated", Kind: "date", Required: true}, {Name: "period", Label: "Rotate every … days", Kind: "number"}, {Name: "expires", Label: "Expires on", Kind: "date"}},
		judge: notPastDue, due: credentialDue},
	{ID: "api-keys", Control: "API-3", Title: "API keys of consumers", Lead: "Who holds a key to your API, what it allows, and when it ends.", NameLabel: "Consumer",
		Fields: []Field{{Name: "scope", Label: "Allows", Kind: "text"}, {Name: "expires", Label: "Expires on", Kind: "date"}, {Name: "revocable", Label: "Can be revoked at once", Kind: "choice", Choices: []string{"yes", "no"}, Required: true}},
		judge:  apiKeys, due: dueOn("expires")},
	{ID: "obligations", Control: "GOV-12", Title: "Legal and contractual obligations", Lead: "What laws, standards and customers ask of you.", NameLabel: "Obligation", Workspace: true,
		Fields: []Field{{Name: "source", Label: "Comes from", Kind: "choice", Choices: []string{"law", "standard", "customer contract", "insurance", "other"}, Required: true}, {Name: "asks", Label: "What it asks", Kind: "text", Required: true}, {Name: "review", Label: "Look at it again on", Kind: "date"}},
		judge:  anyEntry("registered"), due: dueOn("review")},
}

// Registers lists every register.
func Registers() []Register { return slices.Clone(registers) }

// RegisterOf finds a register by its id.
func RegisterOf(id string) (*Register, bool) {
	for i := range registers {
		if registers[i].ID == id {
			return &registers[i], true
		}
	}
	return nil, false
}

// everyField passes a clause named like a field when every entry fills it in.
func everyField(names ...string) func([]Entry, time.Time) map[string]Judgement {
	return func(entries []Entry, _ time.Time) map[string]Judgement {
		said := map[string]Judgement{}
		for _, name := range names {
			empty := 0
			for i := range entries {
				if entries[i].Values()[name] == "" {
					empty++
				}
			}
			switch {
			case len(entries) == 0:
				said[name] = Judgement{Outcome: Silent}
			case empty > 0:
				said[name] = Judgement{Outcome: Fail, Observed: fmt.Sprintf("%d of %d entries leave it out", empty, len(entries))}
			default:
				said[name] = Judgement{Outcome: Pass, Observed: fmt.Sprintf("filled in for %d entries", len(entries))}
			}
		}
		return said
	}
}

func anyEntry(clause string) func([]Entry, time.Time) map[string]Judgement {
	return func(entries []Entry, _ time.Time) map[string]Judgement {
		if len(entries) == 0 {
			return map[string]Judgement{clause: {Outcome: Silent}}
		}
		return map[string]Judgement{clause: {Outcome: Pass, Observed: fmt.Sprintf("%d registered", len(entries))}}
	}
}

// dueOn takes a day that was typed in as the day when somebody has to look again.
func dueOn(field string) func(map[string]string) *time.Time {
	return func(values map[string]string) *time.Time {
		t, err := time.Parse(time.DateOnly, values[field])
		if err != nil {
			return nil
		}
		return &t
	}
}

// Dated reports whether entries have a day when somebody has to look again.
func (r *Register) Dated() bool { return r.due != nil }

// credentialDue is when a credential has to be renewed: its expiry or its rotation, whichever is first.
func credentialDue(values map[string]string) *time.Time {
	var due *time.Time
	sooner := func(t time.Time) {
		if due == nil || t.Before(*due) {
			due = &t
		}
	}
	if t, err := time.Parse(time.DateOnly, values["expires"]); err == nil {
		sooner(t)
	}
	rotated, err := time.Parse(time.DateOnly, values["rotated"])
	if days, numberErr := strconv.Atoi(values["period"]); err == nil && numberErr == nil && days > 0 {
		sooner(rotated.AddDate(0, 0, days))
	}
	return due
}

func notPastDue(entries []Entry, now time.Time) map[string]Judgement {
	if len(entries) == 0 {
		return map[string]Judgement{"credentials": {Outcome: Silent}}
	}
	var next *time.Time
	var late []string
	for i := range entries {
		due := entries[i].DueAt
		switch {
		case due == nil:
		case !due.After(now):
			late = append(late, entries[i].Name)
		case next == nil || due.Before(*next):
			next = due
		}
	}
	if len(late) > 0 {
		slices.Sort(late)
		return map[string]Judgement{"credentials": {Outcome: Fail, Observed: "past their date: " + strings.Join(late[:min(len(late), 5)], ", ")}}
	}
	return map[string]Judgement{"credentials": {Outcome: Pass, Observed: fmt.Sprintf("%d registered, none past its date", len(entries)), Until: next}}
}

func apiKeys(entries []Entry, _ time.Time) map[string]Judgement {
	said := map[string]Judgement{}
	for clause, field := range map[string]string{"per_consumer": "", "scoped": "scope", "expiring": "expires", "revocable": "revocable"} {
		missing := 0
		for i := range entries {
			v := entries[i].Values()[field]
			if field != "" && (v == "" || v == "no") {
				missing++
			}
		}
		switch {
		case len(entries) == 0:
			said[clause] = Judgement{Outcome: Silent}
		case missing > 0:
			said[clause] = Judgement{Outcome: Fail, Observed: fmt.Sprintf("not so for %d of %d keys", missing, len(entries))}
		default:
			said[clause] = Judgement{Outcome: Pass, Observed: fmt.Sprintf("so for all %d keys", len(entries))}
		}
	}
	return said
}

// Check says what is wrong with what was typed into a register's form.
func (r *Register) Check(name string, values map[string]string) error {
	_, _, err := r.clean(name, values)
	return err
}

// clean checks what was typed into a register's form.
func (r *Register) clean(name string, values map[string]string) (string, map[string]string, error) {
	fields, kept := fault.Fields{}, map[string]string{}
	if name = strings.TrimSpace(name); name == "" {
		fields.Add("name", "Give it a name.")
	} else if utf8.RuneCountInString(name) > 100 {
		fields.Add("name", "Keep the name under 100 characters.")
	}
	for _, f := range r.Fields {
		v := strings.TrimSpace(values[f.Name])
		if problem := f.problem(v); problem != "" {
			fields.Add(f.Name, problem)
		}
		kept[f.Name] = v
	}
	return name, kept, fields.Err()
}

func (f *Field) problem(v string) string {
	switch {
	case v == "" && f.Required:
		return "Fill this in."
	case v == "":
		return ""
	case utf8.RuneCountInString(v) > 500:
		return "Keep it under 500 characters."
	}
	switch f.Kind {
	case "choice":
		if !slices.Contains(f.Choices, v) {
			return "Choose one of the listed values."
		}
	case "date":
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return "Write the day as year-month-day, for example 2026-11-30."
		}
	case "number":
		if n, err := strconv.Atoi(v); err != nil || n < 1 || n > 3650 {
			return "Write a whole number of days from 1 to 3650."
		}
	}
	return ""
}

// evidence is what the register says today about a subject.
func (r *Register) evidence(service, environment int64, entries []Entry, now time.Time) []Evidence {
	said := r.judge(entries, now)
	clauses := make([]string, 0, len(said))
	for clause := range said {
		clauses = append(clauses, clause)
	}
	slices.Sort(clauses)
	var rows []Evidence
	for _, clause := range clauses {
		j := said[clause]
		rows = append(rows, Evidence{ServiceID: service, EnvironmentID: environment, Control: r.Control, Clause: clause, Kind: catalogue.Register, Source: "register:" + r.ID,
			Outcome: j.Outcome, Observed: j.Observed, ObservedAt: now, GoodUntil: j.Until})
	}
	return rows
}
