package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/secret"
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

func insert[T any](ctx context.Context, db *database.DB, what string, row *T) error {
	if err := database.Of[T](db.Conn(ctx)).Create(ctx, row); err != nil {
		return fmt.Errorf("add %s: %w", what, err)
	}
	return nil
}

func (s *Service) countUsers(ctx context.Context) (int64, error) {
	n, err := database.Of[User](s.db.Conn(ctx)).Count(ctx, "id")
	if err != nil {
		return 0, fmt.Errorf("count users: %w", err)
	}
	return n, nil
}

func (s *Service) userByEmail(ctx context.Context, email string) (User, bool, error) {
	return take(ctx, "user", database.Of[User](s.db.Conn(ctx)).Where("email = ?", email))
}

func (s *Service) userByID(ctx context.Context, id int64) (User, bool, error) {
	return take(ctx, "user", database.Of[User](s.db.Conn(ctx)).Where("id = ?", id))
}

func (s *Service) insertUser(ctx context.Context, u *User) error {
	err := insert(ctx, s.db, "user", u)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return fault.Field("email", "Somebody with this address is here already.")
	}
	return err
}

// updateUser writes the named columns and nothing else.
func (s *Service) updateUser(ctx context.Context, u *User, columns ...any) error {
	r := s.db.Conn(ctx).Model(&User{}).Where("id = ?", u.ID).Select(columns[0], columns[1:]...).Updates(u)
	if r.Error != nil {
		return fmt.Errorf("update user: %w", r.Error)
	}
	if r.RowsAffected != 1 {
		return fault.Missing("user")
	}
	return nil
}

// takeStep moves the last used step of a second factor forward. Of many at once only one succeeds.
func (s *Service) takeStep(ctx context.Context, userID, step int64) (bool, error) {
	r := s.db.Conn(ctx).Model(&User{}).Where("id = ? AND totp_last_step < ?", userID, step).Update("totp_last_step", step)
	if r.Error != nil {
		return false, fmt.Errorf("take code: %w", r.Error)
	}
	return r.RowsAffected == 1, nil
}

// setPending stores a second factor that is still to be confirmed, never over one that counts already.
func (s *Service) setPending(ctx context.Context, userID int64, sealed string) (bool, error) {
	r := s.db.Conn(ctx).Model(&User{}).Where("id = ? AND totp_confirmed_at IS NULL", userID).Update("totp_secret", sealed)
	if r.Error != nil {
		return false, fmt.Errorf("store second factor: %w", r.Error)
	}
	return r.RowsAffected == 1, nil
}

// confirmFactor turns the pending second factor on. Of many at once only one succeeds.
func (s *Service) confirmFactor(ctx context.Context, u *User, pending string) (bool, error) {
	r := s.db.Conn(ctx).Model(&User{}).Where("id = ? AND totp_confirmed_at IS NULL AND totp_secret = ?", u.ID, pending).
		Select("totp_secret", "totp_confirmed_at", "totp_last_step").Updates(u)
	if r.Error != nil {
		return false, fmt.Errorf("confirm second factor: %w", r.Error)
	}
	return r.RowsAffected == 1, nil
}

func (s *Service) clearTOTP(ctx context.Context, u *User) error {
	u.TOTPSecret, u.TOTPConfirmedAt, u.TOTPLastStep = "", nil, 0
	if err := s.updateUser(ctx, u, "totp_secret", "totp_confirmed_at", "totp_last_step"); err != nil {
		return err
	}
	if _, err := database.Of[RecoveryCode](s.db.Conn(ctx)).Where("user_id = ?", u.ID).Delete(ctx); err != nil {
		return fmt.Errorf("delete recovery codes: %w", err)
	}
	return nil
}

func (s *Service) insertCodes(ctx context.Context, codes []RecoveryCode) error {
	if err := database.Of[RecoveryCode](s.db.Conn(ctx)).CreateInBatches(ctx, &codes, 20); err != nil {
		return fmt.Errorf("add recovery codes: %w", err)
	}
	return nil
}

func (s *Service) takeCode(ctx context.Context, userID int64, code string) (bool, error) {
	r := s.db.Conn(ctx).Model(&RecoveryCode{}).Where("user_id = ? AND code_hash = ? AND used_at IS NULL", userID, secret.Hash(code)).Update("used_at", s.db.Now(ctx))
	if r.Error != nil {
		return false, fmt.Errorf("take recovery code: %w", r.Error)
	}
	return r.RowsAffected == 1, nil
}

