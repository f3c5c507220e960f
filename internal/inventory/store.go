package inventory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"muster/internal/database"
	"muster/internal/fault"
)

// take reads one row; a missing one is not an error.
func take[T any](ctx context.Context, what string, q database.Query[T]) (T, bool, error) {
	row, err := q.Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, false, nil
	}
	if err != nil {
		return row, false, fmt.Errorf("load %s: %w", what, err)
	}
	return row, true, nil
}

func list[T any](ctx context.Context, what string, q database.Query[T]) ([]T, error) {
	rows, err := q.Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	return rows, nil
}

func insert[T any](ctx context.Context, db *database.DB, what string, row *T) error {
	if err := database.Of[T](db.Conn(ctx)).Create(ctx, row); err != nil {
		return fmt.Errorf("add %s: %w", what, err)
	}
	return nil
}

func (b *Book) serviceBySlug(ctx context.Context, slug string) (Service, bool, error) {
	return take(ctx, "service", database.Of[Service](b.db.Conn(ctx)).Where("slug = ?", slug))
}

func (b *Book) serviceByID(ctx context.Context, id int64) (Service, bool, error) {
	return take(ctx, "service", database.Of[Service](b.db.Conn(ctx)).Where("id = ?", id))
}

func (b *Book) oldSlug(ctx context.Context, slug string) (ServiceSlug, bool, error) {
	return take(ctx, "slug", database.Of[ServiceSlug](b.db.Conn(ctx)).Where("slug = ?", slug))
}

// takenSlugs are those that services have or had and that begin with base; "" gives all.
func (b *Book) takenSlugs(ctx context.Context, base string) (map[string]bool, error) {
	taken := map[string]bool{}
	for _, row := range []any{&Service{}, &ServiceSlug{}} {
		var slugs []string
		q := b.db.Conn(ctx).Model(row)
		if base != "" {
			q = q.Where("slug = ? OR slug LIKE ?", base, base+"-%") // a slug holds neither % nor _
		}
		if err := q.Limit(maxRows).Pluck("slug", &slugs).Error; err != nil {
			return nil, fmt.Errorf("list slugs: %w", err)
		}
		for _, s := range slugs {
			taken[s] = true
		}
	}
	return taken, nil
}

func (b *Book) insertSlug(ctx context.Context, s *ServiceSlug) error {
	return insert(ctx, b.db, "slug", s)
}

func (b *Book) byIDs(ctx context.Context, ids []int64) ([]Service, error) {
	q := database.Of[Service](b.db.Conn(ctx)).Where("id IN ? AND retired_at IS NULL", ids)
	if seen, limited := visible(ctx); limited {
		q = q.Where("id IN ?", seen)
	}
	return list(ctx, "services", q.Order("id"))
}

func (b *Book) insertService(ctx context.Context, s *Service) error {
	return insert(ctx, b.db, "service", s)
}

// saveService writes every column that may change, and moves the version on.
func (b *Book) saveService(ctx context.Context, s *Service) error {
	was := s.Version
	s.Version, s.UpdatedAt = was+1, b.db.Now(ctx)
	r := b.db.Conn(ctx).Model(&Service{}).Where("id = ? AND version = ?", s.ID, was).
		Select("slug", "kind", "name", "description", "tier", "exposure", "data_classes", "runtime", "language", "repository", "labels", "datastore_kind", "team_id",
			"set_by_person", "confirmed_at", "confirmed_by", "retired_at", "retire_reason", "merged_into", "authentication", "encryption", "last_seen_at", "version", "updated_at").Updates(s)
	if r.Error != nil {
		return fmt.Errorf("save service: %w", r.Error)
	}
	if r.RowsAffected != 1 {
		return fault.New(fault.Conflict, "%s was changed by somebody else just now. Look again.", s.Name)
	}
	return nil
}

func (b *Book) teamByID(ctx context.Context, id int64) (Team, bool, error) {
	return take(ctx, "team", database.Of[Team](b.db.Conn(ctx)).Where("id = ?", id))
}

func (b *Book) teamBySlug(ctx context.Context, slug string) (Team, bool, error) {
	return take(ctx, "team", database.Of[Team](b.db.Conn(ctx)).Where("slug = ?", slug))
}

func (b *Book) listTeams(ctx context.Context) ([]Team, error) {
	return list(ctx, "teams", database.Of[Team](b.db.Conn(ctx)).Order("name").Limit(500))
}

func (b *Book) saveTeam(ctx context.Context, t *Team) error {
	if err := b.db.Conn(ctx).Model(&Team{}).Where("id = ?", t.ID).Select("name").Updates(t).Error; err != nil {
		return fmt.Errorf("save team: %w", err)
	}
	return nil
}

func (b *Book) teamMembers(ctx context.Context) ([]TeamMember, error) {
	return list(ctx, "team members", database.Of[TeamMember](b.db.Conn(ctx)).Order("id").Limit(5000))
}

func (b *Book) replaceTeamMembers(ctx context.Context, teamID int64, members []int64) error {
	if _, err := database.Of[TeamMember](b.db.Conn(ctx)).Where("team_id = ?", teamID).Delete(ctx); err != nil {
		return fmt.Errorf("remove team members: %w", err)
	}
	for _, id := range members {
		if err := insert(ctx, b.db, "team member", &TeamMember{TeamID: teamID, MemberID: id}); err != nil {
			return err
		}
	}
	return nil
}

