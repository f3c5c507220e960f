package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"muster/internal/app"
	"muster/internal/config"
)

type workerCmd struct {
	config.Store
	config.Reach
	Workers   int    `env:"MUSTER_WORKERS" default:"4" help:"Jobs that this process does at the same time (default: ${default})."`
	LogFormat string `env:"MUSTER_LOG_FORMAT" enum:"text,json" default:"text" help:"text or json (default: ${default})."`
}

// Run works until it is told to stop.
func (c workerCmd) Run(ctx context.Context, o output) error {
	logTo(o.err, c.LogFormat)
	w, err := app.NewWorker(ctx, c.Store, c.Reach, c.Workers)
	if err != nil {
		return err
	}
	defer w.Close()
	fmt.Fprintln(o.out, "Muster works; stop it with Ctrl+C or SIGTERM.")
	w.Run(ctx)
	return nil
}

// logTo makes the log of a process that stays.
func logTo(w io.Writer, format string) {
	var handler slog.Handler = slog.NewTextHandler(w, nil)
	if format == "json" {
		handler = slog.NewJSONHandler(w, nil)
	}
	slog.SetDefault(slog.New(handler))
}
