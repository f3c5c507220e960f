package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control/catalogue"
	"muster/internal/database"
	"muster/internal/fault"
)

// Attestation is a person's word about a control on a subject.
type Attestation struct {
	ServiceID     int64
	ServiceName   string // for the log
	EnvironmentID int64
	Control       string
	Clause        string // "" speaks about every clause
	Part          string // "" speaks about every part
	Outcome       Outcome
	Note          string
	Until         *time.Time // when the person wants to be asked again; the control's age is the most
	RetestOf      int64      // the failing evidence that was tested again
	File          *Upload
}

// Upload is a file as it was sent.
type Upload struct {
	Name string
	Data []byte
}

// MaxAttachment is the most that an attached file may hold, in bytes.
const MaxAttachment = 10 << 20

// kinds of files that people attach: the ending, and what the bytes must look like.
var attachable = map[string][]string{
	".pdf": {"application/pdf"}, ".png": {"image/png"}, ".jpg": {"image/jpeg"}, ".jpeg": {"image/jpeg"}, ".webp": {"image/webp"},
	".txt": {"text/plain"}, ".md": {"text/plain"}, ".csv": {"text/plain"}, ".json": {"text/plain"}, ".log": {"text/plain"}, ".yaml": {"text/plain"}, ".yml": {"text/plain"},
}