func (s *Service) countCodes(ctx context.Context, userID int64) (int64, error) {
	n, err := database.Of[RecoveryCode](s.db.Conn(ctx)).Where("user_id = ? AND used_at IS NULL", userID).Count(ctx, "id")
	if err != nil {
		return 0, fmt.Errorf("count recovery codes: %w", err)
	}
	return n, nil
}

func (s *Service) workspaceBySlug(ctx context.Context, slug string) (Workspace, bool, error) {
	return take(ctx, "workspace", database.Of[Workspace](s.db.Conn(ctx)).Where("slug = ?", slug))
}

func (s *Service) workspaceByID(ctx context.Context, id int64) (Workspace, bool, error) {
	return take(ctx, "workspace", database.Of[Workspace](s.db.Conn(ctx)).Where("id = ?", id))
}

func (s *Service) insertWorkspace(ctx context.Context, w *Workspace) error {
	return insert(ctx, s.db, "workspace", w)
}

func (s *Service) updateWorkspace(ctx context.Context, w *Workspace) error {
	r := s.db.Conn(ctx).Model(&Workspace{}).Where("id = ?", w.ID).Select("name", "mfa_required").Updates(w)
	if r.Error != nil {
		return fmt.Errorf("update workspace: %w", r.Error)
	}
	return nil
}

func (s *Service) insertEnvironments(ctx context.Context, rows []environment) error {
	if err := database.Of[environment](s.db.Conn(ctx)).CreateInBatches(ctx, &rows, 10); err != nil {
		return fmt.Errorf("add environments: %w", err)
	}
	return nil
}

func (s *Service) insertMember(ctx context.Context, m *Member) error {
	err := insert(ctx, s.db, "member", m)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return fault.New(fault.Conflict, "This person is a member already.")
	}
	return err
}

func (s *Service) memberByUser(ctx context.Context, userID int64) (Member, bool, error) {
	return take(ctx, "member", database.Of[Member](s.db.Conn(ctx)).Where("user_id = ?", userID))
}

func (s *Service) memberByID(ctx context.Context, id int64) (Member, bool, error) {
	return take(ctx, "member", database.Of[Member](s.db.Conn(ctx)).Where("id = ?", id))
}

func (s *Service) listMembers(ctx context.Context) ([]Member, error) {
	rows, err := database.Of[Member](s.db.Conn(ctx)).Order("id").Limit(500).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	return rows, nil
}

// placed is a membership with its workspace, so that entering is one question.
type placed struct {
	Member    `gorm:"embedded"`
	Workspace Workspace
}

// TableName is where memberships are.
func (placed) TableName() string { return "members" }

func (s *Service) placesOf(ctx context.Context, userID int64) ([]placed, error) {
	across := database.Across(ctx, "the workspaces of one user")
	rows, err := database.Of[placed](s.db.Conn(across).Joins("Workspace")).Where("members.user_id = ?", userID).Order("members.id").Limit(200).Find(across)
	if err != nil {
		return nil, fmt.Errorf("list memberships: %w", err)
	}
	return rows, nil
}

func (s *Service) membershipsOf(ctx context.Context, userID int64) ([]Member, error) {
	rows, err := database.Of[Member](s.db.Conn(database.Across(ctx, "the workspaces of one user"))).Where("user_id = ?", userID).Order("id").Limit(200).Find(database.Across(ctx, "the workspaces of one user"))
	if err != nil {
		return nil, fmt.Errorf("list memberships: %w", err)
	}
	return rows, nil
}

func (s *Service) usersByID(ctx context.Context, ids []int64) (map[int64]User, error) {
	rows, err := database.Of[User](s.db.Conn(ctx)).Where("id IN ?", ids).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("load users: %w", err)
	}
	byID := make(map[int64]User, len(rows))
	for _, u := range rows {
		byID[u.ID] = u
	}
	return byID, nil
}

func (s *Service) workspacesByID(ctx context.Context, ids []int64) ([]Workspace, error) {
	rows, err := database.Of[Workspace](s.db.Conn(ctx)).Where("id IN ?", ids).Order("name").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("load workspaces: %w", err)
	}
	return rows, nil
}

// lockWorkspace makes others who change who owns the workspace wait until the transaction ends.
func (s *Service) lockWorkspace(ctx context.Context) error {
	var w Workspace
	if err := s.db.Conn(ctx).Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("id = ?", database.Workspace(ctx)).Take(&w).Error; err != nil {
		return fmt.Errorf("lock workspace: %w", err)
	}
	return nil
}

