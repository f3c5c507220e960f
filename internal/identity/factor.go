package identity

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"muster/internal/activity"
	"muster/internal/fault"
	"muster/internal/secret"
)

// period is the life of one code.
const period = 30 * time.Second

// recoveryCodes is how many a person gets.
const recoveryCodes = 10

func sealPlace(u User) string { return "users:totp_secret:" + userKey(u.ID) }

// pendingPlace binds a factor that is not confirmed yet to the session that asked for it. Somebody who was in the account
// before, and saw a key then, must not find the same key confirmed later by its owner.
func pendingPlace(u User, in Session) string { return sealPlace(u) + ":pending:" + in.PublicID }

// Enrolment is what an authenticator app needs. It is shown until the first code confirms it.
type Enrolment struct {
	Key string // in groups of four, to type
	URL string // otpauth://…, for the QR code
}

var factorIsOn = fault.New(fault.Conflict, "The second factor is on already.")

// Enrol begins, or goes on with, setting up a second factor in a session.
func (s *Service) Enrol(ctx context.Context, u User, in Session) (Enrolment, error) {
	if u.HasMFA() {
		return Enrolment{}, factorIsOn
	}
	if u.TOTPSecret != "" {
		key, err := s.box.Open(u.TOTPSecret, pendingPlace(u, in))
		if err == nil {
			return enrolment(u, key)
		}
	}
	raw := make([]byte, 20)
	rand.Read(raw)
	key := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		stored, err := s.setPending(ctx, u.ID, s.box.Seal(key, pendingPlace(u, in)))
		if err == nil && !stored {
			err = factorIsOn
		}
		return err
	})
	if err != nil {
		return Enrolment{}, err
	}
	return enrolment(u, key)
}

func enrolment(u User, key string) (Enrolment, error) {
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		return Enrolment{}, fmt.Errorf("read second factor: %w", err)
	}
	k, err := totp.Generate(totp.GenerateOpts{Issuer: "Muster", AccountName: u.Email, Secret: raw, Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return Enrolment{}, fmt.Errorf("make second factor: %w", err)
	}
	var groups []string
	for i := 0; i < len(key); i += 4 {
		groups = append(groups, key[i:min(i+4, len(key))])
	}
	return Enrolment{Key: strings.Join(groups, " "), URL: k.URL()}, nil
}

// step finds the time step whose code was entered, one before and one after now included; 0 when none.
func (s *Service) step(ctx context.Context, key, code string) (int64, error) {
	now := s.db.Now(ctx)
	for _, shift := range []time.Duration{0, -period, period} {
		at := now.Add(shift)
		ok, err := totp.ValidateCustom(code, key, at, totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, nil // not six digits
		}
		if ok {
			return at.Unix() / 30, nil
		}
	}
	return 0, nil
}

func cleanCode(code string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(code)))
}

var tooLate = fault.New(fault.Unauthenticated, "This sign-in has ended. Begin again with your password.")

var wrongCode = fault.Field("code", "This code is wrong or was used already. Enter the one that the app shows now.")

// Confirm turns the second factor on with its first code. It gives the recovery codes, shown this once, and a new token
// for the session: every other session of the person ends, because none of them ever proved the second factor.
func (s *Service) Confirm(ctx context.Context, u User, in Session, code string, from From) (codes []string, token string, err error) {
	buckets := codeBuckets(userKey(u.ID), from.IP)
	if err := s.attempt(ctx, buckets); err != nil {
		return nil, "", err
	}
	pending := u.TOTPSecret
	if u.HasMFA() || pending == "" {
		return nil, "", fault.New(fault.Conflict, "There is no second factor to confirm.")
	}
	key, err := s.box.Open(pending, pendingPlace(u, in))
	if err != nil { // another session asked for a key since
		return nil, "", wrongCode
	}
	step, err := s.step(ctx, key, cleanCode(code))
	if err != nil {
		return nil, "", err
	}
	if step == 0 {
		return nil, "", wrongCode
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		now := s.db.Now(ctx)
		u.TOTPSecret, u.TOTPConfirmedAt, u.TOTPLastStep = s.box.Seal(key, sealPlace(u)), &now, step
		on, err := s.confirmFactor(ctx, &u, pending)
		if err != nil {
			return err
		}
		if !on {
			return factorIsOn
		}
		if err := s.forgive(ctx, buckets); err != nil {
			return err
		}
		if codes, err = s.newCodes(ctx, u); err != nil {
			return err
		}
		if err := s.deleteSessions(ctx, u.ID, ""); err != nil {
			return err
		}
		if token, err = s.newSession(ctx, u, StageFull, from, in.CreatedAt); err != nil {
			return err
		}
		return s.log.Record(ctx, from.actor(u), activity.Change{Action: "user.mfa_on", Kind: "user", ID: u.ID, Name: u.Email})
	})
	return codes, token, err
}

