package identity_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/database"
	"muster/internal/database/databasetest"
	"muster/internal/fault"
	"muster/internal/identity"
)

// visitor is a browser that is signed in.
type visitor struct {
	token   string
	session identity.Session
	user    identity.User
}

func (h *house) visit(t *testing.T, token string) visitor {
	t.Helper()
	row, u, ok, err := h.Visit(t.Context(), token)
	if err != nil || !ok {
		t.Fatalf("the session does not live: %v", err)
	}
	return visitor{token, row, u}
}

func (h *house) alive(t *testing.T, token string) bool {
	t.Helper()
	_, _, ok, err := h.Visit(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func (h *house) begin(t *testing.T, u identity.User) visitor {
	t.Helper()
	return h.visit(t, must(h.Begin(t.Context(), u, identity.From{})))
}

// secondFactor turns it on and gives the key, the recovery codes and the session that did it.
func (h *house) secondFactor(t *testing.T, u identity.User) (string, []string, visitor) {
	t.Helper()
	in := h.begin(t, u)
	e := must(h.Enrol(t.Context(), in.user, in.session))
	in = h.visit(t, in.token)
	codes, token, err := h.Confirm(t.Context(), in.user, in.session, h.code(t, e.Key), identity.From{IP: "192.0.2.200"})
	if err != nil {
		t.Fatal(err)
	}
	return e.Key, codes, h.visit(t, token)
}

// atOnce runs f many times in parallel and counts by the kind of failure; "" counts successes.
func atOnce(n int, f func(i int) error) map[fault.Kind]int {
	var wait sync.WaitGroup
	var mu sync.Mutex
	kinds := map[fault.Kind]int{}
	for i := range n {
		wait.Go(func() {
			kind := fault.Kind("")
			if err := f(i); err != nil {
				kind = "unexpected: " + fault.Kind(err.Error())
				if expected, ok := fault.As(err); ok {
					kind = expected.Kind
				}
			}
			mu.Lock()
			defer mu.Unlock()
			kinds[kind]++
		})
	}
	wait.Wait()
	return kinds
}

// OpenBao and Vault let guesses past their limit when they came at once: each was checked before any was counted.
func TestGuessesAtOnceAreCountedBeforeTheyAreMade(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		spelled := []string{"ama@kente.example", "AMA@kente.example", " Ama@Kente.Example "}
		got := atOnce(40, func(i int) error {
			_, _, err := h.SignIn(t.Context(), spelled[i%3], "wrong password here", identity.From{IP: fmt.Sprintf("192.0.2.%d", i)})
			return err
		})
		if got[fault.Invalid] > 6 || got[fault.Invalid]+got[fault.TooMany] != 40 {
			t.Errorf("passwords, one network, three spellings: %v", got)
		}
		h.secondFactor(t, h.owner)
		token, _, err := h.SignIn(t.Context(), h.owner.Email, good, identity.From{IP: "198.51.100.1"})
		if err != nil {
			t.Fatal(err)
		}
		in := h.visit(t, token)
		got = atOnce(40, func(i int) error {
			_, err := h.EnterCode(t.Context(), in.user, token, "000000", identity.From{IP: fmt.Sprintf("203.0.%d.1", i)})
			return err
		})
		if got[fault.Invalid] > 6 || got[fault.Invalid]+got[fault.TooMany] != 40 {
			t.Errorf("codes, many networks: %v", got)
		}
	})
}

