// Package steward is how people change the inventory: each change is followed, in its own transaction, by the posture that it makes.
package steward

import (
	"context"
	"fmt"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/finding"
	"muster/internal/intake"
	"muster/internal/inventory"
	"muster/internal/posture"
	"muster/internal/remediation"
)

// Service is the one door for people's changes of the inventory.
type Service struct {
	db       *database.DB
	book     *inventory.Book
	intake   *intake.Workflow
	findings *finding.Service
	tasks    *remediation.Service
	posture  *posture.Service
}

// New makes the service.
func New(db *database.DB, book *inventory.Book, in *intake.Workflow, findings *finding.Service, tasks *remediation.Service, p *posture.Service) *Service {
	return &Service{db: db, book: book, intake: in, findings: findings, tasks: tasks, posture: p}
}

// keep runs a change and judges the services that it touched.
func (s *Service) keep(ctx context.Context, actor access.Actor, words string, change func(context.Context) ([]int64, error)) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		touched, err := change(ctx)
		if err != nil {
			return err
		}
		// What is known of a service decides how urgent its findings are, and by when they are due.
		if err := s.findings.Refresh(ctx, touched); err != nil {
			return err
		}
		return s.posture.Recompute(ctx, touched, posture.Cause{Words: words, Actor: actor.Name})
	})
}

// one is keep for a change of a single service.
func (s *Service) one(ctx context.Context, actor access.Actor, words string, change func(context.Context) (inventory.Service, error)) (inventory.Service, error) {
	var service inventory.Service
	err := s.keep(ctx, actor, words, func(ctx context.Context) ([]int64, error) {
		var err error
		service, err = change(ctx)
		return []int64{service.ID}, err
	})
	return service, err
}

// Create adds a service that no file names yet.
func (s *Service) Create(ctx context.Context, actor access.Actor, e inventory.Edit) (inventory.Service, error) {
	return s.one(ctx, actor, e.Name+" was added", func(ctx context.Context) (inventory.Service, error) { return s.book.Create(ctx, actor, e) })
}

// Save stores what a person says about a service; with it the person confirms the facts.
func (s *Service) Save(ctx context.Context, actor access.Actor, slug string, e inventory.Edit) (inventory.Service, error) {
	return s.one(ctx, actor, fmt.Sprintf("%s was changed", e.Name), func(ctx context.Context) (inventory.Service, error) {
		saved, err := s.book.Save(ctx, actor, slug, e)
		if err != nil {
			return saved, err
		}
		return saved, s.posture.Confirmed(ctx, actor, &saved)
	})
}

// Confirm says that a person looked at owner, tier, exposure and data and found them right.
func (s *Service) Confirm(ctx context.Context, actor access.Actor, slug string) (inventory.Service, error) {
	return s.one(ctx, actor, "", func(ctx context.Context) (inventory.Service, error) {
		confirmed, err := s.book.Confirm(ctx, actor, slug)
		if err != nil {
			return confirmed, err
		}
		return confirmed, s.posture.Confirmed(ctx, actor, &confirmed)
	})
}

// Retire takes a service out of use.
func (s *Service) Retire(ctx context.Context, actor access.Actor, slug, reason string) (inventory.Service, error) {
	return s.one(ctx, actor, slug+" was retired", func(ctx context.Context) (inventory.Service, error) { return s.book.Retire(ctx, actor, slug, reason) })
}

// Restore takes a retired service back into use.
func (s *Service) Restore(ctx context.Context, actor access.Actor, slug string) (inventory.Service, error) {
	return s.one(ctx, actor, slug+" is in use again", func(ctx context.Context) (inventory.Service, error) { return s.book.Restore(ctx, actor, slug) })
}

// Assign gives many services an owner, a tier or an exposure.
func (s *Service) Assign(ctx context.Context, actor access.Actor, bulk inventory.Bulk) (int, error) {
	n := 0
	err := s.keep(ctx, actor, fmt.Sprintf("%d services were changed together", len(bulk.IDs)), func(ctx context.Context) ([]int64, error) {
		var err error
		n, err = s.book.Assign(ctx, actor, bulk)
		return bulk.IDs, err
	})
	return n, err
}

// Merge makes one service part of another.
func (s *Service) Merge(ctx context.Context, actor access.Actor, slug string, into int64) (inventory.Service, error) {
	return s.move(ctx, actor, slug, slug+" became part of another service", func(ctx context.Context) (inventory.Service, error) {
		from, err := s.book.Get(ctx, actor, slug)
		if err != nil {
			return from, err
		}
		to, err := s.book.Merge(ctx, actor, slug, into)
		if err != nil {
			return to, err
		}
		return to, s.findings.Adopt(ctx, actor, &from, &to)
	})
}

// Split makes a service of its own out of some workloads of another.
func (s *Service) Split(ctx context.Context, actor access.Actor, slug, name string, bindings []int64) (inventory.Service, error) {
	return s.move(ctx, actor, slug, name+" was split from "+slug, func(ctx context.Context) (inventory.Service, error) {
		return s.book.Split(ctx, actor, slug, name, bindings)
	})
}

// move runs a change that takes workloads from one service to another: what their files say goes with them.
func (s *Service) move(ctx context.Context, actor access.Actor, slug, words string, change func(context.Context) (inventory.Service, error)) (inventory.Service, error) {
	var to inventory.Service
	err := s.keep(ctx, actor, words, func(ctx context.Context) ([]int64, error) {
		from, err := s.book.Get(ctx, actor, slug)
		if err != nil {
			return nil, err
		}
		if to, err = change(ctx); err != nil {
			return nil, err
		}
		touched := []int64{from.ID, to.ID}
		return touched, s.intake.ObserveAgain(ctx, touched)
	})
	return to, err
}

// AddCall adds a call that no file names.
func (s *Service) AddCall(ctx context.Context, actor access.Actor, slug string, c inventory.Call) error {
	return s.around(ctx, actor, slug, c.To, func(ctx context.Context) error { return s.book.AddCall(ctx, actor, slug, c) })
}

// RemoveCall takes back a call that a person added.
func (s *Service) RemoveCall(ctx context.Context, actor access.Actor, slug string, id int64) error {
	return s.around(ctx, actor, slug, 0, func(ctx context.Context) error { return s.book.RemoveCall(ctx, actor, slug, id) })
}

// AddEndpoint adds an address that no file names.
func (s *Service) AddEndpoint(ctx context.Context, actor access.Actor, slug string, environment int64, address, scope string) error {
	return s.around(ctx, actor, slug, 0, func(ctx context.Context) error {
		return s.book.AddEndpoint(ctx, actor, slug, environment, address, scope)
	})
}

// RemoveEndpoint takes back an address that a person added.
func (s *Service) RemoveEndpoint(ctx context.Context, actor access.Actor, slug string, id int64) error {
	return s.around(ctx, actor, slug, 0, func(ctx context.Context) error { return s.book.RemoveEndpoint(ctx, actor, slug, id) })
}

// around judges a service, those it is known to call or be called by, and another.
func (s *Service) around(ctx context.Context, actor access.Actor, slug string, other int64, change func(context.Context) error) error {
	return s.keep(ctx, actor, "", func(ctx context.Context) ([]int64, error) {
		service, err := s.book.Get(ctx, actor, slug)
		if err != nil {
			return nil, err
		}
		touched := []int64{service.ID}
		if other != 0 {
			touched = append(touched, other)
		}
		callees, err := s.book.Callees(ctx, actor, &service)
		if err != nil {
			return nil, err
		}
		for _, c := range callees {
			touched = append(touched, c.Other.ID)
		}
		return touched, change(ctx)
	})
}
