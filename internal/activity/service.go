package activity

import (
	"context"
	"fmt"

	"muster/internal/access"
	"muster/internal/database"
)

// Service writes, searches and verifies the log.
type Service struct {
	db     *database.DB
	access *access.Control
}

// New makes the service.
func New(db *database.DB, control *access.Control) *Service {
	return &Service{db: db, access: control}
}

// Record appends a change to the chain of the context's workspace, or to the instance's where there is none.
// It must run inside the change's own transaction.
func (s *Service) Record(ctx context.Context, actor access.Actor, c Change) error {
	before, err := encode(c.Before)
	if err != nil {
		return err
	}
	after, err := encode(c.After)
	if err != nil {
		return err
	}
	a := Activity{
		Chain: database.Workspace(ctx), At: s.db.Now(ctx), ActorID: actor.UserID, ActorName: actor.Name,
		Action: c.Action, ObjectKind: c.Kind, ObjectID: c.ID, ObjectName: c.Name,
		Before: before, After: after, IP: actor.IP, RequestID: actor.RequestID,
	}
	return s.append(ctx, &a)
}

// Filter says what to look for; zero values mean everything.
type Filter struct {
	Text       string // in actor, action and object
	ObjectKind string
	ObjectID   int64
	ActorID    int64
	BeforeSeq  int64 // page on from here
	Limit      int
}

// Search lists the workspace's activity, newest first.
func (s *Service) Search(ctx context.Context, actor access.Actor, f Filter) ([]Activity, error) {
	if err := s.access.Require(actor, access.Read, access.Activities); err != nil {
		return nil, err
	}
	return s.find(ctx, f)
}

// Person is somebody who did something in the workspace.
type Person struct {
	ID   int64
	Name string
}

// People lists who did something, by name.
func (s *Service) People(ctx context.Context, actor access.Actor) ([]Person, error) {
	if err := s.access.Require(actor, access.Read, access.Activities); err != nil {
		return nil, err
	}
	return s.people(ctx)
}

// Intact reports whether the hashes of rows hold, as far as these rows show: each is what its hash says, and follows the
// one before it where both are here. Only Verify walks the whole chain.
func Intact(rows []Activity) bool {
	for i := range rows {
		if rows[i].seal() != rows[i].Hash {
			return false
		}
		if i+1 < len(rows) && rows[i].Chain == rows[i+1].Chain && rows[i].Seq == rows[i+1].Seq+1 && rows[i].PrevHash != rows[i+1].Hash {
			return false
		}
	}
	return true
}

// History lists what happened to one object, newest first, for those who may read that object.
func (s *Service) History(ctx context.Context, kind string, id int64, limit int) ([]Activity, error) {
	return s.find(ctx, Filter{ObjectKind: kind, ObjectID: id, Limit: limit})
}

// Verify walks every chain and returns how many rows hold. The error names the first row that does not.
func (s *Service) Verify(ctx context.Context) (int, error) {
	chains, err := s.chains(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, chain := range chains {
		n, err := s.verifyChain(ctx, chain)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (s *Service) verifyChain(ctx context.Context, chain int64) (int, error) {
	prev, seq := "", int64(0)
	for {
		rows, err := s.after(ctx, chain, seq, 500)
		if err != nil {
			return int(seq), err
		}
		if len(rows) == 0 {
			return int(seq), nil
		}
		for i := range rows {
			a := &rows[i]
			if a.Seq != seq+1 || a.PrevHash != prev || a.seal() != a.Hash {
				return int(seq), fmt.Errorf("the activity chain %d is broken at entry %d", chain, seq+1)
			}
			prev, seq = a.Hash, a.Seq
		}
	}
}
