package finding

import (
	"context"
	"fmt"

	"muster/internal/database"
)

func (s *Service) countFiles(ctx context.Context, id int64) (int64, error) {
	n, err := database.Of[File](s.db.Conn(ctx)).Where("finding_id = ?", id).Count(ctx, "*")
	if err != nil {
		return 0, fmt.Errorf("count files: %w", err)
	}
	return n, nil
}

func (s *Service) fileOf(ctx context.Context, id, file int64) (File, bool, error) {
	return database.Take(ctx, "file", database.Of[File](s.db.Conn(ctx)).Where("id = ? AND finding_id = ?", file, id))
}

func (s *Service) watches(ctx context.Context, id, user int64) (bool, error) {
	_, found, err := database.Take(ctx, "watcher", database.Of[Watcher](s.db.Conn(ctx)).Where("finding_id = ? AND user_id = ?", id, user))
	return found, err
}

func (s *Service) unwatch(ctx context.Context, id, user int64) error {
	if _, err := database.Of[Watcher](s.db.Conn(ctx)).Where("finding_id = ? AND user_id = ?", id, user).Delete(ctx); err != nil {
		return fmt.Errorf("stop watching: %w", err)
	}
	return nil
}

// maxWatchers is how many watchers a page names.
const maxWatchers = 50

func (s *Service) watchersOf(ctx context.Context, id int64) ([]Watcher, error) {
	return database.List(ctx, "watchers", database.Of[Watcher](s.db.Conn(ctx)).Where("finding_id = ?", id).Order("created_at, user_id").Limit(maxWatchers))
}

// watchedBy narrows to what a person watches.
func watchedBy(ctx context.Context, q database.Query[Finding], user int64) database.Query[Finding] {
	return q.Where("id IN (SELECT finding_id FROM finding_watchers WHERE workspace_id = ? AND user_id = ?)", database.Workspace(ctx), user)
}
