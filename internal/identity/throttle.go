package identity

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"muster/internal/fault"
	"muster/internal/secret"
)

// limit is how many failures a bucket takes for free, and the longest wait after that.
type limit struct {
	free int
	most time.Duration
}

var (
	perAccount = limit{free: 5, most: 15 * time.Minute}  // one account from one network
	perNetwork = limit{free: 30, most: 15 * time.Minute} // all accounts from one network
	perCode    = limit{free: 5, most: 5 * time.Minute}   // codes for an account whose password is already known
)

// delay doubles with each failure beyond the free ones.
func (l limit) delay(failures int) time.Duration {
	over := failures - l.free
	if over <= 0 {
		return 0
	}
	if over > 20 {
		return l.most
	}
	return min(time.Second<<over, l.most)
}

// bucket is one counter. No bucket covers an account from everywhere, so that nobody can lock another out.
type bucket struct {
	name  string
	limit limit
}

// network is the part of an address that one customer of a provider usually has.
func network(ip string) string {
	address, err := netip.ParseAddr(ip)
	if err != nil {
		return "unknown"
	}
	address = address.Unmap().WithZone("")
	bits := 64
	if address.Is4() {
		bits = 24
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return prefix.String()
}

func passwordBuckets(email, ip string) []bucket {
	return []bucket{{"password " + secret.Hash(email)[:16] + " " + network(ip), perAccount}, {"password " + network(ip), perNetwork}}
}

func codeBuckets(userID string, ip string) []bucket {
	return []bucket{{"code " + userID, perCode}, {"code " + network(ip), perNetwork}}
}

// attempt counts a try in each bucket before it is made, and refuses while one of them is blocked. Counting afterwards
// would let any number of tries at once pass the check before the first of them has failed.
func (s *Service) attempt(ctx context.Context, buckets []bucket) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		now := s.db.Now(ctx)
		for _, b := range buckets {
			t, err := s.lockThrottle(ctx, b.name, now)
			if err != nil {
				return err
			}
			if wait := t.BlockedUntil.Sub(now); wait > 0 {
				return fault.New(fault.TooMany, "Too many attempts failed from here. Wait %s, then try again.", waitWords(wait))
			}
			if now.Sub(t.UpdatedAt) > 24*time.Hour {
				t.Failures = 0
			}
			t.Failures++
			t.UpdatedAt, t.BlockedUntil = now, now.Add(b.limit.delay(t.Failures))
			if err := s.saveThrottle(ctx, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgive takes back what attempt counted, once the try succeeded: the account starts afresh, its network only loses this one.
func (s *Service) forgive(ctx context.Context, buckets []bucket) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.clearThrottle(ctx, buckets[0].name); err != nil {
			return err
		}
		for _, b := range buckets[1:] {
			t, err := s.lockThrottle(ctx, b.name, s.db.Now(ctx))
			if err != nil {
				return err
			}
			t.Failures = max(0, t.Failures-1)
			t.BlockedUntil = t.UpdatedAt.Add(b.limit.delay(t.Failures))
			if err := s.saveThrottle(ctx, t); err != nil {
				return err
			}
		}
		return nil
	})
}

func waitWords(wait time.Duration) string {
	if wait > time.Minute {
		return fmt.Sprintf("%d minutes", int(wait.Minutes())+1)
	}
	return fmt.Sprintf("%d seconds", int(wait.Seconds())+1)
}
