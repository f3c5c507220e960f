package demo_test

import (
	"testing"
	"time"

	"muster/internal/config"
	"muster/internal/demo"
	"muster/internal/house"
)

func TestX(t *testing.T) {
	clock := demo.NewClock(time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC), 365)
	h, err := house.OpenAt(t.Context(), config.Store{Data: t.TempDir()}, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	start := time.Now()
	if _, err := demo.Make(t.Context(), demo.Doors{Identity: h.Identity, Inventory: h.Inventory, Intake: h.Intake, Posture: h.Posture, Steward: h.Steward}, clock, 1, func(s string) { t.Log(time.Since(start), s) }); err != nil {
		t.Fatal(err)
	}
}
