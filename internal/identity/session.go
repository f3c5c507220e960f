package identity

import (
	"context"
	"strings"
	"time"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/fault"
	"muster/internal/secret"
)

// The limits of a session.
const (
	SessionIdle     = 30 * time.Minute
	SessionAbsolute = 12 * time.Hour
	touchEvery      = time.Minute
	codeWait        = 10 * time.Minute // how long a sign-in waits for its second factor
)

// From says where a request comes from, for sessions and the log.
type From struct {
	IP, UserAgent, RequestID string
}

func (f From) actor(u User) access.Actor {
	return access.Actor{UserID: u.ID, Name: u.Name, IP: f.IP, RequestID: f.RequestID}
}

// newSession makes a session and gives its token, which is stored nowhere.
func (s *Service) newSession(ctx context.Context, u User, stage Stage, from From, created time.Time) (string, error) {
	token, now := secret.Token(), s.db.Now(ctx)
	if created.IsZero() {
		created = now
	}
	agent := strings.ReplaceAll(from.UserAgent, "\x00", "")
	if len(agent) > 200 {
		agent = agent[:200]
	}
	life := SessionAbsolute
	if stage == StagePassword {
		life = codeWait
	}
	row := &Session{
		TokenHash: secret.Hash(token), PublicID: secret.Token()[:16], UserID: u.ID, Data: []byte(stage),
		CreatedAt: created, SeenAt: now, ExpiresAt: created.Add(life), IP: from.IP, UserAgent: strings.ToValidUTF8(agent, ""), // bytes that are no text would be refused by PostgreSQL
	}
	return token, s.insertSession(ctx, row)
}

// Visit finds the session and the person of a token. ok is false when there is nobody: the session ended, ran out,
// was revoked, or its user was disabled.
func (s *Service) Visit(ctx context.Context, token string) (row Session, u User, ok bool, err error) {
	row, u, ok, err = s.Peek(ctx, token)
	if now := s.db.Now(ctx); ok && now.Sub(row.SeenAt) > touchEvery {
		err = s.touchSession(ctx, row.TokenHash, now)
	}
	return row, u, ok && err == nil, err
}

// Peek is Visit without keeping the session alive, for what a browser asks by itself.
func (s *Service) Peek(ctx context.Context, token string) (row Session, u User, ok bool, err error) {
	if token == "" {
		return row, u, false, nil
	}
	v, found, err := s.visitorByToken(ctx, token)
	now := s.db.Now(ctx)
	if err != nil || !found || !v.ExpiresAt.After(now) || now.Sub(v.SeenAt) > SessionIdle {
		return v.Session, u, false, err
	}
	return v.Session, v.User, v.User.ID != 0 && v.User.DisabledAt == nil, nil
}

// SignOut ends the session of a token.
func (s *Service) SignOut(ctx context.Context, token string, u User, from From) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		n, err := s.deleteSession(ctx, "token_hash", secret.Hash(token), u.ID)
		if err != nil || n == 0 {
			return err
		}
		return s.log.Record(ctx, from.actor(u), activity.Change{Action: "session.end", Kind: "user", ID: u.ID, Name: u.Email})
	})
}

// Sessions lists where a person is signed in, newest use first.
func (s *Service) Sessions(ctx context.Context, u User) ([]Session, error) {
	rows, err := s.sessionsOf(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	now, kept := s.db.Now(ctx), rows[:0]
	for _, r := range rows {
		if now.Sub(r.SeenAt) <= SessionIdle {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// Revoke ends one of the person's sessions; all but the one with the token when publicID is empty.
func (s *Service) Revoke(ctx context.Context, u User, publicID, token string, from From) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if publicID == "" {
			if err := s.deleteSessions(ctx, u.ID, token); err != nil {
				return err
			}
		} else {
			n, err := s.deleteSession(ctx, "public_id", publicID, u.ID)
			if err != nil {
				return err
			}
			if n == 0 {
				return fault.Missing("session")
			}
		}
		return s.log.Record(ctx, from.actor(u), activity.Change{Action: "session.revoke", Kind: "user", ID: u.ID, Name: u.Email})
	})
}

// SignIn checks a password. needsCode says that the session waits for the second factor.
// Unknown, disabled and wrong look the same and take as long.
func (s *Service) SignIn(ctx context.Context, email, password string, from From) (token string, needsCode bool, err error) {
	wrong := &fault.Error{Kind: fault.Invalid, Message: "The e-mail address or the password is wrong.", Fields: map[string]string{"password": "The e-mail address or the password is wrong."}}
	email, badEmail := cleanEmail(email)
	buckets := passwordBuckets(email, from.IP)
	if err := s.attempt(ctx, buckets); err != nil {
		return "", false, err
	}
	u, found, err := s.userByEmail(ctx, email)
	if err != nil {
		return "", false, err
	}
	hash := u.PasswordHash
	if !found || hash == "" {
		hash = nobodysHash
	}
	if len(password) > 4*maxPassword {
		password = ""
	}
	ok, rehash := checkPassword(hash, password)
	if badEmail != nil || !found || !ok || u.DisabledAt != nil {
		return "", false, wrong
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		if rehash {
			u.PasswordHash = hashPassword(password)
			if err := s.updateUser(ctx, &u, "password_hash"); err != nil {
				return err
			}
		}
		if err := s.forgive(ctx, buckets); err != nil {
			return err
		}
		needsCode = u.HasMFA()
		token, err = s.begin(ctx, u, needsCode, from)
		return err
	})
	return token, needsCode, err
}

// begin opens the session of a person whose password was right.
func (s *Service) begin(ctx context.Context, u User, needsCode bool, from From) (string, error) {
	now := s.db.Now(ctx)
	if known, found, err := s.userByID(ctx, u.ID); err != nil || !found || known.DisabledAt != nil {
		return "", orElse(err, tooLate) // switched off between the proof and now
	}
	if needsCode {
		return s.newSession(ctx, u, StagePassword, from, time.Time{})
	}
	u.LastLoginAt = &now
	if err := s.updateUser(ctx, &u, "last_login_at"); err != nil {
		return "", err
	}
	if err := s.sweepSessions(ctx); err != nil {
		return "", err
	}
	if err := s.log.Record(ctx, from.actor(u), activity.Change{Action: "session.begin", Kind: "user", ID: u.ID, Name: u.Email}); err != nil {
		return "", err
	}
	return s.newSession(ctx, u, StageFull, from, time.Time{})
}

// Begin signs in a person who just proved who they are by a link.
func (s *Service) Begin(ctx context.Context, u User, from From) (token string, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		token, err = s.begin(ctx, u, u.HasMFA(), from)
		return err
	})
	return token, err
}

// promote replaces a session's token after a rise of its rights, so that one stolen before is worth nothing.
func (s *Service) promote(ctx context.Context, u User, token string, from From) (string, error) {
	n, err := s.deleteSession(ctx, "token_hash", secret.Hash(token), u.ID)
	if err != nil || n == 0 {
		return "", orElse(err, tooLate) // revoked, or used already
	}
	return s.begin(ctx, u, false, from)
}
