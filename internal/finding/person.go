package finding

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/fault"
	"muster/internal/inventory"
)

// Justification says why a weakness does not affect a service, in the words of VEX.
type Justification string

// The justifications.
const (
	NotPresent     Justification = "component_not_present"
	CodeNotPresent Justification = "vulnerable_code_not_present"
	NotExecuted    Justification = "vulnerable_code_not_in_execute_path"
	NotControlled  Justification = "vulnerable_code_cannot_be_controlled_by_adversary"
	Mitigated      Justification = "inline_mitigations_already_exist"
)

// Justifications lists them.
func Justifications() []Justification {
	return []Justification{NotPresent, CodeNotPresent, NotExecuted, NotControlled, Mitigated}
}

// Move is what a person decides about findings.
type Move struct {
	To            State
	Note          string
	Justification Justification // for NotAffected
	DuplicateOf   int64         // for Duplicate
	Version       int           // what the person saw; 0 does not matter
}

// justified finds the justification in a reason that a report or a vendor gives; it begins with the word.
func justified(reason string) Justification {
	word, _, _ := strings.Cut(strings.TrimSpace(reason), " ")
	if j := Justification(strings.ToLower(word)); slices.Contains(Justifications(), j) {
		return j
	}
	return ""
}

const maxNote = 2000

// Check tidies a move and says what is wrong with it.
func (m *Move) Check() error {
	f := fault.Fields{}
	m.Note = strings.TrimSpace(m.Note)
	switch {
	case !m.To.Valid():
		f.Add("to", "Choose what becomes of it.")
	case m.To == Accepted:
		f.Add("to", "Only an exception accepts a finding: it has an end, and somebody else approves it.")
	case m.To == ReReview:
		f.Add("to", "A finding waits for another look by itself, when its facts change.")
	case m.To == NotAffected && !slices.Contains(Justifications(), m.Justification):
		f.Add("justification", "Choose why it does not affect the service.")
	case m.To == Duplicate && m.DuplicateOf <= 0:
		f.Add("duplicate_of", "Give the number of the finding that it repeats.")
	}
	if m.To.Decided() && m.Note == "" {
		f.Add("note", "Say why, in a sentence that still convinces next year.")
	}
	if utf8.RuneCountInString(m.Note) > maxNote {
		f.Add("note", "Keep it under 2000 characters.")
	}
	return f.Err()
}

// needs is the right that a move asks for: judging that nothing is to be done is not for everybody.
func needs(from, to State) access.Action {
	if to.Decided() || from.Decided() || from == ReReview {
		return access.Decide
	}
	return access.Write
}

// Move takes one finding to another state.
func (s *Service) Move(ctx context.Context, actor access.Actor, id int64, m Move) (Finding, error) {
	var out Finding
	if err := s.access.Require(actor, access.Write, access.Findings); err != nil {
		return out, err
	}
	if err := m.Check(); err != nil {
		return out, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		e, err := s.entryOf(ctx, id)
		if err != nil {
			return err
		}
		if m.Version != 0 && m.Version != e.now.Version {
			return fault.New(fault.Conflict, "Somebody or a report changed this finding just now. Look at it again.")
		}
		if err := s.may(ctx, actor, e, m); err != nil {
			return err
		}
		out, err = s.moveOne(ctx, actor, e, m)
		return err
	})
	return out, err
}

// may asks the table and the rules about who.
func (s *Service) may(ctx context.Context, actor access.Actor, e *entry, m Move) error {
	f := &e.now
	if err := s.access.Require(actor, needs(f.State, m.To), access.Findings); err != nil {
		return err
	}
	if !MayMove(f.State, m.To, ByPerson) {
		return fault.Field("to", fmt.Sprintf("A finding that is %s cannot become %s.", words(f.State), words(m.To)))
	}
	if m.To == Closed && f.DecidedLayer == ByPerson && f.DecidedBy == actor.UserID {
		return fault.Denied("You said that it is fixed, so somebody else has to verify it, or a report that no longer sees it.")
	}
	if m.To != Duplicate {
		return nil
	}
	other, found, err := s.byID(ctx, m.DuplicateOf)
	switch {
	case err != nil:
		return err
	case !found || unseen(ctx, &other):
		return fault.Field("duplicate_of", "There is no such finding.")
	case other.ID == f.ID || other.State == Duplicate:
		return fault.Field("duplicate_of", "Name the finding that stays, not a copy.")
	}
	return nil
}

