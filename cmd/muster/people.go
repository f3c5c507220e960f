package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"muster/internal/access"
	"muster/internal/config"
	"muster/internal/fault"
	"muster/internal/house"
	"muster/internal/identity"
)

// system acts for the person at the command line.
var system = access.SystemActor("command line")

type workspaceCmd struct {
	Create workspaceCreateCmd `cmd:"" help:"Make a workspace."`
}

type workspaceCreateCmd struct {
	config.Store
	Name string `arg:"" help:"Name of the organisation."`
}

// Run makes the workspace and prints its name in addresses.
func (c workspaceCreateCmd) Run(ctx context.Context, o output) error {
	h, err := house.Open(ctx, c.Store)
	if err != nil {
		return err
	}
	defer h.Close()
	w, err := h.Identity.CreateWorkspace(ctx, system, c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.out, w.Slug)
	return err
}

type userCmd struct {
	Create   userCreateCmd   `cmd:"" help:"Make a person and put them into a workspace."`
	Disable  userDisableCmd  `cmd:"" help:"Switch a person off, with every session."`
	Enable   userEnableCmd   `cmd:"" help:"Switch a person on again."`
	ResetMFA userResetMFACmd `cmd:"" name:"reset-mfa" help:"Take a person's second factor away."`
}

type userCreateCmd struct {
	config.Store
	Email         string `required:"" help:"E-mail address."`
	Name          string `help:"Name; the address when left out."`
	Role          string `default:"owner" help:"owner, admin, engineer, consultant or viewer."`
	Workspace     string `required:"" help:"The workspace's name in addresses."`
	PasswordStdin bool   `help:"Read the password from standard input."`
}

// Run makes the person; the password never stands on the command line.
func (c userCreateCmd) Run(ctx context.Context, o output) error {
	if !c.PasswordStdin {
		return fault.New(fault.Invalid, "Give --password-stdin and the password on standard input; on the command line others could read it.")
	}
	line, err := bufio.NewReader(o.in).ReadString('\n')
	password := strings.TrimRight(line, "\r\n")
	if password == "" {
		return fault.New(fault.Invalid, "There was no password on standard input (%v).", err)
	}
	h, err := house.Open(ctx, c.Store)
	if err != nil {
		return err
	}
	defer h.Close()
	u, err := h.Identity.CreateUser(ctx, system, identity.Account{Name: c.Name, Email: c.Email, Password: password}, c.Workspace, access.Role(c.Role))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "%s is %s of %s.\n", u.Email, c.Role, c.Workspace)
	return err
}

type oneUser struct {
	config.Store
	Email string `required:"" help:"E-mail address."`
}

func (c oneUser) change(ctx context.Context, o output, done string, change func(*identity.Service) error) error {
	h, err := house.Open(ctx, c.Store)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := change(h.Identity); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "%s %s\n", c.Email, done)
	return err
}

type userDisableCmd struct{ oneUser }

// Run switches the person off.
func (c userDisableCmd) Run(ctx context.Context, o output) error {
	return c.change(ctx, o, "is switched off, and every session ended.", func(s *identity.Service) error { return s.SetDisabled(ctx, system, c.Email, true) })
}

type userEnableCmd struct{ oneUser }

// Run switches the person on again.
func (c userEnableCmd) Run(ctx context.Context, o output) error {
	return c.change(ctx, o, "may sign in again.", func(s *identity.Service) error { return s.SetDisabled(ctx, system, c.Email, false) })
}

type userResetMFACmd struct{ oneUser }

// Run takes the second factor away.
func (c userResetMFACmd) Run(ctx context.Context, o output) error {
	return c.change(ctx, o, "has no second factor any more.", func(s *identity.Service) error { return s.ResetMFA(ctx, system, c.Email) })
}
