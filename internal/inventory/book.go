package inventory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/fault"
)

// Book is the one door to the inventory.
type Book struct {
	db     *database.DB
	access *access.Control
	log    *activity.Service

	scoring sync.Map // the environment that scores, by workspace
}

// New makes the book.
func New(db *database.DB, control *access.Control, log *activity.Service) *Book {
	return &Book{db: db, access: control, log: log}
}

type visibleKey struct{}

// WithVisible limits every read to the named services; nil lifts no limit and means all, empty means none.
func WithVisible(ctx context.Context, ids []int64) context.Context {
	if ids == nil {
		return ctx
	}
	return context.WithValue(ctx, visibleKey{}, ids)
}

// WithoutLimit gives a context that sees every service: for what has to be right for everybody, whoever asks first.
func WithoutLimit(ctx context.Context) context.Context {
	return context.WithValue(ctx, visibleKey{}, nil)
}

// visible gives the services that the context is limited to.
func visible(ctx context.Context) (ids []int64, limited bool) {
	ids, limited = ctx.Value(visibleKey{}).([]int64)
	return ids, limited
}

func mayNotSee(ctx context.Context, id int64) bool {
	ids, limited := visible(ctx)
	return limited && !slices.Contains(ids, id)
}

// ServiceSlug is a slug that a service had before it was renamed; it still leads to it.
type ServiceSlug struct {
	ID          int64 `gorm:"primaryKey"`
	WorkspaceID int64
	Slug        string
	ServiceID   int64
	CreatedAt   time.Time
}

// change runs a change of the inventory in one transaction, after asking for the right.
func (b *Book) change(ctx context.Context, actor access.Actor, action access.Action, f func(context.Context) error) error {
	if err := b.access.Require(actor, action, access.Inventory); err != nil {
		return err
	}
	return b.db.InTx(ctx, f)
}

func (b *Book) record(ctx context.Context, actor access.Actor, action string, s *Service, before, after any) error {
	return b.log.Record(ctx, actor, activity.Change{Action: action, Kind: "service", ID: s.ID, Name: s.Name, Before: before, After: after})
}

// Slug makes a name's form for addresses.
func Slug(name string) string {
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
	if len(s) > 60 {
		s = strings.Trim(s[:60], "-")
	}
	if s == "" {
		return "service"
	}
	return s
}

// cleanText trims what a person typed, and says what is wrong with it. Control characters are refused: PostgreSQL does not
// store all of them, and nobody can see them.
func cleanText(fields fault.Fields, field, text string, most int, required bool) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch {
	case required && text == "":
		fields.Add(field, "Enter a name.")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, hidden):
		fields.Add(field, "This has characters that cannot be shown. Type it again.")
	case utf8.RuneCountInString(text) > most:
		fields.Add(field, fmt.Sprintf("This is longer than %d characters.", most))
	}
	return text
}

func hidden(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// CleanName is cleanText for names that other packages take from people.
func CleanName(fields fault.Fields, field, text string, most int) string {
	return cleanText(fields, field, text, most, false)
}

// cleanClasses keeps known data classes, in their order; a word that is none is refused.
func cleanClasses(fields fault.Fields, classes []string) string {
	for _, c := range classes {
		if !slices.Contains(DataClasses(), c) {
			fields.Add("data_classes", "Choose from the listed classes of data.")
		}
	}
	var kept []string
	for _, c := range DataClasses() {
		if slices.Contains(classes, c) {
			kept = append(kept, c)
		}
	}
	return strings.Join(kept, " ")
}

// LowestTier is the least important tier that the facts allow, and why.
func LowestTier(exposure Exposure, classes []string) (tier int, why string) {
	sensitive := slices.Contains(classes, "payment") || slices.Contains(classes, "health")
	switch {
	case exposure == Public && sensitive:
		return 1, "a public service with payment or health data is tier 1"
	case exposure == Public:
		return 2, "a public service is tier 1 or 2"
	case slices.Contains(classes, "personal"):
		return 2, "a service with personal data is tier 1 or 2"
	}
	return 3, ""
}