// moveOne stores a move.
func (s *Service) moveOne(ctx context.Context, actor access.Actor, e *entry, m Move) (Finding, error) {
	from, now := e.now.State, s.db.Now(ctx)
	place, err := s.places(ctx)
	if err != nil {
		return e.now, err
	}
	enter(&e.now, m.To, ByPerson, actor.UserID, now)
	switch m.To {
	case Duplicate:
		e.now.DuplicateOf = m.DuplicateOf
	case NotAffected:
		e.now.Justification = m.Justification
	case Open, Confirmed, InProgress, Fixed, Closed, FalsePositive, Accepted, ReReview:
	}
	settle(&e.now, place(e.now.ServiceID), Shipped(), now, false)
	v := Event{Action: Moved, FromState: from, ToState: m.To, Layer: ByPerson, Words: moveWords(from, m), Note: m.Note}
	if m.To == Open && (from == Fixed || from == Closed) {
		v.Action, v.Contradicts = Reopened, e.closure
	}
	e.events = append(e.events, v)
	if err := s.save(ctx, actor, 0, []*entry{e}); err != nil {
		return e.now, err
	}
	return e.now, s.record(ctx, actor, "finding."+string(m.To), &e.now, map[string]any{"state": from}, map[string]any{"state": m.To, "note": m.Note, "justification": m.Justification})
}

func moveWords(from State, m Move) string {
	switch m.To {
	case Confirmed:
		return "confirmed that it is real"
	case InProgress:
		return "began to work on it"
	case Fixed:
		return "said that it is fixed"
	case Closed:
		return "verified that it is gone"
	case FalsePositive:
		return "judged that it is a false positive"
	case NotAffected:
		return "judged that the service is not affected: " + strings.ReplaceAll(string(m.Justification), "_", " ")
	case Duplicate:
		return fmt.Sprintf("judged that it repeats finding %d", m.DuplicateOf)
	case Open:
		return "opened it again, it was " + words(from)
	case Accepted, ReReview:
	}
	return "moved it to " + words(m.To)
}

func (s *Service) record(ctx context.Context, actor access.Actor, action string, f *Finding, before, after any) error {
	return s.log.Record(ctx, actor, activity.Change{Action: action, Kind: "finding", ID: f.ID, Name: f.Title, Before: before, After: after})
}

// unseen reports whether the context is limited to services that do not include the finding's.
func unseen(ctx context.Context, f *Finding) bool {
	ids, limited := inventory.VisibleIDs(ctx)
	return limited && !slices.Contains(ids, f.ServiceID)
}

// entryOf loads one finding that the person may see, ready for a change.
func (s *Service) entryOf(ctx context.Context, id int64) (*entry, error) {
	all := map[int64]*entry{}
	if err := s.load(ctx, []int64{id}, all); err != nil {
		return nil, err
	}
	e := all[id]
	if e == nil || !e.now.Counted() || unseen(ctx, &e.now) {
		return nil, fault.Missing("finding")
	}
	e.changed = true
	return e, nil
}