// Check tidies the name and accepts a file whose bytes are what its ending says.
func (u *Upload) Check() (mediaType string, problem string) {
	u.Name = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.C) || r == '"' { // also what turns the reading direction around
			return -1
		}
		return r
	}, path.Base(strings.ReplaceAll(u.Name, `\`, "/")))
	ending := strings.ToLower(path.Ext(u.Name))
	allowed, known := attachable[ending]
	switch {
	case len(u.Data) == 0:
		return "", "The file is empty."
	case len(u.Data) > MaxAttachment:
		return "", fmt.Sprintf("The file is larger than %d MB.", MaxAttachment>>20)
	case !known:
		return "", "Attach a PDF, a PNG, JPEG or WebP picture, or a text, CSV, JSON or YAML file."
	case len(u.Name) > 200:
		return "", "The file's name is longer than 200 characters."
	}
	found, _, _ := strings.Cut(http.DetectContentType(u.Data), ";")
	for _, a := range allowed {
		if found == a && (a != "text/plain" || utf8.Valid(u.Data)) {
			return found, ""
		}
	}
	return "", fmt.Sprintf("The file's name ends with %s, but its content is something else (%s).", ending, found)
}

const maxNote = 2000

func (a *Attestation) check(c *catalogue.Control, now time.Time) (fault.Fields, string) {
	fields, media := fault.Fields{}, ""
	a.Note = strings.TrimSpace(a.Note)
	switch {
	case a.Note == "":
		fields.Add("note", "Say what you looked at and what you saw.")
	case utf8.RuneCountInString(a.Note) > maxNote:
		fields.Add("note", fmt.Sprintf("Keep it under %d characters; attach a file for more.", maxNote))
	}
	if a.Outcome != Pass && a.Outcome != Fail {
		fields.Add("outcome", "Choose whether it holds or not.")
	}
	if _, known := c.Clause(a.Clause); a.Clause != "" && !known {
		fields.Add("clause", "Choose one of the listed clauses.")
	}
	if a.Until != nil && !a.Until.After(now) {
		fields.Add("until", "Choose a day in the future.")
	}
	if a.File != nil {
		var problem string
		if media, problem = a.File.Check(); problem != "" {
			fields.Add("file", problem)
		}
	}
	return fields, media
}

// Attest records a person's word, with its file, in one transaction.
func (l *Ledger) Attest(ctx context.Context, actor access.Actor, find Find, a Attestation) (Evidence, error) {
	var row Evidence
	if err := l.access.Require(actor, access.Write, access.Posture); err != nil {
		return row, err
	}
	c, known := find(a.Control)
	if !known {
		return row, fault.Missing("control")
	}
	err := l.db.InTx(ctx, func(ctx context.Context) error {
		fields, media := a.check(c, l.db.Now(ctx))
		if err := l.checkRetest(ctx, &a, fields); err != nil {
			return err
		}
		if err := fields.Err(); err != nil {
			return err
		}
		row = a.row(actor, l.db.Now(ctx))
		if err := l.appendWord(ctx, &row); err != nil {
			return err
		}
		if a.File != nil {
			file := Attachment{EvidenceID: row.ID, Name: a.File.Name, MediaType: media, Size: int64(len(a.File.Data)), SHA256: row.ArtefactHash, Data: a.File.Data, CreatedAt: row.ReceivedAt}
			if err := database.Insert(ctx, l.db, "attachment", &file); err != nil {
				return err
			}
		}
		return l.log.Record(ctx, actor, activity.Change{Action: "evidence.attest", Kind: "service", ID: a.ServiceID, Name: a.ServiceName,
			After: map[string]any{"control": a.Control, "clause": a.Clause, "outcome": a.Outcome, "note": a.Note, "evidence": row.ID}})
	})
	return row, err
}

func (a *Attestation) row(actor access.Actor, now time.Time) Evidence {
	e := Evidence{ServiceID: a.ServiceID, EnvironmentID: a.EnvironmentID, Control: a.Control, Clause: a.Clause, Part: a.Part, Kind: catalogue.Person, Source: fmt.Sprintf("person:%d", actor.UserID),
		Outcome: a.Outcome, Note: a.Note, RetestOf: a.RetestOf, ActorID: actor.UserID, ActorName: actor.Name, ObservedAt: now, ReceivedAt: now, GoodUntil: a.Until}
	if a.File != nil {
		sum := sha256.Sum256(a.File.Data)
		e.ArtefactHash = hex.EncodeToString(sum[:])
	}
	return e
}

// appendWord stores one row with its id. What the same person said before of the same clause no longer counts.
func (l *Ledger) appendWord(ctx context.Context, row *Evidence) error {
	before, err := l.currentOf(ctx, []Evidence{*row})
	if err != nil {
		return err
	}
	var old []int64
	for _, o := range before[row.cell()] {
		if row.replaces(&o) {
			old = append(old, o.ID)
		}
	}
	if err := l.supersede(ctx, old); err != nil {
		return err
	}
	return database.Insert(ctx, l.db, "evidence", row)
}

// checkRetest lets a person's test stand against a failing observation only with a file that shows the test.
func (l *Ledger) checkRetest(ctx context.Context, a *Attestation, fields fault.Fields) error {
	if a.RetestOf == 0 {
		return nil
	}
	failed, found, err := l.byID(ctx, a.RetestOf)
	if err != nil {
		return err
	}
	if !found || failed.ServiceID != a.ServiceID || failed.Control != a.Control || failed.Outcome != Fail || failed.RetractedAt != nil {
		return fault.Missing("failing observation")
	}
	if a.Outcome == Pass && a.File == nil {
		fields.Add("file", "Attach what shows the test: without it your word cannot stand against what was observed.")
	}
	a.Clause, a.Part, a.EnvironmentID = failed.Clause, failed.Part, failed.EnvironmentID
	return nil
}

// TakeBack retracts a word; its author may, and whoever may manage settings.
func (l *Ledger) TakeBack(ctx context.Context, actor access.Actor, id int64, reason string) (Evidence, error) {
	var row Evidence
	if err := l.access.Require(actor, access.Write, access.Posture); err != nil {
		return row, err
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || utf8.RuneCountInString(reason) > maxNote {
		return row, fault.Field("reason", "Say in a sentence why it no longer counts.")
	}
	err := l.db.InTx(ctx, func(ctx context.Context) error {
		var found bool
		var err error
		if row, found, err = l.byID(ctx, id); err != nil {
			return err
		}
		if !found || !row.Human() {
			return fault.Missing("statement")
		}
		if row.ActorID != actor.UserID && !l.access.Can(actor, access.Write, access.Settings) {
			return fault.Denied("Only its author or an admin can take a statement back.")
		}
		if row.RetractedAt != nil {
			return fault.New(fault.Conflict, "This statement was taken back already.")
		}
		if err := l.retract(ctx, []Evidence{row}, &Retraction{EvidenceID: id, Reason: reason, ActorID: actor.UserID, ActorName: actor.Name}); err != nil {
			return err
		}
		return l.log.Record(ctx, actor, activity.Change{Action: "evidence.retract", Kind: "service", ID: row.ServiceID, Name: row.Control, After: map[string]any{"evidence": id, "reason": reason}})
	})
	return row, err
}

// Attachments lists the files of some rows, without their bytes.
func (l *Ledger) Attachments(ctx context.Context, ids []int64) (map[int64][]Attachment, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := l.attachmentsOf(ctx, ids)
	byRow := map[int64][]Attachment{}
	for _, a := range list {
		byRow[a.EvidenceID] = append(byRow[a.EvidenceID], a)
	}
	return byRow, err
}

// Attachment gives one file, and the evidence that it belongs to.
func (l *Ledger) Attachment(ctx context.Context, actor access.Actor, id int64) (Attachment, Evidence, error) {
	if err := l.access.Require(actor, access.Read, access.Posture); err != nil {
		return Attachment{}, Evidence{}, err
	}
	a, found, err := l.attachment(ctx, id)
	if err != nil || !found {
		if err == nil {
			err = fault.Missing("file")
		}
		return Attachment{}, Evidence{}, err
	}
	row, _, err := l.byID(ctx, a.EvidenceID)
	return a, row, err
}
