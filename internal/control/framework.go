package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/control/catalogue"
	"muster/internal/fault"
)

// FrameworkText is the official text of a requirement, as the workspace imported it.
type FrameworkText struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Framework   string
	Requirement string
	Words       string
	CreatedAt   time.Time
}

// MaxTexts is how many bytes a file of texts may have.
const MaxTexts = 8 << 20

// Framework finds a shipped framework by its id.
func Framework(id string) (*catalogue.Framework, error) {
	for _, f := range catalogue.Frameworks() {
		if f.ID == id {
			return f, nil
		}
	}
	return nil, fault.Missing("framework")
}

// Texts gives a framework with the workspace's imported texts; unknown lists the imported ids that it does not have.
func (s *Service) Texts(ctx context.Context, id string) (f *catalogue.Framework, unknown []string, err error) {
	if f, err = Framework(id); err != nil {
		return nil, nil, err
	}
	rows, err := s.texts(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	var imported []catalogue.Requirement
	for i := range rows {
		imported = append(imported, catalogue.Requirement{ID: rows[i].Requirement, Text: rows[i].Words})
	}
	f, unknown = f.WithTexts(imported)
	return f, unknown, nil
}

// ImportTexts replaces the workspace's texts of a framework with those of a CSV file, and says how many it has and how
// many of them are of requirements that the framework does not list.
func (s *Service) ImportTexts(ctx context.Context, actor access.Actor, id string, data []byte) (known, unknown int, err error) {
	if err := s.access.Require(actor, access.Write, access.Scoring); err != nil {
		return 0, 0, err
	}
	f, err := Framework(id)
	if err != nil {
		return 0, 0, err
	}
	found, err := catalogue.ParseFramework(data)
	if err != nil {
		return 0, 0, fault.Field("file", sentences(err))
	}
	_, strangers := f.WithTexts(found)
	if len(strangers) == len(found) {
		return 0, 0, fault.Field("file", fmt.Sprintf("None of the %d ids in the file, such as %s, is one of %s. Is it the file of another framework?", len(found), found[0].ID, f.Name))
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		before, err := s.texts(ctx, id)
		if err != nil {
			return err
		}
		if err := s.replaceTexts(ctx, id, found); err != nil {
			return err
		}
		change := activity.Change{Action: "framework.texts", Kind: "framework", Name: f.Name, Before: map[string]any{"texts": len(before)}, After: map[string]any{"texts": len(found), "unknown": len(strangers)}}
		return s.log.Record(ctx, actor, change)
	})
	return len(found) - len(strangers), len(strangers), err
}

// sentences writes the problems of a file, one on a line, each with its line in the file.
func sentences(err error) string {
	joined, is := errors.AsType[interface {
		error
		Unwrap() []error
	}](err)
	if !is {
		return sentence(err)
	}
	var lines []string
	for _, e := range joined.Unwrap() {
		lines = append(lines, sentence(e))
	}
	return strings.Join(lines, "\n")
}

func sentence(err error) string {
	p, is := errors.AsType[*catalogue.Problem](err)
	if !is {
		return err.Error()
	}
	reason := strings.ToUpper(p.Reason[:1]) + p.Reason[1:] + "."
	if p.Line == 0 {
		return reason
	}
	return fmt.Sprintf("Line %d: %s.", p.Line, p.Reason)
}

// wordsOf is what is kept of an imported requirement.
func wordsOf(q *catalogue.Requirement) string {
	if q.Title == "" || q.Text == "" {
		return q.Title + q.Text
	}
	return q.Title + "\n\n" + q.Text
}
