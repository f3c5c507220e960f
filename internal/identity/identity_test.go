package identity_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"muster/internal/access"
	"muster/internal/activity"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/fault"
	"muster/internal/identity"
	"muster/internal/secret"
)

const good = "copper lantern tuesdays"

type house struct {
	*identity.Service
	log   *activity.Service
	clock *databasetest.Clock
	owner identity.User
	home  identity.Workspace
}

func open(t *testing.T, db *database.DB, clock *databasetest.Clock) *house {
	t.Helper()
	control, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.NewBox([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	log := activity.New(db, control)
	h := &house{Service: identity.New(db, control, log, box), log: log, clock: clock}
	token, needed, err := h.NewSetupLink(t.Context())
	if err != nil || !needed {
		t.Fatalf("set-up link: %v %v", needed, err)
	}
	h.owner, h.home, err = h.Setup(t.Context(), token, "Kente Pay", identity.Account{Name: "Ama Mensah", Email: "ama@kente.example", Password: good})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) actor(t *testing.T, u identity.User) (context.Context, access.Actor) {
	t.Helper()
	p, err := h.Enter(t.Context(), u, h.home.Slug)
	if err != nil {
		t.Fatal(err)
	}
	return database.WithWorkspace(t.Context(), h.home.ID), p.Actor(u, identity.From{})
}

// join invites somebody and lets them come.
func (h *house) join(t *testing.T, email string, role access.Role) identity.User {
	t.Helper()
	ctx, owner := h.actor(t, h.owner)
	token, err := h.Invite(ctx, owner, email, role)
	if err != nil {
		t.Fatal(err)
	}
	u, _, err := h.Join(t.Context(), token, nil, "Kofi Boateng", good, identity.From{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func wantKind(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Fatalf("got %v, want %s", err, kind)
	}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		if _, needed, err := h.NewSetupLink(t.Context()); needed || err != nil {
			t.Fatalf("a second set-up is offered: %v", err)
		}
		if h.home.Slug != "kente-pay" {
			t.Errorf("slug %q", h.home.Slug)
		}
		_, actor := h.actor(t, h.owner)
		if actor.Role != access.Owner {
			t.Errorf("role %q", actor.Role)
		}
	})
}

func TestSetupLinkIsUsedOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		control, _ := access.New()
		box, _ := secret.NewBox([]byte(strings.Repeat("k", 32)))
		s := identity.New(db, control, activity.New(db, control), box)
		old, _, err := s.NewSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := s.NewSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.CheckLink(t.Context(), identity.LinkSetup, old)
		wantKind(t, err, fault.NotFound)
		var won atomic.Int32
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if _, _, err := s.Setup(t.Context(), token, "Kente", identity.Account{Name: "Ama", Email: "ama@kente.example", Password: good}); err == nil {
					won.Add(1)
				}
			})
		}
		wait.Wait()
		if won.Load() != 1 {
			t.Errorf("%d set-ups succeeded", won.Load())
		}
		clock.Move(25 * time.Hour)
		_, err = s.CheckLink(t.Context(), identity.LinkSetup, token)
		wantKind(t, err, fault.NotFound)
	})
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		near, far := identity.From{IP: "192.0.2.7"}, identity.From{IP: "198.51.100.9"}
		for range 6 {
			_, _, err := h.SignIn(t.Context(), "ama@kente.example", "not the password", near)
			if _, _, unknown := h.SignIn(t.Context(), "nobody@kente.example", "not the password", identity.From{IP: "203.0.113.1"}); unknown != nil && err != nil && !fault.Is(err, fault.TooMany) && err.Error() != unknown.Error() {
				t.Fatalf("unknown and wrong differ: %v, %v", err, unknown)
			}
		}
		_, _, err := h.SignIn(t.Context(), "ama@kente.example", good, near)
		wantKind(t, err, fault.TooMany)
		if _, _, err := h.SignIn(t.Context(), "AMA@kente.example ", good, far); err != nil {
			t.Fatalf("the victim is locked out: %v", err)
		}
		clock.Move(time.Minute)
		token, needsCode, err := h.SignIn(t.Context(), "ama@kente.example", good, near)
		if err != nil || needsCode {
			t.Fatal(needsCode, err)
		}
		if _, u, ok, err := h.Visit(t.Context(), token); !ok || err != nil || u.ID != h.owner.ID {
			t.Fatal(ok, err)
		}
		if err := h.SetDisabled(t.Context(), access.SystemActor("test"), "ama@kente.example", true); err != nil {
			t.Fatal(err)
		}
		if _, _, ok, _ := h.Visit(t.Context(), token); ok {
			t.Error("a disabled user's session lives")
		}
		_, _, err = h.SignIn(t.Context(), "ama@kente.example", good, far)
		wantKind(t, err, fault.Invalid)
	})
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		begin := func() string {
			token, err := h.Begin(t.Context(), h.owner, identity.From{})
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		alive := func(token string) bool {
			_, _, ok, err := h.Visit(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		idle := begin()
		clock.Move(identity.SessionIdle + time.Second)
		if alive(idle) {
			t.Error("a session outlives its idle limit")
		}
		busy := begin()
		for range 35 {
			clock.Move(20 * time.Minute)
			if !alive(busy) {
				t.Fatal("a used session ended early")
			}
		}
		clock.Move(21 * time.Minute)
		if alive(busy) {
			t.Error("a session outlives its absolute limit")
		}
		mine, other := begin(), begin()
		if err := h.Revoke(t.Context(), h.owner, "", mine, identity.From{}); err != nil {
			t.Fatal(err)
		}
		if !alive(mine) || alive(other) {
			t.Error("revoking the others ended the wrong session")
		}
		kofi := h.join(t, "kofi@kente.example", access.Viewer)
		rows, err := h.Sessions(t.Context(), h.owner)
		if err != nil || len(rows) != 1 {
			t.Fatal(len(rows), err)
		}
		wantKind(t, h.Revoke(t.Context(), kofi, rows[0].PublicID, "", identity.From{}), fault.NotFound)
	})
}

