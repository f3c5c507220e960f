// Package app is the composition root of the server: it knows everything, starts it, and stops it gracefully.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"muster/internal/config"
	"muster/internal/database"
	"muster/internal/fault"
	"muster/internal/house"
	"muster/internal/jobs"
	"muster/internal/web"
)

// App is a server that is ready to run.
type App struct {
	House    *house.House
	Web      *web.Server
	cfg      *config.Config
	listener net.Listener
}

// New opens the database, makes every service and takes the address, so that a failure shows before anything is served.
func New(ctx context.Context, cfg config.Config) (*App, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fault.New(fault.Invalid, "%s.", err.Error())
	}
	h, err := house.Open(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	if err := h.DB.LockFolder(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	h.Reach(cfg.Reach)
	a := &App{House: h, cfg: &cfg}
	if a.Web, err = web.New(h, &cfg); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if a.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Addr); err != nil {
		return nil, errors.Join(fault.New(fault.Unavailable, "The address %s cannot be used: %v. Give another one with --addr.", cfg.Addr, err), h.Close())
	}
	return a, nil
}

// Addr is where it listens.
func (a *App) Addr() string { return a.listener.Addr().String() }

// The time that a stop gives to requests that have begun.
const grace = 10 * time.Second

// Run serves until the context ends, then lets what has begun finish.
func (a *App) Run(ctx context.Context) error {
	server := &http.Server{
		Handler: a.Web, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(a.Web.Stop)
	var busy sync.WaitGroup
	defer busy.Wait() // the database stays open until nobody works on it
	ctx, stopWork := context.WithCancel(ctx)
	defer stopWork()
	busy.Go(func() { sweep(ctx, a.House) })
	if !a.cfg.NoWorkers {
		busy.Go(func() { work(ctx, a.House, a.cfg.Workers) })
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(a.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// sweepEvery is how often the server looks whether a day has begun that no workspace was swept on yet.
const sweepEvery = 10 * time.Minute

// work does what is planned and asked for until the context ends. Whoever has locked the folder of an embedded database
// is alone with it.
func work(ctx context.Context, h *house.House, workers int) {
	h.Jobs.Work(ctx, jobs.Options{Workers: workers, Alone: h.DB.Engine == database.SQLite})
}

// sweep ages states and keeps the day's scores until the context ends. A failure is logged and tried again.
func sweep(ctx context.Context, h *house.House) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := h.Posture.SweepAll(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "the daily sweep failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close closes the database.
func (a *App) Close() error { return a.House.Close() }
