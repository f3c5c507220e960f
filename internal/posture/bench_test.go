package posture_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/database/databasetest"
	"muster/internal/posture"
)

// many writes the manifests of n services; a third is hardened, a tenth is reachable.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		name := fmt.Sprintf("service-%d", i)
		b.WriteString(deployment(name, i%3 == 0))
		if i%10 == 0 {
			b.WriteString(way(name))
		}
	}
	return b.String()
}

// within runs the benchmark and ends it as failed when one run takes longer than the limit.
func within(b *testing.B, limit time.Duration, run func()) {
	b.Helper()
	run()
	for b.Loop() {
		run()
	}
	if each := b.Elapsed() / time.Duration(b.N); each > limit {
		b.Errorf("%s each, and the limit is %s", each, limit)
	}
}

// BenchmarkRecompute judges 200 services and everything that follows: at most a second.
func BenchmarkRecompute(b *testing.B) {
	clock := databasetest.NewClock()
	d := open(b, databasetest.SQLite(b, clock), clock)
	d.apply(d.production, many(200))
	within(b, time.Second, func() {
		clock.Move(time.Minute)
		d.must(d.Recompute(d.ctx, nil, posture.Cause{}))
	})
}

// BenchmarkRecomputeTenThousand judges 10,000 services: at most a minute.
func BenchmarkRecomputeTenThousand(b *testing.B) {
	clock := databasetest.NewClock()
	d := open(b, databasetest.SQLite(b, clock), clock)
	for i := range 10 {
		d.applyAs(d.production, fmt.Sprintf("source %d", i), strings.ReplaceAll(strings.ReplaceAll(many(1000), "namespace: shop", fmt.Sprintf("namespace: shop-%d", i)), "service-", fmt.Sprintf("s%d-", i)))
		clock.Move(time.Second)
	}
	if n := len(d.services()); n != 10_000 {
		b.Fatalf("%d services", n)
	}
	within(b, time.Minute, func() {
		clock.Move(time.Minute)
		d.must(d.Recompute(d.ctx, nil, posture.Cause{}))
	})
}

// BenchmarkOverview reads the first page of 200 services: at most 30 ms.
func BenchmarkOverview(b *testing.B) {
	clock := databasetest.NewClock()
	d := open(b, databasetest.SQLite(b, clock), clock)
	d.apply(d.production, many(200))
	within(b, 30*time.Millisecond, func() {
		_, err := d.Overview(d.ctx, d.ama)
		d.must(err)
	})
}
