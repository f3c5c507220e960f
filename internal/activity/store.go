package activity

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"muster/internal/database"
)

// append takes the next place in the chain. The unique (chain, seq) makes a race of two replicas fail, never fork.
func (s *Service) append(ctx context.Context, a *Activity) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.db.LockChain(ctx, a.Chain); err != nil {
			return err
		}
		last, err := database.Of[Activity](s.db.Conn(ctx)).Where("chain = ?", a.Chain).Order("seq DESC").Take(ctx)
		if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
			return fmt.Errorf("read activity chain: %w", err)
		}
		a.Seq, a.PrevHash = last.Seq+1, last.Hash
		a.Hash = a.seal()
		if err := database.Of[Activity](s.db.Conn(ctx)).Create(ctx, a); err != nil {
			return fmt.Errorf("append activity: %w", err)
		}
		return nil
	})
}

func (s *Service) find(ctx context.Context, f Filter) ([]Activity, error) {
	q := database.Of[Activity](s.db.Conn(ctx)).Where("chain = ?", database.Workspace(ctx))
	if f.BeforeSeq > 0 {
		q = q.Where("seq < ?", f.BeforeSeq)
	}
	if f.ObjectKind != "" {
		q = q.Where("object_kind = ?", f.ObjectKind)
	}
	if f.ObjectID > 0 {
		q = q.Where("object_id = ?", f.ObjectID)
	}
	if f.ActorID > 0 {
		q = q.Where("actor_id = ?", f.ActorID)
	}
	if text := strings.ToValidUTF8(strings.ReplaceAll(strings.TrimSpace(f.Text), "\x00", "\uFFFD"), "\uFFFD"); text != "" {
		like := database.Like(text)
		q = q.Where("(LOWER(actor_name) LIKE ? ESCAPE '\\' OR action LIKE ? ESCAPE '\\' OR LOWER(object_name) LIKE ? ESCAPE '\\')", like, like, like)
	}
	rows, err := q.Order("seq DESC").Limit(database.Clamp(f.Limit, 50, 200)).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("search activity: %w", err)
	}
	return rows, nil
}

func (s *Service) people(ctx context.Context) ([]Person, error) {
	var rows []Person
	err := s.db.Conn(ctx).Model(&Activity{}).Select("actor_id AS id, MAX(actor_name) AS name").Where("chain = ? AND actor_id > 0", database.Workspace(ctx)).
		Group("actor_id").Order("name, id").Limit(200).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list people of the log: %w", err)
	}
	return rows, nil
}

func (s *Service) chains(ctx context.Context) ([]int64, error) {
	var chains []int64
	if err := s.db.Conn(ctx).Model(&Activity{}).Distinct("chain").Order("chain").Pluck("chain", &chains).Error; err != nil {
		return nil, fmt.Errorf("list activity chains: %w", err)
	}
	return chains, nil
}

func (s *Service) after(ctx context.Context, chain, seq int64, limit int) ([]Activity, error) {
	rows, err := database.Of[Activity](s.db.Conn(ctx)).Where("chain = ? AND seq > ?", chain, seq).Order("seq").Limit(limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("read activity chain: %w", err)
	}
	return rows, nil
}
