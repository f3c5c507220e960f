// Command muster tells a company that runs microservices how secure they are. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"muster/internal/fault"
	"muster/internal/imports/model"
)

// version is set by the linker.
var version = "dev"

// The exit codes of the command line's contract.
const (
	exitDone        = 0
	exitNo          = 1 // the answer is "no"
	exitUnusable    = 2 // the input or the call is unusable; nothing was stored
	exitUnreachable = 3 // the server or database cannot be reached
	exitNotAllowed  = 4
)

// errNo is the answer "no", already printed.
var errNo = errors.New("no")

// commands is the whole command line.
type commands struct {
	Serve       serveCmd       `cmd:"" help:"Serve the web app."`
	Worker      workerCmd      `cmd:"" help:"Do what is planned and asked for, without serving pages."`
	Inspect     inspectCmd     `cmd:"" help:"Say what Muster makes of files, without a database."`
	Import      importCmd      `cmd:"" help:"Import files into a workspace."`
	Probe       probeCmd       `cmd:"" help:"Visit addresses as a stranger would and say what they offer."`
	Scan        scanCmd        `cmd:"" help:"Run a scan now and wait for its result."`
	Map         mapCmd         `cmd:"" help:"Say who can reach whom, and what falls if one service falls."`
	Migrate     migrateCmd     `cmd:"" help:"Bring the database's schema up to date, or show where it stands."`
	Backup      backupCmd      `cmd:"" help:"Write a backup of the embedded database while it is in use."`
	Restore     restoreCmd     `cmd:"" help:"Restore a backup into an empty data folder."`
	Verify      verifyCmd      `cmd:"" help:"Check the database and the activity log for damage and forgery."`
	Workspace   workspaceCmd   `cmd:"" help:"Workspaces, without the browser."`
	User        userCmd        `cmd:"" help:"People, without the browser."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
	Demo        demoCmd        `cmd:"" help:"Invent a company with a year behind it, ready to click."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running server whether it is well."`
}

// output is where commands write, so that tests can read it.
type output struct {
	out, err io.Writer
	in       io.Reader
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], output{out: os.Stdout, err: os.Stderr, in: os.Stdin})
	stop()
	os.Exit(code)
}

// run parses and runs one command line and gives its exit code.
func run(ctx context.Context, args []string, o output) int {
	var c commands
	left := -1 // set when kong answered by itself, as for --help
	parser, err := kong.New(&c, kong.Name("muster"), kong.Description("Do your services pass muster?"),
		kong.UsageOnError(), kong.Writers(o.out, o.err), kong.Exit(func(code int) { left = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(o))
	if err != nil {
		fmt.Fprintln(o.err, "muster:", err)
		return exitUnusable
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	line, err := parser.Parse(args)
	if left >= 0 {
		return left
	}
	if err != nil {
		fmt.Fprintln(o.err, "muster:", err)
		return exitUnusable
	}
	return report(o.err, line.Run())
}

// report says what went wrong in a sentence and chooses the exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errNo) {
		return exitNo
	}
	var bad *model.Error
	if errors.As(err, &bad) {
		fmt.Fprintln(w, "muster:", bad.Error())
		return exitUnusable
	}
	f, expected := fault.As(err)
	if !expected {
		fmt.Fprintln(w, "muster:", err)
		return exitUnusable
	}
	fmt.Fprintln(w, "muster:", f.Message)
	switch f.Kind {
	case fault.Unavailable:
		return exitUnreachable
	case fault.Forbidden, fault.Unauthenticated:
		return exitNotAllowed
	default:
		return exitUnusable
	}
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(o output) error {
	_, err := fmt.Fprintln(o.out, "muster", version)
	return err
}