// Assess lets a person say how bad a finding is here; "" takes it back.
func (s *Service) Assess(ctx context.Context, actor access.Actor, id int64, severity Severity, note string) (Finding, error) {
	var out Finding
	if err := s.access.Require(actor, access.Decide, access.Findings); err != nil {
		return out, err
	}
	note = strings.TrimSpace(note)
	wrong := fault.Fields{}
	if severity != "" && !severity.Valid() {
		wrong.Add("severity", "Choose a severity.")
	}
	if note == "" || utf8.RuneCountInString(note) > maxNote {
		wrong.Add("note", "Say in a sentence why it is more or less severe here.")
	}
	if err := wrong.Err(); err != nil {
		return out, err
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		e, err := s.entryOf(ctx, id)
		if err != nil {
			return err
		}
		place, err := s.places(ctx)
		if err != nil {
			return err
		}
		was := e.now.Severity
		e.now.AssessedSeverity, e.now.AssessedBy = severity, actor.Name
		said := "assessed its severity here as " + string(severity)
		if severity == "" {
			e.now.AssessedBy, said = "", "took the assessment of its severity back"
		}
		settle(&e.now, place(e.now.ServiceID), Shipped(), s.db.Now(ctx), false)
		e.events = append(e.events, Event{Action: Assessed, FromState: e.now.State, ToState: e.now.State, Layer: ByPerson, Words: said, Note: note})
		if changed := changedSince(&e.now); e.now.State == Accepted && changed != "" {
			enter(&e.now, ReReview, ByRule, 0, s.db.Now(ctx))
			settle(&e.now, place(e.now.ServiceID), Shipped(), s.db.Now(ctx), false)
			e.events = append(e.events, Event{Action: Moved, FromState: Accepted, ToState: ReReview, Layer: ByRule, Words: "The decision has to be looked at again: " + changed + "."})
		}
		if err := s.save(ctx, actor, 0, []*entry{e}); err != nil {
			return err
		}
		out = e.now
		return s.record(ctx, actor, "finding.assess", &e.now, map[string]any{"severity": was}, map[string]any{"severity": e.now.Severity, "note": note})
	})
	return out, err
}

// Comment adds a person's note to the history.
func (s *Service) Comment(ctx context.Context, actor access.Actor, id int64, note string) error {
	if err := s.access.Require(actor, access.Comment, access.Findings); err != nil {
		return err
	}
	note = strings.TrimSpace(note)
	if note == "" || utf8.RuneCountInString(note) > maxNote {
		return fault.Field("comment", "Write a comment of at most 2000 characters.")
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		e, err := s.entryOf(ctx, id)
		if err != nil {
			return err
		}
		e.events = append(e.events, Event{Action: Commented, FromState: e.now.State, ToState: e.now.State, Layer: ByPerson, Words: "wrote", Note: note})
		if err := s.save(ctx, actor, 0, []*entry{e}); err != nil {
			return err
		}
		return s.record(ctx, actor, "finding.comment", &e.now, nil, map[string]any{"comment": note})
	})
}

// MaxBulk is how many findings one decision may move.
const MaxBulk = 200

// Sort says which findings of a list a move would take, and which it would leave as they are.
func (s *Service) Sort(ctx context.Context, actor access.Actor, ids []int64, m Move) (may, stay []Finding, err error) {
	if err := s.access.Require(actor, access.Write, access.Findings); err != nil {
		return nil, nil, err
	}
	if len(ids) == 0 || len(ids) > MaxBulk {
		return nil, nil, fault.Field("id", fmt.Sprintf("Choose 1 to %d findings.", MaxBulk))
	}
	if !m.To.Valid() || m.To == Accepted || m.To == ReReview || m.To == NotAffected || m.To == Duplicate {
		return nil, nil, fault.Field("to", "Choose what becomes of them.")
	}
	all := map[int64]*entry{}
	if err := s.load(ctx, ids, all); err != nil {
		return nil, nil, err
	}
	for _, id := range set(ids) {
		e := all[id]
		if e == nil || !e.now.Counted() || unseen(ctx, &e.now) {
			return nil, nil, fault.Missing("finding")
		}
		if s.may(ctx, actor, e, m) == nil {
			may = append(may, e.now)
		} else {
			stay = append(stay, e.now)
		}
	}
	return may, stay, nil
}
