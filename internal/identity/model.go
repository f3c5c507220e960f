// Package identity knows who people are, how they prove it, and which workspaces they may enter.
package identity

import (
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/fault"
)

// Workspace is one organisation.
type Workspace struct {
	ID          int64 `gorm:"primaryKey"`
	Slug        string
	Name        string
	MFARequired bool `gorm:"column:mfa_required"`
	CreatedAt   time.Time
}

// User is a person, in however many workspaces.
type User struct {
	ID              int64 `gorm:"primaryKey"`
	Email           string
	Name            string
	PasswordHash    string
	TOTPSecret      string     `gorm:"column:totp_secret"` // sealed
	TOTPConfirmedAt *time.Time `gorm:"column:totp_confirmed_at"`
	TOTPLastStep    int64      `gorm:"column:totp_last_step"`
	DisabledAt      *time.Time
	LastLoginAt     *time.Time
	CreatedAt       time.Time
}

// HasMFA reports whether the user confirmed a second factor.
func (u *User) HasMFA() bool { return u.TOTPConfirmedAt != nil }

// RecoveryCode stands in once for a lost second factor.
type RecoveryCode struct {
	ID       int64 `gorm:"primaryKey"`
	UserID   int64
	CodeHash string
	UsedAt   *time.Time
}

// Member is a user in a workspace.
type Member struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	UserID      int64
	Role        access.Role
	ExpiresAt   *time.Time
	CreatedAt   time.Time
}

// Expired reports whether the membership has ended.
func (m *Member) Expired(now time.Time) bool { return m.ExpiresAt != nil && !m.ExpiresAt.After(now) }

// MemberService names one service that a consultant may see.
type MemberService struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	MemberID    int64
	ServiceID   int64
}

// Stage is how far a sign-in has come.
type Stage string

// The stages of a session.
const (
	StagePassword Stage = "password" // the second factor is still to come
	StageFull     Stage = "full"
)

// Session is one browser that is signed in, or about to be.
type Session struct {
	TokenHash string `gorm:"primaryKey"`
	PublicID  string
	UserID    int64
	Data      []byte // the stage
	ExpiresAt time.Time
	CreatedAt time.Time
	SeenAt    time.Time
	IP        string `gorm:"column:ip"`
	UserAgent string
}

// Stage is how far the session's sign-in has come.
func (s Session) Stage() Stage { return Stage(s.Data) }

// Link is a one-time way in: set-up, invitation or password reset. Only its hash is kept.
type Link struct {
	ID           int64 `gorm:"primaryKey"`
	Kind         string
	TokenHash    string
	Email        string
	Role         access.Role
	ForWorkspace int64
	ForUser      int64
	CreatedBy    int64
	CreatedAt    time.Time
	ExpiresAt    time.Time
	UsedAt       *time.Time
}

// The kinds of link.
const (
	LinkSetup  = "setup"
	LinkInvite = "invite"
	LinkReset  = "reset"
)

// How long links live.
const (
	setupLife  = 24 * time.Hour
	inviteLife = 7 * 24 * time.Hour
	resetLife  = 24 * time.Hour
)

// Throttle counts failures of one bucket: an account from one network, or a network.
type Throttle struct {
	Bucket       string `gorm:"primaryKey"`
	Failures     int
	BlockedUntil time.Time
	UpdatedAt    time.Time
}

// environment is the part of inventory's row that a new workspace begins with; inventory ranks above this package.
type environment struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Slug        string
	Name        string
	Production  bool
	Position    int
	CreatedAt   time.Time
}

// TableName is inventory's table.
func (environment) TableName() string { return "environments" }

// cleanEmail gives the address as it is stored and compared.
func cleanEmail(text string) (string, error) {
	valid := utf8.ValidString(text) // asked first, since lower case mends what is broken
	text = strings.ToLower(strings.TrimSpace(text))
	address, err := mail.ParseAddress(text)
	if err != nil || !valid || strings.ContainsFunc(text, unicode.IsControl) || address.Address != text || len(text) > 254 || !strings.Contains(text[strings.IndexByte(text, '@'):], ".") {
		return "", fault.Field("email", "Enter an e-mail address such as ama@example.com.")
	}
	return text, nil
}

// cleanName trims a name and checks its length.
func cleanName(field, text string) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "", fault.Field(field, "The name holds characters that are no text.")
	}
	if text == "" {
		return "", fault.Field(field, "Enter a name.")
	}
	if utf8.RuneCountInString(text) > 100 {
		return "", fault.Field(field, "The name is longer than 100 characters.")
	}
	return text, nil
}

// slug makes the name's form for addresses.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	s := strings.Trim(b.String(), "-")
	if len(s) > 40 {
		s = strings.Trim(s[:40], "-")
	}
	if s == "" {
		return "workspace"
	}
	return s
}