func TestSuccessIsNotCountedAsAGuess(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		for range 40 {
			if _, _, err := h.SignIn(t.Context(), h.owner.Email, good, identity.From{IP: "192.0.2.1"}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Not parallel: it counts what the whole process allocates. A hash takes 19 MiB, whatever else the machine does.
func TestUnknownAndDisabledTakeAsLongAsWrong(t *testing.T) {
	clock := databasetest.NewClock()
	h := open(t, databasetest.SQLite(t, clock), clock)
	h.join(t, "gone@kente.example", access.Viewer)
	if err := h.SetDisabled(t.Context(), access.SystemActor("test"), "gone@kente.example", true); err != nil {
		t.Fatal(err)
	}
	for i, email := range []string{h.owner.Email, "nobody@kente.example", "gone@kente.example", "not an address"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := h.SignIn(t.Context(), email, "not the password", identity.From{IP: fmt.Sprintf("10.0.%d.1", i)})
		runtime.ReadMemStats(&after)
		wantKind(t, err, fault.Invalid)
		if hashes := (after.TotalAlloc - before.TotalAlloc) >> 20 / 19; hashes != 1 {
			t.Errorf("%s: %d hashes were computed, want 1", email, hashes)
		}
	}
}

func TestTurningOnTheSecondFactor(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		thief, owner := h.begin(t, h.owner), h.begin(t, h.owner)
		seen := must(h.Enrol(t.Context(), thief.user, thief.session))
		shown := must(h.Enrol(t.Context(), h.visit(t, owner.token).user, owner.session))
		if seen.Key == shown.Key {
			t.Fatal("a key shown in one session is offered in another")
		}
		if again := must(h.Enrol(t.Context(), h.visit(t, owner.token).user, owner.session)); again.Key != shown.Key {
			t.Error("reading the page again changed the key, so the app that scanned it is out of step")
		}
		_, _, err := h.Confirm(t.Context(), h.visit(t, thief.token).user, thief.session, h.code(t, seen.Key), identity.From{})
		wantKind(t, err, fault.Invalid)

		u := h.visit(t, owner.token).user
		var fresh atomic.Value
		got := atOnce(5, func(int) error {
			codes, token, err := h.Confirm(t.Context(), u, owner.session, h.code(t, shown.Key), identity.From{IP: "192.0.2.9"})
			if err == nil {
				fresh.Store(token)
				if len(codes) != 10 {
					t.Errorf("%d recovery codes", len(codes))
				}
			}
			return err
		})
		if got[""] != 1 {
			t.Errorf("confirmed at once: %v", got)
		}
		if h.alive(t, thief.token) || h.alive(t, owner.token) {
			t.Error("a session that never proved the second factor outlives it")
		}
		now := h.visit(t, fresh.Load().(string))
		if !now.session.ExpiresAt.Equal(owner.session.ExpiresAt) {
			t.Error("the new token lives longer than the session it replaced")
		}
		if n := must(h.CodesLeft(t.Context(), now.user)); n != 10 {
			t.Errorf("%d recovery codes count", n)
		}
		_, err = h.Enrol(t.Context(), thief.user, thief.session) // as they were loaded before
		wantKind(t, err, fault.Conflict)
	})
}

func TestHalfASignIn(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		key, codes, on := h.secondFactor(t, h.owner)
		half := func() visitor {
			token, needsCode, err := h.SignIn(t.Context(), h.owner.Email, good, identity.From{IP: "192.0.2.1"})
			if err != nil || !needsCode {
				t.Fatal(needsCode, err)
			}
			return h.visit(t, token)
		}
		waiting := half()
		clock.Move(11 * time.Minute)
		if h.alive(t, waiting.token) {
			t.Error("a sign-in waits for its code longer than ten minutes")
		}

		waiting = half()
		if err := h.Revoke(t.Context(), on.user, "", on.token, identity.From{}); err != nil {
			t.Fatal(err)
		}
		_, err := h.EnterCode(t.Context(), waiting.user, waiting.token, h.code(t, key), identity.From{})
		wantKind(t, err, fault.Unauthenticated) // revoked between the page and the form

		waiting = half()
		full, err := h.EnterCode(t.Context(), waiting.user, waiting.token, h.code(t, key), identity.From{})
		if err != nil || full == waiting.token || h.alive(t, waiting.token) || h.visit(t, full).session.Stage() != identity.StageFull {
			t.Errorf("the token did not change with its rights: %v", err)
		}

		waiting = half()
		got := atOnce(20, func(int) error {
			_, err := h.EnterCode(t.Context(), waiting.user, waiting.token, codes[0], identity.From{IP: "198.51.100.2"})
			return err
		})
		if got[""] != 1 {
			t.Errorf("a recovery code at once: %v", got)
		}
		clock.Move(10 * time.Minute)
		waiting = half()
		if err := h.ResetMFA(t.Context(), access.SystemActor("test"), h.owner.Email); err != nil {
			t.Fatal(err)
		}
		if h.alive(t, waiting.token) {
			t.Error("half a sign-in outlives the second factor")
		}
	})
}

