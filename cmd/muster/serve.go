package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"muster/internal/app"
	"muster/internal/config"
	"muster/internal/fault"
)

type serveCmd struct{ config.Config }

// Run serves until it is told to stop.
func (c serveCmd) Run(ctx context.Context, o output) error {
	logTo(o.err, c.LogFormat)
	cfg := c.Config
	if err := cfg.Validate(); err != nil {
		return fault.New(fault.Invalid, "%v.", err)
	}
	a, err := app.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	fmt.Fprintf(o.out, "Muster is at %s\n", cfg.BaseURL)
	token, needed, err := a.House.Identity.NewSetupLink(ctx)
	if err != nil {
		return err
	}
	if needed {
		fmt.Fprintf(o.out, "First run: make your account at %s/setup/%s\n(the link works once, for 24 hours; a restart prints a new one)\n", cfg.BaseURL, token)
	}
	return a.Run(ctx)
}

type healthcheckCmd struct {
	Addr string `env:"MUSTER_ADDR" default:"127.0.0.1:8080" help:"Address of the server (default: ${default})." placeholder:"HOST:PORT"`
}

// Run asks /healthz.
func (c healthcheckCmd) Run(ctx context.Context, o output) error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fault.New(fault.Invalid, "The address %q is not HOST:PORT.", c.Addr)
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fault.New(fault.Unavailable, "No server answers at %s.", c.Addr)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fault.New(fault.Unavailable, "The server at %s answers %s.", c.Addr, answer.Status)
	}
	_, err = fmt.Fprintln(o.out, "ok")
	return err
}
