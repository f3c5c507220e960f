package finding

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/evidence"
	"muster/internal/fault"
)

// File is a file that a person attached to a finding.
type File struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	FindingID   int64
	Name        string
	MediaType   string
	Size        int64
	SHA256      string `gorm:"column:sha256"`
	Data        []byte
	ActorID     int64
	ActorName   string
	CreatedAt   time.Time
}

// TableName keeps the table beside the other tables of findings.
func (File) TableName() string { return "finding_files" }

// Watcher is a person who wants to see what becomes of a finding.
type Watcher struct {
	WorkspaceID int64 `gorm:"primaryKey"`
	UserID      int64 `gorm:"primaryKey"`
	FindingID   int64 `gorm:"primaryKey"`
	UserName    string
	CreatedAt   time.Time
}

// TableName keeps the table beside the other tables of findings.
func (Watcher) TableName() string { return "finding_watchers" }

// maxFiles is how many files one finding holds.
const maxFiles = 50

// Attach keeps a file with a finding. It is a line of its history, and nothing takes it away.
func (s *Service) Attach(ctx context.Context, actor access.Actor, id int64, u *evidence.Upload) error {
	if err := s.access.Require(actor, access.Comment, access.Findings); err != nil {
		return err
	}
	if u == nil {
		return fault.Field("file", "Choose a file.")
	}
	media, problem := u.Check()
	if problem != "" {
		return fault.Field("file", problem)
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		e, err := s.entryOf(ctx, id)
		if err != nil {
			return err
		}
		n, err := s.countFiles(ctx, id)
		if err != nil {
			return err
		}
		if n >= maxFiles {
			return fault.Field("file", fmt.Sprintf("A finding holds at most %d files.", maxFiles))
		}
		sum := sha256.Sum256(u.Data)
		f := File{FindingID: id, Name: u.Name, MediaType: media, Size: int64(len(u.Data)), SHA256: hex.EncodeToString(sum[:]), Data: u.Data, ActorID: actor.UserID, ActorName: actor.Name, CreatedAt: s.db.Now(ctx)}
		if err := database.Insert(ctx, s.db, "file", &f); err != nil {
			return err
		}
		e.events = append(e.events, Event{Action: Attached, FromState: e.now.State, ToState: e.now.State, Layer: ByPerson, Words: "attached a file", Note: u.Name, FileID: f.ID})
		if err := s.save(ctx, actor, 0, []*entry{e}); err != nil {
			return err
		}
		return s.record(ctx, actor, "finding.attach", &e.now, nil, map[string]any{"file": u.Name, "sha256": f.SHA256})
	})
}

// File gives a file of a finding that the person may see.
func (s *Service) File(ctx context.Context, actor access.Actor, id, file int64) (File, error) {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return File{}, err
	}
	f, found, err := s.byID(ctx, id)
	if err != nil {
		return File{}, err
	}
	if !found || unseen(ctx, &f) {
		return File{}, fault.Missing("file")
	}
	a, found, err := s.fileOf(ctx, id, file)
	if err == nil && !found {
		err = fault.Missing("file")
	}
	return a, err
}

// Watch notes that the person wants to see what becomes of a finding, or no longer does. Twice is once.
func (s *Service) Watch(ctx context.Context, actor access.Actor, id int64, on bool) error {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		f, found, err := s.byID(ctx, id)
		if err != nil {
			return err
		}
		if !found || unseen(ctx, &f) {
			return fault.Missing("finding")
		}
		watches, err := s.watches(ctx, id, actor.UserID)
		if err != nil || watches == on {
			return err
		}
		action := "finding.watch"
		if on {
			w := Watcher{UserID: actor.UserID, FindingID: id, UserName: actor.Name, CreatedAt: s.db.Now(ctx)}
			err = database.Insert(ctx, s.db, "watcher", &w)
		} else {
			action = "finding.unwatch"
			err = s.unwatch(ctx, id, actor.UserID)
		}
		if err != nil {
			return err
		}
		return s.record(ctx, actor, action, &f, nil, nil)
	})
}

// Watchers lists who watches a finding, the first one first.
func (s *Service) Watchers(ctx context.Context, actor access.Actor, id int64) ([]Watcher, error) {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return nil, err
	}
	return s.watchersOf(ctx, id)
}