func TestDisabledWinsOverEveryPath(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		system := access.SystemActor("test")
		ctx, owner := h.actor(t, h.owner)
		kofi := h.join(t, "kofi@kente.example", access.Admin)
		key, codes, in := h.secondFactor(t, kofi)
		clock.Move(time.Minute)
		token, _, err := h.SignIn(t.Context(), kofi.Email, good, identity.From{})
		if err != nil {
			t.Fatal(err)
		}
		waiting := h.visit(t, token)
		reset := must(h.ResetLink(ctx, owner, must(h.Enter(t.Context(), kofi, h.home.Slug)).Member.ID))
		_, admin := h.actor(t, kofi)
		invitation := must(h.Invite(ctx, admin, "friend@kente.example", access.Admin))
		if err := h.SetDisabled(t.Context(), system, "KOFI@kente.example", true); err != nil {
			t.Fatal(err)
		}

		_, err = h.EnterCode(t.Context(), waiting.user, waiting.token, h.code(t, key), identity.From{})
		wantKind(t, err, fault.Unauthenticated)
		_, err = h.EnterCode(t.Context(), waiting.user, waiting.token, codes[1], identity.From{})
		wantKind(t, err, fault.Unauthenticated)
		_, err = h.Begin(t.Context(), kofi, identity.From{})
		wantKind(t, err, fault.Unauthenticated)
		_, err = h.ResetPassword(t.Context(), reset, "four green bicycles sing", identity.From{})
		wantKind(t, err, fault.NotFound)
		_, _, err = h.Join(t.Context(), invitation, nil, "Friend", good, identity.From{})
		wantKind(t, err, fault.NotFound)
		if h.alive(t, in.token) || h.alive(t, waiting.token) {
			t.Error("a session lives")
		}
		if err := h.SetDisabled(t.Context(), system, kofi.Email, false); err != nil {
			t.Fatal(err)
		}
		if h.alive(t, in.token) || h.alive(t, waiting.token) {
			t.Error("a session woke up with its person")
		}
	})
}

