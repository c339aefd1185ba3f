// Package cli is the command line of vpnd, one file a command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"vpnd/internal/catalog"
	"vpnd/internal/cli/hostkey"
	"vpnd/internal/cli/importing"
	"vpnd/internal/cli/passphrase"
	"vpnd/internal/cli/view"
	"vpnd/internal/config/variables"
	"vpnd/internal/confirm"
	"vpnd/internal/transaction"
)

// Exit statuses, as vpnd(8) names them.
const (
	exitError      = 1
	exitPending    = 2 // plan --detailed-exitcode: configuration changes
	exitDrift      = 3 // plan --detailed-exitcode: drift only; drift: drift
	exitBoth       = 4 // plan --detailed-exitcode: both
	exitRolledBack = 5 // apply: undone
)

// status ends the command with an exit status; what there is to say was said.
type exitStatus int

// Error is never shown.
func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// Streams is where a command reads and writes: answers go to Out, talk to Err.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// Main runs vpnd with the arguments and streams of the process and returns its
// exit status.
func Main() int {
	seeSbin()
	leaveNoCore()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, os.Args[1:], Streams{os.Stdin, os.Stdout, os.Stderr})
}

func run(ctx context.Context, args []string, s Streams) int {
	return (&app{terminal: terminal{Streams: s}, kinds: catalog.New, systemd: confirm.Connect, env: environ()}).run(ctx, args)
}

// run runs one command and returns its exit status.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.commands()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, transaction.ErrTold):
		return exitError
	}
	_, _ = fmt.Fprintf(a.Err, "vpnd: %s%s\n", view.Printable(meant(err.Error())), wayUp(err))
	return exitError
}

// meant has the suggestions of the command line in one sentence, as all errors are.
func meant(said string) string {
	what, names, ok := strings.Cut(said, "\n\nDid you mean this?\n")
	if !ok {
		return said
	}
	return what + "; did you mean " + strings.Join(strings.Fields(names), " or ") + "?"
}

// wayUp is the way out where somebody else than root may not do something.
func wayUp(err error) string {
	if os.Geteuid() != 0 && errors.Is(err, fs.ErrPermission) {
		return "; run vpnd as root"
	}
	return ""
}

// environ takes the values of variables out of the environment and returns it
// as it was: they may be secrets, and every program that vpnd runs, with the
// scripts of packages among them, would inherit them.
func environ() []string {
	all := os.Environ()
	for _, setting := range all {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, variables.EnvPrefix) {
			_ = os.Unsetenv(name)
		}
	}
	return all
}

func (a *app) commands() *cobra.Command {
	root := &cobra.Command{
		Use:   "vpnd",
		Short: "Make a Linux host the VPN host that a file says, and keep it so",
		Long: `vpnd reads what a host shall be from HCL files, shows what would change
(vpnd plan), and makes it so (vpnd apply).`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			// A command ends before its garbage weighs anything; the daemon stays.
			if c.Name() != "daemon" && os.Getenv("GOGC") == "" {
				debug.SetGCPercent(200)
				a.garbage = spared
			}
			return a.ready()
		},
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	// No template, here or elsewhere: one would keep every exported method in
	// the binary, two megabytes of them.
	root.Version = Version
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; %s --help lists them", err, c.CommandPath())
	})
	a.flags(root)
	add(root, "The configuration:", a.initCommand(), importing.Command(a.importSession()), a.validateCommand(), a.fmtCommand(), a.explainCommand(), a.graphCommand(), hostkey.Command(func() hostkey.Streams {
		return hostkey.Streams{In: a.In, Out: a.Out, Err: a.Err, Terminal: isTerminal(a.In)}
	}))
	add(root, "The host:", a.planCommand(), a.applyCommand(), a.driftCommand(), a.confirmCommand(), a.rollbackCommand(), a.destroyCommand())
	add(root, "What vpnd knows:", a.statusCommand(), a.showCommand(), a.historyCommand(), a.forgetCommand(), a.backupCommand(), a.restoreCommand())
	add(root, "People:", a.clientCommand(), a.pkiCommand())
	add(root, "The agent:", a.daemonCommand())
	add(root, "Besides:", a.versionCommand())
	root.SetHelpCommandGroupID("Besides:")
	root.SetCompletionCommandGroupID("Besides:")
	return root
}

// add adds commands that help lists together.
func add(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID, c.Args = title, fitting(c.Args)
		root.AddCommand(c)
	}
}

// fitting tells how a command is written where its arguments don't fit.
func fitting(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case check == nil || check(c, args) == nil:
			return nil
		case len(args) == 0:
			return fmt.Errorf("something is missing: %s", c.UseLine())
		case c.Flags().Changed("passphrase"):
			return passphrase.ErrValue
		default:
			return fmt.Errorf("%q does not fit: %s", strings.Join(args, " "), c.UseLine())
		}
	}
}

// leaveNoCore has nobody find the keys that are in memory in a core dump, of vpnd and of
// what it runs. It is refused in the sandbox of the agent, whose unit says so itself.
func leaveNoCore() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }

// sbin is where the tools of root are. The PATH of a user who became root by su,
// or of a cron job, may lack it.
var sbin = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// seeSbin has vpnd, and what it runs, find the tools of root behind those that
// the PATH leads to.
func seeSbin() {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, dir := range sbin {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	_ = os.Setenv("PATH", strings.Join(dirs, string(filepath.ListSeparator)))
}

// Version is set when a release is built.
var Version = "0.1.0-dev"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run: func(*cobra.Command, []string) {
			_, _ = fmt.Fprintf(a.Out, "vpnd %s (%s, %s/%s)\n", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}