func (s *Service) newCodes(ctx context.Context, u User) ([]string, error) {
	codes, rows := make([]string, 0, recoveryCodes), make([]RecoveryCode, 0, recoveryCodes)
	for range recoveryCodes {
		raw := make([]byte, 10)
		rand.Read(raw)
		code := strings.ToLower(base32.StdEncoding.EncodeToString(raw))
		codes = append(codes, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
		rows = append(rows, RecoveryCode{UserID: u.ID, CodeHash: secret.Hash(code)})
	}
	return codes, s.insertCodes(ctx, rows)
}

// EnterCode ends a sign-in with the app's code, or with a recovery code, and gives the session's new token.
func (s *Service) EnterCode(ctx context.Context, u User, token, code string, from From) (string, error) {
	if !u.HasMFA() { // it was taken away since the password was entered
		return "", tooLate
	}
	buckets := codeBuckets(userKey(u.ID), from.IP)
	if err := s.attempt(ctx, buckets); err != nil {
		return "", err
	}
	fresh := ""
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		ok, err := s.takeFactor(ctx, u, cleanCode(code), from)
		if err != nil || !ok {
			return orElse(err, wrongCode)
		}
		if err := s.forgive(ctx, buckets); err != nil {
			return err
		}
		fresh, err = s.promote(ctx, u, token, from)
		return err
	})
	return fresh, err
}

func (s *Service) takeFactor(ctx context.Context, u User, code string, from From) (bool, error) {
	if len(code) > 6 {
		ok, err := s.takeCode(ctx, u.ID, code)
		if ok {
			err = s.log.Record(ctx, from.actor(u), activity.Change{Action: "user.recovery_code", Kind: "user", ID: u.ID, Name: u.Email})
		}
		return ok, err
	}
	key, err := s.box.Open(u.TOTPSecret, sealPlace(u))
	if err != nil {
		return false, fmt.Errorf("open second factor: %w", err)
	}
	step, err := s.step(ctx, key, code)
	if err != nil || step == 0 {
		return false, err
	}
	return s.takeStep(ctx, u.ID, step)
}

// CodesLeft counts the recovery codes that were not used.
func (s *Service) CodesLeft(ctx context.Context, u User) (int64, error) {
	return s.countCodes(ctx, u.ID)
}

// TurnOffMFA needs the password again.
func (s *Service) TurnOffMFA(ctx context.Context, u User, password string, from From) error {
	if err := s.reprove(ctx, u, password, from); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.clearTOTP(ctx, &u); err != nil {
			return err
		}
		return s.log.Record(ctx, from.actor(u), activity.Change{Action: "user.mfa_off", Kind: "user", ID: u.ID, Name: u.Email})
	})
}

// reprove checks the password of somebody who is signed in.
func (s *Service) reprove(ctx context.Context, u User, password string, from From) error {
	buckets := passwordBuckets(u.Email, from.IP)
	if err := s.attempt(ctx, buckets); err != nil {
		return err
	}
	if ok, _ := checkPassword(u.PasswordHash, password); !ok {
		return fault.Field("current", "This is not your password.")
	}
	return s.forgive(ctx, buckets)
}

// ChangePassword needs the old password; every other session ends.
func (s *Service) ChangePassword(ctx context.Context, u User, current, next, token string, from From) error {
	if err := s.reprove(ctx, u, current, from); err != nil {
		return err
	}
	return s.setPassword(ctx, u, next, token, from)
}

func (s *Service) setPassword(ctx context.Context, u User, next, token string, from From) error {
	if err := checkNewPassword(next, u.Name, u.Email, "muster"); err != nil {
		return err
	}
	u.PasswordHash = hashPassword(next)
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.updateUser(ctx, &u, "password_hash"); err != nil {
			return err
		}
		if err := s.deleteSessions(ctx, u.ID, token); err != nil {
			return err
		}
		if err := s.voidResets(ctx, u.ID); err != nil {
			return err
		}
		return s.log.Record(ctx, from.actor(u), activity.Change{Action: "user.password", Kind: "user", ID: u.ID, Name: u.Email})
	})
}

// Rename changes the person's name.
func (s *Service) Rename(ctx context.Context, u User, name string, from From) error {
	name, err := cleanName("name", name)
	if err != nil {
		return err
	}
	before := u.Name
	u.Name = name
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.updateUser(ctx, &u, "name"); err != nil {
			return err
		}
		return s.log.Record(ctx, from.actor(u), activity.Change{Action: "user.rename", Kind: "user", ID: u.ID, Name: u.Email, Before: before, After: name})
	})
}