func TestResetLinksAreJudgedAgainWhenTheyAreUsed(t *testing.T) {
	t.Parallel()
	system := access.SystemActor("test")
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		ctx, owner := h.actor(t, h.owner)
		admins := 0
		// between gets a fresh admin and a fresh engineer, whose reset link the admin holds.
		for name, between := range map[string]func(t *testing.T, admin, victim access.Actor){
			"the person came into another workspace": func(t *testing.T, _, victim access.Actor) {
				other := must(h.CreateWorkspace(t.Context(), system, "Other"))
				boss := must(h.CreateUser(t.Context(), system, identity.Account{Email: "boss@other.example", Password: good}, other.Slug, access.Owner))
				there := database.WithWorkspace(t.Context(), other.ID)
				at := must(h.Enter(t.Context(), boss, other.Slug))
				u := must(h.Person(ctx, owner, victim.MemberID)).User
				token := must(h.Invite(there, at.Actor(boss, identity.From{}), u.Email, access.Owner))
				must2(h.Join(t.Context(), token, &u, "", "", identity.From{}))
			},
			"the person became an owner": func(t *testing.T, _, victim access.Actor) {
				ok(t, h.ChangeMember(ctx, owner, victim.MemberID, identity.Change{Role: access.Owner}))
			},
			"the person left": func(t *testing.T, _, victim access.Actor) { ok(t, h.RemoveMember(ctx, owner, victim.MemberID)) },
			"the admin is no admin any more": func(t *testing.T, admin, _ access.Actor) {
				ok(t, h.ChangeMember(ctx, owner, admin.MemberID, identity.Change{Role: access.Engineer}))
			},
			"the admin left": func(t *testing.T, admin, _ access.Actor) { ok(t, h.RemoveMember(ctx, owner, admin.MemberID)) },
			"the person changed the password": func(t *testing.T, _, victim access.Actor) {
				u := must(h.Person(ctx, owner, victim.MemberID)).User
				ok(t, h.ChangePassword(t.Context(), u, good, "seven quiet rivers bend", "", identity.From{IP: "192.0.2.77"}))
			},
			"a newer link was made": func(t *testing.T, admin, victim access.Actor) { must(h.ResetLink(ctx, admin, victim.MemberID)) },
			"a day went by":         func(*testing.T, access.Actor, access.Actor) { clock.Move(25 * time.Hour) },
		} {
			admins++
			_, admin := h.actor(t, h.join(t, fmt.Sprintf("admin%d@kente.example", admins), access.Admin))
			_, victim := h.actor(t, h.join(t, fmt.Sprintf("victim%d@kente.example", admins), access.Engineer))
			link := must(h.ResetLink(ctx, admin, victim.MemberID))
			if _, err := h.CheckLink(t.Context(), identity.LinkReset, link); err != nil {
				t.Fatal(err)
			}
			between(t, admin, victim)
			if _, err := h.ResetPassword(t.Context(), link, "four green bicycles sing", identity.From{}); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s, and the link still works: %v", name, err)
			}
		}
	})
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestInvitationsDieWithTheRightToGiveThem(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		ctx, owner := h.actor(t, h.owner)
		for i, loses := range []func(access.Actor) error{
			func(a access.Actor) error { return h.RemoveMember(ctx, owner, a.MemberID) },
			func(a access.Actor) error {
				return h.ChangeMember(ctx, owner, a.MemberID, identity.Change{Role: access.Viewer})
			},
			func(a access.Actor) error {
				soon := clock.Now().Add(time.Hour)
				err := h.ChangeMember(ctx, owner, a.MemberID, identity.Change{Role: access.Admin, ExpiresAt: &soon})
				clock.Move(2 * time.Hour)
				return err
			},
		} {
			_, admin := h.actor(t, h.join(t, fmt.Sprintf("admin%d@kente.example", i), access.Admin))
			token := must(h.Invite(ctx, admin, fmt.Sprintf("second-me%d@kente.example", i), access.Admin))
			ok(t, loses(admin))
			_, _, err := h.Join(t.Context(), token, nil, "Second Me", good, identity.From{})
			wantKind(t, err, fault.NotFound)
		}
		gone := must(h.Invite(ctx, owner, "late@kente.example", access.Viewer))
		clock.Move(8 * 24 * time.Hour)
		_, _, err := h.Join(t.Context(), gone, nil, "Late", good, identity.From{})
		wantKind(t, err, fault.NotFound)
		list := must(h.Invitations(ctx, owner))
		if len(list) != 0 {
			t.Errorf("%d invitations that ran out are listed", len(list))
		}
		cancelled := must(h.Invite(ctx, owner, "no@kente.example", access.Viewer))
		ok(t, h.CancelInvitation(ctx, owner, must(h.Invitations(ctx, owner))[0].ID))
		_, _, err = h.Join(t.Context(), cancelled, nil, "No", good, identity.From{})
		wantKind(t, err, fault.NotFound)
	})
}

