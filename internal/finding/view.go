package finding

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/fault"
)

// View is a list of findings that somebody keeps under a name.
type View struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	UserID      int64 // 0 is everybody's
	Name        string
	Address     string // what the list is narrowed to, as its address says it
	MadeBy      int64
	CreatedAt   time.Time
}

// TableName keeps the table beside the other tables of findings.
func (View) TableName() string { return "finding_views" }

// Shared reports whether everybody sees it.
func (v *View) Shared() bool { return v.UserID == 0 }

// The limits of kept lists: more would be a list of lists.
const (
	maxViews    = 20
	maxViewName = 40
	maxAddress  = 1000
)

// Views lists what a person kept, and what everybody shares, by name.
func (s *Service) Views(ctx context.Context, actor access.Actor) ([]View, error) {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return nil, err
	}
	return s.viewsOf(ctx, actor.UserID)
}

// KeepView keeps a list under a name, for the person alone or for everybody.
func (s *Service) KeepView(ctx context.Context, actor access.Actor, name, address string, shared bool) error {
	right := access.Read
	if shared {
		right = access.Write
	}
	if err := s.access.Require(actor, right, access.Findings); err != nil {
		return err
	}
	name, err := viewName(name)
	if err != nil {
		return err
	}
	if address == "" || len(address) > maxAddress {
		return fault.Field("name", "Narrow the list down first: the list of everything that waits is always there.")
	}
	v := View{UserID: actor.UserID, Name: name, Address: address, MadeBy: actor.UserID, CreatedAt: s.db.Now(ctx)}
	if shared {
		v.UserID = 0
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		list, err := s.viewsOf(ctx, actor.UserID)
		if err != nil {
			return err
		}
		mine := slices.DeleteFunc(slices.Clone(list), func(o View) bool { return o.Shared() != shared })
		if len(mine) >= maxViews {
			return fault.Field("name", "There are 20 lists already. Delete one that nobody needs.")
		}
		if err := free(mine, 0, name); err != nil {
			return err
		}
		if err := database.Insert(ctx, s.db, "list", &v); err != nil {
			return err
		}
		return s.recordView(ctx, actor, "view.keep", &v)
	})
}

// RenameView gives a kept list another name.
func (s *Service) RenameView(ctx context.Context, actor access.Actor, id int64, name string) error {
	name, err := viewName(name)
	if err != nil {
		return err
	}
	return s.changeView(ctx, actor, id, func(ctx context.Context, v *View, list []View) error {
		if err := free(slices.DeleteFunc(list, func(o View) bool { return o.Shared() != v.Shared() }), v.ID, name); err != nil {
			return err
		}
		v.Name = name
		if err := s.renameView(ctx, v); err != nil {
			return err
		}
		return s.recordView(ctx, actor, "view.rename", v)
	})
}

// DropView deletes a kept list; the findings stay.
func (s *Service) DropView(ctx context.Context, actor access.Actor, id int64) error {
	return s.changeView(ctx, actor, id, func(ctx context.Context, v *View, _ []View) error {
		if err := s.dropView(ctx, v.ID); err != nil {
			return err
		}
		return s.recordView(ctx, actor, "view.delete", v)
	})
}

// changeView finds a list that the person may change: an own one, or a shared one with the right to write.
func (s *Service) changeView(ctx context.Context, actor access.Actor, id int64, change func(context.Context, *View, []View) error) error {
	if err := s.access.Require(actor, access.Read, access.Findings); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		list, err := s.viewsOf(ctx, actor.UserID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(v View) bool { return v.ID == id })
		if i < 0 {
			return fault.Missing("list")
		}
		v := list[i]
		if v.Shared() {
			if err := s.access.Require(actor, access.Write, access.Findings); err != nil {
				return err
			}
		}
		return change(ctx, &v, list)
	})
}

// recordView notes what happened to a shared list; what a person keeps for themselves is nobody else's business.
func (s *Service) recordView(ctx context.Context, actor access.Actor, action string, v *View) error {
	if !v.Shared() {
		return nil
	}
	return s.log.Record(ctx, actor, activity.Change{Action: action, Kind: "view", ID: v.ID, Name: v.Name, After: map[string]any{"list": v.Address}})
}

func viewName(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || utf8.RuneCountInString(name) > maxViewName {
		return "", fault.Field("name", "Give the list a name of at most 40 characters.")
	}
	return name, nil
}

func free(list []View, id int64, name string) error {
	if slices.ContainsFunc(list, func(v View) bool { return v.ID != id && strings.EqualFold(v.Name, name) }) {
		return fault.Field("name", "There is a list of this name already.")
	}
	return nil
}