func (h *house) code(t *testing.T, key string) string {
	t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(key, " ", ""), h.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		in := h.visit(t, must(h.Begin(t.Context(), h.owner, identity.From{})))
		enrolment, err := h.Enrol(t.Context(), in.user, in.session)
		if err != nil {
			t.Fatal(err)
		}
		u := h.visit(t, in.token).user
		codes, _, err := h.Confirm(t.Context(), u, in.session, h.code(t, enrolment.Key), identity.From{})
		if err != nil || len(codes) != 10 {
			t.Fatal(len(codes), err)
		}
		token, needsCode, err := h.SignIn(t.Context(), u.Email, good, identity.From{})
		if err != nil || !needsCode {
			t.Fatal(needsCode, err)
		}
		row, u, ok, err := h.Visit(t.Context(), token)
		if !ok || err != nil || row.Stage() != identity.StagePassword {
			t.Fatal(row.Stage(), err)
		}
		_, err = h.EnterCode(t.Context(), u, token, h.code(t, enrolment.Key), identity.From{})
		wantKind(t, err, fault.Invalid) // the step was used to confirm

		clock.Move(time.Minute)
		code := h.code(t, enrolment.Key)
		var won atomic.Int32
		var wait sync.WaitGroup
		for range 50 {
			wait.Go(func() {
				if fresh, err := h.EnterCode(t.Context(), u, token, code, identity.From{}); err == nil && fresh != "" {
					won.Add(1)
				}
			})
		}
		wait.Wait()
		if won.Load() != 1 {
			t.Fatalf("one code let %d in", won.Load())
		}
		clock.Move(time.Hour)
		for want, again := range []fault.Kind{"", fault.Invalid} {
			token, _, err := h.SignIn(t.Context(), u.Email, good, identity.From{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.EnterCode(t.Context(), u, token, strings.ToUpper(codes[3]), identity.From{IP: "198.51.100.1"})
			if (again == "") != (err == nil) {
				t.Fatalf("use %d of a recovery code: %v", want+1, err)
			}
		}
		kofi := h.join(t, "kofi@kente.example", access.Engineer)
		h.secondFactor(t, kofi)
		half, _, err := h.SignIn(t.Context(), kofi.Email, good, identity.From{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.EnterCode(t.Context(), h.visit(t, half).user, half, codes[4], identity.From{IP: "192.0.2.1"})
		wantKind(t, err, fault.Invalid) // the code of somebody else
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestMembers(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		ctx, owner := h.actor(t, h.owner)
		kofi := h.join(t, "kofi@kente.example", access.Admin)
		_, admin := h.actor(t, kofi)

		t.Run("an admin makes no owners and unmakes none", func(t *testing.T) {
			_, err := h.Invite(ctx, admin, "x@kente.example", access.Owner)
			wantKind(t, err, fault.Forbidden)
			wantKind(t, h.ChangeMember(ctx, admin, owner.MemberID, identity.Change{Role: access.Viewer}), fault.Forbidden)
			wantKind(t, h.RemoveMember(ctx, admin, owner.MemberID), fault.Forbidden)
			_, err = h.ResetLink(ctx, admin, owner.MemberID)
			wantKind(t, err, fault.Forbidden)
		})
		t.Run("the last owner stays", func(t *testing.T) {
			wantKind(t, h.ChangeMember(ctx, owner, owner.MemberID, identity.Change{Role: access.Admin}), fault.Conflict)
			wantKind(t, h.RemoveMember(ctx, owner, owner.MemberID), fault.Conflict)
		})
		t.Run("an invitation works once and names its address", func(t *testing.T) {
			token := must(h.Invite(ctx, admin, "yaw@kente.example", access.Viewer))
			_, _, err := h.Join(t.Context(), token, &kofi, "Yaw", "", identity.From{})
			wantKind(t, err, fault.Invalid) // no password of their own
			must2(h.Join(t.Context(), token, nil, "Yaw Darko", good, identity.From{}))
			_, _, err = h.Join(t.Context(), token, nil, "Yaw Darko", good, identity.From{})
			wantKind(t, err, fault.NotFound)
		})
		t.Run("a link of one kind is worth nothing as another", func(t *testing.T) {
			token := must(h.Invite(ctx, admin, "esi@kente.example", access.Viewer))
			_, err := h.ResetPassword(t.Context(), token, good, identity.From{})
			wantKind(t, err, fault.NotFound)
		})
		t.Run("an account that exists is not taken over by an invitation", func(t *testing.T) {
			other := must(h.CreateWorkspace(t.Context(), access.SystemActor("test"), "Other"))
			stranger := must(h.CreateUser(t.Context(), access.SystemActor("test"), identity.Account{Email: "eve@other.example", Password: good}, other.Slug, access.Owner))
			token := must(h.Invite(ctx, admin, stranger.Email, access.Viewer))
			_, _, err := h.Join(t.Context(), token, nil, "Eve", good, identity.From{})
			wantKind(t, err, fault.Conflict)
			must2(h.Join(t.Context(), token, &stranger, "", "", identity.From{}))
			_, actor := h.actor(t, stranger)
			_, err = h.ResetLink(ctx, owner, actor.MemberID)
			wantKind(t, err, fault.Forbidden) // belongs to two workspaces
		})
		t.Run("a reset ends every session", func(t *testing.T) {
			session := must(h.Begin(t.Context(), kofi, identity.From{}))
			token := must(h.ResetLink(ctx, owner, admin.MemberID))
			must(h.ResetPassword(t.Context(), token, "four green bicycles sing", identity.From{}))
			if _, _, ok, _ := h.Visit(t.Context(), session); ok {
				t.Error("the old session lives")
			}
		})
		t.Run("an ended membership lets nobody in", func(t *testing.T) {
			soon := clock.Now().Add(time.Hour)
			if err := h.ChangeMember(ctx, owner, admin.MemberID, identity.Change{Role: access.Consultant, ExpiresAt: &soon}); err != nil {
				t.Fatal(err)
			}
			p := must(h.Enter(t.Context(), kofi, h.home.Slug))
			if p.Visible == nil || len(p.Visible) != 0 || !p.NeedsMFA(kofi) {
				t.Errorf("a consultant without services: %+v", p)
			}
			clock.Move(2 * time.Hour)
			_, err := h.Enter(t.Context(), kofi, h.home.Slug)
			wantKind(t, err, fault.NotFound)
		})
		t.Run("no secret is in the log", func(t *testing.T) {
			rows, err := h.log.Search(ctx, owner, activity.Filter{Limit: 200})
			if err != nil || len(rows) < 5 {
				t.Fatal(len(rows), err)
			}
			for _, r := range rows {
				if strings.Contains(r.Before+r.After, good) || strings.Contains(r.Before+r.After, "token") {
					t.Errorf("%s holds a secret", r.Action)
				}
			}
		})
	})
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}