// countMembers counts how many of the ids are members of this workspace.
func (b *Book) countMembers(ctx context.Context, ids []int64) (int64, error) {
	n, err := database.Of[member](b.db.Conn(ctx)).Where("id IN ?", ids).Count(ctx, "id")
	if err != nil {
		return 0, fmt.Errorf("count members: %w", err)
	}
	return n, nil
}

// member is the part of identity's row that a team's form is checked against.
type member struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
}

// TableName is identity's table.
func (member) TableName() string { return "members" }

func (b *Book) listEnvironments(ctx context.Context) ([]Environment, error) {
	return list(ctx, "environments", database.Of[Environment](b.db.Conn(ctx)).Order("position, id").Limit(100))
}

func (b *Book) environmentByID(ctx context.Context, id int64) (Environment, bool, error) {
	return take(ctx, "environment", database.Of[Environment](b.db.Conn(ctx)).Where("id = ?", id))
}

func (b *Book) saveEnvironment(ctx context.Context, e *Environment) error {
	if err := b.db.Conn(ctx).Model(&Environment{}).Where("id = ?", e.ID).Select("name").Updates(e).Error; err != nil {
		return fmt.Errorf("save environment: %w", err)
	}
	return nil
}

// edgesOf lists live edges with one end at the service.
func (b *Book) edgesOf(ctx context.Context, column string, id int64, limit int) ([]Dependency, error) {
	q := database.Of[Dependency](b.db.Conn(ctx)).Where("gone_at IS NULL")
	other := "from_id"
	if column == "from_id" {
		q, other = q.Where("from_id = ?", id), "to_id"
	} else {
		q = q.Where("to_id = ?", id)
	}
	if seen, limited := visible(ctx); limited {
		q = q.Where(other+" IN ?", seen)
	}
	return list(ctx, "calls", q.Order("id").Limit(limit))
}

func (b *Book) edgeByID(ctx context.Context, id int64) (Dependency, bool, error) {
	return take(ctx, "call", database.Of[Dependency](b.db.Conn(ctx)).Where("id = ? AND gone_at IS NULL", id))
}

func (b *Book) endEdge(ctx context.Context, id int64, now time.Time) error {
	if err := b.db.Conn(ctx).Model(&Dependency{}).Where("id = ?", id).Update("gone_at", now).Error; err != nil {
		return fmt.Errorf("end call: %w", err)
	}
	return nil
}

func (b *Book) endpointsOf(ctx context.Context, id int64, limit int) ([]Endpoint, error) {
	return list(ctx, "endpoints", database.Of[Endpoint](b.db.Conn(ctx)).Where("service_id = ? AND gone_at IS NULL", id).Order("scope, address, id").Limit(limit))
}

func (b *Book) endpointByID(ctx context.Context, id int64) (Endpoint, bool, error) {
	return take(ctx, "endpoint", database.Of[Endpoint](b.db.Conn(ctx)).Where("id = ? AND gone_at IS NULL", id))
}

func (b *Book) endEndpoint(ctx context.Context, id int64, now time.Time) error {
	if err := b.db.Conn(ctx).Model(&Endpoint{}).Where("id = ?", id).Update("gone_at", now).Error; err != nil {
		return fmt.Errorf("end endpoint: %w", err)
	}
	return nil
}

func (b *Book) operationsOf(ctx context.Context, id int64, offset, limit int) ([]Operation, error) {
	return list(ctx, "operations", database.Of[Operation](b.db.Conn(ctx)).Where("service_id = ? AND gone_at IS NULL", id).Order("route, method, id").Offset(offset).Limit(limit))
}

func (b *Book) factsOf(ctx context.Context, id int64, limit int) ([]Fact, error) {
	return list(ctx, "facts", database.Of[Fact](b.db.Conn(ctx)).Where("service_id = ? AND ended_at IS NULL", id).Order("workload, key, part, id").Limit(limit))
}

func (b *Book) unresolvedOf(ctx context.Context, id int64, limit int) ([]Unresolved, error) {
	return list(ctx, "names", database.Of[Unresolved](b.db.Conn(ctx)).Where("service_id = ? AND gone_at IS NULL", id).Order("host, id").Limit(limit))
}

func (b *Book) bindingsOf(ctx context.Context, id int64) ([]Binding, error) {
	return list(ctx, "bindings", database.Of[Binding](b.db.Conn(ctx)).Where("service_id = ?", id).Order("namespace, name, id").Limit(500))
}

func (b *Book) sources(ctx context.Context) ([]Source, error) {
	return list(ctx, "sources", database.Of[Source](b.db.Conn(ctx)).Order("id").Limit(1000))
}

func (b *Book) namesOf(ctx context.Context, ids []int64) ([]Service, error) {
	return list(ctx, "services", database.Of[Service](b.db.Conn(ctx)).Select("id", "slug", "name", "kind", "exposure", "tier").Where("id IN ?", ids))
}

// saidCall reports whether a person's word about a call stands already.
func (b *Book) saidCall(ctx context.Context, from, to, environment int64) (bool, error) {
	_, found, err := take(ctx, "call", database.Of[Dependency](b.db.Conn(ctx)).Where("from_id = ? AND to_id = ? AND environment_id = ? AND source_id IS NULL AND gone_at IS NULL", from, to, environment))
	return found, err
}

// saidEndpoint reports whether a person noted the address already.
func (b *Book) saidEndpoint(ctx context.Context, service, environment int64, address string) (bool, error) {
	_, found, err := take(ctx, "endpoint", database.Of[Endpoint](b.db.Conn(ctx)).Where("service_id = ? AND environment_id = ? AND address = ? AND source_id IS NULL AND gone_at IS NULL", service, environment, address))
	return found, err
}