// otherOwners counts the owners beside one member who will stay: switched on, and without an end.
func (s *Service) otherOwners(ctx context.Context, memberID int64) (int64, error) {
	active := s.db.Conn(ctx).Model(&User{}).Select("id").Where("disabled_at IS NULL")
	n, err := database.Of[Member](s.db.Conn(ctx)).Where("role = ? AND expires_at IS NULL AND id <> ? AND user_id IN (?)", access.Owner, memberID, active).Count(ctx, "id")
	if err != nil {
		return 0, fmt.Errorf("count owners: %w", err)
	}
	return n, nil
}

func (s *Service) updateMember(ctx context.Context, m *Member) error {
	r := s.db.Conn(ctx).Model(&Member{}).Where("id = ?", m.ID).Select("role", "expires_at").Updates(m)
	if r.Error != nil {
		return fmt.Errorf("update member: %w", r.Error)
	}
	return nil
}

func (s *Service) deleteMember(ctx context.Context, id int64) error {
	if _, err := database.Of[MemberService](s.db.Conn(ctx)).Where("member_id = ?", id).Delete(ctx); err != nil {
		return fmt.Errorf("delete member's services: %w", err)
	}
	if err := s.db.Conn(ctx).Where("member_id = ?", id).Delete(&teamMember{}).Error; err != nil {
		return fmt.Errorf("delete member from teams: %w", err)
	}
	if _, err := database.Of[Member](s.db.Conn(ctx)).Where("id = ?", id).Delete(ctx); err != nil {
		return fmt.Errorf("delete member: %w", err)
	}
	return nil
}

// teamMember is inventory's row; a member who leaves, leaves the teams.
type teamMember struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	MemberID    int64
}

// TableName is inventory's table.
func (teamMember) TableName() string { return "team_members" }

func (s *Service) servicesOf(ctx context.Context, memberID int64) ([]int64, error) {
	rows, err := database.Of[MemberService](s.db.Conn(ctx)).Where("member_id = ?", memberID).Limit(1000).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("load member's services: %w", err)
	}
	ids := make([]int64, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.ServiceID)
	}
	return ids, nil
}

func (s *Service) replaceServices(ctx context.Context, memberID int64, ids []int64) error {
	if _, err := database.Of[MemberService](s.db.Conn(ctx)).Where("member_id = ?", memberID).Delete(ctx); err != nil {
		return fmt.Errorf("delete member's services: %w", err)
	}
	rows := make([]MemberService, 0, len(ids))
	for _, id := range ids {
		rows = append(rows, MemberService{MemberID: memberID, ServiceID: id})
	}
	if len(rows) == 0 {
		return nil
	}
	if err := database.Of[MemberService](s.db.Conn(ctx)).CreateInBatches(ctx, &rows, 100); err != nil {
		return fmt.Errorf("add member's services: %w", err)
	}
	return nil
}

func (s *Service) insertLink(ctx context.Context, l *Link) error {
	return insert(ctx, s.db, "link", l)
}

func (s *Service) linkByToken(ctx context.Context, kind, token string) (Link, bool, error) {
	return take(ctx, "link", database.Of[Link](s.db.Conn(ctx)).Where("token_hash = ? AND kind = ?", secret.Hash(token), kind))
}

// useLink marks the link used. Of many at once only one succeeds.
func (s *Service) useLink(ctx context.Context, kind, token string) (Link, error) {
	now := s.db.Now(ctx)
	r := s.db.Conn(ctx).Model(&Link{}).Where("token_hash = ? AND kind = ? AND used_at IS NULL AND expires_at > ?", secret.Hash(token), kind, now).Update("used_at", now)
	if r.Error != nil {
		return Link{}, fmt.Errorf("use link: %w", r.Error)
	}
	if r.RowsAffected != 1 {
		return Link{}, deadLink(kind)
	}
	l, _, err := s.linkByToken(ctx, kind, token)
	return l, err
}

// voidResets ends every open reset link of a user.
func (s *Service) voidResets(ctx context.Context, user int64) error {
	r := s.db.Conn(ctx).Model(&Link{}).Where("kind = ? AND for_user = ? AND used_at IS NULL", LinkReset, user).Update("used_at", s.db.Now(ctx))
	if r.Error != nil {
		return fmt.Errorf("void links: %w", r.Error)
	}
	return nil
}

// voidLinks ends open links of a kind, for one workspace and user where they are not 0.
func (s *Service) voidLinks(ctx context.Context, kind string, workspace, user int64) error {
	r := s.db.Conn(ctx).Model(&Link{}).Where("kind = ? AND for_workspace = ? AND for_user = ? AND used_at IS NULL", kind, workspace, user).Update("used_at", s.db.Now(ctx))
	if r.Error != nil {
		return fmt.Errorf("void links: %w", r.Error)
	}
	return nil
}