// Who may make whom what: every role tries every change. Probo let an admin make an owner.
func TestEveryRoleTriesEveryChange(t *testing.T) {
	t.Parallel()
	clock := databasetest.NewClock()
	h := open(t, databasetest.SQLite(t, clock), clock)
	ctx, owner := h.actor(t, h.owner)
	actors := map[access.Role]access.Actor{access.Owner: owner}
	for _, r := range access.Roles()[1:] {
		_, actors[r] = h.actor(t, h.join(t, "by-"+string(r)+"@kente.example", r))
	}
	_, target := h.actor(t, h.join(t, "target@kente.example", access.Viewer))
	for by, actor := range actors {
		for _, from := range access.Roles() {
			for _, to := range append(access.Roles(), "king", "system", "") {
				ok(t, h.ChangeMember(ctx, owner, target.MemberID, identity.Change{Role: from}))
				may := (by == access.Owner || (by == access.Admin && from != access.Owner && to != access.Owner)) && to.Valid()
				err := h.ChangeMember(ctx, actor, target.MemberID, identity.Change{Role: to})
				if (err == nil) != may {
					t.Errorf("%s makes a %s %q: %v", by, from, to, err)
				}
				if now := must(h.Person(ctx, owner, target.MemberID)).Role; (now == to) != may && from != to {
					t.Errorf("%s made a %s %q: now %s", by, from, to, now)
				}
			}
			_, err := h.ResetLink(ctx, actor, target.MemberID)
			if may := by == access.Owner || (by == access.Admin && from != access.Owner); (err == nil) != may {
				t.Errorf("%s resets the password of a %s: %v", by, from, err)
			}
		}
	}
}

func TestAnOwnerAlwaysRemains(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		ctx, first := h.actor(t, h.owner)
		kofi := h.join(t, "kofi@kente.example", access.Owner)
		_, second := h.actor(t, kofi)

		soon := clock.Now().Add(time.Hour)
		ok(t, h.ChangeMember(ctx, first, second.MemberID, identity.Change{Role: access.Owner, ExpiresAt: &soon}))
		wantKind(t, h.RemoveMember(ctx, second, first.MemberID), fault.Conflict) // the one who remains would leave within the hour
		ok(t, h.ChangeMember(ctx, first, second.MemberID, identity.Change{Role: access.Owner}))

		ok(t, h.SetDisabled(t.Context(), access.SystemActor("test"), kofi.Email, true))
		wantKind(t, h.ChangeMember(ctx, first, first.MemberID, identity.Change{Role: access.Admin}), fault.Conflict)
		ok(t, h.SetDisabled(t.Context(), access.SystemActor("test"), kofi.Email, false))

		got := atOnce(2, func(i int) error { // each takes the other's ownership at the same moment
			by, of := first, second
			if i == 1 {
				by, of = second, first
			}
			return h.ChangeMember(ctx, by, of.MemberID, identity.Change{Role: access.Viewer})
		})
		if got[""] != 1 || got[fault.Conflict] != 1 {
			t.Errorf("two owners unmake each other: %v", got)
		}
	})
}

func TestNamesAndAddressesAreText(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB, clock *databasetest.Clock) {
		h := open(t, db, clock)
		ctx, owner := h.actor(t, h.owner)
		for _, bad := range []string{"", "  ", "a\x00b", "\xff\xfe", "a\x1bb", strings.Repeat("é", 101)} {
			wantKind(t, h.Rename(t.Context(), h.owner, bad, identity.From{}), fault.Invalid)
			wantKind(t, h.ChangeWorkspace(ctx, owner, bad, false), fault.Invalid)
		}
		for _, bad := range []string{"", "x", "a@b", "a b@kente.example", "Ama <ama@kente.example>", "a\x00@kente.example", "\xff@kente.example", strings.Repeat("a", 250) + "@kente.example"} {
			_, err := h.Invite(ctx, owner, bad, access.Viewer)
			wantKind(t, err, fault.Invalid)
		}
		if _, err := h.Begin(t.Context(), h.owner, identity.From{UserAgent: "odd \x00\xff " + strings.Repeat("é", 150)}); err != nil {
			t.Errorf("a browser with an odd name cannot sign in: %v", err)
		}
	})
}