func (s *Service) openInvites(ctx context.Context, workspace int64) ([]Link, error) {
	rows, err := database.Of[Link](s.db.Conn(ctx)).Where("for_workspace = ? AND kind = ? AND used_at IS NULL AND expires_at > ?", workspace, LinkInvite, s.db.Now(ctx)).Order("id DESC").Limit(100).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return rows, nil
}

func (s *Service) voidInvite(ctx context.Context, workspace, id int64) (Link, error) {
	l, found, err := take(ctx, "invitation", database.Of[Link](s.db.Conn(ctx)).Where("id = ? AND for_workspace = ? AND kind = ? AND used_at IS NULL", id, workspace, LinkInvite))
	if err != nil {
		return l, err
	}
	if !found {
		return l, fault.Missing("invitation")
	}
	if err := s.db.Conn(ctx).Model(&Link{}).Where("id = ?", id).Update("used_at", s.db.Now(ctx)).Error; err != nil {
		return l, fmt.Errorf("void invitation: %w", err)
	}
	return l, nil
}

func (s *Service) throttle(ctx context.Context, name string) (Throttle, error) {
	t, _, err := take(ctx, "throttle", database.Of[Throttle](s.db.Conn(ctx)).Where("bucket = ?", name))
	return t, err
}

// lockThrottle reads a bucket, made when it is new, and makes others who count in it wait until the transaction ends.
func (s *Service) lockThrottle(ctx context.Context, name string, now time.Time) (Throttle, error) {
	fresh := Throttle{Bucket: name, BlockedUntil: now, UpdatedAt: now}
	err := s.db.Conn(ctx).Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "bucket"}}, DoUpdates: clause.AssignmentColumns([]string{"bucket"})}).Create(&fresh).Error
	if err != nil {
		return fresh, fmt.Errorf("lock throttle: %w", err)
	}
	return s.throttle(ctx, name)
}

func (s *Service) saveThrottle(ctx context.Context, t Throttle) error {
	err := s.db.Conn(ctx).Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "bucket"}}, UpdateAll: true}).Create(&t).Error
	if err != nil {
		return fmt.Errorf("save throttle: %w", err)
	}
	return nil
}

func (s *Service) clearThrottle(ctx context.Context, name string) error {
	if _, err := database.Of[Throttle](s.db.Conn(ctx)).Where("bucket = ?", name).Delete(ctx); err != nil {
		return fmt.Errorf("clear throttle: %w", err)
	}
	return nil
}

func (s *Service) insertSession(ctx context.Context, row *Session) error {
	return insert(ctx, s.db, "session", row)
}

// visitor is a session with its user, read in one go at each request.
type visitor struct {
	Session `gorm:"embedded"`
	User    User `gorm:"foreignKey:UserID"`
}

// TableName says where to begin.
func (visitor) TableName() string { return "sessions" }

func (s *Service) visitorByToken(ctx context.Context, token string) (visitor, bool, error) {
	return take(ctx, "session", database.Of[visitor](s.db.Conn(ctx).Joins("User")).Where("sessions.token_hash = ?", secret.Hash(token)))
}

func (s *Service) touchSession(ctx context.Context, hash string, now time.Time) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.db.Conn(ctx).Model(&Session{}).Where("token_hash = ?", hash).Update("seen_at", now).Error; err != nil {
			return fmt.Errorf("touch session: %w", err)
		}
		return nil
	})
}

func (s *Service) deleteSession(ctx context.Context, column, value string, userID int64) (int, error) {
	n, err := database.Of[Session](s.db.Conn(ctx)).Where(clause.Eq{Column: column, Value: value}).Where("user_id = ?", userID).Delete(ctx)
	if err != nil {
		return 0, fmt.Errorf("delete session: %w", err)
	}
	return n, nil
}

// deleteSessions ends every session of a user but the one with this token.
func (s *Service) deleteSessions(ctx context.Context, userID int64, exceptToken string) error {
	if _, err := database.Of[Session](s.db.Conn(ctx)).Where("user_id = ? AND token_hash <> ?", userID, secret.Hash(exceptToken)).Delete(ctx); err != nil {
		return fmt.Errorf("delete sessions: %w", err)
	}
	return nil
}

func (s *Service) sessionsOf(ctx context.Context, userID int64) ([]Session, error) {
	rows, err := database.Of[Session](s.db.Conn(ctx)).Where("user_id = ? AND expires_at > ?", userID, s.db.Now(ctx)).Order("seen_at DESC").Limit(100).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return rows, nil
}

func (s *Service) sweepSessions(ctx context.Context) error {
	if _, err := database.Of[Session](s.db.Conn(ctx)).Where("expires_at <= ?", s.db.Now(ctx)).Delete(ctx); err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	return nil
}
